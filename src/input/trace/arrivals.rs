//! Arrivals: CSV with a row for each request and a column that says when it came.
//!
//! The shape in which request traces are published. A few are known by their header; of any other file, `time_from` names
//! the column of times (its ending `_s`, `_ms`, `_us` or `_ns` may state the unit), and `service_from` the column of
//! services, if there is one. Other columns are not read. Requests are counted in steps of `step`.

use super::clock::{Clock, Unit, Zone};
use super::counts::{Counting, Counts, Event, Events};
use super::csv_file::CsvFile;
use super::decimal;
use super::error::{Fault, Place, TraceError, listed, shown};
use super::format::{CSV, Format, Opened, Reading, Reads};
use super::import_fault::ImportFault;
use super::rows::{ALL, Spot};
use super::series::Series;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::units::Span;
use std::path::Path;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format {
    page: &PAGE,
    takes: &["step", "service_from", "time_from", "timezone", "out_of_order"],
    reads: Reads::Csv { fits: |columns| known(columns).is_some(), open },
};

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "arrivals",
    kind: Kind::Rates,
    what: "A row for each request, counted in steps of `step` (1 s). Known by their header: Azure LLM inference 2023, \
           Mooncake, Azure Functions 2021, and the traces of Ilúvatar; any other file by `time_from`.",
    extensions: CSV,
    columns: &[
        Column {
            name: "<time_from>",
            unit: "date or number",
            meaning: "when the request came: a date with its zone (or `timezone`), or a number whose unit is the ending of \
                      the column's name or, between 1973 and 2286, its size; may stand up to `out_of_order` (10 min) \
                      behind the latest one before it",
        },
        Column { name: "<service_from>", unit: "text", meaning: "the series; without it there is one, `all`" },
        Column {
            name: "TIMESTAMP,ContextTokens,GeneratedTokens",
            unit: "UTC",
            meaning: "Azure LLM inference 2023: `time_from: TIMESTAMP` in UTC",
        },
        Column {
            name: "timestamp_ms,input_length,output_length",
            unit: "ms",
            meaning: "Mooncake: `time_from: timestamp_ms`",
        },
        Column {
            name: "app,func,end_timestamp,duration",
            unit: "s",
            meaning: "Azure Functions 2021: a request came at its end less its duration; `service_from: func`",
        },
        Column {
            name: "func_name,invoke_time_ms",
            unit: "ms",
            meaning: "Ilúvatar: `time_from: invoke_time_ms`, `service_from: func_name`",
        },
    ],
    example: "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n",
    writable: false,
};

const STEP: Span = Span::seconds(1);
const WINDOW: Span = Span::seconds(600);

/// A file that is known by its header.
struct Known {
    /// Columns that it must have.
    columns: &'static [&'static str],
    time: &'static str,
    /// A column of seconds that is taken off the time.
    duration: Option<&'static str>,
    service: Option<&'static str>,
    unit: Option<Unit>,
    zone: Option<Zone>,
}

const KNOWN: &[Known] = &[
    Known {
        columns: &["TIMESTAMP", "ContextTokens", "GeneratedTokens"],
        time: "TIMESTAMP",
        duration: None,
        service: None,
        unit: None,
        zone: Some(Zone::UTC),
    },
    Known {
        columns: &["timestamp_ms", "input_length", "output_length"],
        time: "timestamp_ms",
        duration: None,
        service: None,
        unit: Some(Unit::Milliseconds),
        zone: None,
    },
    Known {
        columns: &["app", "func", "end_timestamp", "duration"],
        time: "end_timestamp",
        duration: Some("duration"),
        service: Some("func"),
        unit: Some(Unit::Seconds),
        zone: None,
    },
    Known {
        columns: &["func_name", "invoke_time_ms"],
        time: "invoke_time_ms",
        duration: None,
        service: Some("func_name"),
        unit: Some(Unit::Milliseconds),
        zone: None,
    },
];

fn known(columns: &[String]) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.columns.iter().all(|name| columns.iter().any(|column| column == name)))
}

fn open(file: CsvFile, reading: Reading<'_>) -> Opened {
    let import = &reading.options.import;
    let known = known(&file.columns).filter(|known| import.time_from.as_deref().is_none_or(|time| time == known.time));
    let Some(time) = import.time_from.as_deref().or(known.map(|known| known.time)) else {
        let what = "which column holds the times";
        let fault = ImportFault::Needed { format: PAGE.name, what, option: "time_from: COLUMN" };
        return Err(file.error("", fault.into()));
    };
    let service = match import.service_from.as_deref() {
        Some(ALL) => None,
        found => found.or(known.and_then(|known| known.service)),
    };
    let unit = known.map_or_else(|| Unit::of_column(time), |known| known.unit);
    let zone = import.timezone.or(known.and_then(|known| known.zone));
    let requests = Requests {
        time: column(&file, time, "time_from")?,
        duration: known.and_then(|known| known.duration).map(|name| column(&file, name, "time_from")).transpose()?,
        service: service.map(|name| column(&file, name, "service_from")).transpose()?,
        clock: Clock::new(unit, zone),
        series: reading.series,
        file,
    };
    let counting = Counting {
        step: import.step.unwrap_or(STEP).0,
        window: import.out_of_order.unwrap_or(WINDOW).0,
        scale: reading.options.scale,
    };
    Ok(Box::new(Counts::new(requests, counting)))
}

fn column(file: &CsvFile, name: &str, option: &'static str) -> Result<usize, TraceError> {
    let place = file.columns.iter().position(|column| column == name);
    place.ok_or_else(|| {
        let found = listed(file.columns.iter().map(String::as_str));
        file.error("", ImportFault::NoColumn { column: name.to_owned(), found, option }.into())
    })
}

struct Requests {
    file: CsvFile,
    time: usize,
    duration: Option<usize>,
    service: Option<usize>,
    clock: Clock,
    series: Series,
}

impl Requests {
    fn at(&mut self) -> Result<u64, TraceError> {
        let read = self.clock.read(self.file.field(self.time));
        let at = read.map_err(|fault| self.file.error(&self.file.columns[self.time], fault))?;
        let Some(column) = self.duration else { return Ok(at) };
        let text = self.file.field(column);
        let began = decimal::nanos(text).and_then(|nanos| at.checked_sub(nanos).ok_or("it is longer than its end"));
        began.map_err(|why| {
            let fault = ImportFault::NotATime { text: shown(text), why };
            self.file.error(&self.file.columns[column], fault.into())
        })
    }
}

impl Events for Requests {
    fn next(&mut self) -> Result<Option<Event>, TraceError> {
        if !self.file.read()? {
            return Ok(None);
        }
        let at = self.at()?;
        let service = match self.service {
            Some(column) => self.series.service(self.file.field(column)),
            None => self.series.service(ALL.as_bytes()),
        };
        let name = || self.service.map_or("", |column| self.file.columns[column].as_str());
        let service = service.map_err(|fault: Fault| self.file.error(name(), fault))?;
        Ok(Some(Event { at, service }))
    }

    fn series(&self) -> &Series {
        &self.series
    }

    fn spot(&self) -> Spot {
        self.file.spot()
    }

    fn place(&self, spot: Spot) -> Place {
        self.file.place(spot)
    }

    fn path(&self, _spot: Spot) -> &Path {
        self.file.path()
    }

    fn notes(&self) -> Vec<String> {
        self.clock.note().into_iter().collect()
    }
}
