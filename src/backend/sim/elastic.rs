//! What every service needs at each moment, by the true model: the yardstick of elasticity, the same for all policies.
//!
//! The demand of a service is the fewest ready replicas that keep its SLO at the rate that users cause there: their rate at
//! the entry services times the calls for each request, however much of it is served. A service without an SLO needs the
//! fewest whose capacity serves that rate; so does one whose SLO no number of replicas keeps. All that is judged in one
//! cluster, in which a replica serves most of those that may host the service; its calls are answered there by services
//! without load, and users are as near as they are to any of those clusters. Replicas elsewhere count as the share of
//! a replica there that they serve, where as many are as are any use, so that clusters of different speed compare. A service never needs less than its least
//! number of replicas, nor more than its most.
//!
//! The search is binary from the last answer on, and remembers for each number of replicas up to which rate it is known to
//! be enough and from which not: a rate that was seen costs two comparisons.

use super::course::Course;
use super::latency::{Latency, StationLoad};
use super::world::World;
use crate::model::observation::Elasticity;
use crate::model::{ClusterId, Scenario, ServiceId, Table};
use crate::units::{Rate, Ratio, Span};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Demand and supply of a service.
#[derive(Debug, Clone)]
pub(super) struct Elastic {
    pub(super) course: Course,
    /// The cluster in which demand is judged.
    reference: ClusterId,
    /// What a replica in each cluster is worth there.
    worth: Table<ClusterId, f64>,
    /// Cores of a replica.
    cores: f64,
    /// The SLO's latency and share, round trip taken off.
    slo: Option<(f64, f64)>,
    /// What the calls of a request take at least.
    calls: Latency,
    /// The most replicas that are any use.
    most: u32,
    /// By replicas: the highest rate known to be kept, and the lowest known not to be.
    known: BTreeMap<u32, (Rate, Rate)>,
    /// The last answer.
    last: u32,
}

/// So many replicas of a version that serves a multiple, at a rate.
#[derive(Debug, Clone, Copy)]
struct Case {
    replicas: u32,
    factor: Ratio,
    rate: Rate,
}

/// The yardsticks of all services that answer requests and fit a cluster.
pub(super) fn elastic(scenario: &Scenario) -> Table<ServiceId, Option<Box<Elastic>>> {
    let application = &scenario.known.application;
    let mut calls: Table<ServiceId, Latency> = application.services.ids().map(|_| Latency::default()).collect();
    let mut all: Table<ServiceId, Option<Box<Elastic>>> = application.services.ids().map(|_| None).collect();
    for service in application.order.iter().rev().copied().filter(|service| !application.is_task(*service)) {
        let called = application.calls_of(service).map(|call| calls[call.to].repeated(call.per_request.as_f64()));
        let below = called.fold(Latency::default(), Latency::then);
        let Some(elastic) = Elastic::new(scenario, service, below) else { continue };
        let most = elastic.most.max(1);
        let idle = Case { replicas: most, factor: Ratio::ONE, rate: Rate(1) };
        calls[service] = elastic.station(scenario, service, idle).then(below);
        all[service] = Some(Box::new(elastic));
    }
    all
}

impl Elastic {
    fn new(scenario: &Scenario, service: ServiceId, calls: Latency) -> Option<Self> {
        let known = &scenario.known;
        let declared = &known.application.services[service];
        let truth = &scenario.truth[service];
        let one = |cluster: ClusterId| {
            let cluster = &known.clusters[cluster];
            let capacity = truth.capacity.of(&cluster.class);
            let most = capacity.peak(declared.replicas_max).max(1);
            capacity.at(most, cluster.speed).per_second() / f64::from(most)
        };
        let hosts = |cluster: &ClusterId| {
            let cluster = &known.clusters[*cluster];
            declared.terms.room_max(cluster, declared.request).is_ok()
        };
        let best = |left: &ClusterId, right: &ClusterId| one(*left).total_cmp(&one(*right)).then(right.cmp(left));
        let reference = known.clusters.ids().filter(hosts).max_by(best)?;
        let whole = one(reference);
        let rtt = |cluster: ClusterId| known.network.origins.iter().map(move |origin| origin.rtt[cluster]);
        let rtt = known.clusters.ids().filter(hosts).flat_map(rtt).min().unwrap_or(Span::ZERO).as_seconds_f64();
        let cores = declared.request.cpu.cores();
        let most = truth.capacity.of(&known.clusters[reference].class).peak(declared.replicas_max);
        (whole > 0.0).then(|| Self {
            course: Course::new(cores),
            reference,
            worth: known.clusters.ids().map(|cluster| one(cluster) / whole).collect(),
            cores,
            slo: declared.slo.map(|slo| (slo.latency.as_seconds_f64() - rtt, slo.share.as_f64())),
            calls,
            most,
            known: BTreeMap::new(),
            last: declared.replicas_min.max(1),
        })
    }

    /// Waiting and service, without a backlog.
    fn station(&self, scenario: &Scenario, service: ServiceId, case: Case) -> Latency {
        let truth = &scenario.truth[service];
        StationLoad {
            workers: f64::from(case.replicas) * f64::from(scenario.known.application.services[service].workers),
            arrivals: case.rate.per_second(),
            capacity: self.capacity(scenario, service, case).per_second(),
            backlog_wait: 0.0,
            limit: truth.queue_limit.as_seconds_f64(),
            service_time: truth.service_time.map(Span::as_seconds_f64),
            variability: (truth.arrival_variability, truth.service_variability),
        }
        .latency()
    }

