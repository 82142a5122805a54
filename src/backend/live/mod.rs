//! The real world behind the same trait: Karmada divides, Prometheus measures, and the loop does not know the difference.
//!
//! ```text
//!           tasks (tokio)                                  loop (this thread)
//!  control plane ─ follow, resync ─┐
//!  members ──────── probe ─────────┼─► world ──► snapshot ──► policy ──► plan
//!  Prometheus ───── measure ───────┘     ▲                                │
//!  time ─────────── pace ── happenings ──┼──► observe()        apply() ── order
//!  control plane ◄─ driver ◄─────────────┴────────────────────────────────┘
//! ```
//!
//! In reading order: `connect` (everything that can be wrong at the start), `world` (what was seen last), `views` (what a policy is
//! shown of it), `tasks` (who sees), `reconcile` (the next write, as a pure step), `driver` (the one writer), `account` (what
//! is added up), `outside` (every call) with `traced` (its spans), `together` (several at once) and `busy` (long work).
//! `by_hand` is what people do without a run. [`karmada`] and `prometheus` are the clients.
//!
//! What always holds: a plan is stored before it is acted on; a write names what it replaces; silence of the telemetry means hold, and
//! never zero load; a cluster that is lost is left at once and returned to late.

pub mod account;
pub mod alerts;
pub mod busy;
mod by_hand;
pub mod clock;
pub mod connect;
pub mod deploy;
pub mod digest;
pub mod driver;
pub mod grafana;
pub mod happening;
pub mod helm;
pub mod history;
pub mod http;
pub mod karmada;
mod kubernetes;
pub mod names;
pub mod oci;
pub mod outside;
pub mod probe;
pub mod prometheus;
pub mod reach;
pub mod reconcile;
pub mod remote;
pub mod rules;
pub mod shared;
#[cfg(test)]
pub mod stand_in;
#[cfg(test)]
pub(crate) mod stub;
pub mod submariner;
pub mod tasks;
pub mod tls;
pub mod together;
pub mod traced;
pub mod triggers;
pub mod views;
pub mod world;

use super::{Backend, BackendError};
use crate::model::connection::Connection;
use crate::model::observation::{Action, Event, EventKind};
use crate::model::{ActionId, ClusterId, Observation, Plan, Resources, Scenario, ServiceId, Snapshot, Targets, Totals};
use account::Account;
pub use by_hand::{check_queries, pause, remove};
use clock::Clock;
use driver::{Driver, Order};
use happening::Happening;
use karmada::Karmada;
use karmada::binding::Shares;
use karmada::store::Stored;
use outside::{CallError, Class};
use prometheus::Prometheus;
use remote::Remote;
use shared::Shared;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use tokio::runtime::Runtime;
use world::World;

/// Without a word of the control plane for so long, nothing is decided.
const SILENT_AFTER: Duration = Duration::from_secs(20);
/// From one sample of the series to the next, where the scenario does not say.
const SAMPLE_EVERY: crate::units::Span = crate::units::Span(15_000_000_000);

/// Whether plans are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They are.
    Act,
    /// Nothing is ever written.
    Watch,
}

/// The real world.
#[derive(Debug)]
pub struct LiveBackend {
    runtime: Runtime,
    shared: Arc<Shared>,
    inbox: Receiver<Happening>,
    ahead: VecDeque<Happening>,
    scenario: Scenario,
    mode: Mode,
    account: Account,
    targets: Targets,
    under_way: Vec<Action>,
    actions: u32,
    silent: bool,
    driver: Option<tokio::task::JoinHandle<()>>,
}

impl LiveBackend {
    /// Connects, checks everything, and begins to watch; to act too, where `mode` says so.
    ///
    /// # Errors
    /// What is wrong, or not there.
    pub fn connect(scenario: Scenario, connection: Connection, mode: Mode) -> Result<Self, CallError> {
        let runtime = runtime()?;
        let karmada = runtime.block_on(Karmada::open(&connection.karmada))?;
        let prometheus = connection.prometheus.as_ref().map(connect::prometheus_at).transpose()?;
        Self::with_clients(runtime, (karmada, prometheus), (scenario, connection), mode)
    }

