//! The one place of the solver that may look at a clock: live decisions have a deadline, simulated ones do not.

use std::time::{Duration, Instant};

/// How much of the time for a decision is over; nothing where work is counted instead.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    time: Option<Duration>,
}

impl Clock {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "only live decisions have a limit of time, and only they look at it")]
    pub fn start(time: Option<Duration>) -> Self {
        Self { start: Instant::now(), time }
    }

    /// The share of the whole time that is over.
    pub fn share(&self) -> Option<f64> {
        self.time.map(|time| self.start.elapsed().as_secs_f64() / time.as_secs_f64().max(1e-9))
    }

    /// Whether more than this share of the time is over.
    pub fn is_past(&self, share: f64) -> bool {
        self.share().is_some_and(|over| over >= share)
    }

    /// What is left of the time.
    pub fn left(&self) -> Option<Duration> {
        self.time.map(|time| time.saturating_sub(self.start.elapsed()))
    }
}
