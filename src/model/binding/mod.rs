//! Which node takes a replica: the one answer that the simulated cluster and the packing policies share.
//!
//! Filters and scores are those of kube-scheduler 1.35 with its default plugins and weights: of the eligible nodes that
//! have room, the best by `NodeResourcesFit` + `NodeResourcesBalancedAllocation`, and among equals the lowest index (the
//! real one draws among them). [`NodeTable`] keeps the account of one cluster's nodes, [`exact`] is the definition of the
//! score in integers, `bound` a fast upper bound of it that decides which node is worth the exact look.
//!
//! Whether a node takes a replica at all, whatever its load, is decided once a pool and not once a node: [`eligible`].
//!
//! Accelerators are told apart by device (`devices`): a share of one has to fit into one.
//!
//! What needs labels of nodes and of replicas (spreading over zones, affinity between replicas, preferences) a table of
//! amounts does not have: [`peers`] keeps it beside, and answers for the services that it concerns.
//!
//! Not here: image locality, volumes, preemption.

mod bound;
mod devices;
pub mod exact;
pub mod peers;
mod ranking;
mod table;

use super::cluster::{Cluster, NodeTerms};
use super::id::{PoolId, Table};
use super::resources::Resources;
pub use devices::{Device, SharedDevices};
use serde::{Deserialize, Serialize};
pub use table::{Node, NodeTable};

/// How nodes with room are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NodeScore {
    /// kube-scheduler's default: `LeastAllocated` + `BalancedAllocation`.
    #[default]
    LeastAllocated,
    /// `MostAllocated` + `BalancedAllocation`: packs.
    MostAllocated,
}

/// The pools of `cluster` whose nodes may take a replica that asks for `request` under `terms`.
pub fn eligible(cluster: &Cluster, terms: &NodeTerms, request: Resources) -> Table<PoolId, bool> {
    cluster.pools.values().map(|pool| terms.admit(cluster, pool, request).is_ok()).collect()
}
