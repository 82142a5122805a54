//! The life of a replica: pending → on a node, pulling and starting → ready → draining → gone.
//!
//! `reconcile` brings the replicas of a service towards what the effective plan wants. More are started at once. Fewer are
//! ended in the order pending, starting, ready, the youngest first; but a ready one only goes while more are ready than the
//! plan wants in all clusters together. So a move makes before it breaks: the new replica is ready before the old one
//! drains. A move that waits longer than [`MOVE_TIMEOUT`] for its new replicas breaks anyway, or two services that are to
//! change places would wait for each other for ever.

use super::event::Event;
use super::latency::standard_normal_quantile;
use super::sites::{pull_time, watts_per_core};
use super::world::{Replica, SlotId, World};
use crate::model::binding::Device;
use crate::model::id::TaskId;
use crate::model::{Delay, NodeId, Phase, ReplicaId, ServiceId};
use crate::seed::Stream;
use crate::units::Span;
use rand::RngExt;

/// How long an old replica waits for a new one elsewhere.
pub(super) const MOVE_TIMEOUT: Span = Span::seconds(600);

/// A delay from its distribution; nothing is drawn for a fixed one.
pub(super) fn draw(delay: &Delay, stream: &mut Stream) -> Span {
    match delay {
        Delay::Fixed(span) => *span,
        _ => delay.quantile(stream.random::<f64>(), standard_normal_quantile),
    }
}

impl World {
    /// Starts and ends replicas of `service` until they are what the effective plan wants, as far as that goes now.
    pub(super) fn reconcile(&mut self, service: ServiceId, force: bool) {
        self.services[service].groups = None;
        if self.services[service].class.is_some() {
            return self.reconcile_tasks(service);
        }
        for slot in self.slots_of(service) {
            let (live, desired) = (self.live(slot), self.slots[slot].desired);
            if !self.sites[self.slots[slot].cluster].is_up() {
                continue;
            }
            for _ in live..desired {
                self.create(slot);
            }
            for _ in desired..live {
                if !self.remove_one(slot, force) {
                    break;
                }
            }
            self.let_leave(slot);
        }
        for cluster in self.sites.ids() {
            self.try_waiting(cluster);
        }
        self.finish_actions(service);
    }

    /// Replicas that are there or thought to be, without those that are leaving or to leave their node.
    fn live(&self, slot: SlotId) -> u32 {
        let slot = &self.slots[slot];
        let stays = |replica: &Replica| replica.phase != Phase::Draining && !replica.leaving;
        let staying = slot.replicas.iter().filter(|replica| stays(&self.replicas[**replica]));
        u32::try_from(staying.count()).expect("replicas stay below 2^32") + slot.ghosts
    }

    /// Drains replicas whose node is to be emptied, as far as others are ready in their place.
    fn let_leave(&mut self, slot: SlotId) {
        let leaving = |id: &ReplicaId| self.replicas[*id].leaving && self.replicas[*id].phase == Phase::Ready;
        let leaving: Vec<ReplicaId> = self.slots[slot].replicas.iter().copied().filter(leaving).collect();
        for replica in leaving {
            if !self.has_spare_ready(self.slots[slot].service) {
                break;
            }
            self.drain(replica);
        }
    }

    fn create(&mut self, slot: SlotId) {
        self.create_for(slot, None);
    }

    /// A replica that waits for a node, as which `task` is to run where one is named.
    pub(super) fn create_for(&mut self, slot: SlotId, task: Option<TaskId>) {
        let (now, phase, device) = (self.now(), Phase::Pending, Device::WHOLE);
        let (node, timer, gone, leaving) = (None, None, false, false);
        let replica = Replica { slot, node, phase, started: now, since: now, timer, gone, leaving, task, device };
        let id = self.replicas.push(replica);
        self.slots[slot].replicas.push(id);
        let cluster = self.slots[slot].cluster;
        self.sites[cluster].waiting.push_back(id);
    }

    /// Ends the replica that is missed least; `false` where none may go now.
    fn remove_one(&mut self, slot: SlotId, force: bool) -> bool {
        let newest_in = |phase: Phase| {
            let is_in = |replica: &Replica| replica.phase == phase && !replica.leaving;
            let in_phase = self.slots[slot].replicas.iter().filter(|id| is_in(&self.replicas[**id]));
            in_phase.max_by_key(|id| (self.replicas[**id].since, **id)).copied()
        };
        if let Some(replica) = newest_in(Phase::Pending).or_else(|| newest_in(Phase::Starting)) {
            self.end(replica);
            return true;
        }
        match newest_in(Phase::Ready) {
            Some(replica) if force || self.has_spare_ready(self.slots[slot].service) => {
                self.drain(replica);
                true
            }
            _ => false,
        }
    }

