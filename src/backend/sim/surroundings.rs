//! Carbon and prices over time: what was used until a change counts at the old ones.
//!
//! Sites whose regions change at the same instant are brought up to it together, by one event: a year of 5-minute steps at
//! 100 sites is ten million changes, and waking each by its own event would cost more than the accounts do.

use super::event::Event;
use super::world::World;
use crate::model::ClusterId;
use crate::units::Time;

impl World {
    /// Prices or carbon of regions change now.
    pub(super) fn on_environment_changed(&mut self) {
        let now = self.now();
        let sites = self.environment_due.remove(&now).expect("an event is scheduled for each instant that has sites");
        // Each change counts as one, however many of them there are at once.
        self.events += sites.len() as u64 - 1;
        self.settle_all();
        for cluster in sites {
            let site = &mut self.sites[cluster];
            site.settle(now);
            let until = site.look_out(now);
            self.plan_environment(cluster, until);
        }
    }

    /// Wakes a site when its environment changes.
    pub(super) fn plan_environment(&mut self, cluster: ClusterId, at: Option<Time>) {
        let Some(at) = at else { return };
        let sites = self.environment_due.entry(at).or_default();
        sites.push(cluster);
        if sites.len() == 1 {
            self.schedule_at(at, Event::EnvironmentChanged);
        }
    }
}
