//! What can be wrong with a trace, where it is, and what would be right.
//!
//! Every mistake has the same frame (file, line or row, field), so the frame is one struct and the mistakes are one enum.
//! Text that comes from a file is shown shortened and escaped: a trace may hold a megabyte of anything.

use super::import_fault::ImportFault;
use crate::units::Bytes;
use std::fmt;
use std::path::{Path, PathBuf};

/// A trace cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceError {
    /// The file, as the user named it.
    pub path: PathBuf,
    /// Where in the file.
    pub place: Place,
    /// The column; empty where the mistake has none.
    pub field: String,
    /// What is wrong.
    pub fault: Box<Fault>,
}

/// Where in a trace, counted from 1 as editors and data frames show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line of a text file.
    Line(u64),
    /// A row of a table file.
    Row(u64),
}

/// What is wrong, and on the second line what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The operating system refuses.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The name says nothing that we know.
    #[error("no trace format has this extension\n  formats are {0}")]
    UnknownExtension(String),
    /// Compressed data that ends before its end.
    #[error("the {0} data ends early: the file is truncated\n  copy or download it again")]
    Truncated(&'static str),
    /// Compressed data that does not decompress.
    #[error("the {kind} data is broken: {what}\n  copy or download it again, or correct the extension")]
    Corrupt {
        /// The compression.
        kind: &'static str,
        /// What the decoder says.
        what: String,
    },
    /// A file that blows up.
    #[error(
        "expands to more than {ratio} times its size and beyond {beyond}: more than any trace does\n  decompress it and look at what it holds"
    )]
    ExpandsTooFar {
        /// The limit of the ratio.
        ratio: u64,
        /// The size from which on the ratio counts.
        beyond: Bytes,
    },
    /// A file that is larger than allowed.
    #[error("expands to more than the limit of {0}\n  cut the trace, or raise the limit by `size_max`")]
    TooLarge(Bytes),
    /// A field or a row without end.
    #[error(
        "no {what} ends within {limit}\n  fields end at a comma, rows at a line break; is a quotation mark open, or the file not CSV?"
    )]
    Endless {
        /// `field` or `row`.
        what: &'static str,
        /// The limit.
        limit: Bytes,
    },
    /// Text in another encoding.
    #[error(
        "`{0}` is not UTF-8 text\n  save the trace as UTF-8, without compression or with the extension that says which"
    )]
    NotUtf8(String),
    /// Nothing at all.
    #[error("the file is empty\n  {COLUMNS}")]
    Empty,
    /// A header and nothing else.
    #[error("there is a header, but not one row\n  a trace has at least one row of rates")]
    NoRows,
    /// A column that must be there.
    #[error("there is no column `{column}`, only {found}\n  {COLUMNS}")]
    MissingColumn {
        /// The column.
        column: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// A column that nothing reads.
    #[error("a long trace has no such column\n  {COLUMNS}")]
    ExtraColumn,
    /// Two columns of one name.
    #[error("the column stands twice in the header\n  each service has one column")]
    DuplicateColumn,
    /// A header without end.
    #[error(
        "the header has more than {0} columns\n  write a long trace, with a row for each service, or split the file"
    )]
    TooManyColumns(usize),
    /// A row that is longer or shorter than the header.
    #[error(
        "{found} fields, where the header has {expected}\n  each row has a field for each column; an unknown rate is an empty field"
    )]
    FieldCount {
        /// Fields of this row.
        found: u64,
        /// Columns of the header.
        expected: u64,
    },
    /// A column whose kind of value does not fit.
    #[error("the column holds {found}\n  it must hold {wanted}")]
    ColumnType {
        /// What it holds.
        found: String,
        /// What it must hold.
        wanted: &'static str,
    },
    /// A time or a service that is missing.
    #[error("the field is empty\n  every row has a time and every rate a service; only the rate may be unknown")]
    Missing,
    /// A time that is none.
    #[error(
        "`{text}` is not a time: {why}\n  times are seconds (not milliseconds) from 0 to 18446744073, like `86400` or `0.25`"
    )]
    NotATime {
        /// As it was found.
        text: String,
        /// Why.
        why: &'static str,
    },
    /// A rate that is none.
    #[error("`{text}` is not a rate: {why}\n  rates are requests per second, finite and not negative, like `12.5`")]
    NotARate {
        /// As it was found.
        text: String,
        /// Why.
        why: &'static str,
    },
    /// Time that runs backwards.
    #[error(
        "{at} s follows {previous} s\n  sort the trace by `timestamp_s`; `smo trace edit --sort FILE -o OUT` does it"
    )]
    Unsorted {
        /// The time of this row.
        at: String,
        /// The time before it.
        previous: String,
    },
    /// A wide trace with a time twice.
    #[error("a second row at {0} s\n  a wide trace has one row for each time")]
    RepeatedTime(String),
    /// Two rates at once.
    #[error(
        "a second rate of `{service}` at {at} s\n  a service has one rate at a time: remove one of the rows, or add them up"
    )]
    Duplicate {
        /// The service, as the trace names it.
        service: String,
        /// The time.
        at: String,
    },
    /// A service that the application does not have.
    #[error(
        "nobody defines the service `{name}`{hint}\n  services are {known}; `series: {{{name}: SERVICE}}` gives the series to one of them"
    )]
    UnknownService {
        /// As it was found.
        name: String,
        /// `, did you mean ...`, or nothing.
        hint: String,
        /// The services of the application.
        known: String,
    },
    /// A series that was chosen and is not there.
    #[error("there is no series `{name}` in the trace\n  its series are {found}")]
    UnknownSeries {
        /// The series that was chosen.
        name: String,
        /// The series of the trace.
        found: String,
    },
    /// One service for a trace of several.
    #[error(
        "the trace has several series ({found}), but one service is to take them\n  `series: {{SERIES: SERVICE}}` says which series is which service"
    )]
    SeveralSeries {
        /// The series, the first ones.
        found: String,
    },
    /// Two series for one service.
    #[error("`{second}` and `{first}` are both the service `{service}`\n  a service has one series")]
    SharedService {
        /// The service.
        service: String,
        /// The first series.
        first: String,
        /// The second series.
        second: String,
    },
    /// More names than any application has.
    #[error("more than {0} different services\n  the column `service` names the service, not a request")]
    TooManySeries(usize),
    /// One row alone.
    #[error("there is one row only, so how long it holds is unknown\n  say so by `last`, or add a second row")]
    SingleRow,
    /// A window in which the trace has nothing.
    #[error("the window begins at {from} s, but the trace ends at {end} s\n  `from` must be earlier")]
    EmptyWindow {
        /// Begin of the window.
        from: String,
        /// End of the trace.
        end: String,
    },
    /// Two traces for one service.
    #[error("`{service}` has rates here and in {}\n  a service has one trace: rename the series in one of them, or leave it out", other.display())]
    Claimed {
        /// The service.
        service: String,
        /// The other trace.
        other: PathBuf,
    },
    /// A mistake in what another tool wrote.
    #[error(transparent)]
    Import(#[from] ImportFault),
    /// More rows than are sorted in memory.
    #[error(
        "more than {0} rates, which is what can be sorted in memory\n  split the file, or sort it by a tool for tables"
    )]
    TooLongToSort(usize),
    /// Edits that do not fit the trace; the message says which, and where.
    #[error("{0}")]
    Edit(String),
    /// A file of tasks: what is wrong and, on a second line, what would be right.
    #[error("{0}")]
    Task(String),
    /// A file of observations: what is wrong and, on a second line, what would be right.
    #[error("{0}")]
    Observed(String),
    /// A Parquet file that the reader refuses.
    #[error(
        "not a Parquet file that can be read: {0}\n  write it again, for example by `DataFrame.to_parquet` without options"
    )]
    Parquet(String),
}

