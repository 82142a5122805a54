//! Text as importers of tasks need it: one record at a time, its line, and numbers without floats.

use super::SECOND;
use crate::input::error::known_names;
use crate::input::trace::decimal::Decimal;
use crate::input::trace::error::shown;
use crate::input::trace::text::{self, Compression, Progress};
use crate::input::trace::{Fault, Place, TraceError};
use crate::units::{Bytes, Span};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a compressed file of tasks may expand to.
const SIZE_MAX: Bytes = Bytes(64 << 30);

/// The compression that a file's name promises.
pub fn compression(path: &Path) -> Compression {
    match path.extension().and_then(std::ffi::OsStr::to_str) {
        Some("gz") => Compression::Gzip,
        Some("zst") => Compression::Zstd,
        _ => Compression::None,
    }
}

/// The whole text of a file, at most `limit`.
///
/// # Errors
/// Where it cannot be read, is larger, or is no text.
pub fn whole(path: &Path, limit: Bytes) -> Result<String, TraceError> {
    // It has no rows: the whole text is limited instead.
    let (reader, _) = text::open_free(path, compression(path), limit)?;
    let mut bytes = Vec::new();
    reader.take(limit.0 + 1).read_to_end(&mut bytes).map_err(|error| TraceError::whole(path, text::fault_of(error)))?;
    if bytes.len() as u64 > limit.0 {
        return Err(TraceError::whole(path, Fault::TooLarge(limit)));
    }
    String::from_utf8(bytes)
        .map_err(|_| TraceError::whole(path, Fault::Task("not UTF-8 text\n  save it as UTF-8".to_owned())))
}

/// The first line of a text.
///
/// # Errors
/// Where it cannot be read.
pub fn first_line(path: &Path) -> Result<String, TraceError> {
    const LINE_MAX: u64 = 64 << 10;
    let (reader, _) = text::open(path, compression(path), SIZE_MAX)?;
    let mut bytes = Vec::new();
    let read = reader.take(LINE_MAX).read_to_end(&mut bytes);
    read.map_err(|error| TraceError::whole(path, text::fault_of(error)))?;
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

/// Records of a CSV file.
pub struct Records {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read + Send>>,
    progress: Arc<Progress>,
    record: csv::ByteRecord,
    names: Vec<String>,
}

impl Records {
    /// A file whose first line names its columns.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn with_header(path: &Path) -> Result<Self, TraceError> {
        let mut records = Self::open(path, Vec::new())?;
        if !records.next()? {
            return Err(TraceError::whole(path, Fault::Empty));
        }
        records.names =
            records.record.iter().map(|name| String::from_utf8_lossy(name.trim_ascii()).into_owned()).collect();
        Ok(records)
    }

    /// A file without a header, whose columns are these.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn headless(path: &Path, names: &[&str]) -> Result<Self, TraceError> {
        Self::open(path, names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn open(path: &Path, names: Vec<String>) -> Result<Self, TraceError> {
        let (text, progress) = text::open(path, compression(path), SIZE_MAX)?;
        let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
        Ok(Self { path: path.to_owned(), reader, progress, record: csv::ByteRecord::new(), names })
    }

    /// The index of a column.
    ///
    /// # Errors
    /// Where there is none of that name.
    pub fn column(&self, name: &str) -> Result<usize, TraceError> {
        self.find(name).ok_or_else(|| {
            let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
            let known = known_names(name, "its columns", &names);
            TraceError::at(&self.path, Place::Line(1), name, Fault::Task(format!("the column is missing\n  {known}")))
        })
    }

    /// The index of a column that need not be there.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|other| other == name)
    }

    /// Reads the next record; `false` at the end.
    ///
    /// # Errors
    /// Where the file is broken there.
    pub fn next(&mut self) -> Result<bool, TraceError> {
        self.progress.begin_row();
        let line = self.reader.position().line();
        self.reader.read_byte_record(&mut self.record).map_err(|error| {
            let fault = match error.into_kind() {
                csv::ErrorKind::Io(error) => text::fault_of(error),
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    Fault::FieldCount { found: len, expected: expected_len }
                }
                other => Fault::Unreadable(format!("{other:?}")),
            };
            TraceError::at(&self.path, Place::Line(line), "", fault)
        })
    }

    /// Where the present record stands.
    pub fn place(&self) -> Place {
        Place::Line(self.record.position().map_or(0, csv::Position::line))
    }

    /// The text of a column, without spaces around it.
    pub fn text(&self, column: usize) -> &[u8] {
        self.record.get(column).unwrap_or_default().trim_ascii()
    }

    /// Whether a column has no text.
    pub fn is_empty(&self, column: usize) -> bool {
        self.text(column).is_empty()
    }

    /// The number of a column, times `unit`, as an integer.
    ///
    /// # Errors
    /// Where it is no number from 0 up.
    pub fn number(&self, column: usize, unit: u64) -> Result<u64, TraceError> {
        let read = Decimal::read(self.text(column)).and_then(|number| number.times(unit));
        read.map_err(|why| {
            let text = shown(self.text(column));
            self.error(column, format!("`{text}` is no number from 0 up: {why}\n  write it like `12.5`"))
        })
    }

    /// A mistake in a column of the present record.
    pub fn error(&self, column: usize, message: String) -> TraceError {
        let name = self.names.get(column).map_or("", String::as_str);
        TraceError::at(&self.path, self.place(), name, Fault::Task(message))
    }

    /// From one time to another, both in seconds of the same clock.
    ///
    /// # Errors
    /// Where either is none, or they are in the wrong order.
    pub fn span(&self, from: usize, to: usize) -> Result<Span, TraceError> {
        let (begin, end) = (self.number(from, SECOND)?, self.number(to, SECOND)?);
        let span = end.checked_sub(begin).map(Span);
        span.ok_or_else(|| {
            self.error(to, format!("it lies before `{}`\n  a task ends after it began", self.names[from]))
        })
    }
}