    /// The same with clients that exist.
    ///
    /// # Errors
    /// What is wrong, or not there.
    pub fn with_clients(
        runtime: Runtime,
        (karmada, prometheus): (Karmada, Option<Prometheus>),
        (scenario, connection): (Scenario, Connection),
        mode: Mode,
    ) -> Result<Self, CallError> {
        let (tell, inbox) = channel();
        let world = World::new(scenario.known.clone(), Arc::new(connection));
        let shared = Arc::new(Shared::new(world, Clock::start(), tell));
        // Two containers have the same process id, and one machine has it again one day.
        let me = format!("smo-{}-{}", std::process::id(), clock::since_epoch().as_nanos());
        let stored = runtime.block_on(connect::begin(&karmada, &shared, (&scenario, mode, &me)))?;
        let targets = views::targets_at_start(&shared.world(), &stored);
        shared.world().wake_those_that_run(&targets);
        let account = Account::new(&shared.world(), targets.clone(), shared.clock.time());
        let mut live = Self {
            runtime,
            inbox,
            ahead: VecDeque::new(),
            mode,
            account,
            targets,
            under_way: Vec::new(),
            actions: 0,
            silent: false,
            driver: None,
            scenario,
            shared,
        };
        live.spawn((karmada, prometheus), (me, stored));
        Ok(live)
    }

    fn spawn(&mut self, (karmada, prometheus): (Karmada, Option<Prometheus>), (me, stored): (String, Stored)) {
        let (runtime, shared) = (&self.runtime, &self.shared);
        runtime.spawn(tasks::follow(karmada.clone(), shared.clone()));
        runtime.spawn(tasks::resync(karmada.clone(), shared.clone()));
        runtime.spawn(tasks::probe(karmada.clone(), shared.clone()));
        if let Some(prometheus) = prometheus {
            runtime.spawn(tasks::measure(prometheus, self.scenario.telemetry.scrape, shared.clone()));
        }
        runtime.spawn(tasks::pace_decisions(self.scenario.control.every, shared.clone()));
        let sample_every = self.scenario.sample_every.unwrap_or(SAMPLE_EVERY);
        runtime.spawn(tasks::pace(sample_every, Happening::Sample, shared.clone()));
        runtime.spawn(tasks::end(self.scenario.until, shared.clone()));
        runtime.spawn(triggers::listen(shared.clone()));
        if self.mode == Mode::Act {
            runtime.spawn(deploy::dashboard(shared.clone()));
        }
        if self.mode == Mode::Act {
            let driver = Driver::new(karmada, shared.clone(), (me, stored));
            self.driver = Some(runtime.spawn(driver.drive()));
        }
    }

    /// A hand on the run, for whoever looks after it from another thread.
    pub fn remote(&self) -> Remote {
        Remote::new(self.shared.clone())
    }

    /// When the run started, since 1970.
    pub fn started_at(&self) -> Duration {
        self.shared.clock.started_at()
    }

    /// What is so now, once everything that is measured has been, and every cluster was asked once; what has not been after
    /// `limit` is not seen. Who looks once does not wait for a second silence: a cluster that does not answer is not reached.
    pub fn look(&self, limit: Duration) -> Snapshot {
        let end = clock::now() + limit;
        let whole =
            |world: &World| world.is_measured() && world.sites.values().all(|site| site.reach.answered().is_some());
        while !whole(&self.shared.world()) && clock::now() < end {
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(20)).await });
        }
        let world = self.shared.world();
        let state = (views::observed_targets(&world), Vec::new());
        let mut snapshot = world.snapshot(&self.scenario.environment, state, self.shared.clock.time());
        for (id, view) in snapshot.clusters.iter_mut() {
            if world.sites[id].reach.answered() != Some(true) {
                view.reachable = false;
                (view.allocatable, view.allocatable_max) = (Resources::ZERO, Resources::ZERO);
            }
        }
        snapshot
    }

    /// Waits for the next thing; everything that came meanwhile is taken along, so that of several decisions due one is made.
    fn next(&mut self) -> Happening {
        if let Some(next) = self.ahead.pop_front() {
            return next;
        }
        let Ok(first) = self.inbox.recv() else { return Happening::Over };
        self.ahead.push_back(first);
        self.ahead.extend(self.inbox.try_iter());
        if self.ahead.contains(&Happening::Due) {
            self.ahead.retain(|other| *other != Happening::Due);
            self.ahead.push_back(Happening::Due);
        }
        self.ahead.pop_front().expect("one was just put there")
    }

    fn on_due(&mut self) -> Option<Observation> {
        if !self.shared.hears(SILENT_AFTER) {
            let was = std::mem::replace(&mut self.silent, true);
            return (!was).then(|| self.silence(EventKind::TelemetryLost));
        }
        if std::mem::take(&mut self.silent) {
            self.ahead.push_front(Happening::Due);
            return Some(self.silence(EventKind::TelemetryBack));
        }
        for (service, shares) in self.shared.restored() {
            for cluster in self.scenario.known.clusters.ids() {
                let back = shares.iter().find(|(id, _)| *id == cluster).map_or(0, |(_, replicas)| *replicas);
                self.targets.set(service, cluster, back);
            }
            // A plan may have been made meanwhile: what we believe to be wanted is ordered again, so that it is.
            let shares = vec![(service, self.shares(&self.targets, service))];
            self.shared.order(Order { shares, actions: Vec::new() });
        }
        let world = self.shared.world();
        if self.mode == Mode::Watch {
            self.targets = views::observed_targets(&world);
        }
        self.account.on_targets(&self.targets);
        let state = (self.targets.clone(), self.under_way.clone());
        let snapshot = world.snapshot(&self.scenario.environment, state, self.shared.clock.time());
        Some(Observation::Due(Box::new(snapshot)))
    }

    fn silence(&self, kind: EventKind) -> Observation {
        Observation::Event(Event { at: self.shared.clock.time(), kind, subject: "control plane".to_owned() })
    }

    fn on_over(&mut self) -> Observation {
        self.shared.end();
        if let Some(driver) = self.driver.take() {
            // What is on its way is left to whoever comes next: it is stored.
            let leave = async { tokio::time::timeout(Duration::from_secs(5), driver).await };
            let _ = self.runtime.block_on(leave);
        }
        Observation::Ended(Box::new(self.totals()))
    }

    fn totals(&mut self) -> Totals {
        let world = self.shared.world();
        self.account.look(&world, &self.scenario.environment, self.shared.clock.time());
        self.account.totals(&world)
    }

    fn actions_towards(&mut self, targets: &Targets) -> Vec<Action> {
        let mut actions = Vec::new();
        let asked_at = self.shared.clock.time();
        for service in self.targets.changed(targets) {
            for cluster in self.scenario.known.clusters.ids() {
                let (from, to) = (self.targets.get(service, cluster), targets.get(service, cluster));
                if from != to {
                    actions.push(Action { id: ActionId(self.actions), service, cluster, from, to, asked_at });
                    self.actions += 1;
                }
            }
        }
        actions
    }
}

