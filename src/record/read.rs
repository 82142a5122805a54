//! Reads what a [`Writer`](super::Writer) wrote.

use super::manifest::{Manifest, Timing};
use super::series::Series;
use super::summary::Summary;
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

/// A record cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A file is not there or cannot be read.
    #[error("{}: {source}; a run holds manifest.json, decisions.jsonl, series.parquet and summary.json", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}:{line}: {reason}; the record was altered or written by another version, run it again", path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// Where, from one; zero for a file without lines.
        line: u64,
        /// What is wrong.
        reason: String,
    },
}

/// Reads the run at `dir`.
///
/// # Errors
/// See [`RecordError`].
pub fn read(dir: &Path) -> Result<RunRecord, RecordError> {
    let _ = dir;
    unimplemented!()
}

impl RunRecord {
    /// The named columns of the series.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn series(&self, columns: &[&str]) -> Result<Series, RecordError> {
        let _ = columns;
        unimplemented!()
    }
}
