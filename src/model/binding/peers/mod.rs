//! Which node takes a replica that minds where others are: affinity between replicas, spreading over zones, preferences.
//!
//! The account of room lies in the [`NodeTable`]; this one knows which services' replicas are on which nodes, as far as a
//! term asks for it, and adds the filters and scores of kube-scheduler 1.35 that need labels: `NodeAffinity` and
//! `TaintToleration` with their preferences, `PodTopologySpread`, `InterPodAffinity`. `relations` is what terms say,
//! `ground` where they lead in one cluster, `filter` and `score` apply them, [`Unfit`] says why a node is not fit.
//!
//! Every question is answered from scratch, in O(nodes + replicas that a term is about): services that no term concerns
//! never come here ([`concern`](Peers::concern) tells), they are bound by room alone.
//!
//! Not here: image locality, volumes, host ports, preemption. Nodes that are down are no domains.

mod filter;
mod ground;
mod relations;
mod score;
mod unfit;

use super::table::{Node, NodeTable};
use crate::model::cluster::{Cluster, NodeTerms};
use crate::model::id::{NodeId, PoolId, ServiceId, Table};
use crate::model::resources::Resources;
use filter::Filter;
use ground::{Ground, PoolFacts};
pub use relations::Relations;
use score::Scoring;
use std::collections::BTreeMap;
use std::sync::Arc;
pub use unfit::{Unfit, message};

/// Where the replicas of one cluster are that some term is about.
#[derive(Debug, Clone)]
pub struct Peers {
    relations: Arc<Relations>,
    ground: Arc<Ground>,
    held: Table<ServiceId, BTreeMap<NodeId, Held>>,
}

/// Replicas of one service on one node.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    all: u32,
    /// Those that have not been told to end; spreads do not count the others.
    staying: u32,
}

/// A replica that looks for a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Whose.
    pub service: ServiceId,
    /// What it asks for.
    pub resources: Resources,
}

impl Peers {
    /// An empty `cluster`, for services with these terms in the order of their ids, whose relations are known.
    pub fn new<'a>(
        cluster: &Cluster,
        relations: Arc<Relations>,
        terms: impl IntoIterator<Item = &'a NodeTerms>,
    ) -> Self {
        let ground = Arc::new(Ground::new(cluster, &relations, terms));
        let held = relations.of.iter().map(|_| BTreeMap::new()).collect();
        Self { relations, ground, held }
    }

    /// Whether a service minds more than room in this cluster.
    pub fn concern(&self, service: ServiceId) -> bool {
        self.ground.pools(service).is_some()
    }

    /// Whether any does.
    pub fn concern_any(&self) -> bool {
        self.ground.concerns_any()
    }

    /// A replica was bound.
    pub fn add(&mut self, service: ServiceId, node: NodeId) {
        if self.relations.of[service].is_counted {
            let held = self.held[service].entry(node).or_default();
            held.all += 1;
            held.staying += 1;
        }
    }

    /// A bound replica was told to end and is still there.
    ///
    /// # Panics
    /// Where no such replica is bound to the node.
    pub fn drain(&mut self, service: ServiceId, node: NodeId) {
        if self.relations.of[service].is_counted {
            self.held[service].get_mut(&node).expect("a replica that drains is bound").staying -= 1;
        }
    }

    /// A replica is gone; `was_draining` where it was told to end before.
    ///
    /// # Panics
    /// Where no such replica is bound to the node.
    pub fn remove(&mut self, service: ServiceId, node: NodeId, was_draining: bool) {
        if self.relations.of[service].is_counted {
            let held = self.held[service].get_mut(&node).expect("a replica that goes is bound");
            held.all -= 1;
            held.staying -= u32::from(!was_draining);
            if held.all == 0 {
                self.held[service].remove(&node);
            }
        }
    }

    /// The best node for a replica, the lowest index among equals; `None` where none takes it.
    ///
    /// # Panics
    /// For a service that only minds room: its [`NodeTable`] knows better.
    pub fn best(&self, nodes: &NodeTable, request: Request) -> Option<NodeId> {
        let scores = self.scores(nodes, request);
        let best = scores.into_iter().reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map(|(node, _)| node)
    }

    /// The nodes that take a replica, with their scores.
    ///
    /// # Panics
    /// As [`best`](Self::best).
    pub fn scores(&self, nodes: &NodeTable, request: Request) -> Vec<(NodeId, i64)> {
        let facts = self.facts(request.service);
        let filter = Filter::new(self, nodes, request, facts);
        let up = nodes.nodes().filter(|(_, node)| node.up);
        let fitting: Vec<NodeId> =
            up.filter(|(id, node)| filter.unfit(*id, node).is_none()).map(|(id, _)| id).collect();
        let scores = Scoring { peers: self, nodes, request, facts, fitting: &fitting }.scores();
        fitting.into_iter().zip(scores).collect()
    }

    /// Whether one node takes a replica.
    ///
    /// # Panics
    /// As [`best`](Self::best).
    pub fn takes(&self, nodes: &NodeTable, request: Request, node: NodeId) -> bool {
        let filter = Filter::new(self, nodes, request, self.facts(request.service));
        nodes.node(node).up && filter.unfit(node, nodes.node(node)).is_none()
    }

    /// Why each node of `cluster` that is up does not take a replica with these terms, of whatever service; fewer than there
    /// are nodes where some do.
    pub fn unfit(&self, nodes: &NodeTable, request: Request, (cluster, terms): (&Cluster, &NodeTerms)) -> Vec<Unfit> {
        let facts = ground::facts(cluster, terms);
        let filter = Filter::new(self, nodes, request, &facts);
        let up = nodes.nodes().filter(|(_, node)| node.up);
        up.filter_map(|(id, node)| filter.unfit(id, node)).collect()
    }

    fn facts(&self, service: ServiceId) -> &Table<PoolId, PoolFacts> {
        self.ground.pools(service).expect("only services that terms concern are asked about")
    }

    /// The nodes that are up and hold replicas of `service`.
    fn held<'a>(
        &'a self,
        service: ServiceId,
        nodes: &'a NodeTable,
    ) -> impl Iterator<Item = (NodeId, &'a Node, Held)> + 'a {
        let held = self.held[service].iter().map(|(id, held)| (*id, nodes.node(*id), *held));
        held.filter(|(_, node, _)| node.up)
    }

    /// Replicas of these services on a node that have not been told to end.
    fn staying(&self, services: &[ServiceId], node: NodeId) -> i64 {
        let on_node = services.iter().filter_map(|service| self.held[*service].get(&node));
        on_node.map(|held| i64::from(held.staying)).sum()
    }
}
