//! A mergeable histogram of latencies in log-linear buckets, weighted by requests.
//!
//! 32 buckets an octave from 10 µs up to beyond 10 h: a bucket is at most 3.1 % wide, and a quantile is interpolated inside
//! its bucket. Small enough (7 kB) to be read, merged and cleared for every service at every sample.

use crate::units::Span;

const UNIT_NANOS: f64 = 10_000.0;
const SUB_BITS: u32 = 5;
const SUB: usize = 1 << SUB_BITS;
const OCTAVES: usize = 28;

/// Counts by bucket, in 10⁻⁶ requests.
#[derive(Debug, Clone)]
pub(super) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { counts: vec![0; SUB * OCTAVES], total: 0 }
    }

    /// Adds `count` requests of this latency.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "latencies are positive, and `as` saturates"
    )]
    pub(super) fn record(&mut self, seconds: f64, count: u64) {
        let units = (seconds * (1e9 / UNIT_NANOS)) as u64;
        self.counts[bucket(units)] += count;
        self.total += count;
    }

    /// Adds everything that `other` holds.
    pub(super) fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
    }

    /// Takes off what `other` holds, all of which was merged before.
    pub(super) fn subtract(&mut self, other: &Self) {
        for (count, less) in self.counts.iter_mut().zip(&other.counts) {
            *count -= less;
        }
        self.total -= other.total;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
        self.total = 0;
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The latencies below which these rising shares lie, each interpolated inside its bucket.
    pub(super) fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [Span; N] {
        let mut found = [Span::ZERO; N];
        let (mut below, mut next) = (0u64, 0);
        for (index, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            while next < N && shares[next] * self.total as f64 <= (below + count) as f64 {
                let inside = (shares[next] * self.total as f64 - below as f64) / *count as f64;
                let (from, width) = bounds(index);
                found[next] = Span::from_seconds_f64((from + width * inside.clamp(0.0, 1.0)) * UNIT_NANOS / 1e9);
                next += 1;
            }
            below += count;
        }
        found
    }
}

/// Units below 32 have a bucket each; above, the five bits behind the leading one choose among the 32 of its octave.
fn bucket(units: u64) -> usize {
    let octave = (u64::BITS - units.leading_zeros()).saturating_sub(SUB_BITS + 1);
    let index = u64::from(octave) * SUB as u64 + (units >> octave);
    usize::try_from(index).unwrap_or(usize::MAX).min(SUB * OCTAVES - 1)
}

/// Lower end and width of a bucket, in units.
fn bounds(index: usize) -> (f64, f64) {
    if index < 2 * SUB {
        return (index as f64, 1.0);
    }
    let octave = i32::try_from(index / SUB - 1).expect("there are few octaves");
    let width = 2f64.powi(octave);
    ((index % SUB + SUB) as f64 * width, width)
}

#[cfg(test)]
mod tests {
    use super::{Histogram, OCTAVES, SUB, bounds, bucket};

    #[test]
    fn buckets_join_without_gap_or_overlap() {
        for index in 0..SUB * OCTAVES - 1 {
            let (from, width) = bounds(index);
            let (next, _) = bounds(index + 1);
            assert!((from + width - next).abs() < 1e-9, "bucket {index}");
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounds are whole numbers")]
            let units = from as u64;
            assert_eq!(bucket(units), index);
        }
    }

    /// 1 ms to 1 s, evenly: the quantile at share u is u seconds, within half a percent.
    #[test]
    fn quantiles_of_an_even_spread_are_their_shares() {
        let mut histogram = Histogram::new();
        for millis in 0..1000 {
            histogram.record((f64::from(millis) + 0.5) / 1e3, 1_000_000);
        }
        for (share, found) in [0.5, 0.95, 0.99].into_iter().zip(histogram.quantiles([0.5, 0.95, 0.99])) {
            assert!((found.as_seconds_f64() / share - 1.0).abs() < 0.005, "{share}: {found}");
        }
    }
}
