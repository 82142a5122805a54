//! Autoscalers: bounds of the replicas, and a word on which policy does what they do.
//!
//! `HorizontalPodAutoscaler` of `autoscaling/v1` and `/v2`, and Karmada's `FederatedHPA`. Who scales in a simulation is the
//! scenario's choice (`policies`), so a target becomes a note that says which policy it would be.

use super::super::error::InputError;
use super::documents::Object;
use super::field::Field;
use super::notes::Notes;
use super::workload::Workload;

/// Whether it is an autoscaler.
pub fn is_autoscaler(object: &Object) -> bool {
    object.is("autoscaling", "HorizontalPodAutoscaler") || object.is("autoscaling.karmada.io", "FederatedHPA")
}

/// Gives the workload that an autoscaler scales its bounds.
///
/// # Errors
/// Values of a wrong type, and bounds that exclude each other.
pub fn apply(object: &Object, workloads: &mut [Workload<'_>], notes: &mut Notes) -> Result<(), InputError> {
    let spec = object.at().key("spec");
    let target = spec.key("scaleTargetRef");
    let (kind, name) = (target.key("kind").text()?.unwrap_or_default(), target.key("name").text()?.unwrap_or_default());
    let is_target = |workload: &&mut Workload<'_>| {
        let one = workload.object;
        one.kind == kind && one.name() == name && one.namespace() == object.namespace()
    };
    let place = &object.node.place;
    let Some(workload) = workloads.iter_mut().find(is_target) else {
        notes.say(place, format!("{} {} scales {kind} {name}, which is not here", object.kind, object.name()));
        return Ok(());
    };
    let min = spec.key("minReplicas").whole()?.unwrap_or(1);
    let Some(max) = spec.key("maxReplicas").whole()? else {
        return Err(spec.key("maxReplicas").error("the most replicas are missing; add `maxReplicas`"));
    };
    if min > max {
        let message = format!("minReplicas {min} is more than maxReplicas {max}; exchange the two");
        return Err(spec.key("minReplicas").error(message));
    }
    workload.bounds = Some((min, max));
    let name = workload.name.clone();
    match cpu_target(object)? {
        Some(target) => notes.say(
            place,
            format!("{name} was scaled to {target} % CPU between {min} and {max} replicas: the policy `hpa:target={target}%` does so"),
        ),
        None => notes.say(place, format!("{name} has no CPU target: only its bounds, {min} to {max} replicas, are taken")),
    }
    other_metrics(object, notes)?;
    if spec.key("behavior").is_there() {
        notes.count(
            &spec.key("behavior").place(),
            "`behavior` is not read: the policy `hpa` has Kubernetes' default one",
        );
    }
    Ok(())
}

/// The average CPU utilisation that is aimed at, in percent.
fn cpu_target(object: &Object) -> Result<Option<u32>, InputError> {
    let spec = object.at().key("spec");
    for metric in spec.key("metrics").items()? {
        let resource = metric.key("resource");
        if resource.key("name").text()? == Some("cpu") {
            // autoscaling/v2beta1 had it one level up.
            let deep = resource.path("target.averageUtilization").whole()?;
            return Ok(deep.or(resource.key("targetAverageUtilization").whole()?));
        }
    }
    spec.key("targetCPUUtilizationPercentage").whole()
}

fn other_metrics(object: &Object, notes: &mut Notes) -> Result<(), InputError> {
    for metric in object.at().path("spec.metrics").items()? {
        let kind = metric.key("type").text()?.unwrap_or_default();
        let name = metric.path("resource.name").text()?;
        if name != Some("cpu") {
            let what = name.map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"));
            notes.count(&metric.place(), format!("scaling by the metric {what} is not simulated"));
        }
    }
    Ok(())
}
