//! How long decisions take on the wall clock, which is reported apart and never decides anything.

use crate::model::{Explanation, Plan, Snapshot};
use crate::policy::{Budget, Policy, PolicyError};
use crate::record::Timing;
use crate::seed::Stream;
use crate::units::Span;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A policy with a stopwatch.
pub struct Timed {
    policy: Box<dyn Policy>,
    laps: Laps,
}

/// The time of each decision.
#[derive(Debug, Clone, Default)]
pub struct Laps(Arc<Mutex<Vec<Duration>>>);

/// Since when something runs.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "wall-clock figures lie apart, in `timing.json`, and decide nothing")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

impl Timed {
    /// `policy` with a stopwatch, and where its times can be read.
    pub fn around(policy: Box<dyn Policy>) -> (Box<dyn Policy>, Laps) {
        let laps = Laps::default();
        (Box::new(Self { policy, laps: laps.clone() }), laps)
    }
}

impl Policy for Timed {
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, stream: &mut Stream) -> Result<Plan, PolicyError> {
        let started = Stopwatch::start();
        let plan = self.policy.decide(snapshot, budget, stream);
        self.laps.0.lock().unwrap_or_else(PoisonError::into_inner).push(started.elapsed());
        plan
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        self.policy.explain(snapshot, plan)
    }

    fn foresight(&self) -> Span {
        self.policy.foresight()
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(Self { policy: self.policy.fork(), laps: self.laps.clone() })
    }
}

impl Laps {
    /// The figures of a run that took `wall`.
    pub fn timing(&self, wall: Duration) -> Timing {
        let mut laps = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        laps.sort_unstable();
        let quantile = |percent: usize| laps.get(laps.len().saturating_sub(1) * percent / 100);
        let ms = |lap: &Duration| lap.as_secs_f64() * 1e3;
        Timing {
            wall_s: wall.as_secs_f64(),
            decide_total_s: (!laps.is_empty()).then(|| laps.iter().sum::<Duration>().as_secs_f64()),
            decide_p50_ms: quantile(50).map(ms),
            decide_p99_ms: quantile(99).map(ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Laps;
    use std::time::Duration;

    #[test]
    fn times_are_summed_and_ranked() {
        let laps = Laps::default();
        laps.0.lock().unwrap().extend((1..=101).rev().map(Duration::from_millis));
        let timing = laps.timing(Duration::from_secs(9));
        // 1 + 2 + ... + 101 = 101 · 102 / 2 = 5151 ms; the 51st and the 100th of 101.
        assert_eq!(timing.decide_total_s, Some(5.151));
        assert_eq!((timing.decide_p50_ms, timing.decide_p99_ms), (Some(51.0), Some(100.0)));
        assert_eq!(Laps::default().timing(Duration::ZERO).decide_p50_ms, None);
    }
}
