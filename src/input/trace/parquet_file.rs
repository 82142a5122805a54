//! Parquet as both shapes of it need it: slices of a row group at a time, and the numbers in them.
//!
//! A row group may be gigabytes, so at most [`CELLS_MAX`] values are decoded at once, one group after the other; pages
//! before a slice are passed over without being decompressed. The decoder is made for files that were written by a
//! library and panics on some that were damaged: that panic ends here, as an error.

use super::csv_file::check_distinct;
use super::decimal::{self, Why};
use super::error::{Fault, Place, TraceError};
use super::rows::Spot;
use crate::units::{Rate, Ratio};
use polars::prelude::{
    ArrowDataType, FileMetadata, FileMetadataRef, ParallelStrategy, ParquetReader, PolarsResult, SerReader, Series,
};
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Values that are decoded at once: 32 MiB.
const CELLS_MAX: usize = 4 << 20;
/// Rows that are decoded at once, because text is larger than numbers.
const ROWS_MAX: usize = 128 << 10;
/// Columns that are decoded at once: the file is mapped into memory meanwhile, and each of them keeps its pages there.
const COLUMNS_MAX: usize = 16;

/// A Parquet file whose footer was read.
pub struct ParquetFile {
    path: PathBuf,
    metadata: FileMetadataRef,
    /// The present row group alone, its number, and how many of its rows were read.
    group: (FileMetadataRef, usize, usize),
    /// Rows of the file that were read.
    rows_read: u64,
    /// The columns that are read.
    read: Vec<String>,
    /// The names of the columns.
    pub columns: Vec<String>,
    types: Vec<ArrowDataType>,
}

/// Some rows of a file.
pub struct Frame {
    /// The columns that were asked for, in that order.
    pub series: Vec<Series>,
    /// Rows of the file before these.
    pub rows_before: u64,
    /// Number of rows.
    pub rows: usize,
}

