//! The name of an artifact: `oci://host/repository:tag`, or `@sha256:...` in place of or after the tag.
//!
//! Host and version are always said: a name without a host would mean a public registry that nobody chose, and one without a
//! version whatever is newest.

use oci_client::Reference;
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
        let wrong =
            |reason: &str| format!("{reason}; wanted oci://host/repository:tag or oci://host/repository@sha256:...");
        let below = text.strip_prefix("oci://").unwrap_or(text);
        let (host, rest) = below.split_once('/').ok_or_else(|| wrong("it names no repository"))?;
        if !(host.contains(['.', ':']) || host == "localhost") {
            return Err(wrong(&format!("`{host}` is no host")));
        }
        let last = rest.rsplit('/').next().unwrap_or(rest);
        if !last.contains([':', '@']) {
            return Err(wrong("it has neither a tag nor a digest"));
        }
        below.parse().map(Self).map_err(|error| wrong(&format!("{error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

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
}
