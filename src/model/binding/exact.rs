//! The score of a node, as kube-scheduler 1.35 computes it (`pkg/scheduler/framework/plugins/noderesources`), for CPU and
//! memory at weight 1 each:
//!
//! ```text
//! score           = allocation + balance                                                              0 … 200
//! LeastAllocated  = ⌊ Σᵣ ⌊(aᵣ − cᵣ)·100 / aᵣ⌋ / n ⌋, a term is 0 where cᵣ > aᵣ
//! MostAllocated   = ⌊ Σᵣ ⌊min(cᵣ, aᵣ)·100 / aᵣ⌋ / n ⌋
//! balance         = ⌊(1 − |f₁ − f₂| / 2)·100⌋ in doubles, fᵣ = hᵣ / aᵣ; 0 for a replica that asks for neither
//! ```
//!
//! aᵣ is what the node offers of r, hᵣ what its replicas ask for with the new one, cᵣ the same where each replica counts
//! at least [`COUNTED_MIN`], and n the number of resources of which the node has any (the others are left out).

use super::{Node, NodeScore};
use crate::model::resources::Resources;
use crate::units::{Bytes, MilliCores};

/// The best score of one plugin.
const SCORE_MAX: u64 = 100;

/// How many of [`Resources::amounts`] are scored: CPU and memory, which come first.
const SCORED: usize = 2;

/// What a replica counts for in the allocation score where it asks for no CPU or no memory (`GetNonzeroRequests`), so that
/// replicas without requests do not all end on one node.
pub const COUNTED_MIN: (MilliCores, Bytes) = (MilliCores(100), Bytes(200 << 20));

/// `request` as the allocation score counts it.
#[must_use]
pub fn counted(request: Resources) -> Resources {
    Resources {
        cpu: if request.cpu == MilliCores(0) { COUNTED_MIN.0 } else { request.cpu },
        memory: if request.memory == Bytes(0) { COUNTED_MIN.1 } else { request.memory },
        ..request
    }
}

/// Whether a replica asks for neither CPU nor memory; `BalancedAllocation` then does not count.
#[must_use]
pub fn is_best_effort(request: Resources) -> bool {
    request.cpu == MilliCores(0) && request.memory == Bytes(0)
}

/// The score of `node` with one more replica that asks for `request` and fits.
#[must_use]
pub fn score(rule: NodeScore, node: &Node, request: Resources) -> u64 {
    let balance = if is_best_effort(request) { 0 } else { balance(node, request) };
    allocation(rule, node, request) + balance
}

/// `LeastAllocated` or `MostAllocated`.
fn allocation(rule: NodeScore, node: &Node, request: Resources) -> u64 {
    let after = (node.counted + counted(request)).amounts();
    let shape = node.shape.amounts();
    let present = || (0..SCORED).filter(|resource| shape[*resource] > 0);
    let sum: u64 = present()
        .map(|resource| match rule {
            NodeScore::LeastAllocated => percent(shape[resource].saturating_sub(after[resource]), shape[resource]),
            NodeScore::MostAllocated => percent(after[resource].min(shape[resource]), shape[resource]),
        })
        .sum();
    sum.checked_div(present().count() as u64).unwrap_or(0)
}

/// ⌊`part`·100 / `whole`⌋ for a part of the whole.
fn percent(part: u64, whole: u64) -> u64 {
    let hundredths = u128::from(part) * u128::from(SCORE_MAX) / u128::from(whole);
    u64::try_from(hundredths).expect("a part is not more than the whole")
}

/// `BalancedAllocation`: the standard deviation of two fractions is half their distance. In doubles and in this order of
/// operations, as the original has it, so that the same values are rounded down.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value lies between 50 and 100")]
fn balance(node: &Node, request: Resources) -> u64 {
    let after = (node.allocated + request).amounts();
    let shape = node.shape.amounts();
    if shape[..SCORED].contains(&0) {
        return SCORE_MAX;
    }
    let fraction = |resource: usize| (after[resource] as f64 / shape[resource] as f64).min(1.0);
    let deviation = ((fraction(0) - fraction(1)) / 2.0).abs();
    ((1.0 - deviation) * SCORE_MAX as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::binding::NodeTable;
    use crate::model::id::{PoolId, Table};

    const GIB: u64 = 1 << 30;

    fn amounts(cpu: u64, memory: u64) -> Resources {
        Resources { cpu: MilliCores(cpu), memory: Bytes(memory), gpu: 0, pods: 1 }
    }

    /// The score of a node of 4 cores and 16 GiB that holds `held`, for one more `request`.
    fn scored(rule: NodeScore, held: &[Resources], request: Resources) -> u64 {
        let mut nodes = NodeTable::new(rule);
        let node = nodes.add_node(PoolId(0), Resources { pods: 110, ..amounts(4_000, 16 * GIB) });
        for replica in held {
            assert!(nodes.bind_to(node, *replica));
        }
        score(rule, nodes.node(node), request)
    }

    /// 1,000 m and 1 GiB are there, 500 m and 3 GiB come: least (⌊2,500/4,000⌋ = 62 %, ⌊12/16⌋ = 75 %) → ⌊137/2⌋ = 68,
    /// most (37 %, 25 %) → 31, balance 100·(1 − |0.375 − 0.25|/2) = 93.75 → 93.
    #[test]
    fn scores_are_those_computed_by_hand() {
        let held = [amounts(1_000, GIB)];
        assert_eq!(scored(NodeScore::LeastAllocated, &held, amounts(500, 3 * GIB)), 68 + 93);
        assert_eq!(scored(NodeScore::MostAllocated, &held, amounts(500, 3 * GIB)), 31 + 93);
    }

    /// Nothing asked for counts as 100 m and 200 MiB: ⌊3,900/40⌋ = 97, ⌊(16,384 − 200)/163.84⌋ = 98 → ⌊195/2⌋ = 97, and the
    /// balance is left out. With 400 m asked for and no memory: 90 and 98 → 94, balance 100·(1 − 0.1/2) = 95.
    #[test]
    fn replicas_without_requests_count_a_little_and_are_not_balanced() {
        assert_eq!(scored(NodeScore::LeastAllocated, &[], amounts(0, 0)), 97);
        assert_eq!(scored(NodeScore::LeastAllocated, &[], amounts(400, 0)), 94 + 95);
        assert_eq!(scored(NodeScore::LeastAllocated, &[amounts(0, 0)], amounts(400, 0)), 92 + 95);
    }

    /// A node without CPU is scored by its memory alone: ⌊15/16⌋ = 93 %.
    #[test]
    fn a_resource_that_the_node_lacks_is_left_out() {
        let mut nodes = NodeTable::new(NodeScore::LeastAllocated);
        let node = nodes.add_node(PoolId(0), Resources { pods: 110, ..amounts(0, 16 * GIB) });
        assert_eq!(score(NodeScore::LeastAllocated, nodes.node(node), amounts(0, GIB)), 93 + 100);
        let everywhere = Table::build(1, |_: PoolId| true);
        assert_eq!(nodes.bind(amounts(0, GIB), &everywhere), Some(node));
    }
}
