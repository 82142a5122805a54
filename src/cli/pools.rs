//! Pools of nodes as they are, and the fields of the inventory that make them otherwise.

use crate::input::Loaded;

/// A pool of a cluster that is switched on.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolNow {
    /// Its cluster.
    pub cluster: String,
    /// Its name in the cluster.
    pub pool: String,
    /// How many nodes it has.
    pub nodes: Nodes,
    /// List price of a node and hour, in dollars.
    pub price: f64,
}

/// Nodes of a pool: all the same where it is not autoscaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nodes {
    /// Never fewer.
    pub min: u32,
    /// At the start.
    pub initial: u32,
    /// Never more.
    pub max: u32,
}

/// The pools of all clusters that are switched on, in the order of the inventory.
pub fn pools(loaded: &Loaded) -> Vec<PoolNow> {
    let clusters = loaded.scenario.known.clusters.values();
    let of = clusters.flat_map(|cluster| cluster.pools.values().map(move |pool| (cluster, pool)));
    of.map(|(cluster, pool)| PoolNow {
        cluster: cluster.name.clone(),
        pool: pool.name.clone(),
        nodes: Nodes { min: pool.nodes_min, initial: pool.nodes, max: pool.nodes_max },
        price: pool.price_per_hour.0,
    })
    .collect()
}

/// The fields that give each pool these nodes, those that stay as they are left out. A cluster without any node is switched
/// off.
pub fn patches(pools: &[PoolNow], nodes: &[Nodes]) -> Vec<(String, String)> {
    let is_empty = |cluster: &str| {
        let mut own = pools.iter().zip(nodes).filter(|(pool, _)| pool.cluster == cluster);
        own.all(|(_, nodes)| nodes.max == 0)
    };
    let mut patches: Vec<(String, String)> = Vec::new();
    for (pool, nodes) in pools.iter().zip(nodes) {
        let path = format!("inventory.clusters.{}", pool.cluster);
        let patch = if is_empty(&pool.cluster) {
            (format!("{path}.enabled"), "false".to_owned())
        } else if pool.nodes == *nodes {
            continue;
        } else {
            (format!("{path}.pools.{}.nodes", pool.pool), nodes.written())
        };
        if !patches.contains(&patch) {
            patches.push(patch);
        }
    }
    patches
}

/// Patches as options, to be pasted behind a command.
pub fn options(patches: &[(String, String)]) -> Vec<String> {
    patches.iter().map(|(path, value)| format!("--set {}", super::page::quoted(&format!("{path}={value}")))).collect()
}

impl PoolNow {
    /// `edge-1/main`
    pub fn name(&self) -> String {
        format!("{}/{}", self.cluster, self.pool)
    }
}

impl Nodes {
    /// Whether the pool grows and shrinks by itself.
    pub const fn is_autoscaled(self) -> bool {
        self.min < self.max
    }

    /// So many more that are always there.
    #[must_use]
    pub const fn with(self, more: u32) -> Self {
        Self { min: self.min + more, initial: self.initial + more, max: self.max + more }
    }

    /// As an inventory has it.
    pub fn written(self) -> String {
        if self.is_autoscaled() {
            format!("{{initial: {}, min: {}, max: {}}}", self.initial, self.min, self.max)
        } else {
            self.max.to_string()
        }
    }

    /// `3`, or `1 to 6`.
    pub fn words(self) -> String {
        if self.is_autoscaled() { format!("{} to {}", self.min, self.max) } else { self.max.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Nodes, PoolNow, options, patches};

    #[test]
    fn what_stays_is_left_out_and_a_cluster_without_nodes_is_switched_off() {
        let fixed = |nodes: u32| Nodes { min: nodes, initial: nodes, max: nodes };
        let pool = |cluster: &str, pool: &str, nodes| PoolNow {
            cluster: cluster.to_owned(),
            pool: pool.to_owned(),
            nodes,
            price: 1.0,
        };
        let pools =
            [pool("a", "x", fixed(2)), pool("a", "y", fixed(1)), pool("b", "x", Nodes { min: 1, initial: 2, max: 6 })];
        let more = patches(&pools, &[fixed(2), fixed(0), pools[2].nodes.with(1)]);
        let nodes = "{initial: 3, min: 2, max: 7}".to_owned();
        assert_eq!(
            more,
            [
                ("inventory.clusters.a.pools.y.nodes".to_owned(), "0".to_owned()),
                ("inventory.clusters.b.pools.x.nodes".to_owned(), nodes)
            ]
        );
        let off = patches(&pools, &[fixed(0), fixed(0), pools[2].nodes]);
        assert_eq!(off, [("inventory.clusters.a.enabled".to_owned(), "false".to_owned())]);
        assert_eq!(options(&off), ["--set inventory.clusters.a.enabled=false"]);
    }
}
