//! What breaks, and who notices when.
//!
//! A lost node or cluster stops serving at once, but routers go on sending calls there, and policies go on seeing its
//! replicas, until the control plane calls it lost: `platform.loss_noticed_after` later. What comes back is seen at once,
//! and starts again what the plan in force wants there. Outages may overlap: a thing works again when the last fault that
//! holds it has ended.

use super::event::Event;
use super::replicas::draw;
use super::world::World;
use crate::model::fault::{Fault, FaultTarget, FaultTimes};
use crate::model::id::Id;
use crate::model::observation::{Event as Happening, EventKind};
use crate::model::{ClusterId, Delay, NodeId, Observation, Phase, ReplicaId, Scenario, ServiceId};
use crate::seed::Stream;
use crate::units::{Span, Time};
use rand::RngExt;
use std::sync::Arc;

/// A fault of the scenario while the run lasts.
#[derive(Debug, Clone)]
pub(super) struct FaultState {
    pub(super) stream: Stream,
}

impl World {
    /// Schedules the first strike of every fault.
    pub(super) fn plan_faults(&mut self) {
        for index in 0..self.scenario.faults.len() {
            let fault = u32::try_from(index).expect("a scenario has few faults");
            match self.scenario.faults[index].when.clone() {
                FaultTimes::Listed(times) => {
                    for (at, _) in times {
                        self.schedule_at(at, Event::FaultBegan(fault));
                    }
                }
                FaultTimes::Random { mean_between, .. } => {
                    let after = draw(&Delay::Exponential { mean: mean_between }, &mut self.faults[index].stream);
                    self.schedule(after, Event::FaultBegan(fault));
                }
            }
        }
    }

    /// Adds faults that the scenario does not have and that strike at this instant.
    pub(super) fn strike_now(&mut self, targets: &[FaultTarget], lasts: Span) {
        let now = self.now();
        let mut scenario = Scenario::clone(&self.scenario);
        for &target in targets {
            let fault = u32::try_from(scenario.faults.len()).expect("a scenario has few faults");
            scenario.faults.push(Fault { target, when: FaultTimes::Listed(vec![(now, lasts)]) });
            self.faults.push(FaultState { stream: self.seed.stream("faults", fault.into()) });
            self.schedule_at(now, Event::FaultBegan(fault));
        }
        self.scenario = Arc::new(scenario);
    }

    /// A fault strikes: something is lost, and its repair is scheduled.
    pub(super) fn on_fault_began(&mut self, fault: u32) {
        let index = fault as usize;
        let lasts = self.fault_duration(index);
        let victim = self.strike(self.scenario.faults[index].target, index);
        self.schedule(lasts, Event::FaultEnded { fault, victim });
    }

    fn fault_duration(&mut self, index: usize) -> Span {
        let now = self.now();
        match &self.scenario.faults[index].when {
            FaultTimes::Listed(times) => times[times.partition_point(|(at, _)| *at < now)].1,
            FaultTimes::Random { mean_repair, .. } => {
                let repair = Delay::Exponential { mean: *mean_repair };
                draw(&repair, &mut self.faults[index].stream)
            }
        }
    }

    /// Breaks the target; tells which node was drawn, where one was.
    fn strike(&mut self, target: FaultTarget, index: usize) -> u32 {
        match target {
            FaultTarget::Cluster(cluster) => self.lose_cluster(cluster),
            FaultTarget::Node(cluster) => return self.lose_node(cluster, index),
            FaultTarget::Replica(service) => self.crash_one(service, index),
            FaultTarget::Link(a, b) => self.set_link((a, b), EventKind::LinkLost),
            FaultTarget::Telemetry => {
                self.blind += 1;
                self.tell(EventKind::TelemetryLost, "telemetry".to_owned());
            }
        }
        u32::MAX
    }

    /// A fault is repaired; a random one will come again.
    pub(super) fn on_fault_ended(&mut self, fault: u32, victim: u32) {
        let index = fault as usize;
        match self.scenario.faults[index].target {
            FaultTarget::Cluster(cluster) => self.restore_cluster(cluster),
            FaultTarget::Node(cluster) if victim != u32::MAX => self.restore_node(cluster, NodeId(victim)),
            FaultTarget::Node(_) | FaultTarget::Replica(_) => {}
            FaultTarget::Link(a, b) => self.set_link((a, b), EventKind::LinkBack),
            FaultTarget::Telemetry => {
                self.blind -= 1;
                self.tell(EventKind::TelemetryBack, "telemetry".to_owned());
            }
        }
        if let FaultTimes::Random { mean_between, .. } = self.scenario.faults[index].when {
            let after = draw(&Delay::Exponential { mean: mean_between }, &mut self.faults[index].stream);
            self.schedule(after, Event::FaultBegan(fault));
        }
    }

    fn lose_cluster(&mut self, cluster: ClusterId) {
        self.settle_site(cluster);
        let site = &mut self.sites[cluster];
        site.down += 1;
        if site.down > 1 {
            return;
        }
        site.outages += 1;
        let outage = site.outages;
        let lost: Vec<ReplicaId> = site.states.values().flat_map(|state| state.replicas.iter().copied()).collect();
        self.lose(&lost);
        for node in self.sites[cluster].states.ids() {
            self.sites[cluster].nodes.set_up(node, false);
        }
        self.refresh_site(cluster);
        self.tell(EventKind::ClusterLost, self.cluster_name(cluster));
        self.schedule(self.scenario.platform.loss_noticed_after, Event::ClusterLossNoticed { cluster, outage });
    }

