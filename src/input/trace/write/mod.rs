//! Writes traces: long and wide, CSV (compressed if wished) and Parquet.
//!
//! The same rows give the same bytes: no time of writing, no name of a machine. (A compressor may choose other bytes for the
//! same text on another processor or in another version; the text is the same.)
//!
//! What is written reads back as the same rows, with the same end (`closed`) and so the same requests, to the last unit
//! of 10⁻¹⁵. An unknown rate is an empty field or a null, never a zero. What a format cannot hold exactly is refused.

mod closed;
mod csv;
mod parquet;

pub use csv::{Compress, long_csv, wide_csv};
pub use parquet::{long_parquet, wide_parquet};

use super::rows::{RATE, SERVICE, TIME};
use super::series::ServiceNames;
use crate::model::workload::{RateSource, WorkloadError};
use crate::units::Time;
use closed::Closed;
use std::io::{self, Write};

/// A trace cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The rows end in a mistake.
    #[error(transparent)]
    Rows(#[from] WorkloadError),
    /// The file does not take them.
    #[error("the trace cannot be written: {0}")]
    Io(#[from] io::Error),
    /// Parquet does not take them.
    #[error("the trace cannot be written as Parquet: {0}")]
    Parquet(String),
    /// A number that is no 64 bit float.
    #[error(
        "{0} is not exact as a 64 bit float, which is what the columns of Parquet hold\n  write CSV, which holds it"
    )]
    Inexact(String),
    /// A service whose column would be taken for something else.
    #[error(
        "a service called `{0}` cannot have a column of its own, which would be that of a long trace\n  write a long format, or `rename` the service"
    )]
    Column(String),
    /// Rows at an instant that no clock of 64 bits reaches.
    #[error("the trace goes beyond the year 2554\n  cut or repeat less of it")]
    TooLate,
}

/// What stands above the rows.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The services, by their ids.
    pub services: &'a ServiceNames,
    /// The trace's own clock at time 0, in nanoseconds: 0, or since 1970.
    pub begin: u64,
}

impl<'a> From<&'a ServiceNames> for Head<'a> {
    /// A trace whose clock begins at 0.
    fn from(services: &'a ServiceNames) -> Self {
        Self { services, begin: 0 }
    }
}

impl Head<'_> {
    /// Checks that a header with a column for each service reads as that.
    fn check_columns(&self) -> Result<(), WriteError> {
        match self.services.iter().find(|name| [TIME, SERVICE, RATE].contains(name)) {
            Some(name) => Err(WriteError::Column(name.to_owned())),
            None => Ok(()),
        }
    }

    /// A time of the trace by its own clock.
    fn clock(&self, at: Time) -> Result<u64, WriteError> {
        self.begin.checked_add(at.0).ok_or(WriteError::TooLate)
    }
}

/// Writes all rows of a source, after what stands before them, to an output that has this file name.
pub type Writes = fn(&mut dyn RateSource, Head<'_>, &mut dyn Write, &str) -> Result<(), WriteError>;

/// A format that can be written.
#[derive(Debug)]
pub struct Writer {
    /// Name, as it stands after `--to`.
    pub name: &'static str,
    /// Endings of file names, compressed ones included.
    pub extensions: &'static [&'static str],
    /// Writes all rows to a file of the name given last, which says how it is compressed.
    pub write: Writes,
}

/// All formats that can be written; the first one with a file's ending is what is meant where no name is given.
pub const WRITERS: &[Writer] = &[
    Writer {
        name: "long-csv",
        extensions: super::format::CSV,
        write: |rows, head, out, name| long_csv(rows, head, out, Compress::by_name(name)),
    },
    Writer {
        name: "wide-csv",
        extensions: super::format::CSV,
        write: |rows, head, out, name| wide_csv(rows, head, out, Compress::by_name(name)),
    },
    Writer {
        name: "wide-parquet",
        extensions: super::format::PARQUET,
        write: |rows, head, out, _| wide_parquet(rows, head, out),
    },
    Writer {
        name: "long-parquet",
        extensions: super::format::PARQUET,
        write: |rows, head, out, _| long_parquet(rows, head, out),
    },
];

impl Writer {
    /// Whether a file of this name may be of this format.
    pub fn takes(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.extensions.iter().any(|extension| name.ends_with(extension))
    }
}
