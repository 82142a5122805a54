//! How many replicas of each service an empty cluster could hold: what labels, taints and node sizes allow, and what was
//! learned of single nodes.
//!
//! What declarations allow does not change while a policy lives, so it is worked out once. What is free on single nodes no
//! policy is told: a cluster whose nodes have a little left each has room by the sum of it and none for a replica. It shows in
//! replicas that wait for a node and go on waiting although nothing is about to leave and no node about to come. Then the
//! cluster holds no more of that service than it has bound, until something leaves it or its nodes change; without this, the
//! same place would be planned again and again. Only where another cluster has room; otherwise waiting is all there is.

use crate::model::check::loads;
use crate::model::scenario::Known;
use crate::model::{ClusterId, ClusterView, Delay, Phase, Resources, ServiceId, Snapshot, Table, Targets};
use crate::units::Span;
use std::sync::Arc;

/// How long a replica may wait for a node, beyond what new nodes need to come: kube-scheduler tries again after five minutes
/// at the latest (`podMaxInUnschedulablePodsDuration`), and sooner when anything changes in the cluster.
const PATIENCE: Span = Span::seconds(300);

/// Room by service and cluster; zero where the service may not run at all.
#[derive(Debug, Clone)]
pub struct Rooms {
    known: Arc<Known>,
    declared: Table<ServiceId, Table<ClusterId, u32>>,
    clogs: Vec<Clog>,
}

/// A cluster whose nodes have no room for more replicas of a service, whatever their sum is.
#[derive(Debug, Clone, PartialEq)]
pub struct Clog {
    service: ServiceId,
    cluster: ClusterId,
    /// Replicas that are bound.
    most: u32,
    allocatable: Resources,
    allocated: Resources,
}

impl Rooms {
    /// The rooms of the world that `snapshot` shows, from `cache` if they are that world's: what was declared.
    pub fn of_world<'a>(cache: &'a mut Option<Self>, snapshot: &Snapshot) -> &'a Self {
        let cached = cache.take().filter(|rooms| Arc::ptr_eq(&rooms.known, &snapshot.known));
        cache.insert(cached.unwrap_or_else(|| Self::new(&snapshot.known)))
    }

    /// The same, and what the snapshot and those before it show of single nodes.
    pub fn learned<'a>(cache: &'a mut Option<Self>, snapshot: &Snapshot) -> &'a Self {
        let cached = cache.take().filter(|rooms| Arc::ptr_eq(&rooms.known, &snapshot.known));
        let rooms = cache.insert(cached.unwrap_or_else(|| Self::new(&snapshot.known)));
        rooms.learn(snapshot);
        rooms
    }

    /// Replicas of `service` that `cluster` could hold were it empty and every pool at its largest, or that it holds where it
    /// is known to have no room for more.
    pub fn of(&self, service: ServiceId, cluster: ClusterId) -> u32 {
        let clog = self.clogs.iter().find(|clog| (clog.service, clog.cluster) == (service, cluster));
        clog.map_or(u32::MAX, |clog| clog.most).min(self.declared[service][cluster])
    }

    /// Whether nodes of `cluster` may run `service` at all.
    pub fn admit(&self, service: ServiceId, cluster: ClusterId) -> bool {
        self.declared[service][cluster] > 0
    }

    /// What is known of single nodes.
    pub fn clogs(&self) -> &[Clog] {
        &self.clogs
    }

    fn new(known: &Arc<Known>) -> Self {
        let services = known.application.services.values();
        let rooms = services.map(|service| {
            let room = |cluster| service.terms.room_max(cluster, service.request).unwrap_or(0);
            known.clusters.values().map(|cluster| u32::try_from(room(cluster)).unwrap_or(u32::MAX)).collect()
        });
        Self { declared: rooms.collect(), known: Arc::clone(known), clogs: Vec::new() }
    }

    /// Forgets what may have changed, and takes in what shows.
    fn learn(&mut self, snapshot: &Snapshot) {
        self.clogs.retain(|clog| clog.holds(snapshot));
        for service in snapshot.known.application.requests() {
            if snapshot.service(service).pinned {
                continue;
            }
            let waiting = snapshot.services[service]
                .replicas
                .iter()
                .filter(|group| group.phase == Phase::Pending && group.count > 0);
            for group in waiting {
                let is_known = self.clogs.iter().any(|clog| (clog.service, clog.cluster) == (service, group.cluster));
                let age = snapshot.at.since(group.since);
                if !is_known
                    && age > PATIENCE + nodes_come_within(snapshot, group.cluster)
                    && !is_about_to_change(snapshot, group.cluster)
                    && self.has_room_elsewhere(snapshot, (service, group.cluster))
                {
                    self.clogs.push(Clog::new(snapshot, (service, group.cluster)));
                }
            }
        }
    }

    fn has_room_elsewhere(&self, snapshot: &Snapshot, (service, here): (ServiceId, ClusterId)) -> bool {
        let loads = loads(snapshot, &snapshot.targets);
        let request = snapshot.service(service).request;
        snapshot.clusters.iter().any(|(cluster, view)| {
            cluster != here
                && view.reachable
                && self.of(service, cluster) > snapshot.targets.get(service, cluster)
                && view.allocatable_max.fits(loads[cluster] + request)
        })
    }
}

impl Clog {
    fn new(snapshot: &Snapshot, (service, cluster): (ServiceId, ClusterId)) -> Self {
        let ClusterView { allocatable, allocated, .. } = snapshot.clusters[cluster];
        Self { service, cluster, most: bound(snapshot, (service, cluster)), allocatable, allocated }
    }

    /// Whether nothing has left since, and no more replicas are bound than there were.
    fn holds(&self, snapshot: &Snapshot) -> bool {
        let view = &snapshot.clusters[self.cluster];
        view.allocatable == self.allocatable
            && view.allocated.fits(self.allocated)
            && bound(snapshot, (self.service, self.cluster)) <= self.most
    }
}

/// Replicas of `service` that have a node in `cluster`.
fn bound(snapshot: &Snapshot, (service, cluster): (ServiceId, ClusterId)) -> u32 {
    let here = snapshot.services[service].replicas.iter().filter(|group| group.cluster == cluster);
    here.filter(|group| group.phase != Phase::Pending).map(|group| group.count).sum()
}

/// Whether replicas are there that are to leave: what waits may wait for them.
fn is_about_to_change(snapshot: &Snapshot, cluster: ClusterId) -> bool {
    let is_leaving =
        |targets: &Targets, service: ServiceId| bound(snapshot, (service, cluster)) > targets.get(service, cluster);
    snapshot.services.ids().any(|service| is_leaving(&snapshot.targets, service))
}

/// How long nodes take that the cluster may still get.
fn nodes_come_within(snapshot: &Snapshot, cluster: ClusterId) -> Span {
    let view = &snapshot.clusters[cluster];
    if view.allocatable == view.allocatable_max {
        return Span::ZERO;
    }
    let boots = snapshot.cluster(cluster).pools.values().map(|pool| match pool.boot {
        Delay::Fixed(span) => span,
        Delay::Uniform { max, .. } => max,
        Delay::Exponential { mean } => mean + mean + mean,
        Delay::LogNormal { p95, .. } => p95,
    });
    boots.max().unwrap_or(Span::ZERO)
}
