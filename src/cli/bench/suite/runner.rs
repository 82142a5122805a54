//! Runs in memory: worlds, policies and seeds in, figures out, each made once and kept by its key.

use super::arena::World;
use super::cache::Cache;
use super::key;
use crate::backend::sim::SimBackend;
use crate::cli::bounds::bounds;
use crate::cli::job::{JobError, caught};
use crate::cli::{Failure, execute};
use crate::learning::Learning;
use crate::model::Scenario;
use crate::policy::{PolicySpec, exec};
use crate::record::Summary;
use crate::record::tally::{Step, Tally};
use crate::report::bench::results::{Bounds, Outcome};
use crate::run::Run;
use crate::seed::Seed;
use crate::units::Span;
use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Does runs.
pub struct Runner {
    /// What is there already.
    pub cache: Cache,
    /// Runs at the same time; `None`: one a core.
    pub threads: Option<NonZeroUsize>,
    /// What a million bad requests cost.
    pub bad_million_usd: f64,
}

/// A run that is wanted.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Where.
    pub world: &'a World,
    /// Who decides.
    pub policy: &'a PolicySpec,
    /// The seed.
    pub seed: u64,
    /// What is not counted at its begin.
    pub warm_up: Span,
}

/// A world on the day that a seed makes of it, whoever decides.
#[derive(Clone, Copy)]
pub struct Day<'a> {
    /// Where.
    pub world: &'a World,
    /// The seed.
    pub seed: u64,
    /// What is not counted at its begin.
    pub warm_up: Span,
}

impl Runner {
    /// All of them, in their order.
    ///
    /// # Errors
    /// Where the cache cannot be written; a run that fails is an outcome.
    pub fn all(&self, asked: &[Asked<'_>]) -> Result<Vec<Outcome>, Failure> {
        let outcomes = execute::all(asked, self.threads, |one| self.outcome(one))?;
        outcomes.into_iter().collect::<Result<_, _>>().context("a result cannot be kept").map_err(Failure::run)
    }

    /// What is kept for `key`, or else what `make` makes. What a program of the user's does is no function of its name: that is
    /// always made.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn kept<T, E>(
        &self,
        policy: &PolicySpec,
        key: &str,
        make: impl FnOnce() -> Result<T, E>,
    ) -> io::Result<Result<T, E>>
    where
        T: Serialize + DeserializeOwned,
    {
        if policy.label.starts_with(exec::PREFIX) { Ok(make()) } else { self.cache.get_or(key, make) }
    }

    fn outcome(&self, asked: &Asked<'_>) -> io::Result<Outcome> {
        let key = asked.key();
        let run = || asked.run(false).map(|(summary, _)| summary).map_err(|error| error.to_string());
        let result = self.kept(asked.policy, &key, run)?;
        Ok(Outcome { seed: asked.seed, key, result, bound: None })
    }

    /// What no policy can get below on these days, in their order; none where a load cannot be read, which its runs tell.
    ///
    /// # Errors
    /// Where the cache cannot be written.
    pub fn bounds(&self, days: &[Day<'_>]) -> Result<Vec<Option<Bounds>>, Failure> {
        let found = execute::all(days, self.threads, |day| self.bound(day))?;
        found.into_iter().collect::<Result<_, _>>().context("a bound cannot be kept").map_err(Failure::run)
    }

    fn bound(&self, day: &Day<'_>) -> io::Result<Option<Bounds>> {
        let Day { world: World { loaded, hash, .. }, seed, warm_up } = *day;
        let make = || {
            let scenario = counted_after(&loaded.scenario, warm_up);
            let source = loaded.workload().map_err(|error| error.to_string())?;
            bounds(&scenario, (source, Seed(seed)), self.bad_million_usd).map_err(|error| error.to_string())
        };
        Ok(self.cache.get_or(&key::of_bound((hash, seed), warm_up, self.bad_million_usd), make)?.ok())
    }
}

impl Asked<'_> {
    /// What it is a function of.
    pub fn key(&self) -> String {
        key::of_run(&self.world.hash, self.policy, self.seed, self.warm_up)
    }

    /// Runs to the end; the course only where it is wanted.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn run(&self, with_course: bool) -> Result<(Summary, Vec<Step>), JobError> {
        caught(|| {
            let (loaded, seed) = (&self.world.loaded, Seed(self.seed));
            let scenario = counted_after(&loaded.scenario, self.warm_up);
            let backend = SimBackend::with_tasks(scenario.clone(), (loaded.workload()?, loaded.tasks()), seed)?;
            let backend = Learning::around(backend, scenario.learn);
            let mut run = Run::new(backend, self.policy.build()?, scenario.control.rails.clone(), seed);
            let tally = Tally::new(scenario.known.clone());
            let mut tally = if with_course { tally.with_course() } else { tally };
            let totals = run.drive(None, &mut tally)?.expect("without a pause, a run goes on to its end");
            Ok((tally.summary(&totals), tally.course()))
        })
    }
}

/// The scenario whose runs are counted from the end of the warm-up on.
fn counted_after(scenario: &Arc<Scenario>, warm_up: Span) -> Arc<Scenario> {
    Arc::new(Scenario { warm_up, ..Scenario::clone(scenario) })
}
