//! What pods demand of the pods beside them, as native files write it: affinity, anti-affinity, topology spread constraints,
//! preferred nodes.

use super::super::at::At;
use super::super::error::{InputError, Place};
use super::super::node::Node;
use super::affinity::{label_selector, requirements};
use super::field::Field;
use super::tree::{Map, list};
use super::workload::Workload;
use crate::model::Selector;
use crate::model::peers::{NAMESPACE_LABEL, with_label_keys};
use crate::model::selector::{Operator, Requirement};
use std::collections::BTreeMap;

/// A selector that nothing matches, as one that is left out means.
const NOTHING: &str = "smo.dev/service, !smo.dev/service";

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// The `neighbours` of a workload.
///
/// # Errors
/// Values of a wrong type, or an operator that does not exist.
pub fn neighbours(workload: &Workload<'_>, pod_spec: &At<'_>) -> Result<Node, InputError> {
    let affinity = pod_spec.key("affinity");
    let labels = &workload.pod_labels;
    let mut map = Map::new(workload.object.node.place.clone());
    map.put_labels("labels", labels);
    map.put_text("namespace", workload.object.namespace());
    for (kind, required, preferred) in
        [("podAffinity", "near", "prefer_near"), ("podAntiAffinity", "apart", "prefer_apart")]
    {
        let terms = affinity.key(kind).key(REQUIRED).items()?;
        put(&mut map, required, terms.iter().map(|term| near(term, labels, None)))?;
        let terms = affinity.key(kind).key(PREFERRED).items()?;
        put(&mut map, preferred, terms.iter().map(|term| near(&term.key("podAffinityTerm"), labels, Some(term))))?;
    }
    let nodes = affinity.path("nodeAffinity").key(PREFERRED).items()?;
    let nodes = nodes.iter().map(preferred_nodes).filter_map(Result::transpose);
    put(&mut map, "prefer_nodes", nodes)?;
    let spreads = pod_spec.key("topologySpreadConstraints").items()?;
    put(&mut map, "spread", spreads.iter().map(|one| spread(one, labels)))?;
    if spreads.is_empty() {
        map.put_flag("spread_by_default", true);
    }
    Ok(map.node())
}

/// Adds a list under `key`, unless it is empty.
fn put(map: &mut Map, key: &str, nodes: impl Iterator<Item = Result<Node, InputError>>) -> Result<(), InputError> {
    let nodes = nodes.collect::<Result<Vec<_>, _>>()?;
    if let Some(place) = nodes.first().map(|node| node.place.clone()) {
        map.put(key, list(&place, nodes));
    }
    Ok(())
}

/// An affinity term, with the weight of what it stands in.
fn near(term: &At<'_>, labels: &BTreeMap<String, String>, weighted: Option<&At<'_>>) -> Result<Node, InputError> {
    let mut map = Map::new(term.place());
    if let Some(weighted) = weighted {
        put_weight(&mut map, weighted)?;
    }
    map.put_text("topology", term.key("topologyKey").text()?.unwrap_or_default());
    put_matching(&mut map, term, labels)?;
    let mut namespaces = term.key("namespaces").words()?;
    let selector = term.key("namespaceSelector");
    if selector.is_there() {
        let selected = label_selector(&selector)?;
        match named(&selected) {
            _ if selected.0.is_empty() => map.put_flag("any_namespace", true),
            Some(names) => namespaces.extend(names),
            None => {
                let wanted =
                    "only the label `kubernetes.io/metadata.name` of namespaces is known; name them in `namespaces`";
                return Err(selector.error(wanted));
            }
        }
    }
    map.put_texts("namespaces", namespaces);
    Ok(map.node())
}

/// The namespaces that a selector on their names is about.
fn named(selector: &Selector) -> Option<Vec<String>> {
    match &selector.0[..] {
        [Requirement { key, operator: Operator::In(names) }] if key == NAMESPACE_LABEL => {
            Some(names.iter().cloned().collect())
        }
        _ => None,
    }
}

fn put_weight(map: &mut Map, at: &At<'_>) -> Result<(), InputError> {
    map.put_number("weight", at.key("weight").whole()?.unwrap_or(1).into());
    Ok(())
}

/// The label selector of a term, with the pod's own values of `matchLabelKeys` and without those of `mismatchLabelKeys`.
fn put_matching(map: &mut Map, term: &At<'_>, labels: &BTreeMap<String, String>) -> Result<(), InputError> {
    if !term.key("labelSelector").is_there() {
        map.put_text("matching", NOTHING);
        return Ok(());
    }
    let selector = label_selector(&term.key("labelSelector"))?;
    let mut selector = with_label_keys(selector, &term.key("matchLabelKeys").words()?, labels);
    for key in term.key("mismatchLabelKeys").words()? {
        if let Some(value) = labels.get(&key) {
            selector.0.push(Requirement { key, operator: Operator::NotIn([value.clone()].into()) });
        }
    }
    if !selector.0.is_empty() {
        map.put_text("matching", selector.to_string());
    }
    Ok(())
}

/// A preferred node selector term; one without expressions matches no node.
fn preferred_nodes(at: &At<'_>) -> Result<Option<Node>, InputError> {
    let requirements = requirements(&at.key("preference").key("matchExpressions"))?;
    if requirements.is_empty() {
        return Ok(None);
    }
    let mut map = Map::new(at.place());
    put_weight(&mut map, at)?;
    map.put_text("matching", Selector(requirements).to_string());
    Ok(Some(map.node()))
}

fn spread(at: &At<'_>, labels: &BTreeMap<String, String>) -> Result<Node, InputError> {
    let place: Place = at.place();
    let mut map = Map::new(place);
    map.put_text("topology", at.key("topologyKey").text()?.unwrap_or_default());
    put_matching(&mut map, at, labels)?;
    map.put_number("skew_max", at.key("maxSkew").whole()?.unwrap_or(1).into());
    map.put_flag("required", at.key("whenUnsatisfiable").text()? != Some("ScheduleAnyway"));
    map.put_number("domains_min", at.key("minDomains").whole()?.unwrap_or(1).into());
    map.put_flag("honors_affinity", at.key("nodeAffinityPolicy").text()? != Some("Ignore"));
    map.put_flag("honors_taints", at.key("nodeTaintsPolicy").text()? == Some("Honor"));
    Ok(map.node())
}
