//! Reading single fields of Kubernetes objects: `null` is absent, a value of the wrong type is a mistake at its line.

use super::super::at::At;
use super::super::error::{InputError, Place};
use super::super::node::{Entry, Node, Scalar, Value};
use crate::units::kubernetes::{Quantity, QuantityMistake};
use std::collections::BTreeMap;

/// What is read of an [`At`] in an object.
pub trait Field<'a>: Sized {
    /// The field below, by keys joined with dots.
    fn path(&self, path: &str) -> Self;
    /// Whether there is a value.
    fn is_there(&self) -> bool;
    /// The place of the value; the nearest one above where there is none.
    fn place(&self) -> Place;
    /// The text of a scalar.
    fn text(&self) -> Result<Option<&'a str>, InputError>;
    /// Whether it says `true`.
    fn is_true(&self) -> bool;
    /// A whole number that is not negative.
    fn whole(&self) -> Result<Option<u32>, InputError>;
    /// A quantity, read by `unit`.
    fn quantity<T>(&self, unit: fn(Quantity) -> Result<T, QuantityMistake>) -> Result<Option<T>, InputError>;
    /// The items of a list; none where nothing is there.
    fn items(&self) -> Result<Vec<Self>, InputError>;
    /// The entries of a map; none where nothing is there.
    fn entries(&self) -> Result<&'a [Entry], InputError>;
    /// A map of texts.
    fn texts(&self) -> Result<BTreeMap<String, String>, InputError>;
    /// A list of texts.
    fn words(&self) -> Result<Vec<String>, InputError>;
}

impl<'a> Field<'a> for At<'a> {
    fn path(&self, path: &str) -> Self {
        path.split('.').fold(self.clone(), |at, key| at.key(key))
    }

    fn is_there(&self) -> bool {
        value(self).is_some()
    }

    fn place(&self) -> Place {
        self.nearest_place().clone()
    }

    fn text(&self) -> Result<Option<&'a str>, InputError> {
        let Some(node) = value(self) else { return Ok(None) };
        node.text().map(Some).ok_or_else(|| self.error(format!("{} is given here; write text", shape(node))))
    }

    fn is_true(&self) -> bool {
        value(self).and_then(Node::text) == Some("true")
    }

    fn whole(&self) -> Result<Option<u32>, InputError> {
        let Some(node) = value(self) else { return Ok(None) };
        let number = match node.value {
            Value::Scalar(Scalar::Unsigned(number, _)) => u32::try_from(number).ok(),
            _ => None,
        };
        let given = || node.text().map_or_else(|| shape(node).to_owned(), |text| format!("`{text}`"));
        number
            .map(Some)
            .ok_or_else(|| self.error(format!("{} is given here; write a whole number from 0 to 4294967295", given())))
    }

    fn quantity<T>(&self, unit: fn(Quantity) -> Result<T, QuantityMistake>) -> Result<Option<T>, InputError> {
        let Some(text) = self.text()? else { return Ok(None) };
        Quantity::parse(text).and_then(unit).map(Some).map_err(|wrong| self.error(format!("`{text}` is {wrong}")))
    }

    fn items(&self) -> Result<Vec<Self>, InputError> {
        let Some(node) = value(self) else { return Ok(Vec::new()) };
        match &node.value {
            Value::List(items) => Ok((0..items.len()).map(|index| self.index(index)).collect()),
            _ => Err(self.error(format!("{} is given here; write a list", shape(node)))),
        }
    }

    fn entries(&self) -> Result<&'a [Entry], InputError> {
        let Some(node) = value(self) else { return Ok(&[]) };
        match &node.value {
            Value::Map(entries) => Ok(entries),
            _ => Err(self.error(format!("{} is given here; write a map", shape(node)))),
        }
    }

    fn texts(&self) -> Result<BTreeMap<String, String>, InputError> {
        // Not by its key, which would look through the map for each entry, unless there is something to say about it.
        let text = |entry: &'a Entry| {
            let text = match entry.node.text() {
                Some(text) => text,
                None => self.key(&entry.key).text()?.unwrap_or_default(),
            };
            Ok((entry.key.to_string(), text.to_owned()))
        };
        self.entries()?.iter().map(text).collect()
    }

    fn words(&self) -> Result<Vec<String>, InputError> {
        let word = |item: Self| Ok(item.text()?.unwrap_or_default().to_owned());
        self.items()?.into_iter().map(word).collect()
    }
}

/// The value, unless it is `null`.
fn value<'a>(at: &At<'a>) -> Option<&'a Node> {
    at.node().filter(|node| !matches!(node.value, Value::Scalar(Scalar::Null)))
}

fn shape(node: &Node) -> &'static str {
    match node.value {
        Value::Scalar(_) => "a single value",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
    }
}
