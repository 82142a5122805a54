//! Kubernetes `Node` objects: the nodes of one cluster, grouped into pools of equal shape, labels and taints.
//!
//! Nodes that are cordoned or not ready take no replicas and are left out, and said. Labels that are different on every node
//! (host names, machine ids) would make a pool of each and are dropped. The kernel leaves machines of one type a few KiB
//! apart: memory within 1 % of the smallest counts as equal, and the smallest counts.

use super::super::at::At;
use super::super::error::{InputError, Place};
use super::documents::Object;
use super::field::Field;
use super::notes::Notes;
use super::resource::{amounts, resources};
use crate::model::Resources;
use std::collections::{BTreeMap, BTreeSet};

/// Labels that are worth a pool of their own, even where each node has another value.
const KEPT: &[&str] = &[
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "node.kubernetes.io/instance-type",
    "kubernetes.io/arch",
    "kubernetes.io/os",
];

/// Labels that are always different, or old names of labels that are there too.
const DROPPED: &[&str] = &[
    "kubernetes.io/hostname",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/instance-type",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
];

/// Labels that name the product of a node's accelerators.
const PRODUCTS: &[&str] = &[
    "nvidia.com/gpu.product",
    "amd.com/gpu.product-name",
    "cloud.google.com/gke-accelerator",
    "k8s.amazonaws.com/accelerator",
    "accelerator",
];

/// One node.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Where it stands in the file.
    pub place: Place,
    /// Name.
    pub name: String,
    /// Labels by name; a list, because there are many machines with few labels each.
    pub labels: Vec<(String, String)>,
    /// Taints, as native files write them.
    pub taints: Vec<String>,
    /// What it offers to pods.
    pub shape: Resources,
    /// What it has.
    pub capacity: Resources,
    /// Kind of its accelerators.
    pub gpu_kind: Option<String>,
}

impl Machine {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&String> {
        self.labels.iter().find(|(label, _)| label == key).map(|(_, value)| value)
    }
}

/// Reads the nodes that take pods.
///
/// # Errors
/// Values of a wrong type.
pub fn machines(objects: &[&Object], notes: &mut Notes) -> Result<Vec<Machine>, InputError> {
    let mut found = Vec::new();
    for object in objects {
        found.extend(machine(object, notes)?);
    }
    drop_unique_labels(&mut found);
    Ok(found)
}

fn machine(object: &Object, notes: &mut Notes) -> Result<Option<Machine>, InputError> {
    let (at, place) = (object.at(), &object.node.place);
    let name = object.name().to_owned();
    let left_out = if at.path("spec.unschedulable").is_true() {
        Some("is cordoned")
    } else if !super::karmada::is_ready(object)? {
        Some("is not ready")
    } else {
        None
    };
    if let Some(why) = left_out {
        notes.say(place, format!("node {name} {why} and is left out"));
        return Ok(None);
    }
    let said = ["status.allocatable", "status.capacity"].map(|path| at.path(path));
    let Some(offered) = said.iter().find(|at| at.is_there()) else {
        notes.say(place, format!("node {name} has no `status.allocatable` and is left out"));
        return Ok(None);
    };
    let (shape, accelerator) = resources(&amounts(offered)?, offered, notes);
    let capacity = resources(&amounts(&said[1])?, &said[1], &mut Notes::default()).0;
    if shape.cpu.0 == 0 || shape.memory.0 == 0 || shape.pods == 0 {
        notes.say(place, format!("node {name} offers no CPU, memory or pods and is left out"));
        return Ok(None);
    }
    let mut labels = at.path("metadata.labels").texts()?;
    let gpu_kind = accelerator.map(|name| {
        let product = PRODUCTS.iter().find_map(|key| labels.get(*key)).filter(|product| !product.is_empty());
        product.cloned().unwrap_or(name)
    });
    labels.retain(|key, _| !DROPPED.contains(&key.as_str()));
    let taints = at.path("spec.taints").items()?.iter().map(taint).collect::<Result<_, _>>()?;
    let capacity = if capacity.cpu.0 == 0 { shape } else { capacity };
    let labels = labels.into_iter().collect();
    Ok(Some(Machine { place: place.clone(), name, labels, taints, shape, capacity, gpu_kind }))
}

/// A taint, as native files write it.
///
/// # Errors
/// Values of a wrong type.
pub fn taint(at: &At<'_>) -> Result<String, InputError> {
    let text = |key: &str| Ok::<_, InputError>(at.key(key).text()?.unwrap_or_default());
    let (key, value, effect) = (text("key")?, text("value")?, text("effect")?);
    let value = if value.is_empty() { String::new() } else { format!("={value}") };
    Ok(format!("{key}{value}:{effect}"))
}

/// Drops labels of which each of three or more nodes has another value.
fn drop_unique_labels(machines: &mut [Machine]) {
    let mut values: BTreeMap<&str, (usize, BTreeSet<&str>)> = BTreeMap::new();
    for (key, value) in machines.iter().flat_map(|machine| &machine.labels) {
        let seen = values.entry(key).or_default();
        seen.0 += 1;
        seen.1.insert(value);
    }
    let unique = |(key, (count, values)): (&str, (usize, BTreeSet<&str>))| {
        (count > 2 && values.len() == count && !KEPT.contains(&key)).then(|| key.to_owned())
    };
    let unique: BTreeSet<String> = values.into_iter().filter_map(unique).collect();
    for machine in machines {
        machine.labels.retain(|(key, _)| !unique.contains(key));
    }
}

/// The machines in groups that are alike; in each the smallest memory counts for all.
pub fn alike(mut machines: Vec<Machine>) -> Vec<Vec<Machine>> {
    let mut groups: Vec<Vec<Machine>> = Vec::new();
    let mut known: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    // Those of equal memory stay in the order of the file.
    machines.sort_by_key(|machine| machine.shape.memory);
    for machine in machines {
        let shape = machine.shape;
        let look = (machine.labels.clone(), machine.taints.clone(), machine.gpu_kind.clone());
        let same = known.entry((look, shape.cpu, shape.gpu, shape.pods)).or_default();
        let near = |group: &&usize| {
            let least = groups[**group][0].shape.memory.0;
            shape.memory.0 <= least + least / 100
        };
        if let Some(group) = same.last().filter(near) {
            groups[*group].push(machine);
        } else {
            same.push(groups.len());
            groups.push(vec![machine]);
        }
    }
    // In the order of the file: by the first of each.
    for group in &mut groups {
        let memory = group[0].shape.memory;
        group.sort_by_key(|machine| machine.place.line);
        for machine in group {
            machine.shape.memory = memory;
        }
    }
    groups.sort_by_key(|group| (group[0].place.line, group[0].place.column));
    groups
}
