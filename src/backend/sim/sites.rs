//! Clusters as hosts: nodes, who waits for one, and pools that grow and shrink.
//!
//! A replica that finds no node waits. Waiting replicas are tried again, oldest first, whenever room appears; a small one
//! may pass a large one that does not fit. How pools grow is in `autoscale`, how they shrink in `consolidate`. Nodes are
//! paid for from the moment they are asked for.

use super::world::World;
use crate::model::binding::peers::{Peers, Request};
use crate::model::binding::{Device, NodeTable};
use crate::model::environment::Outlook;
use crate::model::{ClusterId, NodeId, Phase, PoolId, ReplicaId, ServiceId, Table};
use crate::seed::Stream;
use crate::units::{Span, Time};
use std::collections::{BTreeMap, VecDeque};

/// A cluster as a host.
#[derive(Debug, Clone)]
pub(super) struct Site {
    pub(super) nodes: NodeTable,
    /// Where replicas are that others mind; `None` where nobody does.
    pub(super) peers: Option<Peers>,
    /// By node: how many faults hold it down, whether it was given back, since when it is empty, and what runs there.
    pub(super) states: Table<NodeId, NodeState>,
    /// By pool: nodes asked for and not ready yet.
    pub(super) booting: Table<PoolId, u32>,
    /// By pool: nodes that faults hold down.
    pub(super) broken: Table<PoolId, u32>,
    pub(super) tasks: TasksHere,
    /// By pool: nodes that exist and work or boot.
    pub(super) size: Table<PoolId, u32>,
    /// Replicas without a node, oldest first.
    pub(super) waiting: VecDeque<ReplicaId>,
    /// When each image is (or was) complete on each node.
    pub(super) images: BTreeMap<(NodeId, ServiceId), Time>,
    /// How many faults hold the cluster down, and how many outages there were.
    pub(super) down: u32,
    pub(super) outages: u32,
    /// What the control plane says.
    pub(super) reachable: bool,
    pub(super) boots: Stream,
    /// Which pool grows, where chance decides.
    pub(super) expansions: Stream,
    /// When nodes were asked for last.
    pub(super) added: Option<Time>,
    /// Whether anything has changed since the last scan for unneeded nodes.
    pub(super) is_changed: bool,
    /// Carbon and prices of its region.
    pub(super) outlook: Outlook,
    /// Since when the sums below hold, and the rates at which they grow.
    pub(super) updated: Time,
    pub(super) rates: SiteRates,
    pub(super) sums: SiteSums,
    pub(super) cost_egress: f64,
    /// `allocated_seconds` when things began to count.
    pub(super) allocated_before: f64,
}

/// A node beyond what the node table knows.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeState {
    pub(super) down: u32,
    pub(super) returned: bool,
    pub(super) empty_since: Time,
    /// Since when it is hardly used and its replicas would find other nodes.
    pub(super) unneeded_since: Option<Time>,
    /// Since when its replicas are being started elsewhere.
    pub(super) evacuated: Option<Time>,
    pub(super) replicas: Vec<ReplicaId>,
}

/// Tasks that run at a site.
#[derive(Debug, Clone)]
pub(super) struct TasksHere {
    /// By pool: CPU that they use, in millicores.
    pub(super) cpu: Table<PoolId, u64>,
    pub(super) running: u32,
}

/// Rates of a site's sums, constant until something changes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SiteRates {
    /// Nodes that are paid for.
    pub(super) nodes: f64,
    /// Dollars per hour for them, at list prices and at present ones.
    pub(super) list_price_per_hour: f64,
    pub(super) dollars_per_hour: f64,
    /// Watts of nodes that run and of the tasks on them, without those of services.
    pub(super) idle_watts: f64,
    /// Cores that tasks use.
    pub(super) task_cores: f64,
    /// What is asked for and what is offered.
    pub(super) amounts: [(f64, f64); 3],
    /// Grams of CO₂e per kWh.
    pub(super) carbon: f64,
    /// Facility watts per watt of computers.
    pub(super) pue: f64,
    /// Share of the offered CPU that is requested, and the larger of the shares of all CPU and memory.
    pub(super) cpu_share: f64,
    pub(super) share: f64,
}

/// Sums since the start.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SiteSums {
    pub(super) node_hours: f64,
    pub(super) cost_nodes: f64,
    pub(super) cost_allocated: f64,
    /// Joules and grams, facility overhead included.
    pub(super) energy: f64,
    pub(super) carbon: f64,
    /// Seconds, weighted by the share of CPU that is requested.
    pub(super) allocated_seconds: f64,
    /// Core-seconds of tasks, and what is asked for and offered of CPU, memory and accelerators, integrated over time.
    pub(super) task_core_seconds: f64,
    pub(super) amounts: [(f64, f64); 3],
}

