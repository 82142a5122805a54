//! The exact shortcuts of the solver against `HiGHS`: scaling, fewest moves, and the original's re-placement.
//!
//! * `scaling, slack` and `scaling, tight`: the original's scaling problem with 5 to 5,000 services, where the capacity does not
//!   bind, and where half of what could be given up has to be.
//! * `fewest moves`: 200 problems of 20×5 to 2,000×50 services and clusters, 80 and 95 % full, everything somewhere at
//!   random; how many are proved, and the time of each.
//! * `original's placement`: the original's function on its own inputs, 20×5 to 200×20.
//!
//! Before anything is timed, objectives are compared with those of `HiGHS` (which gets 15 s for a problem of moves and is not
//! asked for a proof then). `SMO_BENCH_SMOKE` set: checked and run once at small sizes. Otherwise about four minutes, most
//! of them in the solver.

#![allow(missing_docs, reason = "serves nobody outside")]
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

use criterion::{BenchmarkGroup, BenchmarkId, Criterion, measurement::WallTime};
use rand::RngExt;
use smo::model::{ClusterId, Resources, ServiceId, Table};
use smo::policy::placement::naive::Inputs;
use smo::policy::placement::nephele_placement::{Version, decide_placement};
use smo::seed::{Seed, Stream};
use smo::solver::fewest_moves::{self, Whole};
use smo::solver::scaling::{Problem, Scaled, Tie, original_prices};
use smo::units::MilliCores;
use std::hint::black_box;
use std::time::{Duration, Instant};

const SEED: Seed = Seed(1);

/// Nodes of the search that a problem of moves may take: about a hundred microseconds.
const NODES: u32 = 200;

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn timed<T>(run: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let value = black_box(run());
    (value, start.elapsed())
}

/// The original's problem with `count` services: requests in steps of 50 m, weights 0.4 and 0.4.
fn scaling_problem(count: usize, is_tight: bool) -> Problem {
    let mut stream = SEED.stream("bench_shortcuts_scaling", count as u64);
    let requests: Vec<u64> = (0..count).map(|_| 50 * stream.random_range(1..=40)).collect();
    let maxima: Vec<u32> = (0..count).map(|_| stream.random_range(2..=20)).collect();
    let prices = original_prices((400, 400), &requests, &maxima).expect("nothing is zero");
    let service = |index: usize| {
        let (running, switching) = prices[index];
        let (most, request) = (maxima[index], requests[index]);
        let (least, present) = (stream.random_range(1..=most), stream.random_range(1..=most));
        Scaled { request, present, least, most, running, switching }
    };
    let services: Vec<Scaled> = (0..count).map(service).collect();
    let of = |replicas: &dyn Fn(&Scaled) -> u32| {
        services.iter().map(|one| one.request * u64::from(replicas(one))).sum::<u64>()
    };
    let (low, high) = (of(&|one| one.least), of(&|one| one.best(Tie::Least)));
    let capacity = if is_tight { u64::midpoint(low, high) } else { high };
    Problem { services: services.into_iter().collect(), capacity, tie: Tie::Least }
}

fn bench_scaling(group: &mut BenchmarkGroup<'_, WallTime>, count: usize, is_tight: bool) {
    let problem = scaling_problem(count, is_tight);
    let answer = problem.solve().expect("what is needed fits");
    let ours = (0..9).map(|_| timed(|| problem.solve()).1).min().unwrap_or_default();
    let theirs = theirs_for_scaling(&problem, answer.cost);
    if let Some(theirs) = theirs {
        let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
        println!("n = {count}: {ours:?} by {}, HiGHS {theirs:?}: {ratio:.0} times", answer.method.name());
    }
    group.bench_function(BenchmarkId::from_parameter(count), |bencher| bencher.iter(|| black_box(&problem).solve()));
}

/// What `HiGHS` takes for the same objective: the fastest of three.
#[cfg(feature = "milp")]
fn theirs_for_scaling(problem: &Problem, cost: u128) -> Option<Duration> {
    use smo::solver::scaling::referee;
    let runs = (0..3).map(|_| {
        let (found, took) = timed(|| referee::solve(problem));
        let found = found.expect("it does not fail").expect("there is an answer");
        let theirs = problem.cost(&found) as f64;
        assert!((theirs - cost as f64).abs() <= 1e-6 * theirs, "{theirs} against {cost}");
        took
    });
    runs.min()
}

