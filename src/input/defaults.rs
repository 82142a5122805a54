//! All defaults and limits of a scenario, in one place, each with its source where it has one.
//!
//! What a scenario leaves out is taken from here and echoed into the manifest, so that a run never depends on what this
//! file says later.

use super::application::{ApplicationFile, ReplicasFile};
use super::intents::IntentsFile;
use super::inventory::PowerFile;
use super::network::NetworkFile;
use super::operation::{AutoscalerFile, ControlFile, PlatformFile, RailsFile, TelemetryFile};
use super::rules::ObjectiveFile;
use super::written::Written;
use super::written::{DelayFile, NonNegative, Positive, Share};
use crate::model::Delay;
use crate::model::autoscaler::Autoscaler;
use crate::units::{Bytes, MilliCores, Money, Ratio, Span, Watts};
use std::collections::BTreeMap;

/// What is refused because it is larger than anything sensible.
pub mod limits {
    /// Bytes of a YAML or small CSV file. Traces are streamed and have no such limit.
    pub const FILE_BYTES: u64 = 16 << 20;
    /// Bytes of a table once it is decompressed; tables are streamed, and what is kept of them is what is asked for.
    pub const TABLE_BYTES: u64 = 1 << 30;
    /// Carbon intensity of a grid in g CO₂e/kWh: the dirtiest fuel, oil shale, is at about 1,500. More is a slip of units.
    pub const CARBON_G_PER_KWH: f64 = 5_000.0;
    /// Levels of YAML.
    pub const DEPTH: usize = 32;
    /// Values and keys of a YAML file, as written: 20,000 services of which nothing is said but what must be, which need 40 MB
    /// once they are read.
    pub const NODES: usize = 200_000;
    /// Values that aliases may repeat.
    pub const ALIAS_EVENTS: usize = 100_000;
    /// Bytes of text that aliases may repeat.
    pub const ALIAS_BYTES: usize = 16 << 20;
    /// Bytes of a file of Kubernetes objects: a thousand nodes with their images are 20 MB.
    pub const KUBERNETES_BYTES: u64 = 64 << 20;
    /// Levels of such a file; API servers take more, but nothing that is read lies deeper.
    pub const KUBERNETES_DEPTH: usize = 64;
    /// Values and keys of such a file, as written.
    pub const KUBERNETES_NODES: usize = 6_000_000;
    /// Values of such a file that are kept, and one more in so many bytes of it: to hold one costs up to 300 bytes, all
    /// that follows from it included.
    pub const KUBERNETES_VALUES: usize = 125_000;
    /// See [`KUBERNETES_VALUES`].
    pub const KUBERNETES_BYTES_A_VALUE: usize = 100;
    /// Documents of such a file.
    pub const DOCUMENTS: usize = 10_000;
    /// Replicas of one service.
    pub const REPLICAS: u32 = 100_000;
    /// Nodes of one pool.
    pub const NODES_OF_A_POOL: u32 = 100_000;
    /// Seeds of one scenario.
    pub const SEEDS: u32 = 10_000;
}

/// Carbon intensity where a scenario gives none, in g CO₂e/kWh: the world's mean of 2023 (Ember, Global Electricity Review
/// 2024: 480).
pub const CARBON_G_PER_KWH: f64 = 480.0;

/// One run a policy and variant.
pub const fn seeds() -> Positive<u32> {
    Positive(1)
}

/// A trace as it is.
pub const fn scale() -> Positive<Ratio> {
    Positive(Ratio::ONE)
}

/// A task that uses what it requests.
pub const fn task_cpu_used() -> Ratio {
    Ratio::ONE
}

/// A replay of what happened: its delays are part of the recorded times.
pub const fn task_start() -> DelayFile {
    DelayFile(Delay::NONE)
}

/// A scenario of tasks only.
pub fn no_application() -> Written<String, ApplicationFile> {
    Written::Long(ApplicationFile {
        name: application_name(),
        services: Vec::new(),
        calls: Vec::new(),
        intents: IntentsFile::default(),
        rules: Vec::new(),
        objective: ObjectiveFile::default(),
    })
}

/// An application that does not say its name.
pub fn application_name() -> String {
    "application".to_owned()
}

/// One request at a time.
pub const fn workers() -> Positive<u32> {
    Positive(1)
}

/// A single replica (Kubernetes: `minReplicas` of an HPA).
pub const fn replicas_min() -> u32 {
    1
}

/// Far away, and still a bound.
pub const fn replicas_max() -> u32 {
    100
}

impl Default for ReplicasFile {
    fn default() -> Self {
        Self { initial: replicas_min(), min: replicas_min(), max: replicas_max() }
    }
}

/// A p95 target.
pub const fn slo_share() -> Share {
    Share(Ratio(950_000))
}

/// One device.
pub const fn gpu_count() -> Positive<u32> {
    Positive(1)
}

/// A middling image of a web service.
pub const fn image() -> Bytes {
    Bytes(250_000_000)
}

/// A process that loads a little before it is ready.
pub const fn start() -> DelayFile {
    DelayFile(Delay::LogNormal { median: Span::seconds(3), p95: Span::seconds(8) })
}

