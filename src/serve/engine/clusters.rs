//! The clusters: asked of Karmada now and then, and kept in the store, so that plans can be made at once and what has left is still known.

use super::context::{Context, KeepError};
use super::inventory::Held;
use crate::backend::live::karmada::cluster::ClusterSeen;
use crate::backend::live::karmada::{Karmada, client};
use crate::backend::live::submariner::{Addresses, Submariner};
use crate::input::hdag::Descriptor;
use crate::model::Resources;
use crate::model::resources::DEVICE;
use crate::serve::at::At;
use crate::serve::store::rows::{Amount, ClusterAttributes, ClusterRow, Status};
use crate::units::{Bytes, MilliCores};
use std::collections::BTreeMap;
use std::time::Duration;

/// From one look to the next.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);
/// What was seen longer ago is asked for again before a plan is made on it.
const FRESH_FOR: Duration = Duration::from_secs(30);
/// How long Submariner's broker may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Where it keeps its objects.
const BROKER: &str = "submariner-k8s-broker";

/// Asks Karmada and Submariner, and keeps what they say.
///
/// # Errors
/// There is no control plane, or it does not answer.
pub async fn sync(context: &Context) -> Result<Vec<ClusterRow>, KeepError> {
    let karmada = context.karmada("default").await?;
    let seen = karmada.clusters().await?;
    let addresses = addresses(context, &karmada).await;
    let now = At::now();
    let before = context.store.clusters().await?;
    let known = |name: &str| before.iter().find(|row| row.name == name);
    let one = |one| row(one, (addresses.as_deref(), known(&one.name)), now);
    let rows: Vec<ClusterRow> = seen
        .iter()
        .map(|this| ClusterRow { ready: this.ready && !is_second(this, &seen, &before), ..one(this) })
        .collect();
    context.store.put_clusters(&rows).await?;
    let after = context.store.clusters().await?;
    note(context, &before, &after).await;
    Ok(after)
}

/// Whether it is a cluster that has joined under another name already: its room is there once. The first is the one that is ready, and of two
/// that are, the one that was before.
fn is_second(this: &ClusterSeen, all: &[ClusterSeen], before: &[ClusterRow]) -> bool {
    let was_ready = |one: &ClusterSeen| before.iter().any(|row| row.name == one.name && row.present && row.ready);
    let goes_before = |other: &ClusterSeen| {
        (!other.ready, !was_ready(other), &other.name) < (!this.ready, !was_ready(this), &this.name)
    };
    all.iter().any(|other| this.is_twin(other) && goes_before(other))
}

/// The addresses of the clusters, where Submariner joins them. Most installations have none; one that does not answer is no reason to
/// know nothing of the clusters.
async fn addresses(context: &Context, karmada: &Karmada) -> Option<Vec<Addresses>> {
    let (client, namespace) = match &context.settings.submariner {
        None => (karmada.client().clone(), BROKER),
        Some(at) => (client(&at.kubeconfig, at.context.as_deref()).await.ok()?, at.namespace.as_str()),
    };
    let submariner = Submariner::new(client, namespace);
    tokio::time::timeout(PATIENCE, submariner.addresses()).await.ok()?.ok()
}

/// Says which clusters have come, left, or changed whether they are ready.
async fn note(context: &Context, before: &[ClusterRow], after: &[ClusterRow]) {
    for cluster in after {
        let was = before.iter().find(|one| one.name == cluster.name);
        let (kind, message) = match (was.is_some_and(|was| was.present), cluster.present) {
            (false, true) => ("cluster.joined", "has joined"),
            (true, false) => ("cluster.left", "has left"),
            _ if was.is_some_and(|was| was.ready && !cluster.ready) => ("cluster.not-ready", "is not ready"),
            _ if was.is_some_and(|was| !was.ready && cluster.ready) => ("cluster.ready", "is ready"),
            _ => continue,
        };
        let message = format!("{}: {message}", cluster.name);
        context.tell_all(&cluster.name, (kind, &message)).await;
    }
}

/// The clusters as they were seen last; asked for again where that is long ago.
///
/// # Errors
/// See [`sync`].
pub async fn rows(context: &Context) -> Result<Vec<ClusterRow>, KeepError> {
    let rows = context.store.clusters().await?;
    let oldest = rows.iter().filter(|row| row.present).map(|row| row.seen_at).min();
    if oldest.is_some_and(|at| At::now().since(at) < FRESH_FOR) || context.settings.karmada.is_none() {
        return Ok(rows);
    }
    match sync(context).await {
        Ok(rows) => Ok(rows),
        // What was known still stands, with its age.
        Err(error) if error.may_pass() && !rows.is_empty() => Ok(rows),
        Err(error) => Err(error),
    }
}

