//! Containers that were needed, by minute: `app,minute,containers`.
//!
//! Derived from the Azure Functions trace of 2019: the mean number of requests of an application that ran at once. That
//! is no rate, but the product of a rate and a duration which the file does not have (Little's law). It is read as a load
//! of one unit a second for each container, so a service whose replica serves `1 /s` needs as many replicas as there were
//! containers; where a request takes `d` seconds, `scale: 1/d` makes requests of it. Minutes without a row have none.
//!
//! The file is by application and a trace is by time, so it is held: 16 bytes a row.

use super::csv_file::CsvFile;
use super::decimal;
use super::error::{Fault, Place, TraceError, seconds, shown};
use super::format::{CSV, Format, Opened, Reading, Reads};
use super::import_fault::ImportFault;
use super::rows::{RawRow, Rows, Spot};
use super::tally::Tally;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::model::ServiceId;
use crate::units::Span;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format { page: &PAGE, takes: &[], reads: Reads::Csv { fits, open } };

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "concurrency",
    kind: Kind::Rates,
    what: "Containers that applications needed by minute, as FeMux derives them from the Azure Functions trace of 2019: \
           read as one unit of load a second for each container, because a file of concurrency holds no rate.",
    extensions: CSV,
    columns: &[
        Column { name: "app", unit: "text", meaning: "the series" },
        Column { name: "minute", unit: "min", meaning: "minute of the day, from 0; in any order" },
        Column { name: "containers", unit: "1", meaning: "mean requests at once; a minute without a row has none" },
    ],
    example: "app,minute,containers\napp000,385,1.0\napp001,3,2.0\n",
    writable: false,
};

const MINUTE: Span = Span::seconds(60);
/// A year.
const MINUTES_MAX: u32 = 527_040;

fn fits(columns: &[String]) -> bool {
    columns == ["app", "minute", "containers"]
}

/// One row.
#[derive(Debug, Clone, Copy)]
struct Demand {
    minute: u32,
    service: ServiceId,
    /// Millionths of a unit in the minute.
    amount: u64,
}

fn open(mut file: CsvFile, mut reading: Reading<'_>) -> Opened {
    if !fits(&file.columns) {
        let expected = "its columns are app,minute,containers".to_owned();
        return Err(file.error("", ImportFault::OtherHeader { format: PAGE.name, expected }.into()));
    }
    let [app, minute, containers] = [0, 1, 2];
    let mut demands = Vec::new();
    while file.read()? {
        let service = reading.series.service(file.field(app)).map_err(|fault| file.error("app", fault))?;
        let Some(service) = service else { continue };
        let text = std::str::from_utf8(file.field(minute)).unwrap_or_default();
        let minute = text.parse().ok().filter(|minute| *minute < MINUTES_MAX).ok_or_else(|| {
            let fault = ImportFault::NotATime { text: shown(text.as_bytes()), why: "it is no minute of a year" };
            file.error("minute", fault.into())
        })?;
        let text = file.field(containers);
        let rate = decimal::rate(text, reading.options.scale);
        let amount = rate.and_then(|rate| rate.0.checked_mul(60).ok_or("it is too large"));
        let amount =
            amount.map_err(|why| file.error("containers", ImportFault::NotACount { text: shown(text), why }.into()))?;
        demands.push(Demand { minute, service, amount });
    }
    reading.series.check_all_met().map_err(|fault| file.error_at(Place::Whole, "app", fault))?;
    demands.sort_unstable_by_key(|demand| (demand.minute, demand.service));
    let same = |pair: &&[Demand]| (pair[0].minute, pair[0].service) == (pair[1].minute, pair[1].service);
    if let Some(pair) = demands.windows(2).find(same) {
        let service = reading.series.name(pair[0].service).to_owned();
        let at = seconds(u64::from(pair[0].minute) * MINUTE.0);
        return Err(file.error_at(Place::Whole, "", Fault::Duplicate { service, at }));
    }
    Ok(Box::new(Held { demands, next: 0, minute: 0, tally: Tally::default(), file }))
}

struct Held {
    demands: Vec<Demand>,
    next: usize,
    minute: u32,
    tally: Tally,
    file: CsvFile,
}

impl Rows for Held {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        row.rates.clear();
        if self.next == self.demands.len() {
            return Ok(false);
        }
        let minute = self.minute;
        self.minute += 1;
        (row.at, row.spot) = (u64::from(minute) * MINUTE.0, Spot(u64::from(minute)));
        let rest = &self.demands[self.next..];
        let amounts: Vec<_> = rest
            .iter()
            .take_while(|demand| demand.minute == minute)
            .map(|demand| (demand.service, demand.amount))
            .collect();
        self.next += amounts.len();
        let done = self.tally.span(&amounts, MINUTE.0, &mut row.rates);
        done.map_err(|why| self.file.error_at(Place::Whole, "", ImportFault::TooMuch(why).into()))?;
        Ok(true)
    }

    fn place(&self, _spot: Spot) -> Place {
        Place::Whole
    }

    fn end(&self) -> Option<u64> {
        Some(u64::from(self.minute) * MINUTE.0)
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn notes(&self) -> Vec<String> {
        vec!["its values are containers, each read as one unit of load a second".to_owned()]
    }
}
