//! The spellings of a reference to an artifact.

use crate::backend::live::oci::Wanted;
use reqwest::Url;

/// Where an artifact lies.
#[derive(Debug, PartialEq, Eq)]
pub enum Place {
    /// In a registry.
    Registry {
        /// What is wanted of it.
        wanted: Wanted,
        /// Whether it is spoken to by TLS, where the reference says so.
        tls: Option<bool>,
    },
    /// On a web server.
    File {
        /// Its address.
        url: String,
        /// Its host, with the port where one is written.
        host: String,
        /// Whether it is an archive.
        packed: bool,
    },
}

/// What the reference means.
pub fn read(text: &str) -> Result<Place, String> {
    let (scheme, below) = text.split_once("://").ok_or_else(|| wanted("it begins with none of the schemes"))?;
    let tls = match scheme {
        "oci" => None,
        "http" => Some(false),
        "https" => Some(true),
        other => return Err(wanted(&format!("`{other}://` is no scheme of an artifact"))),
    };
    if below.split('/').next().is_some_and(|host| host.contains('@')) {
        return Err("a user or a password in a reference is not used; the server's own are".to_owned());
    }
    if let (Some(_), Some(packed)) = (tls, file_kind(below)) {
        let url: Url = text.parse().map_err(|error| wanted(&format!("it is no address ({error})")))?;
        let name = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        return Ok(Place::File { url: text.to_owned(), host, packed });
    }
    let registry: Result<Wanted, String> = below.trim_end_matches('/').parse();
    Ok(Place::Registry { wanted: registry?, tls })
}

/// As it may be shown: without a user or a password, and without arguments, which may be a signature.
pub fn shown(text: &str) -> String {
    let short: String = text.split(['?', '#']).next().unwrap_or_default().chars().take(300).collect();
    let Some((scheme, below)) = short.split_once("://") else { return short };
    let (host, path) = below.split_once('/').map_or((below, None), |(host, path)| (host, Some(path)));
    let host = host.rsplit('@').next().unwrap_or(host);
    path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
}

/// Whether it is a file on a web server rather than a name in a registry, and a packed one.
fn file_kind(below: &str) -> Option<bool> {
    let path = below.split(['?', '#']).next()?;
    let last = path.rsplit('/').next()?;
    let ends = |end: &str| last.len() > end.len() && last.ends_with(end) && !last.contains([':', '@']);
    if ends(".yaml") || ends(".yml") {
        return Some(false);
    }
    (ends(".tar.gz") || ends(".tgz")).then_some(true)
}

fn wanted(reason: &str) -> String {
    format!(
        "{reason}; wanted oci://host/project/graph:1.0.0, http(s)://host/project/graph:1.0.0, or an https:// address of \
         a .yaml or .tar.gz"
    )
}

#[cfg(test)]
mod tests {
    use super::{Place, read, shown};

    #[test]
    fn references_are_read_as_people_and_tools_write_them() {
        let registry = |text: &str, tls| Place::Registry { wanted: text.parse().unwrap(), tls };
        let name = "host:5000/demo/graph";
        assert_eq!(read("oci://host:5000/demo/graph:1"), Ok(registry(&format!("{name}:1"), None)));
        assert_eq!(read("http://host:5000/demo/graph"), Ok(registry(name, Some(false))));
        assert_eq!(read("https://host:5000/demo/graph/"), Ok(registry(name, Some(true))));
        let pinned = format!("{name}@sha256:{}", "a".repeat(64));
        assert_eq!(read(&format!("https://{pinned}")), Ok(registry(&pinned, Some(true))));
        for (text, packed) in [("https://host/a/graph.yaml", false), ("https://host/graph-1.0.tar.gz?x=y", true)] {
            assert_eq!(read(text), Ok(Place::File { url: text.to_owned(), host: "host".to_owned(), packed }));
        }
        let Ok(Place::File { host, .. }) = read("http://host:80/graph.yml") else { panic!("it is a file") };
        assert_eq!(host, "host", "80 is the port of http");
    }

    #[test]
    fn what_is_no_reference_is_said_and_no_password_with_it() {
        for (text, says) in [
            ("graph", "none of the schemes"),
            ("file:///etc/passwd", "`file://` is no scheme"),
            ("oci://graph", "names no repository"),
            ("oci://demo/graph:1", "`demo` is no host"),
            ("http://user:pw@host/demo/graph", "a user or a password"),
            ("https://", "names no repository"),
        ] {
            let reason = read(text).unwrap_err();
            assert!(reason.contains(says) && !reason.contains("pw"), "{text}: {reason}");
        }
        assert_eq!(shown("http://user:pw@host:5000/a@sha256:1"), "http://host:5000/a@sha256:1");
        assert_eq!(shown("https://host/graph.yaml?signature=secret"), "https://host/graph.yaml");
    }
}
