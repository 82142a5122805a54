//! The live backend against real programs: how long a move takes, how long a look takes, and whether writes are lost.
//!
//! It runs inside the live stack (`scripts/live exec cargo bench --all-features --bench live`), and says so elsewhere. Criterion would
//! repeat what cannot be repeated at will, so this measures itself: each figure is a median with its smallest and largest.

#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use serde_json::json;
use smo::backend::Backend;
use smo::backend::live::karmada::Karmada;
use smo::backend::live::karmada::cluster::ClusterSeen;
use smo::backend::live::{LiveBackend, Mode};
use smo::input::{self, Request};
use smo::model::connection::Connection;
use smo::model::{ClusterId, Observation, Plan, Scenario, ServiceId, Snapshot};
use smo::units::Span;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Services of the graph.
const SERVICES: u32 = 10;
/// Clusters of the look.
const CLUSTERS: usize = 50;

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

fn main() {
    let Some(run) = std::env::var_os("SMO_LIVE_RUN").map(PathBuf::from) else {
        println!(
            "SKIPPED: live: not inside the live stack; `scripts/live exec cargo bench --all-features --bench live`"
        );
        return;
    };
    let smoke = std::env::var_os("SMO_BENCH_SMOKE").is_some();
    let folder = tempfile::tempdir().expect("a folder");
    let kubeconfig = run.join("karmada.kubeconfig");
    deploy(&kubeconfig);
    let (scenario, connection) = world(folder.path(), &kubeconfig);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let karmada = runtime.block_on(Karmada::open(&connection.karmada)).expect("it opens");
    let ask = |workload: &str| runtime.block_on(karmada.binding(workload)).expect("it answers").expect("it is bound");
    let mut live = LiveBackend::connect(scenario.clone(), connection, Mode::Act).expect("it connects");

    moves(&mut live, &ask, if smoke { 3 } else { 20 });
    scalings(&mut live, &ask, if smoke { 20 } else { 1_000 });
    drop(live);
    looks(if smoke { 3 } else { 200 });
    let kubectl = Command::new("kubectl")
        .arg("--kubeconfig")
        .arg(&kubeconfig)
        .args(["delete", "namespace", "smo-bench", "--wait=false"])
        .output();
    kubectl.expect("kubectl starts");
}

/// Ten deployments.
fn deploy(kubeconfig: &Path) {
    let mut objects = vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "smo-bench"}})];
    for service in 0..SERVICES {
        let name = format!("s{service}");
        objects.push(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "smo-bench"},
            "spec": {"selector": {"matchLabels": {"app": name}}, "template": {"metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "web:1",
                    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}]}}}}));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), list.to_string()).expect("it is written");
    let done =
        Command::new("kubectl").arg("--kubeconfig").arg(kubeconfig).args(["apply", "-f"]).arg(file.path()).output();
    let done = done.expect("kubectl starts");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// A graph of ten services in a chain, on the two clusters of the stack.
fn world(folder: &Path, kubeconfig: &Path) -> (Scenario, Connection) {
    let services: Vec<_> = (0..SERVICES)
        .map(|service| {
            json!({
        "name": format!("s{service}"), "cpu": "100m", "memory": "64 MiB",
        "replicas": {"initial": 2, "min": 0, "max": 40}, "capacity": {"alpha": 10, "beta": 0}})
        })
        .collect();
    let calls: Vec<_> = (1..SERVICES)
        .map(|service| json!({"from": format!("s{}", service - 1), "to": format!("s{service}")}))
        .collect();
    let cluster = |name: &str, cpu: u32, nodes: u32| {
        json!({"name": name, "region": name,
        "pools": [{"name": "main", "cpu": cpu, "memory": "16 GiB", "pods": 110, "nodes": nodes, "price_per_hour": "1 $"}]})
    };
    std::fs::write(folder.join("load.csv"), "timestamp_s,service,requests_per_s\n0,s0,1\n").expect("it is written");
    let scenario = json!({
        "question": "How long does a move take?",
        "application": {"name": "bench", "services": services, "calls": calls},
        "inventory": {"clusters": [cluster("member1", 4, 3), cluster("member2", 8, 2)]},
        "traces": [{"file": "load.csv"}],
        "control": {"every": "1h"}, "telemetry": {"scrape": "10s"}, "policies": ["naive"], "sample_every": "1h"});
    std::fs::write(folder.join("bench.yaml"), scenario.to_string()).expect("it is written");
    let connection = json!({"karmada": {"kubeconfig": kubeconfig, "namespace": "smo-bench"}});
    std::fs::write(folder.join("live.yaml"), connection.to_string()).expect("it is written");
    let request = Request { until: Some(Span::seconds(3_600)), ..Request::default() };
    let loaded = input::load(&folder.join("bench.yaml"), &request).expect("it is sound");
    let connection = input::connection::load(&folder.join("live.yaml"), &loaded.scenario.known).expect("it is sound");
    (loaded.scenario.as_ref().clone(), connection)
}

