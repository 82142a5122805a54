//! What a decision of each scaling policy costs: 100 services on 10 clusters, a decision a minute, after two days of history.
//!
//! Walks the registry, so a new policy is in it from its first day. Before anything is timed, each policy goes through two days
//! of a daily load twice and has to decide the same both times, within bounds and with a reason. Timed is the third day:
//! `scale` alone, each sample a run of decisions; forecasters are fitted within it as they are in use. `SMO_BENCH_SMOKE` set: 3
//! services, two hours and a few decisions.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

#[path = "../tests/it/world.rs"]
#[expect(dead_code, reason = "the tests use more of these worlds")]
mod world;

use criterion::Criterion;
use smo::model::snapshot::Foreseen;
use smo::model::{
    ClusterId, ClusterView, Phase, ReplicaGroup, Resources, Scenario, Seen, ServiceId, ServiceView, Snapshot, Targets,
    Wanted,
};
use smo::policy::Scaling;
use smo::policy::parameter::Parameters;
use smo::policy::scaling::{Entry, SCALINGS};
use smo::seed::{Seed, Stream};
use smo::units::{MilliCores, Rate, Span, Time};
use std::hint::black_box;
use std::time::{Duration, Instant};

const CLUSTERS: u32 = 10;
const MINUTE: Span = Span::seconds(60);
/// Minutes of the past that policies have seen.
const PAST: u64 = 2 * 1_440;

/// What is measured with.
struct Size {
    services: u32,
    past: u64,
}

fn scenario(size: &Size) -> Scenario {
    let services = (0..size.services).map(|index| {
        let mut service = world::service(&format!("s{index}"), 10.0);
        (service.replicas, service.replicas_min, service.replicas_max) = (4, 1, 100);
        service
    });
    let clusters = (0..CLUSTERS).map(|index| world::cluster(&format!("c{index}"), 40)).collect();
    world::scenario(services.collect(), Vec::new(), clusters)
}

/// Requests per second at a minute: a day's wave with a phase and ripples of its own.
fn rate(service: u32, minute: u64) -> Rate {
    let day = (minute % 1_440) as f64 / 1_440.0 + f64::from(service) / 17.0;
    let ripple = (minute as f64 * 0.37 + f64::from(service)).sin();
    Rate::from_per_second(100.0 - 70.0 * (day * std::f64::consts::TAU).cos() + 5.0 * ripple)
}

/// The world at `minute` where each service has the replicas of `targets`, all ready.
fn snapshot(known: &Scenario, targets: &Targets, minute: u64) -> Snapshot {
    let at = Time(MINUTE.0 * minute);
    let services = || known.known.application.services.ids();
    let view = |service: ServiceId| {
        let homes = targets.of(service);
        let load = rate(service.0, minute);
        let total = u64::from(targets.total(service).max(1));
        let used = |replicas: u32| MilliCores(load.0 / 10_000 * u64::from(replicas) / total);
        let group = |cluster, count| ReplicaGroup {
            cluster,
            phase: Phase::Ready,
            started: Time::ZERO,
            since: Time::ZERO,
            count,
        };
        ServiceView {
            rate: Seen::now(load, at),
            served: Seen::NEVER,
            latency_p95: Seen::now(Span::seconds(1), at),
            cpu_used: homes.iter().map(|home| (home.cluster, Seen::now(used(home.replicas), at))).collect(),
            replicas: homes.iter().map(|home| group(home.cluster, home.replicas)).collect(),
            tasks: 0,
            dormant: false,
        }
    };
    let cluster = |_| ClusterView {
        reachable: true,
        allocatable: Resources::ZERO,
        allocatable_max: Resources::ZERO,
        allocated: Resources::ZERO,
        nodes: 40,
        price_per_core_hour: 0.04,
        carbon: Seen::NEVER,
    };
    let ahead =
        |service: ServiceId| (minute..minute + 60).map(|next| (Time(MINUTE.0 * next), rate(service.0, next))).collect();
    Snapshot {
        at,
        is_tick: true,
        known: known.known.clone(),
        clusters: known.known.clusters.ids().map(cluster).collect(),
        services: services().map(view).collect(),
        targets: targets.clone(),
        under_way: Vec::new(),
        foreseen: Some(Foreseen { until: at + MINUTE.repeated(60), rates: services().map(ahead).collect() }),
    }
}

