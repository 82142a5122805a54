//! What is told of the world from time to time, and the sums at its end. Here the truth comes out, for reports only.

use super::telemetry::mean_rate;
use super::world::World;
use crate::model::figures::Unknown;
use crate::model::observation::{
    Amount, ClusterSample, ClusterTotals, Elasticity, Flow, PlacementSample, Sample, ServiceSample, ServiceTotals,
    Totals,
};
use crate::model::{ClusterId, Observation, Phase, ServiceId};
use crate::units::{MilliCores, Rate, Span};

impl World {
    /// The series get a sample.
    pub(super) fn on_sampled(&mut self) {
        let sample = self.sample();
        self.note_packing(&sample.clusters);
        self.outbox.push_back(Observation::Sampled(Box::new(sample)));
    }

    fn sample(&mut self) -> Sample {
        self.settle_all();
        for cluster in self.sites.ids() {
            self.settle_site(cluster);
        }
        let span = self.now() - self.sampled_at;
        let known = std::sync::Arc::clone(&self.scenario.known);
        let services = known.application.requests().map(|service| self.sample_service(service, span)).collect();
        let slots: Vec<_> = known.application.requests().flat_map(|service| self.slots_of(service)).collect();
        self.sampled_at = self.now();
        Sample {
            at: self.now(),
            services,
            placements: slots.into_iter().filter_map(|slot| self.sample_placement(slot, span)).collect(),
            clusters: self.sites.ids().map(|cluster| self.sample_cluster(cluster)).collect(),
            tasks: self.sample_tasks(),
        }
    }

    fn sample_service(&mut self, service: ServiceId, span: Span) -> ServiceSample {
        let flow = self.flow_of(service);
        let state = &mut self.services[service];
        let passed = flow.since(state.sampled);
        state.sampled = flow;
        let violation = state.entry.as_deref().map_or(Span::ZERO, |entry| entry.violation);
        let broken = violation.saturating_sub(std::mem::replace(&mut state.sampled_violation, violation));
        let latency = state.entry.as_deref_mut().and_then(|entry| {
            for path in &mut entry.paths {
                entry.log.flush(&mut path.pending);
            }
            entry.log.take_recent()
        });
        let promised = self.scenario.known.application.services[service].slo.is_some() && state.entry.is_some();
        let share = if span == Span::ZERO { 0.0 } else { broken.as_seconds_f64() / span.as_seconds_f64() };
        ServiceSample {
            service,
            offered: Some(mean_rate(passed.offered, span)),
            served: Some(mean_rate(passed.served, span)),
            dropped: Some(mean_rate(passed.dropped, span)),
            backlog: Flow::requests(flow.backlog),
            capacity: self.slots_of(service).map(|slot| self.slots[slot].station.capacity).sum::<Rate>(),
            latency,
            slo_violated: promised.then_some(share),
            rate_seen: self.rate_seen(service),
            rate_age: self.rate_age(service),
        }
    }

    fn sample_placement(&mut self, slot: super::world::SlotId, span: Span) -> Option<PlacementSample> {
        let (passed, waited) = self.slots[slot].take_sampled();
        let served = Flow::requests(passed.served);
        let slot = &self.slots[slot];
        let target = self.control.targets.get(slot.service, slot.cluster);
        let count = |phase: Phase| {
            let found = slot.replicas.iter().filter(|replica| self.replicas[**replica].phase == phase).count();
            u32::try_from(found).expect("replicas stay below 2^32")
        };
        let there = target > 0 || !slot.replicas.is_empty();
        there.then(|| PlacementSample {
            service: slot.service,
            cluster: slot.cluster,
            target,
            ready: slot.ready,
            pending: count(Phase::Pending),
            starting: count(Phase::Starting),
            cpu_seconds: slot.core_seconds,
            offered: Some(mean_rate(passed.offered, span)),
            served: Some(mean_rate(passed.served, span)),
            backlog: Flow::requests(passed.backlog),
            latency_own: (served > 0.0).then(|| Span::from_seconds_f64(waited / served)),
        })
    }

    fn sample_cluster(&self, cluster: ClusterId) -> ClusterSample {
        let site = &self.sites[cluster];
        let services = self.scenario.known.application.requests();
        let busy = services.map(|service| &self.slots[self.slot_id(service, cluster)]);
        let (mut cores, mut watts) = (site.rates.task_cores, site.rates.idle_watts);
        for slot in busy.filter(|slot| slot.ready > 0) {
            cores += slot.busy_cores();
            watts += slot.busy_cores() * slot.watts_per_core / f64::from(slot.ready);
        }
        let (offered, requested) = (site.nodes.allocatable(), site.nodes.allocated());
        let used = || site.nodes.nodes().filter(|(_, node)| node.up && !node.is_empty());
        ClusterSample {
            cluster,
            up: site.is_up(),
            nodes: site.nodes_up(),
            nodes_used: u32::try_from(used().count()).expect("clusters have fewer than 2^32 nodes"),
            cpu_allocatable: offered.cpu.cores(),
            cpu_allocatable_used: used().map(|(_, node)| node.shape.cpu).sum::<MilliCores>().cores(),
            cpu_requested: requested.cpu.cores(),
            cpu_used: cores,
            memory_allocatable: offered.memory,
            memory_requested: requested.memory,
            gpu_allocatable: offered.gpu,
            gpu_requested: requested.gpu,
            tasks_running: site.tasks.running,
            power: watts * site.rates.pue,
            carbon_intensity: site.rates.carbon,
            cost: site.sums.cost_nodes + site.cost_egress,
            energy: site.sums.energy,
            carbon: site.sums.carbon,
        }
    }