fn until_due(live: &mut LiveBackend) -> Box<Snapshot> {
    loop {
        if let Observation::Due(snapshot) = live.observe().expect("the world is there") {
            return snapshot;
        }
    }
}

/// Waits for a number of finished actions.
fn finished(live: &mut LiveBackend, mut count: usize) {
    while count > 0 {
        match live.observe().expect("the world is there") {
            Observation::Finished(_) => count -= 1,
            Observation::Failed { error, .. } => panic!("{error}"),
            _ => {}
        }
    }
}

/// Moves the two replicas of one service to and fro, the nine others stay.
fn moves(
    live: &mut LiveBackend,
    ask: &dyn Fn(&str) -> smo::backend::live::karmada::binding::BindingSeen,
    rounds: usize,
) {
    let first = until_due(live);
    let mut plan = Plan { targets: first.targets.clone(), ..Plan::default() };
    let (near, far) = (ClusterId(0), ClusterId(1));
    for service in first.services.ids() {
        plan.targets.set(service, near, 2);
        plan.targets.set(service, far, 0);
    }
    let actions = live.apply(&plan).expect("it takes orders").len();
    finished(live, actions);
    let (mut written, mut ready, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let (from, to, name) = if round % 2 == 0 { (near, far, "member2") } else { (far, near, "member1") };
        plan.targets.set(ServiceId(0), from, 0);
        plan.targets.set(ServiceId(0), to, 2);
        let start = now();
        let actions = live.apply(&plan).expect("it takes orders").len();
        while !ask("s0").clusters.contains_key(name) {}
        written.push(start.elapsed());
        while ask("s0").ready.get(name) != Some(&2) {}
        ready.push(start.elapsed());
        finished(live, actions);
        let is_gone = || {
            let seen = ask("s0");
            seen.clusters.len() == 1 && seen.ready.len() == 1
        };
        while !is_gone() {}
        gone.push(start.elapsed());
    }
    told("a move: binding written", &mut written);
    told("a move: new replicas ready", &mut ready);
    told("a move: old replicas gone", &mut gone);
}

/// Decisions to scale, each carried out before the next: every one must be seen, none twice.
fn scalings(
    live: &mut LiveBackend,
    ask: &dyn Fn(&str) -> smo::backend::live::karmada::binding::BindingSeen,
    count: u32,
) {
    let mut plan = Plan { targets: until_due_or_present(live), ..Plan::default() };
    let start = now();
    let mut lost = 0;
    for round in 0..count {
        let service = ServiceId(round % SERVICES);
        let cluster = if plan.targets.get(service, ClusterId(0)) > 0 { ClusterId(0) } else { ClusterId(1) };
        let replicas = if (round / SERVICES).is_multiple_of(2) { 3 } else { 2 };
        plan.targets.set(service, cluster, replicas);
        let actions = live.apply(&plan).expect("it takes orders").len();
        assert_eq!(actions, 1, "each decision is one change");
        finished(live, actions);
        lost += u32::from(ask(&format!("s{}", service.0)).clusters.values().sum::<u32>() != replicas);
    }
    let took = start.elapsed();
    println!("{count} decisions to scale, one after the other: {:.1} s, {lost} lost", took.as_secs_f64());
    assert_eq!(lost, 0);
}

/// The targets at present; a decision is due only once an hour.
fn until_due_or_present(live: &LiveBackend) -> smo::model::Targets {
    live.look(Duration::ZERO).targets
}

/// Reads fifty clusters as Karmada answers them.
fn looks(rounds: usize) {
    let cluster = |index: usize| {
        json!({
        "apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": format!("member{index}")},
        "spec": {"apiEndpoint": format!("https://10.0.0.{index}:6443"), "region": "r"},
        "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeSummary": {"totalNum": 100, "readyNum": 100},
            "resourceSummary": {"allocatable": {"cpu": "800", "memory": "3200Gi", "pods": "11000"},
                "allocated": {"cpu": "410500m", "memory": "1602Gi", "pods": "4105"}}}})
    };
    let text = json!({"apiVersion": "v1", "kind": "List", "items": (0..CLUSTERS).map(cluster).collect::<Vec<_>>()})
        .to_string();
    let mut took = Vec::new();
    for _ in 0..rounds {
        let start = now();
        let list: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let items = list["items"].as_array().expect("a list");
        let seen: Vec<ClusterSeen> = items
            .iter()
            .map(|item| ClusterSeen::of(&serde_json::from_value(item.clone()).expect("an object")).expect("a cluster"))
            .collect();
        took.push(start.elapsed());
        assert_eq!(seen.len(), CLUSTERS);
    }
    told("fifty clusters read (without the way)", &mut took);
}

fn told(what: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let ms = |duration: &Duration| duration.as_secs_f64() * 1e3;
    let (least, middle, most) = (took.first(), took.get(took.len() / 2), took.last());
    let [least, middle, most] = [least, middle, most].map(|one| one.map_or(f64::NAN, ms));
    println!("{what}: {middle:.1} ms median of {} ({least:.1} to {most:.1})", took.len());
}
