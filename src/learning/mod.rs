//! Capacities that are learnt while a run goes on: a backend around a backend.
//!
//! Every snapshot that is due is first shown to the online estimators, then handed on with what they believe in the place of
//! what was declared. So every policy learns, in simulation as live, and none knows. What is learnt is telemetry only: rates,
//! CPU and ready replicas as policies see them. An alarm, and another belief, are events like any other, and are recorded.
//!
//! Telemetry has one rate a service over all clusters. So replicas of several classes are counted in those of the default
//! class, weighed by what is declared of their speed; what is learnt is one law in that unit, and given back by the same
//! weights. Where only an assumed ceiling identifies the law, it is not believed; but its change is: the assumption
//! cancels out in a ratio.
//!
//! A service learns over many runs: each goes on from what was kept of those before ([`Past`]), and tells what it learns.

mod learnt;
mod past;

pub use past::{Begin, Believed, Hear, Lesson, Past, Stance};

use crate::backend::{Backend, BackendError};
use crate::model::observation::{Action, Event, EventKind};
use crate::model::scenario::{Known, Learn};
use crate::model::{Observation, Plan, ServiceId, Snapshot};
use crate::units::{Span, Time};
use learnt::Learnt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Learns from what the inner backend observes.
#[derive(Debug, Clone)]
pub struct Learning<B> {
    inner: B,
    /// `None`: nothing is learnt.
    learn: Option<Learn>,
    /// What was learnt before; `None`: nothing.
    past: Option<Past>,
    services: BTreeMap<ServiceId, Learnt>,
    /// What is believed now; `None` until something was learnt.
    known: Option<Arc<Known>>,
    ahead: VecDeque<Observation>,
}

impl<B> Learning<B> {
    /// Around a backend; without `learn` it hands on what the backend observes.
    pub const fn around(inner: B, learn: Option<Learn>) -> Self {
        Self { inner, learn, past: None, services: BTreeMap::new(), known: None, ahead: VecDeque::new() }
    }

    /// The same, from what was learnt before.
    #[must_use]
    pub fn going_on(self, past: Past) -> Self {
        Self { past: Some(past), ..self }
    }

    /// The backend inside.
    pub const fn inner_mut(&mut self) -> &mut B {
        &mut self.inner
    }

    /// The services and when alarms were raised.
    pub fn alarms(&self) -> impl Iterator<Item = (ServiceId, &[Time])> {
        self.services.iter().map(|(service, learnt)| (*service, learnt.online.alarms()))
    }
}

impl<B: Backend> Backend for Learning<B> {
    fn observe(&mut self) -> Result<Observation, BackendError> {
        if let Some(next) = self.ahead.pop_front() {
            return Ok(next);
        }
        match (self.inner.observe()?, self.learn) {
            (Observation::Due(mut snapshot), Some(learn)) => {
                self.look(&mut snapshot, learn);
                self.ahead.push_back(Observation::Due(snapshot));
                Ok(self.ahead.pop_front().expect("it was just put there"))
            }
            (other, _) => Ok(other),
        }
    }

    fn apply(&mut self, plan: &Plan) -> Result<Vec<Action>, BackendError> {
        self.inner.apply(plan)
    }

    fn foresee(&mut self, span: Span) {
        self.inner.foresee(span);
    }
}

impl<B> Learning<B> {
    /// Shows a snapshot to the estimators, and replaces what it says of capacities by what is believed.
    fn look(&mut self, snapshot: &mut Snapshot, learn: Learn) {
        let declared = Arc::clone(&snapshot.known);
        for service in declared.application.requests() {
            let begin = || self.past.as_ref().and_then(|past| past.services.get(&service)).cloned().unwrap_or_default();
            let fresh = || Learnt::new(&declared, service, (learn, begin()));
            let learnt = self.services.entry(service).or_insert_with(fresh);
            if let Some(mut sample) = learnt.sampled(snapshot, service, learn) {
                // One clock for all runs.
                sample.at.0 += self.past.as_ref().map_or(0, |past| past.started_at.0);
                let capacity = &declared.application.services[service].capacity;
                if let Some(lesson) = learnt.learn(sample, capacity, learn) {
                    self.on_lesson(snapshot, service, &lesson);
                }
            }
            if self.services.get(&service).is_some_and(Learnt::is_unknown) {
                snapshot.services[service].rate.value = None;
            }
        }
        if let Some(known) = &self.known {
            snapshot.known = Arc::clone(known);
        }
    }

    fn on_lesson(&mut self, snapshot: &Snapshot, service: ServiceId, lesson: &Lesson) {
        let subject = || snapshot.service(service).name.clone();
        let event = |kind| Observation::Event(Event { at: snapshot.at, kind, subject: subject() });
        if lesson.is_alarm {
            self.ahead.push_back(event(EventKind::CapacityDrifted));
        }
        if let Some(believed) = &lesson.believed {
            self.ahead.push_back(event(EventKind::CapacityLearnt));
            let known = self.known.get_or_insert_with(|| Arc::clone(&snapshot.known));
            Arc::make_mut(known).application.services[service].capacity = believed.capacity.clone();
        }
        if let Some(past) = &self.past {
            past.pupil.hear(service, lesson);
        }
    }
}
