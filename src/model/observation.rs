//! What comes back from a backend, and nothing else does.

pub use super::action::Action;
use super::figures::Unknown;
pub use super::figures::{Elasticity, Packing};
use super::id::{ClusterId, ServiceId};
use super::snapshot::Snapshot;
use crate::units::{Bytes, Rate, Span, Time};
use serde::Serialize;

/// The next thing that happened.
#[derive(Debug, Clone)]
pub enum Observation {
    /// A decision is due.
    Due(Box<Snapshot>),
    /// An action was completed.
    Finished(Action),
    /// An action failed for good.
    Failed {
        /// Which.
        action: Action,
        /// Why.
        error: String,
    },
    /// Something happened by itself.
    Event(Event),
    /// A sample of the series is due.
    Sampled(Box<Sample>),
    /// The warm-up is over: what is counted from now on belongs to the figures, and nothing before does.
    WarmedUp(Time),
    /// The run is over.
    Ended(Box<Totals>),
}

/// Something that happened without being asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When.
    pub at: Time,
    /// What.
    pub kind: EventKind,
    /// Whom it struck: name of a cluster, node, service or link.
    pub subject: String,
}

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A cluster stopped.
    ClusterLost,
    /// A cluster came back.
    ClusterBack,
    /// A node stopped.
    NodeLost,
    /// A node came back.
    NodeBack,
    /// A replica crashed.
    ReplicaCrashed,
    /// A link between clusters broke.
    LinkLost,
    /// A link came back.
    LinkBack,
    /// Telemetry stopped.
    TelemetryLost,
    /// Telemetry came back.
    TelemetryBack,
    /// The event that a service waits for has happened: it is wanted from now on.
    ServiceWanted,
    /// The event that a service waited for is over, and it stops.
    ServiceUnwanted,
    /// A service became another: a new version, with another capacity.
    ServiceChanged,
    /// What is learnt of a service contradicts what was believed of its capacity.
    CapacityDrifted,
    /// Another capacity is believed of a service from now on.
    CapacityLearnt,
    /// The kill switch was turned on: nothing is written any more.
    ControlPaused,
    /// The kill switch was turned off.
    ControlResumed,
}

/// The state at one instant, for the series.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Time,
    /// One row a service.
    pub services: Vec<ServiceSample>,
    /// One row a (service, cluster) that holds or wants replicas.
    pub placements: Vec<PlacementSample>,
    /// One row a cluster.
    pub clusters: Vec<ClusterSample>,
    /// All tasks, where there are some. Classes have no rows: there may be thousands.
    pub tasks: Option<TaskSample>,
}

/// All tasks at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskSample {
    /// Arrived since the start.
    pub arrived: u64,
    /// Completed since the start.
    pub completed: u64,
    /// Running.
    pub running: u64,
    /// All others: without a place, without a node, or starting.
    pub waiting: u64,
}

/// A service since the sample before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceSample {
    /// Which.
    pub service: ServiceId,
    /// Mean rate of arrivals since the last sample; live, the rate that was measured last. Absent where nobody measures it.
    pub offered: Option<Rate>,
    /// Mean rate of requests served since the last sample; absent where nobody measures it.
    pub served: Option<Rate>,
    /// Mean rate of requests dropped since the last sample; absent where nobody measures it.
    pub dropped: Option<Rate>,
    /// Requests that wait, at this instant; not a number where nobody measures them, as all floats of a sample.
    pub backlog: f64,
    /// True capacity of the ready replicas, at this instant.
    pub capacity: Rate,
    /// End-to-end latency of users' requests since the last sample, at entry services; absent without traffic.
    pub latency: Option<Quantiles>,
    /// Share of the time since the last sample in which the SLO was broken.
    pub slo_violated: Option<f64>,
    /// The rate that policies see, at this instant.
    pub rate_seen: Option<Rate>,
    /// How old the newest measurement is that policies see of it, at this instant; absent where they see none.
    pub rate_age: Option<Span>,
}

