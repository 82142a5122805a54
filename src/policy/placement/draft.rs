//! A plan under construction: the present targets, minus what cannot stay, plus what is missing.
//!
//! Policies are asked every few seconds, so every placement starts from what is there and changes as little as its rules
//! demand. The account is kept in integers against the same figures as the checker's (`allocatable_max`, and the number
//! of replicas that an empty cluster could hold), so a plan that is made here is sound.
//!
//! Rules that all placements share:
//! - Targets in clusters that cannot be reached, or may not run the service, are dropped: their replicas are wanted elsewhere.
//! - A pinned service stays where it is, whatever happens there; what cannot be had there is refused.
//! - Where a cluster is asked for more than it has, services that were declared last give way first, pinned ones never.
//! - Hard rules are not broken further; see `demands`.
//! - A replica that waits too long for a node is wanted elsewhere; see `rooms`.
//! - A task that runs stays where it runs, because it would start anew elsewhere. One that waits for a node in a cluster is
//!   wanted elsewhere, where another cluster has room.

use super::demands::Shift;
use super::refusal;
use super::rooms::Rooms;
use crate::model::breach::{Change, breaches};
use crate::model::check::loads;
use crate::model::plan::{Quality, Target};
use crate::model::{ClusterId, Phase, Plan, Refusal, Resources, ServiceId, Snapshot, Table, Targets, Wanted};

/// How good a cluster is for one replica of a service; compared in this order, larger is better. The worst one is the
/// first to lose a replica. Among equals the lowest id is the best.
pub type Rank = fn(&Draft<'_>, ServiceId, ClusterId) -> [f64; 2];

/// A plan under construction.
#[derive(Clone)]
pub struct Draft<'a> {
    /// The world that it is made for.
    pub snapshot: &'a Snapshot,
    /// Replicas that each service should have.
    pub wanted: &'a Wanted,
    pub(super) rooms: &'a Rooms,
    targets: Targets,
    /// Replicas of each service in all clusters.
    placed: Table<ServiceId, u32>,
    taken: Table<ClusterId, Resources>,
}

/// The plan that leaves everything as it is, where that is all that is wanted: every replica has its place, may stay there,
/// and no service is in more than `clusters_max` clusters. One pass, because at most decisions nothing has changed.
pub fn unchanged(snapshot: &Snapshot, wanted: &Wanted, rooms: &Rooms, clusters_max: usize) -> Option<Plan> {
    let mut taken = Table::build(snapshot.clusters.len(), |_: ClusterId| Resources::ZERO);
    let mut targets = snapshot.targets.iter().peekable();
    for (service, wanted) in wanted.replicas.iter() {
        let declared = snapshot.service(service);
        let (mut replicas, mut clusters) = (0, 0);
        while let Some(target) = targets.next_if(|target| target.service == service) {
            if !snapshot.clusters[target.cluster].reachable || target.replicas > rooms.of(service, target.cluster) {
                return None;
            }
            taken[target.cluster] += declared.request.repeated(target.replicas.into());
            replicas += target.replicas;
            clusters += 1;
        }
        let is_task = snapshot.known.application.is_task(service);
        let clusters_max = if is_task { usize::MAX } else { clusters_max };
        if replicas != *wanted || clusters > if declared.pinned { 1 } else { clusters_max } {
            return None;
        }
        if is_task && replicas > 0 && snapshot.services[service].count(Phase::Pending) > 0 {
            return None;
        }
    }
    let is_kept = || {
        let demands = &snapshot.known.rules.demands;
        breaches(snapshot, &snapshot.targets).iter().all(|(demand, _)| demands[*demand].price.is_some())
    };
    if snapshot.known.rules.has_hard() && !is_kept() {
        return None;
    }
    let fits = snapshot.clusters.iter().all(|(cluster, view)| view.allocatable_max.fits(taken[cluster]));
    fits.then(|| Plan { targets: snapshot.targets.clone(), ..Plan::default() })
}

impl<'a> Draft<'a> {
    /// The present targets that may stay where they are, as if there were room for all of them.
    pub fn new(snapshot: &'a Snapshot, wanted: &'a Wanted, rooms: &'a Rooms) -> Self {
        let (targets, placed, taken) = (Targets::default(), Table::new(), Table::new());
        let mut draft = Self { snapshot, wanted, rooms, targets, placed, taken };
        draft.account(snapshot.targets.clone());
        draft.drop_lost();
        draft
    }

