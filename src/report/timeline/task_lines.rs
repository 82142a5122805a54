//! Tasks over time: how many run where, how many wait, how many came and went.

use super::sums::{Shown, Stacks, by_row};
use crate::record::line::{Line, Series};

/// All tasks of a run, at its samples.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskLines {
    /// Running tasks, by cluster.
    pub running: Stacks,
    /// Tasks that wait: without a place, without a node, or starting.
    pub waiting: Line,
    /// Arrived since the start.
    pub arrived: Line,
    /// Completed since the start.
    pub completed: Line,
}

impl TaskLines {
    /// What the series tell of tasks; `None` where there are none.
    pub fn of(series: &Series, clusters: &[&str], times: &[f64], shown: &Shown) -> Option<Self> {
        let line = |column| series.line(None, None, column);
        let waiting = line("tasks_waiting");
        let running = shown.joined(&by_row(series, clusters, times, "tasks_running"));
        let (arrived, completed) = (line("tasks_arrived"), line("tasks_completed"));
        (!waiting.is_empty()).then_some(Self { running, waiting, arrived, completed })
    }
}
