//! `smo serve` beside the bench: its store filled in advance, its start, its memory.

use crate::http::{Connection, now};
use serde_json::{Value, json};
use smo::serve::store::Store;
use smo::serve::store::asked::{Ask, NewGraph};
use smo::serve::store::rows::{Change, JobKind, JobState, Options, Phase, Status, Wish};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; it ends with this.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Starts it with a configuration beside its database in `folder`; how long it took until it said that it is ready.
    pub async fn start(folder: &Path, more: &Value) -> (Self, Duration) {
        let port = free_port();
        let mut config = json!({
            "listen": format!("127.0.0.1:{port}"), "database": url(folder),
            // The load generator is one caller.
            "limits": {"requests_per_second": 1_000_000, "burst": 1_000_000},
            "log": {"level": "warn"},
            // Nothing is pulled from there, and no name has to be looked up.
            "charts": {"plain_hosts": ["127.0.0.1:5000"]},
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        let file = folder.join("smo.yaml");
        std::fs::write(&file, config.to_string()).expect("it is written");
        let log = std::fs::File::create(folder.join("log")).expect("it can be written");
        let start = now();
        let child = Command::new(env!("CARGO_BIN_EXE_smo"))
            .args(["serve", "--config"])
            .arg(&file)
            .env("HOME", folder)
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .expect("smo starts");
        let mut server = Self { child, port };
        while !server.is_ready().await {
            let log = || std::fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(server.child.try_wait().expect("it can be asked").is_none(), "smo serve ended: {}", log());
            assert!(start.elapsed() < Duration::from_secs(30), "smo serve is not ready: {}", log());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (server, start.elapsed())
    }

    async fn is_ready(&self) -> bool {
        let Ok(mut connection) = Connection::open(self.port).await else { return false };
        connection.ask("GET", "/readyz", None).await.is_ok_and(|answer| answer.status == 200)
    }

    /// Memory in MB: now, and at most so far.
    pub fn memory(&self) -> (f64, f64) {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let of = |key: &str| {
            let line = text.lines().find(|line| line.starts_with(key)).expect("Linux says so");
            line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("in KiB") * 1024.0 / 1e6
        };
        (of("VmRSS:"), of("VmHWM:"))
    }

    /// Processor time so far, by ticks of 10 ms.
    pub fn processor_time(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        // Behind the name in brackets, which may hold anything: `utime` and `stime` are the 14th and 15th of all.
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
        let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Duration::from_millis(10 * ticks)
    }

    /// Asks for something with a body; the answer, and how long it took.
    pub async fn ask(&self, method: &str, path: &str, body: &Value) -> (u16, Value, Duration) {
        let mut connection = Connection::open(self.port).await.expect("it listens");
        let body = body.to_string();
        let start = now();
        let answer = connection.ask(method, path, Some(&body)).await.expect("it answers");
        let took = start.elapsed();
        (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default(), took)
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback has ports");
    listener.local_addr().expect("it has an address").port()
}

fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("smo.db").display())
}

/// A descriptor of so many services in a chain, the first of which waits for an event where that is wanted.
pub fn descriptor(name: &str, services: usize, is_conditional: bool) -> Value {
    let id = |index: usize| format!("{name}-s{index}");
    let service = |index: usize| {
        let event = json!({"event": {"condition": "ANY", "events": [{
            "id": format!("{name}-event"), "source": [],
            "condition": {"promQuery": "vector(1) > 2", "gracePeriod": "10s", "description": "for the bench"}}]}});
        let trigger = if is_conditional && index == 0 { event } else { json!({"auto": {"dependencies": []}}) };
        let points: Vec<String> = (index + 1 < services).then(|| id(index + 1)).into_iter().collect();
        json!({
            "id": id(index),
            "deployment": {"trigger": trigger, "intent": {
                "compute": {"cpu": "light", "ram": "light", "storage": "small", "gpu": {"enabled": false}},
                "connectionPoints": points}},
            "artifact": {"ociImage": format!("oci://127.0.0.1:5000/bench/{}", id(index)),
                "ociConfig": {"type": "App", "implementer": "HELM"}, "valuesOverwrite": {}}})
    };
    json!({"hdaGraph": {
        "imVersion": "0.4.0", "id": name, "version": "1.0.0", "designer": "smo", "description": "for the bench",
        "hdaGraphIntent": {"useStaticPlacement": false}, "services": (0..services).map(service).collect::<Vec<_>>()}})
}

/// Stores graphs as a server would have, each stopped and seen so, so that nobody has to do anything about them.
pub async fn fill(folder: &Path, graphs: usize) {
    let store = Store::open(&url(folder)).await.expect("it opens");
    for index in 0..graphs {
        let name = name(index);
        let new = NewGraph {
            project: format!("bench-{}", index % 10),
            name: name.clone(),
            descriptor: descriptor(&name, 3, true),
            source: None,
            options: Options::default(),
        };
        let (graph, _) = store.insert_graph(&new, "bench").await.expect("it is new");
        let change = Change { wanted: Some(Wish::Stopped), ..Change::default() };
        let stop = Ask { expected: None, change, kind: JobKind::Stop, actor: "bench".to_owned() };
        let (graph, job) = store.change_graph(&graph.id, &stop).await.expect("it is there");
        store.job_state(&job.id, JobState::Succeeded, None).await.expect("it is there");
        let status = Status { phase: Phase::Stopped, generation: graph.generation, ..Status::default() };
        store.set_status(&graph.id, &status).await.expect("it is there");
    }
    store.close().await;
}

/// The name of a graph.
pub fn name(index: usize) -> String {
    format!("graph-{index:04}")
}
