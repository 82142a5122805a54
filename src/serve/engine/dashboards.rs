//! Dashboards of graphs, services and clusters, written beside everything else: an outage of Grafana keeps nothing waiting, it is told
//! once, and what is missing is written when Grafana is back.
//!
//! What was written for a graph is noted in the store before it is written, under the graph's own id, so that it is removed however
//! the graph went, and whoever keeps the others. What is noted of a graph that is gone is removed by one server for all
//! ([`look_after`]), which also writes those of the clusters.

use super::context::{Context, KeepError};
use super::settings::Settings;
use crate::backend::live::digest::sha256;
use crate::backend::live::grafana::{self, Cluster, Dashboard, Folder, Grafana};
use crate::backend::live::outside::{CallError, Class};
use crate::input::hdag::Descriptor;
use crate::model::connection::GrafanaAt;
use crate::serve::store::StoreError;
use crate::serve::store::rows::{ClusterRow, Graph, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Mutex;

/// The kind of the notes in the store.
const NOTES: &str = "dashboards";
/// The lease of whoever looks after what belongs to no graph.
const LEASE: &str = "dashboards";
/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After trouble: from the first time to the last.
const AGAIN_AFTER: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(1));
/// After trouble that does not pass by itself.
const LATER: Duration = Duration::from_mins(5);
/// A Grafana may forget everything when it is restarted: what was written is looked for so often.
const LOOKED_FOR_EVERY: Duration = Duration::from_mins(10);

/// What all who write dashboards share.
#[derive(Debug, Default)]
pub struct Shared {
    /// Grafana has been told to be out.
    is_out: AtomicBool,
    /// One writes at a time: a Grafana that hangs is not asked by everybody.
    turn: Mutex<()>,
}

/// Where the dashboards of a graph are shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// The graph's own.
    pub graph: String,
    /// By service.
    pub services: BTreeMap<String, String>,
}

/// The links, once there is something behind them.
pub type Shown = Arc<OnceLock<Links>>;

impl Links {
    /// Puts the links where they belong.
    pub fn fill(&self, status: &mut Status) {
        status.dashboard = Some(self.graph.clone());
        for service in &mut status.services {
            service.dashboard = self.services.get(&service.name).cloned();
        }
    }
}

/// What is noted of a graph's dashboards.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Noted {
    /// All that may be there.
    uids: BTreeSet<String>,
    /// A digest of what was written, and of where.
    digest: String,
}

/// The dashboards of a graph: its own, then one for each service.
pub fn of_graph(settings: &Settings, graph: &Graph, descriptor: &Descriptor) -> Vec<Dashboard> {
    let rate = |name: &String| settings.rate_of(graph, name);
    let service = |name: &String| grafana::Service { name: name.clone(), rate: rate(name) };
    let names: Vec<String> = descriptor.services.iter().map(|service| service.id.clone()).collect();
    let shown = grafana::Graph {
        project: graph.project.clone(),
        name: graph.name.clone(),
        services: names.iter().map(service).collect(),
        cluster_label: settings.cluster_label.clone(),
    };
    [shown.dashboard()].into_iter().chain(names.iter().map(|name| shown.dashboard_of(name))).collect()
}

/// Where they are shown; `dashboards` are those of [`of_graph`].
fn links(at: &GrafanaAt, dashboards: &[Dashboard], descriptor: &Descriptor) -> Links {
    let link = |dashboard: &Dashboard| address(at, &dashboard.uid);
    let services = descriptor.services.iter().map(|service| service.id.clone());
    Links {
        graph: dashboards.first().map(link).unwrap_or_default(),
        services: services.zip(dashboards.iter().skip(1).map(link)).collect(),
    }
}

fn address(at: &GrafanaAt, uid: &str) -> String {
    format!("{}/d/{uid}", at.url.trim_end_matches('/'))
}

