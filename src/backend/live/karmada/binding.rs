//! Who has how many replicas of a workload: the `ResourceBinding`, read and written.
//!
//! Karmada makes the objects in the members from `spec.clusters` alone. With a scheduler name of our own, one write of that list
//! is a whole move: nobody sees half of it. How it is divided by static weights, `weights` says.

use super::{BINDING, CallError, Karmada};
use crate::model::connection::Division;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Replicas by cluster, as Karmada calls them; a cluster without replicas is not in it.
pub type Shares = BTreeMap<String, u32>;

/// A workload as its binding shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingSeen {
    /// The workload's name.
    pub workload: String,
    /// What a write has to name so that nobody else wrote in between.
    pub resource_version: String,
    /// Replicas asked for, by cluster.
    pub clusters: Shares,
    /// The static weights by which Karmada divides it; none where it does not.
    pub weights: Shares,
    /// Replicas that exist and do not serve yet, by cluster.
    pub starting: Shares,
    /// Replicas that serve, by cluster.
    pub ready: Shares,
    /// Replicas over all clusters, as the Deployment says.
    pub replicas: u32,
    /// The scheduler that is in charge.
    pub scheduler: String,
    /// The policy that it follows.
    pub policy: String,
    /// What is wrong with it: why it could not be scheduled, or applied in a cluster.
    pub trouble: Option<String>,
    /// Whether its works are held back.
    pub suspended: bool,
    /// Clusters from which Karmada itself is taking replicas away.
    pub evicted: Vec<String>,
}

impl BindingSeen {
    /// Reads the object; `None` where it is not of a Deployment.
    pub fn of(object: &DynamicObject) -> Option<Self> {
        let (spec, status) = (&object.data["spec"], &object.data["status"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if spec["resource"]["kind"] != "Deployment" {
            return None;
        }
        let mut seen = Self {
            workload: text(&spec["resource"]["name"]),
            resource_version: object.metadata.resource_version.clone().unwrap_or_default(),
            replicas: count(&spec["replicas"]),
            scheduler: text(&spec["schedulerName"]),
            policy: policy(object),
            trouble: trouble(status),
            suspended: spec["suspension"]["dispatching"] == true,
            ..Self::default()
        };
        for share in spec["clusters"].as_array().into_iter().flatten() {
            put(&mut seen.clusters, &share["name"], count(&share["replicas"]));
        }
        let weights = &spec["placement"]["replicaScheduling"]["weightPreference"]["staticWeightList"];
        for one in weights.as_array().into_iter().flatten() {
            for name in one["targetCluster"]["clusterNames"].as_array().into_iter().flatten() {
                put(&mut seen.weights, name, count(&one["weight"]));
            }
        }
        for item in status["aggregatedStatus"].as_array().into_iter().flatten() {
            let (exist, ready) = (count(&item["status"]["replicas"]), count(&item["status"]["readyReplicas"]));
            put(&mut seen.ready, &item["clusterName"], ready);
            put(&mut seen.starting, &item["clusterName"], exist.saturating_sub(ready));
        }
        let evicted = spec["gracefulEvictionTasks"].as_array().into_iter().flatten();
        seen.evicted = evicted.map(|task| text(&task["fromCluster"])).collect();
        Some(seen)
    }
}

/// The policy of the namespace that it follows, or that of all namespaces.
fn policy(object: &DynamicObject) -> String {
    let of_cluster = label(object, "clusterpropagationpolicy.karmada.io/name");
    if of_cluster.is_empty() {
        label(object, "propagationpolicy.karmada.io/name")
    } else {
        format!("ClusterPropagationPolicy {of_cluster}")
    }
}

fn label(object: &DynamicObject, key: &str) -> String {
    let of = |map: &Option<BTreeMap<String, String>>| map.as_ref().and_then(|map| map.get(key).cloned());
    of(&object.metadata.annotations).or_else(|| of(&object.metadata.labels)).unwrap_or_default()
}

fn count(value: &Value) -> u32 {
    value.as_u64().and_then(|count| count.try_into().ok()).unwrap_or(0)
}

fn put(shares: &mut Shares, cluster: &Value, replicas: u32) {
    if let (Some(cluster), true) = (cluster.as_str(), replicas > 0) {
        shares.insert(cluster.to_owned(), replicas);
    }
}

/// The first thing that is wrong: not scheduled, or not applied somewhere.
fn trouble(status: &Value) -> Option<String> {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    let said = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap_or_default();
        format!("{}: {}", text("reason"), text("message"))
    };
    let refused = conditions.filter(|one| one["type"] == "Scheduled" && one["status"] == "False").map(said);
    let items = status["aggregatedStatus"].as_array().into_iter().flatten();
    let unapplied = items.filter_map(|item| {
        let message = item["appliedMessage"].as_str().filter(|_| item["applied"] == false)?;
        Some(format!("{}: {message}", item["clusterName"].as_str().unwrap_or_default()))
    });
    refused.chain(unapplied).next()
}

/// The name of the binding of a Deployment.
pub fn binding_name(workload: &str) -> String {
    format!("{workload}-deployment")
}

/// The list as the binding holds it.
fn list(shares: &Shares) -> Vec<Value> {
    shares
        .iter()
        .filter(|(_, replicas)| **replicas > 0)
        .map(|(name, replicas)| json!({"name": name, "replicas": replicas}))
        .collect()
}

impl Karmada {
    /// The binding of a Deployment; `None` where there is none.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn binding(&self, workload: &str) -> Result<Option<BindingSeen>, CallError> {
        let object = self.get(BINDING, &binding_name(workload)).await?;
        Ok(object.as_ref().and_then(BindingSeen::of))
    }

