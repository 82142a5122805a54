//! What must survive a crash, on the control plane itself: what is wanted, who drives, and the kill switch.
//!
//! One `ConfigMap` a connection, `smo-NAME`. It lies where the effects are, so that whoever takes over after a crash, on whatever
//! machine, finds what was wanted; each write names the version that it was read at, so that two who drive at once find out at the
//! first write. Nothing is written to a workload before what is wanted stands here.

use super::binding::Shares;
use super::{CONFIG_MAP, CallError, Class, Karmada, MANAGED_BY};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A driver that did not say anything for so long is gone.
pub const LEASE: Duration = Duration::from_secs(10);

/// What is wanted of one workload.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Replicas by cluster.
    pub wanted: Shares,
    /// What it had before, to go back to where a move fails; empty where none is under way.
    #[serde(default, skip_serializing_if = "Shares::is_empty")]
    pub before: Shares,
}

/// What is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stored {
    /// Version of the object; empty where it is not there yet.
    pub version: String,
    /// What is wanted, by workload.
    pub wishes: BTreeMap<String, Wish>,
    /// Who drives, and when it last said so (since 1970).
    pub driver: Option<(String, Duration)>,
    /// Whether the kill switch is on: who, or why.
    pub paused: Option<String>,
    /// The wish of an operator to place all of it anew that was decided last: each is decided once, whoever dies after that.
    pub placed_for: Option<String>,
}

/// The name of the `ConfigMap`.
pub fn store_name(connection: &str) -> String {
    format!("smo-{connection}")
}

impl Stored {
    /// Another driver that is still there.
    ///
    /// It writes the time of its own machine. What is off by more than a lease, either way, is nobody's: a dead one whose clock was ahead
    /// would keep everybody out for as long as that. If it lives after all, it finds out at its next look, and stops.
    pub fn other_driver(&self, me: &str, now: Duration) -> Option<&str> {
        let (driver, at) = self.driver.as_ref()?;
        (driver != me && now.abs_diff(*at) < LEASE).then_some(driver.as_str())
    }
}

impl Karmada {
    /// Reads what is stored; nothing where there is nothing yet.
    ///
    /// # Errors
    /// See [`CallError`]; content that we did not write so.
    pub async fn stored(&self, connection: &str) -> Result<Stored, CallError> {
        let name = store_name(connection);
        let Some(object) = self.get(CONFIG_MAP, &name).await? else { return Ok(Stored::default()) };
        let wrong =
            |reason: String| CallError::new("karmada", format!("read ConfigMap {name}"), Class::Permanent, reason);
        let data = &object.data["data"];
        let text = |key: &str| data[key].as_str().filter(|text| !text.is_empty());
        let wishes = text("wishes.json").map(serde_json::from_str).transpose();
        let driver = text("driver").zip(text("driven-at")).map(|(driver, at)| {
            let at = at.parse().map_err(|_| wrong(format!("driven-at: `{at}` is no time in seconds")))?;
            Ok((driver.to_owned(), Duration::try_from_secs_f64(at).unwrap_or_default()))
        });
        Ok(Stored {
            version: object.metadata.resource_version.clone().unwrap_or_default(),
            wishes: wishes.map_err(|error| wrong(format!("wishes.json: {error}")))?.unwrap_or_default(),
            driver: driver.transpose()?,
            paused: text("paused").map(str::to_owned),
            placed_for: text("placed-for").map(str::to_owned),
        })
    }

    /// Writes what is wanted and who drives; the version after it. The kill switch is not touched.
    ///
    /// # Errors
    /// See [`CallError`]; a conflict where somebody else wrote since.
    pub async fn store(&self, connection: &str, stored: &Stored) -> Result<String, CallError> {
        let mut data = json!({"wishes.json": json!(stored.wishes).to_string()});
        if let Some((driver, at)) = &stored.driver {
            data["driver"] = driver.as_str().into();
            data["driven-at"] = at.as_secs_f64().to_string().into();
        }
        if let Some(job) = &stored.placed_for {
            data["placed-for"] = job.as_str().into();
        }
        self.put(connection, &stored.version, data).await
    }

    /// Turns the kill switch on, with a reason, or off.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn pause(&self, connection: &str, reason: Option<&str>) -> Result<(), CallError> {
        let version = self.stored(connection).await?.version;
        let data = json!({"paused": reason.unwrap_or_default()});
        match self.put(connection, "", data.clone()).await {
            Ok(_) => Ok(()),
            Err(error) if error.class == Class::Conflict && version.is_empty() => {
                self.put(connection, "any", data).await.map(|_| ())
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets everything; whether there was something.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn forget(&self, connection: &str) -> Result<bool, CallError> {
        self.delete(CONFIG_MAP, &store_name(connection)).await
    }

    /// Creates the object where `version` is empty and it is not there, else merges into it.
    async fn put(&self, connection: &str, version: &str, data: Value) -> Result<String, CallError> {
        let name = store_name(connection);
        let labels = json!({MANAGED_BY.0: MANAGED_BY.1});
        let patch = match version {
            "" | "any" => json!({"metadata": {"labels": labels}, "data": data}),
            version => json!({"metadata": {"labels": labels, "resourceVersion": version}, "data": data}),
        };
        let merged = self.merge(CONFIG_MAP, &name, &patch).await;
        let object = match merged {
            Err(error) if error.is_absent() => self.create(&name, &patch).await?,
            merged => merged?,
        };
        Ok(object.metadata.resource_version.unwrap_or_default())
    }

    async fn create(&self, name: &str, patch: &Value) -> Result<kube::api::DynamicObject, CallError> {
        let mut object = patch.clone();
        object["apiVersion"] = "v1".into();
        object["kind"] = CONFIG_MAP.kind.into();
        object["metadata"]["name"] = name.into();
        let object = serde_json::from_value(object).expect("an object with its kind and name");
        let api = self.namespaced(CONFIG_MAP);
        let parameters = kube::api::PostParams::default();
        self.call(&format!("create ConfigMap {name}"), || api.create(&parameters, &object)).await
    }
}

#[cfg(test)]
mod tests {
    use super::{LEASE, Stored};
    use std::time::Duration;

    #[test]
    fn another_driver_counts_as_long_as_it_says_so() {
        let at = Duration::from_secs(100);
        let stored = Stored { driver: Some(("a".to_owned(), at)), ..Stored::default() };
        assert_eq!(stored.other_driver("b", at), Some("a"));
        assert_eq!(stored.other_driver("a", at), None);
        assert_eq!(stored.other_driver("b", at + LEASE), None);
    }

    /// It said so at 100 s by its clock. By ours that is 9 s ahead, and then 10 s: a lease that no clock near ours has written.
    #[test]
    fn a_driver_whose_clock_was_ahead_keeps_nobody_out_for_longer_than_a_lease() {
        let stored = Stored { driver: Some(("a".to_owned(), Duration::from_secs(100))), ..Stored::default() };
        assert_eq!(stored.other_driver("b", Duration::from_secs(91)), Some("a"));
        assert_eq!(stored.other_driver("b", Duration::from_secs(90)), None);
    }
}
