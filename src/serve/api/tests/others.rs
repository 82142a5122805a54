//! Projects, clusters, jobs, tokens, webhooks and policies.

use super::Bench;
use crate::serve::at::At;
use crate::serve::engine::{EngineError, Trouble};
use crate::serve::store::rows::{Amount, ClusterAttributes, ClusterRow};
use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A cluster of ten cores, of which four are free.
pub fn cluster(name: &str) -> ClusterRow {
    ClusterRow {
        name: name.to_owned(),
        present: true,
        ready: true,
        seen_at: At(1_796_026_500_000),
        cpu: Amount { allocatable: 10.0, free: 4.0 },
        memory: Amount { allocatable: 32e9, free: 15_859_166_740.0 },
        gpu: Amount::default(),
        nodes: 2,
        version: "v1.33.1".to_owned(),
        region: String::new(),
        pod_cidr: None,
        rtt_ms: BTreeMap::new(),
        service_cidr: None,
        attributes: ClusterAttributes::default(),
        dashboard: None,
    }
}

#[tokio::test]
async fn a_project_is_made_changed_and_removed() {
    let bench = Bench::open().await;
    let said = bench.post("/v1/projects", &json!({"name": "lab", "policy": "greedy+rate"})).await;
    assert_eq!((said.status, said.header(header::LOCATION)), (201, "/v1/projects/lab"), "{}", said.text());
    bench
        .post("/v1/projects", &json!({"name": "lab"}))
        .await
        .is_problem(StatusCode::CONFLICT, "a project `lab` already");
    assert_eq!(bench.get("/v1/projects/lab").await.json()["policy"], "greedy+rate");
    let said = bench.send("PUT", "/v1/projects/lab", &json!({})).await;
    assert_eq!((said.status, said.json().get("policy")), (200, None));
    assert_eq!(bench.send("PUT", "/v1/projects/port", &json!({"policy": "naive"})).await.status, 200);
    let names: Vec<Value> = bench.get("/v1/projects").await.json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].clone())
        .collect();
    assert_eq!(names, ["lab", "port"]);

    bench.deployed("lab", "a").await;
    bench.delete("/v1/projects/lab").await.is_problem(StatusCode::CONFLICT, "graph");
    assert_eq!(bench.delete("/v1/projects/port").await.status, 204);
    bench.delete("/v1/projects/port").await.is_problem(StatusCode::NOT_FOUND, "no project `port`");
    bench.get("/v1/projects/port").await.is_problem(StatusCode::NOT_FOUND, "no project `port`");
}

#[tokio::test]
async fn a_project_that_cannot_be_is_refused() {
    let bench = Bench::open().await;
    let wrong = [
        (json!({"name": "kube-system"}), "is the platform's"),
        (json!({"name": "Lab"}), "cannot be a project"),
        (json!({"name": "lab", "policy": "gredy"}), "did you mean `greedy`"),
        (json!({"name": "lab", "policy": "exec:true"}), "not started for callers"),
        (json!({"name": "lab", "colour": "red"}), "unknown field `colour`"),
        (json!({}), "missing field `name`"),
    ];
    for (body, part) in wrong {
        bench.post("/v1/projects", &body).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, part);
    }
}

#[tokio::test]
async fn clusters_are_asked_for_shown_and_described() {
    let bench = Bench::open().await;
    assert_eq!(bench.get("/v1/clusters").await.json()["items"], json!([]));
    bench.double.say(|says| says.clusters = Some(Ok(vec![cluster("member1"), cluster("member2")])));
    let said = bench.post("/v1/clusters/sync", &Value::Null).await;
    assert_eq!((said.status, said.json()["items"].as_array().unwrap().len()), (200, 2), "{}", said.text());
    assert_eq!(bench.get("/v1/clusters/member2").await.json()["cpu"]["free"], 4.0);
    bench.get("/v1/clusters/member3").await.is_problem(StatusCode::NOT_FOUND, "no cluster `member3`");

    let said = bench.send("PATCH", "/v1/clusters/member1", &json!({"location": "Zürich", "carbon": 42})).await;
    assert_eq!((said.status, &said.json()["attributes"]), (200, &json!({"location": "Zürich", "carbon": 42.0})));
    let said = bench.send("PATCH", "/v1/clusters/member1", &json!({"location": null, "pue": 1.2})).await;
    assert_eq!(said.json()["attributes"], json!({"carbon": 42.0, "pue": 1.2}));
    let said = bench.send("PATCH", "/v1/clusters/member1", &json!({"pue": 0.5})).await;
    said.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "`pue` goes from 1 to 10");
    bench.send("PATCH", "/v1/clusters/x", &json!({})).await.is_problem(StatusCode::NOT_FOUND, "no cluster `x`");

    let silent = EngineError::new(Trouble::Unreachable, "karmada does not answer");
    bench.double.say(|says| says.clusters = Some(Err(silent)));
    bench.post("/v1/clusters/sync", &Value::Null).await.is_problem(StatusCode::SERVICE_UNAVAILABLE, "karmada");
    assert_eq!(bench.get("/v1/clusters").await.json()["items"].as_array().unwrap().len(), 2, "they are kept");
}

