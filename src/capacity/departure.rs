//! Whether what came after is still what a model says, and if not, since when: step 8 for a model that is given.
//!
//! **Formula.** With o the CPU observed and p that of the model, z = (o/p − 1)/s, where s is the larger of the model's own
//! deviation of a sample, relative to p, and of what the samples before scatter (the median over four parts of them, so that a
//! change among them is no scatter). Neighbours repeat each other: z is freed of
//! the first-order autocorrelation that the samples before show. A difference of 5 % is tolerated ([`CHANGE_MIN`]): what of z
//! lies beyond it is summed up by the two Page–Hinkley sums of [`super::drift`], with its threshold for so many samples. The
//! departure begins where the sum that raises the alarm was last zero, and lasts to its peak. It counts where it holds 20
//! samples whose median o/p differs from 1 by 5 % or more, and by more than four standard errors of its blocks.
//!
//! Unlike [`super::drift`], which asks whether *something* changed in a series and fits its own references, nothing here is
//! fitted to the samples that are judged: a service that was another one all along departs with the first of them.
//!
//! **Assumes** that a change shows in CPU. **Source**: Page 1954, Hinkley 1971; policies §6.2 step 8. **Fails** for changes below
//! 5 %, for those shorter than 20 samples, and without CPU on either side: the verdict then says `untested`. How sure the
//! model's own coefficients are does not count: at loads that it never saw, a departure may be its extrapolation.

use super::clean::Buckets;
use super::demand::block_samples;
use super::drift::{CHANGE_MIN, DriftVerdict, PageHinkley, SIDE_MIN, lag_one, standard_error, threshold};
use super::estimate::{median, scale_of};
use super::options::Options;
use super::outcome::Fitted;
use crate::units::Time;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Samples before the test that say how they scatter; with fewer the model's own deviation is taken.
const BEFORE_MIN: usize = 4 * SIDE_MIN;
/// Parts of these, each with its own level: a change among them is no scatter, and spoils one of the parts only.
const PARTS: usize = 4;

/// Whether the samples depart from a model, with what a chart shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Departure {
    /// The verdict: `at` is the first sample of the first departure, `ratio` its median CPU over that of the model.
    pub verdict: DriftVerdict,
    /// Median CPU over that of the model before the samples that are judged, where there are any.
    pub before: Option<f64>,
    /// Time, upper and lower sum of each judged sample.
    pub path: Vec<(Time, f64, f64)>,
    /// Where a sum raises the alarm.
    pub threshold: f64,
}

/// CPU of a sample over that of the model, and the deviation that the model expects of it.
#[derive(Debug, Clone, Copy)]
struct Compared {
    at: Time,
    ratio: f64,
    deviation: f64,
    source: u32,
}

impl Compared {
    fn standard(&self) -> f64 {
        (self.ratio - 1.0) / self.deviation
    }
}

/// Judges the buckets `after` by the model; those `before` only say how samples scatter.
pub fn test(buckets: &Buckets, (before, after): (&[usize], &[usize]), fitted: &Fitted, options: &Options) -> Departure {
    let (before, judged) = (compared(buckets, before, fitted), compared(buckets, after, fitted));
    let threshold = threshold(judged.len());
    let known = (!before.is_empty()).then(|| median(&ratios(&before)));
    let untested = Departure { verdict: DriftVerdict::untested(), before: known, path: Vec::new(), threshold };
    if judged.len() < SIDE_MIN {
        return untested;
    }
    let values = beyond_tolerance(&before, &judged);
    let sums: Vec<PageHinkley> = values
        .iter()
        .scan(PageHinkley::default(), |sums, value| {
            sums.push(*value);
            Some(*sums)
        })
        .collect();
    let path = judged.iter().zip(&sums).map(|(one, sums)| (one.at, sums.upper, sums.lower)).collect();
    let block = block_samples(buckets, after, options);
    let mut verdict = DriftVerdict::steady();
    let mut from = 0;
    while let Some((alarm, range, end)) = next_alarm(&sums, from, threshold) {
        from = end;
        let Some(ratio) = confirmed(&ratios(&judged[range.clone()]), block) else { continue };
        verdict = DriftVerdict {
            drifted: true,
            at: Some(judged[*range.start()].at),
            alarm_at: Some(judged[alarm].at),
            by: vec!["page_hinkley"],
            ratio: Some(ratio),
        };
        break;
    }
    Departure { verdict, path, ..untested }
}

