//! Long CSV: `timestamp_s,service,requests_per_s`, in any order of columns, one rate a line.
//!
//! The shape that most tools write, and the one in which a service may appear and end. Lines of one time become one row.

use super::csv_file::CsvFile;
use super::decimal;
use super::error::{Fault, Place, TraceError, shown};
use super::format::{Format, Opened, Reading, Reads};
use super::rows::{Entries, Entry, Long, RATE, SERVICE, Spot, TIME, is_long, long_columns};
use super::series::Series;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::units::Ratio;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format { page: &PAGE, takes: &[], reads: Reads::Csv { fits: is_long, open } };

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "long-csv",
    kind: Kind::Rates,
    what: "Request rates, one a line: what most tools write, and what `smo trace` writes.",
    extensions: super::format::CSV,
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
    example: "timestamp_s,service,requests_per_s\n0,frontend,12.5\n0,cart,3\n",
    writable: true,
};

struct LongCsv {
    file: CsvFile,
    columns: [usize; 3],
    series: Series,
    scale: Ratio,
    /// The last time as written and as read: it repeats for every service.
    time: (Vec<u8>, u64),
}

fn open(file: CsvFile, reading: Reading<'_>) -> Opened {
    let Reading { series, options, .. } = reading;
    let columns = long_columns(&file.columns).map_err(|(field, fault)| file.error(&field, fault))?;
    Ok(Box::new(Long::new(LongCsv { file, columns, series, scale: options.scale, time: (Vec::new(), 0) })))
}

impl LongCsv {
    fn at(&mut self) -> Result<u64, TraceError> {
        let text = self.file.field(self.columns[0]);
        if text.is_empty() {
            return Err(self.file.error(TIME, Fault::Missing));
        }
        if text != self.time.0 {
            let at = decimal::nanos(text);
            let at = at.map_err(|why| self.file.error(TIME, Fault::NotATime { text: shown(text), why }))?;
            self.time.0.clear();
            self.time.0.extend_from_slice(text);
            self.time.1 = at;
        }
        Ok(self.time.1)
    }
}

impl Entries for LongCsv {
    fn next(&mut self) -> Result<Option<Entry>, TraceError> {
        if !self.file.read()? {
            return Ok(None);
        }
        let at = self.at()?;
        let service = self.series.service(self.file.field(self.columns[1]));
        let service = service.map_err(|fault| self.file.error(SERVICE, fault))?;
        let text = self.file.field(self.columns[2]);
        let rate = (!text.is_empty()).then(|| decimal::rate(text, self.scale)).transpose();
        let rate = rate.map_err(|why| self.file.error(RATE, Fault::NotARate { text: shown(text), why }))?;
        Ok(Some(Entry { at, service, rate, spot: self.file.spot() }))
    }

    fn series(&self) -> &Series {
        &self.series
    }

    fn place(&self, spot: Spot) -> Place {
        self.file.place(spot)
    }

    fn error(&self, place: Place, field: &str, fault: Fault) -> TraceError {
        self.file.error_at(place, field, fault)
    }
}
