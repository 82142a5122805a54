//! An upper bound of the score, for all nodes at once.
//!
//! The exact score needs four divisions a node, and 10,000 different requests on 1,000 nodes need ten million scores. The
//! bound is linear in the request once each node's percentages are known, has no division, and in single precision four
//! nodes fit into one SSE2 register, which every x86-64 has. The winner by the bound is then scored exactly; where bound
//! and score differ, the score takes the bound's place and the next winner is looked at. So the answer is exact whatever
//! the rounding here, as long as no bound lies *below* its score:
//!
//! * Everything is a percentage. Those that decide lie in 0 … 128, where neighbouring floats are 2⁻¹⁷ apart, so one
//!   rounding errs by at most 2⁻¹⁸. A sum of a node's and a request's percentage collects three of these (both operands
//!   and the sum), the distance of two such sums seven, and what is done with either two more: below 2⁻¹⁴ in all.
//! * [`SLACK`] = 2⁻¹⁴ is added before rounding down (by rounding to nearest after subtracting ½). So where the exact value
//!   is at least the integer k, the bound is at least k. It is larger than the score only where a value lies less than
//!   2·2⁻¹⁴ below an integer: about once in ten thousand, and never for exact integers, which tidy requests produce a lot.
//! * Larger percentages err more, but they are cut at 0 and 100 before that matters.
//! * Room is compared with the same slack. Pod slots are not compared: a node without a free one is closed.

use super::exact;
use super::{Node, NodeScore};
use crate::model::resources::Resources;

/// More than all rounding errors together, in percentage points.
const SLACK: f32 = 1.0 / 16_384.0;

/// Adding and subtracting 1.5·2²³ rounds a float below 2²² to the nearest integer; while it is added, the low bits of the
/// sum are that integer in two's complement. (`f32::floor` and `as` are calls or long sequences without SSE4.1.)
const ROUND: f32 = 12_582_912.0;

/// The score of a node that does not take the replica.
pub(super) const NONE: i16 = -1;

/// What the bound needs of each node; percentages of the node's shape.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes {
    /// CPU asked for by its replicas; infinite where the node is closed.
    cpu: Vec<f32>,
    /// Memory asked for by its replicas.
    memory: Vec<f32>,
    /// CPU as the allocation score starts from: what is left, or taken, by counted requests.
    cpu_graded: Vec<f32>,
    /// The same for memory.
    memory_graded: Vec<f32>,
    /// Accelerators that nobody has a part of, in thousandths.
    gpu: Vec<f32>,
    /// The largest share that one accelerator has left.
    gpu_share: Vec<f32>,
}

/// What the bound needs of a request on nodes of one shape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// Percentage of the CPU.
    cpu: f32,
    /// Percentage of the memory.
    memory: f32,
    /// What is added to the graded CPU, less ½, so that rounding to nearest rounds down.
    cpu_step: f32,
    /// The same for memory.
    memory_step: f32,
    /// Whole accelerators, in thousandths.
    gpu: f32,
    /// Share of one accelerator.
    gpu_share: f32,
    /// One over the number of scored resources that the shape has.
    weight: f32,
    /// Balance without any distance, less ½.
    balance: f32,
    /// What one point of distance between the fractions costs.
    distance_cost: f32,
}

impl Lanes {
    /// Room for one more node.
    pub(super) fn push(&mut self, rule: NodeScore, node: &Node) {
        let Self { cpu, memory, cpu_graded, memory_graded, gpu, gpu_share } = self;
        for lane in [cpu, memory, cpu_graded, memory_graded, gpu, gpu_share] {
            lane.push(0.0);
        }
        self.set(self.cpu.len() - 1, rule, node);
    }

