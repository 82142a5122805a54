//! Student's t: one sample (paired differences) and two samples of unequal spread (Welch).
//!
//! One sample (Student 1908): `t = mean / (s / √n)` with n − 1 degrees of freedom, interval `mean ± t(1 − α/2, n − 1) · s / √n`.
//! Two samples (Welch 1947): `t = (mean₁ − mean₂) / √(s₁²/n₁ + s₂²/n₂)`, degrees of freedom by Satterthwaite (1946):
//! `(v₁ + v₂)² / (v₁²/(n₁ − 1) + v₂²/(n₂ − 1))` with `v = s²/n`.
//!
//! Both suppose that means are about normal. Where they are not, [`signed_rank`](super::signed_rank) stands in; see
//! [`difference`](super::difference) for when.

use super::{Interval, LEVEL};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean (or a difference of two), its standard error and degrees of freedom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Student {
    /// The mean.
    pub mean: f64,
    /// Its standard error, above zero.
    pub error: f64,
    /// Degrees of freedom, above zero.
    pub freedom: f64,
}

impl Student {
    /// Of one sample; `None` below two values, and where they do not differ.
    pub fn of(values: &[f64]) -> Option<Self> {
        let (mean, variance, count) = moments(values)?;
        let error = (variance / count).sqrt();
        (error > 0.0).then_some(Self { mean, error, freedom: count - 1.0 })
    }

    /// `left − right` of two samples that are not paired; `None` below two values in either, and without any spread.
    pub fn welch(left: &[f64], right: &[f64]) -> Option<Self> {
        let ((a, a_variance, a_count), (b, b_variance, b_count)) = (moments(left)?, moments(right)?);
        let (v, w) = (a_variance / a_count, b_variance / b_count);
        let freedom = (v + w).powi(2) / (v.powi(2) / (a_count - 1.0) + w.powi(2) / (b_count - 1.0));
        (v + w > 0.0).then(|| Self { mean: a - b, error: (v + w).sqrt(), freedom })
    }

    /// The chance of a mean as far from zero as this or farther, to either side, where the true one is zero.
    pub fn p(&self) -> f64 {
        (2.0 * self.law().cdf(-(self.mean / self.error).abs())).min(1.0)
    }

    /// The chance of a mean as high as this or higher where the true one is zero (or below).
    pub fn p_above(&self) -> f64 {
        self.law().cdf(-self.mean / self.error)
    }

    /// The 95 % interval.
    pub fn interval(&self) -> Interval {
        let half = self.reach(1.0 - LEVEL / 2.0);
        Interval { low: self.mean - half, high: self.mean + half }
    }

    /// From the mean to the value that the true one is below with this confidence.
    pub fn reach(&self, confidence: f64) -> f64 {
        self.law().inverse_cdf(confidence) * self.error
    }

    fn law(&self) -> StudentsT {
        StudentsT::new(0.0, 1.0, self.freedom).expect("there are degrees of freedom")
    }
}

/// Mean, variance (over n − 1) and count; `None` below two values.
fn moments(values: &[f64]) -> Option<(f64, f64, f64)> {
    let count = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    Some((mean, variance, count))
}

#[cfg(test)]
mod tests {
    use super::Student;

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-8, "{found} and not {wanted}");
    }

    /// `scipy.stats.ttest_1samp(d, 0)` of `SciPy` 1.17.1, its `confidence_interval(0.95)`, and with `alternative="greater"`.
    #[test]
    fn one_sample_is_as_scipy_has_it() {
        let student = Student::of(&[1.2, -0.4, 2.2, 0.9, 3.1, -0.7, 1.8, 0.3]).expect("it spreads");
        near(student.mean / student.error, 2.281_607_669_644_093_7);
        near(student.p(), 0.056_502_195_577_777_82);
        near(student.p_above(), 0.028_251_097_788_888_91);
        near(student.interval().low, -0.038_204_382_026_697_07);
        near(student.interval().high, 2.138_204_382_026_697_4);
    }

    /// `scipy.stats.ttest_ind(x, y, equal_var=False)` of `SciPy` 1.17.1.
    #[test]
    fn two_samples_are_as_scipy_has_them() {
        let (x, y) = ([20.1, 22.4, 19.8, 25.0, 21.7], [18.2, 24.9, 17.5, 16.8, 20.3, 19.9]);
        let student = Student::welch(&x, &y).expect("they spread");
        near(student.freedom, 8.849_846_354_522_542);
        near(student.p(), 0.181_753_259_250_828_82);
        near(student.interval().low, -1.242_863_488_372_073);
        near(student.interval().high, 5.642_863_488_372_073);
    }

    #[test]
    fn without_spread_or_a_second_value_there_is_no_test() {
        assert_eq!(Student::of(&[4.0]), None);
        assert_eq!(Student::of(&[4.0, 4.0]), None);
        assert_eq!(Student::welch(&[1.0, 1.0], &[2.0, 2.0]), None);
        assert!(Student::welch(&[1.0, 1.0], &[2.0, 3.0]).is_some());
    }
}
