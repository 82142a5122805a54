//! Rules: what each of them counts, how the checker and the rails judge by them, and how placements keep them.

use crate::worlds::{cluster, request, service, targets, world};
use smo::model::breach::{breaches, worsened};
use smo::model::check::{Violation, violations};
use smo::model::network::Origin;
use smo::model::rules::{Demand, Domain, Rule};
use smo::model::scenario::Known;
use smo::model::{ClusterId, Plan, Rails, ServiceId, Snapshot, Table, Targets};
use smo::policy::{Budget, PolicySpec};
use smo::seed::Seed;
use smo::units::{Money, Ratio, Span};
use std::sync::Arc;

const A: ServiceId = ServiceId(0);
const B: ServiceId = ServiceId(1);
const FIRST: ClusterId = ClusterId(0);

fn milliseconds(count: u64) -> Span {
    Span(count * 1_000_000)
}

fn change(snapshot: &mut Snapshot, change: impl FnOnce(&mut Known)) {
    let mut known = Known::clone(&snapshot.known);
    change(&mut known);
    snapshot.known = Arc::new(known);
}

/// Three clusters of 40 cores, the first two in one region: round trips are 5 ms between those, 20 ms to the third; users
/// are 10, 12 and 30 ms away. Two services of one core, three replicas each.
fn three(rules: Vec<Rule>) -> Snapshot {
    let clusters = ["one", "two", "three"].map(|name| cluster(name, 1, 40.0, 160)).to_vec();
    let services = ["a", "b"].map(|name| service(name, request(1.0, 1), 3)).to_vec();
    let mut snapshot = world(clusters, services);
    change(&mut snapshot, |known| {
        "there".clone_into(&mut known.clusters[ClusterId(2)].region);
        let rtt = [[0, 5, 20], [5, 0, 20], [20, 20, 0]];
        let row = |row: [u64; 3]| row.map(milliseconds).into_iter().collect::<Table<ClusterId, Span>>();
        known.network.rtt = rtt.into_iter().map(row).collect();
        let share = Ratio::ONE;
        known.network.origins = vec![Origin { name: "users".to_owned(), share, rtt: row([10, 12, 30]), local: None }];
        known.rules.demands = rules.into_iter().map(|rule| Demand { rule, price: None }).collect();
    });
    snapshot
}

fn units(rule: Rule, entries: &[(u32, u32, u32)]) -> u64 {
    breaches(&three(vec![rule]), &targets(entries)).first().map_or(0, |(_, units)| *units)
}

/// One row a rule: targets as (service, cluster, replicas), and how many units are broken.
#[test]
fn rules_count_what_they_say() {
    let together = || Rule::Together(vec![A, B]);
    assert_eq!(units(together(), &[(0, 0, 1), (1, 0, 5), (0, 1, 1), (1, 1, 1)]), 0);
    assert_eq!(units(together(), &[(0, 0, 1), (1, 0, 5), (0, 1, 1), (1, 2, 1)]), 2, "b lacks in two, a in three");
    assert_eq!(units(together(), &[(0, 0, 1), (0, 1, 1)]), 0, "b does not run");
    let apart = || Rule::Apart(vec![A, B]);
    assert_eq!([units(apart(), &[(0, 0, 4), (1, 1, 4)]), units(apart(), &[(0, 0, 4), (1, 0, 1), (1, 1, 4)])], [0, 1]);
    let spread = |over| Rule::Spread { service: A, over, at_least: 2 };
    assert_eq!(units(spread(Domain::Cluster), &[(0, 0, 2), (0, 1, 1)]), 0);
    assert_eq!(units(spread(Domain::Region), &[(0, 0, 2), (0, 1, 1)]), 1, "both lie in one region");
    assert_eq!(units(spread(Domain::Cluster), &[(0, 0, 1)]), 0, "one replica cannot be in two places");
    // Of 5 replicas half is 2.5, rounded up 3: 4 are one too many.
    let share = Rule::Share { service: A, over: Domain::Cluster, at_most: Ratio(500_000) };
    assert_eq!(units(share.clone(), &[(0, 0, 3), (0, 1, 2)]), 0);
    assert_eq!(units(share, &[(0, 0, 4), (0, 1, 1)]), 1);
    // Of 2 + 3 at the worst 3 are lost and 2 left; by region all 5.
    let survive = |over| Rule::Survive { service: A, over, at_least: 3 };
    assert_eq!(units(survive(Domain::Cluster), &[(0, 0, 2), (0, 1, 3)]), 1);
    assert_eq!(units(survive(Domain::Region), &[(0, 0, 2), (0, 1, 3)]), 3);
    let near_users = Rule::NearUsers { service: A, rtt_max: milliseconds(12) };
    assert_eq!(units(near_users, &[(0, 0, 1), (0, 1, 1), (0, 2, 4)]), 4, "30 ms is beyond 12 ms");
    let near = |limit| Rule::Near { from: A, to: B, rtt_max: milliseconds(limit) };
    assert_eq!(units(near(5), &[(0, 0, 2), (0, 2, 3), (1, 1, 1)]), 3, "three is 20 ms from two");
    assert_eq!(units(near(20), &[(0, 0, 2), (0, 2, 3), (1, 1, 1)]), 0);
    // 0.04 $ a core-hour: six replicas of one core cost 0.24 $, 40 thousandths more than 0.20 $.
    assert_eq!(units(Rule::Budget(Money(0.2)), &[(0, 0, 3), (1, 0, 3)]), 40);
}

