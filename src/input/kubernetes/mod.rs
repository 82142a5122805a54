//! Kubernetes objects as input: clusters and nodes as an inventory, workloads and policies as an application.
//!
//! ```text
//! documents ─► objects ─┬─► karmada, grade ─┐
//!                       ├─► nodes, member ──┴─► pool ─► the tree of an inventory
//!                       └─► workload, autoscaler, propagation ─► the tree of an application
//! ```
//!
//! Everything becomes the tree that a native file would give, with the places of the objects kept: variants, `--set`,
//! defaults, the echo in the manifest and messages work as for any scenario. What is not understood is a note with its line,
//! never an error; a value of a wrong type is an error, since the API server would not have taken it either.
//!
//! Nothing is fetched: `kubectl` writes the files.

mod affinity;
mod application;
mod autoscaler;
mod chart;
mod documents;
mod field;
mod grade;
mod inventory;
mod karmada;
mod member;
mod nodes;
mod notes;
mod original;
mod outline;
mod overlay;
mod peers;
mod pool;
mod propagation;
mod resource;
mod source;
mod tree;
mod workload;

pub use original::{TextError, cluster_info, limit_cores, memory_text};
pub use outline::{Groups, WorkloadOutline, Workloads, clusters_of, workloads_of};

use super::at::At;
use super::error::InputError;
use super::file::Files;
use super::formats::{Column, FormatPage, Kind};
use super::node::{Node, Scalar, Value};

/// The page of inventories.
pub const PAGE_INVENTORY: FormatPage = FormatPage {
    name: "kubectl",
    kind: Kind::Inventory,
    what: "Karmada `Cluster`, Kubernetes `Node` and `Pod` objects, as `kubectl get -o yaml|json` prints them",
    extensions: &["yaml", "yml", "json"],
    columns: &[
        column(
            "Cluster.status.resourceSummary",
            "quantities",
            "what the nodes of a cluster offer and what is requested",
        ),
        column("Cluster.status.nodeSummary", "count", "nodes, and how many of them are ready"),
        column("Cluster.spec.resourceModels", "quantities", "grades; without them, all nodes are taken as equal"),
        column("Cluster.spec.region, zones, provider, taints", "text", "where it is, and who is kept away"),
        column(
            "Node.status.allocatable",
            "quantities",
            "what the node offers; extended resources of GPUs are its accelerators",
        ),
        column("Node.metadata.labels, spec.taints", "text", "nodes that differ in them are pools of their own"),
        column("Node.spec.unschedulable, status.conditions", "flag", "cordoned nodes and those not ready are left out"),
        column("Pod.spec.nodeName, containers[].resources", "quantities", "room that others hold on the node"),
    ],
    example: "apiVersion: v1\nkind: NodeList\nitems: [{metadata: {name: a}, status: {allocatable: {cpu: 7910m, memory: 29Gi, pods: 110}}}]",
    writable: false,
};

/// The page of applications.
pub const PAGE_APPLICATION: FormatPage = FormatPage {
    name: "kubernetes",
    kind: Kind::Application,
    what: "Deployments, StatefulSets and Rollouts with their autoscalers, Services and Karmada policies; or a Helm chart",
    extensions: &["yaml", "yml", "json"],
    columns: &[
        column(
            "Deployment.spec.template.spec",
            "quantities",
            "requests, node selector, node affinity, tolerations of a replica",
        ),
        column("Deployment.spec.replicas", "count", "replicas at the start"),
        column(
            "HorizontalPodAutoscaler.spec",
            "count",
            "bounds of the replicas; its target names the policy that does the same",
        ),
        column(
            "PropagationPolicy.spec.placement",
            "text",
            "clusters, cluster tolerations; one cluster at a time where `maxGroups: 1`",
        ),
        column(
            "OverridePolicy.spec.overrideRules",
            "text",
            "replicas where they are set for all clusters; the rest is a note",
        ),
        column("Service.spec.selector, type", "text", "another name of a workload, and whether users reach it"),
    ],
    example: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}",
    writable: false,
};

const fn column(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    Column { name, unit, meaning }
}

/// The native tree of a section where it stands for Kubernetes objects; `None` where it is something else.
///
/// # Errors
/// Objects that cannot be read.
pub fn resolve(section: &str, at: &At<'_>, files: &mut Files) -> Result<Option<Node>, InputError> {
    let Some(node) = at.node() else { return Ok(None) };
    match section {
        "inventory" if node.get("kubectl").is_some() || is_of_objects(node, files) => {
            inventory::inventory(at, files).map(Some)
        }
        "application" if is_of_objects(node.get("descriptor").unwrap_or(node), files) => {
            application::section(at, files).map(Some)
        }
        _ => Ok(None),
    }
}

/// Whether a path leads to Kubernetes objects, or to a directory.
fn is_of_objects(node: &Node, files: &Files) -> bool {
    let path = match &node.value {
        Value::Scalar(Scalar::Text(path)) => path,
        Value::List(items) => return items.first().is_some_and(|item| is_of_objects(item, files)),
        _ => return false,
    };
    files.is_directory(path) || files.beginning(path).is_some_and(|text| documents::looks_like_objects(&text))
}
