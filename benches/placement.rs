//! Placement under a deadline: our tiers against `HiGHS` alone, joint placement and replicas, and mending after a change.
//!
//! * `costed`: services of one replica each, a price drawn for every pair of service and cluster, 0.3 less where the service is
//!   already. The instances of the literature's generalized assignment, as `docs` call them: how near to the bound after 0.05,
//!   0.5 and 5 s, beside `HiGHS` on the same problem, cold, with the same deadline.
//! * `joint`: where and how many at once, clusters of three speeds, chains of five services with a price for every call that
//!   crosses clusters, a price for using a cluster.
//! * `mend`: one service or one cluster changes in a solved problem of 1,000 × 50.
//!
//! Answers are counted again in integers and bounds compared with answers before anything is printed. What is timed by
//! criterion is mending; deadlines are kept by the solver itself, and the table tells what was reached.
//! `SMO_BENCH_SMOKE` set: small sizes, short deadlines.

#![allow(missing_docs, reason = "serves nobody outside")]
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use criterion::{Criterion, criterion_group};
use rand::RngExt;
use smo::seed::{Seed, Stream};
use smo::solver::anytime::problem::{Place, Problem, Service, index};
use smo::solver::anytime::social::Pair;
use smo::solver::anytime::{Answer, Effort, Hint, Tiers, mend, solve};
use smo::units::Span;
use std::hint::black_box;
use std::time::{Duration, Instant};

const SEED: Seed = Seed(7);
const WORK: u32 = 1_000_000_000;

fn is_smoke() -> bool {
    std::env::var_os("SMO_BENCH_SMOKE").is_some()
}

fn effort(seconds: f64, tiers: Tiers) -> Effort {
    Effort { nodes: u32::MAX, steps: u64::MAX, time: Some(Span::from_seconds_f64(seconds)), gap: 0.0, tiers }
}

/// 250 m to 16 cores a service; clusters of 0.5 to 1.5 of the usual size, so large that `fill` of all is wanted.
fn costed(services: usize, clusters: usize, fill: f64) -> Problem {
    let mut stream = SEED.stream("bench_placement_costed", 0);
    let core = [250, 500, 1_000, 2_000];
    let sizes: Vec<u64> = (0..services).map(|_| core[stream.random_range(0..4)] * stream.random_range(1..=8)).collect();
    let mut problem =
        Problem::with_clusters(1, shares(&mut stream, (clusters, fill), sizes.iter().sum()), vec![0.0; clusters]);
    let homes = first_fit(&mut stream, &sizes, problem.capacity.clone());
    for (size, home) in sizes.iter().zip(homes) {
        let cost = |stream: &mut Stream, cluster| stream.random::<f64>() - if home == cluster { 0.3 } else { 0.0 };
        let place = |stream: &mut Stream, cluster: u32| Place {
            cluster,
            least: 0,
            most: 1,
            incumbent: 0,
            yields: 1,
            cost: cost(stream, cluster as usize),
            start: 0.0,
        };
        let places: Vec<Place> = (0..index(clusters)).map(|cluster| place(&mut stream, cluster)).collect();
        let service = Service { first: 0, end: 0, demand: 1, is_single: true, shortage: 1_000.0 };
        problem.push(service, &[*size], &places);
    }
    problem
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "capacities are positive and small")]
fn shares(stream: &mut Stream, (clusters, fill): (usize, f64), all: u64) -> Vec<u64> {
    let weights: Vec<f64> = (0..clusters).map(|_| 0.5 + stream.random::<f64>()).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| (all as f64 / fill * weight / sum) as u64).collect()
}

/// A random cluster with room for each service, the largest first.
fn first_fit(stream: &mut Stream, sizes: &[u64], mut free: Vec<u64>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(sizes[*at]));
    let mut homes = vec![0; sizes.len()];
    for at in order {
        let start = stream.random_range(0..free.len());
        let clusters = (start..start + free.len()).map(|cluster| cluster % free.len());
        if let Some(home) = clusters.into_iter().find(|cluster| free[*cluster] >= sizes[at]) {
            free[home] -= sizes[at];
            homes[at] = home;
        }
    }
    homes
}

