//! The wall clock, which only the live backend and the command line may read: everything below knows virtual time alone.

use crate::units::{Span, Time};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Now, for spans: it never goes back.
#[expect(clippy::disallowed_methods, reason = "the live backend lives in real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Now, as the world writes it: since 1970.
#[expect(clippy::disallowed_methods, reason = "the live backend lives in real time")]
pub fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A run's time: nanoseconds since its start, by a clock that never goes back.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    started_at: Duration,
}

impl Clock {
    /// A run that starts now.
    pub fn start() -> Self {
        Self { start: now(), started_at: since_epoch() }
    }

    /// A run that has lasted this long already.
    ///
    /// # Panics
    /// Where the machine has not run for as long.
    #[cfg(test)]
    pub fn started_ago(ago: Duration) -> Self {
        Self { start: now().checked_sub(ago).expect("the machine has run for longer"), started_at: since_epoch() }
    }

    /// Now.
    pub fn time(self) -> Time {
        Time::ZERO + span(self.start.elapsed())
    }

    /// When it started, since 1970.
    pub const fn started_at(self) -> Duration {
        self.started_at
    }
}

/// A duration as a span.
pub fn span(duration: Duration) -> Span {
    Span(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

/// A span as a duration.
pub const fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.0)
}
