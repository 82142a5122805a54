//! The one judge of plans: what every backend is guarded by, in integer arithmetic.
//!
//! A violation is something that the plan makes wrong or worse. What was already wrong when the policy looked (a cluster
//! that lost its nodes) is not held against a plan that makes it no worse: fix first, never worsen.
//!
//! Room is judged against what a cluster offers when its pools are at their largest, because replicas that wait for a node
//! are what makes an autoscaled pool grow. Whether replicas pack onto nodes one by one is
//! [`binding`](super::binding)'s question, not this one's. What each rule of a scenario counts stands in
//! [`breach`](super::breach); a rule with a price is weighed by policies and never judged here.

use super::breach::{Breach, worsened};
use super::id::{ClusterId, ServiceId, Table};
use super::plan::{Plan, Target, Targets};
use super::resources::{RESOURCES, Resources};
use super::rules::Rule;
use super::snapshot::Snapshot;
use serde::Serialize;

/// What is wrong with a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "violation", rename_all = "snake_case")]
pub enum Violation {
    /// A target names a service or cluster that does not exist.
    #[error("service {} or cluster {} does not exist", service.0, cluster.0)]
    Unknown {
        /// Service of the target.
        service: ServiceId,
        /// Cluster of the target.
        cluster: ClusterId,
    },
    /// More replicas are put into a cluster that cannot be reached.
    #[error("cluster {} cannot be reached and is to get more replicas of service {}", cluster.0, service.0)]
    Unreachable {
        /// Whose.
        service: ServiceId,
        /// Where.
        cluster: ClusterId,
    },
    /// No node of the cluster may take the service: labels, taints or size.
    #[error("service {} may not run in cluster {}: {reason}", service.0, cluster.0)]
    Ineligible {
        /// Whose.
        service: ServiceId,
        /// Where.
        cluster: ClusterId,
        /// Why not.
        reason: String,
    },
    /// The cluster is asked for more than it has.
    #[error("cluster {} is asked for {asked} of {resource} and has {available}", cluster.0)]
    Overcommitted {
        /// Where.
        cluster: ClusterId,
        /// Of which resource.
        resource: &'static str,
        /// How much, in base units.
        asked: u64,
        /// Of how much.
        available: u64,
    },
    /// More replicas than the service allows, or fewer without a refusal that says why.
    #[error("service {} is to have {replicas} replicas, allowed are {min} to {max}", service.0)]
    OutOfBounds {
        /// Whose.
        service: ServiceId,
        /// How many.
        replicas: u32,
        /// Least.
        min: u32,
        /// Most.
        max: u32,
    },
    /// A pinned service is in more than one cluster.
    #[error("service {} is pinned to one cluster and is to run in {clusters}", service.0)]
    Split {
        /// Whose.
        service: ServiceId,
        /// In how many.
        clusters: usize,
    },
    /// Services that belong together are not.
    #[error("demand {}: {} services are missing where others of them run, before {}", .0.demand, .0.units, .0.before)]
    NotTogether(Breach),
    /// Services that must keep apart do not.
    #[error("demand {}: {} services share a cluster and must not, before {}", .0.demand, .0.units, .0.before)]
    NotApart(Breach),
    /// A service lies in too few domains.
    #[error("demand {}: {} domains are missing, before {}", .0.demand, .0.units, .0.before)]
    NotSpread(Breach),
    /// A domain has too large a share of a service.
    #[error("demand {}: {} replicas are beyond the share of a domain, before {}", .0.demand, .0.units, .0.before)]
    ShareExceeded(Breach),
    /// Too little is left when a domain is lost.
    #[error("demand {}: {} replicas would be missing after a loss, before {}", .0.demand, .0.units, .0.before)]
    NotSurviving(Breach),
    /// Replicas are too far from users.
    #[error("demand {}: {} replicas are too far from users, before {}", .0.demand, .0.units, .0.before)]
    FarFromUsers(Breach),
    /// Replicas are too far from the service that they call.
    #[error("demand {}: {} replicas are too far from what they call, before {}", .0.demand, .0.units, .0.before)]
    TooFar(Breach),
    /// Replicas that are to stay are moved.
    #[error("demand {}: {} replicas are moved that are to stay", .0.demand, .0.units)]
    NotFrozen(Breach),
    /// All together costs too much.
    #[error("demand {}: an hour costs {} thousandths of a dollar too much, before {}", .0.demand, .0.units, .0.before)]
    OverBudget(Breach),
}

impl Violation {
    /// The violation of `rule` by `breach`.
    fn of_rule(rule: &Rule, breach: Breach) -> Self {
        match rule {
            Rule::Together(_) => Self::NotTogether(breach),
            Rule::Apart(_) => Self::NotApart(breach),
            Rule::Spread { .. } => Self::NotSpread(breach),
            Rule::Share { .. } => Self::ShareExceeded(breach),
            Rule::Survive { .. } => Self::NotSurviving(breach),
            Rule::NearUsers { .. } => Self::FarFromUsers(breach),
            Rule::Near { .. } => Self::TooFar(breach),
            Rule::Frozen(_) => Self::NotFrozen(breach),
            Rule::Budget(_) => Self::OverBudget(breach),
        }
    }

