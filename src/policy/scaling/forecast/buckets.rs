//! From rates that are seen now and then to a series with one value a step, which is what forecasters take.
//!
//! A step's value is the mean of what was seen of it. A step of which nothing was seen is handed on as a gap, never as
//! zero; what a forecaster does about it is its own affair. The same sample seen twice counts once.

use crate::units::{Span, Time};

/// Gaps longer than so many steps are handed on as so many.
const GAP_MAX: u64 = 10_000;

/// A series in the making.
#[derive(Debug, Clone)]
pub(in super::super) struct Buckets {
    step: Span,
    open: Option<Open>,
    last: Option<Time>,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    index: u64,
    sum: f64,
    count: u32,
}

impl Buckets {
    pub(in super::super) const fn new(step: Span) -> Self {
        Self { step, open: None, last: None }
    }

    /// The step in which `at` lies.
    pub(in super::super) fn index(&self, at: Time) -> u64 {
        at.0 / self.step.0.max(1)
    }

    /// Takes what was seen at `at`; each step that is over by that is handed to `closed`, in order.
    pub(in super::super) fn observe(&mut self, at: Time, value: f64, mut closed: impl FnMut(u64, Option<f64>)) {
        if self.last.is_some_and(|last| at <= last) {
            return;
        }
        self.last = Some(at);
        let index = self.index(at);
        let fresh = Open { index, sum: value, count: 1 };
        let Some(open) = &mut self.open else {
            self.open = Some(fresh);
            return;
        };
        if open.index == index {
            open.sum += value;
            open.count += 1;
            return;
        }
        let over = std::mem::replace(open, fresh);
        closed(over.index, Some(over.sum / f64::from(over.count)));
        for gap in (over.index + 1).max(index.saturating_sub(GAP_MAX))..index {
            closed(gap, None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Buckets;
    use crate::units::{Span, Time};

    /// Steps of 10 s: 1 and 3 in the first (2 on average), 5 in the second, nothing in the third and fourth, 7 in the fifth.
    #[test]
    fn a_step_is_the_mean_of_what_was_seen_and_gaps_are_gaps() {
        let mut buckets = Buckets::new(Span::seconds(10));
        let mut series = Vec::new();
        for (second, value) in [(1, 1.0), (9, 3.0), (9, 99.0), (12, 5.0), (41, 7.0), (50, 8.0)] {
            buckets.observe(Time(second * 1_000_000_000), value, |index, value| series.push((index, value)));
        }
        assert_eq!(series, [(0, Some(2.0)), (1, Some(5.0)), (2, None), (3, None), (4, Some(7.0))]);
    }
}
