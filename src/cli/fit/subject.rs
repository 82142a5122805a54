//! What is fitted or tested, and how: the arguments that `smo fit` and `smo backtest` share.

use super::Model;
use super::gather::{Gathered, gather};
use super::reading::Reading;
use crate::cli::Failure;
use crate::cli::page::quoted;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Observations, how they are read and fitted, and which services of them.
#[derive(Debug, Clone, clap::Args)]
pub struct Subject {
    /// Files of observations, joined by time, or directories of runs.
    #[arg(required = true, value_name = "OBSERVATIONS")]
    pub observations: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    pub model: Model,
    /// Only this service; may be given again.
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Services at the same time; default: one a core. The output is the same for any number.
    #[arg(short = 'j', long = "jobs", value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

impl Subject {
    /// Reads the observations.
    ///
    /// # Errors
    /// What is wrong with a file, or a service that is not there.
    pub fn gather(&self) -> Result<Gathered, Failure> {
        gather(&self.observations, &self.reading, &self.services)
    }

    /// The command, without what it writes and what changes no result: the same words give the same file.
    pub fn command(&self, name: &str) -> String {
        let mut words = vec![format!("smo {name}")];
        words.extend(self.observations.iter().map(|path| quoted(&path.display().to_string())));
        words.extend(self.services.iter().map(|service| format!("--service {}", quoted(service))));
        words.extend(self.reading.words());
        words.extend(self.model.words());
        words.join(" ")
    }
}
