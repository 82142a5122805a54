//! From what was seen to what a policy is shown: the live counterpart of simulated telemetry.

use super::karmada::binding::Shares;
use super::karmada::store::Stored;
use super::world::{Site, World};
use crate::model::environment::Environment;
use crate::model::observation::Action;
use crate::model::plan::Target;
use crate::model::{
    ClusterId, ClusterView, Phase, ReplicaGroup, Resources, Seen, ServiceId, ServiceView, Snapshot, Targets,
};
use crate::units::{Span, Time};

impl World {
    /// What a policy may know at `at`.
    pub fn snapshot(
        &self,
        environment: &Environment,
        (targets, under_way): (Targets, Vec<Action>),
        at: Time,
    ) -> Snapshot {
        let clusters = self.sites.iter().map(|(id, site)| self.cluster_view(environment, (id, site), at)).collect();
        let services = self.workloads.ids().map(|service| self.service_view(service, at)).collect();
        let known = self.known.clone();
        Snapshot { at, is_tick: true, known, clusters, services, targets, under_way, foreseen: None }
    }

    fn cluster_view(&self, environment: &Environment, (id, site): (ClusterId, &Site), at: Time) -> ClusterView {
        let declared = &self.known.clusters[id];
        let factor = environment.price_factor_at(&declared.region, at);
        let per_core = |pool: &crate::model::Pool| pool.price_per_hour.0 / pool.shape.cpu.cores().max(1e-9);
        let cheapest = declared.pools.values().map(per_core).fold(f64::INFINITY, f64::min);
        let reachable = site.cluster.is_some() && !site.reach.is_lost();
        // Nodes that others have filled are no room; what the inventory declares beyond what is there is none either, unless its
        // pools may grow.
        let offered = site
            .cluster
            .as_ref()
            .and_then(|seen| seen.allocatable)
            .map(|allocatable| allocatable.saturating_sub(site.others.value.unwrap_or(allocatable)));
        let offered = offered.filter(|_| reachable).unwrap_or(Resources::ZERO);
        let grows = declared.pools.values().any(|pool| pool.nodes_max > pool.nodes);
        let others = site.others.value.unwrap_or(Resources::ZERO);
        let grown = declared.capacity_max().saturating_sub(others);
        let whole = if grows { offered + grown.saturating_sub(offered) } else { offered };
        ClusterView {
            reachable,
            allocatable: offered,
            allocatable_max: if reachable { whole } else { Resources::ZERO },
            allocated: self.held(id),
            nodes: site.cluster.as_ref().map_or(0, |seen| seen.nodes),
            price_per_core_hour: if cheapest.is_finite() { cheapest * factor } else { 0.0 },
            carbon: Seen::now(environment.carbon_of(&declared.region).at(at), at),
        }
    }

    fn service_view(&self, service: ServiceId, at: Time) -> ServiceView {
        let (workload, measured) = (&self.workloads[service], &self.measured[service]);
        let group = |((cluster, phase), (count, since)): (&(ClusterId, Phase), &(u32, Time))| ReplicaGroup {
            cluster: *cluster,
            phase: *phase,
            started: *since,
            since: *since,
            count: *count,
        };
        let conditional = self.known.application.conditions.iter().any(|(one, _)| *one == service);
        ServiceView {
            rate: fresh(measured.rate, at),
            served: fresh(measured.served, at),
            latency_p95: fresh(measured.latency_p95, at),
            cpu_used: measured.cpu_used.iter().map(|(cluster, seen)| (*cluster, fresh(*seen, at))).collect(),
            replicas: workload.groups.iter().map(group).collect(),
            tasks: 0,
            dormant: conditional && !self.awake[service],
        }
    }
}

/// What is wanted at the start: what was stored, or else what is.
pub fn targets_at_start(world: &World, stored: &Stored) -> Targets {
    let of = |service: ServiceId| {
        let wish = stored.wishes.get(&world.connection.services[service].workload);
        wish.map_or_else(|| asked(world, service), |wish| wish.wanted.clone())
    };
    targets(world, of)
}

/// What is asked for at present, whoever asked.
pub fn observed_targets(world: &World) -> Targets {
    targets(world, |service| asked(world, service))
}

fn asked(world: &World, service: ServiceId) -> Shares {
    world.workloads[service].binding.as_ref().map_or_else(Shares::new, |binding| binding.clusters.clone())
}

fn targets(world: &World, shares: impl Fn(ServiceId) -> Shares) -> Targets {
    let of = |service: ServiceId| {
        let shares = shares(service).into_iter();
        shares.filter_map(move |(name, replicas)| Some(Target { service, cluster: world.cluster_id(&name)?, replicas }))
    };
    world.workloads.ids().flat_map(of).collect()
}

/// A measurement that is older says nothing of the present.
const STALE_AFTER: Span = Span(120_000_000_000);

/// The value, unless it is too old to be one.
pub(super) fn fresh<T>(seen: Seen<T>, at: Time) -> Seen<T> {
    let stale = seen.age(at) > STALE_AFTER;
    Seen { value: seen.value.filter(|_| !stale), at: seen.at }
}
