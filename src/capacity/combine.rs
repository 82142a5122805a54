//! Step 5: one answer from the estimates that identify the capacity.
//!
//! **Formula.** Estimates whose intervals all overlap with that of the narrowest (or that differ by less than 2 %) are
//! averaged with weights 1/variance; the draws are averaged alike, so the interval of the answer follows. Where one does not
//! overlap, the smallest is the answer, and its interval reaches over all: a planner that believes too little is late to
//! save money, one that believes too much drops requests.
//!
//! **Assumes** that errors of the estimates are independent. **Source**: policies §6.2 step 5. **Fails** where all share one
//! error (a wrong CPU limit, rates that miss a part of the traffic).

use super::estimate::{Estimate, quantile, scale_of};
use super::outcome::{Candidate, IdentifiedBy};

/// Relative difference below which estimates agree whatever their intervals say.
const NEAR: f64 = 0.02;

/// One estimate of a replica's capacity with its draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// What identifies it.
    pub by: IdentifiedBy,
    /// The estimate.
    pub value: f64,
    /// The same of each resample.
    pub draws: Vec<f64>,
    /// Whether it may be part of the answer, or is only compared.
    pub counts: bool,
}

impl Drawn {
    /// Its interval.
    pub fn estimate(&self, confidence: f64) -> Estimate {
        Estimate::from_draws(self.value, &self.draws, confidence)
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Combined {
    /// The estimate with the largest weight, or the smallest where they disagree.
    pub by: IdentifiedBy,
    /// Requests per second of one replica.
    pub value: f64,
    /// The same of each resample.
    pub draws: Vec<f64>,
    /// All estimates with their weights, in the order given.
    pub candidates: Vec<Candidate>,
    /// Whether some estimate contradicts another.
    pub disagree: bool,
}

/// Combines; `None` where no estimate counts.
pub fn combine(drawn: &[Drawn], confidence: f64) -> Option<Combined> {
    let counted: Vec<&Drawn> = drawn.iter().filter(|one| one.counts && one.draws.len() > 1).collect();
    let narrowest = counted.iter().min_by(|a, b| deviation(a).total_cmp(&deviation(b)))?;
    let agrees = |one: &&&Drawn| {
        one.estimate(confidence).overlaps(&narrowest.estimate(confidence))
            || (one.value / narrowest.value - 1.0).abs() < NEAR
    };
    let disagree = !counted.iter().all(|one| agrees(&one));
    let weights: Vec<f64> = if disagree {
        let smallest = counted.iter().map(|one| one.value).fold(f64::INFINITY, f64::min);
        counted.iter().map(|one| f64::from(u8::from(one.value <= smallest))).collect()
    } else {
        counted.iter().map(|one| deviation(one).powi(-2)).collect()
    };
    let total: f64 = weights.iter().sum();
    let weights: Vec<f64> = weights.into_iter().map(|weight| weight / total).collect();
    let value = counted.iter().zip(&weights).map(|(one, weight)| one.value * weight).sum();
    let draws = if disagree { reaching_over_all(&counted) } else { averaged(&counted, &weights) };
    let heaviest = weights.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(at, _)| at);
    let by = counted[heaviest].by;
    let candidates = drawn.iter().map(|one| {
        let weight = counted.iter().position(|counted| counted.by == one.by).map_or(0.0, |at| weights[at]);
        Candidate { by: one.by, per_replica: one.estimate(confidence), weight: if one.counts { weight } else { 0.0 } }
    });
    Some(Combined { by, value, draws, candidates: candidates.collect(), disagree })
}

/// Robust, and never quite zero.
fn deviation(one: &Drawn) -> f64 {
    let width = (quantile(&one.draws, 0.84) - quantile(&one.draws, 0.16)) / 2.0;
    width.max(scale_of(&one.draws)).max(1e-6 * one.value.abs())
}

fn averaged(counted: &[&Drawn], weights: &[f64]) -> Vec<f64> {
    let length = counted.iter().map(|one| one.draws.len()).min().unwrap_or(0);
    (0..length).map(|at| counted.iter().zip(weights).map(|(one, weight)| one.draws[at] * weight).sum()).collect()
}

/// All draws of all: the interval holds every estimate that might be right.
fn reaching_over_all(counted: &[&Drawn]) -> Vec<f64> {
    counted.iter().flat_map(|one| one.draws.iter().copied()).collect()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::super::outcome::IdentifiedBy::{Cpu, Latency};
    use super::{Drawn, combine};

    fn drawn(by: super::IdentifiedBy, value: f64, spread: f64) -> Drawn {
        let draws = (0..101).map(|at| value + spread * (f64::from(at) / 50.0 - 1.0)).collect();
        Drawn { by, value, draws, counts: true }
    }

    /// Spreads of 1 and 2 weigh 4 : 1, so 30 and 31 give 30.2.
    #[test]
    fn estimates_that_agree_are_weighted_by_their_precision() {
        let combined = combine(&[drawn(Cpu, 30.0, 1.0), drawn(Latency, 31.0, 2.0)], 0.9).expect("two count");
        assert!((combined.value - 30.2).abs() < 1e-9 && !combined.disagree);
        assert_eq!(combined.by, Cpu);
    }

    #[test]
    fn of_estimates_that_disagree_the_smallest_counts_and_the_interval_reaches_over_all() {
        let combined = combine(&[drawn(Cpu, 30.0, 1.0), drawn(Latency, 20.0, 2.0)], 0.9).expect("two count");
        assert!(combined.disagree && combined.value == 20.0 && combined.by == Latency);
        let interval = super::Estimate::from_draws(combined.value, &combined.draws, 0.9);
        assert!(interval.covers(30.0) && interval.covers(19.0));
    }

    #[test]
    fn what_is_only_compared_has_no_weight() {
        let compared = Drawn { counts: false, ..drawn(Latency, 10.0, 0.1) };
        let combined = combine(&[drawn(Cpu, 30.0, 1.0), compared.clone()], 0.9).expect("one counts");
        assert!((combined.value - 30.0).abs() < 1e-12 && combined.candidates[1].weight == 0.0);
        assert!(combine(&[compared], 0.9).is_none());
    }
}