#[test]
fn what_lies_in_a_lost_cluster_does_not_count() {
    let mut snapshot = three(vec![Rule::Spread { service: A, over: Domain::Cluster, at_least: 2 }]);
    snapshot.clusters[FIRST].reachable = false;
    assert_eq!(breaches(&snapshot, &targets(&[(0, 0, 2), (0, 1, 2)])), [(0, 1)]);
}

/// Two of three replicas leave for another cluster: two moves. Fewer in all is no move, and a full cluster may be left.
#[test]
fn frozen_replicas_may_go_and_must_not_move() {
    let mut snapshot = three(vec![Rule::Frozen(A)]);
    snapshot.targets = targets(&[(0, 0, 3)]);
    let units = |snapshot: &Snapshot, entries: &[(u32, u32, u32)]| {
        breaches(snapshot, &targets(entries)).first().map_or(0, |found| found.1)
    };
    assert_eq!(units(&snapshot, &[(0, 0, 1), (0, 1, 2)]), 2);
    assert_eq!([units(&snapshot, &[(0, 0, 1)]), units(&snapshot, &[(0, 0, 3), (0, 1, 5)])], [0, 0]);
    snapshot.clusters[FIRST].allocatable_max = request(2.0, 8);
    assert_eq!(units(&snapshot, &[(0, 0, 1), (0, 1, 2)]), 0, "three do not fit into two cores");
}

