//! The end of the warm-up: the sums of the run begin.
//!
//! Nothing that acts in the world knows of a warm-up: all accumulators go on, for the series shows them from the start. At
//! the end of the warm-up the sums so far are set aside, and at the end of the run they are taken off again. What is no sum
//! begins anew. The instant itself is ordered like the end of a run, so that the sums of a run with a warm-up of `w`
//! are those of the whole run without those of a run that ends at `w`.

use super::world::World;
use crate::model::Observation;
use crate::model::observation::Totals;
use crate::units::{Span, Time};

/// Since when things count.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    /// The end of the warm-up; the start where there is none.
    pub(super) since: Time,
    /// The sums of the warm-up.
    before: Option<Box<Totals>>,
}

impl World {
    /// All that counts begins now.
    pub(super) fn on_warmed_up(&mut self) {
        self.settle_all();
        for cluster in self.sites.ids() {
            self.settle_site(cluster);
        }
        self.settle_courses();
        let now = self.now();
        let before = Box::new(self.sums());
        self.counted = Counted { since: now, before: Some(before) };
        self.violating.restart(now);
        self.packing.restart();
        self.tasks.restart_waits();
        for (_, site) in self.sites.iter_mut() {
            site.allocated_before = site.sums.allocated_seconds;
        }
        for service in self.services.ids() {
            self.restart_service(service, now);
        }
        self.outbox.push_back(Observation::WarmedUp(now));
    }

    fn restart_service(&mut self, service: crate::model::ServiceId, now: Time) {
        if let Some(elastic) = &mut self.elastic[service] {
            elastic.course.restart(now);
        }
        let Some(entry) = self.services[service].entry.as_deref_mut() else { return };
        entry.violation_before = entry.violation;
        for path in &mut entry.paths {
            entry.log.flush(&mut path.pending);
        }
        entry.log.restart_total();
    }

    /// The sums since the end of the warm-up.
    pub(super) fn totals(&mut self) -> Totals {
        self.settle_courses();
        let totals = self.sums();
        match &self.counted.before {
            Some(before) => totals.since(before),
            None => totals,
        }
    }
}

impl super::world::Violating {
    /// Forgets what was; what is broken now is broken from now on.
    const fn restart(&mut self, now: Time) {
        (self.since, self.total, self.longest) = (now, Span::ZERO, Span::ZERO);
    }
}
