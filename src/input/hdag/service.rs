//! From the tree of a document to one service of the descriptor.

use super::descriptor::{
    Artifact, ArtifactKind, CoLocation, Combination, Compute, Deployment, DescribedService, Endpoint, Event,
    EventCondition, EventSource, Implementer, Intent, LatencyIntent, Metric, NetworkIntent, OciConfig, OciRun, Size,
    Trigger,
};
use super::fields::{Fields, Reader, error};
use super::graph::switch;
use super::words::{LEVELS, Level, byte_amount, cpu_amount, duration, storage_level};
use crate::input::error::InputError;
use crate::input::node::{Node, Scalar, Value};
use crate::model::intent::Qos;
use crate::units::Span;
use std::collections::BTreeMap;

const QOS: &[(&str, Qos)] = &[("ultralow", Qos::Ultralow), ("low", Qos::Low), ("best-effort", Qos::BestEffort)];
const COMBINATIONS: &[(&str, Combination)] =
    &[("ANY", Combination::Any), ("ALL", Combination::All), ("AND", Combination::All), ("OR", Combination::Any)];
const KINDS: &[(&str, ArtifactKind)] =
    &[("VO", ArtifactKind::VirtualObject), ("cVO", ArtifactKind::CompositeVirtualObject), ("App", ArtifactKind::App)];
const IMPLEMENTERS: &[(&str, Implementer)] = &[("WOT", Implementer::Wot), ("HELM", Implementer::Helm)];

/// Reads the service that stands at `index` of the list.
pub fn service(node: &Node, index: usize, reader: &mut Reader) -> Result<DescribedService, InputError> {
    let name = node.get("id").and_then(Node::text).map_or_else(|| index.to_string(), str::to_owned);
    let fields = reader.open(node, &format!("hdaGraph.services.{name}"), &["id", "deployment", "artifact"])?;
    let id = fields.required("id", "the name of the service")?;
    let nothing = Node { place: node.place.clone(), value: Value::Map(Vec::new()) };
    let path = format!("{}.deployment", fields.path);
    let deployment = reader.open(fields.get("deployment").unwrap_or(&nothing), &path, &["trigger", "intent"])?;
    let trigger = match deployment.get("trigger") {
        Some(node) => trigger(node, &format!("{path}.trigger"), reader)?,
        None => Trigger::Auto { dependencies: Vec::new() },
    };
    let intent = intent(deployment.get("intent").unwrap_or(&nothing), &format!("{path}.intent"), reader)?;
    let artifact = if let Some(node) = fields.get("artifact") {
        Some(artifact(node, &format!("{}.artifact", fields.path), reader)?)
    } else {
        reader.note(&node.place, &fields.path, "no `artifact`: this service can be simulated and not be deployed");
        None
    };
    Ok(DescribedService { id, deployment: Deployment { trigger, intent }, artifact })
}

/// `{}`, `auto`, `{auto: ...}`, `{type: standard}` start with the graph; `{event: ...}` waits.
fn trigger(node: &Node, path: &str, reader: &mut Reader) -> Result<Trigger, InputError> {
    if let Some(word) = node.text() {
        if !["auto", "standard"].contains(&word) {
            reader.note(&node.place, path, &format!("the trigger `{word}` is read as `auto`"));
        }
        return Ok(Trigger::Auto { dependencies: Vec::new() });
    }
    let fields = reader.open(node, path, &["auto", "event", "type"])?;
    if fields.has("event") {
        if fields.has("auto") {
            reader.note(fields.place("auto"), path, "`event` stands beside `auto`: the service waits for its event");
        }
        let Some(event) = fields.get("event") else {
            return Err(fields.error("event", "an event trigger without events never fires; write `events: [...]`"));
        };
        return event_trigger(event, &format!("{path}.event"), reader);
    }
    match fields.get("auto") {
        Some(auto) if auto.text().is_none() => {
            let fields = reader.open(auto, &format!("{path}.auto"), &["dependencies"])?;
            Ok(Trigger::Auto { dependencies: reader.names(&fields, "dependencies")? })
        }
        _ => Ok(Trigger::Auto { dependencies: Vec::new() }),
    }
}

fn event_trigger(node: &Node, path: &str, reader: &mut Reader) -> Result<Trigger, InputError> {
    let fields = reader.open(node, path, &["condition", "events"])?;
    let condition = reader.word(&fields, "condition", COMBINATIONS).unwrap_or_default();
    let items = reader.list(&fields, "events")?;
    if items.is_empty() {
        return Err(fields.error("events", "an event trigger without events never fires; write at least one"));
    }
    let mut events = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        events.push(event(item, &format!("{path}.events.{index}"), reader)?);
    }
    Ok(Trigger::Event { condition, events })
}

