//! How good the nodes are that passed the filters, as kube-scheduler 1.35 scores them, each plugin from 0 to 100:
//!
//! ```text
//! score = NodeResourcesFit + NodeResourcesBalancedAllocation            (`exact`)
//!       + 3·TaintToleration + 2·NodeAffinity + 2·PodTopologySpread + 2·InterPodAffinity
//!
//! TaintToleration    100 − ⌊100·t / max t⌋      t: taints `PreferNoSchedule` that are not tolerated; 100 without any
//! NodeAffinity       ⌊100·w / max w⌋            w: weights of the preferences that hold; 0 without any
//! PodTopologySpread  ⌊100·(max s + min s − s) / max s⌋, 100 where max s = 0, 0 for a node without the labels
//!                    s = round(Σ matching(domain)·ln(domains + 2) + skew_max − 1)
//! InterPodAffinity   ⌊100·(p − min p) / (max p − min p)⌋, 0 where all are equal
//!                    p = Σ weights of matching replicas in the domain, in both directions
//! ```
//!
//! Maxima, minima and numbers of domains are over the nodes that passed, so scores of different sets do not compare. Doubles
//! stand in the order of operations of the original, so that the same values are rounded.

use super::ground::PoolFacts;
use super::relations::{Relation, Spread};
use super::{Peers, Request};
use crate::model::binding::{Node, NodeTable};
use crate::model::id::{NodeId, PoolId, Table};

const SCORE_MAX: i64 = 100;
const TAINT_WEIGHT: i64 = 3;
const AFFINITY_WEIGHT: i64 = 2;
const SPREAD_WEIGHT: i64 = 2;
const PEERS_WEIGHT: i64 = 2;

/// A node without one of the labels to spread over.
const IGNORED: i64 = -1;

/// The scoring of one replica on the nodes that take it.
pub(super) struct Scoring<'a> {
    pub(super) peers: &'a Peers,
    pub(super) nodes: &'a NodeTable,
    pub(super) request: Request,
    pub(super) facts: &'a Table<PoolId, PoolFacts>,
    pub(super) fitting: &'a [NodeId],
}

