//! What a reference means now: the newest version where it says none, and the digest that names it for good.

use super::{Name, Registry, permanent};
use crate::backend::live::outside::CallError;
use oci_client::Reference;
use oci_client::secrets::RegistryAuth;

/// Tags that are asked for at a time, and pages of them.
const PAGE: usize = 500;
const PAGES_MAX: usize = 20;

impl Registry {
    /// The reference by digest: what is pulled later is what was meant now. Without a tag, the newest version counts, as it does for
    /// Helm: the highest by semantic versioning that is no pre-release.
    ///
    /// # Errors
    /// The reference is wrong, there is no such thing or no version of it, or the registry does not answer.
    pub async fn resolve(&self, reference: &str) -> Result<String, CallError> {
        let what = format!("resolve {reference}");
        let last = reference.rsplit('/').next().unwrap_or(reference);
        let tagged = if last.contains([':', '@']) {
            reference.to_owned()
        } else {
            // A chart's version may hold a `+`, which tags cannot: registries have `_` there.
            format!("{reference}:{}", self.newest(&what, reference).await?)
        };
        let name: Name = tagged.parse().map_err(|reason| permanent(&what, reason))?;
        let (_, digest) = self.manifest(&what, &name).await?;
        Ok(name.pinned(&digest))
    }

    async fn newest(&self, what: &str, reference: &str) -> Result<String, CallError> {
        let named: Name = format!("{reference}:latest").parse().map_err(|reason| permanent(what, reason))?;
        let mut tags: Vec<String> = Vec::new();
        for _ in 0..PAGES_MAX {
            let last = tags.last().cloned();
            let page = self.outside.call(what, || self.tags(what, named.reference(), last.clone())).await?;
            let is_last = page.len() < PAGE;
            tags.extend(page);
            if is_last {
                break;
            }
        }
        let newest = tags.iter().filter_map(|tag| Some((version(tag)?, tag))).max();
        newest.map(|(_, tag)| tag.clone()).ok_or_else(|| {
            permanent(what, format!("it has no version to take; name a tag, there are [{}]", tags.join(", ")))
        })
    }

    async fn tags(&self, what: &str, reference: &Reference, last: Option<String>) -> Result<Vec<String>, CallError> {
        let auth = self.auth();
        let found = self.client.list_tags(reference, &auth, Some(PAGE), last.as_deref()).await;
        found.map(|page| page.tags).map_err(|error| super::trouble::error(what, &error))
    }

    pub(super) fn auth(&self) -> RegistryAuth {
        match &self.auth {
            super::Auth::None => RegistryAuth::Anonymous,
            super::Auth::Bearer(token) => RegistryAuth::Bearer(token.clone()),
            super::Auth::Basic { user, password } => RegistryAuth::Basic(user.clone(), password.clone()),
        }
    }
}

/// `[v]MAJOR.MINOR.PATCH` without a pre-release; what is built of it does not count.
fn version(tag: &str) -> Option<[u64; 3]> {
    let plain = tag.strip_prefix('v').unwrap_or(tag);
    let core = plain.split(['+', '_']).next()?;
    let mut parts = core.split('.').map(|part| part.parse::<u64>().ok());
    let version = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_compared_by_number_and_pre_releases_left_out() {
        assert!(version("0.10.0") > version("0.9.9"));
        assert_eq!(version("v1.2.3"), Some([1, 2, 3]));
        assert_eq!(version("1.2.3_build.7"), Some([1, 2, 3]));
        for none in ["latest", "1.2", "1.2.3-rc.1", "1.2.3.4", "a.b.c"] {
            assert_eq!(version(none), None, "{none}");
        }
    }
}
