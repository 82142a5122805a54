//! Karmada `Cluster` objects: what `kubectl get clusters -o yaml` prints of a federation.
//!
//! Karmada sums its members up and does not show their nodes: `allocatable` counts every node, ready or not, `allocated`
//! what pods with a node request and `allocating` what pods without one do. So the nodes are an assumption, which is said:
//! equal ones, or, where the cluster is modelled by grades, nodes of as many sizes as there are grades. Grades count nodes
//! by what is *free* on them; the free room is shared among them in proportion to the middle of their grades.

use super::super::defaults;
use super::super::error::InputError;
use super::super::node::Node;
use super::documents::Object;
use super::field::Field;
use super::grade;
use super::notes::Notes;
use super::pool::Pool;
use super::resource::{Amounts, amounts, resources};
use super::tree::{Map, list};
use crate::model::Resources;
use std::collections::BTreeMap;

/// What Karmada says about the resources of a cluster.
pub struct Summary {
    /// All nodes.
    pub nodes: u32,
    /// Those that are ready.
    pub ready: u32,
    /// What all nodes offer.
    pub allocatable: Resources,
    /// What pods request, those without a node included.
    pub requested: Resources,
}

/// A cluster as a native inventory has it; `None` where it has no nodes.
///
/// # Errors
/// Values of a wrong type.
pub fn cluster(object: &Object, notes: &mut Notes) -> Result<Option<Node>, InputError> {
    let at = object.at();
    let place = object.node.place.clone();
    let name = object.name();
    let Some(pools) = pools(object, notes)? else {
        notes.say(&place, format!("cluster {name} has no ready nodes and is left out"));
        return Ok(None);
    };
    let mut map = Map::new(place.clone());
    map.put_text("name", name);
    if let Some(region) = at.path("spec.region").text()? {
        map.put_text("region", region);
    }
    let mut labels = at.path("metadata.labels").texts()?;
    labels.extend(places(object)?);
    map.put_labels("labels", &labels);
    map.put_texts("taints", taints(object)?);
    if !is_ready(object)? {
        notes.say(&place, format!("cluster {name} is not ready and is switched off (`enabled: false`)"));
        map.put_flag("enabled", false);
    }
    map.put("pools", list(&place, pools.iter().map(|pool| pool.node(false)).collect()));
    Ok(Some(map.node()))
}

/// Provider, region and zone as labels, for affinities that name them.
fn places(object: &Object) -> Result<BTreeMap<String, String>, InputError> {
    let spec = object.at().key("spec");
    let mut zones = spec.key("zones").words()?;
    zones.extend(spec.key("zone").text()?.map(str::to_owned));
    zones.dedup();
    let provider = spec.key("provider").text()?.map(|provider| ("smo.dev/provider".to_owned(), provider.to_owned()));
    let zone = (zones.len() == 1).then(|| ("smo.dev/zone".to_owned(), zones.remove(0)));
    let region =
        spec.key("region").text()?.map(|region| ("topology.kubernetes.io/region".to_owned(), region.to_owned()));
    let topology = zone.as_ref().map(|(_, zone)| ("topology.kubernetes.io/zone".to_owned(), zone.clone()));
    Ok(provider.into_iter().chain(zone).chain(region).chain(topology).collect())
}

/// Taints, as native files write them.
fn taints(object: &Object) -> Result<Vec<String>, InputError> {
    object.at().path("spec.taints").items()?.iter().map(super::nodes::taint).collect()
}

/// Whether its condition `Ready` says so; true where it has none.
pub fn is_ready(object: &Object) -> Result<bool, InputError> {
    for condition in object.at().path("status.conditions").items()? {
        if condition.key("type").text()? == Some("Ready") {
            return Ok(condition.key("status").text()? == Some("True"));
        }
    }
    Ok(true)
}

fn pools(object: &Object, notes: &mut Notes) -> Result<Option<Vec<Pool>>, InputError> {
    let Some(summary) = summary(object, notes)? else { return Ok(Some(vec![unknown(object, notes)])) };
    if summary.ready == 0 || summary.allocatable.cpu.0 == 0 || summary.allocatable.memory.0 == 0 {
        return Ok(None);
    }
    let mut pools = grade::pools(object, &summary, notes)?;
    if pools.is_empty() {
        pools.push(equal(object, &summary, notes));
    }
    let free = summary.allocatable.gpu.saturating_sub(summary.requested.gpu);
    let of_ready = u128::from(free) * u128::from(summary.ready) / u128::from(summary.nodes);
    give_accelerators(&mut pools, u64::try_from(of_ready).unwrap_or(u64::MAX));
    Ok(Some(pools))
}

