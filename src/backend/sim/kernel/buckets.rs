//! Events beyond the horizon, in buckets by their distance from it: fine ones nearby, coarse ones far away.
//!
//! A time is read as eleven digits to the base 64. The highest digit in which it differs from the horizon is its *level*,
//! and the value of that digit is its bucket there; a bucket of level `l` spans 64^l ns. An earlier bucket holds earlier
//! events, and every bucket of a level lies before those of the levels above, so the first event of all is in the lowest
//! digit of the lowest level in use. When the horizon reaches a bucket, what it holds is placed again, at least one
//! level down.
//!
//! This is a radix heap (Ahuja, Mehlhorn, Orlin & Tarjan 1990, "Faster algorithms for the shortest path problem") with
//! the base of a hierarchical timing wheel (Varghese & Lauck 1987). Its bound does not depend on how the times are
//! distributed: an event is placed eleven times at most, in practice two or three times. A calendar queue is as fast
//! while its bucket width fits; here there is no width to fit.

use super::key::Entry;

/// Bits of one digit; 64 buckets a level make the occupancy of a level one word.
const DIGIT_BITS: u32 = 6;
const DIGIT_MASK: u64 = (1 << DIGIT_BITS) - 1;
const BUCKETS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = 64_usize.div_ceil(DIGIT_BITS as usize);

/// A buffer above this many entries is given back to the allocator, so that one burst does not pin memory for ever.
const KEPT_CAPACITY_MAX: usize = 1024;

/// One bucket: the span of time it stands for, both ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    index: usize,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Bucket {
    /// Whether all that it holds happens at one instant.
    pub(super) const fn is_instant(self) -> bool {
        self.start == self.end
    }
}

#[derive(Debug, Clone)]
pub(super) struct Buckets<E> {
    /// By level, then digit.
    entries: Vec<Vec<Entry<E>>>,
    /// Bit `d` of word `l`: bucket `d` of level `l` holds something.
    occupied: [u64; LEVELS],
    /// Bit `l`: level `l` holds something.
    occupied_levels: u32,
    /// Buffers of buckets that were emptied. The last one is the warmest in the cache, and is used next.
    spare: Vec<Vec<Entry<E>>>,
    /// Times that an entry was put into a bucket: the work done, for the tests that bound it.
    placements: u64,
}

/// The highest digit in which two different times differ.
#[inline]
pub(super) const fn level_between(time: u64, other: u64) -> u32 {
    (time ^ other).ilog2() / DIGIT_BITS
}

impl<E: Copy> Buckets<E> {
    pub(super) fn new() -> Self {
        Self {
            entries: (0..LEVELS * BUCKETS).map(|_| Vec::new()).collect(),
            occupied: [0; LEVELS],
            occupied_levels: 0,
            spare: Vec::new(),
            placements: 0,
        }
    }

    /// Puts an entry where it belongs relative to a horizon that it lies beyond.
    #[expect(
        clippy::inline_always,
        reason = "a call would copy the entry over the stack: 20 of 45 ns an event, measured"
    )]
    #[inline(always)]
    pub(super) fn place(&mut self, entry: Entry<E>, horizon: u64) {
        let level = level_between(entry.key.time(), horizon);
        let digit = (entry.key.time() >> (level * DIGIT_BITS) & DIGIT_MASK) as usize;
        let level = level as usize;
        let bucket = &mut self.entries[level * BUCKETS + digit];
        if bucket.capacity() == 0
            && let Some(buffer) = self.spare.pop()
        {
            *bucket = buffer;
        }
        bucket.push(entry);
        self.occupied[level] |= 1 << digit;
        self.occupied_levels |= 1 << level;
        self.placements += 1;
    }

    /// The bucket that the next events are in.
    #[inline]
    pub(super) fn first(&self, horizon: u64) -> Option<Bucket> {
        if self.occupied_levels == 0 {
            return None;
        }
        let level = self.occupied_levels.trailing_zeros();
        let digit = self.occupied[level as usize].trailing_zeros();
        let shift = level * DIGIT_BITS;
        let above = u64::MAX.checked_shl(shift + DIGIT_BITS).unwrap_or(0);
        let start = horizon & above | u64::from(digit) << shift;
        Some(Bucket { index: level as usize * BUCKETS + digit as usize, start, end: start | ((1 << shift) - 1) })
    }

    /// Entries in a bucket.
    pub(super) fn count(&self, bucket: Bucket) -> usize {
        self.entries[bucket.index].len()
    }

    /// Empties a bucket; the buffer is to come back by [`recycle`](Self::recycle).
    pub(super) fn take(&mut self, bucket: Bucket) -> Vec<Entry<E>> {
        let (level, digit) = (bucket.index / BUCKETS, bucket.index % BUCKETS);
        self.occupied[level] &= !(1 << digit);
        if self.occupied[level] == 0 {
            self.occupied_levels &= !(1 << level);
        }
        std::mem::take(&mut self.entries[bucket.index])
    }

    /// Keeps the buffer of a bucket that was taken for the next one that needs it.
    pub(super) fn recycle(&mut self, mut buffer: Vec<Entry<E>>) {
        if (1..=KEPT_CAPACITY_MAX).contains(&buffer.capacity()) {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Whether nothing is stored below `level`.
    pub(super) const fn is_empty_below(&self, level: u32) -> bool {
        self.occupied_levels & ((1 << level) - 1) == 0
    }

    #[cfg(test)]
    pub(super) const fn placements(&self) -> u64 {
        self.placements
    }
}
