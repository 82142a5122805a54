//! Rows at a step: `resample`.
//!
//! The rate of a row is the number of requests of its step over the step, to a millionth; what rounding takes from one step
//! the next one gets. So the requests from the begin to the end of any step are right to half a millionth of a request per
//! second times one step, and a million steps are off by no more than one. The last step may reach beyond the end of the
//! trace, which then ends with it: no request is lost.

use super::flow::{Flow, MADE_MAX, PerService, Queue, Row, Transform, too_large};
use crate::model::workload::WorkloadError;
use crate::units::{Span, Time};

/// One service.
#[derive(Debug, Clone, Default)]
struct Series {
    flow: Option<Flow>,
    /// Until when its requests are counted.
    counted: Time,
    /// Requests of the present step in 10⁻²¹, and what rounding left over, half a unit ahead.
    requests: u128,
}

/// Resamples all series.
#[derive(Debug, Clone)]
pub struct Resample {
    step: Span,
    /// Begin of the present step.
    from: Time,
    series: PerService<Series>,
}

impl Resample {
    /// `step` is not zero.
    pub fn new(step: Span) -> Self {
        Self { step, from: Time::ZERO, series: PerService::default() }
    }

    /// Hands on all steps that end until `until`.
    fn advance(&mut self, until: Time, out: &mut Queue) -> Result<(), WorkloadError> {
        let steps = until.since(self.from).0 / self.step.0;
        let services = self.series.iter().count().max(1) as u64;
        if steps.saturating_mul(services) > MADE_MAX {
            let step = self.step;
            return Err(WorkloadError(format!("`resample {step}` makes too many rows of one\n  choose a longer step")));
        }
        for _ in 0..steps {
            let to = self.from + self.step;
            self.emit(to, out)?;
            self.from = to;
        }
        Ok(())
    }

    fn emit(&mut self, to: Time, out: &mut Queue) -> Result<(), WorkloadError> {
        let unit = Flow::MILLIONTH * u128::from(self.step.0);
        let mut row = Row { at: self.from, flows: Vec::new() };
        for (service, series) in self.series.iter_mut() {
            let Some(flow) = series.flow else { continue };
            series.count(flow, to)?;
            let millionths = series.requests / unit;
            series.requests %= unit;
            row.flows.push((service, Flow(millionths * Flow::MILLIONTH)));
        }
        out.push_back(row);
        Ok(())
    }
}

impl Series {
    fn count(&mut self, flow: Flow, until: Time) -> Result<(), WorkloadError> {
        let more = flow.0.checked_mul(u128::from(until.since(self.counted).0));
        let requests = more.and_then(|more| self.requests.checked_add(more));
        self.requests = requests.ok_or_else(|| too_large("resample"))?;
        self.counted = until;
        Ok(())
    }
}

impl Transform for Resample {
    fn take(&mut self, row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        self.advance(row.at, out)?;
        for (service, flow) in row.flows {
            let series = self.series.get(service);
            if series.flow.is_none() {
                // Half a unit ahead: the sum is rounded to the nearest.
                series.requests = Flow::MILLIONTH * u128::from(self.step.0) / 2;
            }
            series.count(series.flow.unwrap_or_default(), row.at)?;
            series.flow = Some(flow);
        }
        Ok(())
    }

    fn finish(&mut self, end: Time, out: &mut Queue) -> Result<Time, WorkloadError> {
        self.advance(end, out)?;
        if end > self.from {
            // The flows end here; the step goes on without them.
            let to = Time(self.from.0.checked_add(self.step.0).ok_or_else(|| too_large("resample"))?);
            for (_, series) in self.series.iter_mut() {
                series.count(series.flow.unwrap_or_default(), end)?;
                series.counted = to;
            }
            self.emit(to, out)?;
            self.from = to;
        }
        Ok(self.from)
    }

    fn copy(&self) -> Box<dyn Transform> {
        Box::new(self.clone())
    }
}
