//! What is seen of a future while it runs: a few sums a sample, from which times to recover are told.

use crate::model::Observation;
use crate::record::{Decision, Record};
use crate::units::{Rate, Time};

/// The world at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: Time,
    /// Requests and calls that arrived, each second since the point before, over all services.
    pub offered: f64,
    /// Of them, served.
    pub served: f64,
    /// Requests that wait, over all services.
    pub backlog: f64,
    /// Share of the time since the point before in which the SLO of the worst service was broken.
    pub violated: f64,
    /// Replicas without a place: refused by the policy, at most since the point before, or without a node now, whichever are
    /// more; and tasks that wait.
    pub unplaced: u64,
}

/// Keeps a point a sample.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    /// What was seen, in order.
    pub points: Vec<Point>,
    /// The most replicas that a decision refused since the last sample.
    refused: u64,
}

impl Record for Watch {
    fn decision(&mut self, decision: Decision<'_>) -> std::io::Result<()> {
        let refused = decision.plan.refusals.iter().map(|refusal| u64::from(refusal.replicas)).sum();
        self.refused = self.refused.max(refused);
        Ok(())
    }

    fn happened(&mut self, observation: &Observation) -> std::io::Result<()> {
        let Observation::Sampled(sample) = observation else { return Ok(()) };
        let pending: u64 = sample.placements.iter().map(|place| u64::from(place.pending)).sum();
        let waiting = sample.tasks.map_or(0, |tasks| tasks.waiting);
        self.points.push(Point {
            at: sample.at,
            offered: sample.services.iter().filter_map(|service| service.offered).map(Rate::per_second).sum(),
            served: sample.services.iter().filter_map(|service| service.served).map(Rate::per_second).sum(),
            backlog: sample.services.iter().map(|service| service.backlog).sum(),
            violated: sample.services.iter().filter_map(|service| service.slo_violated).fold(0.0, f64::max),
            unplaced: std::mem::take(&mut self.refused).max(pending) + waiting,
        });
        Ok(())
    }
}
