//! Requests on their way through the graph: from users to entry services, and along calls from cluster to cluster.
//!
//! Services that call each other form a component. Between two changes all rates of a component are constant; at a change
//! it is *settled* (sums are brought up to now at the old rates) and then *reflowed* (new rates, callers first; then
//! latencies and chances of success, callees first). Where a backlog grows or shrinks, the component is looked at again when
//! it is empty or full, and at least once a second, so that waiting times are constant for at most that long.
//!
//! Per service and cluster: calls along an edge = served rate × calls per request; chance of success = (1 − share dropped) ×
//! Π over calls (chance of the call's success)^(calls per request); latency = own waiting and service, then every call in
//! sequence with its round trip.

use super::event::Event;
use super::latency::{Latency, StationLoad};
use super::routing::{Source, Split};
use super::station::amount;
use super::world::{Path, SlotId, World};
use crate::model::id::Id;
use crate::model::{Call, ClusterId, ServiceId};
use crate::units::{Rate, Span};

/// Waiting times are recomputed at least so often while a backlog changes.
const BACKLOG_STEP: Span = Span::seconds(1);

impl World {
    /// The rate at which users call `service` changes.
    pub(super) fn on_demand_changed(&mut self, service: ServiceId, rate: Rate) {
        if self.services[service].demand == rate {
            return;
        }
        let Some(component) = self.services[service].component else { return };
        self.settle(component);
        self.services[service].demand = rate;
        self.note_demand(component);
        self.reflow(component);
    }

    /// A backlog is empty or full, or a second has passed.
    pub(super) fn on_flow_turned(&mut self, component: u32) {
        let component = component as usize;
        self.components[component].turn = None;
        self.settle(component);
        self.reflow(component);
    }

    /// Brings all sums of a component up to now.
    pub(super) fn settle(&mut self, component: usize) {
        let now = self.now();
        let span = now - self.components[component].updated;
        if span == Span::ZERO {
            return;
        }
        self.components[component].updated = now;
        let seconds = span.as_seconds_f64();
        for index in 0..self.components[component].services.len() {
            let service = self.components[component].services[index];
            for slot in self.slots_of(service) {
                self.settle_slot(slot, span);
            }
            self.settle_service(service, span);
        }
        if self.components[component].pays {
            let Self { components, sites, .. } = self;
            for (cluster, rate) in components[component].egress.iter() {
                sites[cluster].cost_egress += rate * seconds;
            }
        }
    }

    /// Brings all components up to now.
    pub(super) fn settle_all(&mut self) {
        for component in 0..self.components.len() {
            self.settle(component);
        }
    }

    fn settle_slot(&mut self, slot: SlotId, span: Span) {
        let slot = &mut self.slots[slot];
        if slot.ready == 0 && slot.station.is_idle() {
            return;
        }
        let seconds = span.as_seconds_f64();
        let busy = slot.busy_cores();
        slot.core_seconds += busy * seconds;
        slot.ready_seconds += f64::from(slot.ready) * seconds;
        slot.own_latency_sum += slot.own_latency * slot.station.served().per_second() * seconds;
        if slot.ready > 0 {
            let watts = busy * slot.watts_per_core / f64::from(slot.ready);
            self.sites[slot.cluster].add_energy(watts * seconds);
        }
        slot.station.advance(span);
    }

    fn settle_service(&mut self, service: ServiceId, span: Span) {
        let state = &mut self.services[service];
        let lost = amount(state.lost, span);
        state.lost_flow.offered += lost;
        state.lost_flow.dropped += lost;
        let Some(entry) = state.entry.as_deref_mut() else { return };
        let seconds = span.as_seconds_f64();
        if entry.violated {
            entry.violation += span;
        }
        for path in entry.paths.iter_mut().filter(|path| path.succeeding > 0.0) {
            entry.good += path.good * seconds;
            entry.log.add(&mut path.pending, &path.latency, path.succeeding * seconds);
        }
    }

    /// Recomputes all rates of a component from now on.
    pub(super) fn reflow(&mut self, component: usize) {
        let services = std::mem::take(&mut self.components[component].services);
        for service in &services {
            self.route(*service);
        }
        for service in services.iter().rev() {
            self.measure(*service);
        }
        for service in &services {
            self.judge(*service);
        }
        self.components[component].services = services;
        if self.components[component].pays {
            self.price_egress(component);
        }
        self.schedule_turn(component);
    }

    /// Shares everything that calls `service` among the clusters.
    fn route(&mut self, service: ServiceId) {
        let known = std::sync::Arc::clone(&self.scenario);
        let known = &known.known;
        let sources = self.sources(service);
        let capacity: Vec<u64> = self.slots_of(service).map(|slot| self.endpoint_capacity(slot).0).collect();
        let mut flows = std::mem::take(&mut self.services[service].flows);
        let split = Split { capacity: &capacity, linked: &self.linked, routing: known.network.routing };
        let lost = split.fill(&sources, &mut flows);
        self.services[service].lost = Rate(lost);
        let width = self.sites.len();
        for (column, slot) in self.slots_of(service).enumerate() {
            let arrivals = flows.iter().skip(column).step_by(width).sum();
            self.slots[slot].station.arrivals = Rate(arrivals);
        }
        self.services[service].flows = flows;
    }

