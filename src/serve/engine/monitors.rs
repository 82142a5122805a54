//! What a descriptor wants to be measured: for each service with metrics a `ServiceMonitor` in the graph's namespace, and a policy that
//! takes it to the clusters where the service is.
//!
//! The operator of Prometheus in those clusters finds it there and scrapes what its selector says. A control plane that does not know
//! the kind is told of once: nothing waits for it, and nothing fails for it.

use super::context::Context;
use super::told::Shares;
use crate::backend::live::karmada::{Karmada, Kind, MANAGED_BY, POLICY};
use crate::backend::live::outside::{CallError, Class};
use crate::input::hdag::{DescribedService, Descriptor, Metric, write_duration};
use crate::serve::store::rows::Graph;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What is scraped of a service.
pub const SERVICE_MONITOR: Kind =
    Kind { group: "monitoring.coreos.com", version: "v1", kind: "ServiceMonitor", plural: "servicemonitors" };
/// The label with the service whose monitor it is.
const SERVICE_LABEL: &str = "smo.dev/service";
/// The label with its graph.
const GRAPH_LABEL: &str = "smo.dev/graph";
/// After trouble that may pass.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// Where the kind is not known: somebody may install it.
const LATER: Duration = Duration::from_mins(5);

/// Where services are: replicas by cluster.
pub type Places = BTreeMap<String, Shares>;

/// What is made for one service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Monitored {
    /// The monitors, by name: one for each selector.
    pub monitors: BTreeMap<String, Value>,
    /// Where they go.
    pub clusters: BTreeSet<String>,
}

/// The policy of a service's monitors. A name with a dot is nobody's who has a service called like it.
fn policy_name(service: &str) -> String {
    format!("smo-{service}.mon")
}

/// What is to be made, by service: of those that have metrics and are somewhere.
pub fn wanted(
    graph: &Graph,
    descriptor: &Descriptor,
    labels: &BTreeMap<String, String>,
    places: &Places,
) -> BTreeMap<String, Monitored> {
    let of = |service: &DescribedService| {
        let clusters: BTreeSet<String> = places
            .get(&service.id)?
            .iter()
            .filter(|(_, replicas)| **replicas > 0)
            .map(|(name, _)| name.clone())
            .collect();
        let monitors = monitors(graph, service, labels);
        (!clusters.is_empty() && !monitors.is_empty()).then(|| (service.id.clone(), Monitored { monitors, clusters }))
    };
    descriptor.services.iter().filter_map(of).collect()
}

/// One monitor for each selector among the metrics, with an endpoint for each way that they are scraped.
fn monitors(graph: &Graph, service: &DescribedService, labels: &BTreeMap<String, String>) -> BTreeMap<String, Value> {
    let mut by_selector: Vec<(BTreeMap<String, String>, Vec<Value>)> = Vec::new();
    for metric in &service.deployment.intent.metrics {
        let (selector, endpoint) = (selector(service, metric), endpoint(metric));
        match by_selector.iter_mut().find(|(known, _)| *known == selector) {
            Some((_, endpoints)) if endpoints.contains(&endpoint) => {}
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => by_selector.push((selector, vec![endpoint])),
        }
    }
    let mut all_labels: BTreeMap<&str, &str> =
        labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    all_labels.extend([MANAGED_BY, (SERVICE_LABEL, service.id.as_str()), (GRAPH_LABEL, graph.name.as_str())]);
    let object = |(at, (selector, endpoints)): (usize, (BTreeMap<String, String>, Vec<Value>))| {
        let name = if at == 0 { format!("smo-{}", service.id) } else { format!("smo-{}.{}", service.id, at + 1) };
        let object = json!({
            "apiVersion": format!("{}/{}", SERVICE_MONITOR.group, SERVICE_MONITOR.version), "kind": SERVICE_MONITOR.kind,
            "metadata": {"name": name, "namespace": graph.project, "labels": all_labels},
            "spec": {"selector": {"matchLabels": selector}, "endpoints": endpoints},
        });
        (name, object)
    };
    by_selector.into_iter().enumerate().map(object).collect()
}

