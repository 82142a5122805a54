//! Which node takes a replica: the one answer that the simulated cluster and the packing policies share.
//!
//! Filters and scores are kube-scheduler's: of the nodes that have room, the best by the chosen score, the lowest index
//! among equals (the real one draws among them).

use serde::{Deserialize, Serialize};

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
