//! An application from Kubernetes objects.
//!
//! ```yaml
//! application:
//!   descriptor: k8s/                      # a file of several documents, a directory of files, or a Helm chart
//!   values: [values-edge.yaml]            # for a chart
//!   services: {web: {capacity: 40 /s, slo: 300 ms}, cart: {capacity: 90 /s}}
//!   calls: [{from: web, to: cart}]
//! ```
//!
//! What the objects say becomes the tree of an application; what the scenario says beside is laid over it like over any
//! other descriptor. A name of a Kubernetes `Service` there stands for the workload behind it.

use super::super::at::At;
use super::super::error::InputError;
use super::super::file::Files;
use super::super::node::{Node, Scalar, Value};
use super::documents::Object;
use super::field::Field;
use super::notes::Notes;
use super::source::{Source, sources};
use super::tree::{Map, list};
use super::workload::{KINDS, Workload, name_apart};
use super::{autoscaler, chart, propagation};
use std::collections::BTreeMap;

/// What objects make up.
pub struct Application {
    /// The tree of an application, without capacities and calls.
    pub node: Node,
    /// Services by the name of the Kubernetes `Service` in front of them, where that differs.
    pub aliases: BTreeMap<String, String>,
    /// Services that users reach: behind an ingress, a load balancer or a node port.
    pub exposed: Vec<String>,
    /// Namespaces that workloads name as their own.
    pub namespaces: Vec<String>,
}

/// The application that stands at `at`: a path, or a map with the key `descriptor`. What stands beside it is kept there.
///
/// # Errors
/// Files that cannot be read, values of a wrong type, no workload at all.
pub fn section(at: &At<'_>, files: &mut Files) -> Result<Node, InputError> {
    let place = at.place();
    let named = if at.key("descriptor").node().is_some() { at.key("descriptor") } else { at.clone() };
    let application = application(&named, &at.key("values"), files)?;
    let Some(Node { value: Value::Map(entries), .. }) = at.node() else {
        let mut map = Map::new(place);
        map.put("descriptor", application.node);
        return Ok(map.node());
    };
    let mut entries = entries.clone();
    entries.retain(|entry| entry.key != "values");
    for entry in &mut entries {
        match entry.key.as_str() {
            "descriptor" => entry.node = application.node.clone(),
            "services" | "calls" => rename(&mut entry.node, &application.aliases),
            _ => {}
        }
    }
    Ok(Node { place, value: Value::Map(entries) })
}

/// The application in the files at `named`.
///
/// # Errors
/// As [`section`].
pub fn application(named: &At<'_>, values: &At<'_>, files: &mut Files) -> Result<Application, InputError> {
    let sources = match named.text() {
        Ok(Some(path)) if files.is_file(&format!("{path}/Chart.yaml")) => vec![chart::rendered(named, values, files)?],
        _ => sources(named, files)?,
    };
    let mut notes = Notes::default();
    let objects: Vec<&Object> = sources.iter().flat_map(|source| &source.objects).collect();
    let mut workloads = workloads(&objects, &mut notes)?;
    if workloads.is_empty() {
        let wanted = "Deployments, StatefulSets and Rollouts are read";
        return Err(named.error(format!("no workload is in it; {wanted}")));
    }
    name_apart(&mut workloads);
    for object in objects.iter().filter(|object| autoscaler::is_autoscaler(object)) {
        autoscaler::apply(object, &mut workloads, &mut notes)?;
    }
    for object in objects.iter().filter(|object| propagation::is_override(object)) {
        propagation::override_all(object, &mut workloads, &mut notes)?;
    }
    let policies: Vec<&Object> = objects.iter().copied().filter(|object| propagation::is_propagation(object)).collect();
    propagation::apply(&policies, &mut workloads, &mut notes)?;
    let (aliases, exposed) = fronts(&objects, &workloads, &mut notes)?;
    let services = workloads.iter().map(|workload| workload.node(&mut notes)).collect::<Result<Vec<_>, _>>()?;
    notes.finish().into_iter().for_each(|note| files.note(note));
    let place = workloads[0].object.node.place.clone();
    let mut map = Map::new(place.clone());
    map.put_text("name", name_of(&sources));
    map.put("services", list(&place, services));
    let mut namespaces: Vec<String> =
        workloads.iter().filter_map(|one| one.object.own_namespace()).map(str::to_owned).collect();
    namespaces.sort();
    namespaces.dedup();
    Ok(Application { node: map.node(), aliases, exposed, namespaces })
}

