//! Which node takes a replica, thousands of times over: packing at once, and arrivals over hours through the event core.
//!
//! * `pack`: all replicas of a cluster onto its empty nodes. Requests are drawn; either ten replicas of a deployment are
//!   alike and come one after the other, or no two requests are alike (nothing can be kept from one to the next).
//! * `arrivals`: replicas arrive over one or ten hours, each with a request of its own, run for 60–600 s and leave. The
//!   arrivals are an outside source of the event kernel, the ends are its events.
//!
//! Before anything is timed, every choice is compared with that of a plain reference in integers, and every replica must
//! have found a node. `SMO_BENCH_SMOKE` set: checked and run once at a small size. Otherwise half a minute, most of it the
//! reference.

#![allow(missing_docs, reason = "serves nobody outside")]
#![expect(clippy::print_stdout, reason = "a bench prints its result")]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/it/binding_reference.rs"]
mod binding_reference;

use binding_reference::Reference;
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use rand::Rng;
use smo::backend::sim::kernel::{Class, Kernel, Moment};
use smo::model::binding::{NodeScore, NodeTable};
use smo::model::{NodeId, PoolId, Resources, Table};
use smo::seed::{Seed, Stream};
use smo::units::{Bytes, MilliCores, Span, Time};
use std::hint::black_box;
use std::time::Duration;

const SEED: Seed = Seed(1);
const RULE: NodeScore = NodeScore::LeastAllocated;
const ENDED: Class = Class(1);
/// One node: 16 cores, 64 GiB.
const SHAPE: Resources = Resources { cpu: MilliCores(16_000), memory: Bytes(64 << 30), gpu: 0, pods: 110 };

/// One replica that comes and goes.
#[derive(Clone, Copy)]
struct Arrival {
    at: Time,
    runs: Span,
    request: Resources,
}

/// What decides: the table that is timed, or the reference.
trait Host {
    fn bind(&mut self, request: Resources) -> Option<NodeId>;
    fn release(&mut self, node: NodeId, request: Resources);
}

struct Timed {
    nodes: NodeTable,
    pools: Table<PoolId, bool>,
}

struct Plain {
    nodes: Reference,
    pools: Table<PoolId, bool>,
}

impl Timed {
    fn new(count: u32) -> Self {
        let mut nodes = NodeTable::new(RULE);
        for _ in 0..count {
            nodes.add_node(PoolId(0), SHAPE);
        }
        Self { nodes, pools: Table::build(1, |_| true) }
    }
}

impl Plain {
    fn new(count: u32) -> Self {
        let mut nodes = Reference::new(RULE);
        for _ in 0..count {
            nodes.add_node(PoolId(0), SHAPE);
        }
        Self { nodes, pools: Table::build(1, |_| true) }
    }
}

impl Host for Timed {
    fn bind(&mut self, request: Resources) -> Option<NodeId> {
        self.nodes.bind(request, &self.pools)
    }

    fn release(&mut self, node: NodeId, request: Resources) {
        self.nodes.release(node, request);
    }
}

impl Host for Plain {
    fn bind(&mut self, request: Resources) -> Option<NodeId> {
        let node = self.nodes.best(request, &self.pools)?;
        self.nodes.change(node, request, 1);
        Some(NodeId(u32::try_from(node).expect("an id")))
    }

    fn release(&mut self, node: NodeId, request: Resources) {
        self.nodes.change(node.0 as usize, request, -1);
    }
}

/// 100–2,000 m and 128 MiB – 8 GiB, to the millicore and the byte.
fn request(stream: &mut Stream) -> Resources {
    let cpu = 100 + stream.next_u64() % 1_901;
    let memory = (128 << 20) + stream.next_u64() % ((8 << 30) - (128 << 20));
    Resources { cpu: MilliCores(cpu), memory: Bytes(memory), gpu: 0, pods: 1 }
}

/// `count` requests of which `alike` in a row are the same.
fn requests(count: u32, alike: usize) -> Vec<Resources> {
    let mut stream = SEED.stream("bench_packing_requests", 0);
    let deployments = (count as usize).div_ceil(alike);
    (0..deployments).flat_map(|_| std::iter::repeat_n(request(&mut stream), alike)).take(count as usize).collect()
}

/// `count` arrivals, even over `hours`, sorted.
fn arrivals(count: u32, hours: u64) -> Vec<Arrival> {
    let mut stream = SEED.stream("bench_packing_arrivals", 0);
    let mut arrivals: Vec<Arrival> = (0..count)
        .map(|_| Arrival {
            at: Time(stream.next_u64() % Span::seconds(hours * 3_600).0),
            runs: Span(Span::seconds(60).0 + stream.next_u64() % Span::seconds(540).0),
            request: request(&mut stream),
        })
        .collect();
    arrivals.sort_by_key(|arrival| arrival.at);
    arrivals
}

