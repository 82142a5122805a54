//! The figures of a run: sums, shares and quantiles, with the unit in every name.
//!
//! Made once, when a run ends, from the backend's [`Totals`] and from what the writer counted on the way. What a figure
//! means is defined in `report::metric`, not here.

use super::counts::Counts;
use crate::model::figures::is_moment;
use crate::model::observation::{
    Amount, ClusterTotals, Elasticity, Flow, Packing, Quantiles, ServiceTotals, TaskTotals,
};
use crate::model::scenario::Known;
use crate::model::{Cluster, Service, Totals};
use crate::units::Span;
use serde::{Deserialize, Deserializer, Serialize};

/// Joules in a kilowatt-hour.
const JOULES_PER_KWH: f64 = 3.6e6;

/// `summary.json`. What is undefined (latency without traffic, an SLO that nobody has) is `null`; so is what nobody measures in a
/// live run, which is not a number here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names carry the units, and `report::metric` defines the figures")]
pub struct Summary {
    pub span_s: f64,
    #[serde(default)]
    pub warm_up_s: f64,
    #[serde(deserialize_with = "measured")]
    pub requests_offered: f64,
    #[serde(deserialize_with = "measured")]
    pub requests_served: f64,
    #[serde(deserialize_with = "measured")]
    pub requests_dropped: f64,
    #[serde(deserialize_with = "measured")]
    pub requests_backlog: f64,
    #[serde(default, deserialize_with = "measured")]
    pub requests_carried: f64,
    #[serde(deserialize_with = "measured")]
    pub requests_good: f64,
    #[serde(default)]
    pub tasks: Option<TaskSummary>,
    #[serde(default)]
    pub cpu_allocation_share: Option<f64>,
    #[serde(default)]
    pub memory_allocation_share: Option<f64>,
    #[serde(default)]
    pub gpu_allocation_share: Option<f64>,
    pub slo_violation_time_share: Option<f64>,
    pub slo_violation_requests_share: Option<f64>,
    #[serde(default)]
    pub slo_violation_longest_s: Option<f64>,
    #[serde(default)]
    pub elasticity: Option<ElasticitySummary>,
    #[serde(default)]
    pub packing: Option<PackingSummary>,
    pub latency_mean_ms: Option<f64>,
    pub latency_p50_ms: Option<f64>,
    pub latency_p95_ms: Option<f64>,
    pub latency_p99_ms: Option<f64>,
    pub replica_hours: f64,
    #[serde(deserialize_with = "measured")]
    pub cpu_hours: f64,
    pub node_hours: f64,
    #[serde(deserialize_with = "measured")]
    pub cost_usd: f64,
    pub cost_nodes_usd: f64,
    #[serde(deserialize_with = "measured")]
    pub cost_egress_usd: f64,
    #[serde(deserialize_with = "measured")]
    pub cost_allocated_usd: f64,
    pub cost_per_million_good_usd: Option<f64>,
    #[serde(deserialize_with = "measured")]
    pub energy_kwh: f64,
    #[serde(deserialize_with = "measured")]
    pub carbon_g: f64,
    pub moves: u64,
    pub replica_changes: u64,
    #[serde(default)]
    pub flaps: u64,
    pub decisions: u64,
    pub refusals: u64,
    pub violations: u64,
    pub held: u64,
    pub actions: u64,
    pub actions_failed: u64,
    pub faults: u64,
    pub gap_max: Option<f64>,
    #[serde(default)]
    pub gap_mean: Option<f64>,
    pub events: u64,
    pub by_service: Vec<ServiceSummary>,
    pub by_cluster: Vec<ClusterSummary>,
}

/// How supply followed demand, of a [`Summary`] or a service; absent without demand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names carry the units, and `report::metric` defines the figures")]
pub struct ElasticitySummary {
    pub theta_under_share: f64,
    pub theta_over_share: f64,
    pub tau_under_share: f64,
    pub tau_over_share: f64,
    pub instability_share: f64,
    pub deviation_share: f64,
    pub demand_core_hours: f64,
}

