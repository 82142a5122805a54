//! `KubeAdmiral`: weights by free CPU, limited by the size of the cluster, divided by its planner.
//!
//! A cluster takes part where its labels and taints allow and one more replica fits (or some are there). Weights are
//! thousandths of the free CPU, in whole cores; a cluster weighs at most 1.4 times its share of all CPU, so that an empty small
//! one is not flooded. [`planner`] divides by them. With *auto migration* the planner is told how many replicas each cluster
//! could run and gives the rest to others; without it they stay pending, which a plan may not ask for: they are refused.
//! Pinned services and running tasks stay where they are, which `KubeAdmiral` knows nothing of.

pub mod planner;

use super::draft::Draft;
use super::reasons::{ByRank, next_with_room};
use super::rooms::Rooms;
use super::{Entry, Parameter, ParameterError, Parameters, refusal};
use crate::model::plan::Target;
use crate::model::{ClusterId, Explanation, Plan, ServiceId, Snapshot, Table, Wanted};
use crate::policy::scaling::threshold::number_or;
use crate::policy::{Context, Placement, PolicyError};
use crate::units::MilliCores;
use planner::{Preference, Replicas, plan};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "kubeadmiral",
    summary: "KubeAdmiral: divides each service by free CPU, no cluster above 1.4 times its share",
    about: "weight(e) = min(round(1000·free CPU(e) ÷ Σ free), round(1400·CPU(e) ÷ Σ CPU)), scaled to 1000 again; rounds of \
        ⌈rest·weight ÷ Σ⌉ by falling weight until all are given, capped by what a cluster can run. Replicas that run are \
        not moved. Source: kubewharf/kubeadmiral, plugins rsp (ClusterCapacityWeight) and planner, whose published \
        examples are reproduced.",
    parameters: &[
        Parameter {
            name: "avoid-disruption",
            default: "on",
            summary: "`on`: only additional or surplus replicas are divided; `off`: all, when their number changes",
        },
        Parameter {
            name: "auto-migration",
            default: "on",
            summary: "`on`: replicas that a cluster cannot run go to others; `off`: they stay pending there (refused)",
        },
        Parameter {
            name: "clusters-max",
            default: "any",
            summary: "most clusters for a service: those with the best score",
        },
    ],
    partner: "rate",
    build: |parameters| Ok(Box::new(KubeAdmiral::read(parameters)?)),
};

/// The sum of all weights.
const WEIGHTS: f64 = 1_000.0;
/// How far beyond its share of all CPU a cluster may be weighted.
const SUPPLY_LIMIT: f64 = 1.4;
/// Passes over the services after which no further change is waited for.
const PASSES: usize = 16;

/// `KubeAdmiral`'s scheduler.
#[derive(Clone)]
pub struct KubeAdmiral {
    avoid_disruption: bool,
    auto_migration: bool,
    clusters_max: usize,
    rooms: Option<Rooms>,
}

impl KubeAdmiral {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let switch = |name| match parameters.get::<String>(name)?.as_str() {
            "on" => Ok(true),
            "off" => Ok(false),
            other => Err(parameters.invalid(name, format!("`{other}` is neither `on` nor `off`"))),
        };
        let clusters_max = match number_or(parameters, "clusters-max", "any")? {
            Some(0) => return Err(parameters.invalid("clusters-max", "0 clusters take nothing".to_owned())),
            Some(most) => usize::try_from(most).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let (avoid_disruption, auto_migration) = (switch("avoid-disruption")?, switch("auto-migration")?);
        Ok(Self { avoid_disruption, auto_migration, clusters_max, rooms: None })
    }

