//! The table of nodes against the plain reference, over random lives of clusters.

use crate::binding_reference::Reference;
use rand::Rng;
use smo::model::binding::{NodeScore, NodeTable};
use smo::model::{NodeId, PoolId, Resources, Table};
use smo::seed::{Seed, Stream};
use smo::units::{Bytes, MilliCores};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const SEEDS: u64 = 256;
const STEPS: usize = 400;

/// Uniform in `0..below`.
fn draw(stream: &mut Stream, below: u64) -> u64 {
    stream.next_u64() % below
}

fn pick<T: Copy>(stream: &mut Stream, of: &[T]) -> T {
    of[usize::try_from(draw(stream, of.len() as u64)).expect("an index")]
}

fn resources(cpu: u64, memory: u64, gpu: u64, pods: u64) -> Resources {
    Resources { cpu: MilliCores(cpu), memory: Bytes(memory), gpu: gpu * 1_000, pods }
}

/// Tidy shapes, odd ones, and some that lack a resource.
fn shape(stream: &mut Stream) -> Resources {
    let cpu = match draw(stream, 8) {
        0 => draw(stream, 2) * 50,
        1 | 2 => 1 + draw(stream, 70_000),
        _ => pick(stream, &[1_000, 3_920, 4_000, 16_000, 64_000]),
    };
    let memory = match draw(stream, 8) {
        0 => draw(stream, 2) * 100 * MIB,
        1 | 2 => 1 + draw(stream, 600 * GIB),
        3 => draw(stream, 1 << 50),
        _ => pick(stream, &[2 * GIB, 7_937 * MIB, 16 * GIB, 64 * GIB]),
    };
    resources(cpu, memory, pick(stream, &[0, 0, 0, 1, 8]), pick(stream, &[1, 8, 30, 110]))
}

/// Tidy requests, odd ones, none at all, and some that leave the node exactly full or miss it by one.
fn request(stream: &mut Stream, near: Resources) -> Resources {
    let cpu = match draw(stream, 6) {
        0 => 0,
        1 => draw(stream, 3_000),
        2 => (near.cpu.0 + 1).saturating_sub(draw(stream, 3)),
        _ => pick(stream, &[50, 100, 250, 500, 1_000, 2_000]),
    };
    let memory = match draw(stream, 6) {
        0 => 0,
        1 => draw(stream, 5 * GIB),
        2 => (near.memory.0 + 1).saturating_sub(draw(stream, 3)),
        _ => pick(stream, &[64, 128, 256, 1_000, 1_024, 4_096]) * MIB,
    };
    resources(cpu, memory, u64::from(draw(stream, 10) == 0), 1)
}

/// One cluster, kept twice.
struct World {
    stream: Stream,
    table: NodeTable,
    reference: Reference,
    replicas: Vec<(NodeId, Resources)>,
    shapes: Vec<Resources>,
    /// The class that is asked for again and again, as deployments do.
    class: (Resources, Table<PoolId, bool>),
}

impl World {
    fn new(seed: u64) -> Self {
        let mut stream = Seed(seed).stream("test_binding", 0);
        let rule = pick(&mut stream, &[NodeScore::LeastAllocated, NodeScore::MostAllocated]);
        let count = 1 + draw(&mut stream, 4);
        let shapes = (0..count).map(|_| shape(&mut stream)).collect();
        let class = (Resources::ZERO, Table::build(4, |_| true));
        let (table, reference) = (NodeTable::new(rule), Reference::new(rule));
        let mut world = Self { stream, table, reference, replicas: Vec::new(), shapes, class };
        for _ in 0..=draw(&mut world.stream, 200) {
            world.add_node();
        }
        world.class.0 = world.request();
        world
    }

    fn add_node(&mut self) {
        let pool = PoolId(pick(&mut self.stream, &[0, 0, 0, 1, 2, 3]));
        let shape = pick(&mut self.stream, &self.shapes);
        self.table.add_node(pool, shape);
        self.reference.add_node(pool, shape);
    }

    fn node(&mut self) -> NodeId {
        NodeId(u32::try_from(draw(&mut self.stream, self.table.nodes().len() as u64)).expect("an id"))
    }

    fn request(&mut self) -> Resources {
        let node = self.node();
        let free = self.table.node(node).free();
        request(&mut self.stream, free)
    }

    fn step(&mut self) {
        match draw(&mut self.stream, 20) {
            0 => {
                let (node, up) = (self.node(), draw(&mut self.stream, 2) == 0);
                self.table.set_up(node, up);
                self.reference.set_up(node.0 as usize, up);
            }
            1 if draw(&mut self.stream, 4) == 0 => self.add_node(),
            1 | 2 => self.bind_to(),
            3..=6 if !self.replicas.is_empty() => {
                let index = draw(&mut self.stream, self.replicas.len() as u64);
                let (node, request) = self.replicas.swap_remove(usize::try_from(index).expect("an index"));
                self.table.release(node, request);
                self.reference.change(node.0 as usize, request, -1);
            }
            7 => {
                self.class.0 = self.request();
                let open = draw(&mut self.stream, 16) | draw(&mut self.stream, 16);
                self.class.1 = Table::build(4, |pool: PoolId| open >> pool.0 & 1 == 1);
            }
            _ => self.bind(),
        }
    }

