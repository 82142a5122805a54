//! Losses tried out at one instant: one past, and from a fork of it a future for each thing that might be lost.
//!
//! The past is run once. At the instant every future is a [fork](crate::run::Run::fork) of it, so all of them share world,
//! policy and randomness up to there, and the one in which nothing is lost is what would have come anyway. What differs from
//! that one until the end of the drill is what the loss did: no difference is chance.
//!
//! In reading order: `busiest` (when a loss hurts most), `losses` (what may be lost), `watch` (what is seen of a future),
//! `harm` (what a loss did). How many futures run at a time, and what is said of them, is left to the caller.

pub mod busiest;
pub mod harm;
pub mod losses;
pub mod watch;

use crate::backend::sim::SimBackend;
use crate::learning::Learning;
use crate::model::fault::FaultTarget;
use crate::model::task::TaskSource;
use crate::model::workload::RateSource;
use crate::model::{Scenario, Totals};
use crate::policy::Policy;
use crate::record::Unrecorded;
use crate::run::{Run, RunError};
use crate::seed::Seed;
use crate::units::{Span, Time};
use std::sync::Arc;
use watch::{Point, Watch};

/// From one look at a future to the next, at most: times to recover are as exact as this.
pub const LOOK_EVERY: Span = Span::seconds(30);

/// A world and who decides in it, before its start.
pub struct Stage {
    /// The world.
    pub scenario: Arc<Scenario>,
    /// Its load.
    pub rates: Box<dyn RateSource>,
    /// Its tasks.
    pub tasks: Box<dyn TaskSource>,
    /// Who decides.
    pub policy: Box<dyn Policy>,
    /// The seed.
    pub seed: Seed,
}

/// What is lost, when, and how long is looked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// How long what is lost stays lost.
    pub lasts: Span,
    /// From the loss to the end of the drill.
    pub until: Span,
}

/// A run at the instant of the losses.
pub struct Past {
    run: Run<Learning<SimBackend>>,
    /// The decision after which the losses strike.
    at: Time,
}

/// A fork of it that has not begun.
pub struct Future(Run<Learning<SimBackend>>);

/// How a future went.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// The sums from the start of the run, the past included.
    pub totals: Totals,
    /// What was seen from the instant of the losses on.
    pub points: Vec<Point>,
}

impl Stage {
    /// Runs to the first decision at or after `at`; `None` where the run ends before.
    ///
    /// # Errors
    /// Where the run fails.
    pub fn until(self, at: Time) -> Result<Option<Past>, RunError> {
        let mut scenario = Scenario::clone(&self.scenario);
        scenario.sample_every = Some(scenario.sample_every.map_or(LOOK_EVERY, |every| every.min(LOOK_EVERY)));
        let (rails, learn) = (scenario.control.rails.clone(), scenario.learn);
        let backend = SimBackend::with_tasks(Arc::new(scenario), (self.rates, self.tasks), self.seed);
        let backend = Learning::around(backend.map_err(RunError::Backend)?, learn);
        let mut run = Run::new(backend, self.policy, rails, self.seed);
        let ended = run.drive(Some(at), &mut Unrecorded)?.is_some();
        let at = run.backend.inner_mut().now();
        Ok((!ended).then_some(Past { run, at }))
    }
}

impl Past {
    /// The instant at which losses strike.
    pub const fn at(&self) -> Time {
        self.at
    }

    /// The future in which all of `targets` are lost together; without any, the one that would have come anyway.
    pub fn future(&self, targets: &[FaultTarget], times: Times) -> Future {
        let mut run = self.run.fork();
        let world = run.backend.inner_mut();
        if !targets.is_empty() {
            world.strike(targets, times.lasts);
        }
        world.end_at(self.at + times.until);
        Future(run)
    }
}

impl Future {
    /// Runs to the end of the drill, or of the run where that is earlier.
    ///
    /// # Errors
    /// Where the run fails.
    ///
    /// # Panics
    /// Never: without a pause a run goes on to its end.
    pub fn live(mut self) -> Result<Course, RunError> {
        let mut watch = Watch::default();
        let totals = self.0.drive(None, &mut watch)?.expect("without a pause, a run goes on to its end");
        Ok(Course { totals, points: watch.points })
    }
}
