//! One Helm at a release at a time, also across a crash of ours.
//!
//! The lock is a lock of the operating system on an open file, and the running Helm holds it too (the file is its standard input,
//! which it never reads). So a Helm that outlives us keeps the lock, and a lock that can be taken proves that no Helm started from
//! this folder is at the release. What the file says (that an operation began and has not ended) then proves that one was killed.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// How often a lock that somebody else holds is tried.
const EVERY: Duration = Duration::from_millis(25);
/// What the file says while an operation runs.
const BEGUN: &[u8] = b"begun\n";

/// The lock of one release.
#[derive(Debug)]
pub struct Lock {
    file: File,
    what: String,
}

impl Lock {
    /// Takes the lock at `path` for the call `what`; nothing where somebody else holds it for longer than `limit`.
    ///
    /// # Errors
    /// The file cannot be made or locked.
    pub async fn take(path: &Path, what: &str, limit: Duration) -> io::Result<Option<Self>> {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let wait = async {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(()),
                    Err(std::fs::TryLockError::WouldBlock) => tokio::time::sleep(EVERY).await,
                    Err(std::fs::TryLockError::Error(error)) => return Err(error),
                }
            }
        };
        match tokio::time::timeout(limit, wait).await {
            Ok(taken) => taken.map(|()| Some(Self { file, what: what.to_owned() })),
            Err(_held) => Ok(None),
        }
    }

    /// The call that it is held for.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Whether an operation began and never ended: its Helm was killed, or we were.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn was_interrupted(&self) -> io::Result<bool> {
        self.file.metadata().map(|file| file.len() > 0)
    }

    /// Says that an operation begins.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(&self) -> io::Result<()> {
        self.file.write_all_at(BEGUN, 0)
    }

    /// Says that it ended, well or not.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn end(&self) -> io::Result<()> {
        self.file.set_len(0)
    }

    /// What the running Helm gets as its input, so that it holds the lock as long as it runs.
    ///
    /// # Errors
    /// There are too many open files.
    pub fn share(&self) -> io::Result<Stdio> {
        self.file.try_clone().map(Stdio::from)
    }
}

#[cfg(test)]
mod tests {
    use super::Lock;
    use std::time::Duration;
    use tokio::process::Command;

    const LONG: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn a_program_that_outlives_us_keeps_the_lock_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop--web");
        let lock = Lock::take(&path, "test", LONG).await.unwrap().unwrap();
        lock.begin().unwrap();
        let mut left = Command::new("sleep").arg("60").stdin(lock.share().unwrap()).kill_on_drop(true).spawn().unwrap();
        drop(lock);
        assert!(Lock::take(&path, "test", Duration::from_millis(100)).await.unwrap().is_none());
        left.kill().await.unwrap();
        let lock = Lock::take(&path, "test", LONG).await.unwrap().unwrap();
        assert!(lock.was_interrupted().unwrap());
        lock.end().unwrap();
        assert!(!lock.was_interrupted().unwrap());
    }
}
