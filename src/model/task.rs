//! Tasks: pods, jobs and machines that arrive, run for a time and go, as a stream of rows.
//!
//! A task is not driven by requests: it is there, and wants one place. Tasks that ask for the same are a *class*, and a
//! class stands in the application behind the services (see [`Application::tasks`](super::Application::tasks)): so a
//! placement decides about tasks in the words in which it decides about services, replicas by class and cluster.

use super::id::ServiceId;
use super::workload::WorkloadError;
use crate::units::{MilliCores, Span, Time};
use std::sync::Arc;

/// One task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskRow {
    /// When it arrives.
    pub at: Time,
    /// What it asks for.
    pub class: ServiceId,
    /// How long it runs once it has started; `None`: until the run is over.
    pub duration: Option<Span>,
    /// CPU that it uses while it runs.
    pub cpu_used: MilliCores,
}

/// A stream of tasks in order of arrival.
pub trait TaskSource: Send {
    /// The next task; `None` at the end.
    ///
    /// # Errors
    /// What is wrong with the trace, with its file, line and field.
    fn next_task(&mut self) -> Result<Option<TaskRow>, WorkloadError>;

    /// When the last task would be gone, had none of them waited. Known from the start.
    fn end(&self) -> Time;

    /// A second reader at the same place, for a run that is forked.
    ///
    /// # Errors
    /// Where the trace cannot be opened again.
    fn fork(&self) -> Result<Box<dyn TaskSource>, WorkloadError>;
}

/// Tasks that are held in memory, 40 bytes each. Sharing them costs nothing, so all runs of a scenario read one list.
#[derive(Debug, Clone, Default)]
pub struct TasksInMemory {
    rows: Arc<Vec<TaskRow>>,
    next: usize,
    end: Time,
}

impl TasksInMemory {
    /// A source of these tasks.
    ///
    /// # Panics
    /// Where they are not in order of arrival.
    pub fn new(rows: Vec<TaskRow>) -> Self {
        assert!(rows.is_sorted_by_key(|row| row.at), "tasks come in order of arrival");
        let end = rows.iter().map(|row| row.at + row.duration.unwrap_or(Span::ZERO)).max().unwrap_or(Time::ZERO);
        Self { rows: Arc::new(rows), next: 0, end }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All of them.
    pub fn rows(&self) -> &[TaskRow] {
        &self.rows
    }
}

impl TaskSource for TasksInMemory {
    fn next_task(&mut self) -> Result<Option<TaskRow>, WorkloadError> {
        let row = self.rows.get(self.next).copied();
        self.next += usize::from(row.is_some());
        Ok(row)
    }

    fn end(&self) -> Time {
        self.end
    }

    fn fork(&self) -> Result<Box<dyn TaskSource>, WorkloadError> {
        Ok(Box::new(self.clone()))
    }
}
