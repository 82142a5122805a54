//! The state of the simulated world: plain tables indexed by ids. A clone of it is another future.
//!
//! Nothing here decides or computes; the handlers of the neighbouring files do, each on its part:
//! `traffic` moves requests, `replicas` and `sites` host them, `tasks` come and go, `faults` breaks things, `telemetry` looks, `accounts` adds up.

use super::event::Event;
use super::kernel::{Handle, Kernel, Moment};
use super::latency::{Latency, LatencyLog, Pending};
use super::sites::Site;
use super::station::Station;
use super::tasks::{ClassState, TaskBook};
use super::telemetry::Scrapes;
use crate::model::binding::Device;
use crate::model::id::{Id, TaskId};
use crate::model::observation::{Action, Flow};
use crate::model::snapshot::ReplicaGroup;
use crate::model::{ClusterId, NodeId, Observation, Phase, PoolId, ReplicaId, Scenario, ServiceId, Table, Targets};
use crate::seed::{Seed, Stream};
use crate::units::{Rate, Ratio, Span, Time};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A service in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotId(pub(super) u32);

impl Id for SlotId {
    fn from_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("services times clusters stay below 2^32"))
    }
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Everything that changes.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) scenario: Arc<Scenario>,
    pub(super) seed: Seed,
    pub(super) kernel: Kernel<Event>,
    pub(super) slots: Table<SlotId, Slot>,
    pub(super) services: Table<ServiceId, ServiceState>,
    pub(super) sites: Table<ClusterId, Site>,
    /// Sites whose environment changes next, by when it does.
    pub(super) environment_due: BTreeMap<Time, Vec<ClusterId>>,
    pub(super) replicas: Table<ReplicaId, Replica>,
    pub(super) tasks: TaskBook,
    pub(super) components: Vec<Component>,
    pub(super) faults: Vec<super::faults::FaultState>,
    /// Whether calls get from row to column, row-major by cluster.
    pub(super) linked: Vec<bool>,
    /// How far each conditional service is, in their order.
    pub(super) waiting: Vec<crate::model::condition::Progress>,
    /// For how long scrapes are kept.
    pub(super) kept_for: Span,
    /// How many faults hold telemetry down.
    pub(super) blind: u32,
    pub(super) control: ControlState,
    /// Entry services that break their SLO at present, since when, and for how long before.
    pub(super) violating: Violating,
    /// What is still to be observed.
    pub(super) outbox: VecDeque<Observation>,
    pub(super) events: u64,
    pub(super) sampled_at: Time,
    /// What each service needs and has; nothing for tasks.
    pub(super) elastic: Table<ServiceId, Option<Box<super::elastic::Elastic>>>,
    pub(super) packing: super::packing::PackingBook,
    /// Since when things count.
    pub(super) counted: super::warm_up::Counted,
    pub(super) ended: bool,
}

/// A service in a cluster.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) service: ServiceId,
    pub(super) cluster: ClusterId,
    pub(super) station: Station,
    /// Not gone yet, in order of creation.
    pub(super) replicas: Vec<ReplicaId>,
    /// What the effective plan wants.
    pub(super) desired: u32,
    pub(super) ready: u32,
    /// Lost with their node or cluster, which nobody has noticed: routers still send them calls.
    pub(super) ghosts: u32,
    /// Pools whose nodes may host this service.
    pub(super) pools: Table<PoolId, bool>,
    /// Cores of one replica at no and at full load.
    pub(super) cores: (f64, f64),
    /// Σ over ready replicas of their node's watts per busy core.
    pub(super) watts_per_core: f64,
    /// Sums since the start: busy core-seconds, ready replica-seconds.
    pub(super) core_seconds: f64,
    pub(super) ready_seconds: f64,
    /// Mean latency of a request at this station alone, in seconds, and its sum over requests that were served.
    pub(super) own_latency: f64,
    pub(super) own_latency_sum: f64,
    /// Requests and latency at the last sample.
    pub(super) sampled: (Flow, f64),
    /// Latency of a request that is served here, calls included, and its chance to succeed.
    pub(super) latency: Latency,
    pub(super) success: f64,
    /// Delays of its replicas, drawn in order of their starts.
    pub(super) delays: Option<Box<Stream>>,
}

