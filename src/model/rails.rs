//! Limits on what one decision may change, and the filter that keeps unsound parts of a plan from any backend.
//!
//! Both work by service: a service whose targets are unsound or go too far keeps (part of) what it had. Nothing is
//! invented here: every number of the result lies between the present targets and the plan.

use super::check::{Violation, violations};
use super::control::Rails;
use super::id::{ClusterId, ServiceId};
use super::plan::{Plan, Target, Targets};
use super::snapshot::Snapshot;
use serde::Serialize;

/// A service that did not get what the plan wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Whose.
    pub service: ServiceId,
    /// Why.
    pub reason: HeldReason,
}

/// Why a service was held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldReason {
    /// The checker found its targets unsound.
    Unsound,
    /// A freeze window.
    Frozen,
    /// The limit on moves was used up.
    Moves,
    /// The limit on removed replicas.
    RemovedShare,
}

impl Rails {
    /// What of `plan` may be applied: sound, and within these limits.
    pub fn limit(&self, snapshot: &Snapshot, mut plan: Plan, found: &[Violation]) -> (Plan, Vec<Held>) {
        let mut held = Vec::new();
        if self.freezes.iter().any(|(from, until)| (*from..*until).contains(&snapshot.at)) {
            let frozen = snapshot.targets.changed(&plan.targets).into_iter();
            held.extend(frozen.map(|service| Held { service, reason: HeldReason::Frozen }));
            plan.targets = snapshot.targets.clone();
            return (plan, held);
        }
        drop_unsound(snapshot, &mut plan, found, &mut held);
        let mut moves_left = self.moves_per_tick.unwrap_or(u32::MAX);
        for service in snapshot.targets.changed(&plan.targets) {
            if self.spare_replicas(snapshot, &mut plan.targets, service) {
                held.push(Held { service, reason: HeldReason::RemovedShare });
            }
            let moves = moved(&snapshot.targets, &plan.targets, service);
            if moves > moves_left {
                plan.targets.copy_service(service, &snapshot.targets);
                held.push(Held { service, reason: HeldReason::Moves });
            } else {
                moves_left -= moves;
            }
        }
        (plan, held)
    }

    /// Gives replicas back to the clusters that lose most until no more than the allowed share is removed.
    fn spare_replicas(&self, snapshot: &Snapshot, targets: &mut Targets, service: ServiceId) -> bool {
        let Some(share) = self.removed_share else { return false };
        let (before, after) = (snapshot.targets.total(service), targets.total(service));
        let allowed = u32::try_from(u64::from(before) * share.0 / 1_000_000).unwrap_or(u32::MAX).max(1);
        let mut back = before.saturating_sub(after).saturating_sub(allowed);
        let spared = back > 0;
        for target in snapshot.targets.of(service) {
            let now = targets.get(service, target.cluster);
            let give = back.min(target.replicas.saturating_sub(now));
            targets.set(service, target.cluster, now + give);
            back -= give;
        }
        spared
    }
}

/// Replicas of `service` that leave one cluster while others gain some: the smaller of what is lost and gained.
pub fn moved(before: &Targets, after: &Targets, service: ServiceId) -> u32 {
    let lost: u32 = before
        .of(service)
        .iter()
        .map(|target| target.replicas.saturating_sub(after.get(service, target.cluster)))
        .sum();
    let gained: u32 = after
        .of(service)
        .iter()
        .map(|target| target.replicas.saturating_sub(before.get(service, target.cluster)))
        .sum();
    lost.min(gained)
}

/// Replicas of a service that leave one cluster for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Whose.
    pub service: ServiceId,
    /// Which cluster loses them.
    pub from: ClusterId,
    /// Which cluster gains them.
    pub to: ClusterId,
    /// How many.
    pub replicas: u32,
}

/// What [`moved`] counts, by pair of clusters. A plan does not say which replica goes where: what is lost is paired with
/// what is gained in the order of the clusters.
pub fn moves(before: &Targets, after: &Targets, service: ServiceId) -> Vec<Move> {
    let surplus = |more: &Targets, less: &Targets| -> Vec<(ClusterId, u32)> {
        let of = |target: &Target| (target.cluster, target.replicas.saturating_sub(less.get(service, target.cluster)));
        more.of(service).iter().map(of).filter(|(_, replicas)| *replicas > 0).collect()
    };
    let mut gained = surplus(after, before);
    let mut moves = Vec::new();
    for (from, mut lost) in surplus(before, after) {
        for (to, room) in &mut gained {
            let replicas = lost.min(*room);
            if replicas > 0 {
                moves.push(Move { service, from, to: *to, replicas });
            }
            (lost, *room) = (lost - replicas, *room - replicas);
        }
    }
    moves
}

/// Puts services with unsound targets back to what they had. An overcommitted cluster gets nothing more.
fn drop_unsound(snapshot: &Snapshot, plan: &mut Plan, found: &[Violation], held: &mut Vec<Held>) {
    if found.is_empty() {
        return;
    }
    let unknown = found.iter().any(|violation| matches!(violation, Violation::Unknown { .. }));
    for service in snapshot.targets.changed(&plan.targets) {
        let blamed = |violation: &Violation| match violation {
            Violation::Unreachable { service: blamed, .. }
            | Violation::Unknown { service: blamed, .. }
            | Violation::Ineligible { service: blamed, .. }
            | Violation::OutOfBounds { service: blamed, .. }
            | Violation::Split { service: blamed, .. } => *blamed == service,
            Violation::Overcommitted { cluster, .. } => {
                plan.targets.get(service, *cluster) > snapshot.targets.get(service, *cluster)
            }
            // Those whom the rule names; of a rule about all, those that get more.
            rule => rule.breach().is_some_and(|breach| match breach.services.as_slice() {
                [] => plan.targets.total(service) > snapshot.targets.total(service),
                named => named.contains(&service),
            }),
        };
        if unknown || found.iter().any(blamed) {
            plan.targets.copy_service(service, &snapshot.targets);
            held.push(Held { service, reason: HeldReason::Unsound });
        }
    }
    // Putting one service back can take room that another was given: then everything stays as it was.
    if unknown || !violations(snapshot, plan).is_empty() {
        plan.targets = snapshot.targets.clone();
    }
}
