//! Google's cluster trace of 2011, table `task_events`: what happened to each task, one line an event, without a header.
//!
//! A task that is submitted and scheduled runs until it is evicted, fails, finishes, is killed or lost; what is submitted
//! again is another task. One without an end in the file runs on. Requests are shares of the largest machine, which nobody
//! outside knows: the scenario says what the whole is. Events before the trace (time 0) count as its beginning.

use super::collect::{Collector, Raw, Shape};
use super::format::TaskFormat;
use super::records::Records;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::trace::{Fault, Place, TraceError};
use crate::units::{Bytes, MilliCores, Span};
use std::collections::BTreeMap;
use std::path::Path;

/// Registers this format.
pub const FORMAT: TaskFormat = TaskFormat { page: &PAGE, fits, read };

/// The columns of the table, by the trace's own schema.
const COLUMNS: [&str; 13] = [
    "timestamp",
    "missing_info",
    "job_id",
    "task_index",
    "machine_id",
    "event_type",
    "user",
    "scheduling_class",
    "priority",
    "cpu_request",
    "memory_request",
    "disk_space_request",
    "different_machines",
];

/// What `smo formats` says of it.
pub const PAGE: FormatPage = FormatPage {
    name: "google-2011",
    kind: Kind::Tasks,
    what: "Table `task_events` of Google's cluster trace of 2011; `whole` says what machine its requests are shares of.",
    extensions: &[".csv", ".csv.gz", ".csv.zst"],
    columns: &[
        Column { name: "timestamp", unit: "µs", meaning: "first column: when; 0 is before the trace" },
        Column { name: "job_id", unit: "text", meaning: "third column" },
        Column { name: "task_index", unit: "number", meaning: "fourth column: the task within the job" },
        Column {
            name: "event_type",
            unit: "number",
            meaning: "sixth column: 0 submit, 1 schedule, 2 evict, 3 fail, 4 finish, 5 kill, 6 lost, 7 and 8 update",
        },
        Column { name: "cpu_request", unit: "share", meaning: "tenth column, of the largest machine; empty: none" },
        Column {
            name: "memory_request",
            unit: "share",
            meaning: "eleventh column, of the largest machine; empty: none",
        },
    ],
    example: "0,,3418309,0,4155527081,0,70s3v5qRyCO/1PCdI6fVXnrW8FU/w+5CKRSa72xgcIo=,3,9,0.125,0.07446,0.0004244,0\n",
    writable: false,
};

/// A task that was submitted and has not ended.
struct Open {
    at: u64,
    begun: Option<u64>,
    shape: Shape,
    place: Place,
}

fn fits(name: &str, line: &str) -> bool {
    let fields: Vec<&str> = line.split(',').collect();
    fields.len() == COLUMNS.len()
        && (name.contains("task_events") || fields[0].bytes().all(|byte| byte.is_ascii_digit()))
}

fn read(path: &Path, collector: &mut Collector<'_>) -> Result<(), TraceError> {
    let Some(whole) = collector.options().whole else {
        let message = "its requests are shares of a machine that it does not describe\n  \
                       say what the whole is, like `whole: {cpu: 32, memory: 64 GiB}`";
        return Err(TraceError::whole(path, Fault::Task(message.to_owned())));
    };
    let mut records = Records::headless(path, &COLUMNS)?;
    let mut open: BTreeMap<(u64, u64), Open> = BTreeMap::new();
    let (mut latest, mut tasks) = (0, Vec::new());
    while records.next()? {
        let at = records.number(0, 1_000)?;
        if at < latest {
            return Err(
                records.error(0, "it lies before the line above\n  sort the file by its first column".to_owned())
            );
        }
        latest = at;
        let key = (records.number(2, 1)?, records.number(3, 1)?);
        match records.number(5, 1)? {
            0 => {
                let task = Open { at, begun: None, shape: shape(&records, whole)?, place: records.place() };
                open.insert(key, task);
            }
            1 => drop(open.get_mut(&key).map(|task| task.begun = Some(at))),
            2..=6 => tasks.extend(open.remove(&key).map(|task| ended(task, Some(at)))),
            7 | 8 => {}
            other => {
                return Err(records.error(5, format!("{other} is no type of event\n  types are the numbers 0 to 8")));
            }
        }
    }
    let unended = open.len();
    tasks.extend(open.into_values().map(|task| ended(task, None)));
    tasks.sort_by_key(|(raw, _)| raw.at);
    if unended > 0 {
        collector.notes.push(format!("{unended} tasks do not end in it: they run until the run is over"));
    }
    tasks.into_iter().try_for_each(|(raw, place)| collector.push(raw, place))
}

fn ended(task: Open, end: Option<u64>) -> (Raw, Place) {
    let duration = end.map(|end| Span(end - task.begun.unwrap_or(task.at)));
    (Raw { at: task.at, duration, shape: task.shape, cpu_used: None }, task.place)
}

fn shape(records: &Records, (cpu, memory): (MilliCores, Bytes)) -> Result<Shape, TraceError> {
    let part = |column, whole| if records.is_empty(column) { Ok(0) } else { records.number(column, whole) };
    Ok(Shape { cpu: MilliCores(part(9, cpu.0)?), memory: Bytes(part(10, memory.0)?), ..Shape::default() })
}
