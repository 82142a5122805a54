//! Clusters and their node pools: what can be had, at what price and power, and who is let in.

use super::delay::Delay;
use super::id::{PoolId, Table};
use super::resources::Resources;
use crate::units::{Money, Ratio, Span, Watts};
use std::collections::{BTreeMap, BTreeSet};

/// The node label that names the kind of the accelerators of a node.
pub const ACCELERATOR_LABEL: &str = "smo.dev/accelerator";

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
    /// An autoscaled node that has been empty for so long is given back.
    pub idle_timeout: Span,
    /// List price of one node for an hour; the environment may scale it over time.
    pub price_per_hour: Money,
    /// Power of a node that does nothing.
    pub power_idle: Watts,
    /// Power of a node whose CPUs are all busy.
    pub power_max: Watts,
}

impl Cluster {
    /// What all nodes offer when every pool is as large as it may get.
    pub fn capacity_max(&self) -> Resources {
        self.pools.values().map(|pool| pool.shape.repeated(pool.nodes_max.into())).sum()
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
}

/// Why a pool does not take a replica, whatever its load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Ineligible {
    /// A label is missing or has another value.
    #[error("no node has the label {key}={value}")]
    Label {
        /// Label key.
        key: String,
        /// Wanted value.
        value: String,
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
    /// The first reason against it: labels, then taints, then size.
    pub fn admit(&self, cluster: &Cluster, pool: &Pool, request: Resources) -> Result<(), Ineligible> {
        let label = |key: &String| pool.labels.get(key).or_else(|| cluster.labels.get(key));
        if let Some((key, value)) = self.selector.iter().find(|(key, value)| label(key) != Some(*value)) {
            return Err(Ineligible::Label { key: key.clone(), value: value.clone() });
        }
        let other =
            |(key, values): &(&String, &BTreeSet<String>)| !label(key).is_some_and(|found| values.contains(found));
        if let Some((key, values)) = self.one_of.iter().find(other) {
            let value = values.iter().map(String::as_str).collect::<Vec<_>>().join("|");
            return Err(Ineligible::Label { key: key.clone(), value });
        }
        let repels = |taint: &&Taint| {
            taint.effect != TaintEffect::PreferNoSchedule && !self.tolerations.iter().any(|one| one.tolerates(taint))
        };
        if let Some(taint) = cluster.taints.iter().chain(&pool.taints).find(repels) {
            return Err(Ineligible::Taint { key: taint.key.clone() });
        }
        match pool.shape.shortage(request) {
            Some(resource) => Err(Ineligible::TooSmall { resource }),
            None => Ok(()),
        }
    }

    /// How many replicas `cluster` could hold were it empty and every pool at its largest.
    ///
    /// # Errors
    /// Where that is none: the reason given by the pool that came closest (the last one asked).
    pub fn room_max(&self, cluster: &Cluster, request: Resources) -> Result<u64, Ineligible> {
        let mut room = 0u64;
        let mut reason = Ineligible::NoPools;
        for pool in cluster.pools.values() {
            match self.admit(cluster, pool, request) {
                Ok(()) => {
                    room = room.saturating_add(pool.shape.holds(request).saturating_mul(pool.nodes_max.into()));
                }
                Err(why) => reason = why,
            }
        }
        if room > 0 { Ok(room) } else { Err(reason) }
    }
}
