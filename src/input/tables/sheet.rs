//! A table of facts as CSV, plain or compressed, read record by record, with the line and the column of every mistake.
//!
//! An empty cell is `None`, never zero: most published tables have some. Columns are found by name, so that a table may
//! have more of them than are read, in any order.

use crate::input::at::At;
use crate::input::defaults::limits;
use crate::input::error::{InputError, Mistake, Place, known_names};
use crate::input::file::Files;
use crate::input::letters::Whole;
use crate::input::trace::csv_file::CsvFile;
pub use crate::input::trace::csv_file::Spot;
use crate::input::trace::decimal::Decimal;
use crate::input::trace::text::Compression;
use crate::input::trace::{self, Fault};
use crate::units::Bytes;
use std::path::Path;
use std::sync::Arc;

/// A column that was found in the header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(pub usize);

/// A table, at one of its records.
pub struct Sheet {
    /// The path from where the user stands.
    pub label: String,
    /// The same, shared by all places in it.
    shared: Arc<Whole>,
    file: CsvFile,
}

impl Sheet {
    /// Opens a table that the scenario names at `at`, and hashes it for the manifest.
    ///
    /// # Errors
    /// Where it cannot be read, or has no header.
    pub fn open(written: &str, files: &mut Files, at: &At<'_>) -> Result<Self, InputError> {
        Self::of(&files.hash(written, at)?)
    }

    /// Opens the table at `path`.
    ///
    /// # Errors
    /// Where it cannot be read, or has no header.
    pub fn of(path: &Path) -> Result<Self, InputError> {
        let label = path.display().to_string();
        let name = label.to_lowercase();
        let compression = match name.rsplit('.').next() {
            Some("gz") => Compression::Gzip,
            Some("zst") => Compression::Zstd,
            _ => Compression::None,
        };
        let size_max = Bytes(limits::TABLE_BYTES);
        let open = |delimiter| {
            let mut builder = csv::ReaderBuilder::new();
            builder.delimiter(delimiter).flexible(true);
            CsvFile::open_with(path, compression, size_max, &mut builder).map_err(|error| reworded(&label, error))
        };
        let mut file = open(b',')?;
        if let [only] = file.columns.as_slice()
            && only.contains(';')
        {
            file = open(b';')?;
        }
        Ok(Self { shared: Whole::of(label.as_str()), label, file })
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.file.columns
    }