impl ParquetFile {
    /// Opens a file and reads its footer.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(path: &Path) -> Result<Self, TraceError> {
        let file = File::open(path).map_err(|error| TraceError::whole(path, Fault::Unreadable(error.to_string())))?;
        if file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            return Err(TraceError::whole(path, Fault::Empty));
        }
        let (metadata, schema) = guarded(path, || {
            let mut reader = ParquetReader::new(file);
            let schema = reader.schema()?;
            Ok((Arc::clone(reader.get_metadata()?), schema))
        })?;
        let columns: Vec<String> = schema.iter_names().map(ToString::to_string).collect();
        check_distinct(&columns).map_err(|(name, fault)| TraceError::at(path, Place::Whole, name, fault))?;
        let types = schema.iter_values().map(|field| field.dtype.clone()).collect();
        let group = (only_group(&metadata, 0), 0, 0);
        Ok(Self { path: path.to_owned(), metadata, group, rows_read: 0, read: columns.clone(), columns, types })
    }

    /// Reads only these columns from now on.
    pub fn project(&mut self, columns: &[usize]) {
        self.read = columns.iter().map(|&column| self.columns[column].clone()).collect();
    }

    /// Checks that a column holds what it should.
    ///
    /// # Errors
    /// What it holds instead.
    pub fn check_type(&self, column: usize, wanted: Kind) -> Result<(), TraceError> {
        use ArrowDataType as D;
        let found = &self.types[column];
        let fits = match wanted {
            Kind::Time => matches!(found, D::Int32 | D::Int64 | D::UInt32 | D::UInt64 | D::Float64),
            Kind::Rate => matches!(found, D::Int32 | D::Int64 | D::UInt32 | D::UInt64 | D::Float64 | D::Float32),
            Kind::Name => matches!(found, D::Utf8 | D::LargeUtf8 | D::Utf8View),
        };
        if fits {
            return Ok(());
        }
        let fault =
            Fault::ColumnType { found: super::error::shown(format!("{found:?}").as_bytes()), wanted: wanted.words() };
        Err(TraceError::at(&self.path, Place::Whole, &self.columns[column], fault))
    }

    /// Decodes the next rows; `None` at the end.
    ///
    /// # Errors
    /// Where the file is broken.
    pub fn next(&mut self) -> Result<Option<Frame>, TraceError> {
        while self.group.1 < self.metadata.row_groups.len() {
            let height = self.metadata.row_groups[self.group.1].num_rows();
            if self.group.2 < height {
                return self.decode(height - self.group.2).map(Some);
            }
            self.group = (only_group(&self.metadata, self.group.1 + 1), self.group.1 + 1, 0);
        }
        Ok(None)
    }

    fn decode(&mut self, rows_left: usize) -> Result<Frame, TraceError> {
        let rows = rows_left.min(ROWS_MAX).min((CELLS_MAX / self.read.len().max(1)).max(1));
        let (offset, rows_before) = (self.group.2, self.rows_read);
        let parts = self.read.chunks(COLUMNS_MAX);
        let series = guarded(&self.path, || {
            parts.map(|columns| self.slice(columns, offset, rows)).collect::<PolarsResult<Vec<_>>>()
        })?;
        let series: Vec<Series> = series.into_iter().flatten().collect();
        if series.len() != self.read.len() || series.iter().any(|series| series.len() != rows) {
            let fault = Fault::Parquet("a column has fewer rows than the file says".to_owned());
            return Err(self.error_at(place(Spot(rows_before)), "", fault));
        }
        self.group.2 += rows;
        self.rows_read += rows as u64;
        Ok(Frame { series, rows_before, rows })
    }

    fn slice(&self, columns: &[String], offset: usize, rows: usize) -> PolarsResult<Vec<Series>> {
        let mut reader = ParquetReader::new(File::open(&self.path)?);
        reader.set_metadata(Arc::clone(&self.group.0));
        let frame = reader
            .read_parallel(ParallelStrategy::None)
            .with_columns(Some(columns.to_vec()))
            .with_slice(Some((offset, rows)))
            .finish()?;
        columns.iter().map(|name| Ok(frame.column(name)?.as_materialized_series().rechunk())).collect()
    }

    /// Passes over rows without decoding them.
    pub fn skip(&mut self, mut rows: u64) {
        while rows > 0 && self.group.1 < self.metadata.row_groups.len() {
            let left = self.metadata.row_groups[self.group.1].num_rows() - self.group.2;
            let step = rows.min(left as u64);
            self.group.2 += usize::try_from(step).expect("at most the rows of a group");
            self.rows_read += step;
            rows -= step;
            if rows > 0 {
                self.group = (only_group(&self.metadata, self.group.1 + 1), self.group.1 + 1, 0);
            }
        }
    }

    /// A mistake at a place.
    pub fn error_at(&self, place: Place, field: &str, fault: Fault) -> TraceError {
        TraceError::at(&self.path, place, field, fault)
    }
}

/// The place of a row that stands after as many rows as the spot says.
pub fn place(spot: Spot) -> Place {
    Place::Row(spot.0 + 1)
}

/// What a column should hold.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Seconds.
    Time,
    /// Requests per second.
    Rate,
    /// Names.
    Name,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Time => "seconds as 32 or 64 bit integers or 64 bit floats",
            Self::Rate => "requests per second as 32 or 64 bit integers or floats",
            Self::Name => "names as plain text, not as categories",
        }
    }
}

/// The metadata of a file as if it had this row group only: polars walks over all that it knows of.
fn only_group(all: &FileMetadata, group: usize) -> FileMetadataRef {
    let row_groups: Vec<_> = all.row_groups.get(group).cloned().into_iter().collect();
    let num_rows = row_groups.iter().fold(0, |rows, group| rows + group.num_rows());
    Arc::new(FileMetadata {
        version: all.version,
        num_rows,
        max_row_group_height: num_rows,
        created_by: None,
        row_groups,
        key_value_metadata: all.key_value_metadata.clone(),
        schema_descr: all.schema_descr.clone(),
        column_orders: all.column_orders.clone(),
        footer_buf: all.footer_buf.clone(),
    })
}

