//! Graphs and clusters in the shapes of the original: amounts as text, one cluster a service, and a matrix of zeros and ones.

use crate::input::hdag::{self, Compute, DescribedService, Descriptor, Size, Trigger, ram_level, storage_level};
use crate::input::kubernetes::memory_text;
use crate::serve::store::rows::{ClusterRow, Graph, Phase, ServiceStatus};
use crate::units::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cmp::Reverse;
use utoipa::ToSchema;

/// A graph, as upstream and the monorepo show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OriginalGraph {
    /// Its name.
    pub name: String,
    /// `Running`, `Stopped`, or what else is observed: `Deploying`, `Degraded`, `Failed` ...
    pub status: String,
    /// Its project.
    pub project: String,
    /// Its dashboard.
    pub grafana: Option<String>,
    /// What stands under `hdaGraph` of its descriptor.
    #[serde(rename = "hdaGraph")]
    #[schema(value_type = Object)]
    pub hda_graph: Value,
    /// Ones where a service runs: a row a service, a column a cluster; none where the charts place themselves.
    pub placement: Option<Vec<Vec<u8>>>,
    /// The clusters of the columns.
    pub placement_clusters: Vec<String>,
    /// Its services, in the order of the descriptor.
    pub services: Vec<OriginalService>,
}

/// A service, as upstream and the monorepo show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OriginalService {
    /// Its name.
    pub name: String,
    /// `Deployed`, `Pending` (it waits for its event), or `Not deployed`.
    pub status: String,
    /// Its dashboard.
    pub grafana: Option<String>,
    /// Where most of its replicas are; none where its chart places itself.
    pub cluster_affinity: Option<String>,
    /// Cores.
    #[schema(example = "0.5")]
    pub cpu: String,
    /// Memory.
    #[schema(example = "500MiB")]
    pub memory: String,
    /// Storage.
    #[schema(example = "10GB")]
    pub storage: String,
    /// Accelerators.
    #[schema(example = "0")]
    pub gpu: String,
    /// The values that its chart was given.
    #[schema(value_type = Object)]
    pub values_overwrite: Value,
    /// Its chart.
    pub artifact_ref: Option<String>,
    /// `VO`, `cVO` or `App`.
    pub artifact_type: Option<String>,
    /// `WOT` or `HELM`.
    pub artifact_implementer: Option<String>,
    /// The rule of its first event; empty where it waits for none.
    #[schema(value_type = Object)]
    pub alert: Value,
}

/// A cluster, as upstream and the monorepo show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OriginalCluster {
    /// Its place in the list, from 1.
    pub id: u64,
    /// Its name in Karmada.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// Cores that are free.
    pub available_cpu: f64,
    /// Memory that is free.
    #[schema(example = "14.77 GiB")]
    pub available_ram: String,
    /// Whether it is ready.
    pub availability: bool,
    /// Whether it has accelerators.
    pub acceleration: bool,
    /// Its dashboard.
    pub grafana: Option<String>,
    /// First range of pod addresses.
    pub pod_cidr: Option<String>,
    /// First range of service addresses.
    pub service_cidr: Option<String>,
}

/// A graph in that shape; the columns of its matrix are all clusters.
pub fn graph(graph: &Graph, clusters: &[ClusterRow]) -> OriginalGraph {
    let names: Vec<String> = clusters.iter().map(|cluster| cluster.name.clone()).collect();
    let descriptor = hdag::parse(graph.descriptor.to_string(), &graph.name).ok().map(|(descriptor, _)| descriptor);
    let services: &[DescribedService] = descriptor.as_ref().map(|one| one.services.as_slice()).unwrap_or_default();
    let is_static = descriptor.as_ref().is_none_or(|one: &Descriptor| one.intent.use_static_placement);
    let observed = |name: &str| graph.status.services.iter().find(|service| service.name == name);
    let row = |service: &DescribedService| {
        let runs = |cluster: &String| observed(&service.id).is_some_and(|one| wanted_in(one, cluster) > 0);
        names.iter().map(|cluster| u8::from(runs(cluster))).collect::<Vec<u8>>()
    };
    OriginalGraph {
        name: graph.name.clone(),
        status: graph_status(graph.status.phase).to_owned(),
        project: graph.project.clone(),
        grafana: graph.status.dashboard.clone(),
        hda_graph: graph.descriptor.get("hdaGraph").cloned().unwrap_or_else(|| json!({})),
        placement: (!is_static).then(|| services.iter().map(row).collect()),
        placement_clusters: names.clone(),
        services: services.iter().map(|one| service(one, observed(&one.id), is_static)).collect(),
    }
}

