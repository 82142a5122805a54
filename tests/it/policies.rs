//! Policies on worlds small enough to work out by hand.

use crate::worlds::{NOW, cluster, ready, request, service, targets, world};
use smo::model::{Capacity, CapacityByClass, ClusterId, Plan, Seen, ServiceId, Snapshot, Targets};
use smo::policy::placement::PLACEMENTS;
use smo::policy::{Budget, Policy, PolicySpec};
use smo::seed::Seed;
use smo::units::{Bytes, MilliCores, Rate, Span};
use std::sync::Arc;

/// Placements that choose how many replicas there are where a scaling says what they are to serve.
pub const CHOOSE_NUMBERS: [&str; 3] = ["lagrangian", "milp-costed", "anytime"];

const FIRST: ServiceId = ServiceId(0);

pub fn policy(text: &str) -> Box<dyn Policy> {
    let spec: PolicySpec = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
    spec.build().expect("a parsed policy builds")
}

pub fn decide(policy: &mut dyn Policy, snapshot: &Snapshot) -> Plan {
    policy.decide(snapshot, &Budget::default(), &mut Seed(1).stream("policy", 0)).expect("the world is not broken")
}

pub fn place(text: &str, snapshot: &Snapshot) -> Plan {
    decide(&mut *policy(text), snapshot)
}

/// Those placements of `names` that this build has, with static scaling.
fn with_static(names: &[&str]) -> Vec<String> {
    let entries = PLACEMENTS.iter().filter(|entry| names.contains(&entry.name));
    entries.map(|entry| format!("{}+static", entry.name)).collect()
}

/// Sees `per_second` at the first service, just now.
fn see_rate(snapshot: &mut Snapshot, per_second: f64) {
    snapshot.services[FIRST].rate = Seen::now(Rate::from_per_second(per_second), snapshot.at);
}

/// Two clusters of 4 cores; two small replicas of 1 core are declared before two large ones of 3 cores.
fn small_before_large() -> Snapshot {
    let clusters = vec![cluster("edge-1", 1, 4.0, 4), cluster("edge-2", 1, 4.0, 4)];
    world(clusters, vec![service("small", request(1.0, 1), 2), service("large", request(3.0, 3), 2)])
}

/// Large ones first: one in each cluster. The small ones fill both up.
#[test]
fn greedy_places_large_replicas_first_and_fills_the_gaps() {
    let plan = place("greedy+static", &small_before_large());
    assert_eq!(plan.targets, targets(&[(0, 0, 1), (0, 1, 1), (1, 0, 1), (1, 1, 1)]));
    assert_eq!(plan.refusals, []);
}

/// Naive wants 6 cores for both large replicas in one cluster; none has more than 4. With one large replica it takes
/// edge-1 for the small ones first, and edge-2 for the large one.
#[test]
fn naive_stops_at_its_first_check_and_otherwise_takes_the_first_fit() {
    let mut snapshot = small_before_large();
    let plan = place("naive+static", &snapshot);
    assert_eq!(plan.targets, Targets::default());
    let reasons: Vec<&str> = plan.refusals.iter().map(|refusal| refusal.reason.as_str()).collect();
    assert_eq!(reasons, ["A single service requires more CPU than the largest cluster."; 2]);
    Arc::get_mut(&mut snapshot.known).expect("nobody else holds it").application.services[ServiceId(1)].replicas = 1;
    assert_eq!(place("naive+static", &snapshot).targets, targets(&[(0, 0, 2), (1, 1, 1)]));
}

/// Its home has 4 cores and one is taken by others, so 4 replicas of 1 core move to edge-2 together, which has 6.
#[test]
fn naive_moves_a_service_as_a_whole_when_it_outgrows_its_home() {
    let clusters = vec![cluster("edge-1", 1, 4.0, 8), cluster("edge-2", 1, 6.0, 8)];
    let mut snapshot = world(clusters, vec![service("web", request(1.0, 1), 4)]);
    snapshot.targets = targets(&[(0, 0, 3)]);
    assert_eq!(place("naive+static", &snapshot).targets, targets(&[(0, 0, 4)]));
    snapshot.clusters[ClusterId(0)].allocatable_max.cpu = MilliCores(3_000);
    assert_eq!(place("naive+static", &snapshot).targets, targets(&[(0, 1, 4)]));
}

/// Free shares after placing one more of 4 replicas on 8 and 4 cores:
/// 7/8 > 3/4, 6/8 = 3/4 (lower id), 5/8 < 3/4, 5/8 > 2/4.
#[test]
fn spread_keeps_free_shares_even() {
    let clusters = vec![cluster("big", 1, 8.0, 8), cluster("small", 1, 4.0, 4)];
    let plan = place("spread+static", &world(clusters, vec![service("web", request(1.0, 1), 4)]));
    assert_eq!(plan.targets, targets(&[(0, 0, 3), (0, 1, 1)]));
}

