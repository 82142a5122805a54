//! The hold model: the work, our kernel under it, and the plain heap that the order is checked against.

use serde::{Deserialize, Serialize};
use smo::backend::sim::kernel::{Class, Kernel};
use smo::units::{Span, Time};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

pub const COMPONENTS: u32 = 1_000;
const DELAY_MEAN_NS: f64 = 1e9;
pub const SEED: u64 = 88_172_645_463_325_252;

/// Xorshift64 (Marsaglia 2003): as cheap as a source of random numbers gets, so that it does not hide the queue.
#[derive(Clone, Serialize, Deserialize)]
pub struct Draws(pub u64);

impl Draws {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn component(&mut self) -> u32 {
        (self.next() % u64::from(COMPONENTS)) as u32
    }

    pub fn delay_ns(&mut self) -> u64 {
        let unit = ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        (-unit.ln() * DELAY_MEAN_NS) as u64 + 1
    }
}

/// What handling an event does: counts it, and decides on its successor.
#[derive(Clone)]
pub struct World {
    pub draws: Draws,
    handled: Vec<u64>,
    /// Depends on the order in which components were visited.
    pub checksum: u64,
}

impl World {
    pub fn new() -> Self {
        Self { draws: Draws(SEED), handled: vec![0; COMPONENTS as usize], checksum: 0 }
    }

    pub fn handle(&mut self, component: u32) -> (u32, u64) {
        self.handled[component as usize] += 1;
        self.checksum = self.checksum.rotate_left(5) ^ u64::from(component);
        (self.draws.component(), self.draws.delay_ns())
    }
}

/// One engine with its N pending events.
pub trait Hold {
    /// Handles about `events` events, and says how many it were.
    fn run(&mut self, events: u64) -> u64;
    /// Fingerprint of the order so far; `None` where the engine cannot tell.
    fn checksum(&self) -> Option<u64>;
}

/// 16 bytes, as the simulator's own event.
#[derive(Clone, Copy)]
pub struct Visit {
    pub component: u32,
    _payload: [u32; 3],
}

impl Visit {
    pub fn new(component: u32) -> Self {
        Self { component, _payload: [component; 3] }
    }
}

pub struct OurHold {
    kernel: Kernel<Visit>,
    world: World,
}

impl OurHold {
    pub fn new(pending: u32) -> Self {
        let mut hold = Self { kernel: Kernel::new(), world: World::new() };
        for index in 0..pending {
            let delay = Span(hold.world.draws.delay_ns());
            hold.kernel.schedule(Time::ZERO + delay, Class(0), Visit::new(index % COMPONENTS));
        }
        hold
    }
}

impl Hold for OurHold {
    fn run(&mut self, events: u64) -> u64 {
        for _ in 0..events {
            let (now, visit) = self.kernel.pop().expect("each event has a successor");
            let (component, delay_ns) = self.world.handle(visit.component);
            self.kernel.schedule(now + Span(delay_ns), Class(0), Visit::new(component));
        }
        events
    }

    fn checksum(&self) -> Option<u64> {
        Some(self.world.checksum)
    }
}

/// The simplest queue that is right: what the others are checked against.
pub struct HeapHold {
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    world: World,
    sequence: u64,
}

impl HeapHold {
    pub fn new(pending: u32) -> Self {
        let mut world = World::new();
        let heap =
            (0..pending).map(|index| Reverse((world.draws.delay_ns(), u64::from(index), index % COMPONENTS))).collect();
        Self { heap, world, sequence: u64::from(pending) }
    }
}

impl Hold for HeapHold {
    fn run(&mut self, events: u64) -> u64 {
        for _ in 0..events {
            let Reverse((now, _, component)) = self.heap.pop().expect("each event has a successor");
            let (component, delay_ns) = self.world.handle(component);
            self.heap.push(Reverse((now + delay_ns, self.sequence, component)));
            self.sequence += 1;
        }
        events
    }

    fn checksum(&self) -> Option<u64> {
        Some(self.world.checksum)
    }
}
