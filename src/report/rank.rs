//! The order of many policies: by fronts, so that nothing is weighed.
//!
//! A policy of rank 1 is beaten by none in both aims at once (how well users are served, and what that costs); those of
//! rank 2 are beaten by some of rank 1 only, and so on: Goldberg's ranking by non-dominated fronts (Genetic Algorithms in
//! Search, Optimization, and Machine Learning, 1989, section 5.4). Figures count as the table shows them: what cannot be told
//! apart there is equal. Within a rank the better served comes first.

use super::compare::{Comparison, Group};
use super::metric::{self, Metric};
use super::unit::Unit;

/// Policies of a variant from which they are ranked; fewer are seen at a glance.
pub const RANKED_FROM: usize = 8;

/// How well users are served, and what that costs: as far as they are known. Who serves nothing well has no cost of it, and
/// counts as the dearest.
pub fn aims(groups: &[&Group]) -> Vec<&'static Metric> {
    let known = |metric: &&'static Metric| groups.iter().all(|group| group.figure(metric).is_some());
    // Without prices nothing costs anything.
    let paid = |metric: &&'static Metric| {
        groups.iter().any(|group| group.figure(metric).is_some_and(|estimate| estimate.mean > 0.0))
    };
    let services = ["slo_violation_time", "latency_p95", "task_wait_mean"].into_iter().filter_map(metric::find);
    let prices = ["cost_per_million_good", "cost"].into_iter().filter_map(metric::find);
    services.filter(known).take(1).chain(prices.filter(paid).take(1)).collect()
}

/// Decimals of a column. Among many one is far beyond the others, and would leave no digit that tells these apart: there the
/// smaller half decides.
pub(super) fn digits(unit: Unit, means: &[f64]) -> usize {
    let mut means = means.to_vec();
    if means.len() >= RANKED_FROM {
        means.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        means.truncate(means.len().div_ceil(2));
    }
    unit.decimals(&means)
}

/// What ranks mean, where there are any: `rank 1: ...`.
pub fn legend(comparison: &Comparison) -> Option<String> {
    let group = comparison.groups.iter().find(|group| group.rank.is_some())?;
    let aims = aims(&comparison.of_variant(group.variant.as_deref()));
    let words: Vec<&str> = aims.iter().map(|metric| metric.words()).collect();
    let words = match words.as_slice() {
        [one] => format!("no other policy has less {one}"),
        several => format!("no other policy is as good in both {} and better in one", several.join(" and ")),
    };
    Some(format!("rank 1: {words}; rank 2: only some of rank 1 are, and so on"))
}

impl Comparison {
    /// Ranks the policies of every variant that has many, and puts them in this order.
    pub(super) fn rank(&mut self) {
        let variants: Vec<Option<String>> = self.variants().into_iter().map(|one| one.map(str::to_owned)).collect();
        let mut ranked = Vec::new();
        for variant in &variants {
            let groups = self.of_variant(variant.as_deref());
            let aims = aims(&groups);
            let order: Vec<(Option<u32>, Group)> = if groups.len() < RANKED_FROM || aims.is_empty() {
                groups.into_iter().map(|group| (None, group.clone())).collect()
            } else {
                ordered(&groups, &aims)
            };
            ranked.extend(order.into_iter().map(|(rank, group)| Group { rank, ..group }));
        }
        self.groups = ranked;
    }
}

/// The groups with their ranks, the best first.
fn ordered(groups: &[&Group], aims: &[&'static Metric]) -> Vec<(Option<u32>, Group)> {
    let shown = |metric: &Metric| -> Vec<i64> {
        let means: Vec<f64> =
            groups.iter().map(|group| group.figure(metric).map_or(f64::INFINITY, |estimate| estimate.mean)).collect();
        let known: Vec<f64> = means.iter().copied().filter(|mean| mean.is_finite()).collect();
        let digits = digits(metric.unit, &known);
        let means = means.into_iter();
        means.map(|mean| rounded(metric.unit.shown(mean), digits)).collect()
    };
    let columns: Vec<Vec<i64>> = aims.iter().map(|metric| shown(metric)).collect();
    let points: Vec<Vec<i64>> =
        (0..groups.len()).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
    let ranks = fronts(&points);
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|a, b| (ranks[*a], &points[*a]).cmp(&(ranks[*b], &points[*b])));
    order.into_iter().map(|row| (Some(ranks[row]), groups[row].clone())).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "a figure as it is shown; what is beyond saturates")]
fn rounded(value: f64, decimals: usize) -> i64 {
    (value * 10f64.powi(i32::try_from(decimals).unwrap_or(0))).round() as i64
}

/// The front of each point, from one; less is better in every coordinate.
fn fronts(points: &[Vec<i64>]) -> Vec<u32> {
    let beats = |a: &[i64], b: &[i64]| a != b && a.iter().zip(b).all(|(a, b)| a <= b);
    let mut ranks = vec![0; points.len()];
    for rank in 1.. {
        let left: Vec<usize> = (0..points.len()).filter(|at| ranks[*at] == 0).collect();
        if left.is_empty() {
            break;
        }
        let is_first = |at: &usize| !left.iter().any(|other| beats(&points[*other], &points[*at]));
        let front: Vec<usize> = left.iter().copied().filter(is_first).collect();
        for at in front {
            ranks[at] = rank;
        }
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::{digits, fronts};
    use crate::report::unit::Unit;

    #[test]
    fn who_is_beaten_by_nobody_is_first() {
        // (1, 9), (5, 5), (9, 1) beat one another nowhere; (5, 6) is beaten by (5, 5) alone; (9, 9) by that one too.
        let points = [[9, 9], [1, 9], [5, 6], [5, 5], [9, 1], [5, 5]].map(|point| point.to_vec());
        assert_eq!(fronts(&points), [3, 1, 2, 1, 1, 1]);
        assert_eq!(fronts(&[vec![2], vec![1], vec![2]]), [2, 1, 2]);
    }

    #[test]
    fn one_far_figure_among_many_takes_no_digits_from_the_others() {
        let few = [2.43, 2.42, 340.0];
        assert_eq!(digits(Unit::Dollars, &few), 0);
        let many = [2.43, 2.42, 2.81, 2.76, 2.3, 2.94, 3.47, 340.0];
        assert_eq!(digits(Unit::Dollars, &many), 2);
    }
}
