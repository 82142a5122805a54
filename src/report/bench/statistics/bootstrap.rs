//! Percentile bootstrap of a figure over whole units (scenarios), for what has no formula: a mean rank.
//!
//! Units are drawn with replacement, the figure is computed again, and the 2.5 % and 97.5 % quantiles of [`DRAWS`] such
//! figures are the interval (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13). Over few units it is too
//! narrow; who shows it says over how many. The draws come from a stream of their own: the same figures give the same interval.

use super::{Interval, LEVEL};
use crate::seed::Seed;
use rand::Rng;

/// Samples that are drawn.
pub const DRAWS: usize = 2_000;

/// The interval of `figure` over `units` units, which is given the indices that were drawn; `None` below two units.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a list of DRAWS, and indices below `units`"
)]
pub fn interval(units: usize, figure: impl Fn(&[usize]) -> f64) -> Option<Interval> {
    if units < 2 {
        return None;
    }
    let mut stream = Seed(0).stream("bench bootstrap", units as u64);
    let mut drawn = vec![0; units];
    let mut figures = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        for index in &mut drawn {
            // The upper bits times the count: Lemire's map of a word onto a range.
            *index = ((u128::from(stream.next_u64()) * units as u128) >> 64) as usize;
        }
        figures.push(figure(&drawn));
    }
    figures.sort_by(f64::total_cmp);
    let last = (DRAWS - 1) as f64;
    let at = |share: f64| figures[(share * last).round() as usize];
    Some(Interval { low: at(LEVEL / 2.0), high: at(1.0 - LEVEL / 2.0) })
}

#[cfg(test)]
mod tests {
    use super::interval;

    /// Goal: the interval of a mean is that of theory where there is one.
    /// Method: of 0, 1, ..., 99 the mean is 49.5 and its bootstrap error √(Σ(x − mean)²/n²) = √(833.25/100) = 2.887, so
    /// 49.5 ± 1.96 · 2.887 = 43.84 ... 55.16, to within what 2,000 draws leave open (the error of such a quantile is about
    /// √(0.025·0.975/2000)/0.0584 · 2.887 = 0.17).
    #[test]
    fn the_interval_of_a_mean_is_that_of_theory() {
        let mean = |drawn: &[usize]| drawn.iter().sum::<usize>() as f64 / drawn.len() as f64;
        let found = interval(100, mean).expect("there are units");
        assert!((found.low - 43.84).abs() < 0.6 && (found.high - 55.16).abs() < 0.6, "{found:?}");
        assert_eq!(interval(100, mean), Some(found), "the same every time");
        assert_eq!(interval(1, mean), None);
    }
}
