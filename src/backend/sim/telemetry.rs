//! How the world is seen: counters scraped every so often, late, sometimes lost.
//!
//! A scrape reads cumulative counters. A rate is the difference between the newest scrape that has arrived and the oldest
//! one inside the window before it, over the time between them; so a rate is an average over the past window, and needs two
//! scrapes. After [`STALE_AFTER`] without a scrape nothing is seen at all: missing is never zero.

use super::world::World;
use crate::model::id::Id;
use crate::model::snapshot::ReplicaGroup;
use crate::model::{Phase, Seen, ServiceId, ServiceView};
use crate::seed::Stream;
use crate::units::{MilliCores, Rate, Span, Time};
use rand::RngExt;
use std::collections::VecDeque;

/// A value that was not renewed for so long is gone (Prometheus: 5 min).
pub(super) const STALE_AFTER: Span = Span::seconds(300);

/// The last scrapes of a service.
#[derive(Debug, Clone)]
pub(super) struct Scrapes {
    pub(super) kept: VecDeque<Scrape>,
    /// Busy core-seconds by cluster, a row a scrape.
    pub(super) cores: VecDeque<f64>,
    pub(super) losses: Stream,
}

/// Counters at an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scrape {
    pub(super) at: Time,
    /// In 10⁻¹⁵ requests.
    pub(super) offered: u128,
    pub(super) served: u128,
    pub(super) latency_p95: Option<Span>,
}

impl World {
    /// A service is scraped, unless telemetry is down or the scrape is lost.
    pub(super) fn on_scraped(&mut self, service: ServiceId) {
        let loss = self.scenario.telemetry.loss;
        let lost = loss.0 > 0 && self.services[service].scrapes.losses.random::<f64>() < loss.as_f64();
        if self.blind > 0 || lost {
            return;
        }
        let Some(component) = self.services[service].component else { return };
        self.settle(component);
        let now = self.now();
        let flow = self.flow_of(service);
        let (offered, served, latency_p95) = (flow.offered, flow.served, self.latency_p95(service));
        let scrape = Scrape { at: now, offered, served, latency_p95 };
        let telemetry = &self.scenario.telemetry;
        let oldest =
            now.since(Time::ZERO).saturating_sub(self.kept_for + telemetry.delay + telemetry.scrape.repeated(2));
        let width = self.sites.len();
        let slots = self.slots_of(service);
        let scrapes = &mut self.services[service].scrapes;
        while scrapes.kept.front().is_some_and(|scrape| scrape.at.0 < oldest.0) {
            scrapes.kept.pop_front();
            scrapes.cores.drain(..width);
        }
        scrapes.kept.push_back(scrape);
        scrapes.cores.extend(slots.map(|slot| self.slots[slot].core_seconds));
    }

    /// The 95th percentile that users of an entry service get at present: the worst of the clusters that serve them.
    fn latency_p95(&self, service: ServiceId) -> Option<Span> {
        let entry = self.services[service].entry.as_deref()?;
        let served = entry.paths.iter().filter(|path| path.succeeding > 0.0);
        let worst = served.map(|path| path.latency.fixed + path.latency.gamma().quantile(0.95)).reduce(f64::max)?;
        Some(Span::from_seconds_f64(worst))
    }

    /// What policies see of a service.
    pub(super) fn view(&mut self, service: ServiceId) -> ServiceView {
        let replicas = self.groups(service);
        let tasks = self.services[service].class.as_ref().map_or(0, |class| class.present);
        let (rate, latency_p95) = (Seen::NEVER, Seen::NEVER);
        let mut view = ServiceView {
            rate,
            served: rate,
            latency_p95,
            cpu_used: Vec::new(),
            replicas,
            tasks,
            dormant: self.services[service].dormant,
        };
        let Some((newest, oldest)) = self.window(service) else { return view };
        let scrapes = &self.services[service].scrapes;
        let (new, old) = (&scrapes.kept[newest], &scrapes.kept[oldest]);
        view.latency_p95 = Seen { value: new.latency_p95, at: new.at };
        if newest == oldest {
            return view;
        }
        let span = new.at - old.at;
        view.rate = Seen::now(mean_rate(new.offered - old.offered, span), new.at);
        view.served = Seen::now(mean_rate(new.served - old.served, span), new.at);
        let width = self.sites.len();
        for slot in self.slots_of(service) {
            let cluster = self.slots[slot].cluster;
            if self.slots[slot].ready == 0 || !self.sites[cluster].reachable {
                continue;
            }
            let used =
                scrapes.cores[newest * width + cluster.index()] - scrapes.cores[oldest * width + cluster.index()];
            view.cpu_used.push((cluster, Seen::now(MilliCores::from_cores(used / span.as_seconds_f64()), new.at)));
        }
        view
    }

