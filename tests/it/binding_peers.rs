//! Binding with affinity, spreading and preferences against the plain reference, over random lives of clusters.

use crate::peers_reference::{Replica, World};
use crate::worlds::{cluster, request};
use rand::RngExt;
use smo::model::binding::peers::{Peers, Relations, Request};
use smo::model::binding::{NodeScore, NodeTable, eligible};
use smo::model::peers::{HOSTNAME, Namespaces, PeerTerm, PeerTerms, SpreadTerm, ZONE};
use smo::model::selector::{Operator, Requirement};
use smo::model::{Cluster, NodeId, NodeTerms, PoolId, Resources, Selector, ServiceId, Table};
use smo::seed::{Seed, Stream};
use std::collections::BTreeMap;
use std::sync::Arc;

const SEEDS: u64 = 300;
const STEPS: usize = 60;
const APPS: [&str; 4] = ["a", "b", "c", "d"];

fn pick<T: Copy>(stream: &mut Stream, of: &[T]) -> T {
    of[stream.random_range(0..of.len())]
}

fn equal(key: &str, value: &str) -> Selector {
    Selector(vec![Requirement { key: key.to_owned(), operator: Operator::In([value.to_owned()].into()) }])
}

fn topology(stream: &mut Stream) -> String {
    pick(stream, &[HOSTNAME, HOSTNAME, ZONE, ZONE, ZONE, "rack"]).to_owned()
}

fn selector(stream: &mut Stream) -> Option<Selector> {
    match stream.random_range(0..12) {
        0 => None,
        1 => Some(Selector::default()),
        _ => Some(equal("app", pick(stream, &APPS))),
    }
}

fn term(stream: &mut Stream) -> PeerTerm {
    let names = if stream.random_bool(0.2) { [pick(stream, &["x", "y"]).to_owned()].into() } else { [].into() };
    PeerTerm {
        topology: topology(stream),
        selector: selector(stream),
        namespaces: Namespaces { names, selector: None },
    }
}

fn spread(stream: &mut Stream) -> SpreadTerm {
    SpreadTerm {
        topology: topology(stream),
        selector: selector(stream),
        skew_max: stream.random_range(1..=3),
        is_required: stream.random_bool(0.4),
        domains_min: stream.random_range(1..=4),
        honors_affinity: stream.random_bool(0.7),
        honors_taints: stream.random_bool(0.3),
    }
}

/// Terms of a service: most have some, none has many.
fn terms(stream: &mut Stream, app: &str) -> NodeTerms {
    let mut some = |chance: f64| u32::from(stream.random_bool(chance)) + u32::from(stream.random_bool(chance / 3.0));
    let [near, apart, leaning, spreads, preferred] = [some(0.2), some(0.2), some(0.4), some(0.5), some(0.3)];
    let selects = some(0.2) > 0;
    let zone = |stream: &mut Stream| pick(stream, &["1", "2", "3"]);
    let peers = PeerTerms {
        labels: [("app".to_owned(), app.to_owned())].into(),
        namespace: pick(stream, &["x", "x", "y"]).to_owned(),
        near: (0..near).map(|_| term(stream)).collect(),
        apart: (0..apart).map(|_| term(stream)).collect(),
        leaning: (0..leaning).map(|_| (stream.random_range(-100..=100), term(stream))).collect(),
        spread: (0..spreads).map(|_| spread(stream)).collect(),
        spread_by_default: false,
    };
    NodeTerms {
        selector: if selects { [(ZONE.to_owned(), zone(stream).to_owned())].into() } else { BTreeMap::new() },
        preferred: (0..preferred).map(|_| (stream.random_range(1..=100), equal(ZONE, zone(stream)))).collect(),
        peers,
        ..NodeTerms::default()
    }
}

/// Pools in three zones and one without, some with racks.
fn ground(stream: &mut Stream) -> Cluster {
    let mut cluster = cluster("here", 0, 8.0, 32);
    let pool = cluster.pools[PoolId(0)].clone();
    cluster.pools = ["1", "2", "3", ""]
        .map(|zone| {
            let mut pool = pool.clone();
            if !zone.is_empty() {
                pool.labels.insert(ZONE.to_owned(), zone.to_owned());
            }
            if stream.random_bool(0.4) {
                pool.labels.insert("rack".to_owned(), pick(stream, &["r", "s"]).to_owned());
            }
            pool
        })
        .into_iter()
        .collect();
    cluster
}

/// One cluster, kept twice.
struct Life {
    stream: Stream,
    cluster: Cluster,
    services: Vec<NodeTerms>,
    requests: Vec<Resources>,
    nodes: NodeTable,
    peers: Peers,
    replicas: Vec<Replica>,
}

