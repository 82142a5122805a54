//! Where a replica with terms may go and how good each node is, in the plainest way: every replica is looked at for every node
//! and every term. Judges `binding::peers` in tests and shares no code with it. Labels are compared by `In` only.

use smo::model::binding::{Node, NodeTable};
use smo::model::peers::{PeerTerm, PeerTerms, SpreadTerm};
use smo::model::selector::Operator;
use smo::model::{NodeId, NodeTerms, Resources, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// A replica that is there.
#[derive(Clone)]
pub struct Replica {
    pub service: usize,
    pub node: NodeId,
    pub drains: bool,
}

/// All there is to know.
pub struct World<'a> {
    pub nodes: &'a NodeTable,
    /// Labels of each node, its host name included.
    pub labels: &'a dyn Fn(NodeId) -> BTreeMap<String, String>,
    pub services: &'a [NodeTerms],
    pub replicas: &'a [Replica],
}

impl World<'_> {
    /// The nodes that take a replica, with their scores.
    pub fn scores(&self, service: usize, request: Resources) -> Vec<(NodeId, i64)> {
        let fitting: Vec<NodeId> =
            self.up().filter(|(id, node)| node.takes(request) && self.passes(service, *id)).map(|(id, _)| id).collect();
        let room = |id: &NodeId| i64::try_from(self.nodes.score(*id, request).expect("it fits")).expect("small");
        let (spread, company) = (self.spread(service, &fitting), self.company(service, &fitting));
        let wishes: Vec<i64> = fitting.iter().map(|id| self.wishes(service, *id)).collect();
        let most = wishes.iter().copied().max().unwrap_or(0);
        (0..fitting.len())
            .map(|index| {
                let wish = if most == 0 { 0 } else { 100 * wishes[index] / most };
                (fitting[index], room(&fitting[index]) + 300 + 2 * wish + 2 * spread[index] + 2 * company[index])
            })
            .collect()
    }

    fn up(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.nodes().filter(|(_, node)| node.up)
    }

    fn value(&self, node: NodeId, key: &str) -> Option<String> {
        (self.labels)(node).get(key).cloned()
    }

    fn peers(&self, service: usize) -> &PeerTerms {
        &self.services[service].peers
    }

    /// Replicas on nodes that are up, with their service's terms.
    fn there(&self) -> impl Iterator<Item = (&Replica, &PeerTerms)> {
        self.replicas.iter().filter(|one| self.nodes.node(one.node).up).map(|one| (one, self.peers(one.service)))
    }

    fn admits(&self, service: usize, node: NodeId) -> bool {
        let labels = (self.labels)(node);
        self.services[service].selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    }

    fn passes(&self, service: usize, node: NodeId) -> bool {
        let own = self.peers(service);
        let shares = |key: &str, other: NodeId| {
            self.value(node, key).is_some() && self.value(node, key) == self.value(other, key)
        };
        let all_near = |other: &PeerTerms| own.near.iter().all(|term| is_meant(term, own, other));
        let has_labels = own.near.iter().all(|term| self.value(node, &term.topology).is_some());
        let company = own
            .near
            .iter()
            .all(|term| self.there().any(|(one, other)| all_near(other) && shares(&term.topology, one.node)));
        let none_anywhere = !self.there().any(|(one, other)| {
            all_near(other) && own.near.iter().any(|term| self.value(one.node, &term.topology).is_some())
        });
        let near = has_labels && (company || (none_anywhere && all_near(own)));
        let apart = !self.there().any(|(one, other)| {
            own.apart.iter().any(|term| is_meant(term, own, other) && shares(&term.topology, one.node))
                || other.apart.iter().any(|term| is_meant(term, other, own) && shares(&term.topology, one.node))
        });
        self.admits(service, node)
            && near
            && apart
            && own.spread.iter().filter(|term| term.is_required).all(|term| self.is_even(service, term, node))
    }

    fn is_even(&self, service: usize, term: &SpreadTerm, node: NodeId) -> bool {
        let own = self.peers(service);
        let Some(here) = self.value(node, &term.topology) else { return false };
        let required = || own.spread.iter().filter(|term| term.is_required);
        let counts_node = |id: NodeId| {
            required().all(|term| self.value(id, &term.topology).is_some())
                && (!term.honors_affinity || self.admits(service, id))
        };
        let mut domains: BTreeMap<String, i64> = BTreeMap::new();
        for (id, _) in self.up().filter(|(id, _)| counts_node(*id)) {
            *domains.entry(self.value(id, &term.topology).expect("it has the label")).or_default() +=
                self.counted(term, own, id);
        }
        let fewest = if domains.len() < term.domains_min as usize {
            0
        } else {
            domains.values().copied().min().unwrap_or(i64::from(i32::MAX))
        };
        let itself = i64::from(is_selected(term.selector.as_ref(), own));
        domains.get(&here).copied().unwrap_or(0) + itself - fewest <= i64::from(term.skew_max)
    }

    /// Replicas on one node that a spread counts.
    fn counted(&self, term: &SpreadTerm, own: &PeerTerms, node: NodeId) -> i64 {
        let counts = |one: &Replica, other: &PeerTerms| {
            one.node == node
                && !one.drains
                && other.namespace == own.namespace
                && is_selected(term.selector.as_ref(), other)
        };
        self.there().map(|(one, other)| i64::from(counts(one, other))).sum()
    }

    #[expect(clippy::cast_possible_truncation, reason = "small numbers")]
    fn spread(&self, service: usize, fitting: &[NodeId]) -> Vec<i64> {
        let own = self.peers(service);
        let soft: Vec<&SpreadTerm> = own.spread.iter().filter(|term| !term.is_required).collect();
        if soft.is_empty() {
            return vec![0; fitting.len()];
        }
        let has_all = |id: NodeId| soft.iter().all(|term| self.value(id, &term.topology).is_some());
        let crowd = |id: NodeId| -> Option<i64> {
            let mut sum = 0.0;
            for term in has_all(id).then_some(&soft)? {
                let value = |id: NodeId| self.value(id, &term.topology);
                let domains: BTreeSet<_> = fitting.iter().filter(|id| has_all(**id)).map(|id| value(*id)).collect();
                let counts = |other: NodeId| has_all(other) && (!term.honors_affinity || self.admits(service, other));
                let others =
                    self.up().filter(|(other, _)| value(*other) == value(id) && (*other == id || counts(*other)));
                // By node the node itself counts whatever its labels; by a label all nodes that are admitted.
                let count: i64 = others.map(|(other, _)| self.counted(term, own, other)).sum();
                sum += count as f64 * ((domains.len() + 2) as f64).ln() + f64::from(term.skew_max - 1);
            }
            Some(sum.round() as i64)
        };
        let crowds: Vec<Option<i64>> = fitting.iter().map(|id| crowd(*id)).collect();
        let (least, most) = (crowds.iter().flatten().min().copied(), crowds.iter().flatten().max().copied());
        let (least, most) = (least.unwrap_or(0), most.unwrap_or(0));
        let score = |crowd: &Option<i64>| match crowd {
            None => 0,
            Some(_) if most == 0 => 100,
            Some(crowd) => 100 * (most + least - crowd) / most,
        };
        crowds.iter().map(score).collect()
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most 100")]
    fn company(&self, service: usize, fitting: &[NodeId]) -> Vec<i64> {
        let own = self.peers(service);
        let shares = |node: NodeId, key: &str, other: NodeId| {
            self.value(node, key).is_some() && self.value(node, key) == self.value(other, key)
        };
        let worth = |node: NodeId| -> i64 {
            let mut sum = 0;
            for (one, other) in self.there() {
                for (weight, term) in &own.leaning {
                    sum += weight * i64::from(is_meant(term, own, other) && shares(node, &term.topology, one.node));
                }
                for (weight, term) in &other.leaning {
                    sum += weight * i64::from(is_meant(term, other, own) && shares(node, &term.topology, one.node));
                }
                for term in &other.near {
                    sum += i64::from(is_meant(term, other, own) && shares(node, &term.topology, one.node));
                }
            }
            sum
        };
        let sums: Vec<i64> = fitting.iter().map(|node| worth(*node)).collect();
        let (least, most) = (sums.iter().copied().min().unwrap_or(0), sums.iter().copied().max().unwrap_or(0));
        let share =
            |sum: i64| if most > least { (100.0 * ((sum - least) as f64 / (most - least) as f64)) as i64 } else { 0 };
        sums.into_iter().map(share).collect()
    }

    fn wishes(&self, service: usize, node: NodeId) -> i64 {
        let labels = (self.labels)(node);
        let holds = |selector: &Selector| is_selected_by(Some(selector), &labels);
        self.services[service].preferred.iter().map(|(weight, wish)| i64::from(*weight) * i64::from(holds(wish))).sum()
    }
}

fn is_meant(term: &PeerTerm, owner: &PeerTerms, other: &PeerTerms) -> bool {
    let names = &term.namespaces.names;
    let reaches = if names.is_empty() { other.namespace == owner.namespace } else { names.contains(&other.namespace) };
    reaches && is_selected(term.selector.as_ref(), other)
}

fn is_selected(selector: Option<&Selector>, other: &PeerTerms) -> bool {
    is_selected_by(selector, &other.labels.iter().cloned().collect())
}

fn is_selected_by(selector: Option<&Selector>, labels: &BTreeMap<String, String>) -> bool {
    let holds = |requirement: &smo::model::selector::Requirement| match &requirement.operator {
        Operator::In(values) => labels.get(&requirement.key).is_some_and(|value| values.contains(value)),
        other => panic!("the reference does not know {other:?}"),
    };
    selector.is_some_and(|selector| selector.0.iter().all(holds))
}