/// The labels of the Kubernetes service; where a metric says none, those that charts give theirs. Without any, it would be all services.
fn selector(service: &DescribedService, metric: &Metric) -> BTreeMap<String, String> {
    if metric.selector.is_empty() {
        return BTreeMap::from([("app".to_owned(), service.id.clone())]);
    }
    metric.selector.clone()
}

/// Where a metric is scraped: a port by its name, or by its number; all ports where nothing is said.
fn endpoint(metric: &Metric) -> Value {
    let mut endpoint = Map::new();
    let Some(at) = &metric.endpoint else { return endpoint.into() };
    match at.port.as_deref().map(|port| (port, port.parse::<u16>())) {
        Some((_, Ok(number))) => drop(endpoint.insert("targetPort".to_owned(), number.into())),
        Some((name, Err(_))) => drop(endpoint.insert("port".to_owned(), name.into())),
        None => {}
    }
    if let Some(interval) = at.interval {
        endpoint.insert("interval".to_owned(), write_duration(interval).into());
    }
    endpoint.into()
}

/// The policy that takes a service's monitors to its clusters.
fn policy(graph: &Graph, service: &str, monitored: &Monitored) -> Value {
    let selector = |name: &String| {
        let version = format!("{}/{}", SERVICE_MONITOR.group, SERVICE_MONITOR.version);
        json!({"apiVersion": version, "kind": SERVICE_MONITOR.kind, "name": name})
    };
    let labels = json!({MANAGED_BY.0: MANAGED_BY.1, SERVICE_LABEL: service, GRAPH_LABEL: graph.name});
    json!({
        "apiVersion": format!("{}/{}", POLICY.group, POLICY.version), "kind": POLICY.kind,
        "metadata": {"name": policy_name(service), "namespace": graph.project, "labels": labels},
        "spec": {
            "resourceSelectors": monitored.monitors.keys().map(selector).collect::<Vec<_>>(),
            "placement": {"clusterAffinity": {"clusterNames": monitored.clusters}},
        },
    })
}

/// Follows `places` and brings the monitors of a graph there, until nobody tells places any more. What goes wrong is told once.
pub async fn follow(
    context: Arc<Context>,
    (graph, descriptor): (Graph, Descriptor),
    karmada: Karmada,
    mut places: watch::Receiver<Option<Places>>,
) {
    let (mut done, mut told) = (None, None);
    loop {
        let now = places.borrow_and_update().clone();
        let wanted = now.map(|places| wanted(&graph, &descriptor, &context.settings.rule_labels, &places));
        let mut pause = None;
        if let Some(wanted) = wanted.filter(|wanted| done.as_ref() != Some(wanted)) {
            match bring(&karmada, &graph, &wanted).await {
                Ok(()) => (done, told) = (Some(wanted), None),
                // Who may not look, and has nothing to make, misses nothing.
                Err(error) if wanted.is_empty() && error.class == Class::Permanent => done = Some(wanted),
                Err(error) => {
                    pause = Some(if error.class == Class::Permanent { LATER } else { AGAIN_AFTER });
                    let reason = reason(&error);
                    if told.as_ref() != Some(&reason) {
                        context.tell(&graph, None, ("graph.metrics-unscraped", &reason, Value::Null)).await;
                        told = Some(reason);
                    }
                }
            }
        }
        let changed = match pause {
            None => places.changed().await,
            // Late is as good as changed.
            Some(pause) => tokio::time::timeout(pause, places.changed()).await.unwrap_or(Ok(())),
        };
        if changed.is_err() {
            return;
        }
    }
}

