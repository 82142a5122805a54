//! The original's routes, as its clients use them.

use super::others::cluster;
use super::{Bench, Said, descriptor, pulled, yaml_request};
use crate::serve::engine::{EngineError, Trouble};
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

#[track_caller]
fn is_text(said: &Said, status: u16, text: &str) {
    assert_eq!((said.status, said.text().as_str()), (status, text));
    assert_eq!(said.header(header::CONTENT_TYPE), "text/plain; charset=utf-8");
}

#[tokio::test]
async fn upstream_deploys_an_artifact_and_answers_when_it_is_done() {
    let bench = Bench::open().await;
    let reference = "http://registry.example.com:5000/demo0/a";
    bench.double.say(|says| says.pulled = Some(Ok(pulled(reference))));
    let said = bench.post("/project/demo0/graphs", &json!({"artifact": reference})).await;
    is_text(&said, 200, "Graph deployment successful\n");
    assert_eq!(bench.get("/graphs/a").await.json()["status"], "Running");
    let said = bench.post("/project/demo0/graphs", &json!({"artifact": reference})).await;
    is_text(&said, 400, "Graph with name a already exists\n");
}

#[tokio::test]
async fn upstream_deploys_a_json_text_that_holds_yaml() {
    let bench = Bench::open().await;
    let yaml = serde_saphyr::to_string(&descriptor("a")).unwrap();
    is_text(&bench.post("/project/lab/graphs", &json!(yaml)).await, 200, "Graph deployment successful\n");
    is_text(
        &bench.post("/graph/project/lab", &json!(yaml.replace("id: a", "id: b"))).await,
        200,
        "Graph deployment successful\n",
    );
    bench.double.say(|says| says.fails = Some("no cluster has room".to_owned()));
    let said = bench.post("/project/lab/graphs", &json!(yaml.replace("id: a", "id: c"))).await;
    assert_eq!(said.status, 424, "{}", said.text());
    assert!(said.text().starts_with("no cluster has room"), "{}", said.text());
}

#[tokio::test]
async fn the_monorepo_deploys_a_json_object_or_yaml_and_answers_at_once() {
    let bench = Bench::open().await;
    let said = bench.post("/project/lab/graphs", &descriptor("a")).await;
    assert_eq!((said.status, said.json()), (202, json!("Graph deployment triggered successfully")));
    assert!(said.header(header::LOCATION).starts_with("/v1/jobs/"));
    let yaml = serde_saphyr::to_string(&descriptor("b")).unwrap();
    assert_eq!(bench.ask(yaml_request("POST", "/project/lab/graphs", &yaml)).await.status, 202);
    let said = bench.post("/project/lab/graphs", &descriptor("a")).await;
    said.is_problem(StatusCode::BAD_REQUEST, "Graph with name a already exists");
    let said = bench.ask(yaml_request("POST", "/project/lab/graphs", "x: 1\n")).await;
    said.is_problem(StatusCode::BAD_REQUEST, "there is no field `x`");
    let said = bench.ask(yaml_request("POST", "/project/lab/graphs", "{}\n")).await;
    said.is_problem(StatusCode::BAD_REQUEST, "hdaGraph key not found in the provided descriptor");
    let request =
        Request::post("/project/lab/graphs").header(header::CONTENT_TYPE, "text/plain").body(Body::from("x")).unwrap();
    assert_eq!(bench.ask(request).await.status, 415);
}

#[tokio::test]
async fn a_graph_has_the_fields_of_upstream_and_the_monorepo() {
    let bench = Bench::open().await;
    let clusters = vec![cluster("member1"), cluster("member2")];
    bench.double.say(|says| says.clusters = Some(Ok(clusters)));
    bench.get("/clusters/").await;
    bench.deployed("lab", "a").await;
    let graph = bench.get("/graphs/a").await.json();
    assert_eq!((&graph["name"], &graph["status"], &graph["project"]), (&json!("a"), &json!("Running"), &json!("lab")));
    assert_eq!(graph["hdaGraph"], descriptor("a")["hdaGraph"]);
    // Rows are services, columns clusters: the first service runs in the first cluster, the second waits.
    assert_eq!(graph["placement"], json!([[1, 0], [0, 0]]));
    assert_eq!(graph["placement_clusters"], json!(["member1", "member2"]));
    let echo = json!({
        "name": "echo", "status": "Deployed", "grafana": null, "cluster_affinity": "member1", "cpu": "0.5", "memory": "500MiB",
        "storage": "10GB", "gpu": "0", "values_overwrite": {"colour": "blue", "clustersAffinity": ["member1"]},
        "artifact_ref": "oci://registry.example.com/lab/echo", "artifact_type": "App", "artifact_implementer": "HELM", "alert": {},
    });
    assert_eq!(graph["services"][0], echo);
    let helper = &graph["services"][1];
    assert_eq!((&helper["status"], &helper["cluster_affinity"]), (&json!("Pending"), &Value::Null));
    let rule = json!({
        "alert": "busy", "annotations": {"description": "it is busy", "summary": "it is busy"}, "expr": "up == 0", "for": "30s",
        "labels": {"severity": "critical", "service": "helper"},
    });
    assert_eq!(helper["alert"], rule);
    assert_eq!(bench.get("/project/lab/graphs").await.json(), json!([graph]));
    assert_eq!(bench.get("/graph/a").await.json(), graph);
    assert_eq!(bench.get("/graph/project/lab").await.json(), json!([graph]));
    assert_eq!(bench.get("/project/nowhere/graphs").await.json(), json!([]));
}

