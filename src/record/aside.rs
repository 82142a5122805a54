//! A directory that is written aside and put in its place when it is whole.
//!
//! Deliberately without `fsync`: a run can be made again, and a machine that loses power loses a run, not a truth.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// A directory in the making. Dropped before [`commit`](Self::commit), it vanishes.
///
/// Parents that had to be made stay: others may be about to write there. Whoever starts them all removes what is empty
/// when all have ended.
#[derive(Debug)]
pub struct Aside {
    target: PathBuf,
    partial: PathBuf,
    committed: bool,
}

impl Aside {
    /// Begins a directory that is to lie at `target`, with its `first` file, whose lock keeps other writers away.
    ///
    /// # Errors
    /// Where `target` holds something, but nothing called `mark`; where another process writes there, or nobody can.
    pub fn begin(target: &Path, mark: &str, first: &str) -> io::Result<(Self, File)> {
        refuse_foreign(target, mark)?;
        let partial = sibling(target, "partial")?;
        clear_abandoned(&partial, first)?;
        fs::create_dir_all(&partial)?;
        let file = File::create_new(partial.join(first))?;
        file.try_lock().map_err(|error| locked(error, &partial))?;
        Ok((Self { target: target.to_path_buf(), partial, committed: false }, file))
    }

    /// Where the file of that name is to be written.
    pub fn path(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// Puts the directory in its place; what stood there is removed after that.
    ///
    /// # Errors
    /// Where it cannot be renamed; then what stood there stands there again.
    pub fn commit(mut self) -> io::Result<()> {
        let old = sibling(&self.target, "old")?;
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        let replaces = self.target.exists();
        if replaces {
            fs::rename(&self.target, &old)?;
        }
        if let Err(error) = fs::rename(&self.partial, &self.target) {
            if replaces {
                fs::rename(&old, &self.target)?;
            }
            return Err(error);
        }
        self.committed = true;
        if replaces { fs::remove_dir_all(&old) } else { Ok(()) }
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        // Nobody is left to be told of an error.
        let _ = fs::remove_dir_all(&self.partial);
    }
}

/// `--out` may name anything: only what is ours, or empty, is replaced.
fn refuse_foreign(target: &Path, mark: &str) -> io::Result<()> {
    if !target.exists() || target.join(mark).exists() {
        return Ok(());
    }
    if target.is_dir() && fs::read_dir(target)?.next().is_none() {
        return Ok(());
    }
    let what = format!("{} is not replaced: it is there already and has no {mark}", target.display());
    Err(io::Error::new(io::ErrorKind::AlreadyExists, what))
}

/// `DIR/NAME` → `DIR/.NAME.kind`: beside it, so that a rename stays within one file system.
fn sibling(target: &Path, kind: &str) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{} does not name a directory", target.display()))
    })?;
    Ok(target.with_file_name(format!(".{}.{kind}", name.to_string_lossy())))
}

/// Removes what a process that was killed left behind.
fn clear_abandoned(partial: &Path, first: &str) -> io::Result<()> {
    if !partial.exists() {
        return Ok(());
    }
    match File::open(partial.join(first)) {
        Ok(file) => file.try_lock().map_err(|error| locked(error, partial))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::remove_dir_all(partial)
}

fn locked(error: TryLockError, partial: &Path) -> io::Error {
    match error {
        TryLockError::Error(error) => error,
        TryLockError::WouldBlock => io::Error::new(
            io::ErrorKind::ResourceBusy,
            format!("another process is writing {}; wait for it or choose another `--out`", partial.display()),
        ),
    }
}

/// Writes a single file aside and renames it.
///
/// # Errors
/// Where it cannot be written; then what stood there still does.
pub fn replace_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let partial = sibling(path, "partial")?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(&partial, content).and_then(|()| fs::rename(&partial, path)).inspect_err(|_| {
        // The first error is the one to tell.
        let _ = fs::remove_file(&partial);
    })
}

#[cfg(test)]
mod tests {
    use super::{Aside, replace_file};
    use std::fs;
    use std::io::ErrorKind;

    #[test]
    fn a_directory_is_whole_or_not_there() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let target = home.path().join("runs/quickstart/naive-1");
        let (aside, _) = Aside::begin(&target, "mark", "first").expect("begins");
        fs::write(aside.path("mark"), "one").expect("writes");
        assert!(!target.exists());
        drop(aside);
        assert_eq!(fs::read_dir(target.parent().expect("has one")).expect("reads").count(), 0);
        for content in ["one", "two"] {
            let (aside, _) = Aside::begin(&target, "mark", "first").expect("begins");
            fs::write(aside.path("mark"), content).expect("writes");
            aside.commit().expect("commits");
            assert_eq!(fs::read_to_string(target.join("mark")).expect("reads"), content);
        }
        assert_eq!(fs::read_dir(target.parent().expect("has one")).expect("reads").count(), 1);
    }

    #[test]
    fn what_stood_there_stays_when_a_new_one_is_abandoned() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let target = home.path().join("naive-1");
        let (aside, _) = Aside::begin(&target, "first", "first").expect("begins");
        aside.commit().expect("commits");
        drop(Aside::begin(&target, "first", "first").expect("begins"));
        assert!(target.join("first").exists());
    }

    #[test]
    fn a_directory_that_is_not_ours_is_refused() {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::write(home.path().join("thesis.tex"), "years of work").expect("writes");
        let refused = Aside::begin(home.path(), "manifest.json", "first").expect_err("is refused");
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert!(home.path().join("thesis.tex").exists());
    }

    #[test]
    fn two_writers_of_one_run_do_not_meet_and_an_abandoned_one_is_cleared() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let target = home.path().join("naive-1");
        let (aside, lock) = Aside::begin(&target, "first", "first").expect("begins");
        assert_eq!(Aside::begin(&target, "first", "first").expect_err("is busy").kind(), ErrorKind::ResourceBusy);
        assert!(aside.path("first").exists());
        std::mem::forget(aside);
        drop(lock);
        Aside::begin(&target, "first", "first").expect("a killed process left no lock");
    }

    #[test]
    fn a_file_that_cannot_be_put_in_place_leaves_nothing_beside_it() {
        let home = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(home.path().join("report.html")).expect("makes a directory in the way");
        replace_file(&home.path().join("report.html"), b"page").expect_err("a directory is in the way");
        assert_eq!(fs::read_dir(home.path()).expect("reads").count(), 1);
    }
}
