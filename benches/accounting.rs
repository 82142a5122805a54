//! A year of prices and carbon: 100 sites, both of them other at each site every 5 minutes, counted by a run of the engine.
//!
//! The simulated world itself is run, without services: nodes are paid for and draw power, and every change of a region's
//! price or intensity brings the site's cost, energy, carbon, node-hours and allocation up to that instant. A site-step is one
//! site brought up to one change. Checked before it is timed: every site's cost, energy and carbon equal a plain sum over the
//! steps, and each step was counted as an event. `SMO_BENCH_SMOKE` counts two days, once. With `SMO_BENCH_PEER` set to a number
//! of days the bench only prints JSON, for `benches/peers/run.py`: the sums of that many days, and the processor times of
//! a year.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]

#[path = "../tests/it/world.rs"]
#[expect(dead_code, reason = "the tests use more of these worlds")]
mod world;

use criterion::Criterion;
use smo::backend::sim::SimBackend;
use smo::model::environment::StepSeries;
use smo::model::workload::{RateRow, RowsInMemory};
use smo::model::{Plan, Scenario, Snapshot, Totals};
use smo::policy::{Budget, Policy, PolicyError};
use smo::record::Unrecorded;
use smo::run::Run;
use smo::seed::{Seed, Stream};
use smo::units::{Money, Rate, Span, Watts};
use std::sync::Arc;
use std::time::Duration;

const SITES: u64 = 100;
const STEP_S: u64 = 300;
const DAY_STEPS: u64 = 288;

/// Grams of CO₂e per kWh at a site in a step; the peers compute the same integers.
const fn carbon(site: u64, step: u64) -> u64 {
    100 + (site * 37 + step * (step % 7 + 11)) % 500
}

/// Thousandths of a dollar per kWh.
const fn price(site: u64, step: u64) -> u64 {
    20 + (site * 13 + step * 29) % 200
}

/// Watts that a site draws.
const fn power(site: u64) -> u64 {
    1_000 + 10 * site
}

fn series(steps: u64, value: impl Fn(u64) -> f64) -> Arc<StepSeries> {
    let steps = (0..steps).map(|step| (world::at(step * STEP_S), value(step))).collect();
    Arc::new(StepSeries { steps, period: Span::ZERO })
}

/// One node a site. What a node costs is what its energy costs, so that the price series is one of electricity.
fn scenario(steps: u64, services: u64) -> Scenario {
    let services = (0..services).map(|index| world::service(&format!("s{index}"), 20.0)).collect();
    let name = |site: u64| format!("site-{site:03}");
    let site = |site: u64| {
        let mut cluster = world::cluster(&name(site), 1);
        for (_, pool) in cluster.pools.iter_mut() {
            pool.power_idle = Watts(power(site) as f64);
            pool.power_max = pool.power_idle;
            pool.price_per_hour = Money(power(site) as f64 / 1_000.0);
        }
        cluster
    };
    let mut scenario = world::scenario(services, vec![], (0..SITES).map(site).collect());
    for site in 0..SITES {
        scenario.environment.carbon.insert(name(site), series(steps, |step| carbon(site, step) as f64));
        scenario.environment.price_factor.insert(name(site), series(steps, |step| price(site, step) as f64 / 1_000.0));
    }
    // Nobody decides and nobody looks: what is timed is the accounts.
    let span = Span::seconds(steps * STEP_S);
    scenario.until = Some(span);
    scenario.control.every = span;
    scenario.telemetry.scrape = span;
    scenario.sample_every = Some(span);
    scenario
}

/// Deploys one replica of every service at every site, once.
#[derive(Clone)]
struct Everywhere;

