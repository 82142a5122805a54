//! How many replicas, exactly: the closed form and the knapsack's methods against trying everything, against each other, and
//! against `HiGHS`.
//!
//! Small random problems, the seed in every message. What is compared is the objective and whether there is an answer at
//! all; that an answer keeps its constraints is asked of the problem, in integers.

use rand::RngExt;
use smo::model::{Resources, ServiceId, Table};
use smo::seed::{Seed, Stream};
use smo::solver::scaling::cover::{self, Item};
use smo::solver::scaling::{Method, Problem, Scaled, Tie, original_prices, several, tables};
use smo::units::{Bytes, MilliCores};
use std::collections::BTreeMap;

fn stream(name: &'static str, seed: u64) -> Stream {
    Seed(seed).stream(name, 0)
}

/// Up to `services` services; sizes from a few or from many, prices those of the original or anything.
fn scaling_problem(stream: &mut Stream, services: u32, replicas: u32) -> Problem {
    let count = stream.random_range(1..=services) as usize;
    let step = if stream.random_bool(0.5) { 250 } else { 1 };
    let requests: Vec<u64> = (0..count).map(|_| step * stream.random_range(1..=2_000 / step)).collect();
    let maxima: Vec<u32> = (0..count).map(|_| stream.random_range(1..=replicas)).collect();
    let prices = if stream.random_bool(0.5) {
        original_prices((stream.random_range(0..=1_000), stream.random_range(0..=1_000)), &requests, &maxima)
            .expect("nothing is zero")
    } else {
        (0..count).map(|_| (stream.random_range(0..=9), stream.random_range(0..=30))).collect()
    };
    let scaled = |index: usize| {
        let most = maxima[index];
        let least = stream.random_range(0..=most);
        let present = stream.random_range(0..=most + 1);
        let (running, switching) = prices[index];
        Scaled { request: requests[index], present, least, most, running, switching }
    };
    let scaled: Vec<Scaled> = (0..count).map(scaled).collect();
    let tie = if stream.random_bool(0.5) { Tie::Least } else { Tie::Present };
    let of = |count: &dyn Fn(&Scaled) -> u32| scaled.iter().map(|one| one.request * u64::from(count(one))).sum::<u64>();
    let (low, high) = (of(&|one| one.least), of(&|one| one.best(tie)));
    // Mostly between what is needed and what is wanted, where the capacity binds.
    let capacity = match stream.random_range(0..10) {
        0 => low.saturating_sub(1),
        1 | 2 => high,
        _ => stream.random_range(low..=high.max(low)),
    };
    Problem { services: scaled.into_iter().collect(), capacity, tie }
}

fn try_all_scalings(problem: &Problem, chosen: &mut Vec<u32>, best: &mut Option<u128>) {
    if chosen.len() == problem.services.len() {
        let replicas: Table<ServiceId, u32> = chosen.iter().copied().collect();
        if problem.admits(&replicas) {
            let cost = problem.cost(&replicas);
            *best = Some(best.map_or(cost, |best| best.min(cost)));
        }
        return;
    }
    let one = problem.services[ServiceId(u32::try_from(chosen.len()).unwrap())];
    for replicas in one.least..=one.most {
        chosen.push(replicas);
        try_all_scalings(problem, chosen, best);
        chosen.pop();
    }
}

#[test]
fn the_closed_form_is_as_good_as_trying_everything() {
    let mut methods = BTreeMap::<Method, u32>::new();
    let mut infeasible = 0;
    for seed in 0..1_000 {
        let problem = scaling_problem(&mut stream("scaling", seed), 4, 5);
        let mut best = None;
        try_all_scalings(&problem, &mut Vec::new(), &mut best);
        let answer = problem.solve().ok();
        assert_eq!(answer.as_ref().map(|answer| answer.cost), best, "{seed}: {problem:?}");
        match answer {
            Some(answer) => {
                assert!(problem.admits(&answer.replicas), "{seed}");
                *methods.entry(answer.method).or_default() += 1;
            }
            None => infeasible += 1,
        }
    }
    assert!(infeasible > 20 && methods.len() >= 4, "{infeasible} {methods:?}");
}