fn compared(buckets: &Buckets, at: &[usize], fitted: &Fitted) -> Vec<Compared> {
    let Some(demand) = &fitted.demand else { return Vec::new() };
    let one = |at: &usize| {
        let (cpu, replicas) = (buckets.cpu[*at], buckets.replicas[*at]);
        let predicted = fitted.cpu(buckets.rate[*at], replicas)?.value;
        let deviation = (demand.scale * replicas.sqrt() / predicted).max(1e-6);
        let is_known = cpu.is_finite() && predicted > 0.0 && deviation.is_finite();
        is_known.then(|| Compared {
            at: Time(buckets.at[*at]),
            ratio: cpu / predicted,
            deviation,
            source: buckets.source[*at],
        })
    };
    at.iter().filter_map(one).collect()
}

fn ratios(compared: &[Compared]) -> Vec<f64> {
    compared.iter().map(|one| one.ratio).collect()
}

/// Autocorrelation of neighbours and scatter, at least 1: what is usual among the parts of the samples before the test.
fn noise(before: &[Compared]) -> (f64, f64) {
    if before.len() < BEFORE_MIN {
        return (0.0, 1.0);
    }
    // Neighbours are of one cluster.
    let standards = |part: &[Compared]| {
        let mut part = part.to_vec();
        part.sort_by_key(|one| one.source);
        part.iter().map(Compared::standard).collect::<Vec<f64>>()
    };
    let parts: Vec<Vec<f64>> = before.chunks(before.len().div_ceil(PARTS)).map(standards).collect();
    let phi: Vec<f64> = parts.iter().map(|part| lag_one(part, median(part))).collect();
    let scatter: Vec<f64> = parts.iter().map(|part| scale_of(part)).collect();
    (median(&phi), median(&scatter).max(1.0))
}

/// The standardised differences without autocorrelation, and of them what lies beyond the tolerance.
fn beyond_tolerance(before: &[Compared], judged: &[Compared]) -> Vec<f64> {
    let (phi, scatter) = noise(before);
    let factor = (1.0 - phi * phi).sqrt();
    let shrunk = |value: f64, tolerance: f64| value.signum() * (value.abs() - tolerance).max(0.0);
    let mut last: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
    let value = |one: &Compared| {
        let (value, tolerance) = (one.standard() / scatter, CHANGE_MIN / one.deviation / scatter);
        let (past, past_tolerance) = last.insert(one.source, (value, tolerance)).unwrap_or((value, tolerance));
        shrunk((value - phi * past) / factor, (tolerance - phi * past_tolerance).abs() / factor)
    };
    judged.iter().map(value).collect()
}

/// The first alarm from a sample on: where it is, the samples from its beginning to the peak of its sum, and where that sum is
/// zero again.
fn next_alarm(sums: &[PageHinkley], from: usize, threshold: f64) -> Option<(usize, RangeInclusive<usize>, usize)> {
    let (at, run) = (from..sums.len()).find_map(|at| Some((at, sums[at].alarm(threshold)?)))?;
    let upward = sums[at].upper >= sums[at].lower;
    let side = |sums: &PageHinkley| if upward { sums.upper } else { sums.lower };
    let end = (at..sums.len()).find(|at| side(&sums[*at]) <= 0.0).unwrap_or(sums.len());
    let peak = (at..end).max_by(|a, b| side(&sums[*a]).total_cmp(&side(&sums[*b]))).unwrap_or(at);
    Some((at, (at + 1).saturating_sub(run)..=peak, end))
}

/// The median, where there are enough samples and it differs from 1 by what matters and more than blocks do.
fn confirmed(ratios: &[f64], block: usize) -> Option<f64> {
    if ratios.len() < SIDE_MIN {
        return None;
    }
    let (ratio, error) = (median(ratios), standard_error(ratios, block));
    ((ratio - 1.0).abs() >= CHANGE_MIN && (ratio - 1.0).abs() > 4.0 * error).then_some(ratio)
}
