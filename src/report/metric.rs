//! What every figure means: name, unit, direction, formula and source. Tables, pages and expectations take it from here.

use super::unit::Unit;
use crate::model::Expectation;
use crate::model::expectation::Bound;
use crate::record::Summary;

/// A figure of a run.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// As expectations and JSON name it.
    pub name: &'static str,
    /// As tables head it.
    pub title: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which direction is good.
    pub better: Better,
    /// Whether it stands in tables; the definitions list all.
    pub tabled: bool,
    /// What it is, as a formula or a sentence.
    pub formula: &'static str,
    /// Who defines it so.
    pub source: &'static str,
    /// The figure in base units (share 0..1, ms, $, kWh, kg, h); `None` where it is undefined.
    pub get: fn(&Summary) -> Option<f64>,
}

/// Which direction of a metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// Neither is.
    Neither,
}
const BY_SLO: &str = "Beyer et al., The Site Reliability Workbook (2018), ch. 2 (SLOs by window and by request)";
const BY_HISTOGRAM: &str = "quantile over requests from one merged histogram, never an average of quantiles";
const BY_PRICE: &str = "list prices and the environment's price factor, as stated in the scenario";
const BY_RUN: &str = "counted by the run";

/// All metrics; tables show those that fit, in this order.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "slo_violation_time",
        title: "SLO time",
        unit: Unit::Share,
        better: Better::Lower,
        tabled: true,
        formula: "Σ Δt in which some entry service kept its latency for fewer requests than its SLO demands ÷ T",
        source: BY_SLO,
        get: |run| run.slo_violation_time_share,
    },
    Metric {
        name: "latency_p95",
        title: "p95",
        unit: Unit::Milliseconds,
        better: Better::Lower,
        tabled: true,
        formula: "95 % of the users' requests that were served took no longer, end to end",
        source: BY_HISTOGRAM,
        get: |run| run.latency_p95_ms,
    },
    Metric {
        name: "cost",
        title: "cost",
        unit: Unit::Dollars,
        better: Better::Lower,
        tabled: true,
        formula: "cost_nodes + cost_egress, over the whole run",
        source: BY_PRICE,
        get: |run| Some(run.cost_usd),
    },
    Metric {
        name: "cost_per_million_good",
        title: "cost/M good",
        unit: Unit::Dollars,
        better: Better::Lower,
        tabled: true,
        formula: "cost ÷ requests_good · 10⁶",
        source: BY_PRICE,
        get: |run| run.cost_per_million_good_usd,
    },
    Metric {
        name: "carbon",
        title: "carbon",
        unit: Unit::KilogramsCo2e,
        better: Better::Lower,
        tabled: true,
        formula: "Σ facility energy · carbon intensity of the region's grid at that time; operational only",
        source: "Green Software Foundation, Software Carbon Intensity (ISO/IEC 21031:2024), term E · I",
        get: |run| Some(run.carbon_g / 1e3),
    },
    Metric {
        name: "moves",
        title: "moves",
        unit: Unit::Count,
        better: Better::Lower,
        tabled: true,
        formula: "Σ over decisions and services of min(replicas lost in some clusters, replicas gained in others)",
        source: BY_RUN,
        get: |run| Some(run.moves as f64),
    },
    Metric {
        name: "replica_changes",
        title: "churn",
        unit: Unit::Count,
        better: Better::Lower,
        tabled: true,
        formula: "Σ |Δ target| over decisions, services and clusters: replicas started and ended",
        source: BY_RUN,
        get: |run| Some(run.replica_changes as f64),
    },
    Metric {
        name: "refusals",
        title: "refusals",
        unit: Unit::Count,
        better: Better::Lower,
        tabled: true,
        formula: "decisions × services that could not be given all their replicas",
        source: BY_RUN,
        get: |run| Some(run.refusals as f64),
    },
    Metric {
        name: "requests_dropped",
        title: "dropped",
        unit: Unit::Count,
        better: Better::Lower,
        tabled: true,
        formula: "users' requests that found a full queue; offered = served + dropped + backlog",
        source: BY_RUN,
        get: |run| Some(run.requests_dropped),
    },
    Metric {
        name: "slo_violation_requests",
        title: "SLO requests",
        unit: Unit::Share,
        better: Better::Lower,
        tabled: true,
        formula: "users' requests that were slow, dropped, or failed further down ÷ requests_offered",
        source: BY_SLO,
        get: |run| run.slo_violation_requests_share,
    },
    Metric {
        name: "replica_hours",
        title: "replica-hours",
        unit: Unit::Hours,
        better: Better::Lower,
        tabled: true,
        formula: "∫ ready replicas dt, over all services",
        source: BY_RUN,
        get: |run| Some(run.replica_hours),
    },
    Metric {
        name: "energy",
        title: "energy",
        unit: Unit::KilowattHours,
        better: Better::Lower,
        tabled: true,
        formula: "Σ over nodes of PUE · ∫ (P_idle + (P_max − P_idle) · utilisation) dt",
        source: "Fan, Weber, Barroso, Power Provisioning for a Warehouse-sized Computer (ISCA 2007), linear model",
        get: |run| Some(run.energy_kwh),
    },
    Metric {
        name: "gap_max",
        title: "gap",
        unit: Unit::Share,
        better: Better::Lower,
        tabled: true,
        formula: "largest (objective − bound) ÷ |objective| of a decision: how far from the best plan it may be",
        source: "the solver's own bound; policies without one have none",
        get: |run| run.gap_max,
    },
    Metric {
        name: "latency_p99",
        title: "p99",
        unit: Unit::Milliseconds,
        better: Better::Lower,
        tabled: true,
        formula: "99 % of the users' requests that were served took no longer, end to end",
        source: BY_HISTOGRAM,
        get: |run| run.latency_p99_ms,
    },
    Metric {
        name: "latency_p50",
        title: "p50",
        unit: Unit::Milliseconds,
        better: Better::Lower,
        tabled: false,
        formula: "half of the users' requests that were served took no longer, end to end",
        source: BY_HISTOGRAM,
        get: |run| run.latency_p50_ms,
    },
    Metric {
        name: "latency_mean",
        title: "mean latency",
        unit: Unit::Milliseconds,
        better: Better::Lower,
        tabled: false,
        formula: "Σ latency ÷ users' requests that were served, end to end",
        source: BY_RUN,
        get: |run| run.latency_mean_ms,
    },
    Metric {
        name: "cost_nodes",
        title: "node cost",
        unit: Unit::Dollars,
        better: Better::Lower,
        tabled: false,
        formula: "Σ over nodes of ∫ price dt, while they are ready or boot",
        source: BY_PRICE,
        get: |run| Some(run.cost_nodes_usd),
    },
    Metric {
        name: "cost_egress",
        title: "egress cost",
        unit: Unit::Dollars,
        better: Better::Lower,
        tabled: false,
        formula: "Σ bytes that left a cluster for another · price per byte",
        source: BY_PRICE,
        get: |run| Some(run.cost_egress_usd),
    },
    Metric {
        name: "cost_allocated",
        title: "allocated cost",
        unit: Unit::Dollars,
        better: Better::Lower,
        tabled: false,
        formula: "Σ over clusters of ∫ node price · max(requested CPU share, requested memory share) dt",
        source: "allocation by request as in the OpenCost specification, with the larger share of the two",
        get: |run| Some(run.cost_allocated_usd),
    },
    Metric {
        name: "node_hours",
        title: "node-hours",
        unit: Unit::Hours,
        better: Better::Lower,
        tabled: false,
        formula: "∫ nodes that are ready or boot dt, over all clusters",
        source: BY_RUN,
        get: |run| Some(run.node_hours),
    },
    Metric {
        name: "cpu_hours",
        title: "CPU-hours",
        unit: Unit::Hours,
        better: Better::Neither,
        tabled: false,
        formula: "∫ cores in use dt, over all services",
        source: BY_RUN,
        get: |run| Some(run.cpu_hours),
    },
    Metric {
        name: "requests_offered",
        title: "offered",
        unit: Unit::Count,
        better: Better::Neither,
        tabled: false,
        formula: "users' requests that arrived, at entry services",
        source: BY_RUN,
        get: |run| Some(run.requests_offered),
    },
    Metric {
        name: "requests_served",
        title: "served",
        unit: Unit::Count,
        better: Better::Higher,
        tabled: false,
        formula: "users' requests that an entry service finished",
        source: BY_RUN,
        get: |run| Some(run.requests_served),
    },
    Metric {
        name: "requests_backlog",
        title: "backlog",
        unit: Unit::Count,
        better: Better::Lower,
        tabled: false,
        formula: "users' requests that still wait when the run ends",
        source: BY_RUN,
        get: |run| Some(run.requests_backlog),
    },
    Metric {
        name: "requests_good",
        title: "good",
        unit: Unit::Count,
        better: Better::Higher,
        tabled: false,
        formula: "users' requests that were served within their SLO's latency, everywhere",
        source: BY_RUN,
        get: |run| Some(run.requests_good),
    },
    Metric {
        name: "decisions",
        title: "decisions",
        unit: Unit::Count,
        better: Better::Neither,
        tabled: false,
        formula: "how often the policy was asked",
        source: BY_RUN,
        get: |run| Some(run.decisions as f64),
    },
    Metric {
        name: "violations",
        title: "violations",
        unit: Unit::Count,
        better: Better::Lower,
        tabled: false,
        formula: "what the checker found in plans; such parts of a plan are never applied",
        source: BY_RUN,
        get: |run| Some(run.violations as f64),
    },
    Metric {
        name: "held",
        title: "held",
        unit: Unit::Count,
        better: Better::Neither,
        tabled: false,
        formula: "decisions × services that rails or the checker held back",
        source: BY_RUN,
        get: |run| Some(run.held as f64),
    },
    Metric {
        name: "faults",
        title: "faults",
        unit: Unit::Count,
        better: Better::Neither,
        tabled: false,
        formula: "clusters, nodes, links and telemetry that were lost, and replicas that crashed",
        source: BY_RUN,
        get: |run| Some(run.faults as f64),
    },
];

