//! The pictures of tasks: how many run where, how many wait for a place, and how many came and went.

use super::chart::Ink;
use super::chart::over_time::View;
use super::markup::figure;
use super::policy::{clusters, fault_key};
use crate::report::timeline::task_lines::TaskLines;

/// The pictures, in order; none where there are no tasks.
pub fn pictures(view: &View<'_>) -> Vec<String> {
    view.timeline
        .tasks
        .as_ref()
        .map_or_else(Vec::new, |tasks| vec![waiting(view, tasks), running(view, tasks), come_and_gone(view, tasks)])
}

/// Tasks that wait for a place, to stand alone.
pub fn waiting(view: &View<'_>, tasks: &TaskLines) -> String {
    if tasks.waiting.iter().all(|(_, count)| count.is_none_or(|count| count <= 0.0)) {
        return "<p>No task was waiting at any sample.</p>\n".to_owned();
    }
    let mut legend = vec![("waiting".to_owned(), Ink::Lost.number())];
    legend.extend(fault_key(view.timeline));
    figure("Tasks that wait: without a place, or starting", &view.waiting(tasks), &legend)
}

fn running(view: &View<'_>, tasks: &TaskLines) -> String {
    if tasks.running.is_empty() {
        return "<p>No task was running at any sample.</p>\n".to_owned();
    }
    let mut legend = clusters(&tasks.running);
    legend.extend(fault_key(view.timeline));
    figure("Running tasks, by cluster", &view.stacks("Running tasks", &tasks.running, None), &legend)
}

fn come_and_gone(view: &View<'_>, tasks: &TaskLines) -> String {
    let mut legend =
        vec![("arrived".to_owned(), Ink::Offered.number()), ("completed".to_owned(), Ink::Series(2).number())];
    legend.extend(fault_key(view.timeline));
    figure("Tasks that arrived and completed since the start", &view.come_and_gone(tasks), &legend)
}
