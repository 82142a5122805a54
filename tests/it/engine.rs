//! The engine's policies on worlds small enough to work out by hand, and on random ones.

use crate::policies::{decide, place, policy};
use crate::worlds::{cluster, random as random_world, request, service, targets, world};
use smo::model::rules::{Demand, Domain, Rule};
use smo::model::{Call, CapacityByClass, ClusterId, Plan, Seen, ServiceId, Snapshot};
use smo::policy::placement::PLACEMENTS;
use smo::units::{Bytes, Money, Rate, Ratio};
use std::sync::Arc;

const A: ServiceId = ServiceId(0);
const B: ServiceId = ServiceId(1);

fn engines() -> Vec<String> {
    let ours = PLACEMENTS.iter().filter(|entry| ["lagrangian", "milp-costed", "anytime"].contains(&entry.name));
    ours.map(|entry| format!("{}+static", entry.name)).collect()
}

fn known(snapshot: &mut Snapshot) -> &mut smo::model::scenario::Known {
    Arc::get_mut(&mut snapshot.known).expect("nobody else holds it")
}

fn demand(snapshot: &mut Snapshot, rule: Rule, price: Option<f64>) {
    known(snapshot).rules.demands.push(Demand { rule, price: price.map(Money) });
}

fn refused(plan: &Plan) -> u32 {
    plan.refusals.iter().map(|refusal| refusal.replicas).sum()
}

/// Goal: every plan has a bound that it does not undercut, and refuses no more than greedy does.
#[test]
fn random_worlds_are_answered_with_a_bound_and_no_more_refusals_than_greedy() {
    for seed in 0..128 {
        let snapshot = random_world(seed);
        let greedy = place("greedy+static", &snapshot);
        for name in engines() {
            let plan = place(&name, &snapshot);
            let quality = plan.quality.expect("the engine knows its quality");
            let bound = quality.bound.expect("and a bound");
            assert!(bound <= quality.objective + 1e-9, "world {seed}, {name}: {quality:?}");
            assert!(refused(&plan) <= refused(&greedy), "world {seed}, {name}: {:?}", plan.refusals);
        }
    }
}

/// 2 replicas of 1 core at 0.04 $ an hour: 0.01 $ saves 0.03 $ each, more than the 0.02 $ of a move; 0.03 $ does not.
#[test]
fn replicas_move_when_it_pays() {
    let clusters = vec![cluster("dear", 1, 4.0, 4), cluster("cheap", 1, 4.0, 4)];
    let mut snapshot = world(clusters, vec![service("web", request(1.0, 1), 2)]);
    snapshot.targets = targets(&[(0, 0, 2)]);
    for name in engines() {
        let mut policy = policy(&name);
        snapshot.clusters[ClusterId(1)].price_per_core_hour = 0.03;
        assert_eq!(decide(&mut *policy, &snapshot).targets, targets(&[(0, 0, 2)]), "{name}");
        snapshot.clusters[ClusterId(1)].price_per_core_hour = 0.01;
        let plan = decide(&mut *policy, &snapshot);
        assert_eq!(plan.targets, targets(&[(0, 1, 2)]), "{name}");
        let quality = plan.quality.expect("the engine knows its quality");
        assert!((quality.objective - 0.06).abs() < 1e-4, "{name}: {quality:?}");
    }
}

/// One replica each: apart they take two clusters although one is cheaper. With two services for one cluster, one is refused
/// rather than the rule broken; broken on entry and not to be mended, it stays as it is.
#[test]
fn services_are_kept_apart_and_what_is_broken_is_not_made_worse() {
    let clusters = || vec![cluster("cheap", 1, 4.0, 4), cluster("dear", 1, 4.0, 4)];
    let services = || vec![service("a", request(1.0, 1), 1), service("b", request(1.0, 1), 1)];
    let mut snapshot = world(clusters(), services());
    snapshot.clusters[ClusterId(0)].price_per_core_hour = 0.01;
    demand(&mut snapshot, Rule::Apart(vec![A, B]), None);
    for name in engines() {
        let plan = place(&name, &snapshot);
        assert!(refused(&plan) == 0 && plan.targets.of(A)[0].cluster != plan.targets.of(B)[0].cluster, "{name}");
    }
    let mut single = world(clusters()[..1].to_vec(), services());
    demand(&mut single, Rule::Apart(vec![A, B]), None);
    for name in engines() {
        assert_eq!(refused(&place(&name, &single)), 1, "{name}");
    }
}

/// Four replicas, no cluster with more than half of them; and a soft price of 1 cent does not outweigh 3 cents saved.
#[test]
fn shares_are_limits_or_prices() {
    let clusters = vec![cluster("cheap", 1, 8.0, 8), cluster("dear", 1, 8.0, 8)];
    let mut snapshot = world(clusters, vec![service("a", request(1.0, 1), 4)]);
    snapshot.clusters[ClusterId(0)].price_per_core_hour = 0.01;
    let half = |service| Rule::Share { service, over: Domain::Cluster, at_most: Ratio(500_000) };
    demand(&mut snapshot, half(A), None);
    for name in engines() {
        assert_eq!(place(&name, &snapshot).targets, targets(&[(0, 0, 2), (0, 1, 2)]), "{name}");
    }
    known(&mut snapshot).rules.demands.clear();
    demand(&mut snapshot, half(A), Some(0.01));
    for name in engines() {
        assert_eq!(place(&name, &snapshot).targets, targets(&[(0, 0, 4)]), "{name}");
    }
}

