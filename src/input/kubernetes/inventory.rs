//! An inventory from files of Kubernetes objects.
//!
//! ```yaml
//! inventory: clusters.yaml                # what `kubectl get clusters -o yaml` printed, or a directory of such files
//! inventory:
//!   kubectl: {milan: [nodes.yaml, pods.yaml], zurich: zurich.json}      # or a path, or a list of paths
//!   own_namespaces: [shop]                # pods of the application itself: they hold nothing
//!   clusters: {milan: {pue: 1.2}}         # what Kubernetes does not know, by name
//! ```
//!
//! `Node` objects are the nodes of one cluster: of the name that the file is given under, else of the file's own.

use super::super::at::At;
use super::super::error::{InputError, Mistake};
use super::super::file::Files;
use super::super::letters::Text;
use super::super::node::{Entry, Node, Value};
use super::documents::Object;
use super::field::Field;
use super::karmada;
use super::member::Member;
use super::notes::Notes;
use super::overlay::lay;
use super::source::{Source, sources};
use super::tree::{Map, list};

/// The group of Karmada's clusters.
const KARMADA: &str = "cluster.karmada.io";

/// Keys of the section that are used up here.
const OWN_KEYS: [&str; 2] = ["kubectl", "own_namespaces"];

/// What the section says besides its files.
struct Said {
    own_namespaces: Vec<String>,
    has_tables: bool,
}

/// A cluster as Karmada sums it up, or with its nodes seen.
enum Found {
    Summed(Node),
    Seen(Node),
}

/// Files that belong together: those under one name, or all without a name.
struct Group {
    name: Option<String>,
    sources: Vec<Source>,
}

/// The inventory that stands at `at`, as a native file has it; `at` is a path or a map with the key `kubectl`.
///
/// # Errors
/// Files that cannot be read, values of a wrong type, no cluster at all.
pub fn inventory(at: &At<'_>, files: &mut Files) -> Result<Node, InputError> {
    let is_map = at.node().is_some_and(|node| matches!(node.value, Value::Map(_)));
    let named = if is_map { at.key("kubectl") } else { at.clone() };
    let said = Said {
        own_namespaces: if is_map { at.key("own_namespaces").words()? } else { Vec::new() },
        has_tables: is_map && at.key("machines").is_there(),
    };
    let mut notes = Notes::default();
    let mut clusters = Vec::new();
    for group in groups(&named, files)? {
        clusters.extend(of_group(&group, &said, &mut notes)?);
    }
    let clusters = one_of_each(clusters);
    let place = named.place();
    let names: Vec<&str> = clusters.iter().filter_map(Node::name).collect();
    if names.is_empty() {
        let found = notes.finish();
        let found =
            if found.is_empty() { String::new() } else { format!(" ({})", found.join("; ").replace("; ", ", ")) };
        let wanted = "give it what `kubectl get clusters -o yaml` (Karmada) or `kubectl get nodes -o yaml` prints";
        return Err(named.error(format!("no cluster that takes pods is in it{found}; {wanted}")));
    }
    notes.say(
        &place,
        "Kubernetes knows no prices or power: nodes cost 0.031611 $ a core and 0.004237 $ a GiB an hour (Google's n2 in us-central1, \
         June 2026; accelerators not included) and draw what their cores do, unless `clusters.NAME.pools.POOL` says otherwise",
    );
    notes.finish().into_iter().for_each(|note| files.note(note));
    let mut map = Map::new(place.clone());
    map.put("clusters", list(&place, clusters));
    let mut inventory = map.node();
    if is_map && let Some(Value::Map(entries)) = at.node().map(|node| &node.value) {
        for entry in entries.iter().filter(|entry| !OWN_KEYS.contains(&entry.key.as_str())) {
            let over = Node { place: entry.key_place.clone(), value: Value::Map(vec![entry.clone()]) };
            lay(&mut inventory, over, "inventory")?;
        }
    }
    Ok(inventory)
}

fn groups(named: &At<'_>, files: &mut Files) -> Result<Vec<Group>, InputError> {
    let Some(Value::Map(entries)) = named.node().map(|node| &node.value) else {
        return Ok(vec![Group { name: None, sources: sources(named, files)? }]);
    };
    let group = |name: &Text| Ok(Group { name: Some(name.to_string()), sources: sources(&named.key(name), files)? });
    entries.iter().map(|entry| &entry.key).map(group).collect()
}

/// The clusters of one group: Karmada's, and those that nodes make up.
fn of_group(group: &Group, said: &Said, notes: &mut Notes) -> Result<Vec<Found>, InputError> {
    let all = || group.sources.iter().flat_map(|source| &source.objects);
    let mut clusters = Vec::new();
    for object in all() {
        if object.is(KARMADA, "Cluster") {
            clusters.extend(karmada::cluster(named(object)?, notes)?.map(Found::Summed));
        } else if !object.is("", "Node") && !object.is("", "Pod") {
            notes.count(&object.node.place, format!("{} is no part of an inventory and is not read", object.kind));
        }
    }
    let pods: Vec<&Object> = all().filter(|object| object.is("", "Pod")).collect();
    let mut member = |name: &str, nodes: Vec<&Object>| {
        let nodes = nodes.into_iter().map(named).collect::<Result<Vec<_>, _>>()?;
        let Said { own_namespaces, has_tables } = said;
        let member = Member { name, nodes, pods: pods.clone(), own_namespaces, has_tables: *has_tables };
        Ok::<_, InputError>(member.cluster(notes)?.map(Found::Seen))
    };
    match &group.name {
        Some(name) => clusters.extend(member(name, all().filter(|object| object.is("", "Node")).collect())?),
        None => {
            for source in &group.sources {
                let nodes = source.objects.iter().filter(|object| object.is("", "Node")).collect();
                clusters.extend(member(&source.stem, nodes)?);
            }
        }
    }
    Ok(clusters)
}

/// An object that must have a name.
///
/// # Errors
/// Where it has none.
pub fn named(object: &Object) -> Result<&Object, InputError> {
    if object.name().is_empty() {
        let message = format!("this {} has no name; it needs `metadata.name`", object.kind);
        return Err(Box::new(Mistake::new(object.node.place.clone(), "metadata.name".to_owned(), &message)).into());
    }
    Ok(object)
}

/// Where Karmada and a list of nodes speak of one cluster, the nodes are the list's and all else is Karmada's.
fn one_of_each(clusters: Vec<Found>) -> Vec<Node> {
    let mut each: Vec<Node> = Vec::new();
    let mut seen: Vec<Node> = Vec::new();
    for cluster in clusters {
        match cluster {
            Found::Summed(cluster) => each.push(cluster),
            Found::Seen(cluster) => seen.push(cluster),
        }
    }
    for cluster in seen {
        let summed = each.iter_mut().find(|summed| summed.name() == cluster.name());
        match summed.and_then(|summed| entry_mut(summed, "pools")).zip(cluster.get("pools")) {
            Some((entry, pools)) => entry.node = pools.clone(),
            None => each.push(cluster),
        }
    }
    each
}

fn entry_mut<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Entry> {
    match &mut node.value {
        Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == key),
        _ => None,
    }
}
