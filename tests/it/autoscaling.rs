//! Node pools that grow and shrink, as the Cluster Autoscaler has it: every instant and every node-hour worked out by hand.

use crate::world::{Kept, Scripted, at, cluster, known, load, pool, scenario, service, simulate};
use smo::model::autoscaler::Expander;
use smo::model::observation::Totals;
use smo::model::peers::{HOSTNAME, Namespaces, PeerTerm, SERVICE_LABEL};
use smo::model::selector::{Operator, Requirement};
use smo::model::{ClusterId, Phase, Pool, PoolId, Scenario, Selector, ServiceId};
use smo::units::{MilliCores, Money, Ratio, Span};

const HOUR: u64 = 3_600;

/// One service of one-core replicas, and a pool of `nodes` nodes of 16 cores that may shrink to one and grow to `most`.
fn elastic(nodes: u32, most: u32) -> Scenario {
    let mut world = scenario(vec![service("one", 10.0)], vec![], vec![cluster("a", nodes)]);
    let pool = &mut known(&mut world).clusters[ClusterId(0)].pools[PoolId(0)];
    (pool.nodes_min, pool.nodes_max) = (1, most);
    world.sample_every = Some(Span::seconds(1));
    world
}

/// Wants these numbers of replicas from these seconds on, for an hour.
fn run(world: Scenario, wants: &[(u64, u32)]) -> (Totals, Kept) {
    let plan = wants.iter().map(|(from, replicas)| (*from, 0, 0, *replicas)).collect();
    simulate(world, load(&[(0, 10)], HOUR), Scripted(plan))
}

fn node_seconds(totals: &Totals) -> f64 {
    totals.by_cluster[0].node_hours * 3_600.0
}

fn assert_node_seconds(totals: &Totals, expected: f64) {
    let found = node_seconds(totals);
    assert!((found - expected).abs() < 1e-3, "{found} node-seconds, not {expected}");
}

/// Replicas of a service may not share a node.
fn keep_apart(world: &mut Scenario) {
    let terms = &mut known(world).application.services[ServiceId(0)].terms;
    terms.peers.labels = [(SERVICE_LABEL.to_owned(), "one".to_owned())].into();
    let operator = Operator::In(["one".to_owned()].into());
    let selector = Some(Selector(vec![Requirement { key: SERVICE_LABEL.to_owned(), operator }]));
    terms.peers.apart = vec![PeerTerm { topology: HOSTNAME.to_owned(), selector, namespaces: Namespaces::default() }];
}

/// Eight replicas lie four and four on two nodes: a quarter of each is used, and the first node's would fit on the second.
/// The scan at 10 s finds that out, the one at 610 s acts: four start on the second node, are ready at 620, and the old ones
/// drain for 5 s. The node is paid for until 625, and at no time fewer than eight serve.
#[test]
fn a_hardly_used_node_is_emptied_and_given_back_without_a_gap() {
    let (totals, kept) = run(elastic(2, 3), &[(0, 8)]);
    assert_node_seconds(&totals, 625.0 + 3_600.0);
    let ready = |snapshot: &smo::model::Snapshot| snapshot.services[ServiceId(0)].count(Phase::Ready);
    assert!(kept.snapshots.iter().skip(1).all(|snapshot| ready(snapshot) >= 8), "a replica was missed");
    let last = kept.snapshots.last().expect("there were decisions");
    assert_eq!(
        (ready(last), last.services[ServiceId(0)].replicas.iter().map(|group| group.count).sum::<u32>()),
        (8, 8)
    );
    let nodes =
        |second: u64| kept.samples.iter().find(|sample| sample.at == at(second)).map(|sample| sample.clusters[0].nodes);
    assert_eq!([609, 626].map(nodes), [Some(2), Some(1)]);
}

/// Sixteen replicas use half of each node, which is not less than half; nine of 16 cores would be too many on one node anyway.
#[test]
fn a_node_stays_that_is_used_enough_or_whose_replicas_have_no_other_place() {
    let (totals, _) = run(elastic(2, 3), &[(0, 16)]);
    assert_node_seconds(&totals, 7_200.0);
    let mut apart = elastic(2, 3);
    keep_apart(&mut apart);
    let (totals, kept) = run(apart, &[(0, 2)]);
    assert_node_seconds(&totals, 7_200.0);
    assert_eq!(kept.snapshots.last().map(|last| last.services[ServiceId(0)].count(Phase::Ready)), Some(2));
}

