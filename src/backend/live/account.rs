//! What a live run adds up: the same sums as a simulated one, as far as somebody measures them.
//!
//! What is seen counts from one look to the next as it was seen at the later one. What nobody measures (drops, backlog, energy)
//! is not counted as zero: [`Totals::partial`] says so, and the record writes `null`, as it does where nobody measured a service for
//! more than a moment of the run. The price of nodes is the inventory's; how many
//! there are is what was seen.

use super::views::fresh;
use super::world::{Measured, World};
use crate::model::environment::Environment;
use crate::model::figures::{Unknown, is_moment};
use crate::model::observation::{
    Amount, ClusterSample, ClusterTotals, Flow, Partial, PlacementSample, Sample, ServiceSample, ServiceTotals, Totals,
};
use crate::model::{ClusterId, Phase, Seen, ServiceId, Slo, Table, Targets};
use crate::units::{MilliCores, Rate, Span, Time};

/// The sums so far.
#[derive(Debug, Clone)]
pub struct Account {
    /// Since when it is added up: what went before, as that the run connected, belongs to nothing.
    began: Time,
    at: Time,
    services: Table<ServiceId, ServiceSums>,
    clusters: Table<ClusterId, ClusterSums>,
    violating: Violating,
    targets: Targets,
    moves: u64,
    replica_changes: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct ServiceSums {
    offered: u128,
    served: u128,
    ready_seconds: f64,
    core_seconds: f64,
    violated: Span,
    unknown: Unknown,
    /// The same at the last sample.
    sampled: (u128, u128, Span),
}

#[derive(Debug, Clone, Copy, Default)]
struct ClusterSums {
    node_seconds: f64,
    cost: f64,
    allocated_seconds: f64,
    amounts: [Amount; 3],
}

/// For how long some entry service broke its SLO.
#[derive(Debug, Clone, Copy, Default)]
struct Violating {
    total: Span,
    running: Span,
    longest: Span,
}

impl Account {
    /// Nothing yet, from `at` on.
    pub fn new(world: &World, targets: Targets, at: Time) -> Self {
        Self {
            began: at,
            at,
            services: Table::build(world.workloads.len(), |_| ServiceSums::default()),
            clusters: Table::build(world.sites.len(), |_| ClusterSums::default()),
            violating: Violating::default(),
            targets,
            moves: 0,
            replica_changes: 0,
        }
    }

    /// What is asked for is so from now on.
    pub fn on_targets(&mut self, targets: &Targets) {
        for service in self.targets.changed(targets) {
            self.moves += u64::from(crate::model::rails::moved(&self.targets, targets, service));
            for cluster in self.clusters.ids() {
                let change = self.targets.get(service, cluster).abs_diff(targets.get(service, cluster));
                self.replica_changes += u64::from(change);
            }
        }
        self.targets = targets.clone();
    }

    /// Adds up what was from the last look until `at`.
    pub fn look(&mut self, world: &World, environment: &Environment, at: Time) {
        let span = at.since(self.at);
        self.at = at;
        let mut broken = false;
        for (service, sums) in self.services.iter_mut() {
            let measured = &world.measured[service];
            let flow =
                |seen: Seen<Rate>| u128::from(fresh(seen, at).value.unwrap_or(Rate::ZERO).0) * u128::from(span.0);
            sums.offered += flow(measured.rate);
            sums.served += flow(measured.served);
            sums.ready_seconds += f64::from(ready(world, service, None)) * span.as_seconds_f64();
            // One that is to have no replicas does nothing that could be measured.
            if self.targets.total(service) > 0 {
                sums.note_unknown(measured, has_cpu(world, service, at), (span, at));
            }
            let cores: f64 =
                measured.cpu_used.values().filter_map(|seen| fresh(*seen, at).value).map(MilliCores::cores).sum();
            sums.core_seconds += cores * span.as_seconds_f64();
            if breaks(world.known.application.services[service].slo, fresh(measured.latency_p95, at)) {
                sums.violated += span;
                broken = true;
            }
        }
        self.violating.note(broken, span);
        for (cluster, sums) in self.clusters.iter_mut() {
            sums.add(world, environment, (cluster, span, at));
        }
    }

    /// A sample for the series.
    pub fn sample(&mut self, world: &World, environment: &Environment, at: Time) -> Sample {
        self.look(world, environment, at);
        let services = world.workloads.ids().map(|service| self.sample_service(world, service, at)).collect();
        let pairs = world.workloads.ids().flat_map(|service| world.sites.ids().map(move |cluster| (service, cluster)));
        Sample {
            at,
            services,
            placements: pairs.filter_map(|(service, cluster)| self.sample_placement(world, service, cluster)).collect(),
            clusters: world.sites.ids().map(|cluster| self.sample_cluster(world, environment, (cluster, at))).collect(),
            tasks: None,
        }
    }

