//! Whether a small sample is lopsided: its skewness against that of normal samples of the same size.
//!
//! `G₁ = √(n(n − 1)) / (n − 2) · m₃ / m₂^1.5` with m the central moments; its standard error for normal samples is
//! `√(6 n (n − 1) / ((n − 2)(n + 1)(n + 3)))` (Joanes and Gill, Comparing measures of sample skewness and kurtosis, The
//! Statistician 47, 1998). Beyond two of these a sample counts as skewed: one in about twenty normal samples does.

/// The adjusted Fisher–Pearson skewness; `None` below three values and without spread.
pub fn skewness(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |power: i32| values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / n;
    let spread = moment(2);
    (values.len() >= 3 && spread > 0.0).then(|| (n * (n - 1.0)).sqrt() / (n - 2.0) * moment(3) / spread.powf(1.5))
}

/// Whether it lies beyond two standard errors.
pub fn is_skewed(values: &[f64]) -> bool {
    let n = values.len() as f64;
    let error = || (6.0 * n * (n - 1.0) / ((n - 2.0) * (n + 1.0) * (n + 3.0))).sqrt();
    skewness(values).is_some_and(|skewness| skewness.abs() > 2.0 * error())
}

#[cfg(test)]
mod tests {
    use super::{is_skewed, skewness};

    /// `scipy.stats.skew([1, 2, 3, 4, 5, 6, 7, 8, 9, 40], bias=False)`.
    /// Standard error at n = 10: √(6·10·9 / (8·11·13)) = √(540/1144) = 0.687.
    #[test]
    fn one_value_far_out_makes_a_sample_skewed() {
        let far = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 40.0];
        assert!((skewness(&far).expect("it spreads") - 2.861_037_9).abs() < 1e-6, "{:?}", skewness(&far));
        assert!(is_skewed(&far) && !is_skewed(&far[..9]));
        assert_eq!(skewness(&[1.0, 2.0]), None);
        assert_eq!(skewness(&[3.0; 5]), None);
    }
}
