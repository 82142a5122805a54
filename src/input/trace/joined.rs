//! Several tables as one trace, each continuing the one before on the same clock: a file a day, for example.
//!
//! Where files hold each request, two of them may share a step (both have some of its requests), and are added up there;
//! all others must begin after the end of the file before. A series may be missing from a file, but not from all.

use super::TraceOptions;
use super::error::{Fault, Place, TraceError, listed, seconds};
use super::format;
use super::import_fault::ImportFault;
use super::rows::{RawRow, Rows, SERVICE, Spot};
use super::series::{Selection, Series};
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::units::Rate;
use std::path::{Path, PathBuf};

/// The rows of several files.
pub struct Joined {
    paths: Vec<PathBuf>,
    series: Series,
    options: TraceOptions,
    /// The number of the present file, and its rows.
    index: usize,
    rows: Box<dyn Rows>,
    /// The last row so far: the first one of the next file may still be added to it.
    held: Option<RawRow>,
    /// A row before it that ends what the file before left.
    ready: Option<RawRow>,
    /// From one row to the next, as it was last.
    step: Option<u64>,
    /// Services that were ever named, and those whose rate is not zero.
    named: Vec<bool>,
    active: Vec<ServiceId>,
    /// Services that end with the file before unless this one names them, and when.
    leaving: (Vec<ServiceId>, u64),
    notes: Vec<String>,
}

impl Joined {
    /// Opens the first of these files; the others follow.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(paths: Vec<PathBuf>, series: Series, options: &TraceOptions) -> Result<Self, TraceError> {
        let rows = format::open_part(&paths[0], series.clone(), options)?;
        Ok(Self {
            paths,
            series,
            options: options.clone(),
            index: 0,
            rows,
            held: None,
            ready: None,
            step: None,
            named: Vec::new(),
            active: Vec::new(),
            leaving: (Vec::new(), 0),
            notes: Vec::new(),
        })
    }

    /// Reads the row after the held one; `None` at the end of the last file.
    fn read(&mut self) -> Result<Option<RawRow>, TraceError> {
        let mut row = RawRow::default();
        while !self.rows.next(&mut row)? {
            if self.index + 1 == self.paths.len() {
                return Ok(None);
            }
            self.leave();
            self.index += 1;
            self.rows = format::open_part(&self.paths[self.index], self.series.clone(), &self.options)?;
        }
        Ok(Some(row))
    }

    /// The end of a file: who has a rate there leaves, unless the next file goes on with it.
    fn leave(&mut self) {
        let fresh: Vec<String> = self.rows.notes().into_iter().filter(|note| !self.notes.contains(note)).collect();
        self.notes.extend(fresh);
        let Some(held) = self.held.take() else { return };
        self.follow(&held);
        if self.rows.is_complete() {
            let end = self.rows.end().or(self.step.map(|step| held.at + step)).unwrap_or(held.at);
            self.leaving = (self.active.clone(), end);
        }
        self.held = Some(held);
    }

    /// Puts `next` behind the held row, or adds it to that; the row that is ready then.
    fn push(&mut self, held: RawRow, mut next: RawRow) -> Result<Option<RawRow>, TraceError> {
        let complete = self.rows.is_complete();
        if next.at < held.at || (next.at == held.at && !complete) {
            let (at, previous) = (seconds(next.at), seconds(held.at));
            let place = self.rows.place(next.spot);
            let fault = ImportFault::NotAfter { at, previous };
            return Err(TraceError::at(&self.paths[self.index], place, "", fault.into()));
        }
        if next.at == held.at {
            self.held = Some(added(held, &next));
            return Ok(None);
        }
        self.step = Some(next.at - held.at);
        let (leaving, end) = std::mem::take(&mut self.leaving);
        let named = |service: &ServiceId| next.rates.iter().any(|(named, _)| named == service);
        if end < next.at {
            let rates: Vec<_> = leaving.into_iter().map(|service| (service, Rate::ZERO)).collect();
            self.ready = (!rates.is_empty()).then_some(RawRow { at: end, spot: next.spot, rates });
        } else {
            let zeros: Vec<_> = leaving.into_iter().filter(|service| !named(service)).collect();
            next.rates.extend(zeros.into_iter().map(|service| (service, Rate::ZERO)));
        }
        self.held = Some(next);
        Ok(Some(held))
    }

    /// Keeps account of who is named and who has a rate.
    fn follow(&mut self, row: &RawRow) {
        for &(service, rate) in &row.rates {
            if self.named.len() <= service.index() {
                self.named.resize(service.index() + 1, false);
            }
            self.named[service.index()] = true;
            self.active.retain(|active| *active != service);
            if rate > Rate::ZERO {
                self.active.push(service);
            }
        }
    }

    /// Checks that every chosen series was in one of the files.
    fn check_all_named(&self) -> Result<(), TraceError> {
        let Selection::Chosen(chosen) = &self.options.selection else { return Ok(()) };
        let is_named = |service: &str| {
            let id = self.series.services().id(service);
            id.is_some_and(|id| self.named.get(id.index()).copied().unwrap_or_default())
        };
        let Some((name, _)) = chosen.iter().find(|(_, service)| !is_named(service)) else { return Ok(()) };
        let found: Vec<&str> =
            chosen.iter().filter(|(_, service)| is_named(service)).map(|(name, _)| name.as_str()).collect();
        let fault = Fault::UnknownSeries { name: name.clone(), found: listed(found.into_iter()) };
        Err(TraceError::at(&self.paths[0], Place::Whole, SERVICE, fault))
    }
}

/// Two rows of one time as one, the rates of a service added up.
fn added(mut row: RawRow, other: &RawRow) -> RawRow {
    for &(service, rate) in &other.rates {
        match row.rates.iter_mut().find(|(named, _)| *named == service) {
            Some((_, sum)) => *sum = Rate(sum.0.saturating_add(rate.0)),
            None => row.rates.push((service, rate)),
        }
    }
    row
}

impl Rows for Joined {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        if let Some(ready) = self.ready.take() {
            *row = ready;
            self.follow(row);
            return Ok(true);
        }
        loop {
            let next = self.read()?;
            let ready = match (self.held.take(), next) {
                (None, None) => return Ok(false),
                (None, Some(next)) => {
                    self.held = Some(next);
                    None
                }
                (Some(held), Some(next)) => self.push(held, next)?,
                (Some(held), None) => {
                    self.follow(&held);
                    self.check_all_named()?;
                    *row = held;
                    return Ok(true);
                }
            };
            if let Some(ready) = ready {
                *row = ready;
                self.follow(row);
                return Ok(true);
            }
        }
    }

    fn place(&self, spot: Spot) -> Place {
        self.rows.place(spot)
    }

    fn path(&self) -> Option<&Path> {
        self.paths.get(self.index).map(PathBuf::as_path)
    }

    fn end(&self) -> Option<u64> {
        self.rows.end()
    }

    fn is_complete(&self) -> bool {
        self.rows.is_complete()
    }

    fn notes(&self) -> Vec<String> {
        let fresh = self.rows.notes().into_iter().filter(|note| !self.notes.contains(note));
        self.notes.iter().cloned().chain(fresh).collect()
    }
}
