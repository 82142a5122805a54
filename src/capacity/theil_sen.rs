//! The Theil–Sen line: the median of the slopes of all pairs.
//!
//! **Formula.** α = median over i<j, xᵢ≠xⱼ of (yⱼ − yᵢ)/(xⱼ − xᵢ); β = median(yᵢ − α xᵢ). O(n²), so of more than
//! [`SAMPLES_MAX`] points an even share is used.
//!
//! **Assumes** nothing of the errors but that fewer than 29 % are gross. **Source**: Theil 1950, Sen 1968; policies §6.2
//! step 2. **Fails** where `x` takes two values only and one of them is mostly outliers.

use super::estimate::{median, quantile_in_place};
use super::regression::Line;

/// Points at most.
pub const SAMPLES_MAX: usize = 1500;

/// The line through `(x, y)`; `None` where `x` does not vary.
pub fn line(points: &[(f64, f64)]) -> Option<Line> {
    let stride = points.len().div_ceil(SAMPLES_MAX).max(1);
    let used: Vec<(f64, f64)> = points.iter().copied().step_by(stride).collect();
    let mut slopes = Vec::with_capacity(used.len() * used.len().saturating_sub(1) / 2);
    for (at, first) in used.iter().enumerate() {
        slopes.extend(
            used[at + 1..]
                .iter()
                .filter(|next| (next.0 - first.0).abs() > 0.0)
                .map(|next| (next.1 - first.1) / (next.0 - first.0)),
        );
    }
    if slopes.is_empty() {
        return None;
    }
    let alpha = quantile_in_place(&mut slopes, 0.5);
    let intercepts: Vec<f64> = used.iter().map(|point| point.1 - alpha * point.0).collect();
    let beta = median(&intercepts);
    Some(Line { alpha, beta, r_squared: super::regression::r_squared(points, |x| alpha * x + beta) })
}

#[cfg(test)]
mod tests {
    use super::line;

    /// Points on y = 3x − 1, and one in five far above.
    #[test]
    fn a_fifth_of_outliers_does_not_move_it() {
        let points: Vec<(f64, f64)> = (0..50_u32)
            .map(|x| (f64::from(x), 3.0 * f64::from(x) - 1.0 + if x % 5 == 0 { 500.0 } else { 0.0 }))
            .collect();
        let line = line(&points).expect("x varies");
        assert!((line.alpha - 3.0).abs() < 0.1, "{line:?}");
    }

    #[test]
    fn one_level_has_no_line() {
        assert_eq!(line(&[(2.0, 1.0), (2.0, 3.0)]), None);
    }
}
