//! How nodes are filled, looked at whenever the series are.
//!
//! All figures are means over the samples, which lie at even distances, with each sample counting once. Fragmentation asks
//! whether one more replica of the largest service that the cluster may host would fit: what is free elsewhere is free in
//! name only. Stranding asks which of CPU and memory would be left over if the rest of a node were filled in the node's own
//! proportions.

use super::world::World;
use crate::model::binding::Node;
use crate::model::observation::{ClusterSample, Packing};
use crate::model::{Cluster, ClusterId, Resources, Scenario, Table};

/// What the samples have shown.
#[derive(Debug, Clone)]
pub(super) struct PackingBook {
    /// By cluster: what the largest service or task that it may host asks for.
    largest: Table<ClusterId, Option<Resources>>,
    /// Used over offered CPU, a figure a sample.
    used: Vec<f64>,
    /// Fragmentation, stranded CPU, stranded memory and imbalance: sum and number of samples in which they are defined.
    sums: [(f64, u32); 4],
}

/// All ready nodes at one sample.
#[derive(Default)]
struct Nodes {
    count: u32,
    cpu: f64,
    memory: f64,
    free: f64,
    unusable: f64,
    stranded: (f64, f64),
    /// Share of CPU that is held: sum and maximum.
    held: (f64, f64),
}

impl PackingBook {
    /// Nothing was seen yet.
    pub(super) fn new(scenario: &Scenario) -> Self {
        let services = &scenario.known.application.services;
        let largest = |cluster: &Cluster| {
            let fitting = services.values().filter(|service| service.terms.room_max(cluster, service.request).is_ok());
            fitting.map(|service| service.request).max_by_key(|request| (request.cpu, request.memory))
        };
        Self { largest: scenario.known.clusters.values().map(largest).collect(), used: Vec::new(), sums: [(0.0, 0); 4] }
    }

    /// Forgets what was.
    pub(super) fn restart(&mut self) {
        self.used.clear();
        self.sums = [(0.0, 0); 4];
    }

    /// The means; `None` before the first sample.
    pub(super) fn totals(&self) -> Option<Packing> {
        let mut sorted = self.used.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let [fragmentation, stranded_cpu, stranded_memory, imbalance] =
            self.sums.map(|(sum, count)| if count == 0 { 0.0 } else { sum / f64::from(count) });
        Some(Packing {
            cpu_used: sorted.iter().sum::<f64>() / sorted.len() as f64,
            cpu_used_p95: sorted[(sorted.len() * 95).div_ceil(100).saturating_sub(1).min(last)],
            fragmentation,
            stranded_cpu,
            stranded_memory,
            imbalance,
        })
    }

    fn add(&mut self, nodes: &Nodes) {
        let mean = nodes.held.0 / f64::from(nodes.count.max(1));
        let figures = [
            (nodes.unusable, nodes.free),
            (nodes.stranded.0, nodes.cpu),
            (nodes.stranded.1, nodes.memory),
            (nodes.held.1 - mean, mean),
        ];
        for (sum, (part, whole)) in self.sums.iter_mut().zip(figures) {
            if whole > 0.0 {
                sum.0 += part / whole;
                sum.1 += 1;
            }
        }
    }
}

impl Nodes {
    fn add(&mut self, node: &Node, largest: Option<Resources>) {
        let (shape, free) = (node.shape, node.free());
        let (cpu, memory) = (shape.cpu.cores(), shape.memory.0 as f64);
        if cpu <= 0.0 || memory <= 0.0 {
            return;
        }
        let (cpu_free, memory_free) = (free.cpu.cores() / cpu, free.memory.0 as f64 / memory);
        self.count += 1;
        self.cpu += cpu;
        self.memory += memory;
        self.free += free.cpu.cores();
        self.unusable += if largest.is_some_and(|request| node.takes(request)) { 0.0 } else { free.cpu.cores() };
        self.stranded.0 += (cpu_free - memory_free).max(0.0) * cpu;
        self.stranded.1 += (memory_free - cpu_free).max(0.0) * memory;
        self.held = (self.held.0 + 1.0 - cpu_free, self.held.1.max(1.0 - cpu_free));
    }
}

impl World {
    /// Looks at all ready nodes; `clusters` is what the series were told of them.
    pub(super) fn note_packing(&mut self, clusters: &[ClusterSample]) {
        let offered: f64 = clusters.iter().map(|row| row.cpu_allocatable).sum();
        if offered <= 0.0 {
            return;
        }
        let used: f64 = clusters.iter().filter(|row| row.up).map(|row| row.cpu_used).sum();
        self.packing.used.push(used / offered);
        let mut all = Nodes::default();
        for (cluster, site) in self.sites.iter().filter(|(_, site)| site.is_up()) {
            let largest = self.packing.largest[cluster];
            for (_, node) in site.nodes.nodes().filter(|(_, node)| node.up) {
                all.add(node, largest);
            }
        }
        self.packing.add(&all);
    }
}

#[cfg(test)]
mod tests {
    use super::{Nodes, PackingBook};
    use crate::model::Table;

    /// Two nodes of 10 cores, 2 and 6 of them held: mean 0.4, so (0.6 − 0.4)/0.4 = 0.5. Of 12 free cores 4 lie where nothing
    /// fits: 1/3. Used 0.1, 0.2 … 1.0: mean 0.55, and the 95th of a hundred parts is the last.
    #[test]
    fn figures_of_two_nodes_by_hand() {
        let mut book = PackingBook { largest: Table::new(), used: Vec::new(), sums: [(0.0, 0); 4] };
        assert_eq!(book.totals(), None);
        book.used = (1..=10).map(|tenths| f64::from(tenths) / 10.0).collect();
        let nodes = Nodes {
            count: 2,
            cpu: 20.0,
            memory: 100.0,
            free: 12.0,
            unusable: 4.0,
            stranded: (2.0, 0.0),
            held: (0.8, 0.6),
        };
        book.add(&nodes);
        let found = book.totals().expect("something was seen");
        let near = |found: f64, right: f64| assert!((found - right).abs() < 1e-12, "{found} and not {right}");
        near(found.cpu_used, 0.55);
        near(found.cpu_used_p95, 1.0);
        near(found.fragmentation, 1.0 / 3.0);
        near(found.stranded_cpu, 0.1);
        near(found.stranded_memory, 0.0);
        near(found.imbalance, 0.5);
    }
}