#[cfg(not(feature = "milp"))]
fn theirs_for_scaling(_: &Problem, _: u128) -> Option<Duration> {
    None
}

/// Services of 100 m to 4 cores anywhere; equal clusters that together are `fill` full.
fn moves_problem((services, clusters): (u32, u32), fill: f64, seed: u64) -> fewest_moves::Problem {
    let stream = &mut SEED.stream("bench_shortcuts_moves", seed);
    let service = |stream: &mut Stream| Whole {
        need: Resources { cpu: MilliCores(50 * stream.random_range(2..=80)), ..Resources::ZERO },
        home: Some(ClusterId(stream.random_range(0..clusters))),
        ..Whole::default()
    };
    let services: Table<ServiceId, Whole> = (0..services).map(|_| service(stream)).collect();
    let total: u64 = services.values().map(|one| one.need.cpu.0).sum();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of millicores")]
    let each = (total as f64 / fill / f64::from(clusters)) as u64;
    let capacity: Table<ClusterId, Resources> =
        (0..clusters).map(|_| Resources { cpu: MilliCores(each), ..Resources::ZERO }).collect();
    fewest_moves::Problem { kinds: vec![capacity.values().map(|_| true).collect()], capacity, services }
}

/// The objective of `HiGHS` for a problem of moves, whether it is proved, and the time it took.
#[cfg(feature = "milp")]
fn theirs_for_moves(problem: &fewest_moves::Problem) -> Option<(f64, bool, Duration)> {
    use smo::model::plan::Stop;
    use smo::solver::assignment::{Assignment, Demand, Place};
    use smo::solver::milp::{Limits, solve};
    use smo::units::Span;
    let place = |one: &Whole, cluster| Place {
        cluster,
        least: 0,
        most: 1,
        incumbent: u32::from(one.home == Some(cluster)),
        cost: 0.0,
    };
    let demand = |one: &Whole| Demand {
        request: one.need,
        wanted: 1,
        is_single: false,
        places: problem.capacity.ids().map(|cluster| place(one, cluster)).collect(),
    };
    let assignment = Assignment {
        capacity: problem.capacity.clone(),
        demands: problem.services.values().map(demand).collect(),
        start: 1.0,
        activation: 0.0,
        shortage: 1e4,
    };
    let limits = Limits { nodes: u32::MAX, time: Some(Span::seconds(15)), gap: 0.9 };
    let (answer, took) = timed(|| solve(&assignment, &limits));
    let answer = answer.expect("it does not fail");
    let targets = answer.targets?;
    Some((assignment.cost(&targets), answer.stop == Stop::Optimal, took))
}

#[cfg(not(feature = "milp"))]
fn theirs_for_moves(_: &fewest_moves::Problem) -> Option<(f64, bool, Duration)> {
    None
}

type Size = (u32, u32);

/// Proofs and times over many problems, one of each size against `HiGHS`.
fn bench_moves(group: &mut BenchmarkGroup<'_, WallTime>, sizes: &[Size], problems: u64) {
    let kinds: Vec<(Size, f64)> = sizes.iter().flat_map(|size| [(*size, 0.8), (*size, 0.95)]).collect();
    let (mut proved, mut times) = (0, Vec::new());
    for (seed, (size, fill)) in (0..problems).zip(kinds.iter().cycle()) {
        let problem = moves_problem(*size, *fill, seed);
        let is_proved = problem.solve(NODES).is_ok_and(|answer| answer.is_proved());
        // The fastest of five: a neighbour on the same core is not what is measured.
        let took = (0..5).map(|_| timed(|| problem.solve(NODES)).1).min().unwrap_or_default();
        proved += u32::from(is_proved);
        times.push((took, *size, *fill, is_proved));
    }
    times.sort_by_key(|(took, ..)| *took);
    let middle = times[times.len() / 2].0;
    println!("fewest moves: {proved} of {problems} proved; median {middle:?}, longest {:?}", times.last());
    for ((services, clusters), fill) in &kinds {
        let of: Vec<_> =
            times.iter().filter(|(_, size, own, _)| (size, own) == (&(*services, *clusters), fill)).collect();
        let proofs = of.iter().filter(|(.., is_proved)| *is_proved).count();
        let (median, longest) = (of[of.len() / 2].0, of[of.len() - 1].0);
        println!(
            "{services}x{clusters} at {fill}: {proofs} of {} proved, median {median:?}, longest {longest:?}",
            of.len()
        );
        bench_one_size(group, (*services, *clusters), *fill);
    }
}

