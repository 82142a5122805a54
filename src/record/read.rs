//! Reads what a [`Writer`](super::Writer) wrote: the small files at once, series and decisions when they are asked for.

use super::manifest::{Manifest, Timing};
use super::summary::Summary;
use super::{DECISIONS, MANIFEST, SERIES, SUMMARY, Series, TIMING};
use polars::prelude::{DataFrame, DataType, ParquetReader, PolarsResult, SerReader};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A run that was read; its series and decisions are read when they are asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Where it lies.
    pub dir: PathBuf,
    /// What was run.
    pub manifest: Manifest,
    /// The figures.
    pub summary: Summary,
    /// The wall clock.
    pub timing: Timing,
}

/// A record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file is not there or cannot be read.
    #[error("{}: {source}; a run holds {MANIFEST}, {DECISIONS}, {SERIES}, {SUMMARY} and {TIMING}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}:{line}: {reason}; the record was altered, or written by another version: run it again", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Where, from one; zero for a file without lines.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Something out of the ordinary, as `decisions.jsonl` tells it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Incidents {
    /// Everything that broke or came back.
    pub events: Vec<EventRead>,
    /// The last refusals.
    pub refusals: Vec<RefusalRead>,
    /// Services that were held back, by reason.
    pub held: BTreeMap<String, u64>,
    /// What the checker found, by kind.
    pub violations: BTreeMap<String, u64>,
}

/// Something that broke or came back.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRead {
    /// When, in seconds since the start.
    pub at_s: f64,
    /// What: `cluster_lost`, `node_back` ...
    pub event: String,
    /// Whom it struck.
    pub subject: String,
}

/// Replicas that could not be placed, in decisions that followed one another with the same answer.
#[derive(Debug, Clone, PartialEq)]
pub struct RefusalRead {
    /// The first of these decisions, in seconds since the start.
    pub from_s: f64,
    /// The last of them.
    pub until_s: f64,
    /// How many decisions.
    pub decisions: u64,
    /// Whose.
    pub service: String,
    /// How many.
    pub replicas: u32,
    /// What was missing.
    pub reason: String,
    /// What would help.
    pub remedy: Option<String>,
}

/// Reads the run at `dir`.
///
/// # Errors
/// See [`RecordError`].
pub fn read(dir: &Path) -> Result<RunRecord, RecordError> {
    Ok(RunRecord {
        dir: dir.to_path_buf(),
        manifest: read_json(&dir.join(MANIFEST))?,
        summary: read_json(&dir.join(SUMMARY))?,
        timing: read_json(&dir.join(TIMING))?,
    })
}

impl RunRecord {
    /// The named columns of the series.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn series(&self, columns: &[&str]) -> Result<Series, RecordError> {
        let path = self.dir.join(SERIES);
        let keys = ["time_s", "service", "cluster"];
        let wanted = keys.iter().chain(columns).map(|name| (*name).to_owned()).collect();
        let frame = read_frame(&path, Some(wanted))?;
        to_series(&frame, columns).map_err(|error| content(&path, 0, &error))
    }

    /// What was out of the ordinary, with the `last` refusals.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn incidents(&self, last: usize) -> Result<Incidents, RecordError> {
        let path = self.dir.join(DECISIONS);
        let mut incidents = Incidents::default();
        let mut refusals = VecDeque::new();
        for (index, line) in BufReader::new(open(&path)?).lines().enumerate() {
            let line = line.map_err(|source| RecordError::File { path: path.clone(), source })?;
            if !is_incident(&line) {
                continue;
            }
            let line: Line = serde_json::from_str(&line).map_err(|error| content(&path, index + 1, &error))?;
            line.add_to(&mut incidents, &mut refusals);
            refusals.drain(..refusals.len().saturating_sub(last));
        }
        incidents.refusals = refusals.into();
        Ok(incidents)
    }
}

/// What a line may hold that is out of the ordinary.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    at_s: f64,
    event: Option<String>,
    subject: Option<String>,
    #[serde(default)]
    refusals: Vec<RefusalLine>,
    #[serde(default)]
    held: Vec<HeldLine>,
    #[serde(default)]
    violations: Vec<ViolationLine>,
}

#[derive(Deserialize)]
struct RefusalLine {
    service: String,
    replicas: u32,
    reason: String,
    remedy: Option<String>,
}

#[derive(Deserialize)]
struct HeldLine {
    reason: String,
}

#[derive(Deserialize)]
struct ViolationLine {
    violation: String,
}

/// Most decisions change something or nothing, and say no more: they are passed over unparsed.
fn is_incident(line: &str) -> bool {
    ["\"event\":", "\"refusals\":", "\"held\":", "\"violations\":"].iter().any(|key| line.contains(key))
}

impl Line {
    fn add_to(self, incidents: &mut Incidents, refusals: &mut VecDeque<RefusalRead>) {
        if let (Some(event), Some(subject)) = (self.event, self.subject) {
            incidents.events.push(EventRead { at_s: self.at_s, event, subject });
        }
        for held in self.held {
            *incidents.held.entry(held.reason).or_default() += 1;
        }
        for found in self.violations {
            *incidents.violations.entry(found.violation).or_default() += 1;
        }
        for refusal in self.refusals {
            join(refusals, self.at_s, refusal);
        }
    }
}

/// Joins a refusal to the same one of an earlier decision, or appends it.
fn join(refusals: &mut VecDeque<RefusalRead>, at_s: f64, line: RefusalLine) {
    let newest = refusals.iter_mut().rev().find(|one| one.service == line.service);
    if let Some(same) = newest.filter(|one| one.reason == line.reason && one.replicas == line.replicas) {
        same.until_s = at_s;
        same.decisions += 1;
        return;
    }
    let RefusalLine { service, replicas, reason, remedy } = line;
    refusals.push_back(RefusalRead { from_s: at_s, until_s: at_s, decisions: 1, service, replicas, reason, remedy });
}

fn to_series(frame: &DataFrame, columns: &[&str]) -> PolarsResult<Series> {
    let names = |name: &str| -> PolarsResult<Vec<Option<String>>> {
        Ok(frame.column(name)?.str()?.iter().map(|name| name.map(str::to_owned)).collect())
    };
    let floats = |name: &str| -> PolarsResult<Vec<Option<f64>>> {
        Ok(frame.column(name)?.cast(&DataType::Float64)?.f64()?.iter().collect())
    };
    let time_s = floats("time_s")?.into_iter().map(|at| at.unwrap_or(f64::NAN)).collect();
    let columns = columns.iter().map(|name| Ok(((*name).to_owned(), floats(name)?))).collect::<PolarsResult<_>>()?;
    Ok(Series::new(time_s, (names("service")?, names("cluster")?), columns))
}

/// The table in a Parquet file: all of its columns, or those that are named.
pub(super) fn read_frame(path: &Path, columns: Option<Vec<String>>) -> Result<DataFrame, RecordError> {
    let reader = ParquetReader::new(open(path)?).with_columns(columns);
    reader.finish().map_err(|error| content(path, 0, &error))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RecordError> {
    let text = fs::read_to_string(path).map_err(|source| RecordError::File { path: path.to_path_buf(), source })?;
    serde_json::from_str(&text).map_err(|error| content(path, error.line(), &error))
}

pub(super) fn open(path: &Path) -> Result<File, RecordError> {
    File::open(path).map_err(|source| RecordError::File { path: path.to_path_buf(), source })
}

pub(super) fn content(path: &Path, line: usize, reason: &impl ToString) -> RecordError {
    RecordError::Content { path: path.to_path_buf(), line, reason: reason.to_string() }
}