    /// Newest scrape that has arrived, and the oldest inside the telemetry's window before it.
    fn window(&self, service: ServiceId) -> Option<(usize, usize)> {
        self.window_of(service, self.scenario.telemetry.window)
    }

    /// Newest scrape that has arrived, and the oldest inside `window` before it.
    pub(super) fn window_of(&self, service: ServiceId, window: Span) -> Option<(usize, usize)> {
        let telemetry = &self.scenario.telemetry;
        let scrapes = &self.services[service].scrapes.kept;
        let newest = scrapes.iter().rposition(|scrape| scrape.at + telemetry.delay <= self.now())?;
        let at = scrapes[newest].at;
        if self.now().since(at) > STALE_AFTER + telemetry.delay {
            return None;
        }
        let oldest = scrapes.iter().position(|scrape| scrape.at + window >= at)?;
        Some((newest, oldest))
    }

    /// The rate of a service as policies see it now.
    pub(super) fn rate_seen(&self, service: ServiceId) -> Option<Rate> {
        let (newest, oldest) = self.window(service)?;
        let scrapes = &self.services[service].scrapes.kept;
        let (new, old) = (&scrapes[newest], &scrapes[oldest]);
        (newest != oldest).then(|| mean_rate(new.offered - old.offered, new.at - old.at))
    }

    /// How old the rate of a service is that policies see now.
    pub(super) fn rate_age(&self, service: ServiceId) -> Option<Span> {
        let (newest, oldest) = self.window(service)?;
        (newest != oldest).then(|| self.now().since(self.services[service].scrapes.kept[newest].at))
    }

    /// The replicas of a service as the control plane sees them: those of a loss that nobody noticed included.
    fn groups(&mut self, service: ServiceId) -> Vec<ReplicaGroup> {
        if let Some(groups) = &self.services[service].groups {
            return groups.clone();
        }
        let is_task = self.services[service].class.is_some();
        let mut groups: Vec<ReplicaGroup> = Vec::new();
        for slot in self.slots_of(service) {
            let slot = &self.slots[slot];
            if !self.sites[slot.cluster].reachable {
                continue;
            }
            let start = groups.len();
            for replica in &slot.replicas {
                let replica = &self.replicas[*replica];
                let group = ReplicaGroup {
                    cluster: slot.cluster,
                    phase: replica.phase,
                    started: if is_task { Time::ZERO } else { replica.started },
                    since: if is_task { Time::ZERO } else { replica.since },
                    count: 1,
                };
                add_group(&mut groups, start, group);
            }
            if slot.ghosts > 0 {
                let never = ReplicaGroup {
                    cluster: slot.cluster,
                    phase: Phase::Ready,
                    started: Time::ZERO,
                    since: Time::ZERO,
                    count: slot.ghosts,
                };
                add_group(&mut groups, start, never);
            }
        }
        self.services[service].groups = Some(groups.clone());
        groups
    }
}

/// Counts a replica with those that are like it, among the groups of its cluster.
fn add_group(groups: &mut Vec<ReplicaGroup>, start: usize, group: ReplicaGroup) {
    let alike = |other: &&mut ReplicaGroup| {
        (other.phase, other.started, other.since) == (group.phase, group.started, group.since)
    };
    match groups[start..].iter_mut().find(alike) {
        Some(other) => other.count += group.count,
        None => groups.push(group),
    }
}

/// 10⁻¹⁵ requests over a time, to the nearest 10⁻⁶/s.
pub(super) fn mean_rate(amount: u128, span: Span) -> Rate {
    let nanos = u128::from(span.0);
    let rate = (amount + nanos / 2).checked_div(nanos).unwrap_or(0);
    Rate(u64::try_from(rate).unwrap_or(u64::MAX))
}

/// Where telemetry of a cluster is seen at all.
pub(super) fn offset(jitter: Span, stream: &mut Stream) -> Span {
    if jitter == Span::ZERO { Span::ZERO } else { Span(stream.random_range(0..=jitter.0)) }
}
