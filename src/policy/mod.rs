//! Snapshot in, plan out: everything that decides.
//!
//! A policy is pure: no clock, no input or output, no globals, all randomness from the stream that it is handed. It may
//! keep state between calls (a forecaster learns); that state is part of a run and is forked with it. What it cannot do it
//! refuses, with the reason, inside the plan; an error is for broken input or a broken solver.
//!
//! People name two halves apart: a [`Scaling`] says how many replicas each service should have, a [`Placement`] says
//! where. [`compose`](compose::Composed) makes a [`Policy`] of the two; a joint policy is one directly.

pub mod asked;
pub mod compose;
pub mod exec;
pub mod joint;
pub mod karmada;
pub mod parameter;
pub mod placement;
pub mod registry;
pub mod scaling;

use crate::model::{Explanation, Plan, Snapshot, Wanted, explanation};
use crate::seed::Stream;
use crate::units::Span;

pub use asked::Asked;
pub use registry::{PolicySpec, PolicySpecError};

/// How much work a decision may be. Simulation limits nodes, which is the same on every machine; only live mode limits
/// time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Nodes of a branch-and-bound search.
    pub nodes: u32,
    /// Steps of a local search: trial moves that are evaluated.
    pub steps: u64,
    /// Wall-clock time; `None` in simulation.
    pub time: Option<Span>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { nodes: 1_000, steps: 200_000, time: None }
    }
}

/// Broken input or a broken solver; what merely cannot be done is a refusal in the plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("policy `{policy}` failed: {reason}")]
pub struct PolicyError {
    /// Name of the policy.
    pub policy: String,
    /// What went wrong.
    pub reason: String,
}

/// Decides everything.
pub trait Policy: Send {
    /// The whole wish for the world that `snapshot` shows.
    ///
    /// # Errors
    /// For broken input or a broken solver.
    fn decide(&mut self, snapshot: &Snapshot, budget: &Budget, stream: &mut Stream) -> Result<Plan, PolicyError>;

    /// Why `plan`, which this policy has made for `snapshot`, is as it is. Only people ask, so no decision pays for it.
    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation {
        explanation::explain(snapshot, plan)
    }

    /// How far ahead it asks to see the true rates: nothing, unless it is clairvoyant.
    fn foresight(&self) -> Span {
        Span::ZERO
    }

    /// A copy with the same state, for a run that is forked.
    fn fork(&self) -> Box<dyn Policy>;
}

/// Decides where.
pub trait Placement: Send {
    /// Puts the wanted replicas somewhere, or refuses some with the reason.
    ///
    /// # Errors
    /// For broken input or a broken solver.
    fn place(&mut self, snapshot: &Snapshot, wanted: &Wanted, context: Context<'_>) -> Result<Plan, PolicyError>;

    /// Why `plan` is as it is: what can be said of any plan, with what this policy weighs and would have done otherwise.
    fn explain(&self, snapshot: &Snapshot, plan: &Plan) -> Explanation;

    /// A copy with the same state.
    fn fork(&self) -> Box<dyn Placement>;
}

/// Decides how many.
pub trait Scaling: Send {
    /// Replicas of every service that answers requests, within the service's bounds. How many tasks there are is not for a
    /// scaling to decide.
    ///
    /// # Errors
    /// For broken input.
    fn scale(&mut self, snapshot: &Snapshot, stream: &mut Stream) -> Result<Wanted, PolicyError>;

    /// How far ahead it asks to see the true rates: nothing, unless it is clairvoyant.
    fn foresight(&self) -> Span {
        Span::ZERO
    }

    /// A copy with the same state.
    fn fork(&self) -> Box<dyn Scaling>;
}

/// What a placement may spend and draw from.
#[derive(Debug)]
pub struct Context<'a> {
    /// Work limit.
    pub budget: &'a Budget,
    /// Randomness.
    pub stream: &'a mut Stream,
}
