//! The solver against the plainest of all methods: trying everything.

use crate::policies::{decide, place, policy};
use crate::worlds::{cluster, random as random_world, request, service, targets, world};
use rand::RngExt;
use smo::model::plan::{Stop, Target};
use smo::model::{ClusterId, Plan, Resources, ServiceId, Table, Targets};
use smo::seed::{Seed, Stream};
use smo::solver::assignment::{Assignment, Demand, Place};
use smo::solver::milp::{Limits, solve};
use smo::solver::separable;
use smo::units::{Bytes, MilliCores};
use std::collections::BTreeMap;

const EXACT: Limits = Limits { nodes: 100_000, time: None, gap: 0.0 };

#[test]
fn answers_are_as_cheap_as_the_best_of_all_assignments() {
    for seed in 0..120 {
        let problem = random(&mut Seed(seed).stream("assignment", 0), 40);
        let answer = solve(&problem, &EXACT).unwrap_or_else(|error| panic!("{seed}: {error}"));
        let targets = answer.targets.expect("small problems have answers");
        let (found, best) = (problem.cost(&targets), cheapest(&problem));
        assert!((found - best).abs() < 1e-6, "{seed}: {found} instead of {best}: {problem:?}");
        assert!((answer.bound - best).abs() < 1e-6, "{seed}: bound {} of {best}", answer.bound);
        assert_eq!(answer.stop, Stop::Optimal, "{seed}");
    }
}

#[test]
fn the_same_problem_has_the_same_answer() {
    for seed in 0..20 {
        let problem = random(&mut Seed(seed).stream("assignment", 1), 40);
        let once = solve(&problem, &EXACT);
        assert_eq!(once, solve(&problem, &EXACT), "{seed}");
    }
}

/// The shortcut either answers as well as trying everything does, or leaves the problem to the solver.
#[test]
fn services_that_do_not_compete_are_placed_best_one_by_one() {
    let mut answered = 0u32;
    for seed in 0..120 {
        let problem = random(&mut Seed(seed).stream("assignment", 2), 160);
        if let Some(targets) = separable::solve(&problem) {
            answered += 1;
            let (found, best) = (problem.cost(&targets), cheapest(&problem));
            assert!((found - best).abs() < 1e-9, "{seed}: {found} instead of {best}: {problem:?}");
        }
    }
    assert!(answered > 30, "only {answered} problems put this to the test");
}

/// Two replicas of 1 core at 0.04 $ an hour. A cluster at 0.03 $ saves 0.01 $ each, less than a move's 0.02 $; one at
/// 0.01 $ saves 0.03 $. Once they have moved the objective is 2 · 0.01 $, before it is 0.04 $ more.
#[test]
fn milp_moves_when_it_pays_and_reports_a_bound() {
    let clusters = vec![cluster("dear", 1, 4.0, 4), cluster("cheap", 1, 4.0, 4)];
    let mut snapshot = world(clusters, vec![service("web", request(1.0, 1), 2)]);
    snapshot.targets = targets(&[(0, 0, 2)]);
    let mut policy = policy("milp+static");
    snapshot.clusters[ClusterId(1)].price_per_core_hour = 0.03;
    assert_eq!(decide(&mut *policy, &snapshot).targets, targets(&[(0, 0, 2)]));
    snapshot.clusters[ClusterId(1)].price_per_core_hour = 0.01;
    for objective in [0.06, 0.02] {
        let plan = decide(&mut *policy, &snapshot);
        assert_eq!(plan.targets, targets(&[(0, 1, 2)]));
        let quality = plan.quality.expect("milp knows its quality");
        assert!((quality.objective - objective).abs() < 1e-5, "{quality:?}");
        assert!(quality.gap().is_some_and(|gap| gap < 1e-3), "{quality:?}");
        snapshot.targets = plan.targets;
    }
}