impl Site {
    /// Whether its nodes work.
    pub(super) fn is_up(&self) -> bool {
        self.down == 0
    }

    /// Adds energy that computers used, in joules: the facility's overhead and the grid's carbon come on top.
    pub(super) fn add_energy(&mut self, joules: f64) {
        let joules = joules * self.rates.pue;
        self.sums.energy += joules;
        self.sums.carbon += joules / 3.6e6 * self.rates.carbon;
    }

    /// Prices and carbon are those of `now` from now on; tells until when.
    pub(super) fn look_out(&mut self, now: Time) -> Option<Time> {
        let conditions = self.outlook.read(now);
        self.is_changed = true;
        self.rates.dollars_per_hour = self.rates.list_price_per_hour * conditions.price_factor;
        self.rates.carbon = conditions.carbon;
        conditions.until
    }

    /// Brings the sums up to `now`.
    pub(super) fn settle(&mut self, now: Time) {
        let seconds = (now - self.updated).as_seconds_f64();
        self.updated = now;
        let hours = seconds / 3600.0;
        let dollars = self.rates.dollars_per_hour * hours;
        self.sums.node_hours += self.rates.nodes * hours;
        self.sums.cost_nodes += dollars;
        self.sums.cost_allocated += dollars * self.rates.share;
        self.sums.allocated_seconds += self.rates.cpu_share * seconds;
        self.sums.task_core_seconds += self.rates.task_cores * seconds;
        for (sum, rate) in self.sums.amounts.iter_mut().zip(self.rates.amounts) {
            sum.0 += rate.0 * seconds;
            sum.1 += rate.1 * seconds;
        }
        self.add_energy(self.rates.idle_watts * seconds);
    }
}

impl World {
    /// Adds a node that works from now on.
    pub(super) fn add_node(&mut self, cluster: ClusterId, pool: PoolId) -> NodeId {
        let declared = &self.scenario.known.clusters[cluster].pools[pool];
        let (shape, occupied) = (declared.shape, declared.occupied.each);
        let now = self.now();
        let site = &mut self.sites[cluster];
        let node = site.nodes.add_node(pool, shape);
        site.nodes.occupy(node, occupied);
        let state = NodeState { empty_since: now, ..NodeState::default() };
        assert_eq!(site.states.push(state), node, "nodes are numbered alike in both tables");
        self.schedule_idle(cluster, node);
        node
    }

    /// A node that was asked for is ready.
    pub(super) fn on_node_booted(&mut self, cluster: ClusterId, pool: PoolId) {
        self.settle_site(cluster);
        self.sites[cluster].booting[pool] -= 1;
        self.add_node(cluster, pool);
        self.refresh_site(cluster);
        self.try_waiting(cluster);
        self.offer_room();
    }

    /// Gives every waiting replica a node that can have one, and asks for nodes where pools may grow.
    pub(super) fn try_waiting(&mut self, cluster: ClusterId) {
        if !self.sites[cluster].is_up() || self.sites[cluster].waiting.is_empty() {
            return;
        }
        // One that was bound may be what another has to be near.
        while self.bind_waiting(cluster) && self.sites[cluster].peers.is_some() {}
        self.refresh_site(cluster);
        self.grow(cluster);
    }

    /// Goes once through the waiting replicas; tells whether one found a node.
    fn bind_waiting(&mut self, cluster: ClusterId) -> bool {
        let mut waiting = std::mem::take(&mut self.sites[cluster].waiting);
        let before = waiting.len();
        let mut failed: Vec<ServiceId> = Vec::new();
        waiting.retain(|replica| {
            let slot = self.replicas[*replica].slot;
            let service = self.slots[slot].service;
            if failed.contains(&service) {
                return true;
            }
            let resources = self.scenario.known.application.services[service].request;
            let site = &mut self.sites[cluster];
            let request = Request { service, resources };
            let Some(node) = bind(&mut site.nodes, &mut site.peers, request, &self.slots[slot].pools) else {
                failed.push(service);
                return true;
            };
            self.replicas[*replica].device = site.nodes.node(node).shared.latest();
            self.on_bound(*replica, node);
            false
        });
        let bound = waiting.len() < before;
        self.sites[cluster].waiting = waiting;
        bound
    }

