//! What Alertmanager posts, version 4 of its payload, alert by alert: one that cannot be read does not take the others with it.

use crate::backend::live::digest::sha256;
use k8s_openapi::jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Whether an alert begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It fires.
    Firing,
    /// It does not fire any more, or its rule is gone.
    Resolved,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Whether it begins or ends.
    #[serde(rename = "status")]
    pub state: State,
    /// Its labels, its name (`alertname`) among them.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// When it began, since 1970.
    #[serde(deserialize_with = "since_epoch")]
    pub starts_at: Duration,
    /// What the same labels have in common; made here where an old Alertmanager does not say it.
    #[serde(default)]
    pub fingerprint: String,
}

impl Alert {
    /// Reads one as it stands in a payload; nothing where it is none.
    pub fn read(value: Value) -> Option<Self> {
        Self::deserialize(value).ok().map(with_fingerprint)
    }
}

/// What is kept of a payload.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) alerts: Vec<Alert>,
    pub(super) unreadable: u64,
    pub(super) left_out: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    alerts: Vec<Value>,
    #[serde(default)]
    truncated_alerts: u64,
}

/// Reads a payload.
pub(super) fn read(body: &[u8]) -> Result<Payload, String> {
    let raw: Raw = serde_json::from_slice(body).map_err(|error| format!("no payload of Alertmanager: {error}"))?;
    let mut payload = Payload { alerts: Vec::new(), unreadable: 0, left_out: raw.truncated_alerts };
    for value in raw.alerts {
        match Alert::read(value) {
            Some(alert) => payload.alerts.push(alert),
            None => payload.unreadable += 1,
        }
    }
    // Or whoever is woken by several alerts would fall asleep between one that ends and one that is not known yet.
    payload.alerts.sort_by_key(|alert| alert.state);
    Ok(payload)
}

fn with_fingerprint(alert: Alert) -> Alert {
    if !alert.fingerprint.is_empty() {
        return alert;
    }
    let labels: Vec<String> = alert.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    Alert { fingerprint: sha256(labels.join(",").as_bytes()), ..alert }
}

fn since_epoch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let at: Timestamp = String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)?;
    Ok(Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default())
}
