//! The simulated world: a discrete-event kernel, and on it services, replicas, clusters, networks, faults and telemetry.
//!
//! Time is integer nanoseconds, events are a small enum, state is plain tables: a clone is another future, and two runs of
//! one seed are the same to the byte. Nothing here reads a clock or decides anything.
//!
//! In reading order: `kernel` (what happens when), `event` (what may happen), `world` (the state), `build` (its
//! beginning), `ahead` (the future, for who asks), `traffic` with `station`, `routing` and `latency` (requests), `replicas`
//! and `sites` (who serves them, and where), `surroundings` (carbon and prices), `tasks` (what comes, runs and goes),
//! `faults`, `telemetry` (how all that is seen), `conditions` (what waits for an event), `control` (what a policy sees and
//! does), `samples` with `elastic`, `course` and `packing` (what reports get), `warm_up` (from when on),
//! `untouched` (what a plan is made for).
//!
//! Deliberately not modelled: retries and timeouts of callers, bandwidth limits of links, vertical scaling, volumes, and
//! the start-up of the control plane itself.

mod ahead;
mod autoscale;
mod build;
mod conditions;
mod consolidate;
mod control;
mod course;
mod elastic;
mod event;
mod faults;
pub mod kernel;
mod latency;
mod noise;
mod packing;
mod replicas;
mod routing;
mod samples;
mod sites;
mod station;
mod surroundings;
mod tasks;
mod telemetry;
mod traffic;
mod trial;
mod untouched;
mod warm_up;
mod world;

use super::{Backend, BackendError};
use crate::model::fault::FaultTarget;
use crate::model::observation::Action;
use crate::model::task::{TaskRow, TaskSource, TasksInMemory};
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::model::{Observation, Plan, Scenario, ServiceId};
use crate::seed::Seed;
use crate::units::{Span, Time};
use ahead::Ahead;
use event::Event;
use kernel::Moment;
use noise::Noisy;
use std::sync::Arc;
pub use untouched::untouched;
use world::World;

/// What a reader of the results should know to be left out, a sentence each.
pub const NOT_MODELLED: &[&str] = &[
    "Callers do not retry and do not time out.",
    "Links between clusters have delay and price, and no limit of bandwidth.",
    "Replicas have one size: there is no vertical scaling.",
    "Volumes, and the start-up of the control plane itself.",
    "Tasks have no priorities and do not wait for each other; each uses the same CPU from its start to its end.",
];

/// A world in memory.
pub struct SimBackend {
    world: World,
    workload: Workload,
    tasks: Tasks,
    /// Where a policy foresees the trace.
    ahead: Option<Ahead>,
}

/// The trace of rates, one row ahead.
struct Workload {
    source: Result<Box<dyn RateSource>, WorkloadError>,
    next: Option<RateRow>,
    until: Option<Time>,
    /// When the run ends for the rates' sake.
    end: Option<Time>,
}

/// The tasks, one ahead.
struct Tasks {
    source: Result<Box<dyn TaskSource>, WorkloadError>,
    next: Option<TaskRow>,
    /// Whether there are tasks at all.
    is_any: bool,
}

impl SimBackend {
    /// A world of services at its beginning. It ends with the trace, or at the scenario's `until` where that is earlier.
    ///
    /// # Errors
    /// When the first row of the workload cannot be read.
    pub fn new(scenario: Arc<Scenario>, source: Box<dyn RateSource>, seed: Seed) -> Result<Self, BackendError> {
        Self::with_tasks(scenario, (source, Box::new(TasksInMemory::default())), seed)
    }

    /// A world of services and tasks at its beginning. It ends when both traces have: when the last task would be gone, had
    /// none waited. Where the scenario says `until`, it ends there, whether tasks are left or not.
    ///
    /// # Errors
    /// When the first row of a trace cannot be read.
    pub fn with_tasks(
        scenario: Arc<Scenario>,
        (rates, tasks): (Box<dyn RateSource>, Box<dyn TaskSource>),
        seed: Seed,
    ) -> Result<Self, BackendError> {
        let until = scenario.until.map(|span| Time::ZERO + span);
        let rates = Self::load(&scenario, rates, seed);
        let mut workload = Workload { source: Ok(rates), next: Some(RateRow::default()), until, end: None };
        let is_any = scenario.known.application.has_tasks();
        let mut tasks = Tasks { source: Ok(tasks), next: None, is_any };
        let horizon = workload.horizon()?.max(tasks.end(until)?);
        warms_up_before(horizon, &scenario)?;
        let mut world = World::new(scenario, seed);
        world.start_series(horizon);
        workload.advance(&world)?;
        tasks.advance(until)?;
        let mut backend = Self { world, workload, tasks, ahead: None };
        backend.plan_end()?;
        Ok(backend)
    }

