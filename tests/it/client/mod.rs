//! The commands of a server, as a user starts them, against a server that answers what a test says: which requests they make, what
//! they print, how they end.

mod graphs;
mod login;
mod others;
mod scaler;
mod served;
mod stub;
#[cfg(feature = "otel")]
mod traced;

use crate::program::Said;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use stub::Stub;

/// Variables that would lead elsewhere.
const VARIABLES: [&str; 8] = [
    "SMO_SERVER",
    "SMO_TOKEN",
    "SMO_PROJECT",
    "SMO_CA",
    "PROMETHEUS_HOST",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_SDK_DISABLED",
];

/// The program, in a directory that is its home too.
fn program(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smo"));
    command.args(arguments).current_dir(home).env("HOME", home).env("SMO_DIR", home).env("NO_COLOR", "1");
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}

/// What it says, with this on its standard input.
fn smo_with(home: &Path, arguments: &[&str], input: &str) -> Said {
    let mut child = program(home, arguments);
    let child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    // Who does not read hangs up, which is no failure of the test.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Said::from(child.wait_with_output().unwrap())
}

/// What it says to the stub.
fn smo(stub: &Stub, home: &Path, arguments: &[&str]) -> Said {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--server", &stub.url]).collect();
    smo_with(home, &arguments, "")
}

fn job(state: &str, steps: &[&str], reason: Option<&str>) -> Value {
    let at = "2026-11-30T08:15:00.000Z";
    let steps: Vec<Value> = steps.iter().map(|what| json!({"at": at, "what": what})).collect();
    json!({
        "id": "j1", "kind": "deploy", "project": "default", "graph": "shop", "graph_id": "g1", "generation": 1,
        "state": state, "steps": steps, "reason": reason, "actor": "ann", "created_at": at,
        "ended_at": (state != "queued" && state != "running").then_some("2026-11-30T08:15:03.000Z"),
    })
}

fn graph(name: &str, phase: &str, ready: u32) -> Value {
    json!({
        "id": "g1", "project": "demo", "name": name, "generation": 1, "wanted": "running", "options": {},
        "descriptor": {"hdaGraph": {"id": name}},
        "status": {
            "phase": phase, "since": "2026-11-30T08:15:00.000Z", "observed_at": "2026-11-30T08:16:00.000Z", "generation": 1,
            "services": [{
                "name": "front", "phase": phase, "conditional": false, "values": {},
                "clusters": {"edge-1": {"wanted": 2, "ready": ready}},
            }],
        },
    })
}

fn problem(status: u16, title: &str, detail: &str) -> Value {
    json!({"type": "urn:smo:problem:x", "title": title, "status": status, "detail": detail})
}
