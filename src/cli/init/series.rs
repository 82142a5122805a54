//! Which series a trace has, and their peaks: what a scenario has to be sized to.

use super::super::Failure;
use crate::input::trace::{self, TraceOptions};
use anyhow::anyhow;
use std::path::Path;

/// A series and its highest rate, in requests per second.
#[derive(Debug, Clone, PartialEq)]
pub struct Peak {
    /// Its name in the file.
    pub series: String,
    /// Requests per second.
    pub rate: f64,
}

/// Series that a first scenario takes at most.
const SERIES_MAX: usize = 50;

/// Reads a trace to its end.
///
/// # Errors
/// What is wrong with it, or more series than a first scenario takes.
pub fn peaks(path: &Path) -> Result<Vec<Peak>, Failure> {
    let options = TraceOptions::default();
    let names = trace::services(path, &options).map_err(Failure::input)?;
    if names.count() > SERIES_MAX {
        let message = format!("{}: {} series are too many to start with", path.display(), names.count());
        return Err(Failure::input(anyhow!("{message}\n  choose at most {SERIES_MAX} of them")));
    }
    let mut rows = trace::open(path, &names, &options).map_err(Failure::input)?;
    let survey = trace::survey(&mut rows).map_err(Failure::input)?;
    let peak = |(index, name): (usize, &str)| {
        let rate = survey.peak.get(index).map_or(0.0, |rate| rate.per_second());
        Peak { series: name.to_owned(), rate }
    };
    Ok(names.iter().enumerate().map(peak).collect())
}
