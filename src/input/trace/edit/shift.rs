//! Series that come later than the others by a span, or earlier: `shift`.
//!
//! What is early waits for what is late, so the rows of one span are held; where all series move, nothing has to wait.

use super::flow::{Flow, HELD_MAX, PerService, Queue, Row, Transform, too_large, too_much};
use crate::model::ServiceId;
use crate::model::workload::WorkloadError;
use crate::units::{Span, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

type Flows = Vec<(ServiceId, Flow)>;

/// Moves series in time.
#[derive(Debug, Clone)]
pub struct Shift {
    selected: Arc<BTreeSet<ServiceId>>,
    by: Span,
    earlier: bool,
    /// Whether there are other series than the selected ones.
    others: bool,
    /// Rows by the time at which they go on.
    waiting: BTreeMap<Time, Flows>,
    held: usize,
    /// The last flow of each selected series before the new begin.
    before: PerService<Option<Flow>>,
    /// Series that were stated.
    stated: BTreeSet<ServiceId>,
    begun: bool,
}

impl Shift {
    /// Moves `selected` by a span that is not zero; `others`: whether there are more series.
    pub fn new(selected: Arc<BTreeSet<ServiceId>>, others: bool, (by, earlier): (Span, bool)) -> Self {
        let (waiting, before, stated) = (BTreeMap::new(), PerService::default(), BTreeSet::new());
        Self { selected, by, earlier, others, waiting, held: 0, before, stated, begun: false }
    }

    fn wait(&mut self, at: Time, flows: Flows) -> Result<(), WorkloadError> {
        self.held += flows.len();
        if self.held > HELD_MAX {
            return Err(too_much("shift", "shift by less, or all series together, which needs none"));
        }
        self.waiting.entry(at).or_default().extend(flows);
        Ok(())
    }

    /// Hands on what is due until `until`.
    fn release(&mut self, until: Time, out: &mut Queue) {
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= until) {
            let (at, flows) = entry.remove_entry();
            self.held -= flows.len();
            out.push_back(Row { at, flows });
        }
    }

    /// Takes a row apart: its time, what moves and what stays. A row that states nothing belongs to what stays, if
    /// anything does.
    fn later(&mut self, at: Time, moved: Flows, stays: Option<Flows>) -> Result<Time, WorkloadError> {
        let late = Time(at.0.checked_add(self.by.0).ok_or_else(|| too_large("shift"))?);
        let stays_empty = stays.is_none();
        if let Some(flows) = stays {
            self.wait(at, flows)?;
        }
        if !std::mem::replace(&mut self.begun, true) {
            let zeros = self.selected.iter().map(|service| (*service, Flow::ZERO)).collect();
            self.wait(at, zeros)?;
        }
        if !moved.is_empty() || (stays_empty && !self.others) {
            self.wait(late, moved)?;
        }
        // Without others, nothing later comes to lie before what moved just now.
        Ok(if self.others { at } else { late })
    }

    fn sooner(&mut self, at: Time, moved: Flows, stays: Option<Flows>) -> Result<Option<Time>, WorkloadError> {
        let stays_empty = stays.is_none();
        if let Some(flows) = stays {
            self.wait(at, flows)?;
        }
        let Some(soon) = at.0.checked_sub(self.by.0).map(Time) else {
            for (service, flow) in moved {
                *self.before.get(service) = Some(flow);
            }
            return Ok(None);
        };
        if soon == Time::ZERO {
            for (service, _) in &moved {
                *self.before.get(*service) = None;
            }
        }
        self.open()?;
        if !moved.is_empty() || (stays_empty && !self.others) {
            self.wait(soon, moved)?;
        }
        Ok(Some(soon))
    }

    /// Puts what holds at the new begin there, once.
    fn open(&mut self) -> Result<(), WorkloadError> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let flows = self.before.iter().filter_map(|(service, flow)| Some((service, (*flow)?))).collect();
        self.wait(Time::ZERO, flows)
    }

    /// A series that has ended leaves no load behind while others go on.
    fn end_series(&mut self, at: Time, are_selected: bool) -> Result<(), WorkloadError> {
        let ended = self.stated.iter().filter(|service| self.selected.contains(service) == are_selected);
        let zeros = ended.map(|service| (*service, Flow::ZERO)).collect();
        self.wait(at, zeros)
    }
}

impl Transform for Shift {
    fn take(&mut self, mut row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        self.stated.extend(row.flows.iter().map(|(service, _)| *service));
        let was_empty = row.flows.is_empty();
        let moved: Flows = row.flows.extract_if(.., |(service, _)| self.selected.contains(service)).collect();
        let stays = (self.others && (was_empty || !row.flows.is_empty())).then_some(row.flows);
        let due =
            if self.earlier { self.sooner(row.at, moved, stays)? } else { Some(self.later(row.at, moved, stays)?) };
        if let Some(due) = due {
            self.release(due, out);
        }
        Ok(())
    }

    fn finish(&mut self, end: Time, out: &mut Queue) -> Result<Time, WorkloadError> {
        let late = Time(end.0.checked_add(self.by.0).ok_or_else(|| too_large("shift"))?);
        let soon = Time(end.0.saturating_sub(self.by.0));
        if self.earlier && soon == Time::ZERO {
            let what = format!("the trace ends before `shift -{}` lets it begin\n  shift by less", self.by);
            return Err(WorkloadError(what));
        }
        if self.earlier {
            self.open()?;
        }
        if self.others {
            self.end_series(if self.earlier { soon } else { end }, self.earlier)?;
        }
        self.release(Time::MAX, out);
        Ok(match (self.earlier, self.others) {
            (false, _) => late,
            (true, true) => end,
            (true, false) => soon,
        })
    }

    fn copy(&self) -> Box<dyn Transform> {
        Box::new(self.clone())
    }
}