/// 1,000 problems of up to 30 services: the same verdict and the same objective.
#[cfg(feature = "milp")]
#[test]
fn the_closed_form_is_as_good_as_highs() {
    use smo::solver::scaling::referee;
    for seed in 0..1_000 {
        let problem = scaling_problem(&mut stream("scaling_highs", seed), 30, 20);
        let theirs = referee::solve(&problem).unwrap_or_else(|error| panic!("{seed}: {error}"));
        let ours = problem.solve().ok();
        assert_eq!(ours.is_some(), theirs.is_some(), "{seed}: {problem:?}");
        if let (Some(ours), Some(theirs)) = (ours, theirs) {
            let (ours, theirs) = (ours.cost as f64, problem.cost(&theirs) as f64);
            assert!((ours - theirs).abs() <= 1e-6 * theirs.max(1.0), "{seed}: {ours} against {theirs}");
        }
    }
}

#[test]
fn all_methods_for_the_knapsack_agree() {
    let mut methods = BTreeMap::<Method, u32>::new();
    for seed in 0..1_000 {
        let stream = &mut stream("knapsack", seed);
        let sizes: u64 = if stream.random_bool(0.3) { 1 } else { stream.random_range(2..=60) };
        let step = stream.random_range(1..=50);
        let items: Vec<Item> = (0..stream.random_range(1..=40))
            .map(|_| Item {
                size: step * stream.random_range(1..=sizes),
                price: stream.random_range(0..=300),
                count: stream.random_range(1..=9),
            })
            .collect();
        let all: u128 = items.iter().map(|item| u128::from(item.size) * u128::from(item.count)).sum();
        let needed = stream.random_range(0..=all);
        let cost = |counts: &[u32]| -> u128 {
            let freed: u128 =
                items.iter().zip(counts).map(|(item, count)| u128::from(item.size) * u128::from(*count)).sum();
            assert!(freed >= needed, "{seed}: {freed} of {needed}");
            assert!(items.iter().zip(counts).all(|(item, count)| *count <= item.count), "{seed}");
            items.iter().zip(counts).map(|(item, count)| u128::from(item.price) * u128::from(*count)).sum()
        };
        let (chosen, method) = cover::cheapest(&items, needed);
        *methods.entry(method).or_default() += 1;
        let best = cost(&tables::plain(&items, needed));
        assert_eq!(cost(&chosen), best, "{seed} by {method:?}: {items:?} for {needed}");
        assert_eq!(cost(&tables::few_sizes(&items, needed)), best, "{seed}: {items:?} for {needed}");
        if needed > 0 {
            let order = cover::by_rate(&items);
            let core = smo::solver::scaling::core::Search::new(&items, &order, needed).run();
            assert_eq!((cost(&core.0), core.1), (best, true), "{seed}: {items:?} for {needed}");
        }
    }
    assert!(methods.len() >= 4, "{methods:?}");
}

/// Sizes of nine digits without a common divisor and prices that differ from them by little: more states than are kept, and a
/// table that no memory holds. What is said then is kept: at most the price of one unit above the relaxation.
#[test]
fn an_answer_that_is_not_proved_says_so_and_is_near() {
    let mut unproved = 0;
    for seed in 0..8 {
        let stream = &mut stream("hard_knapsack", seed);
        let item = |_| {
            let size = stream.random_range(100_000_000..999_999_999);
            Item { size, price: size + 100_000_000, count: stream.random_range(1..=3) }
        };
        let items: Vec<Item> = (0..60).map(item).collect();
        let all: u128 = items.iter().map(|item| u128::from(item.size) * u128::from(item.count)).sum();
        let needed = all / 2;
        let (counts, method) = cover::cheapest(&items, needed);
        let total = |of: &dyn Fn(&Item) -> u64| -> u128 {
            items.iter().zip(&counts).map(|(item, count)| u128::from(of(item)) * u128::from(*count)).sum()
        };
        assert!(total(&|item| item.size) >= needed, "{seed}");
        let greedy = cover::Greedy::new(&items, &cover::by_rate(&items), needed);
        let dearest = u128::from(items.iter().map(|item| item.price).max().unwrap());
        let cost = total(&|item| item.price);
        assert!(cost <= greedy.cost && cost + dearest >= greedy.cost, "{seed}: {cost}, greedy {}", greedy.cost);
        unproved += u32::from(method == Method::Unproved);
    }
    assert!(unproved > 0, "none of these is hard");
}

