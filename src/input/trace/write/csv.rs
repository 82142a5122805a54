//! CSV, long and wide: exact, because its numbers are decimals.

use super::{Closed, Head, WriteError};
use crate::input::trace::error::seconds;
use crate::input::trace::rows::{RATE, SERVICE, TIME};
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource};
use crate::units::Rate;
use std::io::{self, BufWriter, Write};

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
        match name.to_lowercase().rsplit('.').next() {
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
pub fn long_csv<'a>(
    source: &mut dyn RateSource,
    head: impl Into<Head<'a>>,
    out: impl Write,
    compress: Compress,
) -> Result<(), WriteError> {
    let head = head.into();
    packed(out, compress, |out| long_text(Closed::new(source), head, out))
}

/// Writes all rows of a source as wide CSV: a column for each service, an empty field for a rate that a row does not state.
///
/// # Errors
/// Where the source or the file ends the work.
pub fn wide_csv<'a>(
    source: &mut dyn RateSource,
    head: impl Into<Head<'a>>,
    out: impl Write,
    compress: Compress,
) -> Result<(), WriteError> {
    let head = head.into();
    packed(out, compress, |out| wide_text(Closed::new(source), head, out))
}

fn packed<W: Write>(
    out: W,
    compress: Compress,
    text: impl FnOnce(&mut dyn Write) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    let mut out = BufWriter::new(out);
    match compress {
        Compress::No => text(&mut out)?,
        Compress::Gzip => {
            let mut packed = flate2::GzBuilder::new().mtime(0).write(&mut out, flate2::Compression::best());
            text(&mut packed)?;
            packed.finish()?;
        }
        Compress::Zstd => {
            let mut packed = zstd::Encoder::new(&mut out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
            text(&mut packed)?;
            packed.finish()?;
        }
    }
    Ok(out.flush()?)
}

fn long_text(mut rows: Closed<'_>, head: Head<'_>, out: &mut dyn Write) -> Result<(), WriteError> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record([TIME, SERVICE, RATE]).map_err(broken)?;
    let (mut row, mut first) = (RateRow::default(), true);
    while rows.next_row(&mut row)? {
        let at = seconds(head.clock(row.at)?);
        state_all(&row, head, std::mem::take(&mut first), |service, rate| {
            let rate = rate.map(per_second).unwrap_or_default();
            csv.write_record([&at, service, &rate]).map_err(broken)
        })?;
    }
    Ok(csv.flush()?)
}

/// Hands on each rate of a row of a long trace. The first row names all services, in their order, even those whose rate is
/// unknown, so that none is lost; a row that states nothing names one, or it would not be there.
pub(super) fn state_all(
    row: &RateRow,
    head: Head<'_>,
    first: bool,
    mut state: impl FnMut(&str, Option<Rate>) -> Result<(), WriteError>,
) -> Result<(), WriteError> {
    if first {
        let mut rates = vec![None; head.services.count()];
        row.rates.iter().for_each(|(service, rate)| rates[service.index()] = Some(*rate));
        return head.services.iter().zip(rates).try_for_each(|(name, rate)| state(name, rate));
    }
    if row.rates.is_empty() {
        return head.services.iter().take(1).try_for_each(|name| state(name, None));
    }
    row.rates.iter().try_for_each(|(service, rate)| state(head.services.name(*service), Some(*rate)))
}

fn wide_text(mut rows: Closed<'_>, head: Head<'_>, out: &mut dyn Write) -> Result<(), WriteError> {
    let mut csv = csv::Writer::from_writer(out);
    head.check_columns()?;
    csv.write_record(std::iter::once(TIME).chain(head.services.iter())).map_err(broken)?;
    let (mut row, mut fields) = (RateRow::default(), vec![String::new(); head.services.count()]);
    while rows.next_row(&mut row)? {
        fields.iter_mut().for_each(String::clear);
        for (service, rate) in &row.rates {
            fields[service.index()] = per_second(*rate);
        }
        let at = seconds(head.clock(row.at)?);
        csv.write_record(std::iter::once(&at).chain(&fields)).map_err(broken)?;
    }
    Ok(csv.flush()?)
}

/// `io::Error::from` would hide which kind of error it is, and a closed pipe is a kind of its own.
fn broken(error: csv::Error) -> WriteError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => WriteError::Io(error),
        other => WriteError::Io(io::Error::other(format!("{other:?}"))),
    }
}

/// A rate as requests per second, exactly.
fn per_second(rate: Rate) -> String {
    const MILLION: u64 = 1_000_000;
    let (whole, fraction) = (rate.0 / MILLION, rate.0 % MILLION);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = format!("{fraction:06}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}
