//! Open Cluster Management, `KubeAdmiral`, the descheduler over clusters, `FederatedHPA` and `CronFederatedHPA`, on worlds small
//! enough to work out by hand. Formulas and planners alone are tested where they stand, against examples of their sources or by hand.

use crate::policies::{decide, place, policy};
use crate::worlds::{NOW, cluster, ready, request, service, targets, world};
use smo::model::{ClusterId, Seen, ServiceId, Snapshot, Wanted};
use smo::policy::Scaling;
use smo::policy::parameter::Parameters;
use smo::policy::scaling::SCALINGS;
use smo::seed::Seed;
use smo::units::{MilliCores, Span};

const FIRST: ServiceId = ServiceId(0);

/// Three services on two clusters. The first takes `a` (names decide); the second sees −100 there and 100 at `b`; for the third
/// both have one decision, −100 and −100, so `a` again. Steady (100) then keeps all where they are.
#[test]
fn ocm_balances_decisions_and_keeps_them() {
    let services = ["one", "two", "three"].map(|name| service(name, request(1.0, 1), 2)).to_vec();
    let mut snapshot = world(vec![cluster("a", 1, 16.0, 64), cluster("b", 1, 16.0, 64)], services);
    let plan = place("ocm+static", &snapshot);
    assert_eq!(plan.targets, targets(&[(0, 0, 2), (1, 1, 2), (2, 0, 2)]));
    snapshot.targets = plan.targets.clone();
    assert_eq!(place("ocm+static", &snapshot).targets, plan.targets);
}

/// By allocatable CPU alone the larger cluster has 100, the smaller −100. It has no room for 20 replicas: with `fit` they go to
/// nobody else (none fits), so 16 run there; OCM as it is puts them there in any case, and says that the rest would wait.
#[test]
fn ocm_does_not_look_at_room() {
    let clusters = vec![cluster("small", 1, 8.0, 64), cluster("large", 1, 16.0, 64)];
    let snapshot = world(clusters, vec![service("web", request(1.0, 1), 20)]);
    let plan = place("ocm:cpu=1,fit=off+static", &snapshot);
    assert_eq!(plan.targets, targets(&[(0, 1, 16)]));
    assert!(plan.refusals[0].reason.starts_with("decided, but would stay pending"), "{:?}", plan.refusals);
    // Two clusters share evenly: 10 each, of which 8 fit into the small one.
    assert_eq!(place("ocm:clusters=2,fit=off+static", &snapshot).targets, targets(&[(0, 0, 8), (0, 1, 10)]));
}

/// Published (`rsp_test.go`): 10 replicas over free CPUs 200, 300 and 500 are 2, 3 and 5.
#[test]
fn kubeadmiral_divides_by_free_cpu() {
    let clusters = vec![cluster("c1", 20, 10.0, 100), cluster("c2", 30, 10.0, 100), cluster("c3", 50, 10.0, 100)];
    let snapshot = world(clusters, vec![service("web", request(1.0, 1), 10)]);
    assert_eq!(place("kubeadmiral+static", &snapshot).targets, targets(&[(0, 0, 2), (0, 1, 3), (0, 2, 5)]));
}

/// 64 free cores in both clusters, so 10 and 10 of 20. But each node of `b` (16 of 4 cores) has room for one replica of 3 cores
/// and its memory for 6 in all: auto migration gives the other 4 to `a`; without it they would wait in `b`.
#[test]
fn kubeadmiral_migrates_what_a_cluster_cannot_run() {
    let clusters = vec![cluster("a", 4, 16.0, 64), cluster("b", 16, 4.0, 64)];
    let mut snapshot = world(clusters, vec![service("web", request(3.0, 1), 20)]);
    snapshot.clusters[ClusterId(1)].allocatable_max.memory = smo::units::Bytes(6 << 30);
    let migrated = place("kubeadmiral+static", &snapshot);
    assert_eq!(migrated.targets, targets(&[(0, 0, 14), (0, 1, 6)]));
    assert_eq!(migrated.refusals, []);
    let waiting = place("kubeadmiral:auto-migration=off+static", &snapshot);
    assert_eq!(waiting.targets, targets(&[(0, 0, 10), (0, 1, 6)]));
    assert!(waiting.refusals[0].reason.starts_with("would stay pending where it was put"), "{:?}", waiting.refusals);
}

/// Use of `a` is 8 of 10 cores, of `b` nothing: above 50 % and below 20 %. Three move until `a` is at 50 %, and `b` is at 30 %.
#[test]
fn the_descheduler_moves_replicas_from_over_used_to_under_used_clusters() {
    let mut snapshot =
        world(vec![cluster("a", 1, 10.0, 64), cluster("b", 1, 10.0, 64)], vec![service("web", request(1.0, 1), 8)]);
    snapshot.targets = targets(&[(0, 0, 8)]);
    let mut descheduler = policy("descheduler-low-util:interval=5min+static");
    assert_eq!(decide(&mut *descheduler, &snapshot).targets, snapshot.targets, "the first decision starts the clock");
    snapshot.at = NOW + Span::seconds(300);
    assert_eq!(decide(&mut *descheduler, &snapshot).targets, targets(&[(0, 0, 5), (0, 1, 3)]));
    // At most one at once.
    let mut careful = policy("descheduler-low-util:interval=5min,max=1+static");
    snapshot.at = NOW;
    decide(&mut *careful, &snapshot);
    snapshot.at = NOW + Span::seconds(300);
    assert_eq!(decide(&mut *careful, &snapshot).targets, targets(&[(0, 0, 7), (0, 1, 1)]));
}