/// A digest of what is to be where.
fn digest(at: &GrafanaAt, dashboards: &[Dashboard]) -> String {
    let of = |dashboard: &Dashboard| format!("{} {}\n", dashboard.uid, dashboard.digest());
    let all: String = dashboards.iter().map(of).collect();
    sha256(format!("{} {} {:?}\n{all}", at.url, at.folder, at.data_source).as_bytes())
}

/// Writes the dashboards of a graph and sees to it that they stay; `shown` is set when they are there. Ends only with its task, or
/// where no Grafana is named.
pub async fn keep(context: Arc<Context>, graph: Graph, descriptor: Descriptor, shown: Shown) {
    let Some(at) = context.settings.grafana.clone() else { return };
    let dashboards = of_graph(&context.settings, &graph, &descriptor);
    let mut again = AGAIN_AFTER.0;
    let mut told = None;
    loop {
        let pause = match bring(&context, &at, (&graph, &dashboards)).await {
            Ok(()) => {
                // The second time it says the same.
                let _ = shown.set(links(&at, &dashboards, &descriptor));
                (again, told) = (AGAIN_AFTER.0, None);
                LOOKED_FOR_EVERY
            }
            Err(KeepError::Call(error)) if !is_outage(&error) => {
                let reason = error.to_string();
                if told.as_ref() != Some(&reason) {
                    context.tell(&graph, None, ("graph.dashboards-failed", &reason, Value::Null)).await;
                    told = Some(reason);
                }
                LATER
            }
            Err(error) => {
                tracing::debug!(graph = graph.name, %error, "its dashboards could not be written yet");
                let pause = again;
                again = (again * 2).min(AGAIN_AFTER.1);
                pause
            }
        };
        tokio::time::sleep(pause).await;
    }
}

/// Brings what is in Grafana to what there should be of a graph.
async fn bring(
    context: &Context,
    at: &GrafanaAt,
    (graph, dashboards): (&Graph, &[Dashboard]),
) -> Result<(), KeepError> {
    let noted = noted(context, &graph.id).await?;
    let wanted: BTreeSet<String> = dashboards.iter().map(|dashboard| dashboard.uid.clone()).collect();
    let digest = digest(at, dashboards);
    let _turn = context.dashboards.turn.lock().await;
    let called = async {
        let grafana = Grafana::open(at).await?;
        if noted.digest == digest && grafana.has(&dashboards[0].uid).await? {
            return Ok(());
        }
        let all = noted.uids.union(&wanted).cloned().collect();
        note(context, &graph.id, &Noted { uids: all, digest: String::new() }).await?;
        for dashboard in dashboards {
            grafana.apply(&Folder::of(at), dashboard).await?;
        }
        for left in noted.uids.difference(&wanted) {
            grafana.remove(left).await?;
        }
        note(context, &graph.id, &Noted { uids: wanted, digest }).await?;
        Ok(())
    };
    heard(context, called.await).await
}

async fn noted(context: &Context, graph: &str) -> Result<Noted, StoreError> {
    Ok(context.store.doc(NOTES, graph).await?.map(read).unwrap_or_default())
}

/// A note that nobody can read says that nothing was written, so that all of it is written anew.
fn read(note: Value) -> Noted {
    serde_json::from_value(note).unwrap_or_default()
}

async fn note(context: &Context, graph: &str, noted: &Noted) -> Result<(), StoreError> {
    context.store.put_doc(NOTES, graph, &json!(noted)).await
}

/// Tells, once, that Grafana cannot be reached, and that it can again.
async fn heard<T>(context: &Context, called: Result<T, KeepError>) -> Result<T, KeepError> {
    let is_out = &context.dashboards.is_out;
    match &called {
        Ok(_) => {
            if is_out.swap(false, Ordering::AcqRel) {
                context.tell_all("grafana", ("grafana.back", "Grafana answers again, dashboards are written")).await;
            }
        }
        Err(KeepError::Call(error)) if is_outage(error) => {
            if !is_out.swap(true, Ordering::AcqRel) {
                let message = format!("no dashboards are written until Grafana is back: {error}");
                context.tell_all("grafana", ("grafana.lost", &message)).await;
            }
        }
        Err(_) => {}
    }
    called
}

