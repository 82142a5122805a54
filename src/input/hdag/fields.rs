//! Reading a map of somebody else's format: what is known is taken, what is not becomes a note, and a slip of the pen is
//! read as what it stands for, with a note that says so.
//!
//! Only what nobody could guess is an error: a value of the wrong shape, or a required one that is missing.

use super::super::error::{InputError, Mistake, Place, known_names, nearest};
use super::super::node::{Entry, Node, Scalar, Value};
use std::fmt;

/// Something that is unusual and can be lived with; printed on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note(pub Mistake);

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string().replace("\n  ", "; "))
    }
}

/// What was noted while reading.
#[derive(Debug, Default)]
pub struct Reader {
    /// In the order of the document.
    pub notes: Vec<Note>,
}

/// A map with the entries that are known, each under its right name.
pub struct Fields<'a> {
    /// The map itself.
    pub node: &'a Node,
    /// Path from the root, for messages.
    pub path: String,
    found: Vec<(&'static str, &'a Entry)>,
}

impl Reader {
    /// Notes something at a place; `message` is split as those of errors are.
    pub fn note(&mut self, place: &Place, path: &str, message: &str) {
        self.notes.push(Note(Mistake::new(place.clone(), path.to_owned(), message)));
    }

    /// Opens a map that may have the fields of `known`; nothing (`null`) is an empty map.
    ///
    /// # Errors
    /// Where it is no map.
    pub fn open<'a>(
        &mut self,
        node: &'a Node,
        path: &str,
        known: &'static [&'static str],
    ) -> Result<Fields<'a>, InputError> {
        let entries: &[Entry] = match &node.value {
            Value::Map(entries) => entries,
            Value::Scalar(Scalar::Null) => &[],
            _ => return Err(error(&node.place, path, &format!("a map is wanted here; write {{{}: ...}}", known[0]))),
        };
        let exact = |entry: &Entry| known.iter().copied().find(|name| entry.key == *name);
        let mut found: Vec<(&'static str, &Entry)> =
            entries.iter().filter_map(|entry| Some((exact(entry)?, entry))).collect();
        for entry in entries.iter().filter(|entry| exact(entry).is_none()) {
            let path = below(path, &entry.key);
            if let Some(name) = meant(&entry.key, known).filter(|name| found.iter().all(|(taken, _)| taken != name)) {
                self.note(&entry.key_place, &path, &format!("there is no such field; it is read as `{name}`"));
                found.push((name, entry));
            } else {
                let listed = known_names(&entry.key, "the fields here", known);
                self.note(&entry.key_place, &path, &format!("there is no such field, it is left out; {listed}"));
            }
        }
        Ok(Fields { node, path: path.to_owned(), found })
    }

    /// One of `words`, for a value that should be one: itself, in another case, or the nearest one with a note.
    pub fn word<T: Copy>(&mut self, fields: &Fields<'_>, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let node = fields.get(key)?;
        let path = below(&fields.path, key);
        let text = node.text().unwrap_or_default().trim();
        if let Some((_, value)) = words.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names: Vec<&'static str> = words.iter().map(|(name, _)| *name).collect();
        if let Some(name) = meant(text, &names) {
            self.note(&node.place, &path, &format!("`{text}` is no word of this field; it is read as `{name}`"));
            return words.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        }
        let listed = known_names(text, "the words here", &names);
        self.note(&node.place, &path, &format!("`{text}` is no word of this field, it is left out; {listed}"));
        None
    }

    /// The items of a list; a single value is a list of one, with a note, and nothing is a list of none.
    ///
    /// # Errors
    /// Where it is a map.
    pub fn list<'a>(&mut self, fields: &Fields<'a>, key: &'static str) -> Result<Vec<&'a Node>, InputError> {
        let Some(node) = fields.get(key) else { return Ok(Vec::new()) };
        match &node.value {
            Value::List(items) => Ok(items.iter().collect()),
            Value::Scalar(Scalar::Null) => Ok(Vec::new()),
            Value::Scalar(Scalar::Text(text)) if text.trim().is_empty() => Ok(Vec::new()),
            Value::Scalar(_) => {
                self.note(&node.place, &below(&fields.path, key), "a single value is read as a list of one");
                Ok(vec![node])
            }
            Value::Map(_) => {
                Err(fields.error(key, "a list is wanted here; write `[...]` or a line with `- ` for each item"))
            }
        }
    }

    /// The texts of a list of names.
    ///
    /// # Errors
    /// Where it is a map, or an item is no text.
    pub fn names(&mut self, fields: &Fields<'_>, key: &'static str) -> Result<Vec<String>, InputError> {
        let items = self.list(fields, key)?;
        let name = |node: &Node| {
            let wanted = || error(&node.place, &below(&fields.path, key), "a name is wanted here; write one word");
            node.text().map(str::to_owned).ok_or_else(wanted)
        };
        items.into_iter().map(name).collect()
    }
}

