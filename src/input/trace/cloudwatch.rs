//! Sums by period, as a metric service exports a counter: `timestamp,value`.
//!
//! The value is the number of requests in the period that begins at the time (of
//! `RequestCount`, the statistic `Sum`), so the rate is the value divided by the period: `step`, or the time to the second row. A mean or a
//! maximum in the same columns is no number of requests, and nothing in the file tells: whoever names the file knows.

use super::clock::Clock;
use super::csv_file::CsvFile;
use super::decimal;
use super::error::{Fault, Place, TraceError, seconds, shown};
use super::format::{CSV, Format, Opened, Reading, Reads};
use super::import_fault::ImportFault;
use super::rows::{ALL, RawRow, Rows, Spot};
use super::tally::Tally;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::model::ServiceId;
use crate::units::Ratio;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format { page: &PAGE, takes: &["step", "timezone"], reads: Reads::Csv { fits, open } };

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "cloudwatch",
    kind: Kind::Rates,
    what: "Requests by period as CloudWatch exports a sum, and as the Numenta Anomaly Benchmark keeps such series.",
    extensions: CSV,
    columns: &[
        Column {
            name: "timestamp",
            unit: "date or number",
            meaning: "when the period begins: a date with its zone, or in that of `timezone`, or a number whose size tells \
                      its unit; a missing period is a gap",
        },
        Column {
            name: "value",
            unit: "requests",
            meaning: "requests in the period of `step`, or of the time to the second row; empty: unknown",
        },
    ],
    example: "timestamp,value\n2014-04-10 00:04:00,94.0\n2014-04-10 00:09:00,56.0\n",
    writable: false,
};

/// The columns.
const TIME: usize = 0;
const VALUE: usize = 1;

fn fits(columns: &[String]) -> bool {
    columns == ["timestamp", "value"]
}

fn open(file: CsvFile, mut reading: Reading<'_>) -> Opened {
    if !fits(&file.columns) {
        let expected = "its columns are timestamp,value".to_owned();
        return Err(file.error("", ImportFault::OtherHeader { format: PAGE.name, expected }.into()));
    }
    let service = reading.series.service(ALL.as_bytes()).map_err(|fault| file.error("", fault))?;
    reading.series.check_all_met().map_err(|fault| file.error_at(Place::Whole, "", fault))?;
    let import = &reading.options.import;
    let mut sums = Sums {
        file,
        clock: Clock::new(None, import.timezone),
        service,
        scale: reading.options.scale,
        period: import.step.map_or(0, |step| step.0),
        ahead: None,
        tally: Tally::default(),
    };
    if import.step.is_none() {
        sums.take_period()?;
    }
    Ok(Box::new(sums))
}

struct Sums {
    file: CsvFile,
    clock: Clock,
    service: Option<ServiceId>,
    scale: Ratio,
    /// Nanoseconds.
    period: u64,
    /// The first two rows, the second one first, where they had to be read for the period.
    ahead: Option<Vec<Sum>>,
    tally: Tally,
}

/// A row: when, the number of requests in millionths, and where.
#[derive(Debug, Clone, Copy)]
struct Sum(u64, Option<u64>, Spot);

impl Sums {
    fn read(&mut self) -> Result<Option<Sum>, TraceError> {
        if !self.file.read()? {
            return Ok(None);
        }
        let wrong = |column: usize, fault| self.file.error(&self.file.columns[column], fault);
        let at = self.clock.read(self.file.field(TIME)).map_err(|fault| wrong(TIME, fault))?;
        let text = self.file.field(VALUE);
        let value = (!text.is_empty()).then(|| decimal::rate(text, self.scale)).transpose();
        let value = value.map_err(|why| wrong(VALUE, ImportFault::NotACount { text: shown(text), why }.into()))?;
        Ok(Some(Sum(at, value.map(|value| value.0), self.file.spot())))
    }

    /// Takes the time from the first row to the second one as the period.
    fn take_period(&mut self) -> Result<(), TraceError> {
        let Some(first) = self.read()? else { return Ok(()) };
        let Some(second) = self.read()? else {
            let (what, option) = ("how long a period is, and has one row only", "step: 5 min");
            return Err(self.file.error("", ImportFault::Needed { format: PAGE.name, what, option }.into()));
        };
        self.period = second.0.saturating_sub(first.0);
        if self.period == 0 {
            let fault = Fault::Unsorted { at: seconds(second.0), previous: seconds(first.0) };
            return Err(self.file.error("timestamp", fault));
        }
        self.ahead = Some(vec![second, first]);
        Ok(())
    }
}

impl Rows for Sums {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        row.rates.clear();
        let ahead = self.ahead.as_mut().and_then(Vec::pop);
        let Some(Sum(at, value, spot)) = (if ahead.is_some() { ahead } else { self.read()? }) else { return Ok(false) };
        (row.at, row.spot) = (at, spot);
        if let (Some(service), Some(value)) = (self.service, value) {
            let rate = self.tally.rate(service, value, self.period);
            let wrong = |why| self.file.error("value", ImportFault::TooMuch(why).into());
            row.rates.push((service, rate.map_err(wrong)?));
        }
        Ok(true)
    }

    fn place(&self, spot: Spot) -> Place {
        self.file.place(spot)
    }

    fn notes(&self) -> Vec<String> {
        let period = format!("its values are requests in periods of {} s", seconds(self.period));
        self.clock.note().into_iter().chain([period]).collect()
    }
}
