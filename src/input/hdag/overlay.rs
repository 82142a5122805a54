//! What a scenario writes under `application`: a descriptor, or a map that names one and says beside it what descriptors
//! do not have.
//!
//! ```yaml
//! application:
//!   descriptor: applications/image-detection.hdag.yaml
//!   services:                                   # by name; every field of a service may stand here
//!     image-detection: {capacity: 8 /s, replicas: {initial: 3, max: 20}}
//!   calls:                                      # by caller and called
//!     - {from: noise-reduction, to: image-detection, per_request: 50 %}
//! ```
//!
//! What stands beside wins, value by value: maps are joined, all else is replaced. A file that is no descriptor but an
//! application may be named as well.

use super::fields::{Reader, error};
use super::graph::descriptor;
use super::native::native;
use crate::input::application::ServiceFile;
use crate::input::at::At;
use crate::input::error::{InputError, Mistake, known_names};
use crate::input::file::Files;
use crate::input::node::{Entry, Node, Scalar, Value};
use crate::input::read::read;

/// The native tree of an application; `node` is what stands under `application`, its file read.
///
/// # Errors
/// A descriptor that cannot be read, or something beside it that fits nowhere.
pub fn resolve(node: Node, files: &mut Files, at: &At<'_>) -> Result<Node, InputError> {
    if node.get("hdaGraph").is_some() {
        return translated(&node, files);
    }
    let Some(named) = node.get("descriptor") else { return Ok(node) };
    let content = match &named.value {
        Value::Scalar(Scalar::Text(path)) => files.read_yaml(path, &at.key("descriptor"))?,
        _ => named.clone(),
    };
    let mut application = if content.get("hdaGraph").is_some() { translated(&content, files)? } else { content };
    if application.get("services").is_none() {
        let message = "this is neither a descriptor nor an application; it begins with `hdaGraph:` or `services:`";
        return Err(error(&application.place, "application.descriptor", message));
    }
    let Value::Map(entries) = node.value else { return Ok(application) };
    for entry in entries.into_iter().filter(|entry| entry.key != "descriptor") {
        lay(&mut application, entry)?;
    }
    Ok(application)
}

fn translated(root: &Node, files: &mut Files) -> Result<Node, InputError> {
    let mut reader = Reader::default();
    let descriptor = descriptor(root, &mut reader)?;
    let application = native(&descriptor, root.get("hdaGraph").unwrap_or(root), &mut reader);
    for note in reader.notes {
        files.note(note.to_string());
    }
    let charts = descriptor.services.into_iter().filter_map(|service| Some((service.id, service.artifact?)));
    files.artifacts.extend(charts);
    Ok(application)
}

/// A service without a capacity: a descriptor has none, and without one nothing can be simulated.
///
/// # Errors
/// The first service that lacks one. What else is wrong with it comes first: its capacity may be there, but misspelt.
pub fn need_capacities(application: &Node) -> Result<(), InputError> {
    let Some(Value::List(services)) = application.get("services").map(|node| &node.value) else { return Ok(()) };
    let Some(service) = services.iter().find(|service| service.get("capacity").is_none()) else { return Ok(()) };
    let name = service.name().unwrap_or_default();
    if let Err(InputError::File(other)) = read::<ServiceFile>(service)
        && other.field != "capacity"
    {
        let field = format!("application.services.{name}.{}", other.field);
        return Err(Box::new(Mistake { field, ..*other }).into());
    }
    let message = format!(
        "how many requests a replica serves is not known; say it beside the descriptor: `application: {{descriptor: FILE, \
         services: {{{name}: {{capacity: 20 /s}}}}}}`"
    );
    Err(error(&service.place, &format!("application.services.{name}.capacity"), &message))
}

/// Lays one entry over the application.
fn lay(application: &mut Node, over: Entry) -> Result<(), InputError> {
    let path = format!("application.{}", over.key);
    let Some(under) = entry_mut(application, &over.key) else {
        if let Value::Map(entries) = &mut application.value {
            entries.push(over);
        }
        return Ok(());
    };
    match (over.key.as_str(), over.node.value) {
        ("services", Value::Map(services)) => {
            services.into_iter().try_for_each(|one| lay_service(under, &one.key, one.node, &path))
        }
        ("services", Value::List(services)) => services.into_iter().try_for_each(|one| {
            let name = one.name().map(str::to_owned);
            let name =
                name.ok_or_else(|| error(&one.place, &path, "whose this is, is not said; write `name: SERVICE`"))?;
            lay_service(under, &name, one, &path)
        }),
        ("calls", Value::List(calls)) => {
            for call in calls {
                lay_call(under, call);
            }
            Ok(())
        }
        (_, value) => {
            join(under, Node { place: over.node.place, value });
            Ok(())
        }
    }
}

fn lay_service(under: &mut Node, name: &str, over: Node, path: &str) -> Result<(), InputError> {
    let Value::List(services) = &mut under.value else { return Ok(()) };
    let Some(position) = services.iter().position(|service| service.name() == Some(name)) else {
        let known: Vec<&str> = services.iter().filter_map(Node::name).collect();
        let message = format!("no service is called `{name}`; {}", known_names(name, "services", &known));
        return Err(error(&over.place, &format!("{path}.{name}"), &message));
    };
    if !matches!(over.value, Value::Map(_)) {
        let message = "a map of a service's fields is wanted here; write `{capacity: 20 /s}`";
        return Err(error(&over.place, &format!("{path}.{name}"), message));
    }
    join(&mut services[position], over);
    Ok(())
}

/// A call that is there already is changed, another one is added.
fn lay_call(under: &mut Node, over: Node) {
    let ends = |node: &Node| {
        let end = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
        (end("from"), end("to"))
    };
    let Value::List(calls) = &mut under.value else { return };
    let wanted = ends(&over);
    match calls.iter_mut().find(|call| ends(call) == wanted) {
        Some(call) => join(call, over),
        None => calls.push(over),
    }
}

/// Maps are joined, all else is replaced.
fn join(under: &mut Node, over: Node) {
    match (&mut under.value, over.value) {
        (Value::Map(_), Value::Map(entries)) => {
            for entry in entries {
                match entry_mut(under, &entry.key) {
                    Some(node) => join(node, entry.node),
                    None => {
                        if let Value::Map(all) = &mut under.value {
                            all.push(entry);
                        }
                    }
                }
            }
        }
        (_, value) => *under = Node { place: over.place, value },
    }
}

fn entry_mut<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    match &mut node.value {
        Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node),
        _ => None,
    }
}
