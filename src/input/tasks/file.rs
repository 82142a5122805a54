//! `tasks:` of a scenario, and the classes and rows that come of it.

use super::collect::{Collected, Shape, TaskOptions};
use super::format;
use crate::input::at::At;
use crate::input::defaults;
use crate::input::error::InputError;
use crate::input::file::Files;
use crate::input::written::{DelayFile, Positive};
use crate::model::capacity::{Capacity, CapacityByClass};
use crate::model::cluster::{ACCELERATOR_LABEL, NodeTerms};
use crate::model::id::Id;
use crate::model::scenario::Truth;
use crate::model::task::{TaskRow, TasksInMemory};
use crate::model::{Resources, Service, ServiceId};
use crate::units::{Bytes, MilliCores, Ratio, Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Tasks from a file: pods, jobs or machines that arrive, run for a time and go. Those that ask for the same are a class,
/// about which policies decide as about a service.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskFile {
    /// The file; its first task is the start of the run.
    pub file: String,
    /// Its format, as `smo formats` names it; where nothing is said, it is found out from the name and the first line.
    #[serde(default)]
    pub format: Option<String>,
    /// Only tasks that arrive from here on, in the file's own time; this becomes its begin.
    #[serde(default)]
    pub from: Time,
    /// Only tasks that arrive before this, in the file's own time.
    #[serde(default)]
    pub until: Option<Time>,
    /// So long after the start of the run the first task arrives.
    #[serde(default)]
    pub shift: Span,
    /// Each task comes so many times: `50 %` leaves every other one out, `2` has each of them twice.
    #[serde(default = "defaults::scale")]
    pub scale: Positive<Ratio>,
    /// All tasks run so long, whatever the file says.
    #[serde(default)]
    pub duration: Option<Positive<Span>>,
    /// No task ever goes: how much fits?
    #[serde(default)]
    pub stay: bool,
    /// CPU that a running task uses, as a share of what it requests, where the file does not say.
    #[serde(default = "defaults::task_cpu_used")]
    pub cpu_used: Ratio,
    /// Requests are rounded up to multiples of these, so that there are fewer classes.
    #[serde(default)]
    pub round: Option<AmountsFile>,
    /// The machine that requests are shares of, for files that have shares only.
    #[serde(default)]
    pub whole: Option<AmountsFile>,
    /// Size of the image that a task pulls, once a node.
    #[serde(default)]
    pub image: Bytes,
    /// From the start of a task on its node until it runs.
    #[serde(default = "defaults::task_start")]
    pub start: DelayFile,
}

/// CPU and memory.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmountsFile {
    /// CPU.
    pub cpu: Positive<MilliCores>,
    /// Memory.
    pub memory: Positive<Bytes>,
}

/// The tasks of a scenario.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// What they ask for, by the order of their ids behind the services.
    pub classes: Vec<Service>,
    /// Tasks of each class.
    pub counts: Vec<u64>,
    /// All of them.
    pub source: TasksInMemory,
}

/// Reads all files of tasks; `services` is how many services there are before the classes.
///
/// # Errors
/// What is wrong with the entries, at `at`, or in a file.
pub fn load(entries: &[TaskFile], services: usize, files: &mut Files, at: &At<'_>) -> Result<Tasks, InputError> {
    let mut classes = Classes::default();
    let mut rows = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let at = at.index(index);
        let options = entry.options(&at)?;
        let path = files.hash(&entry.file, &at.key("file"))?;
        let found = format::read(&path, entry.format.as_deref(), &options)?;
        note(&found, &entry.file, files);
        if found.rows.is_empty() {
            return Err(
                at.error("no task of the file is left; write an earlier `from`, a later `until` or a larger `scale`")
            );
        }
        let ids: Vec<usize> = found.shapes.iter().map(|shape| classes.index(shape, entry)).collect();
        // Into the room of the rows that it comes from: there may be millions.
        let made = found.rows.into_iter().map(|row| {
            let class = ids[row.shape as usize];
            classes.counts[class] += 1;
            let class = ServiceId::from_index(services + class);
            TaskRow { at: row.at, class, duration: row.duration, cpu_used: row.cpu_used }
        });
        let made: Vec<TaskRow> = made.collect();
        if rows.is_empty() {
            rows = made;
        } else {
            rows.extend(made);
        }
    }
    if entries.len() > 1 {
        rows.sort_by_key(|row| row.at);
    }
    Ok(Tasks { classes: classes.services, counts: classes.counts, source: TasksInMemory::new(rows) })
}

