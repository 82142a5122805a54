//! An alarm: a metric beyond a threshold for so many evaluations in a row.
//!
//! Amazon's monitoring looks once every period at the newest value. A value that is missing neither raises nor ends an alarm here, as
//! with `treat missing data as: ignore`.

use crate::units::{Span, Time};

/// Counts evaluations in a row.
#[derive(Debug, Clone, Default)]
pub(super) struct Alarm {
    beyond: u32,
}

impl Alarm {
    /// One evaluation; whether the alarm is raised, which takes `needed` in a row.
    pub(super) fn evaluate(&mut self, is_beyond: bool, needed: u32) -> bool {
        self.beyond = if is_beyond { self.beyond.saturating_add(1) } else { 0 };
        self.beyond >= needed
    }

    /// Starts to count anew.
    pub(super) fn reset(&mut self) {
        self.beyond = 0;
    }
}

/// Whether a period has passed since the last evaluation; remembers this one.
pub(super) fn is_due(last: &mut Option<Time>, now: Time, period: Span) -> bool {
    let due = last.is_none_or(|last| now.since(last) >= period);
    if due {
        *last = Some(now);
    }
    due
}
