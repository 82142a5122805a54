//! The objects that would carry a plan out: what is declared and what is wanted in, Kubernetes objects and Helm values out.
//!
//! Pure: nothing is sent anywhere. People read these by `smo plan --format karmada|helm`; whoever writes to a cluster
//! writes the same ones. Objects are plain JSON, because only the fields that a plan decides are written, and the API
//! server checks them.
//!
//! Deliberately absent: everything that a chart decides (images, ports, limits). A plan says where, and how many.

pub mod helm;
pub mod karmada;
pub mod matrix;

use crate::model::scenario::Known;
use crate::model::{Plan, ServiceId};

/// An object cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Kubernetes does not take the name.
    #[error(
        "`{0}` cannot be the name of a Kubernetes object; use up to 253 lower-case letters, digits, `-` and `.`, the first and last a letter or digit"
    )]
    Name(String),
}

/// The name of an object, if Kubernetes takes it (RFC 1123 subdomain).
///
/// # Errors
/// Where it does not.
fn object_name(name: &str) -> Result<&str, ManifestError> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let part = |part: &str| {
        part.starts_with(plain) && part.ends_with(plain) && part.chars().all(|letter| plain(letter) || letter == '-')
    };
    let fits = name.len() <= 253 && name.split('.').all(part);
    if fits { Ok(name) } else { Err(ManifestError::Name(name.to_owned())) }
}

/// The names of the clusters of `service`, with its replicas in each.
fn places<'a>(known: &'a Known, plan: &'a Plan, service: ServiceId) -> impl Iterator<Item = (&'a str, u32)> {
    plan.targets.of(service).iter().map(|target| (known.clusters[target.cluster].name.as_str(), target.replicas))
}

#[cfg(test)]
mod tests {
    use super::object_name;

    #[test]
    fn names_are_those_that_kubernetes_takes() {
        for good in ["a", "web-1", "a.b", "0x", &"a".repeat(253)] {
            assert!(object_name(good).is_ok(), "{good}");
        }
        for bad in ["", "Web", "a_b", "-a", "a-", "a..b", ".a", "ä", &"a".repeat(254)] {
            assert!(object_name(bad).is_err(), "{bad}");
        }
    }
}