    fn capacity(&self, scenario: &Scenario, service: ServiceId, Case { replicas, factor, .. }: Case) -> Rate {
        let cluster = &scenario.known.clusters[self.reference];
        scenario.truth[service].capacity.of(&cluster.class).at(replicas, cluster.speed).scaled(factor)
    }

    /// Whether so many replicas keep the SLO at that rate.
    fn keeps(&mut self, scenario: &Scenario, service: ServiceId, case: Case) -> bool {
        let Case { replicas, rate, .. } = case;
        let (kept, missed) = self.known.get(&replicas).copied().unwrap_or((Rate::ZERO, Rate(u64::MAX)));
        if rate <= kept || rate >= missed {
            return rate <= kept;
        }
        let serves = self.capacity(scenario, service, case) >= rate;
        let in_time = |(latency, share): (f64, f64)| {
            let found = self.station(scenario, service, case).then(self.calls).share_within(latency);
            found >= share * (1.0 - 1e-9)
        };
        let keeps = serves && self.slo.is_none_or(in_time);
        self.known.insert(replicas, if keeps { (rate, missed) } else { (kept, rate) });
        keeps
    }

    /// The fewest replicas that `rate` needs.
    fn needed(&mut self, scenario: &Scenario, service: ServiceId, (rate, factor): (Rate, Ratio)) -> u32 {
        if rate == Rate::ZERO || self.most == 0 {
            return 0;
        }
        let (start, most) = (self.last.clamp(1, self.most), self.most);
        let mut keeps = |replicas: u32| self.keeps(scenario, service, Case { replicas, factor, rate });
        let (mut low, mut high) = bracket((start, most), &mut keeps);
        while low < high {
            let middle = low + (high - low) / 2;
            if keeps(middle) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if low > self.most {
            let cluster = &scenario.known.clusters[self.reference];
            let shape = scenario.truth[service].capacity.of(&cluster.class);
            let plain = Rate::from_per_second(rate.per_second() / factor.as_f64().max(1e-9));
            low = shape.replicas_for(plain, cluster.speed, self.most).unwrap_or(self.most);
        }
        self.last = low;
        low
    }
}

/// Two ends between which the fewest that `keeps` lies, found by growing steps from `start`; beyond `most` where none does.
fn bracket((start, most): (u32, u32), keeps: &mut dyn FnMut(u32) -> bool) -> (u32, u32) {
    let mut step = 1;
    if keeps(start) {
        let mut high = start;
        while high > 1 {
            let probe = high.saturating_sub(step).max(1);
            if !keeps(probe) {
                return (probe + 1, high);
            }
            high = probe;
            step *= 2;
        }
        return (1, 1);
    }
    let mut low = start + 1;
    while low <= most {
        let probe = low.saturating_add(step - 1).min(most);
        if keeps(probe) {
            return (low, probe);
        }
        low = probe + 1;
        step *= 2;
    }
    (low, low)
}

impl World {
    /// The rates that users cause have changed: what the services of a component need is looked at again.
    pub(super) fn note_demand(&mut self, component: usize) {
        let scenario = Arc::clone(&self.scenario);
        let now = self.now();
        let mut caused: Vec<(ServiceId, f64)> = Vec::new();
        for index in 0..self.components[component].services.len() {
            let service = self.components[component].services[index];
            let state = &self.services[service];
            let called = caused.iter().filter(|(to, _)| *to == service).map(|(_, rate)| rate).sum::<f64>();
            let users = if state.entry.is_some() { state.demand } else { Rate::ZERO };
            let rate = if state.dormant { 0.0 } else { users.per_second() + called };
            let (dormant, factor) = (state.dormant, state.capacity_factor);
            let calls = scenario.known.application.calls_of(service);
            caused.extend(calls.map(|call| (call.to, rate * call.per_request.as_f64())));
            let Some(elastic) = self.elastic[service].as_deref_mut() else { continue };
            let needed = elastic.needed(&scenario, service, (Rate::from_per_second(rate), factor));
            let least = if dormant { 0 } else { scenario.known.application.services[service].replicas_min };
            elastic.course.advance(now);
            elastic.course.demand = f64::from(needed.max(least)) * elastic.cores;
        }
    }

    /// The ready replicas of a service have changed.
    pub(super) fn note_supply(&mut self, service: ServiceId) {
        let now = self.now();
        let slots = self.slots_of(service);
        let Some(elastic) = self.elastic[service].as_deref_mut() else { return };
        let ready = |slot| {
            let slot = &self.slots[slot];
            f64::from(slot.ready) * elastic.worth[slot.cluster]
        };
        let replicas: f64 = slots.map(ready).sum();
        elastic.course.advance(now);
        elastic.course.supply = replicas * elastic.cores;
    }

    /// A new version serves another multiple: what was known of numbers of replicas is void.
    pub(super) fn forget_needs(&mut self, service: ServiceId) {
        if let Some(elastic) = self.elastic[service].as_deref_mut() {
            elastic.known.clear();
        }
    }

    /// A point of the grid on which supply and demand are seen to move.
    pub(super) fn tick_courses(&mut self) {
        for (_, elastic) in self.elastic.iter_mut() {
            if let Some(elastic) = elastic {
                elastic.course.tick();
            }
        }
    }

    /// Brings all courses up to now.
    pub(super) fn settle_courses(&mut self) {
        let now = self.now();
        for (_, elastic) in self.elastic.iter_mut() {
            if let Some(elastic) = elastic {
                elastic.course.advance(now);
            }
        }
    }

    /// The elasticity of a service.
    pub(super) fn elasticity(&self, service: ServiceId) -> Option<Elasticity> {
        self.elastic[service].as_deref().and_then(|elastic| elastic.course.elasticity())
    }
}
