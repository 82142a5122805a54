//! Rate: as many replicas as the rate needs, with head-room: `⌈(λ · (1 + headroom) − β) / α⌉`.
//!
//! Capacity is what the policy believes of the service, where its replicas are: of n replicas each reachable cluster is
//! given its present share, and the smallest n whose capacities together serve the rate is taken. With one cluster and
//! linear capacity that is the formula above; with several, every cluster pays its own β. A service that has no
//! replicas yet is reckoned with the slowest of the clusters that may run it. Where no number suffices, the one that
//! serves most is wanted. What is to be served is said too: a placement that chooses where replicas run may then choose
//! their number, because shares that it changes would otherwise no longer serve.
//!
//! Up at once, down only when no decision of the last `down_after` wanted more. A rate that is missing or too old leaves
//! the last wish as it is. A rate of exactly zero wants the service's minimum.

use super::each::held;
use super::knobs;
use super::shares::Shares;
use super::wish::{HoldDown, Sighting, Wishes, bounded};
use super::{Entry, Parameter};
use crate::model::{ServiceId, Snapshot, Table, Wanted, Why};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;
use crate::units::{Rate, Ratio, Span};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "rate",
    summary: "as many replicas as the rate needs by the believed capacity, with head-room",
    about: "r = ⌈(λ·(1 + headroom) − β) ÷ α⌉ by the believed capacity α·r + β; with other shapes the smallest r whose \
        capacity serves λ·(1 + headroom). Down only when no decision of the last `down_after` wanted more.",
    parameters: &[
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond the rate that is seen" },
        knobs::DOWN_AFTER,
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| {
        Ok(Box::new(ByRate {
            factor: Ratio(Ratio::ONE.0 + parameters.ratio("headroom", 0.0, 10.0)?.0),
            down_after: parameters.span("down_after")?,
            stale: parameters.span("stale")?,
            wishes: Wishes::default(),
            recent: Table::new(),
        }))
    },
};

/// Replicas in proportion to the rate.
#[derive(Debug, Clone)]
pub struct ByRate {
    factor: Ratio,
    down_after: Span,
    stale: Span,
    wishes: Wishes,
    recent: Table<ServiceId, Recent>,
}

/// What was wanted of late.
#[derive(Debug, Clone, Default)]
struct Recent {
    replicas: HoldDown,
    needs: HoldDown<Rate>,
}

impl ByRate {
    fn decide(&mut self, snapshot: &Snapshot, service: ServiceId) -> (u32, Why, Option<Rate>) {
        let last = self.wishes.last(snapshot, service);
        match Sighting::of(snapshot.services[service].rate, snapshot.at, self.stale) {
            Sighting::Fresh(rate) => self.provide(snapshot, service, rate),
            Sighting::Old(age) => (last, held("hold: the rate that was seen is too old", age), None),
            Sighting::Missing(age) => (last, held("hold: no rate is seen", age), None),
        }
    }

    /// Replicas for `rate`, or the highest number of late.
    fn provide(&mut self, snapshot: &Snapshot, service: ServiceId, rate: Rate) -> (u32, Why, Option<Rate>) {
        let need = rate.scaled(self.factor);
        let (needed, rule) = fewest(snapshot, service, need);
        let recent = &mut self.recent[service];
        let replicas = recent.replicas.highest(snapshot.at, self.down_after, needed);
        let serve = recent.needs.highest(snapshot.at, self.down_after, need);
        self.wishes.set(service, replicas);
        let why = if replicas > needed {
            let figures = [("rate_per_s", rate.per_second()), ("needed", needed.into()), ("held", replicas.into())];
            Why::new("not yet down: more was needed a short time ago", &figures)
        } else {
            let figures = [
                ("rate_per_s", rate.per_second()),
                ("with_headroom_per_s", need.per_second()),
                ("replicas", needed.into()),
            ];
            Why::new(rule, &figures)
        };
        (replicas, why, Some(serve).filter(|serve| *serve > Rate::ZERO))
    }
}

/// The fewest replicas that are believed to serve `need`, within the service's bounds, and what says so.
fn fewest(snapshot: &Snapshot, service: ServiceId, need: Rate) -> (u32, &'static str) {
    let declared = snapshot.service(service);
    if need == Rate::ZERO {
        return (bounded(declared, 0), "no requests: the least that is allowed");
    }
    let (replicas, rule) = match Shares::of(snapshot, service).fewest(need, declared.replicas_max) {
        Ok(fewest) => (fewest, "fewest replicas that serve the rate with head-room"),
        Err(most) => (most, "no number of replicas serves the rate; the one that serves most"),
    };
    (bounded(declared, replicas), rule)
}

impl Scaling for ByRate {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        while self.recent.len() < snapshot.services.len() {
            self.recent.push(Recent::default());
        }
        let mut wanted = Wanted::counts(Table::new(), Table::new());
        for service in snapshot.known.application.requests() {
            let (replicas, why, serve) = self.decide(snapshot, service);
            wanted.replicas.push(replicas);
            wanted.why.push(why);
            wanted.serve.push(serve);
        }
        Ok(wanted)
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(self.clone())
    }
}