    /// Whether all these columns are there.
    pub fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.find(name).is_some())
    }

    /// The column `name`, if it is there.
    pub fn find(&self, name: &str) -> Option<Column> {
        self.file.columns.iter().position(|title| title == name).map(Column)
    }

    /// The column `name`.
    ///
    /// # Errors
    /// Where it is missing.
    pub fn column(&self, name: &str) -> Result<Column, InputError> {
        self.find(name).ok_or_else(|| {
            let titles: Vec<&str> = self.file.columns.iter().map(String::as_str).collect();
            let known = known_names(name, "columns of the first line", &titles);
            Mistake::in_line(&self.label, 1, &format!("the column `{name}` is missing; {known}"))
        })
    }

    /// Goes to the next record; `false` at the end. Empty cells beyond the last column, as spreadsheets leave them, are
    /// passed over.
    ///
    /// # Errors
    /// Where the file is broken there, or the record is shorter or longer than the header.
    pub fn read(&mut self) -> Result<bool, InputError> {
        if !self.file.read().map_err(|error| reworded(&self.label, error))? {
            return Ok(false);
        }
        let (cells, columns) = (self.file.width(), self.file.columns.len());
        if cells < columns || (columns..cells).any(|column| !self.file.field(column).is_empty()) {
            let message = format!("{cells} cells stand here, the first line has {columns}; complete the line");
            return Err(Box::new(Mistake::new(self.place(), String::new(), &message)).into());
        }
        Ok(true)
    }

    /// The text of a cell, without spaces around it.
    ///
    /// # Errors
    /// Where it is not UTF-8.
    pub fn text(&self, column: Column) -> Result<&str, InputError> {
        std::str::from_utf8(self.file.field(column.0))
            .map_err(|_| self.error(column, "the cell is not UTF-8 text; save the table as UTF-8"))
    }

    /// The text of a cell that must not be empty.
    ///
    /// # Errors
    /// Where it is.
    pub fn name(&self, column: Column) -> Result<&str, InputError> {
        let text = self.text(column)?;
        if text.is_empty() {
            Err(self.error(column, "the cell is empty; it names what the row is about"))
        } else {
            Ok(text)
        }
    }

    /// A number that may be negative; `None` for an empty cell.
    ///
    /// # Errors
    /// Where the cell holds something else.
    pub fn signed(&self, column: Column) -> Result<Option<f64>, InputError> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(self.error(column, &format!("`{}` is not a number; write it like `12.5`", shown(text)))),
        }
    }

    /// A number from 0 up; `None` for an empty cell.
    ///
    /// # Errors
    /// Where the cell holds something else.
    pub fn number(&self, column: Column) -> Result<Option<f64>, InputError> {
        match self.signed(column)? {
            Some(number) if number < 0.0 => {
                Err(self.error(column, &format!("`{number}` is negative; it must be 0 or more")))
            }
            number => Ok(number),
        }
    }

    /// A decimal number of units that are worth `unit` base units each, exactly; `None` for an empty cell.
    ///
    /// # Errors
    /// Where the cell holds something else.
    pub fn exact(&self, column: Column, unit: u64) -> Result<Option<u64>, InputError> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        let read = Decimal::read(text.as_bytes()).and_then(|decimal| decimal.times(unit));
        read.map(Some).map_err(|why| {
            self.error(column, &format!("`{}` is no number from 0 up: {why}; write it like `12.5`", shown(text)))
        })
    }

    /// What a cell that must not be empty holds.
    ///
    /// # Errors
    /// Where `value` is none.
    pub fn given<T>(&self, column: Column, value: Option<T>) -> Result<T, InputError> {
        value.ok_or_else(|| self.error(column, "the cell is empty; a number is needed here"))
    }

    /// The present record, to be found again: its line is counted only when somebody asks, by reading the file anew.
    pub fn spot(&self) -> Spot {
        self.file.spot()
    }

    /// Where the present record stands.
    pub fn place(&self) -> Place {
        self.place_of(self.spot())
    }

    /// Where a record stands.
    pub fn place_of(&self, spot: Spot) -> Place {
        let line = match self.file.place(spot) {
            trace::Place::Line(line) => line,
            trace::Place::Whole | trace::Place::Row(_) => 0,
        };
        Place { file: Arc::clone(&self.shared), line: u32::try_from(line).unwrap_or(u32::MAX), column: 0 }
    }

    /// A mistake in a cell of the present record: what is wrong and, after the first `; `, what would be right.
    pub fn error(&self, column: Column, message: &str) -> InputError {
        let field = self.file.columns.get(column.0).cloned().unwrap_or_default();
        Box::new(Mistake::new(self.place(), field, message)).into()
    }

    /// That the header is none that is known here.
    pub fn unknown_header(&self, known: &str) -> InputError {
        let begin: Vec<String> = self.file.columns.iter().take(5).map(|name| format!("`{}`", shown(name))).collect();
        Mistake::in_line(&self.label, 1, &format!("no table that is known begins with {}; {known}", begin.join(", ")))
    }
}

/// The first letters of a text, on one line.
fn shown(text: &str) -> String {
    let mut short: String =
        text.chars().take(40).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// What the reader of traces finds wrong with a CSV file, in the words of tables.
fn reworded(label: &str, error: trace::TraceError) -> InputError {
    let line = match error.place {
        trace::Place::Line(line) => line,
        trace::Place::Whole | trace::Place::Row(_) => 0,
    };
    let message = match *error.fault {
        Fault::Empty => "the file is empty; a table begins with a line of column names".to_owned(),
        Fault::DuplicateColumn => {
            format!("the column `{}` stands twice in the header; rename one of the two", error.field)
        }
        _ => return error.into(),
    };
    Mistake::in_line(label, line, &message)
}
