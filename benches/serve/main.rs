//! The service with a thousand graphs in SQLite: reading, memory, start, dry runs, alerts; inside the live stack a deploy, too.
//!
//! The load comes from this process, on the same two cores. Criterion would repeat what cannot be repeated at will (starts, deploys), so
//! this measures itself: each figure is a median with its smallest and largest, and a bar that it is held against, aloud. Answers are
//! checked before anything is timed.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

mod deploy;
mod http;
mod server;

use http::{load, now};
use serde_json::{Value, json};
use server::{Server, descriptor, fill, name};
use std::path::Path;
use std::time::Duration;

/// How much is done.
#[derive(Clone, Copy)]
struct Size {
    graphs: usize,
    load: Duration,
    rounds: usize,
    alerts: usize,
}

fn main() {
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let full = Size { graphs: 1_000, load: Duration::from_secs(20), rounds: 20, alerts: 1_000 };
    let small = Size { graphs: 50, load: Duration::from_millis(500), rounds: 2, alerts: 50 };
    let size = if smoke { small } else { full };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let folder = tempfile::tempdir().expect("a folder");
        let start = now();
        fill(folder.path(), size.graphs).await;
        println!("{} graphs stored in {:.1} s", size.graphs, start.elapsed().as_secs_f64());
        starts(folder.path(), size).await;
        let (server, _) = Server::start(folder.path(), &json!({})).await;
        println!("memory when started: {:.0} MB", server.memory().0);
        checked(&server, size).await;
        reads(&server, size).await;
        alerts(&server, size).await;
        let (resident, most) = server.memory();
        held("memory after all of it", most, (150.0, Bar::Most), &format!("MB at most, {resident:.0} MB now"));
        drop(server);
        dry_runs(size).await;
        deploy::deploys(if smoke { 1 } else { 5 }).await;
    });
}

/// From the start of the process until it is ready.
async fn starts(folder: &Path, size: Size) {
    let mut took = Vec::new();
    for _ in 0..size.rounds {
        took.push(Server::start(folder, &json!({})).await.1);
    }
    told("start until ready", &mut took, 1_000.0);
}

/// Every graph is answered as it was stored.
async fn checked(server: &Server, size: Size) {
    for index in [0, 1, size.graphs - 1] {
        let (status, graph, _) = server.ask("GET", &format!("/v1/graphs/{}", name(index)), &Value::Null).await;
        assert_eq!((status, &graph["name"]), (200, &json!(name(index))), "{graph}");
        assert_eq!(graph["descriptor"]["hdaGraph"]["services"].as_array().map(Vec::len), Some(3), "{graph}");
    }
    assert_eq!(server.ask("GET", "/v1/graphs/nobody", &Value::Null).await.0, 404);
}

/// Single graphs, on sixteen connections.
async fn reads(server: &Server, size: Size) {
    let paths: Vec<String> = (0..size.graphs).map(|index| format!("/v1/graphs/{}", name(index))).collect();
    // The first second is not counted: everything is cold.
    load(server.port, &paths, (16, size.load / 20)).await;
    let measured = load(server.port, &paths, (16, size.load)).await;
    let ms = |duration: Duration| duration.as_secs_f64() * 1e3;
    let detail =
        format!("/s on 16 connections; {:.2} ms median, {:.2} ms slowest", ms(measured.p50), ms(measured.slowest));
    held("GET /v1/graphs/{name}", measured.per_second, (5_000.0, Bar::Least), &detail);
    held("  its 99th percentile", ms(measured.p99), (20.0, Bar::Most), "ms");
}

/// One call of Alertmanager with an alert for each graph's conditional service; then the same call again, which is no news.
async fn alerts(server: &Server, size: Size) {
    let alert = |index: usize| {
        let graph = name(index % size.graphs);
        json!({"status": "firing", "startsAt": "2026-11-30T08:15:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": format!("{index:016x}"), "annotations": {}, "labels": {
            "alertname": format!("{graph}-event"), "service": format!("{graph}-s0"), "smo_graph": graph,
            "smo_project": format!("bench-{}", index % 10)}})
    };
    let alerts: Vec<Value> = (0..size.alerts).map(alert).collect();
    let body = json!({"version": "4", "groupKey": "bench", "status": "firing", "receiver": "smo", "groupLabels": {},
        "commonLabels": {}, "commonAnnotations": {}, "externalURL": "", "alerts": alerts});
    for (what, body) in [("webhook of alerts", &body), ("  the same again", &body)] {
        let (status, answer, took) = server.ask("POST", "/v1/alerts", body).await;
        assert_eq!(status, 200, "{answer}");
        held(what, took.as_secs_f64() * 1e3, (1_000.0, Bar::Most), &format!("ms for {} alerts", size.alerts));
    }
}

/// A graph of ten services over fifty clusters of a file.
async fn dry_runs(size: Size) {
    let folder = tempfile::tempdir().expect("a folder");
    let cluster = |index: usize| {
        json!({"name": format!("cluster-{index:02}"), "region": format!("region-{}", index % 7), "pools": [{
            "name": "main", "cpu": 4 + index % 5 * 4, "memory": "64 GiB", "nodes": 1 + index % 3,
            "price_per_hour": format!("0.{} $", 10 + index)}]})
    };
    let inventory = json!({"clusters": (0..50).map(cluster).collect::<Vec<_>>()});
    let file = folder.path().join("inventory.yaml");
    std::fs::write(&file, inventory.to_string()).expect("it is written");
    let (server, _) = Server::start(folder.path(), &json!({"inventory": file})).await;
    let wish = descriptor("dry", 10, false);
    let path = "/v1/projects/bench/graphs?dry_run=true";
    let (mut took, mut own) = (Vec::new(), Vec::new());
    for round in 0..size.rounds.max(5) * 5 {
        let (status, plan, time) = server.ask("POST", path, &wish).await;
        assert_eq!(status, 200, "{plan}");
        let placed = plan["targets"].as_object().expect("targets").values();
        let placed = placed.filter(|by| by.as_object().is_some_and(|by| !by.is_empty())).count();
        assert_eq!(placed, 10, "{plan}");
        if round > 0 {
            took.push(time);
            own.push(Duration::from_secs_f64(plan["took_ms"].as_f64().unwrap_or(f64::NAN).max(0.0) / 1e3));
        }
    }
    told("dry run, 10 services over 50 clusters", &mut took, 50.0);
    told("  as the answer says", &mut own, 50.0);
}

/// On which side of its bar a figure belongs.
#[derive(Clone, Copy)]
pub enum Bar {
    /// At least as high.
    Least,
    /// At most as high.
    Most,
}

/// A figure and its bar.
pub fn held(what: &str, figure: f64, (bar, side): (f64, Bar), detail: &str) {
    let holds = match side {
        Bar::Least => figure >= bar,
        Bar::Most => figure <= bar,
    };
    let sign = if matches!(side, Bar::Least) { "≥" } else { "≤" };
    let verdict = if holds { "met" } else { "MISSED" };
    println!("{what}: {figure:.1} {detail} (bar {sign} {bar}: {verdict})");
}

/// A median in milliseconds and its bar.
pub fn told(what: &str, took: &mut [Duration], bar_ms: f64) {
    took.sort_unstable();
    let ms = |duration: Option<&Duration>| duration.map_or(f64::NAN, |one| one.as_secs_f64() * 1e3);
    let (least, most) = (ms(took.first()), ms(took.last()));
    let detail = format!("ms median of {} ({least:.1} to {most:.1})", took.len());
    held(what, ms(took.get(took.len() / 2)), (bar_ms, Bar::Most), &detail);
}
