//! Who goes first: `(time, class, sequence)`, packed into one integer.
//!
//! The order is total and has no ties, so a run does not depend on how a heap breaks them. The class says which kind of
//! thing goes first at one instant (a fault before the scrape that sees it); the sequence keeps the order of scheduling.
//!
//! One `u128` compares without branches, and that is most of what an event queue does.

use crate::units::Time;
use std::cmp::Ordering;

/// Rank of a kind of event among all that happen at the same instant; the lower class goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(pub u8);

/// A point in the order of events: an instant, and at that instant a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// The instant.
    pub time: Time,
    /// The rank at that instant.
    pub class: Class,
}

/// Time, class and sequence from the most to the least significant bit: 64, 8 and 56 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u128);

const TIME_SHIFT: u32 = 64;
const CLASS_SHIFT: u32 = 56;

impl Key {
    /// Before everything. Sequences begin at one, so no event has this key.
    pub(super) const FIRST: Self = Self(0);
    /// After everything.
    pub(super) const LAST: Self = Self(u128::MAX);

    /// The place of the `sequence`-th thing that was scheduled.
    #[inline]
    pub(super) fn new(moment: Moment, sequence: u64) -> Self {
        assert!(sequence >> CLASS_SHIFT == 0, "a run has more than 2^56 events");
        let rank = u64::from(moment.class.0) << CLASS_SHIFT | sequence;
        Self(u128::from(moment.time.0) << TIME_SHIFT | u128::from(rank))
    }

    /// A key that precedes all events of this moment and follows all earlier ones.
    #[inline]
    pub(super) fn opening(moment: Moment) -> Self {
        Self::new(moment, 0)
    }

    /// The instant in nanoseconds.
    #[inline]
    pub(super) const fn time(self) -> u64 {
        (self.0 >> TIME_SHIFT) as u64
    }

    #[expect(clippy::cast_possible_truncation, reason = "the class is these eight bits")]
    #[inline]
    pub(super) const fn class(self) -> u8 {
        (self.0 >> CLASS_SHIFT) as u8
    }

    /// Instant and class, without the sequence.
    #[inline]
    pub(super) const fn moment(self) -> Moment {
        Moment { time: Time(self.time()), class: Class(self.class()) }
    }

    /// The same rank, `nanoseconds` later; `None` past the end of time.
    #[inline]
    pub(super) fn later(self, nanoseconds: u64) -> Option<Self> {
        self.0.checked_add(u128::from(nanoseconds) << TIME_SHIFT).map(Self)
    }
}

/// An event and its place in the order. Ordered so that the *greatest* goes first, which is what `BinaryHeap` hands out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<E> {
    pub(super) key: Key,
    pub(super) event: E,
}

impl<E> Ord for Entry<E> {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key)
    }
}

impl<E> PartialOrd for Entry<E> {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<E> Eq for Entry<E> {}
