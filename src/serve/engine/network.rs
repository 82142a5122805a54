//! How far clusters are from each other and from devices, as far as anybody knows: what operators say of it, and what Submariner
//! measures between its gateways.
//!
//! Intents that are about ways (`latencies`, `highPerformance`, `deviceProximity`) are decided on it. Of pairs that nobody knows the
//! usual distance between regions is assumed, as in every scenario. Gateways are objects of the members: they are read through the
//! control plane, where that is allowed.

use super::context::{Context, KeepError};
use super::inventory::{NEAR_DEVICES, is_usable};
use crate::backend::live::karmada::member;
use crate::backend::live::outside::CallError;
use crate::backend::live::submariner::{Connection, Link, Submariner};
use crate::model::connection::KarmadaAt;
use crate::model::scenario::Known;
use crate::serve::store::rows::ClusterRow;
use crate::units::Span;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// Where Submariner keeps its gateways in a member.
const OPERATOR: &str = "submariner-operator";
/// How long a member may take to tell its connections: the control plane may wait long for one that is gone.
const PATIENCE: Duration = Duration::from_secs(3);
/// Nobody is a day away.
const MS_MAX: f64 = 86_400_000.0;

/// Round trips in milliseconds, by the other cluster.
pub type Rtts = BTreeMap<String, f64>;

/// The pairs of usable clusters whose distance is known, as a scenario's network has them. What is said of a pair goes before what
/// was measured; of what is said or measured from both sides, the longer way counts.
pub fn pairs(clusters: &[ClusterRow]) -> Option<Value> {
    let usable: Vec<&ClusterRow> = clusters.iter().filter(|cluster| is_usable(cluster)).collect();
    let mut pairs = Vec::new();
    for (at, one) in usable.iter().enumerate() {
        for other in &usable[at + 1..] {
            let said = [one, other].map(|row| row.attributes.rtt_ms.as_ref());
            let measured = [one, other].map(|row| Some(&row.rtt_ms));
            if let Some(ms) = longer(said, (one, other)).or_else(|| longer(measured, (one, other))) {
                pairs.push(json!({"between": [one.name, other.name], "rtt": span(ms).to_string()}));
            }
        }
    }
    (!pairs.is_empty()).then(|| pairs.into())
}

fn longer([from_one, from_other]: [Option<&Rtts>; 2], (one, other): (&ClusterRow, &ClusterRow)) -> Option<f64> {
    let known = [from_one.and_then(|rtts| rtts.get(&other.name)), from_other.and_then(|rtts| rtts.get(&one.name))];
    known.into_iter().flatten().copied().filter(|ms| (0.0..=MS_MAX).contains(ms)).reduce(f64::max)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and a day")]
fn span(ms: f64) -> Span {
    Span((ms * 1e6).round() as u64)
}

/// Where devices call from, as a scenario's network has it: each cluster is as far from them as from the nearest cluster that they are
/// near to. Nothing where no cluster is said to be.
pub fn devices(known: &Known) -> Option<Value> {
    let is_near = |labels: &BTreeMap<String, String>| labels.get(NEAR_DEVICES).is_some_and(|value| value == "true");
    let near: Vec<_> = known.clusters.iter().filter(|(_, one)| is_near(&one.labels)).map(|(id, _)| id).collect();
    let first = known.clusters[*near.first()?].name.as_str();
    let away = |id| near.iter().map(|from| known.network.rtt[*from][id]).min().unwrap_or(Span::ZERO);
    let rtt: Map<String, Value> =
        known.clusters.iter().map(|(id, one)| (one.name.clone(), away(id).to_string().into())).collect();
    Some(json!([{"name": "devices", "share": "100 %", "local": first, "rtt": rtt}]))
}

/// What the members measure now, by cluster. Those that do not tell, are not allowed to, or have no gateway are not in it.
pub async fn measure(at: &KarmadaAt, clusters: &[ClusterRow]) -> BTreeMap<String, Rtts> {
    let ask = |name: String| async move {
        let told = tokio::time::timeout(PATIENCE, connections(at, &name)).await;
        match told {
            Ok(Ok(connections)) => Some((name, rtts(connections))),
            Ok(Err(error)) => {
                tracing::debug!(cluster = name, %error, "its round trips cannot be read");
                None
            }
            Err(_) => {
                tracing::debug!(cluster = name, patience = ?PATIENCE, "it does not tell its round trips in time");
                None
            }
        }
    };
    let names = clusters.iter().filter(|cluster| cluster.present && cluster.ready).map(|cluster| cluster.name.clone());
    futures::future::join_all(names.map(ask)).await.into_iter().flatten().collect()
}

async fn connections(at: &KarmadaAt, cluster: &str) -> Result<Vec<Connection>, CallError> {
    Submariner::new(member(at, cluster).await?, OPERATOR).connections().await
}

/// Only connections that stand say how far it is.
fn rtts(connections: Vec<Connection>) -> Rtts {
    let of = |one: Connection| {
        let rtt = one.rtt.filter(|_| one.link == Link::Connected)?;
        Some((one.cluster, rtt.as_secs_f64() * 1e3))
    };
    connections.into_iter().filter_map(of).collect()
}

/// Measures, and keeps what has changed. A member that does not tell keeps what it told last.
///
/// # Errors
/// The store, or no control plane.
pub async fn keep(context: &Context) -> Result<(), KeepError> {
    let at = context.settings.karmada_at("default")?;
    let measured = measure(&at, &context.store.clusters().await?).await;
    if measured.is_empty() {
        return Ok(());
    }
    // Read anew: measuring took a while.
    let rows: Vec<ClusterRow> = context.store.clusters().await?.into_iter().filter(|row| row.present).collect();
    let newer = |row: &ClusterRow| measured.get(&row.name).filter(|rtts| **rtts != row.rtt_ms).cloned();
    if rows.iter().all(|row| newer(row).is_none()) {
        return Ok(());
    }
    let with = |row: ClusterRow| ClusterRow { rtt_ms: newer(&row).unwrap_or_else(|| row.rtt_ms.clone()), ..row };
    Ok(context.store.put_clusters(&rows.into_iter().map(with).collect::<Vec<_>>()).await?)
}

#[cfg(test)]
mod tests;
