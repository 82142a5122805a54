//! Step 8: whether the service changed while it was observed.
//!
//! **Formula.** Residuals of CPU, standardised and freed of their first-order autocorrelation, are summed up by two
//! Page–Hinkley sums: U = max(0, U + z − k), L = max(0, L − z − k), k = 0.5, alarm beyond h. A threshold of 5 raises a false
//! alarm every 465 samples, so over n samples h = max(5, ln(50 n) − 1.17): each sum, one in a hundred series (Siegmund 1985). An alarm
//! counts only if CPU at like load, with as many replicas, changed by 5 % or more between the two sides of the most likely moment
//! (largest cumulative sum), beyond what blocks differ by among each other: where capacity is not proportional to
//! replicas, CPU per request differs between counts, and that is no change. Bayesian change-point detection
//! ([`super::change_point`]) is asked as a second opinion.
//!
//! The demand that residuals are taken from is in turn that of all samples, of the last third and of the first: a controller
//! keeps utilisation where it was when a version halves the capacity, so that a fit over both regimes explains both (with
//! hardly any CPU per request), and only one regime's own fit shows the other as different.
//!
//! **Assumes** that a change shows in CPU. **Source**: Page 1954, Hinkley 1971; policies §6.2 step 8. **Fails** for changes that
//! come and go within a block, and without CPU: the verdict then says `untested`.

use super::bootstrap::Blocks;
use super::change_point::last_change;
use super::clean::Buckets;
use super::demand::{CONDITIONING_MIN, DemandFit, block_samples, estimate};
use super::estimate::{median, quantile};
use super::options::Options;
use crate::units::Time;
use serde::Serialize;
use std::collections::BTreeMap;

/// Reference value of the sums.
const REFERENCE: f64 = 0.5;
/// Threshold of the alarm, at least.
pub const ALARM: f64 = 5.0;
/// Relative change of CPU at like load that matters.
pub const CHANGE_MIN: f64 = 0.05;
/// The same, where the two sides saw no load in common.
const CHANGE_MIN_APART: f64 = 0.15;
/// Samples on each side of a change.
pub const SIDE_MIN: usize = 20;
/// Samples on each side of a count of replicas that both sides had.
const COUNT_MIN: usize = 5;

/// Whether the service changed while it was observed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftVerdict {
    /// Whether it changed.
    pub drifted: bool,
    /// When the change began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// When the alarm came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_at: Option<Time>,
    /// What says so: `version`, `page_hinkley`, `change_point`; `untested` where there was nothing to test.
    pub by: Vec<&'static str>,
    /// CPU at like load after the change over that before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}

impl DriftVerdict {
    /// Nothing could be tested.
    pub fn untested() -> Self {
        Self { drifted: false, at: None, alarm_at: None, by: vec!["untested"], ratio: None }
    }

    /// No change was seen.
    pub const fn steady() -> Self {
        Self { drifted: false, at: None, alarm_at: None, by: Vec::new(), ratio: None }
    }
}

/// Two one-sided cumulative sums.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PageHinkley {
    /// Sum upward.
    pub upper: f64,
    /// Sum downward.
    pub lower: f64,
    /// Values since the upper sum was last zero.
    pub upper_run: usize,
    /// Values since the lower sum was last zero.
    pub lower_run: usize,
}

impl PageHinkley {
    /// Takes a standardised value; one beyond ± 4 counts as 4, so that an outlier alone raises no alarm.
    pub fn push(&mut self, value: f64) {
        let value = value.clamp(-4.0, 4.0);
        self.upper = (self.upper + value - REFERENCE).max(0.0);
        self.lower = (self.lower - value - REFERENCE).max(0.0);
        self.upper_run = if self.upper > 0.0 { self.upper_run + 1 } else { 0 };
        self.lower_run = if self.lower > 0.0 { self.lower_run + 1 } else { 0 };
    }

    /// How many values ago the change began, where a sum is beyond `threshold`.
    pub fn alarm(&self, threshold: f64) -> Option<usize> {
        if self.upper > threshold && self.upper >= self.lower {
            Some(self.upper_run)
        } else if self.lower > threshold {
            Some(self.lower_run)
        } else {
            None
        }
    }
}

