//! A histogram in which the past decays: each sample weighs half as much after every half-life.
//!
//! Instead of shrinking what is there, new samples are given more: `weight · 2^((t − reference) / half-life)`. Before the
//! exponent grows beyond what floats hold, the reference moves and all weights are scaled. Source: `histogram.go`
//! and `decaying_histogram.go` of the recommender of kubernetes/autoscaler.

use crate::units::{Span, Time};

/// How values are sorted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Buckets {
    /// `count` of the same `width`.
    Linear {
        /// Width of each.
        width: f64,
        /// How many; the last has no end.
        count: usize,
    },
    /// The n-th begins at `first · (ratio^n − 1) / (ratio − 1)`: the error is a share of the value.
    Exponential {
        /// Width of the first.
        first: f64,
        /// Each is so many times as wide as the one before.
        ratio: f64,
        /// How many; the last has no end.
        count: usize,
    },
}

impl Buckets {
    /// Those for CPU in cores: the first is 0.01 wide, each 5 % wider than the one before, up to 1,000.
    pub const CPU: Self = Self::Exponential { first: 0.01, ratio: 1.05, count: 176 };

    const fn count(self) -> usize {
        match self {
            Self::Linear { count, .. } | Self::Exponential { count, .. } => count,
        }
    }

    /// Where the bucket at `index` begins.
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a few hundred buckets")]
    pub fn start(self, index: usize) -> f64 {
        match self {
            Self::Linear { width, .. } => width * index as f64,
            Self::Exponential { first, ratio, .. } => first * (ratio.powi(index as i32) - 1.0) / (ratio - 1.0),
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, and the last has no end"
    )]
    fn find(self, value: f64) -> usize {
        let index = match self {
            Self::Linear { width, .. } => value / width,
            Self::Exponential { first, ratio, .. } => (value * (ratio - 1.0) / first + 1.0).ln() / ratio.ln(),
        };
        (index as usize).min(self.count() - 1)
    }
}

/// Weights by bucket.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    buckets: Buckets,
    half_life: Span,
    /// A weight below counts as none.
    least: f64,
    reference: Time,
    weights: Vec<f64>,
    total: f64,
}

/// The reference moves before weights grow beyond 2 to this power.
const EXPONENT_MAX: u64 = 100;

impl Histogram {
    /// An empty one.
    pub fn new(buckets: Buckets, half_life: Span, least: f64) -> Self {
        Self { buckets, half_life, least, reference: Time::ZERO, weights: vec![0.0; buckets.count()], total: 0.0 }
    }

    /// Adds a sample of `value` with `weight`.
    pub fn add(&mut self, at: Time, value: f64, weight: f64) {
        if at.since(self.reference) > self.half_life.repeated(EXPONENT_MAX) {
            self.shift(at);
        }
        let age = at.0 as f64 - self.reference.0 as f64;
        let weight = weight * (age / self.half_life.0 as f64).exp2();
        self.weights[self.buckets.find(value)] += weight;
        self.total += weight;
    }

    /// Moves the reference to the multiple of the half-life that is nearest to `to`.
    fn shift(&mut self, to: Time) {
        let half_lives = (to.0 + self.half_life.0 / 2) / self.half_life.0;
        let moved = half_lives - self.reference.0 / self.half_life.0;
        let factor = (-(moved as f64)).exp2();
        self.weights.iter_mut().for_each(|weight| *weight *= factor);
        self.total *= factor;
        self.reference = Time(half_lives * self.half_life.0);
    }

    /// Where the bucket ends in which `share` of the weight is reached; zero while there is none.
    pub fn percentile(&self, share: f64) -> f64 {
        let filled = |weight: &f64| *weight >= self.least;
        let (Some(first), Some(last)) = (self.weights.iter().position(filled), self.weights.iter().rposition(filled))
        else {
            return 0.0;
        };
        let mut sum = 0.0;
        let is_reached = |index: &usize| {
            sum += self.weights[*index];
            sum >= share * self.total
        };
        let index = (first..last).find(is_reached).unwrap_or(last);
        self.buckets.start((index + 1).min(self.buckets.count() - 1))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "ends of buckets are whole numbers here")]
mod tests {
    use super::{Buckets, Histogram};
    use crate::units::{Span, Time};

    const HOUR: Span = Span::seconds(3_600);
    /// Ten buckets of 1, and one beyond: those of the recommender's own tests.
    const TENTHS: Buckets = Buckets::Linear { width: 1.0, count: 11 };

    fn at(hours: u64) -> Time {
        Time(1_234_567_890_000_000_000) + HOUR.repeated(hours)
    }

    fn percentiles<const N: usize>(histogram: &Histogram, shares: [f64; N]) -> [f64; N] {
        shares.map(|share| histogram.percentile(share))
    }

    /// The recommender's test of percentiles without decay: weights 1, 2, 3, 4 at 1, 2, 3, 4.
    #[test]
    fn percentiles_are_ends_of_buckets() {
        let mut histogram = Histogram::new(TENTHS, HOUR, 1e-15);
        assert_eq!(percentiles(&histogram, [-0.5, 0.5, 1.5]), [0.0; 3]);
        for value in [1.0, 2.0, 3.0, 4.0] {
            histogram.add(at(0), value, value);
        }
        let shares = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0];
        assert_eq!(percentiles(&histogram, shares), [2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0, 5.0, 5.0, 5.0, 5.0]);
    }

    /// The recommender's test of decay: the same samples an hour, which is a half-life, apart.
    #[test]
    fn older_samples_weigh_half_as_much_after_each_half_life() {
        let mut histogram = Histogram::new(TENTHS, HOUR, 1e-15);
        for value in 1..=4_u32 {
            histogram.add(at(value.into()), value.into(), value.into());
        }
        let shares = [0.0, 0.02, 0.03, 0.10, 0.11, 0.34, 0.35, 1.0];
        assert_eq!(percentiles(&histogram, shares), [2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0, 5.0]);
    }

    /// Its tests of long decay: a weight of 1,000 is 1/1000 of a weight of 1 twenty half-lives later, and gone after 101.
    #[test]
    fn weights_survive_a_move_of_the_reference() {
        let mut histogram = Histogram::new(TENTHS, HOUR, 1e-15);
        histogram.add(at(0), 2.0, 1_000.0);
        histogram.add(at(20), 1.0, 1.0);
        assert_eq!(percentiles(&histogram, [0.999, 1.0]), [2.0, 3.0]);
        histogram.add(at(121), 1.0, 1.0);
        assert_eq!(histogram.percentile(1.0), 2.0);
    }

    /// Buckets for CPU: each value lies in its bucket, and no bucket is wider than 5 % of where it begins plus the first.
    #[test]
    fn the_error_of_a_value_is_five_percent() {
        for value in [0.001, 0.01, 0.5, 1.0, 3.2, 64.0, 999.0] {
            let bucket = Buckets::CPU.find(value);
            let (start, end) = (Buckets::CPU.start(bucket), Buckets::CPU.start(bucket + 1));
            assert!(start <= value * (1.0 + 1e-12) && value < end, "{value} in {start}..{end}");
            assert!(end - start <= 0.05 * start + 0.010_001, "{start}..{end}");
        }
        assert_eq!(Buckets::CPU.find(1e9), 175);
        assert!(Buckets::CPU.start(175) >= 1_000.0 && Buckets::CPU.start(174) < 1_000.0);
    }
}
