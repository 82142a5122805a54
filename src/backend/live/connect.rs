//! The way in: everything that can be wrong is found before anything is written, and said with the way out.

use super::driver::double_control;
use super::http::Auth;
use super::karmada::binding::Shares;
use super::karmada::cluster::ClusterSeen;
use super::karmada::store::Stored;
use super::karmada::{DEPLOYMENT, Karmada};
use super::outside::{CallError, Class};
use super::prometheus::Prometheus;
use super::shared::Shared;
use super::tasks::list_all;
use super::{Mode, clock, deploy, triggers};
use crate::model::connection::{Connection, PrometheusAt};
use crate::model::scenario::Known;
use crate::model::{Scenario, Service, ServiceId};
use crate::units::kubernetes::Quantity;
use crate::units::{Bytes, MilliCores};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// How long a control plane may take to show what was just made.
const SHOWN_WITHIN: Duration = Duration::from_secs(30);

fn wrong(call: &str, reason: String) -> CallError {
    CallError::new("karmada", call, Class::Permanent, reason)
}

/// The Prometheus there, with its token.
///
/// # Errors
/// The address is none, or the file of the token cannot be read.
pub fn prometheus_at(at: &PrometheusAt) -> Result<Prometheus, CallError> {
    let prometheus = Prometheus::new(&at.url)?;
    let Some(path) = &at.token_file else { return Ok(prometheus) };
    Ok(prometheus.with_token(token_at(path)?))
}

/// The token in a file.
///
/// # Errors
/// A file that cannot be read.
pub fn token_at(path: &Path) -> Result<String, CallError> {
    let wrong = |error| CallError::new("smo", format!("token file {}", path.display()), Class::Permanent, error);
    Ok(std::fs::read_to_string(path).map_err(wrong)?.trim().to_owned())
}

/// Who we are by what stands in a file: a token, which has no colon, or `user:password`.
///
/// # Errors
/// A file that cannot be read.
pub fn auth_at(path: &Path) -> Result<Auth, CallError> {
    let secret = token_at(path)?;
    Ok(match secret.split_once(':') {
        Some((user, password)) => Auth::Basic { user: user.to_owned(), password: password.to_owned() },
        None => Auth::Bearer(secret),
    })
}

/// Checks everything and sees everything once. Nothing is written before the control plane, our rights and who else drives have
/// been checked, and then what is missing is made: releases, claims, rules. What was stored.
///
/// # Errors
/// The first thing that is wrong, or not there.
pub async fn begin(
    karmada: &Karmada,
    shared: &Shared,
    (scenario, mode, me): (&Scenario, Mode, &str),
) -> Result<Stored, CallError> {
    let acts = mode == Mode::Act;
    karmada.admit(acts).await?;
    check_clusters(&shared.connection, &karmada.clusters().await?)?;
    if !acts {
        check_workloads(karmada, &shared.connection, &scenario.known).await?;
        see_all(karmada, shared, false).await?;
        return Ok(Stored::default());
    }
    let stored = check_control(karmada, &shared.connection, me).await?;
    if let Some(reason) = &stored.paused {
        let reason =
            format!("the kill switch is on ({reason}); turn it off by `smo pause --off`, or watch by `--shadow`");
        return Err(wrong("check of the kill switch", reason));
    }
    let registry = deploy::registry(&shared.connection);
    deploy::releases(karmada, &shared.connection, &registry, &|| false).await?;
    check_workloads(karmada, &shared.connection, &scenario.known).await?;
    see_all(karmada, shared, false).await?;
    check_claims(shared)?;
    triggers::write(karmada, &shared.connection, &scenario.known).await?;
    claim_all(karmada, shared, &scenario.known).await?;
    see_all(karmada, shared, true).await?;
    Ok(stored)
}

