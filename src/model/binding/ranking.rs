//! The bounds of all nodes for one class of replicas, kept from one question to the next.
//!
//! Replicas come in batches that are alike: after one of them was bound, only its node has another bound. So the last
//! class asked for is kept, nodes touched since are bounded again, and the best is found in two small steps, since the best
//! of each block of nodes is kept too. Another class starts anew.

use super::bound::NONE;
use crate::model::id::{Id, NodeId, PoolId, Table};
use crate::model::resources::Resources;

/// Nodes whose best bound is kept together; their bounds fill two cache lines.
const BLOCK: usize = 64;

/// Once more than one node in so many was touched, bounding all nodes costs less.
const TOUCHED_SHARE: usize = 8;

/// The bounds for one class.
#[derive(Debug, Clone, Default)]
pub(super) struct Ranking {
    class: Option<Class>,
    bounds: Vec<i16>,
    block_best: Vec<i16>,
    touched: Vec<NodeId>,
}

/// Replicas that every node scores alike.
#[derive(Debug, Clone)]
struct Class {
    request: Resources,
    eligible: Table<PoolId, bool>,
}

impl Ranking {
    /// Whether the bounds are those of this class, but for nodes touched since.
    pub(super) fn is_of(&self, request: Resources, eligible: &Table<PoolId, bool>) -> bool {
        self.class.as_ref().is_some_and(|class| class.request == request && class.eligible == *eligible)
    }

    /// Starts anew for another class: the bounds of `nodes` nodes, to be filled in before [`close`](Self::close).
    pub(super) fn open(&mut self, nodes: usize) -> &mut [i16] {
        self.class = None;
        self.touched.clear();
        self.bounds.resize(nodes, NONE);
        &mut self.bounds
    }

    /// The bounds are complete and belong to this class.
    pub(super) fn close(&mut self, request: Resources, eligible: &Table<PoolId, bool>) {
        self.class = Some(Class { request, eligible: eligible.clone() });
        self.block_best.clear();
        self.block_best.extend(self.bounds.chunks(BLOCK).map(highest));
    }

    /// Notes that what `node` holds has changed.
    pub(super) fn touch(&mut self, node: NodeId) {
        if self.class.is_none() {
            return;
        }
        if self.touched.len() * TOUCHED_SHARE > self.bounds.len() {
            self.forget();
        } else {
            self.touched.push(node);
        }
    }

    /// Drops the bounds.
    pub(super) fn forget(&mut self) {
        self.class = None;
        self.touched.clear();
    }

    /// A node whose bound is out of date.
    pub(super) fn pop_touched(&mut self) -> Option<NodeId> {
        self.touched.pop()
    }

    /// Replaces the bound of one node.
    pub(super) fn set(&mut self, node: NodeId, bound: i16) {
        self.bounds[node.index()] = bound;
        let block = node.index() / BLOCK;
        let first = block * BLOCK;
        let last = self.bounds.len().min(first + BLOCK);
        self.block_best[block] = highest(&self.bounds[first..last]);
    }

    /// The node with the highest bound, the lowest index among equals, and its bound; `None` where no node fits.
    pub(super) fn top(&self) -> Option<(NodeId, i16)> {
        let best = highest(&self.block_best);
        if best == NONE {
            return None;
        }
        let block = self.block_best.iter().position(|bound| *bound == best)?;
        let within = self.bounds[block * BLOCK..].iter().position(|bound| *bound == best)?;
        Some((NodeId::from_index(block * BLOCK + within), best))
    }
}

/// The highest of some bounds.
fn highest(bounds: &[i16]) -> i16 {
    bounds.iter().copied().fold(NONE, i16::max)
}
