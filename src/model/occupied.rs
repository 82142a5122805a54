//! Room of a pool that others than the application hold: daemons on every node, pods that were there before.

use super::cluster::Pool;
use super::resources::Resources;

/// What others hold on the nodes of a pool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Occupied {
    /// On every node, those that come later included.
    pub each: Resources,
    /// Besides, on the nodes that are there at the start, from the first on: so many nodes in a row hold so much.
    pub groups: Vec<(u32, Resources)>,
}

impl Occupied {
    /// What others besides [`each`](Self::each) hold on the node that is number `index`, from 0, at the start.
    pub fn at_start(&self, index: u32) -> Resources {
        let mut end = 0u32;
        let holds = |(count, _): &&(u32, Resources)| {
            end = end.saturating_add(*count);
            index < end
        };
        self.groups.iter().find(holds).map_or(Resources::ZERO, |(_, amount)| *amount)
    }
}

impl Pool {
    /// What a node that comes later offers to replicas.
    pub fn offered_later(&self) -> Resources {
        self.shape.saturating_sub(self.occupied.each)
    }

    /// What its nodes offer to replicas with the pool at its largest: so many nodes, so much each.
    pub fn offered_max(&self) -> impl Iterator<Item = (u32, Resources)> {
        let later = self.offered_later();
        let occupied: u32 = self.occupied.groups.iter().map(|(count, _)| *count).sum();
        let groups = self.occupied.groups.iter().map(move |(count, amount)| (*count, later.saturating_sub(*amount)));
        groups
            .chain([(self.nodes_max.saturating_sub(occupied), later)])
            .filter(|(count, _)| *count > 0 || self.nodes_max == 0)
    }
}
