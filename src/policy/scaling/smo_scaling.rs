//! SMO scaling: the original's replicas by optimisation, without its faults.
//!
//! ```text
//! min  Σ b_s·(t_s − r_s),   L_s ≤ r_s ≤ t_s,   Σ request_s·r_s ≤ capacity of the cluster, for every resource
//! ```
//!
//! `L` is what the rate needs with head-room, `t` the most that was needed in the last `down_after`: spare replicas are kept for
//! a while because the load may come back, and `b`, cores · (start + `switch`), is what it costs to start one anew. So
//! they are given up at once only where a cluster runs short, and there the ones that are cheapest to have again go first.
//!
//! | the original | here |
//! |---|---|
//! | fewer replicas never pay, numbers ratchet up | down to what is needed once it has been enough for `down_after` |
//! | weights without unit, coupled through the largest service | core-seconds; services do not know of each other |
//! | the maximum is not a bound | the bounds of the service, always |
//! | one service that cannot be served stops its whole cluster, and the loop dies of it | what serves most is wanted; where the cluster is too small the placement is told by the wish, and decides |
//! | capacity is a stale remainder that counts the application's replicas twice | what the application may have now |
//! | CPU only | every resource |
//! | a rate that is not seen is zero | the last wish stands |
//!
//! A service that is split over clusters is scaled by what it needs, without a capacity.

use super::each::held;
use super::knobs;
use super::shares::Shares;
use super::wish::{HoldDown, Sighting, Wishes, bounded};
use super::{Entry, Parameter};
use crate::model::{ClusterId, ServiceId, Snapshot, Table, Wanted, Why, id::Id};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;
use crate::solver::scaling::several::Problem;
use crate::solver::scaling::{Scaled, Tie};
use crate::units::{Ratio, Span};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "smo-scaling",
    summary: "as many replicas as the rate needs, spare ones kept for a while and given up where the cluster is short",
    about: "By cluster: min Σ b·(t − r), L ≤ r ≤ t, Σ request·r ≤ capacity of every resource; L = fewest replicas that serve \
        λ·(1 + headroom), t = the most that L was in the last `down_after`, b = cores·(start + switch). Exactly, by closed \
        form and knapsack. The original's `decide_replicas` repaired: no ratchet, bounds kept, nothing stops.",
    parameters: &[
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond the rate that is seen" },
        knobs::DOWN_AFTER,
        Parameter {
            name: "switch",
            default: "30 s",
            summary: "what starting a replica costs beside its start, in time of its cores",
        },
        knobs::STALE,
    ],
    partner: "smo-placement",
    build: |parameters| {
        Ok(Box::new(SmoScaling {
            factor: Ratio(Ratio::ONE.0 + parameters.ratio("headroom", 0.0, 10.0)?.0),
            down_after: parameters.span("down_after")?,
            switch: parameters.span("switch")?,
            stale: parameters.span("stale")?,
            wishes: Wishes::default(),
            recent: Table::new(),
        }))
    },
};

/// Nodes of the search where several resources are short.
const NODES: u32 = 20_000;

/// Needed replicas, spare ones, and the room of clusters.
#[derive(Debug, Clone)]
pub struct SmoScaling {
    factor: Ratio,
    down_after: Span,
    switch: Span,
    stale: Span,
    wishes: Wishes,
    recent: Table<ServiceId, HoldDown>,
}

