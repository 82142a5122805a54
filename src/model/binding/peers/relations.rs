//! Who means whom: the terms of all services among each other, worked out once for all clusters.
//!
//! Replicas of a service are alike, so which replicas a term is about is a list of services, and what follows for a node is
//! a matter of counting.

use crate::model::cluster::NodeTerms;
use crate::model::id::{Id, ServiceId, Table};
use crate::model::peers::{HOSTNAME, PeerTerm, PeerTerms, SpreadTerm, ZONE};

/// What a replica with a required affinity is worth to those it has to be near (`hardPodAffinityWeight`).
const HARD_AFFINITY_WEIGHT: i64 = 1;

/// An index into [`Relations::keys`].
pub(super) type Key = usize;

/// The terms of all services, resolved.
#[derive(Debug, Clone)]
pub struct Relations {
    /// All topology keys that some term names.
    pub(super) keys: Vec<String>,
    pub(super) of: Table<ServiceId, Relation>,
}

/// The terms of one service, resolved.
#[derive(Debug, Clone, Default)]
pub(super) struct Relation {
    /// Keys of the required affinity, the services that match all its terms, and whether its own replicas do.
    pub(super) near: Vec<Key>,
    pub(super) near_to: Vec<ServiceId>,
    pub(super) near_itself: bool,
    /// Required anti-affinity.
    pub(super) apart: Vec<(Key, Vec<ServiceId>)>,
    /// Preferred affinity, and anti-affinity below zero.
    pub(super) leaning: Vec<(Key, i64, Vec<ServiceId>)>,
    /// Required spreads, and those that are wishes.
    pub(super) hard: Vec<Spread>,
    pub(super) soft: Vec<Spread>,
    /// Whether nodes that lack one of the keys of `soft` are passed over (not with the scheduler's own spreading).
    pub(super) soft_needs_all: bool,
    /// Services that want to be apart from this one, under which key.
    pub(super) repelled_by: Vec<(ServiceId, Key)>,
    /// Services that lean towards this one, or away from it, under which key and how much.
    pub(super) drawn_by: Vec<(ServiceId, Key, i64)>,
    /// Whether some term is about this service, or one of its own acts on others: where its replicas are matters.
    pub(super) is_counted: bool,
}

/// A spread, resolved.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of Kubernetes' own, or follows from one")]
pub(super) struct Spread {
    pub(super) key: Key,
    /// Whether every node is a domain.
    pub(super) by_node: bool,
    pub(super) over: Vec<ServiceId>,
    pub(super) counts_itself: bool,
    pub(super) skew_max: i64,
    pub(super) domains_min: usize,
    pub(super) honors_affinity: bool,
    pub(super) honors_taints: bool,
}

