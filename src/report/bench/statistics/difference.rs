//! How one policy differs from another over seeds that both have met, and how sure that is.
//!
//! Seeds give both the same load, faults and delays (common random numbers), so the differences of the same seed are judged:
//!
//! | the differences | centre and interval | p |
//! |---|---|---|
//! | all the same | that value, certain for these days; nothing is said of other days | none |
//! | all the same, of counts that vary | as above; a coincidence of small whole numbers is possible | sign test, 2^(1 − n) |
//! | fewer than 20, and skewed | Hodges–Lehmann | Wilcoxon's signed ranks |
//! | else | mean, Student's t | Student's t |
//!
//! With one pair there is no interval, and so no difference at all is returned.

use super::Interval;
use super::signed_rank::SignedRank;
use super::skewness::is_skewed;
use super::student::Student;

/// Pairs from which a mean is normal enough, however skewed the differences are (central limit).
pub const SKEWED_BELOW: usize = 20;
/// A spread of this share of the compared values is a rounding error.
const ROUNDING: f64 = 1e-10;

/// Differences `left − right` of pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// How many pairs.
    pub pairs: usize,
    /// Their mean, or under signed ranks the median of their Walsh averages.
    pub centre: f64,
    /// The 95 % interval of the centre; `None` where the test gives none with so few pairs.
    pub interval: Option<Interval>,
    /// How it was judged.
    pub test: Test,
    /// The chance of such a difference to either side where there is none.
    p: f64,
    /// The chance of so high a difference where there is none.
    p_above: f64,
}

/// How a difference was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Test {
    /// Student's t on pairs.
    Student,
    /// Wilcoxon's signed ranks.
    SignedRank,
    /// All alike, in counts that vary from seed to seed: how likely so many signs agree by chance.
    Signs,
    /// All alike: no chance is involved.
    Agree,
    /// Welch's t on two samples without common seeds.
    Unpaired,
}

impl Difference {
    /// Of pairs `(left, right)`; `counts` are whole numbers. `None` below two pairs.
    ///
    /// # Panics
    /// Never: pairs that spread have two that differ.
    pub fn of(pairs: &[(f64, f64)], counts: bool) -> Option<Self> {
        let count = pairs.len();
        if count < 2 {
            return None;
        }
        let differences: Vec<f64> = pairs.iter().map(|(left, right)| left - right).collect();
        let scale = pairs.iter().map(|(left, right)| left.abs().max(right.abs())).fold(0.0, f64::max);
        if spread(&differences) <= ROUNDING * scale {
            let centre = differences.iter().sum::<f64>() / count as f64;
            let centre = if centre.abs() <= ROUNDING * scale { 0.0 } else { centre };
            let lefts: Vec<f64> = pairs.iter().map(|(left, _)| *left).collect();
            let vary = spread(&lefts) > ROUNDING * scale;
            return Some(Self::alike(centre, count, counts && vary && centre.abs() > 0.0));
        }
        let skewed = count < SKEWED_BELOW && is_skewed(&differences);
        let ranked = SignedRank::of(&differences).filter(|_| skewed);
        Some(if let Some(ranked) = ranked {
            let (centre, interval) = (ranked.centre(), ranked.interval());
            Self { pairs: count, centre, interval, test: Test::SignedRank, p: ranked.p(), p_above: ranked.p_above() }
        } else {
            Self::by(&Student::of(&differences).expect("two differ"), count, Test::Student)
        })
    }

    /// Of samples that share no seeds; `None` below two values in either.
    pub fn unpaired(left: &[f64], right: &[f64]) -> Option<Self> {
        if left.len() < 2 || right.len() < 2 {
            return None;
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let count = left.len().min(right.len());
        let alike = || Self::alike(mean(left) - mean(right), count, false);
        Some(Student::welch(left, right).map_or_else(alike, |student| Self::by(&student, count, Test::Unpaired)))
    }

    fn by(student: &Student, pairs: usize, test: Test) -> Self {
        let interval = Some(student.interval());
        Self { pairs, centre: student.mean, interval, test, p: student.p(), p_above: student.p_above() }
    }

    fn alike(centre: f64, pairs: usize, may_be_chance: bool) -> Self {
        let (p, test) = if may_be_chance {
            (0.5_f64.powi(i32::try_from(pairs).unwrap_or(i32::MAX) - 1), Test::Signs)
        } else {
            (if centre.abs() > 0.0 { 0.0 } else { 1.0 }, Test::Agree)
        };
        let p_above = if centre > 0.0 { p / 2.0 } else { 1.0 };
        Self { pairs, centre, interval: Some(Interval { low: centre, high: centre }), test, p, p_above }
    }

    /// The chance of a difference as far from zero as this or farther where there is none; `None` where all pairs agree, so
    /// that no chance is involved.
    pub fn p(&self) -> Option<f64> {
        (self.test != Test::Agree).then_some(self.p)
    }

    /// The chance of a difference as high as this or higher where there is none or less.
    pub const fn p_above(&self) -> f64 {
        self.p_above
    }
}

fn spread(values: &[f64]) -> f64 {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - least
}

#[cfg(test)]
mod tests {
    use super::{Difference, Test};

    fn of(differences: &[f64]) -> Difference {
        let pairs: Vec<(f64, f64)> =
            differences.iter().enumerate().map(|(index, one)| (one + index as f64, index as f64)).collect();
        Difference::of(&pairs, false).expect("there are two pairs")
    }

    #[test]
    fn pairs_that_agree_are_certain_and_no_chance_is_involved() {
        let found = of(&[0.1, 0.1, 0.1]);
        assert_eq!((found.test, found.p()), (Test::Agree, None));
        assert!(found.centre > 0.0 && of(&[-0.1; 3]).centre < 0.0 && found.p_above() < 1e-12);
        let none = of(&[0.0; 4]);
        assert_eq!((none.test, none.centre, none.p_above()), (Test::Agree, 0.0, 1.0));
    }

    /// Two seeds in which a policy moved one service more than another are no proof: (½)¹ to either side.
    #[test]
    fn counts_that_agree_by_chance_are_not_certain() {
        let found = Difference::of(&[(3.0, 4.0), (7.0, 8.0)], true).expect("there are two pairs");
        assert_eq!((found.test, found.p()), (Test::Signs, Some(0.5)));
        let still = Difference::of(&[(3.0, 4.0), (3.0, 4.0)], true).expect("there are two pairs");
        assert_eq!(still.test, Test::Agree, "nothing varies from seed to seed");
    }

    #[test]
    fn skewed_differences_of_few_seeds_are_ranked_and_of_many_are_averaged() {
        let skewed = [0.1, 0.12, 0.13, 0.15, 0.11, 0.16, 0.14, 0.17, 9.0];
        assert_eq!(of(&skewed).test, Test::SignedRank);
        assert_eq!(of(&[0.1, 0.3, 0.2, 0.4]).test, Test::Student);
        let many: Vec<f64> = skewed.iter().cycle().take(27).copied().collect();
        assert_eq!(of(&many).test, Test::Student);
    }

    #[test]
    fn one_pair_is_no_difference() {
        assert_eq!(Difference::of(&[(1.0, 2.0)], false), None);
        assert_eq!(Difference::unpaired(&[1.0], &[1.0, 2.0]), None);
    }
}
