//! A world at an instant when nobody has asked anything of it: what a plan is made for.

use super::SimBackend;
use crate::backend::{Backend, BackendError};
use crate::model::workload::RowsInMemory;
use crate::model::{Observation, Plan, Scenario, Snapshot};
use crate::seed::Seed;
use crate::units::{Span, Time};
use std::sync::Arc;

/// The world at `at`: lost clusters, prices, carbon and room that others hold are what a simulation would show then. Between the
/// start and then nothing is scraped or sampled, so that the instant may be far away.
///
/// # Errors
/// A world that cannot be simulated, or that ends before.
pub fn untouched(scenario: &Scenario, at: Time, seed: Seed) -> Result<Snapshot, BackendError> {
    let after = Span(at.0) + Span::seconds(1);
    let mut alone = scenario.clone();
    alone.control.every = Span(at.0.max(1));
    alone.telemetry.scrape = after;
    (alone.until, alone.sample_every, alone.warm_up) = (None, Some(after), Span::ZERO);
    let nothing = Box::new(RowsInMemory::new(Vec::new(), after));
    let mut backend = SimBackend::new(Arc::new(alone), nothing, seed)?;
    loop {
        match backend.observe()? {
            Observation::Due(snapshot) if snapshot.at >= at => return Ok(*snapshot),
            Observation::Due(_) => drop(backend.apply(&Plan::default())?),
            Observation::Ended(_) => return Err(BackendError::Outside(format!("nothing is to be decided at {at}"))),
            _ => {}
        }
    }
}
