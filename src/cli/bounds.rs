//! The lower bounds of a loaded scenario: its world and load, told to [`bound`](crate::solver::bound) piece by piece.
//!
//! A piece ends where a rate, a price or a version changes, and at both ends of the time that counts: from the end of the warm-up
//! on. The load is that of one seed, noise included, as the simulated world meets it. Tasks are left out: they make nodes
//! dearer, not cheaper. Truth is used throughout; no policy sees any of this.

use crate::backend::sim::SimBackend;
use crate::model::binding::eligible;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::model::{Cluster, ClusterId, PoolId, Scenario, ServiceId};
use crate::report::bench::results::Bounds;
use crate::seed::Seed;
use crate::solver::bound::{Cause, Entry, Piece, Pool, Service, Sum, World};
use crate::units::{Rate, Ratio, Span, Time};
use std::collections::BTreeMap;

/// Seconds for which a latency is kept while a backlog changes.
const KEPT: f64 = 1.0;

/// How many times the load of its SLO's latency may wait in one queue and count as good: `z` in [`bound`](crate::solver::bound).
const LATENCIES: f64 = 8.0;

/// What no policy can get below in `scenario` on the day that `seed` makes of `source`, from the end of the warm-up on, with
/// what a million bad requests cost.
///
/// # Errors
/// Where the load cannot be read.
pub fn bounds(
    scenario: &Scenario,
    (source, seed): (Box<dyn RateSource>, Seed),
    bad_million_usd: f64,
) -> Result<Bounds, WorkloadError> {
    let mut source = SimBackend::load(scenario, source, seed);
    let world = world(scenario, bad_million_usd / 1e6);
    let mut sum = Sum::new(&world);
    let mut rates: BTreeMap<ServiceId, Rate> = BTreeMap::new();
    let (mut now, mut row) = (Time::ZERO, RateRow::default());
    let until = scenario.until.map_or(Time(u64::MAX), |until| Time::ZERO + until);
    loop {
        let more = source.next_row(&mut row)?;
        let next = if more { row.at } else { source.end() }.min(until);
        walk(scenario, (&world, &rates), (now, next), &mut sum);
        now = now.max(next);
        if !more || row.at >= until {
            break;
        }
        rates.extend(row.rates.iter().copied());
    }
    let bound = sum.bound();
    Ok(Bounds { services_usd: bound.separate, coupled_usd: bound.coupled })
}

/// Adds the pieces of a time in which the rates stay.
fn walk(
    scenario: &Scenario,
    (world, rates): (&World, &BTreeMap<ServiceId, Rate>),
    (from, to): (Time, Time),
    sum: &mut Sum<'_>,
) {
    let mut now = from.max(Time::ZERO + scenario.warm_up);
    while now < to {
        let next = next_change(scenario, now).map_or(to, |change| change.min(to));
        let rate = |entry: &Entry| rates.get(&ServiceId::from_index(entry.service)).copied().unwrap_or(Rate::ZERO);
        sum.add(&Piece {
            seconds: (next - now).as_seconds_f64(),
            rates: world.entries.iter().map(|entry| rate(entry).per_second()).collect(),
            prices: prices(scenario, now),
            factors: scenario.truth.values().map(|truth| factor(&truth.changes, now)).collect(),
        });
        now = next;
    }
}

/// When a price or a version changes next.
fn next_change(scenario: &Scenario, now: Time) -> Option<Time> {
    let prices = scenario.environment.price_factor.values().filter_map(|series| series.next_change(now));
    let changes = scenario.truth.values().flat_map(|truth| &truth.changes).map(|(at, _)| *at);
    prices.chain(changes.filter(|at| *at > now)).min()
}

/// Dollars per second of a node, by pool.
fn prices(scenario: &Scenario, now: Time) -> Vec<f64> {
    let of = |cluster: &Cluster| {
        let factor = scenario.environment.price_factor_at(&cluster.region, now).max(0.0);
        cluster.pools.values().map(|pool| pool.price_per_hour.0 * factor / 3600.0).collect::<Vec<_>>()
    };
    scenario.known.clusters.values().flat_map(of).collect()
}

fn factor(changes: &[(Time, Ratio)], now: Time) -> f64 {
    changes.iter().rev().find(|(at, _)| *at <= now).map_or(1.0, |(_, factor)| factor.as_f64())
}

fn world(scenario: &Scenario, penalty: f64) -> World {
    let known = &scenario.known;
    let pools = known.clusters.values().flat_map(|cluster| cluster.pools.values());
    let called = |service: &ServiceId| known.application.calls.iter().any(|call| call.to == *service);
    let users = known.application.requests().filter(|service| !called(service));
    let entries = users.map(|service| entry(scenario, service)).collect();
    World {
        pools: pools
            .map(|pool| Pool {
                nodes_min: f64::from(pool.nodes_min.min(pool.nodes)),
                nodes_max: f64::from(pool.nodes_max.max(pool.nodes)),
                shape: amounts(pool.shape),
            })
            .collect(),
        services: known.application.services.ids().map(|one| service(scenario, one)).collect(),
        entries,
        penalty,
    }
}

