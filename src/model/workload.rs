//! The workload: request rates of the entry services over time, as a stream of rows.
//!
//! A trace may be longer than memory, so nobody holds it whole: a [`RateSource`] is asked for one row after the other, in
//! order of time. A rate holds from its row until the next row that names the service.

use super::id::ServiceId;
use crate::units::{Rate, Ratio, Span, Time};

/// Rates that change at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateRow {
    /// When.
    pub at: Time,
    /// The new rates. A service that is not named keeps its rate.
    pub rates: Vec<(ServiceId, Rate)>,
}

/// How the load differs from one seed to another: every service's rates are multiplied by a noise of mean 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadNoise {
    /// Standard deviation of the noise's logarithm: about the share by which a rate strays.
    pub share: Ratio,
    /// From one value of the noise to the next.
    pub every: Span,
    /// How long it takes until 1/e of a deviation is left.
    pub memory: Span,
}

/// A stream of rows in strictly rising order of time.
pub trait RateSource: Send {
    /// Overwrites `row` with the next one; `false` at the end.
    ///
    /// # Errors
    /// What is wrong with the trace, with its file, line and field.
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError>;

    /// When the last row's rates end; known once the end was reached.
    fn end(&self) -> Time;

    /// A second reader at the same place, for a run that is forked.
    ///
    /// # Errors
    /// Where the trace cannot be opened again.
    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError>;
}

impl RateSource for Box<dyn RateSource> {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        (**self).next_row(row)
    }

    fn end(&self) -> Time {
        (**self).end()
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        (**self).fork()
    }
}

/// A trace cannot be read on. The message names the file, the line and the field, and says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorkloadError(pub String);

/// Rows that are held in memory: for generated loads and tests.
#[derive(Debug, Clone)]
pub struct RowsInMemory {
    rows: std::sync::Arc<Vec<RateRow>>,
    next: usize,
    end: Time,
}

impl RowsInMemory {
    /// A source of these rows, which must rise in time; the last one holds for `last`.
    ///
    /// # Panics
    /// Where the rows do not rise.
    pub fn new(rows: Vec<RateRow>, last: Span) -> Self {
        assert!(rows.is_sorted_by(|earlier, later| earlier.at < later.at), "rows of a trace rise in time");
        let end = rows.last().map_or(Time::ZERO, |row| row.at) + last;
        Self { rows: std::sync::Arc::new(rows), next: 0, end }
    }

    /// One service at one rate from the start until `until`.
    pub fn constant(service: ServiceId, rate: Rate, until: Span) -> Self {
        Self::new(vec![RateRow { at: Time::ZERO, rates: vec![(service, rate)] }], until)
    }
}

impl RateSource for RowsInMemory {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        let Some(next) = self.rows.get(self.next) else { return Ok(false) };
        row.at = next.at;
        row.rates.clone_from(&next.rates);
        self.next += 1;
        Ok(true)
    }

    fn end(&self) -> Time {
        self.end
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        Ok(Box::new(self.clone()))
    }
}
