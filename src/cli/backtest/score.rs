//! How well a capacity model predicts what came after: the figures of a back test.
//!
//! Samples are cleaned into buckets as for a fit; those after the training part are predicted from their own load. With
//! `p` predicted and `o` observed: MAPE is the mean of |p − o|/o, bias the mean of (p − o)/o, coverage the share of `o`
//! inside the interval. Replicas are predicted as the fewest whose capacity carries the rate at the utilisation of capacity
//! that was usual (the median) in the training part: so a scaler's headroom is learnt from what it did. A sample that was
//! saturated although the rate was below 90 % of the capacity is a saturation that the model missed; one that was not
//! although the rate was above the capacity, a false alarm.

use crate::capacity::clean::{Buckets, clean};
use crate::capacity::estimate::median;
use crate::capacity::outcome::Standing;
use crate::capacity::{Fitted, Options, Series, saturation};
use crate::model::Capacity;
use crate::units::{Rate, Ratio, Time};
use serde::Serialize;

/// Below this share of the capacity nothing should be saturated.
const SURELY_BELOW: f64 = 0.9;
/// More replicas than any service has.
const REPLICAS_MAX: u32 = 100_000;

/// How far predictions were off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Errors {
    /// Samples compared.
    pub samples: usize,
    /// Mean absolute error, relative to what was observed.
    pub mape: f64,
    /// Mean error, relative to what was observed; positive where too much was predicted.
    pub bias: f64,
    /// Share inside the interval; absent where predictions have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
}

/// The figures of one service on one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Buckets before the split, and after it.
    pub trained: usize,
    /// Buckets that were predicted.
    pub tested: usize,
    /// When the test part begins.
    pub from: Time,
    /// CPU of all replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Errors>,
    /// Latency that was fitted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<Errors>,
    /// Ready replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Errors>,
    /// Test samples that were saturated.
    pub saturated: usize,
    /// Of these, those that the model holds for impossible.
    pub saturation_missed: usize,
    /// Test samples above the capacity that were not saturated.
    pub false_alarms: usize,
}

/// Scores a model on the samples after the first `train` (a share of the used buckets); `None` where none are left.
pub fn score(series: &Series, fitted: &Fitted, train: f64, options: &Options) -> Option<Score> {
    let mut cleaned = clean(series, options).ok()?;
    saturation::mark(&mut cleaned.buckets);
    let buckets = &cleaned.buckets;
    let used = buckets.used();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let split = (used.len() as f64 * train).round() as usize;
    let (before, after) = used.split_at(split.min(used.len()));
    let first = *after.first()?;
    let is_saturated = |at: &usize| buckets.standing[*at] == Standing::Saturated;
    let load = |at: &usize| buckets.rate[*at] / capacity_at(&fitted.capacity, buckets.replicas[*at]);
    let saturated = after.iter().filter(|at| is_saturated(at)).count();
    Some(Score {
        trained: before.len(),
        tested: after.len(),
        from: Time(buckets.at[first]),
        cpu: errors(after.iter().filter_map(|at| {
            let predicted = fitted.cpu(buckets.rate[*at], buckets.replicas[*at])?;
            Some((buckets.cpu[*at], predicted.value, Some((predicted.low, predicted.high))))
        })),
        latency: errors(after.iter().filter(|at| !is_saturated(at)).filter_map(|at| {
            let fits = fitted.latency.as_ref().map(|latency| latency.column) == cleaned.latency_column;
            let predicted = fitted.latency(buckets.rate[*at], buckets.replicas[*at]).filter(|_| fits)?;
            Some((buckets.latency[*at], predicted, None))
        })),
        replicas: replicas(buckets, (before, after), fitted),
        saturated,
        saturation_missed: after.iter().filter(|at| is_saturated(at) && load(at) < SURELY_BELOW).count(),
        false_alarms: after.iter().filter(|at| !is_saturated(at) && load(at) > 1.0).count(),
    })
}

/// Replicas, for a count that need not be whole.
fn capacity_at(capacity: &Capacity, replicas: f64) -> f64 {
    match *capacity {
        Capacity::Linear { alpha, beta } => alpha * replicas + beta,
        Capacity::Usl { gamma, sigma, kappa } => {
            gamma * replicas / (1.0 + sigma * (replicas - 1.0) + kappa * replicas * (replicas - 1.0))
        }
    }
}

fn replicas(buckets: &Buckets, (before, after): (&[usize], &[usize]), fitted: &Fitted) -> Option<Errors> {
    let load = |at: &usize| buckets.rate[*at] / capacity_at(&fitted.capacity, buckets.replicas[*at]);
    let usual = median(&before.iter().map(load).filter(|load| load.is_finite()).collect::<Vec<_>>());
    if usual.is_nan() || usual <= 0.0 {
        return None;
    }
    errors(after.iter().filter_map(|at| {
        let wanted = Rate::from_per_second(buckets.rate[*at] / usual);
        let predicted = fitted.capacity.replicas_for(wanted, Ratio::ONE, REPLICAS_MAX)?;
        Some((buckets.replicas[*at], f64::from(predicted), None))
    }))
}

/// Observed, predicted, interval.
type Pair = (f64, f64, Option<(f64, f64)>);

fn errors(pairs: impl Iterator<Item = Pair>) -> Option<Errors> {
    let known = |(observed, predicted, _): &Pair| observed.is_finite() && *observed > 0.0 && predicted.is_finite();
    let pairs: Vec<Pair> = pairs.filter(known).collect();
    if pairs.is_empty() {
        return None;
    }
    let mean = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let has_interval = pairs.iter().all(|(_, _, interval)| interval.is_some());
    let inside =
        |(observed, _, interval): &Pair| interval.is_some_and(|(low, high)| (low..=high).contains(observed)).into();
    Some(Errors {
        samples: pairs.len(),
        mape: mean(&|(observed, predicted, _)| (predicted - observed).abs() / observed),
        bias: mean(&|(observed, predicted, _)| (predicted - observed) / observed),
        coverage: has_interval.then(|| mean(&inside)),
    })
}

#[cfg(test)]
mod tests {
    use super::errors;

    /// 11 for 10 and 18 for 20: errors +10 % and −10 %; the second lies outside 17..19.
    #[test]
    fn errors_are_relative_to_what_was_observed() {
        let pairs = [(10.0, 11.0, Some((9.0, 12.0))), (20.0, 18.0, Some((17.0, 19.0))), (0.0, 1.0, None)];
        let errors = errors(pairs.into_iter()).unwrap();
        assert!((errors.mape - 0.1).abs() < 1e-12 && errors.bias.abs() < 1e-12);
        assert_eq!((errors.samples, errors.coverage), (2, Some(0.5)));
    }
}
