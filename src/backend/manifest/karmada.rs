//! What Karmada is told: how many replicas a Deployment has in all, and how they are divided among clusters.
//!
//! Karmada divides `spec.replicas` by static weights with the method of Webster: the next replica goes to the cluster with
//! the largest `weight / (2 · replicas so far + 1)`. With the planned replicas themselves as weights the division is the
//! plan, without ties: a cluster of weight n gets its last planned replica at a ratio of n / (2n − 1), which is more than a
//! half, and would get one more at n / (2n + 1), which is less. Releases before the method of Webster round each share
//! down and share out the rest: shares that are whole leave none.
//!
//! Static weights do not look at free room, which is right here: the plan has. They are evaluated anew whenever the
//! policy or the number of replicas changes, so both have to change together: what writes these objects to a live control
//! plane suspends dispatching (`spec.suspension.dispatching`) in between.

use super::{ManifestError, object_name, places};
use crate::model::scenario::Known;
use crate::model::{Plan, Service, ServiceId, Toleration};
use serde_json::{Map, Value, json};

/// The objects of all services, in the order of their declaration: for each its policy, then its number of replicas.
///
/// # Errors
/// A name that Kubernetes does not take.
pub fn objects(known: &Known, plan: &Plan, namespace: &str) -> Result<Vec<Value>, ManifestError> {
    let mut objects = Vec::new();
    for service in known.application.services.ids() {
        objects.extend(of_service(known, plan, (service, namespace))?);
    }
    Ok(objects)
}

/// The objects of one service: its policy, unless it has no replicas, and its number of replicas.
///
/// # Errors
/// A name that Kubernetes does not take.
pub fn of_service(
    known: &Known,
    plan: &Plan,
    (service, namespace): (ServiceId, &str),
) -> Result<Vec<Value>, ManifestError> {
    let name = object_name(&known.application.services[service].name)?;
    let metadata = json!({"name": name, "namespace": object_name(namespace)?});
    let policy = placement(known, plan, service).map(|placement| {
        json!({
            "apiVersion": "policy.karmada.io/v1alpha1",
            "kind": "PropagationPolicy",
            "metadata": metadata,
            "spec": {
                "resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": name}],
                "propagateDeps": true,
                "placement": placement,
            },
        })
    });
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {"replicas": plan.targets.total(service)},
    });
    Ok(policy.into_iter().chain([deployment]).collect())
}

/// `spec.placement` of a service's policy: exactly the planned replicas in exactly the planned clusters. `None` where no
/// replica is planned, since an empty list of clusters would mean all of them.
pub fn placement(known: &Known, plan: &Plan, service: ServiceId) -> Option<Value> {
    let places: Vec<(&str, u32)> = places(known, plan, service).collect();
    let names: Vec<&str> = places.iter().map(|(cluster, _)| *cluster).collect();
    let weight =
        |(cluster, replicas): &(&str, u32)| json!({"targetCluster": {"clusterNames": [cluster]}, "weight": replicas});
    let mut placement = Map::new();
    placement.insert("clusterAffinity".to_owned(), json!({"clusterNames": names}));
    let tolerations = tolerations(known, plan, service);
    if !tolerations.is_empty() {
        placement.insert("clusterTolerations".to_owned(), tolerations.into());
    }
    let scheduling = json!({
        "replicaSchedulingType": "Divided",
        "replicaDivisionPreference": "Weighted",
        "weightPreference": {"staticWeightList": places.iter().map(weight).collect::<Vec<_>>()},
    });
    placement.insert("replicaScheduling".to_owned(), scheduling);
    (!places.is_empty()).then(|| placement.into())
}

/// Tolerations of the service that let it past a taint of one of its clusters: without them Karmada leaves that cluster
/// out and divides among the others.
fn tolerations(known: &Known, plan: &Plan, service: ServiceId) -> Vec<Value> {
    let declared: &Service = &known.application.services[service];
    let clusters = plan.targets.of(service).iter().map(|target| &known.clusters[target.cluster]);
    let taints: Vec<_> = clusters.flat_map(|cluster| &cluster.taints).collect();
    let needed = |one: &&Toleration| taints.iter().any(|taint| one.tolerates(taint));
    declared.terms.tolerations.iter().filter(needed).map(toleration).collect()
}

/// A toleration as Kubernetes writes it.
pub fn toleration(one: &Toleration) -> Value {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Option<Value>| value.map(|value| fields.insert(key.to_owned(), value));
    set("key", one.key.as_deref().map(Value::from));
    set("operator", Some(if one.value.is_some() { "Equal" } else { "Exists" }.into()));
    set("value", one.value.as_deref().map(Value::from));
    set("effect", one.effect.map(|effect| json!(effect)));
    fields.into()
}