/// One problem of a size: ours, compared with the solver's answer, then timed.
fn bench_one_size(group: &mut BenchmarkGroup<'_, WallTime>, size: Size, fill: f64) {
    let problem = (1_000..1_100)
        .map(|seed| moves_problem(size, fill, seed))
        .find(|problem| problem.solve(NODES).is_ok_and(|answer| answer.is_proved() && answer.moves > 0));
    let Some(problem) = problem else { return };
    let answer = problem.solve(NODES).expect("it was just solved");
    if let Some((theirs, is_proved, took)) = theirs_for_moves(&problem) {
        println!(
            "  ours {} moves by {}, HiGHS {theirs:.0} in {took:?}, proved: {is_proved}",
            answer.moves,
            answer.method.name()
        );
        assert!(f64::from(answer.moves) <= theirs + 1e-6, "{} moves against {theirs}", answer.moves);
        assert!(
            !is_proved || (f64::from(answer.moves) - theirs).abs() < 1e-6,
            "{} moves against {theirs}",
            answer.moves
        );
    }
    group.bench_function(format!("{}x{} at {fill}", size.0, size.1), |bencher| {
        bencher.iter(|| black_box(&problem).solve(NODES));
    });
}

/// The original's function on its own inputs, with its own matrix.
fn bench_original(group: &mut BenchmarkGroup<'_, WallTime>, size: Size) {
    let problem = moves_problem(size, 0.8, 7);
    let cores = |amount: MilliCores| amount.cores();
    let capacities: Vec<f64> = problem.capacity.values().map(|have| cores(have.cpu)).collect();
    let needs: Vec<f64> = problem.services.values().map(|one| cores(one.need.cpu)).collect();
    let flags = |count: u32| vec![false; count as usize];
    let (accelerated, accelerate, replicas) = (flags(size.1), flags(size.0), vec![1; size.0 as usize]);
    let inputs = Inputs {
        capacities: &capacities,
        accelerated: &accelerated,
        cores: &needs,
        accelerate: &accelerate,
        replicas: &replicas,
    };
    let row =
        |one: &Whole| problem.capacity.ids().map(|cluster| f64::from(u8::from(one.home == Some(cluster)))).collect();
    let current: Vec<Vec<f64>> = problem.services.values().map(row).collect();
    let decide = || decide_placement(black_box(&inputs), Some(&current), Version::Service, 100_000);
    let found = decide().expect("there is an answer");
    assert!(found.is_proved, "{size:?}");
    let ours = (0..9).map(|_| timed(decide).1).min().unwrap_or_default();
    if let Some((theirs, is_proved, took)) = theirs_for_moves(&problem) {
        let objective = theirs + f64::from(size.0);
        println!(
            "{}x{}: {ours:?}, objective {}; HiGHS {took:?}, {objective}, proved: {is_proved}",
            size.0, size.1, found.objective
        );
        assert!(!is_proved || (objective - found.objective).abs() < 1e-6, "{objective} against {}", found.objective);
    }
    group.bench_function(format!("{}x{}", size.0, size.1), |bencher| bencher.iter(decide));
}

fn main() {
    let is_smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    if is_smoke {
        let short = Duration::from_millis(1);
        criterion = criterion.sample_size(10).warm_up_time(short).measurement_time(short);
    }
    let counts: &[usize] = if is_smoke { &[5, 20] } else { &[5, 20, 100, 1_000, 5_000] };
    for (name, is_tight) in [("scaling, slack", false), ("scaling, tight", true)] {
        let mut group = criterion.benchmark_group(name);
        for count in counts {
            bench_scaling(&mut group, *count, is_tight);
        }
        group.finish();
    }
    let sizes: &[Size] =
        if is_smoke { &[(20, 5)] } else { &[(20, 5), (100, 10), (300, 20), (1_000, 20), (1_000, 50), (2_000, 50)] };
    let mut group = criterion.benchmark_group("fewest moves");
    bench_moves(&mut group, sizes, if is_smoke { 10 } else { 200 });
    group.finish();
    let mut group = criterion.benchmark_group("original's placement");
    let sizes: &[Size] = if is_smoke { &[(20, 5)] } else { &[(20, 5), (50, 10), (100, 10), (200, 20)] };
    for size in sizes {
        bench_original(&mut group, *size);
    }
    group.finish();
    criterion.final_summary();
}
