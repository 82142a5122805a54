//! HPA v2 over time: 100 services × 24 h, one reconcile each 15 s.
//!
//! One CPU utilisation metric, one group of ready pods, no `behavior`: the case that a simulated day consists of. Before
//! anything is timed, all decisions are compared with a recomputation that keeps a plain list of recommendations.
//! `SMO_BENCH_SMOKE` set: 3 services × 2 h, checked and run once.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "loads and replicas are small and positive"
)]

use criterion::{Criterion, Throughput};
use rand::Rng;
use smo::policy::scaling::hpa::{
    Flags, Metric, Observed, Phase, PodGroup, Readiness, Reading, Request, Resource, Sample, Spec, State, reconcile,
};
use smo::seed::Seed;
use smo::units::{Bytes, MilliCores, Span, Time};
use std::hint::black_box;
use std::time::Duration;

const SYNC: Span = Span::seconds(15);
/// The first sync: late enough that pods are not young.
const START: Time = Time(Span::seconds(1_000).0);
const REQUEST: u64 = 500;
const TARGET_PERCENT: u32 = 60;
const REPLICAS_MIN: u32 = 2;
const REPLICAS_MAX: u32 = 100;

/// Load of one service in millicores at each sync: a day's curve with a phase and a height of its own, ±10 % noise.
fn daily_load(service: u64, syncs: usize) -> Vec<u32> {
    let mut stream = Seed(1).stream("bench_hpa_load", service);
    let mut share = || f64::from(stream.next_u32()) / f64::from(u32::MAX);
    let (height, phase) = (2_000.0 + 18_000.0 * share(), share());
    let load = |sync: usize, noise: f64| {
        let day = (sync as f64 / 5_760.0 + phase) * std::f64::consts::TAU;
        (height * (1.0 + 0.8 * day.sin()) * (0.9 + 0.2 * noise)) as u32
    };
    (0..syncs).map(|sync| load(sync, share())).collect()
}

fn spec() -> Spec {
    let metrics = vec![Metric::Utilization { resource: Resource::Cpu, target_percent: TARGET_PERCENT }];
    Spec { min: REPLICAS_MIN, max: REPLICAS_MAX, metrics, behavior: None, flags: Flags::default() }
}

/// What is timed: all services at each sync, as a simulated controller does; their replicas are handed to `seen`.
fn simulate(spec: &Spec, loads: &[Vec<u32>], mut seen: impl FnMut(usize, u32)) {
    let mut services: Vec<_> = loads.iter().map(|load| (load, pods(), State::default())).collect();
    let syncs = loads.first().map_or(0, Vec::len);
    let mut at = START;
    for sync in 0..syncs {
        for (service, (load, pods, state)) in services.iter_mut().enumerate() {
            pods.sample = Some(Sample { at, window: SYNC, cpu: MilliCores(load[sync].into()), memory: Bytes::ZERO });
            let observed = Observed {
                at,
                spec_replicas: pods.count,
                status_replicas: pods.count,
                pods: std::slice::from_ref(pods),
                readings: &[Reading::Samples],
            };
            if let Some(replicas) = reconcile(spec, &observed, state).rescale {
                pods.count = replicas;
            }
            seen(service, pods.count);
        }
        at = at + SYNC;
    }
}

/// Old ready pods, not sampled yet.
fn pods() -> PodGroup {
    PodGroup {
        count: REPLICAS_MIN,
        phase: Phase::Running,
        deleting: false,
        started: Some(Time::ZERO),
        ready: Some(Readiness { is_ready: true, since: Time::ZERO }),
        request: Request { cpu: Some(MilliCores(REQUEST)), memory: None },
        sample: None,
    }
}

/// The same from the formulas, with all recommendations in a list.
fn simulate_plainly(load: &[u32]) -> Vec<u32> {
    let mut recommendations = vec![REPLICAS_MIN];
    let mut replicas = REPLICAS_MIN;
    let mut series = Vec::new();
    for &cpu in load {
        let utilization = u64::from(cpu) * 100 / (REQUEST * u64::from(replicas));
        let ratio = utilization as f64 / f64::from(TARGET_PERCENT);
        let is_close = (0.9..=1.1).contains(&ratio);
        let proposal = if is_close { replicas } else { (ratio * f64::from(replicas)).ceil() as u32 };
        // 300 s are 20 syncs, and the recommendation of the first instant is there twice.
        let recent = if recommendations.len() <= 21 { 0 } else { recommendations.len() - 20 };
        let stabilised = recommendations[recent..].iter().copied().fold(proposal, u32::max);
        recommendations.push(proposal);
        replicas = stabilised.min(REPLICAS_MAX.min((2 * replicas).max(4))).max(REPLICAS_MIN);
        series.push(replicas);
    }
    series
}

fn bench(criterion: &mut Criterion, services: u64, syncs: usize) {
    let loads: Vec<Vec<u32>> = (0..services).map(|service| daily_load(service, syncs)).collect();
    let spec = spec();
    let mut series = vec![Vec::new(); loads.len()];
    simulate(&spec, &loads, |service, replicas| series[service].push(replicas));
    for (service, load) in loads.iter().enumerate() {
        assert_eq!(series[service], simulate_plainly(load), "service {service}");
        let changes = series[service].windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(changes > 0, "service {service}: a day without a change tests nothing");
    }
    let mut group = criterion.benchmark_group("hpa");
    group.throughput(Throughput::Elements(services * syncs as u64));
    group.bench_function(format!("{services} services x {syncs} syncs"), |bencher| {
        bencher.iter(|| {
            let mut replica_syncs = 0_u64;
            simulate(&spec, black_box(&loads), |_, replicas| replica_syncs += u64::from(replicas));
            replica_syncs
        });
    });
    group.finish();
}

fn main() {
    let is_smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let mut criterion = Criterion::default().configure_from_args();
    if is_smoke {
        let short = Duration::from_millis(1);
        criterion = criterion.sample_size(10).warm_up_time(short).measurement_time(short);
        bench(&mut criterion, 3, 480);
    } else {
        bench(&mut criterion, 100, 5_760);
    }
    criterion.final_summary();
}