impl Scoring<'_> {
    /// The score of each fitting node.
    pub(super) fn scores(&self) -> Vec<i64> {
        let room = |id: &NodeId| {
            let score = self.nodes.score(*id, self.request.resources).expect("a fitting node has room");
            i64::try_from(score).expect("at most 200")
        };
        let mut scores: Vec<i64> = self.fitting.iter().map(room).collect();
        let parts = [
            (TAINT_WEIGHT, self.tolerance()),
            (AFFINITY_WEIGHT, self.affinity()),
            (SPREAD_WEIGHT, self.spread()),
            (PEERS_WEIGHT, self.company()),
        ];
        for (weight, part) in parts {
            for (score, part) in scores.iter_mut().zip(part) {
                *score += weight * part;
            }
        }
        scores
    }

    fn node(&self, id: NodeId) -> &Node {
        self.nodes.node(id)
    }

    fn relation(&self) -> &Relation {
        &self.peers.relations.of[self.request.service]
    }

    /// `TaintToleration`.
    fn tolerance(&self) -> Vec<i64> {
        let counts: Vec<i64> = self.fitting.iter().map(|id| self.facts[self.node(*id).pool].reluctance).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        counts.iter().map(|count| SCORE_MAX - (SCORE_MAX * count).checked_div(most).unwrap_or(0)).collect()
    }

    /// `NodeAffinity`.
    fn affinity(&self) -> Vec<i64> {
        let sums: Vec<i64> = self.fitting.iter().map(|id| self.facts[self.node(*id).pool].preference).collect();
        let most = sums.iter().copied().max().unwrap_or(0);
        sums.iter().map(|sum| (SCORE_MAX * sum).checked_div(most).unwrap_or(0)).collect()
    }

    /// `PodTopologySpread`.
    fn spread(&self) -> Vec<i64> {
        let relation = self.relation();
        if relation.soft.is_empty() {
            return vec![0; self.fitting.len()];
        }
        let counted: Vec<SpreadCounts> = relation.soft.iter().map(|spread| self.count(spread)).collect();
        let crowds: Vec<i64> = self.fitting.iter().map(|id| self.crowd(*id, &counted)).collect();
        let scored = || crowds.iter().copied().filter(|crowd| *crowd != IGNORED);
        let (least, most) = (scored().min().unwrap_or(0), scored().max().unwrap_or(0));
        let share = |crowd: i64| match crowd {
            IGNORED => 0,
            _ if most == 0 => SCORE_MAX,
            _ => SCORE_MAX * (most + least - crowd) / most,
        };
        crowds.iter().map(|crowd| share(*crowd)).collect()
    }

    /// How crowded the domains of a node are; [`IGNORED`] where it lacks a label that it needs.
    fn crowd(&self, id: NodeId, counted: &[SpreadCounts]) -> i64 {
        let (relation, node) = (self.relation(), self.node(id));
        if relation.soft_needs_all && !self.has_all(id, node) {
            return IGNORED;
        }
        let mut sum = 0.0;
        for (spread, counts) in relation.soft.iter().zip(counted) {
            let Some(domain) = self.peers.ground.domain(spread.key, id, node) else { continue };
            let count =
                if spread.by_node { self.peers.staying(&spread.over, id) } else { counts.by_domain[domain].max(0) };
            sum += count as f64 * counts.weight + (spread.skew_max - 1) as f64;
        }
        rounded(sum)
    }

    fn has_all(&self, id: NodeId, node: &Node) -> bool {
        self.relation().soft.iter().all(|spread| self.peers.ground.domain(spread.key, id, node).is_some())
    }

    /// Replicas by domain for one spread; −1 for a domain in which no node fits.
    fn count(&self, spread: &Spread) -> SpreadCounts {
        let ground = &self.peers.ground;
        let needs_all = self.relation().soft_needs_all;
        let is_ignored = |id: NodeId, node: &Node| needs_all && !self.has_all(id, node);
        let mut by_domain = vec![-1; ground.domain_end(spread.key, self.nodes.nodes().len())];
        let (mut considered, mut without_label) = (0, false);
        for id in self.fitting.iter().copied().filter(|id| !is_ignored(*id, self.node(*id))) {
            considered += 1;
            match ground.domain(spread.key, id, self.node(id)) {
                Some(domain) => by_domain[domain] = 0,
                // The original counts the nodes that lack the label as a domain of their own.
                None => without_label = true,
            }
        }
        let found = by_domain.iter().filter(|count| **count == 0).count() + usize::from(without_label);
        let domains = if spread.by_node { considered } else { found };
        if !spread.by_node {
            for (id, node) in self.nodes.nodes().filter(|(_, node)| node.up) {
                let domain = ground.domain(spread.key, id, node).filter(|domain| by_domain[*domain] >= 0);
                if let Some(domain) =
                    domain.filter(|_| !is_ignored(id, node) && spread.includes(&self.facts[node.pool]))
                {
                    by_domain[domain] += self.peers.staying(&spread.over, id);
                }
            }
        }
        SpreadCounts { by_domain, weight: ((domains + 2) as f64).ln() }
    }

    /// `InterPodAffinity`.
    fn company(&self) -> Vec<i64> {
        let sums = self.company_sums();
        let (least, most) = (sums.iter().copied().min().unwrap_or(0), sums.iter().copied().max().unwrap_or(0));
        let span = most - least;
        let share = |sum: i64| if span > 0 { SCORE_MAX as f64 * ((sum - least) as f64 / span as f64) } else { 0.0 };
        sums.iter().map(|sum| truncated(share(*sum))).collect()
    }

    /// The weights of matching replicas in the domains of each fitting node.
    fn company_sums(&self) -> Vec<i64> {
        let relation = self.relation();
        let own = relation
            .leaning
            .iter()
            .flat_map(|(key, weight, others)| others.iter().map(|other| (*other, *key, *weight)));
        let all = own.chain(relation.drawn_by.iter().copied());
        let ground = &self.peers.ground;
        let count = self.nodes.nodes().len();
        let mut by_key: Vec<Vec<i64>> = Vec::new();
        by_key.resize_with(self.peers.relations.keys.len(), Vec::new);
        for (other, key, weight) in all {
            by_key[key].resize(ground.domain_end(key, count), 0);
            for (id, node, held) in self.peers.held(other, self.nodes) {
                if let Some(domain) = ground.domain(key, id, node) {
                    by_key[key][domain] += weight * i64::from(held.all);
                }
            }
        }
        let used: Vec<_> = by_key.iter().enumerate().filter(|(_, sums)| !sums.is_empty()).collect();
        let sum = |id: NodeId| {
            let domains =
                used.iter().filter_map(|(key, sums)| ground.domain(*key, id, self.node(id)).map(|domain| sums[domain]));
            domains.sum()
        };
        self.fitting.iter().map(|id| sum(*id)).collect()
    }
}

/// Replicas by domain, and what each counts for: more where there are more domains, so that few large ones do not drown
/// many small ones.
struct SpreadCounts {
    by_domain: Vec<i64>,
    weight: f64,
}

#[expect(clippy::cast_possible_truncation, reason = "counts of replicas times a logarithm are far below 2^53")]
fn rounded(value: f64) -> i64 {
    value.round() as i64
}

#[expect(clippy::cast_possible_truncation, reason = "the original truncates a value from 0 to 100")]
const fn truncated(value: f64) -> i64 {
    value as i64
}
