//! Reads what a [`Writer`](super::Writer) wrote: the small files at once, series and decisions when they are asked for.

use super::manifest::{Manifest, Timing};
use super::summary::Summary;
use super::{DECISIONS, MANIFEST, SERIES, SUMMARY, Series, TIMING};
use polars::prelude::{DataFrame, ParallelStrategy, ParquetReader, SerReader};
use serde::de::DeserializeOwned;
use std::fs::{self, File};
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
        let broken = |error| content(&path, 0, &error);
        let keys = ["time_s", "service", "cluster"];
        let wanted: Vec<String> = keys.iter().chain(columns).map(|name| (*name).to_owned()).collect();
        let metadata = ParquetReader::new(open(&path)?).get_metadata().map_err(broken)?.clone();
        let mut series = Series::default();
        let mut from = 0;
        // One row group after the other, on this thread: what is read stays small, and runs are read in parallel already.
        for group in &metadata.row_groups {
            let rows = group.num_rows();
            let mut reader = ParquetReader::new(open(&path)?)
                .with_columns(Some(wanted.clone()))
                .with_slice(Some((from, rows)))
                .read_parallel(ParallelStrategy::None);
            reader.set_metadata(metadata.clone());
            series.take(&reader.finish().map_err(broken)?, columns).map_err(broken)?;
            from += rows;
        }
        Ok(series)
    }
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
