//! Inventories that others publish as lists of machines: `inventory: {openb: FILE}` and `inventory: {opendc: FILE}`.
//!
//! They are translated into the tree that a native inventory has, each value with its place in the foreign file. So
//! variants, `--set`, defaults and the echo in the manifest are the same, and so are mistakes.

pub mod openb;
pub mod opendc;

use super::at::At;
use super::error::{InputError, Place, known_names};
use super::file::Files;
use super::letters::Text;
use super::node::{Entry, Node, Scalar, Value};

/// A kind of list: the key that names it, and how it is translated.
type Kind = (&'static str, fn(&At<'_>, &mut Files) -> Result<Node, InputError>);

/// All kinds.
const KINDS: &[Kind] = &[("openb", openb::inventory), ("opendc", opendc::inventory)];

/// The native tree of a section that names a foreign file; `None` where it does not.
///
/// # Errors
/// What is wrong with the section or with the file.
pub fn inventory(at: &At<'_>, files: &mut Files) -> Result<Option<Node>, InputError> {
    let Some(node) = at.node() else { return Ok(None) };
    let Some((_, translate)) = KINDS.iter().find(|(key, _)| node.get(key).is_some()) else { return Ok(None) };
    translate(at, files).map(Some)
}

/// Refuses keys of a section that are not among these.
fn check_keys(at: &At<'_>, known: &[&str]) -> Result<(), InputError> {
    let Some(Value::Map(entries)) = at.node().map(|node| &node.value) else { return Ok(()) };
    match entries.iter().find(|entry| !known.contains(&entry.key.as_str())) {
        Some(entry) => {
            Err(at.key(&entry.key).error(format!("no such key; {}", known_names(&entry.key, "the keys here", known))))
        }
        None => Ok(()),
    }
}

fn text(place: &Place, text: impl Into<Text>) -> Node {
    Node { place: place.clone(), value: Value::Scalar(Scalar::Text(text.into())) }
}

fn number(place: &Place, number: u64) -> Node {
    Node { place: place.clone(), value: Value::Scalar(Scalar::Unsigned(number, number.to_string().into())) }
}

fn list(place: &Place, items: Vec<Node>) -> Node {
    Node { place: place.clone(), value: Value::List(items) }
}

fn map<const N: usize>(place: &Place, entries: [(&str, Node); N]) -> Node {
    let mut node = Node { place: place.clone(), value: Value::Map(Vec::new()) };
    for (key, value) in entries {
        put(&mut node, key, value);
    }
    node
}

/// Adds an entry to a map.
fn put(node: &mut Node, key: &str, value: Node) {
    if let Value::Map(entries) = &mut node.value {
        entries.push(Entry { key: key.into(), key_place: value.place.clone(), node: value });
    }
}