/// Packs all requests in order; `chose` is told each node.
fn pack(host: &mut dyn Host, requests: &[Resources], mut chose: impl FnMut(Option<NodeId>)) {
    for request in requests {
        chose(host.bind(*request));
    }
}

/// Lets all replicas come, run and go.
fn replay(host: &mut dyn Host, arrivals: &[Arrival], mut chose: impl FnMut(Option<NodeId>)) {
    let mut kernel = Kernel::<(NodeId, u32)>::new();
    let end = |host: &mut dyn Host, (node, index): (NodeId, u32)| {
        host.release(node, arrivals[index as usize].request);
    };
    for (index, arrival) in (0..).zip(arrivals) {
        while let Some((_, ended)) = kernel.pop_before(Moment { time: arrival.at, class: Class(0) }) {
            end(host, ended);
        }
        kernel.advance(arrival.at);
        let node = host.bind(arrival.request);
        if let Some(node) = node {
            kernel.schedule(arrival.at + arrival.runs, ENDED, (node, index));
        }
        chose(node);
    }
    while let Some((_, ended)) = kernel.pop() {
        end(host, ended);
    }
}

/// What a host chose, replica by replica.
fn choices(run: impl FnOnce(&mut dyn FnMut(Option<NodeId>))) -> Vec<Option<NodeId>> {
    let mut choices = Vec::new();
    run(&mut |node| choices.push(node));
    choices
}

fn assert_alike(name: &str, timed: &[Option<NodeId>], plain: &[Option<NodeId>]) {
    let differs = timed.iter().zip(plain).position(|(timed, plain)| timed != plain);
    assert_eq!(differs, None, "{name}: this replica got another node than the reference chose");
    assert!(timed.iter().all(Option::is_some), "{name}: a replica found no node");
}

fn bench_pack(group: &mut BenchmarkGroup<'_, WallTime>, nodes: u32, count: u32, alike: usize) {
    let requests = requests(count, alike);
    let name = format!("{count} replicas, {alike} alike, on {nodes} nodes");
    let empty = Timed::new(nodes);
    let timed = choices(|chose| pack(&mut Timed::new(nodes), &requests, chose));
    let plain = choices(|chose| pack(&mut Plain::new(nodes), &requests, chose));
    assert_alike(&name, &timed, &plain);
    group.throughput(Throughput::Elements(count.into()));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let mut host = Timed { nodes: empty.nodes.clone(), pools: empty.pools.clone() };
            pack(&mut host, black_box(&requests), |node| {
                black_box(node);
            });
        });
    });
}

fn bench_arrivals(group: &mut BenchmarkGroup<'_, WallTime>, nodes: u32, count: u32, hours: u64) {
    let name = format!("{count} replicas over {hours} h on {nodes} nodes");
    {
        let timed = choices(|chose| replay(&mut Timed::new(nodes), &arrivals(count, hours), chose));
        print_memory(&name);
        let plain = choices(|chose| replay(&mut Plain::new(nodes), &arrivals(count, hours), chose));
        assert_alike(&name, &timed, &plain);
    }
    let arrivals = arrivals(count, hours);
    group.throughput(Throughput::Elements(count.into()));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            replay(&mut Timed::new(nodes), black_box(&arrivals), |node| {
                black_box(node);
            });
        });
    });
}

/// The most memory that this process ever had, arrivals and choices included, where the system tells it (Linux).
fn print_memory(name: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(line) = status.lines().find_map(|line| line.strip_prefix("VmHWM:")) {
        println!("{name}: peak memory of the process {}", line.trim());
    }
}

fn main() {
    let is_smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let mut criterion = Criterion::default().configure_from_args().sample_size(20);
    if is_smoke {
        let short = Duration::from_millis(1);
        criterion = criterion.sample_size(10).warm_up_time(short).measurement_time(short);
    }
    // Arrivals go first, so that the memory printed is theirs.
    let mut group = criterion.benchmark_group("arrivals");
    let sizes: &[_] = if is_smoke { &[(50, 500, 1)] } else { &[(1_000, 10_000, 1), (1_000, 100_000, 10)] };
    for (nodes, count, hours) in sizes {
        bench_arrivals(&mut group, *nodes, *count, *hours);
    }
    group.finish();
    let mut group = criterion.benchmark_group("pack");
    let sizes: &[_] = if is_smoke { &[(50, 500)] } else { &[(400, 4_000), (1_000, 10_000), (5_000, 50_000)] };
    for (nodes, count) in sizes {
        for alike in [10, 1] {
            bench_pack(&mut group, *nodes, *count, alike);
        }
    }
    group.finish();
    criterion.final_summary();
}