    /// Divides one service; tells whether anything changed.
    fn schedule(&self, draft: &mut Draft<'_>, service: ServiceId) -> bool {
        if !Self::needs_scheduling(draft, service) {
            return false;
        }
        let before: Vec<Target> = draft.targets().of(service).to_vec();
        let snapshot = draft.snapshot;
        let name = |cluster: ClusterId| &snapshot.cluster(cluster).name;
        let there = |draft: &Draft<'_>, cluster| u64::from(draft.targets().get(service, cluster));
        let clusters = self.candidates(draft, service);
        let weights = weights_of(draft, &clusters);
        let preference = |(cluster, weight): (&ClusterId, u64)| {
            let could_run = there(draft, *cluster) + u64::from(draft.room(service, *cluster));
            let capacity = self.auto_migration.then_some(could_run);
            Preference { name: name(*cluster).clone(), weight, least: 0, most: None, capacity }
        };
        let preferences: Vec<Preference> = clusters.iter().zip(weights).map(preference).collect();
        let current: Replicas = clusters.iter().map(|one| (name(*one).clone(), there(draft, *one))).collect();
        let stays = self.avoid_disruption || snapshot.known.application.is_task(service);
        let key = &snapshot.service(service).name;
        let total = draft.wanted.replicas[service].into();
        let planned = plan(&preferences, total, key, stays.then_some(&current));
        let wanted_in = |cluster: ClusterId| {
            let replicas = planned.get(name(cluster)).copied().unwrap_or(0);
            u32::try_from(replicas).unwrap_or(u32::MAX)
        };
        for cluster in snapshot.clusters.ids() {
            let there = draft.targets().get(service, cluster);
            draft.remove(service, cluster, there.saturating_sub(wanted_in(cluster)));
        }
        for cluster in snapshot.clusters.ids() {
            let more = wanted_in(cluster).saturating_sub(draft.targets().get(service, cluster));
            let room = if more > 0 { draft.room(service, cluster) } else { 0 };
            draft.add(service, cluster, more.min(room));
        }
        draft.targets().of(service) != before
    }

    /// Whether the number of replicas is another than wanted; too few count only where somebody has room.
    fn needs_scheduling(draft: &Draft<'_>, service: ServiceId) -> bool {
        let has_room = || draft.snapshot.clusters.ids().any(|cluster| draft.room(service, cluster) > 0);
        let placed = draft.targets().total(service);
        placed > draft.wanted.replicas[service] || (draft.missing(service) > 0 && has_room())
    }

    /// Clusters that pass the filters: those that have it, and those with room for one more; the best of them where only so
    /// many may be used.
    fn candidates(&self, draft: &Draft<'_>, service: ServiceId) -> Vec<ClusterId> {
        let fits = |cluster: &ClusterId| {
            let has_some = draft.targets().get(service, *cluster) > 0;
            draft.is_open(service, *cluster) && (has_some || draft.room(service, *cluster) > 0)
        };
        let mut clusters: Vec<ClusterId> = draft.snapshot.clusters.ids().filter(fits).collect();
        let clusters_max = if draft.snapshot.service(service).pinned { 1 } else { self.clusters_max };
        if clusters.len() > clusters_max {
            let has_some = |cluster: ClusterId| draft.targets().get(service, cluster) > 0;
            let better = |a: &ClusterId, b: &ClusterId| {
                let (left, right) = (score(draft, service, *a), score(draft, service, *b));
                has_some(*b).cmp(&has_some(*a)).then(right[0].total_cmp(&left[0]))
            };
            clusters.sort_by(better);
            clusters.truncate(clusters_max);
            clusters.sort();
        }
        clusters
    }
}

