//! The event core: what happens next, and nothing about what it means.
//!
//! Events are small `Copy` values of the caller's type, ordered by `(time, class, sequence)`: integer nanoseconds, the
//! rank of the kind of event at that instant, and the order of scheduling. The order is total and the same on every
//! machine. Two sources are merged here, and a third one can be:
//!
//! * the asynchronous queue: whatever is scheduled once, cancellable;
//! * the periodic wheel: what fires for ever. A periodic event keeps the sequence of its start, so of two that meet at one
//!   instant the one that was started first goes first, whatever their periods;
//! * anything outside that is sorted by itself, such as a trace: [`Kernel::pop_before`] hands out events only up to the
//!   outside's next row, which then comes before the events of its own moment.
//!
//! A kernel is plain data. A clone continues exactly as the original would, which is how a run is forked.
//!
//! Deliberately absent: components, handlers, subscriptions and a `run` method. A `match` over an enum is all the dispatch
//! that one simulated world needs.
//!
//! ```
//! use smo::backend::sim::kernel::{Class, Kernel, Moment};
//! use smo::units::{Span, Time};
//!
//! const FAULT: Class = Class(0);
//! const TICK: Class = Class(1);
//!
//! let mut kernel = Kernel::new();
//! kernel.every(Moment { time: Time::ZERO, class: TICK }, Span::seconds(15), "tick");
//! kernel.schedule(Time::ZERO + Span::seconds(15), FAULT, "fault");
//!
//! let order: Vec<_> = std::iter::from_fn(|| kernel.pop()).take(3).map(|(_, event)| event).collect();
//! assert_eq!(order, ["tick", "fault", "tick"]);
//! ```

mod buckets;
mod cancel;
mod front;
mod key;
mod queue;
mod wheel;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use key::{Class, Moment};
pub use wheel::PeriodicId;

use crate::units::{Span, Time};
use key::{Entry, Key};
use queue::Queue;
use wheel::Wheel;

/// The largest event in bytes: with the key of 16 bytes, an entry stays below a cache line.
pub const EVENT_BYTES_MAX: usize = 24;

/// Names a scheduled event, also after it has happened. Valid in the kernel that gave it and in clones of that kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Handle(Key);

/// The clock, and all that is going to happen.
#[derive(Debug, Clone)]
pub struct Kernel<E> {
    now: Time,
    queue: Queue<E>,
    wheel: Wheel<E>,
    /// Events scheduled and periodic events started so far.
    sequence: u64,
}

impl<E: Copy> Default for Kernel<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Copy> Kernel<E> {
    /// Nothing to happen, at the start of time.
    #[must_use]
    pub fn new() -> Self {
        const { assert!(size_of::<E>() <= EVENT_BYTES_MAX, "an event is a few ids; what it is about belongs into tables") }
        Self { now: Time::ZERO, queue: Queue::new(), wheel: Wheel::new(), sequence: 0 }
    }

    /// The instant of the event that was popped last, or that was advanced to.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Events scheduled and still to happen, and periodic events that still fire.
    pub const fn len(&self) -> usize {
        self.queue.len() + self.wheel.len()
    }

    /// Whether nothing will ever happen again.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Lets an event happen once. O(1), except for many at one instant (O(log n)).
    ///
    /// # Panics
    /// When `at` lies in the past, which is a mistake of the caller.
    #[inline]
    pub fn schedule(&mut self, at: Time, class: Class, event: E) -> Handle {
        let key = self.next_key(Moment { time: at, class });
        self.queue.push(Entry { key, event }, self.now.0);
        Handle(key)
    }

    /// Takes an event back; `false`, and no effect, where it has happened or was cancelled before.
    ///
    /// O(log n) in the number of events that were cancelled and whose time has not passed yet.
    pub fn cancel(&mut self, handle: Handle) -> bool {
        self.queue.cancel(handle.0, self.now.0)
    }

    /// Lets an event happen at `first`, and from then on every `period` until it is [stopped](Self::stop). O(1) a turn.
    ///
    /// # Panics
    /// When `first` lies in the past, or the period is zero: mistakes of the caller.
    pub fn every(&mut self, first: Moment, period: Span, event: E) -> PeriodicId {
        assert!(period > Span::ZERO, "a period of zero would stop the clock");
        let key = self.next_key(first);
        self.wheel.start(Entry { key, event }, period)
    }

    /// Ends a periodic event; `false`, and no effect, where it has ended before.
    pub fn stop(&mut self, id: PeriodicId) -> bool {
        self.wheel.stop(id)
    }

    /// The next event of all; moves the clock to it.
    #[inline]
    pub fn pop(&mut self) -> Option<(Time, E)> {
        self.take_before(Key::LAST)
    }

    /// The next event that comes before `limit`, by time and then class; moves the clock to it.
    ///
    /// This is how an outside source is merged: pop before its next row until there is nothing, [advance](Self::advance)
    /// to the row, and handle it. The row goes before the events of its own moment.
    #[inline]
    pub fn pop_before(&mut self, limit: Moment) -> Option<(Time, E)> {
        self.take_before(Key::opening(limit))
    }

    /// When and in which class the next event happens.
    ///
    /// A look sorts what it finds, hence `&mut`. To look far ahead and to schedule nearer things after that is right, but
    /// slower than [`pop_before`](Self::pop_before), which never looks past its limit.
    pub fn peek(&mut self) -> Option<Moment> {
        let tick = self.wheel.head();
        let next = self.queue.head_before(tick, self.now.0).unwrap_or(tick);
        (next != Key::LAST).then(|| next.moment())
    }

    /// Moves the clock to the row of an outside source.
    ///
    /// # Panics
    /// When `to` lies in the past. Events that were passed over are found out when they are popped.
    pub fn advance(&mut self, to: Time) {
        assert!(to >= self.now, "time went back from {} to {to}", self.now);
        self.now = to;
    }

    #[inline]
    fn take_before(&mut self, limit: Key) -> Option<(Time, E)> {
        let tick = self.wheel.head();
        let entry = match self.queue.pop_before(tick.min(limit), self.now.0) {
            Some(entry) => entry,
            None if tick < limit => self.wheel.pop()?,
            None => return None,
        };
        self.advance(Time(entry.key.time()));
        Some((self.now, entry.event))
    }

    #[inline]
    fn next_key(&mut self, moment: Moment) -> Key {
        assert!(moment.time >= self.now, "{} was scheduled at {}: the past is over", moment.time, self.now);
        self.sequence += 1;
        Key::new(moment, self.sequence)
    }
}