    /// A replica leaves its node; what waits may come.
    pub(super) fn leave_node(&mut self, replica: ReplicaId) {
        let Some(node) = self.replicas[replica].node.take() else { return };
        let device = std::mem::replace(&mut self.replicas[replica].device, Device::WHOLE);
        let (service, cluster) = self.place_of(replica);
        self.settle_site(cluster);
        let request = self.scenario.known.application.services[service].request;
        let (now, was_draining) = (self.now(), self.replicas[replica].phase == Phase::Draining);
        let site = &mut self.sites[cluster];
        site.nodes.release_from(node, request, device);
        if let Some(peers) = &mut site.peers {
            peers.remove(service, node, was_draining);
        }
        let state = &mut site.states[node];
        state.replicas.retain(|other| *other != replica);
        if state.replicas.is_empty() {
            state.empty_since = now;
            match state.evacuated {
                Some(_) => self.give_back(cluster, node),
                None => self.schedule_idle(cluster, node),
            }
        }
        self.refresh_site(cluster);
    }

    /// Service and cluster of a replica.
    pub(super) fn place_of(&self, replica: ReplicaId) -> (ServiceId, ClusterId) {
        let slot = &self.slots[self.replicas[replica].slot];
        (slot.service, slot.cluster)
    }

    /// Brings a site's sums up to now, before its rates change.
    pub(super) fn settle_site(&mut self, cluster: ClusterId) {
        let now = self.now();
        self.sites[cluster].settle(now);
    }

    /// Recomputes the rates of a site after a change.
    pub(super) fn refresh_site(&mut self, cluster: ClusterId) {
        let now = self.now();
        let declared = &self.scenario.known.clusters[cluster];
        let site = &mut self.sites[cluster];
        let mut rates = SiteRates { pue: declared.pue.as_f64(), ..SiteRates::default() };
        for (pool, shape) in declared.pools.iter() {
            let paid = f64::from(site.size[pool]);
            rates.nodes += paid;
            rates.list_price_per_hour += paid * shape.price_per_hour.0;
            let running = f64::from(site.size[pool] - site.booting[pool]) - f64::from(site.broken[pool]);
            let cores = site.tasks.cpu[pool] as f64 / 1e3;
            rates.task_cores += cores;
            let watts = running * shape.power_idle.0 + cores * watts_per_core(shape);
            rates.idle_watts += if site.is_up() { watts } else { 0.0 };
        }
        let (allocated, offered) = (site.nodes.allocated(), site.nodes.allocatable());
        let part = |allocated: u64, offered: u64| if offered == 0 { 0.0 } else { allocated as f64 / offered as f64 };
        rates.cpu_share = part(allocated.cpu.0, offered.cpu.0).min(1.0);
        for (amounts, (held, offered)) in
            rates.amounts.iter_mut().zip(allocated.amounts().into_iter().zip(offered.amounts()))
        {
            *amounts = (held as f64, offered as f64);
        }
        let whole = site.nodes.capacity();
        let (cpu, memory) = (part(allocated.cpu.0, whole.cpu.0), part(allocated.memory.0, whole.memory.0));
        rates.share = cpu.max(memory).min(1.0);
        site.rates = rates;
        site.look_out(now);
    }
}

impl Site {
    /// Nodes that work.
    pub(super) fn nodes_up(&self) -> u32 {
        let up = self.booting.ids().map(|pool| self.nodes.nodes_up(pool)).sum::<u64>();
        u32::try_from(up).expect("clusters have fewer than 2^32 nodes")
    }
}

/// Binds a replica to the best node: by room alone where no term concerns it.
pub(super) fn bind(
    nodes: &mut NodeTable,
    peers: &mut Option<Peers>,
    request: Request,
    pools: &Table<PoolId, bool>,
) -> Option<NodeId> {
    let concerned = peers.as_ref().filter(|peers| peers.concern(request.service));
    let node = match concerned {
        Some(peers) => peers.best(nodes, request)?,
        None => nodes.best(request.resources, pools)?,
    };
    assert!(nodes.bind_to(node, request.resources), "{node:?} was found to have room for {request:?}");
    if let Some(peers) = peers {
        peers.add(request.service, node);
    }
    Some(node)
}

/// Watts that one busy core adds on nodes of a pool.
pub(super) fn watts_per_core(pool: &crate::model::Pool) -> f64 {
    let cores = pool.shape.cpu.cores();
    if cores > 0.0 { (pool.power_max.0 - pool.power_idle.0).max(0.0) / cores } else { 0.0 }
}

/// How long a pull takes that is not delayed by anything else.
pub(super) fn pull_time(bytes: u64, bytes_per_second: u64) -> Span {
    let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(bytes_per_second.max(1));
    Span(u64::try_from(nanos).unwrap_or(u64::MAX))
}
