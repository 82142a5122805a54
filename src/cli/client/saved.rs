//! What `smo login` keeps: one server with its token, in a file that only its owner may read.
//!
//! It lies in `$SMO_DIR`, else in `~/.smo` where only that exists (the original's folder), else in `~/.config/smo`. A token is
//! shown to the server that it was kept for, and to no other.

use super::flags::variable;
use crate::cli::Failure;
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The file's name.
const NAME: &str = "login.json";

/// A token; never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// From what was typed, or stood in a file.
    ///
    /// # Errors
    /// Nothing, or what cannot stand in a header.
    pub fn new(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::input(anyhow!(
                "this is no token\n  a token is one word of letters, digits and signs; `smo serve` prints the first one when it starts"
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// The token, for a header.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A server, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Its address.
    pub server: String,
    /// The token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// A file of certificates that are trusted besides those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
}

/// Where the login of this user lies.
///
/// # Errors
/// There is no home directory.
pub fn path() -> Result<PathBuf, Failure> {
    let folder = folder(&variable, &|path| path.is_dir());
    let folder = folder.ok_or_else(|| Failure::input(anyhow!("no home directory is known\n  say where by SMO_DIR")))?;
    Ok(folder.join(NAME))
}

fn folder(variable: &dyn Fn(&str) -> Option<String>, exists: &dyn Fn(&Path) -> bool) -> Option<PathBuf> {
    if let Some(folder) = variable("SMO_DIR") {
        return Some(folder.into());
    }
    let home = variable("HOME").map(PathBuf::from);
    let usual = variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home.clone()?.join(".config")));
    let usual = usual.map(|folder| folder.join("smo"));
    let original = home.map(|home| home.join(".smo"));
    match (usual, original) {
        (Some(usual), Some(original)) if !exists(&usual) && exists(&original) => Some(original),
        (usual, _) => usual,
    }
}

/// What is kept; nothing where nobody logged in.
///
/// # Errors
/// A file that others can read, or that is none of ours.
pub fn read(path: &Path) -> Result<Option<Login>, Failure> {
    let shown = path.display();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::input(anyhow::Error::new(error).context(shown.to_string()))),
    };
    if is_open(path) {
        return Err(Failure::input(anyhow!("{shown}: others can read this token\n  `chmod 600 {shown}`")));
    }
    let remedy = || format!("{shown}: this is not what `smo login` wrote; log in again");
    serde_json::from_str(&text).with_context(remedy).map(Some).map_err(Failure::input)
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

/// Keeps a login, whole or not at all.
///
/// # Errors
/// Where it cannot be written.
pub fn write(path: &Path, login: &Login) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let text = serde_json::to_string_pretty(login).map_err(Failure::run)?;
    let written = fs::create_dir_all(folder).and_then(|()| {
        // A temporary file is its owner's alone from the start.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{text}")?;
        file.persist(path).map_err(io::Error::from)
    });
    written.with_context(|| path.display().to_string()).map_err(Failure::run)?;
    Ok(())
}

/// Forgets the login; whether there was one.
///
/// # Errors
/// Where it cannot be removed.
pub fn forget(path: &Path) -> Result<bool, Failure> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::run(anyhow::Error::new(error).context(path.display().to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Login, NAME, Secret, folder, forget, read, write};
    use std::path::{Path, PathBuf};

    fn place(variables: &[(&str, &str)], folders: &[&str]) -> Option<PathBuf> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        folder(&variable, &|path| folders.iter().any(|folder| Path::new(folder) == path))
    }

    #[test]
    fn the_folder_is_the_one_named_else_the_originals_where_only_that_is_there_else_the_usual_one() {
        let home = ("HOME", "/h");
        assert_eq!(place(&[home, ("SMO_DIR", "/d")], &["/h/.smo"]), Some("/d".into()));
        assert_eq!(place(&[home], &[]), Some("/h/.config/smo".into()));
        assert_eq!(place(&[home], &["/h/.smo"]), Some("/h/.smo".into()));
        assert_eq!(place(&[home], &["/h/.smo", "/h/.config/smo"]), Some("/h/.config/smo".into()));
        assert_eq!(place(&[home, ("XDG_CONFIG_HOME", "/x")], &[]), Some("/x/smo".into()));
        assert_eq!(place(&[], &[]), None);
    }

    #[test]
    fn a_login_comes_back_as_it_was_kept_and_its_file_is_its_owners_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new").join(NAME);
        assert_eq!(read(&path).unwrap(), None);
        let login = Login {
            server: "https://smo.example".into(),
            token: Some(Secret::new(" smo_secret\n").unwrap()),
            ca: Some("/etc/ca.pem".into()),
        };
        write(&path, &login).unwrap();
        assert_eq!(read(&path).unwrap(), Some(login.clone()));
        assert!(!format!("{login:?}").contains("smo_secret"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            let failure = read(&path).unwrap_err();
            let said = failure.error.unwrap().to_string();
            assert!(failure.code == 2 && said.contains("chmod 600") && !said.contains("smo_secret"), "{said}");
        }
        assert!(forget(&path).unwrap() && !forget(&path).unwrap());
    }

    #[test]
    fn what_cannot_be_a_token_is_none() {
        for wrong in ["", " \n", "two words", "line\nline", "grün"] {
            assert_eq!(Secret::new(wrong).unwrap_err().code, 2, "{wrong:?}");
        }
    }
}
