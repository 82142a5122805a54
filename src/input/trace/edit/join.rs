//! Edits that read a file more than once, or another one: `repeat` and `merge`.

use super::flow::{Flow, PerService, Row, Source, too_large};
use super::plan::Plan;
use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::WorkloadError;
use crate::units::{Span, Time};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A trace several times, one after the other. Where it begins again, a series that the first row does not state is zero,
/// as it was at the first begin.
pub struct Repeat {
    plan: Arc<Plan>,
    /// The steps of the plan that are repeated.
    steps: usize,
    left: u64,
    source: Box<dyn Source>,
    offset: Span,
    /// Whether the next row is the first one of its turn.
    first: bool,
    flows: PerService<Flow>,
}

impl Repeat {
    /// Repeats the first `steps` steps of a plan, `count` times.
    ///
    /// # Errors
    /// Where the trace cannot be opened.
    pub fn new(plan: &Arc<Plan>, steps: usize, count: u64) -> Result<Self, WorkloadError> {
        let source = plan.source(steps)?;
        let (left, offset, flows) = (count - 1, Span::ZERO, PerService::default());
        Ok(Self { plan: Arc::clone(plan), steps, left, source, offset, first: false, flows })
    }

    fn take(&mut self, row: &mut Row) -> Result<(), WorkloadError> {
        row.at = Time(row.at.0.checked_add(self.offset.0).ok_or_else(|| too_large("repeat"))?);
        if std::mem::take(&mut self.first) {
            let mut open = std::mem::take(&mut self.flows);
            row.flows.iter().for_each(|(service, _)| *open.get(*service) = Flow::ZERO);
            let zeros = open.iter().filter(|(_, flow)| **flow > Flow::ZERO).map(|(service, _)| (service, Flow::ZERO));
            row.flows.extend(zeros);
        }
        row.flows.iter().for_each(|(service, flow)| *self.flows.get(*service) = *flow);
        Ok(())
    }
}

impl Source for Repeat {
    fn next(&mut self, row: &mut Row) -> Result<bool, WorkloadError> {
        while !self.source.next(row)? {
            let length = self.source.end();
            if self.left == 0 || length == Time::ZERO {
                return Ok(false);
            }
            self.left -= 1;
            self.offset = Span(self.offset.0.checked_add(length.0).ok_or_else(|| too_large("repeat"))?);
            self.source = self.plan.source(self.steps)?;
            self.first = true;
        }
        self.take(row)?;
        Ok(true)
    }

    fn end(&self) -> Time {
        self.source.end() + self.offset
    }

    fn fork(&self) -> Result<Box<dyn Source>, WorkloadError> {
        let (plan, source, flows) = (Arc::clone(&self.plan), self.source.fork()?, self.flows.clone());
        Ok(Box::new(Self { plan, source, flows, ..*self }))
    }
}

/// Two traces as one, by time. A series that both have is the sum of the two; one whose trace has ended is zero.
pub struct Merged {
    sides: [Side; 2],
    /// What each side gives a series.
    flows: PerService<[Option<Flow>; 2]>,
}

/// One of the two.
pub struct Side {
    source: Box<dyn Source>,
    /// Where its begin comes to lie.
    offset: Span,
    /// Its services, as the merged trace knows them; empty: the same.
    ids: Arc<[ServiceId]>,
    state: State,
    /// The next row, or the zeros at the end.
    row: Row,
    stated: BTreeSet<ServiceId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    Ahead,
    Ending,
    Done,
}

impl Side {
    /// A trace that begins at `offset`.
    pub fn new(source: Box<dyn Source>, offset: Span, ids: Arc<[ServiceId]>) -> Self {
        Self { source, offset, ids, state: State::Begin, row: Row::default(), stated: BTreeSet::new() }
    }

    fn advance(&mut self) -> Result<(), WorkloadError> {
        let reads = matches!(self.state, State::Begin | State::Ahead);
        if reads && self.source.next(&mut self.row)? {
            self.row.at = self.moved(self.row.at)?;
            for (service, _) in &mut self.row.flows {
                *service = self.ids.get(service.index()).copied().unwrap_or(*service);
            }
            self.stated.extend(self.row.flows.iter().map(|(service, _)| *service));
            self.state = State::Ahead;
        } else if reads {
            self.row.at = self.moved(self.source.end())?;
            self.row.flows = self.stated.iter().map(|service| (*service, Flow::ZERO)).collect();
            self.state = if self.stated.is_empty() { State::Done } else { State::Ending };
        } else {
            self.state = State::Done;
        }
        Ok(())
    }

    fn moved(&self, at: Time) -> Result<Time, WorkloadError> {
        at.0.checked_add(self.offset.0).map(Time).ok_or_else(|| too_large("merge"))
    }

    fn fork(&self) -> Result<Self, WorkloadError> {
        let (source, ids) = (self.source.fork()?, Arc::clone(&self.ids));
        Ok(Self { source, ids, row: self.row.clone(), stated: self.stated.clone(), ..*self })
    }
}

impl Merged {
    /// Merges two traces, one of which begins at 0.
    pub fn new(sides: [Side; 2]) -> Self {
        Self { sides, flows: PerService::default() }
    }
}

impl Source for Merged {
    fn next(&mut self, row: &mut Row) -> Result<bool, WorkloadError> {
        for side in self.sides.iter_mut().filter(|side| side.state == State::Begin) {
            side.advance()?;
        }
        let active = || self.sides.iter().filter(|side| side.state != State::Done);
        let Some(at) = active().map(|side| side.row.at).min() else { return Ok(false) };
        if at == self.end() && active().all(|side| side.state == State::Ending) {
            return Ok(false);
        }
        row.at = at;
        row.flows.clear();
        for index in 0..self.sides.len() {
            let side = &mut self.sides[index];
            if side.state == State::Done || side.row.at != at {
                continue;
            }
            for (service, flow) in std::mem::take(&mut side.row.flows) {
                let parts = self.flows.get(service);
                parts[index] = Some(flow);
                let sum = parts.iter().flatten().try_fold(0_u128, |sum, part| sum.checked_add(part.0));
                let sum = Flow(sum.ok_or_else(|| too_large("merge"))?);
                let shared = index == 1 && parts[0].is_some();
                match row.flows.iter_mut().find(|(other, _)| shared && *other == service) {
                    Some(stated) => stated.1 = sum,
                    None => row.flows.push((service, sum)),
                }
            }
            side.advance()?;
        }
        Ok(true)
    }

    fn end(&self) -> Time {
        let ends = self.sides.iter().map(|side| side.source.end() + side.offset);
        ends.max().unwrap_or_default()
    }

    fn fork(&self) -> Result<Box<dyn Source>, WorkloadError> {
        let [first, second] = &self.sides;
        Ok(Box::new(Self { sides: [first.fork()?, second.fork()?], flows: self.flows.clone() }))
    }
}
