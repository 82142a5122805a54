//! What is changed about a graph that stands, and on which conditions.

use super::{Bench, descriptor, json_request};
use crate::serve::engine::{EngineError, Trouble};
use axum::body::Body;
use axum::http::{HeaderName, Request, StatusCode, header};
use serde_json::{Value, json};

const BASE: &str = "/v1/projects/lab/graphs/a";

fn with(request: Request<Body>, name: HeaderName, value: &str) -> Request<Body> {
    let mut request = request;
    request.headers_mut().insert(name, value.parse().unwrap());
    request
}

/// Another descriptor of the same name.
fn other() -> Value {
    let mut other = descriptor("a");
    other["hdaGraph"]["version"] = json!("2.0.0");
    other
}

#[tokio::test]
async fn a_graph_is_changed_to_another_descriptor_or_made_where_there_is_none() {
    let bench = Bench::open().await;
    let said = bench.send("PUT", &format!("{BASE}?wait=10s"), &descriptor("a")).await;
    assert_eq!((said.status, &said.json()["generation"]), (200, &json!(1)), "{}", said.text());
    let said = bench.send("PUT", &format!("{BASE}?wait=10s"), &other()).await;
    assert_eq!((said.status, &said.json()["generation"]), (200, &json!(2)), "{}", said.text());
    assert_eq!(bench.get(&format!("{BASE}/descriptor")).await.json()["hdaGraph"]["version"], "2.0.0");
    assert_eq!(bench.get(&format!("{BASE}/jobs")).await.json()["items"][0]["kind"], "update");

    let said = bench.send("PUT", BASE, &descriptor("b")).await;
    said.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "hdaGraph.id is `b` and the path says `a`");
    let plan = bench.send("PUT", &format!("{BASE}?dry_run=true"), &descriptor("a")).await;
    assert_eq!((plan.status, plan.json()["targets"].is_object()), (200, true));
    assert_eq!(bench.get(BASE).await.json()["generation"], 2);
}

#[tokio::test]
async fn a_change_is_refused_where_something_else_was_wanted_since() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let tag = bench.get(BASE).await.header(header::ETAG).to_owned();
    bench.post(&format!("{BASE}/stop?wait=10s"), &Value::Null).await;

    let stale = with(json_request("PUT", BASE, &other()), header::IF_MATCH, &tag);
    bench.ask(stale).await.is_problem(StatusCode::PRECONDITION_FAILED, "the generation is 2 now");
    for (method, path) in [("POST", format!("{BASE}/start")), ("DELETE", BASE.to_owned())] {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        let said = bench.ask(with(request, header::IF_MATCH, &tag)).await;
        said.is_problem(StatusCode::PRECONDITION_FAILED, "read it again");
    }
    let tag = bench.get(BASE).await.header(header::ETAG).to_owned();
    let fresh = with(json_request("PUT", &format!("{BASE}?wait=10s"), &other()), header::IF_MATCH, &tag);
    assert_eq!(bench.ask(fresh).await.status, 200);

    let only_new = with(json_request("PUT", BASE, &other()), header::IF_NONE_MATCH, "*");
    bench.ask(only_new).await.is_problem(StatusCode::PRECONDITION_FAILED, "is there already");
    let nowhere = with(json_request("PUT", "/v1/projects/lab/graphs/b", &descriptor("b")), header::IF_MATCH, "*");
    bench.ask(nowhere).await.is_problem(StatusCode::PRECONDITION_FAILED, "there is no graph `b`");
}

#[tokio::test]
async fn a_graph_is_stopped_started_placed_anew_and_removed() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let stopped = bench.post(&format!("{BASE}/stop?wait=10s"), &Value::Null).await;
    assert_eq!((stopped.status, &stopped.json()["status"]["phase"]), (200, &json!("stopped")));
    let said = bench.post(&format!("{BASE}/re-place"), &Value::Null).await;
    said.is_problem(StatusCode::CONFLICT, "start it, which also places it anew");
    let started = bench.post(&format!("{BASE}/start?wait=10s"), &Value::Null).await;
    assert_eq!((started.status, &started.json()["status"]["phase"]), (200, &json!("running")));
    let placed = bench.post(&format!("{BASE}/re-place?wait=10s"), &Value::Null).await;
    assert_eq!((placed.status, &placed.json()["generation"]), (200, &json!(4)));
    let removed = bench.delete(&format!("{BASE}?wait=10s")).await;
    assert_eq!((removed.status, &removed.json()["kind"]), (200, &json!("remove")), "{}", removed.text());
    bench.get(BASE).await.is_problem(StatusCode::NOT_FOUND, "no graph `a`");
    bench.delete(BASE).await.is_problem(StatusCode::NOT_FOUND, "no graph `a`");
}

