//! From YAML to the [tree](Node) with places, within limits of depth, values and memory.
//!
//! Merge keys and aliases are expanded by the parser, within its limits. The tree is made as the parser goes, without
//! anything in between, and its letters are those of the text wherever the text has them as they are (not where it escapes
//! or folds them): a file of 64 MiB must not need half a gigabyte. Keys that nobody reads can be left out as they come.

use super::defaults::limits;
use super::error::{InputError, Mistake};
use super::node::{Entry, Node, Scalar, Value};
use super::source::Source;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, NonFiniteFloatPolicy, Spanned};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;

/// Bytes of stack for [`Node::parse_all`].
const PARSER_STACK: usize = 32 << 20;

/// How large a text may become once it is read.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Levels.
    pub depth: usize,
    /// Values and keys, as written.
    pub nodes: usize,
    /// Values that are not left out: what holding them costs is bounded by it.
    pub kept: usize,
}

thread_local! {
    /// Values that may still be kept. A value reads itself and has no other way to know what the parser is about.
    static ROOM: Cell<usize> = const { Cell::new(usize::MAX) };
    /// What is read, for the same reason.
    static SOURCE: RefCell<Option<Source>> = const { RefCell::new(None) };
}

/// Keys whose lists and maps are left out wherever they stand, with all that is below them. (A label may have such a name
/// too: what is neither list nor map is kept.)
pub trait LeftOut {
    /// The keys.
    const KEYS: &[&str];
}

/// Nothing is left out.
pub struct Nothing;

impl LeftOut for Nothing {
    const KEYS: &[&str] = &[];
}

impl Node {
    /// Reads YAML; `file` is the name for messages.
    ///
    /// # Errors
    /// Broken YAML, with its place; an empty document; more than the limits allow.
    pub fn parse(text: impl Into<Box<str>>, file: &str) -> Result<Self, InputError> {
        let budget = Budget { depth: limits::DEPTH, nodes: limits::NODES, kept: limits::NODES };
        let parsed = read(&Source::new(text, file), &budget, |text, options| {
            serde_saphyr::from_str_with_options::<Kept<Nothing>>(text, options)
        })?;
        Ok(parsed.node.expect("only values of keys are left out"))
    }

    /// Reads YAML of any number of documents, within `budget` and without the keys that `K` names; empty ones are left
    /// out.
    ///
    /// # Errors
    /// Broken YAML, with its place; more than the budget allows.
    pub fn parse_all<K: LeftOut>(
        text: impl Into<Box<str>>,
        file: &str,
        budget: &Budget,
    ) -> Result<Vec<Self>, InputError> {
        // A level of YAML is several calls of the parser: on a thread of a test the stack would end before the budget.
        let source = Source::new(text, file);
        let parse = move || {
            let parsed = read(&source, budget, |text, options| {
                serde_saphyr::from_multiple_with_options::<Kept<K>>(text, options)
            })?;
            Ok(parsed.into_iter().filter_map(|document| document.node).collect())
        };
        std::thread::scope(|scope| {
            let parser = std::thread::Builder::new().stack_size(PARSER_STACK).spawn_scoped(scope, parse);
            let parser = parser.map_err(|error| Mistake::in_file(file, &format!("no thread reads it: {error}")))?;
            parser.join().unwrap_or_else(|_| Err(Mistake::in_file(file, "the YAML is broken beyond words")))
        })
    }
}

/// The parser's limits against files that are small and unfold into large ones, and YAML 1.2's booleans.
fn options(limit: &Budget) -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: limit.depth,
            max_nodes: limit.nodes,
            max_events: limit.nodes.saturating_mul(3),
            max_documents: limits::DOCUMENTS,
            // What an anchor names is kept for its aliases, once for each anchor around it.
            max_recorded_anchor_events: limits::ALIAS_EVENTS,
            max_recorded_anchor_bytes: limits::ALIAS_BYTES,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: limits::ALIAS_EVENTS },
        strict_booleans: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// Lets `parser` read a text.
