//! CSV as both shapes of it need it: a checked header, one record at a time, and the place of every mistake.

use super::error::{Fault, Place, TraceError, shown};
pub use super::rows::Spot;
use super::text::{self, Compression, Progress};
use crate::units::Bytes;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The most columns: each has a name that is kept, and a header may be nothing but commas.
const COLUMNS_MAX: usize = 100_000;

/// A CSV file whose header was read.
pub struct CsvFile {
    path: PathBuf,
    compression: Compression,
    size_max: Bytes,
    reader: csv::Reader<Box<dyn Read + Send>>,
    progress: Arc<Progress>,
    record: csv::ByteRecord,
    /// Where the present record begins, blank lines before it included.
    begin: u64,
    /// How far lines were counted: who wants the place of every record must not have the file read again for each.
    counted: Mutex<Option<Counted>>,
    /// The names of the columns, without spaces around them.
    pub columns: Vec<String>,
}

/// The text up to where its line breaks were counted.
struct Counted {
    text: BufReader<Box<dyn Read + Send>>,
    at: u64,
    breaks: u64,
    previous: u8,
}

impl CsvFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// Where it cannot be read, or the header is none.
    pub fn open(path: &Path, compression: Compression, size_max: Bytes) -> Result<Self, TraceError> {
        Self::open_with(path, compression, size_max, &mut csv::ReaderBuilder::new())
    }

    /// The same with another reader of CSV: other signs between fields, or records of other lengths than the header's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        path: &Path,
        compression: Compression,
        size_max: Bytes,
        builder: &mut csv::ReaderBuilder,
    ) -> Result<Self, TraceError> {
        let (text, progress) = text::open(path, compression, size_max)?;
        let reader = builder.has_headers(false).buffer_capacity(64 << 10).from_reader(text);
        let record = csv::ByteRecord::new();
        let (path, columns, counted) = (path.to_owned(), Vec::new(), Mutex::new(None));
        let mut file = Self { path, compression, size_max, reader, progress, record, begin: 0, counted, columns };
        if !file.read()? {
            return Err(file.error_at(Place::Whole, "", Fault::Empty));
        }
        if file.record.len() > COLUMNS_MAX {
            return Err(file.error("", Fault::TooManyColumns(COLUMNS_MAX)));
        }
        let columns: Result<Vec<String>, TraceError> = file.record.iter().map(|name| file.column(name)).collect();
        file.columns = columns?;
        check_distinct(&file.columns).map_err(|(name, fault)| file.error(name, fault))?;
        Ok(file)
    }

    fn column(&self, name: &[u8]) -> Result<String, TraceError> {
        match std::str::from_utf8(name) {
            Ok(name) => Ok(name.trim().to_owned()),
            Err(_) => Err(self.error("", Fault::NotUtf8(shown(name)))),
        }
    }

    /// Reads the next record; `false` at the end.
    ///
    /// # Errors
    /// Where the file is broken there.
    pub fn read(&mut self) -> Result<bool, TraceError> {
        self.progress.begin_row();
        self.begin = self.reader.position().byte();
        self.reader.read_byte_record(&mut self.record).map_err(|error| self.explained(error))
    }

    /// The field of a column in the present record, without spaces around it.
    pub fn field(&self, column: usize) -> &[u8] {
        self.record.get(column).unwrap_or_default().trim_ascii()
    }

    /// How many fields the present record has.
    pub fn width(&self) -> usize {
        self.record.len()
    }

    /// Where the present record stands.
    pub fn spot(&self) -> Spot {
        Spot(self.begin)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line of a record. It is counted by reading the file again, because that is needed once: counting along costs
    /// on every row, and what the CSV reader counts is not the line of the record (after blank lines and with `\r\n`).
    pub fn place(&self, spot: Spot) -> Place {
        Place::Line(1 + self.breaks_before(spot.0, true))
    }

    /// Line breaks before the offset `begin`, and in what follows it there: blank lines, or only the rest of a `\r\n`.
    fn breaks_before(&self, begin: u64, blank_lines: bool) -> u64 {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.as_ref().is_none_or(|counted| counted.at > begin) {
            // Free of the limits of rows: nobody says here where one begins.
            let Ok((text, _)) = text::open_free(&self.path, self.compression, self.size_max) else { return 0 };
            *counted = Some(Counted { text: BufReader::new(text), at: 0, breaks: 0, previous: b'\n' });
        }
        counted.as_mut().map_or(0, |counted| counted.advance(begin, blank_lines))
    }

    /// A mistake in the present record.
    pub fn error(&self, field: &str, fault: Fault) -> TraceError {
        self.error_at(self.place(self.spot()), field, fault)
    }

    /// A mistake elsewhere in the file.
    pub fn error_at(&self, place: Place, field: &str, fault: Fault) -> TraceError {
        TraceError::at(&self.path, place, field, fault)
    }

    fn explained(&self, error: csv::Error) -> TraceError {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => {
                let place = Place::Line(1 + self.breaks_before(self.begin, false));
                self.error_at(place, "", text::fault_of(error))
            }
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                self.error("", Fault::FieldCount { found: len, expected: expected_len })
            }
            other => self.error("", Fault::Unreadable(format!("{other:?}"))),
        }
    }
}

impl Counted {
    fn advance(&mut self, begin: u64, blank_lines: bool) -> u64 {
        loop {
            let Ok(part) = self.text.fill_buf() else { return self.breaks };
            let is_blank = |previous, byte| match byte {
                b'\n' => blank_lines || previous == b'\r',
                byte => blank_lines && byte == b'\r',
            };
            let (mut used, mut is_there) = (0, part.is_empty());
            for byte in part {
                is_there = self.at >= begin && !is_blank(self.previous, *byte);
                if is_there {
                    break;
                }
                self.breaks += u64::from(*byte == b'\n');
                self.previous = *byte;
                self.at += 1;
                used += 1;
            }
            self.text.consume(used);
            if is_there {
                return self.breaks;
            }
        }
    }
}

/// Checks that no column has the name of another.
///
/// # Errors
/// The name, and the fault.
pub fn check_distinct(columns: &[String]) -> Result<(), (&str, Fault)> {
    let mut sorted: Vec<&str> = columns.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err((pair[0], Fault::DuplicateColumn)),
        None => Ok(()),
    }
}
