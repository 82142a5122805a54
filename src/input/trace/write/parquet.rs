//! Parquet, long and wide: the numbers are 64 bit floats, as data frames hold them, so each is checked to be exact.

use super::csv::state_all;
use super::{Closed, Head, WriteError};
use crate::input::trace::decimal;
use crate::input::trace::error::seconds;
use crate::input::trace::rows::{RATE, SERVICE, TIME};
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource};
use crate::units::Rate;
use polars::prelude::{BatchedWriter, Column, DataFrame, DataType, Field, ParquetWriter, PolarsError, Schema};
use std::io::{BufWriter, Write};

/// Rows of a row group: what a reader decodes at once.
const GROUP: usize = 16 << 10;
/// Numbers of a row group, which are held until it is full.
const GROUP_CELLS: usize = 4 << 20;

/// Writes all rows of a source as wide Parquet, a column for each service; a rate that a row does not state is null.
///
/// # Errors
/// Where the source or the file ends the work.
pub fn wide_parquet<'a>(
    source: &mut dyn RateSource,
    head: impl Into<Head<'a>>,
    out: impl Write,
) -> Result<(), WriteError> {
    let head = head.into();
    head.check_columns()?;
    let columns: Vec<&str> = head.services.iter().collect();
    let rates = columns.iter().map(|name| Field::new((*name).into(), DataType::Float64));
    let mut out = BufWriter::new(out);
    let mut file = begin(std::iter::once(Field::new(TIME.into(), DataType::Float64)).chain(rates), &mut out)?;
    let height = (GROUP_CELLS / columns.len().max(1)).clamp(1, GROUP);
    let mut group = Wide { times: Vec::new(), rates: vec![Vec::new(); columns.len()] };
    let (mut rows, mut row) = (Closed::new(source), RateRow::default());
    while rows.next_row(&mut row)? {
        group.push(head.clock(row.at)?, &row)?;
        if group.times.len() == height {
            write(&mut file, group.take(&columns))?;
        }
    }
    if !group.times.is_empty() {
        write(&mut file, group.take(&columns))?;
    }
    file.finish().map_err(refused)?;
    drop(file);
    Ok(out.flush()?)
}

/// Writes all rows of a source as long Parquet, a row for each rate.
///
/// # Errors
/// Where the source or the file ends the work.
pub fn long_parquet<'a>(
    source: &mut dyn RateSource,
    head: impl Into<Head<'a>>,
    out: impl Write,
) -> Result<(), WriteError> {
    let head = head.into();
    let fields = [(TIME, DataType::Float64), (SERVICE, DataType::String), (RATE, DataType::Float64)];
    let mut out = BufWriter::new(out);
    let mut file = begin(fields.into_iter().map(|(name, kind)| Field::new(name.into(), kind)), &mut out)?;
    let mut group = Long::default();
    let (mut rows, mut row, mut first) = (Closed::new(source), RateRow::default(), true);
    while rows.next_row(&mut row)? {
        let at = exact_seconds(head.clock(row.at)?)?;
        state_all(&row, head, std::mem::take(&mut first), |service, rate| {
            group.push(at, service, rate.map(exact_rate).transpose()?);
            Ok(())
        })?;
        if group.times.len() >= GROUP {
            write(&mut file, group.take())?;
        }
    }
    if !group.times.is_empty() {
        write(&mut file, group.take())?;
    }
    file.finish().map_err(refused)?;
    drop(file);
    Ok(out.flush()?)
}

fn begin<W: Write>(fields: impl Iterator<Item = Field>, out: W) -> Result<BatchedWriter<W>, WriteError> {
    let schema: Schema = fields.collect();
    ParquetWriter::new(out).batched(&schema).map_err(refused)
}

fn write<W: Write>(file: &mut BatchedWriter<W>, columns: Vec<Column>) -> Result<(), WriteError> {
    let frame = DataFrame::new_infer_height(columns).map_err(refused)?;
    file.write_batch(&frame).map_err(refused)
}

#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
fn refused(error: PolarsError) -> WriteError {
    WriteError::Parquet(error.to_string())
}

/// Nanoseconds as seconds in a float whose shortest decimal reads back as the same nanoseconds.
///
/// A decimal of at most 15 digits always does, if its float is the nearest one; for more it is tried.
fn exact_seconds(nanos: u64) -> Result<f64, WriteError> {
    const DIGITS_15: u64 = 1_000_000_000_000_000;
    if nanos < DIGITS_15 {
        return Ok(nanos as f64 / 1e9);
    }
    // More nanoseconds than a float can count would be rounded twice.
    let text = seconds(nanos);
    let found: f64 = text.parse().map_err(|_| WriteError::Inexact(format!("the time {text} s")))?;
    let short = nanos.is_multiple_of(1_000_000) && nanos / 1_000_000 < DIGITS_15;
    if short || decimal::nanos(found.to_string().as_bytes()) == Ok(nanos) {
        return Ok(found);
    }
    Err(WriteError::Inexact(format!("the time {text} s")))
}

/// A rate in a float that reads back as the same rate.
fn exact_rate(rate: Rate) -> Result<f64, WriteError> {
    let found = rate.per_second();
    // Beyond 10^15 millionths floats become coarser than a millionth.
    if rate.0 < 1_000_000_000_000_000
        || decimal::rate(found.to_string().as_bytes(), crate::units::Ratio::ONE) == Ok(rate)
    {
        return Ok(found);
    }
    Err(WriteError::Inexact(format!("the rate {} millionths /s", rate.0)))
}

/// Rows that become a column for each service.
struct Wide {
    times: Vec<f64>,
    rates: Vec<Vec<Option<f64>>>,
}

impl Wide {
    fn push(&mut self, clock: u64, row: &RateRow) -> Result<(), WriteError> {
        self.times.push(exact_seconds(clock)?);
        self.rates.iter_mut().for_each(|rates| rates.push(None));
        for (service, rate) in &row.rates {
            let rates = &mut self.rates[service.index()];
            *rates.last_mut().expect("a field was pushed above") = Some(exact_rate(*rate)?);
        }
        Ok(())
    }

    fn take(&mut self, names: &[&str]) -> Vec<Column> {
        let time = Column::new(TIME.into(), std::mem::take(&mut self.times));
        let rates = self.rates.iter_mut().zip(names);
        let rates = rates.map(|(rates, name)| Column::new((*name).into(), std::mem::take(rates)));
        std::iter::once(time).chain(rates).collect()
    }
}

/// Rows that become three columns.
#[derive(Default)]
struct Long {
    times: Vec<f64>,
    services: Vec<String>,
    rates: Vec<Option<f64>>,
}

impl Long {
    fn push(&mut self, at: f64, service: &str, rate: Option<f64>) {
        self.times.push(at);
        self.services.push(service.to_owned());
        self.rates.push(rate);
    }

    fn take(&mut self) -> Vec<Column> {
        let services = std::mem::take(&mut self.services);
        vec![
            Column::new(TIME.into(), std::mem::take(&mut self.times)),
            Column::new(SERVICE.into(), services),
            Column::new(RATE.into(), std::mem::take(&mut self.rates)),
        ]
    }
}
