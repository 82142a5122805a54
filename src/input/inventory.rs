//! The inventory file: clusters and their node pools, as people write them, and the checked model of them.

use super::application::{GpuFile, Name};
use super::at::At;
use super::defaults;
use super::error::InputError;
use super::occupied::{OccupiedFile, occupied};
use super::tables::expand::{RegionsFile, SitesFile};
use super::tables::join::MachinesFile;
use super::tables::machine_types::PoolsFile;
use super::terms::split_effect;
use super::written::{DelayFile, Positive, Written};
use crate::model::cluster::ACCELERATOR_LABEL;
use crate::model::resources::DEVICE;
use crate::model::{Cluster, Pool, PoolId, Resources, Table, Taint};
use crate::units::{Bytes, MilliCores, Money, Ratio, Span, Watts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An inventory: the clusters that there are.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InventoryFile {
    /// The clusters. Beside `kubectl`: what Kubernetes does not know, by the names of clusters and pools.
    #[serde(default)]
    #[schemars(with = "Written<BTreeMap<String, serde_json::Value>, Vec<ClusterFile>>")]
    pub clusters: Vec<ClusterFile>,
    /// What `kubectl get clusters|nodes|pods -o yaml|json` printed: a file or directory, a list of them, or a map of cluster
    /// names to them.
    #[serde(default, skip_serializing)]
    #[schemars(with = "Option<Written<String, Written<Vec<String>, BTreeMap<String, Written<String, Vec<String>>>>>>")]
    pub kubectl: Option<serde_json::Value>,
    /// Namespaces whose pods, beside `kubectl`, are the application itself: they hold no room.
    #[serde(default, skip_serializing)]
    pub own_namespaces: Vec<String>,
    /// A cluster in each region of a table, besides `clusters`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<RegionsFile>,
    /// A cluster at each site of a table, besides `clusters`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sites: Option<SitesFile>,
    /// Tables of shapes, power and prices for pools that name their `machine`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machines: Option<MachinesFile>,
}

/// A cluster: where it is, what it is, and its nodes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterFile {
    /// Name, unique in the inventory.
    pub name: Name,
    /// Region: joins `environment.carbon` and `environment.price_factor`.
    #[serde(default = "defaults::region")]
    pub region: String,
    /// Zone of the electricity grid, as Electricity Maps names it (`BE`, `US-CAL-CISO`): joins hourly carbon intensity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid_zone: Option<String>,
    /// Where the cluster is: `network.by_distance` and `network.users` go by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<Location>,
    /// Hardware class: joins `capacity.by_class` of the services.
    #[serde(default = "defaults::class")]
    pub class: String,
    /// Speed against the class: the capacity of every service here is multiplied by it.
    #[serde(default = "defaults::speed")]
    pub speed: Positive<Ratio>,
    /// Labels, which count as labels of all its nodes.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Taints of the whole cluster, as `key=value:NoSchedule` or `key:NoSchedule`.
    #[serde(default)]
    pub taints: Vec<String>,
    /// Power usage effectiveness of the site: facility power over computer power, at least 1.
    #[serde(default = "defaults::pue")]
    pub pue: Ratio,
    /// Whether the cluster is there at all; a variant may switch it off. What names it (faults, distances) is then left
    /// out.
    #[serde(default = "defaults::enabled")]
    pub enabled: bool,
    /// Node pools: a list, or `{file, largest, scale}` for a table of machine types.
    #[schemars(with = "Written<PoolsFile, Vec<PoolFile>>")]
    pub pools: Vec<PoolFile>,
}

/// Degrees on the Earth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Degrees north, -90 to 90.
    #[schemars(range(min = -90.0, max = 90.0))]
    pub lat: f64,
    /// Degrees east, -180 to 180.
    #[schemars(range(min = -180.0, max = 180.0))]
    pub lon: f64,
}