    /// The broken demand, where it is one.
    pub const fn breach(&self) -> Option<&Breach> {
        match self {
            Self::NotTogether(breach)
            | Self::NotApart(breach)
            | Self::NotSpread(breach)
            | Self::ShareExceeded(breach)
            | Self::NotSurviving(breach)
            | Self::FarFromUsers(breach)
            | Self::TooFar(breach)
            | Self::NotFrozen(breach)
            | Self::OverBudget(breach) => Some(breach),
            Self::Unknown { .. }
            | Self::Unreachable { .. }
            | Self::Ineligible { .. }
            | Self::Overcommitted { .. }
            | Self::OutOfBounds { .. }
            | Self::Split { .. } => None,
        }
    }
}

/// Everything that `plan` makes wrong or worse; empty for a sound plan.
pub fn violations(snapshot: &Snapshot, plan: &Plan) -> Vec<Violation> {
    let mut found: Vec<Violation> = plan.targets.iter().filter_map(|target| misplaced(snapshot, target)).collect();
    if found.iter().any(|violation| matches!(violation, Violation::Unknown { .. })) {
        return found;
    }
    let mut rest = plan.targets.iter().as_slice();
    for service in snapshot.services.ids() {
        let (targets, after) = rest.split_at(rest.iter().take_while(|target| target.service == service).count());
        found.extend(miscounted(snapshot, plan, (service, targets)));
        rest = after;
    }
    found.extend(overcommitted(snapshot, &plan.targets));
    let rules = &snapshot.known.rules.demands;
    let broken = worsened(snapshot, &plan.targets).into_iter();
    found.extend(broken.map(|breach| Violation::of_rule(&rules[breach.demand].rule, breach)));
    found
}

/// A single target: does the place exist, can it be reached, may the service run there?
fn misplaced(snapshot: &Snapshot, target: &Target) -> Option<Violation> {
    let Target { service, cluster, replicas } = *target;
    let (Some(declared), Some(view)) =
        (snapshot.known.application.services.get(service), snapshot.clusters.get(cluster))
    else {
        return Some(Violation::Unknown { service, cluster });
    };
    if replicas <= snapshot.targets.get(service, cluster) {
        return None;
    }
    if !view.reachable {
        return Some(Violation::Unreachable { service, cluster });
    }
    match declared.terms.room_max(snapshot.cluster(cluster), declared.request) {
        Err(reason) => Some(Violation::Ineligible { service, cluster, reason: reason.to_string() }),
        Ok(_) => None,
    }
}

/// The number of replicas and of clusters of one service.
fn miscounted(snapshot: &Snapshot, plan: &Plan, (service, targets): (ServiceId, &[Target])) -> Option<Violation> {
    let declared = snapshot.service(service);
    let replicas: u32 = targets.iter().map(|target| target.replicas).sum();
    let refused = || {
        let refusals = plan.refusals.iter().filter(|refusal| refusal.service == service);
        refusals.map(|refusal| refusal.replicas).sum::<u32>()
    };
    let (min, max) = snapshot.bounds(service);
    if replicas > max || (replicas < min && replicas.saturating_add(refused()) < min) {
        return Some(Violation::OutOfBounds { service, replicas, min, max });
    }
    let clusters = targets.len();
    let is_split = declared.pinned && clusters > 1 && clusters > snapshot.targets.of(service).len();
    is_split.then_some(Violation::Split { service, clusters })
}

/// Clusters that are asked for more than they have, and for more than before.
fn overcommitted(snapshot: &Snapshot, targets: &Targets) -> impl Iterator<Item = Violation> {
    let asked = loads(snapshot, targets);
    let before = loads(snapshot, &snapshot.targets);
    let over = move |cluster: ClusterId, available: Resources| {
        let (asked, before) = (asked[cluster].amounts(), before[cluster].amounts());
        let available = available.amounts();
        let worst = (0..RESOURCES.len()).find(|&k| asked[k] > available[k] && asked[k] > before[k])?;
        Some(Violation::Overcommitted {
            cluster,
            resource: RESOURCES[worst],
            asked: asked[worst],
            available: available[worst],
        })
    };
    snapshot.clusters.iter().filter_map(move |(cluster, view)| over(cluster, view.allocatable_max))
}

/// What `targets` ask of each cluster.
pub fn loads(snapshot: &Snapshot, targets: &Targets) -> Table<ClusterId, Resources> {
    let mut loads = Table::build(snapshot.clusters.len(), |_| Resources::ZERO);
    for target in targets {
        loads[target.cluster] += snapshot.service(target.service).request.repeated(target.replicas.into());
    }
    loads
}
