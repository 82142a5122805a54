//! HDAG descriptors: the application graphs of the Synergetic Meta-Orchestrator, read in full.
//!
//! `words` (levels, amounts, durations) and `fields` (maps that forgive) are the ground; `graph` and `service` read the
//! types of `descriptor`. `native` translates a descriptor into the tree that an application file would give (`events` its
//! conditions, `overlay` what a scenario says beside it), with the places of the descriptor kept, so that variants, `--set`, defaults and messages work as for any scenario.
//!
//! The published descriptors have misspellings and flags as text, and still have to load: what is odd is a [`Note`] with
//! its line, and only what nobody could guess is an error. Nothing is fetched and no chart is looked into.

mod descriptor;
mod events;
mod fields;
mod graph;
mod native;
mod overlay;
mod service;
#[cfg(test)]
mod tests;
mod words;

pub use descriptor::{
    Artifact, ArtifactKind, CoLocation, Combination, Compute, Deployment, DescribedService, Descriptor, Endpoint,
    Event, EventCondition, EventSource, GraphIntent, Implementer, Intent, LatencyIntent, Metric, NetworkIntent,
    OciConfig, OciRun, Size, Switch, Trigger,
};
pub use fields::Note;
pub use overlay::{need_capacities, resolve};
pub use words::{Level, duration, ram_level, storage_level, write_duration};

use super::error::InputError;
use super::formats::{Column, FormatPage, Kind};
use super::node::{Node, Scalar, Value};
use fields::Reader;

/// The format's page.
pub const PAGE: FormatPage = FormatPage {
    name: "hdag",
    kind: Kind::Application,
    what: "HDAG descriptor of the Synergetic Meta-Orchestrator (information model 0.4.0): services, calls and intents",
    extensions: &["yaml", "yml", "json"],
    columns: &[
        column("hdaGraph.id", "text", "name of the application"),
        column("hdaGraph.hdaGraphIntent", "flags", "security, highAvailability, highPerformance, energyEfficiency"),
        column("services[].id", "text", "name of the service"),
        column("services[].deployment.trigger", "map", "`auto` starts with the graph, `event` waits for its condition"),
        column(
            "services[].deployment.trigger.event",
            "map",
            "`condition` ANY or ALL of `events`: PromQL with a grace period; what cannot be evaluated is noted and left out",
        ),
        column(
            "services[].deployment.intent.compute.cpu",
            "level or cores",
            "light 0.5, small 1, medium 4, large 8, or an amount like `750m`; small where it is missing",
        ),
        column(
            "services[].deployment.intent.compute.ram",
            "level or bytes",
            "light 500 MiB, small 1 GiB, medium 2 GiB, large 8 GiB, or an amount like `3Gi`",
        ),
        column("services[].deployment.intent.compute.gpu.enabled", "flag", "one accelerator, as a boolean or as text"),
        column("services[].deployment.intent.connectionPoints", "list", "services that it calls"),
        column(
            "services[].deployment.intent.network.latencies",
            "list",
            "how near a called service has to be: `ultralow` less than 10 ms, `low` one hop, `best-effort`",
        ),
        column("services[].deployment.intent.network.deviceProximity", "flag", "near the users rather than elsewhere"),
        column("services[].deployment.intent.coLocation", "list", "services that it runs together with"),
        column("services[].deployment.intent.metrics", "list", "whose the metrics of events are"),
        column("services[].artifact", "map", "chart and Helm values: kept, not simulated"),
    ],
    example: "hdaGraph:\n  id: tiny\n  services: [{id: echo, deployment: {intent: {compute: {cpu: light, ram: light}}}}]",
    writable: false,
};

const fn column(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    Column { name, unit, meaning }
}

/// Reads a descriptor from YAML or JSON; `name` is what messages call it. A JSON text that holds the document, as the
/// original's interface takes it, is unwrapped.
///
/// # Errors
/// Broken YAML, or what nobody could guess: a value of the wrong shape, a required one that is missing, an unknown amount.
pub fn parse(text: impl Into<Box<str>>, name: &str) -> Result<(Descriptor, Vec<Note>), InputError> {
    let root = Node::parse(text, name)?;
    let inner = match &root.value {
        Value::Scalar(Scalar::Text(inner)) if inner.contains("hdaGraph") => Some(Node::parse(&**inner, name)?),
        _ => None,
    };
    let mut reader = Reader::default();
    let descriptor = graph::descriptor(inner.as_ref().unwrap_or(&root), &mut reader)?;
    Ok((descriptor, reader.notes))
}