/// Only the two replicas of the lost cluster move, and they stay moved when it is back.
#[test]
fn a_lost_cluster_moves_its_replicas_and_no_others() {
    let clusters = vec![cluster("a", 1, 8.0, 8), cluster("b", 1, 8.0, 8), cluster("c", 1, 8.0, 8)];
    for text in with_static(&["greedy", "spread", "milp"]) {
        let mut snapshot = world(clusters.clone(), vec![service("web", request(1.0, 1), 4)]);
        snapshot.targets = targets(&[(0, 0, 2), (0, 1, 2)]);
        snapshot.clusters[ClusterId(1)].reachable = false;
        let plan = place(&text, &snapshot);
        assert_eq!(plan.targets.get(FIRST, ClusterId(1)), 0, "{text}");
        assert!(plan.targets.get(FIRST, ClusterId(0)) >= 2, "{text}");
        assert_eq!(plan.targets.total(FIRST), 4, "{text}");
        snapshot.targets = plan.targets.clone();
        snapshot.clusters[ClusterId(1)].reachable = true;
        assert_eq!(place(&text, &snapshot).targets, plan.targets, "{text}");
    }
}

#[test]
fn a_pinned_service_waits_for_its_cluster() {
    let mut database = service("database", request(1.0, 1), 2);
    database.pinned = true;
    for text in with_static(&["naive", "greedy", "spread", "milp"]) {
        let mut snapshot = world(vec![cluster("a", 1, 4.0, 4), cluster("b", 1, 8.0, 8)], vec![database.clone()]);
        snapshot.targets = targets(&[(0, 0, 1)]);
        snapshot.clusters[ClusterId(0)].reachable = false;
        let plan = place(&text, &snapshot);
        assert_eq!(plan.targets, targets(&[(0, 0, 1)]), "{text}");
        assert_eq!(plan.refusals[0].remedy.as_deref(), Some("a back"), "{text}");
    }
}

/// 6 replicas of 1 core and 1 GiB: 3 fit into `a`, 1 into `b`. For the other two, `a` would have to grow by 2 of 3 cores,
/// `b` by 2 of 2 cores and 1 of 2 GiB.
#[test]
fn a_refusal_names_the_smallest_remedy() {
    let clusters = vec![cluster("a", 1, 3.0, 16), cluster("b", 1, 2.0, 2)];
    let mut snapshot = world(clusters, vec![service("web", request(1.0, 1), 6)]);
    snapshot.clusters[ClusterId(1)].allocatable_max.cpu = MilliCores(1_000);
    for text in with_static(&["greedy", "spread", "milp"]) {
        let refusal = place(&text, &snapshot).refusals.remove(0);
        assert_eq!(refusal.replicas, 2, "{text}");
        assert_eq!(refusal.reason, "no cluster has room, a comes closest: it is short of cpu", "{text}");
        assert_eq!(refusal.remedy.as_deref(), Some("a + 2 cores"), "{text}");
    }
}

#[test]
fn a_service_that_no_cluster_may_run_is_refused_with_every_obstacle() {
    let mut web = service("web", request(1.0, 1), 1);
    web.terms.selector.insert("zone".to_owned(), "north".to_owned());
    let mut clusters = vec![cluster("a", 1, 4.0, 4), cluster("b", 1, 4.0, 4)];
    clusters[1].labels.insert("zone".to_owned(), "north".to_owned());
    let mut snapshot = world(clusters, vec![web]);
    snapshot.clusters[ClusterId(1)].reachable = false;
    let refusal = place("greedy+static", &snapshot).refusals.remove(0);
    assert_eq!(refusal.reason, "a: no node has the label zone=north; b: it cannot be reached");
    assert_eq!(refusal.remedy.as_deref(), Some("b back"));
}

/// 100 /s with 20 % head-room are 120 /s, 10 /s a replica: 12. Down to 6 (50 /s) only after five minutes.
#[test]
fn rate_goes_up_at_once_and_down_after_its_time() {
    let mut snapshot = world(vec![cluster("a", 9, 16.0, 64)], vec![service("web", request(1.0, 1), 1)]);
    let mut policy = policy("rate");
    see_rate(&mut snapshot, 100.0);
    assert_eq!(decide(&mut *policy, &snapshot).targets.total(FIRST), 12);
    for (after_s, replicas) in [(60, 12), (299, 12), (300, 6)] {
        snapshot.at = NOW + Span::seconds(after_s);
        see_rate(&mut snapshot, 50.0);
        assert_eq!(decide(&mut *policy, &snapshot).targets.total(FIRST), replicas, "after {after_s} s");
    }
}

/// alpha 33.33, beta −16.66, 72 /s with head-room: in one cluster ⌈88.66/33.33⌉ = 3; in two, where each pays its beta,
/// ⌈105.32/33.33⌉ = 4.
#[test]
fn rate_charges_beta_to_every_cluster() {
    let mut web = service("web", request(1.0, 1), 2);
    web.capacity = CapacityByClass::uniform(Capacity::Linear { alpha: 33.33, beta: -16.66 });
    let mut snapshot = world(vec![cluster("a", 1, 16.0, 64), cluster("b", 1, 16.0, 64)], vec![web]);
    see_rate(&mut snapshot, 60.0);
    snapshot.targets = targets(&[(0, 0, 2)]);
    assert_eq!(place("rate", &snapshot).targets.total(FIRST), 3);
    snapshot.targets = targets(&[(0, 0, 1), (0, 1, 1)]);
    assert_eq!(place("rate", &snapshot).targets.total(FIRST), 4);
}

