//! Where plans are carried out.
//!
//! `observe` waits for the next thing that happens; `apply` starts to carry a plan out and returns. Effects show up only
//! in later observations, so an event 60 s ahead in the queue and a Helm upgrade that takes a minute look alike. The trait
//! is synchronous.

#[cfg(feature = "live")]
pub mod live;
pub mod manifest;
pub mod shadow;
pub mod sim;

use crate::model::observation::Action;
use crate::model::{Observation, Plan, Totals};
use crate::units::Span;
use std::collections::BTreeMap;

/// A world that plans act on: simulated, watched, or real.
pub trait Backend {
    /// Waits for the next thing that happens. After [`Observation::Ended`] nothing more does.
    ///
    /// # Errors
    /// When the world cannot be observed any more.
    fn observe(&mut self) -> Result<Observation, BackendError>;

    /// Starts to carry `plan` out: the actions that lead from the present targets to the plan's. The same plan again
    /// starts nothing.
    ///
    /// # Errors
    /// When the world does not take orders any more; a single action that fails is an observation.
    fn apply(&mut self, plan: &Plan) -> Result<Vec<Action>, BackendError>;

    /// The sums so far, of a world that was lost on the way and keeps some: what was decided until then can be recorded.
    fn so_far(&mut self) -> Option<Totals> {
        None
    }

    /// What went wrong outside and passed by itself or was gone round, and how often; nothing in a simulation.
    fn troubles(&self) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    /// Shows the rates of the next `span` in every snapshot from now on, where there is a future to show: a simulation has
    /// one.
    fn foresee(&mut self, span: Span) {
        let _ = span;
    }
}

/// A backend cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// The workload cannot be read on.
    #[error(transparent)]
    Workload(#[from] crate::model::workload::WorkloadError),
    /// The real world cannot be reached any more, or somebody else drives it.
    #[error("{0}")]
    Outside(String),
}