#[test]
fn a_threshold_of_zero_gives_back_only_what_is_empty_of_itself() {
    let mut world = elastic(2, 3);
    world.platform.autoscaler.utilisation = Ratio::ZERO;
    assert_node_seconds(&run(world, &[(0, 8)]).0, 7_200.0);
}

/// Four of 20 replicas wait from 602 on; their node boots until 662 and is paid for. At 1,002 they drain, at 1,007 the node is
/// empty, at 1,607 it could go; but nodes were asked for at 602, and nothing is given back for 2,000 s.
#[test]
fn nothing_is_given_back_soon_after_nodes_were_asked_for() {
    let mut world = elastic(1, 3);
    world.platform.autoscaler.delay_after_add = Span::seconds(2_000);
    let (totals, _) = run(world, &[(0, 16), (600, 20), (1_000, 16)]);
    assert_node_seconds(&totals, 3_600.0 + 2_000.0);
}

/// Replicas of 6 cores: two on a node of 16. Five that wait ask for 30 cores, which two nodes have; but they need three.
#[test]
fn new_nodes_are_counted_by_packing_not_by_sums() {
    let mut world = elastic(1, 10);
    known(&mut world).application.services[ServiceId(0)].request.cpu = MilliCores(6_000);
    let (_, kept) = run(world, &[(0, 2), (600, 7)]);
    let nodes =
        |second: u64| kept.samples.iter().find(|sample| sample.at == at(second)).map(|sample| sample.clusters[0].nodes);
    assert_eq!([661, 663].map(nodes), [Some(1), Some(4)]);
}

/// Three replicas that may not share a node need two more nodes, although one could hold them all.
#[test]
fn replicas_that_keep_apart_get_a_node_each() {
    let mut world = elastic(1, 10);
    keep_apart(&mut world);
    let (_, kept) = run(world, &[(0, 1), (600, 3)]);
    let last = kept.snapshots.last().expect("there were decisions");
    assert_eq!((last.clusters[ClusterId(0)].nodes, last.services[ServiceId(0)].count(Phase::Ready)), (3, 3));
}

/// A full node, a pool `small` of at most one node of 4 cores and 16 GiB, and a pool `large` of 16 cores and 64 GiB. Six
/// one-core replicas wait: `small` takes four of them, `large` all.
fn choice(expander: Expander, change: impl FnOnce(&mut Pool, &mut Pool)) -> u32 {
    let (mut small, mut large) = (pool(0), pool(0));
    small.shape = smo::model::Resources { cpu: MilliCores(4_000), memory: smo::units::Bytes(16 << 30), ..small.shape };
    (small.name, large.name) = ("small".to_owned(), "large".to_owned());
    (small.price_per_hour, small.nodes_max, large.nodes_max) = (Money(0.2), 1, 3);
    change(&mut small, &mut large);
    let mut world = scenario(vec![service("one", 10.0)], vec![], vec![cluster("a", 1)]);
    let pools = &mut known(&mut world).clusters[ClusterId(0)].pools;
    pools.push(small);
    pools.push(large);
    world.platform.autoscaler.expander = expander;
    world.sample_every = Some(Span::seconds(1));
    let (_, kept) = run(world, &[(0, 16), (600, 22)]);
    kept.samples.iter().find(|sample| sample.at == at(700)).expect("sampled every second").clusters[0].nodes
}

/// Two new nodes (`small`, and `large` for the two that are left), or one (`large` for all):
/// - first: small is declared first;
/// - waste: small 0 + 12/16 = 0.75, large 10/16 + 58/64 = 1.53;
/// - price: small 0.2 / (4 + 4/7.5) = 0.044, large 1 / (6 + 6/7.5) = 0.147; at 1 $ small costs 0.221;
/// - most replicas: four or six;
/// - priority: as said, small among equals.
#[test]
fn expanders_choose_as_they_are_described() {
    let as_is = |expander| choice(expander, |_, _| {});
    assert_eq!(as_is(Expander::First), 3);
    assert_eq!(as_is(Expander::LeastWaste), 3);
    assert_eq!(as_is(Expander::Price), 3);
    assert_eq!(choice(Expander::Price, |small, _| small.price_per_hour = Money(1.0)), 2);
    assert_eq!(as_is(Expander::MostReplicas), 2);
    assert_eq!(as_is(Expander::Priority), 3);
    assert_eq!(choice(Expander::Priority, |_, large| large.priority = 10), 2);
    let drawn = as_is(Expander::Random);
    assert!((2..=3).contains(&drawn) && drawn == as_is(Expander::Random), "{drawn}");
}
