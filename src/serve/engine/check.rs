//! What can be wrong with a graph before anything of it is stored: found here, named, with what would be right.

use super::answer::{EngineError, Trouble};
use super::context::Context;
use super::due;
use super::settings::host_of;
use crate::backend::live::connect::prometheus_at;
use crate::backend::live::names::is_name;
use crate::backend::live::outside::Class;
use crate::backend::live::reach::HostError;
use crate::input::hdag::{self, DescribedService, Descriptor, Trigger};
use crate::input::known_names;
use crate::policy::PolicySpec;
use crate::serve::store::rows::Options;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a name may be looked up before a graph is taken.
const PATIENCE: Duration = Duration::from_secs(2);

/// Services of a graph.
const SERVICES_MAX: usize = 200;
/// Letters that Helm takes of a release's name.
const RELEASE_LETTERS_MAX: usize = 53;

fn invalid(message: impl Into<String>) -> EngineError {
    EngineError::new(Trouble::Invalid, message)
}

/// Reads a descriptor; with it what is odd about it and can be lived with.
///
/// # Errors
/// What nobody could guess, with its line.
pub fn descriptor(document: &Value) -> Result<(Descriptor, Vec<String>), EngineError> {
    let text = match document {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let (descriptor, notes) = hdag::parse(text, "descriptor").map_err(|error| invalid(error.to_string()))?;
    Ok((descriptor, notes.iter().map(ToString::to_string).collect()))
}

/// Checks what can be checked without asking anybody.
///
/// # Errors
/// The first thing that is wrong.
pub fn alone(descriptor: &Descriptor, options: &Options) -> Result<(), EngineError> {
    if !is_name(&descriptor.id, 63) {
        return Err(invalid(format!("`{}` cannot be a graph's `id`", descriptor.id))
            .with_remedy("use at most 63 of a-z, 0-9 and - inside: it becomes a name in Kubernetes"));
    }
    if descriptor.services.is_empty() || descriptor.services.len() > SERVICES_MAX {
        let count = descriptor.services.len();
        return Err(
            invalid(format!("the graph has {count} services")).with_remedy(format!("write 1 to {SERVICES_MAX}"))
        );
    }
    let mut seen = BTreeSet::new();
    for service in &descriptor.services {
        let id = &service.id;
        if !is_name(id, RELEASE_LETTERS_MAX) {
            return Err(invalid(format!("`{id}` cannot be a service's `id`")).with_remedy(format!(
                "use at most {RELEASE_LETTERS_MAX} of a-z, 0-9 and - inside: it becomes a Helm release and a Deployment"
            )));
        }
        if !seen.insert(id.as_str()) {
            return Err(invalid(format!("two services have the id `{id}`")).with_remedy("each needs its own"));
        }
        chart(service)?;
    }
    if let Some(circle) = due::circle(descriptor) {
        return Err(invalid(format!("the dependencies go round: {}", circle.join(" → ")))
            .with_remedy("none of these would ever start; remove one of them"));
    }
    let names: Vec<&str> = seen.into_iter().collect();
    if let Some(stranger) = options.services.keys().find(|name| !names.contains(&name.as_str())) {
        return Err(invalid(format!("options.services.{stranger}: {}", known_names(stranger, "services", &names))));
    }
    for (name, service) in &options.services {
        let least = service.replicas_min.unwrap_or(0);
        if service.replicas_max.is_some_and(|most| most < least || most == 0) {
            return Err(invalid(format!(
                "options.services.{name}: at most {:?} replicas and at least {least}",
                service.replicas_max
            ))
            .with_remedy("write a `replicas_max` of at least 1 that is not below `replicas_min`"));
        }
    }
    options.policy.as_deref().map_or(Ok(()), |policy| self::policy(policy).map(|_| ()))
}

fn chart(service: &DescribedService) -> Result<(), EngineError> {
    let id = &service.id;
    let reference = service.artifact.as_ref().and_then(|artifact| artifact.oci_image.as_deref());
    match reference {
        None => Err(invalid(format!("{id}: it has no chart"))
            .with_remedy("write `artifact.ociImage: oci://host/repository:tag`")),
        Some(reference) if !reference.starts_with("oci://") => {
            Err(invalid(format!("{id}: `{reference}` is no chart in a registry"))
                .with_remedy("push the chart to a registry and write `oci://host/repository:tag`"))
        }
        Some(_) => Ok(()),
    }
}

/// Checks that charts come from where they may: nobody makes this server speak to what only it can reach.
///
/// # Errors
/// The first that does not.
pub async fn hosts(context: &Context, descriptor: &Descriptor) -> Result<(), EngineError> {
    let charts = &context.settings.charts;
    let references =
        descriptor.services.iter().filter_map(|one| Some((&one.id, one.artifact.as_ref()?.oci_image.as_deref()?)));
    let hosts: BTreeMap<&str, &String> =
        references.filter_map(|(id, reference)| Some((host_of(reference)?, id))).collect();
    for (host, id) in hosts {
        let (name, port) = match host.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
            Some((name, Ok(port))) => (name, port),
            _ => (host, 443),
        };
        match tokio::time::timeout(PATIENCE, charts.hosts.admit(name, port)).await {
            // Nobody knows now where it is: whoever pulls the chart asks again, and a dry run pulls none.
            Ok(Ok(_) | Err(HostError::Unknown { .. })) | Err(_) => {}
            Ok(Err(error)) => return Err(EngineError::new(Trouble::Refused, format!("{id}: {error}"))),
        }
    }
    Ok(())
}