fn event(node: &Node, path: &str, reader: &mut Reader) -> Result<Event, InputError> {
    let fields = reader.open(node, path, &["id", "source", "condition"])?;
    let id = fields.required("id", "the name of the event")?;
    let mut source = Vec::new();
    for item in reader.list(&fields, "source")? {
        let fields = reader.open(item, &format!("{path}.source"), &["serviceId", "metricId"])?;
        let text = |key| fields.text(key).map(Option::unwrap_or_default);
        source.push(EventSource { service_id: text("serviceId")?, metric_id: text("metricId")? });
    }
    let Some(condition) = fields.get("condition") else {
        return Err(fields.error("condition", "is missing; write `condition: {promQuery: ..., gracePeriod: 1m}`"));
    };
    let fields = reader.open(condition, &format!("{path}.condition"), &["promQuery", "gracePeriod", "description"])?;
    let condition = EventCondition {
        prom_query: fields.required("promQuery", "a condition in PromQL")?,
        grace_period: span(&fields, "gracePeriod")?.unwrap_or(Span::ZERO),
        description: fields.text("description")?.unwrap_or_default(),
    };
    Ok(Event { id, source, condition })
}

/// A Prometheus duration.
fn span(fields: &Fields<'_>, key: &'static str) -> Result<Option<Span>, InputError> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    let wrong =
        || fields.error(key, &format!("`{text}` is no duration of Prometheus; write it like `90s`, `2m` or `1h30m`"));
    duration(&text).map(Some).ok_or_else(wrong)
}

fn intent(node: &Node, path: &str, reader: &mut Reader) -> Result<Intent, InputError> {
    const INTENT: &[&str] = &["network", "compute", "coLocation", "connectionPoints", "metrics"];
    let fields = reader.open(node, path, INTENT)?;
    let nothing = Node { place: node.place.clone(), value: Value::Map(Vec::new()) };
    let network_node = fields.get("network").unwrap_or(&nothing);
    let known = &["deviceProximity", "latencies", "connectionPoints"];
    let network = reader.open(network_node, &format!("{path}.network"), known)?;
    let mut connection_points = reader.names(&fields, "connectionPoints")?;
    let misplaced = reader.names(&network, "connectionPoints")?;
    if !misplaced.is_empty() {
        let used = if connection_points.is_empty() {
            "they are read as if they stood there"
        } else {
            "those here are left out"
        };
        let message = format!("connection points belong below `intent`; {used}");
        reader.note(network.place("connectionPoints"), &format!("{path}.network.connectionPoints"), &message);
        if connection_points.is_empty() {
            connection_points = misplaced;
        }
    }
    let network = network_intent(&network, reader)?;
    let compute = compute(fields.get("compute").unwrap_or(&nothing), &format!("{path}.compute"), reader)?;
    let mut co_location = Vec::new();
    for item in reader.list(&fields, "coLocation")? {
        let fields = reader.open(item, &format!("{path}.coLocation"), &["id", "groundedGraphId"])?;
        let id = fields.required("id", "a service of a deployed graph")?;
        co_location.push(CoLocation { id, grounded_graph_id: fields.text("groundedGraphId")? });
    }
    let mut metrics = Vec::new();
    for item in reader.list(&fields, "metrics")? {
        metrics.push(metric(item, &format!("{path}.metrics"), reader)?);
    }
    Ok(Intent { network, compute, co_location, connection_points, metrics })
}

fn network_intent(fields: &Fields<'_>, reader: &mut Reader) -> Result<NetworkIntent, InputError> {
    let mut latencies = Vec::new();
    for item in reader.list(fields, "latencies")? {
        let path = format!("{}.latencies", fields.path);
        let fields = reader.open(item, &path, &["connectionPoint", "qos"])?;
        let connection_point = fields.required("connectionPoint", "the service that is called")?;
        let qos = reader.word(&fields, "qos", QOS).unwrap_or_default();
        latencies.push(LatencyIntent { connection_point, qos });
    }
    Ok(NetworkIntent { device_proximity: switch(fields, "deviceProximity", reader)?, latencies })
}

fn compute(node: &Node, path: &str, reader: &mut Reader) -> Result<Compute, InputError> {
    let fields = reader.open(node, path, &["cpu", "ram", "storage", "gpu"])?;
    let cpu = size(&fields, "cpu", cpu_amount, reader)?;
    let ram = size(&fields, "ram", byte_amount, reader)?;
    let storage = size(&fields, "storage", byte_amount, reader)?;
    if let Size::Level(level) = storage
        && storage_level(level).is_none()
    {
        return Err(fields.error("storage", "storage has no level `light`; write `small` or an amount like `5Gi`"));
    }
    Ok(Compute { cpu, ram, storage, gpu: switch(&fields, "gpu", reader)? })
}

