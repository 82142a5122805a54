//! A trace file as a stream of rates: its own clock turned into the run's, its order checked, its gaps counted.
//!
//! The first row is at 0, because real traces begin at some day of some year; where they began is a note. A rate holds until
//! the next row that names the service, and the last row for as long as the one before it. So a gap keeps the rate that was
//! there: unknown is not zero. It is counted, so that whoever reads the result knows.

use super::error::{Fault, TraceError, seconds};
use super::format;
use super::gaps::Gaps;
use super::import_fault::ImportFault;
use super::rows::{RawRow, Rows};
use super::series::{Series, ServiceNames};
use super::{TIME, TraceOptions};
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Span, Time};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What it takes to open the file again.
struct Source {
    path: PathBuf,
    services: ServiceNames,
    options: TraceOptions,
}

impl Source {
    fn rows(&self) -> Result<Box<dyn Rows>, TraceError> {
        let series = Series::new(self.services.clone(), self.options.selection.clone());
        format::open(&self.path, series, &self.options)
    }
}

/// The rows of one file from time 0 on.
pub struct Reader {
    source: Arc<Source>,
    rows: Box<dyn Rows>,
    row: RawRow,
    /// Whether `row` was read and not yet handed out.
    ahead: bool,
    /// Rows that were read from the file.
    count: u64,
    start: u64,
    previous: Option<u64>,
    step: Option<Span>,
    gaps: Gaps,
    end: Time,
}

impl Reader {
    /// Opens a file and reads its first row.
    ///
    /// # Errors
    /// Where that cannot be done, or there is none.
    pub fn open(path: &Path, services: &ServiceNames, options: &TraceOptions) -> Result<Self, TraceError> {
        let source = Source { path: path.to_owned(), services: services.clone(), options: options.clone() };
        let mut rows = source.rows()?;
        let mut row = RawRow::default();
        if !rows.next(&mut row)? {
            return Err(TraceError::whole(path, Fault::NoRows));
        }
        let gaps = Gaps::new(services.count());
        let start = options.import.epoch.unwrap_or(row.at);
        if row.at < start {
            let (begin, epoch) = (seconds(row.at), seconds(start));
            return Err(TraceError::whole(path, ImportFault::BeforeEpoch { begin, epoch }.into()));
        }
        let source = Arc::new(source);
        Ok(Self { source, rows, row, ahead: true, count: 1, start, previous: None, step: None, gaps, end: Time::ZERO })
    }

    /// When the trace begins by its own clock, in nanoseconds: its time 0 here.
    pub const fn begin(&self) -> u64 {
        self.start
    }

    /// What is unusual about the trace, as far as it was read.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.start > 0 {
            notes.push(format!("begins at {} s of its own clock, which is 0 s here", seconds(self.start)));
        }
        notes.extend(self.rows.notes());
        if !self.rows.is_complete() {
            notes.extend(self.gaps.notes(|service| self.source.services.name(service)));
        }
        notes
    }

    /// Checks the order of a row, and takes its step and its gaps.
    fn accept(&mut self) -> Result<(), TraceError> {
        let at = self.row.at;
        if let Some(previous) = self.previous {
            let step = at.checked_sub(previous).filter(|step| *step > 0).ok_or_else(|| self.unsorted(previous))?;
            self.step = Some(Span(step));
        }
        self.previous = Some(at);
        self.gaps.count(Time(at - self.start), self.step, &self.row.rates);
        Ok(())
    }

    fn unsorted(&self, previous: u64) -> TraceError {
        let at = seconds(self.row.at);
        let fault = if self.row.at == previous {
            Fault::RepeatedTime(at)
        } else {
            Fault::Unsorted { at, previous: seconds(previous) }
        };
        let path = self.rows.path().unwrap_or(&self.source.path);
        TraceError::at(path, self.rows.place(self.row.spot), TIME, fault)
    }

    fn finish(&mut self) -> Result<(), TraceError> {
        let previous = self.previous.unwrap_or(self.start);
        let stated = self.rows.end().and_then(|end| end.checked_sub(previous)).map(Span);
        let last = self.source.options.last.or(stated).or(self.step);
        let last = last
            .ok_or_else(|| TraceError::at(&self.source.path, self.rows.place(self.row.spot), "", Fault::SingleRow))?;
        self.end = Time(previous - self.start) + last;
        self.gaps.close();
        Ok(())
    }

    fn read(&mut self, row: &mut RateRow) -> Result<bool, TraceError> {
        loop {
            if !std::mem::take(&mut self.ahead) {
                if !self.rows.next(&mut self.row)? {
                    self.finish()?;
                    return Ok(false);
                }
                self.count += 1;
            }
            self.accept()?;
            if !self.row.rates.is_empty() || self.source.options.empty_rows {
                row.at = Time(self.row.at - self.start);
                std::mem::swap(&mut row.rates, &mut self.row.rates);
                return Ok(true);
            }
        }
    }

    fn again(&self) -> Result<Self, TraceError> {
        let mut rows = self.source.rows()?;
        rows.skip(self.count)?;
        let (source, row, gaps) = (Arc::clone(&self.source), self.row.clone(), self.gaps.clone());
        Ok(Self { source, rows, row, gaps, ..*self })
    }
}

impl RateSource for Reader {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        Ok(self.read(row)?)
    }

    fn end(&self) -> Time {
        self.end
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        Ok(Box::new(self.again()?))
    }
}
