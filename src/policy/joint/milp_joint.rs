//! Where and how many at once: replicas are dear in one cluster and slow in another, so neither can be decided first.
//!
//! ```text
//! min  Σ price[s,e]·r[s,e] + moves·(r[s,e] − now[s,e])⁺ + activation·used[e] + Σ calls traffic·distance + shortage·short[s]
//! s.t. Σ_e work[s,e]·r[s,e] + short[s] ≥ all of s's requests,  Σ_s request[s,k]·r[s,e] ≤ capacity[e,k],  the rules
//! ```
//!
//! What a replica's work is, see [`needs`](crate::policy::placement::engine::needs). What does not fit is short, and refused
//! with the smallest change that would help, in the place of "infeasible".
//!
//! Rates are those that are seen, with headroom, from one decision to the next: nothing is held down. A service whose rate was
//! never seen keeps the replicas that it has.

use super::Entry;
use crate::model::{Explanation, Plan, ServiceId, Snapshot, Table, Wanted, Why};
use crate::policy::parameter::Parameter;
use crate::policy::placement::engine::Engine;
use crate::policy::{Budget, Context, Placement, Policy, PolicyError};
use crate::seed::Stream;
use crate::solver::anytime::Tiers;
use crate::units::{Rate, Ratio};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "milp-joint",
    summary: "where and how many at once: cheapest for the rates that are seen, shortage instead of infeasible",
    about: "n(s,e) replicas in cluster e would serve rate(s)·(1 + headroom) by the believed capacity of its class. min \
        Σ price·r + moves·(r − now)⁺ + activation·used + traffic·distance + shortage·short, Σ_e r(s,e)/n(s,e) + \
        short(s) ≥ 1, requests ≤ capacity, rules of the scenario. Solved by all tiers of `anytime`: prices with calls in \
        a tree chosen exactly, annealing, reduced-cost fixing, HiGHS.",
    parameters: &[
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond the rate that is seen" },
        Parameter { name: "gap", default: "0.1 %", summary: "share of the cost that is not worth searching for" },
    ],
    build: |parameters| {
        Ok(Box::new(Joint {
            factor: Ratio(Ratio::ONE.0 + parameters.ratio("headroom", 0.0, 10.0)?.0),
            engine: Engine::new(ENTRY.name, Tiers::All, parameters)?,
            wish: None,
        }))
    },
};

/// Placement and replicas together.
#[derive(Clone)]
struct Joint {
    factor: Ratio,
    engine: Engine,
    /// As of the last tick.
    wish: Option<Wanted>,
}

impl Policy for Joint {
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, stream: &mut Stream) -> Result<Plan, PolicyError> {
        let mut wanted = match self.wish.take().filter(|_| !snapshot.is_tick) {
            Some(wish) => wish,
            None => self.wish(snapshot),
        };
        self.wish = Some(wanted.clone());
        for class in snapshot.known.application.tasks() {
            wanted.replicas.push(snapshot.services[class].tasks);
            wanted.why.push(Why::new("tasks that are there", &[]));
        }
        let mut plan = self.engine.place(snapshot, &wanted, Context { budget, stream })?;
        plan.why = wanted.why;
        Ok(plan)
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        self.engine.explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Policy> {
        Box::new(self.clone())
    }
}

impl Joint {
    /// What services are to serve, or how many replicas they have until that is known.
    fn wish(&self, snapshot: &Snapshot) -> Wanted {
        let mut wanted = Wanted::counts(Table::new(), Table::new());
        for service in snapshot.known.application.requests() {
            let (replicas, serve) = self.wish_of(snapshot, service);
            let rate = snapshot.services[service].rate.value.map_or(0.0, Rate::per_second);
            wanted.replicas.push(replicas);
            wanted.why.push(Why::new("the fewest dollars that serve the rate, wherever that is", &[("rate", rate)]));
            wanted.serve.push(serve);
        }
        wanted
    }

    fn wish_of(&self, snapshot: &Snapshot, service: ServiceId) -> (u32, Option<Rate>) {
        let declared = snapshot.service(service);
        if snapshot.services[service].dormant {
            // It waits for its event.
            return (0, None);
        }
        let present = snapshot.targets.total(service);
        let conditions = &snapshot.known.application.conditions;
        let begins = present == 0 && conditions.iter().any(|(one, _)| *one == service);
        let as_is = if present > 0 { present } else { declared.replicas };
        let as_is = as_is.clamp(declared.replicas_min, declared.replicas_max);
        match snapshot.services[service].rate.value {
            // A service whose event has happened begins as declared, because its rate is only about to come.
            _ if begins => (declared.replicas, None),
            None => (as_is, None),
            Some(Rate::ZERO) => (declared.replicas_min, None),
            Some(rate) => (as_is, Some(rate.scaled(self.factor))),
        }
    }
}
