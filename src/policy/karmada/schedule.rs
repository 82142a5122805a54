//! One scheduling of a binding: which clusters get how many replicas, or why none.
//!
//! Affinity groups are tried in order, from the one that was used last on, until one works. Where none does, the first one's
//! failure counts. A workload that fits nowhere loses its clusters; after any other failure it keeps what it had.

use super::amount::ResourceList;
use super::cluster::Cluster;
use super::divide::divide;
use super::estimate::{available, unlimited};
use super::filter::{Verdict, verdict};
use super::placement::{Affinities, AffinityTerm, Placement};
use super::spread::select;
use crate::model::{ClusterId, Table};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a workload wants and has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Binding {
    /// Wanted replicas, never negative.
    pub replicas: i32,
    /// What one replica asks for; `None` where it states nothing.
    pub request: Option<ResourceList>,
    /// `spec.clusters` so far.
    pub previous: Vec<Assigned>,
    /// UID of the workload, which breaks ties.
    pub uid: String,
    /// Whether a fresh division was asked for (`rescheduleTriggeredAt`, as a `WorkloadRebalancer` sets it).
    pub fresh: bool,
    /// Clusters that it is being evicted from.
    pub evicting: BTreeSet<String>,
    /// The affinity group that was used last.
    pub affinity: Option<String>,
}

/// Replicas in a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// Name of the cluster.
    pub cluster: String,
    /// Replicas; zero for an object that has none.
    pub replicas: i32,
}

/// The member clusters, and what accurate estimators say of them, where any run: replicas with the binding's request that a
/// cluster has room for, node by node.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// The clusters.
    pub clusters: &'a Table<ClusterId, Cluster>,
    /// What the accurate estimators say; the smaller figure counts.
    pub accurate: Option<&'a Table<ClusterId, Option<i32>>>,
}

/// What became of a binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// `spec.clusters` afterwards, by name.
    pub clusters: Vec<Assigned>,
    /// The affinity group that is used now.
    pub affinity: Option<String>,
}

/// A cluster that a workload may go to.
#[derive(Debug, Clone)]
pub(super) struct Candidate<'a> {
    pub cluster: &'a Cluster,
    pub name: &'a str,
    pub region: &'a str,
    /// 100 where the workload is already, else 0.
    pub score: i64,
    /// 0 in the affinity itself, 1 in the first overflow affinity and so on.
    pub tier: u32,
    /// Replicas that there is room for.
    pub free: i32,
    /// Those and the ones that are there.
    pub possible: i64,
}

/// Why nothing was scheduled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// No cluster passed the filters.
    #[error("0/{clusters} clusters are available: {}.", histogram(.verdicts))]
    NoClusterFit {
        /// All clusters.
        clusters: usize,
        /// How many failed for which reason.
        verdicts: BTreeMap<Verdict, usize>,
    },
    /// No set of clusters meets the spread constraints.
    #[error("failed to select clusters: {0}")]
    Select(SelectError),
    /// The clusters have not room enough.
    #[error("failed to assign replicas: {0}")]
    Assign(AssignError),
}

/// Why no set of clusters was selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Fewer clusters than wanted.
    #[error("the number of feasible clusters is less than spreadConstraint.MinGroups")]
    FewClusters,
    /// Fewer regions than wanted.
    #[error("the number of feasible region is less than spreadConstraint.MinGroups")]
    FewRegions,
    /// No allowed number of regions has enough clusters.
    #[error("the number of clusters is less than the cluster spreadConstraint.MinGroups")]
    FewClustersInRegions,
    /// No so many clusters have room enough.
    #[error("no enough resource when selecting {clusters} clusters")]
    NoRoom {
        /// How many may be used.
        clusters: usize,
    },
    /// Zones and providers alone are not supported.
    #[error("just support cluster and region spread constraint")]
    Unsupported,
    /// Not Karmada's: more sets of regions than can be tried.
    #[error(
        "{regions} regions are too many to try all sets of them; raise the least number of regions, or lower that of clusters"
    )]
    TooManyRegions {
        /// How many.
        regions: usize,
    },
}

/// Why replicas could not be divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AssignError {
    /// Nothing was selected.
    #[error("no clusters available to schedule")]
    NoClusters,
    /// Less room than wanted.
    #[error("failed to {stage}: Clusters available replicas {available} are not enough to schedule.")]
    NotEnough {
        /// What was tried.
        stage: Stage,
        /// Replicas that there is room for.
        available: i32,
    },
    /// Less room than wanted in all tiers together.
    #[error("Clusters available replicas are not enough to schedule.")]
    TiersFull,
}

/// How replicas are divided anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// More of them.
    Up,
    /// Fewer of them.
    Down,
    /// All of them.
    Fresh,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Up => "scale up",
            Self::Down => "scale down",
            Self::Fresh => "do fresh scale",
        })
    }
}

impl Binding {
    /// Whether there is something to run: replicas, or a request of one.
    pub const fn is_workload(&self) -> bool {
        self.replicas > 0 || self.request.is_some()
    }

