//! Unknown rates stated: `fill`.
//!
//! A gap is a row that does not state a series which was stated before, or a step that is longer than the usual one (the
//! first step of the trace, or that of `every`), in which rows are put. The rate that holds is unknown there, and becomes
//! the previous one, zero, or the one on the line from the last stated rate to the next. Before a series is first stated
//! nothing is filled in; after it is last stated there is no next one, so that a line goes on level.

use super::flow::{Flow, HELD_MAX, MADE_MAX, PerService, Queue, Row, Transform, too_much};
use super::script::Fill as How;
use crate::model::ServiceId;
use crate::model::workload::WorkloadError;
use crate::units::{Span, Time};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Fills the gaps of a selection.
#[derive(Debug, Clone)]
pub struct Filling {
    selected: Arc<BTreeSet<ServiceId>>,
    how: How,
    /// The usual step, once it is known.
    every: Option<Span>,
    previous: Option<Time>,
    /// Each selected series: when it was last stated, and its flow.
    stated: PerService<Option<(Time, Flow)>>,
    /// Rows with lines that wait for their end.
    waiting: VecDeque<Row>,
    held: usize,
}

impl Filling {
    /// `every`: the usual step; `None`: the first one of the trace.
    pub fn new(selected: Arc<BTreeSet<ServiceId>>, how: How, every: Option<Span>) -> Self {
        let (stated, waiting) = (PerService::default(), VecDeque::new());
        Self { selected, how, every, previous: None, stated, waiting, held: 0 }
    }

    /// Puts rows into the time until `at`, as far as it is longer than the usual step.
    fn bridge(&mut self, at: Time, out: &mut Queue) -> Result<(), WorkloadError> {
        let Some(previous) = self.previous.replace(at) else { return Ok(()) };
        let every = *self.every.get_or_insert(at.since(previous));
        if at.since(previous).0 / every.0 > MADE_MAX {
            let what = format!(
                "`fill` would put more than {MADE_MAX} rows into one gap\n  choose a longer step: `fill zero every 1h`"
            );
            return Err(WorkloadError(what));
        }
        let mut next = previous + every;
        while next < at {
            self.state(Row { at: next, flows: Vec::new() }, out)?;
            next = next + every;
        }
        Ok(())
    }

    /// States what the row leaves unknown.
    fn state(&mut self, mut row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        let named: BTreeSet<ServiceId> = row.flows.iter().map(|(service, _)| *service).collect();
        for &(service, flow) in row.flows.iter().filter(|(service, _)| self.selected.contains(service)) {
            let stated = self.stated.get(service);
            if let (How::Linear, Some(from)) = (self.how, *stated) {
                draw(&mut self.waiting, service, from, (row.at, flow));
            }
            *stated = Some((row.at, flow));
        }
        if self.how != How::Linear {
            let how = self.how;
            let unknown = self.stated.iter().filter(|(service, _)| !named.contains(service));
            let unknown = unknown.filter_map(|(service, stated)| Some((service, (*stated)?.1)));
            row.flows
                .extend(unknown.map(|(service, flow)| (service, if how == How::Zero { Flow::ZERO } else { flow })));
            out.push_back(row);
            return Ok(());
        }
        self.held += row.flows.len() + 1;
        if self.held > HELD_MAX {
            return Err(too_much(
                "fill",
                "a series has ended, so that its line has no end: use `fill zero`, or `drop` it",
            ));
        }
        self.waiting.push_back(row);
        self.release(false, out);
        Ok(())
    }

    /// Hands on the rows that no line goes through any more.
    fn release(&mut self, over: bool, out: &mut Queue) {
        let open = self.stated.iter().filter_map(|(_, stated)| stated.map(|(at, _)| at)).min().unwrap_or(Time::MAX);
        while let Some(row) = self.waiting.pop_front_if(|row| over || row.at <= open) {
            self.held -= (row.flows.len() + 1).min(self.held);
            out.push_back(row);
        }
    }
}

/// Puts a series on the line between two of its rates into the rows between.
fn draw(waiting: &mut VecDeque<Row>, service: ServiceId, from: (Time, Flow), to: (Time, Flow)) {
    let span = u128::from(to.0.since(from.0).0);
    let first = waiting.partition_point(|row| row.at <= from.0);
    for row in waiting.range_mut(first..) {
        let since = u128::from(row.at.since(from.0).0);
        // In parts of the difference, which is within 10²⁵ times 10²⁰ only for rates that nobody has: so in two steps.
        let part = |difference: u128| difference / span * since + (difference % span * since + span / 2) / span;
        let flow = if to.1 >= from.1 { from.1.0 + part(to.1.0 - from.1.0) } else { from.1.0 - part(from.1.0 - to.1.0) };
        row.flows.push((service, Flow(flow)));
    }
}

impl Transform for Filling {
    fn take(&mut self, row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        self.bridge(row.at, out)?;
        self.state(row, out)
    }

    fn finish(&mut self, end: Time, out: &mut Queue) -> Result<Time, WorkloadError> {
        let ends: Vec<_> = self.stated.iter().filter_map(|(service, stated)| Some((service, (*stated)?))).collect();
        for (service, (at, flow)) in ends {
            draw(&mut self.waiting, service, (at, flow), (end.max(Time(at.0 + 1)), flow));
        }
        self.release(true, out);
        Ok(end)
    }

    fn copy(&self) -> Box<dyn Transform> {
        Box::new(self.clone())
    }
}