fn reason(error: &CallError) -> String {
    if error.is_absent() {
        let kind = SERVICE_MONITOR;
        return format!(
            "the control plane does not know {}.{}, so that no metrics of the descriptor are scraped; install the definitions of \
             Prometheus' operator there",
            kind.plural, kind.group
        );
    }
    error.to_string()
}

/// Makes what is wanted of a graph and removes what is not. A graph that never had metrics asks nothing but that.
async fn bring(karmada: &Karmada, graph: &Graph, wanted: &BTreeMap<String, Monitored>) -> Result<(), CallError> {
    let names: BTreeSet<&String> = wanted.values().flat_map(|one| one.monitors.keys()).collect();
    for object in karmada.list(SERVICE_MONITOR).await? {
        let labels = object.metadata.labels.unwrap_or_default();
        let name = object.metadata.name.unwrap_or_default();
        if is_ours(&labels) && labels.get(GRAPH_LABEL) == Some(&graph.name) && !names.contains(&name) {
            karmada.delete(SERVICE_MONITOR, &name).await?;
            if let Some(service) = labels.get(SERVICE_LABEL).filter(|service| !wanted.contains_key(*service)) {
                karmada.delete(POLICY, &policy_name(service)).await?;
            }
        }
    }
    for (service, monitored) in wanted {
        for (name, monitor) in &monitored.monitors {
            mine(karmada, SERVICE_MONITOR, name).await?;
            karmada.apply(SERVICE_MONITOR, name, monitor).await?;
        }
        let name = policy_name(service);
        mine(karmada, POLICY, &name).await?;
        karmada.apply(POLICY, &name, &policy(graph, service, monitored)).await?;
    }
    Ok(())
}

fn is_ours(labels: &BTreeMap<String, String>) -> bool {
    labels.get(MANAGED_BY.0).is_some_and(|owner| owner == MANAGED_BY.1)
}

/// Refuses to write over what is somebody else's.
async fn mine(karmada: &Karmada, kind: Kind, name: &str) -> Result<(), CallError> {
    let Some(found) = karmada.get(kind, name).await? else { return Ok(()) };
    if is_ours(&found.metadata.labels.unwrap_or_default()) {
        return Ok(());
    }
    let reason = format!("there is one already that is not ours: it lacks the label {}={}", MANAGED_BY.0, MANAGED_BY.1);
    Err(CallError::new("karmada", format!("apply {} {name}", kind.kind), Class::Permanent, reason))
}

