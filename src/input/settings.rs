//! Settings of a program: a file, and above it what the environment and the command line say, each value with where it came from.
//!
//! The tree is that of a scenario, so that a mistake in a file is reported at its line; what was set from outside is spliced into
//! it under a label (`environment variable X`), which then is its place.

use super::at::At;
use super::error::{InputError, Mistake, Place};
use super::file::read_text;
use super::node::{Node, Scalar, Value};
use super::read::read;
use super::variant::Patch;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Settings, not yet typed.
#[derive(Debug, Clone)]
pub struct Settings {
    root: Node,
    help: &'static str,
}

/// A value from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// Letter by letter.
    Text(String),
    /// As it would stand in the file: a number, `true`, a list.
    Yaml(String),
    /// Several texts.
    List(Vec<String>),
}

impl Settings {
    /// Those of a file; none where there is none. A file of comments alone has none either. `help` is the command that says what
    /// may stand in it.
    ///
    /// # Errors
    /// A file that cannot be read, or is no YAML.
    pub fn read(path: Option<&Path>, help: &'static str) -> Result<Self, InputError> {
        let Some(path) = path else { return Ok(Self { root: empty("the settings"), help }) };
        let label = path.display().to_string();
        let text = read_text(path, &label).map_err(|message| Mistake::in_file(&label, &message))?;
        let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let root = if text.lines().all(blank) { empty(&label) } else { Node::parse(text, &label)? };
        Ok(Self { root, help })
    }

    /// Whether something is said at a path.
    pub fn has(&self, path: &str) -> bool {
        self.at(path).node().is_some()
    }

    /// Where what is said at a path stands, if something is.
    pub fn place(&self, path: &str) -> Option<&Place> {
        self.at(path).node().map(|node| &node.place)
    }

    /// Sets what is at a path; messages name it by `label`.
    ///
    /// # Errors
    /// A value that is no YAML where it has to be, and a path below a value.
    pub fn set(&mut self, label: &str, path: &str, given: &Given) -> Result<(), InputError> {
        let place = Place::whole(label);
        let text = |text: &str| Node { place: place.clone(), value: Value::Scalar(Scalar::Text(text.into())) };
        let value = match given {
            Given::Yaml(written) => return self.patch(&Patch::of_option(label, path, written)?),
            Given::Text(letters) => text(letters),
            Given::List(items) => {
                let items = items.iter().map(|item| text(item)).collect();
                Node { place: place.clone(), value: Value::List(items) }
            }
        };
        self.patch(&Patch { path: path.to_owned(), place, value })
    }

    fn patch(&mut self, patch: &Patch) -> Result<(), InputError> {
        patch.apply(&mut self.root)
    }

    /// As a type.
    ///
    /// # Errors
    /// The first value that does not fit, with its place.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, InputError> {
        read(&self.root).map_err(|error| match error {
            InputError::File(mut mistake) => {
                for text in [Some(&mut mistake.what), mistake.remedy.as_mut()].into_iter().flatten() {
                    *text = text.replace("smo scenario schema", self.help);
                }
                InputError::File(mistake)
            }
            other => other,
        })
    }

    /// A mistake at a path: what is wrong and, after the first `; `, what would be right.
    pub fn error(&self, path: &str, message: impl AsRef<str>) -> InputError {
        self.at(path).error(message)
    }

    fn at(&self, path: &str) -> At<'_> {
        path.split('.').fold(At::root(&self.root), |at, key| at.key(key))
    }
}

fn empty(label: &str) -> Node {
    Node { place: Place::whole(label), value: Value::Map(Vec::new()) }
}

#[cfg(test)]
mod tests {
    use super::{Given, Settings};
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Typed {
        name: String,
        #[serde(default)]
        hosts: Vec<String>,
        count: u32,
    }

    #[test]
    fn values_know_where_they_came_from_and_mistakes_too() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.yaml");
        std::fs::write(&file, "# settings\nname: a\n\ncount: 1\n").unwrap();
        let mut settings = Settings::read(Some(&file), "smo config show").unwrap();
        assert_eq!(settings.place("count").unwrap().line, 4);
        settings.set("variable `X`", "name", &Given::Text("{not: yaml".to_owned())).unwrap();
        settings.set("variable `Y`", "hosts", &Given::List(vec!["a".to_owned(), "b:1".to_owned()])).unwrap();
        let typed: Typed = settings.typed().unwrap();
        assert_eq!(
            (typed.name.as_str(), typed.count, typed.hosts),
            ("{not: yaml", 1, vec!["a".to_owned(), "b:1".to_owned()])
        );
        settings.set("--count", "count", &Given::Yaml("many".to_owned())).unwrap();
        let error = settings.typed::<Typed>().unwrap_err().to_string();
        assert!(error.starts_with("--count: field `count`: `many` is given here"), "{error}");
        assert!(settings.has("name") && !settings.has("nothing.below"));
    }

    #[test]
    fn no_file_and_one_of_comments_say_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.yaml");
        std::fs::write(&file, "# name: a\n\n").unwrap();
        for settings in [Settings::read(None, "h").unwrap(), Settings::read(Some(&file), "h").unwrap()] {
            let error = settings.typed::<Typed>().unwrap_err().to_string();
            assert!(error.contains("field `name`: is missing") && error.contains("`h` says"), "{error}");
        }
        let error = Settings::read(Some(&folder.path().join("none.yaml")), "h").unwrap_err().to_string();
        assert!(error.contains("there is no file"), "{error}");
    }
}
