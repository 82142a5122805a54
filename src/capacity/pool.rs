//! Clusters of one class put together: each bucket keeps its own cluster's replicas, rate and CPU, and buckets stand beside each
//! other in order of time.
//!
//! **Why beside each other.** What r replicas of a class can serve is the same in each of its clusters, so each cluster's samples
//! are further samples of one function. Added up they would be of none: two clusters of 3 replicas are no cluster of 6 where
//! capacity is not proportional, and one that idles hides one that is saturated.
//!
//! **Assumes** that a class is what its name says: clusters whose requests cost the same. Where they do not, [`contradiction`]
//! refuses, as far as CPU shows it.

use super::clean::Buckets;
use super::demand;
use super::estimate::{Estimate, median};
use super::options::Options;
use super::outcome::Refusal;

/// Ratio of what replicas of two clusters serve with the same CPU that makes them two classes.
const DIFFER_MIN: f64 = 1.1;
/// Resamples of each cluster, at most.
const RESAMPLES: usize = 60;
/// Mass of the intervals that must not overlap.
const CONFIDENCE: f64 = 0.98;

/// All buckets in order of time, those of one time in the order of the clusters.
pub fn together(mut parts: Vec<Buckets>) -> Buckets {
    if parts.len() < 2 {
        return parts.pop().unwrap_or_default();
    }
    let mut order: Vec<(u64, usize, usize)> = Vec::new();
    for (part, buckets) in parts.iter().enumerate() {
        order.extend(buckets.at.iter().enumerate().map(|(at, begin)| (*begin, part, at)));
    }
    order.sort_unstable();
    let column = |of: fn(&Buckets) -> &Vec<f64>| order.iter().map(|(_, part, at)| of(&parts[*part])[*at]).collect();
    Buckets {
        at: order.iter().map(|(begin, ..)| *begin).collect(),
        replicas: column(|part| &part.replicas),
        rate: column(|part| &part.rate),
        offered: column(|part| &part.offered),
        cpu: column(|part| &part.cpu),
        limit: column(|part| &part.limit),
        throttled: column(|part| &part.throttled),
        errors: column(|part| &part.errors),
        waiting: column(|part| &part.waiting),
        latency: column(|part| &part.latency),
        tail: column(|part| &part.tail),
        version: order.iter().map(|(_, part, at)| parts[*part].version[*at]).collect(),
        standing: order.iter().map(|(_, part, at)| parts[*part].standing[*at]).collect(),
        source: order.iter().map(|(_, part, at)| parts[*part].source[*at]).collect(),
    }
}

/// A refusal where requests of one cluster cost more than those of another, by `DIFFER_MIN` and beyond noise: each cluster's own
/// demand says which rate one replica serves with the CPU that replicas usually use. The demand of all cannot be asked: where a
/// controller holds utilisation, requests that cost different fit together as requests that cost hardly anything.
pub fn contradiction(buckets: &Buckets, options: &Options, entity: u64) -> Option<Refusal> {
    if buckets.sources() < 2 {
        return None;
    }
    let used: Vec<usize> = buckets.used().into_iter().filter(|at| buckets.cpu[*at].is_finite()).collect();
    let cores = median(&used.iter().map(|at| buckets.cpu[*at] / buckets.replicas[*at]).collect::<Vec<_>>());
    let cheap = Options { resamples: options.resamples.min(RESAMPLES), ..options.clone() };
    let mut of_source: Vec<Vec<usize>> = vec![Vec::new(); buckets.sources()];
    for at in used {
        of_source[buckets.source[at] as usize].push(at);
    }
    let rates = of_source.iter().filter(|at| at.len() >= options.points_min).filter_map(|at| {
        let demand = demand::estimate(buckets, at, &cheap, entity)?;
        let draws: Vec<f64> = demand.draws.iter().map(|theta| demand::rate_at(theta, cores)).collect();
        let rate = demand.rate_at(cores);
        rate.is_finite().then(|| Estimate::from_draws(rate, &draws, CONFIDENCE))
    });
    let rates: Vec<Estimate> = rates.collect();
    let least = rates.iter().min_by(|a, b| a.value.total_cmp(&b.value))?;
    let most = rates.iter().max_by(|a, b| a.value.total_cmp(&b.value))?;
    (most.value > DIFFER_MIN * least.value && !most.overlaps(least)).then(|| {
        let more = 100.0 * (most.value / least.value - 1.0);
        let reason = format!(
            "clusters of this class differ: with the same CPU, a replica of one serves {more:.0} % more than of another"
        );
        let help =
            "a class for each kind of cluster: a column `class`, or `--class-from cluster` to fit each by itself";
        Refusal { code: "clusters_differ", reason, would_help: vec![help.to_owned()] }
    })
}

#[cfg(test)]
mod tests {
    use super::super::clean::clean;
    use crate::capacity::{Options, Series};
    use crate::units::Time;

    /// Two clusters of 2 and 3 replicas: six buckets of 2 or 3 replicas, none of 5, each with its own neighbour before.
    #[test]
    fn clusters_stand_beside_each_other_and_are_never_added_up() {
        let minute = |at: u64| Time(at * 60_000_000_000);
        let series = Series {
            at: vec![minute(0), minute(1), minute(2), minute(0), minute(1), minute(2)],
            replicas: vec![2.0, 2.0, 2.0, 3.0, 3.0, 3.0],
            completed: vec![20.0, 21.0, 22.0, 30.0, 31.0, 32.0],
            cluster: vec![0, 0, 0, 1, 1, 1],
            ..Series::default()
        };
        let cleaned = clean(&series, &Options::default()).expect("clean");
        let buckets = cleaned.buckets;
        assert_eq!(buckets.replicas, [2.0, 3.0, 2.0, 3.0, 2.0, 3.0]);
        assert_eq!(buckets.rate, [20.0, 30.0, 21.0, 31.0, 22.0, 32.0]);
        assert_eq!((buckets.sources(), buckets.before(3), buckets.before(1)), (2, Some(1), None));
        assert_eq!(buckets.neighbours(2), Some((0, 4)));
        assert!(cleaned.notes.is_empty() && buckets.used().len() == 6, "{:?}", buckets.standing);
    }
}