/// Runs the decoder; what it refuses, and what it dies of, is a fault of the file.
fn guarded<T>(path: &Path, work: impl FnOnce() -> PolarsResult<T>) -> Result<T, TraceError> {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    let what = match outcome {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "its contents contradict each other".to_owned(),
    };
    Err(TraceError::whole(path, Fault::Parquet(super::error::shown(what.as_bytes()))))
}

/// A number of a column.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// From any integer.
    Integer(i128),
    /// From any float.
    Float(f64),
}

/// Calls `each` with every number of a column and its index, where there is one.
pub fn for_each_number(series: &Series, mut each: impl FnMut(usize, Number)) {
    macro_rules! walk {
        ($numbers:expr, $number:expr) => {
            if let Ok(numbers) = $numbers {
                // Without a null there is a plain slice, in one piece: columns are rechunked.
                if let (0, Ok(slice)) = (numbers.null_count(), numbers.cont_slice()) {
                    slice.iter().enumerate().for_each(|(index, value)| each(index, $number(*value)));
                    return;
                }
                numbers
                    .iter()
                    .enumerate()
                    .for_each(|(index, value)| value.into_iter().for_each(|value| each(index, $number(value))));
            }
        };
    }
    use polars::prelude::DataType as D;
    match series.dtype() {
        D::Float64 => walk!(series.f64(), Number::Float),
        D::Float32 => walk!(series.f32(), |value| Number::Float(f64::from(value))),
        D::Int64 => walk!(series.i64(), |value| Number::Integer(i128::from(value))),
        D::Int32 => walk!(series.i32(), |value| Number::Integer(i128::from(value))),
        D::UInt64 => walk!(series.u64(), |value| Number::Integer(i128::from(value))),
        D::UInt32 => walk!(series.u32(), |value| Number::Integer(i128::from(value))),
        _ => {}
    }
}

/// The nearest integer, half up, of a number from 0 to 2^53; without the call that `round` is on older processors.
#[inline]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "numbers are in that range")]
fn whole(number: f64) -> u64 {
    let below = number as i64;
    below as u64 + u64::from(number - below as f64 >= 0.5)
}

impl Number {
    /// Seconds as nanoseconds. A float counts as its shortest decimal, which is what was meant.
    ///
    /// # Errors
    /// In words, why it is no time.
    pub fn nanos(self) -> Result<u64, Why> {
        /// Milliseconds of so many years are exact as a float.
        const MS_MAX: f64 = 1e13;
        match self {
            // A float that is the nearest one to whole milliseconds is meant to be these: most are, and fast.
            Self::Float(value) if (0.0..MS_MAX / 1e3).contains(&value) => {
                let ms = whole(value * 1e3);
                #[expect(clippy::float_cmp, reason = "whether it is that very float")]
                let is_whole = ms as f64 / 1e3 == value;
                if is_whole { Ok(ms * 1_000_000) } else { decimal::nanos(self.text().as_bytes()) }
            }
            Self::Integer(value @ 0..) => {
                let nanos =
                    u64::try_from(value).ok().and_then(|value| value.checked_mul(crate::units::NANOS_PER_SECOND));
                nanos.ok_or("it is too large")
            }
            number => decimal::nanos(number.text().as_bytes()),
        }
    }

    /// Requests per second, times `scale`, as a rate.
    ///
    /// # Errors
    /// In words, why it is no rate.
    #[inline]
    pub fn rate(self, scale: Ratio) -> Result<Rate, Why> {
        /// Floats of fewer millionths are exact where the number has six decimals.
        const EXACT: f64 = 9e15;
        match self {
            Self::Float(value) if scale == Ratio::ONE && (0.0..EXACT / 1e6).contains(&value) => {
                Ok(Rate(whole(value * 1e6)))
            }
            Self::Integer(value @ 0..) => {
                let rate = u64::try_from(value).ok().and_then(|value| value.checked_mul(scale.0));
                rate.map(Rate).ok_or("it is too large")
            }
            number => decimal::rate(number.text().as_bytes(), scale),
        }
    }

    /// As it would stand in a text.
    pub fn text(self) -> String {
        match self {
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
        }
    }
}
