//! Figures of a run that are more than sums: how supply followed demand, how nodes were filled, and the sums of a run
//! without its warm-up.
//!
//! The sums without a warm-up are a difference of two sets of sums, made here in one place. What is no sum (a quantile, a
//! longest time, a mean over samples) cannot be taken apart again: a backend begins those anew when the warm-up ends.

use super::observation::{Amount, ClusterTotals, Flow, ServiceTotals, TaskTotals, Totals};
use crate::units::Span;
use serde::Serialize;

/// How supply followed demand, as shares: the elasticity of SPEC RG (Herbst et al., SPEC-RG-2016-01, "Ready for Rain?"), in
/// the variant that normalises by demand. Demand `d` is the fewest ready replicas that keep the SLO at the rate that users
/// cause, supply `s` the ready replicas, both in cores.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Elasticity {
    /// `θ_U`: mean over time of `max(d − s, 0) / d`.
    pub accuracy_under: f64,
    /// `θ_O`: mean over time of `max(s − d, 0) / d`.
    pub accuracy_over: f64,
    /// `τ_U`: share of the time with `d > s`.
    pub time_under: f64,
    /// `τ_O`: share of the time with `s > d`.
    pub time_over: f64,
    /// υ: share of the control intervals over which supply and demand moved in different directions.
    pub instability: f64,
    /// σ: `(θ_U⁵ + θ_O⁵ + τ_U⁵ + τ_O⁵ + υ⁵)^(1/5)`.
    pub deviation: f64,
    /// The weight among services: demand integrated over time, in core-hours.
    pub core_hours: f64,
}

impl Elasticity {
    /// The five figures and their norm.
    #[must_use]
    pub fn of([accuracy_under, accuracy_over, time_under, time_over, instability]: [f64; 5], core_hours: f64) -> Self {
        let five = [accuracy_under, accuracy_over, time_under, time_over, instability];
        let deviation = five.iter().map(|figure| figure.powi(5)).sum::<f64>().powf(0.2);
        Self { accuracy_under, accuracy_over, time_under, time_over, instability, deviation, core_hours }
    }

    /// The means over several services, weighted by what they demand; `None` where nothing is demanded.
    pub fn joined(parts: impl Iterator<Item = Self>) -> Option<Self> {
        let (mut sums, mut hours) = ([0.0; 5], 0.0);
        for part in parts {
            let Self { accuracy_under, accuracy_over, time_under, time_over, instability, core_hours, .. } = part;
            for (sum, figure) in
                sums.iter_mut().zip([accuracy_under, accuracy_over, time_under, time_over, instability])
            {
                *sum += figure * core_hours;
            }
            hours += core_hours;
        }
        (hours > 0.0).then(|| Self::of(sums.map(|sum| sum / hours), hours))
    }
}

/// How nodes were filled: means over the samples of the series.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Packing {
    /// CPU in use over CPU that ready nodes offer.
    pub cpu_used: f64,
    /// The same, its 95th percentile over the samples.
    pub cpu_used_p95: f64,
    /// Share of the free CPU that lies on nodes which could not take one more replica of the largest service.
    pub fragmentation: f64,
    /// Share of all CPU that could not be used because memory ran out first, were the rest filled in the shape of the node.
    pub stranded_cpu: f64,
    /// Share of all memory that could not be used because CPU ran out first.
    pub stranded_memory: f64,
    /// `(max − mean) / mean` of the share of CPU that is requested, over ready nodes.
    pub imbalance: f64,
}

impl Totals {
    /// The sums of the rest of a run, where `before` are those of its warm-up. All else (spans, shares, quantiles, means) is
    /// taken to be that of the rest already.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        self.requests = self.requests.since(before.requests);
        self.requests_good = (self.requests_good - before.requests_good).max(0.0);
        let offered = Flow::requests(self.requests.offered);
        self.slo_violation_requests = if offered > 0.0 { (1.0 - self.requests_good / offered).max(0.0) } else { 0.0 };
        self.moves -= before.moves;
        self.replica_changes -= before.replica_changes;
        self.flaps -= before.flaps;
        self.events -= before.events;
        for (row, before) in self.by_service.iter_mut().zip(&before.by_service) {
            row.subtract(before);
        }
        for (row, before) in self.by_cluster.iter_mut().zip(&before.by_cluster) {
            row.subtract(before);
        }
        if let (Some(tasks), Some(before)) = (&mut self.tasks, &before.tasks) {
            tasks.subtract(before);
        }
        self
    }
}

impl Flow {
    /// What came in and went out after `before`; what waited then is carried over.
    #[must_use]
    pub const fn since(self, before: Self) -> Self {
        Self {
            offered: self.offered - before.offered,
            served: self.served - before.served,
            dropped: self.dropped - before.dropped,
            backlog: self.backlog,
            carried: before.backlog,
        }
    }
}

/// For how long nobody measured what a service did, although it was to run and did it; zero in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unknown {
    /// Requests that arrived.
    pub rate: Span,
    /// Requests that were answered.
    pub served: Span,
    /// How late they were.
    pub latency: Span,
    /// CPU that it used.
    pub cpu: Span,
}

/// What sums may be without and still be called those of a run of length `whole`: a tenth of it up to two minutes, then 1 %.
pub fn is_moment(unknown: Span, whole: Span) -> bool {
    let whole = whole.as_seconds_f64();
    unknown.as_seconds_f64() <= (0.1 * whole).min(120.0).max(0.01 * whole)
}

impl ServiceTotals {
    fn subtract(&mut self, before: &Self) {
        self.flow = self.flow.since(before.flow);
        self.replica_hours -= before.replica_hours;
        self.cpu_hours -= before.cpu_hours;
    }
}

impl ClusterTotals {
    fn subtract(&mut self, before: &Self) {
        self.node_hours -= before.node_hours;
        self.cost_nodes -= before.cost_nodes;
        self.cost_egress -= before.cost_egress;
        self.cost_allocated -= before.cost_allocated;
        self.energy -= before.energy;
        self.carbon -= before.carbon;
        for (amount, before) in self.amounts.iter_mut().zip(before.amounts) {
            *amount =
                Amount { requested: amount.requested - before.requested, offered: amount.offered - before.offered };
        }
    }
}

impl TaskTotals {
    /// Tasks that were there when the warm-up ended count as arrived.
    fn subtract(&mut self, before: &Self) {
        self.arrived -= before.arrived - before.running - before.waiting;
        self.started -= before.started;
        self.completed -= before.completed;
        self.refused -= before.refused;
        self.restarted -= before.restarted;
        self.hours -= before.hours;
        self.cpu_hours -= before.cpu_hours;
    }
}
