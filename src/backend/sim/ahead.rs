//! The trace read ahead of time, for a policy that asks to foresee it.
//!
//! A clairvoyant policy is a yardstick: what is the best that a scaling could do? It stays pure, since what it foresees is
//! part of its snapshot, and it cannot be mistaken for one that could run: no other backend has a future to show. Rates of
//! services that are called follow from those of their callers, as if all calls were served.

use crate::model::snapshot::Foreseen;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::model::{Application, ServiceId, Table};
use crate::units::{Rate, Span, Time};
use std::collections::VecDeque;

/// A second reader of the trace, as far ahead as the future is shown.
pub(super) struct Ahead {
    source: Result<Box<dyn RateSource>, WorkloadError>,
    span: Span,
    /// What users ask of each service at the time of the last look.
    demand: Table<ServiceId, Rate>,
    /// Rows after the last look, the last of them beyond its horizon.
    rows: VecDeque<RateRow>,
    has_ended: bool,
}

impl Ahead {
    /// A reader that shows `span` of the future; `next` is the row that `source` gave last, and `demand` what holds now.
    pub(super) fn new(
        source: Result<Box<dyn RateSource>, WorkloadError>,
        span: Span,
        next: Option<RateRow>,
        demand: Table<ServiceId, Rate>,
    ) -> Self {
        let has_ended = next.is_none();
        Self { source, span, demand, rows: next.into_iter().collect(), has_ended }
    }

    /// The rates of all services from `now` on.
    ///
    /// # Errors
    /// When the trace cannot be read on.
    pub(super) fn look(&mut self, now: Time, application: &Application) -> Result<Foreseen, WorkloadError> {
        let until = now + self.span;
        self.read_until(until)?;
        while self.rows.front().is_some_and(|row| row.at <= now) {
            let row = self.rows.pop_front().expect("it was looked at");
            set(&mut self.demand, &row);
        }
        let mut demand = self.demand.clone();
        let first = through_calls(application, &demand);
        let mut rates: Table<ServiceId, Vec<(Time, Rate)>> = first.values().map(|rate| vec![(now, *rate)]).collect();
        for row in self.rows.iter().take_while(|row| row.at <= until) {
            set(&mut demand, row);
            for (service, rate) in through_calls(application, &demand).iter() {
                if rates[service].last().is_some_and(|(_, last)| last != rate) {
                    rates[service].push((row.at, *rate));
                }
            }
        }
        Ok(Foreseen { until, rates })
    }

    /// Reads on until a row lies beyond `until`.
    fn read_until(&mut self, until: Time) -> Result<(), WorkloadError> {
        let source = self.source.as_mut().map_err(|error| error.clone())?;
        while !self.has_ended && self.rows.back().is_none_or(|row| row.at <= until) {
            let mut row = RateRow::default();
            self.has_ended = !source.next_row(&mut row)?;
            if !self.has_ended {
                self.rows.push_back(row);
            }
        }
        Ok(())
    }
}

impl Clone for Ahead {
    fn clone(&self) -> Self {
        let source = self.source.as_ref().map_err(Clone::clone).and_then(RateSource::fork);
        Self {
            source,
            span: self.span,
            demand: self.demand.clone(),
            rows: self.rows.clone(),
            has_ended: self.has_ended,
        }
    }
}

fn set(demand: &mut Table<ServiceId, Rate>, row: &RateRow) {
    for (service, rate) in &row.rates {
        demand[*service] = *rate;
    }
}

/// What all services get where users ask for `demand` and every call is served.
fn through_calls(application: &Application, demand: &Table<ServiceId, Rate>) -> Table<ServiceId, Rate> {
    let mut rates = demand.clone();
    for call in &application.calls {
        let added = rates[call.from].scaled(call.per_request);
        rates[call.to] += added;
    }
    rates
}