impl SmoScaling {
    /// What a service needs and would like to keep, and why.
    fn look_at(&mut self, snapshot: &Snapshot, service: ServiceId) -> (Scaled, Why) {
        let declared = snapshot.service(service);
        let last = self.wishes.last(snapshot, service);
        let now = snapshot.at;
        let (needed, why) = match Sighting::of(snapshot.services[service].rate, now, self.stale) {
            Sighting::Fresh(rate) => {
                let need = rate.scaled(self.factor);
                let (fewest, rule) = match Shares::of(snapshot, service).fewest(need, declared.replicas_max) {
                    _ if need == crate::units::Rate::ZERO => (0, "no requests: the least that is allowed"),
                    Ok(fewest) => (fewest, "fewest replicas that serve the rate with head-room"),
                    Err(most) => (most, "no number of replicas serves the rate; the one that serves most"),
                };
                let fewest = bounded(declared, fewest);
                let figures = [("rate_per_s", rate.per_second()), ("needed", fewest.into())];
                (fewest, Why::new(rule, &figures))
            }
            Sighting::Old(age) => (last, held("hold: the rate that was seen is too old", age)),
            Sighting::Missing(age) => (last, held("hold: no rate is seen", age)),
        };
        let spare = self.recent[service].highest(now, self.down_after, needed);
        let start = declared.start.quantile(0.5, |_| 0.0) + self.switch;
        // Millicore-milliseconds.
        let price = declared.request.cpu.0.saturating_mul(start.0 / 1_000_000).min(1 << 50);
        let scaled = Scaled { request: 0, present: spare, least: needed, most: spare, running: 0, switching: price };
        (scaled, why)
    }

    /// Takes spare replicas away where the cluster of `services` is short.
    fn fit(
        snapshot: &Snapshot,
        cluster: ClusterId,
        services: &[ServiceId],
        wanted: &mut Table<ServiceId, (Scaled, u32, Why)>,
    ) {
        let row = |service: &ServiceId| (snapshot.service(*service).request, wanted[*service].0);
        let capacity = snapshot.clusters[cluster].allocatable_max;
        let problem = Problem { services: services.iter().map(row).collect(), capacity, tie: Tie::Present };
        match problem.solve(NODES) {
            Ok(answer) => {
                for (row, service) in services.iter().enumerate() {
                    let (scaled, replicas, why) = &mut wanted[*service];
                    let kept = answer.replicas[ServiceId::from_index(row)];
                    if kept < scaled.present {
                        let figures =
                            [("needed", scaled.least.into()), ("kept", kept.into()), ("spare", scaled.present.into())];
                        *why = Why::new("spare replicas given up: the cluster is short", &figures);
                    }
                    *replicas = kept;
                }
            }
            Err(_) => {
                for service in services {
                    let (scaled, replicas, why) = &mut wanted[*service];
                    *replicas = scaled.least;
                    let figures = [why.figures[0], ("needed", scaled.least.into())];
                    *why = Why::new(
                        "what is needed, though the cluster is too small: for the placement to decide",
                        &figures,
                    );
                }
            }
        }
    }
}

impl Scaling for SmoScaling {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        while self.recent.len() < snapshot.services.len() {
            self.recent.push(HoldDown::default());
        }
        let services = || snapshot.known.application.requests();
        let looked = services().map(|service| {
            let (scaled, why) = self.look_at(snapshot, service);
            let figures = [why.figures[0], ("needed", scaled.least.into()), ("held", scaled.present.into())];
            let is_spare = scaled.present > scaled.least;
            let why = if is_spare { Why::new("not yet down: more was needed a short time ago", &figures) } else { why };
            (scaled, scaled.present, why)
        });
        let mut wanted: Table<ServiceId, (Scaled, u32, Why)> = looked.collect();
        for cluster in snapshot.clusters.ids() {
            let is_here =
                |service: &ServiceId| matches!(snapshot.targets.of(*service), [only] if only.cluster == cluster);
            let here: Vec<ServiceId> = services().filter(is_here).collect();
            if !here.is_empty() {
                Self::fit(snapshot, cluster, &here, &mut wanted);
            }
        }
        for (service, (_, replicas, _)) in wanted.iter() {
            self.wishes.set(service, *replicas);
        }
        let (replicas, why): (Vec<_>, Vec<_>) = wanted.values().map(|(_, replicas, why)| (*replicas, *why)).unzip();
        Ok(Wanted::counts(replicas.into_iter().collect(), why.into_iter().collect()))
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(self.clone())
    }
}
