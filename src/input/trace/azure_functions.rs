//! Azure Functions 2019: a row a function, a column for each minute of one day, a file a day.
//!
//! The file is by function and a trace is by time, so the counts of one day are held: four bytes for each of them that is
//! to be read, where the text has at least two, whatever their number. The day is in the file's name
//! (`invocations_per_function_md.anon.d01.csv`), so files that continue each other are on one clock, and 0 is the begin of
//! day 1. Functions that are not called on a day are not in its file.

use super::csv_file::CsvFile;
use super::error::{Place, TraceError, shown};
use super::format::{CSV, Format, Opened, Reading, Reads};
use super::import_fault::ImportFault;
use super::rows::{ALL, RawRow, Rows, Spot};
use super::series::Series;
use super::tally::Tally;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::model::ServiceId;
use crate::units::{Ratio, Span};
use std::collections::BTreeMap;
use std::path::Path;

/// Registers this format in [`FORMATS`](super::format::FORMATS).
pub const FORMAT: Format = Format { page: &PAGE, takes: &["service_from"], reads: Reads::Csv { fits, open } };

/// The page of this format.
pub const PAGE: FormatPage = FormatPage {
    name: "azure-functions-2019",
    kind: Kind::Rates,
    what: "Invocations per minute of the Azure Functions trace of 2019, a file a day; days are joined by `then`.",
    extensions: CSV,
    columns: &[
        Column {
            name: "HashOwner",
            unit: "text",
            meaning: "the series with `service_from: owner`, its functions added up",
        },
        Column {
            name: "HashApp",
            unit: "text",
            meaning: "the series with `service_from: app`, its functions added up",
        },
        Column { name: "HashFunction", unit: "text", meaning: "the series, where `service_from` says nothing else" },
        Column {
            name: "Trigger",
            unit: "text",
            meaning: "the series with `service_from: trigger`: http, queue, timer ...",
        },
        Column {
            name: "1 ... 1440",
            unit: "invocations",
            meaning: "invocations in that minute of the day; a zero is none",
        },
    ],
    example: "HashOwner,HashApp,HashFunction,Trigger,1,2,3\nab12,cd34,ef56,http,0,4,1\n",
    writable: false,
};

const NAMES: [&str; 4] = ["HashOwner", "HashApp", "HashFunction", "Trigger"];
const PARTS: [&str; 4] = ["owner", "app", "function", "trigger"];
const MINUTE: Span = Span::seconds(60);
/// No day has more.
const MINUTES_MAX: usize = 1_440;

fn fits(columns: &[String]) -> bool {
    let minutes = columns.get(NAMES.len()..).unwrap_or_default();
    let counted = minutes.iter().enumerate().all(|(index, name)| *name == (index + 1).to_string());
    columns.iter().zip(NAMES).all(|(column, name)| column == name) && counted && !minutes.is_empty()
}

fn open(mut file: CsvFile, mut reading: Reading<'_>) -> Opened {
    if !fits(&file.columns) || file.columns.len() - NAMES.len() > MINUTES_MAX {
        let expected = "its columns are HashOwner,HashApp,HashFunction,Trigger,1,2 ... 1440".to_owned();
        let fault = ImportFault::OtherHeader { format: PAGE.name, expected };
        return Err(file.error("", fault.into()));
    }
    let column = match reading.options.import.service_from.as_deref() {
        None => Some(2),
        Some(ALL) => None,
        Some(found) => Some(PARTS.iter().position(|part| *part == found).ok_or_else(|| {
            let known = "`function`, `app`, `owner`, `trigger` or `all`".to_owned();
            file.error("", ImportFault::ServiceFrom { found: found.to_owned(), known }.into())
        })?),
    };
    let minutes = file.columns.len() - NAMES.len();
    let mut counts: BTreeMap<ServiceId, Box<[u32]>> = BTreeMap::new();
    while file.read()? {
        if let Some(service) = service(&file, column, &mut reading.series)? {
            let counts = counts.entry(service).or_insert_with(|| vec![0; minutes].into());
            add(&file, counts)?;
        }
    }
    reading.series.check_all_met().map_err(|fault| file.error_at(Place::Whole, "", fault))?;
    let day = day(reading.path);
    let scale = reading.options.scale;
    Ok(Box::new(Minutes {
        counts,
        count: minutes,
        day,
        next: 0,
        tally: Tally::default(),
        scale,
        path: reading.path.into(),
    }))
}

fn service(file: &CsvFile, column: Option<usize>, series: &mut Series) -> Result<Option<ServiceId>, TraceError> {
    let name = column.map_or(ALL.as_bytes(), |column| file.field(column));
    series.service(name).map_err(|fault| file.error(column.map_or("", |column| NAMES[column]), fault))
}

/// Adds the counts of the present record.
fn add(file: &CsvFile, counts: &mut [u32]) -> Result<(), TraceError> {
    for (minute, count) in counts.iter_mut().enumerate() {
        let text = file.field(minute + NAMES.len());
        let sum = number(text).ok_or("it is not a number of invocations").and_then(|number| {
            count.checked_add(number).ok_or("with those of other functions it is more than 4294967295")
        });
        *count = sum.map_err(|why| {
            let fault = ImportFault::NotACount { text: shown(text), why };
            file.error(&file.columns[minute + NAMES.len()], fault.into())
        })?;
    }
    Ok(())
}

fn number(text: &[u8]) -> Option<u32> {
    let digit = |number: u32, byte: &u8| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    };
    text.iter().try_fold(0, digit).filter(|_| !text.is_empty())
}

/// The day that a file's name states by `.d01.`, from 0.
fn day(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let number = name.split('.').find_map(|part| part.strip_prefix('d').and_then(|day| day.parse::<u16>().ok()))?;
    u64::from(number).checked_sub(1)
}

struct Minutes {
    counts: BTreeMap<ServiceId, Box<[u32]>>,
    count: usize,
    /// From 0; `None` where the file does not say.
    day: Option<u64>,
    next: usize,
    tally: Tally,
    scale: Ratio,
    path: Box<Path>,
}

impl Minutes {
    fn at(&self, minute: usize) -> u64 {
        (self.day.unwrap_or(0) * MINUTES_MAX as u64 + minute as u64) * MINUTE.0
    }
}

impl Rows for Minutes {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        row.rates.clear();
        if self.next == self.count {
            return Ok(false);
        }
        let minute = self.next;
        self.next += 1;
        (row.at, row.spot) = (self.at(minute), Spot(minute as u64));
        let of_minute = self.counts.iter().map(|(service, counts)| (*service, counts[minute]));
        let amounts: Vec<_> = of_minute
            .filter(|(_, count)| *count > 0)
            .map(|(service, count)| (service, u64::from(count).saturating_mul(self.scale.0)))
            .collect();
        let done = self.tally.span(&amounts, MINUTE.0, &mut row.rates);
        done.map_err(|why| TraceError::whole(&self.path, ImportFault::TooMuch(why).into()))?;
        Ok(true)
    }

    fn place(&self, _spot: Spot) -> Place {
        Place::Whole
    }

    fn end(&self) -> Option<u64> {
        Some(self.at(self.count))
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn notes(&self) -> Vec<String> {
        match self.day {
            Some(_) => Vec::new(),
            None => vec!["its name states no day like `.d01.`, so it is day 1".to_owned()],
        }
    }
}
