//! Wilcoxon's signed-rank test and the interval that belongs to it, for differences that are not normal.
//!
//! Zeros are dropped, ties share their mean rank, W is the sum of the ranks of the positive differences (Wilcoxon, Individual
//! Comparisons by Ranking Methods, Biometrics Bulletin 1, 1945). Up to [`EXACT_MAX`] differences all 2ⁿ patterns of signs are
//! counted (ties included); above, W is normal with mean n(n+1)/4 and variance n(n+1)(2n+1)/24 − Σ(t³ − t)/48 over groups
//! of t ties, with a correction of ½ for continuity.
//!
//! The centre is the median of the n(n+1)/2 Walsh averages `(xᵢ + xⱼ)/2`, i ≤ j; the interval lies between the k-th least
//! and the k-th greatest of them, with the greatest k for which P(W ≤ k − 1) ≤ α/2 (Hodges and Lehmann 1963; Hollander and
//! Wolfe, Nonparametric Statistical Methods, section 3.3). With fewer than six differences there is no such k at 95 %: no interval
//! is given, rather than a narrower one. It supposes differences that are symmetric about their centre.

use super::{Interval, LEVEL};
use statrs::distribution::{ContinuousCDF, Normal};

/// Differences up to which patterns of signs are counted.
pub const EXACT_MAX: usize = 25;

/// Signs and ranks of differences.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedRank {
    /// Twice the rank of each difference that is not zero: whole numbers, ties included.
    ranks: Vec<usize>,
    /// Twice the sum of the ranks of the positive ones.
    positive: usize,
    /// Sorted.
    walsh: Vec<f64>,
    count: usize,
}

impl SignedRank {
    /// Of paired differences; `None` where none is different from zero.
    pub fn of(differences: &[f64]) -> Option<Self> {
        let mut sorted: Vec<f64> = differences.iter().copied().filter(|one| one.abs() > 0.0).collect();
        sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let mut ranks = Vec::with_capacity(sorted.len());
        for ties in sorted.chunk_by(|a, b| a.abs().total_cmp(&b.abs()).is_eq()) {
            // The mean of ranks r+1 ..= r+t is r + (t+1)/2.
            let twice = 2 * ranks.len() + ties.len() + 1;
            ranks.extend(std::iter::repeat_n(twice, ties.len()));
        }
        let positive = ranks.iter().zip(&sorted).filter(|(_, one)| **one > 0.0).map(|(rank, _)| rank).sum();
        let mut walsh: Vec<f64> = Vec::new();
        for (index, one) in differences.iter().enumerate() {
            walsh.extend(differences[index..].iter().map(|other| f64::midpoint(*one, *other)));
        }
        walsh.sort_by(f64::total_cmp);
        (!ranks.is_empty()).then_some(Self { ranks, positive, walsh, count: differences.len() })
    }

    /// The sum of the ranks of the positive differences.
    pub fn statistic(&self) -> f64 {
        self.positive as f64 / 2.0
    }

    /// The chance of signs as one-sided as these or more, to either side, where differences are symmetric about zero.
    pub fn p(&self) -> f64 {
        let total: usize = self.ranks.iter().sum();
        (2.0 * self.p_above().min(at_least(&self.ranks, total - self.positive))).min(1.0)
    }

    /// The chance of a W as high as this or higher where the centre is zero.
    pub fn p_above(&self) -> f64 {
        at_least(&self.ranks, self.positive)
    }

    /// The median of the Walsh averages.
    pub fn centre(&self) -> f64 {
        let middle = self.walsh.len() / 2;
        if self.walsh.len() % 2 == 1 {
            self.walsh[middle]
        } else {
            f64::midpoint(self.walsh[middle - 1], self.walsh[middle])
        }
    }

    /// The 95 % interval of the centre; `None` where so few differences give none.
    pub fn interval(&self) -> Option<Interval> {
        let ranks: Vec<usize> = (1..=self.count).map(|rank| 2 * rank).collect();
        let total: usize = ranks.iter().sum();
        // P(W ≤ k − 1) = P(W ≥ total − (k − 1)), in doubled ranks.
        let allowed = |k: &usize| at_least(&ranks, total - 2 * (k - 1)) <= LEVEL / 2.0;
        let k = (1..=self.walsh.len() / 2).take_while(allowed).last()?;
        Some(Interval { low: self.walsh[k - 1], high: self.walsh[self.walsh.len() - k] })
    }
}

