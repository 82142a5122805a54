//! Node pools under construction, from whatever a Kubernetes object says about nodes.

use super::super::defaults;
use super::super::error::Place;
use super::super::node::Node;
use super::tree::{Map, list, number};
use crate::model::Resources;
use crate::units::Bytes;
use std::collections::{BTreeMap, BTreeSet};

/// A pool.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Where it comes from.
    pub place: Place,
    /// Name.
    pub name: String,
    /// Nodes.
    pub nodes: u32,
    /// What one offers to pods.
    pub shape: Resources,
    /// What one has, for its price.
    pub capacity: Resources,
    /// Kind of its accelerators.
    pub gpu_kind: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Taints, as native files write them.
    pub taints: Vec<String>,
    /// What others hold on each of so many nodes in a row.
    pub occupied: Vec<(Option<u32>, Resources)>,
}

impl Pool {
    /// Changes the number of nodes, where others hold the same on all of them.
    pub fn set_nodes(&mut self, nodes: u32) {
        self.nodes = nodes;
        self.occupied.iter_mut().for_each(|(count, _)| *count = count.map(|_| nodes));
    }

    /// As a native inventory has it.
    ///
    /// Where the scenario has tables of machines, they say the price of the type that the nodes are labelled with.
    pub fn node(&self, has_tables: bool) -> Node {
        let mut map = Map::new(self.place.clone());
        map.put_text("name", &self.name);
        map.put_text("cpu", self.shape.cpu.to_string());
        map.put_text("memory", Bytes(self.shape.memory.0).to_string());
        if self.shape.gpu > 0 {
            map.put("gpu", gpu(&self.place, self.shape.gpu, self.gpu_kind.as_deref()));
        }
        if self.shape.pods > 0 {
            map.put_number("pods", self.shape.pods);
        }
        map.put_number("nodes", self.nodes.into());
        if let Some(machine) = self.labels.get("node.kubernetes.io/instance-type").filter(|_| has_tables) {
            map.put_text("machine", machine.as_str());
        } else {
            let price = defaults::price_of(self.capacity.cpu, self.capacity.memory);
            map.put_text("price_per_hour", format!("{} $", (price.0 * 1e6).round() / 1e6));
        }
        map.put_labels("labels", &self.labels);
        map.put_texts("taints", self.taints.iter().cloned());
        let occupied: Vec<Node> = self.occupied.iter().map(|one| self.occupied_node(one)).collect();
        if !occupied.is_empty() {
            map.put("occupied", list(&self.place, occupied));
        }
        map.node()
    }

    fn occupied_node(&self, (nodes, amount): &(Option<u32>, Resources)) -> Node {
        let mut map = Map::new(self.place.clone());
        if let Some(nodes) = nodes {
            map.put_number("nodes", (*nodes).into());
        }
        map.put_text("cpu", amount.cpu.to_string());
        map.put_text("memory", amount.memory.to_string());
        if amount.gpu > 0 {
            map.put_number("gpu", amount.gpu);
        }
        map.put_number("pods", amount.pods);
        map.node()
    }
}

/// Accelerators, as native files write them.
pub fn gpu(place: &Place, count: u64, kind: Option<&str>) -> Node {
    let Some(kind) = kind else { return number(place, count) };
    let mut map = Map::new(place.clone());
    map.put_text("kind", kind);
    map.put_number("count", count);
    map.node()
}

/// Gives every pool a name of its own: the second `main` is `main-2`.
pub fn name_apart(pools: &mut [Pool]) {
    let mut taken = BTreeSet::new();
    for pool in pools {
        let mut name = pool.name.clone();
        for count in 2.. {
            if taken.insert(name.clone()) {
                break;
            }
            name = format!("{}-{count}", pool.name);
        }
        pool.name = name;
    }
}