/// An expectation cannot be judged, whatever comes out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{expectation}`: no metric is called `{given}`; there are {}", names())]
pub struct UnknownMetric {
    /// The expectation.
    pub expectation: String,
    /// The name that was given.
    pub given: String,
}

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Whether all metrics that the expectations name exist; for the command line to ask before anything is run.
///
/// # Errors
/// The first that does not.
pub fn check(expect: &[Expectation]) -> Result<(), UnknownMetric> {
    for expectation in expect {
        let right = match &expectation.right {
            Bound::Number(_) => None,
            Bound::Times(_, right) => Some(right),
        };
        let mut named = std::iter::once(&expectation.left).chain(right);
        if let Some(unknown) = named.find(|named| find(&named.metric).is_none()) {
            return Err(UnknownMetric { expectation: expectation.text.clone(), given: unknown.metric.clone() });
        }
    }
    Ok(())
}

/// All names, for messages.
pub fn names() -> String {
    METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ")
}

impl Metric {
    /// The head of its column in two parts: the title, and the unit with an arrow that points to the good side.
    pub fn head(&self) -> (&'static str, String) {
        let arrow = match self.better {
            Better::Lower => "↓",
            Better::Higher => "↑",
            Better::Neither => "",
        };
        (self.title, format!("{} {arrow}", self.unit.symbol()).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{METRICS, find};

    #[test]
    fn names_are_unique_and_every_metric_says_what_it_is() {
        for metric in METRICS {
            assert_eq!(METRICS.iter().filter(|other| other.name == metric.name).count(), 1, "{}", metric.name);
            assert!(!metric.formula.is_empty() && !metric.source.is_empty() && !metric.title.is_empty());
        }
        assert!(find("cost").is_some() && find("price").is_none());
    }
}
