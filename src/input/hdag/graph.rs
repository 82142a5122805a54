//! From the tree of a document to the descriptor: the graph, and what must agree between its services.

use super::descriptor::{Descriptor, GraphIntent, Switch, Trigger};
use super::fields::{Fields, Reader, below, error};
use super::service::service;
use super::words::flag;
use crate::input::error::{InputError, known_names};
use crate::input::node::Node;
use std::collections::BTreeSet;

/// The information model that this reads.
const IM_VERSION: &str = "0.4.0";

const GRAPH: &[&str] = &["imVersion", "id", "version", "designer", "description", "hdaGraphIntent", "services"];
const INTENT: &[&str] = &["security", "highAvailability", "highPerformance", "energyEfficiency", "useStaticPlacement"];

/// Reads the document below `root`.
pub fn descriptor(root: &Node, reader: &mut Reader) -> Result<Descriptor, InputError> {
    let top = reader.open(root, "", &["hdaGraph"])?;
    let Some(graph) = top.get("hdaGraph") else {
        let message = "this is no HDAG descriptor, it has no `hdaGraph`; write `hdaGraph: {id: NAME, services: [...]}`";
        return Err(error(&root.place, "", message));
    };
    let fields = reader.open(graph, "hdaGraph", GRAPH)?;
    let descriptor = Descriptor {
        im_version: fields.text("imVersion")?,
        id: fields.required("id", "the name of the graph")?,
        version: fields.text("version")?,
        designer: fields.text("designer")?,
        description: fields.text("description")?,
        intent: intent(&fields, reader)?,
        services: services(&fields, reader)?,
    };
    note_versions(&fields, &descriptor, reader);
    note_names(&fields, &descriptor, reader);
    Ok(descriptor)
}

fn intent(fields: &Fields<'_>, reader: &mut Reader) -> Result<GraphIntent, InputError> {
    let Some(node) = fields.get("hdaGraphIntent") else { return Ok(GraphIntent::default()) };
    let fields = reader.open(node, "hdaGraph.hdaGraphIntent", INTENT)?;
    Ok(GraphIntent {
        security: switch(&fields, "security", reader)?,
        high_availability: switch(&fields, "highAvailability", reader)?,
        high_performance: switch(&fields, "highPerformance", reader)?,
        energy_efficiency: switch(&fields, "energyEfficiency", reader)?,
        use_static_placement: truth(&fields, "useStaticPlacement")?.unwrap_or(false),
    })
}

/// `{enabled: true}`, or the flag alone with a note; off where nothing is said.
pub fn switch(fields: &Fields<'_>, key: &'static str, reader: &mut Reader) -> Result<Switch, InputError> {
    let Some(node) = fields.get(key) else { return Ok(Switch::default()) };
    let path = below(&fields.path, key);
    if let Some(enabled) = node.text().and_then(flag) {
        reader.note(&node.place, &path, &format!("a flag alone is read as `{{enabled: {enabled}}}`"));
        return Ok(Switch { enabled });
    }
    let fields = reader.open(node, &path, &["enabled"])?;
    Ok(Switch { enabled: truth(&fields, "enabled")?.unwrap_or(false) })
}

/// A flag, as a boolean or as text.
fn truth(fields: &Fields<'_>, key: &'static str) -> Result<Option<bool>, InputError> {
    let Some(text) = fields.text(key)? else { return Ok(None) };
    let wrong = || fields.error(key, &format!("`{text}` is no flag; write `true` or `false`"));
    flag(&text).map(Some).ok_or_else(wrong)
}

fn services(fields: &Fields<'_>, reader: &mut Reader) -> Result<Vec<super::descriptor::DescribedService>, InputError> {
    let items = reader.list(fields, "services")?;
    let mut services = Vec::with_capacity(items.len());
    let mut seen = BTreeSet::new();
    for (index, item) in items.into_iter().enumerate() {
        let found = service(item, index, reader)?;
        if !seen.insert(found.id.clone()) {
            let message = format!("a second service has the id `{}`; rename one of the two", found.id);
            return Err(error(&item.place, &format!("hdaGraph.services.{}", found.id), &message));
        }
        services.push(found);
    }
    if services.is_empty() {
        return Err(fields.error("services", "a graph without services does nothing; write at least one"));
    }
    Ok(services)
}

