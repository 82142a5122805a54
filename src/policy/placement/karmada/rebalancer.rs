//! Karmada with a `WorkloadRebalancer`: from time to time everything is divided afresh.
//!
//! Karmada leaves replicas where they are, so after a failover nothing comes back and after a new cluster joins nothing goes
//! there. A `WorkloadRebalancer` asks for a fresh division: what is there counts as free, and the whole service is divided by
//! that. It is one-shot in Karmada; here one is created every `period`, and, where `on-return` is on, when a cluster has come
//! back.

use super::{Engine, Entry, Options, Parameter, Turn, engine, with};
use crate::model::{Explanation, Plan, Snapshot, Wanted};
use crate::policy::placement::Parameters;
use crate::policy::{Context, Placement, PolicyError, parameter::ParameterError};
use crate::units::{Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "karmada-rebalancer",
    summary: "Karmada's scheduler with a WorkloadRebalancer: a fresh division every period and when a cluster returns",
    about: "As `karmada`, and every `period` (and, with `on-return=on`, when a cluster can be reached again) each service is \
        divided afresh: weights = free replicas + those that are there, all replicas divided by Webster's seats. Source: \
        Karmada v1.18.2, WorkloadRebalancer (sets `rescheduleTriggeredAt`) and the scheduler's mode `Fresh`.",
    parameters: &PARAMETERS,
    partner: "federated-hpa",
    build: |parameters| Ok(Box::new(Rebalanced::read(parameters)?)),
};

const PARAMETERS: [Parameter; 10] = with([
    Parameter { name: "period", default: "1 h", summary: "time between two fresh divisions of everything" },
    Parameter { name: "on-return", default: "on", summary: "also when a cluster can be reached again: `on` or `off`" },
]);

/// Scheduler and rebalancer.
#[derive(Clone)]
pub struct Rebalanced {
    engine: Engine,
    period: Span,
    on_return: bool,
    last: Option<Time>,
    reachable: Vec<bool>,
}

impl Rebalanced {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let on_return = match parameters.get::<String>("on-return")?.as_str() {
            "on" => true,
            "off" => false,
            other => return Err(parameters.invalid("on-return", format!("`{other}` is neither `on` nor `off`"))),
        };
        let period = parameters.span("period")?;
        let engine = Engine::new(Options::read(parameters)?);
        Ok(Self { engine, period, on_return, last: None, reachable: Vec::new() })
    }

    /// Whether a fresh division is due; the first decision starts the clock.
    fn is_due(&mut self, snapshot: &Snapshot) -> bool {
        let reachable: Vec<bool> = snapshot.clusters.values().map(|view| view.reachable).collect();
        let has_returned = self.reachable.iter().zip(&reachable).any(|(before, now)| !before && *now);
        self.reachable = reachable;
        let last = *self.last.get_or_insert(snapshot.at);
        let is_over = snapshot.at.since(last) >= self.period && snapshot.at > last;
        let is_due = is_over || (self.on_return && has_returned);
        if is_due {
            self.last = Some(snapshot.at);
        }
        is_due
    }
}

impl Placement for Rebalanced {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        let turn = Turn { fresh: self.is_due(snapshot), ..Turn::default() };
        Ok(self.engine.place(snapshot, wanted, turn))
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        engine::explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}