    /// Whether more replicas are ready than the plan wants, over all clusters.
    fn has_spare_ready(&self, service: ServiceId) -> bool {
        let (mut ready, mut desired) = (0, 0);
        for slot in self.slots_of(service) {
            ready += self.slots[slot].ready;
            desired += self.slots[slot].desired;
        }
        ready > desired
    }

    /// A node has room: the replica holds it from now on, and serves when image and process are there.
    pub(super) fn on_bound(&mut self, replica: ReplicaId, node: NodeId) {
        let (service, cluster) = self.place_of(replica);
        let now = self.now();
        self.settle_site(cluster);
        self.sites[cluster].states[node].replicas.push(replica);
        let after = self.pull(replica, node) + self.start_delay(replica);
        let timer = self.schedule(after, Event::ReplicaReadied(replica));
        let state = &mut self.replicas[replica];
        (state.node, state.phase, state.timer) = (Some(node), Phase::Starting, Some(timer));
        (state.started, state.since) = (now, now);
        self.services[service].groups = None;
    }

    /// The time until the image is on the node; a pull that is under way is shared.
    fn pull(&mut self, replica: ReplicaId, node: NodeId) -> Span {
        let (service, cluster) = self.place_of(replica);
        if self.scenario.known.application.services[service].image.0 == 0 && self.replicas[replica].task.is_some() {
            return Span::ZERO;
        }
        let now = self.now();
        if let Some(complete) = self.sites[cluster].images.get(&(node, service)) {
            return complete.since(now);
        }
        let platform = &self.scenario.platform;
        let bytes = self.scenario.known.application.services[service].image.0;
        let (latency, rate) = (platform.pull_latency, platform.pull_bytes_per_second.0);
        let time = draw(&latency, self.delays_of(replica)) + pull_time(bytes, rate);
        self.sites[cluster].images.insert((node, service), now + time);
        time
    }

    fn start_delay(&mut self, replica: ReplicaId) -> Span {
        let (service, _) = self.place_of(replica);
        let start = self.scenario.known.application.services[service].start;
        draw(&start, self.delays_of(replica))
    }

    /// The stream of a slot's delays: the n-th start there takes equally long under every policy.
    fn delays_of(&mut self, replica: ReplicaId) -> &mut Stream {
        let slot = self.replicas[replica].slot;
        let seed = self.seed;
        self.slots[slot].delays.get_or_insert_with(|| Box::new(seed.stream("replica_delays", slot.0.into())))
    }

    /// The replica serves from now on, and an old one may go.
    pub(super) fn on_replica_readied(&mut self, replica: ReplicaId) {
        if self.replicas[replica].task.is_some() {
            return self.start_task(replica);
        }
        self.set_ready(replica);
        let (service, _) = self.place_of(replica);
        self.reconcile(service, false);
    }

    /// Makes a replica serve.
    pub(super) fn set_ready(&mut self, replica: ReplicaId) {
        let now = self.now();
        let (service, cluster) = self.place_of(replica);
        let state = &mut self.replicas[replica];
        assert_eq!(state.phase, Phase::Starting, "only a starting replica becomes ready");
        (state.phase, state.since, state.timer) = (Phase::Ready, now, None);
        let (slot, node) = (state.slot, state.node.expect("a starting replica has a node"));
        let pool = self.sites[cluster].nodes.node(node).pool;
        let watts = watts_per_core(&self.scenario.known.clusters[cluster].pools[pool]);
        self.services[service].groups = None;
        self.services[service].silent = self.services[service].dormant;
        self.change_ready(slot, |slot| {
            slot.ready += 1;
            slot.watts_per_core += watts;
        });
    }

    /// Changes what a slot serves with, at the right moment for its sums.
    fn change_ready(&mut self, slot: SlotId, change: impl FnOnce(&mut super::world::Slot)) {
        let Some(component) = self.services[self.slots[slot].service].component else {
            return change(&mut self.slots[slot]);
        };
        self.settle(component);
        change(&mut self.slots[slot]);
        self.note_supply(self.slots[slot].service);
        self.update_capacity(slot);
        self.reflow(component);
    }

