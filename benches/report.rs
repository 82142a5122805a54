//! What a report costs: `smo report` over 20 runs of 100 services on 10 clusters, a day each, a decision every 15 s.
//!
//! The command itself is timed, from the records on the disk to the page on the disk. Every run has a policy of its own, so
//! that all 20 are drawn over time: the most that a page holds. Checked before it is timed: the page is the same for one
//! thread and for two, not larger than 2 MB, and draws every run. `SMO_BENCH_SMOKE` runs everything once, small.

#[path = "../tests/it/world.rs"]
#[expect(dead_code, reason = "the tests use more of these worlds")]
mod world;

use clap::Parser;
use criterion::Criterion;
use smo::backend::sim::SimBackend;
use smo::cli::Cli;
use smo::model::workload::{RateRow, RowsInMemory};
use smo::model::{Scenario, ServiceId};
use smo::policy::PolicySpec;
use smo::record::{ManifestHeader, Timing, Writer};
use smo::run::Run;
use smo::seed::Seed;
use smo::units::{Rate, Span};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const TICK_S: u64 = 15;

/// How much is run.
#[derive(Clone, Copy)]
struct Size {
    runs: u64,
    services: u32,
    seconds: u64,
}

const FULL: Size = Size { runs: 20, services: 100, seconds: 86_400 };
const SMOKE: Size = Size { runs: 3, services: 5, seconds: 7_200 };

fn scenario(size: Size) -> Scenario {
    let services = (0..size.services).map(|index| world::service(&format!("s{index}"), 20.0)).collect();
    let clusters = (0..10).map(|index| world::cluster(&format!("c{index}"), 40)).collect();
    let mut scenario = world::scenario(services, vec![], clusters);
    scenario.control.every = Span::seconds(TICK_S);
    scenario.until = Some(Span::seconds(size.seconds));
    scenario
}

/// A daily wave with its own phase for each service, a row a minute.
fn load(size: Size) -> RowsInMemory {
    let row = |minute: u64| {
        let rate = |service: u32| {
            let phase = (minute % 1_440) as f64 / 1_440.0 + f64::from(service) / f64::from(size.services);
            (ServiceId(service), Rate::from_per_second(100.0 - 80.0 * (phase * std::f64::consts::TAU).cos()))
        };
        RateRow { at: world::at(minute * 60), rates: (0..size.services).map(rate).collect() }
    };
    RowsInMemory::new((0..size.seconds / 60).map(row).collect(), Span::seconds(60))
}

/// Simulates and records one run.
fn record(home: &Path, size: Size, number: u64) {
    let label = format!("greedy+rate:headroom={}%", 10 + number);
    let policy: PolicySpec = label.parse().expect("both are registered");
    let scenario = Arc::new(scenario(size));
    let backend = SimBackend::new(Arc::clone(&scenario), Box::new(load(size)), Seed(1)).expect("rows in memory");
    let policy = policy.build().expect("its parameters are in range");
    let mut run = Run::new(backend, policy, scenario.control.rails.clone(), Seed(1)).explaining();
    let mut writer = Writer::create(&home.join(number.to_string()), &scenario.known).expect("a temporary directory");
    let totals = run.drive(None, &mut writer).expect("the run works").expect("it runs to its end");
    let header = ManifestHeader {
        scenario_path: "bench.yaml".to_owned(),
        scenario: "bench".to_owned(),
        question: "What does a report cost?".to_owned(),
        variant: None,
        set: Vec::new(),
        until: None,
        policy: label,
        parameters: BTreeMap::new(),
        seed: 1,
        inputs: Vec::new(),
        resolved: serde_json::json!({}),
        notes: Vec::new(),
        live: None,
    };
    writer.explain(run.explained()).close(&totals, header, Timing::default()).expect("there is room");
}

fn report(home: &Path, page: &Path, threads: &str) {
    let runs = home.as_os_str();
    let arguments = ["smo", "report", "-j", threads, "--out"].map(Into::into);
    let arguments = arguments.into_iter().chain([page.as_os_str().to_owned(), runs.to_owned()]);
    let mut said = Vec::new();
    Cli::parse_from(arguments).run(&mut said).unwrap_or_else(|failure| panic!("{failure:?}"));
}

/// A benchmark is only worth something if what it times is right.
fn check(home: &Path, page: &Path, size: Size) {
    let read = |threads| {
        report(home, page, threads);
        std::fs::read_to_string(page).expect("it was just written")
    };
    let text = read("1");
    assert_eq!(text, read("2"), "the page depends on the number of threads");
    assert!(text.len() <= 2_000_000, "{} bytes", text.len());
    assert_eq!(text.matches("<details class=\"policy\"").count() as u64, size.runs);
}

fn main() {
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let size = if smoke { SMOKE } else { FULL };
    let folder = tempfile::tempdir().expect("a temporary directory");
    let (home, page) = (folder.path().join("runs"), folder.path().join("report.html"));
    std::thread::scope(|scope| {
        for half in 0..2 {
            let home = &home;
            scope.spawn(move || {
                (0..size.runs).filter(|number| number % 2 == half).for_each(|one| record(home, size, one));
            });
        }
    });
    check(&home, &page, size);
    if smoke {
        return;
    }
    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(20)).configure_from_args();
    let mut group = criterion.benchmark_group("report");
    group.throughput(criterion::Throughput::Elements(size.runs));
    group.bench_function("page", |bencher| bencher.iter(|| report(&home, &page, "2")));
    group.finish();
    criterion.final_summary();
}
