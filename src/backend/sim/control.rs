//! The side that faces a policy: what it may know, and how its plans take effect.

use super::event::Event;
use super::replicas::{MOVE_TIMEOUT, draw};
use super::world::World;
use crate::model::observation::Action;
use crate::model::rails::moved;
use crate::model::{
    ActionId, ClusterId, ClusterView, Observation, Plan, Resources, Seen, ServiceId, Snapshot, Table, Targets,
};
use crate::units::{Span, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A change of a target is a flap where it takes one back that is no older than this.
const FLAP_WITHIN: Span = Span::seconds(600);

/// Targets that went up and down.
#[derive(Debug, Clone, Default)]
pub(super) struct Flaps {
    pub(super) count: u64,
    /// By service: when its target changed last, and whether it went up.
    last: BTreeMap<ServiceId, (Time, bool)>,
}

impl Flaps {
    /// The target of a service, summed over clusters, changes; a move between clusters is no change of it.
    fn note(&mut self, service: ServiceId, (from, to): (u32, u32), now: Time) {
        if from == to {
            return;
        }
        let rises = to > from;
        let last = self.last.insert(service, (now, rises));
        self.count += u64::from(last.is_some_and(|(at, rose)| rose != rises && now - at <= FLAP_WITHIN));
    }
}

impl World {
    /// A decision is due.
    pub(super) fn on_decided(&mut self) {
        if self.control.started {
            self.tick_courses();
        }
        if self.control.started && self.has_nothing_to_decide() {
            return;
        }
        if !self.control.started {
            self.start_as_placed();
        }
        self.ask(true);
    }

    /// What runs before anybody decides, where the scenario says so: it is there and ready, and the first plan changes it as
    /// any other does.
    fn start_as_placed(&mut self) {
        let Some(placed) = self.scenario.placed.clone() else { return };
        self.control.started = true;
        self.control.targets = placed.clone();
        self.set_desired(placed);
        self.start_ready();
    }

    /// Asks the policy, at a tick or between two.
    pub(super) fn ask(&mut self, is_tick: bool) {
        self.note_asked();
        let snapshot = Snapshot { is_tick, ..self.snapshot() };
        self.outbox.push_back(Observation::Due(Box::new(snapshot)));
    }

    /// What a policy may know now.
    pub(super) fn snapshot(&mut self) -> Snapshot {
        let services = self.services.ids().map(|service| self.view(service)).collect();
        Snapshot {
            at: self.now(),
            is_tick: true,
            known: Arc::clone(&self.scenario.known),
            clusters: self.sites.ids().map(|cluster| self.cluster_view(cluster)).collect(),
            services,
            targets: self.control.targets.clone(),
            under_way: self.control.under_way.clone(),
            foreseen: None,
        }
    }

    fn cluster_view(&self, cluster: ClusterId) -> ClusterView {
        let declared = &self.scenario.known.clusters[cluster];
        let site = &self.sites[cluster];
        let now = self.now();
        let factor = self.scenario.environment.price_factor_at(&declared.region, now);
        let per_core = |pool: &crate::model::Pool| pool.price_per_hour.0 / pool.shape.cpu.cores().max(1e-9);
        let cheapest = declared.pools.values().map(per_core).fold(f64::INFINITY, f64::min);
        let is_broken = site.broken.values().any(|count| *count > 0);
        let down = site.states.iter().filter(|(_, state)| is_broken && state.down > 0 && !state.returned);
        let broken: Resources = down.map(|(node, _)| site.nodes.node(node).offered()).sum();
        let whole = declared.capacity_max();
        let seen_down = !site.reachable;
        ClusterView {
            reachable: site.reachable,
            allocatable: if seen_down { Resources::ZERO } else { site.nodes.allocatable() },
            allocatable_max: if seen_down { Resources::ZERO } else { whole.saturating_sub(broken) },
            allocated: site.nodes.allocated(),
            nodes: site.nodes_up(),
            price_per_core_hour: if cheapest.is_finite() { cheapest * factor } else { 0.0 },
            carbon: Seen::now(self.scenario.environment.carbon_of(&declared.region).at(now), now),
        }
    }

    /// Starts to carry a plan out. The first one of a run takes effect at once, with its replicas ready, where the scenario does
    /// not say what runs already: a run starts from a deployed application, not from an empty platform.
    pub(super) fn apply(&mut self, plan: &Plan) -> Vec<Action> {
        let first = !std::mem::replace(&mut self.control.started, true);
        let actions = self.actions_towards(&plan.targets);
        if actions.is_empty() && !first {
            return actions;
        }
        if !first {
            self.count_changes(&plan.targets);
        }
        self.control.targets = plan.targets.clone();
        Action::supersede(&mut self.control.under_way, &actions);
        // Tasks come and go by themselves: an action on them is done once it is in force.
        let application = &self.scenario.known.application;
        self.control.under_way.retain(|action| !application.is_task(action.service));
        if first {
            self.set_desired(plan.targets.clone());
            self.start_ready();
        } else {
            self.send(plan.targets.clone());
        }
        actions
    }

    fn actions_towards(&mut self, targets: &Targets) -> Vec<Action> {
        let mut actions = Vec::new();
        for service in self.control.targets.changed(targets) {
            for cluster in self.sites.ids() {
                let (from, to) = (self.control.targets.get(service, cluster), targets.get(service, cluster));
                if from != to {
                    let id = ActionId(self.control.actions);
                    self.control.actions += 1;
                    actions.push(Action { id, service, cluster, from, to, asked_at: self.now() });
                }
            }
        }
        actions
    }

    fn count_changes(&mut self, targets: &Targets) {
        let now = self.now();
        for service in self.control.targets.changed(targets) {
            let sum = |targets: &Targets| self.sites.ids().map(|cluster| targets.get(service, cluster)).sum::<u32>();
            let (from, to) = (sum(&self.control.targets), sum(targets));
            self.control.flaps.note(service, (from, to), now);
            self.control.moves += u64::from(moved(&self.control.targets, targets, service));
            for cluster in self.sites.ids() {
                let (from, to) = (self.control.targets.get(service, cluster), targets.get(service, cluster));
                self.control.replica_changes += u64::from(from.abs_diff(to));
            }
        }
    }

    /// A plan is on its way; a later one never overtakes it.
    fn send(&mut self, targets: Targets) {
        let control = &self.scenario.control;
        let after = draw(&control.effect_after, &mut self.control.delays) + control.decision_time;
        let at = (self.now() + after).max(self.control.arrives_last);
        self.control.arrives_last = at;
        self.control.arriving.push_back(targets);
        self.schedule_at(at, Event::PlanArrived);
    }

    /// A plan takes effect.
    pub(super) fn on_plan_arrived(&mut self) {
        let targets = self.control.arriving.pop_front().expect("a plan was sent for each arrival");
        for service in self.set_desired(targets) {
            if self.services[service].class.is_some() {
                self.reconcile(service, false);
                continue;
            }
            self.services[service].order += 1;
            let order = self.services[service].order;
            self.reconcile(service, false);
            self.schedule(MOVE_TIMEOUT, Event::MoveOverdue { service, order });
        }
    }

    /// Makes `targets` what every slot strives for; tells whose changed.
    fn set_desired(&mut self, targets: Targets) -> Vec<ServiceId> {
        let changed = self.control.effective.changed(&targets);
        for service in &changed {
            for slot in self.slots_of(*service) {
                self.slots[slot].desired = targets.get(*service, self.slots[slot].cluster);
            }
        }
        self.control.effective = targets;
        changed
    }

    /// Reports the actions of `service` that have been carried out: as many replicas are ready as were asked for, and no
    /// others are there.
    pub(super) fn finish_actions(&mut self, service: ServiceId) {
        if self.control.under_way.is_empty() {
            return;
        }
        let slots: Table<ClusterId, bool> = self.slots_of(service).map(|slot| self.is_done(slot)).collect();
        let done = |action: &Action| {
            action.service == service
                && slots[action.cluster]
                && self.slots[self.slot_id(service, action.cluster)].desired == action.to
        };
        let finished: Vec<Action> = self.control.under_way.iter().filter(|action| done(action)).copied().collect();
        self.control.under_way.retain(|action| !finished.contains(action));
        self.outbox.extend(finished.into_iter().map(Observation::Finished));
    }

    fn is_done(&self, slot: super::world::SlotId) -> bool {
        let slot = &self.slots[slot];
        slot.ready == slot.desired && slot.replicas.len() == slot.desired as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Flaps;
    use crate::model::ServiceId;
    use crate::units::Time;

    /// Up at 0 s, down at 600 s (a flap), down at 700 s (none), up at 1,400 s (too late), a move (none), down at 1,401 s (a flap).
    #[test]
    fn a_target_that_soon_goes_back_flaps() {
        let mut flaps = Flaps::default();
        for (second, from, to) in [(0, 1, 2), (600, 2, 1), (700, 1, 0), (1_400, 0, 3), (1_400, 3, 3), (1_401, 3, 2)] {
            flaps.note(ServiceId(0), (from, to), Time(second * 1_000_000_000));
        }
        assert_eq!(flaps.count, 2);
    }
}