impl Placement for KubeAdmiral {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let mut rooms = self.rooms.take();
        let mut draft = Draft::new(snapshot, wanted, Rooms::of_world(&mut rooms, snapshot));
        draft.clear();
        for _ in 0..PASSES {
            let mut is_changed = false;
            for service in snapshot.services.ids() {
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
        let reasons: Table<ServiceId, Option<String>> =
            snapshot.services.ids().map(|service| self.reason(&draft, service)).collect();
        let plan = draft.finish(None, |service| reasons[service].clone());
        self.rooms = rooms;
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        ByRank { rank: score, terms: [Some(("score", 1.0, "")), None], next: next_with_room }.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

impl KubeAdmiral {
    /// Where a cluster may keep what it cannot run, the reason is that it waits there.
    fn reason(&self, draft: &Draft<'_>, service: ServiceId) -> Option<String> {
        if self.auto_migration || draft.missing(service) == 0 {
            return None;
        }
        Some(format!("would stay pending where it was put: {}", refusal::explain(draft, service).0))
    }
}

/// A pinned service in a cluster that takes nothing new keeps what is wanted of it; tells whether that is less.
pub(super) fn shrink(draft: &mut Draft<'_>, service: ServiceId, home: ClusterId) -> bool {
    let surplus = draft.targets().get(service, home).saturating_sub(draft.wanted.replicas[service]);
    draft.remove(service, home, surplus);
    surplus > 0
}

/// Weights of the clusters by free CPU, in whole cores as `KubeAdmiral` reads them.
fn weights_of(draft: &Draft<'_>, clusters: &[ClusterId]) -> Vec<u64> {
    let cores = |cpu: MilliCores| cpu.0.div_ceil(1_000);
    let free: Vec<u64> = clusters.iter().map(|cluster| cores(draft.free(*cluster).cpu)).collect();
    let all = clusters.iter().map(|cluster| cores(draft.snapshot.clusters[*cluster].allocatable_max.cpu));
    weights(&free, &all.collect::<Vec<_>>(), SUPPLY_LIMIT)
}

/// `min(1000·free ÷ Σ free, limit·1000·all ÷ Σ all)`, scaled to 1000 again; what rounding leaves goes to the heaviest (the
/// first of them).
fn weights(free: &[u64], all: &[u64], limit: f64) -> Vec<u64> {
    let equal = || vec![rounded(WEIGHTS / free.len() as f64); free.len()];
    let (sum_free, sum_all) = (free.iter().sum::<u64>() as f64, all.iter().sum::<u64>() as f64);
    if sum_free == 0.0 {
        return equal();
    }
    let limit_of = |all: u64| if sum_all == 0.0 { equal()[0] } else { rounded(all as f64 / sum_all * WEIGHTS * limit) };
    let limited =
        free.iter().zip(all).map(|(free, all)| rounded(*free as f64 / sum_free * WEIGHTS).min(limit_of(*all)));
    let limited: Vec<u64> = limited.collect();
    let sum = limited.iter().sum::<u64>() as f64;
    if sum == 0.0 {
        return equal();
    }
    let mut weights: Vec<u64> = limited.iter().map(|weight| rounded(*weight as f64 / sum * WEIGHTS)).collect();
    let (given, whole) = (weights.iter().sum::<u64>(), rounded(WEIGHTS));
    if let Some(heaviest) = weights.iter_mut().rev().max() {
        *heaviest = (*heaviest + whole).saturating_sub(given);
    }
    weights
}

/// The nearest whole number; halves go up.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "weights lie between 0 and 1400")]
fn rounded(weight: f64) -> u64 {
    weight.round() as u64
}

/// Least allocated plus balanced allocation, both out of 100, with one replica more.
fn score(draft: &Draft<'_>, service: ServiceId, cluster: ClusterId) -> [f64; 2] {
    let request = draft.snapshot.service(service).request;
    let all = draft.snapshot.clusters[cluster].allocatable_max;
    let free = draft.free(cluster).saturating_sub(request);
    let used = |free: u64, all: u64| 1.0 - free as f64 / all.max(1) as f64;
    let (cpu, memory) = (used(free.cpu.0, all.cpu.0), used(free.memory.0, all.memory.0));
    [100.0 * draft.share_free(cluster, request) + 100.0 * (1.0 - (cpu - memory).abs()), 0.0]
}

#[cfg(test)]
mod tests {
    use super::weights;

    /// Published examples: `rsp_test.go` of `KubeAdmiral`, with a limit of 1.0.
    #[test]
    fn weights_are_the_published_ones() {
        assert_eq!(weights(&[50, 50], &[100, 100], 1.0), [500, 500]);
        // Limits 500 and 500, shares 800 and 200: 500/700 and 200/700.
        assert_eq!(weights(&[40, 10], &[100, 100], 1.0), [714, 286]);
        assert_eq!(weights(&[0, 100, 100], &[0, 400, 200], 1.0), [0, 600, 400]);
        assert_eq!(weights(&[0, 0, 0], &[0, 0, 0], 1.0), [333, 333, 333]);
    }

    /// With the limit of 1.4: CPU shares 100 of 1100, so at most 127; free shares 100/200 = 500 → 127 : 500 = 203 : 797.
    #[test]
    fn an_empty_small_cluster_is_not_flooded() {
        assert_eq!(weights(&[100, 100], &[100, 1_000], 1.4), [203, 797]);
    }
}