/// How nodes were filled, of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names carry the units, and `report::metric` defines the figures")]
pub struct PackingSummary {
    pub cpu_used_mean_share: f64,
    pub cpu_used_p95_share: f64,
    pub fragmentation_share: f64,
    pub stranded_cpu_share: f64,
    pub stranded_memory_share: f64,
    pub imbalance_share: f64,
}

/// All tasks of a [`Summary`]; absent where there are none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names carry the units, and `report::metric` defines the figures")]
pub struct TaskSummary {
    pub arrived: u64,
    pub started: u64,
    pub completed: u64,
    pub running: u64,
    pub waiting: u64,
    pub refused: u64,
    pub restarted: u64,
    pub wait_mean_s: Option<f64>,
    pub wait_p50_s: Option<f64>,
    pub wait_p95_s: Option<f64>,
    pub wait_p99_s: Option<f64>,
    pub task_hours: f64,
}

/// One service of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names carry the units, and `report::metric` defines the figures")]
pub struct ServiceSummary {
    pub service: String,
    pub entry: bool,
    pub slo_latency_ms: Option<f64>,
    pub slo_share: Option<f64>,
    pub slo_violation_time_share: Option<f64>,
    #[serde(deserialize_with = "measured")]
    pub requests_offered: f64,
    #[serde(deserialize_with = "measured")]
    pub requests_served: f64,
    #[serde(deserialize_with = "measured")]
    pub requests_dropped: f64,
    #[serde(deserialize_with = "measured")]
    pub requests_backlog: f64,
    pub latency_mean_ms: Option<f64>,
    pub latency_p50_ms: Option<f64>,
    pub latency_p95_ms: Option<f64>,
    pub latency_p99_ms: Option<f64>,
    pub replica_hours: f64,
    #[serde(deserialize_with = "measured")]
    pub cpu_hours: f64,
    #[serde(default)]
    pub elasticity: Option<ElasticitySummary>,
}

/// One cluster of a [`Summary`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names carry the units, and `report::metric` defines the figures")]
pub struct ClusterSummary {
    pub cluster: String,
    pub region: String,
    pub node_hours: f64,
    #[serde(deserialize_with = "measured")]
    pub cost_usd: f64,
    pub cost_nodes_usd: f64,
    #[serde(deserialize_with = "measured")]
    pub cost_egress_usd: f64,
    #[serde(deserialize_with = "measured")]
    pub cost_allocated_usd: f64,
    #[serde(deserialize_with = "measured")]
    pub energy_kwh: f64,
    #[serde(deserialize_with = "measured")]
    pub carbon_g: f64,
    pub cpu_allocation_share: f64,
}

/// Reads `null` as what nobody measured.
fn measured<'de, D: Deserializer<'de>>(reader: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or(f64::NAN))
}

