//! Step 2: samples at saturation, where throughput is capacity.
//!
//! **Formula.** A sample is saturated where at least two of five signs agree: CPU above 85 % of its limit or throttled in
//! more than 5 % of the periods; latency above three times the tenth percentile at that count of replicas; less answered
//! than 97 % of what was offered; a queue that grows and holds more than a second's work. A fifth sign is a knee: latency ten
//! times the usual, at loads per replica above a threshold that parts slow samples from others (Youden's index of 0.5 or
//! more). It finds services that run out of something else than their CPU limit, such as those of a single thread. Of each count of replicas, the
//! samples near the densest half (the shorth) of throughput per replica are kept, for a sample at the edge of
//! saturation is still below the capacity. One replica's capacity is their median of x/r; the resamples draw whole episodes.
//!
//! **Assumes** that an episode of saturation shows the capacity for most of its samples. **Source**: policies §6.2 step 2;
//! Rousseeuw and Leroy 1988 for the shorth. **Fails** where a slow dependency causes latency and errors at high CPU: the
//! flagged samples then scatter, which a note says.

use super::clean::Buckets;
use super::estimate::{median, quantile, quantile_sorted, scale_of};
use super::options::Options;
use super::outcome::Standing;
use rand::RngExt;
use std::collections::BTreeMap;

/// Saturated samples needed for an estimate of throughput.
pub const POINTS_MIN: usize = 20;
/// Share of the CPU limit beyond which replicas are strained.
pub const STRAINED: f64 = 0.85;
/// Share of throttled periods beyond which they are.
pub const THROTTLED: f64 = 0.05;
/// Multiple of the usual latency that is a stall.
const STALLED: f64 = 10.0;
/// Stalled samples, and others, that make a knee.
const KNEE_MIN: usize = 10;
/// Youden's index of a knee: share of the others below it less the share of the stalled ones below it.
const YOUDEN_MIN: f64 = 0.5;
/// Flagged samples that are looked at, at most.
const POINTS_MAX: usize = 4000;

/// Throughput at saturation.
#[derive(Debug, Clone)]
pub struct SaturationFit {
    /// Requests per second of one replica.
    pub per_replica: f64,
    /// The same of each resample.
    pub draws: Vec<f64>,
    /// Replicas, median throughput at saturation, samples; ascending.
    pub levels: Vec<(u32, f64, usize)>,
    /// Throughput at each level in each resample; NaN where the level was not drawn.
    pub level_draws: Vec<Vec<f64>>,
    /// Relative scatter of x/r among the flagged samples.
    pub scatter: f64,
    /// Episodes.
    pub episodes: usize,
    /// Samples kept.
    pub points: usize,
}

/// Marks the saturated ones among the used buckets.
pub fn mark(buckets: &mut Buckets) {
    let used = buckets.used();
    let usual = usual_latency(buckets, &used);
    let knee = knee(buckets, &used, &usual);
    for at in used {
        let beyond = knee.is_some_and(|knee| is_stalled(buckets, at, &usual) && each(buckets, at) >= 0.9 * knee);
        if signs(buckets, at, &usual) + usize::from(beyond) >= 2 {
            buckets.standing[at] = Standing::Saturated;
        }
    }
}

/// How many signs of saturation a bucket shows.
fn signs(buckets: &Buckets, at: usize, usual: &Usual) -> usize {
    let strained = buckets.utilisation(at) > STRAINED || buckets.throttled[at] > THROTTLED;
    let slow = buckets.tail[at] > 3.0 * usual.at(buckets.replicas[at]);
    let short = buckets.offered[at] > 0.0 && buckets.rate[at] < 0.97 * buckets.offered[at];
    let holds = buckets.waiting[at] > buckets.rate[at];
    let grows = holds && buckets.before(at).is_some_and(|before| buckets.waiting[at] >= buckets.waiting[before]);
    [strained, slow, short, grows].into_iter().filter(|sign| *sign).count()
}

fn each(buckets: &Buckets, at: usize) -> f64 {
    buckets.rate[at] / buckets.replicas[at]
}

fn is_stalled(buckets: &Buckets, at: usize, usual: &Usual) -> bool {
    buckets.tail[at] > STALLED * usual.at(buckets.replicas[at])
}