    /// The bindings of all Deployments of the namespace.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn bindings(&self) -> Result<Vec<BindingSeen>, CallError> {
        Ok(self.list(BINDING).await?.iter().filter_map(BindingSeen::of).collect())
    }

    /// Divides a workload so. The names must be those of clusters that joined: an unknown one is not refused by Karmada, it
    /// takes the replicas away everywhere.
    ///
    /// # Errors
    /// See [`CallError`]; a conflict where somebody wrote since `seen`.
    pub async fn divide(&self, seen: &BindingSeen, shares: &Shares) -> Result<(), CallError> {
        match self.division {
            Division::Own => self.write_binding(seen, shares).await,
            Division::Weights => self.write_weights(&seen.workload, shares).await,
        }
    }

    /// One write of the list, and the number of replicas after it: Karmada copies that into the binding and leaves the list
    /// alone.
    async fn write_binding(&self, seen: &BindingSeen, shares: &Shares) -> Result<(), CallError> {
        let total: u32 = shares.values().sum();
        let patch = json!({
            "metadata": {"resourceVersion": seen.resource_version},
            "spec": {"clusters": list(shares)},
        });
        self.merge(BINDING, &binding_name(&seen.workload), &patch).await?;
        if seen.replicas == total { Ok(()) } else { self.scale(&seen.workload, total).await }
    }
}

#[cfg(test)]
mod tests {
    use super::{BindingSeen, Shares};
    use kube::api::DynamicObject;
    use serde_json::json;

    #[test]
    fn a_binding_says_who_has_what_and_what_is_wrong() {
        let object: DynamicObject = serde_json::from_value(json!({
            "apiVersion": "work.karmada.io/v1alpha2", "kind": "ResourceBinding",
            "metadata": {"name": "web-deployment", "resourceVersion": "7",
                "annotations": {"propagationpolicy.karmada.io/name": "smo-web"}},
            "spec": {"resource": {"kind": "Deployment", "name": "web"}, "replicas": 5, "schedulerName": "smo",
                "clusters": [{"name": "member1", "replicas": 3}, {"name": "member2", "replicas": 2}],
                "placement": {"replicaScheduling": {"weightPreference": {"staticWeightList": [
                    {"targetCluster": {"clusterNames": ["member2"]}, "weight": 4}]}}}},
            "status": {
                "conditions": [{"type": "Scheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}],
                "aggregatedStatus": [
                    {"clusterName": "member1", "applied": true, "status": {"replicas": 3, "readyReplicas": 1}},
                    {"clusterName": "member2", "applied": true, "status": {"replicas": 0}}]}}))
        .expect("an object");
        let seen = BindingSeen::of(&object).expect("it is of a Deployment");
        let shares =
            |pairs: &[(&str, u32)]| -> Shares { pairs.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect() };
        assert_eq!(seen.clusters, shares(&[("member1", 3), ("member2", 2)]));
        assert_eq!(seen.weights, shares(&[("member2", 4)]));
        assert_eq!((seen.ready, seen.starting), (shares(&[("member1", 1)]), shares(&[("member1", 2)])));
        assert_eq!((seen.policy.as_str(), seen.trouble.as_deref()), ("smo-web", Some("Unschedulable: no room")));
    }
}
