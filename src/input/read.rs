//! From a tree with places to typed structs: a serde deserializer whose every error knows its field and its line.
//!
//! Types say what is right within one value (they read themselves); what must agree between values is checked
//! afterwards with [`At`](super::at::At). The words of serde's own errors are made those of a scenario's author.

use super::error::{InputError, Mistake, Place, known_names};
use super::node::{Entry, Node, Scalar, Value};
use serde::de::{self, Deserialize, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor};
use std::fmt;

/// Reads a whole tree as a `T`.
///
/// # Errors
/// The first value that does not fit, with its place and field.
pub fn read<'de, T: Deserialize<'de>>(root: &'de Node) -> Result<T, InputError> {
    T::deserialize(Reader(root)).map_err(|error| {
        let error = error.placed(&root.place);
        let field: Vec<String> = error.steps.into_iter().rev().collect();
        let place = error.place.unwrap_or_else(|| root.place.clone());
        InputError::from(Box::new(Mistake::new(place, field.join("."), &error.message)))
    })
}

/// How a step into a list is called: by the name of the item where it has one.
pub fn item_label(item: &Node, index: usize) -> String {
    item.name().map_or_else(|| index.to_string(), str::to_owned)
}

/// An error on its way out of the tree.
#[derive(Debug)]
pub struct ReadError {
    message: String,
    /// Innermost first.
    steps: Vec<String>,
    place: Option<Place>,
}

impl ReadError {
    fn new(message: String) -> Self {
        Self { message, steps: Vec::new(), place: None }
    }

    fn placed(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    fn below(mut self, step: String) -> Self {
        self.steps.push(step);
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let wanted = in_our_words(&expected.to_string());
        Self::new(match found {
            Unexpected::Unit | Unexpected::Option => {
                format!("nothing is given here; write {wanted}, or leave the key out")
            }
            Unexpected::Seq => format!("a list is given here; write {wanted}"),
            Unexpected::Map => format!("a map is given here; write {wanted}"),
            other => format!("{} is given here; write {wanted}", shown(&other)),
        })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn unknown_variant(given: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("`{given}` is unknown here; {}", known_names(given, "accepted words", expected)))
    }

    fn unknown_field(given: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("no such key; {}", known_names(given, "the keys here", expected)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("is missing; add `{field}: ...` here (`smo scenario schema` says what it is)"))
            .below(field.to_owned())
    }
}

fn shown(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("`{text}`"),
        Unexpected::Unsigned(number) => format!("`{number}`"),
        Unexpected::Signed(number) => format!("`{number}`"),
        Unexpected::Float(number) => format!("`{number}`"),
        Unexpected::Bool(value) => format!("`{value}`"),
        other => other.to_string(),
    }
}

/// Serde names Rust's types; people know text, numbers, lists and maps.
fn in_our_words(expected: &str) -> String {
    match expected {
        "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" => "a whole number that is not negative".to_owned(),
        "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" => "text".to_owned(),
        "a sequence" => "a list, like `[a, b]`".to_owned(),
        "a map" => "a map, like `{key: value}`".to_owned(),
        other if other.starts_with("struct ") => "a map, like `{key: value}`".to_owned(),
        other => other.to_owned(),
    }
}

#[derive(Clone, Copy)]
struct Reader<'de>(&'de Node);

impl<'de> Reader<'de> {
    fn scalar<V: Visitor<'de>>(scalar: &'de Scalar, visitor: V) -> Result<V::Value, ReadError> {
        match scalar {
            Scalar::Null => visitor.visit_unit(),
            Scalar::Bool(value, _) => visitor.visit_bool(*value),
            Scalar::Unsigned(value, _) => visitor.visit_u64(*value),
            Scalar::Signed(value, _) => visitor.visit_i64(*value),
            Scalar::Float(value, _) => visitor.visit_f64(*value),
            Scalar::Text(text) => visitor.visit_borrowed_str(text),
        }
    }

    fn text<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0.text() {
            Some(text) => visitor.visit_borrowed_str(text).map_err(|error: ReadError| error.placed(&self.0.place)),
            None => de::Deserializer::deserialize_any(self, visitor),
        }
    }
}