impl Backend for LiveBackend {
    fn observe(&mut self) -> Result<Observation, BackendError> {
        loop {
            let observation = match self.next() {
                Happening::Due => self.on_due(),
                Happening::Sample => {
                    let (world, at) = (self.shared.world(), self.shared.clock.time());
                    let sample = self.account.sample(&world, &self.scenario.environment, at);
                    Some(Observation::Sampled(Box::new(sample)))
                }
                Happening::Event(event) => Some(Observation::Event(event)),
                Happening::Finished(action) => {
                    self.under_way.retain(|one| one.id != action.id);
                    Some(Observation::Finished(action))
                }
                Happening::Failed(action, error) => {
                    self.under_way.retain(|one| one.id != action.id);
                    Some(Observation::Failed { action, error })
                }
                Happening::Broken(error) => return Err(BackendError::Outside(error.to_string())),
                Happening::Over => Some(self.on_over()),
            };
            if let Some(observation) = observation {
                return Ok(observation);
            }
        }
    }

    fn so_far(&mut self) -> Option<Totals> {
        Some(self.totals())
    }

    fn troubles(&self) -> BTreeMap<String, u64> {
        self.shared.troubles()
    }

    fn apply(&mut self, plan: &Plan) -> Result<Vec<Action>, BackendError> {
        let changed = self.targets.changed(&plan.targets);
        let actions = self.actions_towards(&plan.targets);
        if actions.is_empty() {
            return Ok(actions);
        }
        let shares = changed.into_iter().map(|service| (service, self.shares(&plan.targets, service))).collect();
        self.targets = plan.targets.clone();
        self.account.on_targets(&self.targets);
        Action::supersede(&mut self.under_way, &actions);
        self.shared.order(Order { shares, actions: actions.clone() });
        Ok(actions)
    }
}

impl LiveBackend {
    fn shares(&self, targets: &Targets, service: ServiceId) -> Shares {
        let name = |cluster: ClusterId| self.shared.connection.clusters[cluster].clone();
        targets.of(service).iter().map(|target| (name(target.cluster), target.replicas)).collect()
    }
}

impl Drop for LiveBackend {
    /// Tasks that wait are not waited for.
    fn drop(&mut self) {
        self.shared.end();
        if let Ok(runtime) = runtime() {
            std::mem::replace(&mut self.runtime, runtime).shutdown_timeout(Duration::from_millis(200));
        }
    }
}

fn runtime() -> Result<Runtime, CallError> {
    let build = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    build.map_err(|error| CallError::new("smo", "start of its tasks", Class::Retryable, error))
}