/// What a request at `service` causes. A conditional service may be asleep: it is left out, with what it calls.
fn entry(scenario: &Scenario, service: ServiceId) -> Entry {
    let application = &scenario.known.application;
    let slo = application.services[service].slo.map(|slo| Span::as_seconds_f64(slo.latency));
    let ways = ways(scenario, service, slo.unwrap_or(f64::INFINITY));
    let mut carried: BTreeMap<ServiceId, f64> = BTreeMap::new();
    for (on_the_way, way) in &ways {
        let waits = waits(scenario, *on_the_way, (slo, way.calls));
        for (to, more) in self::ways(scenario, *on_the_way, 0.0) {
            *carried.entry(to).or_default() += waits * more.calls;
        }
    }
    let causes = ways.iter().map(|(to, way)| Cause {
        service: to.index(),
        calls: way.calls_min(),
        carried: carried.get(to).copied().unwrap_or_default(),
    });
    Entry { service: service.index(), causes: causes.filter(|cause| cause.calls > 0.0).collect() }
}

/// All ways from an entry to a service.
#[derive(Debug, Clone, Copy, Default)]
struct Ways {
    /// Calls for each request of the entry, and how many ways there are.
    calls: f64,
    number: f64,
    /// What full queues on the way may take off them where a call is fractional.
    lost: f64,
    is_fractional: bool,
}

impl Ways {
    /// Calls that a good request takes at least.
    fn calls_min(&self) -> f64 {
        if self.is_fractional { (self.calls - self.lost).max(0.0) } else { self.calls }
    }
}

/// The ways from `service` to all that it causes calls to, itself included; nothing that waits longer than `slo` seconds is good.
fn ways(scenario: &Scenario, service: ServiceId, slo: f64) -> BTreeMap<ServiceId, Ways> {
    let application = &scenario.known.application;
    let start = Ways { calls: 1.0, number: 1.0, ..Ways::default() };
    let mut ways = BTreeMap::from([(service, start)]);
    for from in &application.order {
        let Some(before) = ways.get(from).copied() else { continue };
        for call in application.calls_of(*from).filter(|call| !application.is_conditional(call.to)) {
            let each = call.per_request.as_f64();
            let way: &mut Ways = ways.entry(call.to).or_default();
            way.calls += before.calls * each;
            way.number += before.number;
            let full = slo / scenario.truth[call.to].queue_limit.as_seconds_f64();
            way.lost += before.lost.mul_add(each, before.number * full);
            way.is_fractional |= before.is_fractional || each < 1.0;
        }
    }
    ways
}

/// Seconds of an entry's load that good requests may leave waiting at `service`, which gets `calls` for each.
fn waits(scenario: &Scenario, service: ServiceId, (slo, calls): (Option<f64>, f64)) -> f64 {
    let declared = &scenario.known.application.services[service];
    let hosts = |cluster: &&Cluster| eligible(cluster, &declared.terms, declared.request).values().any(|hosts| *hosts);
    let clusters = scenario.known.clusters.values().filter(hosts).count();
    let limit = calls * scenario.truth[service].queue_limit.as_seconds_f64();
    clusters as f64 * LATENCIES.mul_add(slo.map_or(limit, |slo| slo.min(limit)), calls * KEPT)
}

fn service(scenario: &Scenario, service: ServiceId) -> Service {
    let known = &scenario.known;
    let declared = &known.application.services[service];
    let request = amounts(declared.request);
    let here = |cluster: ClusterId| {
        let declared_here = &known.clusters[cluster];
        let hosts = eligible(declared_here, &declared.terms, declared.request);
        let most = most_of_one(scenario, service, cluster);
        let serves = |(pool, hosts): (PoolId, &bool)| {
            let shape = amounts(declared_here.pools[pool].shape);
            let fits = request.iter().zip(shape).all(|(request, shape)| *request <= shape);
            (*hosts && fits && most > 0.0).then_some(most)
        };
        hosts.iter().map(serves).collect::<Vec<_>>()
    };
    Service { request, serves: known.clusters.ids().flat_map(here).collect() }
}

/// The most requests per second that one of any number of replicas serves in a cluster.
fn most_of_one(scenario: &Scenario, service: ServiceId, cluster: ClusterId) -> f64 {
    let cluster = &scenario.known.clusters[cluster];
    let capacity = scenario.truth[service].capacity.of(&cluster.class);
    let most = scenario.known.application.services[service].replicas_max;
    let each = |replicas: u32| capacity.at(replicas, cluster.speed).per_second() / f64::from(replicas);
    // Rates are kept in millionths: half of one may be gained by rounding.
    (1..=most.min(10_000)).chain([most.max(1)]).map(each).fold(0.0, f64::max) + 1e-6
}

fn amounts(resources: crate::model::Resources) -> [f64; 3] {
    [resources.cpu.0 as f64, resources.memory.0 as f64, resources.gpu as f64]
}
