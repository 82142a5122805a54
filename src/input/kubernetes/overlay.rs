//! What a scenario says beside a Kubernetes file, laid over what the file says: maps are joined key by key, lists of named
//! things by name (`clusters: {edge-1: {pue: 1.2, pools: {main: {price_per_hour: 0.2 $}}}}`), a list of named things adds
//! to another, all else is replaced.

use super::super::error::{InputError, Mistake, known_names};
use super::super::node::{Entry, Node, Value};

/// Lays `over` onto `under`; `path` is where that is, for messages.
///
/// # Errors
/// A name that the list below does not have.
pub fn lay(under: &mut Node, over: Node, path: &str) -> Result<(), InputError> {
    match (&mut under.value, over.value) {
        (Value::Map(all), Value::Map(entries)) => entries.into_iter().try_for_each(|entry| lay_entry(all, entry, path)),
        (Value::List(items), Value::Map(entries)) => {
            entries.into_iter().try_for_each(|entry| lay_item(items, entry, path))
        }
        (Value::List(items), Value::List(others))
            if !others.is_empty() && others.iter().all(|other| other.name().is_some()) =>
        {
            others.into_iter().try_for_each(|other| add_item(items, other, path))
        }
        (_, value) => {
            *under = Node { place: over.place, value };
            Ok(())
        }
    }
}

fn lay_entry(all: &mut Vec<Entry>, entry: Entry, path: &str) -> Result<(), InputError> {
    if let Some(known) = all.iter_mut().find(|known| known.key == entry.key) {
        return lay(&mut known.node, entry.node, &format!("{path}.{}", entry.key));
    }
    all.push(entry);
    Ok(())
}

/// A named thing of a list: laid over its namesake, or added.
fn add_item(items: &mut Vec<Node>, other: Node, path: &str) -> Result<(), InputError> {
    if let Some(item) = items.iter_mut().find(|item| item.name() == other.name()) {
        let path = format!("{path}.{}", other.name().unwrap_or_default());
        lay(item, other, &path)
    } else {
        items.push(other);
        Ok(())
    }
}

fn lay_item(items: &mut [Node], entry: Entry, path: &str) -> Result<(), InputError> {
    let path = format!("{path}.{}", entry.key);
    let Some(index) = items.iter().position(|item| item.name() == Some(entry.key.as_str())) else {
        let known: Vec<&str> = items.iter().filter_map(Node::name).collect();
        let message = format!("nothing here is called `{}`; {}", entry.key, known_names(&entry.key, "names", &known));
        return Err(Box::new(Mistake::new(entry.key_place, path, &message)).into());
    };
    lay(&mut items[index], entry.node, &path)
}