    fn bind(&mut self) {
        let (request, eligible) = self.class.clone();
        let expected = self.reference.best(request, &eligible);
        let node = self.table.bind(request, &eligible);
        assert_eq!(node.map(|node| node.0 as usize), expected, "{request:?} on pools {eligible:?}");
        if let Some(node) = node {
            self.bound(node, request);
        }
    }

    fn bind_to(&mut self) {
        let (node, request) = (self.node(), self.request());
        if self.table.bind_to(node, request) {
            self.bound(node, request);
        }
    }

    fn bound(&mut self, node: NodeId, request: Resources) {
        self.reference.change(node.0 as usize, request, 1);
        self.replicas.push((node, request));
        assert!(self.reference.is_sound(), "{node:?} is overcommitted by {request:?}");
    }
}

/// Goal: the node that is chosen is the reference's, nothing is overcommitted, and the account balances.
/// Method: 256 random clusters live through 400 steps each: replicas come (mostly alike) and go, nodes fail, return and are
/// added. At the end everything is released.
#[test]
fn the_table_chooses_as_the_plain_reference_does() {
    let mut bound = 0;
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            world.step();
        }
        bound += world.replicas.len();
        let held: Resources = world.replicas.iter().map(|(_, request)| *request).sum();
        assert_eq!(world.table.allocated(), held, "seed {seed}");
        let up = world.table.nodes().filter(|(_, node)| node.up);
        assert_eq!(world.table.allocatable(), up.map(|(_, node)| node.shape).sum(), "seed {seed}");
        for (node, request) in std::mem::take(&mut world.replicas) {
            world.table.release(node, request);
        }
        assert_eq!(world.table.allocated(), Resources::ZERO, "seed {seed}");
        let nodes: Vec<NodeId> = world.table.nodes().map(|(id, _)| id).collect();
        assert!(nodes.iter().all(|node| world.table.is_empty(*node)), "seed {seed}");
    }
    assert!(bound > 10_000, "only {bound} replicas were bound: the worlds are too small to test anything");
}

/// Goal: a fork continues as the original does.
#[test]
fn a_clone_of_the_table_goes_on_alike() {
    let mut world = World::new(3);
    for _ in 0..STEPS {
        world.step();
    }
    let mut fork = world.table.clone();
    for _ in 0..50 {
        let request = world.request();
        let eligible = Table::build(4, |_| true);
        assert_eq!(fork.bind(request, &eligible), world.table.bind(request, &eligible));
    }
}

#[test]
fn equal_nodes_are_taken_in_order() {
    let mut nodes = NodeTable::new(NodeScore::LeastAllocated);
    let all = Table::build(1, |_| true);
    for _ in 0..3 {
        nodes.add_node(PoolId(0), resources(4_000, 16 * GIB, 0, 110));
    }
    let chosen: Vec<_> = (0..4).map(|_| nodes.bind(resources(1_000, 4 * GIB, 0, 1), &all)).collect();
    assert_eq!(chosen, [Some(NodeId(0)), Some(NodeId(1)), Some(NodeId(2)), Some(NodeId(0))]);
}

#[test]
fn nodes_that_are_down_full_or_not_eligible_take_nothing() {
    let mut nodes = NodeTable::new(NodeScore::MostAllocated);
    let tiny = nodes.add_node(PoolId(0), resources(4_000, 16 * GIB, 0, 1));
    let gpu = nodes.add_node(PoolId(1), resources(4_000, 16 * GIB, 1, 110));
    let request = resources(100, GIB, 0, 1);
    let only = |pool: u32| Table::build(2, |id: PoolId| id.0 == pool);
    assert_eq!(nodes.bind(request, &only(0)), Some(tiny));
    assert_eq!(nodes.bind(request, &only(0)), None, "its only pod slot is taken");
    assert_eq!(nodes.bind(Resources { gpu: 1_000, ..request }, &only(1)), Some(gpu));
    assert_eq!(nodes.bind(Resources { gpu: 1_000, ..request }, &only(1)), None, "its only accelerator is taken");
    nodes.set_up(gpu, false);
    assert_eq!(nodes.bind(request, &only(1)), None);
    assert!(!nodes.bind_to(gpu, request));
    assert_eq!(nodes.nodes_up(PoolId(1)), 0);
    nodes.release(gpu, Resources { gpu: 1_000, ..request });
    nodes.set_up(gpu, true);
    assert_eq!(nodes.bind(request, &only(1)), Some(gpu));
    assert_eq!(nodes.bind(request, &Table::new()), None, "pools that are not in the set are not eligible");
}
