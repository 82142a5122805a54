//! One world to run policies in, checked and complete: everything but the policy and the seed.
//!
//! `input` makes it from files. It holds the ground truth too, so a backend gets it and a policy never does: a policy
//! sees the application and the inventory through a [`Snapshot`](super::Snapshot).

use super::application::Application;
use super::capacity::CapacityByClass;
use super::cluster::Cluster;
use super::control::{Control, Telemetry};
use super::delay::Delay;
use super::environment::Environment;
use super::fault::Fault;
use super::id::{ClusterId, ServiceId, Table};
use super::network::Network;
use super::plan::Targets;
use super::rules::Rules;
use super::workload::LoadNoise;
use crate::units::{Bytes, Ratio, Span, Time};
use std::sync::Arc;

/// One world.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What the clusters and services are: what policies may know from the start.
    pub known: Arc<Known>,
    /// What runs when a run begins; `None`: what is decided first.
    pub placed: Option<Targets>,
    /// What is true of each service, whatever policies believe.
    pub truth: Table<ServiceId, Truth>,
    /// Delays of the platform.
    pub platform: Platform,
    /// Carbon and prices over time.
    pub environment: Environment,
    /// What breaks.
    pub faults: Vec<Fault>,
    /// The control loop.
    pub control: Control,
    /// How the world is seen.
    pub telemetry: Telemetry,
    /// By how much the load differs from seed to seed; `None`: not at all.
    pub load_noise: Option<LoadNoise>,
    /// Whether, and how, what policies believe of capacities is learnt while the run goes on.
    pub learn: Option<Learn>,
    /// From the start of the run until its sums begin; series and decisions show all.
    pub warm_up: Span,
    /// From the start of the run to its end; `None`: until the trace ends.
    pub until: Option<Span>,
    /// From one sample of the series to the next; `None`: so that a run has at most 1,440 of them.
    pub sample_every: Option<Span>,
}

/// How capacities are learnt during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Learn {
    /// From one sample to the next, at least.
    pub every: Span,
    /// Samples before the first fit.
    pub samples: u32,
    /// The share of its CPU request that a replica can use, where it is known.
    pub ceiling: Option<Ratio>,
    /// Which quantile of the estimate is believed.
    pub quantile: Ratio,
}

/// What everybody knows from the start: declared, not measured.
#[derive(Debug, Clone)]
pub struct Known {
    /// Services and calls.
    pub application: Application,
    /// Clusters.
    pub clusters: Table<ClusterId, Cluster>,
    /// Distances.
    pub network: Network,
    /// What plans have to keep, and what they are weighed by.
    pub rules: Rules,
}

/// What is true of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Truth {
    /// Capacity that it really has.
    pub capacity: CapacityByClass,
    /// Time that a request takes in a worker when nobody waits; `None`: the time that follows from capacity,
    /// `replicas · workers / capacity`.
    pub service_time: Option<Span>,
    /// Squared coefficient of variation of the service time: 0 for constant, 1 for exponential.
    pub service_variability: f64,
    /// Squared coefficient of variation of the times between arrivals: 1 for a Poisson stream.
    pub arrival_variability: f64,
    /// The backlog, in seconds of work, beyond which requests are dropped.
    pub queue_limit: Span,
    /// Share of its CPU request that a replica uses at full load.
    pub cpu_at_capacity: Ratio,
    /// Share of its CPU request that a replica uses when idle.
    pub cpu_idle: Ratio,
    /// From when on the capacity is which multiple of the above, by rising time: new versions.
    pub changes: Vec<(Time, Ratio)>,
}

/// Delays of the platform that hosts the replicas.
#[derive(Debug, Clone, PartialEq)]
pub struct Platform {
    /// Bytes per second at which images are pulled.
    pub pull_bytes_per_second: Bytes,
    /// Fixed part of a pull.
    pub pull_latency: Delay,
    /// From the loss of a cluster or node until the control plane calls it lost (Karmada, Kubernetes: tens of seconds).
    pub loss_noticed_after: Span,
    /// How nodes are scored.
    pub node_score: super::binding::NodeScore,
    /// How node pools grow and shrink.
    pub autoscaler: super::autoscaler::Autoscaler,
}
