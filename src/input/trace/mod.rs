//! Traces: how many requests came when, from files of any length.
//!
//! ```text
//! file ─► text / parquet_file ─► csv_file | lines ─► a format's rows ─► reader ─► hold ─► window ─► merge ─► the run
//!         (unpacked, limited)    (records)           (own clock)        (from 0,   (rates  (from,    (several
//!                                                                       order)    end)    until)    traces)
//! ```
//!
//! Nothing holds a file whole: a month of a hundred services at a second is gigabytes. (Two formats are not by time and
//! must be held, compactly: answers of Prometheus and minutes of functions.) Rates are integers from the text on, so a
//! trace read anywhere is the same trace, and what it adds up to can be checked to the request ([`survey()`]). Single
//! requests, as logs hold them, are counted into steps, exactly. What a file leaves open is said by an [`Import`] or
//! refused, never guessed, and what was recognised is a note. Deliberately absent: sorting and repair. A trace that is
//! wrong is told so, with the place.

pub mod decimal;
pub mod error;
pub mod format;

pub mod calendar;
pub mod catalogue;
pub(in crate::input) mod clock;
mod counts;

pub(in crate::input) mod csv_file;
mod discover;
mod gaps;
mod hold;
mod import;
mod import_fault;
mod joined;
mod lines;
mod matrix;
mod merge;
pub(super) mod parquet_file;
mod reader;
pub(super) mod rows;
mod series;
mod tally;
pub(in crate::input) mod text;
mod window;

pub(in crate::input) mod access_log;
pub(in crate::input) mod arrivals;
pub(in crate::input) mod azure_functions;
pub(in crate::input) mod cloudwatch;
pub(in crate::input) mod concurrency;
pub(in crate::input) mod limbo;
pub(in crate::input) mod long_csv;
pub(in crate::input) mod long_parquet;
pub(in crate::input) mod prometheus;
pub(in crate::input) mod values;
pub(in crate::input) mod wide_csv;
pub(in crate::input) mod wide_parquet;

pub mod edit;
pub mod generate;
pub mod info;
pub mod survey;
pub mod write;

pub use clock::{Zone, instant};
pub use discover::{open_whole, services};
pub use error::{Fault, Place, TraceError};
pub use import::Import;
pub use import_fault::ImportFault;
pub use merge::{Part, merge};
pub use rows::{RATE, SERVICE, TIME};
pub use series::{Found, Selection, ServiceNames};
pub use survey::{Digest, Survey, digest, survey};

use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Bytes, Ratio, Span, Time};
use edit::{Edited, Script};
use hold::Hold;
use reader::Reader;
use std::path::Path;
use std::sync::Arc;
use window::Window;

/// How a trace is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceOptions {
    /// Which series are read, and as which services.
    pub selection: Selection,
    /// What every rate is multiplied by.
    pub scale: Ratio,
    /// Where the window begins, in the trace's time (its first row is 0): this becomes the trace's begin.
    pub from: Time,
    /// Where the window ends, in the trace's time.
    pub until: Time,
    /// How long after the start of the run the trace begins; no load before.
    pub shift: Span,
    /// How long a rate holds at most; `None`: until the next row that names the service.
    pub hold: Option<Span>,
    /// How long the last row holds; `None`: as long as the one before it.
    pub last: Option<Span>,
    /// What a compressed trace may expand to.
    pub size_max: Bytes,
    /// How the file of another tool is to be understood.
    pub import: Import,
    /// Whether rows in which no rate is known are handed out too: who writes the trace again must keep them.
    pub empty_rows: bool,
    /// Edits that are made before anything else is done.
    pub edit: Option<Arc<Script>>,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self {
            selection: Selection::ByName,
            scale: Ratio::ONE,
            from: Time::ZERO,
            until: Time::MAX,
            shift: Span::ZERO,
            hold: None,
            last: None,
            // A year of one service at a second is 1 GiB; a month of a hundred is 7 GiB.
            size_max: Bytes(64 << 30),
            import: Import::default(),
            empty_rows: false,
            edit: None,
        }
    }
}

/// A trace, being read.
pub struct Trace(Window<Hold<Input>>);

/// The rows of a trace before it is held and cut to its window.
enum Input {
    AsItLies(Reader),
    Edited(Edited, u64),
}

impl RateSource for Input {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        match self {
            Self::AsItLies(reader) => reader.next_row(row),
            Self::Edited(edited, _) => edited.next_row(row),
        }
    }

    fn end(&self) -> Time {
        match self {
            Self::AsItLies(reader) => reader.end(),
            Self::Edited(edited, _) => edited.end(),
        }
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        match self {
            Self::AsItLies(reader) => reader.fork(),
            Self::Edited(edited, _) => edited.fork(),
        }
    }
}

/// Opens a trace at its first row.
///
/// # Errors
/// Where the file cannot be read, has no header or no rows, or has series that are no services.
pub fn open(path: &Path, services: &ServiceNames, options: &TraceOptions) -> Result<Trace, TraceError> {
    let input = match &options.edit {
        None => Input::AsItLies(Reader::open(path, services, options)?),
        Some(script) => {
            let prepared = edit::prepare(path, script, Path::new(""), options)?;
            Input::Edited(prepared.open_as(path, services, options)?, prepared.begin)
        }
    };
    let held = Hold::new(input, options.hold);
    Ok(Trace(Window::new(held, (options.from, options.until), options.shift, path)))
}

impl Trace {
    /// When the trace begins by its own clock, in nanoseconds.
    pub fn begin(&self) -> u64 {
        match self.0.source().source() {
            Input::AsItLies(reader) => reader.begin(),
            Input::Edited(_, begin) => *begin,
        }
    }

    /// What is unusual about the trace, as far as it was read: its own begin, and what it leaves out.
    pub fn notes(&self) -> Vec<String> {
        match self.0.source().source() {
            Input::AsItLies(reader) => reader.notes(),
            Input::Edited(..) => Vec::new(),
        }
    }
}

impl RateSource for Trace {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        self.0.next_row(row)
    }

    fn end(&self) -> Time {
        self.0.end()
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        self.0.fork()
    }
}