    fn sample_service(&mut self, world: &World, service: ServiceId, at: Time) -> ServiceSample {
        let (measured, declared) = (&world.measured[service], &world.known.application.services[service]);
        let (rate, served, latency) =
            (fresh(measured.rate, at), fresh(measured.served, at), fresh(measured.latency_p95, at));
        let sums = &mut self.services[service];
        let (_, _, violated) = std::mem::replace(&mut sums.sampled, (sums.offered, sums.served, sums.violated));
        let capacity = world.sites.ids().map(|cluster| {
            let declared_cluster = &world.known.clusters[cluster];
            let replicas = ready(world, service, Some(cluster));
            declared.capacity.of(&declared_cluster.class).at(replicas, declared_cluster.speed)
        });
        let promised = declared.slo.filter(|_| latency.value.is_some());
        ServiceSample {
            service,
            offered: rate.value,
            served: served.value,
            dropped: None,
            backlog: f64::NAN,
            capacity: capacity.sum(),
            latency: None,
            slo_violated: promised.map(|_| if sums.violated > violated { 1.0 } else { 0.0 }),
            rate_seen: rate.value,
            rate_age: rate.value.map(|_| rate.age(at)),
        }
    }

    fn sample_placement(&self, world: &World, service: ServiceId, cluster: ClusterId) -> Option<PlacementSample> {
        let target = self.targets.get(service, cluster);
        let count = |phase| world.workloads[service].groups.get(&(cluster, phase)).map_or(0, |(count, _)| *count);
        let [ready, pending, starting] = [Phase::Ready, Phase::Pending, Phase::Starting].map(count);
        (target + ready + pending + starting > 0).then_some(PlacementSample {
            service,
            cluster,
            target,
            ready,
            pending,
            starting,
            cpu_seconds: f64::NAN,
            offered: None,
            served: None,
            backlog: f64::NAN,
            latency_own: None,
        })
    }

    fn sample_cluster(
        &self,
        world: &World,
        environment: &Environment,
        (cluster, at): (ClusterId, Time),
    ) -> ClusterSample {
        let site = &world.sites[cluster];
        let seen = site.cluster.as_ref();
        let offered = seen.and_then(|seen| seen.allocatable).unwrap_or_default();
        let held = world.held(cluster);
        let used = world.measured.values().filter_map(|measured| fresh(*measured.cpu_used.get(&cluster)?, at).value);
        let used: Vec<f64> = used.map(MilliCores::cores).collect();
        ClusterSample {
            cluster,
            up: seen.is_some() && !site.reach.is_lost(),
            nodes: seen.map_or(0, |seen| seen.nodes),
            nodes_used: 0,
            cpu_allocatable: offered.cpu.cores(),
            cpu_allocatable_used: f64::NAN,
            cpu_requested: held.cpu.cores(),
            cpu_used: if used.is_empty() { f64::NAN } else { used.iter().sum() },
            memory_allocatable: offered.memory,
            memory_requested: held.memory,
            gpu_allocatable: offered.gpu,
            gpu_requested: held.gpu,
            tasks_running: 0,
            power: f64::NAN,
            carbon_intensity: environment.carbon_of(&world.known.clusters[cluster].region).at(at),
            cost: self.clusters[cluster].cost,
            energy: f64::NAN,
            carbon: f64::NAN,
        }
    }