    /// Takes over what the node at `index` holds now.
    pub(super) fn set(&mut self, index: usize, rule: NodeScore, node: &Node) {
        let held = node.allocated.amounts();
        let counted = node.counted.amounts();
        let shape = node.shape.amounts();
        self.cpu[index] = if node.is_open() { percent(held[0], shape[0]) } else { f32::INFINITY };
        self.memory[index] = percent(held[1], shape[1]);
        self.cpu_graded[index] = graded(rule, counted[0], shape[0]);
        self.memory_graded[index] = graded(rule, counted[1], shape[1]);
        let free = node.shape.gpu - node.allocated.gpu;
        self.gpu[index] = node.shared.whole(free) as f32;
        self.gpu_share[index] = node.shared.largest_share(free) as f32;
    }

    /// Writes the bounds of the nodes from `first` on, all of the shape that `terms` were made for.
    #[expect(clippy::needless_bitwise_bool, reason = "a branch would keep the loop from being vectorised")]
    pub(super) fn bounds(&self, terms: &Terms, first: usize, out: &mut [i16]) {
        let nodes = first..first + out.len();
        let (cpu, memory) = (&self.cpu[nodes.clone()], &self.memory[nodes.clone()]);
        let (cpu_graded, memory_graded) = (&self.cpu_graded[nodes.clone()], &self.memory_graded[nodes.clone()]);
        let (gpu, gpu_share) = (&self.gpu[nodes.clone()], &self.gpu_share[nodes]);
        for node in 0..out.len() {
            let (cpu_after, memory_after) = (cpu[node] + terms.cpu, memory[node] + terms.memory);
            let cpu_share = cut(round(cpu_graded[node] + terms.cpu_step));
            let memory_share = cut(round(memory_graded[node] + terms.memory_step));
            let allocation = integer((cpu_share + memory_share) * terms.weight - 0.25);
            let balance = integer(terms.balance - (cpu_after - memory_after).abs() * terms.distance_cost);
            let has_devices = (gpu[node] >= terms.gpu) & (gpu_share[node] >= terms.gpu_share);
            let fits = (higher(cpu_after, memory_after) <= 100.0 + SLACK) & has_devices;
            out[node] = low(allocation.wrapping_add(balance) | if fits { 0 } else { u32::MAX });
        }
    }
}

impl Terms {
    /// The terms of `request` on nodes of `shape`; `None` where it does not fit even an empty one.
    pub(super) fn new(rule: NodeScore, shape: Resources, request: Resources) -> Option<Self> {
        if !shape.fits(request) {
            return None;
        }
        let [shape_cpu, shape_memory, ..] = shape.amounts();
        let counted = exact::counted(request);
        let present = u8::from(shape_cpu > 0) + u8::from(shape_memory > 0);
        Some(Self {
            cpu: percent(request.cpu.0, shape_cpu),
            memory: percent(request.memory.0, shape_memory),
            cpu_step: step(rule, counted.cpu.0, shape_cpu),
            memory_step: step(rule, counted.memory.0, shape_memory),
            gpu: if request.is_share() { 0.0 } else { request.gpu as f32 },
            gpu_share: if request.is_share() { request.gpu as f32 } else { 0.0 },
            weight: if present == 0 { 0.0 } else { 1.0 / f32::from(present) },
            balance: if exact::is_best_effort(request) { 0.0 } else { 99.5 + SLACK },
            distance_cost: if present == 2 && !exact::is_best_effort(request) { 0.5 } else { 0.0 },
        })
    }
}

/// `part` of `whole` in percent; none of nothing is 0.
#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is what this file is about")]
fn percent(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { (part as f64 * 100.0 / whole as f64) as f32 }
}

/// The percentage that the allocation score starts from, before the request.
#[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is what this file is about")]
fn graded(rule: NodeScore, counted: u64, shape: u64) -> f32 {
    match rule {
        _ if shape == 0 => 0.0,
        NodeScore::LeastAllocated => (100.0 - counted as f64 * 100.0 / shape as f64) as f32,
        NodeScore::MostAllocated => percent(counted, shape),
    }
}

