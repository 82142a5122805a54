//! What a plan is made for: a world at an instant in which nothing of the application runs yet.
//!
//! The world is the simulated one, let alone until then: so prices, carbon, lost clusters and room that others hold are
//! what a simulation would show at that instant. Only the rates are not measured but taken from the load itself.

use super::rates::{self, Given};
use super::tasks;
use crate::backend;
use crate::cli::Failure;
use crate::cli::job::Setting;
use crate::input::hdag::Artifact;
use crate::input::{self, Request};
use crate::model::{Scenario, Seen, ServiceId, Snapshot};
use crate::seed::Seed;
use crate::units::{Rate, Time};
use anyhow::anyhow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The seed of what is drawn until the instant (random faults): the first one of a simulation.
const SEED: Seed = Seed(1);

/// What is asked for.
#[derive(Debug)]
pub struct Asked<'a> {
    /// A scenario, or an inventory.
    pub world: &'a Path,
    /// Applications, for an inventory.
    pub applications: &'a [PathBuf],
    /// What is changed in a scenario.
    pub request: Request,
    /// Rates.
    pub given: &'a [Given],
    /// When; `None` for the start, or of tasks alone, when most of them are there.
    pub at: Option<Time>,
}

/// What there is to decide about.
#[derive(Debug)]
pub struct Situation {
    /// Name of the scenario, or of the applications.
    pub name: String,
    /// The world, with rates.
    pub snapshot: Snapshot,
    /// What was assumed or is unusual, in sentences.
    pub notes: Vec<String>,
    /// What descriptors say of the charts of their services, by service.
    pub artifacts: BTreeMap<String, Artifact>,
}

impl Asked<'_> {
    /// Reads what was named and looks at it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn look(self) -> Result<Situation, Failure> {
        let is_scenario = match input::world::is_scenario(self.world) {
            // An inventory need not be YAML; whatever is wrong with it is told when it is read as one.
            Err(_) if !self.applications.is_empty() => false,
            known => known.map_err(Failure::input)?,
        };
        match (is_scenario, self.applications) {
            (true, []) => self.of_scenario(),
            (false, [_, ..]) => self.of_inventory(),
            (true, [extra, ..]) => {
                let (world, extra) = (self.world.display(), extra.display());
                let remedy = "leave it out, or name an inventory first";
                Err(Failure::input(anyhow!("{extra}: the scenario {world} has its application\n  {remedy}")))
            }
            (false, []) => {
                let world = self.world.display();
                let remedy = format!("for an inventory, name an application behind it: `smo plan {world} APP`");
                Err(Failure::input(anyhow!("{world}: is not a scenario, it asks no `question`\n  {remedy}")))
            }
        }
    }

    fn of_scenario(self) -> Result<Situation, Failure> {
        let setting = Setting::load(self.world, self.request).map_err(Failure::input)?;
        let loaded = setting.loaded;
        let tasks = tasks::all(loaded.tasks()).map_err(Failure::input)?;
        let is_tasks_only = loaded.scenario.known.application.requests().len() == 0;
        let at = self.at.unwrap_or_else(|| if is_tasks_only { tasks::busiest(&tasks) } else { Time::ZERO });
        let load = rates::of_load(loaded.workload().map_err(Failure::input)?, at)?;
        // Nothing happens in a world of tasks without tasks: it is looked at from its start.
        let seen_at = if is_tasks_only { Time::ZERO } else { at };
        let mut snapshot = snapshot(&loaded.scenario, seen_at, (load, self.given))?;
        snapshot.at = at;
        tasks::put(&tasks, &mut snapshot);
        Ok(Situation { name: loaded.name, snapshot, notes: loaded.notes, artifacts: loaded.artifacts })
    }

    fn of_inventory(self) -> Result<Situation, Failure> {
        if let Some(variant) = self.request.variant {
            return Err(Failure::input(anyhow!("--variant {variant}: an inventory has no variants\n  leave it out")));
        }
        let world = input::world::load(self.world, self.applications, &self.request.set).map_err(Failure::input)?;
        let at = self.at.unwrap_or(Time::ZERO);
        let snapshot = snapshot(&world.scenario, at, (BTreeMap::new(), self.given))?;
        Ok(Situation { name: world.name, snapshot, notes: world.notes, artifacts: world.artifacts })
    }
}

/// The world at `at`, with the rates of the load and those that are given instead.
fn snapshot(
    scenario: &Arc<Scenario>,
    at: Time,
    (mut load, given): (BTreeMap<ServiceId, Rate>, &[Given]),
) -> Result<Snapshot, Failure> {
    let application = &scenario.known.application;
    load.extend(rates::as_given(application, given)?);
    let rates = rates::along_calls(application, &load);
    let mut snapshot = backend::sim::untouched(scenario, at, SEED).map_err(Failure::run)?;
    for (service, rate) in rates.iter() {
        snapshot.services[service].rate = Seen { value: *rate, at };
    }
    Ok(snapshot)
}
