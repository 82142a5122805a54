//! `--method ols`: the plain regression as an answer, for comparison, with its warning on every result.

use super::answer::Answer;
use super::clean::Cleaned;
use super::drift::DriftVerdict;
use super::estimate::Estimate;
use super::load_test::{R_SQUARED_MIN, counts};
use super::observations::{Regime, Series};
use super::options::Options;
use super::outcome::{Fitted, IdentifiedBy, Note, Outcome, Refusal, Scope};
use super::refuse;
use super::regression::{Line, WARNING, ordinary};
use super::shape::Model;
use crate::units::Time;
use rand_distr::{Distribution, StandardNormal};

/// Fits the line to all used buckets.
pub fn fit(series: &Series, cleaned: &mut Cleaned, options: &Options) -> Outcome {
    let buckets = &cleaned.buckets;
    let used = buckets.used();
    let wanted = if series.regime == Regime::Saturated { 2 } else { options.points_min };
    if used.len() < wanted {
        return Outcome::Refused(refuse::too_few(buckets, used.len(), wanted));
    }
    let points: Vec<(f64, f64)> = used.iter().map(|at| (buckets.replicas[*at], buckets.rate[*at])).collect();
    let Some(line) = ordinary(&points) else {
        let reason = format!("replicas are {} throughout: a line has no slope", points[0].0);
        let would_help = vec!["samples at two or more counts of replicas".to_owned()];
        return Outcome::Refused(Refusal { code: "constant_replicas", reason, would_help });
    };
    let answer = Answer { draws: draws(&points, &line, options), model: Model::Linear(line) };
    let levels = counts(buckets, &used);
    let Some((capacity, capacity_low)) = answer.capacities(&levels, options) else {
        return Outcome::Refused(refuse::too_few(buckets, used.len(), wanted));
    };
    cleaned.notes.push(Note { code: "plain_regression", message: WARNING.to_owned() });
    if line.r_squared < R_SQUARED_MIN {
        let message = format!("replicas explain {:.0} % of the variance of throughput", 100.0 * line.r_squared);
        cleaned.notes.push(Note { code: "low_r_squared", message });
    }
    let at_one: Vec<f64> =
        answer.draws.iter().filter_map(|draw| draw.coefficients().first().map(|pair| pair.1)).collect();
    let time = |at: usize| Time(buckets.at[at]);
    Outcome::Fitted(Box::new(Fitted {
        identified_by: if series.regime == Regime::Saturated {
            IdentifiedBy::Saturation
        } else {
            IdentifiedBy::Assumed
        },
        capacity,
        capacity_low,
        coefficients: answer.coefficients(options.confidence),
        per_replica: Estimate::from_draws(line.alpha, &at_one, options.confidence),
        levels: answer.levels(&levels, options.confidence),
        scope: Scope::Class,
        version: series.versions.last().cloned(),
        span: (time(used[0]), time(used[used.len() - 1])),
        candidates: Vec::new(),
        demand: None,
        ceiling: None,
        latency: None,
        shape: None,
        r_squared: line.r_squared,
        validation: None,
        drift: DriftVerdict::untested(),
    }))
}

/// Lines from the normal law of the coefficients: slope and height at the mean are independent.
fn draws(points: &[(f64, f64)], line: &Line, options: &Options) -> Vec<Model> {
    let count = points.len() as f64;
    let mean = points.iter().map(|point| point.0).sum::<f64>() / count;
    let spread: f64 = points.iter().map(|point| (point.0 - mean).powi(2)).sum();
    let rest: f64 = points.iter().map(|point| (point.1 - line.alpha * point.0 - line.beta).powi(2)).sum();
    let variance = rest / (count - 2.0).max(1.0);
    let mut stream = options.seed.stream("capacity_ols", points.len() as u64);
    let mut normal = || -> f64 { StandardNormal.sample(&mut stream) };
    (0..options.resamples)
        .map(|_| {
            let alpha = line.alpha + (variance / spread).sqrt() * normal();
            let height = line.alpha * mean + line.beta + (variance / count).sqrt() * normal();
            Model::Linear(Line { alpha, beta: height - alpha * mean, r_squared: line.r_squared })
        })
        .collect()
}
