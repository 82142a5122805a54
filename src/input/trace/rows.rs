//! What a format makes of a file: rows in the file's own clock, and the two shapes that rows come in.

use super::error::{Fault, Place, TraceError, listed, seconds};
use super::series::Series;
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::units::Rate;
use std::path::Path;

/// The column of times.
pub const TIME: &str = "timestamp_s";
/// The column of names in a long trace.
pub const SERVICE: &str = "service";
/// The column of rates in a long trace.
pub const RATE: &str = "requests_per_s";

/// The name of the only series of a file that names none.
pub const ALL: &str = "all";

/// Where a format finds a row again: a row number or an offset in bytes. Lines are counted when one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spot(pub u64);

/// All rates that a trace states for one time.
#[derive(Debug, Clone, Default)]
pub struct RawRow {
    /// Nanoseconds of the file's own clock.
    pub at: u64,
    /// Where it stands.
    pub spot: Spot,
    /// The rates that are known; a service that is not named keeps its rate.
    pub rates: Vec<(ServiceId, Rate)>,
}

/// The rows of a file, one after the other.
pub trait Rows: Send {
    /// Overwrites `row` with the next one; `false` at the end, and ever after.
    ///
    /// # Errors
    /// What is wrong with the file there.
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError>;

    /// A spot as people find it.
    fn place(&self, spot: Spot) -> Place;

    /// Whether all series of the file are known before its first row is read.
    fn knows_all_series(&self) -> bool {
        false
    }

    /// Takes rows in any order of time from now on: who calls this sorts them.
    fn take_any_order(&mut self) {}

    /// The file that is read, where it is not the first one of the trace.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// When the last row's rates end, on the file's own clock, once the end was reached; `None` where that is not known.
    fn end(&self) -> Option<u64> {
        None
    }

    /// Whether what no row states is known to be nothing, because the file holds each request.
    fn is_complete(&self) -> bool {
        false
    }

    /// What was recognised and is not written in the file, as far as it was read.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Passes over `count` rows that were read before.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    fn skip(&mut self, count: u64) -> Result<(), TraceError> {
        let mut row = RawRow::default();
        for _ in 0..count {
            self.next(&mut row)?;
        }
        Ok(())
    }
}

/// One line of a long trace.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Nanoseconds of the file's own clock.
    pub at: u64,
    /// Whose rate; `None` where the series is not to be read.
    pub service: Option<ServiceId>,
    /// The rate; `None` where it is unknown.
    pub rate: Option<Rate>,
    /// Where it stands.
    pub spot: Spot,
}

/// The lines of a long trace.
pub trait Entries: Send {
    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with the file there.
    fn next(&mut self) -> Result<Option<Entry>, TraceError>;

    /// The series that were met so far.
    fn series(&self) -> &Series;

    /// A spot as people find it.
    fn place(&self, spot: Spot) -> Place;

    /// A mistake at a place.
    fn error(&self, place: Place, field: &str, fault: Fault) -> TraceError;
}

/// A long trace as rows: the lines of one time together.
pub struct Long<E> {
    entries: E,
    /// The first line of the next row.
    ahead: Option<Entry>,
    ended: bool,
    any_order: bool,
    /// Rows so far, and for each service the last row that named it, counted from 1.
    count: u64,
    named: Vec<u64>,
}

impl<E: Entries> Long<E> {
    /// Groups these lines.
    pub fn new(entries: E) -> Self {
        Self { entries, ahead: None, ended: false, any_order: false, count: 0, named: Vec::new() }
    }

    fn add(&mut self, entry: Entry, row: &mut RawRow) -> Result<(), TraceError> {
        let Some(service) = entry.service else { return Ok(()) };
        if self.named.len() <= service.index() {
            self.named.resize(service.index() + 1, 0);
        }
        if self.named[service.index()] == self.count {
            let service = self.entries.series().name(service).to_owned();
            let fault = Fault::Duplicate { service, at: seconds(entry.at) };
            return Err(self.entries.error(self.entries.place(entry.spot), "", fault));
        }
        self.named[service.index()] = self.count;
        row.rates.extend(entry.rate.map(|rate| (service, rate)));
        Ok(())
    }

    fn fetch(&mut self) -> Result<Option<Entry>, TraceError> {
        let entry = if self.ended { None } else { self.entries.next()? };
        if entry.is_none() && !self.ended {
            self.ended = true;
            self.entries.series().check_all_met().map_err(|fault| self.entries.error(Place::Whole, SERVICE, fault))?;
        }
        Ok(entry)
    }
}

impl<E: Entries> Rows for Long<E> {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        row.rates.clear();
        let first = match self.ahead.take() {
            Some(entry) => Some(entry),
            None => self.fetch()?,
        };
        let Some(first) = first else { return Ok(false) };
        (row.at, row.spot) = (first.at, first.spot);
        self.count += 1;
        self.add(first, row)?;
        while let Some(entry) = self.fetch()? {
            if entry.at > row.at || (self.any_order && entry.at != row.at) {
                self.ahead = Some(entry);
                break;
            }
            if entry.at < row.at {
                let fault = Fault::Unsorted { at: seconds(entry.at), previous: seconds(row.at) };
                return Err(self.entries.error(self.entries.place(entry.spot), TIME, fault));
            }
            self.add(entry, row)?;
        }
        Ok(true)
    }

    fn place(&self, spot: Spot) -> Place {
        self.entries.place(spot)
    }

    fn take_any_order(&mut self) {
        self.any_order = true;
    }
}

/// The columns of a long trace: time, service, rate.
///
/// # Errors
/// The column that is missing, or one too many.
pub fn long_columns(columns: &[String]) -> Result<[usize; 3], (String, Fault)> {
    let found = |column: &'static str| {
        let missing =
            || (String::new(), Fault::MissingColumn { column, found: listed(columns.iter().map(String::as_str)) });
        columns.iter().position(|name| name == column).ok_or_else(missing)
    };
    let places = [found(TIME)?, found(SERVICE)?, found(RATE)?];
    match (0..columns.len()).find(|column| !places.contains(column)) {
        Some(extra) => Err((columns[extra].clone(), Fault::ExtraColumn)),
        None => Ok(places),
    }
}

/// Whether the columns are those of a long trace, or want to be.
pub fn is_long(columns: &[String]) -> bool {
    columns.iter().any(|name| name == SERVICE || name == RATE)
}

/// The columns of a wide trace: the time's, and that of each service that is to be read.
#[derive(Debug, Clone)]
pub struct WideColumns {
    /// The column of times.
    pub time: usize,
    /// The columns that are read, in order, with their services.
    pub services: Vec<(usize, ServiceId)>,
}

/// Finds the columns of a wide trace.
///
/// # Errors
/// The column that is missing, or that nobody defines.
pub fn wide_columns(columns: &[String], series: &mut Series) -> Result<WideColumns, (String, Fault)> {
    let missing = || Fault::MissingColumn { column: TIME, found: listed(columns.iter().map(String::as_str)) };
    let time = columns.iter().position(|name| name == TIME).ok_or_else(|| (String::new(), missing()))?;
    if columns.len() == 1 {
        let found = listed(columns.iter().map(String::as_str));
        return Err((String::new(), Fault::MissingColumn { column: "<service>", found }));
    }
    let mut services = Vec::new();
    for (column, name) in columns.iter().enumerate().filter(|(column, _)| *column != time) {
        let service = series.service(name.as_bytes()).map_err(|fault| (name.clone(), fault))?;
        services.extend(service.map(|service| (column, service)));
    }
    series.check_all_met().map_err(|fault| (String::new(), fault))?;
    Ok(WideColumns { time, services })
}