/// Each says what would be, and is done afterwards as if nobody had asked.
#[tokio::test]
async fn whatever_is_done_to_a_graph_can_be_asked_for_without_doing_it() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let audited = bench.app.store.audits(0, 100).await.unwrap();
    let (everywhere, nowhere) = (json!({"echo": {"member1": 1}, "helper": {"member1": 1}}), json!({}));
    for (method, action, wanted) in [
        ("POST", "/start", &everywhere),
        ("POST", "/re-place", &everywhere),
        ("POST", "/stop", &nowhere),
        ("DELETE", "", &nowhere),
    ] {
        let request = Request::builder().method(method).uri(format!("{BASE}{action}?dry_run=true"));
        let said = bench.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(said.status, 200, "{action}: {}", said.text());
        let mut targets = said.json()["targets"].clone();
        targets.as_object_mut().unwrap().retain(|_, places| *places != json!({}));
        assert_eq!(&targets, wanted, "{action}");
        assert_eq!(bench.get(BASE).await.json()["generation"], 1, "{action}");
    }
    assert_eq!(bench.app.store.audits(0, 100).await.unwrap(), audited);
    bench.post(&format!("{BASE}/stop?wait=10s"), &Value::Null).await;
    let said = bench.post(&format!("{BASE}/re-place?dry_run=true"), &Value::Null).await;
    said.is_problem(StatusCode::CONFLICT, "start it, which also places it anew");
}

#[tokio::test]
async fn a_graph_that_is_being_removed_is_left_to_that() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    bench.double.say(|says| says.idles = true);
    let first = bench.delete(BASE).await;
    assert_eq!(first.status, 202);
    let second = bench.delete(BASE).await;
    assert_eq!(
        (second.status, second.json()["id"].clone()),
        (202, first.json()["id"].clone()),
        "the same job is at it"
    );
    for action in ["start", "stop", "re-place"] {
        let said = bench.post(&format!("{BASE}/{action}"), &Value::Null).await;
        said.is_problem(StatusCode::CONFLICT, "is being removed");
    }
    bench
        .send("PUT", &format!("{BASE}/pause"), &json!({"reason": "x"}))
        .await
        .is_problem(StatusCode::CONFLICT, "removed");
    bench.send("PUT", BASE, &other()).await.is_problem(StatusCode::CONFLICT, "is being removed");
    // Reading it again, as a 412 would have it, does not help.
    let tag = bench.get(BASE).await.header(header::ETAG).to_owned();
    let fresh = with(json_request("PUT", BASE, &other()), header::IF_MATCH, &tag);
    bench.ask(fresh).await.is_problem(StatusCode::CONFLICT, "is being removed");
    bench.post("/v1/projects/lab/graphs", &descriptor("a")).await.is_problem(StatusCode::CONFLICT, "has a graph `a`");
}

#[tokio::test]
async fn a_job_that_something_newer_overtakes_is_a_conflict_for_whoever_waits() {
    let bench = Bench::open().await;
    bench.double.say(|says| says.idles = true);
    let first = bench.post("/v1/projects/lab/graphs", &descriptor("a")).await.json();
    bench.post(&format!("{BASE}/stop"), &Value::Null).await;
    let job = bench.get(&format!("/v1/jobs/{}?wait=10s", first["id"].as_str().unwrap())).await.json();
    assert_eq!(job["state"], "superseded");
}

#[tokio::test]
async fn a_graph_is_paused_with_a_reason_and_let_go_on() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let pause = format!("{BASE}/pause");
    let said = bench.send("PUT", &pause, &json!({"reason": "  the network is mended "})).await;
    assert_eq!((said.status, &said.json()["paused"]), (200, &json!("the network is mended")));
    assert_eq!(bench.get(BASE).await.json()["paused"], "the network is mended");
    let said = bench.delete(&pause).await;
    assert_eq!((said.status, said.json().get("paused")), (200, None));
    for (body, part) in
        [(json!({"reason": " "}), "`reason`"), (json!({}), "missing field `reason`"), (json!([]), "invalid")]
    {
        bench.send("PUT", &pause, &body).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, part);
    }
}

#[tokio::test]
async fn a_graph_is_compared_with_another_descriptor_and_stays_as_it_is() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let diff = bench.post(&format!("{BASE}/diff"), &other()).await;
    assert_eq!((diff.status, diff.json()), (200, json!({"same": false})));
    assert_eq!(bench.post(&format!("{BASE}/diff"), &descriptor("a")).await.json(), json!({"same": true}));
    assert_eq!(bench.get(BASE).await.json()["generation"], 1);
}

#[tokio::test]
async fn a_graph_is_said_to_be_paused_only_where_it_is() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let silent = EngineError::new(Trouble::Unreachable, "karmada does not answer");
    bench.double.say(|says| says.unpausable = Some(silent));
    let said = bench.send("PUT", &format!("{BASE}/pause"), &json!({"reason": "x"})).await;
    said.is_problem(StatusCode::SERVICE_UNAVAILABLE, "karmada does not answer");
    assert_eq!(bench.get(BASE).await.json().get("paused"), None);
    bench.double.say(|says| says.unpausable = None);
    bench.send("PUT", &format!("{BASE}/pause"), &json!({"reason": "x"})).await;
    bench.delete(&format!("{BASE}/pause")).await;
    assert_eq!(*bench.double.paused.lock().unwrap(), [Some("x".to_owned()), Some("x".to_owned()), None]);
}
