//! Pools that shrink: empty nodes are given back, and nodes that are hardly used are emptied first.
//!
//! As the Cluster Autoscaler has it. Every `scan`, the nodes of autoscaled pools are looked at that are used less than the
//! threshold, the least used first, at most [`CANDIDATES_MAX`]. Such a node is *unneeded* if all its replicas would find
//! other nodes, those of nodes found unneeded before it included. A node that was unneeded for the pool's `idle_timeout` is
//! evacuated, one at a time in a cluster, and not within `delay_after_add` of a request for nodes: it takes nothing new, its
//! replicas are started elsewhere, and each old one drains once a new one is ready. The last to leave gives the node back.
//! Where new ones do not become ready within [`MOVE_TIMEOUT`], the evacuation is called off.
//!
//! Nodes stay that run tasks (they would begin anew), or what others than daemons have there.

use super::event::Event;
use super::replicas::MOVE_TIMEOUT;
use super::sites::Site;
use super::trial::{Leaver, Trial};
use super::world::World;
use crate::model::binding::Node;
use crate::model::binding::peers::Request;
use crate::model::{ClusterId, NodeId, Phase, ReplicaId, ServiceId};
use std::collections::BTreeSet;

/// Nodes with replicas that are looked at in one scan (`scale-down-non-empty-candidates-count`).
const CANDIDATES_MAX: usize = 30;

impl World {
    /// A node has been empty for its pool's idle timeout, unless somebody came.
    pub(super) fn on_node_idled(&mut self, cluster: ClusterId, node: NodeId) {
        let (now, cool_until) = (self.now(), self.cool_until(cluster));
        let site = &self.sites[cluster];
        let pool = site.nodes.node(node).pool;
        let declared = &self.scenario.known.clusters[cluster].pools[pool];
        let state = &site.states[node];
        let idle =
            state.replicas.is_empty() && !state.returned && now.since(state.empty_since) >= declared.idle_timeout;
        if !idle || !self.may_go(cluster, node) {
            return;
        }
        if cool_until > now {
            self.schedule_at(cool_until, Event::NodeIdled { cluster, node });
        } else {
            self.give_back(cluster, node);
        }
    }

    /// Looks at an empty node again after its pool's idle timeout, where the pool may shrink at all.
    pub(super) fn schedule_idle(&mut self, cluster: ClusterId, node: NodeId) {
        let pool = self.sites[cluster].nodes.node(node).pool;
        let declared = &self.scenario.known.clusters[cluster].pools[pool];
        if declared.nodes_min < declared.nodes_max {
            self.schedule(declared.idle_timeout, Event::NodeIdled { cluster, node });
        }
    }

    /// Whether a node's pool may do without it: it is not at its least, and nobody but daemons has a part of the node. Where
    /// others than daemons run, somebody needs it.
    fn may_go(&self, cluster: ClusterId, node: NodeId) -> bool {
        let site = &self.sites[cluster];
        let pool = site.nodes.node(node).pool;
        let declared = &self.scenario.known.clusters[cluster].pools[pool];
        declared.nodes_min < declared.nodes_max
            && site.size[pool] > declared.nodes_min
            && declared.occupied.each.fits(site.nodes.node(node).occupied)
    }

    /// A node goes.
    pub(super) fn give_back(&mut self, cluster: ClusterId, node: NodeId) {
        self.settle_site(cluster);
        let site = &mut self.sites[cluster];
        let pool = site.nodes.node(node).pool;
        let state = &mut site.states[node];
        state.returned = true;
        state.evacuated = None;
        site.broken[pool] -= u32::from(state.down > 0);
        site.nodes.set_up(node, false);
        site.size[pool] -= 1;
        self.refresh_site(cluster);
    }

    /// Looks for nodes that are not needed.
    pub(super) fn on_nodes_scanned(&mut self, cluster: ClusterId) {
        if !self.sites[cluster].is_up() {
            return;
        }
        self.call_off_overdue(cluster);
        if std::mem::take(&mut self.sites[cluster].is_changed) {
            self.note_unneeded(cluster);
        }
        let now = self.now();
        let site = &self.sites[cluster];
        let is_busy = site.states.values().any(|state| state.evacuated.is_some());
        if is_busy || self.cool_until(cluster) > now {
            return;
        }
        let due = |node: NodeId| {
            let pool = site.nodes.node(node).pool;
            let timeout = self.scenario.known.clusters[cluster].pools[pool].idle_timeout;
            let since = site.states[node].unneeded_since.filter(|since| now.since(*since) >= timeout)?;
            self.may_go(cluster, node).then_some((since, node))
        };
        if let Some((_, node)) = site.states.ids().filter_map(due).min() {
            self.evacuate(cluster, node);
        }
    }

