//! Writes traces: long CSV, compressed if wished, and wide Parquet.
//!
//! The same rows give the same bytes: no time of writing, no name of a machine. (A compressor may choose other bytes for the
//! same text on another processor or in another version; the text is the same.)

use super::error::seconds;
use super::rows::{RATE, SERVICE, TIME};
use super::series::ServiceNames;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Rate, Time};
use polars::prelude::{Column, DataFrame, DataType, Field, ParquetWriter, PolarsResult, Schema};
use std::io::{self, BufWriter, Write};

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
}

/// How a text is to be compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compress {
    /// Not at all.
    No,
    /// gzip, highest level.
    Gzip,
    /// Zstandard, default level.
    Zstd,
}

impl Compress {
    /// What the extension of a file's name asks for.
    pub fn by_name(name: &str) -> Self {
        match name.rsplit('.').next() {
            Some("gz") => Self::Gzip,
            Some("zst") => Self::Zstd,
            _ => Self::No,
        }
    }
}

/// Writes all rows of a source as long CSV.
///
/// # Errors
/// Where the source or the file ends the work.
pub fn long_csv(
    source: &mut dyn RateSource,
    services: &ServiceNames,
    out: impl Write,
    compress: Compress,
) -> Result<(), WriteError> {
    let out = BufWriter::new(out);
    match compress {
        Compress::No => long_csv_text(source, services, out)?.flush()?,
        Compress::Gzip => {
            let out = flate2::GzBuilder::new().mtime(0).write(out, flate2::Compression::best());
            long_csv_text(source, services, out)?.finish()?.flush()?;
        }
        Compress::Zstd => {
            let out = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
            long_csv_text(source, services, out)?.finish()?.flush()?;
        }
    }
    Ok(())
}

fn long_csv_text<W: Write>(source: &mut dyn RateSource, services: &ServiceNames, out: W) -> Result<W, WriteError> {
    let mut csv = csv::Writer::from_writer(out);
    // `io::Error::from` would hide which kind of error it is, and a closed pipe is a kind of its own.
    let broken = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => WriteError::Io(error),
        other => WriteError::Io(io::Error::other(format!("{other:?}"))),
    };
    csv.write_record([TIME, SERVICE, RATE]).map_err(broken)?;
    let mut row = RateRow::default();
    while source.next_row(&mut row)? {
        let at = seconds(row.at.0);
        for (service, rate) in &row.rates {
            csv.write_record([&at, services.name(*service), &per_second(*rate)]).map_err(broken)?;
        }
    }
    csv.into_inner().map_err(|error| WriteError::Io(error.into_error()))
}

/// A rate as requests per second, exactly.
fn per_second(rate: Rate) -> String {
    // Thousandths of a millionth, so that the same digits are cut off.
    seconds(rate.0.saturating_mul(1_000))
}

/// Rows of a row group of [`wide_parquet`]: what a reader decodes at once.
const GROUP: usize = 16 << 10;

/// Writes all rows of a source as wide Parquet, a column for each service; a rate that a row does not state is null.
///
/// # Errors
/// Where the source or the file ends the work.
pub fn wide_parquet(source: &mut dyn RateSource, services: &ServiceNames, out: impl Write) -> Result<(), WriteError> {
    let columns: Vec<&str> = services.iter().collect();
    let fields = columns.iter().map(|name| Field::new((*name).into(), DataType::Float64));
    let schema: Schema = std::iter::once(Field::new(TIME.into(), DataType::Float64)).chain(fields).collect();
    let parquet = |error: polars::prelude::PolarsError| WriteError::Parquet(error.to_string());
    let mut writer = ParquetWriter::new(BufWriter::new(out)).batched(&schema).map_err(parquet)?;
    let mut group = Group::new(columns.len());
    let mut row = RateRow::default();
    while source.next_row(&mut row)? {
        group.push(&row);
        if group.times.len() == GROUP {
            writer.write_batch(&group.take(&columns).map_err(parquet)?).map_err(parquet)?;
        }
    }
    if !group.times.is_empty() {
        writer.write_batch(&group.take(&columns).map_err(parquet)?).map_err(parquet)?;
    }
    writer.finish().map_err(parquet)?;
    Ok(())
}

/// Rows that become columns.
struct Group {
    times: Vec<f64>,
    rates: Vec<Vec<Option<f64>>>,
}

impl Group {
    fn new(services: usize) -> Self {
        Self { times: Vec::new(), rates: vec![Vec::new(); services] }
    }

    fn push(&mut self, row: &RateRow) {
        self.times.push(Time::as_seconds_f64(row.at));
        self.rates.iter_mut().for_each(|rates| rates.push(None));
        for (service, rate) in &row.rates {
            let rates = &mut self.rates[service.index()];
            *rates.last_mut().expect("a field was pushed above") = Some(rate.per_second());
        }
    }

    fn take(&mut self, names: &[&str]) -> PolarsResult<DataFrame> {
        let time = Column::new(TIME.into(), std::mem::take(&mut self.times));
        let rates = self.rates.iter_mut().zip(names);
        let rates = rates.map(|(rates, name)| Column::new((*name).into(), std::mem::take(rates)));
        DataFrame::new_infer_height(std::iter::once(time).chain(rates).collect())
    }
}