impl Summary {
    /// The figures of a run that came to its end.
    pub fn new(known: &Known, totals: &Totals, counts: &Counts) -> Self {
        let clusters: Vec<ClusterSummary> = totals.by_cluster.iter().map(|row| of_cluster(known, row)).collect();
        let sum = |figure: fn(&ClusterSummary) -> f64| clusters.iter().map(figure).sum::<f64>();
        let (nodes, egress) = (sum(|row| row.cost_nodes_usd), sum(|row| row.cost_egress_usd));
        let has_slo = known.application.services.values().any(|service| service.slo.is_some());
        let latency = Latency::of(totals.latency.as_ref());
        let counted = |requests: f64| if totals.partial.is_some() { f64::NAN } else { requests };
        let is_known = |unknown: Span| is_moment(unknown, totals.span);
        let promised = |row: &&ServiceTotals| known.application.services[row.service].slo.is_some();
        let has_slo = has_slo
            && totals.partial.is_none_or(|partial| partial.latency)
            && totals.by_service.iter().filter(promised).all(|row| is_known(row.unknown.latency));
        let entries = || totals.by_service.iter().filter(|row| row.entry);
        let offered = entries().all(|row| is_known(row.unknown.rate));
        let served =
            totals.partial.is_none_or(|partial| partial.served) && entries().all(|row| is_known(row.unknown.served));
        Self {
            span_s: totals.span.as_seconds_f64(),
            warm_up_s: totals.warm_up.as_seconds_f64(),
            requests_offered: if offered { Flow::requests(totals.requests.offered) } else { f64::NAN },
            requests_served: if served { Flow::requests(totals.requests.served) } else { f64::NAN },
            requests_dropped: counted(Flow::requests(totals.requests.dropped)),
            requests_backlog: counted(Flow::requests(totals.requests.backlog)),
            requests_carried: counted(Flow::requests(totals.requests.carried)),
            requests_good: counted(totals.requests_good),
            tasks: totals.tasks.as_ref().map(of_tasks),
            cpu_allocation_share: allocation(totals, 0),
            memory_allocation_share: allocation(totals, 1),
            gpu_allocation_share: allocation(totals, 2),
            slo_violation_time_share: has_slo.then_some(totals.slo_violation_time),
            slo_violation_requests_share: (has_slo && totals.partial.is_none())
                .then_some(totals.slo_violation_requests),
            slo_violation_longest_s: has_slo.then_some(totals.slo_violation_longest.as_seconds_f64()),
            elasticity: totals.elasticity.as_ref().map(of_elasticity),
            packing: totals.packing.as_ref().map(of_packing),
            latency_mean_ms: latency.mean,
            latency_p50_ms: latency.p50,
            latency_p95_ms: latency.p95,
            latency_p99_ms: latency.p99,
            replica_hours: totals.by_service.iter().map(|row| row.replica_hours).sum(),
            cpu_hours: totals.by_service.iter().map(|row| row.cpu_hours).sum::<f64>()
                + totals.tasks.map_or(0.0, |tasks| tasks.cpu_hours),
            node_hours: sum(|row| row.node_hours),
            cost_usd: nodes + egress,
            cost_nodes_usd: nodes,
            cost_egress_usd: egress,
            cost_allocated_usd: sum(|row| row.cost_allocated_usd),
            cost_per_million_good_usd: (totals.requests_good > 0.0)
                .then(|| (nodes + egress) / totals.requests_good * 1e6),
            energy_kwh: sum(|row| row.energy_kwh),
            carbon_g: sum(|row| row.carbon_g),
            moves: totals.moves,
            replica_changes: totals.replica_changes,
            flaps: totals.flaps,
            decisions: counts.decisions,
            refusals: counts.refusals,
            violations: counts.violations,
            held: counts.held,
            actions: counts.actions,
            actions_failed: counts.actions_failed,
            faults: counts.faults,
            gap_max: counts.gap_max,
            gap_mean: (counts.gaps.1 > 0).then(|| counts.gaps.0 / counts.gaps.1 as f64),
            events: totals.events,
            by_service: totals.by_service.iter().map(|row| of_service(known, row, totals)).collect(),
            by_cluster: clusters,
        }
    }
}

impl ServiceSummary {
    /// Requests that arrived, to rank services by: one that nobody measured comes last.
    pub const fn busyness(&self) -> f64 {
        if self.requests_offered.is_nan() { -1.0 } else { self.requests_offered }
    }
}

