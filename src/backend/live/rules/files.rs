//! Rules as files: for a Prometheus without an operator.
//!
//! Prometheus refuses all files when one is wrong, and keeps the old rules; then our file is put back as it was, so that a later
//! restart of Prometheus does not fail over it.

use super::RuleSet;
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::prometheus::Prometheus;
use serde_json::json;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A folder whose `*.yaml` Prometheus reads as rule files.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// Rules below `folder`.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) async fn write(&self, prometheus: &Prometheus, set: &RuleSet) -> Result<(), CallError> {
        // JSON is YAML.
        let text = serde_json::to_string_pretty(&json!({"groups": set.groups()})).expect("a value of JSON is text");
        self.exchange(prometheus, &set.name(), Some(text.as_bytes())).await
    }

    /// Whether there is a file of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.folder.join(format!("{name}.yaml")).exists()
    }

    pub(super) async fn remove(&self, prometheus: &Prometheus, name: &str) -> Result<(), CallError> {
        self.exchange(prometheus, name, None).await
    }

    /// Puts `text` (or nothing) in place of the file, and back where Prometheus does not take it.
    async fn exchange(&self, prometheus: &Prometheus, name: &str, text: Option<&[u8]>) -> Result<(), CallError> {
        let path = self.folder.join(format!("{name}.yaml"));
        let broken = |error: io::Error| {
            CallError::new("prometheus", format!("rules {}", path.display()), Class::Retryable, error)
        };
        let before = match std::fs::read(&path) {
            Ok(before) => Some(before),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(broken(error)),
        };
        put(&path, text).map_err(broken)?;
        let reloaded = prometheus.reload().await;
        if reloaded.as_ref().is_err_and(|error| error.class == Class::Permanent) {
            put(&path, before.as_deref()).map_err(broken)?;
        }
        reloaded
    }
}

/// Writes a file that Prometheus, which may be another user, can read; as a whole or not at all.
fn put(path: &Path, text: Option<&[u8]>) -> io::Result<()> {
    let Some(text) = text else {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _gone => Ok(()),
        };
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut whole = tempfile::Builder::new().suffix(".tmp").tempfile_in(folder)?;
    whole.write_all(text)?;
    whole.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    whole.persist(path)?;
    Ok(())
}
