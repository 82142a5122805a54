//! What a writer counts while a run goes on, besides what the backend adds up itself.

use super::{Decision, Record};
use crate::model::Observation;
use crate::model::observation::EventKind;
use std::io;

/// What a writer counts while a run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counts {
    /// Decisions made.
    pub decisions: u64,
    /// Refusals in all of them.
    pub refusals: u64,
    /// What the checker found in all of them.
    pub violations: u64,
    /// Services that were held back, over all of them.
    pub held: u64,
    /// Actions started.
    pub actions: u64,
    /// Actions that failed for good.
    pub actions_failed: u64,
    /// Things that broke: lost clusters, nodes, links and telemetry, crashed replicas.
    pub faults: u64,
    /// The largest optimality gap of a decision.
    pub gap_max: Option<f64>,
    /// All gaps, and the number of decisions that had one.
    pub gaps: (f64, u64),
}

/// Counting is a record of its own, where only the figures of a run are wanted.
impl Record for Counts {
    fn decision(&mut self, decision: Decision<'_>) -> io::Result<()> {
        self.decisions += 1;
        self.refusals += decision.plan.refusals.len() as u64;
        self.violations += decision.violations.len() as u64;
        self.held += decision.held.len() as u64;
        self.actions += decision.actions.len() as u64;
        let gap = decision.plan.quality.and_then(|quality| quality.gap());
        self.gaps = (self.gaps.0 + gap.unwrap_or(0.0), self.gaps.1 + u64::from(gap.is_some()));
        self.gap_max = [self.gap_max, gap].into_iter().flatten().reduce(f64::max);
        Ok(())
    }

    fn happened(&mut self, observation: &Observation) -> io::Result<()> {
        match observation {
            Observation::Event(event) => self.faults += u64::from(breaks(event.kind)),
            Observation::Failed { .. } => self.actions_failed += 1,
            Observation::WarmedUp(_) => *self = Self::default(),
            _ => {}
        }
        Ok(())
    }
}

/// Whether something broke, and was not mended.
const fn breaks(kind: EventKind) -> bool {
    match kind {
        EventKind::ClusterLost
        | EventKind::NodeLost
        | EventKind::ReplicaCrashed
        | EventKind::LinkLost
        | EventKind::TelemetryLost => true,
        EventKind::ClusterBack
        | EventKind::NodeBack
        | EventKind::LinkBack
        | EventKind::TelemetryBack
        | EventKind::ServiceWanted
        | EventKind::ServiceUnwanted
        | EventKind::ServiceChanged
        | EventKind::CapacityDrifted
        | EventKind::CapacityLearnt
        | EventKind::ControlPaused
        | EventKind::ControlResumed => false,
    }
}
