//! Who is beaten in several aims at once, where intervals leave open who is better: dominance with ties.
//!
//! The rule: A dominates B if and only if
//! 1. in at least one aim A is *shown better*: the paired differences A − B lie below zero, with p < 5 % after Holm over all pairs
//!    and aims of the picture (or all units agree), and
//! 2. in every other aim A is *shown not worse*: the 95 % interval of A − B ends at or below [`MARGIN`] of B's mean.
//!
//! All others stand on the front, ties included: to be on the front means that nobody is shown better, which is less than being
//! best. Two policies that are alike do not dominate each other (1), and one seed dominates nobody.
//!
//! After ε-dominance (Laumanns et al., Evolutionary Computation 10, 2002), with ε only where "not worse" is to be shown.

use super::{Difference, LEVEL, Test, holm};
use std::collections::BTreeMap;

/// By how much of the other's mean an aim may be worse and still count as not worse.
pub const MARGIN: f64 = 0.01;

/// The values of one policy: aim by aim, by the unit (seed, scenario) in which both are paired. Less is better.
pub type Aims = Vec<BTreeMap<u64, f64>>;

/// How one aim of A stands to that of B.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// Shown better.
    Better,
    /// Shown not worse.
    NotWorse,
    /// Neither.
    Open,
}

/// One aim of a pair of policies.
struct Compared {
    /// First minus second.
    difference: Difference,
    /// Means of both.
    means: (f64, f64),
    /// p after Holm; `None` where all units agree.
    adjusted: Option<f64>,
}

/// For each policy the first one that dominates it; `None` on the front.
pub fn dominated_by(policies: &[Aims]) -> Vec<Option<usize>> {
    let mut compared = BTreeMap::<(usize, usize, usize), Compared>::new();
    for (first, a) in policies.iter().enumerate() {
        for (second, b) in policies.iter().enumerate().skip(first + 1) {
            for (aim, (a, b)) in a.iter().zip(b).enumerate() {
                compared.extend(compare(a, b).map(|found| ((first, second, aim), found)));
            }
        }
    }
    let mut tested: Vec<&mut Compared> =
        compared.values_mut().filter(|one| one.difference.test != Test::Agree).collect();
    let p: Vec<f64> = tested.iter().filter_map(|one| one.difference.p()).collect();
    for (one, adjusted) in tested.iter_mut().zip(holm::adjusted(&p)) {
        one.adjusted = Some(adjusted);
    }
    let dominates = |a: usize, b: usize| {
        let aims = policies[a].len();
        let stand = |aim: usize| match compared.get(&(a.min(b), a.max(b), aim)) {
            Some(found) => found.stand(a < b),
            None => Stand::Open,
        };
        let stands: Vec<Stand> = (0..aims).map(stand).collect();
        stands.contains(&Stand::Better) && !stands.contains(&Stand::Open)
    };
    let by = |b: usize| (0..policies.len()).find(|a| *a != b && dominates(*a, b));
    (0..policies.len()).map(by).collect()
}

impl Compared {
    /// How the first stands to the second, or the second to the first.
    fn stand(&self, of_first: bool) -> Stand {
        let sign = if of_first { 1.0 } else { -1.0 };
        let other = if of_first { self.means.1 } else { self.means.0 };
        let sure = self.adjusted.is_none_or(|adjusted| adjusted < LEVEL);
        let high = self.difference.interval.map(|interval| if of_first { interval.high } else { -interval.low });
        if sure && sign * self.difference.centre < 0.0 {
            Stand::Better
        } else if high.is_some_and(|high| high <= MARGIN * other.abs()) {
            Stand::NotWorse
        } else {
            Stand::Open
        }
    }
}

fn compare(a: &BTreeMap<u64, f64>, b: &BTreeMap<u64, f64>) -> Option<Compared> {
    let pairs: Vec<(f64, f64)> = a.iter().filter_map(|(unit, value)| Some((*value, *b.get(unit)?))).collect();
    let difference = Difference::of(&pairs, false)?;
    let mean = |pick: fn(&(f64, f64)) -> f64| pairs.iter().map(pick).sum::<f64>() / pairs.len() as f64;
    Some(Compared { difference, means: (mean(|pair| pair.0), mean(|pair| pair.1)), adjusted: None })
}

#[cfg(test)]
mod tests {
    use super::{Aims, dominated_by};
    use std::collections::BTreeMap;

    fn aims(rows: &[&[f64]]) -> Aims {
        let by_seed = |row: &&[f64]| -> BTreeMap<u64, f64> { (1..).zip(row.iter().copied()).collect() };
        rows.iter().map(by_seed).collect()
    }

    #[test]
    fn only_what_is_shown_worse_leaves_the_front() {
        let cheap = aims(&[&[1.0, 1.1, 0.9, 1.05], &[5.0, 5.1, 5.2, 5.3]]);
        let dear = aims(&[&[2.0, 2.2, 1.9, 2.05], &[5.0, 5.1, 5.2, 5.3]]);
        let fast = aims(&[&[2.0, 2.1, 1.9, 2.05], &[1.0, 1.1, 1.2, 1.3]]);
        let noisy = aims(&[&[2.0, 0.2, 3.9, 1.05], &[5.0, 5.1, 5.2, 5.3]]);
        assert_eq!(dominated_by(&[cheap.clone(), dear, fast, noisy]), [None, Some(0), None, None]);
        assert_eq!(dominated_by(&[cheap.clone(), cheap]), [None, None], "equals share the front");
    }

    #[test]
    fn one_seed_dominates_nobody_and_an_open_aim_protects() {
        assert_eq!(dominated_by(&[aims(&[&[1.0], &[1.0]]), aims(&[&[9.0], &[9.0]])]), [None, None]);
        // Better in one aim; in the other it may be up to some 40 % worse.
        let a = aims(&[&[1.0, 1.1, 0.9, 1.05], &[5.0, 5.9, 4.2, 5.3]]);
        let b = aims(&[&[2.0, 2.2, 1.9, 2.05], &[5.1, 4.8, 5.2, 5.0]]);
        assert_eq!(dominated_by(&[a, b]), [None, None]);
    }
}