/// 100 calls a second of 1 MB each are 360 GB an hour, at 0.01 $ each 3.60 $: far more than 4 cents for cores.
#[test]
fn services_that_talk_much_live_together() {
    let clusters = vec![cluster("cheap", 1, 1.0, 8), cluster("dear", 1, 4.0, 8)];
    let mut snapshot = world(clusters, vec![service("a", request(1.0, 1), 1), service("b", request(1.0, 1), 1)]);
    snapshot.clusters[ClusterId(0)].price_per_core_hour = 0.01;
    snapshot.services[A].rate = Seen::now(Rate::from_per_second(100.0), snapshot.at);
    let known = known(&mut snapshot);
    known.application.calls.push(Call { from: A, to: B, per_request: Ratio::ONE, bytes: Bytes(1_000_000) });
    known.network.egress_per_gb[ClusterId(0)][ClusterId(1)] = Money(0.01);
    known.network.egress_per_gb[ClusterId(1)][ClusterId(0)] = Money(0.01);
    for name in engines() {
        assert_eq!(place(&name, &snapshot).targets, targets(&[(0, 1, 1), (1, 1, 1)]), "{name}");
    }
}

/// Two services of 3 cores may only run in the cluster of 4: one of them has to go short, whatever the plan, and the refusal
/// says that 2 cores more would do. A core more is worth the third part of a refused replica, as far as prices tell.
#[test]
fn conflicts_and_scarce_room_are_explained() {
    let mut services = vec![service("a", request(3.0, 1), 1), service("b", request(3.0, 1), 1)];
    for service in &mut services {
        service.terms.clusters.only.insert("small".to_owned());
    }
    let snapshot = world(vec![cluster("small", 1, 4.0, 8), cluster("large", 1, 64.0, 64)], services);
    let mut policy = policy("anytime+static");
    let plan = decide(&mut *policy, &snapshot);
    assert_eq!(refused(&plan), 1);
    assert_eq!(plan.refusals[0].remedy.as_deref(), Some("small + 2 cores"));
    let explanation = policy.explain(&snapshot, &plan);
    let [conflict] = &explanation.conflicts[..] else { panic!("{:?}", explanation.conflicts) };
    assert_eq!((&conflict.services[..], &conflict.clusters[..]), (&[A, B][..], &[ClusterId(0)][..]));
    assert_eq!((conflict.resource, conflict.wanted, conflict.available), ("cpu", 6_000, 4_000));
    let scarce = explanation.scarce.first().expect("room is scarce");
    assert_eq!((scarce.cluster, scarce.resource), (ClusterId(0), "cpu"));
    let refusing = explanation.shortage.expect("refusals have a price");
    assert!((scarce.price - refusing / 3.0).abs() < 0.05 * refusing, "{scarce:?} of {refusing}");
}

/// 100 requests a second and a fifth of headroom are 120: 12 replicas of 10 /s at 0.04 $ make 0.48 $, and 0.02 $ for each
/// start 0.24 $ more; 6 replicas of 20 /s at 0.06 $ make 0.36 $ and 0.12 $. Scaling first could not know.
#[test]
fn joint_decides_where_and_how_many_at_once() {
    let mut clusters = vec![cluster("slow", 1, 32.0, 64), cluster("fast", 1, 32.0, 64)];
    clusters[1].class = "fast".to_owned();
    let mut web = service("web", request(1.0, 1), 1);
    let linear = |alpha| smo::model::Capacity::Linear { alpha, beta: 0.0 };
    web.capacity = CapacityByClass { default: linear(10.0), by_class: [("fast".to_owned(), linear(20.0))].into() };
    let mut snapshot = world(clusters, vec![web]);
    snapshot.clusters[ClusterId(1)].price_per_core_hour = 0.06;
    snapshot.services[A].rate = Seen::now(Rate::from_per_second(100.0), snapshot.at);
    let plan = place("milp-joint", &snapshot);
    assert_eq!(plan.targets, targets(&[(0, 1, 6)]));
    // At 0.15 $ the fast cores cost 0.90 $ and 0.12 $.
    snapshot.clusters[ClusterId(1)].price_per_core_hour = 0.15;
    assert_eq!(place("milp-joint", &snapshot).targets, targets(&[(0, 0, 12)]));
}

/// 12 replicas are needed and 8 have room: the rest is refused, with the cores that would help.
#[test]
fn joint_says_what_is_short_in_the_place_of_infeasible() {
    let mut snapshot = world(vec![cluster("only", 1, 8.0, 64)], vec![service("web", request(1.0, 1), 1)]);
    snapshot.services[A].rate = Seen::now(Rate::from_per_second(100.0), snapshot.at);
    let plan = place("milp-joint", &snapshot);
    assert_eq!((plan.targets.clone(), refused(&plan)), (targets(&[(0, 0, 8)]), 4));
    assert_eq!(plan.refusals[0].remedy.as_deref(), Some("only + 4 cores"));
}