    /// Who calls `service`: users by origin, then each caller from each cluster.
    fn sources(&self, service: ServiceId) -> Vec<Source> {
        let known = &self.scenario.known;
        let state = &self.services[service];
        let mut sources = Vec::with_capacity(known.network.origins.len());
        if state.entry.is_some() {
            let mut left = state.demand;
            for (index, origin) in known.network.origins.iter().enumerate() {
                let last = index + 1 == known.network.origins.len();
                let demand = if last { left } else { state.demand.scaled(origin.share).min(left) };
                left -= demand;
                let local = origin.local.map(Id::index);
                sources.push(Source { demand: demand.0, local, cluster: None });
            }
        }
        for call in self.callers(service) {
            for (cluster, slot) in self.slots_of(call.from).enumerate() {
                let served = self.slots[slot].station.served();
                let demand = if state.silent { Rate::ZERO } else { served.scaled(call.per_request) };
                sources.push(Source { demand: demand.0, local: Some(cluster), cluster: Some(cluster) });
            }
        }
        sources
    }

    fn callers(&self, service: ServiceId) -> impl Iterator<Item = &Call> {
        self.scenario.known.application.calls.iter().filter(move |call| call.to == service)
    }

    /// Capacity as routers believe it: of the ready replicas, and of those whose loss nobody has noticed.
    fn endpoint_capacity(&self, slot: SlotId) -> Rate {
        let slot = &self.slots[slot];
        if slot.ghosts == 0 {
            return slot.station.capacity;
        }
        self.capacity_of(slot.service, slot.cluster, slot.ready + slot.ghosts)
    }

    /// What so many ready replicas really serve.
    pub(super) fn capacity_of(&self, service: ServiceId, cluster: ClusterId, replicas: u32) -> Rate {
        let declared = &self.scenario.known.clusters[cluster];
        let rate = self.scenario.truth[service].capacity.of(&declared.class).at(replicas, declared.speed);
        rate.scaled(self.services[service].capacity_factor)
    }

    /// Latency and success of a request that is served by `service`, in each cluster.
    fn measure(&mut self, service: ServiceId) {
        for slot in self.slots_of(service) {
            let here = &self.slots[slot];
            if here.station.is_idle() {
                continue;
            }
            let (mut latency, mut success) = (Latency::default(), 0.0);
            let mut own = Latency::default();
            if here.station.capacity > Rate::ZERO {
                own = self.station_latency(slot);
                latency = own;
                success = 1.0 - here.station.drop_share();
                for call in self.scenario.known.application.calls_of(service) {
                    let (called, succeeds) = self.called(call, here.cluster);
                    let count = call.per_request.as_f64();
                    latency = latency.then(called.repeated(count));
                    success *= succeeds.powf(count);
                }
            }
            let here = &mut self.slots[slot];
            (here.latency, here.success) = (latency, success);
            here.own_latency = own.fixed + own.mean;
        }
    }

    fn station_latency(&self, slot: SlotId) -> Latency {
        let slot = &self.slots[slot];
        let truth = &self.scenario.truth[slot.service];
        let workers = self.scenario.known.application.services[slot.service].workers;
        StationLoad {
            workers: f64::from(slot.ready) * f64::from(workers),
            arrivals: slot.station.arrivals.per_second(),
            capacity: slot.station.capacity.per_second(),
            backlog_wait: slot.station.backlog_wait(),
            limit: truth.queue_limit.as_seconds_f64(),
            service_time: truth.service_time.map(Span::as_seconds_f64),
            variability: (truth.arrival_variability, truth.service_variability),
        }
        .latency()
    }

    /// A call from a cluster, over the clusters to which it may go: latency with its round trip, and chance of success.
    fn called(&self, call: &Call, from: ClusterId) -> (Latency, f64) {
        if self.services[call.to].silent {
            return (Latency::default(), 1.0);
        }
        let width = self.sites.len();
        let row = self.source_row(call, from);
        let flows = &self.services[call.to].flows[row * width..(row + 1) * width];
        let total: u64 = flows.iter().sum();
        let asked = self.slots[self.slot_id(call.from, from)].station.served().scaled(call.per_request);
        if total == 0 {
            return (Latency::default(), if asked == Rate::ZERO { 1.0 } else { 0.0 });
        }
        let rtt = &self.scenario.known.network.rtt[from];
        let targets = flows.iter().zip(rtt.values()).zip(self.slots_of(call.to)).filter(|((flow, _), _)| **flow > 0);
        let parts = targets
            .clone()
            .map(|((flow, rtt), slot)| (*flow as f64, self.slots[slot].latency.after(rtt.as_seconds_f64())));
        let succeeding: f64 = targets.map(|((flow, _), slot)| *flow as f64 * self.slots[slot].success).sum();
        // What found no way, because links to those with room are broken, has failed.
        (Latency::mixture(parts), succeeding / total.max(asked.0) as f64)
    }