    /// Stops a ready replica from serving; the caller says what becomes of it.
    pub(super) fn stop_serving(&mut self, replica: ReplicaId) {
        if self.replicas[replica].task.is_some() {
            return self.stop_task(replica);
        }
        let (_, cluster) = self.place_of(replica);
        let state = &self.replicas[replica];
        let (slot, node) = (state.slot, state.node.expect("a ready replica has a node"));
        let pool = self.sites[cluster].nodes.node(node).pool;
        let watts = watts_per_core(&self.scenario.known.clusters[cluster].pools[pool]);
        self.change_ready(slot, |slot| {
            slot.ready -= 1;
            slot.watts_per_core = if slot.ready == 0 { 0.0 } else { slot.watts_per_core - watts };
        });
    }

    /// A ready replica takes nothing more and keeps its room until it has ended.
    fn drain(&mut self, replica: ReplicaId) {
        self.stop_serving(replica);
        let (service, cluster) = self.place_of(replica);
        if let (Some(peers), Some(node)) = (&mut self.sites[cluster].peers, self.replicas[replica].node) {
            peers.drain(service, node);
        }
        let drain = self.scenario.known.application.services[service].drain;
        let timer = self.schedule(drain, Event::ReplicaDrained(replica));
        let now = self.now();
        let state = &mut self.replicas[replica];
        (state.phase, state.since, state.timer) = (Phase::Draining, now, Some(timer));
        self.services[service].groups = None;
    }

    /// A draining replica is gone, and its room is free.
    pub(super) fn on_replica_drained(&mut self, replica: ReplicaId) {
        self.end(replica);
        let (service, cluster) = self.place_of(replica);
        self.try_waiting(cluster);
        self.finish_actions(service);
    }

    /// Takes a replica away, whatever its phase.
    pub(super) fn end(&mut self, replica: ReplicaId) {
        let (service, cluster) = self.place_of(replica);
        if self.replicas[replica].phase == Phase::Ready {
            self.stop_serving(replica);
        }
        if let Some(timer) = self.replicas[replica].timer.take() {
            self.kernel.cancel(timer);
        }
        if self.replicas[replica].phase == Phase::Pending {
            self.sites[cluster].waiting.retain(|other| *other != replica);
        }
        self.leave_node(replica);
        let slot = self.replicas[replica].slot;
        let listed = self.slots[slot].replicas.binary_search(&replica);
        self.slots[slot].replicas.remove(listed.expect("a slot lists its replicas in order of creation"));
        self.replicas[replica].gone = true;
        self.services[service].groups = None;
    }

    /// A process died; the kubelet starts it again on its node.
    pub(super) fn crash(&mut self, replica: ReplicaId) {
        self.stop_serving(replica);
        if let Some(timer) = self.replicas[replica].timer.take() {
            self.kernel.cancel(timer);
        }
        self.tasks.restarted += u64::from(self.replicas[replica].task.is_some());
        let after = self.start_delay(replica);
        let timer = self.schedule(after, Event::ReplicaReadied(replica));
        let now = self.now();
        let (service, _) = self.place_of(replica);
        let state = &mut self.replicas[replica];
        (state.phase, state.since, state.timer) = (Phase::Starting, now, Some(timer));
        self.services[service].groups = None;
    }

    /// The old replicas of a move have waited long enough.
    pub(super) fn on_move_overdue(&mut self, service: ServiceId, order: u32) {
        if self.services[service].order == order {
            self.reconcile(service, true);
        }
    }

    /// Starts the run from a deployed application: what the first plan wants and nodes have room for is ready at once.
    pub(super) fn start_ready(&mut self) {
        for service in self.services.ids() {
            self.reconcile(service, false);
        }
        let starting: Vec<ReplicaId> =
            self.replicas.iter().filter(|(_, replica)| replica.phase == Phase::Starting).map(|(id, _)| id).collect();
        for replica in starting {
            if let Some(timer) = self.replicas[replica].timer.take() {
                self.kernel.cancel(timer);
            }
            match self.replicas[replica].task {
                Some(_) => self.start_task(replica),
                None => self.set_ready(replica),
            }
        }
        let now = self.now();
        for (_, site) in self.sites.iter_mut() {
            for complete in site.images.values_mut() {
                *complete = now;
            }
        }
        for service in self.services.ids() {
            self.finish_actions(service);
        }
    }

    /// Ends the replicas that ran on a node or cluster that broke. Ready ones become ghosts until somebody notices.
    pub(super) fn lose(&mut self, lost: &[ReplicaId]) {
        for replica in lost {
            let state = &self.replicas[*replica];
            let (slot, ready) = (state.slot, state.phase == Phase::Ready);
            if state.phase == Phase::Pending {
                continue;
            }
            if let Some(task) = self.replicas[*replica].task {
                self.lose_task(slot, task);
            } else if ready {
                self.slots[slot].ghosts += 1;
            }
            self.end(*replica);
        }
    }
}