/// Broken by one before: a plan that leaves it so is sound, one that makes it two is not, and the rails keep the service.
#[test]
fn a_rule_that_was_broken_must_not_get_worse() {
    let mut snapshot = three(vec![Rule::Apart(vec![A, B])]);
    snapshot.targets = targets(&[(0, 0, 1), (1, 0, 1)]);
    let plan = |entries: &[(u32, u32, u32)]| Plan { targets: targets(entries), ..Plan::default() };
    assert_eq!(violations(&snapshot, &plan(&[(0, 0, 3), (1, 0, 2)])), []);
    let worse = plan(&[(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)]);
    let found = violations(&snapshot, &worse);
    let [Violation::NotApart(breach)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((breach.demand, breach.units, breach.before, breach.services.as_slice()), (0, 2, 1, [A, B].as_slice()));
    assert_eq!(found[0].to_string(), "demand 0: 2 services share a cluster and must not, before 1");
    let (limited, held) = Rails::default().limit(&snapshot, worse, &found);
    assert_eq!((limited.targets, held.len()), (snapshot.targets.clone(), 2));
}

/// A rule with a price is counted and never judged.
#[test]
fn a_rule_with_a_price_may_be_broken() {
    let mut snapshot = three(vec![Rule::Apart(vec![A, B])]);
    change(&mut snapshot, |known| known.rules.demands[0].price = Some(Money(1.0)));
    let shared = targets(&[(0, 0, 1), (1, 0, 1)]);
    assert_eq!((breaches(&snapshot, &shared), worsened(&snapshot, &shared)), (vec![(0, 1)], vec![]));
}

fn decide(policy: &str, snapshot: &Snapshot) -> Plan {
    let mut policy = policy.parse::<PolicySpec>().expect("it is registered").build().expect("defaults are in range");
    policy.decide(snapshot, &Budget::default(), &mut Seed(1).stream("policy", 0)).expect("the world is not broken")
}

fn counts(targets: &Targets, service: ServiceId) -> Vec<u32> {
    (0..3).map(|cluster| targets.get(service, ClusterId(cluster))).collect()
}

const PLACEMENTS: [&str; 2] = ["greedy+static", "spread+static"];

#[test]
fn replicas_go_where_the_rules_want_them() {
    for policy in PLACEMENTS {
        // Of three replicas two are left whichever cluster is lost: one in each.
        let survive = three(vec![Rule::Survive { service: A, over: Domain::Cluster, at_least: 2 }]);
        assert_eq!(counts(&decide(policy, &survive).targets, A), [1, 1, 1], "{policy}");
        let spread = three(vec![Rule::Spread { service: A, over: Domain::Region, at_least: 2 }]);
        assert!(decide(policy, &spread).targets.get(A, ClusterId(2)) > 0, "{policy}");
        let share = three(vec![Rule::Share { service: A, over: Domain::Cluster, at_most: Ratio(400_000) }]);
        // 40 % of 3 rounded up is 2.
        assert!(counts(&decide(policy, &share).targets, A).into_iter().all(|replicas| replicas <= 2), "{policy}");
        let near_users = three(vec![Rule::NearUsers { service: A, rtt_max: milliseconds(10) }]);
        assert_eq!(counts(&decide(policy, &near_users).targets, A), [3, 0, 0], "{policy}");
        let apart = three(vec![Rule::Apart(vec![A, B])]);
        let plan = decide(policy, &apart);
        assert_eq!((plan.refusals.len(), breaches(&apart, &plan.targets)), (0, vec![]), "{policy}");
    }
}

/// Spread has put a into all three clusters when it comes to b. Then a gives one of them up; the one where it has the fewest
/// replicas already, since those have to move. What is frozen does not make way, and b is refused.
#[test]
fn services_that_must_keep_apart_make_way() {
    let apart = || Rule::Apart(vec![A, B]);
    let plan = decide("spread+static", &three(vec![apart()]));
    assert_eq!((plan.targets.total(A), plan.targets.total(B)), (3, 3));
    let mut there = three(vec![apart()]);
    change(&mut there, |known| {
        known.application.services[A].replicas = 5;
    });
    there.targets = targets(&[(0, 0, 2), (0, 1, 1), (0, 2, 2)]);
    let plan = decide("spread+static", &there);
    assert_eq!((plan.targets.total(A), counts(&plan.targets, B)), (5, vec![0, 3, 0]));
    change(&mut there, |known| known.rules.demands.push(Demand { rule: Rule::Frozen(A), price: None }));
    let plan = decide("spread+static", &there);
    assert_eq!((counts(&plan.targets, A), plan.targets.total(B)), (vec![2, 1, 2], 0));
    assert_eq!(plan.refusals.len(), 1);
}

/// Room for one replica of each in clusters one and three, for b alone in two: they enter one and three in pairs, and what
/// is left over is refused with the rule in the reason.
#[test]
fn services_that_belong_together_enter_a_cluster_together() {
    for policy in PLACEMENTS {
        let mut snapshot = three(vec![Rule::Together(vec![A, B])]);
        for (cluster, cores) in [(0, 2.0), (1, 1.0), (2, 2.0)] {
            snapshot.clusters[ClusterId(cluster)].allocatable_max = request(cores, 64);
            snapshot.clusters[ClusterId(cluster)].allocatable_max.pods = 10;
        }
        let plan = decide(policy, &snapshot);
        assert_eq!([counts(&plan.targets, A), counts(&plan.targets, B)], [[1, 0, 1], [1, 0, 1]], "{policy}");
        assert_eq!(plan.refusals.iter().map(|refusal| refusal.replicas).collect::<Vec<_>>(), [1, 1], "{policy}");
        let reason = &plan.refusals[0].reason;
        assert!(reason.contains("the rules keep it from there: a, b in the same clusters"), "{policy}: {reason}");
    }
}

/// The callee lies in cluster three alone, because only that one has room for it; its caller may be at most 5 ms away.
#[test]
fn a_caller_follows_the_one_it_has_to_be_near() {
    for policy in PLACEMENTS {
        let mut snapshot = three(vec![Rule::Near { from: A, to: B, rtt_max: milliseconds(5) }]);
        change(&mut snapshot, |known| {
            known.application.services[B].terms.clusters.only = ["three".to_owned()].into();
        });
        assert_eq!(counts(&decide(policy, &snapshot).targets, A), [0, 0, 3], "{policy}");
    }
}

/// All three lie in one cluster, as after the loss of the others: as many move as the rule demands, and then no more.
#[test]
fn what_is_broken_is_mended_and_then_left_alone() {
    for policy in ["greedy+static", "spread+static", "milp+static"] {
        if !cfg!(feature = "milp") && policy.starts_with("milp") {
            continue;
        }
        let mut snapshot = three(vec![Rule::Spread { service: A, over: Domain::Cluster, at_least: 2 }]);
        snapshot.targets = targets(&[(0, 0, 3), (1, 0, 3)]);
        let plan = decide(policy, &snapshot);
        assert_eq!((breaches(&snapshot, &plan.targets), plan.targets.get(A, FIRST)), (vec![], 2), "{policy}");
        snapshot.targets = plan.targets.clone();
        assert_eq!(decide(policy, &snapshot).targets, plan.targets, "{policy}");
    }
}

/// Cores are ten times as dear in cluster one: `milp` leaves it, unless the service is frozen there. `naive` moves a service
/// that has outgrown its cluster, unless it is frozen there; then it refuses what has no room.
#[test]
fn frozen_services_are_not_moved_for_money_or_room() {
    let dear = |rules| {
        let mut snapshot = three(rules);
        snapshot.targets = targets(&[(0, 0, 3), (1, 1, 3)]);
        snapshot.clusters[FIRST].price_per_core_hour = 0.4;
        snapshot
    };
    if cfg!(feature = "milp") {
        assert_eq!(decide("milp+static", &dear(vec![])).targets.get(A, FIRST), 0);
        assert_eq!(decide("milp+static", &dear(vec![Rule::Frozen(A)])).targets.get(A, FIRST), 3);
    }
    let outgrown = |rules| {
        let mut snapshot = three(rules);
        snapshot.targets = targets(&[(0, 0, 1), (1, 1, 3)]);
        snapshot.clusters[FIRST].allocatable_max = request(1.0, 8);
        snapshot
    };
    assert_eq!(decide("naive+static", &outgrown(vec![])).targets.get(A, FIRST), 0);
    let frozen = decide("naive+static", &outgrown(vec![Rule::Frozen(A)]));
    assert_eq!((frozen.targets.get(A, FIRST), frozen.refusals[0].replicas), (1, 2));
}

/// Scaling down to one replica would leave nothing after a loss: the second one stays, and the plan says why.
#[test]
fn a_replica_that_a_rule_needs_stays_and_the_plan_says_so() {
    let mut snapshot = three(vec![Rule::Survive { service: A, over: Domain::Cluster, at_least: 1 }]);
    change(&mut snapshot, |known| known.application.services[A].replicas = 1);
    snapshot.targets = targets(&[(0, 0, 1), (0, 1, 1)]);
    let plan = decide("greedy+static", &snapshot);
    assert_eq!(counts(&plan.targets, A), [1, 1, 0]);
    let told = plan.refusals.iter().find(|refusal| refusal.service == A).expect("it says so");
    assert_eq!(told.replicas, 0);
    assert!(told.reason.starts_with("1 more than wanted stay, because of the rules: 1 of a left"), "{}", told.reason);
}

/// A price of 0.10 $ for each replica that is far from the users outweighs the rank of `spread`, and is no reason to refuse.
#[test]
fn priced_rules_are_preferences() {
    let mut snapshot = three(vec![Rule::NearUsers { service: A, rtt_max: milliseconds(10) }]);
    change(&mut snapshot, |known| known.rules.demands[0].price = Some(Money(0.1)));
    assert_eq!(counts(&decide("spread+static", &snapshot).targets, A), [3, 0, 0]);
    snapshot.clusters[FIRST].allocatable_max = request(1.0, 8);
    let plan = decide("spread+static", &snapshot);
    assert_eq!((plan.targets.total(A), plan.targets.get(A, FIRST), plan.refusals.len()), (3, 1, 0));
}