    /// Another wish for the same world.
    #[must_use]
    pub fn with_targets(mut self, targets: Targets) -> Self {
        self.account(targets);
        self
    }

    /// The wish so far.
    pub const fn targets(&self) -> &Targets {
        &self.targets
    }

    /// Replicas of `service` that have no place yet.
    pub fn missing(&self, service: ServiceId) -> u32 {
        self.wanted.replicas[service].saturating_sub(self.placed[service])
    }

    /// All services that miss replicas, by id.
    pub fn incomplete(&self) -> Vec<ServiceId> {
        self.snapshot.services.ids().filter(|service| self.missing(*service) > 0).collect()
    }

    /// What `cluster` has left.
    pub fn free(&self, cluster: ClusterId) -> Resources {
        self.snapshot.clusters[cluster].allocatable_max.saturating_sub(self.taken[cluster])
    }

    /// How many more replicas of `service` may be put into `cluster`.
    pub fn room(&self, service: ServiceId, cluster: ClusterId) -> u32 {
        let by_nodes = self.most(service, cluster).saturating_sub(self.targets.get(service, cluster));
        if by_nodes == 0 || self.is_clogged(service, cluster) {
            return 0;
        }
        let by_sum = self.free(cluster).count_of(self.snapshot.service(service).request);
        u32::try_from(by_sum).unwrap_or(u32::MAX).min(by_nodes)
    }

    /// How many replicas of `service` the nodes of `cluster` could hold were it empty; zero where it is closed to it.
    pub fn most(&self, service: ServiceId, cluster: ClusterId) -> u32 {
        if self.is_open(service, cluster) { self.rooms.of(service, cluster) } else { 0 }
    }

    /// Whether `cluster` can be reached, may run `service`, and is not closed to it because it is pinned elsewhere.
    pub fn is_open(&self, service: ServiceId, cluster: ClusterId) -> bool {
        self.snapshot.clusters[cluster].reachable
            && self.rooms.admit(service, cluster)
            && self.home(service).is_none_or(|home| home == cluster)
    }

    /// Where a pinned service has to stay: where it is, or where this draft has put it first. `None` for all others.
    pub fn home(&self, service: ServiceId) -> Option<ClusterId> {
        if !self.snapshot.service(service).pinned {
            return None;
        }
        self.heaviest(service).or_else(|| self.targets.of(service).first().map(|target| target.cluster))
    }

    /// The cluster with most of the present replicas of `service`; one that can be reached and may run it goes before
    /// others, the lowest id among equals.
    pub fn heaviest(&self, service: ServiceId) -> Option<ClusterId> {
        let usable =
            |cluster: ClusterId| self.snapshot.clusters[cluster].reachable && self.rooms.admit(service, cluster);
        let weight = |target: &&Target| (usable(target.cluster), target.replicas);
        let heaviest = self.snapshot.targets.of(service).iter().rev().max_by_key(weight);
        heaviest.map(|target| target.cluster)
    }

    /// Puts `replicas` more of `service` into `cluster`.
    pub fn add(&mut self, service: ServiceId, cluster: ClusterId, replicas: u32) {
        let before = self.targets.get(service, cluster);
        self.targets.set(service, cluster, before + replicas);
        self.placed[service] += replicas;
        self.taken[cluster] += self.snapshot.service(service).request.repeated(replicas.into());
    }

    /// Takes `replicas` of `service` out of `cluster`.
    pub fn remove(&mut self, service: ServiceId, cluster: ClusterId, replicas: u32) {
        let before = self.targets.get(service, cluster);
        self.targets.set(service, cluster, before - replicas);
        self.placed[service] -= replicas;
        self.taken[cluster] -= self.snapshot.service(service).request.repeated(replicas.into());
    }

    /// Share of `cluster` that is free once it holds `more`: the mean over CPU and memory, as kube-scheduler's
    /// `LeastAllocated` has it.
    pub fn share_free(&self, cluster: ClusterId, more: Resources) -> f64 {
        let all = self.snapshot.clusters[cluster].allocatable_max;
        let taken = self.taken[cluster] + more;
        let share = |taken: u64, all: u64| all.saturating_sub(taken) as f64 / all.max(1) as f64;
        f64::midpoint(share(taken.cpu.0, all.cpu.0), share(taken.memory.0, all.memory.0))
    }

