//! Reading the files that a scenario names: found next to it, limited in size, hashed for the manifest.

use super::at::At;
use super::capacities::Believed;
use super::defaults::limits;
use super::error::{InputError, Mistake};
use super::hdag::Artifact;
use super::node::Node;
use super::trace;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// A file that was read, for the manifest.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct InputFile {
    /// The path as it was written: by the user for the scenario, in the scenario for all others.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// Hash of the content, in hexadecimal.
    pub sha256: String,
}

/// A text file and its name for messages.
#[derive(Debug)]
pub struct TextFile {
    /// The path from where the user stands.
    pub label: String,
    /// The content.
    pub text: String,
}

/// All that is read for one scenario: files, and what is worth a note.
#[derive(Debug, Default)]
pub struct Files {
    /// The folder that relative paths start from: the scenario's.
    folder: PathBuf,
    /// The files that were read, in order.
    pub read: Vec<InputFile>,
    /// What was assumed or is unusual, in sentences.
    pub notes: Vec<String>,
    /// What a descriptor says of the charts of its services, by service.
    pub artifacts: BTreeMap<String, Artifact>,
    /// Fitted capacities that the scenario names.
    pub believed: Option<Believed>,
}

impl Files {
    /// For the scenario at `path`.
    pub fn of(path: &Path) -> Self {
        Self { folder: path.parent().map(Path::to_path_buf).unwrap_or_default(), ..Self::default() }
    }

    /// Says something that a reader of the results should know.
    pub fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Reads the scenario itself.
    ///
    /// # Errors
    /// Where it is absent, a directory, too large, or not text.
    pub fn read_scenario(&mut self, path: &Path) -> Result<Node, InputError> {
        let label = path.display().to_string();
        let text = read_text(path, &label).map_err(|message| Mistake::in_file(&label, &message))?;
        self.read.push(hashed(&label, text.as_bytes()));
        parse(text, &label)
    }

    /// Reads a YAML file that the scenario names at `at`.
    ///
    /// # Errors
    /// Where it cannot be read or is broken.
    pub fn read_yaml(&mut self, written: &str, at: &At<'_>) -> Result<Node, InputError> {
        let file = self.read_text(written, at)?;
        parse(file.text, &file.label)
    }

