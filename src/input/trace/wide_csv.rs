//! Wide CSV: `timestamp_s,<service>,<service>...`, one row for each time, one column for each service.
//!
//! The shape of spreadsheets and of metrics that were exported together. An empty field is a rate that is unknown.

use super::csv_file::CsvFile;
use super::decimal;
use super::error::{Fault, Place, TraceError, shown};
use super::format::{Format, Opened, Reading, Reads};
use super::rows::{RawRow, Rows, Spot, TIME, WideColumns, is_long, wide_columns};
use crate::input::formats::{Column, FormatPage, Kind};
use crate::units::Ratio;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format =
    Format { page: &PAGE, takes: &[], reads: Reads::Csv { fits: |columns| !is_long(columns), open } };

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "wide-csv",
    kind: Kind::Rates,
    what: "Request rates, a column for each service: the shape of spreadsheets.",
    extensions: super::format::CSV,
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
    example: "timestamp_s,frontend,cart\n0,12.5,3\n60,14,\n",
    writable: true,
};

struct WideCsv {
    file: CsvFile,
    columns: WideColumns,
    scale: Ratio,
}

fn open(file: CsvFile, mut reading: Reading<'_>) -> Opened {
    let columns =
        wide_columns(&file.columns, &mut reading.series).map_err(|(field, fault)| file.error(&field, fault))?;
    Ok(Box::new(WideCsv { file, columns, scale: reading.options.scale }))
}

impl Rows for WideCsv {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        row.rates.clear();
        if !self.file.read()? {
            return Ok(false);
        }
        row.spot = self.file.spot();
        let text = self.file.field(self.columns.time);
        if text.is_empty() {
            return Err(self.file.error(TIME, Fault::Missing));
        }
        row.at =
            decimal::nanos(text).map_err(|why| self.file.error(TIME, Fault::NotATime { text: shown(text), why }))?;
        for &(column, service) in &self.columns.services {
            let text = self.file.field(column);
            if !text.is_empty() {
                let wrong =
                    |why| self.file.error(&self.file.columns[column], Fault::NotARate { text: shown(text), why });
                row.rates.push((service, decimal::rate(text, self.scale).map_err(wrong)?));
            }
        }
        Ok(true)
    }

    fn place(&self, spot: Spot) -> Place {
        self.file.place(spot)
    }

    fn knows_all_series(&self) -> bool {
        true
    }
}
