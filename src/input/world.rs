//! A world to plan in, without a load and without a question: an inventory, and the applications that are to run on it.
//!
//! The files are put together to the tree that a scenario would be, so that whatever may stand in a scenario's inventory
//! or application may stand here (a descriptor too), with the same defaults, checks and messages.

use super::at::At;
use super::capacities;
use super::error::{InputError, Mistake, Place};
use super::file::{Files, InputFile};
use super::hdag::Artifact;
use super::load::{splice, splice_descriptor};
use super::node::{Entry, Node, Scalar, Value};
use super::read::read;
use super::scenario::{ScenarioFile, scenario};
use super::tasks;
use super::variant::Patch;
use crate::model::Scenario;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A world, checked and ready to plan in.
#[derive(Debug, Clone)]
pub struct World {
    /// Name: those of the applications, joined by `+`.
    pub name: String,
    /// The world.
    pub scenario: Arc<Scenario>,
    /// All files that were read.
    pub inputs: Vec<InputFile>,
    /// What was assumed or is unusual, in sentences.
    pub notes: Vec<String>,
    /// What descriptors say of the charts of their services, by service.
    pub artifacts: BTreeMap<String, Artifact>,
}

/// Whether the file at `path` is a scenario: it asks a question.
///
/// # Errors
/// Where it cannot be read, or is no YAML.
pub fn is_scenario(path: &Path) -> Result<bool, InputError> {
    Ok(Files::of(path).read_scenario(path)?.get("question").is_some())
}

/// Puts `applications` on the clusters of `inventory`; `set` changes fields by path, as in a scenario.
///
/// # Errors
/// The first mistake in one of the files.
pub fn load(inventory: &Path, applications: &[PathBuf], set: &[(String, String)]) -> Result<World, InputError> {
    let mut files = Files::default();
    let mut root = skeleton(inventory);
    splice(&mut root, "inventory", &mut files)?;
    let application = joined(applications, &mut files)?;
    put(&mut root, "application", application);
    for (path, value) in set {
        Patch::set(path, value)?.apply(&mut root)?;
    }
    capacities::fill(&mut root, &mut files)?;
    let mut file: ScenarioFile = read(&root)?;
    file.complete();
    let at = At::root(&root);
    let none = tasks::load(&[], 0, &mut files, &at)?;
    let scenario = Arc::new(scenario(&file, &none, &mut files, &at)?);
    let name = scenario.known.application.name.clone();
    Ok(World { name, scenario, inputs: files.read, notes: files.notes, artifacts: files.artifacts })
}

/// A scenario that names the inventory and has nothing else.
fn skeleton(inventory: &Path) -> Node {
    let file = inventory.display().to_string();
    let place = Place::whole(&file);
    let mut root = Node { place: place.clone(), value: Value::Map(Vec::new()) };
    let node = |value| Node { place: place.clone(), value };
    put(&mut root, "question", node(Value::Scalar(Scalar::Text("What runs where?".into()))));
    put(&mut root, "inventory", node(Value::Scalar(Scalar::Text(file.as_str().into()))));
    put(&mut root, "traces", node(Value::List(Vec::new())));
    put(&mut root, "policies", node(Value::List(Vec::new())));
    root
}

/// Sets a key of the map at the root.
fn put(root: &mut Node, key: &str, node: Node) {
    let Value::Map(entries) = &mut root.value else { return };
    match entries.iter_mut().find(|entry| entry.key == key) {
        Some(entry) => entry.node = node,
        None => entries.push(Entry { key: key.into(), key_place: node.place.clone(), node }),
    }
}

/// The applications as one.
fn joined(applications: &[PathBuf], files: &mut Files) -> Result<Node, InputError> {
    let mut all: Option<Node> = None;
    for path in applications {
        let file = path.display().to_string();
        let place = Place::whole(&file);
        let mut root = Node { place: place.clone(), value: Value::Map(Vec::new()) };
        put(&mut root, "application", Node { place, value: Value::Scalar(Scalar::Text(file.into())) });
        splice(&mut root, "application", files)?;
        splice_descriptor(&mut root, files)?;
        let one = root.get("application").cloned().expect("it was just put there");
        all = Some(match all {
            None => one,
            Some(first) => join(first, one)?,
        });
    }
    all.ok_or_else(|| Mistake::in_file("smo plan", "no application is named; name a file with services"))
}

/// Services and calls of both; other fields must stand in one of them only.
fn join(mut first: Node, second: Node) -> Result<Node, InputError> {
    // What is no map is refused with its place when the types are read.
    let (Value::Map(entries), Value::Map(more)) = (&mut first.value, second.value.clone()) else { return Ok(second) };
    for added in more {
        let Some(entry) = entries.iter_mut().find(|entry| entry.key == added.key) else {
            entries.push(added);
            continue;
        };
        match (&mut entry.node.value, added.node.value) {
            (Value::List(items), Value::List(others)) => items.extend(others),
            (Value::Scalar(name), Value::Scalar(other)) if added.key == "name" => {
                let names = [name.text().unwrap_or_default(), other.text().unwrap_or_default()].join("+");
                *name = Scalar::Text(names.into());
            }
            _ => {
                let message = "stands in two applications; plan them one by one";
                return Err(
                    Box::new(Mistake::new(added.key_place, format!("application.{}", added.key), message)).into()
                );
            }
        }
    }
    Ok(first)
}
