//! What a replica demands of those it runs beside: near some, apart from others, spread over zones (Kubernetes: pod
//! affinity, pod anti-affinity, topology spread constraints).
//!
//! Replicas are told apart by labels, places by the value that the nodes have for a label, the *topology key*: nodes that
//! share it are one domain. The node itself is a domain under the key [`HOSTNAME`]. Which node these terms lead to is for
//! [`binding`](super::binding::peers) to say.

use super::selector::{Operator, Requirement, Selector};
use std::collections::{BTreeMap, BTreeSet};

/// The topology key under which every node is a domain of its own.
pub const HOSTNAME: &str = "kubernetes.io/hostname";

/// The topology key of zones.
pub const ZONE: &str = "topology.kubernetes.io/zone";

/// The label that every service's replicas have besides those that are declared: its name.
pub const SERVICE_LABEL: &str = "smo.dev/service";

/// The label by which a namespace selector knows a namespace: its name, the one label that Kubernetes gives to all.
pub const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// What a replica demands of others, and what others know it by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerTerms {
    /// Labels of the replica, by key; a list, because most replicas have one and a tree has room for eleven.
    pub labels: Vec<(String, String)>,
    /// Its namespace.
    pub namespace: String,
    /// In the domain of a replica that matches all of these (required pod affinity). The first of a series of replicas
    /// that match themselves may go anywhere.
    pub near: Vec<PeerTerm>,
    /// In no domain of a replica that matches one of these (required pod anti-affinity); it holds the other way, too.
    pub apart: Vec<PeerTerm>,
    /// Wishes with weights: above zero near, below zero apart (preferred affinity and anti-affinity).
    pub leaning: Vec<(i64, PeerTerm)>,
    /// Even shares over domains (topology spread constraints).
    pub spread: Vec<SpreadTerm>,
    /// Whether the scheduler's own spreading applies where `spread` says nothing, as it does to replicas that a
    /// Deployment or a `StatefulSet` owns: over nodes (skew 3) and zones (skew 5), as a wish.
    pub spread_by_default: bool,
}

/// Replicas, and the label that says what is one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerTerm {
    /// Label of nodes: those that share its value are one domain.
    pub topology: String,
    /// Which replicas; `None` matches none.
    pub selector: Option<Selector>,
    /// Namespaces of those replicas; the replica's own where nothing is said.
    pub namespaces: Namespaces,
}

/// A choice of namespaces: by name, or by a selector on their one label, [`NAMESPACE_LABEL`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// By name.
    pub names: BTreeSet<String>,
    /// By label; an empty selector is every namespace.
    pub selector: Option<Selector>,
}

/// An even share over the domains of a topology key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpreadTerm {
    /// Label of nodes: those that share its value are one domain.
    pub topology: String,
    /// Which replicas of the own namespace are counted; `None` counts none.
    pub selector: Option<Selector>,
    /// How many more replicas than the emptiest domain another may have.
    pub skew_max: u32,
    /// Whether nodes that break it are out of the question (`DoNotSchedule`), or only worse (`ScheduleAnyway`).
    pub is_required: bool,
    /// With fewer domains than this, the emptiest counts as empty.
    pub domains_min: u32,
    /// Whether only nodes count that the node selector and affinity of the replica admit (`nodeAffinityPolicy`).
    pub honors_affinity: bool,
    /// Whether only nodes count whose taints the replica tolerates (`nodeTaintsPolicy`).
    pub honors_taints: bool,
}

impl PeerTerms {
    /// Whether it says nothing that could make a difference to its own binding.
    pub fn is_indifferent(&self) -> bool {
        self.near.is_empty()
            && self.apart.is_empty()
            && self.leaning.is_empty()
            && self.spread.is_empty()
            && !self.spread_by_default
    }

    /// Topology keys under which replicas keep apart from their own like: one of them a domain.
    pub fn own_domains(&self) -> impl Iterator<Item = &str> {
        self.apart.iter().filter(|term| self.is_meant(term, self)).map(|term| term.topology.as_str())
    }