    /// Finds out which nodes are unneeded now, and keeps since when.
    fn note_unneeded(&mut self, cluster: ClusterId) {
        let unneeded = self.unneeded(cluster);
        let now = self.now();
        for (node, state) in self.sites[cluster].states.iter_mut() {
            let since = state.unneeded_since.unwrap_or(now);
            state.unneeded_since = unneeded.contains(&node).then_some(since);
        }
    }

    /// The nodes whose replicas would all find others, each with those before it already gone.
    fn unneeded(&self, cluster: ClusterId) -> BTreeSet<NodeId> {
        let site = &self.sites[cluster];
        let candidates = self.hardly_used(cluster);
        let mut unneeded = BTreeSet::new();
        if candidates.is_empty() {
            return unneeded;
        }
        let (mut trial, mut takers) = (Trial::new(site), BTreeSet::new());
        for node in candidates {
            if takers.contains(&node) {
                continue;
            }
            let replicas: Vec<Leaver> =
                site.states[node].replicas.iter().map(|replica| self.leaver(*replica)).collect();
            if let Some(taken_by) = trial.empty(node, &replicas, |slot| &self.slots[slot].pools) {
                takers.extend(taken_by);
                unneeded.insert(node);
            }
        }
        unneeded
    }

    /// Nodes that are used less than the threshold and could be emptied, the least used first.
    fn hardly_used(&self, cluster: ClusterId) -> Vec<NodeId> {
        let threshold = self.scenario.platform.autoscaler.utilisation;
        let site = &self.sites[cluster];
        let could_go = |node: NodeId| self.may_go(cluster, node) && self.is_movable(site, node);
        let nodes = site.nodes.nodes().filter(|(_, node)| node.up && !node.is_empty());
        let used =
            nodes.map(|(id, node)| (used(node), id)).filter(|(used, id)| *used < threshold.as_f64() && could_go(*id));
        let mut used: Vec<(f64, NodeId)> = used.collect();
        used.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        used.into_iter().map(|(_, id)| id).take(CANDIDATES_MAX).collect()
    }

    /// Whether all replicas of a node may be started elsewhere.
    fn is_movable(&self, site: &Site, node: NodeId) -> bool {
        site.states[node].replicas.iter().all(|replica| {
            let replica = &self.replicas[*replica];
            replica.task.is_none() && matches!(replica.phase, Phase::Starting | Phase::Ready)
        })
    }

    fn leaver(&self, replica: ReplicaId) -> Leaver {
        let state = &self.replicas[replica];
        let slot = &self.slots[state.slot];
        let resources = self.scenario.known.application.services[slot.service].request;
        Leaver { request: Request { service: slot.service, resources }, slot: state.slot }
    }

    /// Closes a node and starts its replicas elsewhere.
    fn evacuate(&mut self, cluster: ClusterId, node: NodeId) {
        self.settle_site(cluster);
        let now = self.now();
        let site = &mut self.sites[cluster];
        site.states[node].evacuated = Some(now);
        site.states[node].unneeded_since = None;
        site.nodes.set_up(node, false);
        let replicas = site.states[node].replicas.clone();
        self.refresh_site(cluster);
        let services: BTreeSet<ServiceId> = replicas.iter().map(|replica| self.place_of(*replica).0).collect();
        for replica in replicas {
            self.replicas[replica].leaving = true;
            if self.replicas[replica].phase == Phase::Starting {
                self.end(replica);
            }
        }
        for service in services {
            self.reconcile(service, false);
        }
    }

    /// Opens nodes again whose replicas found no other place in time.
    fn call_off_overdue(&mut self, cluster: ClusterId) {
        let now = self.now();
        let overdue = |since| now.since(since) >= MOVE_TIMEOUT;
        let states = self.sites[cluster].states.iter();
        let nodes: Vec<NodeId> =
            states.filter(|(_, state)| state.evacuated.is_some_and(overdue)).map(|(node, _)| node).collect();
        for node in nodes {
            self.settle_site(cluster);
            let state = &mut self.sites[cluster].states[node];
            state.evacuated = None;
            let (works, replicas) = (state.down == 0, state.replicas.clone());
            self.sites[cluster].nodes.set_up(node, works);
            self.refresh_site(cluster);
            let services: BTreeSet<ServiceId> = replicas.iter().map(|replica| self.place_of(*replica).0).collect();
            for replica in replicas {
                self.replicas[replica].leaving = false;
            }
            for service in services {
                self.reconcile(service, false);
            }
        }
    }
}

/// Share of a node that is in use: of accelerators where it has any, otherwise the larger one of CPU and memory.
fn used(node: &Node) -> f64 {
    let share = |held: u64, whole: u64| held as f64 / whole.max(1) as f64;
    let (held, whole) = (node.allocated, node.shape);
    if whole.gpu > 0 {
        return share(held.gpu, whole.gpu);
    }
    share(held.cpu.0, whole.cpu.0).max(share(held.memory.0, whole.memory.0))
}