#[tokio::test]
async fn upstream_changes_by_get_and_says_so_in_text() {
    let bench = Bench::open().await;
    for base in ["/graphs", "/graph"] {
        bench.deployed("lab", "a").await;
        is_text(&bench.get(&format!("{base}/a/start")).await, 400, "Graph a is already running\n");
        is_text(&bench.get(&format!("{base}/a/placement")).await, 200, "Placement of graph a triggered\n");
        is_text(&bench.get(&format!("{base}/a/stop")).await, 200, "Graph stopped\n");
        assert_eq!(bench.get(&format!("{base}/a")).await.json()["status"], "Stopped");
        is_text(&bench.get(&format!("{base}/a/stop")).await, 400, "Graph a is already stopped\n");
        assert_eq!(bench.get(&format!("{base}/a/placement")).await.status, 400);
        is_text(&bench.get(&format!("{base}/a/start")).await, 200, "Graph started\n");
        is_text(&bench.delete(&format!("{base}/a")).await, 200, "Removal successful\n");
        for path in ["", "/start", "/stop", "/placement"] {
            is_text(&bench.get(&format!("{base}/a{path}")).await, 404, "Graph with name a not found\n");
        }
        is_text(&bench.delete(&format!("{base}/a")).await, 404, "Graph with name a not found\n");
    }
}

#[tokio::test]
async fn the_monorepo_changes_by_post_and_its_errors_are_problems() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let said = bench.post("/graphs/a/stop", &Value::Null).await;
    assert_eq!((said.status, said.json()), (200, json!("Graph stopped successfully")));
    bench.post("/graphs/a/stop", &Value::Null).await.is_problem(StatusCode::BAD_REQUEST, "Graph a is already stopped");
    assert_eq!(bench.post("/graphs/a/start", &Value::Null).await.status, 200);
    assert_eq!(bench.post("/graphs/a/placement", &Value::Null).await.status, 200, "a running graph can be placed anew");
    bench.post("/graphs/b/start", &Value::Null).await.is_problem(StatusCode::NOT_FOUND, "Graph with name b not found");
    let request = Request::get("/graphs/b").header(header::ACCEPT, "application/json").body(Body::empty()).unwrap();
    bench.ask(request).await.is_problem(StatusCode::NOT_FOUND, "Graph with name b not found");
}

#[tokio::test]
async fn clusters_are_shown_as_by_the_original() {
    let bench = Bench::open().await;
    let mut with_gpu = cluster("member2");
    with_gpu.gpu.allocatable = 2.0;
    bench.double.say(|says| says.clusters = Some(Ok(vec![cluster("member1"), with_gpu])));
    assert_eq!(bench.get("/clusters").await.json(), json!([]), "nobody has asked the control plane yet");
    let listed = bench.get("/clusters/").await.json();
    // 15,859,166,740 bytes are 14.77 × 2^30.
    let first = json!({
        "id": 1, "name": "member1", "location": "Unknown", "available_cpu": 4.0, "available_ram": "14.77 GiB", "availability": true,
        "acceleration": false, "grafana": null, "pod_cidr": null, "service_cidr": null,
    });
    assert_eq!((&listed[0], &listed[1]["acceleration"]), (&first, &json!(true)));
    assert_eq!(bench.get("/clusters").await.json(), listed);
    let silent = EngineError::new(Trouble::Unreachable, "karmada does not answer");
    bench.double.say(|says| says.clusters = Some(Err(silent)));
    assert_eq!(bench.get("/clusters/").await.json(), listed, "as they were seen last");
}
