//! Where whole services run, exactly: fewest moves, branch and bound, two clusters and unit flows against trying everything or
//! against each other.
//!
//! Small random problems, the seed in every message. What is compared is the objective and whether there is an answer at
//! all; that an answer keeps its constraints is asked of the problem, in integers.

use rand::RngExt;
use smo::model::{ClusterId, Resources, ServiceId, Table};
use smo::seed::{Seed, Stream};
use smo::solver::{fewest_moves, two_clusters, unit_flow, whole};
use smo::units::{Bytes, MilliCores};
use std::collections::BTreeMap;

fn stream(name: &'static str, seed: u64) -> Stream {
    Seed(seed).stream(name, 0)
}

/// Up to 6 services and 3 clusters, two kinds of service, some newcomers, some counted twice where `doubles`.
fn moves_problem(stream: &mut Stream, doubles: bool) -> fewest_moves::Problem {
    let clusters = stream.random_range(1..=3u32);
    let capacity: Table<ClusterId, Resources> = (0..clusters).map(|_| resources(stream, 12)).collect();
    let kinds =
        vec![capacity.values().map(|_| true).collect(), capacity.values().map(|_| stream.random_bool(0.6)).collect()];
    let service = |stream: &mut Stream| {
        let home = stream.random_bool(0.8).then(|| ClusterId(stream.random_range(0..clusters)));
        let more_homes = if doubles && home.is_some() && stream.random_bool(0.3) {
            vec![ClusterId(stream.random_range(0..clusters))]
        } else {
            Vec::new()
        };
        fewest_moves::Whole { need: resources(stream, 5), home, more_homes, kind: usize::from(stream.random_bool(0.3)) }
    };
    let services = (0..stream.random_range(1..=6)).map(|_| service(stream)).collect();
    fewest_moves::Problem { capacity, services, kinds }
}

fn resources(stream: &mut Stream, most: u64) -> Resources {
    let memory = if stream.random_bool(0.5) { most } else { stream.random_range(0..=most) };
    Resources { cpu: MilliCores(stream.random_range(0..=most)), memory: Bytes(memory), gpu: 0, pods: most / 2 }
}

/// All ways to put `services` services into `clusters` clusters.
fn for_each_placement(services: usize, clusters: usize, judge: &mut dyn FnMut(&Table<ServiceId, ClusterId>)) {
    let count = clusters.pow(u32::try_from(services).unwrap());
    for mut code in 0..count {
        let place = |_| {
            let cluster = code % clusters;
            code /= clusters;
            ClusterId(u32::try_from(cluster).unwrap())
        };
        judge(&(0..services).map(place).collect());
    }
}

#[test]
fn fewest_moves_are_as_few_as_by_trying_everything() {
    let mut methods = BTreeMap::<fewest_moves::Method, u32>::new();
    let mut infeasible = 0;
    for seed in 0..2_000 {
        let problem = moves_problem(&mut stream("moves", seed), seed % 4 == 0);
        let mut best: Option<u32> = None;
        for_each_placement(problem.services.len(), problem.capacity.len(), &mut |places| {
            if problem.admits(places) {
                let moves = problem.moves(places);
                best = Some(best.map_or(moves, |best| best.min(moves)));
            }
        });
        match problem.solve(100_000) {
            Ok(answer) => {
                assert_eq!(Some(answer.moves), best, "{seed}: {problem:?}");
                assert!(answer.is_proved(), "{seed}: {answer:?}");
                assert_eq!(problem.moves(&answer.places), answer.moves, "{seed}");
                *methods.entry(answer.method).or_default() += 1;
            }
            Err(error) => {
                assert_eq!(error, fewest_moves::NoAnswer::Infeasible, "{seed}");
                assert_eq!(best, None, "{seed}: {problem:?}");
                infeasible += 1;
            }
        }
    }
    assert!(infeasible > 100 && methods.len() >= 3, "{infeasible} {methods:?}");
}

/// Two clusters with one resource, and services of one size: decided by table and flow where there is no certificate, with
/// services that are counted twice, too.
#[test]
fn two_clusters_and_equal_services_are_always_proved() {
    let mut methods = BTreeMap::<fewest_moves::Method, u32>::new();
    for seed in 0..2_000 {
        let stream = &mut stream("special", seed);
        let mut problem = moves_problem(stream, true);
        let size = resources(stream, 4);
        for (_, service) in problem.services.iter_mut() {
            service.need = match seed % 2 {
                0 => size,
                _ => Resources { cpu: service.need.cpu, ..Resources::ZERO },
            };
        }
        let mut best: Option<u32> = None;
        for_each_placement(problem.services.len(), problem.capacity.len(), &mut |places| {
            if problem.admits(places) {
                best = Some(best.map_or(u32::MAX, |best| best).min(problem.moves(places)));
            }
        });
        let answer = problem.solve(100_000).ok();
        assert_eq!(answer.as_ref().map(|answer| answer.moves), best, "{seed}: {problem:?}");
        if let Some(answer) = answer {
            assert!(answer.is_proved(), "{seed}: {answer:?}");
            *methods.entry(answer.method).or_default() += 1;
        }
    }
    let used = |method| methods.get(&method).is_some_and(|count| *count > 5);
    assert!(used(fewest_moves::Method::Table) && used(fewest_moves::Method::Flow), "{methods:?}");
}

