//! One task for each thing that is watched: control plane, members, Prometheus, time.

use super::clock::duration;
use super::happening::Happening;
use super::karmada::Karmada;
use super::karmada::watch::Change;
use super::outside::{CallError, Class};
use super::prometheus::{Point, Prometheus};
use super::shared::Shared;
use super::world::Measured;
use crate::model::observation::{Event, EventKind};
use crate::model::{ClusterId, Seen, ServiceId};
use crate::units::{MilliCores, Rate, Span, Time};
use futures::StreamExt;
use futures::future::join_all;
use std::collections::BTreeMap;
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

/// Measures all services at each scrape. An answer that does not come leaves what was seen before, which grows old.
pub async fn measure(prometheus: Prometheus, scrape: Span, shared: Arc<Shared>) {
    let mut ticks = ticks(duration(scrape));
    let prometheus = Arc::new(prometheus);
    let mut was_blind = false;
    while !shared.is_over() {
        ticks.tick().await;
        let services: Vec<ServiceId> = shared.connection.services.ids().collect();
        let ask = |service| in_time(duration(scrape), measured(&prometheus, &shared, service));
        let results = join_all(services.into_iter().map(ask)).await;
        let failed = results.into_iter().filter_map(Result::err).collect::<Vec<_>>();
        for error in &failed {
            shared.note(error);
        }
        let (blind, at) = (!failed.is_empty(), shared.clock.time());
        if std::mem::replace(&mut was_blind, blind) != blind {
            shared.tell(Happening::Event(outage(blind, "prometheus", at)));
        }
    }
}

/// The next scrape is never far: who waits long for this one knows late that there is none.
async fn in_time(scrape: Duration, work: impl Future<Output = Result<(), CallError>>) -> Result<(), CallError> {
    let limit = scrape.clamp(Duration::from_secs(2), Duration::from_secs(10));
    let late = |_| Err(CallError::new("prometheus", "query", Class::Retryable, format!("no answer in {limit:?}")));
    tokio::time::timeout(limit, work).await.unwrap_or_else(late)
}

async fn measured(prometheus: &Prometheus, shared: &Shared, service: ServiceId) -> Result<(), CallError> {
    let counterpart = &shared.connection.services[service];
    let rate = seen(prometheus, shared, counterpart.rate.as_deref()).await?;
    let served = seen(prometheus, shared, counterpart.served.as_deref()).await?;
    let latency = seen(prometheus, shared, counterpart.latency_p95.as_deref()).await?;
    let cpu = seen(prometheus, shared, counterpart.cpu_used.as_deref()).await?;
    let mut world = shared.world();
    let sum = |points: &[Point]| (!points.is_empty()).then(|| points.iter().map(|point| point.value).sum::<f64>());
    let largest = |points: &[Point]| points.iter().map(|point| point.value).reduce(f64::max);
    let mut cpu_used = world.measured[service].cpu_used.clone();
    if let Some((points, at)) = &cpu {
        cpu_used.clear();
        let told =
            points.iter().filter_map(|point| Some((world.cluster_id(point.labels.get("cluster")?)?, point.value)));
        let mut cores: BTreeMap<ClusterId, f64> = BTreeMap::new();
        // An expression that tells replicas apart gives several values a cluster.
        told.for_each(|(cluster, value)| *cores.entry(cluster).or_insert(0.0) += value);
        cpu_used.extend(cores.into_iter().map(|(cluster, cores)| (cluster, Seen::now(millicores(cores), *at))));
    }
    let now = |found: &Option<(Vec<Point>, Time)>, pick: &dyn Fn(&[Point]) -> Option<f64>| {
        found.as_ref().map(|(points, at)| Seen { value: pick(points), at: *at })
    };
    let before = &world.measured[service];
    let rate_of = |seen: Option<Seen<f64>>, before: Seen<Rate>| {
        seen.map_or(before, |seen| Seen { value: seen.value.map(Rate::from_per_second), at: seen.at })
    };
    let measured = Measured {
        rate: rate_of(now(&rate, &sum), before.rate),
        served: rate_of(now(&served, &sum), before.served),
        latency_p95: now(&latency, &largest)
            .map_or(before.latency_p95, |seen| Seen { value: seen.value.map(Span::from_seconds_f64), at: seen.at }),
        cpu_used,
    };
    world.measured[service] = measured;
    Ok(())
}

/// What a query gives, and when it was true; nothing where there is no query.
async fn seen(
    prometheus: &Prometheus,
    shared: &Shared,
    query: Option<&str>,
) -> Result<Option<(Vec<Point>, Time)>, CallError> {
    let Some(query) = query else { return Ok(None) };
    let points = prometheus.query(query).await?;
    let newest = points.iter().map(|point| point.at).max();
    let at = newest.map_or_else(|| shared.clock.time(), |at| shared.clock.of_epoch(at));
    Ok(Some((points, at)))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and less than nothing is nothing"
)]
fn millicores(cores: f64) -> MilliCores {
    MilliCores((cores * 1e3).round() as u64)
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

#[cfg(test)]
mod tests {
    use super::measured;
    use crate::backend::live::clock::Clock;
    use crate::backend::live::prometheus::Prometheus;
    use crate::backend::live::shared::Shared;
    use crate::backend::live::stand_in::{connection, known};
    use crate::backend::live::stub::{Stub, get};
    use crate::backend::live::world::World;
    use crate::model::connection::Connection;
    use crate::model::{ClusterId, ServiceId};
    use crate::units::MilliCores;
    use serde_json::{Value, json};
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    /// Two replicas in `a` use 1.5 and 0.75 cores, one in `b` half of one: 2.25 and 0.5, whatever the order of the answer.
    #[tokio::test]
    async fn cores_of_replicas_that_are_told_one_by_one_are_added_up() {
        let of = |cluster: &str, replica: &str, cores: &str| -> Value {
            json!({"metric": {"cluster": cluster, "pod": replica}, "value": [1_790_000_000.0, cores]})
        };
        let result = json!([of("member1", "x", "1.5"), of("member2", "y", "0.5"), of("member1", "z", "0.75")]);
        let answer = json!({"status": "success", "data": {"resultType": "vector", "result": result}});
        let stub = Stub::of(vec![get("/api/v1/query?query=cpu", 200, answer)]).await;
        let mut asked: Connection = connection();
        asked.services[ServiceId(0)].cpu_used = Some("cpu".to_owned());
        let (tell, _inbox) = channel();
        let shared = Shared::new(World::new(known().into(), Arc::new(asked)), Clock::start(), tell);
        measured(&Prometheus::new(&stub.url).unwrap(), &shared, ServiceId(0)).await.unwrap();
        let world = shared.world();
        let seen = |cluster: u32| world.measured[ServiceId(0)].cpu_used[&ClusterId(cluster)].value;
        assert_eq!([seen(0), seen(1)], [Some(MilliCores(2_250)), Some(MilliCores(500))]);
        stub.finish();
    }
}
