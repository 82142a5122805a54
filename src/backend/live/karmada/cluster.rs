//! What Karmada says of its clusters: what is free where, and whether they are there.
//!
//! `free = allocatable − allocated − allocating`, and what our own replicas hold is not taken from what *we* may use: the
//! original counted its own replicas as others' and refused what it already ran. A cluster that does not answer keeps the figures that
//! Karmada saw last, with their age. Conditions are told apart by their type, not by their reason.

use super::{CLUSTER, CallError, Karmada};
use crate::model::Resources;
use crate::model::cluster::{Taint, TaintEffect};
use crate::model::resources::DEVICE;
use crate::units::kubernetes::Quantity;
use crate::units::{Bytes, MilliCores};
use kube::api::{DynamicObject, ListParams};
use serde_json::Value;

/// Extended resources that are accelerators.
const ACCELERATORS: &[&str] = &["nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915"];

/// A cluster as Karmada sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSeen {
    /// Name.
    pub name: String,
    /// Its unique id, and the address of its API: two that share one are the same cluster, joined twice.
    pub identity: (String, String),
    /// Whether its condition `Ready` is true.
    pub ready: bool,
    /// What all nodes offer; `None` right after it joined, or with resource modelling switched off.
    pub allocatable: Option<Resources>,
    /// What pods with a node ask for.
    pub allocated: Resources,
    /// What pods without a node ask for.
    pub allocating: Resources,
    /// Nodes that are ready.
    pub nodes: u32,
    /// Taints of the whole cluster.
    pub taints: Vec<Taint>,
    /// Version of Kubernetes.
    pub version: String,
    /// Where it is: region, zone, provider.
    pub location: [String; 3],
}

impl ClusterSeen {
    /// Whether it is the same cluster as `other`, joined under another name.
    pub fn is_twin(&self, other: &Self) -> bool {
        let ((id, endpoint), (other_id, other_endpoint)) = (&self.identity, &other.identity);
        self.name != other.name
            && ((!id.is_empty() && id == other_id) || (!endpoint.is_empty() && endpoint == other_endpoint))
    }

    /// What its nodes offer to us: without what others hold, with what `ours` holds.
    pub fn offered(&self, ours: Resources) -> Option<Resources> {
        let others = (self.allocated + self.allocating).saturating_sub(ours);
        self.allocatable.map(|allocatable| allocatable.saturating_sub(others))
    }

    /// Reads the object.
    ///
    /// # Errors
    /// A quantity that is none: its field.
    pub fn of(object: &DynamicObject) -> Result<Self, String> {
        let (spec, status) = (&object.data["spec"], &object.data["status"]);
        let summary = &status["resourceSummary"];
        let is_ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let location = ["region", "zone", "provider"].map(|field| text(&spec[field]));
        let allocatable = summary["allocatable"].as_object().map(|_| resources(summary, "allocatable")).transpose()?;
        Ok(Self {
            name: object.metadata.name.clone().unwrap_or_default(),
            identity: (text(&spec["id"]), text(&spec["apiEndpoint"])),
            ready: status["conditions"].as_array().is_some_and(|all| all.iter().any(is_ready)),
            allocatable: allocatable.map(|whole| of_ready(whole, &status["nodeSummary"])),
            allocated: resources(summary, "allocated")?,
            allocating: resources(summary, "allocating")?,
            nodes: status["nodeSummary"]["readyNum"].as_u64().and_then(|nodes| nodes.try_into().ok()).unwrap_or(0),
            taints: spec["taints"].as_array().into_iter().flatten().map(taint).collect(),
            version: text(&status["kubernetesVersion"]),
            location,
        })
    }
}

/// Karmada adds up all nodes, those that are not ready too: as much of it as there are ready ones.
fn of_ready(whole: Resources, nodes: &Value) -> Resources {
    match (nodes["readyNum"].as_u64(), nodes["totalNum"].as_u64()) {
        (Some(ready), Some(total)) if ready < total => {
            let part = |amount: u64| u128::from(amount) * u128::from(ready) / u128::from(total);
            Resources::from_amounts(whole.amounts().map(|amount| u64::try_from(part(amount)).unwrap_or(u64::MAX)))
        }
        _ => whole,
    }
}

