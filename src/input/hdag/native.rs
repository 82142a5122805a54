//! From a descriptor to the tree that an application file would give.
//!
//! | descriptor | application file |
//! |---|---|
//! | `compute.cpu`, `compute.ram`, `gpu.enabled` | `cpu`, `memory`, `gpu: 1` |
//! | `connectionPoints` | `calls`: one each, of default size; a call that would close a circle is left out |
//! | `network.latencies` | `intents.latency`, but for `best-effort`, which demands nothing |
//! | `deviceProximity` | `intents.near_users: prefer`: a descriptor does not say where the device is |
//! | `coLocation` with this graph | `intents.with`; with a service of another graph a note |
//! | `security` | `intents.security: true`: all services in the same clusters |
//! | `highAvailability` | `intents.high_availability`: no moves, and a replica left when any cluster is lost |
//! | `highPerformance` | `intents.high_performance`: near what is called, in place of `network.latencies` |
//! | `energyEfficiency` | `intents.energy_efficiency`: carbon counts |
//! | `trigger.event` | `start_when`: `any` or `all` of its events (see `events`) |
//! | `trigger.auto.dependencies` that name a conditional service | `start_when` that service has a ready replica |
//!
//! Which rule, term or weight each intent is, [`intents`](crate::input::intents) says.
//!
//! Storage, metrics of their own and Helm values have no counterpart: the simulated world has none of them. Capacities,
//! ratios of calls, promises and replicas are not in a descriptor; the scenario says them beside it.

use super::descriptor::{DescribedService, Descriptor, Switch};
use super::events::start_when;
use super::fields::Reader;
use super::graph::place_below;
use crate::input::error::Place;
use crate::input::node::{Entry, Node, Scalar, Value};
use crate::model::intent::Qos;
use std::collections::BTreeSet;

/// A tree under construction: entries that all stand at places of the document.
#[derive(Default)]
pub struct Tree(Vec<Entry>);

impl Tree {
    /// Adds an entry that stands at `place`.
    pub fn put(&mut self, key: &str, place: &Place, value: Value) {
        let node = Node { place: place.clone(), value };
        self.0.push(Entry { key: key.into(), key_place: place.clone(), node });
    }

    /// Adds a text.
    pub fn text(&mut self, key: &str, place: &Place, text: &str) {
        self.put(key, place, Value::Scalar(Scalar::Text(text.into())));
    }

