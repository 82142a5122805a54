//! Rows on their way through the edits: finer than a rate, streamed, and forkable.
//!
//! A rate is a whole number of millionths a second; between edits it is one of 10⁻¹² a second ([`Flow`]), so that halving and
//! doubling is nothing lost. It is rounded to a millionth once, at the end ([`Edited`](super::Edited)).

use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Rate, Time};
use std::collections::VecDeque;

/// A rate in 10⁻¹² of a request per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Flow(pub u128);

impl Flow {
    /// In a millionth of a request per second.
    pub const MILLIONTH: u128 = 1_000_000;
    /// None.
    pub const ZERO: Self = Self(0);

    /// To the nearest millionth, half up; `None` where that is more than a rate can be.
    pub fn rate(self) -> Option<Rate> {
        let millionths = self.0.checked_add(Self::MILLIONTH / 2)? / Self::MILLIONTH;
        u64::try_from(millionths).ok().map(Rate)
    }
}

impl From<Rate> for Flow {
    fn from(rate: Rate) -> Self {
        Self(u128::from(rate.0) * Self::MILLIONTH)
    }
}

/// Flows that change at one instant. A service that is not named keeps its flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// When.
    pub at: Time,
    /// The new flows.
    pub flows: Vec<(ServiceId, Flow)>,
}

/// Rows in rising order of time. The first one is at time 0, even if it states nothing: it is where the trace begins.
pub trait Source: Send {
    /// Overwrites `row` with the next one; `false` at the end.
    ///
    /// # Errors
    /// What is wrong with the trace, or with what an edit makes of it.
    fn next(&mut self, row: &mut Row) -> Result<bool, WorkloadError>;

    /// When the last row's flows end; known once the end was reached.
    fn end(&self) -> Time;

    /// A second reader at the same place.
    ///
    /// # Errors
    /// Where the trace cannot be opened again.
    fn fork(&self) -> Result<Box<dyn Source>, WorkloadError>;
}

/// A trace as it lies in its file.
pub struct Unedited<S> {
    source: S,
    row: RateRow,
    begun: bool,
    /// Whether `row` was read and not yet handed on.
    ahead: bool,
}

impl<S: RateSource> Unedited<S> {
    /// The rows of this trace.
    pub fn new(source: S) -> Self {
        Self { source, row: RateRow::default(), begun: false, ahead: false }
    }
}

impl<S: RateSource> Source for Unedited<S> {
    fn next(&mut self, row: &mut Row) -> Result<bool, WorkloadError> {
        row.flows.clear();
        if !std::mem::take(&mut self.ahead) && !self.source.next_row(&mut self.row)? {
            return Ok(false);
        }
        if !std::mem::replace(&mut self.begun, true) && self.row.at > Time::ZERO {
            // Its begin was set before its first row.
            self.ahead = true;
            row.at = Time::ZERO;
            return Ok(true);
        }
        row.at = self.row.at;
        row.flows.extend(self.row.rates.iter().map(|(service, rate)| (*service, Flow::from(*rate))));
        Ok(true)
    }

    fn end(&self) -> Time {
        self.source.end()
    }

    fn fork(&self) -> Result<Box<dyn Source>, WorkloadError> {
        let (source, row) = (self.source.fork()?, self.row.clone());
        Ok(Box::new(Unedited { source, row, begun: self.begun, ahead: self.ahead }))
    }
}

/// Rows that wait to be handed on.
pub type Queue = VecDeque<Row>;

/// An edit that sees one row after the other and needs no second look at the file.
pub trait Transform: Send + Sync {
    /// Takes a row and appends what comes of it.
    ///
    /// # Errors
    /// What the edit cannot do with it.
    fn take(&mut self, row: Row, out: &mut Queue) -> Result<(), WorkloadError>;

    /// The trace has ended: appends what is left, and says when it ends now.
    ///
    /// # Errors
    /// What the edit cannot do with it.
    fn finish(&mut self, end: Time, out: &mut Queue) -> Result<Time, WorkloadError>;

    /// Whether no later row can change anything.
    fn is_done(&self) -> bool {
        false
    }

    /// A copy in the same state.
    fn copy(&self) -> Box<dyn Transform>;
}

/// A source behind a transform.
pub struct Stage {
    source: Box<dyn Source>,
    transform: Box<dyn Transform>,
    queue: Queue,
    end: Option<Time>,
}

impl Stage {
    /// Lets the rows of `source` pass through `transform`.
    pub fn new(source: Box<dyn Source>, transform: Box<dyn Transform>) -> Self {
        Self { source, transform, queue: Queue::new(), end: None }
    }
}

impl Source for Stage {
    fn next(&mut self, row: &mut Row) -> Result<bool, WorkloadError> {
        while self.queue.is_empty() && self.end.is_none() {
            let mut taken = Row::default();
            if !self.transform.is_done() && self.source.next(&mut taken)? {
                self.transform.take(taken, &mut self.queue)?;
            } else {
                self.end = Some(self.transform.finish(self.source.end(), &mut self.queue)?);
            }
        }
        let Some(next) = self.queue.pop_front() else { return Ok(false) };
        *row = next;
        Ok(true)
    }

    fn end(&self) -> Time {
        self.end.unwrap_or_default()
    }

    fn fork(&self) -> Result<Box<dyn Source>, WorkloadError> {
        let (source, transform, queue) = (self.source.fork()?, self.transform.copy(), self.queue.clone());
        Ok(Box::new(Self { source, transform, queue, end: self.end }))
    }
}

/// Something for each service, by its id; grows as services are met.
#[derive(Debug, Clone, Default)]
pub struct PerService<T>(Vec<T>);

impl<T: Clone + Default> PerService<T> {
    /// That of a service.
    pub fn get(&mut self, service: ServiceId) -> &mut T {
        let index = service.index();
        if self.0.len() <= index {
            self.0.resize(index + 1, T::default());
        }
        &mut self.0[index]
    }

    /// All, by id.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (ServiceId, &mut T)> {
        self.0.iter_mut().enumerate().map(|(index, item)| (ServiceId::from_index(index), item))
    }

    /// All, by id.
    pub fn iter(&self) -> impl Iterator<Item = (ServiceId, &T)> {
        self.0.iter().enumerate().map(|(index, item)| (ServiceId::from_index(index), item))
    }
}

/// Rates that an edit holds at most: about half a gigabyte.
pub const HELD_MAX: usize = 16 << 20;

/// Rates that an edit makes of one row at most.
pub const MADE_MAX: u64 = 1 << 20;

/// An edit would have to hold more than it may.
pub fn too_much(edit: &str, remedy: &str) -> WorkloadError {
    WorkloadError(format!("`{edit}` has to hold more than {HELD_MAX} rates in memory\n  {remedy}"))
}

/// A number leaves its range.
pub fn too_large(edit: &str) -> WorkloadError {
    WorkloadError(format!("`{edit}` makes a rate or a time that is too large to count\n  scale or repeat less"))
}
