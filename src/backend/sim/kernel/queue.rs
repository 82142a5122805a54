//! Asynchronous events: whatever is scheduled once, at any distance.
//!
//! Up to the *horizon* events stand in the [`Front`], in order; beyond it they lie in [`Buckets`], coarser the further
//! away. When the front is used up, the first bucket is opened: a small one is sorted into the front, a large one is
//! spread over finer buckets first. So an event is placed a few times and sorted once, among few, and costs O(1) for
//! any distribution of times except at one single instant, where it costs O(log n).
//!
//! Opening ahead of time is what would hurt: after a look at an event that is hours away, all that is scheduled for the
//! minutes before it would crowd the front. Hence the bounds of [`head_before`](Queue::head_before), and the way back,
//! [`retreat`](Queue::retreat).

use super::buckets::{Bucket, Buckets, level_between};
use super::cancel::Cancelled;
use super::front::Front;
use super::key::{Entry, Key};

/// A bucket of at most as many entries is sorted as it is; sorting them costs as much as one more placement.
const SORTED_MAX: usize = 32;

#[derive(Debug, Clone)]
pub(super) struct Queue<E> {
    front: Front<E>,
    /// The last instant of the front, in nanoseconds.
    horizon: u64,
    buckets: Buckets<E>,
    cancelled: Cancelled,
    pending: usize,
}

impl<E: Copy> Queue<E> {
    pub(super) fn new() -> Self {
        Self { front: Front::new(), horizon: 0, buckets: Buckets::new(), cancelled: Cancelled::new(), pending: 0 }
    }

    /// Events that will happen.
    pub(super) const fn len(&self) -> usize {
        self.pending
    }

    #[inline]
    pub(super) fn push(&mut self, entry: Entry<E>, now: u64) {
        self.pending += 1;
        if entry.key.time() > self.horizon {
            self.buckets.place(entry, self.horizon);
        } else {
            self.front.insert(entry);
            if self.front.is_crowded() {
                self.retreat(now);
            }
        }
    }

    /// Takes an event out; `false` where it has happened or was cancelled before.
    pub(super) fn cancel(&mut self, key: Key, now: u64) -> bool {
        let is_cancelled = self.cancelled.insert(key, now);
        self.pending -= usize::from(is_cancelled);
        is_cancelled
    }

    /// The next event, if it comes before `limit`.
    #[inline]
    pub(super) fn pop_before(&mut self, limit: Key, now: u64) -> Option<Entry<E>> {
        self.head_before(limit, now)?;
        let entry = self.front.pop()?;
        self.cancelled.happens(entry.key);
        self.pending -= 1;
        Some(entry)
    }

    /// The key of the next event, if it comes before `limit`. No bucket is opened that begins after the limit.
    #[inline]
    pub(super) fn head_before(&mut self, limit: Key, now: u64) -> Option<Key> {
        loop {
            match self.front.head() {
                Some(key) if key >= limit => return None,
                Some(key) if self.cancelled.contains(key, now) => drop(self.front.pop()),
                Some(key) => return Some(key),
                None => {
                    let bucket = self.buckets.first(self.horizon)?;
                    if bucket.start > limit.time() {
                        return None;
                    }
                    self.open(bucket);
                }
            }
        }
    }

    /// Moves the horizon to the end of a bucket and sorts what it holds, or to its start and spreads what it holds.
    fn open(&mut self, bucket: Bucket) {
        let is_sorted_at_once = bucket.is_instant() || self.buckets.count(bucket) <= SORTED_MAX;
        let entries = self.buckets.take(bucket);
        if is_sorted_at_once {
            self.horizon = bucket.end;
            self.refill(entries);
        } else {
            self.horizon = bucket.start;
            self.spread(entries);
        }
    }

    /// Places entries anew; those that the horizon has reached become the front.
    fn spread(&mut self, entries: Vec<Entry<E>>) {
        let mut due = Vec::new();
        for &entry in &entries {
            if entry.key.time() > self.horizon {
                self.buckets.place(entry, self.horizon);
            } else {
                due.push(entry);
            }
        }
        self.buckets.recycle(entries);
        self.refill(due);
    }

    fn refill(&mut self, entries: Vec<Entry<E>>) {
        let buffer = self.front.refill(entries);
        self.buckets.recycle(buffer);
    }

    /// Moves the horizon back to now and the crowd of the front into buckets.
    ///
    /// What lies in a bucket below the level at which now and the horizon differ was placed by digits that would change
    /// their meaning, so with anything there the crowd has to stay: still right, at the O(log n) of the front's heap.
    #[cold]
    fn retreat(&mut self, now: u64) {
        if now == self.horizon || !self.buckets.is_empty_below(level_between(now, self.horizon)) {
            return;
        }
        self.horizon = now;
        let entries = self.front.drain();
        self.spread(entries);
    }

    #[cfg(test)]
    pub(super) fn latecomers(&self) -> usize {
        self.front.latecomers()
    }

    #[cfg(test)]
    pub(super) const fn placements(&self) -> u64 {
        self.buckets.placements()
    }
}
