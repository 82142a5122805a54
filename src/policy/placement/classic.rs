//! The classics of packing, with clusters as bins: first, best and worst fit, dot product, L2, random, round robin, and
//! kube-scheduler's score. One method, told apart by which cluster with room is taken for a replica.
//!
//! ```text
//! aᵣ  what a cluster offers of r    hᵣ  what it holds    dᵣ  what the replica asks for    r ∈ {CPU, memory, accelerators}
//! wᵣ = Σ demanded of r ÷ Σ offered of r          Nᵣ = Σ offered of r ÷ number of clusters (all over reachable clusters)
//!
//! first-fit       the first cluster
//! best-fit        least ½·Σ_{CPU, memory} (aᵣ − hᵣ − dᵣ) ÷ aᵣ       worst-fit: most
//! dot-product     most  Σ wᵣ · dᵣ/Nᵣ · (aᵣ − hᵣ)/Nᵣ
//! l2              least Σ wᵣ · ((aᵣ − hᵣ − dᵣ)/Nᵣ)²
//! kube-scheduler  most  ⌊LeastAllocated⌋ + ⌊BalancedAllocation⌋, as for nodes
//! random          any, each with the same chance               round-robin: cluster k mod n or the next, for replica k
//! ```
//!
//! What is there stays; surplus leaves the worst cluster first. Services come in the order of their declaration, or, with
//! `decreasing`, by falling size Σ wᵣ·dᵣ/Nᵣ of a replica. Source of sizes and weights: Panigrahy, Talwar, Uyeda, Wieder,
//! Heuristics for vector bin packing, 2011.

use super::draft::{Draft, Rank, unchanged};
use super::reasons::{ByRank, next_with_room};
use super::rooms::Rooms;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{ClusterId, Explanation, Plan, Resources, ServiceId, Snapshot, Wanted};
use crate::policy::{Context, Placement, PolicyError};
use crate::seed::Stream;
use rand::RngExt;

/// How many resources count: CPU, memory, accelerators. Pod slots do not.
const SCORED: usize = 3;

/// Which cluster with room is taken.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// The one with the best rank.
    Best(Rank),
    /// The one with the highest value on a scale that is worked out once a decision; the rank is the same, worked out anew.
    Scaled(Rank, Value),
    Random,
    RoundRobin,
}

