//! When a conditional service starts, as people write it: PromQL on what the simulated world measures.
//!
//! ```yaml
//! start_when: 'rate(requests_total{service="crane"}[1m]) > 12'
//! ```
//! or, in full,
//! ```yaml
//! start_when:
//!   any:                                         # or `all`
//!     - event: crane-busy
//!       if: sum(rate(crane_frames_total[1m])) > 12
//!       for: 90 s
//!       metrics: {crane_frames_total: crane}     # whose it is
//!   stop_when_resolved: true
//! ```
//! `promql` reads the text, `resolve` says what its metrics stand for. Before its start a service has no replicas and is
//! called by nobody.

mod promql;
mod resolve;

pub use promql::{Fault, parse};
pub use resolve::{Declared, Measures, Names};

use super::application::ApplicationFile;
use super::at::At;
use super::error::InputError;
use super::file::Files;
use super::written::Written;
use crate::model::condition::{Event, Reading, StartWhen, Takes};
use crate::model::{Application, Cluster, ClusterId, ServiceId, Table};
use crate::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What stands for a service that is never started.
pub const NEVER: &str = "never";

/// What a service waits for: one of `any`, or all of `all`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StartFile {
    /// One of these events is enough.
    pub any: Vec<EventFile>,
    /// All of these events at the same time.
    pub all: Vec<EventFile>,
    /// Whether the service stops again when that is over. Otherwise it stays.
    pub stop_when_resolved: bool,
}

/// A condition that has to hold for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventFile {
    /// Name of the event.
    #[serde(default)]
    pub event: String,
    /// The condition in PromQL, like `rate(requests_total{service="web"}[1m]) > 12`.
    #[serde(rename = "if")]
    pub condition: String,
    /// For so long it has to hold.
    #[serde(default, rename = "for")]
    pub grace: Span,
    /// Whose the metrics of the condition are: the name of a service, or `{services, measures}`.
    #[serde(default)]
    pub metrics: BTreeMap<String, Written<String, MetricFile>>,
}

/// Whose a metric is, and what it measures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MetricFile {
    /// The services that have it.
    pub services: Vec<String>,
    /// What it measures; where nothing is said, its name tells.
    pub measures: Option<Measures>,
}

/// Checks what services wait for.
///
/// # Errors
/// What is wrong, below `at`, which is the application.
pub fn conditions(
    file: &ApplicationFile,
    (application, clusters): (&Application, &Table<ClusterId, Cluster>),
    files: &mut Files,
    at: &At<'_>,
) -> Result<Vec<(ServiceId, StartWhen)>, InputError> {
    let requests = application.requests();
    let names = Names {
        services: requests.map(|service| application.services[service].name.as_str()).collect(),
        clusters: clusters.values().map(|cluster| cluster.name.as_str()).collect(),
        declared: Declared::new(),
    };
    let mut found = Vec::new();
    for ((index, service), id) in file.services.iter().enumerate().zip(application.requests()) {
        let at = at.key("services").index(index).key("start_when");
        let start = match &service.start_when {
            None => continue,
            Some(Written::Short(text)) if text == NEVER => StartFile::default(),
            Some(Written::Short(text)) => {
                let (condition, name) = (text.clone(), service.name.0.clone());
                let event = EventFile { event: name, condition, grace: Span::ZERO, metrics: BTreeMap::new() };
                StartFile { any: vec![event], ..StartFile::default() }
            }
            Some(Written::Long(long)) if long.any.is_empty() == long.all.is_empty() => {
                return Err(at.error("what is waited for is not clear; write `any: [...]`, `all: [...]` or `never`"));
            }
            Some(Written::Long(long)) => long.clone(),
        };
        let start = start_when(&start, &names, files, &at)?;
        note_unseen(&start, application, files);
        found.push((id, start));
    }
    Ok(found)
}

/// A latency is only seen where users call.
fn note_unseen(start: &StartWhen, application: &Application, files: &mut Files) {
    let readings =
        start.events.iter().flat_map(|event| event.condition.readings().into_iter().map(move |one| (event, one)));
    for (event, reading) in readings {
        let Reading::Latency(service) = reading else { continue };
        if application.calls.iter().any(|call| call.to == service) {
            let name = &application.services[service].name;
            files.note(format!(
                "Event {}: no latency is seen of {name}, because users do not call it; the condition does not hold.",
                event.name
            ));
        }
    }
}

fn start_when(file: &StartFile, names: &Names<'_>, files: &mut Files, at: &At<'_>) -> Result<StartWhen, InputError> {
    let (takes, key, events) =
        if file.all.is_empty() { (Takes::Any, "any", &file.any) } else { (Takes::All, "all", &file.all) };
    let mut read = Vec::with_capacity(events.len());
    for (index, event) in events.iter().enumerate() {
        let item = at.key(key).index(index);
        let at = if item.node().is_some() { item.key("if") } else { at.clone() };
        let names = Names { declared: declared(event), ..names.clone() };
        let resolved = parse(&event.condition).and_then(|tree| names.condition(&tree));
        let (condition, notes) = resolved.map_err(|fault| at.error(fault.in_text(&event.condition)))?;
        for note in notes {
            files.note(format!("Event {}: {note}.", event.event));
        }
        read.push(Event { name: event.event.clone(), condition, grace: event.grace });
    }
    Ok(StartWhen { takes, events: read, stop_when_resolved: file.stop_when_resolved })
}

fn declared(event: &EventFile) -> Declared {
    let one = |metric: &Written<String, MetricFile>| match metric {
        Written::Short(service) => (vec![service.clone()], None),
        Written::Long(long) => (long.services.clone(), long.measures),
    };
    event.metrics.iter().map(|(name, metric)| (name.clone(), one(metric))).collect()
}

impl Fault {
    /// The fault with the text that it is in.
    pub fn in_text(&self, text: &str) -> String {
        format!("`{text}`, letter {}: {}", self.at, self.message)
    }
}
