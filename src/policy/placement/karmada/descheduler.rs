//! Karmada with its descheduler: replicas that wait for a node for too long are scheduled anew.
//!
//! Every `interval` the descheduler looks at each divided service. Where fewer replicas are ready than assigned, those that
//! could not be put on a node for `threshold` are taken out of the binding; the scheduler then sees too few replicas and adds
//! them where its estimator sees room. If that is the same cluster again, nothing is won: the estimator decides.

use super::{Engine, Entry, Options, Parameter, Turn, engine, with};
use crate::model::{Explanation, Plan, Snapshot, Wanted};
use crate::policy::placement::Parameters;
use crate::policy::{Context, Placement, PolicyError, parameter::ParameterError};
use crate::units::{Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "karmada-descheduler",
    summary: "Karmada's scheduler with its descheduler: replicas that wait too long go elsewhere",
    about: "Every `interval`, where ready < assigned: assigned = max(ready, assigned − replicas pending for `threshold`); \
        the scheduler (see `karmada`) then places what is missing by what is free. Source: karmada-descheduler v1.18.2 \
        (pkg/descheduler), interval 2 min and threshold 5 min as its flags have them.",
    parameters: &PARAMETERS,
    partner: "federated-hpa",
    build: |parameters| Ok(Box::new(Descheduled::read(parameters)?)),
};

const PARAMETERS: [Parameter; 10] = with([
    Parameter { name: "interval", default: "2 min", summary: "time between two looks at all services" },
    Parameter { name: "threshold", default: "5 min", summary: "time without a node after which a replica is moved" },
]);

/// Scheduler and descheduler.
#[derive(Clone)]
pub struct Descheduled {
    engine: Engine,
    interval: Span,
    threshold: Span,
    looked_at: Option<Time>,
}

impl Descheduled {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let (interval, threshold) = (parameters.span("interval")?, parameters.span("threshold")?);
        Ok(Self { engine: Engine::new(Options::read(parameters)?), interval, threshold, looked_at: None })
    }
}

impl Placement for Descheduled {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        // The first decision starts the clock.
        let last = *self.looked_at.get_or_insert(snapshot.at);
        let is_due = snapshot.at.since(last) >= self.interval && snapshot.at > last;
        if is_due {
            self.looked_at = Some(snapshot.at);
        }
        let turn = Turn { deschedule: is_due.then_some(self.threshold), ..Turn::default() };
        Ok(self.engine.place(snapshot, wanted, turn))
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        engine::explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}
