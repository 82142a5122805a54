//! YAML as a tree in which every value knows its place, so that a mistake found late is still reported at its line.
//!
//! A scenario is patched by variants and `--set`, and other files are spliced into it, before its types are read: so the
//! types cannot be read from the text directly. Scalars keep their text besides what YAML makes of it (`1.10` as a name
//! stays `1.10`). How it comes from a text: [`yaml`](super::yaml).

use super::error::Place;
use super::letters::Text;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Value {
    /// Neither list nor map.
    Scalar(Scalar),
    /// `[a, b]`
    List(Vec<Node>),
    /// `{a: b}`, in the order of the file; keys are unique.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: Text,
    /// Where the key stands.
    pub key_place: Place,
    /// The value.
    pub node: Node,
}

/// What YAML makes of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`, as written.
    Bool(bool, Text),
    /// A number that is not negative and has no fraction, as written.
    Unsigned(u64, Text),
    /// A negative number without a fraction, as written.
    Signed(i64, Text),
    /// Another number, as written.
    Float(f64, Text),
    /// Everything else.
    Text(Text),
}

impl Node {
    /// The entry of a map with that key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value of a map at that key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The text of a scalar as it was written.
    pub fn text(&self) -> Option<&str> {
        self.letters().map(Text::as_str)
    }

    /// The same, to be kept.
    pub fn letters(&self) -> Option<&Text> {
        match &self.value {
            Value::Scalar(scalar) => scalar.letters(),
            _ => None,
        }
    }

    /// The name that a map gives itself, if it does.
    pub fn name(&self) -> Option<&str> {
        self.get("name").and_then(Self::text)
    }
}

impl Scalar {
    /// The text as it was written; `None` for nothing.
    pub fn text(&self) -> Option<&str> {
        self.letters().map(Text::as_str)
    }

    fn letters(&self) -> Option<&Text> {
        match self {
            Self::Null => None,
            Self::Bool(_, text)
            | Self::Unsigned(_, text)
            | Self::Signed(_, text)
            | Self::Float(_, text)
            | Self::Text(text) => Some(text),
        }
    }
}
