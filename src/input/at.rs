//! A finger on a place of the tree, for mistakes that only show when several values are compared.

use super::error::{InputError, Mistake, Place};
use super::node::{Node, Value};
use super::read::item_label;

/// A path from the root of a tree. It need not exist there: defaults have no place, so the nearest one above counts.
#[derive(Debug, Clone)]
pub struct At<'a> {
    node: Option<&'a Node>,
    place: &'a Place,
    field: Vec<String>,
}

impl<'a> At<'a> {
    /// The root.
    pub const fn root(root: &'a Node) -> Self {
        Self { node: Some(root), place: &root.place, field: Vec::new() }
    }

    /// The value at `key` of a map.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.step(self.node.and_then(|node| node.get(key)), key.to_owned())
    }

    /// The item at `index` of a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let item = match self.node.map(|node| &node.value) {
            Some(Value::List(items)) => items.get(index),
            _ => None,
        };
        self.step(item, item.map_or_else(|| index.to_string(), |item| item_label(item, index)))
    }

    fn step(&self, node: Option<&'a Node>, label: String) -> Self {
        let mut field = self.field.clone();
        field.push(label);
        Self { node, place: node.map_or(self.place, |node| &node.place), field }
    }

    /// The value here.
    pub const fn node(&self) -> Option<&'a Node> {
        self.node
    }

    /// The place of the value here; the nearest one above where there is none.
    pub const fn nearest_place(&self) -> &'a Place {
        self.place
    }

    /// A mistake here: what is wrong and, after the first `; `, what would be right.
    pub fn error(&self, message: impl AsRef<str>) -> InputError {
        InputError::from(Box::new(Mistake::new(self.place.clone(), self.field.join("."), message.as_ref())))
    }
}