/// P(W ≥ w), both doubled.
fn at_least(ranks: &[usize], least: usize) -> f64 {
    if ranks.len() > EXACT_MAX {
        return at_least_normal(ranks, least);
    }
    let total: usize = ranks.iter().sum();
    // How many patterns of signs give each sum.
    let mut patterns = vec![0.0_f64; total + 1];
    patterns[0] = 1.0;
    for rank in ranks {
        for sum in (*rank..=total).rev() {
            patterns[sum] += patterns[sum - rank];
        }
    }
    let all: f64 = patterns.iter().sum();
    patterns[least.min(total)..].iter().sum::<f64>() / all
}

fn at_least_normal(ranks: &[usize], least: usize) -> f64 {
    let halved = |twice: usize| twice as f64 / 2.0;
    let mean = ranks.iter().map(|rank| halved(*rank)).sum::<f64>() / 2.0;
    // Σ rank²/4 is n(n+1)(2n+1)/24 − Σ(t³ − t)/48 with mean ranks for ties.
    let variance = ranks.iter().map(|rank| halved(*rank).powi(2)).sum::<f64>() / 4.0;
    let law = Normal::new(0.0, 1.0).expect("the standard normal law");
    law.cdf(-(halved(least) - 0.5 - mean) / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::SignedRank;
    use crate::report::bench::statistics::Interval;

    const EIGHT: [f64; 8] = [1.2, -0.4, 2.2, 0.9, 3.1, -0.7, 1.8, 0.3];

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-9, "{found} and not {wanted}");
    }

    /// `scipy.stats.wilcoxon(d, mode="exact")` of `SciPy` 1.17.1: statistic 5 = 36 − 31, p 0.078125 (20 of 256 patterns).
    #[test]
    fn eight_differences_are_as_scipy_has_them() {
        let test = SignedRank::of(&EIGHT).expect("they differ from zero");
        near(test.statistic(), 31.0);
        near(test.p(), 0.078_125);
        near(test.p_above(), 0.039_062_5);
    }

    /// Of 36 Walsh averages the median, and (P(W ≤ 3) = 5/256 ≤ 0.025 < P(W ≤ 4) = 7/256) the fourth from either end.
    #[test]
    fn the_interval_ends_at_the_fourth_walsh_averages() {
        let test = SignedRank::of(&EIGHT).expect("they differ from zero");
        near(test.centre(), 1.05);
        let Interval { low, high } = test.interval().expect("eight are enough");
        near(low, -0.2);
        near(high, 2.2);
        assert_eq!(SignedRank::of(&EIGHT[..5]).expect("they differ").interval(), None, "five give 93.75 % at most");
    }

    /// All 2⁸ patterns of the ranks of the eight differences that are not zero, as `scipy.stats.wilcoxon(d, method=
    /// PermutationMethod(n_resamples=inf))` counts them in `SciPy` 1.17.1: W⁻ = 4, p = 0.0625.
    #[test]
    fn ties_and_zeros_are_counted_exactly() {
        let test = SignedRank::of(&[1.0, 1.0, -1.0, 2.0, 2.0, 3.0, -0.5, 4.0, 0.0]).expect("they differ from zero");
        near(test.p(), 0.0625);
        assert_eq!(SignedRank::of(&[0.0, 0.0]), None);
    }

    /// `scipy.stats.wilcoxon(d, correction=True, method="approx")` of `SciPy` 1.17.1, ties included.
    #[test]
    fn forty_differences_are_normal_as_scipy_has_them() {
        let differences: Vec<f64> =
            (0..40).map(|i| ((0.3 + f64::from(i * 37 % 61 - 30) / 20.0) * 1e3_f64).round() / 1e3).collect();
        let test = SignedRank::of(&differences).expect("they differ from zero");
        assert!((test.p() - 0.091_596_580_603_982_28).abs() < 1e-6, "{}", test.p());
        assert!((test.p_above() - 0.045_798_290_301_991_14).abs() < 1e-6, "{}", test.p_above());
    }

    /// Tables of the distribution without ties (Hollander and Wolfe, table A.4): P(W ≥ 13) at n = 5 is 0.094, P(W ≥ 47)
    /// at n = 10 is 0.024.
    #[test]
    fn tails_are_those_of_the_tables() {
        // Signs that give W = 13 of 1..=5: all but 2; W = 47 of 1..=10: all but 8.
        let without = |count: u8, negative: u8| -> Vec<f64> {
            (1..=count).map(|rank| if rank == negative { -f64::from(rank) } else { f64::from(rank) }).collect()
        };
        let tail = |differences: &[f64]| SignedRank::of(differences).expect("they differ").p_above();
        assert!((tail(&without(5, 2)) - 0.094).abs() < 5e-4);
        assert!((tail(&without(10, 8)) - 0.024).abs() < 5e-4);
    }
}