    /// The sums at the end.
    pub fn totals(&self, world: &World) -> Totals {
        let span = self.at.since(self.began);
        let by_service: Vec<ServiceTotals> =
            self.services.iter().map(|(service, sums)| of_service(world, (service, sums), span)).collect();
        let mut requests = Flow::default();
        for row in by_service.iter().filter(|row| row.entry) {
            requests += row.flow;
        }
        Totals {
            span,
            partial: Some(partial(world)),
            requests,
            by_service,
            by_cluster: self
                .clusters
                .iter()
                .map(|(cluster, sums)| sums.totals(cluster, span.as_seconds_f64()))
                .collect(),
            slo_violation_time: share(self.violating.total, span),
            slo_violation_longest: self.violating.longest.max(self.violating.running),
            moves: self.moves,
            replica_changes: self.replica_changes,
            ..Totals::default()
        }
    }
}

/// What the connection measures.
fn partial(world: &World) -> Partial {
    let services = || world.connection.services.iter();
    let promised = |id: ServiceId| world.known.application.services[id].slo.is_some();
    Partial {
        served: services().all(|(_, one)| one.served.is_some()),
        latency: services().all(|(id, one)| one.latency_p95.is_some() || !promised(id)),
    }
}

fn of_service(world: &World, (service, sums): (ServiceId, &ServiceSums), span: Span) -> ServiceTotals {
    let declared = &world.known.application.services[service];
    let counterpart = &world.connection.services[service];
    let unknown = sums.unknown;
    let has_latency = counterpart.latency_p95.is_some() && is_moment(unknown.latency, span);
    let has_cpu = counterpart.cpu_used.is_some() && is_moment(unknown.cpu, span);
    ServiceTotals {
        service,
        entry: world.known.application.calls.iter().all(|call| call.to != service),
        flow: Flow { offered: sums.offered, served: sums.served, ..Flow::default() },
        replica_hours: sums.ready_seconds / 3600.0,
        slo_violation_time: declared.slo.filter(|_| has_latency).map(|_| share(sums.violated, span)),
        latency: None,
        cpu_hours: if has_cpu { sums.core_seconds / 3600.0 } else { f64::NAN },
        unknown,
        elasticity: None,
    }
}

/// A part of a run.
fn share(part: Span, whole: Span) -> f64 {
    let seconds = whole.as_seconds_f64();
    if seconds > 0.0 { part.as_seconds_f64() / seconds } else { 0.0 }
}

/// Replicas that serve, in one cluster or in all.
fn ready(world: &World, service: ServiceId, cluster: Option<ClusterId>) -> u32 {
    let groups = world.workloads[service].groups.iter();
    // What a lost cluster had is not known to serve.
    let is_there = |at: ClusterId| !world.sites[at].reach.is_lost();
    let here = groups.filter(|((at, phase), _)| {
        *phase == Phase::Ready && is_there(*at) && cluster.is_none_or(|cluster| cluster == *at)
    });
    here.map(|(_, (count, _))| count).sum()
}

/// Whether a promise is broken at present; what is not measured is not.
fn breaks(slo: Option<Slo>, latency: Seen<Span>) -> bool {
    slo.zip(latency.value).is_some_and(|(slo, latency)| latency > slo.latency)
}

/// Whether the CPU of all replicas that serve is measured; that of a cluster which is lost, as far as it goes.
fn has_cpu(world: &World, service: ServiceId, at: Time) -> bool {
    let measured = &world.measured[service].cpu_used;
    let is_measured = |cluster| measured.get(&cluster).is_some_and(|seen| fresh(*seen, at).value.is_some());
    let serves = |cluster| ready(world, service, Some(cluster)) > 0 && !world.sites[cluster].reach.is_lost();
    world.sites.ids().all(|cluster| !serves(cluster) || is_measured(cluster))
}

impl ServiceSums {
    /// Notes what nobody measured for `span`. Without requests there is none that could be answered, or late.
    fn note_unknown(&mut self, measured: &Measured, has_cpu: bool, (span, at): (Span, Time)) {
        let rate = fresh(measured.rate, at).value;
        let is_idle = rate == Some(Rate::ZERO);
        let all = [
            (&mut self.unknown.rate, rate.is_none()),
            (&mut self.unknown.served, !is_idle && fresh(measured.served, at).value.is_none()),
            (&mut self.unknown.latency, !is_idle && fresh(measured.latency_p95, at).value.is_none()),
            (&mut self.unknown.cpu, !has_cpu),
        ];
        for (sum, _) in all.into_iter().filter(|(_, is_unknown)| *is_unknown) {
            *sum += span;
        }
    }
}

impl Violating {
    fn note(&mut self, broken: bool, span: Span) {
        if broken {
            self.total += span;
            self.running += span;
        } else {
            self.running = Span::ZERO;
        }
        self.longest = self.longest.max(self.running);
    }
}

impl ClusterSums {
    fn add(&mut self, world: &World, environment: &Environment, (cluster, span, at): (ClusterId, Span, Time)) {
        let (seconds, declared) = (span.as_seconds_f64(), &world.known.clusters[cluster]);
        let Some(seen) = &world.sites[cluster].cluster else { return };
        let (mut nodes, mut price) = (0.0, 0.0);
        for pool in declared.pools.values() {
            nodes += f64::from(pool.nodes);
            price += f64::from(pool.nodes) * pool.price_per_hour.0;
        }
        // The mix of pools is not seen from outside: the declared one, as many nodes as there are.
        let each = if nodes > 0.0 { price / nodes } else { 0.0 };
        let factor = environment.price_factor_at(&declared.region, at);
        self.node_seconds += f64::from(seen.nodes) * seconds;
        self.cost += f64::from(seen.nodes) * each * factor * seconds / 3600.0;
        let (held, offered) = (world.held(cluster).amounts(), seen.allocatable.unwrap_or_default().amounts());
        for (index, amount) in self.amounts.iter_mut().enumerate() {
            amount.requested += held[index] as f64 * seconds;
            amount.offered += offered[index] as f64 * seconds;
        }
        self.allocated_seconds += if offered[0] > 0 { held[0] as f64 / offered[0] as f64 * seconds } else { 0.0 };
    }

    fn totals(&self, cluster: ClusterId, seconds: f64) -> ClusterTotals {
        ClusterTotals {
            cluster,
            node_hours: self.node_seconds / 3600.0,
            cost_nodes: self.cost,
            cost_egress: f64::NAN,
            cost_allocated: f64::NAN,
            energy: f64::NAN,
            carbon: f64::NAN,
            cpu_allocation: if seconds > 0.0 { self.allocated_seconds / seconds } else { 0.0 },
            amounts: self.amounts,
        }
    }
}

#[cfg(test)]
mod tests;