/// What is wanted, two thirds of it in a service's first cluster and the rest in the next.
fn place(wanted: &Wanted) -> Targets {
    let mut targets = Targets::default();
    for (service, replicas) in wanted.replicas.iter() {
        let (first, next) = (ClusterId(service.0 % CLUSTERS), ClusterId((service.0 + 1) % CLUSTERS));
        targets.set(service, first, replicas - replicas / 3);
        targets.set(service, next, replicas / 3);
    }
    targets
}

fn build(entry: &Entry) -> Box<dyn Scaling> {
    let defaults = Parameters::new(entry.name, entry.parameters, &[]).expect("defaults are declared");
    (entry.build)(&defaults).expect("defaults are in range")
}

fn stream() -> Stream {
    Seed(1).stream("policy", 0)
}

/// Lets `scaling` decide through `minutes`; what it wanted at each of them goes to `seen`.
fn live(
    scaling: &mut dyn Scaling,
    known: &Scenario,
    minutes: std::ops::Range<u64>,
    mut seen: impl FnMut(&Wanted),
) -> Targets {
    let mut targets = Targets::default();
    for minute in minutes {
        let wanted = scaling.scale(&snapshot(known, &targets, minute), &mut stream()).expect("the world is not broken");
        seen(&wanted);
        targets = place(&wanted);
    }
    targets
}

/// Two lives are the same, within bounds and with reasons; the policy after one of them, and its targets.
fn checked(entry: &Entry, known: &Scenario, past: u64) -> (Box<dyn Scaling>, Targets) {
    let (mut one, mut other, mut record) = (build(entry), build(entry), Vec::new());
    let targets = live(&mut *one, known, 0..past, |wanted| {
        assert!(wanted.replicas.values().all(|replicas| (1..=100).contains(replicas)), "{}: {wanted:?}", entry.name);
        assert!(wanted.why.values().all(|why| !why.rule.is_empty()), "{}: {wanted:?}", entry.name);
        record.push(wanted.replicas.clone());
    });
    let mut again = record.iter();
    live(&mut *other, known, 0..past, |wanted| {
        assert_eq!(Some(&wanted.replicas), again.next(), "{} decides otherwise when asked again", entry.name);
    });
    (one, targets)
}

fn bench(criterion: &mut Criterion, entry: &Entry, known: &Scenario, size: &Size) -> f64 {
    let (scaling, targets) = checked(entry, known, size.past);
    let mut medians = Vec::new();
    let mut group = criterion.benchmark_group("scalings");
    group.bench_function(entry.name, |bencher| {
        bencher.iter_custom(|decisions| {
            let (mut scaling, mut targets, mut total) = (scaling.fork(), targets.clone(), Duration::ZERO);
            for minute in size.past..size.past + decisions {
                let snapshot = snapshot(known, &targets, minute);
                let stream = &mut stream();
                let started = Instant::now();
                let wanted = black_box(scaling.scale(black_box(&snapshot), stream));
                let lap = started.elapsed();
                total += lap;
                medians.push(lap);
                targets = place(&wanted.expect("the world is not broken"));
            }
            total
        });
    });
    group.finish();
    medians.sort_unstable();
    medians[medians.len() / 2].as_secs_f64() * 1e3
}

fn main() {
    let is_smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let (time, samples) = (Duration::from_millis(if is_smoke { 1 } else { 1_500 }), if is_smoke { 10 } else { 20 });
    let size = if is_smoke { Size { services: 3, past: 120 } } else { Size { services: 100, past: PAST } };
    let mut criterion =
        Criterion::default().sample_size(samples).warm_up_time(time / 3).measurement_time(time).configure_from_args();
    let known = scenario(&size);
    for entry in SCALINGS {
        let median = bench(&mut criterion, entry, &known, &size);
        println!("{}: median decision for {} services {median:.3} ms", entry.name, size.services);
    }
    criterion.final_summary();
}
