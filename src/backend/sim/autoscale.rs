//! Pools that grow, as the Cluster Autoscaler does it: by simulating what new nodes would take.
//!
//! Replicas that wait are first packed onto the nodes that boot already. For what is left, each pool that may grow is an
//! option: as many new nodes as they fill, first fit, the largest replicas first (the share of a node's CPU plus that of its
//! memory), and at most as many as the pool may still have. The [`Expander`] chooses one; what that does not take is looked
//! at again. A node that stays empty in this was no help and is not asked for.

use super::event::Event;
use super::replicas::draw;
use super::world::{SlotId, World};
use crate::model::autoscaler::Expander;
use crate::model::binding::NodeTable;
use crate::model::binding::peers::{Peers, Request};
use crate::model::{ClusterId, NodeId, Pool, PoolId, Resources, Table};
use crate::seed::Stream;
use crate::units::Time;
use rand::RngExt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// GiB of memory that cost as much as a core where clouds sell them apart.
const GIB_PER_CORE: f64 = 7.5;

/// Waiting replicas of one service, which are alike.
#[derive(Debug, Clone)]
struct Group {
    request: Request,
    pools: Table<PoolId, bool>,
    waiting: u32,
}

/// New nodes of one pool and what they take.
#[derive(Debug, Clone)]
struct Choice {
    pool: PoolId,
    nodes: u32,
    /// By group.
    taken: Vec<u32>,
}

/// Nodes of one pool that do not exist yet, as they fill.
struct Bins<'a> {
    pool: PoolId,
    declared: &'a Pool,
    nodes: NodeTable,
    /// Where replicas mind each other: those that are there, too.
    peers: Option<Peers>,
    new: Vec<NodeId>,
    /// How many more may be added.
    more: u32,
}

impl World {
    /// Asks for the nodes that waiting replicas need.
    pub(super) fn grow(&mut self, cluster: ClusterId) {
        let scenario = Arc::clone(&self.scenario);
        let pools = &scenario.known.clusters[cluster].pools;
        let can_grow = pools.iter().any(|(pool, declared)| declared.nodes_max > self.sites[cluster].size[pool]);
        if self.sites[cluster].waiting.is_empty() || !can_grow {
            return;
        }
        let mut groups = self.groups_waiting(cluster);
        for pool in pools.ids().filter(|pool| self.sites[cluster].booting[*pool] > 0) {
            let booting = self.sites[cluster].booting[pool];
            let mut bins = self.bins((cluster, pool), &groups, 0);
            (0..booting).for_each(|_| bins.add());
            let taken = bins.fill(&groups).taken;
            take(&mut groups, &taken);
        }
        while let Some(choice) = self.choose(cluster, &groups) {
            take(&mut groups, &choice.taken);
            self.sites[cluster].added = Some(self.now());
            for _ in 0..choice.nodes {
                self.boot_node(cluster, choice.pool);
            }
        }
    }

    fn boot_node(&mut self, cluster: ClusterId, pool: PoolId) {
        self.settle_site(cluster);
        let boot = self.scenario.known.clusters[cluster].pools[pool].boot;
        let site = &mut self.sites[cluster];
        site.booting[pool] += 1;
        site.size[pool] += 1;
        let after = draw(&boot, &mut site.boots);
        self.schedule(after, Event::NodeBooted { cluster, pool });
        self.refresh_site(cluster);
    }

    /// The replicas that wait in a cluster, by service.
    fn groups_waiting(&self, cluster: ClusterId) -> Vec<Group> {
        let mut counts: BTreeMap<SlotId, u32> = BTreeMap::new();
        for replica in &self.sites[cluster].waiting {
            *counts.entry(self.replicas[*replica].slot).or_default() += 1;
        }
        let group = |(slot, waiting): (SlotId, u32)| {
            let slot = &self.slots[slot];
            let resources = self.scenario.known.application.services[slot.service].request;
            Group { request: Request { service: slot.service, resources }, pools: slot.pools.clone(), waiting }
        };
        counts.into_iter().map(group).collect()
    }

    fn bins<'a>(&'a self, (cluster, pool): (ClusterId, PoolId), groups: &[Group], more: u32) -> Bins<'a> {
        let site = &self.sites[cluster];
        let concerned = |peers: &&Peers| groups.iter().any(|group| peers.concern(group.request.service));
        let peers = site.peers.as_ref().filter(concerned).cloned();
        let fresh = || NodeTable::new(self.scenario.platform.node_score);
        let nodes = if peers.is_some() { site.nodes.clone() } else { fresh() };
        let declared = &self.scenario.known.clusters[cluster].pools[pool];
        Bins { pool, declared, nodes, peers, new: Vec::new(), more }
    }

    /// The option that the expander takes; `None` where no new node would help.
    fn choose(&mut self, cluster: ClusterId, groups: &[Group]) -> Option<Choice> {
        let scenario = Arc::clone(&self.scenario);
        let pools = &scenario.known.clusters[cluster].pools;
        let site = &self.sites[cluster];
        let option = |(pool, declared): (PoolId, &Pool)| {
            let more = declared.nodes_max.saturating_sub(site.size[pool]);
            (more > 0).then(|| self.bins((cluster, pool), groups, more).fill(groups))
        };
        let options: Vec<Choice> = pools.iter().filter_map(option).filter(|choice| choice.nodes > 0).collect();
        let cost = |choice: &Choice| cost(scenario.platform.autoscaler.expander, &pools[choice.pool], choice, groups);
        if scenario.platform.autoscaler.expander == Expander::Random {
            return pick(options, &mut self.sites[cluster].expansions);
        }
        let costs = options.into_iter().map(|choice| (cost(&choice), choice));
        costs.reduce(|best, next| if next.0 < best.0 { next } else { best }).map(|(_, choice)| choice)
    }

    /// Until when no node is given back, because some were asked for.
    pub(super) fn cool_until(&self, cluster: ClusterId) -> Time {
        let delay = self.scenario.platform.autoscaler.delay_after_add;
        self.sites[cluster].added.map_or(Time::ZERO, |added| added + delay)
    }
}