/// What the header of a trace looks like.
const COLUMNS: &str =
    "a trace has the columns `timestamp_s,service,requests_per_s`, or `timestamp_s` and one column for each service";

impl TraceError {
    /// A mistake of the file as a whole.
    pub fn whole(path: &Path, fault: Fault) -> Self {
        Self::at(path, Place::Whole, "", fault)
    }

    /// A mistake at a place.
    pub fn at(path: &Path, place: Place, field: &str, fault: Fault) -> Self {
        Self { path: path.to_owned(), place, field: shown(field.as_bytes()), fault: Box::new(fault) }
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path.display())?;
        match self.place {
            Place::Whole => {}
            Place::Line(line) => write!(f, "line {line}: ")?,
            Place::Row(row) => write!(f, "row {row}: ")?,
        }
        if !self.field.is_empty() {
            write!(f, "field `{}`: ", self.field)?;
        }
        self.fault.fmt(f)
    }
}

impl std::error::Error for TraceError {}

impl From<TraceError> for crate::model::workload::WorkloadError {
    fn from(error: TraceError) -> Self {
        Self(error.to_string())
    }
}

/// Text of a file as it may be printed: at most 60 characters, control characters and broken UTF-8 escaped.
pub fn shown(text: &[u8]) -> String {
    const LENGTH_MAX: usize = 60;
    let mut out = String::new();
    for chunk in text[..text.len().min(4 * LENGTH_MAX)].utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_control() {
                out.extend(letter.escape_default());
            } else {
                out.push(letter);
            }
        }
        out.extend(chunk.invalid().iter().flat_map(|byte| std::ascii::escape_default(*byte)).map(char::from));
    }
    match out.char_indices().nth(LENGTH_MAX) {
        Some((end, _)) => out[..end].to_owned() + "…",
        None => out,
    }
}

/// Names as a list in a message: the first 16, and how many more.
pub fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const LISTED_MAX: usize = 16;
    let more = names.len().saturating_sub(LISTED_MAX);
    let first: Vec<String> = names.take(LISTED_MAX).map(|name| format!("`{}`", shown(name.as_bytes()))).collect();
    match more {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

/// Nanoseconds as seconds, exactly.
pub fn seconds(nanos: u64) -> String {
    let whole = nanos / crate::units::NANOS_PER_SECOND;
    let fraction = format!("{:09}", nanos % crate::units::NANOS_PER_SECOND);
    match fraction.trim_end_matches('0') {
        "" => whole.to_string(),
        fraction => format!("{whole}.{fraction}"),
    }
}
