//! Karmada as a placement: each service is a Deployment under one `PropagationPolicy`, scheduled as Karmada schedules it.
//!
//! The scheduler itself is [`policy::karmada`](crate::policy::karmada), judged by decisions of the real one. Here a snapshot
//! becomes what Karmada would see of it (`view`), and what Karmada writes into its bindings becomes a plan (`engine`).
//!
//! Karmada plans each service for itself and believes its estimates, so it asks for what cannot run. Such replicas would stay
//! `Pending` in their cluster; a plan may not ask for them, so they are refused with that reason, and Karmada goes on believing
//! that they are there, as it does in reality. Room is that of ready nodes: this version does not know that a pool could grow, so
//! under dynamic weights an autoscaled pool grows only where replicas wait already. What our model has and Karmada has not:
//! - a pinned service stays in its cluster: an affinity to that cluster alone;
//! - a cluster that cannot be reached is evicted from, as with `Failover` and a `NoExecute` taint policy;
//! - `duplicated` means all replicas in one cluster: copies in several would be more than are wanted;
//! - the name of a service stands in for the UID that breaks ties.

mod engine;
mod options;
mod view;

pub mod descheduler;
pub mod rebalancer;

use super::{Entry, Parameter};
use crate::model::{Explanation, Plan, Snapshot, Wanted};
use crate::policy::{Context, Placement, PolicyError};
pub use engine::{Engine, Turn};
pub use options::{Options, PARAMETERS};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "karmada",
    summary: "Karmada's scheduler v1.18: divides each service by weights or room, as its estimator sees it",
    about: "Filter (affinity, taints, eviction), score (100 where it is already), estimate, select clusters (spread), then \
        divide: next replica to the largest weight ÷ (2·replicas + 1) (Webster). Dynamic weights = free replicas by the \
        estimator; more are added to what is there, fewer are divided by what was there; aggregated takes the fewest \
        clusters that suffice. All or nothing: too little room changes nothing. Source: karmada-scheduler v1.18.2, of \
        which 793 recorded decisions are reproduced; see `smo::policy::karmada`.",
    parameters: &PARAMETERS,
    partner: "federated-hpa",
    build: |parameters| Ok(Box::new(Karmada { engine: Engine::new(Options::read(parameters)?) })),
};

/// Karmada's scheduler alone.
#[derive(Clone)]
pub struct Karmada {
    engine: Engine,
}

impl Placement for Karmada {
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, _: Context<'_>) -> Result<Plan, PolicyError> {
        Ok(self.engine.place(snapshot, wanted, Turn::default()))
    }

    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        engine::explain(snapshot, plan)
    }

    fn fork(&self) -> Box<dyn Placement> {
        Box::new(self.clone())
    }
}

/// The parameters of Karmada and `more`, as one list.
const fn with<const N: usize, const M: usize>(more: [Parameter; N]) -> [Parameter; M] {
    let mut all = [PARAMETERS[0]; M];
    let mut index = 0;
    while index < M {
        all[index] = if index < N { more[index] } else { PARAMETERS[index - N] };
        index += 1;
    }
    all
}
