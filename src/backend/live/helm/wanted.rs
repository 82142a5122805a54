//! What is wanted of a release: which chart, with which values; and the digest by which it is known again.

use crate::backend::live::digest::sha256;
use crate::backend::live::names::is_name;
use crate::backend::live::outside::{CallError, Class};
use serde_json::Value;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// The longest name that Helm takes.
const NAME_LETTERS_MAX: usize = 53;

/// A release: a name in a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Release {
    /// The release `name` in `namespace`.
    ///
    /// # Errors
    /// One of them is no name that Kubernetes and Helm take.
    pub fn new(namespace: &str, name: &str) -> Result<Self, CallError> {
        if let Some(wrong) = [namespace, name].into_iter().find(|name| !is_name(name, NAME_LETTERS_MAX)) {
            let reason = format!("`{wrong}` is no name; wanted at most {NAME_LETTERS_MAX} of a-z, 0-9 and - inside");
            return Err(CallError::new("helm", "name", Class::Permanent, reason));
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A chart: a local file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// The packed chart (`.tgz`).
    pub file: PathBuf,
    /// The digest (`sha256:...`) that the file has to have, where it is known.
    pub digest: Option<String>,
}

/// Whether hooks of a chart are run; see the head of [`helm`](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hooks {
    /// They are left out.
    #[default]
    Skip,
    /// They are run, and waited for.
    Run,
}

/// What is wanted of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Which release.
    pub release: Release,
    /// Which chart.
    pub chart: Chart,
    /// All of its values that differ from the chart's own; those of earlier revisions are forgotten.
    pub values: Value,
    /// What becomes of its hooks.
    pub hooks: Hooks,
}

impl Wanted {
    /// The digest of chart, values and hooks: equal where nothing has to be done.
    pub(super) fn fingerprint(&self) -> Result<String, CallError> {
        let Chart { file, digest } = &self.chart;
        let wrong =
            |reason: String| CallError::new("helm", format!("upgrade {}", self.release), Class::Permanent, reason);
        let bytes = std::fs::read(file).map_err(|error| wrong(format!("chart {}: {error}", file.display())))?;
        let found = sha256(&bytes);
        if let Some(meant) = digest.as_ref().filter(|meant| **meant != found) {
            return Err(wrong(format!("chart {}: its digest is {found}, wanted {meant}", file.display())));
        }
        if !matches!(self.values, Value::Object(_)) {
            return Err(wrong("values are a map from names to values".to_owned()));
        }
        let all = format!("{found} {:?} {}", self.hooks, self.values);
        Ok(format!("smo {}", sha256(all.as_bytes())))
    }

    /// The values in a file that only we can read, and that goes when it is dropped.
    pub(super) fn write_values(&self, folder: &Path) -> Result<NamedTempFile, CallError> {
        let write = || {
            // Files of `tempfile` have mode 0600 from the start. JSON is YAML.
            let mut file = tempfile::Builder::new().suffix(".json").tempfile_in(folder)?;
            file.write_all(self.values.to_string().as_bytes())?;
            Ok(file)
        };
        write().map_err(|error: std::io::Error| {
            let reason = format!("{}: {error}", folder.display());
            CallError::new("helm", format!("upgrade {}", self.release), Class::Retryable, reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Chart, Hooks, Release, Wanted};
    use crate::backend::live::digest::sha256;
    use serde_json::json;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn names_that_could_be_flags_or_paths_are_refused() {
        assert_eq!(Release::new("shop", "web-1").unwrap().to_string(), "shop/web-1");
        for wrong in ["", "-n", "web-", "Web", "a/b", "..", "a.b", &"a".repeat(54)] {
            assert!(Release::new("shop", wrong).is_err() && Release::new(wrong, "web").is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_chart_is_known_by_its_digest_and_values_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("web.tgz");
        let chart = Chart { file: file.clone(), digest: Some(sha256(b"chart")) };
        let release = Release::new("shop", "web").unwrap();
        let wanted = Wanted { release, chart, values: json!({"a": 1}), hooks: Hooks::Skip };
        assert!(wanted.fingerprint().unwrap_err().reason.contains("No such file"));
        std::fs::write(&file, b"another").unwrap();
        assert!(wanted.fingerprint().unwrap_err().reason.contains("wanted sha256:"));
        std::fs::write(&file, b"chart").unwrap();
        let fingerprint = wanted.fingerprint().unwrap();
        assert_eq!(Wanted { hooks: Hooks::Skip, ..wanted.clone() }.fingerprint().unwrap(), fingerprint);
        assert_ne!(Wanted { hooks: Hooks::Run, ..wanted.clone() }.fingerprint().unwrap(), fingerprint);
        assert_ne!(Wanted { values: json!({"a": 2}), ..wanted.clone() }.fingerprint().unwrap(), fingerprint);
        assert!(Wanted { values: json!([1]), ..wanted.clone() }.fingerprint().is_err());
        let values = wanted.write_values(folder.path()).unwrap();
        assert_eq!(values.as_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(values.path()).unwrap(), r#"{"a":1}"#);
    }
}
