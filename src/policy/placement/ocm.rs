//! Open Cluster Management: the best clusters by a weighted sum of scores.
//!
//! A `Placement` of OCM chooses clusters, not replicas: filters leave some, prioritizers score them from −100 to 100, the first
//! N by score (by name among equals) are the decision. What they get is for others to say; here the N share the replicas
//! evenly, and with N = 1 a service is whole. OCM knows nothing of room: with `fit=off` a service may be put where it does not
//! fit, and what would stay pending is refused; with `fit=on` clusters without room for a share are filtered first.
//!
//! | score | value |
//! |---|---|
//! | Balance | 2·100·(½ − decisions of others here ÷ most decisions anywhere), 100 where there are none |
//! | Steady | 100 where it is already, else 0 |
//! | `ResourceAllocatable` | ((a − least) ÷ (most − least) − ½)·200 of the cluster's CPU or memory; 100 where all are equal |
//!
//! Tasks are put one by one into the best cluster with room.

use super::draft::{Draft, Rank};
use super::kubeadmiral::shrink;
use super::reasons::{ByRank, next_for_all};
use super::rooms::Rooms;
use super::{Entry, Parameter, ParameterError, Parameters, refusal};
use crate::model::plan::Target;
use crate::model::{ClusterId, Explanation, Plan, ServiceId, Snapshot, Table, Wanted};
use crate::policy::{Context, Placement, PolicyError};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "ocm",
    summary: "Open Cluster Management: the N best clusters by Balance, Steady and allocatable resources",
    about: "score = Σ weight·prioritizer: Balance 2·100·(½ − decisions ÷ most decisions), Steady 100 where it is, \
        ResourceAllocatableCPU and -Memory ((a − min) ÷ (max − min) − ½)·200, each truncated to a whole number; the N best \
        share the replicas evenly. Source: open-cluster-management-io/ocm, pkg/placement/plugins; default weights Balance 1, \
        Steady 1.",
    parameters: &[
        Parameter { name: "clusters", default: "1", summary: "numberOfClusters: how many share a service" },
        Parameter { name: "balance", default: "1", summary: "weight of Balance, −10 to 10" },
        Parameter { name: "steady", default: "1", summary: "weight of Steady, −10 to 10" },
        Parameter { name: "cpu", default: "0", summary: "weight of ResourceAllocatableCPU, −10 to 10" },
        Parameter { name: "memory", default: "0", summary: "weight of ResourceAllocatableMemory, −10 to 10" },
        Parameter {
            name: "fit",
            default: "on",
            summary: "`on`: clusters without room for a share are left out; `off`: as OCM is, which does not look",
        },
    ],
    partner: "rate",
    build: |parameters| Ok(Box::new(Ocm::read(parameters)?)),
};

/// The score of a cluster at its best.
const SCORE_MAX: i64 = 100;
/// Passes over the services after which no further change is waited for.
const PASSES: usize = 16;

/// OCM's placement controller.
#[derive(Clone)]
pub struct Ocm {
    clusters: usize,
    weights: Weights,
    fit: bool,
    rooms: Option<Rooms>,
}

/// Weights of the prioritizers.
#[derive(Debug, Clone, Copy)]
struct Weights {
    balance: i64,
    steady: i64,
    cpu: i64,
    memory: i64,
}