/// The threshold that each of the two sums crosses in one of a hundred series of `samples` that do not change.
pub fn threshold(samples: usize) -> f64 {
    ((50.0 * samples as f64).ln() - 1.166).max(ALARM)
}

/// A verdict, the index into `at` where the present regime began, and the path for the chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Drift {
    /// The verdict.
    pub verdict: DriftVerdict,
    /// First sample of the present regime.
    pub from: usize,
    /// Time, upper and lower sum of every sample.
    pub path: Vec<(Time, f64, f64)>,
}

/// Tests the buckets `at` against the demand of all, of the last third and of the first; the largest change counts. The demand
/// of all may be missing: two regimes together can look as if requests cost nothing.
pub fn test_all(buckets: &Buckets, at: &[usize], demand: Option<&DemandFit>, options: &Options) -> Drift {
    let block = block_samples(buckets, at, options);
    let untested = Drift { verdict: DriftVerdict::untested(), from: 0, path: Vec::new() };
    let mut found = demand.map_or(untested, |demand| test(buckets, at, demand, block));
    if at.len() < 6 * SIDE_MIN {
        return found;
    }
    let third = at.len() / 3;
    let cheap = Options { resamples: 0, ..options.clone() };
    let size = |drift: &Drift| drift.verdict.ratio.map_or(0.0, |ratio| ratio.ln().abs());
    for part in [&at[at.len() - third..], &at[..third]] {
        let told_apart = |fitted: &DemandFit| fitted.conditioning >= CONDITIONING_MIN;
        let Some(fitted) = estimate(buckets, part, &cheap, 0).filter(told_apart) else { continue };
        let other = test(buckets, at, &fitted, block);
        if size(&other) > size(&found) {
            found = other;
        }
    }
    found
}

/// Tests the buckets `at` against one demand.
fn test(buckets: &Buckets, at: &[usize], demand: &DemandFit, block: usize) -> Drift {
    let known: Vec<usize> = (0..at.len()).filter(|index| buckets.cpu[at[*index]].is_finite()).collect();
    let standard = |index: &usize| {
        let bucket = at[*index];
        let predicted = demand.cpu(buckets.rate[bucket], buckets.replicas[bucket]);
        (buckets.cpu[bucket] - predicted) / (demand.scale.max(1e-12) * buckets.replicas[bucket].sqrt())
    };
    let raw: Vec<f64> = known.iter().map(standard).map(|value| value.clamp(-6.0, 6.0)).collect();
    let values = whitened(&raw);
    let (mut sums, mut alarm, mut path) = (PageHinkley::default(), None, Vec::with_capacity(values.len()));
    for (index, value) in known.iter().zip(&values) {
        sums.push(*value);
        let time = Time(buckets.at[at[*index]]);
        path.push((time, sums.upper, sums.lower));
        if alarm.is_none() && sums.alarm(threshold(values.len())).is_some() {
            alarm = Some(time);
        }
    }
    let steady = Drift { verdict: DriftVerdict::steady(), from: 0, path };
    if values.len() < 2 * SIDE_MIN {
        return Drift { verdict: DriftVerdict::untested(), ..steady };
    }
    let bayes = change_of_blocks(&raw, block);
    let Some(alarm) = alarm else { return steady };
    let split = largest_sum(&raw);
    let ratios: Vec<Compared> = known
        .iter()
        .map(|index| {
            let bucket = at[*index];
            let (rate, replicas) = (buckets.rate[bucket], buckets.replicas[bucket]);
            Compared {
                load: rate / replicas,
                count: replicas.round(),
                ratio: buckets.cpu[bucket] / demand.cpu(rate, replicas),
            }
        })
        .collect();
    let Some(ratio) = confirmed(&ratios, split, block) else { return steady };
    let began = Time(buckets.at[at[known[split]]]);
    let mut by = vec!["page_hinkley"];
    if bayes.is_some_and(|found| found.abs_diff(split) <= 2 * block.max(10)) {
        by.push("change_point");
    }
    let verdict =
        DriftVerdict { drifted: true, at: Some(began), alarm_at: Some(alarm.max(began)), by, ratio: Some(ratio) };
    Drift { verdict, from: known[split], ..steady }
}