/// Nothing moves where all are under-used, or none is over-used.
#[test]
fn the_descheduler_leaves_even_clusters_alone() {
    for (replicas, there) in [(2, [(0, 0, 2)]), (5, [(0, 0, 5)])] {
        let clusters = vec![cluster("a", 1, 10.0, 64), cluster("b", 1, 10.0, 64)];
        let mut snapshot = world(clusters, vec![service("web", request(1.0, 1), replicas)]);
        snapshot.targets = targets(&there);
        let mut descheduler = policy("descheduler-low-util+static");
        decide(&mut *descheduler, &snapshot);
        snapshot.at = NOW + Span::seconds(600);
        assert_eq!(decide(&mut *descheduler, &snapshot).targets, snapshot.targets, "{replicas}");
    }
}

fn scaling(name: &str, given: &[(&str, &str)]) -> Box<dyn Scaling> {
    let entry = SCALINGS.iter().find(|entry| entry.name == name).expect("it is registered");
    let given: Vec<(String, String)> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let parameters = Parameters::new(entry.name, entry.parameters, &given).expect("they are declared");
    (entry.build)(&parameters).expect("they are in range")
}

fn scale(scaling: &mut dyn Scaling, snapshot: &Snapshot) -> u32 {
    let Wanted { replicas, .. } =
        scaling.scale(snapshot, &mut Seed(1).stream("policy", 0)).expect("the world is not broken");
    replicas[FIRST]
}

/// Ten replicas are wanted, six run (the rest found no room), all six at 100 % of their request, target 50 %: ratio 2.
/// HPA: ⌈2·6⌉ = 12. `FederatedHPA`: calibration 6/10, ⌈2·6 ÷ 0.6⌉ = 20, which is just the most that ten may grow to at once.
#[test]
fn federated_hpa_divides_by_what_runs() {
    for (name, expected) in [("hpa", 12), ("federated-hpa", 20)] {
        let mut snapshot = world(vec![cluster("a", 1, 16.0, 64)], vec![service("web", request(1.0, 1), 10)]);
        snapshot.targets = targets(&[(0, 0, 10)]);
        let mut autoscaler = scaling(name, &[("target", "50 %")]);
        assert_eq!(scale(&mut *autoscaler, &snapshot), 10, "{name} holds without samples");
        snapshot.at = NOW + Span::seconds(15);
        snapshot.targets = targets(&[(0, 0, 6)]);
        snapshot.services[FIRST].replicas = ready(&[(0, 6)]);
        snapshot.services[FIRST].cpu_used = vec![(ClusterId(0), Seen::now(MilliCores(6_000), snapshot.at))];
        assert_eq!(scale(&mut *autoscaler, &snapshot), expected, "{name}");
    }
}

/// The world is at one o'clock of day 0. A rule of that minute is carried out, one of half past at the next decision after it.
#[test]
fn cron_rules_write_replicas_at_their_times() {
    let mut snapshot = world(vec![cluster("a", 1, 16.0, 64)], vec![service("web", request(1.0, 1), 2)]);
    let rules = "0_1_*_*_*>5;30_1_*_*_thu>7;0_2_*_*_fri>9";
    let mut cron = scaling("cron-federated-hpa", &[("rules", rules), ("hpa", "off")]);
    assert_eq!(scale(&mut *cron, &snapshot), 5);
    for (minutes, expected) in [(29, 5), (31, 7), (60, 7), (24 * 60 + 59, 5), (24 * 60 + 60, 9)] {
        snapshot.at = NOW + Span::seconds(60 * minutes);
        assert_eq!(scale(&mut *cron, &snapshot), expected, "after {minutes} minutes");
    }
}

/// A rule with a range changes the range of the autoscaler: two replicas are below its least, so it goes there.
#[test]
fn cron_rules_change_the_range_of_the_autoscaler() {
    let mut snapshot = world(vec![cluster("a", 1, 16.0, 64)], vec![service("web", request(1.0, 1), 2)]);
    let mut cron = scaling("cron-federated-hpa", &[("rules", "10_1_*_*_*>4..8;20_1_*_*_*>1..3")]);
    for (minutes, expected) in [(0, 2), (9, 2), (10, 4), (19, 4), (20, 3)] {
        snapshot.at = NOW + Span::seconds(60 * minutes);
        assert_eq!(scale(&mut *cron, &snapshot), expected, "after {minutes} minutes");
    }
}
