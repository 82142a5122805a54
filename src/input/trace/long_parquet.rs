//! Long Parquet: the columns `timestamp_s`, `service` and `requests_per_s`, one rate a row.
//!
//! The same shape as long CSV; a null rate is unknown.

use super::error::{Fault, Place, TraceError};
use super::format::{Format, Opened, Reading, Reads};
use super::parquet_file::{self, Frame, Kind, ParquetFile, for_each_number};
use super::rows::{Entries, Entry, Long, RATE, SERVICE, Spot, TIME, is_long, long_columns};
use super::series::Series;
use crate::input::formats::{self, Column, FormatPage};
use crate::units::{Rate, Ratio};

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format { page: &PAGE, takes: &[], reads: Reads::Parquet { fits: is_long, open } };

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "long-parquet",
    kind: formats::Kind::Rates,
    what: "Request rates as Parquet, one a row; an unknown rate is null.",
    extensions: super::format::PARQUET,
    columns: &[
        Column {
            name: "timestamp_s",
            unit: "s",
            meaning: "when the rate begins, from any zero on; rises; no other kind of time than seconds",
        },
        Column { name: "service", unit: "text", meaning: "whose rate" },
        Column {
            name: "requests_per_s",
            unit: "1/s",
            meaning: "the rate from here until the next row that names the service; empty: unknown, which is not zero",
        },
    ],
    example: "the columns timestamp_s (integer or float), service (text), requests_per_s (integer or float)\n",
    writable: true,
};

struct LongParquet {
    file: ParquetFile,
    series: Series,
    scale: Ratio,
    frame: Frame,
    times: Vec<Option<u64>>,
    rates: Vec<Option<Rate>>,
    next: usize,
}

fn open(mut file: ParquetFile, reading: Reading<'_>) -> Opened {
    let Reading { series, options, .. } = reading;
    let columns = long_columns(&file.columns).map_err(|(field, fault)| file.error_at(Place::Whole, &field, fault))?;
    for (column, kind) in columns.into_iter().zip([Kind::Time, Kind::Name, Kind::Rate]) {
        file.check_type(column, kind)?;
    }
    file.project(&columns);
    let frame = Frame { series: Vec::new(), rows_before: 0, rows: 0 };
    let entries =
        LongParquet { file, series, scale: options.scale, frame, times: Vec::new(), rates: Vec::new(), next: 0 };
    Ok(Box::new(Long::new(entries)))
}

impl LongParquet {
    /// Decodes the next rows; `false` at the end.
    fn decode(&mut self) -> Result<bool, TraceError> {
        // Before the next one is decoded, so that only one is held.
        self.frame.series.clear();
        let Some(frame) = self.file.next()? else { return Ok(false) };
        self.next = 0;
        self.times.clear();
        self.times.resize(frame.rows, None);
        self.rates.clear();
        self.rates.resize(frame.rows, None);
        let mut wrong: Option<TraceError> = None;
        let mut first = |row: usize, field, fault| {
            wrong.get_or_insert_with(|| {
                self.file.error_at(parquet_file::place(Spot(frame.rows_before + row as u64)), field, fault)
            });
        };
        for_each_number(&frame.series[0], |row, number| match number.nanos() {
            Ok(at) => self.times[row] = Some(at),
            Err(why) => first(row, TIME, Fault::NotATime { text: number.text(), why }),
        });
        for_each_number(&frame.series[2], |row, number| match number.rate(self.scale) {
            Ok(rate) => self.rates[row] = Some(rate),
            Err(why) => first(row, RATE, Fault::NotARate { text: number.text(), why }),
        });
        self.frame = frame;
        wrong.map_or(Ok(true), Err)
    }
}

impl Entries for LongParquet {
    fn next(&mut self) -> Result<Option<Entry>, TraceError> {
        while self.next == self.frame.rows {
            if !self.decode()? {
                return Ok(None);
            }
        }
        let row = self.next;
        self.next += 1;
        let spot = Spot(self.frame.rows_before + row as u64);
        let missing = |field| self.file.error_at(self.place(spot), field, Fault::Missing);
        let at = self.times[row].ok_or_else(|| missing(TIME))?;
        let name = self.frame.series[1].str().ok().and_then(|names| names.get(row));
        let name = name.ok_or_else(|| missing(SERVICE))?;
        let service = self.series.service(name.trim().as_bytes());
        let service = service.map_err(|fault| self.file.error_at(parquet_file::place(spot), SERVICE, fault))?;
        Ok(Some(Entry { at, service, rate: self.rates[row], spot }))
    }

    fn series(&self) -> &Series {
        &self.series
    }

    fn place(&self, spot: Spot) -> Place {
        parquet_file::place(spot)
    }

    fn error(&self, place: Place, field: &str, fault: Fault) -> TraceError {
        self.file.error_at(place, field, fault)
    }
}