/// What the request changes in it; a resource that the shape lacks stays at 0.
fn step(rule: NodeScore, counted: u64, shape: u64) -> f32 {
    match rule {
        _ if shape == 0 => 0.0,
        NodeScore::LeastAllocated => SLACK - 0.5 - percent(counted, shape),
        NodeScore::MostAllocated => SLACK - 0.5 + percent(counted, shape),
    }
}

/// The nearest integer.
#[inline]
fn round(value: f32) -> f32 {
    (value + ROUND) - ROUND
}

/// Between 0 and 100. Written out, because `clamp` looks after NaN and is then not one instruction.
#[inline]
fn cut(value: f32) -> f32 {
    let low = if value > 0.0 { value } else { 0.0 };
    if low < 100.0 { low } else { 100.0 }
}

/// The larger one, as one instruction.
#[inline]
fn higher(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The nearest integer, in the low bits; see [`ROUND`], whose own low bits are zero.
#[inline]
fn integer(value: f32) -> u32 {
    (value + ROUND).to_bits()
}

/// The low bits as a number with a sign; all of them set is [`NONE`].
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are the number")]
const fn low(bits: u32) -> i16 {
    bits as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::binding::NodeTable;
    use crate::model::id::{Id, PoolId};
    use crate::seed::{Seed, Stream};
    use crate::units::{Bytes, MilliCores};
    use rand::Rng;

    /// Up to `most`, tidy (a multiple of 1/64 of it) or not.
    fn draw(stream: &mut Stream, most: u64) -> u64 {
        if stream.next_u32().is_multiple_of(2) {
            most / 64 * (stream.next_u64() % 65)
        } else {
            stream.next_u64() % (most + 1)
        }
    }

    /// Goal: no bound lies below its score, and hardly one above it.
    /// Method: for 256 seeds, nodes of one shape (a millicore to a million cores, a byte to an exbibyte) that hold up to
    /// three random replicas, and 20 requests, each of them on each node.
    #[test]
    fn bounds_are_never_below_the_score_and_rarely_above() {
        let (mut pairs, mut above) = (0, 0);
        for seed in 0..256 {
            let stream = &mut Seed(seed).stream("test_bound", 0);
            let rule = if seed % 2 == 0 { NodeScore::LeastAllocated } else { NodeScore::MostAllocated };
            let [cpu, memory] = [30, 60].map(|bits| {
                let size = stream.next_u32() % bits;
                draw(stream, 1 << size)
            });
            let shape = Resources { cpu: MilliCores(cpu), memory: Bytes(memory), gpu: 0, pods: 8 };
            let request = |stream: &mut Stream| Resources {
                cpu: MilliCores(draw(stream, cpu)),
                memory: Bytes(draw(stream, memory)),
                gpu: 0,
                pods: 1,
            };
            let mut nodes = NodeTable::new(rule);
            let mut lanes = Lanes::default();
            for _ in 0..50 {
                let id = nodes.add_node(PoolId(0), shape);
                for _ in 0..3 {
                    let _ = nodes.bind_to(id, request(stream));
                }
                lanes.push(rule, nodes.node(id));
            }
            for _ in 0..20 {
                let request = request(stream);
                let terms = Terms::new(rule, shape, request).expect("requests are no larger than the shape");
                let mut bounds = [NONE; 50];
                lanes.bounds(&terms, 0, &mut bounds);
                for (id, _) in nodes.nodes() {
                    let score = nodes.score(id, request).map_or(NONE, |score| i16::try_from(score).unwrap());
                    let bound = bounds[id.index()];
                    assert!(score <= bound, "seed {seed}: {request:?} scores {score} above {bound} on {id:?}");
                    pairs += 1;
                    above += u32::from(score < bound);
                }
            }
        }
        assert!(above * 1_000 < pairs, "{above} of {pairs} bounds are above the score");
    }
}
