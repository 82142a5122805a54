//! Periodic events: control ticks, scrapes, whatever fires for ever.
//!
//! Events of one period keep their order for ever, because each goes back by the same span. So a period is a *ring*: its
//! first event fires and becomes its last, and nothing is compared or moved. Only the heads of the rings compete, in a
//! heap as large as there are different periods, which are few.
//!
//! A new event waits in a heap for its first turn and joins its ring then; by that time it belongs at the end.

use super::key::{Entry, Key};
use crate::units::Span;
use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

/// Names a periodic event, also after it was stopped; never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeriodicId(u32);

/// Index of a ring in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct RingId(u32);

/// One periodic event between two turns.
#[derive(Debug, Clone, Copy)]
struct Periodic<E> {
    id: PeriodicId,
    ring: RingId,
    event: E,
}

/// All events of one period, the next one first.
#[derive(Debug, Clone)]
struct Ring<E> {
    period: Span,
    members: VecDeque<Entry<Periodic<E>>>,
}

impl<E: Copy> Ring<E> {
    /// Puts an event that has fired where its next turn belongs: the end, unless it came in at this very instant with a
    /// class below those that have fired already. Says whether there is a next turn, or the end of time comes first.
    fn rejoin(&mut self, turn: Entry<Periodic<E>>) -> bool {
        let Some(key) = turn.key.later(self.period.0) else { return false };
        let next = Entry { key, event: turn.event };
        if self.members.back().is_some_and(|last| last.key > key) {
            let place = self.members.partition_point(|member| member.key < key);
            self.members.insert(place, next);
        } else {
            self.members.push_back(next);
        }
        true
    }

    /// The key of the next turn.
    fn head(&self) -> Option<Key> {
        self.members.front().map(|turn| turn.key)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Wheel<E> {
    rings: Vec<Ring<E>>,
    ring_by_period: BTreeMap<Span, RingId>,
    /// The head of every ring that is not empty.
    heads: BinaryHeap<Reverse<(Key, RingId)>>,
    /// Before their first turn.
    newcomers: BinaryHeap<Entry<Periodic<E>>>,
    /// By id: whether it still fires. One byte for every event that ever was.
    is_running: Vec<bool>,
    running: usize,
    /// The next turn of an event that still fires.
    head: Key,
}

impl<E: Copy> Wheel<E> {
    pub(super) const fn new() -> Self {
        Self {
            rings: Vec::new(),
            ring_by_period: BTreeMap::new(),
            heads: BinaryHeap::new(),
            newcomers: BinaryHeap::new(),
            is_running: Vec::new(),
            running: 0,
            head: Key::LAST,
        }
    }

    /// Events that still fire.
    pub(super) const fn len(&self) -> usize {
        self.running
    }

    /// The key of the next turn; [`Key::LAST`] where there is none.
    #[inline]
    pub(super) const fn head(&self) -> Key {
        self.head
    }

    /// Lets an event fire at `first.key` and every `period` from then on.
    pub(super) fn start(&mut self, first: Entry<E>, period: Span) -> PeriodicId {
        let id = PeriodicId(u32::try_from(self.is_running.len()).expect("a run has fewer than 2^32 periodic events"));
        self.is_running.push(true);
        self.running += 1;
        let periodic = Periodic { id, ring: self.ring_of(period), event: first.event };
        self.newcomers.push(Entry { key: first.key, event: periodic });
        self.head = self.head.min(first.key);
        id
    }

    /// Lets an event fire no more; `false` where it had been stopped before.
    pub(super) fn stop(&mut self, id: PeriodicId) -> bool {
        let was_running = self.end(id);
        self.settle();
        was_running
    }

    /// Fires the next event and lets it wait for its next turn.
    pub(super) fn pop(&mut self) -> Option<Entry<E>> {
        let turn = if self.is_newcomer_first() { self.welcome() } else { self.rotate() }?;
        self.settle();
        Some(Entry { key: turn.key, event: turn.event.event })
    }

    fn is_newcomer_first(&self) -> bool {
        match (self.newcomers.peek(), self.heads.peek()) {
            (Some(newcomer), Some(Reverse((head, _)))) => newcomer.key < *head,
            (newcomer, _) => newcomer.is_some(),
        }
    }

    /// The first turn of a newcomer, which joins its ring with it.
    fn welcome(&mut self) -> Option<Entry<Periodic<E>>> {
        let turn = self.newcomers.pop()?;
        let ring = &mut self.rings[turn.event.ring.0 as usize];
        let before = ring.head();
        let has_next = ring.rejoin(turn);
        match (before, ring.head()) {
            (None, Some(head)) => self.heads.push(Reverse((head, turn.event.ring))),
            (before, after) if before != after => self.heads = heads_of(&self.rings),
            _ => {}
        }
        if !has_next {
            self.end(turn.event.id);
        }
        Some(turn)
    }

    /// A turn of the ring that is first.
    fn rotate(&mut self) -> Option<Entry<Periodic<E>>> {
        let top = self.heads.peek_mut()?;
        let ring = &mut self.rings[top.0.1.0 as usize];
        let turn = ring.members.pop_front()?;
        let has_next = ring.rejoin(turn);
        replace_head(top, ring.head());
        if !has_next {
            self.end(turn.event.id);
        }
        Some(turn)
    }

    /// Notes that an event fires no more; it leaves the heap or its ring when its turn comes.
    fn end(&mut self, id: PeriodicId) -> bool {
        let was_running = std::mem::replace(&mut self.is_running[id.0 as usize], false);
        self.running -= usize::from(was_running);
        was_running
    }

    /// Drops stopped events until the first is one that still fires, and notes its key.
    fn settle(&mut self) {
        loop {
            let is_newcomer = self.is_newcomer_first();
            let first = if is_newcomer { self.newcomers.peek() } else { self.ring_head() };
            match first {
                None => break self.head = Key::LAST,
                Some(turn) if self.is_running[turn.event.id.0 as usize] => break self.head = turn.key,
                Some(_) if is_newcomer => drop(self.newcomers.pop()),
                Some(_) => self.drop_ring_head(),
            }
        }
    }

    /// The next turn in any of the rings.
    fn ring_head(&self) -> Option<&Entry<Periodic<E>>> {
        let Reverse((_, ring)) = self.heads.peek()?;
        self.rings[ring.0 as usize].members.front()
    }

    fn drop_ring_head(&mut self) {
        if let Some(top) = self.heads.peek_mut() {
            let ring = &mut self.rings[top.0.1.0 as usize];
            ring.members.pop_front();
            replace_head(top, ring.head());
        }
    }

    fn ring_of(&mut self, period: Span) -> RingId {
        let next = RingId(u32::try_from(self.rings.len()).expect("there are fewer periods than periodic events"));
        let ring = *self.ring_by_period.entry(period).or_insert(next);
        if ring == next {
            self.rings.push(Ring { period, members: VecDeque::new() });
        }
        ring
    }
}

/// Lets a ring compete with its new head, or no more.
fn replace_head(mut top: PeekMut<'_, Reverse<(Key, RingId)>>, head: Option<Key>) {
    match head {
        Some(key) => top.0.0 = key,
        None => drop(PeekMut::pop(top)),
    }
}

fn heads_of<E: Copy>(rings: &[Ring<E>]) -> BinaryHeap<Reverse<(Key, RingId)>> {
    rings.iter().zip(0..).filter_map(|(ring, id)| Some(Reverse((ring.head()?, RingId(id))))).collect()
}
