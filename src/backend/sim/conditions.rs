//! Services that wait for an event: looked at after each scrape, on what telemetry shows, as Prometheus evaluates its rules.
//!
//! From the start of a run, and every scrape interval, all conditions are looked at. A service whose event has happened is
//! wanted from then on; the policy sees it at the next decision. Until the first of its replicas is ready nobody calls it:
//! a caller does not know a service that is not deployed, so its own requests are served without that call. Users of a
//! conditional entry service do call, and are lost. A service that stops is called no more at once, and drains.
//!
//! Rates are taken between the newest scrape that has arrived and the oldest one within the asked time before it; unlike
//! Prometheus' `rate` nothing is extrapolated to the edges of the window.

use super::event::Event;
use super::telemetry::{Scrapes, mean_rate};
use super::world::World;
use crate::model::condition::{Over, Progress, Reading};
use crate::model::observation::EventKind;
use crate::model::{Phase, Scenario, ServiceId};
use crate::units::{Span, Time};
use std::sync::Arc;

/// How far each conditional service is at the start, in their order.
pub(super) fn waiting(scenario: &Scenario) -> Vec<Progress> {
    scenario.known.application.conditions.iter().map(|(_, start)| Progress::new(start)).collect()
}

/// For how long scrapes are kept: the window of the telemetry, or the longest one that a condition asks for.
pub(super) fn window_max(scenario: &Scenario) -> Span {
    let conditions = scenario.known.application.conditions.iter();
    let events = conditions.flat_map(|(_, start)| &start.events);
    let windows = events.flat_map(|event| event.condition.readings()).filter_map(|reading| match reading {
        Reading::Requests(_, Over::Last(span)) | Reading::Cpu(_, Over::Last(span)) => Some(span),
        _ => None,
    });
    windows.fold(scenario.telemetry.window, Span::max)
}

impl World {
    /// Looks at the conditions from now on, where there are some.
    pub(super) fn start_conditions(&mut self) {
        if !self.waiting.is_empty() {
            self.repeat(Time::ZERO, self.scenario.telemetry.scrape, Event::ConditionsLooked);
        }
    }

    /// Looks at all conditions.
    pub(super) fn on_conditions_looked(&mut self) {
        let known = Arc::clone(&self.scenario.known);
        let mut waiting = std::mem::take(&mut self.waiting);
        for (progress, (service, start)) in waiting.iter_mut().zip(&known.application.conditions) {
            let now = self.now();
            let world = &*self;
            match progress.look(start, now, &|reading| world.read(reading)) {
                Some(true) => self.want(*service),
                Some(false) => self.unwant(*service),
                None => {}
            }
        }
        self.waiting = waiting;
    }

    fn want(&mut self, service: ServiceId) {
        self.services[service].dormant = false;
        let component = self.services[service].component.expect("a conditional service answers requests");
        self.note_demand(component);
        let name = self.scenario.known.application.services[service].name.clone();
        self.tell(EventKind::ServiceWanted, name);
    }

    fn unwant(&mut self, service: ServiceId) {
        let component = self.services[service].component.expect("a conditional service answers requests");
        self.settle(component);
        (self.services[service].dormant, self.services[service].silent) = (true, true);
        self.note_demand(component);
        self.reflow(component);
        let name = self.scenario.known.application.services[service].name.clone();
        self.tell(EventKind::ServiceUnwanted, name);
    }

    /// What telemetry shows of a reading now.
    fn read(&self, reading: Reading) -> Option<f64> {
        match reading {
            Reading::Requests(service, over) => {
                let (newest, oldest) = self.pair(service, over)?;
                let scrapes = &self.services[service].scrapes.kept;
                let (new, old) = (&scrapes[newest], &scrapes[oldest]);
                Some(mean_rate(new.offered - old.offered, new.at - old.at).per_second())
            }
            Reading::Cpu(service, over) => {
                let (newest, oldest) = self.pair(service, over)?;
                let Scrapes { kept, cores, .. } = &self.services[service].scrapes;
                let width = self.sites.len();
                let sum = |row: usize| cores.range(row * width..(row + 1) * width).sum::<f64>();
                Some((sum(newest) - sum(oldest)) / (kept[newest].at - kept[oldest].at).as_seconds_f64())
            }
            Reading::Latency(service) => {
                let (newest, _) = self.window_of(service, self.scenario.telemetry.window)?;
                self.services[service].scrapes.kept[newest].latency_p95.map(Span::as_seconds_f64)
            }
            Reading::Replicas(service) => (self.blind == 0).then(|| f64::from(self.replicas_seen(service))),
            Reading::Up(cluster) => (self.blind == 0 && self.sites[cluster].reachable).then_some(1.0),
        }
    }

    /// Two different scrapes, as far apart as `over` allows.
    fn pair(&self, service: ServiceId, over: Over) -> Option<(usize, usize)> {
        let window = match over {
            Over::Window => self.scenario.telemetry.window,
            Over::Last(span) => span,
        };
        self.window_of(service, window).filter(|(newest, oldest)| newest != oldest)
    }

    /// Ready replicas where they can be seen, those of a loss that nobody noticed included.
    fn replicas_seen(&self, service: ServiceId) -> u32 {
        let seen = self.slots_of(service).filter(|slot| self.sites[self.slots[*slot].cluster].reachable);
        let ready = |slot: super::world::SlotId| {
            let slot = &self.slots[slot];
            let ready = slot.replicas.iter().filter(|replica| self.replicas[**replica].phase == Phase::Ready);
            u32::try_from(ready.count()).expect("replicas stay below 2^32") + slot.ghosts
        };
        seen.map(ready).sum()
    }
}