impl Life {
    fn new(seed: u64) -> Self {
        let mut stream = Seed(seed).stream("test_binding_peers", 0);
        let cluster = ground(&mut stream);
        let services: Vec<NodeTerms> = APPS.iter().map(|app| terms(&mut stream, app)).collect();
        let requests =
            APPS.iter().map(|_| request(f64::from(stream.random_range(1..=4)) / 2.0, stream.random_range(1..=6)));
        let requests = requests.collect();
        let mut nodes = NodeTable::new(NodeScore::LeastAllocated);
        for _ in 0..stream.random_range(2..=12) {
            let pool = PoolId(stream.random_range(0..4));
            nodes.add_node(pool, cluster.pools[pool].shape);
        }
        let peers = Peers::new(&cluster, Arc::new(Relations::new(&services)), &services);
        Self { stream, cluster, services, requests, nodes, peers, replicas: Vec::new() }
    }

    fn labels(&self, node: NodeId) -> BTreeMap<String, String> {
        let mut labels = self.cluster.pools[self.nodes.node(node).pool].labels.clone();
        labels.insert(HOSTNAME.to_owned(), format!("n{}", node.0));
        labels
    }

    fn bind(&mut self, context: &str) -> bool {
        let service = self.stream.random_range(0..APPS.len());
        let id = ServiceId(u32::try_from(service).expect("few"));
        let request = Request { service: id, resources: self.requests[service] };
        let labels = |node: NodeId| self.labels(node);
        let world = World { nodes: &self.nodes, labels: &labels, services: &self.services, replicas: &self.replicas };
        let expected = world.scores(service, request.resources);
        let pools = eligible(&self.cluster, &self.services[service], request.resources);
        let minds = self.peers.concern(id);
        let found = if minds { self.peers.scores(&self.nodes, request) } else { by_room(&self.nodes, request, &pools) };
        assert_eq!(relative(&found), relative(&expected), "{context}: {:#?}", self.services[service]);
        let highest = expected.iter().map(|(_, score)| *score).max();
        let first = expected.iter().find(|(_, score)| Some(*score) == highest).map(|(node, _)| *node);
        let best =
            if minds { self.peers.best(&self.nodes, request) } else { self.nodes.best(request.resources, &pools) };
        assert_eq!(best, first, "{context}");
        let Some(node) = first else { return false };
        assert!(self.nodes.bind_to(node, request.resources), "{context}");
        self.peers.add(id, node);
        self.replicas.push(Replica { service, node, drains: false });
        true
    }

    fn remove(&mut self) {
        let index = self.stream.random_range(0..self.replicas.len());
        let id = ServiceId(u32::try_from(self.replicas[index].service).expect("few"));
        let node = self.replicas[index].node;
        if !self.replicas[index].drains && self.stream.random_bool(0.5) {
            self.replicas[index].drains = true;
            return self.peers.drain(id, node);
        }
        let gone = self.replicas.swap_remove(index);
        self.nodes.release(node, self.requests[gone.service]);
        self.peers.remove(id, node, gone.drains);
    }

    fn step(&mut self, context: &str) -> bool {
        match self.stream.random_range(0..12) {
            0 => {
                let node = NodeId(self.stream.random_range(0..u32::try_from(self.nodes.nodes().len()).expect("few")));
                let up = self.stream.random_bool(0.7);
                self.nodes.set_up(node, up);
                false
            }
            1 | 2 if !self.replicas.is_empty() => {
                self.remove();
                false
            }
            _ => self.bind(context),
        }
    }
}

/// Scores of a service that only minds room: what is the same for all nodes is left out.
fn by_room(nodes: &NodeTable, request: Request, pools: &Table<PoolId, bool>) -> Vec<(NodeId, i64)> {
    let scores = nodes.scores(request.resources, pools);
    scores.map(|(node, score)| (node, i64::try_from(score).expect("at most 200"))).collect()
}

/// Scores against the best one.
fn relative(scores: &[(NodeId, i64)]) -> Vec<(NodeId, i64)> {
    let best = scores.iter().map(|(_, score)| *score).max().unwrap_or(0);
    scores.iter().map(|(node, score)| (*node, score - best)).collect()
}

/// Goal: nodes that fit, scores and choice are the reference's, whatever the terms are and wherever replicas lie.
/// Method: 300 random clusters live through 60 steps each: replicas of four services with random terms come, drain and go,
/// nodes fail and return.
#[test]
fn replicas_with_terms_go_where_the_plain_reference_says() {
    let mut bound = 0;
    for seed in 0..SEEDS {
        let mut life = Life::new(seed);
        for step in 0..STEPS {
            bound += u32::from(life.step(&format!("seed {seed}, step {step}")));
        }
    }
    assert!(bound > 4_000, "only {bound} replicas were bound: the worlds are too small to test anything");
}
