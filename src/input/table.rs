//! Small CSV files next to a scenario: lists of faults. Traces have a reader of their own.

use super::error::{InputError, Mistake, known_names};
use super::file::TextFile;
use crate::units::{Span, Time};

/// The rows of a CSV file, with the wanted columns picked out.
pub struct Rows<'a, const N: usize> {
    file: &'a TextFile,
    names: [&'static str; N],
    columns: [usize; N],
    records: csv::StringRecordsIntoIter<&'a [u8]>,
}

/// One row.
pub struct Row<'a, const N: usize> {
    file: &'a TextFile,
    names: [&'static str; N],
    cells: [String; N],
    line: u64,
}

impl<'a, const N: usize> Rows<'a, N> {
    /// The rows of `file`, which must have a header with the columns `names`, in any order.
    ///
    /// # Errors
    /// A missing column.
    pub fn new(file: &'a TextFile, names: [&'static str; N]) -> Result<Self, InputError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file.text.as_bytes());
        let header = reader.headers().map_err(|error| broken(file, &error))?.clone();
        let mut columns = [0; N];
        for (column, name) in columns.iter_mut().zip(names) {
            *column = header.iter().position(|title| title == name).ok_or_else(|| {
                let titles: Vec<&str> = header.iter().collect();
                let known = known_names(name, "columns of the first line", &titles);
                Mistake::in_line(&file.label, 1, &format!("the column `{name}` is missing; {known}"))
            })?;
        }
        Ok(Self { file, names, columns, records: reader.into_records() })
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// A row with too few or too many cells.
    pub fn next_row(&mut self) -> Result<Option<Row<'a, N>>, InputError> {
        let Some(record) = self.records.next() else { return Ok(None) };
        let record = record.map_err(|error| broken(self.file, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells = self.columns.map(|column| record.get(column).unwrap_or("").to_owned());
        Ok(Some(Row { file: self.file, names: self.names, cells, line }))
    }
}

impl<const N: usize> Row<'_, N> {
    /// The text of a wanted column.
    pub fn text(&self, column: usize) -> &str {
        &self.cells[column]
    }

    /// A number that is finite and not negative.
    ///
    /// # Errors
    /// Where it is none.
    pub fn number(&self, column: usize) -> Result<f64, InputError> {
        match self.cells[column].parse::<f64>() {
            Ok(number) if number.is_finite() && number >= 0.0 => Ok(number),
            _ => Err(self
                .error(column, &format!("`{}` is not a number from 0 up; write it like `12.5`", self.cells[column]))),
        }
    }

    /// A whole number from 0 up.
    ///
    /// # Errors
    /// Where it is none.
    pub fn integer(&self, column: usize) -> Result<u64, InputError> {
        let text = &self.cells[column];
        let message = || self.error(column, &format!("`{text}` is not a whole number from 0 up; write it like `12`"));
        text.parse().map_err(|_| message())
    }

    /// The line.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// Seconds since the start.
    ///
    /// # Errors
    /// Where it is no number from 0 up.
    pub fn seconds(&self, column: usize) -> Result<Time, InputError> {
        self.number(column).map(|seconds| Time(Span::from_seconds_f64(seconds).0))
    }

    /// A mistake in a wanted column.
    pub fn error(&self, column: usize, message: &str) -> InputError {
        Mistake::in_line(&self.file.label, self.line, &format!("column `{}`: {message}", self.names[column]))
    }
}

fn broken(file: &TextFile, error: &csv::Error) -> InputError {
    let line = error.position().map_or(0, csv::Position::line);
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells stand here, the first line has {expected_len}; complete the line")
        }
        other => format!("the CSV is broken: {other:?}"),
    };
    Mistake::in_line(&file.label, line, &message)
}
