//! How well a capacity model predicts what came after: the figures of a back test, and the samples behind them.
//!
//! Samples are cleaned into buckets as for a fit; those after the training part are predicted from their own load. With
//! `p` predicted and `o` observed: MAPE is the mean of |p − o|/o, bias the mean of (p − o)/o, coverage the share of `o`
//! inside the 90 % interval. Replicas are predicted as the fewest whose capacity carries the rate at the utilisation of capacity
//! that was usual (the median) in the training part: so a scaler's headroom is learnt from what it did; their interval is that
//! of the utilisations between the 5th and the 95th percentile. A sample that was saturated although the rate was below 90 %
//! of the capacity is a saturation that the model missed; one that was not although the rate was above the capacity, a false
//! alarm.

use crate::capacity::clean::{Buckets, Cleaned, clean};
use crate::capacity::departure::{self, Departure};
use crate::capacity::estimate::quantile;
use crate::capacity::outcome::Standing;
use crate::capacity::{Estimate, Fitted, Options, Series, saturation};
use crate::model::Capacity;
use crate::units::{Rate, Ratio, Time};
use serde::Serialize;

/// Below this share of the capacity nothing should be saturated.
pub const SURELY_BELOW: f64 = 0.9;
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
    /// Share inside the interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coverage: Option<f64>,
}

/// A difference that counts as none, relative to what was predicted: where nothing scatters, as in a simulation, the interval
/// is as narrow as the rounding of the machine, and says nothing.
const EXACT: f64 = 1e-4;

/// The figures of one service on one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Buckets before the split.
    pub trained: usize,
    /// Buckets that were predicted.
    pub tested: usize,
    /// When the test part begins.
    pub from: Time,
    /// When its last bucket begins.
    pub to: Time,
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

/// What was recorded of something, and what the model says; NaN where either is not known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// What was recorded.
    pub recorded: f64,
    /// What was predicted, with its 90 % interval.
    pub predicted: Estimate,
}

impl Pair {
    const UNKNOWN: Self = Self { recorded: f64::NAN, predicted: Estimate::exact(f64::NAN) };

    fn new(recorded: f64, predicted: Option<Estimate>) -> Self {
        Self { recorded, predicted: predicted.unwrap_or(Self::UNKNOWN.predicted) }
    }
}

/// A bucket that was used, before the split or after it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When it begins.
    pub at: Time,
    /// Whether it comes after the training part.
    pub is_tested: bool,
    /// Whether it was taken at saturation.
    pub is_saturated: bool,
    /// Its rate over the capacity of its replicas.
    pub load: f64,
    /// CPU of all replicas in cores.
    pub cpu: Pair,
    /// Latency in seconds.
    pub latency: Pair,
    /// Ready replicas.
    pub replicas: Pair,
}

/// A model on the samples of one service.
#[derive(Debug, Clone)]
pub struct Scored {
    /// The figures.
    pub score: Score,
    /// All used buckets, in order of time.
    pub samples: Vec<Sample>,
    /// The column of the latency that was predicted.
    pub latency_column: Option<&'static str>,
    /// Whether the test part departs from the model.
    pub departure: Departure,
}

/// Scores a model on the samples after the training part (a share of the used buckets); `None` where none are left.
pub fn score(series: &Series, fitted: &Fitted, options: &Options) -> Option<Scored> {
    let mut cleaned = clean(series, options).ok()?;
    saturation::mark(&mut cleaned.buckets);
    let used = cleaned.buckets.used();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let split = (used.len() as f64 * options.train).round() as usize;
    let (before, after) = used.split_at(split.min(used.len()));
    let first = *after.first()?;
    let usual = Usual::of(&cleaned.buckets, before, fitted);
    let samples: Vec<Sample> =
        used.iter().map(|at| Sample { is_tested: *at >= first, ..sample(&cleaned, *at, fitted, usual) }).collect();
    let tested = &samples[before.len()..];
    let count = |which: fn(&Sample) -> bool| tested.iter().filter(|sample| which(sample)).count();
    let score = Score {
        trained: before.len(),
        tested: tested.len(),
        from: tested[0].at,
        to: tested[tested.len() - 1].at,
        cpu: errors(tested.iter().map(|sample| sample.cpu)),
        latency: errors(tested.iter().filter(|sample| !sample.is_saturated).map(|sample| sample.latency)),
        replicas: errors(tested.iter().map(|sample| sample.replicas)),
        saturated: count(|sample| sample.is_saturated),
        saturation_missed: count(|sample| sample.is_saturated && sample.load < SURELY_BELOW),
        false_alarms: count(|sample| !sample.is_saturated && sample.load > 1.0),
    };
    let departure = departure::test(&cleaned.buckets, (before, after), fitted, options);
    let latency_column = cleaned.latency_column.filter(|_| score.latency.is_some());
    Some(Scored { score, samples, latency_column, departure })
}

