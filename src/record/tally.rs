//! A record that lies nowhere: the figures of a run, and on demand how its loss came about over time.
//!
//! For runs of which only the summary counts, by the thousand. What is counted is what a [`Writer`](super::Writer) counts.

use super::counts::Counts;
use super::summary::Summary;
use super::{Decision, Record};
use crate::model::observation::Sample;
use crate::model::scenario::Known;
use crate::model::{Observation, Totals};
use crate::units::{Rate, Time};
use std::io;
use std::sync::Arc;

/// What is kept of a run.
#[derive(Debug)]
pub struct Tally {
    known: Arc<Known>,
    counts: Counts,
    /// At each sample, with the cost since the start.
    course: Option<Vec<Step>>,
}

/// From one sample to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// When it ends.
    pub at: Time,
    /// What was paid in it, in dollars.
    pub cost: f64,
    /// Requests in it that were dropped, or served while their service broke its SLO: what a sample knows of bad requests.
    pub bad: f64,
}

impl Tally {
    /// For a run that begins.
    pub fn new(known: Arc<Known>) -> Self {
        Self { known, counts: Counts::default(), course: None }
    }

    /// The same, which keeps its course.
    #[must_use]
    pub fn with_course(self) -> Self {
        Self { course: Some(Vec::new()), ..self }
    }

    /// The figures.
    pub fn summary(&self, totals: &Totals) -> Summary {
        Summary::new(&self.known, totals, &self.counts)
    }

    /// The steps so far; none where they are not kept.
    pub fn course(&self) -> Vec<Step> {
        let samples = self.course.as_deref().unwrap_or_default();
        let between = |before: Step, after: Step| Step { cost: after.cost - before.cost, ..after };
        samples.windows(2).map(|pair| between(pair[0], pair[1])).collect()
    }
}

impl Record for Tally {
    fn decision(&mut self, decision: Decision<'_>) -> io::Result<()> {
        self.counts.decision(decision)?;
        Ok(())
    }

    fn happened(&mut self, observation: &Observation) -> io::Result<()> {
        self.counts.happened(observation)?;
        if let (Observation::Sampled(sample), Some(course)) = (observation, &mut self.course) {
            let begin = course.last().map_or(Time::ZERO, |step: &Step| step.at);
            course.push(Step { at: sample.at, cost: cost(sample), bad: bad(sample, begin) });
        }
        Ok(())
    }
}

fn cost(sample: &Sample) -> f64 {
    sample.clusters.iter().map(|cluster| cluster.cost).sum()
}

fn bad(sample: &Sample, begin: Time) -> f64 {
    let seconds = sample.at.since(begin).as_seconds_f64();
    let rates = sample.services.iter().map(|service| {
        let slow = service.slo_violated.unwrap_or(0.0) * service.served.map_or(0.0, Rate::per_second);
        service.dropped.map_or(0.0, Rate::per_second) + slow
    });
    rates.sum::<f64>() * seconds
}
