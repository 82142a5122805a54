//! Step 4: how capacity grows with replicas: proportional, with an intercept, or by the Universal Scalability Law.
//!
//! **Formula.** Each shape is fitted with one level of replicas left out and predicts it; the score is the mean of
//! |predicted/measured − 1| over the levels. The simplest within one standard error of the best is taken. An intercept
//! needs three levels that span a factor of three, the USL four that span a factor of four. A concave curve is scored
//! too, as a reference that is never emitted. Levels that are too few to tell are proportional, unless a replica serves less by
//! more than [`FALL_MIN`] at the largest than at the smallest: then it is the line, whose intercept is positive. The opposite,
//! replicas that serve more where there are more of them, is taken for noise.
//!
//! **Assumes** levels that were measured at saturation. **Source**: policies §6.2 step 4; Breiman et al. 1984 for the rule of
//! one standard error. **Fails** for two or three levels: their standard error is so large that the simplest wins, which
//! is what one should believe then.

use super::concave;
use super::estimate::Estimate;
use super::regression::{Line, ordinary};
use super::theil_sen;
use super::usl::{self, Usl};
use crate::model::capacity::Capacity;
use serde::Serialize;

/// Points from which a line is that of Theil and Sen.
const ROBUST_MIN: usize = 8;
/// Fall of the throughput of one replica, from the smallest level to the largest, that is no noise of a load test.
pub const FALL_MIN: f64 = 0.05;
/// Levels that are left out one by one; beyond that, neighbours are left out together.
const FOLDS_MAX: usize = 40;

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

/// A shape with its coefficients.
#[derive(Debug, Clone, PartialEq)]
pub enum Model {
    /// `alpha · r`.
    Proportional(f64),
    /// `alpha · r + beta`.
    Linear(Line),
    /// The law.
    Usl(Usl),
    /// Corners of a concave curve.
    Concave(Vec<(f64, f64)>),
}

impl Model {
    /// Throughput of `replicas`.
    pub fn at(&self, replicas: f64) -> f64 {
        match self {
            Self::Proportional(alpha) => alpha * replicas,
            Self::Linear(line) => line.alpha * replicas + line.beta,
            Self::Usl(usl) => usl.at(replicas),
            Self::Concave(corners) => concave::at(corners, replicas),
        }
    }

    /// For a planner; a concave curve has none.
    pub const fn capacity(&self) -> Option<Capacity> {
        match self {
            Self::Proportional(alpha) => Some(Capacity::Linear { alpha: *alpha, beta: 0.0 }),
            Self::Linear(line) => Some(Capacity::Linear { alpha: line.alpha, beta: line.beta }),
            Self::Usl(usl) => Some(usl.capacity()),
            Self::Concave(_) => None,
        }
    }

    /// Names and values of the coefficients.
    pub fn coefficients(&self) -> Vec<(&'static str, f64)> {
        match self {
            Self::Proportional(alpha) => vec![("alpha", *alpha), ("beta", 0.0)],
            Self::Linear(line) => vec![("alpha", line.alpha), ("beta", line.beta)],
            Self::Usl(usl) => vec![("gamma", usl.gamma), ("sigma", usl.sigma), ("kappa", usl.kappa)],
            Self::Concave(_) => Vec::new(),
        }
    }
}

impl Shape {
    /// Fits this shape to `(replicas, throughput)`; `None` where the levels do not suffice.
    pub fn fit(self, points: &[(f64, f64)]) -> Option<Model> {
        match self {
            Self::Proportional => proportional(points).map(Model::Proportional),
            // Of few points the median of slopes is that of one pair.
            Self::Linear if points.len() < ROBUST_MIN => ordinary(points).map(Model::Linear),
            Self::Linear => theil_sen::line(points).map(Model::Linear),
            Self::Usl => usl::fit(points).map(Model::Usl),
            Self::Concave => (points.len() > 1).then(|| Model::Concave(concave::corners(points))),
        }
    }

    /// Whether the levels suffice to choose it.
    fn suffices(self, points: &[(f64, f64)]) -> bool {
        let levels = distinct(points);
        let span = levels.last().copied().unwrap_or(0.0) / levels.first().copied().unwrap_or(1.0);
        match self {
            Self::Proportional => !levels.is_empty(),
            Self::Linear | Self::Concave => levels.len() >= 3 && span >= 3.0,
            Self::Usl => usl::suffices(points),
        }
    }
}