fn read<T>(
    source: &Source,
    budget: &Budget,
    parser: impl Fn(&str, serde_saphyr::Options) -> Result<T, serde_saphyr::Error>,
) -> Result<T, InputError> {
    ROOM.set(budget.kept);
    SOURCE.set(Some(source.clone()));
    let parsed = parser(&source.text, options(budget));
    SOURCE.set(None);
    parsed.map_err(|error| source.mistake(&error, budget, ROOM.get() == 0))
}

/// A value, unless it is left out.
struct Kept<K> {
    node: Option<Node>,
    /// What is left out.
    without: PhantomData<K>,
}

/// What the parser hands over before its place is known.
enum Parsed {
    /// A list or a map that nobody reads.
    LeftOut,
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Box<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

impl<'de, K: LeftOut> Deserialize<'de> for Kept<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        kept::<K, false, D>(deserializer)
    }
}

/// The value of a key that is left out, unless it is neither list nor map.
struct Bulk<K>(Kept<K>);

impl<'de, K: LeftOut> Deserialize<'de> for Bulk<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        kept::<K, true, D>(deserializer).map(Self)
    }
}

fn kept<'de, K: LeftOut, const BULK: bool, D: Deserializer<'de>>(deserializer: D) -> Result<Kept<K>, D::Error> {
    let take = || {
        let room = ROOM.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        ROOM.set(room);
        Ok(())
    };
    // What may be left out is small until it is known to be kept; all else is counted before its parts are.
    if !BULK {
        take()?;
    }
    let Spanned { value: Read(parsed, _), referenced, defined, .. } =
        Spanned::<Read<K, BULK>>::deserialize(deserializer)?;
    if BULK && !matches!(parsed, Parsed::LeftOut) {
        take()?;
    }
    let node = of_source(|source| node(source, parsed, referenced, defined));
    Ok(Kept { node, without: PhantomData })
}

/// What is made with the text that is being read.
fn of_source<T>(make: impl FnOnce(&Source) -> T) -> T {
    SOURCE.with_borrow(|source| make(source.as_ref().expect("only what `read` lets be read is read like this")))
}

/// What the parser made of what stands at `defined` and is used at `referenced`; `None` where it is left out.
fn node(source: &Source, parsed: Parsed, referenced: Location, defined: Location) -> Option<Node> {
    let value = match parsed {
        Parsed::LeftOut => return None,
        Parsed::Null => Value::Scalar(Scalar::Null),
        Parsed::Bool(value) => Value::Scalar(Scalar::Bool(value, source.written(defined))),
        Parsed::Unsigned(value) => Value::Scalar(Scalar::Unsigned(value, source.written(defined))),
        Parsed::Signed(value) => Value::Scalar(Scalar::Signed(value, source.written(defined))),
        Parsed::Float(value) => Value::Scalar(Scalar::Float(value, source.written(defined))),
        Parsed::Text(text) => Value::Scalar(Scalar::Text(source.letters(defined, &text))),
        Parsed::List(items) => Value::List(items),
        Parsed::Map(entries) => Value::Map(entries),
    };
    Some(Node { place: source.place(referenced), value })
}
/// A value as it is read: lists and maps are not kept where they are `BULK`.
struct Read<K, const BULK: bool>(Parsed, PhantomData<K>);

impl<'de, K: LeftOut, const BULK: bool> Deserialize<'de> for Read<K, BULK> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parsed = deserializer.deserialize_any(ParsedVisitor::<K, BULK>(PhantomData))?;
        Ok(Self(parsed, PhantomData))
    }
}

struct ParsedVisitor<K, const BULK: bool>(PhantomData<K>);

