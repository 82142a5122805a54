//! Grafana: dashboards of clusters, services and graphs come with them and go with them, and its outage stops nobody.

use crate::graphs::{app, plain, publish_all, releases};
use crate::service::{Service, free_port};
use crate::shop::until;
use crate::stack::{Stack, stack};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(40);

/// Titles of all dashboards, as Grafana itself lists them.
fn titles(stack: &Stack) -> Vec<String> {
    let url = format!("{}/api/search?type=dash-db&limit=1000", stack.address("grafana"));
    let done = Command::new("curl").args(["--silent", "--fail", "--user", "admin:admin", &url]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let found: Value = serde_json::from_slice(&done.stdout).unwrap();
    found.as_array().into_iter().flatten().filter_map(|one| Some(one["title"].as_str()?.to_owned())).collect()
}

fn with_grafana(stack: &Stack) -> Service<'_> {
    publish_all(stack);
    let mut service = Service::new(stack, free_port());
    let grafana = json!({"url": stack.address("grafana"), "username": "admin", "password": "admin"});
    service.configure(&["grafana"], grafana);
    service
}

#[test]
fn dashboards_come_with_a_graph_and_go_with_it() {
    let Some(stack) = stack("dashboards") else { return };
    let mut service = with_grafana(&stack);
    service.start();
    service.post("/v1/clusters/sync", &Value::Null).is(200);
    until("clusters have dashboards", SOON, || {
        let clusters = service.get("/v1/clusters").is(200).json();
        clusters["items"].as_array().unwrap().iter().all(|cluster| cluster["dashboard"].is_string())
    });
    let graph = plain(&stack, "shown", &[app("hello-world", "1", "1Gi")]);
    service.deploy("smo-shown", &graph, &json!({}));
    until("graph and service have dashboards", SOON, || {
        let graph = service.graph("smo-shown", "shown");
        graph["status"]["dashboard"].is_string() && graph["status"]["services"][0]["dashboard"].is_string()
    });
    // The page itself is not built here; the dashboard that the link names is.
    let link = service.graph("smo-shown", "shown")["status"]["dashboard"].as_str().unwrap().to_owned();
    let uid = link.split("/d/").nth(1).unwrap().split('/').next().unwrap();
    let url = format!("{}/api/dashboards/uid/{uid}", stack.address("grafana"));
    let done = Command::new("curl").args(["--silent", "--fail", "--user", "admin:admin", &url]).output().unwrap();
    assert!(done.status.success(), "{link} leads to {url}, which is not there");
    let about = |word: &str| titles(&stack).iter().any(|title| title.contains(word));
    assert!(about("shown") && about("hello-world") && about("member1"), "{:?}", titles(&stack));
    service.delete("/v1/projects/smo-shown/graphs/shown?wait=60s");
    until("they are gone with the graph", SOON, || !about("shown") && !about("hello-world"));
    assert!(about("member1"), "the cluster is there still");
}

#[test]
fn an_outage_of_grafana_stops_nobody() {
    let Some(stack) = stack("no dashboards") else { return };
    let mut service = with_grafana(&stack);
    service.configure(&["grafana", "url"], json!("http://127.0.0.1:9"));
    service.start();
    let graph = plain(&stack, "unshown", &[app("hello-world", "1", "1Gi")]);
    let graph = service.deploy("smo-unshown", &graph, &json!({}));
    assert_eq!((&graph["status"]["phase"], &graph["status"]["dashboard"]), (&json!("running"), &Value::Null));
    service.delete("/v1/projects/smo-unshown/graphs/unshown?wait=60s");
    assert_eq!(releases(&stack, "smo-unshown"), []);
}
