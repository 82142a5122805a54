//! Edits that say which series there are: some of them only, or several as one.

use super::flow::{Flow, PerService, Queue, Row, Transform, too_large};
use crate::model::ServiceId;
use crate::model::workload::WorkloadError;
use crate::units::Time;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Leaves the rest out. A row that states nothing any more goes, unless it is the first one, which is where the trace
/// begins; one that stated nothing before stays.
#[derive(Debug, Clone)]
pub struct Without {
    /// The series that go.
    pub gone: Arc<BTreeSet<ServiceId>>,
}

impl Transform for Without {
    fn take(&mut self, mut row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        let before = row.flows.len();
        row.flows.retain(|(service, _)| !self.gone.contains(service));
        if before == 0 || !row.flows.is_empty() || row.at == Time::ZERO {
            out.push_back(row);
        }
        Ok(())
    }

    fn finish(&mut self, end: Time, _: &mut Queue) -> Result<Time, WorkloadError> {
        Ok(end)
    }

    fn copy(&self) -> Box<dyn Transform> {
        Box::new(self.clone())
    }
}

/// Adds series up: the sum is stated wherever one of them is, and is of those whose rate is known by then.
#[derive(Debug, Clone)]
pub struct Sum {
    selected: Arc<BTreeSet<ServiceId>>,
    into: ServiceId,
    flows: PerService<Flow>,
    level: Flow,
}

impl Sum {
    /// `into` is a service that no row names yet.
    pub fn new(selected: Arc<BTreeSet<ServiceId>>, into: ServiceId) -> Self {
        Self { selected, into, flows: PerService::default(), level: Flow::ZERO }
    }
}

impl Transform for Sum {
    fn take(&mut self, mut row: Row, out: &mut Queue) -> Result<(), WorkloadError> {
        let (mut sum, mut stated, flows) = (self.level.0, false, &mut self.flows);
        let mut is_too_large = false;
        row.flows.retain(|(service, flow)| {
            let selected = self.selected.contains(service);
            if selected {
                let before = std::mem::replace(flows.get(*service), *flow);
                let more = (sum - before.0).checked_add(flow.0);
                is_too_large |= more.is_none();
                (sum, stated) = (more.unwrap_or(0), true);
            }
            !selected
        });
        if is_too_large {
            return Err(too_large("sum"));
        }
        self.level = Flow(sum);
        if stated {
            row.flows.push((self.into, self.level));
        }
        out.push_back(row);
        Ok(())
    }

    fn finish(&mut self, end: Time, _: &mut Queue) -> Result<Time, WorkloadError> {
        Ok(end)
    }

    fn copy(&self) -> Box<dyn Transform> {
        Box::new(self.clone())
    }
}