/// Whether it is about Grafana as a whole, and not about one dashboard.
fn is_outage(error: &CallError) -> bool {
    error.class == Class::Retryable || matches!(error.status, Some(401 | 403))
}

/// Removes dashboards of graphs that are gone and writes those of clusters, until the server ends; of several servers, one does.
pub async fn look_after(context: Arc<Context>) {
    let Some(at) = context.settings.grafana.clone() else { return };
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looked_for = None;
    loop {
        ticks.tick().await;
        let is_mine = context.store.acquire(LEASE, &context.settings.me, LOOK_EVERY * 3).await;
        if !is_mine.unwrap_or(false) {
            continue;
        }
        if let Err(error) = sweep(&context).await {
            tracing::debug!(%error, "dashboards of graphs that are gone could not be removed yet");
        }
        let now = crate::backend::live::clock::now();
        let is_due = looked_for.is_none_or(|at| now.duration_since(at) >= LOOKED_FOR_EVERY);
        match of_clusters(&context, &at, is_due).await {
            Ok(()) if is_due => looked_for = Some(now),
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "dashboards of clusters could not be written yet"),
        }
    }
}

/// Removes the dashboards of graphs that are gone.
///
/// # Errors
/// The store or Grafana: what is left is removed the next time.
pub async fn sweep(context: &Context) -> Result<(), KeepError> {
    let Some(at) = context.settings.grafana.clone() else { return Ok(()) };
    let (mut gone, mut held) = (Vec::new(), BTreeSet::new());
    for (graph, document) in context.store.docs(NOTES).await? {
        match context.store.graph_by_id(&graph).await? {
            Some(_) => held.extend(read(document).uids),
            None => gone.push((graph, read(document).uids)),
        }
    }
    if gone.is_empty() {
        return Ok(());
    }
    let _turn = context.dashboards.turn.lock().await;
    let called = async {
        let grafana = Grafana::open(&at).await?;
        for (graph, uids) in gone {
            // Another graph of the same name has the same ones.
            for uid in uids.difference(&held) {
                grafana.remove(uid).await?;
            }
            context.store.delete_doc(NOTES, &graph).await?;
        }
        Ok(())
    };
    heard(context, called.await).await
}

/// Writes the dashboards of clusters that have none yet; of all, where they are looked for.
async fn of_clusters(context: &Context, at: &GrafanaAt, all: bool) -> Result<(), KeepError> {
    let rows = context.store.clusters().await?;
    let missing = missing(at, &context.settings.cluster_label, &rows, all);
    if missing.is_empty() {
        return Ok(());
    }
    let _turn = context.dashboards.turn.lock().await;
    let called = async {
        let grafana = Grafana::open(at).await?;
        for (name, dashboard, link) in missing {
            let is_there = rows.iter().any(|row| row.name == name && row.dashboard.as_ref() == Some(&link));
            if is_there && grafana.has(&dashboard.uid).await? {
                continue;
            }
            match grafana.apply(&Folder::of(at), &dashboard).await {
                Ok(()) => context.store.set_cluster_dashboard(&name, Some(&link)).await?,
                Err(error) if is_outage(&error) => return Err(error.into()),
                // Somebody else's has its title, say: the others are written all the same.
                Err(error) => tracing::debug!(cluster = name, %error, "its dashboard cannot be written"),
            }
        }
        Ok(())
    };
    heard(context, called.await).await
}

/// Of clusters that are there: which dashboards are to be written, and what links to them.
fn missing(at: &GrafanaAt, label: &str, rows: &[ClusterRow], all: bool) -> Vec<(String, Dashboard, String)> {
    let of = |row: &ClusterRow| {
        let dashboard = Cluster { name: row.name.clone(), cluster_label: label.to_owned() }.dashboard();
        let link = address(at, &dashboard.uid);
        (all || row.dashboard.as_ref() != Some(&link)).then(|| (row.name.clone(), dashboard, link))
    };
    rows.iter().filter(|row| row.present).filter_map(of).collect()
}

#[cfg(test)]
mod tests;