/// Gives the accelerators that are free to as many nodes as possible, equally, the last pools first.
fn give_accelerators(pools: &mut Vec<Pool>, total: u64) {
    let nodes: u64 = pools.iter().map(|pool| u64::from(pool.nodes)).sum();
    if total == 0 || nodes == 0 {
        return;
    }
    let each = total.div_ceil(nodes);
    let mut takers = total / each;
    for index in (0..pools.len()).rev() {
        let count = u32::try_from(takers).unwrap_or(u32::MAX).min(pools[index].nodes);
        if count == 0 {
            break;
        }
        takers -= u64::from(count);
        let rest = pools[index].nodes - count;
        if rest > 0 {
            let mut without = pools[index].clone();
            without.set_nodes(rest);
            pools.insert(index, without);
            pools[index + 1].name.push_str("-gpu");
        }
        let with = &mut pools[if rest > 0 { index + 1 } else { index }];
        with.set_nodes(count);
        with.shape.gpu = each;
    }
}

/// What its status says; `None` where it says nothing about resources.
fn summary(object: &Object, notes: &mut Notes) -> Result<Option<Summary>, InputError> {
    let status = object.at().key("status");
    let at = status.key("resourceSummary");
    if !at.key("allocatable").is_there() {
        return Ok(None);
    }
    let (allocatable, _) = resources(&amounts(&at.key("allocatable"))?, &at.key("allocatable"), notes);
    let mut requested: Amounts = amounts(&at.key("allocated"))?;
    for (name, amount) in amounts(&at.key("allocating"))? {
        let sum = requested.entry(name).or_default();
        *sum = sum.saturating_add(amount);
    }
    let nodes = status.path("nodeSummary.totalNum").whole()?;
    let ready = status.path("nodeSummary.readyNum").whole()?.or(nodes).unwrap_or(1);
    Ok(Some(Summary {
        nodes: nodes.unwrap_or(ready).max(1),
        ready,
        allocatable,
        requested: resources(&requested, &at, &mut Notes::default()).0,
    }))
}

/// Labels that workloads ask for, and nodes that nobody shows are taken to have.
pub fn usual_labels() -> BTreeMap<String, String> {
    let label = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    [("kubernetes.io/os", "linux"), ("kubernetes.io/arch", "amd64")].map(label).into()
}

/// A pool of equal nodes.
fn equal(object: &Object, summary: &Summary, notes: &mut Notes) -> Pool {
    let nodes = u64::from(summary.nodes);
    let shape = Resources::from_amounts(summary.allocatable.amounts().map(|amount| amount / nodes));
    let held = Resources::from_amounts(summary.requested.amounts().map(|amount| amount.div_ceil(nodes)));
    let (shape, held) = (Resources { gpu: 0, ..shape }, Resources { gpu: 0, ..held });
    let occupied = if held == Resources::ZERO { Vec::new() } else { vec![(Some(summary.ready), held.at_most(shape))] };
    let place = object.at().path("status.resourceSummary").place();
    let name = object.name();
    let (all, ready) = (summary.nodes, summary.ready);
    let unready = if ready < all { format!(", of which {ready} are ready and counted") } else { String::new() };
    notes.say(
        &place,
        format!("cluster {name}: Karmada shows no single nodes, so its {all} are taken as equal{unready}, with Linux on amd64, and what is requested as spread evenly"),
    );
    Pool {
        name: "nodes".to_owned(),
        nodes: summary.ready,
        capacity: shape,
        shape,
        gpu_kind: None,
        labels: usual_labels(),
        taints: Vec::new(),
        occupied,
        place,
    }
}

/// A pool of a cluster of which nothing is known.
fn unknown(object: &Object, notes: &mut Notes) -> Pool {
    let (nodes, cpu, memory) = defaults::UNKNOWN_CLUSTER;
    let place = object.node.place.clone();
    let name = object.name();
    notes.say(
        &place,
        format!(
            "cluster {name} has no `status.resourceSummary`: {nodes} nodes of {cpu} cores and {memory}, with Linux on amd64, are ASSUMED; say what it \
             has below `clusters.{name}.pools.nodes`"
        ),
    );
    let shape = Resources { cpu, memory, gpu: 0, pods: 110 };
    Pool {
        name: "nodes".to_owned(),
        nodes,
        capacity: shape,
        shape,
        gpu_kind: None,
        labels: usual_labels(),
        taints: Vec::new(),
        occupied: Vec::new(),
        place,
    }
}
