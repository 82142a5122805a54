//! How clusters get and give back nodes, as the Cluster Autoscaler of Kubernetes does.

use crate::units::{Ratio, Span};
use serde::{Deserialize, Serialize};

/// Which pool grows where several could take the replicas that wait. An option is so many new nodes of one pool, packed with
/// the waiting replicas that fit. Among equals, the pool that is declared first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expander {
    /// The one that is declared first.
    First,
    /// Any, with equal chances.
    Random,
    /// The one that leaves least unused: the sum of the unused shares of CPU and memory of its new nodes.
    #[default]
    LeastWaste,
    /// The one that takes most replicas.
    #[serde(alias = "most_pods")]
    MostReplicas,
    /// The one whose pool has the highest `priority`.
    Priority,
    /// The cheapest: dollars an hour for its new nodes over what it takes, in cores and 7.5 GiB of memory alike.
    Price,
}

/// How node pools that may grow and shrink do so.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Autoscaler {
    /// Which pool grows.
    pub expander: Expander,
    /// A node with replicas is unneeded while it is used less than this (the larger share of CPU and memory, or that of
    /// accelerators where it has any) and its replicas fit on other nodes; zero: only empty nodes are ever unneeded.
    pub utilisation: Ratio,
    /// After a request for nodes, none is given back for so long.
    pub delay_after_add: Span,
    /// From one look for unneeded nodes to the next.
    pub scan: Span,
}

impl Default for Autoscaler {
    /// Those of the Cluster Autoscaler, but for the expander: its own was `random` for most of its life.
    fn default() -> Self {
        Self {
            expander: Expander::default(),
            utilisation: Ratio(500_000),
            delay_after_add: Span::seconds(600),
            scan: Span::seconds(10),
        }
    }
}
