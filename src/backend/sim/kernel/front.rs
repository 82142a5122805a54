//! The next few events, in order: a sorted run that was taken out of the buckets, and a small heap of those that came
//! too late to be sorted with it.
//!
//! Popping from the run costs nothing. The heap is what keeps the worst case at O(log n): however many events pile up at
//! one instant, none of them moves the others, as insertion into a sorted list would.

use super::key::{Entry, Key};
use std::collections::BinaryHeap;

/// As many latecomers may wait in the heap before the queue tries to send them back to the buckets.
const LATECOMERS_MAX: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct Front<E> {
    /// Latest first, so that the next one is popped off the end.
    run: Vec<Entry<E>>,
    late: BinaryHeap<Entry<E>>,
}

impl<E: Copy> Front<E> {
    pub(super) const fn new() -> Self {
        Self { run: Vec::new(), late: BinaryHeap::new() }
    }

    /// The key of the next event.
    #[inline]
    pub(super) fn head(&self) -> Option<Key> {
        match (self.run.last(), self.late.peek()) {
            (Some(sorted), Some(late)) => Some(sorted.key.min(late.key)),
            (Some(entry), None) | (None, Some(entry)) => Some(entry.key),
            (None, None) => None,
        }
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Entry<E>> {
        let late_is_first = match (self.run.last(), self.late.peek()) {
            (Some(sorted), Some(late)) => late.key < sorted.key,
            (sorted, _) => sorted.is_none(),
        };
        if late_is_first { self.late.pop() } else { self.run.pop() }
    }

    /// Adds one event wherever it belongs; O(log n) in the number of latecomers.
    #[inline]
    pub(super) fn insert(&mut self, entry: Entry<E>) {
        self.late.push(entry);
    }

    /// Whether sending everything back to the buckets would pay: latecomers are many, and not fewer than those that
    /// would have to move with them, so that each arrival pays for two moves at most.
    #[inline]
    pub(super) fn is_crowded(&self) -> bool {
        self.late.len() > LATECOMERS_MAX && self.late.len() >= self.run.len()
    }

    /// Takes `entries` as the run and gives the old buffer back. Only an empty run may be replaced.
    pub(super) fn refill(&mut self, mut entries: Vec<Entry<E>>) -> Vec<Entry<E>> {
        assert!(self.run.is_empty(), "a run was replaced before it was used up");
        entries.sort_unstable();
        std::mem::replace(&mut self.run, entries)
    }

    /// Takes everything out, in no order.
    pub(super) fn drain(&mut self) -> Vec<Entry<E>> {
        let mut entries = std::mem::take(&mut self.run);
        entries.extend(self.late.drain());
        entries
    }

    #[cfg(test)]
    pub(super) fn latecomers(&self) -> usize {
        self.late.len()
    }
}
