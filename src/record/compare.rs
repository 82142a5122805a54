//! Whether two records are the same, and where they first differ.
//!
//! Manifests are not compared: they name the program, and a newer program may well give the same run. Neither are
//! timings.

use super::read::{RecordError, open, read_frame};
use super::{DECISIONS, EXPLANATIONS, SERIES, SUMMARY};
use polars::prelude::DataFrame;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Comparison {
    /// Byte by byte.
    Identical,
    /// The first difference.
    Differs {
        /// In which file.
        file: String,
        /// In which line, from one; in `series.parquet`, in which row; zero where only the encoding differs.
        line: usize,
        /// What the first one says there.
        left: String,
        /// What the second one says there.
        right: String,
    },
}

/// What stands in the place of a line that only the other record has.
const NOTHING: &str = "(nothing: the record ends)";

/// Compares the decisions, the figures, the series and the explanations of two runs, in this order.
///
/// # Errors
/// Where one of them cannot be read.
pub fn compare(a: &Path, b: &Path) -> Result<Comparison, RecordError> {
    for file in [DECISIONS, SUMMARY] {
        if let Some((line, left, right)) = lines_differ(&a.join(file), &b.join(file))? {
            return Ok(Comparison::Differs { file: file.to_owned(), line, left, right });
        }
    }
    Ok(match series_differ(&a.join(SERIES), &b.join(SERIES))? {
        Some((line, left, right)) => Comparison::Differs { file: SERIES.to_owned(), line, left, right },
        None => explanations_differ(a, b)?,
    })
}

/// Explanations are compared where both records hold some: one of them may have been made without.
fn explanations_differ(a: &Path, b: &Path) -> Result<Comparison, RecordError> {
    let (a, b) = (a.join(EXPLANATIONS), b.join(EXPLANATIONS));
    let found = if a.exists() && b.exists() { lines_differ(&a, &b)? } else { None };
    Ok(found.map_or(Comparison::Identical, |(line, left, right)| Comparison::Differs {
        file: EXPLANATIONS.to_owned(),
        line,
        left,
        right,
    }))
}

/// Where, and what the two say there.
type Difference = (usize, String, String);

fn lines_differ(a: &Path, b: &Path) -> Result<Option<Difference>, RecordError> {
    let mut readers = [(BufReader::new(open(a)?), a), (BufReader::new(open(b)?), b)];
    let mut lines = [Vec::new(), Vec::new()];
    for number in 1.. {
        for ((reader, path), line) in readers.iter_mut().zip(&mut lines) {
            line.clear();
            let failed = |source| RecordError::File { path: path.to_path_buf(), source };
            reader.read_until(b'\n', line).map_err(failed)?;
        }
        if lines[0] != lines[1] {
            let [left, right] = lines.each_ref().map(|line| shown(line));
            return Ok(Some((number, left, right)));
        }
        if lines[0].is_empty() {
            break;
        }
    }
    Ok(None)
}

fn shown(line: &[u8]) -> String {
    if line.is_empty() { NOTHING.to_owned() } else { String::from_utf8_lossy(line).trim_end().to_owned() }
}

fn series_differ(a: &Path, b: &Path) -> Result<Option<Difference>, RecordError> {
    if lines_differ(a, b)?.is_none() {
        return Ok(None);
    }
    let (left, right) = (read_frame(a, None)?, read_frame(b, None)?);
    if left.schema() != right.schema() {
        let names = |frame: &DataFrame| {
            frame.get_column_names().iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        return Ok(Some((0, format!("columns {}", names(&left)), format!("columns {}", names(&right)))));
    }
    let first = left.columns().iter().zip(right.columns()).filter_map(|(left, right)| {
        let rows = 0..left.len().max(right.len());
        let mut pairs = rows.map(|row| (row, left.get(row).ok(), right.get(row).ok()));
        pairs
            .find(|(_, left, right)| left != right)
            .map(|(row, l, r)| (row + 1, cell(left.name(), l), cell(left.name(), r)))
    });
    let same = || (0, "the same values in other bytes".to_owned(), "written by another version".to_owned());
    Ok(Some(first.min_by_key(|(row, ..)| *row).unwrap_or_else(same)))
}

fn cell(column: &str, value: Option<polars::prelude::AnyValue<'_>>) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| format!("{column} = {value}"))
}
