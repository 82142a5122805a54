//! What a simulated day and month cost, all in: 10 clusters, 100 services, a decision and a scrape every 15 s.
//!
//! Checked before it is timed: no request is lost, and two runs end alike. `SMO_BENCH_SMOKE` runs everything once, small.
//! `cargo bench --bench simulation -- month` simulates 30 days once; `-- trace` replays 30 days at a row a second and tells
//! the peak memory.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

#[path = "../tests/it/world.rs"]
#[expect(dead_code, reason = "the tests use more of these worlds")]
mod world;

use criterion::{BatchSize, Criterion};
use smo::backend::sim::SimBackend;
use smo::input::trace::{self, ServiceNames, TraceOptions};
use smo::model::workload::{RateRow, RateSource, RowsInMemory, WorkloadError};
use smo::model::{Scenario, ServiceId, Totals};
use smo::policy::PolicySpec;
use smo::record::Unrecorded;
use smo::run::Run;
use smo::seed::Seed;
use smo::units::{Rate, Span, Time};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// A month of 100 services at a row a second, made as it is read.
struct Seconds {
    next: u64,
    end: u64,
}

impl RateSource for Seconds {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        if self.next == self.end {
            return Ok(false);
        }
        let noise = |service: u32| ((self.next.wrapping_mul(2_654_435_761) >> 7) ^ (u64::from(service) * 40_503)) % 20;
        row.at = world::at(self.next);
        row.rates.clear();
        row.rates.extend((0..SERVICES).map(|service| (ServiceId(service), world::per_second(50 + noise(service)))));
        self.next += 1;
        Ok(true)
    }

    fn end(&self) -> Time {
        world::at(self.end)
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        Ok(Box::new(Self { ..*self }))
    }
}

/// In a process of its own, so that its peak memory is that of the replay: replays a trace and prints what it took.
fn replay_trace(path: &Path, days: u64) {
    let names = ServiceNames::new((0..SERVICES).map(|index| format!("s{index}")));
    let trace = trace::open(path, &names, &TraceOptions::default()).expect("it was just written");
    let scenario = Arc::new(scenario(days));
    let policy: PolicySpec = "greedy+rate".parse().expect("both are registered");
    let started = Instant::now();
    let backend = SimBackend::new(Arc::clone(&scenario), Box::new(trace), Seed(1)).expect("it can be read");
    let policy = policy.build().expect("its parameters are in range");
    let mut run = Run::new(backend, policy, scenario.control.rails.clone(), Seed(1));
    let totals = run.drive(None, &mut Unrecorded).expect("the run works").expect("it runs to its end");
    let flow = totals.requests;
    assert_eq!(flow.offered, flow.served + flow.dropped + flow.backlog, "requests are conserved");
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    println!(
        "trace of {days} d × {SERVICES} services at 1 s: {:.1} s, {} events, {peak}",
        started.elapsed().as_secs_f64(),
        totals.events
    );
}

/// Writes such a trace as Parquet and replays it in a child process.
fn bench_trace(days: u64) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("month.parquet");
    let names = ServiceNames::new((0..SERVICES).map(|index| format!("s{index}")));
    let file = std::fs::File::create(&path).expect("a temporary file");
    trace::write::wide_parquet(&mut Seconds { next: 0, end: days * DAY }, &names, file).expect("there is room");
    let program = std::env::current_exe().expect("a process knows its program");
    let done = Command::new(program).env(REPLAY, &path).env("SMO_BENCH_DAYS", days.to_string()).status();
    assert!(done.is_ok_and(|status| status.success()), "the replay failed");
}

/// A month takes most of a minute: once, without statistics.
fn time_month(policy: &PolicySpec) {
    let (scenario, load) = (Arc::new(scenario(30)), load(30));
    let started = Instant::now();
    let totals = simulate(&scenario, &load, policy);
    let seconds = started.elapsed().as_secs_f64();
    let ticks = (30 * DAY / TICK * u64::from(SERVICES)) as f64;
    println!("month: {seconds:.1} s, {:.0} ns a service-tick, {} events", seconds * 1e9 / ticks, totals.events);
}

const REPLAY: &str = "SMO_BENCH_REPLAY";

fn main() {
    if let Some(path) = std::env::var_os(REPLAY) {
        let days = std::env::var("SMO_BENCH_DAYS").ok().and_then(|days| days.parse().ok()).expect("it is set with it");
        return replay_trace(Path::new(&path), days);
    }
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(10)).configure_from_args();
    let policy: PolicySpec = "greedy+rate".parse().expect("both are registered");
    let (world, day) = (Arc::new(scenario(1)), load(1));
    check(&world, &day, &policy);
    if smoke {
        return bench_trace(1);
    }
    let mut group = criterion.benchmark_group("simulation");
    group.throughput(criterion::Throughput::Elements(DAY / TICK * u64::from(SERVICES)));
    group.bench_function("day", |bencher| {
        bencher.iter_batched(|| day.clone(), |load| simulate(&world, &load, &policy), BatchSize::PerIteration);
    });
    group.finish();
    criterion.final_summary();
    let asked = |name: &str| std::env::args().any(|argument| argument == name);
    if asked("month") {
        time_month(&policy);
    }
    if asked("trace") {
        bench_trace(30);
    }
}