/// Latency in milliseconds.
struct Latency {
    mean: Option<f64>,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl Latency {
    fn of(quantiles: Option<&Quantiles>) -> Self {
        let ms = |pick: fn(&Quantiles) -> Span| quantiles.map(|q| pick(q).as_seconds_f64() * 1e3);
        Self { mean: ms(|q| q.mean), p50: ms(|q| q.p50), p95: ms(|q| q.p95), p99: ms(|q| q.p99) }
    }
}

/// What was requested of a resource over what was offered of it, over the whole run; nothing where none was offered.
fn allocation(totals: &Totals, resource: usize) -> Option<f64> {
    let sum = |part: fn(&Amount) -> f64| totals.by_cluster.iter().map(|row| part(&row.amounts[resource])).sum::<f64>();
    let offered = sum(|amount| amount.offered);
    (offered > 0.0).then(|| sum(|amount| amount.requested) / offered)
}

fn of_tasks(totals: &TaskTotals) -> TaskSummary {
    let seconds = |pick: fn(&Quantiles) -> Span| totals.wait.as_ref().map(|wait| pick(wait).as_seconds_f64());
    TaskSummary {
        arrived: totals.arrived,
        started: totals.started,
        completed: totals.completed,
        running: totals.running,
        waiting: totals.waiting,
        refused: totals.refused,
        restarted: totals.restarted,
        wait_mean_s: seconds(|wait| wait.mean),
        wait_p50_s: seconds(|wait| wait.p50),
        wait_p95_s: seconds(|wait| wait.p95),
        wait_p99_s: seconds(|wait| wait.p99),
        task_hours: totals.hours,
    }
}

const fn of_elasticity(figures: &Elasticity) -> ElasticitySummary {
    ElasticitySummary {
        theta_under_share: figures.accuracy_under,
        theta_over_share: figures.accuracy_over,
        tau_under_share: figures.time_under,
        tau_over_share: figures.time_over,
        instability_share: figures.instability,
        deviation_share: figures.deviation,
        demand_core_hours: figures.core_hours,
    }
}

const fn of_packing(figures: &Packing) -> PackingSummary {
    PackingSummary {
        cpu_used_mean_share: figures.cpu_used,
        cpu_used_p95_share: figures.cpu_used_p95,
        fragmentation_share: figures.fragmentation,
        stranded_cpu_share: figures.stranded_cpu,
        stranded_memory_share: figures.stranded_memory,
        imbalance_share: figures.imbalance,
    }
}

fn of_service(known: &Known, row: &ServiceTotals, totals: &Totals) -> ServiceSummary {
    let counted = |requests: u128| if totals.partial.is_some() { f64::NAN } else { Flow::requests(requests) };
    let offered = is_moment(row.unknown.rate, totals.span);
    let served = totals.partial.is_none_or(|partial| partial.served) && is_moment(row.unknown.served, totals.span);
    let Service { name, slo, .. } = &known.application.services[row.service];
    let latency = Latency::of(row.latency.as_ref());
    ServiceSummary {
        service: name.clone(),
        entry: row.entry,
        slo_latency_ms: slo.map(|slo| slo.latency.as_seconds_f64() * 1e3),
        slo_share: slo.map(|slo| slo.share.as_f64()),
        slo_violation_time_share: row.slo_violation_time,
        requests_offered: if offered { Flow::requests(row.flow.offered) } else { f64::NAN },
        requests_served: if served { Flow::requests(row.flow.served) } else { f64::NAN },
        requests_dropped: counted(row.flow.dropped),
        requests_backlog: counted(row.flow.backlog),
        latency_mean_ms: latency.mean,
        latency_p50_ms: latency.p50,
        latency_p95_ms: latency.p95,
        latency_p99_ms: latency.p99,
        replica_hours: row.replica_hours,
        cpu_hours: row.cpu_hours,
        elasticity: row.elasticity.as_ref().map(of_elasticity),
    }
}

fn of_cluster(known: &Known, row: &ClusterTotals) -> ClusterSummary {
    let Cluster { name, region, .. } = &known.clusters[row.cluster];
    ClusterSummary {
        cluster: name.clone(),
        region: region.clone(),
        node_hours: row.node_hours,
        cost_usd: row.cost_nodes + row.cost_egress,
        cost_nodes_usd: row.cost_nodes,
        cost_egress_usd: row.cost_egress,
        cost_allocated_usd: row.cost_allocated,
        energy_kwh: row.energy / JOULES_PER_KWH,
        carbon_g: row.carbon,
        cpu_allocation_share: row.cpu_allocation,
    }
}