impl Bins<'_> {
    fn add(&mut self) {
        let node = self.nodes.add_node(self.pool, self.declared.shape);
        self.nodes.occupy(node, self.declared.occupied.each);
        self.new.push(node);
    }

    /// Packs the groups, the largest replicas first.
    fn fill(mut self, groups: &[Group]) -> Choice {
        let mut order: Vec<usize> = (0..groups.len()).filter(|index| groups[*index].pools[self.pool]).collect();
        order.sort_by(|a, b| self.size(&groups[*b]).total_cmp(&self.size(&groups[*a])));
        let mut taken = vec![0; groups.len()];
        for index in order {
            taken[index] = self.fill_with(&groups[index]);
        }
        let used = self.new.iter().filter(|node| !self.nodes.is_empty(**node)).count();
        Choice { pool: self.pool, nodes: u32::try_from(used).expect("pools are small"), taken }
    }

    fn size(&self, group: &Group) -> f64 {
        let (want, have) = (group.request.resources, self.declared.shape);
        want.cpu.0 as f64 / have.cpu.0.max(1) as f64 + want.memory.0 as f64 / have.memory.0.max(1) as f64
    }

    /// First fit for replicas that are alike; how many found a node.
    fn fill_with(&mut self, group: &Group) -> u32 {
        let minds = self.peers.as_ref().is_some_and(|peers| peers.concern(group.request.service));
        let mut from = 0;
        for taken in 0..group.waiting {
            // A node that is full for one is full for the next that is like it, unless they mind each other.
            let start = if minds { 0 } else { from };
            let found = (start..self.new.len()).find(|index| self.takes(self.new[*index], group.request));
            let Some(index) = found.or_else(|| self.add_for(group.request)) else { return taken };
            from = index;
            self.bind(self.new[index], group.request);
        }
        group.waiting
    }

    /// A further node, if it takes the replica.
    fn add_for(&mut self, request: Request) -> Option<usize> {
        let is_idle = self.new.last().is_some_and(|node| self.nodes.is_empty(*node));
        if self.more == 0 || is_idle {
            return None;
        }
        self.more -= 1;
        self.add();
        let index = self.new.len() - 1;
        self.takes(self.new[index], request).then_some(index)
    }

    fn takes(&self, node: NodeId, request: Request) -> bool {
        let peers = self.peers.as_ref().filter(|peers| peers.concern(request.service));
        match peers {
            Some(peers) => peers.takes(&self.nodes, request, node),
            None => self.nodes.node(node).takes(request.resources),
        }
    }

    fn bind(&mut self, node: NodeId, request: Request) {
        assert!(self.nodes.bind_to(node, request.resources), "{node:?} was found to have room for {request:?}");
        if let Some(peers) = &mut self.peers {
            peers.add(request.service, node);
        }
    }
}

/// Takes replicas out of the groups.
fn take(groups: &mut [Group], taken: &[u32]) {
    for (group, taken) in groups.iter_mut().zip(taken) {
        group.waiting -= taken;
    }
}

/// What an option costs in the eyes of an expander; the least is taken.
fn cost(expander: Expander, pool: &Pool, choice: &Choice, groups: &[Group]) -> f64 {
    let requests = groups.iter().zip(&choice.taken);
    let taken: Resources = requests.map(|(group, taken)| group.request.resources.repeated((*taken).into())).sum();
    let offered = pool.shape.repeated(choice.nodes.into());
    let unused = |taken: u64, offered: u64| 1.0 - taken as f64 / offered.max(1) as f64;
    match expander {
        Expander::First | Expander::Random => 0.0,
        Expander::LeastWaste => unused(taken.cpu.0, offered.cpu.0) + unused(taken.memory.0, offered.memory.0),
        Expander::MostReplicas => -f64::from(choice.taken.iter().sum::<u32>()),
        Expander::Priority => -f64::from(pool.priority),
        Expander::Price => {
            let gib = taken.memory.0 as f64 / f64::from(1 << 30);
            pool.price_per_hour.0 * f64::from(choice.nodes) / (taken.cpu.cores() + gib / GIB_PER_CORE).max(1e-9)
        }
    }
}

/// One of the options, each with the same chance.
fn pick(mut options: Vec<Choice>, stream: &mut Stream) -> Option<Choice> {
    match options.len() {
        0 => None,
        1 => options.pop(),
        count => Some(options.swap_remove(stream.random_range(0..count))),
    }
}