fn name_of(sources: &[Source]) -> String {
    sources.first().map_or_else(|| "application".to_owned(), |source| source.stem.clone())
}

/// The workloads, without those that another object made; what is no part of an application is counted.
fn workloads<'a>(objects: &[&'a Object], notes: &mut Notes) -> Result<Vec<Workload<'a>>, InputError> {
    let mut found = Vec::new();
    for object in objects {
        if KINDS.iter().any(|(group, kind)| object.is(group, kind)) {
            found.push(Workload::new(super::inventory::named(object)?)?);
        } else if !is_read_elsewhere(object) {
            notes.count(&object.node.place, format!("{} is no part of what is simulated and is not read", object.kind));
        }
    }
    Ok(found)
}

fn is_read_elsewhere(object: &Object) -> bool {
    let owned = object.node.get("metadata").is_some_and(|metadata| metadata.get("ownerReferences").is_some());
    object.is("", "Service")
        || object.is("networking.k8s.io", "Ingress")
        || autoscaler::is_autoscaler(object)
        || propagation::is_propagation(object)
        || propagation::is_override(object)
        // What `kubectl get all` prints besides: pods and replica sets of the workloads.
        || (owned && matches!(object.kind.as_str(), "Pod" | "ReplicaSet"))
}

/// Which workload is behind which Kubernetes `Service`, and which of them users reach.
fn fronts(
    objects: &[&Object],
    workloads: &[Workload<'_>],
    notes: &mut Notes,
) -> Result<(BTreeMap<String, String>, Vec<String>), InputError> {
    let mut entered = Vec::new();
    for object in objects.iter().filter(|object| object.is("networking.k8s.io", "Ingress")) {
        entered.extend(backends(object)?);
    }
    let (mut aliases, mut exposed) = (BTreeMap::new(), Vec::new());
    for object in objects.iter().filter(|object| object.is("", "Service")) {
        let spec = object.at().key("spec");
        let selector = spec.key("selector").texts()?;
        let behind = |workload: &&Workload<'_>| {
            !selector.is_empty()
                && workload.object.namespace() == object.namespace()
                && selector.iter().all(|(key, value)| workload.pod_labels.get(key) == Some(value))
        };
        let found: Vec<&Workload<'_>> = workloads.iter().filter(behind).collect();
        let open = matches!(spec.key("type").text()?, Some("LoadBalancer" | "NodePort"));
        if open || entered.contains(&(object.namespace().to_owned(), object.name().to_owned())) {
            exposed.extend(found.iter().map(|workload| workload.name.clone()));
        }
        let taken = workloads.iter().any(|workload| workload.name == object.name());
        if let ([workload], false) = (&found[..], taken) {
            notes.say(&object.node.place, format!("Service {} stands for {}", object.name(), workload.name));
            aliases.insert(object.name().to_owned(), workload.name.clone());
        }
    }
    exposed.sort();
    exposed.dedup();
    Ok((aliases, exposed))
}

/// Namespace and name of the Kubernetes `Service`s behind an ingress.
fn backends(ingress: &Object) -> Result<Vec<(String, String)>, InputError> {
    let spec = ingress.at().key("spec");
    let mut ends = vec![spec.key("defaultBackend")];
    for rule in spec.key("rules").items()? {
        ends.extend(rule.path("http.paths").items()?.iter().map(|path| path.key("backend")));
    }
    let mut found = Vec::new();
    for end in ends {
        if let Some(name) = end.path("service.name").text()? {
            found.push((ingress.namespace().to_owned(), name.to_owned()));
        }
    }
    Ok(found)
}

/// Puts the names of workloads in the place of those of Kubernetes `Service`s.
fn rename(node: &mut Node, aliases: &BTreeMap<String, String>) {
    match &mut node.value {
        Value::Map(services) => {
            for entry in services {
                if let Some(name) = aliases.get(&*entry.key) {
                    entry.key = name.as_str().into();
                }
            }
        }
        Value::List(items) => items.iter_mut().for_each(|item| rename_ends(item, aliases)),
        Value::Scalar(_) => {}
    }
}

fn rename_ends(item: &mut Node, aliases: &BTreeMap<String, String>) {
    let Value::Map(entries) = &mut item.value else { return };
    for entry in entries.iter_mut().filter(|entry| matches!(entry.key.as_str(), "from" | "to" | "name")) {
        if let Value::Scalar(Scalar::Text(text)) = &mut entry.node.value
            && let Some(name) = aliases.get(&**text)
        {
            *text = name.as_str().into();
        }
    }
}