/// The load per replica that best parts stalled samples from others; `None` where load does not part them: their latency then
/// has another cause.
fn knee(buckets: &Buckets, used: &[usize], usual: &Usual) -> Option<f64> {
    let known = used.iter().filter(|at| buckets.tail[**at].is_finite());
    let mut loads: Vec<(f64, bool)> = known.map(|at| (each(buckets, *at), is_stalled(buckets, *at, usual))).collect();
    loads.sort_by(|a, b| a.0.total_cmp(&b.0));
    let stalled = loads.iter().filter(|(_, stalled)| *stalled).count();
    let others = loads.len() - stalled;
    if stalled < KNEE_MIN || others < KNEE_MIN {
        return None;
    }
    let (mut stalled_below, mut others_below, mut best) = (0.0, 0.0, (0.0, f64::NAN));
    for (load, is_stalled) in &loads {
        let index = others_below / others as f64 - stalled_below / stalled as f64;
        if index > best.0 {
            best = (index, *load);
        }
        if *is_stalled { stalled_below += 1.0 } else { others_below += 1.0 }
    }
    (best.0 >= YOUDEN_MIN).then_some(best.1)
}

/// Tenth percentile of latency by count of replicas.
struct Usual {
    all: f64,
    by_level: BTreeMap<u32, f64>,
}

impl Usual {
    /// At a count that was mostly saturated its own percentile is high: twice the overall one bounds it.
    fn at(&self, replicas: f64) -> f64 {
        self.by_level.get(&level(replicas)).map_or(self.all, |usual| usual.min(2.0 * self.all))
    }
}

fn usual_latency(buckets: &Buckets, used: &[usize]) -> Usual {
    let mut levels: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for at in used.iter().filter(|at| buckets.tail[**at].is_finite()) {
        levels.entry(level(buckets.replicas[*at])).or_default().push(buckets.tail[*at]);
    }
    let all: Vec<f64> = used.iter().map(|at| buckets.tail[*at]).collect();
    let frequent = levels.into_iter().filter(|(_, values)| values.len() >= 20);
    Usual {
        all: quantile(&all, 0.1),
        by_level: frequent.map(|(level, values)| (level, quantile(&values, 0.1))).collect(),
    }
}

/// A count of replicas from a mean over a bucket.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates; counts are small")]
pub fn level(replicas: f64) -> u32 {
    replicas.round() as u32
}

/// Saturated buckets, in order of time, that show the capacity: near the shorth of their level.
pub fn plateau(buckets: &Buckets, at: &[usize]) -> Vec<usize> {
    let stride = at.len().div_ceil(POINTS_MAX).max(1);
    let flagged: Vec<usize> =
        at.iter().copied().step_by(stride).filter(|at| buckets.standing[*at] == Standing::Saturated).collect();
    let each = |at: &usize| each(buckets, *at);
    let mut levels: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for at in &flagged {
        levels.entry(level(buckets.replicas[*at])).or_default().push(each(at));
    }
    let all: Vec<f64> = flagged.iter().map(each).collect();
    let whole = floor_of(&all);
    let floors: BTreeMap<u32, f64> = levels
        .into_iter()
        .filter(|(_, values)| values.len() >= 8)
        .map(|(level, values)| (level, floor_of(&values)))
        .collect();
    let kept = |at: &usize| each(at) >= floors.get(&level(buckets.replicas[*at])).copied().unwrap_or(whole);
    flagged.into_iter().filter(kept).collect()
}

/// What lies below the densest half by more than three of its scales was not yet saturated.
fn floor_of(values: &[f64]) -> f64 {
    let half = shorth(values);
    if half.is_empty() {
        return f64::NAN;
    }
    let centre = median(half.as_slice());
    // The distances within the densest half are about half a scale of the whole; one percent at least.
    let scale = (2.2 * scale_of(&half)).max(0.01 * centre.abs());
    centre - 3.0 * scale
}

/// The shortest run of sorted values that holds half of them.
fn shorth(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2 + 1;
    if sorted.len() < 2 {
        return sorted;
    }
    let starts = 0..=sorted.len() - half;
    let best =
        starts.min_by(|a, b| (sorted[a + half - 1] - sorted[*a]).total_cmp(&(sorted[b + half - 1] - sorted[*b])));
    best.map_or_else(Vec::new, |start| sorted[start..start + half].to_vec())
}