    /// The row of a caller in a cluster among the flows of the one called.
    fn source_row(&self, call: &Call, from: ClusterId) -> usize {
        let users = if self.services[call.to].entry.is_some() { self.scenario.known.network.origins.len() } else { 0 };
        let before = self.callers(call.to).take_while(|other| *other != call).count();
        users + before * self.sites.len() + from.index()
    }

    /// What users of an entry service get from now on.
    fn judge(&mut self, service: ServiceId) {
        let Some(mut entry) = self.services[service].entry.take() else { return };
        let slo = self.scenario.known.application.services[service].slo;
        let width = self.sites.len();
        let mut good = 0.0;
        for (index, path) in entry.paths.iter_mut().enumerate() {
            let cluster = ClusterId::from_index(index % width);
            let slot = &self.slots[self.slot_id(service, cluster)];
            let rate = Rate(self.services[service].flows[index]).per_second();
            let rtt = self.scenario.known.network.origins[index / width].rtt[cluster];
            path.update(rate * slot.success, slot.latency.after(rtt.as_seconds_f64()), slo.map(|slo| slo.latency));
            good += path.good;
        }
        let demand = self.services[service].demand.per_second();
        let violated = slo.is_some_and(|slo| demand > 0.0 && good < demand * slo.share.as_f64() * (1.0 - 1e-9));
        if violated != entry.violated {
            entry.violated = violated;
            self.count_violation(violated);
        }
        self.services[service].entry = Some(entry);
    }

    fn count_violation(&mut self, violated: bool) {
        let now = self.now();
        if violated {
            if self.violating.count == 0 {
                self.violating.since = now;
            }
            self.violating.count += 1;
        } else {
            self.violating.count -= 1;
            if self.violating.count == 0 {
                let broken = now - self.violating.since;
                self.violating.total += broken;
                self.violating.longest = self.violating.longest.max(broken);
            }
        }
    }

    /// Dollars per second of calls that leave their cluster.
    fn price_egress(&mut self, component: usize) {
        let scenario = std::sync::Arc::clone(&self.scenario);
        let width = self.sites.len();
        let mut egress = std::mem::take(&mut self.components[component].egress);
        for (_, rate) in egress.iter_mut() {
            *rate = 0.0;
        }
        for service in &self.components[component].services {
            for call in scenario.known.application.calls_of(*service).filter(|call| call.bytes.0 > 0) {
                for (from, prices) in scenario.known.network.egress_per_gb.iter() {
                    let row = self.source_row(call, from);
                    let flows = &self.services[call.to].flows[row * width..(row + 1) * width];
                    let dollars =
                        flows.iter().zip(prices.values()).map(|(flow, price)| Rate(*flow).per_second() * price.0);
                    egress[from] += dollars.sum::<f64>() * call.bytes.0 as f64 / 1e9;
                }
            }
        }
        self.components[component].egress = egress;
    }

    /// Looks again when a backlog is empty or full, and once a second while there is one.
    fn schedule_turn(&mut self, component: usize) {
        if let Some(handle) = self.components[component].turn.take() {
            self.kernel.cancel(handle);
        }
        let mut next: Option<Span> = None;
        for service in &self.components[component].services {
            for slot in self.slots_of(*service) {
                let turn = self.slots[slot].station.turn().map(|turn| turn.min(BACKLOG_STEP));
                next = next.into_iter().chain(turn).min();
            }
        }
        if let Some(span) = next {
            let index = u32::try_from(component).expect("there are no more components than services");
            self.components[component].turn = Some(self.schedule(span, Event::FlowTurned(index)));
        }
    }

    /// The ready replicas of a slot have changed. The caller has settled the component and will reflow it.
    pub(super) fn update_capacity(&mut self, slot: SlotId) {
        let (service, cluster, ready) = (self.slots[slot].service, self.slots[slot].cluster, self.slots[slot].ready);
        let capacity = self.capacity_of(service, cluster, ready);
        self.slots[slot].station.capacity = capacity;
        self.slots[slot].station.advance(Span::ZERO);
    }
}

impl super::world::Slot {
    /// CPU in use, in cores: `replicas · (idle + (full − idle) · utilisation)`.
    pub(super) fn busy_cores(&self) -> f64 {
        let (idle, full) = self.cores;
        f64::from(self.ready) * (idle + (full - idle) * self.station.utilisation())
    }
}

impl Path {
    /// New rate and latency; the SLO's share is only computed where the latency has changed.
    fn update(&mut self, succeeding: f64, latency: Latency, slo: Option<Span>) {
        let share = match slo {
            None => 1.0,
            Some(_) if succeeding <= 0.0 => 0.0,
            Some(_) if self.latency == latency && self.succeeding > 0.0 => self.good / self.succeeding,
            Some(limit) => latency.share_within(limit.as_seconds_f64()),
        };
        self.latency = latency;
        self.succeeding = succeeding;
        self.good = succeeding * share;
    }
}
