//! What a drill costs: 20 clusters of 50 services, each cluster lost for an hour when a day is busiest, on two threads.
//!
//! Checked before it is timed: the future in which nothing is lost serves all, every loss is noticed and recovered from,
//! and two drills end alike. 50 futures of one past come last. `SMO_BENCH_SMOKE` runs everything once, small.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

#[path = "../tests/it/world.rs"]
#[expect(dead_code, reason = "the tests use more of these worlds")]
mod world;

use criterion::Criterion;
use rayon::prelude::*;
use smo::drill::harm::{Harm, harm};
use smo::drill::losses::{Kind, Loss, losses};
use smo::drill::{Course, Future, Past, Stage, Times};
use smo::model::task::TasksInMemory;
use smo::model::workload::{RateRow, RowsInMemory};
use smo::model::{Scenario, ServiceId};
use smo::policy::PolicySpec;
use smo::seed::Seed;
use smo::units::{Rate, Span};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const DAY: u64 = 86_400;
/// The busiest hour of the load begins half an hour before noon.
const WORST: u64 = DAY / 2 - 1_800;

struct Size {
    clusters: u32,
    services: u32,
}

/// Services of 20 requests per second a replica, on clusters of 12 nodes; a decision and a scrape every 15 s.
fn scenario(size: &Size) -> Arc<Scenario> {
    let services = (0..size.services).map(|index| world::service(&format!("s{index}"), 20.0)).collect();
    let clusters = (0..size.clusters).map(|index| world::cluster(&format!("c{index}"), 12)).collect();
    let mut scenario = world::scenario(services, vec![], clusters);
    scenario.control.every = Span::seconds(15);
    scenario.until = Some(Span::seconds(DAY));
    Arc::new(scenario)
}

/// A daily wave with its peak at noon, between 20 and 180 requests per second for each service, a row a minute.
fn load(size: &Size) -> RowsInMemory {
    let row = |minute: u64| {
        let phase = minute as f64 / 1_440.0;
        let rate = Rate::from_per_second(100.0 - 80.0 * (phase * std::f64::consts::TAU).cos());
        RateRow {
            at: world::at(minute * 60),
            rates: (0..size.services).map(|service| (ServiceId(service), rate)).collect(),
        }
    };
    RowsInMemory::new((0..1_440).map(row).collect(), Span::seconds(60))
}

fn past(scenario: &Arc<Scenario>, load: &RowsInMemory) -> Past {
    let policy: PolicySpec = "spread+rate:headroom=30%".parse().expect("both are registered");
    let stage = Stage {
        scenario: Arc::clone(scenario),
        rates: Box::new(load.clone()),
        tasks: Box::new(TasksInMemory::default()),
        policy: policy.build().expect("its parameters are in range"),
        seed: Seed(1),
    };
    stage.until(world::at(WORST)).expect("the run works").expect("it is longer")
}

/// The futures of these losses, and first the one in which nothing is lost.
fn futures(past: &Past, losses: &[&Loss]) -> Vec<Course> {
    let times = Times { lasts: Span::seconds(3_600), until: Span::seconds(3 * 3_600) };
    let targets = std::iter::once(&[][..]).chain(losses.iter().map(|loss| loss.targets.as_slice()));
    let futures: Vec<Mutex<Option<Future>>> =
        targets.map(|targets| Mutex::new(Some(past.future(targets, times)))).collect();
    let live = |future: &Mutex<Option<Future>>| {
        let future = future.lock().expect("nobody panicked").take().expect("each is lived once");
        future.live().expect("the run works")
    };
    futures.par_iter().with_max_len(1).map(live).collect()
}

fn drill(scenario: &Arc<Scenario>, load: &RowsInMemory, losses: &[&Loss]) -> Vec<Harm> {
    let past = past(scenario, load);
    let courses = futures(&past, losses);
    courses[1..].iter().map(|course| harm(&courses[0], course, past.at())).collect()
}

/// A benchmark is only worth something if what it times is right.
fn check(scenario: &Arc<Scenario>, load: &RowsInMemory, losses: &[&Loss]) {
    let harms = drill(scenario, load, losses);
    assert_eq!(harms.len(), losses.len());
    for harm in &harms {
        assert!(harm.bad_requests > 1.0 && harm.slo_minutes > 0.0, "a loss is felt: {harm:?}");
        assert!(harm.recovery_minutes.is_some_and(|minutes| minutes < 90.0), "and recovered from: {harm:?}");
    }
    let again = drill(scenario, load, losses);
    assert_eq!(harms, again, "two drills end alike");
}

fn main() {
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let size = if smoke { Size { clusters: 4, services: 5 } } else { Size { clusters: 20, services: 50 } };
    rayon::ThreadPoolBuilder::new().num_threads(2).build_global().expect("it is the first");
    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(40)).configure_from_args();
    let (world, day) = (scenario(&size), load(&size));
    let all = losses(&world.known, &[Kind::Cluster], 1);
    let each: Vec<&Loss> = all.iter().collect();
    check(&world, &day, &each);
    if smoke {
        return;
    }
    let mut group = criterion.benchmark_group("drill");
    group.bench_function("day_20_clusters_50_services", |bencher| bencher.iter(|| drill(&world, &day, &each)));
    group.finish();
    criterion.final_summary();
    let started = Instant::now();
    let past = past(&world, &day);
    let shared = started.elapsed();
    let pairs = losses(&world.known, &[Kind::Cluster], 2);
    let fifty: Vec<&Loss> = pairs.iter().take(50).collect();
    let started = Instant::now();
    let courses = futures(&past, &fifty);
    println!(
        "{} futures of 3 h from one past: {:.2} s, the past once {:.2} s",
        courses.len(),
        started.elapsed().as_secs_f64(),
        shared.as_secs_f64()
    );
}
