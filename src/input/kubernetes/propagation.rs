//! Karmada's policies: which clusters a workload may run in, and what differs there.
//!
//! The policy of a workload is the one that Karmada would choose: of its namespace before of all, the higher priority, then
//! the one that names it, then the one whose labels match, then the rest by name. How replicas are *divided* is left to the
//! placement policy of the simulation, so weights and preferences are notes, and so are overrides of single clusters.

use super::super::at::At;
use super::super::error::InputError;
use super::affinity::{label_selector, requirements, tolerations};
use super::documents::Object;
use super::field::Field;
use super::notes::Notes;
use super::workload::{Clusters, Workload};
use crate::model::Selector;
use crate::model::cluster::REGION_LABEL;
use crate::model::selector::Requirement;
use std::cmp::Reverse;

/// The group of Karmada's policies.
const GROUP: &str = "policy.karmada.io";

/// Whether it says where workloads go.
pub fn is_propagation(object: &Object) -> bool {
    object.is(GROUP, "PropagationPolicy") || object.is(GROUP, "ClusterPropagationPolicy")
}

/// Whether it says what differs between clusters.
pub fn is_override(object: &Object) -> bool {
    object.is(GROUP, "OverridePolicy") || object.is(GROUP, "ClusterOverridePolicy")
}

