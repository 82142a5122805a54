//! Takes down what was deployed of a graph: releases, replicas, monitors, wishes, rules. Taking down what is gone is fine. Dashboards go
//! when the graph is gone, see [`dashboards`](super::dashboards).

use super::context::{Context, KeepError};
use super::settings::Releases;
use super::{events, monitors};
use crate::backend::live::clock;
use crate::backend::live::deploy::uninstall;
use crate::backend::live::karmada::Karmada;
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::together::each_to_its_end;
use crate::serve::store::rows::{Graph, Job};
use std::collections::{BTreeMap, BTreeSet};

/// Takes a graph down.
///
/// # Errors
/// See [`KeepError`]: what is left is taken down at the next try.
pub async fn take_down(context: &Context, graph: &Graph, job: Option<&Job>) -> Result<(), KeepError> {
    if context.settings.karmada.is_some() {
        let karmada = context.karmada(&graph.project).await?;
        let stored = karmada.stored(&graph.name).await?;
        if let Some(other) = stored.other_driver("", clock::since_epoch()) {
            let reason = format!("`{other}` drives it still; it is waited for");
            return Err(CallError::new("karmada", format!("drive {}", graph.name), Class::Retryable, reason).into());
        }
        events::remove(context, &karmada, graph).await?;
        let names: BTreeSet<String> = ours(graph).chain(stored.wishes.keys().cloned()).collect();
        let removed = services(context, &karmada, graph, &names).await?;
        karmada.forget(&graph.name).await?;
        if let (Some(job), false) = (job, removed.is_empty()) {
            context.store.job_step(&job.id, &format!("removed: {}", removed.join(", "))).await?;
        }
    }
    context.store.clear_firings(&graph.id).await?;
    Ok(())
}

/// Takes down the services that were deployed and are not due any more.
///
/// # Errors
/// See [`KeepError`].
pub async fn leftover(
    context: &Context,
    karmada: &Karmada,
    graph: &Graph,
    due: &BTreeSet<String>,
) -> Result<(), KeepError> {
    let left: BTreeSet<String> = ours(graph).filter(|name| !due.contains(name)).collect();
    if left.is_empty() {
        return Ok(());
    }
    let mut stored = karmada.stored(&graph.name).await?;
    services(context, karmada, graph, &left).await?;
    let before = stored.wishes.len();
    stored.wishes.retain(|name, _| !left.contains(name));
    if stored.wishes.len() < before {
        karmada.store(&graph.name, &stored).await?;
    }
    Ok(())
}

/// Services of which something may be deployed: what is installed is noted before it is.
fn ours(graph: &Graph) -> impl Iterator<Item = String> {
    graph.status.services.iter().filter(|one| one.chart.is_some()).map(|one| one.name.clone())
}

async fn services(
    context: &Context,
    karmada: &Karmada,
    graph: &Graph,
    names: &BTreeSet<String>,
) -> Result<Vec<String>, KeepError> {
    let names: Vec<String> = names.iter().cloned().collect();
    let charts: BTreeMap<String, String> = names.iter().map(|name| (name.clone(), String::new())).collect();
    let releases = Releases { charts, values: BTreeMap::new() };
    let connection = context.settings.connection(graph, (Vec::new(), &names), (&BTreeSet::new(), Some(&releases)))?;
    // Released before it is gone, a Deployment would be taken by the policy of its chart, and be found so by the next start.
    let mut removed = uninstall(karmada, &connection, &|| context.is_left(&graph.id)).await?;
    let rest = names.iter().map(|name| async {
        let mut removed = monitors::remove(karmada, name).await?;
        removed.extend(karmada.release(name).await?);
        Ok::<_, CallError>(removed)
    });
    removed.extend(each_to_its_end(rest.collect()).await?.into_iter().flatten());
    Ok(removed)
}
