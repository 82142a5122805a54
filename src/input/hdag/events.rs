//! When a conditional service starts, in the words of an application file.
//!
//! Each event becomes one of `any` or `all`, with the PromQL of the descriptor as it is. Whose a metric is, the descriptor
//! says in two places, both of which are used: the `metrics` of a service have the metric's name, and the `source` of the
//! event names a service and one of its metrics by id. An event that the simulated world cannot evaluate is left out with a
//! note that says why; a service without any event that can is never started, and a note says how to change that.
//!
//! A service that starts on its own but depends on conditional ones waits until each of them has a ready replica.

use super::descriptor::{Combination, DescribedService, Descriptor, Event, Trigger};
use super::fields::Reader;
use super::graph::place_below;
use super::native::Tree;
use crate::input::condition::{Declared, NEVER, Names, parse};
use crate::input::error::Place;
use crate::input::node::{Node, Scalar, Value};

/// `start_when` of a service, where it has one.
pub fn start_when(
    descriptor: &Descriptor,
    service: &DescribedService,
    node: &Node,
    reader: &mut Reader,
) -> Option<Value> {
    let place = place_below(node, "deployment", &["trigger"]);
    match &service.deployment.trigger {
        Trigger::Auto { dependencies } => after(descriptor, service, dependencies, place),
        Trigger::Event { condition, events } => {
            let place = place_below(node, "deployment", &["trigger", "event", "events"]);
            let list = match &place_node(node).map(|node| &node.value) {
                Some(Value::List(items)) => items.as_slice(),
                _ => &[],
            };
            let places = (0..events.len()).map(|index| list.get(index).map_or(place, |item| &item.place));
            let read: Vec<Node> = events
                .iter()
                .zip(places)
                .filter_map(|(one, place)| event(descriptor, (service, one), place, reader))
                .collect();
            if read.is_empty() || (*condition == Combination::All && read.len() < events.len()) {
                let path = format!("hdaGraph.services.{}.deployment.trigger.event", service.id);
                let message = format!(
                    "`{}` is never started here: what it waits for cannot be evaluated; say `start_when` for it beside the descriptor",
                    service.id
                );
                reader.note(place, &path, &message);
                return Some(text(NEVER));
            }
            let key = if *condition == Combination::All { "all" } else { "any" };
            let mut tree = Tree::default();
            tree.put(key, place, Value::List(read));
            Some(tree.map())
        }
    }
}

/// The list of events of a service.
fn place_node(node: &Node) -> Option<&Node> {
    node.get("deployment")?.get("trigger")?.get("event")?.get("events")
}

/// One event, unless it cannot be evaluated.
fn event(
    descriptor: &Descriptor,
    (service, event): (&DescribedService, &Event),
    place: &Place,
    reader: &mut Reader,
) -> Option<Node> {
    let declared = declared(descriptor, event);
    let names = Names {
        services: descriptor.services.iter().map(|service| service.id.as_str()).collect(),
        clusters: Vec::new(),
        declared: declared.clone(),
    };
    let query = &event.condition.prom_query;
    if let Err(fault) = parse(query).and_then(|tree| names.condition(&tree)) {
        let path = format!("hdaGraph.services.{}.deployment.trigger.event.events.{}", service.id, event.id);
        let what = fault.in_text(query);
        let message = format!("this event is left out, it cannot be evaluated: {what}");
        reader.note(place, &path, &message);
        return None;
    }
    let mut tree = Tree::default();
    tree.text("event", place, &event.id);
    tree.text("if", place, query);
    tree.text("for", place, &seconds(event));
    let mut metrics = Tree::default();
    for (name, (services, _)) in declared {
        let items = services.iter().map(|one| Node { place: place.clone(), value: text(one) }).collect();
        let mut metric = Tree::default();
        metric.put("services", place, Value::List(items));
        metrics.put(&name, place, metric.map());
    }
    if !metrics.is_empty() {
        tree.put("metrics", place, metrics.map());
    }
    Some(Node { place: place.clone(), value: tree.map() })
}

/// The grace period as this program writes it: `for: 1m` of Prometheus is a minute here, too.
fn seconds(event: &Event) -> String {
    event.condition.grace_period.to_string()
}

/// Whose each metric is: those that the event's sources name, or all services that declare it; a source without a declared
/// metric speaks for its service and any metric of that id.
fn declared(descriptor: &Descriptor, event: &Event) -> Declared {
    let mut declared = Declared::new();
    let mut add = |name: &str, service: &str| {
        let services = &mut declared.entry(name.to_owned()).or_default().0;
        if !services.iter().any(|known| known == service) {
            services.push(service.to_owned());
        }
    };
    for source in &event.source {
        let Some(service) = descriptor.service(&source.service_id) else { continue };
        let metrics = service.deployment.intent.metrics.iter();
        match metrics.filter(|metric| metric.id == source.metric_id).map(|metric| &metric.metric_name).next() {
            Some(name) => add(name, &service.id),
            None => add(&source.metric_id, &service.id),
        }
    }
    let of_sources = declared.clone();
    for service in &descriptor.services {
        for metric in &service.deployment.intent.metrics {
            if !of_sources.contains_key(&metric.metric_name) {
                let services = &mut declared.entry(metric.metric_name.clone()).or_default().0;
                services.push(service.id.clone());
            }
        }
    }
    declared
}

/// After all conditional services that `service` depends on.
fn after(descriptor: &Descriptor, service: &DescribedService, dependencies: &[String], place: &Place) -> Option<Value> {
    let waits = |name: &&String| {
        let other = descriptor.service(name).filter(|other| other.id != service.id);
        other.is_some_and(|other| matches!(other.deployment.trigger, Trigger::Event { .. }))
    };
    let item = |name: &String| {
        let mut tree = Tree::default();
        tree.text("event", place, &format!("{name} runs"));
        tree.text("if", place, &format!("replicas_ready{{service=\"{name}\"}} > 0"));
        Node { place: place.clone(), value: tree.map() }
    };
    let items: Vec<Node> = dependencies.iter().filter(waits).map(item).collect();
    if items.is_empty() {
        return None;
    }
    let mut tree = Tree::default();
    tree.put("all", place, Value::List(items));
    Some(tree.map())
}

fn text(text: &str) -> Value {
    Value::Scalar(Scalar::Text(text.into()))
}
