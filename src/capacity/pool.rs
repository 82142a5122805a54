//! Clusters of one class put together: each bucket keeps its own cluster's replicas, rate and CPU, and buckets stand beside each
//! other in order of time.
//!
//! **Why beside each other.** What r replicas of a class can serve is the same in each of its clusters, so each cluster's samples
//! are further samples of one function. Added up they would be of none: two clusters of 3 replicas are no cluster of 6 where
//! capacity is not proportional, and one that idles hides one that is saturated.
//!
//! **Assumes** that a class is what its name says: clusters whose requests cost the same. **Fails** where they do not; [`differ`]
//! measures by how much, which a note says.

use super::clean::Buckets;
use super::demand::DemandFit;
use super::estimate::median;

/// Samples of a cluster that are compared, at least.
const POINTS_MIN: usize = 30;

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

/// CPU over what the demand of all clusters predicts, of the cluster where requests cost most over that where they cost least; 1
/// where fewer than two can be compared.
pub fn differ(buckets: &Buckets, at: &[usize], demand: &DemandFit) -> f64 {
    let mut ratios: Vec<Vec<f64>> = vec![Vec::new(); buckets.sources()];
    for at in at.iter().filter(|at| buckets.cpu[**at].is_finite()) {
        let ratio = buckets.cpu[*at] / demand.cpu(buckets.rate[*at], buckets.replicas[*at]);
        ratios[buckets.source[*at] as usize].push(ratio);
    }
    let middles = ratios.iter().filter(|ratios| ratios.len() >= POINTS_MIN).map(|ratios| median(ratios));
    let (least, most) = middles.fold((f64::INFINITY, 0.0_f64), |(least, most), one| (least.min(one), most.max(one)));
    if least > 0.0 && most >= least { most / least } else { 1.0 }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact")]
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
