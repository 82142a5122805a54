//! YAML as a tree in which every value knows its place, so that a mistake found late is still reported at its line.
//!
//! A scenario is patched by variants and `--set`, and other files are spliced into it, before its types are read: so the
//! types cannot be read from the text directly. Scalars keep their text besides what YAML makes of it (`1.10` as a name
//! stays `1.10`). Merge keys and aliases are expanded by the parser, within its limits.

use super::defaults::limits;
use super::error::{InputError, Mistake, Place};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DefaultMessageFormatter, MessageFormatter, NonFiniteFloatPolicy, Spanned};
use std::fmt;
use std::sync::Arc;

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
    pub key: String,
    /// Where the key stands.
    pub key_place: Place,
    /// The value.
    pub node: Node,
}

/// Bytes of stack for [`Node::parse_all`].
const PARSER_STACK: usize = 32 << 20;

/// How large a text may become once it is read.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Levels.
    pub depth: usize,
    /// Values, as written.
    pub nodes: usize,
}

/// What YAML makes of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`, as written.
    Bool(bool, String),
    /// A number that is not negative and has no fraction, as written.
    Unsigned(u64, String),
    /// A negative number without a fraction, as written.
    Signed(i64, String),
    /// Another number, as written.
    Float(f64, String),
    /// Everything else.
    Text(String),
}

impl Node {
    /// Reads YAML; `file` is the name for messages.
    ///
    /// # Errors
    /// Broken YAML, with its place; an empty document; more than the limits allow.
    pub fn parse(source: &str, file: &str) -> Result<Self, InputError> {
        let file: Arc<str> = file.into();
        let budget = Budget { depth: limits::DEPTH, nodes: limits::NODES };
        let parsed: Spanned<Parsed> = serde_saphyr::from_str_with_options(source, options(&budget))
            .map_err(|error| InputError::from(Box::new(syntax_mistake(&error, &file, (source, &budget)))))?;
        Ok(Self::from_parsed(parsed, &file, source))
    }

    /// Reads YAML of any number of documents, within `budget`; empty ones are left out.
    ///
    /// # Errors
    /// Broken YAML, with its place; more than the budget allows.
    pub fn parse_all(source: &str, file: &str, budget: &Budget) -> Result<Vec<Self>, InputError> {
        // A level of YAML is several calls of the parser: on a thread of a test the stack would end before the budget.
        let parse = || Self::parse_documents(source, file, budget);
        std::thread::scope(|scope| {
            let parser = std::thread::Builder::new().stack_size(PARSER_STACK).spawn_scoped(scope, parse);
            let parser = parser.map_err(|error| Mistake::in_file(file, &format!("no thread reads it: {error}")))?;
            parser.join().unwrap_or_else(|_| Err(Mistake::in_file(file, "the YAML is broken beyond words")))
        })
    }

    fn parse_documents(source: &str, file: &str, budget: &Budget) -> Result<Vec<Self>, InputError> {
        let file: Arc<str> = file.into();
        let parsed: Vec<Spanned<Parsed>> = serde_saphyr::from_multiple_with_options(source, options(budget))
            .map_err(|error| InputError::from(Box::new(syntax_mistake(&error, &file, (source, budget)))))?;
        Ok(parsed.into_iter().map(|document| Self::from_parsed(document, &file, source)).collect())
    }

