//! stub
use super::estimate::Estimate;
use serde::Serialize;

/// A shape of the capacity as a function of replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// `alpha · r`.
    Proportional,
    /// `alpha · r + beta`.
    Linear,
    /// Universal Scalability Law.
    Usl,
    /// Concave and piecewise linear; reported, never emitted: a planner extrapolates and it cannot.
    Concave,
}

/// How well one shape predicts levels that were held out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShapeScore {
    /// The shape.
    pub shape: Shape,
    /// Mean relative error over the held-out levels.
    pub error: f64,
    /// Its standard error.
    pub standard_error: f64,
}

/// The comparison of shapes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShapeReport {
    /// The chosen one: the simplest within one standard error of the best.
    pub chosen: Shape,
    /// Every shape that could be tried.
    pub scores: Vec<ShapeScore>,
    /// Capacity by level as it was measured, with the count of replicas.
    pub measured: Vec<(f64, f64)>,
    /// Share of the variance that a straight line explains.
    pub r_squared_linear: f64,
    /// Replicas beyond which the USL falls, where it is the chosen shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<Estimate>,
}
