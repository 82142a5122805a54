//! Clusters and their node pools: what can be had, at what price and power, and who is let in.

use super::delay::Delay;
use super::id::{PoolId, Table};
use super::occupied::Occupied;
use super::peers::{HOSTNAME, PeerTerms};
use super::resources::Resources;
use super::selector::Selector;
use crate::units::{Money, Ratio, Span, Watts};
use std::collections::{BTreeMap, BTreeSet};

/// The node label that names the kind of the accelerators of a node.
pub const ACCELERATOR_LABEL: &str = "smo.dev/accelerator";

/// The cluster label that every cluster has: its name.
pub const CLUSTER_LABEL: &str = "smo.dev/cluster";

/// The cluster label that every cluster has: its region.
pub const REGION_LABEL: &str = "smo.dev/region";

/// One cluster of the inventory.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// Name, unique in the inventory.
    pub name: String,
    /// Region: joins prices and carbon intensity.
    pub region: String,
    /// Hardware class: joins capacity coefficients.
    pub class: String,
    /// Speed against the class: the capacity of every service is multiplied by it.
    pub speed: Ratio,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Taints of the whole cluster.
    pub taints: Vec<Taint>,
    /// Node pools.
    pub pools: Table<PoolId, Pool>,
    /// Power usage effectiveness of the site: facility power over computer power.
    pub pue: Ratio,
}

/// Nodes of one shape.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Name, unique in the cluster.
    pub name: String,
    /// What one node offers to replicas (Kubernetes: allocatable).
    pub shape: Resources,
    /// What others than the application hold on the nodes.
    pub occupied: Occupied,
    /// Labels of the nodes.
    pub labels: BTreeMap<String, String>,
    /// Taints of the nodes.
    pub taints: Vec<Taint>,
    /// Nodes at the start.
    pub nodes: u32,
    /// The pool never shrinks below this; equal to `nodes` where it is not autoscaled.
    pub nodes_min: u32,
    /// The pool never grows beyond this; equal to `nodes` where it is not autoscaled.
    pub nodes_max: u32,
    /// From the request for a node until it is ready.
    pub boot: Delay,
    /// An autoscaled node that has been empty, or unneeded, for so long is given back.
    pub idle_timeout: Span,
    /// Which pool grows first, where the expander goes by priority; the highest does.
    pub priority: u32,
    /// List price of one node for an hour; the environment may scale it over time.
    pub price_per_hour: Money,
    /// Power of a node that does nothing.
    pub power_idle: Watts,
    /// Power of a node whose CPUs are all busy.
    pub power_max: Watts,
}

impl Cluster {
    /// What all nodes offer when every pool is as large as it may get, without what others hold.
    pub fn capacity_max(&self) -> Resources {
        self.pools.values().flat_map(Pool::offered_max).map(|(nodes, offered)| offered.repeated(nodes.into())).sum()
    }

    /// The value of one of its labels; its name and region count as labels.
    pub fn label(&self, key: &str) -> Option<&str> {
        let own = || match key {
            CLUSTER_LABEL => Some(&self.name),
            REGION_LABEL => Some(&self.region),
            _ => None,
        };
        self.labels.get(key).or_else(own).map(String::as_str)
    }
}

/// Keeps replicas away that do not tolerate it (Kubernetes taints).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value; empty where there is none.
    pub value: String,
    /// What happens to those who do not tolerate it.
    pub effect: TaintEffect,
}

/// The effects of a taint.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
pub enum TaintEffect {
    /// Nothing new is bound.
    NoSchedule,
    /// Nothing new is bound if there is another place: counted by scores, never by filters.
    PreferNoSchedule,
    /// Nothing new is bound, and what is there leaves.
    NoExecute,
}

/// Lets a replica onto tainted nodes and clusters (Kubernetes tolerations).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Toleration {
    /// Key; `None` tolerates every key.
    pub key: Option<String>,
    /// Value that must be equal; `None` tolerates every value (operator `Exists`).
    pub value: Option<String>,
    /// Effect; `None` tolerates every effect.
    pub effect: Option<TaintEffect>,
}

impl Toleration {
    /// Whether this toleration lets its owner past `taint`.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        self.key.as_ref().is_none_or(|key| *key == taint.key)
            && self.value.as_ref().is_none_or(|value| *value == taint.value)
            && self.effect.is_none_or(|effect| effect == taint.effect)
    }
}

/// What a replica demands of its node besides room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeTerms {
    /// Labels that the node (pool or cluster labels) must carry.
    pub selector: BTreeMap<String, String>,
    /// Labels of which the node must carry one of these values.
    pub one_of: BTreeMap<String, BTreeSet<String>>,
    /// Taints that do not keep the replica away.
    pub tolerations: Vec<Toleration>,
    /// Conditions on the labels of the node, of which one must hold (Kubernetes: required node affinity).
    pub affinity: Vec<Selector>,
    /// Conditions on the labels of the node that would be good to hold, with weights (preferred node affinity).
    pub preferred: Vec<(u32, Selector)>,
    /// Which clusters it may run in.
    pub clusters: ClusterTerms,
    /// What it demands of the replicas that it runs beside.
    pub peers: PeerTerms,
}

/// Which clusters a replica may run in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterTerms {
    /// Names of the only ones; empty for any.
    pub only: BTreeSet<String>,
    /// Names of those that are out of the question.
    pub never: BTreeSet<String>,
    /// Conditions on the labels of the cluster, of which one must hold.
    pub affinity: Vec<Selector>,
}