/// The proportional fit with the least relative squares: the mean of x/r, where errors grow with the throughput.
fn proportional(points: &[(f64, f64)]) -> Option<f64> {
    let known = points.iter().filter(|point| point.0 > 0.0);
    let (sum, count) = known.fold((0.0, 0.0), |(sum, count), point| (sum + point.1 / point.0, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// Levels, ascending, each once.
pub fn distinct(points: &[(f64, f64)]) -> Vec<f64> {
    let mut levels: Vec<f64> = points.iter().map(|point| point.0).collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup();
    levels
}

/// Compares the shapes on capacities by level and fits the chosen one; `None` for no points.
pub fn choose(points: &[(f64, f64)]) -> Option<(Model, ShapeReport)> {
    let shapes = [Shape::Proportional, Shape::Linear, Shape::Usl, Shape::Concave];
    let scores: Vec<ShapeScore> =
        shapes.into_iter().filter(|shape| shape.suffices(points)).filter_map(|shape| score(shape, points)).collect();
    let emitted = || scores.iter().filter(|score| score.shape != Shape::Concave);
    let best = emitted().min_by(|a, b| a.error.total_cmp(&b.error));
    let chosen = best.and_then(|best| emitted().find(|score| score.error <= best.error + best.standard_error));
    let untold = !Shape::Linear.suffices(points) && falls(points);
    let chosen = if untold { Shape::Linear } else { chosen.map_or(Shape::Proportional, |score| score.shape) };
    let model = chosen.fit(points)?;
    let r_squared_linear = ordinary(points).map_or(f64::NAN, |line| line.r_squared);
    Some((model, ShapeReport { chosen, scores, measured: points.to_vec(), r_squared_linear, peak: None }))
}

/// Whether a replica serves less at the largest level than at the smallest, beyond noise, and the line says so too.
fn falls(points: &[(f64, f64)]) -> bool {
    let levels = distinct(points);
    let [first, .., last] = levels[..] else { return false };
    let each = |level: f64| {
        let here: Vec<(f64, f64)> =
            points.iter().filter(|point| (point.0 - level).abs() < f64::EPSILON).copied().collect();
        proportional(&here).unwrap_or(f64::NAN)
    };
    let rises = |line: &Line| line.alpha >= 0.0 && line.beta > 0.0;
    each(last) < (1.0 - FALL_MIN) * each(first) && ordinary(points).is_some_and(|line| rises(&line))
}

/// Leaves one level out at a time; `None` where the rest does not suffice to fit.
fn score(shape: Shape, points: &[(f64, f64)]) -> Option<ShapeScore> {
    let levels = distinct(points);
    if levels.len() < 2 {
        return None;
    }
    let fold = levels.len().div_ceil(FOLDS_MAX);
    let mut errors = Vec::new();
    for out in levels.chunks(fold) {
        let is_out = |point: &&(f64, f64)| out.contains(&point.0);
        let rest: Vec<(f64, f64)> = points.iter().filter(|point| !is_out(point)).copied().collect();
        let model = shape.fit(&rest)?;
        let held: Vec<f64> =
            points.iter().filter(is_out).map(|point| (model.at(point.0) / point.1 - 1.0).abs()).collect();
        errors.push(held.iter().sum::<f64>() / held.len() as f64);
    }
    let count = errors.len() as f64;
    let error = errors.iter().sum::<f64>() / count;
    let variance = errors.iter().map(|each| (each - error).powi(2)).sum::<f64>() / (count - 1.0);
    error.is_finite().then(|| ShapeScore { shape, error, standard_error: (variance / count).sqrt() })
}

#[cfg(test)]
mod tests {
    use super::{Shape, choose};
    use crate::capacity::usl::Usl;

    #[test]
    fn the_simplest_shape_that_predicts_is_chosen() {
        let wiggle = |at: i32| 1.0 + 0.01 * f64::from(at * 7 % 5 - 2);
        let of = |model: &dyn Fn(f64) -> f64| {
            let points: Vec<(f64, f64)> = (1..=12).map(|r| (f64::from(r), model(f64::from(r)) * wiggle(r))).collect();
            choose(&points).expect("points").1.chosen
        };
        assert_eq!(of(&|r| 30.0 * r), Shape::Proportional);
        assert_eq!(of(&|r| 33.0 * r - 16.0), Shape::Linear);
        let law = Usl { gamma: 100.0, sigma: 0.05, kappa: 0.005 };
        assert_eq!(of(&|r| law.at(r)), Shape::Usl);
    }

    #[test]
    fn two_levels_give_no_intercept() {
        let (model, report) = choose(&[(2.0, 50.0), (3.0, 90.0)]).expect("points");
        assert_eq!(report.chosen, Shape::Proportional);
        assert!((model.at(1.0) - 27.5).abs() < 1e-12);
    }

    /// 60 at one replica and 100 at two: 50 each is 17 % less, so 40·r + 20. 60 and 116 differ by 3 %, which is noise: 59·r.
    #[test]
    fn two_levels_where_replicas_serve_less_give_a_line_and_noise_gives_none() {
        let (model, report) = choose(&[(1.0, 60.0), (2.0, 100.0)]).expect("points");
        assert_eq!(report.chosen, Shape::Linear);
        assert!((model.at(3.0) - 140.0).abs() < 1e-9);
        let (model, report) = choose(&[(1.0, 60.0), (2.0, 116.0)]).expect("points");
        assert_eq!(report.chosen, Shape::Proportional);
        assert!((model.at(2.0) - 118.0).abs() < 1e-9);
    }
}
