//! Latency over requests: a mergeable histogram, fed by distributions instead of single requests.
//!
//! Quantiles of a whole run come from here and never from averages of quantiles. While the latency stays the same within
//! half a percent, weights are gathered and spread over the strata of the distribution only when it changes. Each spread
//! uses every eighth stratum, another eighth the next time, so that many of them together see all.

use super::Latency;
use super::gamma::PHASES;
use super::histogram::Histogram;
use crate::model::observation::Quantiles;
use crate::units::Span;

/// Latencies of one entry service.
#[derive(Debug, Clone)]
pub(crate) struct LatencyLog {
    /// Since the last sample.
    recent: Histogram,
    /// Before that.
    before: Histogram,
    /// Σ weight · mean in seconds · requests, and Σ weight: recent and before.
    sums: [(f64, f64); 2],
    /// What is no part of the total: latencies and sums of a warm-up.
    skipped: Option<Box<(Histogram, (f64, f64))>>,
    /// Which strata are next.
    phase: usize,
}

/// Requests that share a latency and are not in the histogram yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pending {
    latency: Latency,
    requests: f64,
}

impl LatencyLog {
    pub(crate) fn new() -> Self {
        Self { recent: Histogram::new(), before: Histogram::new(), sums: [(0.0, 0.0); 2], skipped: None, phase: 0 }
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
        reason = "weights are positive, and `as` saturates"
    )]
    pub(crate) fn flush(&mut self, pending: &mut Pending) {
        let micro_requests = std::mem::take(&mut pending.requests) * 1e6;
        if micro_requests <= 0.0 {
            return;
        }
        let (fixed, recent) = (pending.latency.fixed, &mut self.recent);
        pending.latency.gamma().for_strata(self.phase, |value, weight| {
            recent.record(fixed + value, (micro_requests * weight + 0.5) as u64);
        });
        self.phase = (self.phase + 1) % PHASES;
    }

    /// Quantiles since the last call; absent without requests.
    pub(crate) fn take_recent(&mut self) -> Option<Quantiles> {
        let quantiles = quantiles(&self.recent, self.sums[0]);
        self.before.merge(&self.recent);
        self.recent.clear();
        self.sums[1].0 += self.sums[0].0;
        self.sums[1].1 += self.sums[0].1;
        self.sums[0] = (0.0, 0.0);
        quantiles
    }

    /// Quantiles of the whole run up to the last call of [`take_recent`](Self::take_recent).
    pub(crate) fn total(&self) -> Option<Quantiles> {
        let (mut before, mut sum) = (self.before.clone(), self.sums[1]);
        if let Some(skipped) = &self.skipped {
            before.subtract(&skipped.0);
            sum = (sum.0 - skipped.1.0, sum.1 - skipped.1.1);
        }
        quantiles(&before, sum)
    }

    /// Leaves what was flushed so far out of [`total`](Self::total), and not out of [`take_recent`](Self::take_recent).
    pub(crate) fn restart_total(&mut self) {
        let mut all = self.before.clone();
        all.merge(&self.recent);
        let sum = (self.sums[0].0 + self.sums[1].0, self.sums[0].1 + self.sums[1].1);
        self.skipped = Some(Box::new((all, sum)));
    }

    /// Adds what `other` holds.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.before.merge(&other.before);
        self.sums[1].0 += other.sums[1].0;
        self.sums[1].1 += other.sums[1].1;
        if let Some(skipped) = &other.skipped {
            self.before.subtract(&skipped.0);
            self.sums[1].0 -= skipped.1.0;
            self.sums[1].1 -= skipped.1.1;
        }
    }
}

fn quantiles(histogram: &Histogram, sum: (f64, f64)) -> Option<Quantiles> {
    if histogram.is_empty() || sum.1 <= 0.0 {
        return None;
    }
    let [p50, p95, p99] = histogram.quantiles([0.5, 0.95, 0.99]);
    Some(Quantiles { mean: Span::from_seconds_f64(sum.0 / sum.1), p50, p95, p99 })
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
        for _ in 0..16 {
            log.add(&mut pending, &latency, 100.0);
            log.flush(&mut pending);
        }
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