/// How good a cluster is for a replica, measured on a scale.
type Value = fn(&Scale, &Draft<'_>, ServiceId, ClusterId) -> f64;

const IN_ORDER: Parameter = Parameter {
    name: "decreasing",
    default: "false",
    summary: "whether services come by falling size of a replica: `true`, or as declared: `false`",
};

const BY_SIZE: Parameter = Parameter { default: "true", ..IN_ORDER };

/// Registers `first-fit`.
pub const FIRST_FIT: Entry = Entry {
    name: "first-fit",
    summary: "each replica onto the first cluster that has room",
    about: "The first cluster, in the order of declaration, that has room for the replica. At most 1.7 times the bins of an \
        optimal packing in one dimension, 11/9 with `decreasing=true`. Source: Johnson, Near-optimal bin packing \
        algorithms, 1973.",
    parameters: &[IN_ORDER],
    partner: "rate",
    build: |parameters| build(parameters, Choice::Best(first)),
};

/// Registers `best-fit`.
pub const BEST_FIT: Entry = Entry {
    name: "best-fit",
    summary: "each replica onto the cluster that it leaves fullest",
    about: "The cluster with the smallest free share ½·(free CPU ÷ all CPU + free memory ÷ all memory) once it has the \
        replica: kube-scheduler's MostAllocated, with clusters in place of nodes. Source: Johnson, Near-optimal bin \
        packing algorithms, 1973.",
    parameters: &[IN_ORDER],
    partner: "rate",
    build: |parameters| build(parameters, Choice::Best(best)),
};

/// Registers `worst-fit`.
pub const WORST_FIT: Entry = Entry {
    name: "worst-fit",
    summary: "each replica onto the cluster that it leaves emptiest",
    about: "The cluster with the largest free share ½·(free CPU ÷ all CPU + free memory ÷ all memory) once it has the \
        replica. Source: Johnson, Near-optimal bin packing algorithms, 1973.",
    parameters: &[IN_ORDER],
    partner: "rate",
    build: |parameters| build(parameters, Choice::Best(worst)),
};

/// Registers `dot-product`.
pub const DOT_PRODUCT: Entry = Entry {
    name: "dot-product",
    summary: "each replica onto the cluster whose free room points its way",
    about: "Most Σ w·d/N·f/N over CPU, memory and accelerators: d the request, f what is free, N the mean cluster, w demand ÷ \
        offer of the resource. Source: Panigrahy et al., Heuristics for vector bin packing, 2011 (Tetris' alignment, \
        Grandl et al., 2014).",
    parameters: &[BY_SIZE],
    partner: "rate",
    build: |parameters| build(parameters, Choice::Scaled(by_alignment, alignment)),
};

/// Registers `l2`.
pub const L2: Entry = Entry {
    name: "l2",
    summary: "each replica onto the cluster whose room it leaves shortest, as a vector",
    about: "Least Σ w·((f − d)/N)² over CPU, memory and accelerators: d the request, f what is free, N the mean cluster, w \
        demand ÷ offer of the resource. Source: norm-based greedy of Panigrahy et al., Heuristics for vector bin packing, \
        2011.",
    parameters: &[BY_SIZE],
    partner: "rate",
    build: |parameters| build(parameters, Choice::Scaled(by_shortness, shortness)),
};

/// Registers `kube-scheduler`.
pub const KUBE_SCHEDULER: Entry = Entry {
    name: "kube-scheduler",
    summary: "each replica onto the best cluster by kube-scheduler's scores of room",
    about: "⌊½·(⌊100·free CPU ÷ all⌋ + ⌊100·free memory ÷ all⌋)⌋ + ⌊100·(1 − |used share of CPU − of memory| ÷ 2)⌋ with the \
        replica in place, the lowest id among equals: NodeResourcesFit (LeastAllocated) and \
        NodeResourcesBalancedAllocation of Kubernetes 1.35, with clusters in place of nodes. What needs labels of nodes \
        is left to the nodes.",
    parameters: &[IN_ORDER],
    partner: "rate",
    build: |parameters| build(parameters, Choice::Best(kube_scheduler)),
};

/// Registers `random`.
pub const RANDOM: Entry = Entry {
    name: "random",
    summary: "each replica onto any cluster that has room",
    about: "Each cluster that has room for the replica with the same chance, drawn from the policy's own stream: what every \
        method has to beat.",
    parameters: &[IN_ORDER],
    partner: "rate",
    build: |parameters| build(parameters, Choice::Random),
};

/// Registers `round-robin`.
pub const ROUND_ROBIN: Entry = Entry {
    name: "round-robin",
    summary: "replicas onto the clusters in turn",
    about: "Replica k, counted over all that have a place, onto cluster k mod n, or the next one after it that has room; \
        nothing is remembered from one decision to the next.",
    parameters: &[IN_ORDER],
    partner: "rate",
    build: |parameters| build(parameters, Choice::RoundRobin),
};

fn build(parameters: &Parameters, choice: Choice) -> Result<Box<dyn Placement>, ParameterError> {
    Ok(Box::new(Classic { choice, is_decreasing: parameters.get("decreasing")?, rooms: None }))
}

/// A classic.
#[derive(Clone)]
struct Classic {
    choice: Choice,
    is_decreasing: bool,
    rooms: Option<Rooms>,
}

impl Placement for Classic {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError> {
        let rooms = Rooms::learned(&mut self.rooms, snapshot);
        if let Some(plan) = unchanged(snapshot, wanted, rooms, usize::MAX) {
            return Ok(plan);
        }
        let mut draft = Draft::new(snapshot, wanted, rooms);
        draft.keep(self.choice.rank());
        let mut order = draft.incomplete();
        if self.is_decreasing {
            let scale = Scale::of(&draft);
            let size = |service: &ServiceId| scale.size(snapshot.service(*service).request);
            order.sort_by(|a, b| size(b).total_cmp(&size(a)));
        }
        match self.choice {
            Choice::Best(rank) => draft.fill(&order, rank),
            Choice::Scaled(rank, value) => fill_by_value(&mut draft, &order, (rank, value)),
            Choice::Random => fill_at_random(&mut draft, &order, context.stream),
            Choice::RoundRobin => fill_in_turn(&mut draft, &order),
        }
        Ok(draft.finish(None, |_| None))
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        let terms = [self.choice.term(), None];
        ByRank { rank: self.choice.rank(), terms, next: next_with_room }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

impl Choice {
    /// By which surplus goes, and homes of pinned services are found.
    fn rank(self) -> Rank {
        match self {
            Self::Best(rank) | Self::Scaled(rank, _) => rank,
            Self::Random | Self::RoundRobin => first,
        }
    }

    /// What the rank is called, with the factor that makes it a figure that people know.
    const fn term(self) -> Option<(&'static str, f64, &'static str)> {
        match self {
            Self::Best(_) | Self::Scaled(..) => Some(("rank", 1.0, "")),
            Self::Random | Self::RoundRobin => None,
        }
    }
}

/// What amounts are measured by.
#[derive(Debug, Clone, Copy)]
struct Scale {
    /// Demand over offer, by resource.
    weights: [f64; SCORED],
    /// What a cluster has in the mean, by resource; infinite where none has any.
    mean: [f64; SCORED],
}

impl Scale {
    fn of(draft: &Draft<'_>) -> Self {
        let snapshot = draft.snapshot;
        let reachable = || snapshot.clusters.values().filter(|view| view.reachable);
        let offered: Resources = reachable().map(|view| view.allocatable_max).sum();
        let wanted = draft.wanted.replicas.iter();
        let demand: Resources =
            wanted.map(|(service, replicas)| snapshot.service(service).request.repeated((*replicas).into())).sum();
        let count = reachable().count() as f64;
        let (offered, demand) = (offered.amounts(), demand.amounts());
        let of =
            |index: usize, value: fn(f64, f64, f64) -> f64| value(demand[index] as f64, offered[index] as f64, count);
        let weight = |demand: f64, offered: f64, _: f64| demand / offered.max(1.0);
        let mean = |_: f64, offered: f64, count: f64| if offered > 0.0 { offered / count } else { f64::INFINITY };
        Self { weights: [0, 1, 2].map(|index| of(index, weight)), mean: [0, 1, 2].map(|index| of(index, mean)) }
    }

    /// Σ wᵣ·dᵣ/Nᵣ.
    fn size(&self, request: Resources) -> f64 {
        self.sum(|index| self.part(request, index))
    }

    /// An amount over that of the mean cluster.
    fn part(&self, amount: Resources, index: usize) -> f64 {
        amount.amounts()[index] as f64 / self.mean[index]
    }

    /// Σ wᵣ·value(r).
    fn sum(&self, value: impl Fn(usize) -> f64) -> f64 {
        (0..SCORED).map(|index| self.weights[index] * value(index)).sum()
    }
}

fn first(_: &Draft<'_>, _: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [-f64::from(cluster.0), 0.0]
}

fn best(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [-draft.share_free(cluster, draft.snapshot.service(service).request), 0.0]
}

fn worst(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [draft.share_free(cluster, draft.snapshot.service(service).request), 0.0]
}

fn by_alignment(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [alignment(&Scale::of(draft), draft, service, cluster), 0.0]
}

fn by_shortness(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    [shortness(&Scale::of(draft), draft, service, cluster), 0.0]
}

fn alignment(scale: &Scale, draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> f64 {
    let (request, free) = (draft.snapshot.service(service).request, draft.free(cluster));
    scale.sum(|index| scale.part(request, index) * scale.part(free, index))
}

fn shortness(scale: &Scale, draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> f64 {
    let left = draft.free(cluster).saturating_sub(draft.snapshot.service(service).request);
    -scale.sum(|index| scale.part(left, index).powi(2))
}

#[expect(clippy::cast_possible_truncation, reason = "the original truncates values from 0 to 100")]
fn kube_scheduler(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    let all = draft.snapshot.clusters[cluster].allocatable_max.amounts();
    let left = draft.free(cluster).saturating_sub(draft.snapshot.service(service).request).amounts();
    let free = |index: usize| u64::try_from(u128::from(left[index]) * 100 / u128::from(all[index].max(1))).unwrap_or(0);
    let used = |index: usize| 1.0 - left[index] as f64 / all[index].max(1) as f64;
    let balance = ((1.0 - ((used(0) - used(1)) / 2.0).abs()) * 100.0) as i64;
    [u64::midpoint(free(0), free(1)) as f64 + balance as f64, 0.0]
}

/// Gives each missing replica the cluster with the highest value that has room, the lowest id among equals.
fn fill_by_value(draft: &mut Draft<'_>, order: &[ServiceId], (rank, value): (Rank, Value)) {
    let scale = Scale::of(draft);
    for &service in order {
        draft.settle(service, rank);
        for _ in 0..draft.missing(service) {
            let open = draft.snapshot.clusters.ids().filter(|cluster| draft.room(service, *cluster) > 0);
            let valued = open.map(|cluster| (value(&scale, draft, service, cluster), cluster));
            let best = valued.reduce(|best, next| if next.0 > best.0 { next } else { best });
            let Some((_, cluster)) = best else { break };
            draft.add(service, cluster, 1);
        }
    }
}

/// Gives each missing replica one of the clusters that have room.
fn fill_at_random(draft: &mut Draft<'_>, order: &[ServiceId], stream: &mut Stream) {
    for &service in order {
        draft.settle(service, first);
        for _ in 0..draft.missing(service) {
            let clusters = draft.snapshot.clusters.ids();
            let open: Vec<ClusterId> = clusters.filter(|cluster| draft.room(service, *cluster) > 0).collect();
            if open.is_empty() {
                break;
            }
            draft.add(service, open[stream.random_range(0..open.len())], 1);
        }
    }
}

/// Gives each missing replica the cluster whose turn it is, or the next one that has room.
fn fill_in_turn(draft: &mut Draft<'_>, order: &[ServiceId]) {
    for &service in order {
        draft.settle(service, first);
        for _ in 0..draft.missing(service) {
            let placed: u64 = draft.targets().iter().map(|target| u64::from(target.replicas)).sum();
            let clusters: Vec<ClusterId> = draft.snapshot.clusters.ids().collect();
            let turn = usize::try_from(placed).unwrap_or(0).checked_rem(clusters.len()).unwrap_or(0);
            let in_turn = clusters[turn..].iter().chain(&clusters[..turn]);
            let Some(next) = in_turn.copied().find(|cluster| draft.room(service, *cluster) > 0) else { break };
            draft.add(service, next, 1);
        }
    }
}
