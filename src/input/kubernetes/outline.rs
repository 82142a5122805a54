//! What is in Kubernetes files, before there is a scenario: for `smo init`, which writes one that fits them.

use super::super::application::ReplicasFile;
use super::super::at::At;
use super::super::error::{InputError, Place};
use super::super::file::Files;
use super::super::inventory::{InventoryFile, clusters};
use super::super::node::{Node, Value};
use super::super::read::read;
use super::application::application;
use super::inventory::inventory;
use super::tree::{Map, list, text};
use crate::model::Cluster;
use crate::units::MilliCores;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files, and the cluster whose nodes are in them; without a name they are called like their files.
pub type Groups = BTreeMap<Option<String>, Vec<PathBuf>>;

/// The clusters in files or directories, those that are switched off left out.
///
/// # Errors
/// What is wrong with them.
pub fn clusters_of(groups: &Groups) -> Result<Vec<Cluster>, InputError> {
    let place = Place::whole("--from-kubectl");
    let paths =
        |paths: &[PathBuf]| list(&place, paths.iter().map(|path| text(&place, path.display().to_string())).collect());
    let mut named = Map::new(place.clone());
    for (name, files) in groups {
        named.put(name.as_deref().unwrap_or_default(), paths(files));
    }
    let unnamed = groups.get(&None).filter(|_| groups.len() == 1);
    let mut section = Map::new(place.clone());
    section.put("kubectl", unnamed.map_or_else(|| named.node(), |files| paths(files)));
    let node = section.node();
    let tree = inventory(&At::root(&node), &mut Files::of(Path::new("")))?;
    let file: InventoryFile = read(&tree)?;
    let all = clusters(&file, &At::root(&tree))?;
    let enabled = all.into_iter().zip(&file.clusters).filter(|(_, file)| file.enabled);
    Ok(enabled.map(|(cluster, _)| cluster).collect())
}

/// Workloads, as far as a scenario has to be sized to them.
#[derive(Debug, Clone)]
pub struct Workloads {
    /// The services, in the order of the files.
    pub services: Vec<WorkloadOutline>,
    /// Namespaces that they name as their own.
    pub namespaces: Vec<String>,
}

/// One workload.
#[derive(Debug, Clone)]
pub struct WorkloadOutline {
    /// Name of the service.
    pub name: String,
    /// CPU that a replica requests.
    pub cpu: MilliCores,
    /// Replicas at the start.
    pub replicas: u32,
    /// Whether users reach it: behind an ingress, a load balancer or a node port.
    pub exposed: bool,
}

/// What is read of a service; the rest of it is checked when the scenario is.
#[derive(serde::Deserialize)]
struct Sized {
    name: String,
    cpu: MilliCores,
    #[serde(default)]
    replicas: ReplicasFile,
}

/// The workloads in a file, a directory, or a Helm chart.
///
/// # Errors
/// What is wrong with them.
pub fn workloads_of(path: &Path) -> Result<Workloads, InputError> {
    let node = text(&Place::whole("--workloads"), path.display().to_string());
    let none = Map::new(node.place.clone()).node();
    let made = application(&At::root(&node), &At::root(&none).key("values"), &mut Files::of(Path::new("")))?;
    let Some(Value::List(services)) = made.node.get("services").map(|node| &node.value) else {
        return Ok(Workloads { services: Vec::new(), namespaces: made.namespaces });
    };
    let outline = |node: &Node| {
        let Sized { name, cpu, replicas } = read(node)?;
        let exposed = made.exposed.contains(&name);
        Ok(WorkloadOutline { name, cpu, replicas: replicas.initial, exposed })
    };
    let services = services.iter().map(outline).collect::<Result<_, InputError>>()?;
    Ok(Workloads { services, namespaces: made.namespaces })
}
