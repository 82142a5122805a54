//! The service while what it needs is away: at its start and later.

use crate::graphs::{app, plain, publish_all, ready};
use crate::service::{Service, free_port};
use crate::shop::until;
use crate::stack::stack;
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_mins(1);

/// Karmada's API is not there when the service starts: it starts, says so, takes wishes, and fulfils them later.
#[test]
fn it_starts_without_its_control_plane_and_catches_up() {
    let Some(stack) = stack("outage") else { return };
    publish_all(&stack);
    let mut service = Service::new(&stack, free_port());
    stack.live(&["signal", "api-karmada", "STOP"]);
    service.spawn();
    until("it lives", SOON, || service.try_get("/healthz").is_some_and(|answer| answer.status == 200));
    let accepted =
        service.post("/v1/projects/smo-outage/graphs", &plain(&stack, "late", &[app("hello-world", "1", "1Gi")]));
    stack.live(&["signal", "api-karmada", "CONT"]);
    accepted.is(202);
    service.reaches("smo-outage", "late", "running", SOON);
    assert_eq!(
        ready(&stack, "member1", ("smo-outage", "hello-world"))
            + ready(&stack, "member2", ("smo-outage", "hello-world")),
        1
    );
}

/// What Submariner knows of a cluster is shown with it, and what an operator has said of it.
#[test]
fn clusters_have_their_addresses_and_keep_what_was_said_of_them() {
    let Some(stack) = stack("clusters") else { return };
    let mut service = Service::new(&stack, free_port());
    let broker = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "submariner-k8s-broker"}});
    stack.apply("karmada", &broker);
    stack.apply(
        "karmada",
        &json!({
        "apiVersion": "submariner.io/v1", "kind": "Cluster",
        "metadata": {"name": "member1", "namespace": "submariner-k8s-broker"},
        "spec": {"cluster_id": "member1", "cluster_cidr": ["10.11.0.0/16"], "service_cidr": ["10.21.0.0/16"],
            "color_codes": [], "global_cidr": []}}),
    );
    service.start();
    service.post("/v1/clusters/sync", &Value::Null).is(200);
    let first = service.get("/v1/clusters/member1").is(200).json();
    assert_eq!((&first["pod_cidr"], &first["service_cidr"]), (&json!("10.11.0.0/16"), &json!("10.21.0.0/16")));
    assert_eq!((&first["present"], &first["ready"], &first["nodes"]), (&json!(true), &json!(true), &json!(3)));
    // What an operator says of a cluster stays, also over a restart.
    service.patch("/v1/clusters/member1", &json!({"location": "Brussels", "carbon": 120.0})).is(200);
    service.kill();
    service.start();
    let again = service.get("/v1/clusters/member1").is(200).json();
    assert_eq!((&again["attributes"]["location"], &again["attributes"]["carbon"]), (&json!("Brussels"), &json!(120.0)));
    stack.kubectl("karmada", &["delete", "namespace", "submariner-k8s-broker", "--wait=false"]).unwrap();
    service.get("/v1/clusters/nobody").is_problem(404, "nobody");
}

/// Health, readiness, figures, document and page are served by the service itself.
#[test]
fn it_tells_how_it_is() {
    let Some(stack) = stack("how it is") else { return };
    let mut service = Service::new(&stack, free_port());
    let took = service.start();
    eprintln!("ready after {:.2} s", took.as_secs_f64());
    service.get("/healthz").is(200);
    let metrics = service.get("/metrics").is(200);
    assert!(metrics.text.contains("# TYPE"), "{}", metrics.text);
    let document = service.get("/openapi.json").is(200).json();
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")), "{}", document["openapi"]);
    let page = service.get("/docs/");
    assert!(page.status == 200 && page.text.contains("<html"), "{page:?}");
    for outside in ["https://unpkg", "https://cdn", "https://fonts"] {
        assert!(!page.text.contains(outside), "{outside}");
    }
    assert_eq!(service.get("/nothing/here").status, 404);
    assert_eq!(service.end(), 0, "{}", service.said());
}