/// A policy by name. Programs of the user's are not run on a server's behalf.
///
/// # Errors
/// No policy has that name, or it is a program.
pub fn policy(name: &str) -> Result<PolicySpec, EngineError> {
    if name.trim_start().starts_with("exec:") {
        return Err(EngineError::new(Trouble::Refused, "a policy that is a program is not run by a server")
            .with_remedy("choose one that `GET /v1/policies` lists, or try it by `smo run` on a machine of yours"));
    }
    name.parse().map_err(|error: crate::policy::PolicySpecError| invalid(format!("policy: {error}")))
}

/// Checks the expressions with the Prometheus that will have to evaluate them; one that does not answer is no reason to refuse.
///
/// # Errors
/// The first expression that is wrong, or one that nobody could evaluate.
pub async fn expressions(
    context: &Context,
    descriptor: &Descriptor,
    options: &Options,
) -> Result<Vec<String>, EngineError> {
    let events = descriptor.services.iter().flat_map(|service| match &service.deployment.trigger {
        Trigger::Event { events, .. } => events
            .iter()
            .map(|event| (format!("{}: event `{}`", service.id, event.id), event.condition.prom_query.clone()))
            .collect(),
        Trigger::Auto { .. } => Vec::new(),
    });
    let rates =
        options.services.iter().filter_map(|(name, service)| Some((format!("{name}: rate"), service.rate.clone()?)));
    let all: Vec<(String, String)> = events.chain(rates).collect();
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let Some(at) = &context.settings.prometheus else {
        let (whose, _) = &all[0];
        return Err(EngineError::new(
            Trouble::Refused,
            format!("{whose}: the server has no Prometheus that could evaluate it"),
        )
        .with_remedy("set `prometheus.url` in its configuration, or leave events and rates out"));
    };
    let prometheus = prometheus_at(at).map_err(|error| EngineError::new(Trouble::Internal, error.to_string()))?;
    for (whose, expr) in &all {
        match prometheus.check(expr).await {
            Ok(()) => {}
            Err(error) if error.class == Class::Permanent => {
                return Err(invalid(format!("{whose}: `{expr}` is no PromQL: {}", error.reason)));
            }
            Err(error) => return Ok(vec![format!("expressions were not checked: {error}")]),
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::{alone, descriptor, policy};
    use crate::serve::store::rows::{Options, ServiceOptions};
    use serde_json::json;

    fn graph(id: &str, services: &[(&str, &str)]) -> serde_json::Value {
        let service = |(id, chart): &(&str, &str)| {
            json!({"id": id, "deployment": {"trigger": {"auto": {"dependencies": []}}, "intent": {"compute": {"cpu": "light", "ram": "light"}}},
                "artifact": {"ociImage": chart, "ociConfig": {"type": "App", "implementer": "HELM"}, "valuesOverwrite": {}}})
        };
        json!({"hdaGraph": {"id": id, "services": services.iter().map(service).collect::<Vec<_>>()}})
    }

    fn wrong(document: &serde_json::Value, options: &Options) -> String {
        let (descriptor, _) = descriptor(document).unwrap();
        alone(&descriptor, options).unwrap_err().to_string()
    }

    const CHART: &str = "oci://reg.local:5000/lab/web";

    #[test]
    fn what_kubernetes_would_not_take_is_refused_by_name() {
        let none = Options::default();
        assert!(wrong(&graph("Big_Graph", &[("a", CHART)]), &none).contains("`Big_Graph` cannot be a graph's `id`"));
        assert!(wrong(&graph("g", &[("A!", CHART)]), &none).contains("`A!` cannot be a service's `id`"));
        assert!(wrong(&graph("g", &[("a", "https://host/chart.tgz")]), &none).contains("is no chart in a registry"));
        let long = "a".repeat(54);
        assert!(wrong(&graph("g", &[(&long, CHART)]), &none).contains("at most 53"));
    }

    #[test]
    fn options_name_services_that_there_are_and_policies_that_may_run_here() {
        let document = graph("g", &[("front", CHART)]);
        let options =
            Options { services: [("frnt".to_owned(), ServiceOptions::default())].into(), ..Options::default() };
        assert!(wrong(&document, &options).contains("front"));
        let options = Options { policy: Some("exec:rm -rf /".to_owned()), ..Options::default() };
        assert!(wrong(&document, &options).contains("not run by a server"));
        assert!(policy("alhpa").is_err() && policy("anytime+rate").is_ok() && policy(" exec:ls").is_err());
    }
}