    /// Reads a text file that the scenario names at `at`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read_text(&mut self, written: &str, at: &At<'_>) -> Result<TextFile, InputError> {
        self.read_text_of(written, limits::FILE_BYTES, at)
    }

    /// Reads a text file of at most so many bytes that the scenario names at `at`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read_text_of(&mut self, written: &str, bytes_max: u64, at: &At<'_>) -> Result<TextFile, InputError> {
        let path = self.path(written, at)?;
        let label = path.display().to_string();
        let text = read_text_of(&path, &label, bytes_max).map_err(|message| at.error(message))?;
        self.read.push(hashed(written, text.as_bytes()));
        Ok(TextFile { label, text })
    }

    /// The path itself, or where it is a directory, the files in it that end so, by name; hidden ones are left out.
    ///
    /// # Errors
    /// A directory that cannot be read.
    pub fn below(&self, written: &str, endings: &[&str], at: &At<'_>) -> Result<Vec<String>, InputError> {
        let path = self.path(written, at)?;
        if !path.is_dir() {
            return Ok(vec![written.to_owned()]);
        }
        let unread = |error| at.error(unreadable(&path.display().to_string(), &error));
        let mut names = Vec::new();
        for entry in path.read_dir().map_err(unread)? {
            let name = entry.map_err(unread)?.file_name().to_string_lossy().into_owned();
            let fits = endings.iter().any(|ending| name.rsplit_once('.').is_some_and(|(_, end)| end == *ending));
            if fits && !name.starts_with('.') {
                names.push(format!("{}/{name}", written.trim_end_matches('/')));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Notes that a text was made by another program.
    pub fn took(&mut self, label: &str, content: &[u8]) {
        self.read.push(hashed(label, content));
    }

    /// Whether a path leads to a file.
    pub fn is_file(&self, written: &str) -> bool {
        expand(written).is_ok_and(|path| self.folder.join(path).is_file())
    }

    /// Whether a path leads to a directory.
    pub fn is_directory(&self, written: &str) -> bool {
        expand(written).is_ok_and(|path| self.folder.join(path).is_dir())
    }

    /// The first 64 KiB of a file, as far as they are text; `None` where it cannot be read.
    pub fn beginning(&self, written: &str) -> Option<String> {
        let mut bytes = Vec::new();
        File::open(self.folder.join(expand(written).ok()?)).ok()?.take(1 << 16).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Finds and hashes a file of any size that the scenario names at `at`, without holding it.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn hash(&mut self, written: &str, at: &At<'_>) -> Result<PathBuf, InputError> {
        let path = self.path(written, at)?;
        open(&path, &path.display().to_string()).map_err(|message| at.error(message))?;
        if self.read.iter().any(|known| known.path == written) {
            return Ok(path);
        }
        let digest = trace::digest(&path)?;
        self.read.push(InputFile { path: written.to_owned(), bytes: digest.bytes.0, sha256: digest.sha256 });
        Ok(path)
    }

    /// A path as it was written, with variables filled in, from the scenario's folder.
    ///
    /// # Errors
    /// Where a variable is not set.
    pub fn path(&self, written: &str, at: &At<'_>) -> Result<PathBuf, InputError> {
        let expanded = expand(written).map_err(|message| at.error(message))?;
        Ok(self.folder.join(expanded))
    }
}

fn parse(text: String, label: &str) -> Result<Node, InputError> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Err(Mistake::in_file(label, "the file is empty; `smo scenario schema` says what belongs into it"));
    }
    Node::parse(text, label)
}

fn open(path: &Path, label: &str) -> Result<File, String> {
    if path.is_dir() {
        return Err(format!("`{label}` is a directory; name a file in it"));
    }
    File::open(path).map_err(|error| unreadable(label, &error))
}

fn unreadable(label: &str, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            format!("there is no file `{label}`; check the path (paths in a scenario start from its folder)")
        }
        ErrorKind::PermissionDenied => format!("`{label}` may not be read; give yourself the permission"),
        _ => format!("`{label}` cannot be read: {error}"),
    }
}

pub(super) fn read_text(path: &Path, label: &str) -> Result<String, String> {
    read_text_of(path, label, limits::FILE_BYTES)
}

fn read_text_of(path: &Path, label: &str, bytes_max: u64) -> Result<String, String> {
    let file = open(path, label)?;
    // As long as the file is said to be: a buffer that grows by doubling would be up to twice as long as what is in it.
    let length = file.metadata().map_or(0, |metadata| metadata.len()).min(bytes_max);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(|error| unreadable(label, &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(format!("`{label}` is larger than the limit of {} MiB; split it", bytes_max >> 20));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let line = 1 + good.matches('\n').count();
        format!("`{label}` is not UTF-8 text, first in line {line}; save it as UTF-8")
    })
}

/// Fills in `${VARIABLE}` from the environment of the process.
fn expand(written: &str) -> Result<String, String> {
    let mut expanded = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(start) = rest.find("${") {
        expanded.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        let end =
            after.find('}').ok_or_else(|| format!("`{written}` opens `${{` and does not close it; write `}}`"))?;
        let name = &after[..end];
        let value = std::env::var(name).map_err(|_| {
            format!("the variable `{name}` is not set; set it to a folder: `export {name}=/path/to/it`")
        })?;
        expanded.push_str(&value);
        rest = &after[end + 1..];
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn hashed(path: &str, content: &[u8]) -> InputFile {
    let mut hasher = Sha256::new();
    hasher.update(content);
    InputFile { path: path.to_owned(), bytes: content.len() as u64, sha256: hexadecimal(hasher) }
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn variables_in_paths_are_filled_in_or_missed() {
        assert_eq!(expand("a/b.csv").as_deref(), Ok("a/b.csv"));
        let home = std::env::var("PATH").expect("every process has a PATH");
        assert_eq!(expand("x${PATH}y"), Ok(format!("x{home}y")));
        assert!(expand("${SMO_SURELY_NOT_SET}/a").is_err_and(|message| message.contains("export SMO_SURELY_NOT_SET=")));
        assert!(expand("${SMO").is_err());
    }
}