/// zₜ = (eₜ − φ eₜ₋₁)/√(1 − φ²), with φ the lag-one correlation (between 0 and 0.9), scaled to a unit deviation.
fn whitened(values: &[f64]) -> Vec<f64> {
    let centre = median(values);
    let phi = lag_one(values, centre);
    let factor = (1.0 - phi * phi).sqrt();
    let first = values.first().map(|value| value - centre);
    let rest = values.windows(2).map(|pair| ((pair[1] - centre) - phi * (pair[0] - centre)) / factor);
    first.into_iter().chain(rest).collect()
}

/// The correlation of neighbours about `centre`, between 0 and 0.9.
pub fn lag_one(values: &[f64], centre: f64) -> f64 {
    let square: f64 = values.iter().map(|value| (value - centre).powi(2)).sum();
    let product: f64 = values.windows(2).map(|pair| (pair[0] - centre) * (pair[1] - centre)).sum();
    if square > 0.0 { (product / square).clamp(0.0, 0.9) } else { 0.0 }
}

/// Where Σ(z − mean) is farthest from zero, sides of [`SIDE_MIN`] at least.
fn largest_sum(values: &[f64]) -> usize {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let (mut sum, mut best) = (0.0, (SIDE_MIN, 0.0));
    for (at, value) in values.iter().enumerate() {
        let weight = (at as f64 * (count - at as f64)).sqrt().max(1.0);
        if (SIDE_MIN..=values.len() - SIDE_MIN).contains(&at) && f64::abs(sum) / weight > best.1 {
            best = (at, f64::abs(sum) / weight);
        }
        sum += value - mean;
    }
    best.0
}

fn change_of_blocks(values: &[f64], block: usize) -> Option<usize> {
    let size = (block / 3).clamp(1, values.len()).max(values.len().div_ceil(400));
    let means: Vec<f64> = values.chunks(size).map(|chunk| chunk.iter().sum::<f64>() / chunk.len() as f64).collect();
    let found = last_change(&means);
    (found > 0).then_some(found * size)
}

/// CPU over its prediction, at a load of a replica and a count of them.
#[derive(Debug, Clone, Copy)]
struct Compared {
    load: f64,
    count: f64,
    ratio: f64,
}

/// The change of CPU over its prediction, at loads and counts that both sides saw, where it matters and blocks do not explain it.
fn confirmed(compared: &[Compared], split: usize, block: usize) -> Option<f64> {
    let (before, after) = compared.split_at(split);
    let loads = |side: &[Compared], share: f64| quantile(&side.iter().map(|one| one.load).collect::<Vec<_>>(), share);
    let (low, high) = (loads(before, 0.05).max(loads(after, 0.05)), loads(before, 0.95).min(loads(after, 0.95)));
    let by_count = |side: &[Compared]| {
        let mut ratios: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for one in side.iter().filter(|one| one.load >= low && one.load <= high) {
            ratios.entry(one.count.to_bits()).or_default().push(one.ratio);
        }
        ratios
    };
    let (mut like_before, mut like_after) = (by_count(before), by_count(after));
    like_before.retain(|count, ratios| {
        ratios.len() >= COUNT_MIN && like_after.get(count).is_some_and(|other| other.len() >= COUNT_MIN)
    });
    like_after.retain(|count, _| like_before.contains_key(count));
    let flat = |side: &BTreeMap<u64, Vec<f64>>| -> Vec<f64> { side.values().flatten().copied().collect() };
    let (flat_before, flat_after) = (flat(&like_before), flat(&like_after));
    let ((ratio, least), (before, after)) = if flat_before.len() >= SIDE_MIN && flat_after.len() >= SIDE_MIN {
        ((like_ratio(&like_before, &like_after), CHANGE_MIN), (flat_before, flat_after))
    } else {
        let all = |side: &[Compared]| -> Vec<f64> { side.iter().map(|one| one.ratio).collect() };
        let (before, after) = (all(before), all(after));
        ((median(&after) / median(&before), CHANGE_MIN_APART), (before, after))
    };
    let spread = standard_error(&before, block).hypot(standard_error(&after, block)) / median(&before);
    let matters = (ratio - 1.0).abs() >= least && (ratio - 1.0).abs() > 4.0 * spread;
    matters.then_some(ratio)
}