/// Removes the monitors of a service; what of them was there.
///
/// # Errors
/// See [`CallError`].
pub async fn remove(karmada: &Karmada, service: &str) -> Result<Vec<String>, CallError> {
    let mut removed = Vec::new();
    // Where the kind is not known, there is none; and who may not look has made none.
    let all = match karmada.list(SERVICE_MONITOR).await {
        Err(error) if error.class == Class::Permanent => Vec::new(),
        listed => listed?,
    };
    for object in all {
        let labels = object.metadata.labels.unwrap_or_default();
        let name = object.metadata.name.unwrap_or_default();
        let is_its = is_ours(&labels) && labels.get(SERVICE_LABEL).is_some_and(|one| one == service);
        if is_its && karmada.delete(SERVICE_MONITOR, &name).await? {
            removed.push(format!("ServiceMonitor {name}"));
        }
    }
    let policy = policy_name(service);
    if karmada.delete(POLICY, &policy).await? {
        removed.push(format!("PropagationPolicy {policy}"));
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::{Places, monitors, policy, policy_name, wanted};
    use crate::input::hdag::{Descriptor, parse};
    use crate::serve::at::At;
    use crate::serve::store::rows::{Graph, Options, Status, Wish};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    const TWO: &str = "hdaGraph: {id: port, services: [\
        {id: crane, deployment: {trigger: {}, intent: {compute: {cpu: light}, metrics: [\
            {id: fps, metricName: frames_total, selector: {app: crane}, endpoint: {port: metrics, interval: 5s}},\
            {id: drops, metricName: drops_total, selector: {app: crane}, endpoint: {port: metrics, interval: 5s}},\
            {id: heat, metricName: heat, selector: {app: crane}, endpoint: {port: '9100'}},\
            {id: side, metricName: side, selector: {app: side}}]}}},\
        {id: plain, deployment: {trigger: {}, intent: {compute: {cpu: light}, metrics: [{id: m, metricName: m}]}}},\
        {id: none, deployment: {trigger: {}, intent: {compute: {cpu: light}}}}]}";

    fn descriptor() -> Descriptor {
        parse(TWO, "graph").expect("it is one").0
    }

    fn graph() -> Graph {
        Graph {
            id: "g1".to_owned(),
            project: "shop".to_owned(),
            name: "port".to_owned(),
            generation: 1,
            wanted: Wish::Running,
            options: Options::default(),
            source: None,
            descriptor: Value::Null,
            status: Status::default(),
            paused: None,
            created_at: At(0),
            updated_at: At(0),
            previous: None,
        }
    }

    #[test]
    fn metrics_of_one_selector_are_one_monitor_and_ways_to_scrape_are_endpoints() {
        let labels = BTreeMap::from([("release".to_owned(), "monitoring".to_owned())]);
        let all = monitors(&graph(), &descriptor().services[0], &labels);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["smo-crane", "smo-crane.2"]);
        let first = &all["smo-crane"];
        assert_eq!(first["spec"]["selector"], json!({"matchLabels": {"app": "crane"}}));
        assert_eq!(first["spec"]["endpoints"], json!([{"port": "metrics", "interval": "5s"}, {"targetPort": 9100}]));
        assert_eq!(
            first["metadata"]["labels"],
            json!({"app.kubernetes.io/managed-by": "smo", "release": "monitoring", "smo.dev/graph": "port", "smo.dev/service": "crane"})
        );
        assert_eq!(
            all["smo-crane.2"]["spec"],
            json!({"selector": {"matchLabels": {"app": "side"}}, "endpoints": [{}]})
        );
        // Without a selector it would be every service of the namespace.
        let plain = monitors(&graph(), &descriptor().services[1], &labels);
        assert_eq!(plain["smo-plain"]["spec"]["selector"], json!({"matchLabels": {"app": "plain"}}));
    }

    #[test]
    fn monitors_are_where_their_services_are() {
        let one = |cluster: &str, replicas: u32| BTreeMap::from([(cluster.to_owned(), replicas)]);
        let mut places: Places = BTreeMap::from([("crane".to_owned(), one("a", 2)), ("none".to_owned(), one("a", 1))]);
        places.insert("plain".to_owned(), one("b", 0));
        let first = wanted(&graph(), &descriptor(), &BTreeMap::new(), &places);
        assert_eq!(first.keys().collect::<Vec<_>>(), ["crane"], "neither one without metrics, nor one that is nowhere");
        places.insert("crane".to_owned(), BTreeMap::from([("b".to_owned(), 1), ("c".to_owned(), 1)]));
        let moved = wanted(&graph(), &descriptor(), &BTreeMap::new(), &places);
        assert_ne!(first, moved);
        let policy = policy(&graph(), "crane", &moved["crane"]);
        assert_eq!(policy["spec"]["placement"], json!({"clusterAffinity": {"clusterNames": ["b", "c"]}}));
        let names: Vec<&Value> =
            policy["spec"]["resourceSelectors"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
        assert_eq!(names, ["smo-crane", "smo-crane.2"]);
        assert_eq!(moved["crane"].monitors, first["crane"].monitors);
    }

    /// Karmada takes at most 63 letters; the longest service has 53.
    #[test]
    fn a_policy_has_a_name_that_no_other_service_has() {
        assert_eq!(policy_name(&"x".repeat(53)).len(), 61);
        let claims = ["web", "web-mon"].map(crate::backend::live::karmada::claim::policy_name);
        assert!(!claims.contains(&policy_name("web")));
    }
}
