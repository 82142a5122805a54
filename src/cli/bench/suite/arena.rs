//! A suite with all that it names read and checked, before anything is run or written: scenarios, days, policies, knobs.

use super::key;
use super::knobs::{self, Setting};
use crate::cli::Failure;
use crate::input::{self, Loaded, Request};
use crate::model::suite::{Days, Field, Suite, WarmUp};
use crate::model::workload::RateRow;
use crate::report::bench::results::{ScenarioHead, SuiteHead};
use crate::units::{Span, Time};
use anyhow::{Context, anyhow};
use std::collections::BTreeMap;
use std::path::Path;

/// A suite, ready to run.
pub struct Arena {
    /// The suite.
    pub suite: Suite,
    /// Its scenarios, in order.
    pub grounds: Vec<Ground>,
    /// For each contestant the settings to try, the defaults first.
    pub settings: Vec<Vec<Setting>>,
    /// What is said of it in results; warm-ups are still to be found.
    pub head: SuiteHead,
}

/// A scenario on its two kinds of days.
pub struct Ground {
    /// Where knobs are tuned.
    pub train: World,
    /// What is reported.
    pub test: World,
}

/// A world to run in.
pub struct World {
    /// The scenario, cut and patched.
    pub loaded: Loaded,
    /// Its hash.
    pub hash: String,
    /// How long its load is.
    pub span: Span,
}

impl Arena {
    /// Reads the suite at `path` with everything that it names.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let suite = input::suite::load(path).map_err(Failure::input)?;
        let budget = suite.tuning_runs as usize;
        let settings = suite.contestants.iter().map(|contestant| knobs::settings(contestant, budget));
        let settings = settings.collect::<Result<Vec<_>, _>>().map_err(Failure::input)?;
        let grounds = suite.scenarios.iter().map(|field| ground(field, suite.warm_up));
        let grounds = grounds.collect::<Result<Vec<_>, Failure>>()?;
        let head = head(&suite, &grounds, path);
        Ok(Self { suite, grounds, settings, head })
    }

    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.grounds.len() * self.settings.len()
    }
}

fn ground(field: &Field, warm_up: WarmUp) -> Result<Ground, Failure> {
    let ground = Ground { train: world(field, "training", &field.train)?, test: world(field, "test", &field.test)? };
    let shortest = ground.train.span.min(ground.test.span);
    match warm_up {
        WarmUp::Fixed(span) if span >= shortest => Err(Failure::input(anyhow!(
            "{}: a warm-up of {span} leaves nothing of {shortest}; write a shorter `warm_up`, or longer days",
            field.place
        ))),
        _ => Ok(ground),
    }
}

fn world(field: &Field, kind: &str, days: &Days) -> Result<World, Failure> {
    let place = || format!("{}: the {kind} days ({days})", field.place);
    let set = field.set.iter().chain(&days.patch).cloned().collect();
    let request = Request { set, variant: field.variant.clone(), until: None, window: days.window };
    let loaded = input::load(&field.path, &request).with_context(place).map_err(Failure::input)?;
    let span = span(&loaded).with_context(place).map_err(Failure::input)?;
    if let Some(wanted) = days.window.span().filter(|wanted| span < *wanted) {
        let end = Time(days.window.from.0) + span;
        let message = format!("the load ends after {end}, {wanted} were asked for; write an earlier `until`");
        return Err(Failure::input(anyhow!(message).context(place())));
    }
    Ok(World { hash: key::of_world(&loaded, days.window), loaded, span })
}

/// How long a run is: until the load ends, or the scenario says so.
fn span(loaded: &Loaded) -> Result<Span, input::InputError> {
    let until = loaded.scenario.until.map(|until| Time(until.0));
    if let Some(until) = until.filter(|_| loaded.task_count() > 0) {
        return Ok(Span(until.0));
    }
    let (mut source, mut row) = (loaded.workload()?, RateRow::default());
    while source.next_row(&mut row)? {
        if let Some(until) = until.filter(|until| row.at >= *until) {
            return Ok(Span(until.0));
        }
    }
    let end = source.end().max(loaded.tasks().end());
    Ok(Span(until.map_or(end, |until| until.min(end)).0))
}

fn head(suite: &Suite, grounds: &[Ground], path: &Path) -> SuiteHead {
    let scenario = |(field, ground): (&Field, &Ground)| ScenarioHead {
        name: field.name.clone(),
        question: ground.test.loaded.question.clone(),
        train: field.train.to_string(),
        test: field.test.to_string(),
        warm_up_s: 0.0,
        warm_up_by: String::new(),
        span_s: ground.test.span.as_seconds_f64(),
    };
    SuiteHead {
        name: suite.name.clone(),
        question: suite.question.clone(),
        scenarios: suite.scenarios.iter().zip(grounds).map(scenario).collect(),
        contestants: suite.contestants.iter().map(|one| one.name.clone()).collect(),
        baseline: suite.contestants[suite.baseline].name.clone(),
        bad_million_usd: suite.bad_million.0,
        tuning_runs: suite.tuning_runs,
        seeds: (suite.seeds_least, suite.seeds_most),
        precision: suite.precision.as_f64(),
        inputs: inputs(suite, grounds, path),
        program: key::program(),
    }
}

/// Hashes by paths as they are written, so that they do not depend on where the user stands. Where two scenarios write one
/// path and mean two files, the second is named with its scenario.
fn inputs(suite: &Suite, grounds: &[Ground], path: &Path) -> BTreeMap<String, String> {
    let name = path.file_name().map_or_else(|| suite.name.clone(), |name| name.to_string_lossy().into_owned());
    let mut all = BTreeMap::from([(name, suite.sha256.clone())]);
    for (field, ground) in suite.scenarios.iter().zip(grounds) {
        for world in [&ground.train, &ground.test] {
            for (index, file) in world.loaded.inputs.iter().enumerate() {
                let written = if index == 0 { &field.file } else { &file.path };
                let is_other = all.get(written).is_some_and(|known| *known != file.sha256);
                let written = if is_other { format!("{}: {written}", field.name) } else { written.clone() };
                all.insert(written, file.sha256.clone());
            }
        }
    }
    all
}