fn note_versions(fields: &Fields<'_>, descriptor: &Descriptor, reader: &mut Reader) {
    if let Some(version) = descriptor.im_version.as_deref().filter(|version| *version != IM_VERSION) {
        let message = format!("the information model {version} is read like {IM_VERSION}");
        reader.note(fields.place("imVersion"), "hdaGraph.imVersion", &message);
    }
    if let Some(version) = descriptor.version.as_deref().filter(|version| !is_semantic(version)) {
        let message = format!("`{version}` is no semantic version; write it like `1.0.0`");
        reader.note(fields.place("version"), "hdaGraph.version", &message);
    }
    let required = ["imVersion", "version", "designer", "description"];
    let missing: Vec<&str> = required.into_iter().filter(|key| !fields.has(key)).collect();
    if !missing.is_empty() {
        let message = format!("the information model requires what is missing here: {}", missing.join(", "));
        reader.note(&fields.node.place, "hdaGraph", &message);
    }
}

/// `1.2.3`, `1.2.3-rc.1+build.5`: three numbers without leading zeros, and identifiers behind them.
fn is_semantic(version: &str) -> bool {
    let (core, build) = version.split_once('+').map_or((version, None), |(core, build)| (core, Some(build)));
    let (core, release) = core.split_once('-').map_or((core, None), |(core, release)| (core, Some(release)));
    let number = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let identifiers = |text: &str| {
        text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    core.split('.').count() == 3
        && core.split('.').all(number)
        && release.is_none_or(identifiers)
        && build.is_none_or(identifiers)
}

/// Notes names of services that no service has.
fn note_names(fields: &Fields<'_>, descriptor: &Descriptor, reader: &mut Reader) {
    let known: Vec<&str> = descriptor.services.iter().map(|service| service.id.as_str()).collect();
    let items = reader.list(fields, "services").unwrap_or_default();
    for (service, node) in descriptor.services.iter().zip(items) {
        let intent = &service.deployment.intent;
        let base = format!("hdaGraph.services.{}.deployment", service.id);
        let mut check = |name: &str, steps: &[&str]| {
            if !known.contains(&name) {
                let listed = known_names(name, "services", &known);
                let path = format!("{base}.{}", steps.join("."));
                reader.note(
                    place_below(node, "deployment", steps),
                    &path,
                    &format!("no service is called `{name}`, this is left out; {listed}"),
                );
            }
        };
        intent.connection_points.iter().for_each(|name| check(name, &["intent", "connectionPoints"]));
        intent
            .network
            .latencies
            .iter()
            .for_each(|one| check(&one.connection_point, &["intent", "network", "latencies"]));
        match &service.deployment.trigger {
            Trigger::Auto { dependencies } => {
                for name in dependencies {
                    check(name, &["trigger", "auto", "dependencies"]);
                }
            }
            Trigger::Event { events, .. } => events.iter().flat_map(|event| &event.source).for_each(|source| {
                check(&source.service_id, &["trigger", "event", "events"]);
            }),
        }
    }
}

/// The place of a value below `node`, or the nearest one above it that is there.
pub fn place_below<'a>(node: &'a Node, first: &str, steps: &[&str]) -> &'a crate::input::error::Place {
    let mut here = node;
    for step in std::iter::once(first).chain(steps.iter().copied()) {
        let Some(next) = here.get(step) else { break };
        here = next;
    }
    &here.place
}

#[cfg(test)]
mod tests {
    use super::is_semantic;

    #[test]
    fn semantic_versions_are_told_from_others() {
        assert!(["1.0.0", "0.4.0-rc.1", "2.3.1+build.7", "1.0.0-a-b+c"].into_iter().all(is_semantic));
        assert!(!["1", "1.0", "01.0.0", "1.0.0-", "v1.0.0", "1.0.0+", ""].into_iter().any(is_semantic));
    }
}