impl<'de, K: LeftOut, const BULK: bool> Visitor<'de> for ParsedVisitor<K, BULK> {
    type Value = Parsed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Parsed, E> {
        Ok(Parsed::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Parsed, E> {
        Ok(Parsed::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Parsed, E> {
        Ok(Parsed::Unsigned(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Parsed, E> {
        Ok(Parsed::Signed(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Parsed, E> {
        Ok(Parsed::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Parsed, E> {
        Ok(Parsed::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Parsed, A::Error> {
        if BULK {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Parsed::LeftOut);
        }
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Kept<K>>()? {
            list.extend(item.node);
        }
        Ok(Parsed::List(exactly(list)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Parsed, A::Error> {
        if BULK {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Parsed::LeftOut);
        }
        let mut map = Vec::new();
        while let Some(Spanned { value: key, referenced, defined, .. }) = entries.next_key::<Spanned<Box<str>>>()? {
            let value =
                if K::KEYS.contains(&&*key) { entries.next_value::<Bulk<K>>()?.0 } else { entries.next_value()? };
            if let Some(node) = value.node {
                let (key, key_place) = of_source(|source| (source.letters(defined, &key), source.place(referenced)));
                map.push(Entry { key, key_place, node });
            }
        }
        Ok(Parsed::Map(exactly(map)))
    }
}

/// The same in a place of just their size. (To shrink the first place instead would leave holes of all sizes behind, which
/// add up to half of a tree; that place as a whole is soon used again.)
fn exactly<T>(mut items: Vec<T>) -> Vec<T> {
    let mut exact = Vec::with_capacity(items.len());
    exact.append(&mut items);
    exact
}

#[cfg(test)]
mod tests {
    use super::{Budget, LeftOut, Node, Nothing};
    use crate::input::node::{Scalar, Value};

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
        let error = Node::parse(bomb, "bomb.yaml").expect_err("a bomb is refused").to_string();
        assert!(error.contains("too large once it is unfolded"), "{error}");
    }

    struct NoBulk;

    impl LeftOut for NoBulk {
        const KEYS: &[&str] = &["bulk"];
    }

    #[test]
    fn what_is_left_out_is_left_out_at_every_level_and_still_checked() {
        let budget = Budget { depth: 8, nodes: 100, kept: 100 };
        let text = "a: {bulk: [1, {x: y}], b: 1}\nbulk: {z: z}\n---\n- {bulk: {}}\n- c\n- {bulk: prod}\n";
        let all = Node::parse_all::<NoBulk>(text, "x.yaml", &budget).expect("good YAML");
        assert!(all[0].get("bulk").is_none() && all[0].get("a").is_some_and(|a| a.get("bulk").is_none()));
        assert_eq!(all[0].get("a").and_then(|a| a.get("b")).map(|b| b.place.column), Some(27));
        let Value::List(items) = &all[1].value else { panic!("the second document is a list") };
        assert!(matches!(&items[0].value, Value::Map(entries) if entries.is_empty()));
        assert_eq!((items[1].text(), items[1].place.line), (Some("c"), 5));
        assert_eq!(items[2].get("bulk").and_then(Node::text), Some("prod"), "a label may be called so");
        let kept = Node::parse_all::<Nothing>(text, "x.yaml", &budget).expect("good YAML");
        assert!(kept[0].get("bulk").is_some());
        assert!(Node::parse_all::<NoBulk>("bulk: [\n", "x.yaml", &budget).is_err());
    }

    /// Anchors within anchors would each keep what is in them: thirty around 100,000 values are three million.
    #[test]
    fn anchors_around_anchors_are_limited() {
        let open = (0..30).map(|level| format!("[&a{level} ")).collect::<Vec<_>>().concat();
        let text = format!("{open}[{}]{}", "x, ".repeat(100_000), "]".repeat(30));
        let error = Node::parse(text, "x.yaml").expect_err("too much is kept").to_string();
        assert!(error.contains("too large once it is unfolded"), "{error}");
    }

    #[test]
    fn values_are_counted_as_they_are_kept() {
        let budget = Budget { depth: 8, nodes: 100, kept: 4 };
        let all = Node::parse_all::<NoBulk>("[a, b, {bulk: [1, 2, 3, 4, 5]}]\n", "x.yaml", &budget);
        assert_eq!(all.expect("four values are kept").len(), 1);
        let error = Node::parse_all::<NoBulk>("[a, b, c, d]\n", "x.yaml", &budget).expect_err("five values");
        assert!(error.to_string().contains("more than 4 values for its length\n  split it"), "{error}");
    }
}
