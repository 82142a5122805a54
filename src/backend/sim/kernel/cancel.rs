//! Which scheduled events will not happen.
//!
//! Nearly no event is cancelled, so an event that is not pays nothing for the possibility: there is no table of live
//! events, and a handle is just the place in the order. What has been cancelled is written down, and left out when its
//! turn comes. A handle is *stale* when its turn has passed, which two facts tell:
//!
//! * time never goes back, so all that lies before now has happened;
//! * within one class, events happen in the order of `(time, sequence)`, so at the instant of now those up to the last
//!   one of the class have happened.
//!
//! The price: a cancelled event keeps its 16-byte key here, and its entry in the queue, until its time has passed.

use super::key::Key;
use std::collections::BTreeSet;

const CLASSES: usize = 1 << u8::BITS;

#[derive(Debug, Clone)]
pub(super) struct Cancelled {
    keys: BTreeSet<Key>,
    /// The last event that happened in each class.
    happened: [Key; CLASSES],
}

impl Cancelled {
    pub(super) const fn new() -> Self {
        Self { keys: BTreeSet::new(), happened: [Key::FIRST; CLASSES] }
    }

    /// Notes that an event takes place.
    #[inline]
    pub(super) const fn happens(&mut self, key: Key) {
        self.happened[key.class() as usize] = key;
    }

    /// Cancels an event; `false` where it has happened or was cancelled before.
    pub(super) fn insert(&mut self, key: Key, now: u64) -> bool {
        let is_stale = key.time() < now || key <= self.happened[key.class() as usize];
        !is_stale && self.keys.insert(key)
    }

    /// Whether an event that would be next is not to happen.
    #[inline]
    pub(super) fn contains(&mut self, key: Key, now: u64) -> bool {
        !self.keys.is_empty() && self.look_up(key, now)
    }

    #[cold]
    fn look_up(&mut self, key: Key, now: u64) -> bool {
        while self.keys.first().is_some_and(|first| first.time() < now) {
            self.keys.pop_first();
        }
        self.keys.contains(&key)
    }
}