impl<'de> de::Deserializer<'de> for Reader<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.value {
            Value::Scalar(scalar) => Self::scalar(scalar, visitor),
            Value::List(items) => visitor.visit_seq(Items { items: items.iter().enumerate() }),
            Value::Map(entries) => visitor.visit_map(Entries { entries: entries.iter(), current: None }),
        }
        .map_err(|error| error.placed(&self.0.place))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.0.value {
            Value::Scalar(Scalar::Null) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.text(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let found = match (&self.0.value, self.0.text()) {
            (_, Some(text)) => visitor.visit_enum(text.into_deserializer()),
            (Value::List(_), None) => Err(de::Error::invalid_type(Unexpected::Seq, &"one word")),
            (Value::Map(_), None) => Err(de::Error::invalid_type(Unexpected::Map, &"one word")),
            (Value::Scalar(_), None) => Err(de::Error::invalid_type(Unexpected::Unit, &"one word")),
        };
        found.map_err(|error: ReadError| error.placed(&self.0.place))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some((index, item)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader(item))
            .map(Some)
            .map_err(|error| error.placed(&item.place).below(item_label(item, index)))
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, Entry>,
    current: Option<&'de Entry>,
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.current = Some(entry);
        seed.deserialize(entry.key.as_str().into_deserializer())
            .map(Some)
            .map_err(|error: ReadError| error.placed(&entry.key_place).below(entry.key.to_string()))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let entry = self.current.take().expect("serde asks for a value after its key");
        // Types that judge what they read (`Positive`) do so after the reader is done: their errors are placed here.
        seed.deserialize(Reader(&entry.node))
            .map_err(|error| error.placed(&entry.node.place).below(entry.key.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, read};
    use crate::units::Span;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        items: Vec<Inner>,
        #[serde(default)]
        labels: BTreeMap<String, String>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        name: String,
        every: Span,
        count: Option<u32>,
    }

    fn error_of(text: &str) -> String {
        let node = Node::parse(text, "x.yaml").expect("good YAML");
        read::<Outer>(&node).expect_err("does not fit").to_string()
    }

    #[test]
    fn good_values_are_read() {
        let text = "items: [{name: 1.10, every: 30 s, count: null}]\nlabels: {tier: 1, on: true}\n";
        let node = Node::parse(text, "x.yaml").expect("good YAML");
        let outer: Outer = read(&node).expect("it fits");
        assert_eq!((outer.items[0].name.as_str(), outer.items[0].every), ("1.10", Span::seconds(30)));
        assert_eq!((outer.items[0].count, outer.labels["tier"].as_str()), (None, "1"));
    }

    #[test]
    fn errors_name_place_field_and_remedy() {
        assert_eq!(
            error_of("items:\n  - {name: a, every: 30}\n"),
            "x.yaml: line 2, column 22: field `items.a.every`: `30` is not a time span\n  write it like `30 s`, `250 ms`, `20 min`, `2 h` or `7 d`"
        );
        assert_eq!(
            error_of("items:\n  - name: a\n    evry: 3 s\n"),
            "x.yaml: line 3, column 5: field `items.a.evry`: no such key\n  did you mean `every`? the keys here are `name`, `every`, `count`"
        );
        assert!(error_of("items: [{name: a}]\n").contains("field `items.a.every`: is missing"));
        assert!(
            error_of("items: [{name: a, every: 3 s, count: -1}]\n").contains("`-1` is given here\n  write a whole")
        );
        assert!(error_of("items: 3\n").contains("write a list"));
        assert!(error_of("items:\n").contains("nothing is given here"));
    }
}
