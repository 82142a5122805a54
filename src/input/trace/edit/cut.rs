//! A part of the time of a trace: `cut`.

use super::flow::{Flow, PerService, Queue, Row, Transform};
use crate::input::trace::error::seconds;
use crate::model::workload::WorkloadError;
use crate::units::Time;

/// The part of a trace from one moment to another, which becomes its begin. What holds when it opens holds in it.
#[derive(Debug, Clone)]
pub struct Cut {
    from: Time,
    until: Time,
    flows: PerService<Option<Flow>>,
    begun: bool,
    over: bool,
}

impl Cut {
    /// `from` is before `until`.
    pub fn new(from: Time, until: Time) -> Self {
        Self { from, until, flows: PerService::default(), begun: false, over: false }
    }

    /// The first row: what holds there.
    fn open(&mut self, out: &mut Queue) {
        if !std::mem::replace(&mut self.begun, true) {
            let flows = self.flows.iter().filter_map(|(service, flow)| Some((service, (*flow)?))).collect();
            out.push_back(Row { at: Time::ZERO, flows });
        }
    }
}

impl Transform for Cut {
    fn take(&mut self, mut row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        if row.at > self.from {
            self.open(out);
        }
        if row.at >= self.until {
            self.over = true;
            return Ok(());
        }
        if !self.begun {
            row.flows.iter().for_each(|(service, flow)| *self.flows.get(*service) = Some(*flow));
            return Ok(());
        }
        row.at = Time(row.at.0 - self.from.0);
        out.push_back(row);
        Ok(())
    }

    fn finish(&mut self, end: Time, out: &mut Queue) -> Result<Time, WorkloadError> {
        let end = if self.over { self.until } else { end.min(self.until) };
        if end <= self.from {
            let (from, end) = (seconds(self.from.0), seconds(end.0));
            let what = format!("`cut` begins at {from} s, but the trace ends at {end} s\n  write an earlier begin");
            return Err(WorkloadError(what));
        }
        self.open(out);
        Ok(Time(end.0 - self.from.0))
    }

    fn is_done(&self) -> bool {
        self.over
    }

    fn copy(&self) -> Box<dyn Transform> {
        Box::new(self.clone())
    }
}