impl Policy for Everywhere {
    fn decide(&mut self, snapshot: &Snapshot, _: &Budget, _: &mut Stream) -> Result<Plan, PolicyError> {
        let mut plan = Plan::default();
        for service in snapshot.services.ids() {
            for cluster in snapshot.clusters.ids() {
                plan.targets.set(service, cluster, 1);
            }
        }
        Ok(plan)
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

fn simulate(scenario: &Arc<Scenario>) -> Totals {
    let services = scenario.known.application.services.ids();
    let rates = services.map(|service| (service, Rate::from_per_second(1_000.0))).collect();
    let load = RowsInMemory::new(vec![RateRow { at: world::at(0), rates }], scenario.until.expect("it is set above"));
    let backend = SimBackend::new(Arc::clone(scenario), Box::new(load), Seed(1)).expect("rows in memory can be read");
    let mut run = Run::new(backend, Box::new(Everywhere), scenario.control.rails.clone(), Seed(1));
    run.drive(None, &mut Unrecorded).expect("the run works").expect("it runs to its end")
}

/// A benchmark is only worth something if what it times is right.
fn check(totals: &Totals, steps: u64) {
    let near = |found: f64, right: f64, what: &str| {
        assert!((found / right - 1.0).abs() < 1e-9, "{what}: {found} instead of {right}");
    };
    for (site, row) in (0..).zip(&totals.by_cluster) {
        let kwh = power(site) as f64 / 1_000.0 * STEP_S as f64 / 3_600.0;
        near(row.energy / 3.6e6, kwh * steps as f64, "energy");
        near(row.carbon, (0..steps).map(|step| carbon(site, step) as f64 * kwh).sum(), "carbon");
        near(row.cost_nodes, (0..steps).map(|step| price(site, step) as f64 / 1_000.0 * kwh).sum(), "cost");
    }
    assert!(totals.events >= SITES * (steps - 1), "each step is an event: {}", totals.events);
}

/// Processor time of this process so far, which does not depend on who else wants the core.
fn processor_seconds() -> f64 {
    let account = std::fs::read_to_string("/proc/self/schedstat").expect("Linux tells what a process has used");
    let nanos = account.split_whitespace().next().and_then(|field| field.parse::<f64>().ok());
    nanos.expect("the first field is nanoseconds on a core") / 1e9
}

/// Tells the peers what a few days come to, and how long a year takes.
fn tell_peer(days: u64) {
    let few = simulate(&Arc::new(scenario(days * DAY_STEPS, 0)));
    check(&few, days * DAY_STEPS);
    let sites: Vec<_> =
        few.by_cluster.iter().map(|row| serde_json::json!([row.energy / 3.6e6, row.cost_nodes, row.carbon])).collect();
    let steps = if std::env::var_os("SMO_BENCH_SMOKE").is_some() { days } else { 365 } * DAY_STEPS;
    let year = Arc::new(scenario(steps, 0));
    let seconds: Vec<f64> = (0..5)
        .map(|_| {
            let started = processor_seconds();
            std::hint::black_box(simulate(&year));
            processor_seconds() - started
        })
        .collect();
    println!("{}", serde_json::json!({ "sites": sites, "site_steps": SITES * steps, "seconds": seconds }));
}

fn main() {
    if let Ok(days) = std::env::var("SMO_BENCH_PEER") {
        return tell_peer(days.parse().expect("SMO_BENCH_PEER is a number of days"));
    }
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let steps = if smoke { 2 * DAY_STEPS } else { 365 * DAY_STEPS };
    let (bare, serving) = (Arc::new(scenario(steps, 0)), Arc::new(scenario(steps, 1)));
    check(&simulate(&bare), steps);
    assert_eq!(simulate(&serving), simulate(&serving), "two runs end alike");
    if smoke {
        return;
    }
    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(10)).configure_from_args();
    let mut group = criterion.benchmark_group("accounting, 100 sites, a year");
    group.throughput(criterion::Throughput::Elements(SITES * steps));
    group.bench_function("sites", |bencher| bencher.iter(|| simulate(&bare)));
    group.bench_function("sites that serve", |bencher| bencher.iter(|| simulate(&serving)));
    group.finish();
    criterion.final_summary();
}
