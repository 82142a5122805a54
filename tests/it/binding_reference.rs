//! The choice of a node, as plainly as it can be written: every node scored anew in integers. Judges the table of nodes in
//! tests and, before anything is timed, in benches. Shares no code with it.

use smo::model::binding::NodeScore;
use smo::model::{PoolId, Resources, Table};

/// One node as the reference sees it.
struct Node {
    pool: PoolId,
    shape: [i64; 4],
    held: [i64; 4],
    counted: [i64; 2],
    up: bool,
}

/// All nodes of a cluster.
pub struct Reference {
    rule: NodeScore,
    nodes: Vec<Node>,
}

impl Reference {
    pub fn new(rule: NodeScore) -> Self {
        Self { rule, nodes: Vec::new() }
    }

    pub fn add_node(&mut self, pool: PoolId, shape: Resources) {
        self.nodes.push(Node { pool, shape: integers(shape), held: [0; 4], counted: [0; 2], up: true });
    }

    pub fn set_up(&mut self, node: usize, up: bool) {
        self.nodes[node].up = up;
    }

    /// Adds (`sign` 1) or takes back (−1) a replica.
    pub fn change(&mut self, node: usize, request: Resources, sign: i64) {
        let node = &mut self.nodes[node];
        let request = integers(request);
        for (held, amount) in node.held.iter_mut().zip(request) {
            *held += sign * amount;
        }
        for (counted, amount) in node.counted.iter_mut().zip(counted(request)) {
            *counted += sign * amount;
        }
    }

    /// Whether no node holds more than it has, or less than nothing.
    pub fn is_sound(&self) -> bool {
        self.nodes.iter().all(|node| (0..4).all(|of| (0..=node.shape[of]).contains(&node.held[of])))
    }

    /// The first of the nodes with the highest score.
    pub fn best(&self, request: Resources, eligible: &Table<PoolId, bool>) -> Option<usize> {
        let request = integers(request);
        let mut best = None;
        for (index, node) in self.nodes.iter().enumerate() {
            let fits = (0..4).all(|of| node.held[of] + request[of] <= node.shape[of]);
            if node.up && fits && eligible[node.pool] {
                let score = self.score(node, request);
                if best.is_none_or(|(_, highest)| score > highest) {
                    best = Some((index, score));
                }
            }
        }
        best.map(|(index, _)| index)
    }

    fn score(&self, node: &Node, request: [i64; 4]) -> i64 {
        let (mut sum, mut weights) = (0, 0);
        for (of, counted) in counted(request).into_iter().enumerate() {
            let (capacity, after) = (node.shape[of], node.counted[of] + counted);
            if capacity > 0 {
                weights += 1;
                sum += match self.rule {
                    NodeScore::LeastAllocated if after > capacity => 0,
                    NodeScore::LeastAllocated => (capacity - after) * 100 / capacity,
                    NodeScore::MostAllocated => after.min(capacity) * 100 / capacity,
                };
            }
        }
        let allocation = if weights == 0 { 0 } else { sum / weights };
        if request[0] == 0 && request[1] == 0 { allocation } else { allocation + balance(node, request) }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the original truncates")]
fn balance(node: &Node, request: [i64; 4]) -> i64 {
    let present = (0..2).filter(|of| node.shape[*of] > 0);
    let fraction = |of: usize| ((node.held[of] + request[of]) as f64 / node.shape[of] as f64).min(1.0);
    let fractions: Vec<f64> = present.map(fraction).collect();
    let deviation = if let [cpu, memory] = fractions[..] { ((cpu - memory) / 2.0).abs() } else { 0.0 };
    ((1.0 - deviation) * 100.0) as i64
}

/// CPU and memory, at least 100 m and 200 MiB.
fn counted(request: [i64; 4]) -> [i64; 2] {
    [if request[0] == 0 { 100 } else { request[0] }, if request[1] == 0 { 200 * 1024 * 1024 } else { request[1] }]
}

fn integers(resources: Resources) -> [i64; 4] {
    resources.amounts().map(|amount| i64::try_from(amount).expect("amounts in tests are small"))
}