impl ClusterTerms {
    /// Whether `cluster` is one of them.
    pub fn admit(&self, cluster: &Cluster) -> bool {
        (self.only.is_empty() || self.only.contains(&cluster.name))
            && !self.never.contains(&cluster.name)
            && holds_one(&self.affinity, |key| cluster.label(key))
    }
}

/// Whether one of the conditions holds, or there is none.
fn holds_one<'a>(conditions: &[Selector], label: impl Fn(&str) -> Option<&'a str>) -> bool {
    conditions.is_empty() || conditions.iter().any(|condition| condition.matches(&label))
}

/// Why a pool does not take a replica, whatever its load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ineligible {
    /// The replica may not run in this cluster.
    #[error("it is not one of its clusters")]
    Cluster,
    /// A label is missing or has another value.
    #[error("no node has the label {key}={value}")]
    Label {
        /// Label key.
        key: String,
        /// Wanted value.
        value: String,
    },
    /// No condition on labels holds.
    #[error("no node has labels with {terms}")]
    Affinity {
        /// The conditions.
        terms: String,
    },
    /// A taint is not tolerated.
    #[error("the taint {key} is not tolerated")]
    Taint {
        /// Taint key.
        key: String,
    },
    /// Even an empty node is too small.
    #[error("no node has enough {resource} for one replica")]
    TooSmall {
        /// Name of the resource.
        resource: &'static str,
    },
    /// The cluster has no pool at all.
    #[error("the cluster has no nodes")]
    NoPools,
}

impl NodeTerms {
    /// Whether a replica that asks for `request` may ever run on nodes of `pool`.
    ///
    /// # Errors
    /// The first reason against it: cluster, then labels, then taints, then size.
    pub fn admit(&self, cluster: &Cluster, pool: &Pool, request: Resources) -> Result<(), Ineligible> {
        if !self.clusters.admit(cluster) {
            return Err(Ineligible::Cluster);
        }
        self.admits_labels(cluster, pool)?;
        let repels = |taint: &&Taint| {
            taint.effect != TaintEffect::PreferNoSchedule && !self.tolerations.iter().any(|one| one.tolerates(taint))
        };
        if let Some(taint) = cluster.taints.iter().chain(&pool.taints).find(repels) {
            return Err(Ineligible::Taint { key: taint.key.clone() });
        }
        let mut shortages = pool.offered_max().map(|(_, offered)| offered.shortage(request));
        match shortages.next() {
            Some(Some(resource)) if shortages.all(|shortage| shortage.is_some()) => {
                Err(Ineligible::TooSmall { resource })
            }
            _ => Ok(()),
        }
    }

    /// Whether selector and required affinity admit nodes of `pool`.
    ///
    /// # Errors
    /// The first label, or the affinity, that does not hold.
    pub fn admits_labels(&self, cluster: &Cluster, pool: &Pool) -> Result<(), Ineligible> {
        let label = |key: &str| pool.labels.get(key).map(String::as_str).or_else(|| cluster.label(key));
        let labelled = |(key, value): &(&String, &String)| label(key.as_str()) == Some(value.as_str());
        if let Some((key, value)) = self.selector.iter().find(|wanted| !labelled(wanted)) {
            return Err(Ineligible::Label { key: key.clone(), value: value.clone() });
        }
        let other = |(key, values): &(&String, &BTreeSet<String>)| {
            !label(key.as_str()).is_some_and(|found| values.contains(found))
        };
        if let Some((key, values)) = self.one_of.iter().find(other) {
            let value = values.iter().map(String::as_str).collect::<Vec<_>>().join("|");
            return Err(Ineligible::Label { key: key.clone(), value });
        }
        if !holds_one(&self.affinity, label) {
            let terms: Vec<String> = self.affinity.iter().map(ToString::to_string).collect();
            return Err(Ineligible::Affinity { terms: terms.join(" or ") });
        }
        Ok(())
    }

    /// How many replicas `cluster` could hold were it empty and every pool at its largest; replicas that keep apart from their
    /// like get a domain each.
    ///
    /// # Errors
    /// Where that is none: the reason given by the pool that came closest (the last one asked).
    pub fn room_max(&self, cluster: &Cluster, request: Resources) -> Result<u64, Ineligible> {
        let mut room = 0u64;
        let mut reason = Ineligible::NoPools;
        let each_max = if self.peers.own_domains().any(|key| key == HOSTNAME) { 1 } else { u64::MAX };
        for pool in cluster.pools.values() {
            match self.admit(cluster, pool, request) {
                Ok(()) => {
                    let rooms = pool
                        .offered_max()
                        .map(|(nodes, each)| each.holds(request).min(each_max).saturating_mul(nodes.into()));
                    room = rooms.fold(room, u64::saturating_add);
                }
                Err(why) => reason = why,
            }
        }
        let domains = self.peers.own_domains().filter(|key| *key != HOSTNAME).map(|key| domains(cluster, key));
        room = domains.fold(room, u64::min);
        if room > 0 { Ok(room) } else { Err(reason) }
    }
}

/// How many domains the pools of a cluster make up under a topology key; without bound where a pool lacks the label.
fn domains(cluster: &Cluster, key: &str) -> u64 {
    let value =
        |pool: &Pool| pool.labels.get(key).map(String::as_str).or_else(|| cluster.label(key)).map(str::to_owned);
    let values: Option<BTreeSet<String>> = cluster.pools.values().map(value).collect();
    values.map_or(u64::MAX, |values| values.len() as u64)
}
