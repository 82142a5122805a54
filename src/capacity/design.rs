//! stub
use serde::Serialize;

/// One experiment of a plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Experiment {
    /// Ready replicas to hold.
    pub replicas: u32,
    /// Requests per second to offer.
    pub rate: f64,
    /// Minutes to hold it.
    pub minutes: u32,
    /// Whether it must reach saturation.
    pub saturating: bool,
    /// Half-width of the interval of one replica's capacity, relative, once this and the ones before were measured.
    pub half_width: f64,
    /// Why this one.
    pub why: String,
}
/// What to measure next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// Relative half-width now; infinite where capacity is not identified.
    pub half_width_now: f64,
    /// In the order in which they help most.
    pub experiments: Vec<Experiment>,
}