    /// Whether a term of `owner` is about these replicas.
    pub fn is_meant(&self, term: &PeerTerm, owner: &Self) -> bool {
        term.namespaces.contains(&self.namespace, &owner.namespace) && self.is_selected(term.selector.as_ref())
    }

    /// Whether a spread of `owner` counts these replicas.
    pub fn is_counted(&self, term: &SpreadTerm, owner: &Self) -> bool {
        self.namespace == owner.namespace && self.is_selected(term.selector.as_ref())
    }

    fn is_selected(&self, selector: Option<&Selector>) -> bool {
        let label = |key: &str| self.labels.iter().find(|(label, _)| label == key).map(|(_, value)| value.as_str());
        selector.is_some_and(|selector| selector.matches(label))
    }
}

impl Namespaces {
    fn contains(&self, namespace: &str, own: &str) -> bool {
        if self.names.is_empty() && self.selector.is_none() {
            return namespace == own;
        }
        let label = |key: &str| (key == NAMESPACE_LABEL).then_some(namespace);
        self.names.contains(namespace) || self.selector.as_ref().is_some_and(|selector| selector.matches(label))
    }
}

/// `selector` with the values that `labels` have for `keys` (`matchLabelKeys`); a key that they lack is passed over.
#[must_use]
pub fn with_label_keys(mut selector: Selector, keys: &[String], labels: &BTreeMap<String, String>) -> Selector {
    for key in keys {
        if let Some(value) = labels.get(key) {
            selector.0.push(Requirement { key: key.clone(), operator: Operator::In([value.clone()].into()) });
        }
    }
    selector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labelled(namespace: &str, app: &str) -> PeerTerms {
        let labels = [("app".to_owned(), app.to_owned())].into();
        PeerTerms { labels, namespace: namespace.to_owned(), ..PeerTerms::default() }
    }

    fn equal(key: &str, value: &str) -> Selector {
        Selector(vec![Requirement { key: key.to_owned(), operator: Operator::In([value.to_owned()].into()) }])
    }

    fn term(selector: Option<Selector>, namespaces: Namespaces) -> PeerTerm {
        PeerTerm { topology: HOSTNAME.to_owned(), selector, namespaces }
    }

    #[test]
    fn terms_reach_the_own_namespace_unless_they_name_others() {
        let (owner, here, there) = (labelled("shop", "web"), labelled("shop", "db"), labelled("bank", "db"));
        let own = term(Some(equal("app", "db")), Namespaces::default());
        assert!(here.is_meant(&own, &owner) && !there.is_meant(&own, &owner));
        let named = Namespaces { names: ["bank".to_owned()].into(), selector: None };
        let named = term(Some(equal("app", "db")), named);
        assert!(!here.is_meant(&named, &owner) && there.is_meant(&named, &owner));
        let all =
            term(Some(equal("app", "db")), Namespaces { selector: Some(Selector::default()), ..Namespaces::default() });
        assert!(here.is_meant(&all, &owner) && there.is_meant(&all, &owner));
        let bank = Namespaces { selector: Some(equal(NAMESPACE_LABEL, "bank")), ..Namespaces::default() };
        assert!(there.is_meant(&term(Some(equal("app", "db")), bank), &owner));
    }

    #[test]
    fn no_selector_matches_nothing_and_an_empty_one_everything() {
        let (owner, other) = (labelled("shop", "web"), labelled("shop", "db"));
        assert!(!other.is_meant(&term(None, Namespaces::default()), &owner));
        assert!(other.is_meant(&term(Some(Selector::default()), Namespaces::default()), &owner));
    }

    #[test]
    fn label_keys_add_the_own_values_and_pass_over_what_is_lacking() {
        let labels = labelled("shop", "web").labels.into_iter().collect();
        let keys = ["app".to_owned(), "pod-template-hash".to_owned()];
        assert_eq!(with_label_keys(Selector::default(), &keys, &labels), equal("app", "web"));
    }
}
