//! Which nodes take a replica at all: the filters of kube-scheduler 1.35 behind `NodeResourcesFit`, counted per domain.
//!
//! ```text
//! PodTopologySpread   matching(domain) + itself − fewest over all domains  ≤  skew_max
//! InterPodAffinity    for each required term: a matching replica in the domain, or none anywhere and it matches itself;
//!                     for each anti-affinity, its own and those of replicas that are there: no matching replica there
//! ```

use super::ground::PoolFacts;
use super::relations::{Key, Relation, Spread};
use super::unfit::{Shortage, Unfit};
use super::{Peers, Request};
use crate::model::binding::{Node, NodeTable};
use crate::model::id::{NodeId, PoolId, ServiceId, Table};

/// The fewest of no domains at all: every skew is allowed.
const NO_DOMAIN: i64 = i32::MAX as i64;

/// What is counted once for all nodes.
pub(super) struct Filter<'a> {
    peers: &'a Peers,
    request: Request,
    facts: &'a Table<PoolId, PoolFacts>,
    relation: &'a Relation,
    spreads: Vec<Counted>,
    near: Vec<(Key, Vec<i64>)>,
    /// Whether no replica that has to be near is anywhere, and this one matches itself: it begins the series.
    begins: bool,
    apart: Vec<(Key, Vec<i64>)>,
    repelled: Vec<(Key, Vec<i64>)>,
}

/// Replicas by domain, for one spread.
struct Counted {
    by_domain: Vec<i64>,
    fewest: i64,
}

impl<'a> Filter<'a> {
    pub(super) fn new(
        peers: &'a Peers,
        nodes: &NodeTable,
        request: Request,
        facts: &'a Table<PoolId, PoolFacts>,
    ) -> Self {
        let relation = &peers.relations.of[request.service];
        let by_domain = |key: Key, services: &[ServiceId]| {
            let mut counts = vec![0; peers.ground.domain_end(key, nodes.nodes().len())];
            for (id, node, held) in services.iter().flat_map(|service| peers.held(*service, nodes)) {
                if let Some(domain) = peers.ground.domain(key, id, node) {
                    counts[domain] += i64::from(held.all);
                }
            }
            (key, counts)
        };
        let near: Vec<_> = relation.near.iter().map(|key| by_domain(*key, &relation.near_to)).collect();
        let begins = relation.near_itself && near.iter().all(|(_, counts)| counts.iter().all(|count| *count == 0));
        let apart = relation.apart.iter().map(|(key, others)| by_domain(*key, others)).collect();
        let repelled = relation.repelled_by.iter().map(|(other, key)| by_domain(*key, &[*other])).collect();
        let mut filter = Self { peers, request, facts, relation, spreads: Vec::new(), near, begins, apart, repelled };
        filter.spreads = relation.hard.iter().map(|spread| filter.count(nodes, spread)).collect();
        filter
    }

    /// Why a node does not take the replica.
    pub(super) fn unfit(&self, id: NodeId, node: &Node) -> Option<Unfit> {
        let unfit = self.facts[node.pool].unfit;
        let room = || Shortage::of(node, self.request.resources).map(Unfit::Room);
        unfit.or_else(room).or_else(|| self.unfit_by_spread(id, node)).or_else(|| self.unfit_by_peers(id, node))
    }

    fn unfit_by_spread(&self, id: NodeId, node: &Node) -> Option<Unfit> {
        for (spread, counted) in self.relation.hard.iter().zip(&self.spreads) {
            let Some(domain) = self.peers.ground.domain(spread.key, id, node) else { return Some(Unfit::SpreadLabel) };
            let skew = counted.by_domain[domain].max(0) + i64::from(spread.counts_itself) - counted.fewest;
            if skew > spread.skew_max {
                return Some(Unfit::Spread);
            }
        }
        None
    }

    fn unfit_by_peers(&self, id: NodeId, node: &Node) -> Option<Unfit> {
        let count =
            |(key, counts): &(Key, Vec<i64>)| self.peers.ground.domain(*key, id, node).map(|domain| counts[domain]);
        let lacks_label = self.near.iter().any(|near| count(near).is_none());
        let lacks_peer = self.near.iter().any(|near| count(near) == Some(0));
        if lacks_label || (lacks_peer && !self.begins) {
            return Some(Unfit::Near);
        }
        let is_there = |one: &(Key, Vec<i64>)| count(one).is_some_and(|count| count > 0);
        if self.apart.iter().any(is_there) {
            return Some(Unfit::Apart);
        }
        self.repelled.iter().any(is_there).then_some(Unfit::Repelled)
    }

    /// Counts a required spread over all nodes that have the labels of all of them; −1 for a domain that does not exist.
    fn count(&self, nodes: &NodeTable, spread: &Spread) -> Counted {
        let ground = &self.peers.ground;
        let mut by_domain = vec![-1; ground.domain_end(spread.key, nodes.nodes().len())];
        for (id, node) in nodes.nodes().filter(|(_, node)| node.up) {
            let has_all = self.relation.hard.iter().all(|other| ground.domain(other.key, id, node).is_some());
            if has_all && spread.includes(&self.facts[node.pool]) {
                let domain = ground.domain(spread.key, id, node).expect("it has all labels");
                by_domain[domain] = by_domain[domain].max(0) + self.peers.staying(&spread.over, id);
            }
        }
        let exist = || by_domain.iter().copied().filter(|count| *count >= 0);
        let fewest = if exist().count() < spread.domains_min { 0 } else { exist().min().unwrap_or(NO_DOMAIN) };
        Counted { by_domain, fewest }
    }
}

impl Spread {
    /// Whether nodes of a pool count at all.
    pub(super) const fn includes(&self, facts: &PoolFacts) -> bool {
        (facts.is_admitted || !self.honors_affinity) && (facts.is_tolerated || !self.honors_taints)
    }
}