/// 8 cores and 12 GiB are wanted, which is all there is: one of each in each cluster. Greedy puts both wide replicas into
/// `a`, where their cores leave 4 GiB stranded, both tall ones into `b`, and has no core and no memory together for the rest.
#[test]
fn milp_finds_the_packing_that_greedy_misses() {
    let clusters = vec![cluster("a", 1, 4.0, 6), cluster("b", 1, 4.0, 6)];
    let services = [("wide", 2.0, 1), ("tall", 1.0, 3), ("rest", 1.0, 2)];
    let services = services.map(|(name, cores, gib)| service(name, request(cores, gib), 2)).to_vec();
    let snapshot = world(clusters, services);
    assert_eq!(place("greedy+static", &snapshot).refusals.len(), 1);
    assert_eq!(place("milp+static", &snapshot).refusals, []);
}

/// Goal: an answer is always the solver's or the shortcut's, both occur, and `milp` refuses no more than the plan that it
/// starts from.
#[test]
fn random_worlds_are_answered_with_a_bound_and_no_more_refusals_than_greedy() {
    let refused = |plan: &Plan| plan.refusals.iter().map(|refusal| refusal.replicas).sum::<u32>();
    let mut tiers = BTreeMap::<&str, u32>::new();
    for seed in 0..256 {
        let snapshot = random_world(seed);
        let (greedy, milp) = (place("greedy+static", &snapshot), place("milp+static", &snapshot));
        let quality = milp.quality.expect("milp knows its quality");
        *tiers.entry(quality.tier).or_default() += 1;
        assert!(quality.gap().is_some_and(|gap| gap < 1e-3), "world {seed}: {quality:?}");
        assert!(refused(&milp) <= refused(&greedy), "world {seed}");
    }
    assert!(tiers.len() == 2 && tiers["milp"] > 20 && tiers["separable"] > 20, "{tiers:?}");
}

/// At most 3 clusters, 4 services and 4 replicas of each; prices in steps, so that there are ties. Replicas ask for up to 8
/// steps of each resource, clusters have up to `room`.
fn random(stream: &mut Stream, room: u64) -> Assignment {
    let clusters = stream.random_range(1..=3);
    let capacity = Table::build(clusters, |_: ClusterId| resources(stream, room));
    let demands = (0..stream.random_range(1..=4)).map(|_| random_demand(stream, clusters)).collect();
    let activation = if stream.random_bool(0.5) { 0.3 } else { 0.0 };
    Assignment { capacity, demands, start: 0.05, activation, shortage: 10.0 }
}

fn random_demand(stream: &mut Stream, clusters: usize) -> Demand {
    let request = resources(stream, 8);
    let wanted = stream.random_range(1..=4);
    let mut places = Vec::new();
    for cluster in 0..u32::try_from(clusters).expect("there are few clusters") {
        if stream.random_bool(0.8) {
            let (most, incumbent) = (stream.random_range(1..=wanted), stream.random_range(0..=3));
            places.push(Place {
                cluster: ClusterId(cluster),
                least: 0,
                most,
                incumbent,
                cost: f64::from(stream.random_range(1..=6)) * 0.03,
            });
        }
    }
    Demand { request, wanted, is_single: stream.random_bool(0.25), places }
}

fn resources(stream: &mut Stream, most: u64) -> Resources {
    Resources {
        cpu: MilliCores(stream.random_range(0..=most) * 250),
        memory: Bytes(stream.random_range(0..=most) << 27),
        gpu: if stream.random_bool(0.2) { stream.random_range(0..=most / 8) } else { most / 4 },
        pods: 1 + most / 8 * 2,
    }
}

/// The least cost of all assignments, found by trying them all.
fn cheapest(problem: &Assignment) -> f64 {
    let slots: Vec<(ServiceId, Place)> = problem
        .demands
        .iter()
        .flat_map(|(service, demand)| demand.places.iter().map(move |place| (service, *place)))
        .collect();
    let mut best = f64::INFINITY;
    try_all(problem, &slots, &mut Vec::new(), &mut best);
    best
}

fn try_all(problem: &Assignment, slots: &[(ServiceId, Place)], chosen: &mut Vec<Target>, best: &mut f64) {
    let targets: Targets = chosen.iter().copied().collect();
    if !problem.admits(&targets) {
        return;
    }
    let Some(((service, place), rest)) = slots.split_first() else {
        *best = best.min(problem.cost(&targets));
        return;
    };
    for replicas in 0..=place.most {
        chosen.push(Target { service: *service, cluster: place.cluster, replicas });
        try_all(problem, rest, chosen, best);
        chosen.pop();
    }
}
