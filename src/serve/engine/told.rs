//! What a run tells the clerk of its graph: the record of the loop, turned into names and handed over.

use super::plan::refusals;
use crate::learning::Lesson;
use crate::model::observation::{Action, Event};
use crate::model::plan::Targets;
use crate::model::rails::moved;
use crate::model::scenario::Known;
use crate::model::{Observation, ServiceId, ServiceView, Snapshot};
use crate::record::{Decision, Record};
use crate::units::Span;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

/// Replicas by cluster, as Karmada calls it.
pub type Shares = BTreeMap<String, u32>;

/// A service by its name, its replicas by cluster (wanted, ready), and its rate.
pub type SeenService = (String, BTreeMap<String, (u32, u32)>, Option<f64>);

/// Something that a run tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A decision.
    Decided(Decided),
    /// How things are: of each service its replicas by cluster (wanted, ready), and its rate.
    Seen(Vec<SeenService>),
    /// Something happened by itself.
    Happened(Event),
    /// A sample of a service, and what it taught of its capacity.
    Learnt(String, Box<Lesson>),
    /// An action failed: whose, and why.
    Failed(String, String),
}

/// A decision, with names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Decided {
    /// What is wanted now, by service.
    pub targets: BTreeMap<String, Shares>,
    /// What was measured, by service: the 95th percentile of the latency in seconds, and cores in use.
    pub measured: BTreeMap<String, (Option<f64>, Option<f64>)>,
    /// What could not be done.
    pub refusals: Vec<String>,
    /// What the rails held back.
    pub held: Vec<String>,
    /// Services that were changed: name, replicas before, replicas now, how many of them move.
    pub changed: Vec<(String, u32, u32, u32)>,
    /// Actions that were started.
    pub actions: usize,
}

/// A record that tells.
#[derive(Debug, Clone)]
pub struct Teller {
    known: Arc<Known>,
    tell: UnboundedSender<Told>,
}

impl Teller {
    /// Tells `tell` of a world.
    pub const fn new(known: Arc<Known>, tell: UnboundedSender<Told>) -> Self {
        Self { known, tell }
    }

    /// Nobody listens after the end.
    pub(super) fn tell(&self, told: Told) {
        let _ = self.tell.send(told);
    }

    /// A service by its name.
    pub(super) fn id(&self, name: &str) -> Option<ServiceId> {
        self.known.application.service(name)
    }

    pub(super) fn service(&self, service: ServiceId) -> &str {
        &self.known.application.services[service].name
    }

    fn shares(&self, targets: &Targets, service: ServiceId) -> Shares {
        let of = targets.of(service).iter();
        of.map(|target| (self.known.clusters[target.cluster].name.clone(), target.replicas)).collect()
    }

    fn decided(&self, decision: &Decision<'_>) -> Decided {
        let (before, after) = (&decision.snapshot.targets, &decision.plan.targets);
        let change = |service: ServiceId| {
            let name = self.service(service).to_owned();
            (name, before.total(service), after.total(service), moved(before, after, service))
        };
        let known: &Snapshot = decision.snapshot;
        let held = decision.held.iter().map(|held| format!("{}: {:?}", self.service(held.service), held.reason));
        Decided {
            targets: known.services.ids().map(|id| (self.service(id).to_owned(), self.shares(after, id))).collect(),
            measured: known.services.iter().map(|(id, view)| (self.service(id).to_owned(), measured(view))).collect(),
            refusals: refusals(decision.snapshot, decision.plan),
            held: held.collect(),
            changed: before.changed(after).into_iter().map(change).collect(),
            actions: decision.actions.len(),
        }
    }

    fn failed(&self, action: &Action, error: &str) -> Told {
        let cluster = &self.known.clusters[action.cluster].name;
        let (from, to) = (action.from, action.to);
        Told::Failed(self.service(action.service).to_owned(), format!("{cluster}: {from} → {to}: {error}"))
    }
}

/// Latency in seconds and cores in use; what is missing in one cluster is no sum.
fn measured(view: &ServiceView) -> (Option<f64>, Option<f64>) {
    (view.latency_p95.value.map(Span::as_seconds_f64), view.cores_used())
}

impl Record for Teller {
    fn decision(&mut self, decision: Decision<'_>) -> std::io::Result<()> {
        self.tell(Told::Decided(self.decided(&decision)));
        Ok(())
    }

    fn happened(&mut self, observation: &Observation) -> std::io::Result<()> {
        match observation {
            Observation::Sampled(sample) => {
                let rate = |service: ServiceId| {
                    let of = sample.services.iter().find(|one| one.service == service)?;
                    of.rate_seen.map(crate::units::Rate::per_second)
                };
                let of = |service: ServiceId| {
                    let places = sample.placements.iter().filter(|one| one.service == service);
                    let places =
                        places.map(|one| (self.known.clusters[one.cluster].name.clone(), (one.target, one.ready)));
                    (self.service(service).to_owned(), places.collect(), rate(service))
                };
                self.tell(Told::Seen(self.known.application.services.ids().map(of).collect()));
            }
            Observation::Event(event) => self.tell(Told::Happened(event.clone())),
            Observation::Failed { action, error } => self.tell(self.failed(action, error)),
            Observation::Due(_) | Observation::Finished(_) | Observation::WarmedUp(_) | Observation::Ended(_) => {}
        }
        Ok(())
    }
}
