//! What is added up while nobody measures.

use super::Account;
use crate::backend::live::stand_in;
use crate::backend::live::world::World;
use crate::model::environment::{Environment, StepSeries};
use crate::model::figures::{Unknown, is_moment};
use crate::model::observation::ServiceTotals;
use crate::model::{ClusterId, Seen, ServiceId, Slo, Targets};
use crate::units::{MilliCores, Rate, Ratio, Span, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

const WEB: ServiceId = ServiceId(0);
const MINUTE: u64 = 60_000_000_000;

/// Until which minute each thing is measured: 10/s that are all answered, within 50 ms, by 2 cores.
#[derive(Clone, Copy)]
struct Measured {
    rate: u64,
    latency: u64,
    cpu: u64,
}

const ALL: Measured = Measured { rate: 60, latency: 60, cpu: 60 };

fn environment() -> Environment {
    Environment { carbon: BTreeMap::new(), carbon_default: StepSeries::constant(0.0), price_factor: BTreeMap::new() }
}

/// A service with an SLO and so many replicas, of which everything is asked for.
fn world(replicas: u32) -> World {
    let (mut known, mut connection) = (stand_in::known(), stand_in::connection());
    let mut web = known.application.services[WEB].clone();
    web.slo = Some(Slo { latency: Span::seconds(1), share: Ratio::ONE });
    known.application.services = [web].into_iter().collect();
    let query = Some("up".to_owned());
    let mut at = connection.services[WEB].clone();
    (at.rate, at.served, at.latency_p95, at.cpu_used) = (query.clone(), query.clone(), query.clone(), query);
    connection.services = [at].into_iter().collect();
    let mut world = World::new(Arc::new(known), Arc::new(connection));
    world.workloads[WEB].groups.insert((ClusterId(0), crate::model::Phase::Ready), (replicas, Time::ZERO));
    world
}

fn account(world: &World, replicas: u32, at: Time) -> Account {
    let mut targets = Targets::default();
    targets.set(WEB, ClusterId(0), replicas);
    Account::new(world, targets, at)
}

/// An hour of it: its sums, and whether the last sample has a rate.
fn hour(replicas: u32, measured: Measured) -> (ServiceTotals, bool) {
    let (environment, mut world) = (environment(), world(replicas));
    let mut account = account(&world, replicas, Time::ZERO);
    for minute in 1..=60 {
        let at = Time(minute * MINUTE);
        let seen = &mut world.measured[WEB];
        if minute <= measured.rate {
            (seen.rate, seen.served) =
                (Seen::now(Rate::from_per_second(10.0), at), Seen::now(Rate::from_per_second(10.0), at));
        }
        if minute <= measured.latency {
            seen.latency_p95 = Seen::now(Span(50_000_000), at);
        }
        if minute <= measured.cpu {
            seen.cpu_used = BTreeMap::from([(ClusterId(0), Seen::now(MilliCores(2_000), at))]);
        }
        account.look(&world, &environment, at);
    }
    let sample = account.sample(&world, &environment, Time(60 * MINUTE));
    (account.totals(&world).by_service[0], sample.services[0].offered.is_some())
}

#[test]
fn what_is_measured_is_added_up() {
    let (sums, has_rate) = hour(2, ALL);
    assert_eq!((sums.unknown, has_rate), (Unknown::default(), true));
    assert_eq!((sums.flow.offered, sums.flow.served), (36_000_u128 * 10_u128.pow(15), 36_000_u128 * 10_u128.pow(15)));
    assert_eq!((sums.slo_violation_time, sums.cpu_hours), (Some(0.0), 2.0));
}

/// Two minutes after the last answer nobody knows; that is unknown in the series, and in the sums where it lasts.
#[test]
fn an_outage_of_the_telemetry_is_no_time_without_load() {
    let whole = Span(60 * MINUTE);
    let (sums, has_rate) = hour(2, Measured { rate: 40, ..ALL });
    let outage = Span(18 * MINUTE);
    assert_eq!((sums.unknown, has_rate), (Unknown { rate: outage, served: outage, ..Unknown::default() }, false));
    assert!(!is_moment(sums.unknown.rate, whole));
    assert_eq!((sums.slo_violation_time, sums.cpu_hours), (Some(0.0), 2.0), "what was measured stays");
    let (sums, _) = hour(2, Measured { rate: 57, ..ALL });
    assert!(sums.unknown.rate == Span(MINUTE) && is_moment(sums.unknown.rate, whole));
}

/// One query that is never answered.
#[test]
fn each_sum_is_unknown_by_its_own_measure() {
    let (sums, has_rate) = hour(2, Measured { latency: 0, ..ALL });
    assert!(has_rate && sums.slo_violation_time.is_none() && sums.cpu_hours > 1.0);
    let (sums, _) = hour(2, Measured { cpu: 0, ..ALL });
    assert!(sums.slo_violation_time.is_some() && sums.cpu_hours.is_nan());
}

/// Of two replicas in each of two clusters, those of one.
#[test]
fn the_cpu_of_some_replicas_is_not_that_of_all() {
    let mut world = world(2);
    world.workloads[WEB].groups.insert((ClusterId(1), crate::model::Phase::Ready), (2, Time::ZERO));
    let mut account = account(&world, 2, Time::ZERO);
    let at = Time(30 * MINUTE);
    world.measured[WEB].cpu_used = BTreeMap::from([(ClusterId(0), Seen::now(MilliCores(2_000), at))]);
    account.look(&world, &environment(), at);
    let sums = account.totals(&world).by_service[0];
    assert!(sums.unknown.cpu == Span(30 * MINUTE) && sums.cpu_hours.is_nan());
}

/// Three minutes passed until the world was seen first.
#[test]
fn a_run_is_as_long_as_it_looked() {
    let world = world(2);
    let mut account = account(&world, 2, Time(3 * MINUTE));
    account.look(&world, &environment(), Time(10 * MINUTE));
    assert_eq!(account.totals(&world).span, Span(7 * MINUTE));
}

#[test]
fn a_moment_is_a_small_part_of_any_run() {
    let most = |minutes: u64, most_s: u64| {
        let whole = Span(minutes * MINUTE);
        is_moment(Span::seconds(most_s), whole) && !is_moment(Span::seconds(most_s + 1), whole)
    };
    assert!(most(1, 6) && most(20, 120) && most(120, 120) && most(1_000, 600));
}

#[test]
fn a_service_that_is_to_sleep_has_no_load_to_be_known() {
    let (sums, _) = hour(0, Measured { rate: 0, latency: 0, cpu: 0 });
    assert_eq!((sums.unknown, sums.flow.offered), (Unknown::default(), 0));
}