/// A cluster as it is seen; what is not seen this time, of addresses and distances, is as it was `before`.
fn row(seen: &ClusterSeen, (addresses, before): (Option<&[Addresses]>, Option<&ClusterRow>), now: At) -> ClusterRow {
    let all = seen.allocatable.unwrap_or(Resources::ZERO);
    let free = all.saturating_sub(seen.allocated + seen.allocating);
    let amount = |of: fn(&Resources) -> f64| Amount { allocatable: of(&all), free: of(&free) };
    let cidrs = match addresses {
        None => before.map(|row| (row.pod_cidr.clone(), row.service_cidr.clone())),
        Some(all) => all
            .iter()
            .find(|one| one.cluster == seen.name)
            .map(|one| (one.pods.first().cloned(), one.services.first().cloned())),
    };
    let (pod_cidr, service_cidr) = cidrs.unwrap_or_default();
    ClusterRow {
        name: seen.name.clone(),
        present: true,
        ready: seen.ready,
        seen_at: now,
        cpu: amount(|one| one.cpu.cores()),
        memory: amount(|one| one.memory.0 as f64),
        gpu: amount(|one| one.gpu as f64 / DEVICE as f64),
        nodes: seen.nodes,
        version: seen.version.clone(),
        region: seen.location[0].clone(),
        pod_cidr,
        service_cidr,
        rtt_ms: before.map(|row| row.rtt_ms.clone()).unwrap_or_default(),
        attributes: ClusterAttributes::default(),
        dashboard: None,
    }
}

/// What a graph holds of each cluster, by what was seen of its replicas.
pub fn held(
    descriptor: &Descriptor,
    status: &Status,
    requests: &BTreeMap<String, (MilliCores, Bytes)>,
) -> BTreeMap<String, Held> {
    let mut held: BTreeMap<String, Held> = BTreeMap::new();
    for service in &status.services {
        let Some(described) = descriptor.service(&service.name) else { continue };
        let compute = &described.deployment.intent.compute;
        let asked = requests.get(&service.name).copied();
        let (cpu, memory) = asked.unwrap_or_else(|| (compute.cpu.cpu(), compute.memory()));
        for (cluster, replicas) in &service.clusters {
            let held = held.entry(cluster.clone()).or_default();
            let replicas = f64::from(replicas.ready);
            held.cpu += replicas * cpu.cores();
            held.memory += replicas * memory.0 as f64;
            held.gpu += if compute.gpu.enabled { replicas } else { 0.0 };
        }
    }
    held
}

#[cfg(test)]
mod tests {
    use super::{ClusterRow, ClusterSeen, is_second};
    use crate::serve::engine::stand_in::row;

    fn seen(name: &str, id: &str) -> ClusterSeen {
        let object = serde_json::json!({"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster",
            "metadata": {"name": name}, "spec": {"id": id}});
        ClusterSeen { ready: true, ..ClusterSeen::of(&serde_json::from_value(object).unwrap()).unwrap() }
    }

    /// `a` and `c` are one cluster: `c` was ready before `a` joined.
    #[test]
    fn a_cluster_that_joins_again_under_another_name_is_no_room() {
        let all = [seen("a", "1"), seen("b", "2"), seen("c", "1"), seen("d", ""), seen("e", "")];
        let seconds = |before: &[ClusterRow]| -> Vec<&str> {
            all.iter().filter(|one| is_second(one, &all, before)).map(|one| one.name.as_str()).collect()
        };
        assert_eq!(seconds(&[row("b"), row("c")]), ["a"]);
        assert_eq!(seconds(&[ClusterRow { ready: false, ..row("a") }, row("c")]), ["a"], "it stays so");
        assert_eq!(seconds(&[]), ["c"], "nobody knows which was there before");
        assert_eq!(seconds(&[ClusterRow { present: false, ..row("c") }]), ["c"]);
    }

    /// `a` and `c` are one cluster again: as `a` it does not answer any more, as `c` it does.
    #[test]
    fn a_name_under_which_a_cluster_is_not_ready_takes_no_room_from_the_other() {
        let all = [ClusterSeen { ready: false, ..seen("a", "1") }, seen("c", "1")];
        assert!(!is_second(&all[1], &all, &[]));
        assert!(!is_second(&all[1], &all, &[row("a")]), "whatever it was before");
        let back = [seen("a", "1"), seen("c", "1")];
        let before = [ClusterRow { ready: false, ..row("a") }, row("c")];
        assert!(is_second(&back[0], &back, &before) && !is_second(&back[1], &back, &before), "it comes back too late");
    }
}
