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

use super::threshold::held;
use super::wish::{HoldDown, Sighting, Wishes, bounded};
use super::{Entry, Parameter};
use crate::model::{Capacity, ClusterId, Service, ServiceId, Snapshot, Table, Wanted, Why};
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

/// Where a service is, and what it is believed to serve there.
pub(super) struct Shares<'a> {
    /// Capacity, speed, and present replicas, by cluster.
    places: Vec<(&'a Capacity, Ratio, u32)>,
    present: u32,
}

impl<'a> Shares<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, service: ServiceId) -> Self {
        let declared = snapshot.service(service);
        let place = |cluster: ClusterId, replicas: u32| {
            let known = snapshot.cluster(cluster);
            (declared.capacity.of(&known.class), known.speed, replicas)
        };
        let targets = snapshot.targets.of(service).iter();
        let reachable = targets.filter(|target| snapshot.clusters[target.cluster].reachable);
        let mut places: Vec<_> = reachable.map(|target| place(target.cluster, target.replicas)).collect();
        if places.is_empty() {
            places.extend(slowest(snapshot, declared).map(|cluster| place(cluster, 1)));
        }
        let present = places.iter().map(|place| place.2).sum();
        Self { places, present }
    }

    /// The fewest replicas, at most `most`, that serve `need`; where no number does, the one that serves most.
    ///
    /// Capacity rises up to the number at which the first cluster reaches its peak, so a binary search finds it; there
    /// rounding to whole replicas a cluster may cost one more than the very fewest.
    pub(super) fn fewest(&self, need: Rate, most: u32) -> Result<u32, u32> {
        if let [(capacity, speed, _)] = self.places[..] {
            return capacity.replicas_for(need, speed, most).ok_or(capacity.peak(most));
        }
        let (mut low, mut high) = (1, self.peak(most));
        if self.capacity(high) < need {
            return Err(high);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if self.capacity(middle) >= need { high = middle } else { low = middle + 1 }
        }
        Ok(low)
    }

    /// The most replicas at which no cluster is beyond its peak.
    fn peak(&self, most: u32) -> u32 {
        let peaks = self.places.iter().map(|(capacity, _, replicas)| {
            let peak = u64::from(capacity.peak(most)) * u64::from(self.present) / u64::from(*replicas).max(1);
            u32::try_from(peak).unwrap_or(u32::MAX)
        });
        peaks.min().unwrap_or(most).clamp(1, most.max(1))
    }

    /// What `replicas` serve when they are shared out like the present ones, by cumulative rounding.
    fn capacity(&self, replicas: u32) -> Rate {
        let upto = |present: u64| present * u64::from(replicas) / u64::from(self.present.max(1));
        let mut before = 0;
        let serve = |(capacity, speed, present): &(&Capacity, Ratio, u32)| {
            let after = before + u64::from(*present);
            let share = upto(after) - upto(before);
            before = after;
            capacity.at(u32::try_from(share).expect("a share is no more than the whole"), *speed)
        };
        self.places.iter().map(serve).sum()
    }
}

/// The cluster in which as many replicas as are allowed serve least, of those that may run the service: those that can be
/// reached, or all where none can.
fn slowest(snapshot: &Snapshot, service: &Service) -> Option<ClusterId> {
    let eligible = |cluster: &ClusterId| service.terms.room_max(snapshot.cluster(*cluster), service.request).is_ok();
    let serves = |cluster: &ClusterId| {
        let known = snapshot.cluster(*cluster);
        service.capacity.of(&known.class).at(service.replicas_max, known.speed)
    };
    let clusters = || snapshot.clusters.ids();
    let reachable =
        clusters().filter(|cluster| snapshot.clusters[*cluster].reachable).filter(eligible).min_by_key(serves);
    reachable.or_else(|| clusters().min_by_key(serves))
}