    fn from_parsed(parsed: Spanned<Parsed>, file: &Arc<str>, source: &str) -> Self {
        let place_of = |location: serde_saphyr::Location| Place {
            file: Arc::clone(file),
            line: location.line(),
            column: location.column(),
        };
        let raw = || raw_text(source, parsed.defined).trim().to_owned();
        let value = match parsed.value {
            Parsed::Scalar(Scalar::Bool(value, _)) => Value::Scalar(Scalar::Bool(value, raw())),
            Parsed::Scalar(Scalar::Unsigned(value, _)) => Value::Scalar(Scalar::Unsigned(value, raw())),
            Parsed::Scalar(Scalar::Signed(value, _)) => Value::Scalar(Scalar::Signed(value, raw())),
            Parsed::Scalar(Scalar::Float(value, _)) => Value::Scalar(Scalar::Float(value, raw())),
            Parsed::Scalar(other) => Value::Scalar(other),
            Parsed::List(items) => {
                Value::List(items.into_iter().map(|item| Self::from_parsed(item, file, source)).collect())
            }
            Parsed::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key: key.value,
                        key_place: place_of(key.referenced),
                        node: Self::from_parsed(value, file, source),
                    })
                    .collect(),
            ),
        };
        Self { place: place_of(parsed.referenced), value }
    }

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
        match &self.value {
            Value::Scalar(scalar) => scalar.text(),
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

/// The text between the two ends of a span.
fn raw_text(source: &str, location: serde_saphyr::Location) -> &str {
    let span = location.span();
    let (Some(start), Some(length)) = (span.byte_offset(), span.byte_len()) else { return "" };
    let (Ok(start), Ok(length)) = (usize::try_from(start), usize::try_from(length)) else { return "" };
    source.get(start..start.saturating_add(length)).unwrap_or("")
}

/// The parser's limits against files that are small and unfold into large ones, and YAML 1.2's booleans.
fn options(limit: &Budget) -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limit.depth,
            max_nodes: limit.nodes,
            max_events: limit.nodes.saturating_mul(3),
            max_documents: limits::DOCUMENTS,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: limits::ALIAS_EVENTS },
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// What the parser found, in our words where they help more.
fn syntax_mistake(error: &serde_saphyr::Error, file: &str, (source, budget): (&str, &Budget)) -> Mistake {
    use serde_saphyr::Error as E;
    let mut error = error.without_snippet();
    while let E::AliasError { error: inner, .. } | E::WithSnippet { error: inner, .. } = error {
        error = inner;
    }
    let place = error.location().map_or_else(
        || Place::whole(file),
        |location| Place { file: file.into(), line: location.line(), column: location.column() },
    );
    let message = match error {
        E::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` stands here for the second time; remove one of the two")
        }
        E::MultipleDocuments { .. } => "a second document begins here; a file holds one document".to_owned(),
        E::Budget { .. } | E::AliasReplayLimitExceeded { .. } | E::AliasExpansionLimitExceeded { .. } => format!(
            "the YAML is too large once it is unfolded; the limits are {} values, {} levels, {} repeated by aliases",
            budget.nodes,
            budget.depth,
            limits::ALIAS_EVENTS
        ),
        _ => {
            let text = DefaultMessageFormatter.format_message(error).replace(char::is_control, " ");
            let line = usize::try_from(place.line).ok().and_then(|line| source.lines().nth(line.checked_sub(1)?));
            let hint = if line.is_some_and(|line| line.contains("${")) {
                "; between `{` and `}` write \"${NAME}/...\" in quotes"
            } else {
                ""
            };
            format!("the YAML is broken: {text}{hint}")
        }
    };
    Mistake::new(place, String::new(), &message)
}

/// What the parser hands over before places are attached.
enum Parsed {
    Scalar(Scalar),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParsedVisitor)
    }
}

struct ParsedVisitor;

impl<'de> Visitor<'de> for ParsedVisitor {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Scalar::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Scalar::Bool(value, String::new())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Scalar::Unsigned(value, String::new())))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Scalar::Signed(value, String::new())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Scalar::Float(value, String::new())))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Parsed, E> {
        Ok(Parsed::Scalar(Scalar::Text(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parsed, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Parsed::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Parsed, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
        }
        Ok(Parsed::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Scalar, Value};

    #[test]
    fn values_keep_their_place_and_scalars_their_text() {
        let node = Node::parse("a:\n  - name: 1.10\n    at: 19:30\nb: {c: -3, d: yes}\n", "x.yaml").expect("good YAML");
        let Some(Value::List(items)) = node.get("a").map(|a| &a.value) else { panic!("a is a list") };
        assert_eq!(items[0].name(), Some("1.10"));
        let at = items[0].get("at").expect("at is there");
        assert_eq!((at.text(), at.place.line, at.place.column), (Some("19:30"), 3, 9));
        let entry = node.get("b").and_then(|b| b.entry("c")).expect("c is there");
        assert_eq!((entry.key_place.column, entry.node.place.column), (5, 8));
        assert!(matches!(&entry.node.value, Value::Scalar(Scalar::Signed(-3, text)) if text == "-3"));
        assert_eq!(node.get("b").and_then(|b| b.get("d")).and_then(Node::text), Some("yes"));
    }

    #[test]
    fn aliases_unfold_and_bombs_do_not() {
        let node = Node::parse("a: &x {k: 1}\nb: *x\n", "x.yaml").expect("an alias is fine");
        assert_eq!(node.get("b").and_then(|b| b.get("k")).and_then(Node::text), Some("1"));
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let previous = format!("*a{}, ", level - 1).repeat(10);
            bomb = format!("{bomb}a{level}: &a{level} [{previous}]\n");
        }
        let error = Node::parse(&bomb, "bomb.yaml").expect_err("a bomb is refused").to_string();
        assert!(error.contains("too large once it is unfolded"), "{error}");
    }
}
