//! Which server is meant, as whom, and whom to trust: flags before the environment before what `smo login` keeps.

use crate::cli::Failure;
use crate::cli::client::flags::{At, SERVER, variable};
use crate::cli::client::saved::{self, Login, Secret};
use anyhow::{Context, anyhow};
use reqwest::{Certificate, Url};
use std::fs;
use std::path::{Path, PathBuf};

/// A server, and as whom it is spoken to.
#[derive(Debug)]
pub struct Address {
    /// Where it is.
    pub base: Url,
    /// As whom.
    pub token: Option<Secret>,
    /// Whom to trust besides the system's authorities.
    pub certificates: Vec<Certificate>,
}

impl Address {
    /// The server that is meant.
    ///
    /// # Errors
    /// An address that is none, or files that cannot be read.
    pub fn find(at: &At) -> Result<Self, Failure> {
        // Where no home is known, nothing is kept.
        let kept = saved::path().ok().map(|path| saved::read(&path)).transpose()?.flatten();
        Self::of(at, kept.as_ref())
    }

    /// The same, with what is kept.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn of(at: &At, kept: Option<&Login>) -> Result<Self, Failure> {
        let named = at.server.clone().or_else(|| variable("SMO_SERVER"));
        let base = url(named.as_deref().or(kept.map(|kept| kept.server.as_str())).unwrap_or(SERVER))?;
        // What was kept for one server is not shown to another.
        let kept = kept.filter(|kept| url(&kept.server).is_ok_and(|url| url.origin() == base.origin()));
        let token = match (&at.token_file, variable("SMO_TOKEN")) {
            (Some(path), _) => Some(token_in(path)?),
            (None, Some(token)) => Some(Secret::new(&token)?),
            (None, None) => kept.and_then(|kept| kept.token.clone()),
        };
        let ca = at.ca.clone().or_else(|| variable("SMO_CA").map(PathBuf::from));
        let ca = ca.or_else(|| kept.and_then(|kept| kept.ca.clone()));
        let certificates = ca.as_deref().map(certificates).transpose()?.unwrap_or_default();
        Ok(Self { base, token, certificates })
    }
}

/// An address of a server.
///
/// # Errors
/// It is none; or it holds a password, which would be shown where addresses are.
pub fn url(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::input(anyhow!("`{text}` is no address of a server: {why}\n  write it like http://127.0.0.1:8000"))
    };
    let url: Url = text.parse().map_err(|error| wrong(&format!("{error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::input(anyhow!("the address of a server takes no password\n  `smo login` keeps a token")));
    }
    Ok(url)
}

/// The token in a file.
///
/// # Errors
/// It cannot be read, or is none.
pub fn token_in(path: &Path) -> Result<Secret, Failure> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string()).map_err(Failure::input)?;
    Secret::new(&text)
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let shown = || path.display().to_string();
    let pem = fs::read(path).with_context(shown).map_err(Failure::input)?;
    let found = Certificate::from_pem_bundle(&pem).with_context(shown).map_err(Failure::input)?;
    if found.is_empty() {
        return Err(Failure::input(anyhow!(
            "{}: no certificate stands in it\n  wanted is PEM, which begins with -----BEGIN CERTIFICATE-----",
            path.display()
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Address, url};
    use crate::cli::client::flags::At;
    use crate::cli::client::saved::{Login, Secret};

    fn kept() -> Login {
        Login { server: "https://one.example/".into(), token: Some(Secret::new("smo_t").unwrap()), ca: None }
    }

    #[test]
    fn a_kept_token_is_shown_to_its_own_server_only() {
        let at = |server: Option<&str>| At { server: server.map(str::to_owned), ..At::default() };
        let of = |server| Address::of(&at(server), Some(&kept())).unwrap();
        assert!(of(Some("https://one.example")).token.is_some());
        for other in ["https://two.example", "http://one.example", "https://one.example:8443"] {
            assert!(of(Some(other)).token.is_none(), "{other}");
        }
    }

    #[test]
    fn a_token_file_goes_before_what_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "smo_file\n").unwrap();
        let at = At { server: Some("https://one.example".into()), token_file: Some(path), ca: None };
        assert_eq!(Address::of(&at, Some(&kept())).unwrap().token.unwrap().expose(), "smo_file");
        let at = At { token_file: Some(folder.path().join("nowhere")), ..at };
        assert_eq!(Address::of(&at, None).unwrap_err().code, 2);
    }

    #[test]
    fn an_address_that_is_none_is_refused_and_a_password_in_it_is_not_repeated() {
        for wrong in ["", "127.0.0.1:8000", "ftp://host", "server"] {
            let said = url(wrong).unwrap_err().error.unwrap().to_string();
            assert!(said.contains("write it like http://"), "{said}");
        }
        let said = url("http://me:hush@host").unwrap_err().error.unwrap().to_string();
        assert!(!said.contains("hush"), "{said}");
    }
}