/// The amounts in one of the maps; what a map does not name is nothing of it.
fn resources(summary: &Value, part: &str) -> Result<Resources, String> {
    let map = &summary[part];
    let read = |key: &str| {
        let text = match &map[key] {
            Value::Null => return Ok(None),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let wrong = |error| format!("resourceSummary.{part}.{key}: `{text}` is {error}");
        Quantity::parse(&text).map(Some).map_err(wrong)
    };
    let count = |key: &str| {
        let wrong = |error| format!("resourceSummary.{part}.{key}: {error}");
        Ok::<u64, String>(read(key)?.map(Quantity::count).transpose().map_err(wrong)?.unwrap_or(0))
    };
    let cpu = read("cpu")?.map(Quantity::millicores).transpose().map_err(|error| error.to_string())?;
    let mut gpu = 0;
    for key in ACCELERATORS {
        gpu += count(key)?.saturating_mul(DEVICE);
    }
    Ok(Resources { cpu: cpu.unwrap_or(MilliCores::ZERO), memory: Bytes(count("memory")?), gpu, pods: count("pods")? })
}

fn taint(value: &Value) -> Taint {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let effect = match value["effect"].as_str() {
        Some("NoExecute") => TaintEffect::NoExecute,
        Some("PreferNoSchedule") => TaintEffect::PreferNoSchedule,
        _ => TaintEffect::NoSchedule,
    };
    Taint { key: text("key"), value: text("value"), effect }
}

impl Karmada {
    /// All clusters, by name.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn clusters(&self) -> Result<Vec<ClusterSeen>, CallError> {
        let (api, parameters) = (self.everywhere(CLUSTER), ListParams::default());
        let list = self.call("list clusters", || api.list(&parameters)).await?;
        let mut clusters = list.items.iter().map(|object| self.read_cluster(object)).collect::<Result<Vec<_>, _>>()?;
        clusters.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(clusters)
    }

    /// The object as a cluster.
    ///
    /// # Errors
    /// Where it does not look like one.
    pub fn read_cluster(&self, object: &DynamicObject) -> Result<ClusterSeen, CallError> {
        let name = object.metadata.name.clone().unwrap_or_default();
        let wrong = |reason| CallError::new("karmada", format!("cluster {name}"), super::Class::Permanent, reason);
        ClusterSeen::of(object).map_err(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::ClusterSeen;
    use crate::model::Resources;
    use crate::units::{Bytes, MilliCores};
    use kube::api::DynamicObject;
    use serde_json::{Value, json};

    fn cluster(status: &Value) -> Result<ClusterSeen, String> {
        let object = json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "member1"},
            "spec": {"id": "a", "apiEndpoint": "https://127.0.0.1:6441", "region": "r",
                "taints": [{"key": "k", "effect": "NoExecute"}]}, "status": status});
        let object: DynamicObject = serde_json::from_value(object).expect("an object");
        ClusterSeen::of(&object)
    }

    /// 12 cores, 3 requested by pods on nodes, 1 by pods without; ours hold 2 of the 3: 12 − (4 − 2) = 10 are ours to use.
    #[test]
    fn what_we_hold_ourselves_is_free_to_us() {
        let seen = cluster(&json!({
            "conditions": [{"type": "CompleteAPIEnablements", "status": "False"}, {"type": "Ready", "status": "True", "reason": "Other"}],
            "nodeSummary": {"totalNum": 3, "readyNum": 3},
            "resourceSummary": {
                "allocatable": {"cpu": "12", "memory": "24Gi", "pods": "330", "nvidia.com/gpu": "1"},
                "allocated": {"cpu": "3", "memory": "1Gi", "pods": "3"},
                "allocating": {"cpu": "1", "pods": "1"}}}))
        .expect("it is sound");
        assert!(seen.ready);
        let ours = Resources { cpu: MilliCores(2_000), memory: Bytes(1 << 30), gpu: 0, pods: 2 };
        let offered = seen.offered(ours).expect("it is modelled");
        assert_eq!(offered, Resources { cpu: MilliCores(10_000), memory: Bytes(24 << 30), gpu: 1_000, pods: 328 });
    }

    /// Right after it joined, and where modelling is switched off, there is no summary: that is not the same as no room.
    #[test]
    fn a_cluster_without_a_summary_offers_nothing_that_is_known() {
        let seen = cluster(&json!({"conditions": []})).expect("it is sound");
        assert_eq!((seen.ready, seen.offered(Resources::ZERO)), (false, None));
        let half =
            json!({"nodeSummary": {"totalNum": 4, "readyNum": 2}, "resourceSummary": {"allocatable": {"cpu": "16"}}});
        let seen = cluster(&half).expect("it is sound");
        assert_eq!(
            seen.offered(Resources::ZERO).map(|offered| offered.cpu),
            Some(MilliCores(8_000)),
            "two nodes are down"
        );
        let error = cluster(&json!({"resourceSummary": {"allocatable": {"cpu": "many"}}})).expect_err("no quantity");
        assert!(error.starts_with("resourceSummary.allocatable.cpu: `many` is not a Kubernetes quantity"), "{error}");
    }
}
