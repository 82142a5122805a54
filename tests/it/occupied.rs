//! Room that others hold, and where a service may run: what the checker, the policies and the nodes make of them.

use crate::worlds::{cluster, request, service};
use rand::Rng;
use smo::model::binding::{NodeScore, NodeTable, eligible};
use smo::model::cluster::{ClusterTerms, Ineligible};
use smo::model::selector::{Operator, Requirement};
use smo::model::{Cluster, NodeId, NodeTerms, Occupied, PoolId, Resources, Selector, Table};
use smo::seed::Seed;

/// Four nodes of 8 cores and 32 GiB: daemons hold a core of each, others 6 of the first and 2 of the next two.
fn held() -> Cluster {
    let mut held = cluster("held", 4, 8.0, 32);
    let bare = |cores: f64| Resources { pods: 0, ..request(cores, 0) };
    let pool = &mut held.pools[PoolId(0)];
    pool.occupied = Occupied { each: bare(1.0), groups: vec![(1, bare(6.0)), (2, bare(2.0))] };
    held
}

/// Free cores: 1, 5, 5 and 7. Replicas of 2 cores: 0 + 2 + 2 + 3 = 7; of 6 cores: 1; of 8 cores: none.
#[test]
fn a_cluster_offers_what_others_leave_node_by_node() {
    let held = held();
    let room = |cores: f64| NodeTerms::default().room_max(&held, request(cores, 1));
    assert_eq!(held.capacity_max().cpu.0, 18_000);
    assert_eq!((room(2.0), room(6.0), room(0.5)), (Ok(7), Ok(1), Ok(2 + 10 + 10 + 14)));
    assert_eq!(room(8.0), Err(Ineligible::TooSmall { resource: "cpu" }));
    let occupied = &held.pools[PoolId(0)].occupied;
    let millicores: Vec<u64> = (0..5).map(|index| occupied.at_start(index).cpu.0).collect();
    assert_eq!(millicores, [6_000, 2_000, 2_000, 0, 0]);
}

#[test]
fn what_others_hold_of_a_node_is_never_bound_and_goes_with_the_node() {
    let mut nodes = NodeTable::new(NodeScore::LeastAllocated);
    let shape = Resources { pods: 10, ..request(4.0, 16) };
    let node = nodes.add_node(PoolId(0), shape);
    nodes.occupy(node, Resources { pods: 2, ..request(3.0, 1) });
    assert_eq!((nodes.allocatable().cpu.0, nodes.capacity().cpu.0), (1_000, 4_000));
    assert_eq!((nodes.allocated(), nodes.node(node).is_empty()), (Resources::ZERO, true));
    let all: Table<PoolId, bool> = [true].into_iter().collect();
    assert_eq!(nodes.bind(request(1.0, 1), &all), Some(node));
    assert_eq!(nodes.bind(request(1.0, 1), &all), None, "the fourth core is taken, three are held");
    nodes.set_up(node, false);
    assert_eq!(nodes.allocatable(), Resources::ZERO);
    nodes.set_up(node, true);
    nodes.release(node, request(1.0, 1));
    assert_eq!(nodes.allocatable().cpu.0, 1_000);
    nodes.occupy(node, request(100.0, 1_000));
    assert_eq!(nodes.allocatable().cpu.0, 0, "nobody holds more than there is");
}

/// Goal: the fast choice of a node stays exact where others hold some of the nodes.
/// Method: 64 random tables; the node that is chosen has the best score of all, the lowest index among equals.
#[test]
fn the_best_node_is_the_one_with_the_best_score_whatever_others_hold() {
    for seed in 0..64 {
        let mut stream = Seed(seed).stream("occupied", 0);
        let mut nodes =
            NodeTable::new(if seed % 2 == 0 { NodeScore::LeastAllocated } else { NodeScore::MostAllocated });
        for _ in 0..20 {
            let node = nodes.add_node(PoolId(0), Resources { pods: 20, ..request(8.0, 32) });
            let cores = (stream.next_u64() % 90) as f64 / 10.0;
            nodes.occupy(node, Resources { pods: stream.next_u64() % 20, ..request(cores, stream.next_u64() % 33) });
        }
        let all: Table<PoolId, bool> = [true].into_iter().collect();
        for _ in 0..60 {
            let wanted = request((1 + stream.next_u64() % 20) as f64 / 10.0, stream.next_u64() % 4);
            let best = nodes.scores(wanted, &all).reduce(|best, next| if next.1 > best.1 { next } else { best });
            assert_eq!(nodes.bind(wanted, &all), best.map(|(node, _): (NodeId, u64)| node), "seed {seed}");
        }
    }
}

#[test]
fn a_service_runs_only_in_its_clusters_and_on_its_nodes() {
    let mut edge = cluster("edge-1", 1, 8.0, 32);
    edge.labels.insert("tier".to_owned(), "edge".to_owned());
    edge.pools[PoolId(0)].labels.insert("zone".to_owned(), "a".to_owned());
    let is =
        |key: &str, value: &str| Requirement { key: key.to_owned(), operator: Operator::In([value.to_owned()].into()) };
    let one = |requirement: Requirement| vec![Selector(vec![requirement])];
    let terms =
        |clusters: ClusterTerms, affinity: Vec<Selector>| NodeTerms { clusters, affinity, ..NodeTerms::default() };
    let names = |name: &str| std::collections::BTreeSet::from([name.to_owned()]);
    let none = ClusterTerms::default;
    let wanted = service("web", request(1.0, 1), 1).request;
    for good in [
        terms(ClusterTerms { only: names("edge-1"), ..none() }, Vec::new()),
        terms(ClusterTerms { never: names("edge-2"), ..none() }, Vec::new()),
        terms(ClusterTerms { affinity: one(is("tier", "edge")), ..none() }, Vec::new()),
        terms(ClusterTerms { affinity: one(is("smo.dev/cluster", "edge-1")), ..none() }, Vec::new()),
        terms(ClusterTerms { affinity: one(is("smo.dev/region", "here")), ..none() }, Vec::new()),
        terms(none(), one(is("zone", "a"))),
        terms(none(), one(is("tier", "edge"))),
        terms(none(), [one(is("zone", "b")), one(is("zone", "a"))].concat()),
    ] {
        assert_eq!(good.room_max(&edge, wanted), Ok(8), "{good:?}");
        assert_eq!(eligible(&edge, &good, wanted).values().copied().collect::<Vec<_>>(), [true]);
    }
    for bad in [
        ClusterTerms { only: names("edge-2"), ..none() },
        ClusterTerms { never: names("edge-1"), ..none() },
        ClusterTerms { affinity: one(is("tier", "cloud")), ..none() },
    ] {
        assert_eq!(terms(bad, Vec::new()).room_max(&edge, wanted), Err(Ineligible::Cluster));
    }
    let elsewhere = terms(none(), one(is("zone", "b"))).room_max(&edge, wanted);
    assert_eq!(elsewhere, Err(Ineligible::Affinity { terms: "zone in (b)".to_owned() }));
}