/// Fits the saturated buckets among `at`; `None` where they are fewer than [`POINTS_MIN`].
pub fn estimate(buckets: &Buckets, at: &[usize], options: &Options, entity: u64) -> Option<SaturationFit> {
    let kept = plateau(buckets, at);
    if kept.len() < POINTS_MIN {
        return None;
    }
    let episodes = episodes(buckets, &kept);
    let per_replica = median(&per_replica(buckets, &kept));
    let levels = levels(buckets, &kept);
    let mut stream = options.seed.stream("capacity_saturation", entity);
    let (mut draws, mut level_draws) = (Vec::new(), vec![Vec::new(); levels.len()]);
    for _ in 0..options.resamples {
        let drawn: Vec<usize> = (0..episodes.len())
            .flat_map(|_| episodes[stream.random_range(0..episodes.len())].iter().copied())
            .collect();
        draws.push(median(&self::per_replica(buckets, &drawn)));
        for (draws, (level, _, _)) in level_draws.iter_mut().zip(&levels) {
            let here: Vec<f64> = drawn
                .iter()
                .filter(|at| self::level(buckets.replicas[**at]) == *level)
                .map(|at| buckets.rate[*at])
                .collect();
            draws.push(median(&here));
        }
    }
    let freedom = super::bootstrap::Blocks { samples: episodes.len(), cell: 1, cells_per_block: 1 };
    super::bootstrap::spread(&mut draws, per_replica, freedom.spread());
    // Against the median of their own count: that counts differ is a shape, not scatter.
    let usual: BTreeMap<u32, f64> = levels.iter().map(|(level, middle, _)| (*level, *middle)).collect();
    let relative =
        |at: &usize| buckets.rate[*at] / usual.get(&level(buckets.replicas[*at])).copied().unwrap_or(f64::NAN);
    let scatter = scale_of(&kept.iter().map(relative).collect::<Vec<_>>());
    Some(SaturationFit {
        per_replica,
        draws,
        levels,
        level_draws,
        scatter,
        episodes: episodes.len(),
        points: kept.len(),
    })
}

fn per_replica(buckets: &Buckets, at: &[usize]) -> Vec<f64> {
    at.iter().map(|at| buckets.rate[*at] / buckets.replicas[*at]).collect()
}

/// Runs of neighbouring buckets of one cluster; few long ones are cut, so that at least eight parts can be drawn.
fn episodes(buckets: &Buckets, kept: &[usize]) -> Vec<Vec<usize>> {
    let (longest, reach) = ((kept.len() / 8).max(3), 3 * buckets.sources());
    let mut sorted = kept.to_vec();
    sorted.sort_by_key(|at| (buckets.source[*at], *at));
    let mut episodes: Vec<Vec<usize>> = Vec::new();
    for at in sorted {
        let goes_on = |episode: &Vec<usize>| {
            let last = episode[episode.len() - 1];
            episode.len() < longest && buckets.source[last] == buckets.source[at] && at - last <= reach
        };
        match episodes.last_mut() {
            Some(episode) if goes_on(episode) => episode.push(at),
            _ => episodes.push(vec![at]),
        }
    }
    episodes
}

fn levels(buckets: &Buckets, kept: &[usize]) -> Vec<(u32, f64, usize)> {
    let mut levels: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for at in kept {
        levels.entry(level(buckets.replicas[*at])).or_default().push(buckets.rate[*at]);
    }
    let row = |(level, mut values): (u32, Vec<f64>)| {
        values.sort_by(f64::total_cmp);
        (level, quantile_sorted(&values, 0.5), values.len())
    };
    levels.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::super::clean::clean;
    use super::{estimate, mark};
    use crate::capacity::options::Options;
    use crate::capacity::synthetic::Truth;
    use crate::seed::Seed;

    #[test]
    fn saturated_minutes_show_the_capacity_and_others_show_none() {
        let options = Options::default();
        let fit = |saturated: f64| {
            let series = Truth { saturated, ..Truth::default() }.series("shop", Seed(4));
            let mut buckets = clean(&series, &options).expect("clean").buckets;
            mark(&mut buckets);
            let used = buckets.used();
            estimate(&buckets, &used, &options, 0)
        };
        let fitted = fit(0.05).expect("144 minutes are saturated");
        assert!((fitted.per_replica / 30.0 - 1.0).abs() < 0.01, "{}", fitted.per_replica);
        assert!(fit(0.0).is_none());
    }

    /// Of a limit of four cores it can use one: utilisation stays at a quarter, but latency has a knee at 30 per replica.
    #[test]
    fn a_service_of_one_thread_saturates_far_below_its_limit() {
        let options = Options::default();
        let truth = Truth { saturated: 0.05, usable: 0.25, limit: 4.0, target: 0.15, ..Truth::default() };
        let mut series = truth.series("shop", Seed(4));
        for column in [&mut series.offered, &mut series.waiting, &mut series.throttled] {
            column.clear();
        }
        let mut buckets = clean(&series, &options).expect("clean").buckets;
        mark(&mut buckets);
        let used = buckets.used();
        let fitted = estimate(&buckets, &used, &options, 0).expect("the knee is seen");
        assert!((fitted.per_replica / 30.0 - 1.0).abs() < 0.02, "{}", fitted.per_replica);
    }

    /// A dependency that stalls at any load says nothing of capacity.
    #[test]
    fn stalls_at_any_load_are_no_saturation() {
        let options = Options::default();
        let mut series = Truth::default().series("shop", Seed(5));
        (0..series.len()).filter(|at| at % 17 == 0).for_each(|at| series.latency_mean[at] = 5.0);
        let mut buckets = clean(&series, &options).expect("clean").buckets;
        mark(&mut buckets);
        let used = buckets.used();
        assert!(estimate(&buckets, &used, &options, 0).is_none());
    }
}