/// Nodes of one shape.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = machine_or_shape)]
pub struct PoolFile {
    /// Name, unique in the cluster.
    pub name: Name,
    /// Machine type, like `n2-standard-8`: what is not said here, `inventory.machines` fills in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// Whether the machines are spot machines: at the spot price of the table.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spot: bool,
    /// CPU that one node offers to replicas (Kubernetes: allocatable). Needed, or a `machine`.
    pub cpu: Positive<MilliCores>,
    /// Memory that one node offers to replicas (Kubernetes: allocatable). Needed, or a `machine`.
    pub memory: Positive<Bytes>,
    /// Accelerators of one node: a count, or `{kind, count}`.
    #[serde(default)]
    pub gpu: Option<GpuFile>,
    /// Replicas that one node may hold (the kubelet's limit on pods).
    #[serde(default = "defaults::pods")]
    pub pods: Positive<u32>,
    /// What others than the application hold on the nodes: `[{nodes: 2, cpu: 1500m, memory: 3 GiB, pods: 12}, ...]`. `nodes`
    /// counts from the first node of the start on; without it, every node is meant, later ones included (daemons).
    #[serde(default)]
    pub occupied: Vec<OccupiedFile>,
    /// Nodes: a number, or `{initial, min, max}` for a pool that is autoscaled.
    pub nodes: NodesFile,
    /// From the request for a node until it is ready.
    #[serde(default = "defaults::boot")]
    pub boot: DelayFile,
    /// An autoscaled node that has been empty for so long is given back.
    #[serde(default = "defaults::idle_timeout")]
    pub idle_timeout: Span,
    /// List price of one node for an hour; `environment.price_factor` scales it over time.
    #[serde(default)]
    pub price_per_hour: Money,
    /// Power of one node. Left out, it follows from its cores.
    #[serde(default)]
    pub power: Option<PowerFile>,
    /// Labels of the nodes.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Taints of the nodes, as `key=value:NoSchedule` or `key:NoSchedule`.
    #[serde(default)]
    pub taints: Vec<String>,
}

/// In a file, a pool that names its machine need not say what that has.
fn machine_or_shape(schema: &mut schemars::Schema) {
    if let Some(required) = schema.get_mut("required").and_then(serde_json::Value::as_array_mut) {
        required.retain(|key| key != "cpu" && key != "memory");
    }
}

/// Power of a node; in between it rises in proportion to the CPU in use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PowerFile {
    /// Power of a node that does nothing.
    pub idle: Watts,
    /// Power of a node whose CPUs are all busy.
    pub max: Watts,
}

/// Nodes of a pool at the start and their bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Written<u32, NodeBounds>")]
#[schemars(with = "Written<u32, NodeBounds>")]
pub struct NodesFile {
    /// At the start.
    pub initial: u32,
    /// Never fewer.
    pub min: u32,
    /// Never more.
    pub max: u32,
}

/// Bounds of the number of nodes of an autoscaled pool.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NodeBounds {
    /// At the start; `min` where nothing is said.
    #[serde(default)]
    pub initial: Option<u32>,
    /// Never fewer.
    pub min: u32,
    /// Never more.
    pub max: u32,
}

impl TryFrom<Written<u32, NodeBounds>> for NodesFile {
    type Error = String;

    fn try_from(written: Written<u32, NodeBounds>) -> Result<Self, String> {
        let NodeBounds { initial, min, max } = match written {
            Written::Short(nodes) => NodeBounds { initial: Some(nodes), min: nodes, max: nodes },
            Written::Long(bounds) => bounds,
        };
        let initial = initial.unwrap_or(min);
        if max > defaults::limits::NODES_OF_A_POOL {
            let most = defaults::limits::NODES_OF_A_POOL;
            return Err(format!("{max} nodes are beyond what is simulated; write at most {most} a pool"));
        }
        if min > max || initial < min || initial > max {
            return Err(format!(
                "initial {initial}, min {min} and max {max} do not go together; write min <= initial <= max"
            ));
        }
        Ok(Self { initial, min, max })
    }
}

impl InventoryFile {
    /// Fills in what depends on other fields: power from cores.
    pub fn complete(&mut self) {
        for pool in self.clusters.iter_mut().flat_map(|cluster| &mut cluster.pools) {
            let cores = pool.cpu.0.cores();
            pool.power.get_or_insert_with(|| defaults::power_of(cores));
        }
    }
}