#[test]
fn several_resources_are_as_good_as_trying_everything() {
    let mut searched = 0;
    for seed in 0..2_000 {
        let stream = &mut stream("several", seed);
        let one = scaling_problem(stream, 4, 5);
        let request = |stream: &mut Stream| Resources {
            cpu: MilliCores(stream.random_range(0..=4)),
            memory: Bytes(stream.random_range(0..=4)),
            gpu: 0,
            pods: 1,
        };
        let services: Table<ServiceId, (Resources, Scaled)> =
            one.services.values().map(|one| (request(stream), *one)).collect();
        let capacity = Resources {
            cpu: MilliCores(stream.random_range(0..=30)),
            memory: Bytes(stream.random_range(0..=30)),
            gpu: 0,
            pods: stream.random_range(2..=20),
        };
        let problem = several::Problem { services, capacity, tie: one.tie };
        let mut best = None;
        try_all_several(&problem, &mut Vec::new(), &mut best);
        let answer = problem.solve(several::NODES).ok();
        assert_eq!(answer.as_ref().map(|answer| answer.cost), best, "{seed}: {problem:?}");
        if let Some(answer) = answer {
            assert_eq!(answer.bound, answer.cost, "{seed}");
            searched += u32::from(answer.method.is_none());
        }
    }
    assert!(searched > 50, "only {searched} problems have two resources that are short");
}

fn try_all_several(problem: &several::Problem, chosen: &mut Vec<u32>, best: &mut Option<u128>) {
    if chosen.len() == problem.services.len() {
        let taken: Resources = problem
            .services
            .values()
            .zip(&*chosen)
            .map(|((request, _), count)| request.repeated((*count).into()))
            .sum();
        if problem.capacity.fits(taken) {
            let cost = problem.services.values().zip(&*chosen).map(|((_, one), count)| one.cost(*count)).sum();
            *best = Some(best.map_or(cost, |best: u128| best.min(cost)));
        }
        return;
    }
    let (_, one) = problem.services[ServiceId(u32::try_from(chosen.len()).unwrap())];
    for replicas in one.least..=one.most {
        chosen.push(replicas);
        try_all_several(problem, chosen, best);
        chosen.pop();
    }
}

/// More capacity never costs more; other names change nothing; prices of ten times the size make an objective of ten times.
#[test]
fn scaling_answers_as_it_should_when_the_question_changes() {
    for seed in 0..500 {
        let problem = scaling_problem(&mut stream("scaling_changes", seed), 12, 12);
        let Ok(answer) = problem.solve() else { continue };
        let more = Problem { capacity: problem.capacity + 300, ..problem.clone() };
        assert!(more.solve().unwrap().cost <= answer.cost, "{seed}");
        let turned = Problem { services: problem.services.values().rev().copied().collect(), ..problem.clone() };
        assert_eq!(turned.solve().unwrap().cost, answer.cost, "{seed}");
        let dearer = problem.services.values().map(|one| Scaled {
            running: one.running * 10,
            switching: one.switching * 10,
            ..*one
        });
        let dearer = Problem { services: dearer.collect(), ..problem.clone() };
        assert_eq!(dearer.solve().unwrap().cost, answer.cost * 10, "{seed}");
    }
}
