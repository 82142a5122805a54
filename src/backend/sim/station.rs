//! One service in one cluster as a fluid queue, exact in integers.
//!
//! Requests flow in at rate `a`, out at no more than the capacity `c` of the ready replicas, and wait in a backlog `q` that
//! holds at most `limit` seconds of work; what comes on top is dropped. Over a time `Δt` with constant rates:
//!
//! ```text
//! served  = min(q + a·Δt, c·Δt)
//! dropped = max(0, q + a·Δt − served − c·limit)
//! q'      = q + a·Δt − served − dropped
//! ```
//!
//! Amounts are counted in 10⁻¹⁵ requests, the product of a rate in 10⁻⁶/s and a time in ns, so nothing is rounded and
//! `offered = served + dropped + backlog` holds to the last unit whatever the intervals are.

use crate::model::observation::Flow;
use crate::units::{Rate, Span};

/// A fluid queue.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Station {
    /// Requests that arrive.
    pub(super) arrivals: Rate,
    /// What the ready replicas serve.
    pub(super) capacity: Rate,
    /// Seconds of work that may wait.
    pub(super) limit: Span,
    /// In, out, and what waits.
    pub(super) flow: Flow,
}

impl Station {
    /// Lets `span` pass at the present rates.
    pub(super) fn advance(&mut self, span: Span) {
        let inflow = amount(self.arrivals, span);
        let here = self.flow.backlog + inflow;
        let served = here.min(amount(self.capacity, span));
        let waiting = here - served;
        let dropped = waiting.saturating_sub(amount(self.capacity, self.limit));
        self.flow.offered += inflow;
        self.flow.served += served;
        self.flow.dropped += dropped;
        self.flow.backlog = waiting - dropped;
    }

    /// Whether nothing ever happens here at the present rates.
    pub(super) fn is_idle(&self) -> bool {
        self.arrivals == Rate::ZERO && self.flow.backlog == 0
    }

    /// The rate at which requests leave served.
    pub(super) fn served(&self) -> Rate {
        if self.flow.backlog > 0 { self.capacity } else { self.arrivals.min(self.capacity) }
    }

    /// The share of arrivals that is dropped at present: what exceeds capacity once the backlog is full.
    pub(super) fn drop_share(&self) -> f64 {
        if self.arrivals <= self.capacity || self.flow.backlog < amount(self.capacity, self.limit) {
            return 0.0;
        }
        1.0 - self.capacity.0 as f64 / self.arrivals.0 as f64
    }

    /// The time a request that arrives now waits for those before it: `q / c`, in seconds.
    pub(super) fn backlog_wait(&self) -> f64 {
        if self.flow.backlog == 0 { 0.0 } else { self.flow.backlog as f64 / self.capacity.0 as f64 / 1e9 }
    }

    /// The share of capacity in use.
    pub(super) fn utilisation(&self) -> f64 {
        if self.capacity == Rate::ZERO { 0.0 } else { self.served().0 as f64 / self.capacity.0 as f64 }
    }

    /// The time until the backlog is empty or full, rounded up to a nanosecond; `None` where it is steady.
    pub(super) fn turn(&self) -> Option<Span> {
        let (inflow, outflow) = (u128::from(self.arrivals.0), u128::from(self.capacity.0));
        let distance = if inflow < outflow {
            self.flow.backlog
        } else {
            amount(self.capacity, self.limit).saturating_sub(self.flow.backlog)
        };
        if distance == 0 || inflow == outflow {
            return None;
        }
        let nanos = distance.div_ceil(inflow.abs_diff(outflow));
        Some(Span(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

/// A rate times a time, in 10⁻¹⁵ requests.
pub(super) fn amount(rate: Rate, span: Span) -> u128 {
    u128::from(rate.0) * u128::from(span.0)
}

#[cfg(test)]
mod tests {
    use super::{Station, amount};
    use crate::units::{Rate, Span};

    fn station(arrivals: u64, capacity: u64, limit_s: u64) -> Station {
        Station {
            arrivals: Rate(arrivals * 1_000_000),
            capacity: Rate(capacity * 1_000_000),
            limit: Span::seconds(limit_s),
            ..Station::default()
        }
    }

    /// 150/s into 100/s for 10 s leave 500 requests waiting; at 50/s they drain in 500/(100−50) = 10 s.
    #[test]
    fn a_backlog_drains_in_backlog_over_spare_capacity() {
        let mut station = station(150, 100, 60);
        station.advance(Span::seconds(10));
        assert_eq!(station.flow.backlog, amount(Rate(500_000_000), Span::seconds(1)));
        assert!((station.backlog_wait() - 5.0).abs() < 1e-12);
        station.arrivals = Rate(50_000_000);
        assert_eq!(station.turn(), Some(Span::seconds(10)));
        station.advance(Span::seconds(10));
        assert_eq!(station.flow.backlog, 0);
    }

    /// 300/s into 100/s with a limit of 2 s: full after 200/200 = 1 s, then two thirds are dropped.
    #[test]
    fn a_full_backlog_drops_what_exceeds_capacity() {
        let mut station = station(300, 100, 2);
        assert_eq!(station.turn(), Some(Span::seconds(1)));
        station.advance(Span::seconds(1));
        assert_eq!(station.flow.dropped, 0);
        assert!((station.drop_share() - 2.0 / 3.0).abs() < 1e-12);
        station.advance(Span::seconds(1));
        assert_eq!(station.flow.dropped, amount(Rate(200_000_000), Span::seconds(1)));
    }

    /// Goal: no unit is lost or made. Method: 256 random histories, the identity after each step.
    #[test]
    fn offered_is_served_dropped_and_waiting_to_the_last_unit() {
        use rand::RngExt;
        for seed in 0..256 {
            let mut stream = crate::seed::Seed(seed).stream("station", 0);
            let mut station = Station { limit: Span(stream.random_range(0..5_000_000_000)), ..Station::default() };
            for _ in 0..100 {
                station.arrivals = Rate(stream.random_range(0..300_000_000));
                station.capacity = Rate(stream.random_range(0..200_000_000));
                station.advance(Span(stream.random_range(1..3_000_000_000)));
                let flow = station.flow;
                assert_eq!(flow.offered, flow.served + flow.dropped + flow.backlog, "seed {seed}");
            }
        }
    }
}