/// Checks that the clusters of the connection have joined, and that no two of them are one. Whatever else has joined is no room of ours.
///
/// # Errors
/// The first that has not, or that the connection names twice.
pub fn check_clusters(connection: &Connection, clusters: &[ClusterSeen]) -> Result<(), CallError> {
    let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    let call = "check of clusters";
    if let Some(missing) = connection.clusters.values().find(|name| !names.contains(&name.as_str())) {
        let reason = format!("no cluster `{missing}` has joined; there are: {}", names.join(", "));
        return Err(wrong(call, reason));
    }
    let is_ours = |cluster: &&ClusterSeen| connection.clusters.values().any(|name| *name == cluster.name);
    let ours: Vec<&ClusterSeen> = clusters.iter().filter(is_ours).collect();
    for (index, cluster) in ours.iter().enumerate() {
        if let Some(twin) = ours[..index].iter().find(|other| cluster.is_twin(other)) {
            let (one, other) = (&twin.name, &cluster.name);
            let reason = format!(
                "`{one}` and `{other}` are the same cluster, joined twice: its room would count twice; unjoin one"
            );
            return Err(wrong(call, reason));
        }
    }
    Ok(())
}

/// Checks that every service's Deployment is there and asks for what the scenario says.
///
/// # Errors
/// The first that does not.
pub async fn check_workloads(karmada: &Karmada, connection: &Connection, known: &Known) -> Result<(), CallError> {
    for (id, service) in known.application.services.iter() {
        let name = &connection.services[id].workload;
        let Some(object) = karmada.get(DEPLOYMENT, name).await? else {
            let reason = format!(
                "service `{}`: there is no Deployment `{name}` in namespace `{}`; deploy it, or say by `workload` what it is called",
                service.name,
                karmada.namespace()
            );
            return Err(wrong("check of workloads", reason));
        };
        let asks = requests(&object.data["spec"]["template"]["spec"]["containers"]);
        let asks = asks.map_err(|reason| wrong("check of workloads", format!("Deployment `{name}`: {reason}")))?;
        check_request(service, name, asks)?;
    }
    Ok(())
}

/// CPU and memory that a replica of a Deployment asks for; `None` where there is no such Deployment.
///
/// # Errors
/// Quantities that are none; see [`CallError`].
pub async fn requested(karmada: &Karmada, name: &str) -> Result<Option<(MilliCores, Bytes)>, CallError> {
    let Some(object) = karmada.get(DEPLOYMENT, name).await? else { return Ok(None) };
    let asks = requests(&object.data["spec"]["template"]["spec"]["containers"]);
    let (cpu, memory) = asks.map_err(|reason| wrong("read of requests", format!("Deployment `{name}`: {reason}")))?;
    Ok(Some((MilliCores(cpu), Bytes(memory))))
}