/// Applies to every workload the policy that is meant for it.
///
/// # Errors
/// Values of a wrong type.
pub fn apply(policies: &[&Object], workloads: &mut [Workload<'_>], notes: &mut Notes) -> Result<(), InputError> {
    let mut used = vec![false; policies.len()];
    for workload in workloads.iter_mut() {
        let mut best = None;
        for (index, policy) in policies.iter().enumerate() {
            if let Some(fit) = fit(policy, workload.object)? {
                let priority = policy.at().path("spec.priority").text()?.and_then(|text| text.parse::<i64>().ok());
                let rank = (is_namespaced(policy), priority.unwrap_or(0), fit, Reverse(policy.name()));
                best = best.max(Some((rank, Reverse(index))));
            }
        }
        if let Some((_, Reverse(index))) = best {
            used[index] = true;
            place(&policies[index].at().path("spec.placement"), workload, notes)?;
        }
    }
    for (policy, _) in policies.iter().zip(used).filter(|(_, used)| !used) {
        notes.say(&policy.node.place, format!("{} {} selects no workload that is here", policy.kind, policy.name()));
    }
    Ok(())
}

fn is_namespaced(policy: &Object) -> bool {
    !policy.kind.starts_with("Cluster")
}

/// How well a policy's selectors fit a workload: 3 by name, 2 by labels, 1 by kind alone; `None` where none does.
fn fit(policy: &Object, workload: &Object) -> Result<Option<u8>, InputError> {
    if is_namespaced(policy) && policy.namespace() != workload.namespace() {
        return Ok(None);
    }
    let selectors = policy.at().path("spec.resourceSelectors").items()?;
    // An override without selectors is meant for everything.
    let mut best = (selectors.is_empty() && is_override(policy)).then_some(1);
    for selector in selectors {
        best = best.max(fit_of(&selector, workload)?);
    }
    Ok(best)
}

fn fit_of(selector: &At<'_>, workload: &Object) -> Result<Option<u8>, InputError> {
    let said = |key: &str| Ok::<_, InputError>(selector.key(key).text()?.filter(|text| !text.is_empty()));
    let differs = |wanted: Option<&str>, is: &str| wanted.is_some_and(|wanted| wanted != is);
    if differs(said("kind")?, &workload.kind)
        || differs(said("apiVersion")?, &workload.api)
        || differs(said("namespace")?, workload.namespace())
    {
        return Ok(None);
    }
    if let Some(name) = said("name")? {
        return Ok((name == workload.name()).then_some(3));
    }
    let labels = selector.key("labelSelector");
    if !labels.is_there() {
        return Ok(Some(1));
    }
    let own = workload.at().path("metadata.labels").texts()?;
    let matches = label_selector(&labels)?.matches(|key| own.get(key).map(String::as_str));
    Ok(matches.then_some(2))
}

fn place(placement: &At<'_>, workload: &mut Workload<'_>, notes: &mut Notes) -> Result<(), InputError> {
    workload.clusters = clusters(placement, notes)?;
    workload.tolerations = tolerations(&placement.key("clusterTolerations"))?;
    for constraint in placement.key("spreadConstraints").items()? {
        let by_cluster = constraint.key("spreadByField").text()? == Some("cluster");
        if by_cluster && constraint.key("maxGroups").whole()? == Some(1) {
            workload.pinned = true;
        } else {
            notes.count(&constraint.place(), "a spread constraint is not simulated: the placement policy spreads");
        }
    }
    let scheduling = placement.key("replicaScheduling");
    if scheduling.key("replicaSchedulingType").text()? != Some("Divided") {
        duplicate(placement, workload, notes);
    } else if scheduling.key("weightPreference").is_there() {
        let place = scheduling.key("weightPreference").place();
        notes.count(&place, "weights are not simulated: the placement policy divides the replicas");
    }
    Ok(())
}

/// `Duplicated`, Karmada's default: every cluster runs all replicas. As many in all are asked for where the clusters are named.
fn duplicate(placement: &At<'_>, workload: &mut Workload<'_>, notes: &mut Notes) {
    let (name, each) = (&workload.name, workload.replicas);
    let place = placement.key("replicaScheduling").place();
    match u32::try_from(workload.clusters.only.len()) {
        Ok(count) if count > 1 => {
            workload.replicas = each.saturating_mul(count);
            workload.bounds = workload.bounds.map(|(min, max)| (min.saturating_mul(count), max.saturating_mul(count)));
            let all = workload.replicas;
            notes.say(&place, format!("{name} is duplicated, {each} in each of {count} clusters: {all} replicas in all, which the placement policy spreads"));
        }
        Ok(1) => {}
        _ => notes.say(
            &place,
            format!("{name} is duplicated into every cluster: its {each} replicas are taken as those of all together"),
        ),
    }
}

/// The clusters that an affinity leaves.
fn clusters(placement: &At<'_>, notes: &mut Notes) -> Result<Clusters, InputError> {
    if placement.key("clusterAffinity").is_there() {
        return affinity(&placement.key("clusterAffinity"), notes);
    }
    let groups = placement.key("clusterAffinities");
    let each = groups.items()?.iter().map(|group| affinity(group, notes)).collect::<Result<Vec<_>, _>>()?;
    let only_names = |group: &Clusters| !group.only.is_empty() && group.never.is_empty() && group.matching.is_empty();
    if each.len() > 1 {
        let what = if each.iter().all(only_names) { "all groups count at once" } else { "only the first group counts" };
        notes.say(
            &groups.place(),
            format!("groups of cluster affinities are tried one after the other by Karmada; here {what}"),
        );
        if each.iter().all(only_names) {
            return Ok(Clusters {
                only: each.into_iter().flat_map(|group| group.only).collect(),
                ..Clusters::default()
            });
        }
    }
    Ok(each.into_iter().next().unwrap_or_default())
}

fn affinity(at: &At<'_>, notes: &mut Notes) -> Result<Clusters, InputError> {
    let mut all = label_selector(&at.key("labelSelector"))?.0;
    for mut one in requirements(&at.path("fieldSelector.matchExpressions"))? {
        one.key = match one.key.as_str() {
            "region" => REGION_LABEL.to_owned(),
            "provider" => "smo.dev/provider".to_owned(),
            "zone" => "smo.dev/zone".to_owned(),
            other => {
                notes.say(
                    &at.key("fieldSelector").place(),
                    format!("there is no field `{other}` of a cluster; it is left out"),
                );
                continue;
            }
        };
        all.push(one);
    }
    let matching = if all.is_empty() { Vec::new() } else { vec![text_of(all)] };
    Ok(Clusters { only: at.key("clusterNames").words()?, never: at.key("exclude").words()?, matching })
}

fn text_of(requirements: Vec<Requirement>) -> String {
    Selector(requirements).to_string()
}

/// Applies what overrides say of all clusters, and notes what they say of some.
///
/// # Errors
/// Values of a wrong type.
pub fn override_all(policy: &Object, workloads: &mut [Workload<'_>], notes: &mut Notes) -> Result<(), InputError> {
    for workload in workloads.iter_mut() {
        if fit(policy, workload.object)?.is_none() {
            continue;
        }
        for rule in policy.at().path("spec.overrideRules").items()? {
            let everywhere = !rule.key("targetCluster").is_there();
            override_one(&rule.key("overriders"), everywhere, workload, notes)?;
        }
        override_one(&policy.at().path("spec.overriders"), false, workload, notes)?;
    }
    Ok(())
}

fn override_one(
    overriders: &At<'_>,
    everywhere: bool,
    workload: &mut Workload<'_>,
    notes: &mut Notes,
) -> Result<(), InputError> {
    for patch in overriders.key("plaintext").items()? {
        let path = patch.key("path").text()?.unwrap_or_default();
        if path == "/spec/replicas" && everywhere {
            workload.replicas = patch.key("value").whole()?.unwrap_or(workload.replicas);
        } else if path.starts_with("/spec") {
            let name = &workload.name;
            notes.say(
                &patch.place(),
                format!("the override of {path} of {name} is not simulated: a service is the same in all clusters"),
            );
        }
    }
    for entry in overriders.entries()?.iter().filter(|entry| entry.key != "plaintext") {
        let what = &entry.key;
        notes.count(&entry.key_place, format!("an override by `{what}` changes nothing that is simulated"));
    }
    Ok(())
}