    /// The control plane calls a cluster lost, unless it has come back.
    pub(super) fn on_cluster_loss_noticed(&mut self, cluster: ClusterId, outage: u32) {
        let site = &mut self.sites[cluster];
        if site.is_up() || site.outages != outage {
            return;
        }
        site.reachable = false;
        self.forget_ghosts(cluster);
    }

    /// Routers and policies stop counting what is gone.
    fn forget_ghosts(&mut self, cluster: ClusterId) {
        for service in self.services.ids() {
            let slot = self.slot_id(service, cluster);
            match self.services[service].component {
                None => self.requeue_lost(service, slot),
                Some(component) if self.slots[slot].ghosts > 0 => {
                    self.settle(component);
                    self.slots[slot].ghosts = 0;
                    self.reflow(component);
                    self.reconcile(service, false);
                }
                Some(_) => {}
            }
            self.services[service].groups = None;
        }
        self.offer_room();
    }

    fn restore_cluster(&mut self, cluster: ClusterId) {
        self.settle_site(cluster);
        self.sites[cluster].down -= 1;
        if !self.sites[cluster].is_up() {
            return;
        }
        let site = &mut self.sites[cluster];
        site.reachable = true;
        for (node, state) in site.states.iter() {
            site.nodes.set_up(node, state.down == 0 && !state.returned && state.evacuated.is_none());
        }
        self.refresh_site(cluster);
        self.forget_ghosts(cluster);
        self.tell(EventKind::ClusterBack, self.cluster_name(cluster));
        for service in self.services.ids() {
            self.reconcile(service, false);
        }
        self.offer_room();
    }

    /// One node of the cluster stops, drawn among those that work.
    fn lose_node(&mut self, cluster: ClusterId, index: usize) -> u32 {
        let working = |state: &super::sites::NodeState| state.down == 0 && !state.returned;
        let nodes: Vec<NodeId> =
            self.sites[cluster].states.iter().filter(|(_, state)| working(state)).map(|(id, _)| id).collect();
        let draw = self.faults[index].stream.random::<f64>();
        let Some(&node) = pick(&nodes, draw) else { return u32::MAX };
        self.settle_site(cluster);
        let site = &mut self.sites[cluster];
        site.states[node].down += 1;
        let pool = site.nodes.node(node).pool;
        site.broken[pool] += 1;
        let lost = self.sites[cluster].states[node].replicas.clone();
        self.lose(&lost);
        self.sites[cluster].nodes.set_up(node, false);
        self.refresh_site(cluster);
        self.tell(EventKind::NodeLost, self.node_name(cluster, node));
        self.schedule(self.scenario.platform.loss_noticed_after, Event::NodeLossNoticed { cluster, node });
        node.0
    }

    /// The control plane gives the replicas of a lost node up and starts others. Ghosts are not told apart by node: all of
    /// a cluster are given up with the first.
    pub(super) fn on_node_loss_noticed(&mut self, cluster: ClusterId) {
        if self.sites[cluster].is_up() {
            self.forget_ghosts(cluster);
        }
    }

    fn restore_node(&mut self, cluster: ClusterId, node: NodeId) {
        self.settle_site(cluster);
        let site = &mut self.sites[cluster];
        site.states[node].down -= 1;
        if site.states[node].down == 0 && !site.states[node].returned {
            let pool = site.nodes.node(node).pool;
            site.broken[pool] -= 1;
        }
        let works = site.is_up() && site.states[node].down == 0 && !site.states[node].returned;
        site.nodes.set_up(node, works);
        self.refresh_site(cluster);
        self.tell(EventKind::NodeBack, self.node_name(cluster, node));
        self.try_waiting(cluster);
        self.offer_room();
    }

    /// One ready replica of the service dies, drawn among all.
    fn crash_one(&mut self, service: ServiceId, index: usize) {
        let slots = self.slots_of(service).flat_map(|slot| self.slots[slot].replicas.iter().copied());
        let ready: Vec<ReplicaId> = slots.filter(|id| self.replicas[*id].phase == Phase::Ready).collect();
        let draw = self.faults[index].stream.random::<f64>();
        let Some(&replica) = pick(&ready, draw) else { return };
        self.crash(replica);
        self.tell(EventKind::ReplicaCrashed, self.scenario.known.application.services[service].name.clone());
    }

    fn set_link(&mut self, (a, b): (ClusterId, ClusterId), kind: EventKind) {
        self.settle_all();
        let width = self.sites.len();
        for (from, to) in [(a.index(), b.index()), (b.index(), a.index())] {
            self.linked[from * width + to] = kind == EventKind::LinkBack;
        }
        for component in 0..self.components.len() {
            self.reflow(component);
        }
        self.tell(kind, format!("{}–{}", self.cluster_name(a), self.cluster_name(b)));
    }

    pub(super) fn tell(&mut self, kind: EventKind, subject: String) {
        let at: Time = self.now();
        self.outbox.push_back(Observation::Event(Happening { at, kind, subject }));
    }

    fn cluster_name(&self, cluster: ClusterId) -> String {
        self.scenario.known.clusters[cluster].name.clone()
    }

    fn node_name(&self, cluster: ClusterId, node: NodeId) -> String {
        format!("{}/node-{}", self.cluster_name(cluster), node.0)
    }
}

/// The item at a share of the list.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share below one of a short list")]
fn pick<T>(items: &[T], share: f64) -> Option<&T> {
    items.get((share * items.len() as f64) as usize)
}
