//! Latency over requests: a mergeable histogram, fed by distributions instead of single requests.
//!
//! Quantiles of a whole run come from here and never from averages of quantiles. Buckets are within 0.8 % of their values
//! (HDR histogram, two significant figures, from 10 µs to 1 h). While the latency stays the same within half a percent,
//! weights are gathered and spread over the strata of the distribution only when it changes.

use super::Latency;
use crate::model::observation::Quantiles;
use crate::units::Span;
use hdrhistogram::Histogram;

const MICROS_PER_UNIT: f64 = 10.0;
const UNITS_MAX: u64 = 360_000_000;

/// Latencies of one entry service.
#[derive(Debug, Clone)]
pub(crate) struct LatencyLog {
    /// Since the last sample, in units of 10 µs, weighted by 10⁻⁶ requests.
    recent: Histogram<u64>,
    /// Before that.
    before: Histogram<u64>,
    /// Σ weight · mean, in seconds · requests, recent and before.
    sums: [(f64, f64); 2],
}

/// Requests that share a latency and are not in the histogram yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pending {
    latency: Latency,
    requests: f64,
}

impl LatencyLog {
    pub(crate) fn new() -> Self {
        let empty = || Histogram::new_with_bounds(1, UNITS_MAX, 2).expect("these bounds are valid");
        Self { recent: empty(), before: empty(), sums: [(0.0, 0.0); 2] }
    }

    /// Adds `requests` of this latency.
    pub(crate) fn add(&mut self, pending: &mut Pending, latency: &Latency, requests: f64) {
        if requests <= 0.0 {
            return;
        }
        if !pending.latency.is_near(latency) {
            self.flush(pending);
            pending.latency = *latency;
        }
        pending.requests += requests;
        self.sums[0].0 += requests * (latency.fixed + latency.mean);
        self.sums[0].1 += requests;
    }

    /// Moves what is pending into the histogram.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "latencies and weights are positive, and `as` saturates"
    )]
    pub(crate) fn flush(&mut self, pending: &mut Pending) {
        let micro_requests = std::mem::take(&mut pending.requests) * 1e6;
        if micro_requests <= 0.0 {
            return;
        }
        let fixed = pending.latency.fixed;
        let recent = &mut self.recent;
        pending.latency.gamma().for_strata(|value, weight| {
            let units = ((fixed + value) * 1e6 / MICROS_PER_UNIT).round() as u64;
            recent.saturating_record_n(units.clamp(1, UNITS_MAX), (micro_requests * weight).round() as u64);
        });
    }

    /// Quantiles since the last call; absent without requests.
    pub(crate) fn take_recent(&mut self) -> Option<Quantiles> {
        let quantiles = quantiles(&self.recent, self.sums[0]);
        self.before.add(&self.recent).expect("both have the same bounds");
        self.recent.reset();
        self.sums[1].0 += self.sums[0].0;
        self.sums[1].1 += self.sums[0].1;
        self.sums[0] = (0.0, 0.0);
        quantiles
    }

    /// Quantiles of the whole run up to the last call of [`take_recent`](Self::take_recent).
    pub(crate) fn total(&self) -> Option<Quantiles> {
        quantiles(&self.before, self.sums[1])
    }

    /// Adds what `other` holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.before.add(&other.before).expect("both have the same bounds");
        self.sums[1].0 += other.sums[1].0;
        self.sums[1].1 += other.sums[1].1;
    }
}

fn quantiles(histogram: &Histogram<u64>, sum: (f64, f64)) -> Option<Quantiles> {
    if histogram.is_empty() || sum.1 <= 0.0 {
        return None;
    }
    let at = |share: f64| Span::from_seconds_f64(histogram.value_at_quantile(share) as f64 * MICROS_PER_UNIT / 1e6);
    Some(Quantiles { mean: Span::from_seconds_f64(sum.0 / sum.1), p50: at(0.5), p95: at(0.95), p99: at(0.99) })
}

#[cfg(test)]
mod tests {
    use super::{Latency, LatencyLog, Pending};

    /// Exponential with mean 100 ms: median 69.3 ms, p95 299.6 ms, p99 460.5 ms.
    #[test]
    fn an_exponential_latency_has_its_quantiles() {
        let mut log = LatencyLog::new();
        let mut pending = Pending::default();
        let latency = Latency { fixed: 0.0, mean: 0.1, variance: 0.01 };
        for _ in 0..10 {
            log.add(&mut pending, &latency, 100.0);
        }
        log.flush(&mut pending);
        let found = log.take_recent().expect("there were requests");
        let near = |span: crate::units::Span, seconds: f64| (span.as_seconds_f64() / seconds - 1.0).abs() < 0.015;
        assert!(
            near(found.mean, 0.1) && near(found.p50, 0.0693) && near(found.p95, 0.2996) && near(found.p99, 0.4605),
            "{found:?}"
        );
        assert_eq!(log.take_recent(), None);
        assert_eq!(log.total().map(|all| all.p95), Some(found.p95));
    }
}
