//! The name of an artifact: `oci://host/repository:tag`, or `@sha256:...` in place of or after the tag.
//!
//! The host is always said: a name without one would mean a public registry that nobody chose. So is the version of what is
//! deployed again and again ([`Name`]); a user may leave it out once ([`Wanted`]), and gets the newest, pinned.

use oci_client::Reference;
use std::fmt;
use std::str::FromStr;

/// A name that says host, repository and version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(Reference);

impl Name {
    pub(super) const fn reference(&self) -> &Reference {
        &self.0
    }

    /// Another manifest of the same repository.
    pub(super) fn at(&self, digest: &str) -> Reference {
        let (host, repository) = (self.0.registry().to_owned(), self.0.repository().to_owned());
        Reference::with_digest(host, repository, digest.to_owned())
    }

    /// The name under which what was pulled is pulled again.
    pub fn pinned(&self, digest: &str) -> String {
        format!("oci://{}/{}@{digest}", self.0.registry(), self.0.repository())
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let below = text.strip_prefix("oci://").unwrap_or(text);
        let reference = reference(below)?;
        if has_version(below) { Ok(Self(reference)) } else { Err(wrong("it has neither a tag nor a digest")) }
    }
}

/// A name that says host and repository, and perhaps a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    repository: Reference,
    name: Option<Name>,
}

impl Wanted {
    /// The whole name, where it has a version.
    pub(super) const fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    pub(super) const fn repository(&self) -> &Reference {
        &self.repository
    }

    /// With that tag.
    pub(super) fn tagged(&self, tag: &str) -> Result<Name, String> {
        format!("{}/{}:{tag}", self.repository.registry(), self.repository.repository()).parse()
    }

    /// The host, with its port.
    pub fn host(&self) -> &str {
        self.repository.registry()
    }

    /// The name under which what was pulled is pulled again.
    pub fn pinned(&self, digest: &str) -> String {
        Name(self.repository.clone()).pinned(digest)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.name.as_ref().map_or(&self.repository, Name::reference);
        let (registry, repository) = (whole.registry(), whole.repository());
        match (&self.name, whole.digest(), whole.tag()) {
            (None, ..) => write!(f, "oci://{registry}/{repository}"),
            (_, Some(digest), _) => write!(f, "oci://{registry}/{repository}@{digest}"),
            (_, None, tag) => write!(f, "oci://{registry}/{repository}:{}", tag.unwrap_or_default()),
        }
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let below = text.strip_prefix("oci://").unwrap_or(text);
        let repository = reference(below)?;
        Ok(Self { name: has_version(below).then(|| Name(repository.clone())), repository })
    }
}

fn wrong(reason: &str) -> String {
    format!("{reason}; wanted oci://host/repository:tag or oci://host/repository@sha256:...")
}

fn has_version(below: &str) -> bool {
    below.rsplit('/').next().is_some_and(|last| below.contains('/') && last.contains([':', '@']))
}

fn reference(below: &str) -> Result<Reference, String> {
    let (host, _) = below.split_once('/').ok_or_else(|| wrong("it names no repository"))?;
    if !(host.contains(['.', ':']) || host == "localhost") {
        return Err(wrong(&format!("`{host}` is no host")));
    }
    below.parse().map_err(|error| wrong(&format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::{Name, Wanted};

    #[test]
    fn names_say_host_repository_and_version() {
        let name: Name = "oci://127.0.0.1:5000/charts/web:0.1.0".parse().unwrap();
        assert_eq!(name.reference().tag(), Some("0.1.0"));
        let digest = format!("sha256:{}", "0".repeat(64));
        assert_eq!(name.pinned(&digest), format!("oci://127.0.0.1:5000/charts/web@{digest}"));
        let pinned: Name = name.pinned(&digest).parse().unwrap();
        assert_eq!(pinned.reference().digest(), Some(digest.as_str()));
        assert_eq!(pinned.reference(), &name.at(&digest));
        for (wrong, says) in [
            ("web", "names no repository"),
            ("oci://charts/web:1", "`charts` is no host"),
            ("oci://host:5000/charts/web", "neither a tag nor a digest"),
            ("oci://host:5000/charts/WEB:1", "wanted oci://host/repository:tag"),
            ("oci://host:5000/charts/web@sha256:12", "wanted oci://host/repository:tag"),
        ] {
            let reason = wrong.parse::<Name>().unwrap_err();
            assert!(reason.contains(says), "{wrong}: {reason}");
        }
    }

    #[test]
    fn a_version_may_be_left_out_once() {
        let digest = format!("sha256:{}", "0".repeat(64));
        for text in ["host:5000/demo/graph", "host:5000/demo/graph:1.0.0", &format!("host:5000/demo/graph@{digest}")] {
            let wanted: Wanted = text.parse().unwrap();
            assert_eq!(wanted.to_string(), format!("oci://{text}"));
            assert_eq!((wanted.host(), wanted.name().is_some()), ("host:5000", text.len() > 20));
            assert_eq!(wanted.pinned(&digest), format!("oci://host:5000/demo/graph@{digest}"));
        }
        let newest: Wanted = "oci://host:5000/demo/graph".parse().unwrap();
        assert_eq!(newest.tagged("2.0"), "host:5000/demo/graph:2.0".parse());
        assert!("graph".parse::<Wanted>().is_err() && "demo/graph".parse::<Wanted>().is_err());
    }
}
