//! What a simulated day and month cost, all in: 10 clusters, 100 services, a decision and a scrape every 15 s.
//!
//! Checked before it is timed: no request is lost, and two runs end alike. `SMO_BENCH_SMOKE` runs everything once, small.

#[path = "../tests/it/world.rs"]
#[expect(dead_code, reason = "the tests use more of these worlds")]
mod world;

use criterion::{BatchSize, Criterion};
use smo::backend::sim::SimBackend;
use smo::model::workload::{RateRow, RowsInMemory};
use smo::model::{Scenario, ServiceId, Totals};
use smo::policy::PolicySpec;
use smo::record::Unrecorded;
use smo::run::Run;
use smo::seed::Seed;
use smo::units::{Rate, Span};
use std::sync::Arc;
use std::time::Duration;

const DAY: u64 = 86_400;
const SERVICES: u32 = 100;
const TICK: u64 = 15;

/// 100 services of 20 requests per second a replica, on 10 clusters of 40 nodes.
fn scenario(days: u64) -> Scenario {
    let services = (0..SERVICES).map(|index| world::service(&format!("s{index}"), 20.0)).collect();
    let clusters = (0..10).map(|index| world::cluster(&format!("c{index}"), 40)).collect();
    let mut scenario = world::scenario(services, vec![], clusters);
    scenario.control.every = Span::seconds(TICK);
    scenario.until = Some(Span::seconds(days * DAY));
    scenario
}

/// A daily wave between 20 and 180 requests per second with its own phase for each service, a row a minute.
fn load(days: u64) -> RowsInMemory {
    let row = |minute: u64| {
        let rate = |service: u32| {
            let phase = (minute % 1_440) as f64 / 1_440.0 + f64::from(service) / f64::from(SERVICES);
            (ServiceId(service), Rate::from_per_second(100.0 - 80.0 * (phase * std::f64::consts::TAU).cos()))
        };
        RateRow { at: world::at(minute * 60), rates: (0..SERVICES).map(rate).collect() }
    };
    RowsInMemory::new((0..days * 1_440).map(row).collect(), Span::seconds(60))
}

fn simulate(scenario: &Arc<Scenario>, load: &RowsInMemory, policy: &PolicySpec) -> Totals {
    let backend =
        SimBackend::new(Arc::clone(scenario), Box::new(load.clone()), Seed(1)).expect("rows in memory can be read");
    let policy = policy.build().expect("its parameters are in range");
    let mut run = Run::new(backend, policy, scenario.control.rails.clone(), Seed(1));
    run.drive(None, &mut Unrecorded).expect("the run works").expect("it runs to its end")
}

/// A benchmark is only worth something if what it times is right.
fn check(scenario: &Arc<Scenario>, load: &RowsInMemory, policy: &PolicySpec) {
    let totals = simulate(scenario, load, policy);
    let flow = totals.requests;
    assert_eq!(flow.offered, flow.served + flow.dropped + flow.backlog, "requests are conserved");
    assert!(totals.slo_violation_requests < 0.01, "the load is served: {}", totals.slo_violation_requests);
    assert_eq!(totals, simulate(scenario, load, policy), "two runs end alike");
}

fn main() {
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(10)).configure_from_args();
    for (name, days) in [("day", 1), ("month", 30)].into_iter().take(if smoke { 1 } else { 2 }) {
        let (scenario, load) = (Arc::new(scenario(days)), load(days));
        let policy: PolicySpec = "greedy+rate".parse().expect("both are registered");
        check(&scenario, &load, &policy);
        if smoke {
            continue;
        }
        let ticks = days * DAY / TICK * u64::from(SERVICES);
        let mut group = criterion.benchmark_group("simulation");
        group.throughput(criterion::Throughput::Elements(ticks));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| load.clone(), |load| simulate(&scenario, &load, &policy), BatchSize::PerIteration);
        });
    }
    criterion.final_summary();
}
