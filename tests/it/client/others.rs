//! Clusters, jobs, events and NFVCL, as a user asks for them.

use super::stub::{Answer, Stub};
use super::{job, problem, program, smo, smo_with};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::Stdio;

#[test]
fn what_is_said_of_a_cluster_is_sent_as_it_is_meant() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![Answer::json(200, &json!({"name": "edge-1", "present": true, "ready": true}))]);
    let said = smo(&stub, home.path(), &["cluster", "set", "edge-1", "carbon=270", "trusted=yes", "location="]).well();
    assert!(said.out.starts_with("edge-1\nready         yes\n"), "{}", said.out);
    assert_eq!(stub.lines(), ["PATCH /v1/clusters/edge-1"]);
    let body: Value = serde_json::from_str(&stub.seen()[0].body).unwrap();
    assert_eq!(body, json!({"carbon": 270.0, "trusted": true, "location": null}));
    smo(&stub, home.path(), &["cluster", "set", "edge-1", "carbn=270"]).refused(2, "did you mean `carbon`");
    assert_eq!(stub.seen().len(), 1);
}

#[test]
fn clusters_are_synchronised_and_listed() {
    let home = tempfile::tempdir().unwrap();
    let edge = json!({"name": "edge-1", "present": true, "ready": true, "nodes": 3, "seen_at": "2026-11-30T08:15:00Z"});
    let stub = Stub::script(vec![Answer::json(200, &json!({"items": [edge], "next": null}))]);
    let said = smo(&stub, home.path(), &["cluster", "sync"]).well();
    assert!(said.out.starts_with("synchronised 1 cluster\n\ncluster  ready  nodes"), "{}", said.out);
    smo(&stub, home.path(), &["cluster", "list"]).well();
    smo(&stub, home.path(), &["cluster", "show", "edge-1"]).well();
    assert_eq!(stub.lines(), ["POST /v1/clusters/sync", "GET /v1/clusters", "GET /v1/clusters/edge-1"]);
}

#[test]
fn a_job_is_shown_and_watched() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![Answer::json(200, &job("superseded", &["placed"], None))]);
    let said = smo(&stub, home.path(), &["job", "show", "j1"]).well();
    assert!(said.out.contains("08:15:00   placed"), "{}", said.out);
    let said = smo(&stub, home.path(), &["job", "watch", "j1"]).refused(1, "something newer was wanted");
    assert!(said.err.contains("`smo graph show shop --project default` shows what"), "{}", said.err);
    let stub = Stub::script(vec![Answer::json(200, &json!({"items": [job("running", &[], None)], "next": null}))]);
    let said = smo(&stub, home.path(), &["job", "list", "--graph", "shop"]).well();
    assert!(said.out.contains("j1   deploy  shop   default  running"), "{}", said.out);
    assert_eq!(stub.lines(), ["GET /v1/jobs?graph=shop&limit=20"]);
}

#[test]
fn a_cluster_of_nfvcl_is_asked_for_and_waited_for_until_karmada_has_it() {
    let home = tempfile::tempdir().unwrap();
    let cluster = |state: &str, name: Value| json!({"smo_id": "OS_K8S_3_aBcDe", "pop_area": 3, "state": state, "karmada": {"wanted": true, "name": name}});
    let stub = Stub::script(vec![
        Answer::json(202, &cluster("creating", Value::Null)),
        Answer::json(200, &cluster("ready", json!("milan-3"))),
    ]);
    let said = smo(&stub, home.path(), &["os-k8s", "create", "--vim", "milan", "--workers", "2", "--wait"]).well();
    assert!(said.out.starts_with("OS_K8S_3_aBcDe  creating\nsmo_id "), "{}", said.out);
    assert_eq!(stub.lines(), ["POST /v1/os-k8s-clusters", "GET /v1/os-k8s-clusters/OS_K8S_3_aBcDe"]);
    let body: Value = serde_json::from_str(&stub.seen()[0].body).unwrap();
    assert_eq!(body, json!({"vim_name": "milan", "workers": 2, "join": true}));
    smo(&stub, home.path(), &["os-k8s", "remove", "OS_K8S_3_aBcDe"]).refused(2, "say `--yes`");
    smo(&stub, home.path(), &["os-k8s", "remove", "OS_K8S_3_aBcDe", "--yes", "--force"]).well();
    assert_eq!(stub.lines()[2], "DELETE /v1/os-k8s-clusters/OS_K8S_3_aBcDe?force=true");
}

