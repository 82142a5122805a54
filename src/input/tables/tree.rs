//! Values of a scenario that come from a table: made as if they had been written, at the place of their row.

use crate::input::error::{InputError, Place};
use crate::input::letters::Text;
use crate::input::node::{Entry, Node, Scalar, Value};
use crate::input::read::read;
use serde::de::DeserializeOwned;

/// A text, or a quantity in its spelling.
pub fn text(place: &Place, text: impl Into<Text>) -> Node {
    Node { place: place.clone(), value: Value::Scalar(Scalar::Text(text.into())) }
}

/// A bare number.
pub fn number(place: &Place, number: f64) -> Node {
    Node { place: place.clone(), value: Value::Scalar(Scalar::Float(number, number.to_string().into())) }
}

/// A count.
pub fn count(place: &Place, count: u64) -> Node {
    Node { place: place.clone(), value: Value::Scalar(Scalar::Unsigned(count, count.to_string().into())) }
}

/// A list.
pub fn list(place: &Place, items: Vec<Node>) -> Node {
    Node { place: place.clone(), value: Value::List(items) }
}

/// A map.
pub fn map(place: &Place, entries: Vec<(&str, Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, node)| entry(key, node)).collect();
    Node { place: place.clone(), value: Value::Map(entries) }
}

/// A key with its value, at the place of the value.
pub fn entry(key: &str, node: Node) -> Entry {
    Entry { key: key.into(), key_place: node.place.clone(), node }
}

/// Whether nothing is written there.
pub const fn is_null(node: &Node) -> bool {
    matches!(node.value, Value::Scalar(Scalar::Null))
}

/// Takes the value at `key` out of a map.
pub fn take(node: &mut Node, key: &str) -> Option<Node> {
    let Value::Map(entries) = &mut node.value else { return None };
    let index = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(index).node)
}

/// The value at `key` of a map, to be changed.
pub fn get_mut<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let Value::Map(entries) = &mut node.value else { return None };
    entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
}

/// The items of the list at `key`; none where there is no list.
pub fn items_mut<'a>(node: &'a mut Node, key: &str) -> &'a mut [Node] {
    match get_mut(node, key).map(|list| &mut list.value) {
        Some(Value::List(items)) => items,
        _ => &mut [],
    }
}

/// Adds a key to a map unless it is there.
pub fn fill(node: &mut Node, key: &str, value: impl FnOnce() -> Node) {
    if let Value::Map(entries) = &mut node.value
        && entries.iter().all(|entry| entry.key != key)
    {
        entries.push(entry(key, value()));
    }
}

/// Reads a part of a tree as a `T`; mistakes name their field from the root of the tree, where the part stands at `path`.
///
/// # Errors
/// As [`read`].
pub fn read_part<T: DeserializeOwned>(node: &Node, path: &str) -> Result<T, InputError> {
    read(node).map_err(|error| match error {
        InputError::File(mut mistake) => {
            let separator = if mistake.field.is_empty() { "" } else { "." };
            mistake.field = format!("{path}{separator}{}", mistake.field);
            InputError::File(mistake)
        }
        other => other,
    })
}