/// A level, an amount, or a level with a slip of the pen; `small` where nothing is said.
fn size<Q: Copy + Default + PartialEq>(
    fields: &Fields<'_>,
    key: &'static str,
    amount: fn(&str) -> Option<Q>,
    reader: &mut Reader,
) -> Result<Size<Q>, InputError> {
    let Some(text) = fields.text(key)? else { return Ok(Size::Level(Level::Small)) };
    let text = text.trim();
    if let Some(level) = Level::named(text) {
        return Ok(Size::Level(level));
    }
    if let Some(amount) = amount(text) {
        if amount == Q::default() && key != "storage" {
            return Err(fields.error(key, &format!("`{text}` is nothing; write something more than zero")));
        }
        return Ok(Size::Amount(amount));
    }
    let before = reader.notes.len();
    if let Some(level) = reader.word(fields, key, &LEVELS) {
        return Ok(Size::Level(level));
    }
    reader.notes.truncate(before);
    let remedy = "write `light`, `small`, `medium`, `large`, or an amount of Kubernetes like `500m` (CPU) or `2Gi`";
    Err(fields.error(key, &format!("`{text}` is neither a level nor an amount; {remedy}")))
}

fn metric(node: &Node, path: &str, reader: &mut Reader) -> Result<Metric, InputError> {
    let fields = reader.open(node, path, &["id", "metricName", "selector", "endpoint"])?;
    let mut selector = BTreeMap::new();
    if let Some(Value::Map(entries)) = fields.get("selector").map(|node| &node.value) {
        for entry in entries {
            let value = entry.node.text().ok_or_else(|| {
                error(
                    &entry.node.place,
                    &format!("{path}.selector.{}", entry.key),
                    "a label has a text; write one word",
                )
            })?;
            selector.insert(entry.key.to_string(), value.to_owned());
        }
    }
    let endpoint = match fields.get("endpoint") {
        None => None,
        Some(node) => {
            let fields = reader.open(node, &format!("{path}.endpoint"), &["port", "interval"])?;
            Some(Endpoint { port: fields.text("port")?, interval: span(&fields, "interval")? })
        }
    };
    let metric_name = fields.text("metricName")?;
    let id = fields.text("id")?.or_else(|| metric_name.clone());
    let id =
        id.ok_or_else(|| fields.error("id", "is missing; write `id: NAME`, by which events refer to the metric"))?;
    Ok(Metric { metric_name: metric_name.unwrap_or_else(|| id.clone()), id, selector, endpoint })
}

fn artifact(node: &Node, path: &str, reader: &mut Reader) -> Result<Artifact, InputError> {
    let fields = reader.open(node, path, &["ociImage", "ociConfig", "ociRun", "valuesOverwrite"])?;
    let oci_image = fields.text("ociImage")?;
    if let Some(image) = oci_image.as_deref().filter(|image| !image.starts_with("oci://")) {
        let message = format!("`{image}` is no chart in an OCI registry; Helm takes `oci://HOST/PROJECT/CHART`");
        reader.note(fields.place("ociImage"), &format!("{path}.ociImage"), &message);
    }
    let oci_config = match fields.get("ociConfig") {
        None => OciConfig::default(),
        Some(node) => {
            let fields = reader.open(node, &format!("{path}.ociConfig"), &["type", "implementer"])?;
            let kind = reader.word(&fields, "type", KINDS);
            OciConfig { kind, implementer: reader.word(&fields, "implementer", IMPLEMENTERS) }
        }
    };
    let oci_run = match fields.get("ociRun") {
        None => None,
        Some(node) => {
            let fields = reader.open(node, &format!("{path}.ociRun"), &["name", "version"])?;
            Some(OciRun { name: fields.text("name")?, version: fields.text("version")? })
        }
    };
    let values_overwrite = match fields.get("valuesOverwrite").map(json) {
        None => serde_json::Map::new(),
        Some(serde_json::Value::Object(values)) => values,
        Some(_) => {
            return Err(fields.error("valuesOverwrite", "Helm values are a map; write `{key: value}`, or leave it out"));
        }
    };
    Ok(Artifact { oci_image, oci_config, oci_run, values_overwrite })
}

/// A tree as JSON; numbers that JSON does not have are text.
fn json(node: &Node) -> serde_json::Value {
    use serde_json::Value as Json;
    match &node.value {
        Value::Scalar(Scalar::Null) => Json::Null,
        Value::Scalar(Scalar::Bool(value, _)) => Json::Bool(*value),
        Value::Scalar(Scalar::Unsigned(value, _)) => Json::from(*value),
        Value::Scalar(Scalar::Signed(value, _)) => Json::from(*value),
        Value::Scalar(Scalar::Float(value, text)) => {
            serde_json::Number::from_f64(*value).map_or_else(|| Json::String(text.to_string()), Json::Number)
        }
        Value::Scalar(Scalar::Text(text)) => Json::String(text.to_string()),
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|entry| (entry.key.to_string(), json(&entry.node))).collect())
        }
    }
}
