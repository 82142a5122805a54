//! A trace that ends where it ends when it is read again.
//!
//! A file does not state its end: the last row holds as long as the one before it. Where a trace ends otherwise, because it
//! was cut or its last row was told to hold longer, one more row with the same rates stands halfway between the last row and
//! the end, so that both halves are alike and the requests are what they were.

use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Rate, Time};

/// A source whose end can be read off its rows.
pub struct Closed<'a> {
    source: &'a mut dyn RateSource,
    /// The rates that hold.
    rates: Vec<Option<Rate>>,
    previous: Option<Time>,
    last: Option<Time>,
    /// Rows that are still to come, after the source has ended.
    more: Option<Vec<Time>>,
}

impl<'a> Closed<'a> {
    /// Closes this source.
    pub fn new(source: &'a mut dyn RateSource) -> Self {
        Self { source, rates: Vec::new(), previous: None, last: None, more: None }
    }

    /// Overwrites `row` with the next one; `false` at the end.
    ///
    /// # Errors
    /// What is wrong with the source.
    pub fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        if self.more.is_none() {
            if self.source.next_row(row)? {
                self.take(row);
                return Ok(true);
            }
            self.more = Some(self.closing());
        }
        let Some(at) = self.more.as_mut().and_then(Vec::pop) else { return Ok(false) };
        row.at = at;
        let rates = self.rates.iter().enumerate();
        row.rates = rates.filter_map(|(index, rate)| Some((ServiceId::from_index(index), (*rate)?))).collect();
        Ok(true)
    }

    fn take(&mut self, row: &RateRow) {
        (self.previous, self.last) = (self.last, Some(row.at));
        for &(service, rate) in &row.rates {
            if self.rates.len() <= service.index() {
                self.rates.resize(service.index() + 1, None);
            }
            self.rates[service.index()] = Some(rate);
        }
    }

    /// The times of the closing rows, the later ones first.
    fn closing(&self) -> Vec<Time> {
        let Some(last) = self.last else { return Vec::new() };
        let left = self.source.end().since(last).0;
        if self.previous.is_some_and(|previous| last.since(previous).0 == left) || left < 2 {
            return Vec::new();
        }
        // An odd number of nanoseconds has no half: one of them gets a row of its own.
        let odd = left % 2;
        let half = Time(last.0 + odd + (left - odd) / 2);
        if odd == 1 { vec![half, Time(last.0 + 1)] } else { vec![half] }
    }
}

#[cfg(test)]
mod tests {
    use super::Closed;
    use crate::model::ServiceId;
    use crate::model::workload::{RateRow, RowsInMemory};
    use crate::units::{Rate, Span, Time};

    fn times(rows: &[u64], last: u64) -> Vec<u64> {
        let rows = rows.iter().map(|at| RateRow { at: Time(*at), rates: vec![(ServiceId(0), Rate(*at))] }).collect();
        let mut source = RowsInMemory::new(rows, Span(last));
        let (mut closed, mut row, mut found) = (Closed::new(&mut source), RateRow::default(), Vec::new());
        while closed.next_row(&mut row).expect("memory is sound") {
            found.push(row.at.0);
        }
        found
    }

    #[test]
    fn only_an_end_that_cannot_be_read_off_gets_a_row() {
        assert_eq!(times(&[0, 60], 60), [0, 60]);
        assert_eq!(times(&[0, 60], 30), [0, 60, 75]);
        assert_eq!(times(&[0, 60], 90), [0, 60, 105]);
        assert_eq!(times(&[0], 10), [0, 5]);
        assert_eq!(times(&[0, 60], 31), [0, 60, 61, 76]);
    }
}
