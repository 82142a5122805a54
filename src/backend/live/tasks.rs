//! One task for each thing that is watched: control plane, members, Prometheus, time.

pub(super) mod measure;

pub use measure::measure;

use super::clock::duration;
use super::happening::Happening;
use super::karmada::Karmada;
use super::karmada::watch::Change;
use super::outside::CallError;
use super::shared::Shared;
use crate::model::ClusterId;
use crate::model::observation::{Event, EventKind};
use crate::units::{Span, Time};
use futures::StreamExt;
use futures::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// How long the first decision waits for the first measurements.
const FIRST_MEASURED_WITHIN: Duration = Duration::from_secs(5);
/// From one complete list to the next: it finds what a watch has missed, and says that what has not changed is still so.
const RESYNC_EVERY: Duration = Duration::from_secs(5);

/// Follows what changes on the control plane.
pub async fn follow(karmada: Karmada, shared: Arc<Shared>) {
    let mut changes = std::pin::pin!(karmada.changes());
    while let Some(change) = changes.next().await {
        let at = shared.clock.time();
        match change {
            Change::Cluster(cluster) => shared.world().on_cluster(*cluster, at),
            Change::ClusterGone(name) => shared.world().on_cluster_gone(&name, at),
            Change::Binding(binding) => shared.world().on_binding(*binding, at),
            Change::BindingGone(workload) => shared.world().on_binding_gone(&workload, at),
            Change::Trouble(error) => shared.note(&error),
        }
        shared.wake();
    }
}

/// Lists everything now and then.
pub async fn resync(karmada: Karmada, shared: Arc<Shared>) {
    let mut ticks = ticks(RESYNC_EVERY);
    while !shared.is_over() {
        ticks.tick().await;
        if let Err(error) = list_all(&karmada, &shared).await {
            shared.note(&error);
        }
        shared.wake();
    }
}

/// Lists clusters and bindings; what is not there any more is gone.
///
/// # Errors
/// See [`CallError`].
pub async fn list_all(karmada: &Karmada, shared: &Shared) -> Result<(), CallError> {
    let clusters = karmada.clusters().await?;
    let bindings = karmada.bindings().await?;
    let at = shared.clock.time();
    let mut world = shared.world();
    let gone: Vec<String> = world.connection.clusters.values().cloned().collect();
    for name in gone.iter().filter(|name| clusters.iter().all(|cluster| cluster.name != **name)) {
        world.on_cluster_gone(name, at);
    }
    let workloads: Vec<String> = world.connection.services.values().map(|one| one.workload.clone()).collect();
    for workload in workloads.iter().filter(|name| bindings.iter().all(|binding| binding.workload != **name)) {
        world.on_binding_gone(workload, at);
    }
    for binding in bindings {
        world.on_binding(binding, at);
    }
    for cluster in clusters {
        world.on_cluster(cluster, at);
    }
    Ok(())
}

/// Asks each member's API server whether it is there. Where none answers at all, the way to them is gone, not they.
pub async fn probe(karmada: Karmada, shared: Arc<Shared>) {
    let every = duration(shared.connection.probe.every);
    let mut ticks = ticks(every);
    let mut blind = false;
    while !shared.is_over() {
        ticks.tick().await;
        let names: Vec<(ClusterId, String)> =
            shared.connection.clusters.iter().map(|(id, name)| (id, name.clone())).collect();
        let ask = |(id, name): (ClusterId, String)| {
            let karmada = karmada.clone();
            async move { (id, karmada.probe(&name, every).await.is_ok()) }
        };
        let answers = join_all(names.into_iter().map(ask)).await;
        let at = shared.clock.time();
        let none = answers.len() > 1 && answers.iter().all(|(_, answered)| !answered);
        if none != blind {
            blind = none;
            shared.tell(Happening::Event(outage(blind, "karmada", at)));
        }
        if none {
            continue;
        }
        let mut news = Vec::new();
        for (cluster, answered) in answers {
            news.extend(shared.world().on_probed(cluster, answered, at));
        }
        if !news.is_empty() {
            // Nobody waits for the next tick to leave a cluster that is lost.
            for happening in news.into_iter().chain([Happening::Due]) {
                shared.tell(happening);
            }
            shared.wake();
        }
    }
}

fn outage(begins: bool, who: &str, at: Time) -> Event {
    let kind = if begins { EventKind::TelemetryLost } else { EventKind::TelemetryBack };
    Event { at, kind, subject: who.to_owned() }
}

/// Says when a decision is due: the first one when all that is measured has been, or after a while without.
pub async fn pace_decisions(every: Span, shared: Arc<Shared>) {
    let end = super::clock::now() + FIRST_MEASURED_WITHIN;
    while !shared.world().is_measured() && super::clock::now() < end && !shared.is_over() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    pace(every, Happening::Due, shared).await;
}

/// Says when a sample is due.
pub async fn pace(every: Span, happening: Happening, shared: Arc<Shared>) {
    let mut ticks = ticks(duration(every));
    while !shared.is_over() {
        ticks.tick().await;
        shared.tell(happening.clone());
    }
}

/// Ends the run after `limit`, or when the process is told to stop.
pub async fn end(limit: Option<Span>, shared: Arc<Shared>) {
    let time_is_up = async {
        match limit {
            Some(limit) => tokio::time::sleep(duration(limit)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = time_is_up => {}
        () = told_to_stop() => {}
    }
    shared.tell(Happening::Over);
}

/// Interrupt from the terminal, or a polite kill.
async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every.max(Duration::from_millis(10)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
