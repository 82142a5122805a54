//! A file in any order as rows in order: `sort`, which is the way in for such a file and so comes first.
//!
//! Held in memory, 32 bytes a rate, at most [`HELD_MAX`] rates. Two rates of a service at one time are a mistake however
//! far apart they stand; rows of one time become one.

use super::flow::HELD_MAX;
use crate::input::trace::error::{Fault, Place, TraceError, seconds};
use crate::input::trace::rows::{RawRow, Rows, Spot, TIME};
use crate::input::trace::series::{Selection, Series, ServiceNames};
use crate::input::trace::{TraceOptions, format};
use crate::model::ServiceId;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Rate, Span, Time};
use std::path::Path;
use std::sync::Arc;

/// Rates of a file in order of time.
#[derive(Debug, Clone)]
pub struct Sorted {
    rates: Arc<Vec<Entry>>,
    /// Times of rows, each once, in nanoseconds of the file's own clock.
    times: Arc<Vec<u64>>,
    end: Time,
    /// Rates and rows that were handed on.
    next: (usize, usize),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: u64,
    service: ServiceId,
    rate: Rate,
    spot: Spot,
}

impl Sorted {
    /// Reads a file and sorts it.
    ///
    /// # Errors
    /// What is wrong with the file, apart from its order.
    pub fn read(path: &Path, services: &ServiceNames, options: &TraceOptions) -> Result<Self, TraceError> {
        let series = Series::new(services.clone(), Selection::ByName);
        let mut rows = format::open(path, series, options)?;
        rows.take_any_order();
        let (mut row, mut rates, mut times) = (RawRow::default(), Vec::new(), Vec::new());
        while rows.next(&mut row)? {
            times.push(row.at);
            let entry = |&(service, rate): &_| Entry { at: row.at, service, rate, spot: row.spot };
            rates.extend(row.rates.iter().map(entry));
            if rates.len().max(times.len()) > HELD_MAX {
                return Err(TraceError::whole(path, Fault::TooLongToSort(HELD_MAX)));
            }
        }
        rates.sort_by_key(|entry| (entry.at, entry.service));
        times.sort_unstable();
        times.dedup();
        check_once(path, &rates, (services, &*rows))?;
        let end = end(path, &times, options.last)?;
        Ok(Self { rates: Arc::new(rates), times: Arc::new(times), end, next: (0, 0) })
    }

    /// When the trace begins by its own clock, in nanoseconds.
    pub fn begin(&self) -> u64 {
        self.times.first().copied().unwrap_or(0)
    }
}

fn check_once(path: &Path, rates: &[Entry], (services, rows): (&ServiceNames, &dyn Rows)) -> Result<(), TraceError> {
    let twice = |pair: &&[Entry]| (pair[0].at, pair[0].service) == (pair[1].at, pair[1].service);
    let Some(pair) = rates.windows(2).find(twice) else { return Ok(()) };
    let spot = Spot(pair[0].spot.0.max(pair[1].spot.0));
    let fault = Fault::Duplicate { service: services.name(pair[0].service).to_owned(), at: seconds(pair[0].at) };
    Err(TraceError::at(path, rows.place(spot), "", fault))
}

/// When the last row's rates end, from the first row on.
fn end(path: &Path, times: &[u64], last: Option<Span>) -> Result<Time, TraceError> {
    let (Some(first), Some(latest)) = (times.first(), times.last()) else {
        return Err(TraceError::whole(path, Fault::NoRows));
    };
    let step = times.len().checked_sub(2).map(|before| Span(latest - times[before]));
    let last = last.or(step).ok_or_else(|| TraceError::at(path, Place::Whole, TIME, Fault::SingleRow))?;
    Ok(Time(latest - first) + last)
}

impl RateSource for Sorted {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        let Some(&at) = self.times.get(self.next.1) else { return Ok(false) };
        row.at = Time(at - self.begin());
        row.rates.clear();
        while let Some(entry) = self.rates.get(self.next.0).filter(|entry| entry.at == at) {
            row.rates.push((entry.service, entry.rate));
            self.next.0 += 1;
        }
        self.next.1 += 1;
        Ok(true)
    }

    fn end(&self) -> Time {
        self.end
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        Ok(Box::new(self.clone()))
    }
}
