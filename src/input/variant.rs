//! Named patches by path: `inventory.clusters.edge-1.enabled: false`, `traces.0.scale: 2`, and `--set path=value`.
//!
//! A step into a list is the `name` of an item or its number from 0; the number behind the last adds an item. What a path names need not be written in the
//! scenario (defaults can be patched); whether there is such a key is checked when the types are read, afterwards.

use super::error::{InputError, Mistake, Place, known_names};
use super::node::{Entry, Node, Scalar, Value};

/// Keys that name what a section is made from.
const SOURCES: [&str; 4] =
    ["inventory.kubectl", "inventory.own_namespaces", "application.descriptor", "application.values"];

/// Something that a scenario is changed by.
#[derive(Debug, Clone)]
pub struct Patch {
    /// What is changed.
    pub path: String,
    /// Where the patch stands.
    pub place: Place,
    /// What it becomes.
    pub value: Node,
}

impl Patch {
    /// The patch of `--set path=value`; the value is YAML.
    ///
    /// # Errors
    /// Broken YAML.
    pub fn set(path: &str, value: &str) -> Result<Self, InputError> {
        Self::of_option(&format!("--set {path}={value}"), path, value)
    }

    /// The patch that a command-line option stands for; messages name the option as `label`.
    ///
    /// # Errors
    /// Broken YAML.
    pub fn of_option(label: &str, path: &str, value: &str) -> Result<Self, InputError> {
        let place = Place::whole(label);
        let mut node = Node { place: place.clone(), value: Value::Scalar(Scalar::Null) };
        if !value.trim().is_empty() {
            node = Node::parse(value, label)?;
            relocate(&mut node, &place);
        }
        Ok(Self { path: path.trim().to_owned(), place, value: node })
    }

    /// The patches of the variant `name`, in the order of the file.
    ///
    /// # Errors
    /// Where there is no such variant, or it is no map.
    pub fn of_variant(root: &Node, name: &str) -> Result<Vec<Self>, InputError> {
        let variants = names(root);
        let Some(variant) = root.get("variants").and_then(|variants| variants.get(name)) else {
            let known: Vec<&str> = variants.iter().map(String::as_str).collect();
            let message = format!("no variant is called `{name}`; {}", known_names(name, "variants", &known));
            return Err(Mistake::in_file(&root.place.file, &message));
        };
        let Value::Map(entries) = &variant.value else {
            let message = "a variant is a map of paths to values; write `{path.to.field: value}`";
            return Err(Box::new(Mistake::new(variant.place.clone(), format!("variants.{name}"), message)).into());
        };
        let patch = |entry: &Entry| Self {
            path: entry.key.to_string(),
            place: entry.key_place.clone(),
            value: entry.node.clone(),
        };
        Ok(entries.iter().map(patch).collect())
    }

    /// Whether it replaces a whole section, like `inventory`, or what a section is made from, like `inventory.kubectl`: these
    /// come before files are read.
    pub fn is_of_section(&self) -> bool {
        let below = |source: &&str| self.path.strip_prefix(*source);
        let is_source = |source: &&str| below(source).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        !self.path.contains('.') || SOURCES.iter().any(is_source)
    }

    /// Carries the patch out.
    ///
    /// # Errors
    /// Where the path leads nowhere.
    pub fn apply(&self, root: &mut Node) -> Result<(), InputError> {
        let steps: Vec<&str> = self.path.split('.').collect();
        if steps.iter().any(|step| step.is_empty()) {
            return Err(self.error("is not a path; write names joined by dots, like `telemetry.loss`"));
        }
        self.descend(root, &steps)
    }

    fn descend(&self, node: &mut Node, steps: &[&str]) -> Result<(), InputError> {
        if steps.is_empty() {
            *node = self.value.clone();
            return Ok(());
        }
        if matches!(node.value, Value::Scalar(Scalar::Null)) {
            node.value = Value::Map(Vec::new());
        }
        match &mut node.value {
            Value::Map(entries) => self.descend_map(entries, steps),
            Value::List(items) => self.descend_list(items, steps),
            Value::Scalar(scalar) => {
                let text = scalar.text().unwrap_or_default();
                Err(self.error(&format!(
                    "nothing lies below the value `{text}`; patch it as a whole, up to before `.{}`",
                    steps.join(".")
                )))
            }
        }
    }

    /// The longest key that is there counts, since keys may contain dots; a key that is not there is made.
    fn descend_map(&self, entries: &mut Vec<Entry>, steps: &[&str]) -> Result<(), InputError> {
        for length in (1..=steps.len()).rev() {
            let key = steps[..length].join(".");
            if let Some(entry) = entries.iter_mut().find(|entry| entry.key == key.as_str()) {
                entry.key_place.clone_from(&self.place);
                return self.descend(&mut entry.node, &steps[length..]);
            }
        }
        let node = Node { place: self.place.clone(), value: Value::Scalar(Scalar::Null) };
        let mut entry = Entry { key: steps[0].into(), key_place: self.place.clone(), node };
        self.descend(&mut entry.node, &steps[1..])?;
        entries.push(entry);
        Ok(())
    }

