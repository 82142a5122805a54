//! Results by the keys of their runs, on the disk: what a killed suite goes on from.
//!
//! An entry is written aside and renamed, so it is whole or not there; one that cannot be read is made again. Failures are not
//! kept: they are tried again.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

/// The entries below a folder.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    /// Whether entries that are there are taken; otherwise they are only written.
    is_read: bool,
}

#[derive(Serialize, Deserialize)]
struct Entry<T> {
    key: String,
    value: T,
}

impl Cache {
    /// The cache in `folder`, which is made.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(folder: PathBuf, is_read: bool) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, is_read })
    }

    /// What stands there for `key`; otherwise what `make` makes, which is kept unless it is an error.
    ///
    /// # Errors
    /// Where the entry cannot be written.
    pub fn get_or<T, E>(&self, key: &str, make: impl FnOnce() -> Result<T, E>) -> io::Result<Result<T, E>>
    where
        T: Serialize + DeserializeOwned,
    {
        if let Some(value) = self.get(key) {
            return Ok(Ok(value));
        }
        let made = make();
        if let Ok(value) = &made {
            self.put(key, value)?;
        }
        Ok(made)
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text = self.is_read.then(|| fs::read(self.path(key)).ok()).flatten()?;
        let entry: Entry<T> = serde_json::from_slice(&text).ok()?;
        (entry.key == key).then_some(entry.value)
    }

    fn put<T: Serialize>(&self, key: &str, value: &T) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        serde_json::to_writer(&mut file, &Entry { key: key.to_owned(), value })?;
        file.write_all(b"\n")?;
        file.persist(self.path(key)).map_err(|error| error.error)?;
        Ok(())
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::Cache;

    /// Goal: a cache is only ever a shortcut.
    /// Method: a value is kept, an error is not; a truncated entry and one of another key are made again; without reading,
    /// all are.
    #[test]
    fn what_is_damaged_or_failed_is_made_again() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let cache = |is_read| Cache::new(folder.path().to_owned(), is_read).expect("it can be made");
        let get = |is_read, key: &str, made: Result<f64, String>| cache(is_read).get_or(key, || made).expect("written");
        assert_eq!(get(true, "a", Err("no".into())), Err("no".to_owned()));
        let exact = 0.1 + 0.2;
        assert_eq!(get(true, "a", Ok(exact)), Ok(exact));
        assert_eq!(get(true, "a", Ok(2.0)), Ok(exact));
        assert_eq!(get(false, "a", Ok(2.0)), Ok(2.0));
        let path = folder.path().join("a.json");
        let text = std::fs::read_to_string(&path).expect("it is there");
        std::fs::copy(&path, folder.path().join("b.json")).expect("copied");
        assert_eq!(get(true, "b", Ok(3.0)), Ok(3.0));
        std::fs::write(&path, &text[..text.len() / 2]).expect("written");
        assert_eq!(get(true, "a", Ok(4.0)), Ok(4.0));
    }
}