    /// The map.
    pub fn map(self) -> Value {
        Value::Map(self.0)
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The application that `descriptor`, which was read from `graph` (what lies below `hdaGraph`), stands for.
pub fn native(descriptor: &Descriptor, graph: &Node, reader: &mut Reader) -> Node {
    let mut tree = Tree::default();
    tree.text("name", place_below(graph, "id", &[]), &descriptor.id);
    let intents = graph_intents(descriptor, graph, reader);
    if !intents.is_empty() {
        tree.put("intents", place_below(graph, "hdaGraphIntent", &[]), intents.map());
    }
    let items: &[Node] = match graph.get("services").map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    };
    let nodes = (0..descriptor.services.len()).map(|index| items.get(index).unwrap_or(graph));
    let services: Vec<(&DescribedService, &Node)> = descriptor.services.iter().zip(nodes).collect();
    let list = services.iter().map(|(one, node)| service(descriptor, one, node, reader)).collect();
    tree.put("services", place_below(graph, "services", &[]), Value::List(list));
    let calls = calls(descriptor, &services, reader);
    tree.put("calls", place_below(graph, "services", &[]), Value::List(calls));
    Node { place: graph.place.clone(), value: tree.map() }
}

fn graph_intents(descriptor: &Descriptor, graph: &Node, reader: &mut Reader) -> Tree {
    let mut tree = Tree::default();
    let place = |key: &str| place_below(graph, "hdaGraphIntent", &[key]);
    let flag = |switch: Switch, key: &str, name: &str, tree: &mut Tree| {
        if switch.enabled {
            tree.put(name, place(key), Value::Scalar(Scalar::Bool(true, "true".into())));
        }
    };
    let intent = descriptor.intent;
    flag(intent.security, "security", "security", &mut tree);
    flag(intent.high_availability, "highAvailability", "high_availability", &mut tree);
    flag(intent.high_performance, "highPerformance", "high_performance", &mut tree);
    flag(intent.energy_efficiency, "energyEfficiency", "energy_efficiency", &mut tree);
    if intent.use_static_placement {
        let message = "the charts place these services when they are deployed; in simulation the policy places them";
        reader.note(place("useStaticPlacement"), "hdaGraph.hdaGraphIntent.useStaticPlacement", message);
    }
    tree
}

fn service(descriptor: &Descriptor, service: &DescribedService, node: &Node, reader: &mut Reader) -> Node {
    let compute = &service.deployment.intent.compute;
    let place = |steps: &[&str]| place_below(node, "deployment", steps);
    let mut tree = Tree::default();
    tree.text("name", place_below(node, "id", &[]), &service.id);
    tree.text("cpu", place(&["intent", "compute", "cpu"]), &compute.cpu.cpu().to_string());
    tree.text("memory", place(&["intent", "compute", "ram"]), &compute.memory().to_string());
    if compute.gpu.enabled {
        tree.put("gpu", place(&["intent", "compute", "gpu"]), Value::Scalar(Scalar::Unsigned(1, "1".into())));
    }
    let intents = service_intents(descriptor, service, node, reader);
    if !intents.is_empty() {
        tree.put("intents", place(&["intent"]), intents.map());
    }
    if let Some(start) = start_when(descriptor, service, node, reader) {
        tree.put("start_when", place(&["trigger"]), start);
    }
    Node { place: node.place.clone(), value: tree.map() }
}

fn service_intents(descriptor: &Descriptor, service: &DescribedService, node: &Node, reader: &mut Reader) -> Tree {
    let intent = &service.deployment.intent;
    let mut tree = Tree::default();
    let place = place_below(node, "deployment", &["intent", "network", "latencies"]);
    let mut latency = Tree::default();
    for one in &intent.network.latencies {
        let word = match one.qos {
            Qos::Ultralow => "ultralow",
            Qos::Low => "low",
            Qos::BestEffort => continue,
        };
        if descriptor.service(&one.connection_point).is_some() && one.connection_point != service.id {
            latency.text(&one.connection_point, place, word);
        }
    }
    if !latency.is_empty() {
        tree.put("latency", place, latency.map());
    }
    if intent.network.device_proximity.enabled {
        tree.text("near_users", place_below(node, "deployment", &["intent", "network", "deviceProximity"]), "prefer");
    }
    let with = companions(descriptor, service, node, reader);
    if !with.is_empty() {
        tree.put("with", place_below(node, "deployment", &["intent", "coLocation"]), Value::List(with));
    }
    tree
}

/// The services of this graph that `service` wants to be with.
fn companions(descriptor: &Descriptor, service: &DescribedService, node: &Node, reader: &mut Reader) -> Vec<Node> {
    let place = place_below(node, "deployment", &["intent", "coLocation"]);
    let mut with: Vec<Node> = Vec::new();
    for one in &service.deployment.intent.co_location {
        let here = one.grounded_graph_id.as_ref().is_none_or(|graph| *graph == descriptor.id);
        if here && descriptor.service(&one.id).is_some() && one.id != service.id {
            with.push(Node { place: place.clone(), value: Value::Scalar(Scalar::Text(one.id.as_str().into())) });
        } else {
            let path = format!("hdaGraph.services.{}.deployment.intent.coLocation", service.id);
            let graph = one.grounded_graph_id.as_deref().unwrap_or(&descriptor.id);
            let message = format!("service `{}` of graph `{graph}` is not known here, this is left out", one.id);
            reader.note(place, &path, &message);
        }
    }
    with
}

/// One call for each known connection point, without circles.
fn calls(descriptor: &Descriptor, services: &[(&DescribedService, &Node)], reader: &mut Reader) -> Vec<Node> {
    let mut edges: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut calls = Vec::new();
    for (service, node) in services {
        let place = place_below(node, "deployment", &["intent", "connectionPoints"]);
        let known = |point: &&String| descriptor.service(point).is_some();
        for point in service.deployment.intent.connection_points.iter().filter(known) {
            let (from, to) = (service.id.as_str(), point.as_str());
            let path = format!("hdaGraph.services.{from}.deployment.intent.connectionPoints");
            if edges.contains(&(from, to)) {
                reader.note(place, &path, &format!("`{to}` stands here twice, it is called once"));
            } else if from == to || leads(&edges, to, from) {
                let message = format!("the call from `{from}` to `{to}` closes a circle, it is not simulated");
                reader.note(place, &path, &message);
            } else {
                edges.insert((from, to));
                let mut call = Tree::default();
                call.text("from", place, from);
                call.text("to", place, to);
                calls.push(Node { place: place.clone(), value: call.map() });
            }
        }
    }
    calls
}

/// Whether calls lead from one service to another.
fn leads(edges: &BTreeSet<(&str, &str)>, from: &str, to: &str) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(here) = open.pop() {
        if here == to {
            return true;
        }
        let next = edges.iter().filter(|(caller, _)| *caller == here).map(|(_, called)| *called);
        open.extend(next.filter(|service| seen.insert(service)));
    }
    false
}
