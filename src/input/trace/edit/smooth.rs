//! A moving average: `smooth`.
//!
//! The rate of a row becomes the mean rate over a window around the middle of the row, in time and not in rows:
//!
//! `rate'(row) = 1/(b − a) · ∫ₐᵇ rate(t) dt`, `a = max(m − W/2, first)`, `b = min(m + W/2, end)`,
//!
//! with `m` the middle of the row, `W` the window and `first` the first row that states the series. Where the window is
//! cut off at the begin and the end of a trace it is a shorter one, so the requests are those before only nearly.

use super::flow::{Flow, HELD_MAX, PerService, Queue, Row, Transform, too_large, too_much};
use crate::model::ServiceId;
use crate::model::workload::WorkloadError;
use crate::units::{Span, Time};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Smooths a selection.
#[derive(Debug, Clone)]
pub struct Smooth {
    selected: Arc<BTreeSet<ServiceId>>,
    window: Span,
    /// Rows that are still in a window.
    rows: VecDeque<Held>,
    /// Rows of these that were handed on.
    done: usize,
    /// Each selected series: its flow, and 10⁻²¹ requests until the last row.
    series: PerService<Option<(Flow, u128)>>,
    held: usize,
}

/// A row and what holds there.
#[derive(Debug, Clone)]
struct Held {
    row: Row,
    /// Each selected series that is known: its flow from here, and its requests until here.
    series: Vec<(ServiceId, Flow, u128)>,
}

impl Smooth {
    /// `window` is not zero.
    pub fn new(selected: Arc<BTreeSet<ServiceId>>, window: Span) -> Self {
        Self { selected, window, rows: VecDeque::new(), done: 0, series: PerService::default(), held: 0 }
    }

    /// Hands on the rows whose window is known, which is known until `known`; `over`: nothing follows.
    fn advance(&mut self, known: Time, over: bool, out: &mut Queue) -> Result<(), WorkloadError> {
        while self.done < self.rows.len() {
            let until = self.rows.get(self.done + 1).map_or(known, |next| next.row.at);
            // Twice the middle of the row, so that there are no halves.
            let middle = u128::from(self.rows[self.done].row.at.0) + u128::from(until.0);
            let to = middle + u128::from(self.window.0);
            if !over && to > 2 * u128::from(known.0) {
                break;
            }
            let window = (middle.saturating_sub(u128::from(self.window.0)), to.min(2 * u128::from(known.0)));
            let row = self.smoothed(window)?;
            out.push_back(row);
            self.done += 1;
            self.forget(window.0);
        }
        Ok(())
    }

    fn smoothed(&self, (from, to): (u128, u128)) -> Result<Row, WorkloadError> {
        let held = &self.rows[self.done];
        let mut row = held.row.clone();
        row.flows.retain(|(service, _)| !self.selected.contains(service));
        let (first, last) = (self.holding(from), self.holding(to));
        for &(service, flow, _) in &held.series {
            // A window that begins before the series does begins with it.
            let begin = self.rows.range(first..).find_map(|held| held.of(service).map(|found| (held, found)));
            let (held, begun) = begin.ok_or_else(|| too_large("smooth"))?;
            let from = from.max(2 * u128::from(held.row.at.0));
            let end = &self.rows[last];
            let ended = end.of(service).ok_or_else(|| too_large("smooth"))?;
            let requests = end.until(ended, to).zip(held.until(begun, from)).ok_or_else(|| too_large("smooth"))?;
            let (more, span) = (requests.0 - requests.1, to.saturating_sub(from));
            row.flows.push((service, (more + span / 2).checked_div(span).map_or(flow, Flow)));
        }
        Ok(row)
    }

    /// The last row that begins at or before twice a time; the first one if none does.
    fn holding(&self, twice: u128) -> usize {
        self.rows.partition_point(|held| 2 * u128::from(held.row.at.0) <= twice).saturating_sub(1)
    }

    /// Lets go of rows before those that a window from twice a time on needs.
    fn forget(&mut self, twice: u128) {
        let needless = self.holding(twice).min(self.done);
        for held in self.rows.drain(..needless) {
            self.held -= held.series.len() + 1;
        }
        self.done -= needless;
    }
}

impl Held {
    fn of(&self, service: ServiceId) -> Option<(Flow, u128)> {
        let index = self.series.binary_search_by_key(&service, |(service, ..)| *service).ok()?;
        Some((self.series[index].1, self.series[index].2))
    }

    /// Twice the requests until twice a time, of a series that holds from here to there.
    fn until(&self, (flow, before): (Flow, u128), twice: u128) -> Option<u128> {
        let since = twice.checked_sub(2 * u128::from(self.row.at.0))?;
        before.checked_mul(2)?.checked_add(flow.0.checked_mul(since)?)
    }
}

impl Transform for Smooth {
    fn take(&mut self, row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        let since = self.rows.back().map_or(Span::ZERO, |held| row.at.since(held.row.at));
        for (_, series) in self.series.iter_mut() {
            if let Some((flow, requests)) = series {
                let more = flow.0.checked_mul(u128::from(since.0)).and_then(|more| requests.checked_add(more));
                *requests = more.ok_or_else(|| too_large("smooth"))?;
            }
        }
        for (service, flow) in row.flows.iter().filter(|(service, _)| self.selected.contains(service)) {
            let series = self.series.get(*service);
            *series = Some((*flow, series.map_or(0, |(_, requests)| requests)));
        }
        let series =
            self.series.iter().filter_map(|(service, series)| series.map(|(flow, until)| (service, flow, until)));
        let series: Vec<_> = series.collect();
        self.held += series.len() + 1;
        if self.held > HELD_MAX {
            return Err(too_much("smooth", "choose a shorter window, or fewer series"));
        }
        let at = row.at;
        self.rows.push_back(Held { row, series });
        self.advance(at, false, out)
    }

    fn finish(&mut self, end: Time, out: &mut Queue) -> Result<Time, WorkloadError> {
        self.advance(end, true, out)?;
        Ok(end)
    }

    fn copy(&self) -> Box<dyn Transform> {
        Box::new(self.clone())
    }
}