/// Replicas of a service in a cluster, at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlacementSample {
    /// Whose.
    pub service: ServiceId,
    /// Where.
    pub cluster: ClusterId,
    /// Asked for.
    pub target: u32,
    /// Serving.
    pub ready: u32,
    /// Without a node.
    pub pending: u32,
    /// On a node, not serving yet.
    pub starting: u32,
    /// CPU time used there since the start, in core-seconds.
    pub cpu_seconds: f64,
    /// Mean rate of arrivals there since the last sample; absent where nobody measures it.
    pub offered: Option<Rate>,
    /// Mean rate of requests served there since the last sample; absent where nobody measures it.
    pub served: Option<Rate>,
    /// Requests that wait there, at this instant.
    pub backlog: f64,
    /// Mean latency of requests served there since the last sample: waiting and service at this service alone, without what it
    /// calls; absent without traffic.
    pub latency_own: Option<Span>,
}

/// A cluster at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterSample {
    /// Which.
    pub cluster: ClusterId,
    /// Whether it works.
    pub up: bool,
    /// Ready nodes.
    pub nodes: u32,
    /// Ready nodes with at least one replica.
    pub nodes_used: u32,
    /// CPU that ready nodes offer, in cores.
    pub cpu_allocatable: f64,
    /// CPU that ready nodes with at least one replica offer, in cores: requested CPU over this is how tightly they are
    /// packed.
    pub cpu_allocatable_used: f64,
    /// CPU requested by replicas there, in cores.
    pub cpu_requested: f64,
    /// CPU in use, in cores.
    pub cpu_used: f64,
    /// Memory that ready nodes offer.
    pub memory_allocatable: Bytes,
    /// Memory requested by replicas there.
    pub memory_requested: Bytes,
    /// Accelerators that ready nodes offer, in thousandths.
    pub gpu_allocatable: u64,
    /// Accelerators requested by replicas there, in thousandths.
    pub gpu_requested: u64,
    /// Tasks that run.
    pub tasks_running: u32,
    /// Facility power in watts.
    pub power: f64,
    /// Carbon intensity in g CO₂e per kWh.
    pub carbon_intensity: f64,
    /// Cost since the start, in dollars.
    pub cost: f64,
    /// Facility energy since the start, in joules.
    pub energy: f64,
    /// Carbon since the start, in g CO₂e.
    pub carbon: f64,
}

/// Latency over requests.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// Mean.
    pub mean: Span,
    /// Median.
    pub p50: Span,
    /// 95th percentile.
    pub p95: Span,
    /// 99th percentile.
    pub p99: Span,
}

/// The sums of a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Totals {
    /// How long the run was, without its warm-up: what all sums are over.
    pub span: Span,
    /// How long the warm-up before it was.
    pub warm_up: Span,
    /// What is measured, where not all is, as live: the rest is not zero but unknown, as are floats that are not a number.
    pub partial: Option<Partial>,
    /// Users' requests: at entry services, over all of them.
    pub requests: Flow,
    /// Requests and calls by service.
    pub by_service: Vec<ServiceTotals>,
    /// By cluster.
    pub by_cluster: Vec<ClusterTotals>,
    /// All tasks, where there are some.
    pub tasks: Option<TaskTotals>,
    /// Share of the time in which some entry service broke its SLO.
    pub slo_violation_time: f64,
    /// The longest time for which some entry service broke its SLO without a pause.
    pub slo_violation_longest: Span,
    /// Share of users' requests that were slow, dropped, or failed further down the graph.
    pub slo_violation_requests: f64,
    /// Users' requests that were neither: served in time, everywhere.
    pub requests_good: f64,
    /// End-to-end latency of users' requests that were served; absent without traffic.
    pub latency: Option<Quantiles>,
    /// Replicas that left one cluster for another.
    pub moves: u64,
    /// Replicas started and ended: Σ|Δ target|.
    pub replica_changes: u64,
    /// How often the target of a service went up soon after it had gone down, or the other way.
    pub flaps: u64,
    /// How supply followed demand, over all services by CPU; absent without demand, and live.
    pub elasticity: Option<Elasticity>,
    /// How nodes were filled, a mean over the samples; absent without samples, and live.
    pub packing: Option<Packing>,
    /// Events handled by the simulation; zero live.
    pub events: u64,
}