#[test]
fn missing_and_old_telemetry_changes_nothing_and_says_so() {
    for text in ["rate", "threshold", "hpa"] {
        let mut snapshot = world(vec![cluster("a", 9, 16.0, 64)], vec![service("web", request(1.0, 1), 1)]);
        snapshot.targets = targets(&[(0, 0, 7)]);
        snapshot.services[FIRST].replicas = ready(&[(0, 7)]);
        let plan = place(text, &snapshot);
        assert_eq!(plan.targets, targets(&[(0, 0, 7)]), "{text}");
        assert!(plan.why[FIRST].rule.starts_with("hold"), "{text}: {}", plan.why[FIRST]);
        snapshot.services[FIRST].rate = Seen::now(Rate::from_per_second(1e3), NOW);
        snapshot.services[FIRST].cpu_used = vec![(ClusterId(0), Seen::now(MilliCores(99_000), NOW))];
        snapshot.at = NOW + Span::seconds(3_600);
        assert_eq!(place(text, &snapshot).targets, targets(&[(0, 0, 7)]), "{text}");
    }
}

/// Above 20 /s to 3, below 5 /s to 1, nothing for 60 s after each change, 5 /s is not below 5 /s.
#[test]
fn threshold_jumps_and_cools_down() {
    let mut snapshot = world(vec![cluster("a", 9, 16.0, 64)], vec![service("web", request(1.0, 1), 2)]);
    let mut policy = policy("greedy+threshold:up=20/s,down=5/s,up_replicas=3,down_replicas=1,cooldown=60s");
    for (at_s, rate, replicas) in [(0, 20.0, 2), (15, 25.0, 3), (30, 2.0, 3), (74, 2.0, 3), (75, 5.0, 3), (76, 2.0, 1)]
    {
        snapshot.at = NOW + Span::seconds(at_s);
        see_rate(&mut snapshot, rate);
        assert_eq!(decide(&mut *policy, &snapshot).targets.total(FIRST), replicas, "after {at_s} s");
    }
}

/// 4 ready replicas of 1 core use 6.4 cores: 160 %, twice the target of 80 %, so 8. At 78 %, within the tolerance, 4.
#[test]
fn hpa_aims_at_its_target_over_all_clusters() {
    let mut snapshot =
        world(vec![cluster("a", 1, 16.0, 64), cluster("b", 1, 16.0, 64)], vec![service("web", request(1.0, 1), 4)]);
    snapshot.targets = targets(&[(0, 0, 3), (0, 1, 1)]);
    snapshot.services[FIRST].replicas = ready(&[(0, 3), (1, 1)]);
    let used = |a: u64, b: u64| {
        vec![(ClusterId(0), Seen::now(MilliCores(a), NOW)), (ClusterId(1), Seen::now(MilliCores(b), NOW))]
    };
    snapshot.services[FIRST].cpu_used = used(5_000, 1_400);
    assert_eq!(place("hpa", &snapshot).targets.total(FIRST), 8);
    snapshot.services[FIRST].cpu_used = used(2_340, 780);
    assert_eq!(place("hpa", &snapshot).targets.total(FIRST), 4);
}

#[test]
fn without_any_cluster_everything_is_refused() {
    let snapshot = world(Vec::new(), vec![service("web", request(1.0, 1), 2)]);
    for text in with_static(&["naive", "greedy", "spread", "milp"]) {
        let plan = place(&text, &snapshot);
        assert_eq!((plan.targets.total(FIRST), plan.refusals[0].replicas), (0, 2), "{text}");
    }
}

#[test]
fn policies_that_cannot_be_had_are_refused_with_what_would_be_right() {
    let cases = [
        ("gredy", "no policy is called `gredy`; did you mean `greedy`? `smo policies` lists all"),
        (
            "greedy+spread",
            "`greedy+spread` names two placement policies; name at most one placement and one scaling, joined by `+`",
        ),
        ("spread:by=price", "policy `spread` has no parameter `by`; it takes none"),
        ("greedy:by=colour", "policy `greedy`: parameter `by`: `colour` is neither `fullness` nor `price`"),
        ("hpa:target=80.5%", "policy `hpa`: parameter `target`: 0.805 is not a whole number of percents"),
        ("rate:headroom", "`headroom` is not a parameter; write `name=value`"),
    ];
    for (text, message) in cases {
        let error = text.parse::<PolicySpec>().expect_err(text);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn requests_for_memory_are_named_in_mebibytes() {
    let mut snapshot = world(vec![cluster("a", 1, 8.0, 1)], vec![service("web", request(0.5, 1), 2)]);
    snapshot.clusters[ClusterId(0)].allocatable_max.memory = Bytes((1 << 30) + 1);
    let refusal = place("spread+static", &snapshot).refusals.remove(0);
    assert_eq!(refusal.remedy.as_deref(), Some("a + 1 GiB"));
}