/// Two resources; a cluster's speed makes its cores dearer and replicas fewer. Every fifth service begins a chain.
fn joint(services: usize, clusters: usize, fill: f64) -> Problem {
    let mut stream = SEED.stream("bench_placement_joint", 0);
    let speed: Vec<f64> = (0..clusters).map(|_| [1.0, 1.3, 1.7][stream.random_range(0..3)]).collect();
    let price: Vec<f64> = speed.iter().map(|speed| 0.04 * stream.random_range(0.7..1.3) * speed).collect();
    let rows: Vec<(f64, f64, [u64; 2])> = (0..services)
        .map(|_| {
            let request = [250 * stream.random_range(1..=8), 256 * stream.random_range(1..=16)];
            (stream.random_range(20.0..500.0), stream.random_range(10.0..50.0), request)
        })
        .collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "replicas are positive and few")]
    let need =
        |service: usize, cluster: usize| (rows[service].0 * 1.2 / (rows[service].1 * speed[cluster])).ceil() as u32;
    let usual =
        |service: usize| (0..clusters).map(|cluster| u64::from(need(service, cluster))).sum::<u64>() / clusters as u64;
    let all = |k: usize| (0..services).map(|service| rows[service].2[k] * usual(service)).sum::<u64>();
    let cores = shares(&mut stream, (clusters, fill), all(0));
    let memory = cores.iter().map(|cores| cores * all(1) / all(0));
    let capacity = cores.iter().zip(memory).flat_map(|(cores, memory)| [*cores, memory]).collect();
    let mut problem = Problem::with_clusters(2, capacity, vec![0.5; clusters]);
    for (service, (_, _, request)) in rows.iter().enumerate() {
        let home = stream.random_range(0..clusters);
        let place = |cluster: usize| {
            let most = need(service, cluster);
            let incumbent = if cluster == home { most } else { 0 };
            let cost = price[cluster] * request[0] as f64 / 1e3;
            Place { cluster: index(cluster), least: 0, most, incumbent, yields: WORK.div_ceil(most), cost, start: 0.02 }
        };
        let places: Vec<Place> = (0..clusters).map(place).collect();
        let row = Service { first: 0, end: 0, demand: WORK, is_single: true, shortage: 1e-3 };
        problem.push(row, request, &places);
    }
    let apart = |at: usize| f64::from(u8::from(at / clusters != at % clusters));
    problem.rules.distances.push((0..clusters * clusters).map(apart).collect());
    for service in (1..services).filter(|service| service % 5 != 0) {
        let weight = stream.random_range(0.02..0.22);
        problem.rules.pairs.push(Pair { from: index(service - 1), to: index(service), distance: 0, weight });
    }
    problem
}

/// Seconds that this thread was on a core, where the system tells it (Linux): on a busy machine far less than went by.
fn on_core() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// The answer within a deadline, checked; how long it took, and how much of that on a core.
fn within(problem: &Problem, seconds: f64, tiers: Tiers) -> (Answer, [f64; 2]) {
    let (start, core) = (now(), on_core());
    let answer = solve(problem, &Hint::default(), &effort(seconds, tiers));
    let took = [start.elapsed().as_secs_f64(), on_core() - core];
    assert!(problem.admits(&answer.counts), "an answer that breaks a constraint");
    assert!((problem.cost(&answer.counts) - answer.objective).abs() < 1e-6, "an answer that costs something else");
    assert!(answer.bound <= answer.objective + 1e-6, "a bound above an answer");
    (answer, took)
}

#[expect(clippy::disallowed_methods, reason = "a bench measures")]
fn now() -> Instant {
    Instant::now()
}

fn line(name: &str, (answer, [took, core]): &(Answer, [f64; 2])) {
    let gap = (answer.objective - answer.bound) / answer.objective.abs().max(1e-9) * 100.0;
    let Answer { objective, bound, tier, .. } = answer;
    println!(
        "{name}: {objective:.4}, bound {bound:.4}, gap {gap:.3} %, {took:.2} s ({core:.2} s on a core), tier {tier}"
    );
}

