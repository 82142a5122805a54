//! What Helm says of releases, and what is kept of it.

use crate::backend::live::outside::{CallError, Class};
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// Where a revision of a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Not known to Helm.
    Unknown,
    /// In force.
    Deployed,
    /// Removed, with its history kept.
    Uninstalled,
    /// A later revision took its place.
    Superseded,
    /// It did not come to its end.
    Failed,
    /// It is being removed, or was when Helm was killed.
    Uninstalling,
    /// A first revision is being made, or was when Helm was killed.
    PendingInstall,
    /// A later revision is being made, or was when Helm was killed.
    PendingUpgrade,
    /// An earlier revision is being restored, or was when Helm was killed.
    PendingRollback,
}

impl Status {
    /// Whether somebody is at it, or was when Helm was killed: Helm refuses everything until it is cleared.
    pub const fn is_unfinished(self) -> bool {
        matches!(self, Self::Uninstalling | Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

/// One revision of a release.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Revision {
    /// Its number, from 1.
    pub revision: u32,
    /// Where it stands.
    pub status: Status,
    /// What Helm, or whoever called it, said of it.
    #[serde(default)]
    pub description: String,
    /// The chart with its version, like `web-0.1.0`.
    #[serde(default)]
    pub chart: String,
    /// When it was last touched, since 1970.
    #[serde(rename = "updated", deserialize_with = "since_epoch")]
    pub updated_at: Duration,
}

/// A release as lists show it: its newest revision.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub namespace: String,
    /// The number of its newest revision; a string in Helm's lists alone.
    #[serde(deserialize_with = "number")]
    pub revision: u32,
    /// Where that stands.
    pub status: Status,
    /// The chart with its version.
    pub chart: String,
}

/// What `upgrade` and `status` say of a release.
#[derive(Debug, Deserialize)]
pub(super) struct Release {
    version: u32,
    info: Info,
    chart: Option<Chart>,
}

#[derive(Debug, Deserialize)]
struct Info {
    status: Status,
    #[serde(default)]
    description: String,
    #[serde(deserialize_with = "since_epoch")]
    last_deployed: Duration,
}

#[derive(Debug, Deserialize)]
struct Chart {
    metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

impl From<Release> for Revision {
    fn from(release: Release) -> Self {
        let chart = release.chart.and_then(|chart| chart.metadata);
        Self {
            revision: release.version,
            status: release.info.status,
            description: release.info.description,
            chart: chart.map(|chart| format!("{}-{}", chart.name, chart.version)).unwrap_or_default(),
            updated_at: release.info.last_deployed,
        }
    }
}

/// Helm's JSON, read as `T`.
pub(super) fn read<T: serde::de::DeserializeOwned>(what: &str, stdout: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(stdout).map_err(|error| {
        let start: String = String::from_utf8_lossy(stdout).chars().take(200).collect();
        let reason = format!("its output is not what Helm 3.17 or 4 says ({error}): `{}`", start.trim());
        CallError::new("helm", what, Class::Permanent, reason)
    })
}

fn since_epoch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let at: Timestamp = text.parse().map_err(serde::de::Error::custom)?;
    Ok(Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default())
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::{Listed, Release, Revision, Status, read};
    use std::time::Duration;

    #[test]
    fn what_both_majors_say_is_read() {
        let three = br#"{"name":"web","info":{"first_deployed":"2026-11-23T20:15:50.5Z","last_deployed":"2026-11-23T20:15:50.5Z",
            "deleted":"","description":"Install complete","status":"deployed"},"manifest":"x","version":2,"namespace":"shop",
            "chart":{"metadata":{"name":"web","version":"0.1.0"}}}"#;
        let revision = Revision::from(read::<Release>("status", three).unwrap());
        assert_eq!((revision.revision, revision.status), (2, Status::Deployed));
        assert_eq!((revision.chart.as_str(), revision.description.as_str()), ("web-0.1.0", "Install complete"));
        assert_eq!(revision.updated_at, Duration::from_millis(1_795_464_950_500));

        let history = br#"[{"revision":1,"updated":"2026-11-23T21:15:50.123456789+01:00","status":"pending-upgrade",
            "chart":"web-0.1.0","app_version":"","description":"Preparing upgrade"}]"#;
        let history: Vec<Revision> = read("history", history).unwrap();
        assert!(history[0].status.is_unfinished());
        assert_eq!(history[0].updated_at.as_secs(), 1_795_464_950);

        let list = br#"[{"name":"web","namespace":"shop","revision":"3","updated":"2026-11-23 20:15:50.1 +0000 UTC",
            "status":"failed","chart":"web-0.1.0","app_version":"1"}]"#;
        let list: Vec<Listed> = read("list", list).unwrap();
        assert_eq!((list[0].revision, list[0].status.is_unfinished()), (3, false));
    }

    #[test]
    fn something_else_is_shown() {
        let error = read::<Vec<Listed>>("list", b"Pulled: x\n[]").unwrap_err();
        assert!(error.reason.contains("`Pulled: x\n[]`"), "{error}");
    }
}
