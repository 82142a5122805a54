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

#[derive(Debug, Clone)]
pub(super) struct Wheel<E> {
    rings: Vec<Ring<E>>,
    ring_by_period: BTreeMap<Span, RingId>,
    /// The head of every ring that is not empty. An entry that is not its ring's head any more is void.
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

    /// Fires the next event and sends it to the end of its ring.
    pub(super) fn pop(&mut self) -> Option<Entry<E>> {
        let turn = if self.is_newcomer_first() { self.newcomers.pop() } else { self.pop_ring() }?;
        self.rejoin(turn);
        self.settle();
        Some(Entry { key: turn.key, event: turn.event.event })
    }

    fn is_newcomer_first(&self) -> bool {
        match (self.newcomers.peek(), self.heads.peek()) {
            (Some(newcomer), Some(Reverse((head, _)))) => newcomer.key < *head,
            (newcomer, _) => newcomer.is_some(),
        }
    }

    /// Takes the head of the ring that is first, and lets the ring compete with its next one.
    fn pop_ring(&mut self) -> Option<Entry<Periodic<E>>> {
        let mut top = self.heads.peek_mut()?;
        let Reverse((_, ring)) = *top;
        let members = &mut self.rings[ring.0 as usize].members;
        let turn = members.pop_front();
        match members.front() {
            Some(next) => *top = Reverse((next.key, ring)),
            None => drop(PeekMut::pop(top)),
        }
        turn
    }

    /// Puts an event that has fired where its next turn belongs: the end of its ring, unless it came in at this very
    /// instant with a class below those that have fired already. At the end of time it ends too.
    fn rejoin(&mut self, turn: Entry<Periodic<E>>) {
        let ring = &mut self.rings[turn.event.ring.0 as usize];
        let Some(key) = turn.key.later(ring.period.0) else {
            self.end(turn.event.id);
            return;
        };
        let place = match ring.members.back() {
            Some(last) if last.key > key => ring.members.partition_point(|member| member.key < key),
            _ => ring.members.len(),
        };
        ring.members.insert(place, Entry { key, event: turn.event });
        if place == 0 {
            self.heads.push(Reverse((key, turn.event.ring)));
        }
    }

    /// Notes that an event fires no more; it leaves the heap or its ring when its turn comes.
    fn end(&mut self, id: PeriodicId) -> bool {
        let was_running = std::mem::replace(&mut self.is_running[id.0 as usize], false);
        self.running -= usize::from(was_running);
        was_running
    }

    /// Drops void heads and stopped events until the first is one that still fires, and notes its key.
    fn settle(&mut self) {
        loop {
            let first = if self.is_newcomer_first() { self.newcomers.peek() } else { self.ring_head() };
            match first.map(|entry| (entry.key, self.is_running[entry.event.id.0 as usize])) {
                Some((key, true)) => break self.head = key,
                Some((_, false)) => self.drop_first(),
                None if self.heads.pop().is_some() => {}
                None => break self.head = Key::LAST,
            }
        }
    }

    fn drop_first(&mut self) {
        if self.is_newcomer_first() {
            self.newcomers.pop();
        } else {
            self.pop_ring();
        }
    }

    /// The event that the first of the heads stands for; `None` where that head is void, or there is none.
    fn ring_head(&self) -> Option<&Entry<Periodic<E>>> {
        let Reverse((key, ring)) = self.heads.peek()?;
        self.rings[ring.0 as usize].members.front().filter(|member| member.key == *key)
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
