//! The nodes of one cluster and what is bound to them.
//!
//! Amounts are integers and nothing is ever overcommitted. Nodes are never forgotten: one that is given back or lost is
//! down, takes nothing, and may come back under its id, so that a pool that breathes for a year does not grow the table.

use super::bound::{Lanes, NONE, Terms};
use super::devices::{Device, SharedDevices};
use super::ranking::Ranking;
use super::{NodeScore, exact};
use crate::model::id::{Id, NodeId, PoolId, Table};
use crate::model::resources::Resources;

/// The account of one cluster's nodes.
#[derive(Debug, Clone)]
pub struct NodeTable {
    rule: NodeScore,
    nodes: Table<NodeId, Node>,
    kinds: Vec<Kind>,
    runs: Vec<Run>,
    lanes: Lanes,
    ranking: Ranking,
    allocated: Resources,
    occupied: Resources,
}

/// One node; only its [`NodeTable`] changes it.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its pool.
    pub pool: PoolId,
    /// What it offers when it is empty.
    pub shape: Resources,
    /// What others than the application hold of it.
    pub occupied: Resources,
    /// What its replicas ask for, and others hold.
    pub allocated: Resources,
    /// The same with every replica (not: what others hold) at least [`COUNTED_MIN`](exact::COUNTED_MIN), for the score.
    pub counted: Resources,
    /// Its replicas.
    pub replicas: u32,
    /// Its accelerators, as far as they are shared.
    pub shared: SharedDevices,
    /// Whether it takes replicas; those of a node that went down stay until they are released.
    pub up: bool,
    kind: usize,
}

/// Nodes of one pool and shape, which a request meets on equal terms.
#[derive(Debug, Clone)]
struct Kind {
    pool: PoolId,
    shape: Resources,
    up: u64,
}

/// Neighbouring nodes of one kind, bounded in one go.
#[derive(Debug, Clone)]
struct Run {
    kind: usize,
    first: usize,
    count: usize,
}

impl Node {
    /// What is left of it, whether it is up or not.
    pub fn free(&self) -> Resources {
        self.shape.saturating_sub(self.allocated)
    }

    /// What it offers to replicas when it has none.
    pub fn offered(&self) -> Resources {
        self.shape.saturating_sub(self.occupied)
    }

    /// Whether it has no replicas.
    pub const fn is_empty(&self) -> bool {
        self.replicas == 0
    }

    /// Whether it takes a replica that asks for `request`, as far as its room goes.
    pub fn takes(&self, request: Resources) -> bool {
        self.up && self.free().fits(request) && self.shared.fits(self.free().gpu, request)
    }

    /// Whether it may take a replica at all: up, and with a free pod slot.
    pub(super) fn is_open(&self) -> bool {
        self.up && self.allocated.pods < self.shape.pods
    }
}

impl NodeTable {
    /// A table without nodes.
    pub fn new(rule: NodeScore) -> Self {
        Self {
            rule,
            nodes: Table::new(),
            kinds: Vec::new(),
            runs: Vec::new(),
            lanes: Lanes::default(),
            ranking: Ranking::default(),
            allocated: Resources::ZERO,
            occupied: Resources::ZERO,
        }
    }

    /// Adds an empty node that is up. Neighbours of one pool and shape are bounded faster than mixed ones.
    pub fn add_node(&mut self, pool: PoolId, shape: Resources) -> NodeId {
        let kind = self.kind_of(pool, shape);
        self.kinds[kind].up += 1;
        let none = Resources::ZERO;
        let shared = SharedDevices::default();
        let node =
            Node { pool, shape, occupied: none, allocated: none, counted: none, replicas: 0, shared, up: true, kind };
        self.lanes.push(self.rule, &node);
        self.ranking.forget();
        let id = self.nodes.push(node);
        match self.runs.last_mut().filter(|run| run.kind == kind) {
            Some(run) => run.count += 1,
            None => self.runs.push(Run { kind, first: id.index(), count: 1 }),
        }
        id
    }

    /// Lets others hold `amount` of a node for good; what the node does not have is not held.
    pub fn occupy(&mut self, node: NodeId, amount: Resources) {
        let taken = &mut self.nodes[node];
        let amount = amount.at_most(taken.free());
        taken.occupied += amount;
        taken.allocated += amount;
        taken.counted += amount;
        if taken.up {
            self.occupied += amount;
        }
        self.touch(node);
    }

    /// Takes a node away (`up` false) or brings it back. What is bound to it stays in the account.
    pub fn set_up(&mut self, node: NodeId, up: bool) {
        let changed = &mut self.nodes[node];
        if changed.up == up {
            return;
        }
        changed.up = up;
        let count = &mut self.kinds[changed.kind].up;
        *count = if up { *count + 1 } else { *count - 1 };
        let occupied = changed.occupied;
        if up {
            self.occupied += occupied;
        } else {
            self.occupied -= occupied;
        }
        self.touch(node);
    }

    /// Binds a replica to the best node of the eligible pools that has room, and tells which; `None` where there is none.
    ///
    /// # Panics
    /// Never: as [`best`](Self::best).
    pub fn bind(&mut self, request: Resources, eligible: &Table<PoolId, bool>) -> Option<NodeId> {
        let node = self.best(request, eligible)?;
        assert!(self.bind_to(node, request), "{node:?} was found to have room for {request:?}");
        Some(node)
    }

    /// The node that [`bind`](Self::bind) would choose.
    ///
    /// # Panics
    /// Never: a bound lies nowhere below its score.
    pub fn best(&mut self, request: Resources, eligible: &Table<PoolId, bool>) -> Option<NodeId> {
        self.rank(request, eligible);
        while let Some((node, bound)) = self.ranking.top() {
            let score = self.score(node, request).map_or(NONE, |score| i16::try_from(score).expect("at most 200"));
            assert!(score <= bound, "{node:?} scores {score}, above its bound {bound}");
            if score == bound {
                return Some(node);
            }
            self.ranking.set(node, score);
        }
        None
    }

