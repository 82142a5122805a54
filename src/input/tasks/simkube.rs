//! Traces of `SimKube`: which Kubernetes objects were applied and deleted when.
//!
//! Each replica of an object is a task: it arrives when the object asks for one replica more, and goes when it asks for
//! fewer (the youngest first), asks for other resources, or is deleted. What is left at the end stays. Objects that run
//! nothing are left out.

use super::SECOND;
use super::collect::{Collector, Raw, Shape, TASKS_MAX};
use super::format::TaskFormat;
use super::records::whole;
use crate::input::formats::{Column, FormatPage, Kind};
use crate::input::trace::{Fault, Place, TraceError};
use crate::model::resources::DEVICE;
use crate::units::{Bytes, MilliCores, Span};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::rc::Rc;

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

/// The text is held whole.
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
    shape: Rc<Shape>,
    since: Vec<u64>,
}

/// A task: when it came, how long it ran, what it asked for.
type Task = (u64, Option<Span>, Rc<Shape>);

fn read(path: &Path, collector: &mut Collector<'_>) -> Result<(), TraceError> {
    let text = whole(path, SIZE_MAX)?;
    let mut replay = Replay::default();
    let mut json = serde_json::Deserializer::from_str(&text);
    let done = TraceSeed(&mut replay).deserialize(&mut json).and_then(|()| json.end());
    let mistake = |field: &str, message: &str| {
        TraceError::at(path, Place::Whole, field, Fault::Task(format!("{message}\n  export the trace again")))
    };
    if let Some((field, message)) = &replay.wrong {
        return Err(mistake(field, message));
    }
    done.map_err(|error| {
        if error.is_data() {
            return mistake("events", &error.to_string());
        }
        let place = Place::Line(error.line() as u64);
        TraceError::at(path, place, "", Fault::Task(format!("not JSON: {error}\n  export the trace again as JSON")))
    })?;
    if !replay.has_events {
        return Err(mistake("events", "there is no list of events"));
    }
    replay.finish(collector)
}

/// What has happened so far. Objects are taken one by one as the text is read, so that nobody holds all of them.
#[derive(Default)]
struct Replay {
    census: Census,
    live: BTreeMap<String, Live>,
    tasks: Vec<Task>,
    /// Replicas that ever were.
    replicas: usize,
    /// Kinds of objects that run nothing.
    idle: BTreeSet<String>,
    latest: u64,
    has_events: bool,
    /// Field and message of what is wrong with an event.
    wrong: Option<(&'static str, String)>,
}

impl Replay {
    fn on_event(&mut self, event: Event) -> Result<(), (&'static str, String)> {
        let at = event.ts.as_u64().ok_or_else(|| ("events.ts", "not a time in whole seconds".to_owned()))?;
        if at < self.latest {
            return Err(("events.ts", format!("{at} follows {}", self.latest)));
        }
        self.latest = at;
        self.census.events += 1;
        for Applied { key, kind, demand } in event.applied {
            self.census.applied += 1;
            match demand.map_err(|message| ("events.applied_objs", message))? {
                Some((replicas, shape)) => self.apply(key, (replicas, shape, at))?,
                None => drop(self.idle.insert(kind)),
            }
        }
        for Deleted(key) in event.deleted {
            self.census.deleted += 1;
            if let Some(gone) = self.live.remove(&key) {
                self.tasks.extend(gone.since.iter().map(|since| task(*since, Some(at), &gone.shape)));
            }
        }
        Ok(())
    }

    fn apply(&mut self, key: String, (replicas, shape, at): (usize, Shape, u64)) -> Result<(), (&'static str, String)> {
        let object = self.live.entry(key).or_insert_with(|| Live { shape: Rc::default(), since: Vec::new() });
        let is_same = *object.shape == shape;
        let kept = if is_same { replicas.min(object.since.len()) } else { 0 };
        self.replicas += replicas - kept;
        if self.replicas > TASKS_MAX {
            return Err(("events.applied_objs", format!("the objects ask for more than {TASKS_MAX} replicas")));
        }
        self.tasks.extend(object.since.drain(kept..).map(|since| task(since, Some(at), &object.shape)));
        if !is_same {
            object.shape = Rc::new(shape);
        }
        object.since.resize(replicas, at);
        Ok(())
    }

    fn finish(mut self, collector: &mut Collector<'_>) -> Result<(), TraceError> {
        for left in self.live.values() {
            self.tasks.extend(left.since.iter().map(|since| task(*since, None, &left.shape)));
        }
        self.tasks.sort_by_key(|(at, ..)| *at);
        let Census { events, applied, deleted } = self.census;
        collector
            .notes
            .push(format!("{events} events, {applied} objects applied, {deleted} deleted; each replica is a task"));
        if !self.idle.is_empty() {
            let kinds: Vec<String> = self.idle.into_iter().collect();
            collector.notes.push(format!("objects that run nothing are left out: {}", kinds.join(", ")));
        }
        self.tasks.into_iter().try_for_each(|(at, duration, shape)| {
            collector.push(Raw { at, duration, shape: Shape::clone(&shape), cpu_used: None }, Place::Whole)
        })
    }
}

fn task(since: u64, until: Option<u64>, shape: &Rc<Shape>) -> Task {
    (since.saturating_mul(SECOND), until.map(|until| Span::seconds(until - since)), Rc::clone(shape))
}

/// Reads a trace into a [`Replay`], event by event.
struct TraceSeed<'a>(&'a mut Replay);

impl<'de> DeserializeSeed<'de> for TraceSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TraceSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with a list of `events`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(key) = entries.next_key::<String>()? {
            if key == "events" {
                self.0.has_events = true;
                entries.next_value_seed(EventsSeed(self.0))?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct EventsSeed<'a>(&'a mut Replay);

impl<'de> DeserializeSeed<'de> for EventsSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for EventsSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        while let Some(event) = events.next_element::<Event>()? {
            if let Err(wrong) = self.0.on_event(event) {
                self.0.wrong = Some(wrong);
                return Err(A::Error::custom("an event is wrong"));
            }
        }
        Ok(())
    }
}

/// An event, with what is needed of its objects.
#[derive(serde::Deserialize)]
struct Event {
    #[serde(default)]
    ts: Value,
    #[serde(default, rename = "applied_objs", deserialize_with = "list")]
    applied: Vec<Applied>,
    #[serde(default, rename = "deleted_objs", deserialize_with = "list")]
    deleted: Vec<Deleted>,
}

/// `null` is an empty list.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An object that was applied: its name, its kind, and what it asks for or why that cannot be said.
struct Applied {
    key: String,
    kind: String,
    demand: Result<Option<(usize, Shape)>, String>,
}

impl<'de> Deserialize<'de> for Applied {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        let kind = object["kind"].as_str().unwrap_or("?").to_owned();
        Ok(Self { key: key(&object), kind, demand: demand(&object) })
    }
}

/// The name of an object that was deleted.
struct Deleted(String);

impl<'de> Deserialize<'de> for Deleted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(key(&Value::deserialize(deserializer)?)))
    }
}

/// Name of an object, unique at a time.
fn key(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    [text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"])].join("/")
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
