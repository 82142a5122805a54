//! What the engine weighs and what the checker counts are the same, and answers of the engine survive being counted again.

use crate::policies::{place, policy};
use crate::ruled_worlds;
use crate::worlds::{cluster, request, service, targets, world};
use rand::RngExt;
use smo::model::rules::{Demand, Rule};
use smo::model::scenario::Known;
use smo::model::{ClusterId, Plan, ServiceId, Snapshot, Table, Wanted, breach};
use smo::policy::placement::draft::Draft;
use smo::policy::placement::engine::pose::{Posed, pose};
use smo::policy::placement::rooms::Rooms;
use smo::policy::{Budget, Policy};
use smo::seed::Seed;
use smo::units::Money;
use std::sync::Arc;

const A: ServiceId = ServiceId(0);
const B: ServiceId = ServiceId(1);
const CHEAP: ClusterId = ClusterId(0);
const DEAR: ClusterId = ClusterId(1);

fn with_demands(snapshot: &Snapshot, demands: Vec<Demand>) -> Snapshot {
    let mut known = Known::clone(&snapshot.known);
    known.rules.demands = demands;
    Snapshot { known: Arc::new(known), ..snapshot.clone() }
}

/// The problem that a world poses that wants the declared replicas.
fn posed(snapshot: &Snapshot) -> Posed {
    let replicas = snapshot.services.ids().map(|service| snapshot.service(service).replicas).collect();
    let wanted = Wanted { replicas, why: Table::new() };
    let mut rooms = None;
    let rooms = Rooms::of_world(&mut rooms, snapshot);
    pose(&Draft::new(snapshot, &wanted, rooms), None).expect("it is small")
}

/// Goal: a rule costs in the solver what its units cost that the checker counts, for all rules. Method: random targets in
/// random worlds, every rule with a price of its own; what the problem costs beyond the one without rules.
#[test]
fn rules_cost_what_the_checker_counts() {
    let mut broken = 0;
    for seed in 0..512 {
        let mut stream = Seed(seed).stream("counts", 0);
        let snapshot = ruled_worlds::random(seed);
        let mut demands = snapshot.known.rules.demands.clone();
        for (at, demand) in demands.iter_mut().enumerate() {
            demand.price = Some(Money(0.25 * (at + 1) as f64));
        }
        let (with, without) = (with_demands(&snapshot, demands), with_demands(&snapshot, Vec::new()));
        let (weighed, plain) = (posed(&with).problem, posed(&without));
        for _ in 0..8 {
            let share = stream.random_range(0.0..1.0);
            let counts: Vec<u32> = plain
                .problem
                .places
                .iter()
                .map(|place| if stream.random_bool(share) { stream.random_range(place.least..=place.least + 4) } else { place.least })
                .collect();
            let targets = plain.targets(&counts);
            let found = breach::breaches(&with, &targets);
            broken += found.len();
            let counted: f64 = found.iter().map(|(at, units)| 0.25 * (at + 1) as f64 * *units as f64).sum();
            let cost = weighed.cost(&counts) - plain.problem.cost(&counts);
            assert!(
                (cost - counted).abs() < 1e-6 * counted.max(1.0),
                "world {seed}: {cost} for {found:?} of {:#?}, {targets:?}",
                with.known.rules.demands
            );
        }
    }
    assert!(broken > 2_000, "only {broken} broken rules were counted");
}

/// Goal: the greedy plan never has to stand in for an answer of the engine that does not survive being counted again.
#[test]
fn answers_of_the_engine_survive_being_counted_again() {
    for name in ["anytime+static", "anytime+rate", "lagrangian+rate", "milp-costed+rate", "milp-costed+hpa", "milp-joint"] {
        if name.starts_with("milp") && cfg!(not(feature = "milp")) {
            continue;
        }
        for seed in 0..384 {
            let mut snapshot = ruled_worlds::random(seed);
            let mut policy = policy(name);
            for round in 0..2 {
                let plan = decide(&mut *policy, &snapshot);
                let quality = plan.quality.expect("the engine knows its quality");
                assert_ne!(quality.tier, "greedy", "{name} in world {seed}, round {round}");
                snapshot.targets = plan.targets;
                for view in snapshot.clusters.values_mut() {
                    view.price_per_core_hour *= 1.5;
                }
            }
        }
    }
}

fn decide(policy: &mut dyn Policy, snapshot: &Snapshot) -> Plan {
    let mut stream = Seed(1).stream("policy", 0);
    policy.decide(snapshot, &Budget::default(), &mut stream).expect("the world is not broken")
}
