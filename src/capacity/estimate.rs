//! A number with its interval, and the order statistics that intervals are made of.

use serde::{Deserialize, Serialize};

/// An estimate and the interval around it, at the confidence of the options.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

impl Estimate {
    /// An estimate with the percentile interval of its draws; without draws the interval is unbounded.
    pub fn from_draws(value: f64, draws: &[f64], confidence: f64) -> Self {
        let mut sorted: Vec<f64> = draws.iter().copied().filter(|draw| draw.is_finite()).collect();
        if sorted.is_empty() {
            return Self { value, low: f64::NEG_INFINITY, high: f64::INFINITY };
        }
        sorted.sort_by(f64::total_cmp);
        let tail = (1.0 - confidence) / 2.0;
        Self {
            value,
            low: quantile_sorted(&sorted, tail).min(value),
            high: quantile_sorted(&sorted, 1.0 - tail).max(value),
        }
    }

    /// A number that is known.
    pub const fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// Half the interval's width as a share of the value.
    pub fn relative_half_width(&self) -> f64 {
        (self.high - self.low) / 2.0 / self.value.abs()
    }

    /// Whether two intervals have a point in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }

    /// Whether the interval holds `truth`.
    pub fn covers(&self, truth: f64) -> bool {
        (self.low..=self.high).contains(&truth)
    }

    /// Estimate and ends times `factor`, which must not be negative.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        Self { value: self.value * factor, low: self.low * factor, high: self.high * factor }
    }
}

/// The quantile of ascending values by linear interpolation (type 7 of Hyndman and Fan 1996); NaN of nothing.
pub fn quantile_sorted(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = share.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    let weight = position - below as f64;
    sorted[below] * (1.0 - weight) + sorted[above] * weight
}

/// The quantile of values in any order, of those that are numbers; O(n).
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut numbers: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    quantile_in_place(&mut numbers, share)
}

/// As [`quantile`], reordering the values, of which none may be NaN.
pub fn quantile_in_place(values: &mut [f64], share: f64) -> f64 {
    let Some(last) = values.len().checked_sub(1) else { return f64::NAN };
    let position = share.clamp(0.0, 1.0) * last as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the length")]
    let below = position.floor() as usize;
    let (_, low, rest) = values.select_nth_unstable_by(below, f64::total_cmp);
    let low = *low;
    let weight = position - below as f64;
    if weight == 0.0 {
        return low;
    }
    let high = rest.iter().copied().fold(f64::INFINITY, f64::min);
    low * (1.0 - weight) + high * weight
}

/// The median; NaN of nothing.
pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Median of the distances from the median, times 1.4826: the standard deviation of a normal, robust to half of the data.
pub fn scale_of(values: &[f64]) -> f64 {
    let centre = median(values);
    let distances: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    1.4826 * median(&distances)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::{Estimate, median, quantile, quantile_sorted, scale_of};

    /// Of 1, 2, 3, 4 the lower quartile is at position 0.75: 1.75. The median is 2.5, distances 1.5, .5, .5, 1.5: 1.
    #[test]
    fn quantiles_interpolate() {
        assert_eq!(quantile(&[4.0, 1.0, f64::NAN, 3.0, 2.0], 0.25), 1.75);
        assert_eq!(quantile_sorted(&[1.0, 2.0, 3.0, 4.0], 1.0), 4.0);
        assert_eq!(median(&[3.0, 1.0]), 2.0);
        assert_eq!(scale_of(&[1.0, 2.0, 3.0, 4.0]), 1.4826);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn an_interval_holds_its_value_even_where_the_draws_do_not() {
        let estimate = Estimate::from_draws(5.0, &[1.0, 2.0, 3.0], 0.9);
        assert!(estimate.covers(5.0) && estimate.covers(2.0) && !estimate.covers(5.1));
        assert!(Estimate::from_draws(1.0, &[], 0.9).low.is_infinite());
    }
}
