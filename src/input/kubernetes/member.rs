//! One cluster from its `Node` objects, and from its `Pod` objects what is already there.

use super::super::error::{InputError, Place};
use super::super::node::Node;
use super::documents::Object;
use super::field::Field;
use super::nodes::{Machine, alike, machines};
use super::notes::Notes;
use super::pool::{Pool, name_apart};
use super::resource::{pod_request, resources};
use super::tree::{Map, list};
use crate::model::Resources;
use std::collections::BTreeMap;

/// Labels that name the pool of a node, in the words of the clouds.
const POOL_NAMES: &[&str] = &[
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "kubernetes.azure.com/agentpool",
    "agentpool",
    "karpenter.sh/nodepool",
    "doks.digitalocean.com/node-pool",
    "k8s.scaleway.com/pool-name",
    "node.kubernetes.io/instance-type",
];

const REGION: &str = "topology.kubernetes.io/region";

/// What others hold on a node: daemons, and everything else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Held {
    daemons: [u64; 4],
    others: [u64; 4],
}

/// What is known of one cluster.
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its `Node` objects.
    pub nodes: Vec<&'a Object>,
    /// `Pod` objects, of this cluster or of others.
    pub pods: Vec<&'a Object>,
    /// Namespaces whose pods are the application itself.
    pub own_namespaces: &'a [String],
    /// Whether the scenario has tables of machines.
    pub has_tables: bool,
}

impl Member<'_> {
    /// The cluster as a native inventory has it; `None` where no node takes pods.
    ///
    /// # Errors
    /// Values of a wrong type.
    pub fn cluster(&self, notes: &mut Notes) -> Result<Option<Node>, InputError> {
        let machines = machines(&self.nodes, notes)?;
        let Some(place) = self.nodes.first().map(|object| object.node.place.clone()) else { return Ok(None) };
        if machines.is_empty() {
            notes.say(&place, format!("cluster {} has no node that takes pods and is left out", self.name));
            return Ok(None);
        }
        let held = self.held(notes)?;
        let mut map = Map::new(place.clone());
        map.put_text("name", self.name);
        if let Some(region) = region(&machines, &place, notes) {
            map.put_text("region", region);
        }
        let mut pools: Vec<Pool> = alike(machines).iter().map(|group| pool(group, &held, notes)).collect();
        name_apart(&mut pools);
        map.put("pools", list(&place, pools.iter().map(|pool| pool.node(self.has_tables)).collect()));
        Ok(Some(map.node()))
    }

    /// What pods hold, by the name of their node.
    fn held(&self, notes: &mut Notes) -> Result<BTreeMap<String, Held>, InputError> {
        let mut held: BTreeMap<String, Held> = BTreeMap::new();
        for pod in &self.pods {
            let at = pod.at();
            let phase = at.path("status.phase").text()?.unwrap_or_default();
            let (Some(node), false) = (at.path("spec.nodeName").text()?, matches!(phase, "Succeeded" | "Failed"))
            else {
                continue;
            };
            if self.own_namespaces.iter().any(|own| own == pod.namespace()) {
                notes.count(
                    &pod.node.place,
                    format!("pods of namespace {} hold nothing: they are the application", pod.namespace()),
                );
                continue;
            }
            let spec = at.key("spec");
            let request = resources(&pod_request(&spec)?, &spec, notes).0.amounts();
            let held = held.entry(node.to_owned()).or_default();
            let sum = if is_daemon(pod)? { &mut held.daemons } else { &mut held.others };
            sum.iter_mut().zip(request).for_each(|(sum, amount)| *sum = sum.saturating_add(amount));
        }
        Ok(held)
    }
}

/// Whether a pod is one of a `DaemonSet`, or a static one of the node.
fn is_daemon(pod: &Object) -> Result<bool, InputError> {
    for owner in pod.at().path("metadata.ownerReferences").items()? {
        if matches!(owner.key("kind").text()?, Some("DaemonSet" | "Node")) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The region of most nodes.
fn region(machines: &[Machine], place: &Place, notes: &mut Notes) -> Option<String> {
    let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
    for region in machines.iter().filter_map(|machine| machine.label(REGION)) {
        *counts.entry(region).or_default() += 1;
    }
    let most = counts.iter().max_by_key(|(name, count)| (**count, std::cmp::Reverse(*name)))?;
    if counts.len() > 1 {
        notes.say(
            place,
            format!("its nodes stand in {} regions; the cluster is taken to be in {}", counts.len(), most.0),
        );
    }
    Some((*most.0).clone())
}

/// A pool of machines that are alike.
fn pool(group: &[Machine], held: &BTreeMap<String, Held>, notes: &mut Notes) -> Pool {
    let first = &group[0];
    let name = POOL_NAMES.iter().find_map(|label| first.label(label)).filter(|name| !name.is_empty());
    let is_control = first.label("node-role.kubernetes.io/control-plane").is_some();
    let other = if is_control { "control-plane" } else { "nodes" };
    Pool {
        place: first.place.clone(),
        name: name.map_or_else(|| other.to_owned(), |name| name.replace([' ', ',', '"', '\'', '`'], "-")),
        nodes: u32::try_from(group.len()).unwrap_or(u32::MAX),
        shape: first.shape,
        capacity: first.capacity,
        gpu_kind: first.gpu_kind.clone(),
        labels: first.labels.iter().cloned().collect(),
        taints: first.taints.clone(),
        occupied: occupied(group, held, notes),
    }
}

/// What others hold: what all nodes have in common as daemons on each, the rest node by node, the fullest first.
fn occupied(group: &[Machine], held: &BTreeMap<String, Held>, notes: &mut Notes) -> Vec<(Option<u32>, Resources)> {
    let of = |machine: &Machine| held.get(&machine.name).copied().unwrap_or_default();
    let daemons = of(&group[0]).daemons;
    let alike = group.iter().all(|machine| of(machine).daemons == daemons);
    let each = if alike { Resources::from_amounts(daemons) } else { Resources::ZERO };
    let each = each.at_most(group[0].shape);
    let room = group[0].shape.saturating_sub(each);
    let mut amounts = Vec::with_capacity(group.len());
    for machine in group {
        let held = of(machine);
        let daemons = if alike { Resources::ZERO } else { Resources::from_amounts(held.daemons) };
        let amount = daemons + Resources::from_amounts(held.others);
        if let Some(resource) = room.shortage(amount) {
            notes.say(
                &machine.place,
                format!("pods request more {resource} than node {} offers; it is taken as full", machine.name),
            );
        }
        amounts.push(amount.at_most(room).amounts());
    }
    amounts.sort_unstable_by(|a, b| b.cmp(a));
    let mut groups: Vec<(Option<u32>, Resources)> = Vec::new();
    if each != Resources::ZERO {
        groups.push((None, each));
    }
    for run in amounts.chunk_by(|a, b| a == b).filter(|run| run[0] != [0; 4]) {
        groups.push((u32::try_from(run.len()).ok(), Resources::from_amounts(run[0])));
    }
    groups
}
