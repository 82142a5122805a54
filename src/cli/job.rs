//! One run: a scenario in one variant, a policy and a seed in, a record on the disk out.

use super::timed::{Stopwatch, Timed};
use crate::backend::BackendError;
use crate::backend::sim::SimBackend;
use crate::input::{self, InputError, Loaded, Request};
use crate::learning::Learning;
use crate::policy::PolicySpec;
use crate::policy::parameter::ParameterError;
use crate::record::{InputFile, ManifestHeader, Writer};
use crate::run::{Run, RunError};
use crate::seed::Seed;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A scenario in one variant, loaded once for all its policies and seeds.
#[derive(Debug)]
pub struct Setting {
    /// The scenario's file as it was named.
    pub path: PathBuf,
    /// What was asked of it besides.
    pub request: Request,
    /// What it is.
    pub loaded: Loaded,
}

impl Setting {
    /// Reads the scenario at `path`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn load(path: &Path, request: Request) -> Result<Self, InputError> {
        let loaded = input::load(path, &request)?;
        Ok(Self { path: path.to_owned(), request, loaded })
    }
}

/// One run.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where.
    pub setting: Arc<Setting>,
    /// Who decides.
    pub policy: PolicySpec,
    /// The seed.
    pub seed: Seed,
    /// Where the record is to lie.
    pub directory: PathBuf,
}

/// A run did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The scenario or a trace.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The policy's parameters.
    #[error(transparent)]
    Policy(#[from] ParameterError),
    /// The loop.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The record.
    #[error("{}: the record cannot be written: {source}", path.display())]
    Record {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A mistake of this program; the other runs go on.
    #[error("a mistake of smo itself: {0}; please report it with the command")]
    Panicked(String),
}

impl From<BackendError> for JobError {
    fn from(error: BackendError) -> Self {
        Self::Run(error.into())
    }
}

impl JobError {
    /// Whether what went in is to blame.
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Input(_) | Self::Policy(_) | Self::Run(RunError::Backend(BackendError::Workload(_))))
    }
}

impl Job {
    /// Runs to the end and leaves the record in its directory, or nothing.
    ///
    /// # Errors
    /// See [`JobError`].
    pub fn run(&self) -> Result<(), JobError> {
        caught(|| self.run_or_panic())
    }

    fn run_or_panic(&self) -> Result<(), JobError> {
        let stopwatch = Stopwatch::start();
        let loaded = &self.setting.loaded;
        let scenario = &loaded.scenario;
        let backend = SimBackend::with_tasks(scenario.clone(), (loaded.workload()?, loaded.tasks()), self.seed)?;
        let (policy, laps) = Timed::around(self.policy.build()?);
        let backend = Learning::around(backend, scenario.learn);
        let mut run = Run::new(backend, policy, scenario.control.rails.clone(), self.seed).explaining();
        let unwritten = |source| JobError::Record { path: self.directory.clone(), source };
        let mut writer = Writer::create(&self.directory, &scenario.known).map_err(unwritten)?;
        let totals = run.drive(None, &mut writer)?.expect("without a pause, a run goes on to its end");
        writer
            .explain(run.explained())
            .close(&totals, self.header(), laps.timing(stopwatch.elapsed()))
            .map_err(unwritten)?;
        Ok(())
    }

    /// What is said of the run in its manifest.
    pub fn header(&self) -> ManifestHeader {
        let Setting { path, request, loaded } = self.setting.as_ref();
        let owned = |(half, values): (String, std::collections::BTreeMap<&str, String>)| {
            (half, values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        ManifestHeader {
            scenario_path: path.display().to_string(),
            scenario: loaded.name.clone(),
            question: loaded.question.clone(),
            variant: request.variant.clone(),
            set: request.set.clone(),
            until: request.until,
            policy: self.policy.label.clone(),
            parameters: self.policy.resolved().into_iter().map(owned).collect(),
            seed: self.seed.0,
            inputs: inputs(loaded),
            resolved: loaded.resolved(),
            notes: loaded.notes.clone(),
            live: None,
        }
    }
}

/// The files that were read, as a record names them.
pub fn inputs(loaded: &Loaded) -> Vec<InputFile> {
    let file =
        |one: &input::InputFile| InputFile { path: one.path.clone(), bytes: one.bytes, sha256: one.sha256.clone() };
    loaded.inputs.iter().map(file).collect()
}

/// Does `work`; a panic in it is an error of this run alone.
///
/// # Errors
/// See [`JobError`].
pub fn caught<T>(work: impl FnOnce() -> Result<T, JobError>) -> Result<T, JobError> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|panic| Err(JobError::Panicked(message(panic.as_ref()))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}