/// CPU in millicores and memory in bytes that the containers ask for.
fn requests(containers: &Value) -> Result<(u64, u64), String> {
    let (mut cpu, mut memory) = (0, 0);
    for container in containers.as_array().into_iter().flatten() {
        let amount = |key: &str| {
            let text = match &container["resources"]["requests"][key] {
                Value::Null => return Ok(None),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Quantity::parse(&text).map(Some).map_err(|error| format!("requests.{key}: `{text}` is {error}"))
        };
        let text = |error: crate::units::kubernetes::QuantityMistake| error.to_string();
        cpu += amount("cpu")?.map(Quantity::millicores).transpose().map_err(text)?.map_or(0, |cpu| cpu.0);
        memory += amount("memory")?.map(Quantity::count).transpose().map_err(text)?.unwrap_or(0);
    }
    Ok((cpu, memory))
}

fn check_request(service: &Service, name: &str, (cpu, memory): (u64, u64)) -> Result<(), CallError> {
    let declared = service.request;
    if (declared.cpu.0, declared.memory.0) == (cpu, memory) {
        return Ok(());
    }
    let reason = format!(
        "service `{}` asks for {} CPU and {} in the scenario, Deployment `{name}` for {} CPU and {}; every plan would be wrong, write the same in both",
        service.name,
        declared.cpu,
        declared.memory,
        MilliCores(cpu),
        Bytes(memory),
    );
    Err(wrong("check of requests", reason))
}

/// Checks that nobody else scales or drives what is ours; what is stored.
///
/// # Errors
/// An autoscaler on one of our workloads, or another driver.
pub async fn check_control(karmada: &Karmada, connection: &Connection, me: &str) -> Result<Stored, CallError> {
    for autoscaler in karmada.autoscalers().await? {
        if connection.services.values().any(|one| one.workload == autoscaler.target) {
            let reason = format!(
                "{} `{}` scales Deployment `{}` already; two who scale one workload fight for ever, delete it or leave the service out",
                autoscaler.kind, autoscaler.name, autoscaler.target
            );
            return Err(wrong("check of autoscalers", reason));
        }
    }
    let stored = karmada.stored(&connection.name).await?;
    match stored.other_driver(me, clock::since_epoch()) {
        Some(other) => Err(double_control(&connection.name, other)),
        None => Ok(stored),
    }
}

/// Checks that no workload follows the policy of somebody else; before any is made ours.
///
/// # Errors
/// The first that does.
pub fn check_claims(shared: &Shared) -> Result<(), CallError> {
    let world = shared.world();
    for (id, counterpart) in shared.connection.services.iter() {
        let binding = world.workloads[id].binding.as_ref();
        super::karmada::claim::check(&counterpart.workload, binding)?;
    }
    Ok(())
}

/// Makes every workload ours.
///
/// # Errors
/// One that another policy holds; see [`CallError`].
pub async fn claim_all(karmada: &Karmada, shared: &Shared, known: &Known) -> Result<(), CallError> {
    for service in known.application.services.ids() {
        claim(karmada, shared, service).await?;
    }
    Ok(())
}

/// Makes one workload ours.
///
/// # Errors
/// As [`claim_all`].
pub async fn claim(karmada: &Karmada, shared: &Shared, service: ServiceId) -> Result<(), CallError> {
    let (known, binding) = {
        let world = shared.world();
        (world.known.clone(), world.workloads[service].binding.clone())
    };
    let workload = &shared.connection.services[service].workload;
    let shares = binding.as_ref().map_or_else(Shares::new, |seen| seen.clusters.clone());
    let tolerations = &known.application.services[service].terms.tolerations;
    karmada.claim(workload, binding.as_ref(), (&shares, tolerations)).await
}

/// Lists until everything that a first decision needs is there; with `bindings`, those of all workloads too.
///
/// # Errors
/// What is still missing after a while.
pub async fn see_all(karmada: &Karmada, shared: &Shared, bindings: bool) -> Result<(), CallError> {
    let end = clock::now() + SHOWN_WITHIN;
    loop {
        list_all(karmada, shared).await?;
        let missing = missing(shared, bindings);
        let Some(missing) = missing else { return Ok(()) };
        if clock::now() >= end {
            let reason = format!("{missing} after {} s", SHOWN_WITHIN.as_secs());
            return Err(CallError::new("karmada", "first look", Class::Retryable, reason));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn missing(shared: &Shared, bindings: bool) -> Option<String> {
    let world = shared.world();
    let unseen = world.sites.iter().find(|(_, site)| site.others.value.is_none());
    let unseen = unseen.map(|(id, _)| format!("cluster `{}` has no resource summary", world.connection.clusters[id]));
    let unbound = || {
        let unbound = world.workloads.iter().find(|(_, workload)| workload.binding.is_none());
        unbound.map(|(id, _)| format!("Deployment `{}` has no binding", world.connection.services[id].workload))
    };
    unseen.or_else(|| if bindings { unbound() } else { None })
}

#[cfg(test)]
mod tests {
    use super::super::stand_in::connection;
    use super::{ClusterSeen, check_clusters};
    use serde_json::json;

    fn seen(name: &str, id: &str) -> ClusterSeen {
        let object = json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster",
            "metadata": {"name": name}, "spec": {"id": id}});
        ClusterSeen::of(&serde_json::from_value(object).unwrap()).unwrap()
    }

    #[test]
    fn a_cluster_may_have_joined_twice_where_the_connection_names_it_once() {
        let connection = connection();
        let check = |clusters: &[ClusterSeen]| check_clusters(&connection, clusters).map_err(|error| error.reason);
        let (one, other) = (seen("member1", "1"), seen("member2", "2"));
        assert_eq!(check(&[seen("again", "1"), one.clone(), other]), Ok(()));
        let twice = check(&[one.clone(), seen("member2", "1")]).unwrap_err();
        assert!(twice.starts_with("`member1` and `member2` are the same cluster, joined twice"), "{twice}");
        let missing = "no cluster `member2` has joined; there are: member1".to_owned();
        assert_eq!(check(&[one]), Err(missing));
    }
}