impl Ocm {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let weight = |name: &'static str| {
            let weight: i64 = parameters.get(name)?;
            if (-10..=10).contains(&weight) {
                return Ok(weight);
            }
            Err(parameters.invalid(name, format!("{weight} lies outside −10 to 10")))
        };
        let clusters: usize = parameters.get("clusters")?;
        if clusters == 0 {
            return Err(parameters.invalid("clusters", "0 clusters take nothing".to_owned()));
        }
        let fit = match parameters.get::<String>("fit")?.as_str() {
            "on" => true,
            "off" => false,
            other => return Err(parameters.invalid("fit", format!("`{other}` is neither `on` nor `off`"))),
        };
        let weights = Weights {
            balance: weight("balance")?,
            steady: weight("steady")?,
            cpu: weight("cpu")?,
            memory: weight("memory")?,
        };
        Ok(Self { clusters, weights, fit, rooms: None })
    }

    /// Decides for one service; tells whether anything changed.
    fn schedule(&self, draft: &mut Draft<'_>, service: ServiceId) -> bool {
        let before: Vec<Target> = draft.targets().of(service).to_vec();
        let wanted = draft.wanted.replicas[service];
        let chosen = self.choose(draft, service);
        let share_of = |cluster: ClusterId| {
            let count = u32::try_from(chosen.len()).unwrap_or(u32::MAX).max(1);
            let place = chosen.iter().position(|one| *one == cluster);
            let place = place.and_then(|place| u32::try_from(place).ok());
            place.map_or(0, |place| wanted / count + u32::from(place < wanted % count))
        };
        for cluster in draft.snapshot.clusters.ids() {
            let there = draft.targets().get(service, cluster);
            draft.remove(service, cluster, there.saturating_sub(share_of(cluster)));
        }
        for cluster in draft.snapshot.clusters.ids() {
            let more = share_of(cluster).saturating_sub(draft.targets().get(service, cluster));
            let room = if more > 0 { draft.room(service, cluster) } else { 0 };
            draft.add(service, cluster, more.min(room));
        }
        draft.targets().of(service) != before
    }

    /// The best clusters, by id. The filters pass those that may run the service; with `fit` those with room for its share go
    /// before the others.
    fn choose(&self, draft: &Draft<'_>, service: ServiceId) -> Vec<ClusterId> {
        let snapshot = draft.snapshot;
        let count = if snapshot.service(service).pinned { 1 } else { self.clusters };
        let count_32 = u32::try_from(count).unwrap_or(u32::MAX);
        let share = draft.wanted.replicas[service].div_ceil(count_32);
        let mut open: Vec<ClusterId> =
            snapshot.clusters.ids().filter(|cluster| draft.is_open(service, *cluster)).collect();
        let fits = |cluster: ClusterId| {
            let there = draft.targets().get(service, cluster);
            !self.fit || there.saturating_add(draft.room(service, cluster)) >= share
        };
        let scores = scores(draft, service, self.weights);
        let name = |cluster: ClusterId| &snapshot.cluster(cluster).name;
        open.sort_by(|a, b| {
            fits(*b).cmp(&fits(*a)).then(scores[*b].cmp(&scores[*a])).then_with(|| name(*a).cmp(name(*b)))
        });
        open.truncate(count);
        open.sort();
        open
    }
}

