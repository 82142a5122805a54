//! A part of a trace, moved to where the scenario wants it.
//!
//! The window is in the trace's time (its first row is 0); its begin becomes 0 and is then moved by the shift. What holds
//! when the window opens holds in it. Before a shifted trace begins there is no load.

use super::error::{Fault, TraceError, seconds};
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Rate, Span, Time};
use std::path::{Path, PathBuf};

/// A source that was cut and moved.
pub struct Window<S> {
    source: S,
    path: PathBuf,
    from: Time,
    until: Time,
    shift: Span,
    begun: bool,
    /// The first rows: what holds at the begin, and the row after it.
    ready: Vec<RateRow>,
    /// Whether there are no more rows, and when the last one's rates end.
    ended: Option<Time>,
}

impl<S: RateSource> Window<S> {
    /// Cuts `source`, the trace of the file `path`, to `from..until` and moves it by `shift`.
    pub fn new(source: S, window: (Time, Time), shift: Span, path: &Path) -> Self {
        let (from, until) = window;
        Self {
            source,
            path: path.to_owned(),
            from,
            until,
            shift,
            begun: from == Time::ZERO,
            ready: Vec::new(),
            ended: None,
        }
    }

    /// What it reads from.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Reads up to the begin of the window.
    fn begin(&mut self) -> Result<(), WorkloadError> {
        let (mut held, mut row) = (Vec::new(), RateRow::default());
        loop {
            if !self.source.next_row(&mut row)? {
                self.ended = Some(self.source.end());
                break;
            }
            if row.at > self.from {
                self.ready.push(row);
                break;
            }
            row.rates.iter().for_each(|(service, rate)| set(&mut held, *service, *rate));
        }
        if let Some(end) = self.ended.filter(|end| *end <= self.from) {
            let fault = Fault::EmptyWindow { from: seconds(self.from.0), end: seconds(end.0) };
            return Err(TraceError::whole(&self.path, fault).into());
        }
        let rates: Vec<_> = held
            .iter()
            .enumerate()
            .filter_map(|(index, rate)| rate.map(|rate| (ServiceId::from_index(index), rate)))
            .collect();
        if !rates.is_empty() {
            self.ready.push(RateRow { at: self.from, rates });
        }
        Ok(())
    }
}

fn set(held: &mut Vec<Option<Rate>>, service: ServiceId, rate: Rate) {
    if held.len() <= service.index() {
        held.resize(service.index() + 1, None);
    }
    held[service.index()] = Some(rate);
}

impl<S: RateSource> RateSource for Window<S> {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        if !std::mem::replace(&mut self.begun, true) {
            self.begin()?;
        }
        if let Some(ready) = self.ready.pop() {
            *row = ready;
        } else if self.ended.is_some() {
            return Ok(false);
        } else if !self.source.next_row(row)? {
            self.ended = Some(self.source.end());
            return Ok(false);
        }
        if row.at >= self.until {
            self.ended = Some(self.until);
            self.ready.clear();
            return Ok(false);
        }
        row.at = Time(row.at.0 - self.from.0) + self.shift;
        Ok(true)
    }

    fn end(&self) -> Time {
        let end = self.ended.unwrap_or_default().min(self.until);
        Time(end.0.saturating_sub(self.from.0)) + self.shift
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        let (source, path, ready) = (self.source.fork()?, self.path.clone(), self.ready.clone());
        let Self { from, until, shift, begun, ended, .. } = *self;
        Ok(Box::new(Window { source, path, from, until, shift, begun, ready, ended }))
    }
}
