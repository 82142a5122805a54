//! Rates that end by themselves: none holds longer than it is told to.
//!
//! Without this, a service whose series ends early, or a row that is missing, keeps its last rate, and the replay has more
//! requests than were recorded. Where a trace is known to have a row for every step that has requests, a rate is told to
//! hold for one step, and the totals are the recorded ones.

use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Rate, Span, Time};

/// A source whose rates end.
pub struct Hold<S> {
    source: S,
    longest: Option<Span>,
    /// The next row of the source, and whether there is one.
    ahead: RateRow,
    state: State,
    /// When the rate of each service ends; [`NEVER`] where it is zero.
    due: Vec<Time>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    Ahead,
    Ended,
}

const NEVER: Time = Time::MAX;

impl<S: RateSource> Hold<S> {
    /// Lets each rate of `source` hold for at most `hold`, or for as long as it likes.
    pub fn new(source: S, hold: Option<Span>) -> Self {
        Self { source, longest: hold, ahead: RateRow::default(), state: State::Begin, due: Vec::new() }
    }

    /// What it reads from.
    pub fn source(&self) -> &S {
        &self.source
    }

    fn fetch(&mut self) -> Result<(), WorkloadError> {
        self.state = if self.source.next_row(&mut self.ahead)? { State::Ahead } else { State::Ended };
        Ok(())
    }

    /// Adds a zero for each service whose rate ends until `at` and that `row` does not name.
    fn end_rates(&mut self, at: Time, row: &mut RateRow) {
        for (index, due) in self.due.iter_mut().enumerate().filter(|(_, due)| **due <= at) {
            row.rates.push((ServiceId::from_index(index), Rate::ZERO));
            *due = NEVER;
        }
    }

    /// Hands out the row ahead.
    fn pass(&mut self, row: &mut RateRow, hold: Span) {
        row.at = self.ahead.at;
        std::mem::swap(&mut row.rates, &mut self.ahead.rates);
        for (service, rate) in &row.rates {
            if self.due.len() <= service.index() {
                self.due.resize(service.index() + 1, NEVER);
            }
            self.due[service.index()] = if *rate == Rate::ZERO { NEVER } else { row.at + hold };
        }
        self.end_rates(row.at, row);
        self.state = State::Begin;
    }
}

impl<S: RateSource> RateSource for Hold<S> {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        let Some(hold) = self.longest else { return self.source.next_row(row) };
        if self.state == State::Begin {
            self.fetch()?;
        }
        let until = if self.state == State::Ahead { self.ahead.at } else { self.source.end() };
        let due = self.due.iter().copied().min().unwrap_or(NEVER);
        if due < until {
            row.at = due;
            row.rates.clear();
            self.end_rates(due, row);
            return Ok(true);
        }
        if self.state == State::Ahead {
            self.pass(row, hold);
            return Ok(true);
        }
        Ok(false)
    }

    fn end(&self) -> Time {
        self.source.end()
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        let (source, ahead, due) = (self.source.fork()?, self.ahead.clone(), self.due.clone());
        Ok(Box::new(Hold { source, longest: self.longest, ahead, state: self.state, due }))
    }
}
