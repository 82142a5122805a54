//! How many replicas of each service an empty cluster could hold: what labels, taints and node sizes allow.
//!
//! It follows from declarations alone, which do not change while a policy lives, so it is worked out once.

use crate::model::scenario::Known;
use crate::model::{ClusterId, ServiceId, Snapshot, Table};
use std::sync::Arc;

/// Room by service and cluster; zero where the service may not run at all.
#[derive(Debug, Clone)]
pub struct Rooms {
    known: Arc<Known>,
    rooms: Table<ServiceId, Table<ClusterId, u32>>,
}

impl Rooms {
    /// The rooms of the world that `snapshot` shows, from `cache` if they are that world's.
    pub fn of_world<'a>(cache: &'a mut Option<Self>, snapshot: &Snapshot) -> &'a Self {
        let cached = cache.take().filter(|rooms| Arc::ptr_eq(&rooms.known, &snapshot.known));
        cache.insert(cached.unwrap_or_else(|| Self::new(&snapshot.known)))
    }

    /// Replicas of `service` that `cluster` could hold were it empty and every pool at its largest.
    pub fn of(&self, service: ServiceId, cluster: ClusterId) -> u32 {
        self.rooms[service][cluster]
    }

    fn new(known: &Arc<Known>) -> Self {
        let services = known.application.services.values();
        let rooms = services.map(|service| {
            let room = |cluster| service.terms.room_max(cluster, service.request).unwrap_or(0);
            known.clusters.values().map(|cluster| u32::try_from(room(cluster)).unwrap_or(u32::MAX)).collect()
        });
        Self { rooms: rooms.collect(), known: Arc::clone(known) }
    }
}
