//! Wide Parquet: `timestamp_s` and one column for each service, one row for each time.
//!
//! The densest shape: 30 days of 100 services at 1 s are 259 million numbers without a name. A null is a rate that is
//! unknown. Columns are turned into rows a block at a time, so that both sides stay in the processor's caches.

use super::error::{Fault, Place, TraceError};
use super::format::{Format, Opened, Reading, Reads};
use super::parquet_file::{self, Frame, Kind, ParquetFile, for_each_number};
use super::rows::{RawRow, Rows, Spot, TIME, WideColumns, is_long, wide_columns};
use crate::input::formats::{self, Column, FormatPage};
use crate::model::ServiceId;
use crate::units::{Rate, Ratio};

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format =
    Format { page: &PAGE, takes: &[], reads: Reads::Parquet { fits: |columns| !is_long(columns), open } };

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "wide-parquet",
    kind: formats::Kind::Rates,
    what: "Request rates as Parquet, a column for each service: small, fast, and what `smo trace` writes.",
    extensions: super::format::PARQUET,
    columns: &[
        Column {
            name: "timestamp_s",
            unit: "s",
            meaning: "when the rate begins, from any zero on; rises; no other kind of time than seconds",
        },
        Column {
            name: "<service>",
            unit: "1/s",
            meaning: "a column for each service: its rate from here until the next row; empty: unknown, which is not zero",
        },
    ],
    example: "the columns timestamp_s (integer or float) and one of integers or floats for each service\n",
    writable: true,
};

/// Rows of a block.
const BLOCK: usize = 512;

struct WideParquet {
    file: ParquetFile,
    services: Vec<ServiceId>,
    scale: Ratio,
    frame: Frame,
    /// Rows of the frame that were turned.
    turned: usize,
    block: Block,
}

/// Some rows, turned.
#[derive(Default)]
struct Block {
    times: Vec<Option<u64>>,
    /// Row by row, a field for each service.
    rates: Vec<Option<Rate>>,
    next: usize,
}

fn open(mut file: ParquetFile, mut reading: Reading<'_>) -> Opened {
    let scale = reading.options.scale;
    let columns = wide_columns(&file.columns, &mut reading.series);
    let WideColumns { time, services } =
        columns.map_err(|(field, fault)| file.error_at(Place::Whole, &field, fault))?;
    file.check_type(time, Kind::Time)?;
    services.iter().try_for_each(|(column, _)| file.check_type(*column, Kind::Rate))?;
    let read: Vec<usize> = std::iter::once(time).chain(services.iter().map(|(column, _)| *column)).collect();
    file.project(&read);
    let services = services.into_iter().map(|(_, service)| service).collect();
    let frame = Frame { series: Vec::new(), rows_before: 0, rows: 0 };
    Ok(Box::new(WideParquet { file, services, scale, frame, turned: 0, block: Block::default() }))
}

impl WideParquet {
    /// Turns the next block; `false` at the end.
    fn advance(&mut self) -> Result<bool, TraceError> {
        while self.turned == self.frame.rows {
            // Before the next one is decoded, so that only one is held.
            self.frame.series.clear();
            let Some(frame) = self.file.next()? else { return Ok(false) };
            (self.frame, self.turned) = (frame, 0);
        }
        let rows = BLOCK.min(self.frame.rows - self.turned);
        let before = self.frame.rows_before + self.turned as u64;
        self.block.reset(rows, self.services.len());
        let offset = i64::try_from(self.turned).expect("a frame is small");
        let (file, mut wrong) = (&self.file, None);
        for (column, series) in self.frame.series.iter().enumerate() {
            let part = series.slice(offset, rows);
            let fault = match column.checked_sub(1) {
                Some(service) => self.block.turn_rates(&part, (service, self.services.len()), self.scale),
                None => self.block.turn_times(&part),
            };
            wrong = wrong.or(fault.map(|(row, fault)| {
                file.error_at(parquet_file::place(Spot(before + row as u64)), series.name(), fault)
            }));
        }
        self.turned += rows;
        wrong.map_or(Ok(true), Err)
    }
}

impl Block {
    fn reset(&mut self, rows: usize, services: usize) {
        self.next = 0;
        self.times.clear();
        self.times.resize(rows, None);
        self.rates.clear();
        self.rates.resize(rows * services, None);
    }

    fn turn_times(&mut self, part: &polars::prelude::Series) -> Option<(usize, Fault)> {
        let mut wrong = None;
        for_each_number(part, |row, number| match number.nanos() {
            Ok(at) => self.times[row] = Some(at),
            Err(why) => _ = wrong.get_or_insert_with(|| (row, Fault::NotATime { text: number.text(), why })),
        });
        wrong
    }

    /// `place`: the column, and how many there are.
    fn turn_rates(
        &mut self,
        part: &polars::prelude::Series,
        place: (usize, usize),
        scale: Ratio,
    ) -> Option<(usize, Fault)> {
        let (column, columns) = place;
        let mut wrong = None;
        for_each_number(part, |row, number| match number.rate(scale) {
            Ok(rate) => self.rates[row * columns + column] = Some(rate),
            Err(why) => _ = wrong.get_or_insert_with(|| (row, Fault::NotARate { text: number.text(), why })),
        });
        wrong
    }
}

impl Rows for WideParquet {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        row.rates.clear();
        if self.block.next == self.block.times.len() && !self.advance()? {
            return Ok(false);
        }
        let index = self.block.next;
        self.block.next += 1;
        let turned = self.turned - self.block.times.len() + index;
        row.spot = Spot(self.frame.rows_before + turned as u64);
        row.at =
            self.block.times[index].ok_or_else(|| self.file.error_at(self.place(row.spot), TIME, Fault::Missing))?;
        let rates = self.block.rates[index * self.services.len()..].iter().zip(&self.services);
        row.rates.extend(rates.filter_map(|(rate, service)| rate.map(|rate| (*service, rate))));
        Ok(true)
    }

    fn place(&self, spot: Spot) -> Place {
        parquet_file::place(spot)
    }

    fn knows_all_series(&self) -> bool {
        true
    }

    fn skip(&mut self, count: u64) -> Result<(), TraceError> {
        self.file.skip(count);
        Ok(())
    }
}
