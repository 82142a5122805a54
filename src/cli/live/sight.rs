//! What is where now, as people read it, and as JSON.

use super::super::{Failure, Format};
use crate::cli::aligned::Columns;
use crate::model::{ClusterId, Phase, ServiceId, Snapshot};
use serde_json::{Value, json};
use std::io::Write;

/// Prints it.
///
/// # Errors
/// Where the output does not take it.
pub fn print(snapshot: &Snapshot, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    if format == Format::Json {
        return Ok(writeln!(out, "{:#}", to_json(snapshot))?);
    }
    let mut clusters = Columns::new(["cluster", "reached", ">nodes", ">cores", ">free", ">memory", ">free", ">gpu"]);
    for (id, view) in snapshot.clusters.iter() {
        let free = view.allocatable.saturating_sub(view.allocated);
        let gib = |bytes: crate::units::Bytes| format!("{:.1} GiB", bytes.0 as f64 / f64::from(1 << 30));
        clusters.row(vec![
            snapshot.known.clusters[id].name.clone(),
            if view.reachable { "yes" } else { "no" }.to_owned(),
            view.nodes.to_string(),
            format!("{:.1}", view.allocatable.cpu.cores()),
            format!("{:.1}", free.cpu.cores()),
            gib(view.allocatable.memory),
            gib(free.memory),
            format!("{}", view.allocatable.gpu / crate::model::resources::DEVICE),
        ]);
    }
    clusters.print("", out)?;
    writeln!(out)?;
    let mut services = Columns::new(["service", ">rate", ">age", ">asked", ">ready", "where"]);
    for (id, view) in snapshot.services.iter() {
        let rate = view.rate.value.map_or_else(|| "–".to_owned(), |rate| format!("{:.1} /s", rate.per_second()));
        let age = view
            .rate
            .value
            .map_or_else(|| "–".to_owned(), |_| format!("{:.1} s", view.rate.age(snapshot.at).as_seconds_f64()));
        services.row(vec![
            snapshot.known.application.services[id].name.clone(),
            rate,
            age,
            snapshot.targets.total(id).to_string(),
            view.count(Phase::Ready).to_string(),
            places(snapshot, id),
        ]);
    }
    services.print("", out)?;
    Ok(writeln!(out, "\ncores and memory: what the nodes offer to this application, without what others hold")?)
}

fn places(snapshot: &Snapshot, service: ServiceId) -> String {
    let place = |cluster: ClusterId| {
        let (asked, ready) =
            (snapshot.targets.get(service, cluster), snapshot.services[service].count_in(cluster, Phase::Ready));
        let name = &snapshot.known.clusters[cluster].name;
        (asked + ready > 0)
            .then(|| if asked == ready { format!("{name} {ready}") } else { format!("{name} {ready} of {asked}") })
    };
    snapshot.clusters.ids().filter_map(place).collect::<Vec<_>>().join(", ")
}

fn to_json(snapshot: &Snapshot) -> Value {
    let amounts = |amounts: crate::model::Resources| json!({"cpu_cores": amounts.cpu.cores(), "memory_bytes": amounts.memory.0, "gpu": amounts.gpu as f64 / 1e3, "pods": amounts.pods});
    let cluster = |(id, view): (ClusterId, &crate::model::ClusterView)| {
        json!({
            "cluster": snapshot.known.clusters[id].name,
            "reachable": view.reachable,
            "nodes": view.nodes,
            "allocatable": amounts(view.allocatable),
            "allocated": amounts(view.allocated),
        })
    };
    let service = |(id, view): (ServiceId, &crate::model::ServiceView)| {
        let by_cluster = |cluster: ClusterId| {
            let count = |phase| view.count_in(cluster, phase);
            json!({
                "cluster": snapshot.known.clusters[cluster].name,
                "asked": snapshot.targets.get(id, cluster),
                "ready": count(Phase::Ready),
                "starting": count(Phase::Starting),
                "pending": count(Phase::Pending),
            })
        };
        json!({
            "service": snapshot.known.application.services[id].name,
            "rate_per_s": view.rate.value.map(crate::units::Rate::per_second),
            "rate_age_s": view.rate.value.map(|_| view.rate.age(snapshot.at).as_seconds_f64()),
            "clusters": snapshot.clusters.ids().map(by_cluster).collect::<Vec<_>>(),
        })
    };
    json!({
        "clusters": snapshot.clusters.iter().map(cluster).collect::<Vec<_>>(),
        "services": snapshot.services.iter().map(service).collect::<Vec<_>>(),
    })
}
