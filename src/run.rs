//! The one loop, for every backend: observe → decide → check → record → apply. The only place where the stages meet.

mod kept;

use crate::backend::{Backend, BackendError};
use crate::model::check;
use crate::model::control::Rails;
use crate::model::{Observation, Plan, Snapshot, Totals};
use crate::policy::{Budget, Policy, PolicyError};
use crate::record::explained::Explained;
use crate::record::{Decision, Record};
use crate::seed::{Seed, Stream};
use crate::units::Time;
use kept::Kept;

/// A run stopped before its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The world.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The record.
    #[error("the record cannot be written: {0}")]
    Record(#[from] std::io::Error),
}

/// A policy in a world.
pub struct Run<B> {
    /// The world.
    pub backend: B,
    /// Who decides.
    pub policy: Box<dyn Policy>,
    /// Limits on every decision.
    pub rails: Rails,
    /// Work limit of every decision.
    pub budget: Budget,
    /// The policy's randomness.
    pub stream: Stream,
    /// Decisions to be explained at the end, where that is wanted.
    kept: Option<Box<Kept>>,
}

impl<B: Backend> Run<B> {
    /// A run at its start. A policy that is clairvoyant is shown the future, where there is one.
    #[must_use]
    pub fn new(mut backend: B, policy: Box<dyn Policy>, rails: Rails, seed: Seed) -> Self {
        backend.foresee(policy.foresight());
        Self { backend, policy, rails, budget: Budget::default(), stream: seed.stream("policy", 0), kept: None }
    }

    /// The same run, which keeps the decisions that matter so that [`explained`](Self::explained) can tell why.
    #[must_use]
    pub fn explaining(self) -> Self {
        Self { kept: Some(Box::default()), ..self }
    }

    /// Why the decisions that mattered were as they were; nothing where that was not asked for at the start.
    pub fn explained(&self) -> Vec<Explained> {
        self.kept.as_ref().map_or_else(Vec::new, |kept| kept.explain(self.policy.as_ref()))
    }

    /// Runs to the end, or until the first decision that is due at or after `pause`; then `None`, and that decision is
    /// made. Called again, it goes on.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn drive(&mut self, pause: Option<Time>, record: &mut dyn Record) -> Result<Option<Totals>, RunError> {
        loop {
            match self.backend.observe()? {
                Observation::Due(snapshot) => {
                    let at = snapshot.at;
                    let (plan, actions) = self.decide(&snapshot, record)?;
                    if let Some(kept) = &mut self.kept {
                        kept.take(snapshot, plan, (actions, self.policy.as_ref()));
                    }
                    if pause.is_some_and(|pause| at >= pause) {
                        return Ok(None);
                    }
                }
                Observation::Ended(totals) => return Ok(Some(*totals)),
                happened => record.happened(&happened)?,
            }
        }
    }

    /// Decides and applies; the plan as it was applied, and how many actions it started.
    fn decide(&mut self, snapshot: &Snapshot, record: &mut dyn Record) -> Result<(Plan, usize), RunError> {
        let plan = self.policy.decide(snapshot, &self.budget, &mut self.stream)?;
        let violations = check::violations(snapshot, &plan);
        let (plan, held) = self.rails.limit(snapshot, plan, &violations);
        let actions = self.backend.apply(&plan)?;
        record.decision(Decision { snapshot, plan: &plan, violations: &violations, held: &held, actions: &actions })?;
        Ok((plan, actions.len()))
    }

    /// A second future from here on: same world, same policy state, same randomness. Nothing of it is explained.
    #[must_use]
    pub fn fork(&self) -> Self
    where
        B: Clone,
    {
        Self {
            backend: self.backend.clone(),
            policy: self.policy.fork(),
            rails: self.rails.clone(),
            budget: self.budget,
            stream: self.stream.clone(),
            kept: None,
        }
    }
}