impl<'a> Fields<'a> {
    /// The value of a field, unless it is nothing.
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        let (_, entry) = self.found.iter().find(|(name, _)| *name == key)?;
        (!matches!(entry.node.value, Value::Scalar(Scalar::Null))).then_some(&entry.node)
    }

    /// Whether the field is there, be it with nothing in it.
    pub fn has(&self, key: &str) -> bool {
        self.found.iter().any(|(name, _)| *name == key)
    }

    /// The text of a scalar.
    ///
    /// # Errors
    /// Where it is a list or a map.
    pub fn text(&self, key: &'static str) -> Result<Option<String>, InputError> {
        let Some(node) = self.get(key) else { return Ok(None) };
        let text = node.text().ok_or_else(|| self.error(key, "text is wanted here; write a single value"))?;
        Ok(Some(text.to_owned()))
    }

    /// A text that has to be there and not empty.
    ///
    /// # Errors
    /// Where it is not.
    pub fn required(&self, key: &'static str, what: &str) -> Result<String, InputError> {
        let text = self.text(key)?.filter(|text| !text.trim().is_empty());
        text.ok_or_else(|| self.error(key, &format!("is missing; write `{key}: ...`, {what}")))
    }

    /// A mistake at a field, or at the map where the field is missing.
    pub fn error(&self, key: &str, message: &str) -> InputError {
        error(self.place(key), &below(&self.path, key), message)
    }

    /// Where a field stands; where it is missing, its map.
    pub fn place(&self, key: &str) -> &'a Place {
        self.get(key).map_or(&self.node.place, |node| &node.place)
    }
}

/// A mistake at a place.
pub fn error(place: &Place, path: &str, message: &str) -> InputError {
    Box::new(Mistake::new(place.clone(), path.to_owned(), message)).into()
}

/// A path one step further.
pub fn below(path: &str, step: &str) -> String {
    if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") }
}

/// The name that a slip of the pen stands for: equal but for case and separators, or one letter off (two in long words).
fn meant(given: &str, known: &[&'static str]) -> Option<&'static str> {
    let bare = |word: &str| word.to_lowercase().replace(['_', '-', ' '], "");
    let given = bare(given);
    if let Some(name) = known.iter().find(|name| bare(name) == given) {
        return Some(name);
    }
    let near = nearest(&given, known.iter().copied())?;
    let allowed = if near.len() <= 5 { 1 } else { 2 };
    (given.len() > 1 && strsim::osa_distance(&given, &bare(near)) <= allowed).then_some(near)
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn a_slip_of_the_pen_is_seen_and_another_word_is_not() {
        let known = ["connectionPoints", "coLocation", "compute", "cpu", "gpu", "ram"];
        for (given, wanted) in [
            ("conectionPoints", Some("connectionPoints")),
            ("connection_points", Some("connectionPoints")),
            ("Colocation", Some("coLocation")),
            ("cpus", Some("cpu")),
            ("storage", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(meant(given, &known), wanted, "{given}");
        }
    }
}