    /// Binds a replica to a given node; `false`, and nothing is changed, where it is down or has no room.
    #[must_use]
    pub fn bind_to(&mut self, node: NodeId, request: Resources) -> bool {
        let taker = &mut self.nodes[node];
        if !taker.takes(request) {
            return false;
        }
        taker.shared.take(request);
        taker.allocated += request;
        taker.counted += exact::counted(request);
        taker.replicas += 1;
        self.allocated += request;
        self.touch(node);
        true
    }

    /// Gives back what a replica held that has no share of a device; the node may be down.
    ///
    /// # Panics
    /// Where no such replica is bound to the node.
    pub fn release(&mut self, node: NodeId, request: Resources) {
        self.release_from(node, request, Device::WHOLE);
    }

    /// Gives back what a replica held, and its share of `device`: what [`Node::shared`] said when it was bound.
    ///
    /// # Panics
    /// Where no such replica is bound to the node.
    pub fn release_from(&mut self, node: NodeId, request: Resources, device: Device) {
        let giver = &mut self.nodes[node];
        assert!(giver.replicas > 0, "{node:?} has no replica to release");
        giver.shared.give_back(device, request);
        giver.allocated -= request;
        giver.counted -= exact::counted(request);
        giver.replicas -= 1;
        self.allocated -= request;
        self.touch(node);
    }

    /// One node.
    pub fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node]
    }

    /// All nodes, those that are down included, in order.
    pub fn nodes(&self) -> impl DoubleEndedIterator<Item = (NodeId, &Node)> + ExactSizeIterator {
        self.nodes.iter()
    }

    /// Whether a node has no replicas.
    pub fn is_empty(&self, node: NodeId) -> bool {
        self.nodes[node].is_empty()
    }

    /// What the nodes that are up offer when they are empty, without what others hold.
    pub fn allocatable(&self) -> Resources {
        self.capacity().saturating_sub(self.occupied)
    }

    /// What the nodes that are up have, with what others hold.
    pub fn capacity(&self) -> Resources {
        self.kinds.iter().map(|kind| kind.shape.repeated(kind.up)).sum()
    }

    /// What all replicas ask for, those on nodes that are down included.
    pub const fn allocated(&self) -> Resources {
        self.allocated
    }

    /// How many nodes of a pool are up.
    pub fn nodes_up(&self, pool: PoolId) -> u64 {
        self.kinds.iter().filter(|kind| kind.pool == pool).map(|kind| kind.up).sum()
    }

    /// The score of a node for one more replica; `None` where it is down or has no room.
    pub fn score(&self, node: NodeId, request: Resources) -> Option<u64> {
        let node = &self.nodes[node];
        node.takes(request).then(|| exact::score(self.rule, node, request))
    }

    /// The nodes of the eligible pools that have room, with their scores.
    pub fn scores(&self, request: Resources, eligible: &Table<PoolId, bool>) -> impl Iterator<Item = (NodeId, u64)> {
        self.nodes
            .iter()
            .filter(|(_, node)| is_eligible(eligible, node.pool))
            .filter_map(move |(id, _)| Some((id, self.score(id, request)?)))
    }

    /// The kind of nodes of `pool` with `shape`, made where it is new.
    fn kind_of(&mut self, pool: PoolId, shape: Resources) -> usize {
        let known = self.kinds.iter().position(|kind| kind.pool == pool && kind.shape == shape);
        known.unwrap_or_else(|| {
            self.kinds.push(Kind { pool, shape, up: 0 });
            self.kinds.len() - 1
        })
    }

    /// Takes note that a node has changed.
    fn touch(&mut self, node: NodeId) {
        self.lanes.set(node.index(), self.rule, &self.nodes[node]);
        self.ranking.touch(node);
    }

    /// Brings the bounds up to date for a class of replicas.
    fn rank(&mut self, request: Resources, eligible: &Table<PoolId, bool>) {
        if !self.ranking.is_of(request, eligible) {
            self.rank_all(request, eligible);
            return;
        }
        while let Some(node) = self.ranking.pop_touched() {
            let kind = &self.kinds[self.nodes[node].kind];
            let mut bound = [NONE];
            if let Some(terms) = terms(self.rule, kind, request, eligible) {
                self.lanes.bounds(&terms, node.index(), &mut bound);
            }
            self.ranking.set(node, bound[0]);
        }
    }

    /// Bounds every node anew.
    fn rank_all(&mut self, request: Resources, eligible: &Table<PoolId, bool>) {
        let terms: Vec<Option<Terms>> =
            self.kinds.iter().map(|kind| terms(self.rule, kind, request, eligible)).collect();
        let bounds = self.ranking.open(self.nodes.len());
        for run in &self.runs {
            let out = &mut bounds[run.first..run.first + run.count];
            match &terms[run.kind] {
                Some(terms) => self.lanes.bounds(terms, run.first, out),
                None => out.fill(NONE),
            }
        }
        self.ranking.close(request, eligible);
    }
}

/// The terms of a request on nodes of one kind; `None` where none of them ever takes it.
fn terms(rule: NodeScore, kind: &Kind, request: Resources, eligible: &Table<PoolId, bool>) -> Option<Terms> {
    if is_eligible(eligible, kind.pool) { Terms::new(rule, kind.shape, request) } else { None }
}

/// Whether a pool is in the set.
fn is_eligible(eligible: &Table<PoolId, bool>, pool: PoolId) -> bool {
    eligible.get(pool).is_some_and(|eligible| *eligible)
}