fn note(found: &Collected, written: &str, files: &mut Files) {
    for note in &found.notes {
        files.note(format!("Tasks {written}: {note}."));
    }
    let (read, kept, shapes) = (found.read, found.rows.len(), found.shapes.len());
    files.note(format!("Tasks {written}: {kept} of {read} tasks are replayed, in {shapes} classes of equal requests."));
}

/// What is true of every class: nothing of it is about requests.
pub fn truth(class: &Service) -> Truth {
    Truth {
        capacity: class.capacity.clone(),
        service_time: None,
        service_variability: 1.0,
        arrival_variability: 1.0,
        queue_limit: Span::ZERO,
        cpu_at_capacity: Ratio::ONE,
        cpu_idle: Ratio::ZERO,
        changes: Vec::new(),
    }
}

impl TaskFile {
    fn options(&self, at: &At<'_>) -> Result<TaskOptions, InputError> {
        let (from, until) = (self.from, self.until.unwrap_or(Time::MAX));
        if until <= from {
            let message = format!("the part ends at {until} and begins at {from}; write a later end");
            return Err(at.key("until").error(message));
        }
        if self.stay && self.duration.is_some() {
            return Err(at.key("stay").error("tasks that stay have no duration; keep one of the two"));
        }
        let amounts = |amounts: AmountsFile| (amounts.cpu.0, amounts.memory.0);
        Ok(TaskOptions {
            window: (from, until),
            shift: self.shift,
            scale: self.scale.0,
            duration: self.duration.map(|duration| duration.0),
            stay: self.stay,
            round: self.round.map_or((MilliCores(1), Bytes(1)), amounts),
            whole: self.whole.map(amounts),
            cpu_used: self.cpu_used,
        })
    }
}

/// The classes so far.
#[derive(Default)]
struct Classes {
    services: Vec<Service>,
    counts: Vec<u64>,
    known: BTreeMap<String, Vec<usize>>,
}

impl Classes {
    /// The class of a shape in an entry; entries share those that are alike in all.
    fn index(&mut self, shape: &Shape, entry: &TaskFile) -> usize {
        let name = shape.name();
        let namesakes = self.known.entry(name.clone()).or_default();
        let alike = |index: &&usize| {
            let class = &self.services[**index];
            (class.image, class.start) == (entry.image, entry.start.0)
        };
        if let Some(index) = namesakes.iter().find(alike) {
            return *index;
        }
        let name = if namesakes.is_empty() { name } else { format!("{name}-{}", namesakes.len() + 1) };
        namesakes.push(self.services.len());
        self.services.push(class(name, shape, entry));
        self.counts.push(0);
        self.services.len() - 1
    }
}

fn class(name: String, shape: &Shape, entry: &TaskFile) -> Service {
    let mut terms = NodeTerms::default();
    if !shape.kinds.is_empty() {
        terms.one_of.insert(ACCELERATOR_LABEL.to_owned(), shape.kinds.clone());
    }
    Service {
        name,
        request: Resources { cpu: shape.cpu, memory: shape.memory, gpu: shape.gpu, pods: 1 },
        terms,
        replicas: 0,
        replicas_min: 0,
        replicas_max: u32::MAX,
        workers: 1,
        capacity: CapacityByClass::uniform(Capacity::Linear { alpha: 0.0, beta: 0.0 }),
        slo: None,
        image: entry.image,
        start: entry.start.0,
        drain: Span::ZERO,
        state: Bytes::ZERO,
        pinned: false,
    }
}
