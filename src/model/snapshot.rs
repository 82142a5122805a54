//! What a policy may know at one instant: telemetry and declarations, never the truth.

use super::id::{ClusterId, ServiceId, Table};
use super::observation::Action;
use super::plan::Targets;
use super::resources::Resources;
use super::scenario::Known;
use crate::units::{MilliCores, Rate, Span, Time};
use std::sync::Arc;

/// A value with its age. `None` was never seen, or is not seen any more; missing is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<T> {
    /// The value.
    pub value: Option<T>,
    /// When it was true; without a value, when it was last asked for.
    pub at: Time,
}

impl<T> Seen<T> {
    /// Never seen.
    pub const NEVER: Self = Self { value: None, at: Time::ZERO };

    /// Seen at `at`.
    pub const fn now(value: T, at: Time) -> Self {
        Self { value: Some(value), at }
    }

    /// How old the value is at `now`.
    pub const fn age(&self, now: Time) -> Span {
        now.since(self.at)
    }
}

/// Everything that a policy may know.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Now: virtual or wall-clock time.
    pub at: Time,
    /// Whether the control interval is over; otherwise the policy is asked between two ticks, because tasks have come or
    /// gone.
    pub is_tick: bool,
    /// What was declared.
    pub known: Arc<Known>,
    /// The clusters as they are seen.
    pub clusters: Table<ClusterId, ClusterView>,
    /// The services as they are seen.
    pub services: Table<ServiceId, ServiceView>,
    /// What is asked for at present: the last applied plan.
    pub targets: Targets,
    /// What was asked for and has not shown up yet.
    pub under_way: Vec<Action>,
    /// The future, where a simulated world shows it to a policy that asks for it (a clairvoyant yardstick); `None`
    /// everywhere else.
    pub foreseen: Option<Foreseen>,
}

/// The true rates of the time ahead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// Up to when they are known.
    pub until: Time,
    /// Of each service: from when on it gets which rate. The first entry is the present.
    pub rates: Table<ServiceId, Vec<(Time, Rate)>>,
}

/// One cluster as it is seen.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterView {
    /// Whether the control plane calls it ready.
    pub reachable: bool,
    /// What its ready nodes offer, without what others than this application hold.
    pub allocatable: Resources,
    /// The same with every pool at its largest and every node healthy.
    pub allocatable_max: Resources,
    /// What replicas of this application hold there: bound to a node, whatever their phase.
    pub allocated: Resources,
    /// Ready nodes of all pools.
    pub nodes: u32,
    /// Price of one core for one hour on this cluster's cheapest pool at present, in dollars.
    pub price_per_core_hour: f64,
    /// Carbon intensity of its grid in g CO₂e per kWh.
    pub carbon: Seen<f64>,
}

/// One service as it is seen.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceView {
    /// Requests that arrive, over all clusters, those that are dropped included.
    pub rate: Seen<Rate>,
    /// Requests that are answered, over all clusters.
    pub served: Seen<Rate>,
    /// 95th percentile of the latency, where the service is an entry.
    pub latency_p95: Seen<Span>,
    /// CPU used by the ready replicas of a cluster, together.
    pub cpu_used: Vec<(ClusterId, Seen<MilliCores>)>,
    /// Replicas by cluster, phase and time, sorted by cluster. Tasks are told apart by cluster and phase only.
    pub replicas: Vec<ReplicaGroup>,
    /// For a class of tasks: how many there are, those that wait for a place included.
    pub tasks: u32,
    /// Whether it waits for its event ([`condition`](super::condition)): nothing of it is wanted until then.
    pub dormant: bool,
}

/// Where a replica is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No node has room.
    Pending,
    /// On a node: pulling its image or starting.
    Starting,
    /// Serving.
    Ready,
    /// Told to end, finishing what it has.
    Draining,
}

/// Replicas of one service that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplicaGroup {
    /// Where.
    pub cluster: ClusterId,
    /// Phase.
    pub phase: Phase,
    /// When they were bound to their nodes (Kubernetes: start time); for pending ones, when they were asked for.
    pub started: Time,
    /// When their phase last changed.
    pub since: Time,
    /// How many.
    pub count: u32,
}

impl ServiceView {
    /// Replicas in `phase`, in all clusters.
    pub fn count(&self, phase: Phase) -> u32 {
        self.replicas.iter().filter(|group| group.phase == phase).map(|group| group.count).sum()
    }

    /// Replicas in `phase` in one cluster.
    pub fn count_in(&self, cluster: ClusterId, phase: Phase) -> u32 {
        self.replicas
            .iter()
            .filter(|group| group.cluster == cluster && group.phase == phase)
            .map(|group| group.count)
            .sum()
    }

    /// Cores in use over all clusters; nothing where one with ready replicas does not tell: a part of it is no sum.
    pub fn cores_used(&self) -> Option<f64> {
        let tells = |group: &ReplicaGroup| self.cpu_used.iter().any(|(cluster, _)| *cluster == group.cluster);
        let mut serving = self.replicas.iter().filter(|group| group.phase == Phase::Ready && group.count > 0);
        if self.cpu_used.is_empty() || !serving.all(tells) {
            return None;
        }
        self.cpu_used.iter().map(|(_, cpu)| cpu.value.map(MilliCores::cores)).sum()
    }
}

impl Snapshot {
    /// What `service` asks for, declared.
    pub fn service(&self, service: ServiceId) -> &super::Service {
        &self.known.application.services[service]
    }

    /// The least and the most replicas that `service` may have now: none while it waits for its event.
    pub fn bounds(&self, service: ServiceId) -> (u32, u32) {
        let declared = self.service(service);
        if self.services[service].dormant { (0, 0) } else { (declared.replicas_min, declared.replicas_max) }
    }

    /// The declared cluster.
    pub fn cluster(&self, cluster: ClusterId) -> &super::Cluster {
        &self.known.clusters[cluster]
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, ReplicaGroup, Seen, ServiceView};
    use crate::model::ClusterId;
    use crate::units::{MilliCores, Time};

    /// Two ready replicas in each of two clusters. Half of what they use is no measure of what all of them use.
    #[test]
    fn cores_of_a_cluster_that_does_not_tell_are_not_nought() {
        let ready = |cluster| ReplicaGroup {
            cluster: ClusterId(cluster),
            phase: Phase::Ready,
            started: Time::ZERO,
            since: Time::ZERO,
            count: 2,
        };
        let used = |told: Vec<(u32, Option<u64>)>| {
            let cpu = |(cluster, value): (u32, Option<u64>)| {
                (ClusterId(cluster), Seen { value: value.map(MilliCores), at: Time::ZERO })
            };
            let view = ServiceView {
                rate: Seen::NEVER,
                served: Seen::NEVER,
                latency_p95: Seen::NEVER,
                cpu_used: told.into_iter().map(cpu).collect(),
                replicas: vec![ready(0), ready(1)],
                tasks: 0,
                dormant: false,
            };
            view.cores_used()
        };
        assert_eq!(used(vec![(0, Some(1_500)), (1, Some(500))]), Some(2.0));
        assert_eq!(used(vec![(0, Some(1_500))]), None, "nothing is known of the second cluster");
        assert_eq!(used(vec![(0, Some(1_500)), (1, None)]), None);
        assert_eq!(used(Vec::new()), None);
    }
}