/// What a live run measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Partial {
    /// Whether requests that are answered are counted, at every service.
    pub served: bool,
    /// Whether latency is measured at every service with an SLO.
    pub latency: bool,
}

/// The sums of all tasks. `arrived = completed + running + waiting + refused`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskTotals {
    /// Arrived.
    pub arrived: u64,
    /// Started at least once.
    pub started: u64,
    /// Ran for their time.
    pub completed: u64,
    /// Still running at the end.
    pub running: u64,
    /// Waiting at the end: without a place, without a node, or starting.
    pub waiting: u64,
    /// Refused when they arrived: no node of any cluster could ever hold them.
    pub refused: u64,
    /// How often a task had to start anew.
    pub restarted: u64,
    /// From arrival to the first start, over tasks that started.
    pub wait: Option<Quantiles>,
    /// Running tasks integrated over time, in hours.
    pub hours: f64,
    /// CPU that they used, in core-hours.
    pub cpu_hours: f64,
}

/// An amount of a resource integrated over time, in base units times seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Amount {
    /// Requested by replicas that have a node.
    pub requested: f64,
    /// Offered by nodes that work.
    pub offered: f64,
}

/// Requests in and out. `offered + carried = served + dropped + backlog`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flow {
    /// Arrived, in 10⁻¹⁵ requests: the product of a rate (10⁻⁶/s) and a time (10⁻⁹ s), so that sums are exact.
    pub offered: u128,
    /// Served.
    pub served: u128,
    /// Dropped.
    pub dropped: u128,
    /// Waiting at the end.
    pub backlog: u128,
    /// Waiting when counting began, at the end of a warm-up: they were offered before.
    pub carried: u128,
}

impl Flow {
    /// A sum of 10⁻¹⁵ requests, in requests.
    #[expect(clippy::missing_panics_doc, reason = "the remainder of a division is smaller than the divisor")]
    pub fn requests(amount: u128) -> f64 {
        let whole = u64::try_from(amount / 1_000_000_000_000_000).unwrap_or(u64::MAX);
        let rest = u64::try_from(amount % 1_000_000_000_000_000).expect("a remainder below 10^15 fits");
        whole as f64 + rest as f64 / 1e15
    }
}

impl std::ops::AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        self.offered += other.offered;
        self.served += other.served;
        self.dropped += other.dropped;
        self.backlog += other.backlog;
        self.carried += other.carried;
    }
}

/// Sums of one service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ServiceTotals {
    /// Which.
    pub service: ServiceId,
    /// Whether users call it.
    pub entry: bool,
    /// Requests and calls.
    pub flow: Flow,
    /// Ready replicas integrated over time, in hours.
    pub replica_hours: f64,
    /// Share of the time in which its SLO was broken; absent without an SLO.
    pub slo_violation_time: Option<f64>,
    /// End-to-end latency of its users' requests.
    pub latency: Option<Quantiles>,
    /// CPU used, in core-hours.
    pub cpu_hours: f64,
    /// For how long nobody measured what.
    pub unknown: Unknown,
    /// How its supply followed its demand; absent without demand, and live.
    pub elasticity: Option<Elasticity>,
}

/// Sums of one cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClusterTotals {
    /// Which.
    pub cluster: ClusterId,
    /// Ready or booting nodes integrated over time, in hours.
    pub node_hours: f64,
    /// Price of node time, in dollars.
    pub cost_nodes: f64,
    /// Price of the traffic that left the cluster for another, in dollars.
    pub cost_egress: f64,
    /// The part of `cost_nodes` that this application's requests make up: the larger of its CPU and memory share.
    pub cost_allocated: f64,
    /// Facility energy in joules.
    pub energy: f64,
    /// Carbon in g CO₂e.
    pub carbon: f64,
    /// Requested CPU over offered CPU, mean over time.
    pub cpu_allocation: f64,
    /// CPU, memory and accelerators over time: millicores, bytes, thousandths of devices, times seconds.
    pub amounts: [Amount; 3],
}