    fn descend_list(&self, items: &mut Vec<Node>, steps: &[&str]) -> Result<(), InputError> {
        for length in (1..=steps.len()).rev() {
            let name = steps[..length].join(".");
            if let Some(item) = items.iter_mut().find(|item| item.name() == Some(name.as_str())) {
                return self.descend(item, &steps[length..]);
            }
        }
        let count = items.len();
        // One that is whole may be added behind the last.
        if let [step] = steps
            && matches!(self.value.value, Value::Map(_))
            && step.parse() == Ok(count)
        {
            items.push(self.value.clone());
            return Ok(());
        }
        if let Some(item) = steps[0].parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
            return self.descend(item, &steps[1..]);
        }
        let names: Vec<&str> = items.iter().filter_map(|item| item.name()).collect();
        let known = match names[..] {
            [] => format!("its {count} items are numbered from 0"),
            _ => known_names(steps[0], "its items", &names),
        };
        Err(self.error(&format!("the list has no item `{}`; {known}", steps[0])))
    }

    fn error(&self, message: &str) -> InputError {
        Box::new(Mistake::new(self.place.clone(), self.path.clone(), message)).into()
    }
}

/// The names of the variants, in the order of the file.
pub fn names(root: &Node) -> Vec<String> {
    match root.get("variants").map(|variants| &variants.value) {
        Some(Value::Map(entries)) => entries.iter().map(|entry| entry.key.to_string()).collect(),
        _ => Vec::new(),
    }
}

/// Makes `place` the place of everything below.
fn relocate(node: &mut Node, place: &Place) {
    node.place = place.clone();
    match &mut node.value {
        Value::Scalar(_) => {}
        Value::List(items) => items.iter_mut().for_each(|item| relocate(item, place)),
        Value::Map(entries) => {
            for entry in entries {
                entry.key_place = place.clone();
                relocate(&mut entry.node, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Patch};

    fn patched(path: &str, value: &str) -> Result<Node, String> {
        let text = "clusters: [{name: edge.1, on: true}, {name: b}]\nlabels: {a.b/c: 1}\nrate: 5\n";
        let mut root = Node::parse(text, "x.yaml").expect("good YAML");
        let patch = Patch::set(path, value).expect("good YAML");
        patch.apply(&mut root).map(|()| root).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_go_by_names_numbers_and_keys_with_dots() {
        let item = |root: Node, index: usize| match &root.get("clusters").expect("is there").value {
            super::Value::List(items) => items[index].clone(),
            _ => panic!("a list"),
        };
        let on = |node: Node| node.get("on").and_then(Node::text).map(str::to_owned);
        assert_eq!(on(item(patched("clusters.edge.1.on", "false").expect("applies"), 0)).as_deref(), Some("false"));
        assert_eq!(on(item(patched("clusters.1.on", "true").expect("applies"), 1)).as_deref(), Some("true"));
        let root = patched("labels.a.b/c", "2").expect("applies");
        assert_eq!(root.get("labels").and_then(|labels| labels.get("a.b/c")).and_then(Node::text), Some("2"));
        let root = patched("control.rails.moves", "2").expect("applies");
        let rails = root.get("control").and_then(|control| control.get("rails"));
        assert_eq!(rails.and_then(|rails| rails.get("moves")).and_then(Node::text), Some("2"));
    }

    #[test]
    fn the_number_behind_the_last_item_adds_one() {
        let root = patched("clusters.2", "{name: c}").expect("applies");
        let super::Value::List(items) = &root.get("clusters").expect("is there").value else { panic!("a list") };
        assert_eq!(items.iter().map(Node::name).collect::<Vec<_>>(), [Some("edge.1"), Some("b"), Some("c")]);
    }

    #[test]
    fn paths_that_lead_nowhere_say_where_they_end() {
        assert_eq!(
            patched("clusters.c.on", "true").expect_err("no such cluster"),
            "--set clusters.c.on=true: field `clusters.c.on`: the list has no item `c`\n  did you mean `b`? its items are `edge.1`, `b`"
        );
        assert!(patched("clusters.3", "{name: d}").expect_err("a gap").contains("the list has no item `3`"));
        assert!(patched("rate.max", "1").expect_err("a value").contains("nothing lies below the value `5`"));
        assert!(patched("a..b", "1").expect_err("no path").contains("is not a path"));
    }
}
