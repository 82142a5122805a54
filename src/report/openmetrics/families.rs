//! What is exported, and under which names: those of kube-state-metrics, cAdvisor and node-exporter where live dashboards ask
//! for them, `smo_` for the rest.
//!
//! Families with live names carry the labels that dashboards select by (`namespace`, `deployment`, `pod`, `container`,
//! `source` for the cluster); a pod stands for all replicas of a service in a cluster. Not written, because it is not
//! simulated: `container_memory_usage_bytes`, CPU throttling, disks, network interfaces.

use super::{Export, Who};
use crate::units::{Bytes, MilliCores};

/// A metric family.
pub struct Family {
    /// Its name, without `_total`.
    pub name: &'static str,
    /// Counter or gauge.
    pub kind: Kind,
    /// Its unit, which its name ends in; empty for counts.
    pub unit: &'static str,
    /// What it is.
    pub help: &'static str,
    /// What it tells of.
    pub per: Per,
    /// Whether it has the name and labels of a live exporter.
    pub like_live: bool,
    /// Further labels.
    pub labels: &'static [(&'static str, &'static str)],
    /// Columns of the series that it is made of.
    pub columns: &'static [&'static str],
    /// Its points: seconds since the start, and value.
    pub points: fn(&Export, Who<'_>) -> Vec<(f64, f64)>,
}

/// Kinds of families.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Never falls.
    Counter,
    /// May.
    Gauge,
}

/// What a family tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// A service over all clusters.
    Service,
    /// A service in a cluster.
    Placement,
    /// A cluster.
    Cluster,
}

const BLANK: Family = Family {
    name: "",
    kind: Kind::Gauge,
    unit: "",
    help: "",
    per: Per::Cluster,
    like_live: false,
    labels: &[],
    columns: &[],
    points: |_, _| Vec::new(),
};

fn millicores(text: &str) -> Option<f64> {
    text.parse::<MilliCores>().ok().map(MilliCores::cores)
}

fn bytes(text: &str) -> Option<f64> {
    text.parse::<Bytes>().ok().map(|bytes| bytes.0 as f64)
}

