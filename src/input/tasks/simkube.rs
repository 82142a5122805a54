//! Traces of `SimKube`: which Kubernetes objects were applied and deleted when.
//!
//! Each replica of an object is a task: it arrives when the object asks for one replica more, and goes when it asks for
//! fewer (the youngest first), asks for other resources, or is deleted. What is left at the end stays. Objects that run
//! nothing are left out.

use super::SECOND;
use super::collect::{Collector, Raw, Shape};
use super::format::TaskFormat;
use super::records::whole;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::trace::{Fault, Place, TraceError};
use crate::model::resources::DEVICE;
use crate::units::{Bytes, MilliCores, Span};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Registers this format.
pub const FORMAT: TaskFormat = TaskFormat { page: &PAGE, fits: |_, line| line.trim_start().starts_with('{'), read };

/// What `smo formats` says of it.
pub const PAGE: FormatPage = FormatPage {
    name: "simkube",
    kind: Kind::Tasks,
    what: "Kubernetes objects over time, as SimKube exports them; each replica is a task.",
    extensions: &[".json", ".json.gz", ".json.zst"],
    columns: &[
        Column { name: "events.ts", unit: "s", meaning: "when, in seconds since 1970" },
        Column {
            name: "events.applied_objs",
            unit: "objects",
            meaning: "Deployments, StatefulSets, ReplicaSets, Jobs, Pods",
        },
        Column { name: "events.deleted_objs", unit: "objects", meaning: "those that are gone from now on" },
    ],
    example: "{\"version\": 2, \"config\": {}, \"events\": [{\"ts\": 1710892138, \"applied_objs\": [], \"deleted_objs\": []}]}\n",
    writable: false,
};

/// A JSON file is held whole.
const SIZE_MAX: Bytes = Bytes(256 << 20);

/// What a trace holds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Events.
    pub events: u64,
    /// Objects that were applied, over all events.
    pub applied: u64,
    /// Objects that were deleted.
    pub deleted: u64,
}

/// An object that runs: its shape, and since when each replica is there.
struct Live {
    shape: Shape,
    since: Vec<u64>,
}

fn read(path: &Path, collector: &mut Collector<'_>) -> Result<(), TraceError> {
    let text = whole(path, SIZE_MAX)?;
    let trace: Value = serde_json::from_str(&text).map_err(|error| {
        let place = Place::Line(error.line() as u64);
        TraceError::at(path, place, "", Fault::Task(format!("not JSON: {error}\n  export the trace again as JSON")))
    })?;
    let mistake = |field: &str, message: &str| {
        TraceError::at(path, Place::Whole, field, Fault::Task(format!("{message}\n  export the trace again")))
    };
    let events = trace["events"].as_array().ok_or_else(|| mistake("events", "there is no list of events"))?;
    let (mut census, mut live, mut tasks, mut idle) = (Census::default(), BTreeMap::new(), Vec::new(), BTreeSet::new());
    let mut latest = 0;
    for event in events {
        let at = event["ts"].as_u64().ok_or_else(|| mistake("events.ts", "not a time in whole seconds"))?;
        if at < latest {
            return Err(mistake("events.ts", &format!("{at} follows {latest}")));
        }
        latest = at;
        census.events += 1;
        for object in event["applied_objs"].as_array().into_iter().flatten() {
            census.applied += 1;
            match demand(object).map_err(|message| mistake("events.applied_objs", &message))? {
                Some((replicas, shape)) => apply(&mut live, key(object), (replicas, shape, at), &mut tasks),
                None => drop(idle.insert(object["kind"].as_str().unwrap_or("?").to_owned())),
            }
        }
        for object in event["deleted_objs"].as_array().into_iter().flatten() {
            census.deleted += 1;
            if let Some(gone) = live.remove(&key(object)) {
                tasks.extend(gone.since.iter().map(|since| task(*since, Some(at), &gone.shape)));
            }
        }
    }
    tasks.extend(live.values().flat_map(|left| left.since.iter().map(|since| task(*since, None, &left.shape))));
    tasks.sort_by_key(|raw| raw.at);
    let Census { events, applied, deleted } = census;
    collector
        .notes
        .push(format!("{events} events, {applied} objects applied, {deleted} deleted; each replica is a task"));
    if !idle.is_empty() {
        let kinds: Vec<String> = idle.into_iter().collect();
        collector.notes.push(format!("objects that run nothing are left out: {}", kinds.join(", ")));
    }
    tasks.into_iter().try_for_each(|raw| collector.push(raw, Place::Whole))
}

/// Name of an object, unique at a time.
fn key(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    [text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"])].join("/")
}

fn task(since: u64, until: Option<u64>, shape: &Shape) -> Raw {
    let duration = until.map(|until| Span::seconds(until - since));
    Raw { at: since.saturating_mul(SECOND), duration, shape: shape.clone(), cpu_used: None }
}

fn apply(
    live: &mut BTreeMap<String, Live>,
    key: String,
    (replicas, shape, at): (usize, Shape, u64),
    tasks: &mut Vec<Raw>,
) {
    let object = live.entry(key).or_insert_with(|| Live { shape: shape.clone(), since: Vec::new() });
    let kept = if object.shape == shape { replicas.min(object.since.len()) } else { 0 };
    tasks.extend(object.since.drain(kept..).map(|since| task(since, Some(at), &object.shape)));
    object.shape = shape;
    object.since.resize(replicas, at);
}

/// Replicas of an object and what each asks for; `None` for one that runs nothing.
fn demand(object: &Value) -> Result<Option<(usize, Shape)>, String> {
    const REPLICAS_MAX: u64 = 100_000;
    let spec = &object["spec"];
    let (count, pod) = match object["kind"].as_str() {
        Some("Deployment" | "StatefulSet" | "ReplicaSet") => (&spec["replicas"], &spec["template"]["spec"]),
        Some("Job") => (&spec["parallelism"], &spec["template"]["spec"]),
        Some("Pod") => (&Value::Null, spec),
        _ => return Ok(None),
    };
    let replicas = count.as_u64().unwrap_or(1);
    if replicas > REPLICAS_MAX {
        return Err(format!("{} asks for {replicas} replicas, more than {REPLICAS_MAX}", key(object)));
    }
    let mut shape = Shape::default();
    for container in pod["containers"].as_array().into_iter().flatten() {
        let requests = &container["resources"]["requests"];
        let read =
            |name: &str, unit: u64| quantity(&requests[name], unit).map_err(|text| format!("`{text}` is no quantity"));
        shape.cpu = MilliCores(shape.cpu.0.saturating_add(read("cpu", 1_000)?));
        shape.memory = Bytes(shape.memory.0.saturating_add(read("memory", 1)?));
        shape.gpu = shape.gpu.saturating_add(read("nvidia.com/gpu", DEVICE)?);
    }
    Ok(Some((usize::try_from(replicas).unwrap_or(usize::MAX), shape)))
}

/// A Kubernetes quantity times `unit`, rounded up; none is nothing.
fn quantity(value: &Value, unit: u64) -> Result<u64, String> {
    const SUFFIXES: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
    ];
    let text = match value {
        Value::Null => return Ok(0),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (number, factor) = SUFFIXES
        .iter()
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))
        .unwrap_or((text.as_str(), 1.0));
    let amount = number.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let scaled = amount.map(|amount| (amount * factor * unit as f64 - 1e-9).ceil().max(0.0));
    scaled.and_then(|scaled| super::opendc::integer(scaled, 1)).ok_or(text)
}
