//! The lower bounds of a loaded scenario: its world and load, told to [`bound`](crate::solver::bound) piece by piece.
//!
//! A piece ends where a rate, a price or a version changes, and at both ends of the time that counts. Tasks are left out:
//! they make nodes dearer, not cheaper. Truth is used throughout; no policy sees any of this.

use crate::model::binding::eligible;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::model::{Application, Cluster, ClusterId, PoolId, Scenario, ServiceId};
use crate::report::bench::results::Bounds;
use crate::solver::bound::{Entry, Piece, Pool, Service, Sum, World};
use crate::units::{Rate, Ratio, Span, Time};
use std::collections::BTreeMap;

/// Seconds beyond any wait in which requests may still count as good: latencies are kept for 1 s, and again for the piece after.
const KEPT: f64 = 2.0;

/// The times of its latency beyond which a backlog leaves no more good requests than go elsewhere.
const LATENCIES: f64 = 8.0;

/// What no policy can get below in `scenario` under the load of `source`, with what a million bad requests cost.
///
/// # Errors
/// Where the load cannot be read.
pub fn bounds(
    scenario: &Scenario,
    mut source: Box<dyn RateSource>,
    bad_million_usd: f64,
) -> Result<Bounds, WorkloadError> {
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
    let entries: Vec<Entry> = users.map(|service| entry(&known.application, service)).collect();
    World {
        pools: pools
            .map(|pool| Pool {
                nodes_min: f64::from(pool.nodes_min.min(pool.nodes)),
                nodes_max: f64::from(pool.nodes_max.max(pool.nodes)),
                shape: amounts(pool.shape),
            })
            .collect(),
        services: known.application.services.ids().map(|one| service(scenario, one, &entries)).collect(),
        entries,
        penalty,
    }
}

/// What a request at `service` causes. A conditional service may be asleep: it is left out, with what it calls.
fn entry(application: &Application, service: ServiceId) -> Entry {
    let mut causes: BTreeMap<ServiceId, f64> = BTreeMap::from([(service, 1.0)]);
    for from in &application.order {
        let Some(requests) = causes.get(from).copied() else { continue };
        for call in application.calls_of(*from).filter(|call| !application.is_conditional(call.to)) {
            *causes.entry(call.to).or_default() += requests * call.per_request.as_f64();
        }
    }
    let causes = causes.into_iter().filter(|(_, calls)| *calls > 0.0);
    Entry { service: service.index(), causes: causes.map(|(to, calls)| (to.index(), calls)).collect() }
}

fn service(scenario: &Scenario, service: ServiceId, entries: &[Entry]) -> Service {
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
    let serves = known.clusters.ids().flat_map(here).collect();
    let calling = entries.iter().filter(|entry| entry.causes.iter().any(|(to, _)| *to == service.index()));
    let carried = calling.map(|entry| wait(scenario, entry)).fold(0.0, f64::max) + KEPT;
    Service { request, serves, carried }
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

/// Seconds of work behind which no request of `entry` is good.
fn wait(scenario: &Scenario, entry: &Entry) -> f64 {
    let limit =
        |(service, _): &(usize, f64)| scenario.truth[ServiceId::from_index(*service)].queue_limit.as_seconds_f64();
    let limits: f64 = entry.causes.iter().map(limit).sum();
    let slo = scenario.known.application.services[ServiceId::from_index(entry.service)].slo;
    slo.map_or(limits, |slo| limits.min(LATENCIES * Span::as_seconds_f64(slo.latency)))
}

fn amounts(resources: crate::model::Resources) -> [f64; 3] {
    [resources.cpu.0 as f64, resources.memory.0 as f64, resources.gpu as f64]
}