/// A service.
#[derive(Debug, Clone)]
pub(super) struct ServiceState {
    /// Whom it calls or is called by; none for a class of tasks.
    pub(super) component: Option<usize>,
    /// For a class of tasks.
    pub(super) class: Option<Box<ClassState>>,
    /// What its version makes of its capacity.
    pub(super) capacity_factor: Ratio,
    /// What users ask for.
    pub(super) demand: Rate,
    /// What finds no ready replica anywhere.
    pub(super) lost: Rate,
    pub(super) lost_flow: Flow,
    pub(super) entry: Option<Box<Entry>>,
    /// Rates from each source (origins, then callers by cluster) to each cluster, row-major.
    pub(super) flows: Vec<u64>,
    pub(super) scrapes: Scrapes,
    /// Its replicas as they are seen, kept until something changes.
    pub(super) groups: Option<Vec<ReplicaGroup>>,
    /// Sums at the last sample.
    pub(super) sampled: Flow,
    pub(super) sampled_violation: Span,
    /// Counts the plans that changed its targets.
    pub(super) order: u32,
    /// Whether it waits for its event.
    pub(super) dormant: bool,
    /// Whether nobody calls it: it waits, or none of its replicas has been ready since.
    pub(super) silent: bool,
}

/// What users get from an entry service.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) log: LatencyLog,
    /// By origin and cluster, row-major.
    pub(super) paths: Vec<Path>,
    pub(super) good: f64,
    pub(super) violated: bool,
    pub(super) violation: Span,
    /// What of that was before things counted.
    pub(super) violation_before: Span,
}

/// Requests from one origin to one cluster.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Path {
    pub(super) latency: Latency,
    /// Requests per second that succeed, and those of them that keep the SLO.
    pub(super) succeeding: f64,
    pub(super) good: f64,
    pub(super) pending: Pending,
}

/// Services that call each other: what has to be looked at together.
#[derive(Debug, Clone)]
pub(super) struct Component {
    /// Callers first.
    pub(super) services: Vec<ServiceId>,
    pub(super) updated: Time,
    pub(super) turn: Option<Handle>,
    /// Dollars per second that leave each cluster as traffic.
    pub(super) egress: Table<ClusterId, f64>,
    /// Whether any traffic is paid for.
    pub(super) pays: bool,
}

/// One replica.
#[derive(Debug, Clone, Copy)]
pub(super) struct Replica {
    pub(super) slot: SlotId,
    pub(super) node: Option<NodeId>,
    pub(super) phase: Phase,
    pub(super) started: Time,
    pub(super) since: Time,
    pub(super) timer: Option<Handle>,
    pub(super) gone: bool,
    /// Whether its node is to be emptied: another one is started in its place.
    pub(super) leaving: bool,
    /// The task that it is, where it is one.
    pub(super) task: Option<TaskId>,
    /// The accelerator that it has a share of.
    pub(super) device: Device,
}

/// What was asked for.
#[derive(Debug, Clone)]
pub(super) struct ControlState {
    /// The last applied plan.
    pub(super) targets: Targets,
    /// The plan in force: what the slots strive for.
    pub(super) effective: Targets,
    /// Whether the policy is to be asked at the end of this instant.
    pub(super) asks: bool,
    /// Plans on their way.
    pub(super) arriving: VecDeque<Targets>,
    pub(super) arrives_last: Time,
    pub(super) under_way: Vec<Action>,
    pub(super) actions: u32,
    pub(super) started: bool,
    pub(super) moves: u64,
    pub(super) replica_changes: u64,
    pub(super) flaps: super::control::Flaps,
    pub(super) delays: Stream,
}

/// How long some entry service has broken its SLO.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Violating {
    pub(super) count: u32,
    pub(super) since: Time,
    pub(super) total: Span,
    pub(super) longest: Span,
}

impl World {
    pub(super) fn now(&self) -> Time {
        self.kernel.now()
    }

    /// The slot of a service in a cluster.
    pub(super) fn slot_id(&self, service: ServiceId, cluster: ClusterId) -> SlotId {
        SlotId::from_index(service.index() * self.sites.len() + cluster.index())
    }

    /// The slots of a service, by cluster.
    pub(super) fn slots_of(&self, service: ServiceId) -> impl DoubleEndedIterator<Item = SlotId> + Clone + use<> {
        let width = self.sites.len();
        (service.index() * width..(service.index() + 1) * width).map(SlotId::from_index)
    }

    pub(super) fn schedule(&mut self, after: Span, event: Event) -> Handle {
        let at = self.now() + after;
        self.kernel.schedule(at, event.class(), event)
    }

    pub(super) fn schedule_at(&mut self, at: Time, event: Event) -> Handle {
        self.kernel.schedule(at, event.class(), event)
    }

    /// Lets `event` happen at `first` and every `period` after it.
    pub(super) fn repeat(&mut self, first: Time, period: Span, event: Event) {
        self.kernel.every(Moment { time: first, class: event.class() }, period, event);
    }

    /// Everything that a service took in and gave out, in all clusters.
    pub(super) fn flow_of(&self, service: ServiceId) -> Flow {
        let mut flow = self.services[service].lost_flow;
        for slot in self.slots_of(service) {
            flow += self.slots[slot].station.flow;
        }
        flow
    }
}
