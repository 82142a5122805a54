//! Requests, one after the other, counted into rows of one step each.
//!
//! Steps begin at multiples of their length on the file's own clock, so a step of a minute is a minute of UTC. Requests
//! may come out of order by as much as is allowed: logs are written when a request ends and show when it began. A row is
//! handed out when nothing can be added to it any more, so only the steps that are still open are held. No request in a
//! step means a rate of zero, not a gap: whoever wrote the log wrote all requests.

use super::error::{Fault, Place, TraceError, seconds};
use super::import_fault::ImportFault;
use super::rows::{RawRow, Rows, Spot};
use super::series::Series;
use super::tally::Tally;
use crate::model::ServiceId;
use crate::units::{NANOS_PER_SECOND, Ratio};
use std::collections::BTreeMap;
use std::path::Path;

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    /// Nanoseconds of the file's own clock.
    pub at: u64,
    /// Whose request; `None` where the series is not to be read.
    pub service: Option<ServiceId>,
}

/// The requests of a trace.
pub trait Events: Send {
    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with the file there.
    fn next(&mut self) -> Result<Option<Event>, TraceError>;

    /// The series that were met so far.
    fn series(&self) -> &Series;

    /// Where the last one stands.
    fn spot(&self) -> Spot;

    /// A spot as people find it.
    fn place(&self, spot: Spot) -> Place;

    /// The file of a spot.
    fn path(&self, spot: Spot) -> &Path;

    /// What was recognised, and what was left out.
    fn notes(&self) -> Vec<String>;
}

/// How requests are counted.
#[derive(Debug, Clone, Copy)]
pub struct Counting {
    /// The step, in nanoseconds.
    pub step: u64,
    /// How far behind the latest time a request may stand, in nanoseconds.
    pub window: u64,
    /// What counts are multiplied by.
    pub scale: Ratio,
}

/// A step that is still open: requests of each service, sorted.
type Open = Vec<(ServiceId, u64)>;

/// Requests as rows.
pub struct Counts<E> {
    events: E,
    counting: Counting,
    /// Open steps by their number; the one that was counted into last stands aside.
    open: BTreeMap<u64, Open>,
    present: Option<(u64, Open)>,
    /// The latest time so far.
    latest: u64,
    /// The number of the step that is handed out next.
    next: u64,
    begun: bool,
    ended: bool,
    tally: Tally,
    /// Requests so far, and those of series that are not read.
    count: u64,
    left_out: u64,
    spot: Spot,
}

impl<E: Events> Counts<E> {
    /// Counts these requests.
    pub fn new(events: E, counting: Counting) -> Self {
        Self {
            events,
            counting,
            open: BTreeMap::new(),
            present: None,
            latest: 0,
            next: 0,
            begun: false,
            ended: false,
            tally: Tally::default(),
            count: 0,
            left_out: 0,
            spot: Spot::default(),
        }
    }

    fn error(&self, fault: Fault) -> TraceError {
        TraceError::at(self.events.path(self.spot), self.events.place(self.spot), "", fault)
    }

    fn add(&mut self, event: Event) -> Result<(), TraceError> {
        self.count += 1;
        if event.at > self.latest {
            self.latest = event.at;
        } else if self.latest - event.at > self.counting.window {
            return Err(self.too_late(event.at));
        }
        let step = event.at / self.counting.step;
        let present = match &mut self.present {
            Some((number, present)) if *number == step => present,
            _ => self.turn_to(step),
        };
        let Some(service) = event.service else {
            self.left_out += 1;
            return Ok(());
        };
        match present.binary_search_by_key(&service, |(service, _)| *service) {
            Ok(index) => present[index].1 += 1,
            Err(index) => present.insert(index, (service, 1)),
        }
        Ok(())
    }

    fn turn_to(&mut self, step: u64) -> &mut Open {
        let open = self.open.remove(&step).unwrap_or_default();
        if let Some((before, counted)) = self.present.replace((step, open)) {
            self.open.insert(before, counted);
        }
        &mut self.present.as_mut().expect("it was just put there").1
    }

    fn too_late(&mut self, at: u64) -> TraceError {
        self.spot = self.events.spot();
        let (behind, allowed) = (seconds(self.latest - at), seconds(self.counting.window));
        self.error(ImportFault::TooLate { at: seconds(at), behind, allowed }.into())
    }

    /// The first step with requests that are not handed out yet.
    fn first_open(&self) -> Option<u64> {
        let present = self.present.as_ref().map(|(number, _)| *number);
        self.open.keys().next().copied().into_iter().chain(present).min()
    }

    /// The number of the next row, and the time from which on nothing can be added to it.
    fn due(&self) -> Option<(u64, u64)> {
        let first = self.first_open()?;
        // Steps without requests are skipped, once the services before them are at zero.
        let number = if self.begun && self.tally.is_active() { self.next } else { first };
        let Counting { step, window, .. } = self.counting;
        Some((number, (number + 1).saturating_mul(step).saturating_add(window)))
    }

    fn hand_out(&mut self, number: u64, row: &mut RawRow) -> Result<(), TraceError> {
        let counted = match self.present.take() {
            Some((present, counted)) if present == number => counted,
            present => {
                self.present = present;
                self.open.remove(&number).unwrap_or_default()
            }
        };
        let scaled = counted.iter().map(|&(service, count)| Some((service, count.checked_mul(self.counting.scale.0)?)));
        let scaled: Option<Open> = scaled.collect();
        row.at = number * self.counting.step;
        row.spot = self.spot;
        row.rates.clear();
        let counted = scaled.ok_or("the rate of a step is too large");
        let done = counted.and_then(|amounts| self.tally.span(&amounts, self.counting.step, &mut row.rates));
        done.map_err(|why| self.error(ImportFault::TooMuch(why).into()))?;
        (self.begun, self.next) = (true, number + 1);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), TraceError> {
        self.ended = true;
        self.spot = self.events.spot();
        let met = self.events.series().check_all_met();
        met.map_err(|fault| TraceError::whole(self.events.path(self.spot), fault))
    }
}

impl<E: Events> Rows for Counts<E> {
    fn next(&mut self, row: &mut RawRow) -> Result<bool, TraceError> {
        loop {
            let due = self.due();
            match due {
                Some((number, at)) if self.ended || at <= self.latest => {
                    self.hand_out(number, row)?;
                    return Ok(true);
                }
                None if self.ended => return Ok(false),
                _ => {}
            }
            let until = due.map_or(0, |(_, at)| at);
            loop {
                let Some(event) = self.events.next()? else { break self.finish()? };
                self.add(event)?;
                if self.latest >= until {
                    break;
                }
            }
        }
    }

    fn place(&self, spot: Spot) -> Place {
        self.events.place(spot)
    }

    fn end(&self) -> Option<u64> {
        self.begun.then(|| self.next.saturating_mul(self.counting.step))
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.events.notes();
        let step = self.counting.step as f64 / NANOS_PER_SECOND as f64;
        notes.push(format!("its requests are counted in steps of {step} s; a step without requests has none"));
        if self.left_out > 0 {
            notes.push(format!("{} of {} requests are of series that are not read", self.left_out, self.count));
        }
        notes
    }
}