impl Placement for Ocm {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let mut rooms = self.rooms.take();
        let mut draft = Draft::new(snapshot, wanted, Rooms::of_world(&mut rooms, snapshot));
        let application = &snapshot.known.application;
        draft.keep(DEFAULT_SCORE);
        let tasks: Vec<ServiceId> = draft.incomplete().into_iter().filter(|one| application.is_task(*one)).collect();
        draft.fill(&tasks, DEFAULT_SCORE);
        for _ in 0..PASSES {
            let mut is_changed = false;
            for service in application.requests() {
                let closed = draft.home(service).filter(|home| !draft.is_open(service, *home));
                is_changed |= match closed {
                    Some(home) => shrink(&mut draft, service, home),
                    None => self.schedule(&mut draft, service),
                };
            }
            if !is_changed {
                break;
            }
        }
        let reason = |service: ServiceId| {
            let is_short = !self.fit && draft.missing(service) > 0 && !draft.targets().of(service).is_empty();
            is_short.then(|| format!("decided, but would stay pending: {}", refusal::explain(&draft, service).0))
        };
        let reasons: Table<ServiceId, Option<String>> = snapshot.services.ids().map(reason).collect();
        let plan = draft.finish(None, |service| reasons[service].clone());
        self.rooms = rooms;
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        ByRank { rank: DEFAULT_SCORE, terms: [Some(("balance + steady", 1.0, "")), None], next: next_for_all }
            .explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

/// The score with OCM's own weights.
const DEFAULT_SCORE: Rank = |draft, service, cluster| {
    let weights = Weights { balance: 1, steady: 1, cpu: 0, memory: 0 };
    [scores(draft, service, weights)[cluster] as f64, 0.0]
};

/// The weighted sum of all prioritizers, by cluster.
fn scores(draft: &Draft<'_>, service: ServiceId, weights: Weights) -> Table<ClusterId, i64> {
    let clusters = &draft.snapshot.clusters;
    let mut decisions = Table::build(clusters.len(), |_: ClusterId| 0_u32);
    for target in draft.targets().iter().filter(|target| target.service != service) {
        decisions[target.cluster] += 1;
    }
    let open = |cluster: &ClusterId| draft.is_open(service, *cluster);
    let range = |amount: &dyn Fn(ClusterId) -> u64| {
        let amounts = || clusters.ids().filter(open).map(amount);
        (amounts().min().unwrap_or(0), amounts().max().unwrap_or(0))
    };
    let cpu = |cluster: ClusterId| clusters[cluster].allocatable.cpu.0;
    let memory = |cluster: ClusterId| clusters[cluster].allocatable.memory.0;
    let (cpu_range, memory_range) = (range(&cpu), range(&memory));
    let most = decisions.values().copied().max().unwrap_or(0);
    let score = |cluster: ClusterId| {
        let is_there = draft.targets().get(service, cluster) > 0;
        weights.balance * balance(decisions[cluster], most)
            + weights.steady * if is_there { SCORE_MAX } else { 0 }
            + weights.cpu * allocatable(cpu(cluster), cpu_range)
            + weights.memory * allocatable(memory(cluster), memory_range)
    };
    clusters.ids().map(score).collect()
}

/// From 100 with no decisions down to −100 with the most.
#[expect(clippy::cast_possible_truncation, reason = "OCM truncates, and a score lies between −100 and 100")]
fn balance(decisions: u32, most: u32) -> i64 {
    if decisions == 0 {
        return SCORE_MAX;
    }
    let usage = f64::from(decisions) / f64::from(most.max(1));
    2 * (SCORE_MAX as f64 * (0.5 - usage)) as i64
}

/// From −100 with the least up to 100 with the most.
#[expect(clippy::cast_possible_truncation, reason = "OCM truncates, and a score lies between −100 and 100")]
fn allocatable(amount: u64, (least, most): (u64, u64)) -> i64 {
    if most == least {
        return SCORE_MAX;
    }
    let ratio = amount.saturating_sub(least) as f64 / (most - least) as f64;
    ((ratio - 0.5) * 2.0 * SCORE_MAX as f64) as i64
}

#[cfg(test)]
mod tests {
    use super::{allocatable, balance};

    /// Published examples (`balance_test.go`): two decisions are the most: 2 → −100, 1 → 0, none → 100.
    #[test]
    fn balance_prefers_clusters_that_others_leave_alone() {
        assert_eq!([balance(2, 2), balance(1, 2), balance(0, 2), balance(0, 0)], [-100, 0, 100, 100]);
        // One of three: 2·⌊100·(½ − ⅓)⌋ = 2·16.
        assert_eq!(balance(1, 3), 32);
    }

    /// Published examples (`resource_test.go`): the least −100, the most 100, 4 of 2 to 10: (2/8 − ½)·200 = −50.
    #[test]
    fn the_largest_cluster_scores_best() {
        let of = |amount| allocatable(amount, (2, 10));
        assert_eq!([of(2), of(4), of(6), of(10)], [-100, -50, 0, 100]);
        assert_eq!(allocatable(7, (7, 7)), 100);
    }
}