/// Clusters in that shape.
pub fn clusters(rows: &[ClusterRow]) -> Vec<OriginalCluster> {
    (1..).zip(rows).map(|(id, row)| cluster(id, row)).collect()
}

fn service(described: &DescribedService, observed: Option<&ServiceStatus>, is_static: bool) -> OriginalService {
    let artifact = described.artifact.as_ref();
    let config = artifact.map(|artifact| artifact.oci_config);
    let given = artifact.map(|artifact| Value::Object(artifact.values_overwrite.clone()));
    let values = observed.map(|one| one.values.clone()).filter(Value::is_object).or(given);
    let Compute { gpu, .. } = described.deployment.intent.compute;
    let (cpu, memory, storage) = amounts(&described.deployment.intent.compute);
    OriginalService {
        name: described.id.clone(),
        status: service_status(observed, described).to_owned(),
        grafana: observed.and_then(|one| one.dashboard.clone()),
        cluster_affinity: observed.filter(|_| !is_static).and_then(affinity),
        cpu,
        memory,
        storage,
        gpu: u8::from(gpu.enabled).to_string(),
        values_overwrite: values.unwrap_or_else(|| json!({})),
        artifact_ref: artifact.and_then(|artifact| artifact.oci_image.clone()),
        artifact_type: config.and_then(|config| word(config.kind)),
        artifact_implementer: config.and_then(|config| word(config.implementer)),
        alert: alert(described),
    }
}

fn cluster(id: u64, row: &ClusterRow) -> OriginalCluster {
    #[expect(clippy::cast_possible_truncation, reason = "bytes of memory are far below 2^53")]
    let free = row.memory.free as i64;
    OriginalCluster {
        id,
        name: row.name.clone(),
        location: row.attributes.location.clone().unwrap_or_else(|| "Unknown".to_owned()),
        available_cpu: row.cpu.free,
        available_ram: memory_text(free),
        availability: row.present && row.ready,
        acceleration: row.attributes.acceleration.unwrap_or(row.gpu.allocatable > 0.0),
        grafana: row.dashboard.clone(),
        pod_cidr: row.pod_cidr.clone(),
        service_cidr: row.service_cidr.clone(),
    }
}

/// Cores, memory and storage as text.
fn amounts(compute: &Compute) -> (String, String, String) {
    let bytes = |amount: Bytes| amount.to_string().replace(' ', "");
    let cores = compute.cpu.cpu().0 as f64 / 1e3;
    let memory = match compute.ram {
        Size::Level(level) => ram_level(level).0.to_owned(),
        Size::Amount(amount) => bytes(amount),
    };
    let storage = match compute.storage {
        Size::Level(level) => storage_level(level).map_or_else(String::new, |(text, _)| text.to_owned()),
        Size::Amount(amount) => bytes(amount),
    };
    (cores.to_string(), memory, storage)
}

/// The cluster with most of the replicas, the first by name of several.
fn affinity(service: &ServiceStatus) -> Option<String> {
    let used = service.clusters.iter().filter(|(_, replicas)| replicas.wanted > 0);
    used.min_by_key(|(_, replicas)| Reverse(replicas.wanted)).map(|(cluster, _)| cluster.clone())
}

fn wanted_in(service: &ServiceStatus, cluster: &str) -> u32 {
    service.clusters.get(cluster).map_or(0, |replicas| replicas.wanted)
}

/// The rule of the first event, as the monorepo keeps it.
fn alert(service: &DescribedService) -> Value {
    match &service.deployment.trigger {
        Trigger::Event { events, .. } => {
            events.first().map_or_else(|| json!({}), |event| event.alert_rule(&service.id))
        }
        Trigger::Auto { .. } => json!({}),
    }
}

const fn graph_status(phase: Phase) -> &'static str {
    match phase {
        Phase::Pending => "Pending",
        Phase::Deploying => "Deploying",
        Phase::Running => "Running",
        Phase::Degraded => "Degraded",
        Phase::Stopped => "Stopped",
        Phase::Removing => "Removing",
        Phase::Failed => "Failed",
    }
}

fn service_status(observed: Option<&ServiceStatus>, described: &DescribedService) -> &'static str {
    let waits = matches!(described.deployment.trigger, Trigger::Event { .. });
    match observed.map(|one| one.phase) {
        Some(Phase::Deploying | Phase::Running | Phase::Degraded) => "Deployed",
        Some(Phase::Pending) | None if waits => "Pending",
        _ => "Not deployed",
    }
}

/// The word of an enumeration.
fn word<T: Serialize>(value: Option<T>) -> Option<String> {
    serde_json::to_value(value?).ok()?.as_str().map(str::to_owned)
}

#[cfg(test)]
#[path = "shown_tests.rs"]
mod tests;