    /// The load as the world of `seed` meets it: the trace, with the noise that the scenario states.
    #[must_use]
    pub fn load(scenario: &Scenario, source: Box<dyn RateSource>, seed: Seed) -> Box<dyn RateSource> {
        match scenario.load_noise {
            Some(noise) => Box::new(Noisy::new(source, noise, seed)),
            None => source,
        }
    }

    /// The present instant.
    pub fn now(&self) -> Time {
        self.world.now()
    }

    /// Breaks these things together, now, for `lasts`, besides what the scenario breaks. For a future of a
    /// [fork](crate::run::Run::fork): of two that are struck differently, what differs afterwards is what was lost.
    pub fn strike(&mut self, targets: &[FaultTarget], lasts: Span) {
        self.world.strike_now(targets, lasts);
    }

    /// Ends the run at `at`, or now where that has passed, unless it ends before. A decision that is due then is not made.
    pub fn end_at(&mut self, at: Time) {
        let at = at.max(self.world.now());
        self.world.schedule_at(at, Event::Ended);
    }

    /// Lets the next thing happen: a row of a trace, or an event.
    fn step(&mut self) -> Result<(), BackendError> {
        let world = &mut self.world;
        world.events += 1;
        let rates_at = self.workload.next.as_ref().map(|row| row.at);
        let task_at = self.tasks.next.map(|row| row.at);
        let Some(at) = rates_at.into_iter().chain(task_at).min() else {
            let (_, event) = world.kernel.pop().expect("the end of the run is an event");
            world.handle(event);
            return Ok(());
        };
        if let Some((_, event)) = world.kernel.pop_before(Moment { time: at, class: Event::LOAD }) {
            world.handle(event);
            return Ok(());
        }
        world.kernel.advance(at);
        if rates_at == Some(at) { self.take_row() } else { self.take_task() }
    }

    /// The rates of a row hold from now on.
    fn take_row(&mut self) -> Result<(), BackendError> {
        let row = self.workload.next.as_ref().expect("there is a row to take");
        for (service, rate) in &row.rates {
            if self.world.services[*service].entry.is_none() {
                return Err(self.world.not_an_entry(*service).into());
            }
            self.world.on_demand_changed(*service, *rate);
        }
        self.workload.advance(&self.world)?;
        self.plan_end()
    }

    /// A task arrives.
    fn take_task(&mut self) -> Result<(), BackendError> {
        let row = self.tasks.next.take().expect("there is a task to take");
        self.world.on_task_arrived(row);
        self.tasks.advance(self.workload.until)?;
        self.plan_end()
    }

    /// Once both traces are read, the end of the run is known.
    fn plan_end(&mut self) -> Result<(), BackendError> {
        let (Some(end), None) = (self.workload.end, self.tasks.next) else { return Ok(()) };
        let end = end.max(self.tasks.end(self.workload.until)?).max(self.world.now());
        warms_up_before(end, &self.world.scenario)?;
        self.world.schedule_at(end, Event::Ended);
        Ok(())
    }
}

/// Of a run whose warm-up is as long as itself there is nothing to tell.
fn warms_up_before(end: Time, scenario: &Scenario) -> Result<(), WorkloadError> {
    let warm_up = scenario.warm_up;
    if warm_up == Span::ZERO || Time::ZERO + warm_up < end {
        return Ok(());
    }
    Err(WorkloadError(format!("`warm_up: {warm_up}`: the run ends at {end}; a warm-up has to end before")))
}

impl Workload {
    /// When the run ends at the latest. A trace whose end nobody stated is read twice.
    fn horizon(&self) -> Result<Time, WorkloadError> {
        if let Some(until) = self.until {
            return Ok(until);
        }
        let mut reader = self.source.as_ref().map_err(Clone::clone)?.fork()?;
        let mut row = RateRow::default();
        while reader.next_row(&mut row)? {}
        Ok(reader.end())
    }

    /// Reads the next row; at the end of the trace, tells when the run ends.
    fn advance(&mut self, world: &World) -> Result<(), BackendError> {
        let source = self.source.as_mut().map_err(|error| error.clone())?;
        let mut row = self.next.take().expect("the trace is read one row at a time");
        let more = source.next_row(&mut row)?;
        let late = self.until.is_some_and(|until| row.at >= until);
        if more && !late {
            self.next = Some(row);
        } else {
            let end = if more {
                self.until.expect("a row was late for it")
            } else {
                self.until.map_or(source.end(), |until| until.min(source.end()))
            };
            self.end = Some(end.max(world.now()));
        }
        Ok(())
    }
}

