//! Tasks: a replay of arrivals on many nodes, all in: the event core, policy, checker, binding, accounts and record.
//!
//! The shape is that of the public trace openb: 8,152 tasks of 151 classes in 149 days on 1,523 nodes, three quarters of
//! them with accelerators or shares of one. Where `SMO_DATA_DIR` names the public data, the trace itself is replayed too.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]

#[path = "../tests/it/world.rs"]
#[expect(dead_code, reason = "the tests use more of these worlds")]
mod world;

use criterion::Criterion;
use rand::RngExt;
use smo::backend::sim::SimBackend;
use smo::input::{Request, load};
use smo::model::task::{TaskRow, TaskSource, TasksInMemory};
use smo::model::workload::RowsInMemory;
use smo::model::{ClusterId, Delay, PoolId, Resources, Scenario, ServiceId, Totals};
use smo::policy::PolicySpec;
use smo::record::Writer;
use smo::run::Run;
use smo::seed::Seed;
use smo::units::{Bytes, MilliCores, Span};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const DAYS: u64 = 149;
const NODES: u32 = 1_523;
const CLASSES: u32 = 151;

/// Nodes of 96 cores, 384 GiB and 8 accelerators, and classes of 1 to 48 cores, most of them with a share or a device.
fn scenario() -> Scenario {
    let mut scenario = world::scenario(Vec::new(), Vec::new(), vec![world::cluster("c0", NODES)]);
    scenario.control.effect_after = Delay::NONE;
    let mut stream = Seed(1).stream("bench_classes", 0);
    let known = world::known(&mut scenario);
    let pool = &mut known.clusters[ClusterId(0)].pools[PoolId(0)];
    pool.shape = Resources { cpu: MilliCores(96_000), memory: Bytes(384 << 30), gpu: 8_000, pods: 110 };
    let classes = (0..CLASSES).map(|index| {
        let gpu = [0, 1_000, stream.random_range(100..1_000), stream.random_range(100..1_000)][index as usize % 4];
        let mut class = world::service(&format!("class-{index}"), 1.0);
        (class.replicas_max, class.slo, class.start) = (u32::MAX, None, Delay::NONE);
        let (cpu, memory) = (stream.random_range(1_000..48_000), stream.random_range(1u64..64) << 30);
        class.request = Resources { cpu: MilliCores(cpu), memory: Bytes(memory), gpu, pods: 1 };
        class
    });
    let classes: Vec<_> = classes.collect();
    for class in classes {
        known.application.add_task_class(class);
    }
    let truth = (0..CLASSES).map(|_| {
        world::exponential(&smo::model::CapacityByClass::uniform(smo::model::Capacity::Linear {
            alpha: 1.0,
            beta: 0.0,
        }))
    });
    scenario.truth = truth.collect();
    scenario
}

/// So many tasks, evenly at random over the days, that run for up to four hours.
fn tasks(count: u32) -> TasksInMemory {
    let mut stream = Seed(1).stream("bench_tasks", 0);
    let mut times: Vec<u64> = (0..count).map(|_| stream.random_range(0..DAYS * 86_400)).collect();
    times.sort_unstable();
    let row = |second: u64| TaskRow {
        at: world::at(second),
        class: ServiceId(stream.random_range(0..CLASSES)),
        duration: Some(Span::seconds(stream.random_range(0..14_400))),
        cpu_used: MilliCores(1_000),
    };
    TasksInMemory::new(times.into_iter().map(row).collect())
}

/// One run as `smo simulate` makes it, record and all.
fn replay(scenario: &Arc<Scenario>, tasks: Box<dyn TaskSource>) -> Totals {
    let rates = Box::new(RowsInMemory::new(Vec::new(), Span::ZERO));
    let backend =
        SimBackend::with_tasks(Arc::clone(scenario), (rates, tasks), Seed(1)).expect("tasks in memory can be read");
    let policy = "greedy".parse::<PolicySpec>().and_then(|spec| Ok(spec.build()?)).expect("it is registered");
    let mut run = Run::new(backend, policy, scenario.control.rails.clone(), Seed(1));
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut writer = Writer::create(&folder.path().join("run"), &scenario.known).expect("there is room");
    run.drive(None, &mut writer).expect("the run works").expect("it runs to its end")
}

/// A benchmark is only worth something if what it times is right.
fn check(totals: &Totals, count: u64) {
    let tasks = totals.tasks.expect("there are tasks");
    assert_eq!((tasks.arrived, tasks.completed, tasks.waiting), (count, count, 0), "all tasks run to their end");
}

fn main() {
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let (count, scenario) = (if smoke { 500 } else { 8_152 }, Arc::new(scenario()));
    let source = tasks(count);
    let totals = replay(&scenario, Box::new(source.clone()));
    check(&totals, count.into());
    assert_eq!(totals, replay(&scenario, Box::new(source.clone())), "two runs end alike");
    if smoke {
        return println!("{count} tasks on {NODES} nodes replayed, {} events", totals.events);
    }
    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(10)).configure_from_args();
    let mut group = criterion.benchmark_group("tasks");
    group.bench_function("8152 on 1523 nodes", |bencher| bencher.iter(|| replay(&scenario, Box::new(source.clone()))));
    if std::env::var_os("SMO_DATA_DIR").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/real/openb.yaml");
        let read = || load(&path, &Request::default()).expect("the scenario loads");
        check(&replay(&read().scenario, read().tasks()), 8_152);
        group.bench_function("openb, files read and record written", |bencher| {
            bencher.iter(|| {
                let loaded = read();
                replay(&loaded.scenario, loaded.tasks())
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
