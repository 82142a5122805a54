//! One decision: every service that needs it is scheduled in the order of declaration, and what can run of it becomes the plan.
//!
//! A binding is scheduled as Karmada does: when its number of replicas has changed, when a fresh division is asked for, or when
//! it is being evicted; otherwise it is left alone, however lopsided it is. Bindings are remembered, because what they say and
//! what runs are not the same: replicas for which their cluster has no room are in the binding, not in the plan. If somebody
//! else has changed what runs, the binding starts again from that.
//!
//! Services that found too little room are tried again until nothing changes, so a plan that was carried out is left alone.

use super::options::{Estimator, Options};
use super::view;
use crate::model::plan::Target;
use crate::model::{ClusterId, Explanation, Phase, Plan, ServiceId, Snapshot, Table, Wanted};
use crate::policy::karmada::{
    Affinities, Affinity, Assigned, Binding, Cluster, Division, Failure, Field, Placement, SpreadConstraint, TieBreak,
    World, allocate, schedule,
};
use crate::policy::placement::draft::Draft;
use crate::policy::placement::reasons::{ByRank, next_with_room};
use crate::policy::placement::refusal;
use crate::policy::placement::rooms::Rooms;
use crate::units::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};

/// Passes over the services after which no further change is waited for; each pass places more or is the last.
const PASSES: usize = 16;

/// What is asked for in this decision besides scheduling.
#[derive(Debug, Clone, Copy, Default)]
pub struct Turn {
    /// A fresh division of everything.
    pub fresh: bool,
    /// Replicas that could not be run for so long are taken out of their cluster first.
    pub deschedule: Option<Span>,
}

/// Karmada with its memory.
#[derive(Clone)]
pub struct Engine {
    options: Options,
    rooms: Option<Rooms>,
    /// The clusters as they were last read, and when.
    seen: Option<(Time, Table<ClusterId, Cluster>)>,
    bindings: Table<ServiceId, Bound>,
}

/// A binding.
#[derive(Debug, Clone, Default)]
struct Bound {
    /// `spec.clusters`.
    assigned: Vec<Assigned>,
    /// What the plan made of it.
    planned: Vec<Target>,
    /// Why it could not be scheduled, if so.
    failure: Option<Failure>,
    /// Clusters that have no room for all that is assigned to them, since when.
    short_since: BTreeMap<ClusterId, Time>,
}

impl Engine {
    /// A scheduler that has scheduled nothing yet.
    pub const fn new(options: Options) -> Self {
        Self { options, rooms: None, seen: None, bindings: Table::new() }
    }

    /// What runs where once Karmada's bindings are carried out.
    pub fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, turn: Turn) -> Plan {
        let rooms = Rooms::of_world(&mut self.rooms, snapshot);
        let estimator = self.options.estimator;
        let is_old = |(read_at, _): &(Time, _)| {
            estimator == Estimator::Nodes || snapshot.at.since(*read_at) >= self.options.refresh
        };
        let seen = self.seen.take().filter(|seen| !is_old(seen) && seen.1.len() == snapshot.clusters.len());
        let seen = seen.unwrap_or_else(|| (snapshot.at, view::clusters(snapshot, estimator)));
        let (_, clusters) = self.seen.insert(seen);
        let mut draft = Draft::new(snapshot, wanted, rooms);
        draft.clear();
        while self.bindings.len() < snapshot.services.len() {
            self.bindings.push(Bound::default());
        }
        let bindings = std::mem::take(&mut self.bindings);
        let mut round = Round { options: &self.options, clusters, draft, bindings };
        round.recall();
        if let Some(threshold) = turn.deschedule {
            round.deschedule(threshold);
        }
        for pass in 0..PASSES {
            if !round.pass(turn.fresh && pass == 0) {
                break;
            }
        }
        round.close(&mut self.bindings)
    }
}

/// How much more each cluster could take is all that Karmada's dynamic division weighs.
pub fn explain(snapshot: &Snapshot, plan: &Plan) -> Explanation {
    let room = |draft: &Draft<'_>, service, cluster| [f64::from(draft.room(service, cluster)), 0.0];
    ByRank { rank: room, terms: [Some(("room for", 1.0, "replicas")), None], next: next_with_room }
        .explain(snapshot, plan)
}

/// A decision under way.
struct Round<'a> {
    options: &'a Options,
    clusters: &'a Table<ClusterId, Cluster>,
    draft: Draft<'a>,
    bindings: Table<ServiceId, Bound>,
}

