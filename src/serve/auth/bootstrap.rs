//! The first token: without one nobody could ask for any.

use super::Auth;
use crate::serve::store::StoreError;
use crate::serve::store::asked::NewToken;
use crate::serve::store::rows::Role;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// So long others keep from making a first token too.
const LEASE: Duration = Duration::from_mins(1);

/// A first token that was made.
#[derive(Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// The token, to be shown once.
    pub secret: String,
    /// Where it lies, readable by its owner alone; or why it does not.
    pub file: Result<PathBuf, String>,
}

impl std::fmt::Debug for Bootstrap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bootstrap").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Auth {
    /// Makes the first token, of an admin, where callers have to show one and none was ever made; of several servers that start at the
    /// same time, one does.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn bootstrap(&self, me: &str) -> Result<Option<Bootstrap>, StoreError> {
        let name = "first-token";
        if !self.config.required || self.store.has_tokens().await? || !self.store.acquire(name, me, LEASE).await? {
            return Ok(None);
        }
        // Whoever had the lease before may have made one since we looked.
        let made = if self.store.has_tokens().await? { None } else { Some(self.first().await?) };
        self.store.release(name, me).await?;
        Ok(made)
    }

    async fn first(&self) -> Result<Bootstrap, StoreError> {
        let new = NewToken { name: "admin".to_owned(), role: Role::Admin, project: None, expires_at: None };
        let (_, secret) = self.store.add_token(&new).await?;
        let file = keep(&self.config.token_file, &secret).map(|()| self.config.token_file.clone());
        let file = file.map_err(|error| format!("`{}` cannot be written: {error}", self.config.token_file.display()));
        Ok(Bootstrap { secret, file })
    }
}

/// Writes a file that only its owner can read. One that is there goes first: its rights would stay.
fn keep(path: &Path, secret: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
    file.open(path)?.write_all(format!("{secret}\n").as_bytes())
}