    /// Cuts the draft down to what may stay: first what is not wanted any more, then what has no room.
    pub fn keep(&mut self, rank: Rank) {
        for service in self.snapshot.services.ids() {
            self.trim(service, rank);
        }
        self.clear();
    }

    /// Cuts the draft down to what has room, however many replicas are wanted: as [`keep`](Self::keep) without the surplus.
    pub fn clear(&mut self) {
        for class in self.snapshot.known.application.tasks() {
            self.lift(class);
        }
        for cluster in self.snapshot.clusters.ids() {
            self.evict(cluster);
        }
    }

    /// Gives each missing replica to the best cluster that has room for it, in the given order of services.
    pub fn fill(&mut self, order: &[ServiceId], rank: Rank) {
        for service in self.called_first(order) {
            self.settle(service, rank);
            let is_ruled = self.is_ruled(service);
            while self.missing(service) > 0 {
                if is_ruled {
                    match self.best_by_rules(service, rank) {
                        Some(changes) => self.change(&changes),
                        None => match self.with_way_made(service, rank) {
                            Some(draft) => *self = draft,
                            None => break,
                        },
                    }
                } else {
                    let Some(best) = self.best(service, rank) else { break };
                    self.add(service, best, 1);
                }
            }
        }
    }

    /// The finished plan. What is missing is refused; `reason` says why, where the draft's own reason does not.
    pub fn finish(self, quality: Option<Quality>, reason: impl Fn(ServiceId) -> Option<String>) -> Plan {
        let draft = self.settled();
        let refuse = |service: &ServiceId| {
            let replicas = draft.missing(*service);
            if let Some((reason, remedy)) = refusal::by_rules(&draft, *service) {
                return Refusal { service: *service, replicas, reason, remedy };
            }
            let (found, remedy) = refusal::explain(&draft, *service);
            Refusal { service: *service, replicas, reason: reason(*service).unwrap_or(found), remedy }
        };
        let mut refusals: Vec<Refusal> = draft.incomplete().iter().map(refuse).collect();
        refusals.extend(draft.snapshot.services.ids().filter_map(|service| refusal::of_surplus(&draft, service)));
        Plan { targets: draft.targets, refusals, quality, why: Table::new() }
    }

    /// Chooses the home of a pinned service that has none: where most of its replicas have room, the best one among those.
    pub fn settle(&mut self, service: ServiceId, rank: Rank) {
        let missing = self.missing(service);
        if !self.snapshot.service(service).pinned || self.home(service).is_some() || missing == 0 {
            return;
        }
        let fitting = |cluster| self.room(service, cluster).min(missing);
        let clusters = self.snapshot.clusters.ids().filter(|cluster| fitting(*cluster) > 0);
        if self.is_ruled(service) {
            // Where it begins is where it stays, and the rest follows one by one.
            let steps = clusters.filter_map(|cluster| Some((self.step(service, cluster)?, fitting(cluster), cluster)));
            let ranked = steps.map(|((shift, changes), replicas, cluster)| {
                ((-shift.hard, replicas, -shift.price, rank(self, service, cluster)), changes)
            });
            if let Some((_, changes)) = ranked.reduce(|best, next| if next.0 > best.0 { next } else { best }) {
                self.change(&changes);
            }
            return;
        }
        let best = clusters
            .map(|cluster| ((fitting(cluster), rank(self, service, cluster)), cluster))
            .reduce(|best, next| if next.0 > best.0 { next } else { best });
        if let Some(((replicas, _), cluster)) = best {
            self.add(service, cluster, replicas);
        }
    }