/// Checks all clusters, those that are switched off included, and returns them in the order of the file.
///
/// # Errors
/// What is wrong, at `at`, which is the inventory.
pub fn clusters(file: &InventoryFile, at: &At<'_>) -> Result<Vec<Cluster>, InputError> {
    let at = at.key("clusters");
    if !file.clusters.iter().any(|cluster| cluster.enabled) {
        return Err(at.error("there is no cluster to run anything in; write at least one, with `enabled: true`"));
    }
    let mut names = BTreeSet::new();
    let mut clusters = Vec::with_capacity(file.clusters.len());
    for (index, cluster) in file.clusters.iter().enumerate() {
        let at = at.index(index);
        if !names.insert(&cluster.name) {
            let name = &cluster.name.0;
            return Err(at.key("name").error(format!("a second cluster is called `{name}`; rename one of the two")));
        }
        clusters.push(checked_cluster(cluster, &at)?);
    }
    Ok(clusters)
}

fn checked_cluster(file: &ClusterFile, at: &At<'_>) -> Result<Cluster, InputError> {
    if file.pue < Ratio::ONE {
        return Err(at.key("pue").error(format!(
            "a PUE of {} would be a facility that draws less than its computers; write 1 or more",
            file.pue
        )));
    }
    if file.pools.iter().all(|pool| pool.nodes.max == 0) {
        return Err(at.key("pools").error(format!(
            "the cluster `{}` has no nodes; give it a pool with `nodes`, or switch it off by `enabled: false`",
            file.name.0
        )));
    }
    if let Some(place) = file.location
        && (place.lat.abs() > 90.0 || place.lon.abs() > 180.0)
    {
        let (lat, lon) = (place.lat, place.lon);
        return Err(at
            .key("location")
            .error(format!("{lat} north and {lon} east are no place on Earth; write degrees up to 90 and 180")));
    }
    let mut names = BTreeSet::new();
    let mut pools = Table::<PoolId, Pool>::new();
    for (index, pool) in file.pools.iter().enumerate() {
        let at = at.key("pools").index(index);
        if !names.insert(&pool.name) {
            let name = &pool.name.0;
            return Err(at.key("name").error(format!("a second pool is called `{name}`; rename one of the two")));
        }
        pools.push(checked_pool(pool, &at)?);
    }
    Ok(Cluster {
        name: file.name.0.clone(),
        region: file.region.clone(),
        class: file.class.clone(),
        speed: file.speed.0,
        labels: file.labels.clone(),
        taints: taints(&file.taints, &at.key("taints"))?,
        pools,
        pue: file.pue,
    })
}

fn checked_pool(file: &PoolFile, at: &At<'_>) -> Result<Pool, InputError> {
    let power = file.power.unwrap_or_else(|| defaults::power_of(file.cpu.0.cores()));
    if power.max.0 < power.idle.0 {
        let (idle, max) = (power.idle, power.max);
        return Err(at.key("power").error(format!("idle {idle} is more than max {max}; exchange the two")));
    }
    let mut labels = file.labels.clone();
    if let Some(kind) = file.gpu.as_ref().and_then(|gpu| gpu.kind.clone()) {
        labels.insert(ACCELERATOR_LABEL.to_owned(), kind);
    }
    let shape = Resources {
        cpu: file.cpu.0,
        memory: file.memory.0,
        gpu: file.gpu.as_ref().map_or(0, |gpu| u64::from(gpu.count) * DEVICE),
        pods: file.pods.0.into(),
    };
    Ok(Pool {
        name: file.name.0.clone(),
        shape,
        occupied: occupied(&file.occupied, shape, file.nodes.initial, &at.key("occupied"))?,
        labels,
        taints: taints(&file.taints, &at.key("taints"))?,
        nodes: file.nodes.initial,
        nodes_min: file.nodes.min,
        nodes_max: file.nodes.max,
        boot: file.boot.0,
        idle_timeout: file.idle_timeout,
        price_per_hour: file.price_per_hour,
        power_idle: power.idle,
        power_max: power.max,
    })
}

/// `key=value:Effect` or `key:Effect`.
fn taints(texts: &[String], at: &At<'_>) -> Result<Vec<Taint>, InputError> {
    let taint = |(index, text): (usize, &String)| match split_effect(text) {
        Some((rest, Some(effect))) if !rest.is_empty() && !rest.starts_with('=') => {
            let (key, value) = rest.split_once('=').unwrap_or((rest, ""));
            Ok(Taint { key: key.to_owned(), value: value.to_owned(), effect })
        }
        _ => Err(at.index(index).error(format!(
            "`{text}` is not a taint; write `key=value:NoSchedule`, or with `PreferNoSchedule` or `NoExecute`"
        ))),
    };
    texts.iter().enumerate().map(taint).collect()
}