impl Round<'_> {
    /// Bindings whose plan was carried out stand; the others start from what is there. Clusters that are lost are evicted from.
    fn recall(&mut self) {
        let snapshot = self.draft.snapshot;
        let lost = self.evicting();
        let mut bindings = std::mem::take(&mut self.bindings);
        for (service, bound) in bindings.iter_mut() {
            if bound.planned != snapshot.targets.of(service) || self.draft.home(service).is_some() {
                let there = self.draft.targets().of(service).iter();
                bound.assigned = there.map(|target| self.assigned(target.cluster, target.replicas)).collect();
                bound.short_since.clear();
            }
            bound.assigned.retain(|one| !lost.contains(&one.cluster));
        }
        self.bindings = bindings;
    }

    fn assigned(&self, cluster: ClusterId, replicas: u32) -> Assigned {
        Assigned::new(&self.clusters[cluster].name, whole(replicas))
    }

    fn evicting(&self) -> BTreeSet<String> {
        let lost = self.draft.snapshot.clusters.iter().filter(|(_, view)| !view.reachable);
        lost.map(|(cluster, _)| self.clusters[cluster].name.clone()).collect()
    }

    fn cluster_of(&self, assigned: &Assigned) -> Option<ClusterId> {
        self.clusters.find(|cluster| cluster.name == assigned.cluster)
    }

    /// Karmada's descheduler: where fewer replicas are ready than assigned, those that wait for longer than `threshold` are
    /// taken out of the binding, but never more than leaves the ready ones.
    fn deschedule(&mut self, threshold: Span) {
        let snapshot = self.draft.snapshot;
        for service in snapshot.services.ids() {
            if snapshot.known.application.is_task(service) || self.draft.home(service).is_some() {
                continue;
            }
            let mut bound = std::mem::take(&mut self.bindings[service]);
            for one in &mut bound.assigned {
                let Some(cluster) = self.cluster_of(one) else { continue };
                let short_since = bound.short_since.get(&cluster).copied();
                one.replicas = self.after_descheduling((service, cluster), one.replicas, (short_since, threshold));
            }
            bound.assigned.retain(|one| one.replicas > 0);
            self.bindings[service] = bound;
        }
    }

    fn after_descheduling(
        &self,
        (service, cluster): (ServiceId, ClusterId),
        assigned: i32,
        (short_since, threshold): (Option<Time>, Span),
    ) -> i32 {
        let snapshot = self.draft.snapshot;
        let view = &snapshot.services[service];
        let is_long = |since: Time| snapshot.at.since(since) >= threshold;
        let pending = view.replicas.iter().filter(|group| group.cluster == cluster && group.phase == Phase::Pending);
        let waiting: u32 = pending.filter(|group| is_long(group.started)).map(|group| group.count).sum();
        let planned = snapshot.targets.get(service, cluster);
        let never_created = if short_since.is_some_and(is_long) { assigned - whole(planned) } else { 0 };
        let (ready, stuck) = (whole(view.count_in(cluster, Phase::Ready)), whole(waiting) + never_created.max(0));
        if ready >= assigned || stuck > assigned {
            return assigned;
        }
        (assigned - stuck).max(ready)
    }

    /// Schedules every service that needs it; tells whether anything changed.
    fn pass(&mut self, fresh: bool) -> bool {
        let mut changed = false;
        for service in self.draft.snapshot.services.ids() {
            let before: Vec<Target> = self.draft.targets().of(service).to_vec();
            let bound_before = self.bindings[service].assigned.clone();
            if self.is_closed_in(service) || !self.needs_scheduling(service, fresh) {
                self.bindings[service].failure = None;
            } else {
                self.schedule(service, fresh);
            }
            self.trim(service);
            self.carry_out(service);
            changed |= self.draft.targets().of(service) != before || self.bindings[service].assigned != bound_before;
        }
        changed
    }

    /// Whether a pinned service sits where nothing new may start.
    fn is_closed_in(&self, service: ServiceId) -> bool {
        self.draft.home(service).is_some_and(|home| !self.draft.is_open(service, home))
    }

    fn needs_scheduling(&self, service: ServiceId, fresh: bool) -> bool {
        let bound = &self.bindings[service];
        let assigned: i32 = bound.assigned.iter().map(|one| one.replicas).fold(0, i32::saturating_add);
        let is_changed = assigned != whole(self.draft.wanted.replicas[service]);
        is_changed || (fresh && self.may_move(service))
    }

    fn may_move(&self, service: ServiceId) -> bool {
        !self.draft.snapshot.service(service).pinned && !self.draft.snapshot.known.application.is_task(service)
    }

    fn schedule(&mut self, service: ServiceId, fresh: bool) {
        let declared = self.draft.snapshot.service(service);
        let binding = Binding {
            replicas: whole(self.draft.wanted.replicas[service]),
            request: view::request(declared.request),
            previous: self.bindings[service].assigned.clone(),
            uid: declared.name.clone(),
            fresh: fresh && self.may_move(service),
            evicting: self.evicting(),
            affinity: None,
        };
        let accurate = (self.options.estimator == Estimator::Nodes).then(|| self.accurate(service));
        let world = World { clusters: self.clusters, accurate: accurate.as_ref() };
        let outcome = schedule(world, &self.placement(service), &binding);
        let bound = &mut self.bindings[service];
        if self.draft.home(service).is_none() || outcome.failure.is_none() {
            bound.assigned = outcome.clusters;
        }
        bound.failure = outcome.failure;
    }

    /// What an accurate estimator says: room on ready nodes, without what this decision has given away already.
    fn accurate(&self, service: ServiceId) -> Table<ClusterId, Option<i32>> {
        let request = self.draft.snapshot.service(service).request;
        let room = |cluster: ClusterId| {
            let view = &self.draft.snapshot.clusters[cluster];
            let taken = view.allocatable_max.saturating_sub(self.draft.free(cluster));
            let ready = view.allocatable.saturating_sub(taken).count_of(request);
            let room = u64::from(self.draft.room(service, cluster)).min(ready);
            Some(i32::try_from(room).unwrap_or(i32::MAX))
        };
        self.clusters.ids().map(room).collect()
    }

    /// The policy of a service: the options, with its own clusters and tolerations.
    fn placement(&self, service: ServiceId) -> Placement {
        let snapshot = self.draft.snapshot;
        let declared = snapshot.service(service);
        let mut placement = self.options.placement.clone();
        placement.tolerations.clone_from(&declared.terms.tolerations);
        let clusters = snapshot.clusters.ids();
        let admitted = clusters.filter(|cluster| declared.terms.clusters.admit(snapshot.cluster(*cluster)));
        let mut names: BTreeSet<String> = admitted.map(|cluster| self.clusters[cluster].name.clone()).collect();
        if declared.pinned {
            if let Some(home) = self.draft.home(service) {
                names.retain(|name| *name == self.clusters[home].name);
            }
            placement.spread = vec![SpreadConstraint { field: Field::Cluster, groups_min: 1, groups_max: 1 }];
            placement.division = Division::Aggregated;
        }
        if names.len() < self.clusters.len() {
            // No name at all would mean every cluster.
            names.insert(String::new());
            placement.affinities = Affinities::One(Affinity { names, ..Affinity::default() });
        }
        placement
    }

    /// After a failure a binding may still say more than is wanted; its members are cut down by what they have.
    fn trim(&mut self, service: ServiceId) {
        let wanted = whole(self.draft.wanted.replicas[service]);
        let bound = &mut self.bindings[service];
        let assigned = bound.assigned.iter().map(|one| one.replicas).fold(0, i32::saturating_add);
        if assigned > wanted {
            let votes = bound.assigned.iter().map(|one| (one.cluster.as_str(), i64::from(one.replicas)));
            let parties = allocate(wanted, votes, TieBreak::Rising).into_iter();
            bound.assigned = parties.map(|party| Assigned { cluster: party.name, replicas: party.seats }).collect();
        }
    }

    /// Makes the draft what the binding says, as far as there is room: first fewer, then more.
    fn carry_out(&mut self, service: ServiceId) {
        let mut asked = Table::build(self.clusters.len(), |_: ClusterId| 0);
        for one in &self.bindings[service].assigned {
            if let Some(cluster) = self.cluster_of(one) {
                asked[cluster] = u32::try_from(one.replicas).unwrap_or(0);
            }
        }
        let home = self.draft.home(service).filter(|_| self.is_closed_in(service));
        for (cluster, asked) in asked.iter() {
            let there = self.draft.targets().get(service, cluster);
            let kept = if home == Some(cluster) { self.draft.wanted.replicas[service] } else { *asked };
            self.draft.remove(service, cluster, there.saturating_sub(kept));
        }
        for (cluster, asked) in asked.iter() {
            let more = asked.saturating_sub(self.draft.targets().get(service, cluster));
            if more > 0 {
                let room = self.draft.room(service, cluster);
                self.draft.add(service, cluster, more.min(room));
            }
        }
    }

    /// The plan, and the bindings as they are remembered.
    fn close(mut self, remembered: &mut Table<ServiceId, Bound>) -> Plan {
        let at = self.draft.snapshot.at;
        for service in self.draft.snapshot.services.ids() {
            let mut bound = std::mem::take(&mut self.bindings[service]);
            bound.planned = self.draft.targets().of(service).to_vec();
            let mut short_since = BTreeMap::new();
            for one in &bound.assigned {
                let Some(cluster) = self.cluster_of(one) else { continue };
                if whole(self.draft.targets().get(service, cluster)) < one.replicas {
                    short_since.insert(cluster, bound.short_since.get(&cluster).copied().unwrap_or(at));
                }
            }
            bound.short_since = short_since;
            self.bindings[service] = bound;
        }
        let reasons: Table<ServiceId, Option<String>> =
            self.draft.snapshot.services.ids().map(|service| self.reason(service)).collect();
        let Self { draft, bindings, .. } = self;
        *remembered = bindings;
        draft.finish(None, |service| reasons[service].clone())
    }

    /// What Karmada's user sees where replicas are missing.
    fn reason(&self, service: ServiceId) -> Option<String> {
        if self.draft.missing(service) == 0 || self.is_closed_in(service) {
            return None;
        }
        let bound = &self.bindings[service];
        if let Some(failure) = &bound.failure {
            return Some(format!("{}: {failure}", failure.reason()));
        }
        let names = bound.short_since.keys().map(|cluster| self.clusters[*cluster].name.as_str());
        let names = names.collect::<Vec<_>>().join(" and ");
        let (why, _) = refusal::explain(&self.draft, service);
        Some(format!("scheduled, but would stay pending in {names}: {why}"))
    }
}

/// Karmada counts replicas in 32 bits with a sign.
fn whole(replicas: u32) -> i32 {
    i32::try_from(replicas).unwrap_or(i32::MAX)
}