fn costed_table() {
    let sizes: &[(usize, usize, f64)] = if is_smoke() {
        &[(60, 6, 0.8)]
    } else {
        &[(300, 20, 0.8), (300, 20, 0.95), (1_000, 50, 0.8), (1_000, 50, 0.95), (2_000, 50, 0.95)]
    };
    let deadlines: &[f64] = if is_smoke() { &[0.05] } else { &[0.05, 0.3, 0.5, 2.0, 3.0, 5.0] };
    for (services, clusters, fill) in sizes {
        let problem = costed(*services, *clusters, *fill);
        for seconds in deadlines {
            let ours = within(&problem, *seconds, Tiers::All);
            line(&format!("{services}×{clusters} at {fill}, {seconds} s, all tiers"), &ours);
            #[cfg(feature = "milp")]
            if [0.05, 0.5, 5.0].contains(seconds) {
                beside_highs(&problem, *seconds, ours.0.objective);
            }
        }
    }
}

/// The same deadline for `HiGHS` alone: never a better answer than ours.
#[cfg(feature = "milp")]
fn beside_highs(problem: &Problem, seconds: f64, ours: f64) {
    let limits =
        smo::solver::anytime::exact::Limits { nodes: u32::MAX, time: Some(Duration::from_secs_f64(seconds)), gap: 0.0 };
    let start = now();
    let found = smo::solver::anytime::exact::solve(problem, &limits);
    let took = start.elapsed().as_secs_f64();
    let counts = found.and_then(|found| found.counts).filter(|counts| problem.admits(counts));
    match counts.map(|counts| problem.cost(&counts)) {
        Some(cost) => {
            let verdict = if ours <= cost + 1e-6 { "ours is as good or better" } else { "OURS IS WORSE" };
            println!("    HiGHS alone: {cost:.4} in {took:.2} s; {verdict}");
        }
        None => println!("    HiGHS alone: no usable answer in {took:.2} s"),
    }
}

fn joint_table() {
    let sizes: &[(usize, usize, f64)] = if is_smoke() { &[(20, 4, 0.1)] } else { &[(200, 10, 1.0), (400, 20, 3.0)] };
    for (services, clusters, seconds) in sizes {
        for fill in [0.7, 0.85] {
            let answer = within(&joint(*services, *clusters, fill), *seconds, Tiers::All);
            line(&format!("joint {services}×{clusters} at {fill}, {seconds} s"), &answer);
        }
    }
}

fn bench_mend(criterion: &mut Criterion) {
    let (services, clusters) = if is_smoke() { (60, 6) } else { (1_000, 50) };
    let mut problem = costed(services, clusters, 0.8);
    let search = Effort { nodes: 0, steps: 2_000_000, time: None, gap: 0.0, tiers: Tiers::Search };
    let before = solve(&problem, &Hint::default(), &search);
    let hint = Hint { answers: vec![before.counts], prices: before.prices };
    problem.request[services / 2] *= 2;
    let changed = [index(services / 2)];
    let (mended, anew) = (mend(&problem, &hint, (&changed, &search)), solve(&problem, &Hint::default(), &search));
    let worse = (mended.objective - anew.objective) / anew.objective.abs().max(1e-9);
    println!("mend {services}×{clusters}: {:.3} % worse than from nothing", worse * 100.0);
    assert!(problem.admits(&mended.counts) && worse < 0.005, "mending loses more than half a percent");
    let core = on_core();
    (0..20).for_each(|_| drop(black_box(mend(&problem, &hint, (&changed, &search)))));
    println!("mend {services}×{clusters}: {:.2} ms on a core", (on_core() - core) / 20.0 * 1e3);
    criterion.bench_function(&format!("mend {services}x{clusters}"), |bencher| {
        bencher.iter(|| mend(black_box(&problem), &hint, (&changed, &search)));
    });
}

fn config() -> Criterion {
    let criterion = Criterion::default().sample_size(20);
    let short = Duration::from_millis(1);
    if is_smoke() { criterion.sample_size(10).warm_up_time(short).measurement_time(short) } else { criterion }
}

criterion_group!(name = mending; config = config(); targets = bench_mend);

fn main() {
    costed_table();
    joint_table();
    mending();
    Criterion::default().configure_from_args().final_summary();
}