/// All families; they are written in the order of their names. Series of one family may have several entries; the first
/// describes it.
pub const FAMILIES: &[Family] = &[
    Family {
        name: "kube_deployment_status_replicas_ready",
        help: "Ready replicas.",
        per: Per::Placement,
        like_live: true,
        columns: &["replicas_ready"],
        points: |run, who| run.filled(who, "replicas_ready"),
        ..BLANK
    },
    Family {
        name: "kube_deployment_spec_replicas",
        help: "Replicas that are asked for.",
        per: Per::Placement,
        like_live: true,
        columns: &["replicas_target"],
        points: |run, who| run.filled(who, "replicas_target"),
        ..BLANK
    },
    Family {
        name: "kube_pod_container_resource_limits",
        help: "CPU that the ready replicas request, in cores; requests stand for limits, which are not simulated.",
        per: Per::Placement,
        like_live: true,
        labels: &[("resource", "cpu"), ("unit", "core")],
        columns: &["replicas_ready"],
        points: |run, who| run.requested(who, "cpu", millicores),
        ..BLANK
    },
    Family {
        name: "kube_pod_container_resource_requests",
        help: "Memory that the ready replicas request, in bytes.",
        per: Per::Placement,
        like_live: true,
        labels: &[("resource", "memory"), ("unit", "byte")],
        columns: &["replicas_ready"],
        points: |run, who| run.requested(who, "memory", bytes),
        ..BLANK
    },
    Family {
        name: "container_cpu_usage_seconds",
        kind: Kind::Counter,
        unit: "seconds",
        help: "CPU time used by all replicas of a service in a cluster.",
        per: Per::Placement,
        like_live: true,
        columns: &["cpu_seconds"],
        points: |run, who| run.counted(who, "cpu_seconds"),
        ..BLANK
    },
    Family {
        name: "machine_cpu_cores",
        help: "CPU that ready nodes offer, in cores.",
        like_live: true,
        columns: &["cpu_allocatable_cores"],
        points: |run, who| run.column(who, "cpu_allocatable_cores"),
        ..BLANK
    },
    Family {
        name: "node_cpu_seconds",
        kind: Kind::Counter,
        unit: "seconds",
        help: "CPU time by mode, as seconds of the whole cluster: its rate is a share of the CPU that ready nodes offer.",
        like_live: true,
        labels: &[("cpu", "all"), ("mode", "user")],
        columns: &["cpu_used_cores", "cpu_allocatable_cores"],
        points: |run, who| run.cpu_seconds(who, |used, offered| used / offered),
        ..BLANK
    },
    Family {
        name: "node_cpu_seconds",
        kind: Kind::Counter,
        unit: "seconds",
        like_live: true,
        labels: &[("cpu", "all"), ("mode", "idle")],
        columns: &["cpu_used_cores", "cpu_allocatable_cores"],
        points: |run, who| run.cpu_seconds(who, |used, offered| 1.0 - used / offered),
        ..BLANK
    },
    Family {
        name: "node_memory_Buffers_bytes",
        unit: "bytes",
        help: "Always zero: buffers are not simulated.",
        like_live: true,
        columns: &["memory_allocatable_bytes"],
        points: |run, who| zero(run.column(who, "memory_allocatable_bytes")),
        ..BLANK
    },
    Family {
        name: "node_memory_Cached_bytes",
        unit: "bytes",
        help: "Always zero: the page cache is not simulated.",
        like_live: true,
        columns: &["memory_allocatable_bytes"],
        points: |run, who| zero(run.column(who, "memory_allocatable_bytes")),
        ..BLANK
    },
    Family {
        name: "node_memory_MemTotal_bytes",
        unit: "bytes",
        help: "Memory that ready nodes offer.",
        like_live: true,
        columns: &["memory_allocatable_bytes"],
        points: |run, who| run.column(who, "memory_allocatable_bytes"),
        ..BLANK
    },
    Family {
        name: "node_memory_MemFree_bytes",
        unit: "bytes",
        help: "Memory that ready nodes offer and nobody requests: what is requested stands for what is used.",
        like_live: true,
        columns: &["memory_allocatable_bytes", "memory_requested_bytes"],
        points: |run, who| {
            let offered = run.column(who, "memory_allocatable_bytes");
            let requested = run.column(who, "memory_requested_bytes");
            let free = |((at, offered), (_, requested)): ((f64, f64), (f64, f64))| (at, (offered - requested).max(0.0));
            offered.into_iter().zip(requested).map(free).collect()
        },
        ..BLANK
    },
    Family {
        name: "smo_requests_offered",
        kind: Kind::Counter,
        help: "Requests and calls that arrived.",
        per: Per::Service,
        columns: &["offered_per_s"],
        points: |run, who| run.summed(who, "offered_per_s"),
        ..BLANK
    },
    Family {
        name: "smo_requests_served",
        kind: Kind::Counter,
        help: "Requests and calls that were served.",
        per: Per::Service,
        columns: &["served_per_s"],
        points: |run, who| run.summed(who, "served_per_s"),
        ..BLANK
    },
    Family {
        name: "smo_requests_dropped",
        kind: Kind::Counter,
        help: "Requests and calls that found a full queue.",
        per: Per::Service,
        columns: &["dropped_per_s"],
        points: |run, who| run.summed(who, "dropped_per_s"),
        ..BLANK
    },
    Family {
        name: "smo_requests_waiting",
        help: "Requests and calls that wait.",
        per: Per::Service,
        columns: &["backlog_requests"],
        points: |run, who| run.column(who, "backlog_requests"),
        ..BLANK
    },
    Family {
        name: "smo_capacity_requests_per_second",
        help: "What the ready replicas can serve.",
        per: Per::Service,
        columns: &["capacity_per_s"],
        points: |run, who| run.column(who, "capacity_per_s"),
        ..BLANK
    },
    Family {
        name: "smo_latency_p50_seconds",
        unit: "seconds",
        help: "Median of the latency of users' requests since the sample before, end to end.",
        per: Per::Service,
        columns: &["latency_p50_ms"],
        points: |run, who| seconds(run.column(who, "latency_p50_ms")),
        ..BLANK
    },
    Family {
        name: "smo_latency_p95_seconds",
        unit: "seconds",
        help: "95th percentile of the latency of users' requests since the sample before, end to end.",
        per: Per::Service,
        columns: &["latency_p95_ms"],
        points: |run, who| seconds(run.column(who, "latency_p95_ms")),
        ..BLANK
    },
    Family {
        name: "smo_latency_p99_seconds",
        unit: "seconds",
        help: "99th percentile of the latency of users' requests since the sample before, end to end.",
        per: Per::Service,
        columns: &["latency_p99_ms"],
        points: |run, who| seconds(run.column(who, "latency_p99_ms")),
        ..BLANK
    },
    Family {
        name: "smo_slo_violation_seconds",
        kind: Kind::Counter,
        unit: "seconds",
        help: "Time in which the SLO of an entry service was broken.",
        per: Per::Service,
        columns: &["slo_violated_share"],
        points: |run, who| run.summed(who, "slo_violated_share"),
        ..BLANK
    },
    Family {
        name: "smo_telemetry_rate_per_second",
        help: "The rate that policies see.",
        per: Per::Service,
        columns: &["rate_seen_per_s"],
        points: |run, who| run.column(who, "rate_seen_per_s"),
        ..BLANK
    },
    Family {
        name: "smo_telemetry_age_seconds",
        unit: "seconds",
        help: "Age of the newest measurement that policies see.",
        per: Per::Service,
        columns: &["rate_age_s"],
        points: |run, who| run.column(who, "rate_age_s"),
        ..BLANK
    },
    Family {
        name: "smo_cluster_up",
        help: "Whether the cluster works.",
        columns: &["up"],
        points: |run, who| run.column(who, "up"),
        ..BLANK
    },
    Family {
        name: "smo_cluster_nodes",
        help: "Ready nodes.",
        columns: &["nodes"],
        points: |run, who| run.column(who, "nodes"),
        ..BLANK
    },
    Family {
        name: "smo_cluster_nodes_used",
        help: "Ready nodes with at least one replica.",
        columns: &["nodes_used"],
        points: |run, who| run.column(who, "nodes_used"),
        ..BLANK
    },
    Family {
        name: "smo_cluster_cpu_requested_cores",
        unit: "cores",
        help: "CPU that replicas request.",
        columns: &["cpu_requested_cores"],
        points: |run, who| run.column(who, "cpu_requested_cores"),
        ..BLANK
    },
    Family {
        name: "smo_cluster_power_watts",
        unit: "watts",
        help: "Power of the facility.",
        columns: &["power_w"],
        points: |run, who| run.column(who, "power_w"),
        ..BLANK
    },
    Family {
        name: "smo_cluster_energy_joules",
        kind: Kind::Counter,
        unit: "joules",
        help: "Energy of the facility.",
        columns: &["energy_j"],
        points: |run, who| run.counted(who, "energy_j"),
        ..BLANK
    },
    Family {
        name: "smo_cluster_cost_dollars",
        kind: Kind::Counter,
        unit: "dollars",
        help: "Price of nodes and of traffic that left the cluster.",
        columns: &["cost_usd"],
        points: |run, who| run.counted(who, "cost_usd"),
        ..BLANK
    },
    Family {
        name: "smo_cluster_carbon_grams",
        kind: Kind::Counter,
        unit: "grams",
        help: "CO2 equivalent of the energy, at the carbon intensity of its time.",
        columns: &["carbon_g"],
        points: |run, who| run.counted(who, "carbon_g"),
        ..BLANK
    },
    Family {
        name: "smo_carbon_intensity_grams_per_kilowatt_hour",
        help: "Carbon intensity of the grid, as CO2 equivalent.",
        columns: &["carbon_intensity_g_per_kwh"],
        points: |run, who| run.column(who, "carbon_intensity_g_per_kwh"),
        ..BLANK
    },
];

fn zero(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    for (_, value) in &mut points {
        *value = 0.0;
    }
    points
}

fn seconds(mut points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    for (_, ms) in &mut points {
        *ms /= 1e3;
    }
    points
}
