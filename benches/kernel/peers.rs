//! The same work on the peers, written as their documentation recommends.

use crate::hold::{COMPONENTS, Draws, Hold, SEED, World};
use nexosim::model::{Context, Model, schedulable};
use nexosim::simulation::{Mailbox, SimInit, Simulation};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};
use simcore::{Event, EventHandler, SimulationContext};
use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// `simcore` counts time in `f64`; whole nanoseconds are exact there, so that the order can be compared.
pub struct SimcoreHold {
    simulation: simcore::Simulation,
    world: Rc<RefCell<World>>,
}

#[derive(Clone, Serialize)]
struct SimcoreVisit {
    payload: u64,
}

struct SimcoreComponent {
    id: u32,
    context: SimulationContext,
    world: Rc<RefCell<World>>,
}

impl EventHandler for SimcoreComponent {
    fn on(&mut self, _event: Event) {
        let (component, delay_ns) = self.world.borrow_mut().handle(self.id);
        self.context.emit(SimcoreVisit { payload: delay_ns }, component, delay_ns as f64);
    }
}

impl SimcoreHold {
    pub fn new(pending: u32) -> Self {
        let mut simulation = simcore::Simulation::new(SEED);
        let world = Rc::new(RefCell::new(World::new()));
        for index in 0..COMPONENTS {
            let name = format!("component-{index}");
            let context = simulation.create_context(&name);
            let component = SimcoreComponent { id: context.id(), context, world: Rc::clone(&world) };
            assert_eq!(component.id, index, "components are numbered in the order of their creation");
            simulation.add_handler(name, Rc::new(RefCell::new(component)));
        }
        let root = simulation.create_context("root");
        for index in 0..pending {
            let delay_ns = world.borrow_mut().draws.delay_ns();
            root.emit(SimcoreVisit { payload: delay_ns }, index % COMPONENTS, delay_ns as f64);
        }
        Self { simulation, world }
    }
}

impl Hold for SimcoreHold {
    fn run(&mut self, events: u64) -> u64 {
        assert!(self.simulation.steps(events), "each event has a successor");
        events
    }

    fn checksum(&self) -> Option<u64> {
        Some(self.world.borrow().checksum)
    }
}

/// Events that `nexosim` models handled; a plain load and store, since there is one thread.
static NEXOSIM_HANDLED: AtomicU64 = AtomicU64::new(0);

#[derive(Serialize, Deserialize)]
struct NexosimComponent {
    draws: Draws,
    handled: u64,
    /// Events to begin with.
    pending: u32,
}

#[Model]
impl NexosimComponent {
    #[nexosim(init)]
    #[expect(clippy::unused_async, reason = "an initialiser has to be a future")]
    async fn init(&mut self, context: &Context<Self>) {
        for _ in 0..self.pending {
            self.schedule(context);
        }
    }

    #[nexosim(schedulable)]
    fn on_visit(&mut self, _payload: u64, context: &Context<Self>) {
        self.handled += 1;
        NEXOSIM_HANDLED.store(NEXOSIM_HANDLED.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        black_box(self.draws.component());
        self.schedule(context);
    }

    fn schedule(&mut self, context: &Context<Self>) {
        let delay_ns = self.draws.delay_ns();
        context
            .schedule_event(Duration::from_nanos(delay_ns), schedulable!(Self::on_visit), delay_ns)
            .expect("delays are positive");
    }
}

pub struct NexosimHold {
    simulation: Simulation,
    pending: u32,
}

impl NexosimHold {
    pub fn new(pending: u32) -> Self {
        let mut bench = SimInit::with_num_threads(1);
        for index in 0..COMPONENTS {
            let draws = Draws(SEED ^ (u64::from(index) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let model = NexosimComponent { draws, handled: 0, pending: pending / COMPONENTS };
            bench = bench.add_model(model, Mailbox::new(), &format!("component-{index}"));
        }
        let simulation = bench.init(MonotonicTime::EPOCH).expect("the models have no failing initialisation");
        Self { simulation, pending }
    }
}

impl Hold for NexosimHold {
    /// Runs for the time in which `events` are expected: N pending events with a mean delay of 1 s are N events a second.
    fn run(&mut self, events: u64) -> u64 {
        let before = NEXOSIM_HANDLED.load(Ordering::Relaxed);
        let span = Duration::from_secs_f64(events as f64 / f64::from(self.pending));
        self.simulation.step_until(span).expect("the models do not fail");
        NEXOSIM_HANDLED.load(Ordering::Relaxed) - before
    }

    fn checksum(&self) -> Option<u64> {
        None
    }
}
