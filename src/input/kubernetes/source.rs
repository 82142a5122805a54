//! The files behind a path: one, or all YAML and JSON files of a directory, by name.

use super::super::at::At;
use super::super::defaults::limits;
use super::super::error::InputError;
use super::super::file::{Files, TextFile};
use super::super::node::Value;
use super::documents::{Object, objects};
use super::field::Field;
use std::path::Path;

/// A file of objects.
pub struct Source {
    /// The file's name without its ending.
    pub stem: String,
    /// What is in it.
    pub objects: Vec<Object>,
}

/// The files that stand at `at`: a path, or a list of paths.
///
/// # Errors
/// What cannot be read.
pub fn sources(at: &At<'_>, files: &mut Files) -> Result<Vec<Source>, InputError> {
    if at.node().is_some_and(|node| matches!(node.value, Value::List(_))) {
        let items = at.items()?;
        let all = items.iter().map(|item| of_path(item, files)).collect::<Result<Vec<_>, _>>()?;
        return Ok(all.into_iter().flatten().collect());
    }
    of_path(at, files)
}

fn of_path(at: &At<'_>, files: &mut Files) -> Result<Vec<Source>, InputError> {
    let Some(written) = at.text()? else { return Err(at.error("no file is named here; write a path")) };
    let mut found = Vec::new();
    for path in files.below(written, &["yaml", "yml", "json"], at)? {
        let file = files.read_text_of(&path, limits::KUBERNETES_BYTES, at)?;
        found.push(source(&path, file)?);
    }
    if found.is_empty() {
        return Err(
            at.error(format!("`{written}` holds no file of Kubernetes objects; they end in .yaml, .yml or .json"))
        );
    }
    Ok(found)
}

/// Takes a file apart.
///
/// # Errors
/// What is no object.
pub fn source(path: &str, file: TextFile) -> Result<Source, InputError> {
    let stem = Path::new(path).file_stem().map_or_else(|| path.to_owned(), |stem| stem.to_string_lossy().into_owned());
    // Blanks and quotes are no part of a name.
    let stem = stem.replace(|letter: char| letter.is_whitespace() || ",\"'`".contains(letter), "-");
    Ok(Source { stem, objects: objects(file.text, &file.label)? })
}
