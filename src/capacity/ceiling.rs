//! The share of its CPU limit that a service can really use.
//!
//! **Formula.** In this order: the share that was given; the median utilisation of the samples on the plateau of saturation
//! (five or more); the utilisation at which throttling sets in, if that is above 60 % (below, bursts are throttled and the
//! mean says nothing); what other services on the same class showed; else 0.9 ± 0.05, marked as assumed.
//!
//! **Assumes** that CPU is what runs out. **Source**: policies §6.2 step 1; the reference takes the 98th percentile of
//! utilisation at saturation, which noise pushes above the plateau: with the plateau's samples alone, the median is right.
//! **Fails** for a service that waits for locks or for others: it saturates far below its limit, which only saturated
//! samples show.

use super::bootstrap::{Blocks, spread};
use super::clean::Buckets;
use super::estimate::{Estimate, median, quantile};
use super::options::Context;
use super::saturation::plateau;
use crate::seed::Stream;
use rand::RngExt;
use rand_distr::{Distribution, Normal};
use serde::Serialize;

/// Samples on the plateau needed.
const POINTS_MIN: usize = 5;
/// Samples that are drawn together.
const RUN: usize = 3;
/// Throttling below this utilisation is that of bursts.
const ONSET_MIN: f64 = 0.6;
/// The assumed share and its standard deviation.
pub const ASSUMED: (f64, f64) = (0.9, 0.05);

/// How the ceiling is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingSource {
    /// It was given.
    Known,
    /// Utilisation of the samples at saturation.
    Saturated,
    /// Utilisation at which throttling sets in.
    Throttling,
    /// Other services on the same class.
    Fleet,
    /// 0.9 ± 0.05, assumed.
    Assumed,
}

/// The share of the CPU limit that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ceiling {
    /// The share.
    #[serde(flatten)]
    pub share: Estimate,
    /// How it is known.
    pub source: CeilingSource,
    /// CPU limit of one replica, in cores.
    pub limit: f64,
}

/// A ceiling with its resamples.
#[derive(Debug, Clone)]
pub struct CeilingFit {
    /// The share, its source and the limit.
    pub ceiling: Ceiling,
    /// The share in each resample.
    pub draws: Vec<f64>,
}

/// The ceiling of the buckets `at`; `None` where no limit
/// was observed.
pub fn estimate(buckets: &Buckets, at: &[usize], context: &Context<'_>) -> Option<CeilingFit> {
    let Context { options, entity, fleet } = *context;
    let limit = latest_limit(buckets, at)?;
    let make = |value: f64, draws: Vec<f64>, source: CeilingSource| {
        let share = Estimate::from_draws(value, &draws, options.confidence);
        CeilingFit { ceiling: Ceiling { share, source, limit }, draws }
    };
    if let Some(known) = options.ceiling {
        return Some(make(known, vec![known; options.resamples], CeilingSource::Known));
    }
    let mut stream = options.seed.stream("capacity_ceiling", entity);
    let used: Vec<f64> =
        plateau(buckets, at).iter().map(|at| buckets.utilisation(*at)).filter(|share| share.is_finite()).collect();
    if used.len() >= POINTS_MIN {
        let value = median(&used);
        let mut draws: Vec<f64> = (0..options.resamples).map(|_| median(&drawn(&used, &mut stream))).collect();
        let freedom = Blocks { samples: used.len(), cell: 1, cells_per_block: 1 };
        spread(&mut draws, value, freedom.spread());
        return Some(make(value, draws, CeilingSource::Saturated));
    }
    let mut around = |(mean, deviation): (f64, f64)| -> Vec<f64> {
        let Ok(law) = Normal::new(mean, deviation) else { return vec![mean; options.resamples] };
        (0..options.resamples).map(|_| law.sample(&mut stream).clamp(0.3, 1.0)).collect()
    };
    if let Some(onset) = throttling_onset(buckets, at) {
        return Some(make(onset, around((onset, 0.02)), CeilingSource::Throttling));
    }
    let (prior, source) = fleet.map_or((ASSUMED, CeilingSource::Assumed), |fleet| (fleet, CeilingSource::Fleet));
    Some(make(prior.0, around(prior), source))
}

/// A resample by runs of [`RUN`], for neighbours repeat each other.
fn drawn(used: &[f64], stream: &mut Stream) -> Vec<f64> {
    let starts = 0..used.len().div_ceil(RUN);
    starts
        .flat_map(|_| {
            let start = stream.random_range(0..used.len());
            (start..start + RUN).map(|at| used[at % used.len()])
        })
        .collect()
}

/// The limit of the latest buckets: what replicas have now.
fn latest_limit(buckets: &Buckets, at: &[usize]) -> Option<f64> {
    let known = at.iter().rev().map(|at| buckets.limit[*at]).filter(|limit| *limit > 0.0);
    let latest: Vec<f64> = known.take(30).collect();
    (!latest.is_empty()).then(|| median(&latest))
}

fn throttling_onset(buckets: &Buckets, at: &[usize]) -> Option<f64> {
    let known = || at.iter().filter(|at| buckets.throttled[**at].is_finite() && buckets.utilisation(**at).is_finite());
    let throttled: Vec<f64> =
        known().filter(|at| buckets.throttled[**at] > 0.05).map(|at| buckets.utilisation(*at)).collect();
    let free: Vec<f64> =
        known().filter(|at| buckets.throttled[**at] <= 0.05).map(|at| buckets.utilisation(*at)).collect();
    let onset = quantile(&throttled, 0.5);
    (throttled.len() >= 10 && onset >= ONSET_MIN && quantile(&free, 0.9) < onset).then_some(onset)
}