/// NFVCL may accept a removal and leave the cluster as it was.
#[test]
fn a_cluster_that_stays_is_no_removal() {
    let home = tempfile::tempdir().unwrap();
    let cluster =
        |state: &str| json!({"smo_id": "OS_K8S_3_aBcDe", "state": state, "karmada": {"wanted": false, "name": null}});
    let stub = Stub::script(vec![Answer::json(202, &cluster("deleting")), Answer::json(200, &cluster("ready"))]);
    let arguments = ["os-k8s", "remove", "OS_K8S_3_aBcDe", "--yes", "--wait"];
    smo(&stub, home.path(), &arguments).refused(1, "OS_K8S_3_aBcDe is still there");
    let gone = Answer::json(404, &problem(404, "Not Found", "there is no such cluster"));
    let stub = Stub::script(vec![Answer::json(202, &cluster("deleting")), gone]);
    let said = smo(&stub, home.path(), &arguments).well();
    assert!(said.out.ends_with("removed  OS_K8S_3_aBcDe\n"), "{}", said.out);
}

#[test]
fn the_password_of_an_infrastructure_is_sent_and_not_printed() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("milan.yaml"), "vim_name: milan\npop_area: 3\n").unwrap();
    let stub = Stub::script(vec![Answer::json(201, &json!({"id": 1, "vim_name": "milan"}))]);
    let arguments = ["vim", "create", "milan.yaml", "--password-stdin", "--server", &stub.url];
    let said = smo_with(home.path(), &arguments, "hush hush\n").well();
    assert!(!said.out.contains("hush"), "{}", said.out);
    let body: Value = serde_json::from_str(&stub.seen()[0].body).unwrap();
    assert_eq!(body, json!({"vim_name": "milan", "pop_area": 3, "vim_password": "hush hush"}));
    let stub = Stub::script(vec![Answer::json(404, &problem(404, "Not Found", "no NFVCL is configured"))]);
    smo(&stub, home.path(), &["vim", "sync"]).refused(2, "no NFVCL is configured");
}

fn event(seq: u64) -> Value {
    json!({"seq": seq, "at": "2026-11-30T08:15:00.000Z", "kind": "graph.running", "project": "demo", "graph": "shop", "message": format!("event {seq}"), "data": {}})
}

#[test]
fn the_last_events_are_told_or_the_first_behind_a_number() {
    let home = tempfile::tempdir().unwrap();
    let stub = Stub::script(vec![Answer::json(200, &json!({"items": [event(7), event(9)], "next": null}))]);
    let said = smo(&stub, home.path(), &["events", "--limit", "1", "--kind", "graph"]).well();
    assert_eq!(said.out.lines().count(), 2, "{}", said.out);
    assert!(said.out.contains("event 9"), "{}", said.out);
    smo(&stub, home.path(), &["events", "--after", "5", "--limit", "2", "-p", "demo", "--format", "json"]).well();
    let wanted = ["GET /v1/events?kind=graph&after=0&limit=1000", "GET /v1/events?project=demo&after=5&limit=2"];
    assert_eq!(stub.lines(), wanted);
}

/// Method: the stream is lost after two events; the second one goes on behind the last number that came, and tells one twice.
#[test]
fn a_stream_that_is_lost_goes_on_where_it_stopped() {
    let home = tempfile::tempdir().unwrap();
    let piece = |numbers: &[u64]| {
        let one = |seq: &_| format!("id: {seq}\ndata: {}\n\n", event(*seq));
        let text = numbers.iter().map(one).collect::<Vec<String>>().concat();
        Answer::text("text/event-stream", &text)
    };
    let stub = Stub::script(vec![
        Answer::json(200, &json!({"items": [event(1)], "next": null})),
        piece(&[2, 3]),
        Answer::json(503, &problem(503, "Service Unavailable", "starting")),
        piece(&[3, 4]),
    ]);
    let mut command = program(home.path(), &["events", "--follow", "--format", "json", "--server", &stub.url]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let seen: Vec<u64> =
        lines.take(4).map(|line| serde_json::from_str::<Value>(&line).unwrap()["seq"].as_u64().unwrap()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(seen, [1, 2, 3, 4]);
    let last: Vec<Option<String>> =
        stub.seen().iter().map(|request| request.header("last-event-id").map(str::to_owned)).collect();
    let wanted = [None, Some("1"), Some("3"), Some("3")].map(|last| last.map(str::to_owned));
    assert_eq!(last[..4], wanted);
    assert_eq!(stub.seen()[1].header("accept"), Some("text/event-stream"));
}
