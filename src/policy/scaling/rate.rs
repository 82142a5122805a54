//! Rate: as many replicas as the rate needs, with head-room: `⌈(λ · (1 + headroom) − β) / α⌉`.
//!
//! Capacity is what the policy believes of the service, where its replicas are: of n replicas each reachable cluster is
//! given its present share, and the smallest n whose capacities together serve the rate is taken. With one cluster and
//! linear capacity that is the formula above; with several, every cluster pays its own β. A service that has no
//! replicas yet is reckoned with the slowest of the clusters that may run it. Where no number suffices, the one that
//! serves most is wanted.
//!
//! Up at once, down only when no decision of the last `down_after` wanted more. A rate that is missing or too old leaves
//! the last wish as it is. A rate of exactly zero wants the service's minimum.

use super::each::held;
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
        Parameter { name: "down_after", default: "5 min", summary: "time for which a higher number is kept" },
        Parameter { name: "stale", default: "2 min", summary: "age from which on a rate is not believed any more" },
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
    recent: Table<ServiceId, HoldDown>,
}

impl ByRate {
    fn decide(&mut self, snapshot: &Snapshot, service: ServiceId) -> (u32, Why) {
        let last = self.wishes.last(snapshot, service);
        let now = snapshot.at;
        let (needed, why) = match Sighting::of(snapshot.services[service].rate, now, self.stale) {
            Sighting::Fresh(rate) => self.needed(snapshot, service, rate),
            Sighting::Old(age) => (last, held("hold: the rate that was seen is too old", age)),
            Sighting::Missing(age) => (last, held("hold: no rate is seen", age)),
        };
        let replicas = self.recent[service].highest(now, self.down_after, needed);
        self.wishes.set(service, replicas);
        if replicas > needed {
            let figures = [why.figures[0], ("needed", needed.into()), ("held", replicas.into())];
            return (replicas, Why::new("not yet down: more was needed a short time ago", &figures));
        }
        (replicas, why)
    }

    fn needed(&self, snapshot: &Snapshot, service: ServiceId, rate: Rate) -> (u32, Why) {
        let declared = snapshot.service(service);
        let need = rate.scaled(self.factor);
        let figures = |replicas: u32| {
            [
                ("rate_per_s", rate.per_second()),
                ("with_headroom_per_s", need.per_second()),
                ("replicas", replicas.into()),
            ]
        };
        if need == Rate::ZERO {
            let least = bounded(declared, 0);
            return (least, Why::new("no requests: the least that is allowed", &figures(least)));
        }
        let shares = Shares::of(snapshot, service);
        let (replicas, rule) = match shares.fewest(need, declared.replicas_max) {
            Ok(fewest) => (fewest, "fewest replicas that serve the rate with head-room"),
            Err(most) => (most, "no number of replicas serves the rate; the one that serves most"),
        };
        let replicas = bounded(declared, replicas);
        (replicas, Why::new(rule, &figures(replicas)))
    }
}

impl Scaling for ByRate {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        while self.recent.len() < snapshot.services.len() {
            self.recent.push(HoldDown::default());
        }
        let (replicas, why): (Vec<_>, Vec<_>) =
            snapshot.known.application.requests().map(|service| self.decide(snapshot, service)).unzip();
        Ok(Wanted { replicas: replicas.into_iter().collect(), why: why.into_iter().collect() })
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(self.clone())
    }
}