    fn replicas_in(&self, cluster: &str) -> Option<i32> {
        self.previous.iter().find(|one| one.cluster == cluster).map(|one| one.replicas)
    }
}

impl Assigned {
    /// So many replicas in `cluster`.
    pub fn new(cluster: &str, replicas: i32) -> Self {
        Self { cluster: cluster.to_owned(), replicas }
    }
}

impl Failure {
    /// The reason in the condition `Scheduled`.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NoClusterFit { .. } => "NoClusterFit",
            Self::Assign(AssignError::NotEnough { .. } | AssignError::TiersFull) => "Unschedulable",
            Self::Select(_) | Self::Assign(AssignError::NoClusters) => "SchedulerError",
        }
    }
}

impl Outcome {
    /// The reason in the condition `Scheduled`.
    pub fn reason(&self) -> &'static str {
        self.failure.as_ref().map_or("Success", Failure::reason)
    }
}

/// Schedules `binding` once.
pub fn schedule(world: World<'_>, placement: &Placement, binding: &Binding) -> Outcome {
    let Affinities::Groups(groups) = &placement.affinities else {
        let (result, affinity) = (attempt(world, (placement, None), binding), binding.affinity.clone());
        return outcome(result.map(|clusters| (clusters, affinity.clone())), binding);
    };
    let last = groups.iter().position(|group| Some(&group.name) == binding.affinity.as_ref()).unwrap_or(0);
    let mut first_failure = None;
    for group in &groups[last..] {
        match attempt(world, (placement, Some(group)), binding) {
            Ok(clusters) => return outcome(Ok((clusters, Some(group.name.clone()))), binding),
            Err(failure) => first_failure = first_failure.or(Some(failure)),
        }
    }
    let none = || Failure::NoClusterFit { clusters: world.clusters.len(), verdicts: BTreeMap::new() };
    outcome(Err(first_failure.unwrap_or_else(none)), binding)
}

fn outcome(result: Result<(Vec<Assigned>, Option<String>), Failure>, binding: &Binding) -> Outcome {
    let (failure, mut clusters, affinity) = match result {
        Ok((clusters, affinity)) => (None, clusters, affinity),
        Err(failure @ Failure::NoClusterFit { .. }) => (Some(failure), Vec::new(), binding.affinity.clone()),
        Err(failure) => (Some(failure), binding.previous.clone(), binding.affinity.clone()),
    };
    clusters.sort_by(|a, b| a.cluster.cmp(&b.cluster));
    Outcome { failure, clusters, affinity }
}

/// The whole pipeline under one affinity group.
fn attempt(
    world: World<'_>,
    (placement, group): (&Placement, Option<&AffinityTerm>),
    binding: &Binding,
) -> Result<Vec<Assigned>, Failure> {
    let mut verdicts = BTreeMap::new();
    let mut candidates = Vec::new();
    for (id, cluster) in world.clusters.iter() {
        match verdict(cluster, (placement, group), binding) {
            Some(verdict) => *verdicts.entry(verdict).or_insert(0) += 1,
            None => candidates.push(candidate(world, (id, cluster), (group, binding))),
        }
    }
    if candidates.is_empty() {
        return Err(Failure::NoClusterFit { clusters: world.clusters.len(), verdicts });
    }
    let selected = select(candidates, placement, binding)?;
    let has_overflow = group.is_some_and(|group| !group.overflow.is_empty());
    divide(&selected, placement, (binding, has_overflow))
}

fn candidate<'a>(
    world: World<'_>,
    (id, cluster): (ClusterId, &'a Cluster),
    (group, binding): (Option<&AffinityTerm>, &Binding),
) -> Candidate<'a> {
    let there = binding.replicas_in(&cluster.name);
    let accurate = world.accurate.and_then(|all| all[id]).unwrap_or_else(unlimited);
    let free = match available(cluster, binding.request.as_ref()).min(accurate) {
        _ if binding.replicas == 0 => unlimited(),
        most if most == unlimited() => binding.replicas,
        most => most,
    };
    Candidate {
        cluster,
        name: &cluster.name,
        region: &cluster.region,
        score: if there.is_some() { 100 } else { 0 },
        tier: group.map_or(0, |group| tier_of(cluster, group)),
        free,
        possible: i64::from(free) + i64::from(there.unwrap_or(0)),
    }
}

fn tier_of(cluster: &Cluster, group: &AffinityTerm) -> u32 {
    let tier = || group.overflow.iter().position(|affinity| affinity.matches(cluster));
    if group.affinity.matches(cluster) {
        return 0;
    }
    tier().map_or(u32::MAX, |tier| u32::try_from(tier + 1).unwrap_or(u32::MAX))
}

/// `2 cluster(s) ..., 1 cluster(s) ...`, sorted as texts.
fn histogram(verdicts: &BTreeMap<Verdict, usize>) -> String {
    let mut texts: Vec<String> = verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
    texts.sort();
    if texts.is_empty() { "no cluster exists".to_owned() } else { texts.join(", ") }
}
