//! Wide CSV: `timestamp_s,<service>,<service>...`, one row for each time, one column for each service.
//!
//! The shape of spreadsheets and of metrics that were exported together. An empty field is a rate that is unknown.

use super::csv_file::CsvFile;
use super::decimal;
use super::error::{Fault, Place, TraceError, shown};
use super::format::{Format, Opened, Reads};
use super::rows::{RawRow, Rows, Spot, TIME, WideColumns, is_long, wide_columns};
use super::series::Series;
use crate::units::Ratio;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format {
    name: "wide CSV",
    header: "timestamp_s,<service>,<service>...",
    extensions: super::format::CSV,
    fits: |columns| !is_long(columns),
    reads: Reads::Csv(open),
};

struct WideCsv {
    file: CsvFile,
    columns: WideColumns,
    scale: Ratio,
}

fn open(file: CsvFile, mut series: Series, scale: Ratio) -> Opened {
    let columns = wide_columns(&file.columns, &mut series).map_err(|(field, fault)| file.error(&field, fault))?;
    Ok(Box::new(WideCsv { file, columns, scale }))
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