fn sample(cleaned: &Cleaned, at: usize, fitted: &Fitted, usual: Option<Usual>) -> Sample {
    let buckets = &cleaned.buckets;
    let (rate, replicas) = (buckets.rate[at], buckets.replicas[at]);
    let fits = fitted.latency.as_ref().map(|latency| latency.column) == cleaned.latency_column;
    Sample {
        at: Time(buckets.at[at]),
        is_tested: true,
        is_saturated: buckets.standing[at] == Standing::Saturated,
        load: fitted.load(rate, replicas),
        cpu: Pair::new(buckets.cpu[at], fitted.cpu(rate, replicas)),
        latency: Pair::new(buckets.latency[at], fitted.latency_interval(rate, replicas).filter(|_| fits)),
        replicas: Pair::new(replicas, usual.and_then(|usual| usual.replicas(&fitted.capacity, rate))),
    }
}

/// Utilisations of capacity that a scaler kept: the median, and the 5th and 95th percentile.
#[derive(Debug, Clone, Copy)]
struct Usual {
    median: f64,
    low: f64,
    high: f64,
}

impl Usual {
    fn of(buckets: &Buckets, before: &[usize], fitted: &Fitted) -> Option<Self> {
        let load = |at: &usize| fitted.load(buckets.rate[*at], buckets.replicas[*at]);
        let loads: Vec<f64> = before.iter().map(load).filter(|load| load.is_finite() && *load > 0.0).collect();
        let at = |share: f64| quantile(&loads, share);
        (!loads.is_empty()).then(|| Self { median: at(0.5), low: at(0.05), high: at(0.95) })
    }

    fn replicas(self, capacity: &Capacity, rate: f64) -> Option<Estimate> {
        let at = |load: f64| {
            let wanted = Rate::from_per_second(rate / load);
            capacity.replicas_for(wanted, Ratio::ONE, REPLICAS_MAX).map(f64::from)
        };
        Some(Estimate { value: at(self.median)?, low: at(self.high)?, high: at(self.low)? })
    }
}

fn errors(pairs: impl Iterator<Item = Pair>) -> Option<Errors> {
    let known = |pair: &Pair| pair.recorded.is_finite() && pair.recorded > 0.0 && pair.predicted.value.is_finite();
    let pairs: Vec<Pair> = pairs.filter(known).collect();
    if pairs.is_empty() {
        return None;
    }
    let mean = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let error = |pair: &Pair| (pair.predicted.value - pair.recorded) / pair.recorded;
    let has_interval = pairs.iter().all(|pair| pair.predicted.low.is_finite() && pair.predicted.high.is_finite());
    let inside = |pair: &Pair| {
        let Estimate { value, low, high } = pair.predicted;
        let is_inside = (low..=high).contains(&pair.recorded) || (pair.recorded - value).abs() <= EXACT * value;
        f64::from(u8::from(is_inside))
    };
    Some(Errors {
        samples: pairs.len(),
        mape: mean(&|pair| error(pair).abs()),
        bias: mean(&error),
        coverage: has_interval.then(|| mean(&inside)),
    })
}

#[cfg(test)]
mod tests {
    use super::{Estimate, Pair, errors};

    /// 11 for 10 and 18 for 20: errors +10 % and −10 %; the second lies outside 17..19. Nothing is relative to zero.
    #[test]
    fn errors_are_relative_to_what_was_observed() {
        let pair =
            |recorded: f64, [value, low, high]: [f64; 3]| Pair { recorded, predicted: Estimate { value, low, high } };
        let pairs = [pair(10.0, [11.0, 9.0, 12.0]), pair(20.0, [18.0, 17.0, 19.0]), pair(0.0, [1.0, 0.5, 2.0])];
        let errors = errors(pairs.into_iter()).unwrap();
        assert!((errors.mape - 0.1).abs() < 1e-12 && errors.bias.abs() < 1e-12);
        assert_eq!((errors.samples, errors.coverage), (2, Some(0.5)));
        let exact = super::errors([pair(1.0, [1.0 + 1e-12; 3]), pair(1.0, [1.01; 3])].into_iter()).unwrap();
        assert_eq!(exact.coverage, Some(0.5), "an interval of no width holds what is exact");
    }
}