impl Tasks {
    /// When the run ends for the tasks' sake.
    fn end(&self, until: Option<Time>) -> Result<Time, WorkloadError> {
        let end = self.source.as_ref().map_err(Clone::clone)?.end();
        Ok(until.filter(|_| self.is_any).unwrap_or(end))
    }

    /// Reads the next task; those that come after the end of the run never come.
    fn advance(&mut self, until: Option<Time>) -> Result<(), WorkloadError> {
        let source = self.source.as_mut().map_err(|error| error.clone())?;
        self.next = source.next_task()?.filter(|row| until.is_none_or(|until| row.at < until));
        Ok(())
    }
}

impl World {
    /// The trace drives a service that other services call: who of the two a dropped request belonged to is not known.
    fn not_an_entry(&self, service: ServiceId) -> WorkloadError {
        let name = &self.scenario.known.application.services[service].name;
        WorkloadError(format!(
            "the trace drives `{name}`, which other services call; users call entry services: put one that calls `{name}` before it"
        ))
    }

    /// Dispatches an event to the handler that acts on it.
    fn handle(&mut self, event: Event) {
        match event {
            Event::EnvironmentChanged => self.on_environment_changed(),
            Event::ServiceChanged { service, change } => self.on_service_changed(service, change),
            Event::FaultBegan(fault) => self.on_fault_began(fault),
            Event::FaultEnded { fault, victim } => self.on_fault_ended(fault, victim),
            Event::ClusterLossNoticed { cluster, outage } => self.on_cluster_loss_noticed(cluster, outage),
            Event::NodeLossNoticed { cluster, .. } => self.on_node_loss_noticed(cluster),
            Event::NodeBooted { cluster, pool } => self.on_node_booted(cluster, pool),
            Event::NodeIdled { cluster, node } => self.on_node_idled(cluster, node),
            Event::NodesScanned(cluster) => self.on_nodes_scanned(cluster),
            Event::ReplicaReadied(replica) => self.on_replica_readied(replica),
            Event::ReplicaDrained(replica) => self.on_replica_drained(replica),
            Event::TaskCompleted(replica) => self.on_task_completed(replica),
            Event::FlowTurned(component) => self.on_flow_turned(component),
            Event::PlanArrived => self.on_plan_arrived(),
            Event::MoveOverdue { service, order } => self.on_move_overdue(service, order),
            Event::Scraped(service) => self.on_scraped(service),
            Event::ConditionsLooked => self.on_conditions_looked(),
            Event::Sampled => self.on_sampled(),
            Event::Decided => self.on_decided(),
            Event::TasksChanged => self.on_tasks_changed(),
            Event::WarmedUp => self.on_warmed_up(),
            Event::Ended => self.on_ended(),
        }
    }
}

impl Backend for SimBackend {
    fn observe(&mut self) -> Result<Observation, BackendError> {
        loop {
            if let Some(mut observation) = self.world.outbox.pop_front() {
                if let (Observation::Due(snapshot), Some(ahead)) = (&mut observation, &mut self.ahead) {
                    snapshot.foreseen = Some(ahead.look(snapshot.at, &snapshot.known.application)?);
                }
                return Ok(observation);
            }
            assert!(!self.world.ended, "nothing happens after the end");
            self.step()?;
        }
    }

    fn apply(&mut self, plan: &Plan) -> Result<Vec<Action>, BackendError> {
        Ok(self.world.apply(plan))
    }

    fn foresee(&mut self, span: Span) {
        let source = self.workload.source.as_ref().map_err(Clone::clone).and_then(RateSource::fork);
        let demand = self.world.services.ids().map(|service| self.world.services[service].demand).collect();
        let ahead = || Ahead::new(source, span, self.workload.next.clone(), demand);
        self.ahead = (span > Span::ZERO).then(ahead);
    }
}

impl Clone for SimBackend {
    /// Another future from here on. Where the trace cannot be opened again, the clone says so when it needs the next row.
    fn clone(&self) -> Self {
        let source = self.workload.source.as_ref().map_err(Clone::clone).and_then(RateSource::fork);
        let workload = Workload { source, next: self.workload.next.clone(), ..self.workload };
        let tasks = self.tasks.source.as_ref().map_err(Clone::clone).and_then(|source| source.fork());
        let tasks = Tasks { source: tasks, ..self.tasks };
        Self { world: self.world.clone(), workload, tasks, ahead: self.ahead.clone() }
    }
}
