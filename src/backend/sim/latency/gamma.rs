//! The gamma distribution by its mean and variance, and its quantiles at fixed shares.
//!
//! Quantiles are wanted by the million, at the same shares: rows of them are computed once for a ladder of shapes and
//! interpolated between two steps. Far up the ladder the Wilson–Hilferty cube (1931) is as good as exact.

use statrs::distribution::{ContinuousCDF, Gamma as Exact, Normal};
use statrs::function::gamma::gamma_lr;
use std::sync::{LazyLock, OnceLock};

/// A gamma distribution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gamma {
    mean: f64,
    /// Mean² over variance; infinite for a constant.
    shape: f64,
}

/// Strata of equal treatment: (middle share, weight), finer where quantiles are read: 0.5 % up to 0.9, then 0.125 %,
/// 0.025 % and 0.01 %. A quantile that is read from them is off by at most half a stratum: below 1 % of the value.
static STRATA: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| {
    let bands = [(0.0, 0.9, 180), (0.9, 0.98, 64), (0.98, 0.998, 72), (0.998, 1.0, 20)];
    let band = |&(from, to, count): &(f64, f64, u32)| {
        let width = (to - from) / f64::from(count);
        (0..count).map(move |index| (from + (f64::from(index) + 0.5) * width, width)).collect::<Vec<_>>()
    };
    bands.iter().flat_map(band).collect()
});

/// Every eighth stratum is used at a time.
pub(super) const PHASES: usize = 8;

/// Weight of the strata of each phase.
static PHASE_WEIGHTS: LazyLock<[f64; PHASES]> = LazyLock::new(|| {
    std::array::from_fn(|phase| STRATA.iter().skip(phase).step_by(PHASES).map(|(_, weight)| weight).sum())
});

/// Shapes at which rows are kept: 12 steps to a factor of e, from e^-4 to e^4.
const STEPS_PER_E: f64 = 12.0;
const LOG_SHAPE_MIN: f64 = -4.0;
const ROWS: usize = 97;
static ROW: [OnceLock<Vec<f64>>; ROWS] = [const { OnceLock::new() }; ROWS];

/// Normal quantiles of the strata, for Wilson–Hilferty.
static NORMAL: LazyLock<Vec<f64>> =
    LazyLock::new(|| STRATA.iter().map(|(share, _)| standard_normal_quantile(*share)).collect());

/// The standard normal value below which a share `u` lies.
pub(crate) fn standard_normal_quantile(u: f64) -> f64 {
    Normal::standard().inverse_cdf(u)
}

impl Gamma {
    /// By mean and variance; a variance of nothing makes it a constant.
    pub(super) fn new(mean: f64, variance: f64) -> Self {
        let shape = if variance > 0.0 { mean * mean / variance } else { f64::INFINITY };
        Self { mean, shape }
    }

    /// The share at or below `value`.
    pub(super) fn share_within(&self, value: f64) -> f64 {
        if value < 0.0 || (value == 0.0 && self.mean > 0.0) {
            return 0.0;
        }
        if self.mean <= 0.0 || self.shape > 1e9 {
            return if value >= self.mean * (1.0 - 1e-12) { 1.0 } else { 0.0 };
        }
        let ratio = value / self.mean;
        // Chernoff: P(X > r·mean) ≤ e^(−k(r − 1 − ln r)) for r > 1; most requests of most services are far inside.
        if ratio > 1.0 && self.shape * (ratio - 1.0 - ratio.ln()) > 18.0 {
            return 1.0;
        }
        gamma_lr(self.shape, self.shape * ratio)
    }

    /// The value at `share`, for the few who want a single one.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        if self.mean <= 0.0 || self.shape > 1e9 {
            return self.mean;
        }
        if self.shape >= 54.0 {
            return self.mean * wilson_hilferty(self.shape, standard_normal_quantile(share));
        }
        Exact::new(self.shape, self.shape).map_or(self.mean, |exact| self.mean * exact.inverse_cdf(share))
    }

    /// Calls `each` with (value, weight) of every [`PHASES`]th stratum, from `phase` on; the weights add up to one.
    pub(super) fn for_strata(&self, phase: usize, mut each: impl FnMut(f64, f64)) {
        if self.mean <= 0.0 || self.shape > 1e9 {
            return each(self.mean, 1.0);
        }
        let scale = 1.0 / PHASE_WEIGHTS[phase];
        if self.shape >= 54.0 {
            for ((_, weight), z) in STRATA.iter().zip(NORMAL.iter()).skip(phase).step_by(PHASES) {
                each(self.mean * wilson_hilferty(self.shape, *z), *weight * scale);
            }
            return;
        }
        let step = ((self.shape.ln() - LOG_SHAPE_MIN) * STEPS_PER_E).clamp(0.0, (ROWS - 1) as f64 - 1e-9);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the table")]
        let (low, part) = (step as usize, step.fract());
        let (left, right) = (row(low), row(low + 1));
        for (((_, weight), left), right) in STRATA.iter().zip(left).zip(right).skip(phase).step_by(PHASES) {
            each(self.mean * (left + (right - left) * part), *weight * scale);
        }
    }
}

/// Quantiles of a gamma distribution with mean one, at the middle of each stratum.
fn row(index: usize) -> &'static [f64] {
    ROW[index].get_or_init(|| {
        let shape = (LOG_SHAPE_MIN + index as f64 / STEPS_PER_E).exp();
        let exact = Exact::new(shape, shape).expect("shapes of the ladder are positive");
        STRATA.iter().map(|(share, _)| exact.inverse_cdf(*share)).collect()
    })
}

/// `(1 − 1/(9k) + z/(3√k))³` of a gamma with shape k and mean one.
fn wilson_hilferty(shape: f64, z: f64) -> f64 {
    (1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt())).max(0.0).powi(3)
}

#[cfg(test)]
mod tests {
    use super::{Gamma, PHASES, STRATA};

    #[test]
    fn strata_are_shares_that_add_up_to_one() {
        let sum: f64 = STRATA.iter().map(|(_, weight)| weight).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    /// The mean over the strata is the mean, within 1 % even for skewed shapes.
    #[test]
    fn strata_keep_the_mean() {
        for shape in [0.3, 1.0, 2.5, 40.0, 60.0, 1000.0] {
            let mut mean = 0.0;
            for phase in 0..PHASES {
                let eighth = 1.0 / PHASES as f64;
                Gamma::new(2.0, 4.0 / shape).for_strata(phase, |value, weight| mean += value * weight * eighth);
            }
            assert!((mean / 2.0 - 1.0).abs() < 0.01, "shape {shape}: {mean}");
        }
    }

    /// Exponential with mean 2: the value at 95 % is 2·ln 20.
    #[test]
    fn quantile_and_share_are_inverse() {
        let exponential = Gamma::new(2.0, 4.0);
        assert!((exponential.quantile(0.95) - 2.0 * 20f64.ln()).abs() < 1e-6);
        assert!((exponential.share_within(2.0 * 20f64.ln()) - 0.95).abs() < 1e-9);
        let narrow = Gamma::new(1.0, 0.01);
        assert!((narrow.share_within(narrow.quantile(0.99)) - 0.99).abs() < 1e-4);
    }
}