/// The geometric mean over counts of the change at each, by how many samples of it both sides have.
fn like_ratio(before: &BTreeMap<u64, Vec<f64>>, after: &BTreeMap<u64, Vec<f64>>) -> f64 {
    let terms = before.iter().zip(after.values()).map(|((_, before), after)| {
        let weight = before.len().min(after.len()) as f64;
        (weight, weight * (median(after) / median(before)).ln())
    });
    let (weights, logs) = terms.fold((0.0, 0.0), |sum, term| (sum.0 + term.0, sum.1 + term.1));
    (logs / weights).exp()
}

/// Of the mean over blocks.
pub fn standard_error(values: &[f64], block: usize) -> f64 {
    let blocks = Blocks::new(values.len(), block.min(values.len() / 6).max(1));
    let size = (blocks.cell * blocks.cells_per_block).max(1);
    let medians: Vec<f64> = values.chunks(size).map(median).collect();
    let count = medians.len() as f64;
    let mean = medians.iter().sum::<f64>() / count;
    let variance = medians.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (variance / count).sqrt()
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::super::clean::clean;
    use super::super::{demand, saturation};
    use super::{PageHinkley, test_all, threshold};
    use crate::capacity::options::Options;
    use crate::capacity::synthetic::Truth;
    use crate::seed::Seed;

    fn drift(change: Option<(usize, f64)>, seed: u64) -> super::Drift {
        let options = Options { resamples: 20, ..Options::default() };
        let series = Truth { change, ..Truth::default() }.series("shop", Seed(seed));
        let mut buckets = clean(&series, &options).expect("clean").buckets;
        saturation::mark(&mut buckets);
        let used = buckets.used();
        let fitted = demand::estimate(&buckets, &used, &options, 0).expect("cpu");
        test_all(&buckets, &used, Some(&fitted), &options)
    }

    /// A value of 1 a step adds 0.5: beyond 5 after eleven steps, and the run began eleven ago.
    #[test]
    fn the_sums_add_what_exceeds_the_reference() {
        let mut sums = PageHinkley::default();
        (0..10).for_each(|_| sums.push(1.0));
        assert_eq!(sums.alarm(5.0), None);
        sums.push(1.0);
        assert_eq!(sums.alarm(5.0), Some(11));
        assert!((threshold(2880) - 10.71).abs() < 0.01 && threshold(3) == 5.0);
    }

    /// CPU of x requests/s on r replicas whose capacity is 40 r − 4 is r·x/(40 r − 4) cores: 11 % more of a request on one
    /// replica than on many. Few replicas at the end of a day are no new version.
    #[test]
    fn counts_that_cost_differently_are_no_change() {
        let compared = |minute: usize| {
            let count = if minute < 900 { 2.0 + (minute / 100) as f64 } else { 1.0 + (minute / 30 % 2) as f64 };
            let load = 17.0 + (minute % 7) as f64;
            super::Compared { load, count, ratio: 37.0 * count / (40.0 * count - 4.0) }
        };
        let day: Vec<super::Compared> = (0..1_200).map(compared).collect();
        assert_eq!(super::confirmed(&day, 900, 30), None);
        let doubled = |(minute, one): (usize, &super::Compared)| super::Compared {
            ratio: if minute < 900 { one.ratio } else { one.ratio * 1.2 },
            ..*one
        };
        let changed: Vec<super::Compared> = day.iter().enumerate().map(doubled).collect();
        let ratio = super::confirmed(&changed, 900, 30).expect("a fifth more at like counts is a change");
        assert!((ratio - 1.2).abs() < 1e-9, "{ratio}");
    }

    #[test]
    fn a_change_is_dated_and_a_steady_service_raises_no_alarm() {
        for seed in 1..=10 {
            assert!(!drift(None, seed).verdict.drifted, "seed {seed}");
            let changed = drift(Some((1800, 0.8)), seed).verdict;
            let minutes = changed.at.expect("a fifth less capacity is seen").as_seconds_f64() / 60.0;
            assert!((minutes - 1800.0).abs() < 45.0, "seed {seed}: {minutes}");
            assert!((changed.ratio.expect("ratio") - 1.2).abs() < 0.08, "seed {seed}: {changed:?}");
        }
    }
}