    /// The run is over: a last sample, then the sums.
    pub(super) fn on_ended(&mut self) {
        if self.now() > self.sampled_at {
            self.on_sampled();
        }
        let totals = self.totals();
        self.outbox.push_back(Observation::Ended(Box::new(totals)));
        self.ended = true;
    }

    /// The sums since the start, and whatever is no sum since things count.
    pub(super) fn sums(&self) -> Totals {
        let span = self.now() - self.counted.since;
        let seconds = span.as_seconds_f64();
        let share = |violation: Span| if seconds > 0.0 { violation.as_seconds_f64() / seconds } else { 0.0 };
        let application = &self.scenario.known.application;
        let by_service: Vec<ServiceTotals> =
            application.requests().map(|service| self.service_totals(service, &share)).collect();
        let mut requests = Flow::default();
        let (mut good, mut log) = (0.0, super::latency::LatencyLog::new());
        for totals in by_service.iter().filter(|totals| totals.entry) {
            requests += totals.flow;
            let entry = self.services[totals.service].entry.as_deref().expect("entries have this state");
            good += entry.good;
            log.merge(&entry.log);
        }
        let offered = Flow::requests(requests.offered);
        let running = if self.violating.count > 0 { self.now() - self.violating.since } else { Span::ZERO };
        Totals {
            span,
            partial: None,
            warm_up: Span(self.counted.since.0),
            requests,
            slo_violation_longest: self.violating.longest.max(running),
            flaps: self.control.flaps.count,
            elasticity: Elasticity::joined(by_service.iter().filter_map(|row| row.elasticity)),
            packing: self.packing.totals(),
            slo_violation_time: share(self.violating.total + running),
            slo_violation_requests: if offered > 0.0 { (1.0 - good / offered).max(0.0) } else { 0.0 },
            requests_good: good,
            latency: log.total(),
            moves: self.control.moves,
            replica_changes: self.control.replica_changes,
            events: self.events,
            by_cluster: self.sites.ids().map(|cluster| self.cluster_totals(cluster, seconds)).collect(),
            by_service,
            tasks: self.task_totals(),
        }
    }

    fn service_totals(&self, service: ServiceId, share: &dyn Fn(Span) -> f64) -> ServiceTotals {
        let state = &self.services[service];
        let slots = || self.slots_of(service).map(|slot| &self.slots[slot]);
        let entry = state.entry.as_deref();
        let promised = self.scenario.known.application.services[service].slo.is_some();
        ServiceTotals {
            service,
            entry: entry.is_some(),
            flow: self.flow_of(service),
            replica_hours: slots().map(|slot| slot.ready_seconds).sum::<f64>() / 3600.0,
            slo_violation_time: entry
                .filter(|_| promised)
                .map(|entry| share(entry.violation.saturating_sub(entry.violation_before))),
            latency: entry.and_then(|entry| entry.log.total()),
            cpu_hours: slots().map(|slot| slot.core_seconds).sum::<f64>() / 3600.0,
            unknown: Unknown::default(),
            elasticity: self.elasticity(service),
        }
    }

    fn cluster_totals(&self, cluster: ClusterId, seconds: f64) -> ClusterTotals {
        let site = &self.sites[cluster];
        ClusterTotals {
            cluster,
            node_hours: site.sums.node_hours,
            cost_nodes: site.sums.cost_nodes,
            cost_egress: site.cost_egress,
            cost_allocated: site.sums.cost_allocated,
            energy: site.sums.energy,
            carbon: site.sums.carbon,
            amounts: site.sums.amounts.map(|(requested, offered)| Amount { requested, offered }),
            cpu_allocation: if seconds > 0.0 {
                (site.sums.allocated_seconds - site.allocated_before) / seconds
            } else {
                0.0
            },
        }
    }
}

impl super::world::Slot {
    /// Requests since the last sample, and the sum of their latency here in seconds.
    fn take_sampled(&mut self) -> (Flow, f64) {
        let (flow, waited) = std::mem::replace(&mut self.sampled, (self.station.flow, self.own_latency_sum));
        (self.station.flow.since(flow), self.own_latency_sum - waited)
    }
}
