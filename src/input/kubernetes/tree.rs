//! Building the tree that a native file would give, every value at the place in the Kubernetes object that it comes from.

use super::super::error::Place;
use super::super::letters::Text;
use super::super::node::{Entry, Node, Scalar, Value};
use std::collections::BTreeMap;

/// A map under construction.
#[derive(Debug, Clone)]
pub struct Map {
    place: Place,
    entries: Vec<Entry>,
}

impl Map {
    /// An empty map.
    pub const fn new(place: Place) -> Self {
        Self { place, entries: Vec::new() }
    }

    /// Adds a value; its key stands at the same place.
    pub fn put(&mut self, key: &str, node: Node) {
        self.entries.push(Entry { key: key.into(), key_place: node.place.clone(), node });
    }

    /// Adds a text, at the place of the map.
    pub fn put_text(&mut self, key: &str, text: impl Into<Text>) {
        self.put(key, self::text(&self.place, text));
    }

    /// Adds a whole number, at the place of the map.
    pub fn put_number(&mut self, key: &str, number: u64) {
        self.put(key, self::number(&self.place, number));
    }

    /// Adds `true` or `false`, at the place of the map.
    pub fn put_flag(&mut self, key: &str, flag: bool) {
        let value = Value::Scalar(Scalar::Bool(flag, flag.to_string().into()));
        self.put(key, Node { place: self.place.clone(), value });
    }

    /// Adds a list of texts, at the place of the map, unless it is empty.
    pub fn put_texts(&mut self, key: &str, texts: impl IntoIterator<Item = String>) {
        let items: Vec<Node> = texts.into_iter().map(|item| text(&self.place, item)).collect();
        if !items.is_empty() {
            self.put(key, list(&self.place, items));
        }
    }

    /// Adds a map of texts, at the place of the map, unless it is empty.
    pub fn put_labels(&mut self, key: &str, labels: &BTreeMap<String, String>) {
        if labels.is_empty() {
            return;
        }
        let mut map = Self::new(self.place.clone());
        for (label, value) in labels {
            map.put_text(label, value.as_str());
        }
        self.put(key, map.node());
    }

    /// The finished map.
    pub fn node(self) -> Node {
        Node { place: self.place, value: Value::Map(self.entries) }
    }
}

/// A text.
pub fn text(place: &Place, text: impl Into<Text>) -> Node {
    Node { place: place.clone(), value: Value::Scalar(Scalar::Text(text.into())) }
}

/// A whole number.
pub fn number(place: &Place, number: u64) -> Node {
    Node { place: place.clone(), value: Value::Scalar(Scalar::Unsigned(number, number.to_string().into())) }
}

/// A list.
pub fn list(place: &Place, items: Vec<Node>) -> Node {
    Node { place: place.clone(), value: Value::List(items) }
}
