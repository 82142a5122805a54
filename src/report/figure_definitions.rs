//! The definitions of the metrics by which policies are compared beyond cost and latency: elasticity, stability, packing.
//! No table shows them unasked; the definitions, the pages of suites and expectations know them all.

use super::metric::{Better, Metric};
use super::unit::Unit;
use crate::record::Summary;
use crate::record::summary::{ElasticitySummary, PackingSummary};

const BY_SPEC: &str = "SPEC RG elasticity (Herbst et al., SPEC-RG-2016-01), the variant normalised by demand; exact over pieces, weighted over services by the CPU that they demand";
const BY_SAMPLES: &str = "mean over the samples of the series";
const BY_RUN: &str = "counted by the run";

/// A share of time or of demand, of which less is better.
const SHARE: Metric = Metric {
    name: "",
    title: "",
    unit: Unit::Share,
    better: Better::Lower,
    tabled: false,
    formula: "",
    source: BY_SPEC,
    get: |_| None,
};

fn elastic(run: &Summary, pick: fn(&ElasticitySummary) -> f64) -> Option<f64> {
    run.elasticity.as_ref().map(pick)
}

fn packed(run: &Summary, pick: fn(&PackingSummary) -> f64) -> Option<f64> {
    run.packing.as_ref().map(pick)
}

/// Metrics of elasticity, stability and packing.
pub const FIGURE_METRICS: &[Metric] = &[
    Metric {
        name: "elasticity_theta_under",
        title: "θ under",
        formula: "1/T · ∫ max(d − s, 0)/d dt: d the fewest ready replicas that keep the SLO by the true model at the rate that users cause, s the ready ones, both in cores of the cluster where a replica serves most",
        get: |run| elastic(run, |one| one.theta_under_share),
        ..SHARE
    },
    Metric {
        name: "elasticity_theta_over",
        title: "θ over",
        formula: "1/T · ∫ max(s − d, 0)/d dt, with at least one replica for d",
        get: |run| elastic(run, |one| one.theta_over_share),
        ..SHARE
    },
    Metric {
        name: "elasticity_tau_under",
        title: "τ under",
        formula: "share of the time with d > s",
        get: |run| elastic(run, |one| one.tau_under_share),
        ..SHARE
    },
    Metric {
        name: "elasticity_tau_over",
        title: "τ over",
        formula: "share of the time with s > d",
        get: |run| elastic(run, |one| one.tau_over_share),
        ..SHARE
    },
    Metric {
        name: "elasticity_instability",
        title: "υ",
        formula: "share of the control intervals with sgn(Δs) ≠ sgn(Δd), from one decision to the next",
        source: "SPEC RG elasticity (Herbst et al., SPEC-RG-2016-01), on the grid of decisions",
        get: |run| elastic(run, |one| one.instability_share),
        ..SHARE
    },
    Metric {
        name: "elasticity_deviation",
        title: "σ",
        formula: "(θ_U⁵ + θ_O⁵ + τ_U⁵ + τ_O⁵ + υ⁵)^(1/5): the elastic deviation, of five metrics",
        get: |run| elastic(run, |one| one.deviation_share),
        ..SHARE
    },
    Metric {
        name: "slo_violation_longest",
        title: "longest over SLO",
        unit: Unit::Seconds,
        formula: "longest time without a pause in which some entry service broke its SLO: how long it takes to recover",
        source: BY_RUN,
        get: |run| run.slo_violation_longest_s,
        ..SHARE
    },
    Metric {
        name: "flaps",
        title: "flaps",
        unit: Unit::Count,
        formula: "changes of a service's target, summed over clusters, that go against its change before, no more than 10 min later",
        source: BY_RUN,
        get: |run| Some(run.flaps as f64),
        ..SHARE
    },
    Metric {
        name: "gap_mean",
        title: "mean gap",
        formula: "mean of (objective − bound) ÷ |objective| over the decisions that have a bound",
        source: "the solver's own bound; policies without one have none",
        get: |run| run.gap_mean,
        ..SHARE
    },
    Metric {
        name: "cpu_used_mean",
        title: "CPU used",
        better: Better::Higher,
        formula: "CPU in use ÷ CPU that ready nodes offer",
        source: BY_SAMPLES,
        get: |run| packed(run, |one| one.cpu_used_mean_share),
        ..SHARE
    },
    Metric {
        name: "cpu_used_p95",
        title: "CPU used p95",
        better: Better::Neither,
        formula: "in 95 % of the samples no larger share of the offered CPU was in use",
        source: "quantile by nearest rank over the samples of the series",
        get: |run| packed(run, |one| one.cpu_used_p95_share),
        ..SHARE
    },
    Metric {
        name: "fragmentation",
        title: "fragmentation",
        formula: "free CPU on nodes that could not take one more replica of the largest service that the cluster may host ÷ free CPU",
        source: "after Weng et al., Beware of Fragmentation (USENIX ATC 2023), for one size; mean over the samples of the series",
        get: |run| packed(run, |one| one.fragmentation_share),
        ..SHARE
    },
    Metric {
        name: "stranded_cpu",
        title: "stranded CPU",
        formula: "Σ over ready nodes of max(0, free share of CPU − free share of memory) · CPU ÷ Σ CPU",
        source: BY_SAMPLES,
        get: |run| packed(run, |one| one.stranded_cpu_share),
        ..SHARE
    },
    Metric {
        name: "stranded_memory",
        title: "stranded memory",
        formula: "Σ over ready nodes of max(0, free share of memory − free share of CPU) · memory ÷ Σ memory",
        source: BY_SAMPLES,
        get: |run| packed(run, |one| one.stranded_memory_share),
        ..SHARE
    },
    Metric {
        name: "imbalance",
        title: "imbalance",
        formula: "(max − mean) ÷ mean of the requested share of CPU, over ready nodes",
        source: BY_SAMPLES,
        get: |run| packed(run, |one| one.imbalance_share),
        ..SHARE
    },
];
