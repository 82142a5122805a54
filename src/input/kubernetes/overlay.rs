//! What a scenario says beside a Kubernetes file, laid over what the file says: maps are joined key by key, lists of named
//! things by name (`clusters: {edge-1: {pue: 1.2, pools: {main: {price_per_hour: 0.2 $}}}}`), all else is replaced.

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
        (_, value) => {
            *under = Node { place: over.place, value };
            Ok(())
        }
    }
}

fn lay_entry(all: &mut Vec<Entry>, entry: Entry, path: &str) -> Result<(), InputError> {
    if let Some(known) = all.iter_mut().find(|known| known.key == entry.key) {
        lay(&mut known.node, entry.node, &format!("{path}.{}", entry.key))
    } else {
        all.push(entry);
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
