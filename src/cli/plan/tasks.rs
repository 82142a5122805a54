//! The tasks that a plan is made for: those that are there at an instant, had none of them waited.

use crate::model::workload::WorkloadError;
use crate::model::{Snapshot, TaskRow, TaskSource};
use crate::units::{Span, Time};

/// All tasks of a source, in order of arrival.
///
/// # Errors
/// A trace that cannot be read.
pub fn all(mut source: Box<dyn TaskSource>) -> Result<Vec<TaskRow>, WorkloadError> {
    let mut rows = Vec::new();
    while let Some(row) = source.next_task()? {
        rows.push(row);
    }
    Ok(rows)
}

/// The first instant at which most tasks are there; the start where there are none.
pub fn busiest(tasks: &[TaskRow]) -> Time {
    let mut ends: Vec<Time> = tasks.iter().filter_map(end).collect();
    ends.sort_unstable();
    let (mut gone, mut best) = (0, (0, Time::ZERO));
    for (index, task) in tasks.iter().enumerate() {
        while ends.get(gone).is_some_and(|end| *end <= task.at) {
            gone += 1;
        }
        // A task without a length is gone before it is seen; it counts when it comes.
        let there = (index + 1).saturating_sub(gone);
        if there > best.0 {
            best = (there, task.at);
        }
    }
    best.1
}

/// When a task is gone; `None` where it stays.
fn end(task: &TaskRow) -> Option<Time> {
    task.duration.map(|duration: Span| task.at + duration)
}

/// Counts the tasks that are there at the snapshot's instant into their classes.
pub fn put(tasks: &[TaskRow], snapshot: &mut Snapshot) {
    let at = snapshot.at;
    for task in tasks.iter().filter(|task| task.at <= at && end(task).is_none_or(|end| end > at)) {
        snapshot.services[task.class].tasks += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::busiest;
    use crate::model::{ServiceId, TaskRow};
    use crate::units::{MilliCores, Span, Time};

    /// Three come at 0, 10 and 20 s; the first is gone at 20 s, when the third comes, so two are the most, from 10 s on.
    #[test]
    fn most_tasks_are_there_when_arrivals_less_departures_say_so() {
        let task = |second: u64, seconds: u64| TaskRow {
            at: Time(second * 1_000_000_000),
            class: ServiceId(0),
            duration: Some(Span::seconds(seconds)),
            cpu_used: MilliCores(0),
        };
        let tasks = [task(0, 20), task(10, 100), task(20, 100)];
        assert_eq!(busiest(&tasks), Time(10_000_000_000));
        assert_eq!(busiest(&[]), Time::ZERO);
    }
}