impl Relations {
    /// The relations among services with these terms, in the order of their ids.
    pub fn new<'a>(terms: impl IntoIterator<Item = &'a NodeTerms>) -> Self {
        let all: Table<ServiceId, &PeerTerms> = terms.into_iter().map(|terms| &terms.peers).collect();
        let mut relations = Self { keys: Vec::new(), of: all.iter().map(|_| Relation::default()).collect() };
        for (service, own) in all.iter().filter(|(_, own)| !own.is_indifferent()) {
            relations.resolve_near(&all, service, own);
            relations.resolve_apart(&all, service, own);
            relations.resolve_leaning(&all, service, own);
            relations.resolve_spread(&all, service, own);
        }
        relations.note_counted();
        relations
    }

    /// Whether where the replicas of some service go depends on where others are.
    pub(super) fn concern(&self, service: ServiceId) -> bool {
        let own = &self.of[service];
        !(own.near.is_empty()
            && own.apart.is_empty()
            && own.leaning.is_empty()
            && own.hard.is_empty()
            && own.soft.is_empty()
            && own.repelled_by.is_empty()
            && own.drawn_by.is_empty())
    }

    fn key(&mut self, name: &str) -> Key {
        self.keys.iter().position(|key| key == name).unwrap_or_else(|| {
            self.keys.push(name.to_owned());
            self.keys.len() - 1
        })
    }

    fn resolve_near(&mut self, all: &Table<ServiceId, &PeerTerms>, service: ServiceId, own: &PeerTerms) {
        if own.near.is_empty() {
            return;
        }
        let matches_all = |other: &PeerTerms| own.near.iter().all(|term| other.is_meant(term, own));
        self.of[service].near_to = all.iter().filter(|(_, other)| matches_all(other)).map(|(id, _)| id).collect();
        self.of[service].near_itself = matches_all(own);
        for term in &own.near {
            let key = self.key(&term.topology);
            self.of[service].near.push(key);
            for drawn in meant(all, term, own) {
                self.of[drawn].drawn_by.push((service, key, HARD_AFFINITY_WEIGHT));
            }
        }
    }

    fn resolve_apart(&mut self, all: &Table<ServiceId, &PeerTerms>, service: ServiceId, own: &PeerTerms) {
        for term in &own.apart {
            let (key, repelled) = (self.key(&term.topology), meant(all, term, own));
            for other in &repelled {
                self.of[*other].repelled_by.push((service, key));
            }
            self.of[service].apart.push((key, repelled));
        }
    }

    fn resolve_leaning(&mut self, all: &Table<ServiceId, &PeerTerms>, service: ServiceId, own: &PeerTerms) {
        for (weight, term) in &own.leaning {
            let (key, drawn) = (self.key(&term.topology), meant(all, term, own));
            for other in &drawn {
                self.of[*other].drawn_by.push((service, key, *weight));
            }
            self.of[service].leaning.push((key, *weight, drawn));
        }
    }

    fn resolve_spread(&mut self, all: &Table<ServiceId, &PeerTerms>, service: ServiceId, own: &PeerTerms) {
        if own.spread.is_empty() && own.spread_by_default {
            self.of[service].soft =
                vec![self.default_spread(HOSTNAME, 3, service), self.default_spread(ZONE, 5, service)];
            return;
        }
        self.of[service].soft_needs_all = true;
        for term in &own.spread {
            let spread = Spread {
                key: self.key(&term.topology),
                by_node: term.topology == HOSTNAME,
                over: all.iter().filter(|(_, other)| other.is_counted(term, own)).map(|(id, _)| id).collect(),
                counts_itself: own.is_counted(term, own),
                skew_max: term.skew_max.into(),
                domains_min: term.domains_min as usize,
                honors_affinity: term.honors_affinity,
                honors_taints: term.honors_taints,
            };
            let SpreadTerm { is_required, .. } = term;
            let own = &mut self.of[service];
            if *is_required { own.hard.push(spread) } else { own.soft.push(spread) }
        }
    }

    /// Spreads a service's own replicas, as the scheduler does where nothing else is said.
    fn default_spread(&mut self, key: &str, skew_max: i64, service: ServiceId) -> Spread {
        Spread {
            key: self.key(key),
            by_node: key == HOSTNAME,
            over: vec![service],
            counts_itself: true,
            skew_max,
            domains_min: 1,
            honors_affinity: true,
            honors_taints: false,
        }
    }

    fn note_counted(&mut self) {
        let mut counted: Table<ServiceId, bool> = self.of.values().map(|_| false).collect();
        for (service, own) in self.of.iter() {
            counted[service] |= !(own.apart.is_empty() && own.near.is_empty() && own.leaning.is_empty());
            let spreads = own.hard.iter().chain(&own.soft).flat_map(|spread| &spread.over);
            let others = own.apart.iter().flat_map(|(_, others)| others);
            let others = others.chain(own.leaning.iter().flat_map(|(_, _, others)| others));
            for other in spreads.chain(others).chain(&own.near_to) {
                counted[*other] = true;
            }
        }
        for (service, is_counted) in counted.iter() {
            self.of[service].is_counted = *is_counted;
        }
    }
}

/// The services that `term` of `owner` is about.
fn meant(all: &Table<ServiceId, &PeerTerms>, term: &PeerTerm, owner: &PeerTerms) -> Vec<ServiceId> {
    let meant = |index: usize| all[ServiceId::from_index(index)].is_meant(term, owner);
    (0..all.len()).filter(|index| meant(*index)).map(ServiceId::from_index).collect()
}