#[tokio::test]
async fn jobs_are_listed_the_newest_first_by_project_and_graph() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    bench.deployed("port", "b").await;
    bench.delete("/v1/projects/lab/graphs/a?wait=10s").await;
    let kinds = |list: Value| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|job| job["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(bench.get("/v1/jobs?project=lab").await.json()), ["remove", "deploy"]);
    assert_eq!(kinds(bench.get("/v1/jobs?graph=b").await.json()), ["deploy"]);
    assert_eq!(kinds(bench.get("/v1/jobs?limit=1").await.json()), ["remove"]);
    bench.get("/v1/jobs/j-none").await.is_problem(StatusCode::NOT_FOUND, "no job `j-none`");
    bench.get("/v1/jobs/x?wait=11m").await.is_problem(StatusCode::NOT_FOUND, "no job");
}

#[tokio::test]
async fn tokens_that_cannot_be_are_refused() {
    let bench = Bench::open().await;
    let wrong = [
        (json!({"name": "", "role": "viewer"}), "between 1 and 100"),
        (json!({"name": "x", "role": "king"}), "unknown variant `king`"),
        (json!({"name": "x", "role": "viewer", "project": "A"}), "cannot be a project"),
        (json!({"name": "x", "role": "viewer", "expires_at": "2001-01-01T00:00:00Z"}), "is over already"),
        (json!({"name": "x", "role": "viewer", "expires_at": "tomorrow"}), "is no time"),
    ];
    for (body, part) in wrong {
        bench.post("/v1/tokens", &body).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, part);
    }
    bench.delete("/v1/tokens/x").await.is_problem(StatusCode::NOT_FOUND, "no token `x`");
}

#[tokio::test]
async fn a_webhook_is_made_with_a_secret_that_is_shown_once() {
    let bench = Bench::open().await;
    let body = json!({"url": "https://1.1.1.1/hook", "kinds": ["graph"], "project": "lab"});
    let said = bench.post("/v1/webhooks", &body).await;
    assert_eq!((said.status, said.header(header::CACHE_CONTROL)), (201, "no-store"), "{}", said.text());
    let made = said.json();
    let secret = made["secret"].as_str().unwrap();
    assert!(secret.len() >= 16);
    let listed = bench.get("/v1/webhooks").await;
    assert_eq!(listed.json()["items"][0]["url"], "https://1.1.1.1/hook");
    assert!(!listed.text().contains(secret));
    let path = format!("/v1/webhooks/{}", made["webhook"]["id"].as_str().unwrap());
    assert_eq!(bench.delete(&path).await.status, 204);
    bench.delete(&path).await.is_problem(StatusCode::NOT_FOUND, "no webhook");

    let wrong = [
        (json!({"url": "http://127.0.0.1:9090/-/quit"}), "which is private"),
        (json!({"url": "http://169.254.169.254/latest/meta-data"}), "which is private"),
        (json!({"url": "http://[::ffff:10.0.0.1]/"}), "which is private"),
        (json!({"url": "ftp://1.1.1.1/"}), "no address of the web"),
        (json!({"url": "https://user:pw@1.1.1.1/"}), "a user name"),
        (json!({"url": "https://1.1.1.1/", "secret": "short"}), "between 16 and 256"),
        (json!({"url": "https://1.1.1.1/", "kinds": ["Graph Deployed"]}), "is no kind"),
    ];
    for (body, part) in wrong {
        bench.post("/v1/webhooks", &body).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, part);
    }
}

#[tokio::test]
async fn policies_are_listed_with_their_knobs() {
    let bench = Bench::open().await;
    let all = bench.get("/v1/policies").await.json();
    let of = |name: &str| all["items"].as_array().unwrap().iter().find(|one| one["name"] == name).cloned();
    let rate = of("rate").unwrap();
    assert_eq!(rate["half"], "scaling");
    assert!(rate["parameters"].as_array().unwrap().iter().any(|knob| knob["name"] == "headroom"), "{rate}");
    assert!(
        of("greedy").is_some_and(|one| one["half"] == "placement")
            && of("nephele").is_some_and(|one| one["half"] == "joint")
    );
    assert!(of("exec").is_none(), "programs are not started for callers");
    for policy in all["items"].as_array().unwrap() {
        let body = json!({"name": "lab", "policy": policy["name"]});
        let said = bench.send("PUT", "/v1/projects/lab", &json!({"policy": body["policy"]})).await;
        assert_eq!(said.status, 200, "{policy} is listed and refused: {}", said.text());
    }
}

#[tokio::test]
async fn who_asks_is_told_who_they_are() {
    let bench = Bench::open().await;
    assert_eq!(bench.get("/v1/whoami").await.json(), json!({"name": "anonymous", "role": "admin"}));
}
