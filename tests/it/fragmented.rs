//! A cluster whose nodes have a little left each: room by the sum of it, and none for a replica.

use crate::policies::{decide, policy};
use crate::world::{Kept, Scripted, at, cluster, load, pool, scenario, service, simulate, simulate_by};
use crate::worlds;
use smo::model::{ClusterId, Delay, Phase, ReplicaGroup, Scenario, ServiceId, Snapshot};
use smo::units::{MilliCores, Money, Span, Time};

const WEB: ServiceId = ServiceId(0);
const CHEAP: ClusterId = ClusterId(0);
const DEAR: ClusterId = ClusterId(1);

/// Eight cheap nodes of 4 cores hold a filler of 2.5 cores each, so 12 cores are free and no node has two. From five minutes on,
/// replicas of two cores want them. A dear node of 64 cores has room.
fn fragmented() -> Scenario {
    let mut web = service("web", 10.0);
    (web.request.cpu, web.replicas) = (MilliCores(2_000), 0);
    let mut filler = service("filler", 10.0);
    (filler.request.cpu, filler.pinned) = (MilliCores(2_500), true);
    (filler.replicas, filler.replicas_min) = (8, 8);
    let (mut cheap, mut dear) = (cluster("cheap", 1), cluster("dear", 1));
    let (mut small, mut large) = (pool(8), pool(1));
    (small.shape.cpu, small.price_per_hour) = (MilliCores(4_000), Money(0.04));
    (large.shape.cpu, large.price_per_hour) = (MilliCores(64_000), Money(6.4));
    cheap.pools = [small].into_iter().collect();
    dear.pools = [large].into_iter().collect();
    let mut scenario = scenario(vec![web, filler], Vec::new(), vec![cheap, dear]);
    scenario.control.every = Span::seconds(60);
    scenario.control.effect_after = Delay::NONE;
    scenario
}

fn ready_at(kept: &Kept, second: u64, cluster: ClusterId) -> u32 {
    let snapshot = kept.snapshots.iter().find(|snapshot| snapshot.at == at(second)).expect("it was decided then");
    snapshot.services[WEB].count_in(cluster, Phase::Ready)
}

/// Whoever goes on planning into the cheap cluster serves nothing for an hour. Our placements see that the replicas wait for
/// longer than anything could still come for, and put them into the other cluster, where they stay.
#[test]
fn replicas_that_no_node_takes_are_wanted_elsewhere() {
    let calls = || load(&[(0, 0), (300, 35)], 3_600);
    let (_, stuck) = simulate(fragmented(), calls(), Scripted(vec![(0, 1, 0, 8), (300, 0, 0, 6)]));
    assert_eq!((ready_at(&stuck, 3_540, CHEAP), ready_at(&stuck, 3_540, DEAR)), (0, 0), "no node has two cores");
    for name in ["anytime+rate", "lagrangian+rate", "greedy+rate"] {
        let (totals, kept) = simulate_by(fragmented(), calls(), policy(name));
        assert_eq!(
            (ready_at(&kept, 540, CHEAP), ready_at(&kept, 540, DEAR)),
            (0, 0),
            "{name} has the same idea at first"
        );
        for second in [900, 1_800, 3_540] {
            assert!(ready_at(&kept, second, DEAR) >= 4, "{name} at {second} s");
        }
        assert!(totals.moves <= 6, "{name}: {} moves", totals.moves);
    }
}

/// Five replicas wait for `waited` seconds in the first of two clusters.
fn waiting(waited: u64) -> Snapshot {
    let clusters = vec![worlds::cluster("a", 4, 4.0, 16), worlds::cluster("b", 4, 4.0, 16)];
    let mut snapshot = worlds::world(clusters, vec![worlds::service("web", worlds::request(1.0, 1), 5)]);
    snapshot.targets = worlds::targets(&[(0, 0, 5)]);
    let since = Time(worlds::NOW.0 - Span::seconds(waited).0);
    let group = ReplicaGroup { cluster: CHEAP, phase: Phase::Pending, started: since, since, count: 5 };
    snapshot.services[WEB].replicas = vec![group];
    snapshot
}

/// Five minutes are what a scheduler needs at the latest to try again; and while something is about to leave, or there is no
/// other cluster, waiting is all that can be done.
#[test]
fn patience_is_not_lost_too_soon_nor_without_an_alternative() {
    let moves = |snapshot: &Snapshot| {
        let plan = decide(&mut *policy("spread+static"), snapshot);
        (plan.targets.get(WEB, CHEAP), plan.targets.get(WEB, DEAR))
    };
    assert_eq!(moves(&waiting(299)), (5, 0));
    assert_eq!(moves(&waiting(301)), (0, 5));
    let mut leaving = waiting(301);
    let ready = ReplicaGroup { phase: Phase::Ready, count: 6, ..leaving.services[WEB].replicas[0] };
    leaving.services[WEB].replicas.push(ready);
    assert_eq!(moves(&leaving), (5, 0), "six are there and five are wanted: one is about to leave");
    let mut alone = waiting(301);
    alone.clusters[DEAR].reachable = false;
    assert_eq!(moves(&alone), (5, 0));
}

/// What was learned holds as long as nothing leaves, and is forgotten then.
#[test]
fn a_full_cluster_is_not_asked_again_until_something_changes() {
    let mut snapshot = waiting(301);
    let mut policy = policy("anytime+static");
    snapshot.clusters[DEAR].price_per_core_hour = 0.5;
    snapshot.targets = decide(&mut *policy, &snapshot).targets;
    assert_eq!(snapshot.targets, worlds::targets(&[(0, 1, 5)]));
    snapshot.services[WEB].replicas = worlds::ready(&[(1, 5)]);
    assert_eq!(decide(&mut *policy, &snapshot).targets, snapshot.targets, "though the other cluster is cheaper");
    snapshot.clusters[CHEAP].allocatable += worlds::request(1.0, 1);
    assert_eq!(decide(&mut *policy, &snapshot).targets, worlds::targets(&[(0, 0, 5)]), "a node has come");
}