/// Kubernetes: `terminationGracePeriodSeconds`.
pub const fn drain() -> Span {
    Span::seconds(30)
}

/// Envoy: the default timeout of a route; who waited for so long has gone.
pub const fn queue_limit() -> Positive<Span> {
    Positive(Span::seconds(15))
}

/// Poisson arrivals, exponential service times.
pub const fn variability() -> NonNegative {
    NonNegative(1.0)
}

/// A replica at its capacity uses what it requested.
pub const fn cpu_at_capacity() -> Ratio {
    Ratio::ONE
}

/// Runtime, probes, collectors.
pub const fn cpu_idle() -> Ratio {
    Ratio(50_000)
}

/// One call a request.
pub const fn per_request() -> Positive<Ratio> {
    Positive(Ratio::ONE)
}

/// A small request and its answer.
pub const fn call_bytes() -> Bytes {
    Bytes(10_000)
}

/// A cluster that does not say where it is.
pub fn region() -> String {
    "unknown".to_owned()
}

/// A cluster that does not say what hardware it has.
pub fn class() -> String {
    "standard".to_owned()
}

/// As fast as its class.
pub const fn speed() -> Positive<Ratio> {
    Positive(Ratio::ONE)
}

/// The mean of the Uptime Institute's Global Data Center Survey 2023; clouds state 1.1 to 1.2.
pub const fn pue() -> Ratio {
    Ratio(1_580_000)
}

/// There.
pub const fn enabled() -> bool {
    true
}

/// The kubelet's `maxPods`.
pub const fn pods() -> Positive<u32> {
    Positive(110)
}

/// Minutes, as managed clusters of the large clouds need for a virtual machine.
pub const fn boot() -> DelayFile {
    DelayFile(Delay::LogNormal { median: Span::seconds(60), p95: Span::seconds(120) })
}

/// Cluster autoscaler: `scale-down-unneeded-time`.
pub const fn idle_timeout() -> Span {
    Span::seconds(600)
}

/// 0.74 W and 3.5 W a core: Cloud Carbon Footprint's means over the processors of AWS, per virtual CPU, idle and busy.
pub fn power_of(cores: f64) -> PowerFile {
    PowerFile { idle: Watts(0.74 * cores), max: Watts(3.5 * cores) }
}

/// Where a Kubernetes inventory says nothing of prices, a node-hour costs what Google's n2 machines cost on demand in
/// us-central1 (June 2026): 0.031611 $ a core and 0.004237 $ a GiB. Accelerators are not in it.
pub fn price_of(cpu: MilliCores, memory: Bytes) -> Money {
    let gib = memory.0 as f64 / f64::from(1 << 30);
    Money(0.031_611 * cpu.cores() + 0.004_237 * gib)
}

/// Nodes, and cores and bytes of each, of a cluster of which nothing but its name is known.
pub const UNKNOWN_CLUSTER: (u32, MilliCores, Bytes) = (3, MilliCores(4_000), Bytes(16 << 30));

impl Default for NetworkFile {
    /// 20 ms between clusters (two regions of one continent), 0.5 ms within one, 0.02 $/GB (the clouds' list price
    /// between regions of one continent).
    fn default() -> Self {
        Self {
            default_rtt: Span(20_000_000),
            rtt_within: Span(500_000),
            default_egress_per_gb: Money(0.02),
            egress_per_gb: BTreeMap::new(),
            latency: None,
            by_distance: None,
            egress: None,
            users: None,
            pairs: Vec::new(),
            origins: Vec::new(),
            routing: crate::model::network::Routing::default(),
        }
    }
}

impl Default for ControlFile {
    /// 15 s is the HPA's `--horizontal-pod-autoscaler-sync-period`; 2 s for API servers, controllers and propagation.
    fn default() -> Self {
        Self {
            every: Positive(Span::seconds(15)),
            on_arrival: true,
            effect_after: DelayFile(Delay::Fixed(Span::seconds(2))),
            decision_time: Span::ZERO,
            rails: RailsFile::default(),
        }
    }
}

impl Default for TelemetryFile {
    /// 15 s is metrics-server's resolution and a usual scrape interval; a minute is the shortest window with a few of them.
    fn default() -> Self {
        Self {
            scrape: Positive(Span::seconds(15)),
            jitter: None,
            window: Positive(Span::seconds(60)),
            delay: Span::seconds(5),
            loss: Share(Ratio::ZERO),
        }
    }
}

impl Default for PlatformFile {
    /// 50 MB/s a node; 40 s is Kubernetes' `--node-monitor-grace-period` of many releases.
    fn default() -> Self {
        Self {
            pull_per_second: Positive(Bytes(50_000_000)),
            pull_latency: DelayFile(Delay::LogNormal { median: Span::seconds(1), p95: Span::seconds(3) }),
            loss_noticed_after: Span::seconds(40),
            node_score: crate::model::binding::NodeScore::default(),
            autoscaler: AutoscalerFile::default(),
        }
    }
}

impl Default for AutoscalerFile {
    fn default() -> Self {
        let Autoscaler { expander, utilisation, delay_after_add, scan } = Autoscaler::default();
        Self { expander, utilisation: Share(utilisation), delay_after_add, scan: Positive(scan) }
    }
}