fn whole_problem(stream: &mut Stream) -> whole::Problem {
    let moves = moves_problem(stream, false);
    let mut cost = |open: bool| open.then(|| stream.random_range(-9..=9));
    let costs = moves
        .services
        .ids()
        .map(|service| moves.kinds[moves.services[service].kind].values().map(|open| cost(*open)).collect());
    let costs = costs.collect();
    whole::Problem { capacity: moves.capacity, needs: moves.services.values().map(|one| one.need).collect(), costs }
}

#[test]
fn branch_and_bound_is_as_good_as_trying_everything() {
    for seed in 0..1_000 {
        let problem = whole_problem(&mut stream("whole", seed));
        let mut best: Option<i64> = None;
        for_each_placement(problem.needs.len(), problem.capacity.len(), &mut |places| {
            best = problem.cost(places).into_iter().chain(best).min();
        });
        let answer = problem.solve(None, 1_000_000);
        assert_eq!(
            answer.as_ref().ok().map(|answer| (answer.cost, answer.bound)),
            best.map(|best| (best, best)),
            "{seed}: {problem:?}"
        );
        if let Ok(answer) = answer {
            // Asked again from there, it stays there.
            assert_eq!(problem.solve(Some(&answer.places), 1_000_000), Ok(answer), "{seed}");
        }
    }
}

#[test]
fn two_clusters_are_decided_as_by_branch_and_bound() {
    let mut answered = 0;
    for seed in 0..1_000 {
        let stream = &mut stream("two_clusters", seed);
        let services: Vec<two_clusters::Choice> = (0..stream.random_range(1..=8))
            .map(|_| two_clusters::Choice {
                need: 250 * stream.random_range(0..=6),
                costs: [0, 1].map(|_| stream.random_bool(0.9).then(|| stream.random_range(-9..=9))),
            })
            .collect();
        let capacity = [250 * stream.random_range(0..=20), 250 * stream.random_range(0..=20)];
        let cores = |amount: u64| Resources { cpu: MilliCores(amount), ..Resources::ZERO };
        let problem = whole::Problem {
            capacity: capacity.map(cores).into_iter().collect(),
            needs: services.iter().map(|one| cores(one.need)).collect(),
            costs: services.iter().map(|one| one.costs.into_iter().collect()).collect(),
        };
        let wanted = problem.solve(None, 1_000_000).ok().map(|answer| answer.cost);
        let found = two_clusters::solve(&services, capacity).ok();
        let places = found.map(|second| second.into_iter().map(|second| ClusterId(u32::from(second))).collect());
        assert_eq!(places.and_then(|places| problem.cost(&places)), wanted, "{seed}: {services:?} {capacity:?}");
        answered += u32::from(wanted.is_some());
    }
    assert!(answered > 300, "only {answered} have an answer");
}

#[test]
fn flows_are_as_cheap_as_by_branch_and_bound() {
    let mut answered = 0;
    for seed in 0..1_000 {
        let stream = &mut stream("unit_flow", seed);
        let clusters = stream.random_range(1..=4);
        let places: Table<ClusterId, u32> = (0..clusters).map(|_| stream.random_range(0..=4)).collect();
        let wanted: Table<ServiceId, u32> =
            (0..stream.random_range(1..=4)).map(|_| stream.random_range(0..=3)).collect();
        let costs: Table<ServiceId, Table<ClusterId, Option<i64>>> = wanted
            .values()
            .map(|_| places.values().map(|_| stream.random_bool(0.8).then(|| stream.random_range(-9..=9))).collect())
            .collect();
        let pods = |count: u32| Resources { pods: count.into(), ..Resources::ZERO };
        let one_by_one: Vec<ServiceId> =
            wanted.iter().flat_map(|(service, count)| std::iter::repeat_n(service, *count as usize)).collect();
        let problem = whole::Problem {
            capacity: places.values().map(|count| pods(*count)).collect(),
            needs: one_by_one.iter().map(|_| pods(1)).collect(),
            costs: one_by_one.iter().map(|service| costs[*service].clone()).collect(),
        };
        let best = problem.solve(None, 1_000_000).ok().map(|answer| i128::from(answer.cost));
        let flow = unit_flow::Problem { places, wanted, costs };
        let found = flow.solve().and_then(|counts| flow.cost(&counts));
        assert_eq!(found, best, "{seed}: {flow:?}");
        answered += u32::from(best.is_some());
    }
    assert!(answered > 300, "only {answered} have an answer");
}

/// More capacity never makes more moves, and another order of services changes nothing.
#[test]
fn moves_are_as_they_should_be_when_the_question_changes() {
    for seed in 0..1_000 {
        let problem = moves_problem(&mut stream("moves_changes", seed), false);
        let Ok(answer) = problem.solve(100_000) else { continue };
        let more = problem.capacity.values().map(|have| *have + resources(&mut stream("more", seed), 3));
        let more = fewest_moves::Problem { capacity: more.collect(), ..problem.clone() };
        assert!(more.solve(100_000).unwrap().moves <= answer.moves, "{seed}");
        let turned =
            fewest_moves::Problem { services: problem.services.values().rev().cloned().collect(), ..problem.clone() };
        assert_eq!(turned.solve(100_000).unwrap().moves, answer.moves, "{seed}");
    }
}