    /// The best step for one more replica: that mends most, costs least by priced rules, and ranks best.
    pub(super) fn best_by_rules(&self, service: ServiceId, rank: Rank) -> Option<Vec<Change>> {
        let open = self.snapshot.clusters.ids().filter(|cluster| self.room(service, *cluster) > 0);
        let steps = open.filter_map(|cluster| {
            let (shift, changes) = self.step(service, cluster)?;
            Some(((-shift.hard, -shift.price, rank(self, service, cluster)), changes))
        });
        steps.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, changes)| changes)
    }

    fn best(&self, service: ServiceId, rank: Rank) -> Option<ClusterId> {
        let open = self.snapshot.clusters.ids().filter(|cluster| self.room(service, *cluster) > 0);
        open.map(|cluster| (rank(self, service, cluster), cluster))
            .reduce(|best, next| if next.0 > best.0 { next } else { best })
            .map(|(_, cluster)| cluster)
    }

    pub(super) fn account(&mut self, targets: Targets) {
        self.taken = loads(self.snapshot, &targets);
        self.placed = Table::build(self.snapshot.services.len(), |_| 0);
        for target in &targets {
            self.placed[target.service] += target.replicas;
        }
        self.targets = targets;
    }

    /// Drops targets where they can not stay, and those beyond what the nodes of a cluster could hold.
    fn drop_lost(&mut self) {
        for target in &self.snapshot.targets {
            let Target { service, cluster, replicas } = *target;
            let most = match self.home(service) {
                Some(home) if home == cluster => replicas,
                _ => self.most(service, cluster),
            };
            if replicas > most {
                self.remove(service, cluster, replicas - most);
            }
        }
    }

    /// Takes replicas away until no more are left than are wanted. Clusters that are asked for too much lose first, then
    /// those where replicas wait for a node, then the worst one.
    fn trim(&mut self, service: ServiceId, rank: Rank) {
        let is_ruled = self.is_ruled(service);
        while self.placed[service] > self.wanted.replicas[service] {
            let step = |target: &Target| {
                if is_ruled {
                    return self.step_back(service, target.cluster);
                }
                Some((Shift::NONE, vec![Change { service, cluster: target.cluster, more: -1 }]))
            };
            let worth = |target: &Target| {
                let all = self.snapshot.clusters[target.cluster].allocatable_max;
                let waiting = self.snapshot.services[service].count_in(target.cluster, Phase::Pending);
                (all.fits(self.taken[target.cluster]), waiting == 0, rank(self, service, target.cluster))
            };
            let steps = self.targets.of(service).iter().filter_map(|target| Some((step(target)?, worth(target))));
            let worst = steps.map(|((shift, changes), worth)| ((shift, worth), changes));
            let worst = worst.reduce(|worst, next| if next.0 <= worst.0 { next } else { worst });
            // Rules may keep all that is there.
            let Some((_, changes)) = worst else { return };
            self.change(&changes);
        }
    }

    /// Takes tasks that wait for a node out of their cluster, where another has room.
    fn lift(&mut self, class: ServiceId) {
        let snapshot = self.snapshot;
        for group in snapshot.services[class].replicas.iter().filter(|group| group.phase == Phase::Pending) {
            let elsewhere = snapshot.clusters.ids().filter(|cluster| *cluster != group.cluster);
            let room: u32 = elsewhere.map(|cluster| self.room(class, cluster)).fold(0, u32::saturating_add);
            let lifted = group.count.min(room).min(self.targets.get(class, group.cluster));
            self.remove(class, group.cluster, lifted);
        }
    }

    /// Whether tasks of `service` wait for a node in `cluster`: no node there has room, whatever the sum says.
    fn is_clogged(&self, service: ServiceId, cluster: ClusterId) -> bool {
        self.snapshot.known.application.is_task(service)
            && self.snapshot.services[service].count_in(cluster, Phase::Pending) > 0
    }

    /// Takes replicas that may move out of `cluster` until it has room for the others.
    fn evict(&mut self, cluster: ClusterId) {
        let view = &self.snapshot.clusters[cluster];
        if !view.reachable || view.allocatable_max.fits(self.taken[cluster]) {
            return;
        }
        let application = &self.snapshot.known.application;
        let movable = |service: &ServiceId| !application.services[*service].pinned && !application.is_task(*service);
        for service in self.snapshot.services.ids().rev().filter(movable) {
            let request = self.snapshot.service(service).request;
            let is_ruled = self.is_ruled(service);
            let leaves = [Change { service, cluster, more: -1 }];
            while self.targets.get(service, cluster) > 0
                && (!is_ruled || self.shift(&leaves).is_some())
                && asks_for_any(request, self.taken[cluster].saturating_sub(view.allocatable_max))
            {
                self.remove(service, cluster, 1);
            }
        }
    }
}

/// Whether `request` asks for a resource of which `excess` has some.
fn asks_for_any(request: Resources, excess: Resources) -> bool {
    request.amounts().iter().zip(excess.amounts()).any(|(want, over)| *want > 0 && over > 0)
}
