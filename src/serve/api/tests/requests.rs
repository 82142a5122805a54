//! Requests that are strange, sent again, or too many.

use super::others::cluster;
use super::{Bench, Settings, descriptor, hosts, json_request, local};
use crate::serve::store::rows::ClusterRow;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use std::time::Duration;

fn keyed(key: &str, path: &str, body: &Value) -> Request<Body> {
    let mut request = json_request("POST", path, body);
    request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    request
}

#[tokio::test]
async fn a_parameter_that_nobody_reads_is_refused_by_name_with_those_that_are_known() {
    let bench = Bench::open().await;
    let said = bench.get("/v1/graphs?limt=5").await;
    said.is_problem(
        StatusCode::BAD_REQUEST,
        "unknown query parameter `limt`; known here: `project`, `phase`, `limit`, `cursor`",
    );
    bench.get("/v1/whoami?x=1").await.is_problem(StatusCode::BAD_REQUEST, "none is known here");
    for open in ["/healthz?x=1", "/readyz?x=1"] {
        bench.get(open).await.is_problem(StatusCode::BAD_REQUEST, "unknown query parameter `x`");
    }
    bench.get("/clusters?bogus").await.is_problem(StatusCode::BAD_REQUEST, "unknown query parameter `bogus`");
    bench.get("/v1/graphs?limit=5&limit=6").await.is_problem(StatusCode::BAD_REQUEST, "duplicate");
    bench.get("/v1/graphs?limit=five").await.is_problem(StatusCode::BAD_REQUEST, "limit");
    assert_eq!(bench.get("/v1/graphs?").await.status, 200);
}

#[tokio::test]
async fn what_is_not_served_and_methods_that_are_not_are_problems() {
    let bench = Bench::open().await;
    bench.get("/v2/graphs").await.is_problem(StatusCode::NOT_FOUND, "nothing is served at `/v2/graphs`");
    bench.get("/v1/projects/lab/graphs/").await.is_problem(StatusCode::NOT_FOUND, "nothing is served");
    let said = bench.send("PATCH", "/v1/graphs", &json!({})).await;
    said.is_problem(StatusCode::METHOD_NOT_ALLOWED, "`Allow`");
    assert_eq!(said.header(header::ALLOW), "GET,HEAD");
    let head = bench.ask(Request::head("/v1/graphs").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let bench = Bench::open().await;
    let request = Request::post("/v1/projects/lab/graphs").header(header::CONTENT_TYPE, "text/plain");
    let said = bench.ask(request.body(Body::from("x")).unwrap()).await;
    said.is_problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "`text/plain` is not read; send `application/json`");
    let said = bench.ask(Request::post("/v1/tokens").body(Body::from("{}")).unwrap()).await;
    said.is_problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "there is no content type");
    let request = Request::post("/v1/tokens").header(header::CONTENT_TYPE, "application/json");
    let said = bench.ask(request.body(Body::from("{")).unwrap()).await;
    said.is_problem(StatusCode::BAD_REQUEST, "the JSON is broken");
}

#[tokio::test]
async fn a_request_that_is_sent_again_with_its_key_is_answered_as_before_and_done_once() {
    let bench = Bench::open().await;
    let path = "/v1/projects/lab/graphs";
    let first = bench.ask(keyed("k-1", path, &descriptor("a"))).await;
    assert_eq!((first.status, first.header("idempotency-replayed")), (202, ""));
    let again = bench.ask(keyed("k-1", path, &descriptor("a"))).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (202, "true"), "{}", again.text());
    assert_eq!(again.body, first.body);
    assert_eq!(again.header(header::LOCATION), first.header(header::LOCATION));
    assert_eq!(bench.get("/v1/jobs").await.json()["items"].as_array().unwrap().len(), 1);

    let other = bench.ask(keyed("k-1", path, &descriptor("b"))).await;
    other.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "the key `k-1` came with another request before");
    let strange = bench.ask(keyed(&"k".repeat(256), path, &descriptor("b"))).await;
    strange.is_problem(StatusCode::BAD_REQUEST, "`Idempotency-Key`");
}

#[tokio::test]
async fn a_long_answer_to_a_key_is_given_and_given_again() {
    let bench = Bench::open().await;
    let long = ClusterRow { region: "a".repeat(5 << 20), ..cluster("member1") };
    bench.double.say(|says| says.clusters = Some(Ok(vec![long])));
    let first = bench.ask(keyed("k", "/v1/clusters/sync", &Value::Null)).await;
    assert_eq!(first.status, 200, "{} bytes", first.body.len());
    let again = bench.ask(keyed("k", "/v1/clusters/sync", &Value::Null)).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"));
    assert!(again.body == first.body && first.body.len() > 5 << 20);
}

#[tokio::test]
async fn what_did_not_work_may_be_tried_again_with_the_same_key() {
    let bench = Bench::open().await;
    let path = "/v1/projects/lab/graphs";
    bench.deployed("lab", "a").await;
    assert_eq!(bench.ask(keyed("k-1", path, &descriptor("a"))).await.status, 409);
    assert_eq!(bench.delete(&format!("{path}/a?wait=10s")).await.status, 200);
    assert_eq!(bench.ask(keyed("k-1", path, &descriptor("a"))).await.status, 202);
}

#[tokio::test]
async fn a_secret_is_not_kept_for_a_key_and_what_is_not_served_is_said_before_keys_are_looked_at() {
    let bench = Bench::open().await;
    let body = json!({"name": "x", "role": "viewer"});
    let first = bench.ask(keyed("k", "/v1/tokens", &body)).await.json();
    let second = bench.ask(keyed("k", "/v1/tokens", &body)).await.json();
    assert_ne!(first["secret"], second["secret"]);
    assert_eq!(bench.ask(keyed("k k", "/v1/graphs", &body)).await.status, 405);
    assert_eq!(bench.ask(keyed("k k", "/v1/nowhere", &body)).await.status, 404);
}

#[tokio::test]
async fn a_key_whose_request_is_being_done_is_a_conflict_on_every_server() {
    let bench = Bench::open().await;
    let elsewhere = bench.another();
    bench.double.say(|says| says.idles = true);
    let path = "/v1/projects/lab/graphs?wait=5s";
    let (first, seconds) = tokio::join!(bench.ask(keyed("k", path, &descriptor("a"))), async {
        // The first waits for a job that nobody does.
        while bench.get("/v1/graphs").await.json()["items"] == json!([]) {}
        let here = bench.ask(keyed("k", path, &descriptor("a"))).await;
        let there = elsewhere.ask(keyed("k", path, &descriptor("a"))).await;
        bench.double.say(|says| says.idles = false);
        crate::serve::api::Acts::wake(&*bench.double);
        [here, there]
    });
    assert_eq!(first.status, 200, "{}", first.text());
    for second in seconds {
        second.is_problem(StatusCode::CONFLICT, "is being done");
    }
    let again = elsewhere.ask(keyed("k", path, &descriptor("a"))).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"), "{}", again.text());
}

/// The connection of whoever waits for a job breaks: the change is gone through with, is in the audit log, and its key is remembered.
#[tokio::test]
async fn whoever_hangs_up_has_asked_all_the_same() {
    let bench = Bench::open().await;
    bench.double.say(|says| says.idles = true);
    let path = "/v1/projects/lab/graphs?wait=30s";
    tokio::select! {
        said = bench.ask(keyed("k", path, &descriptor("a"))) => panic!("nobody does the job: {said:?}"),
        () = async { while bench.get("/v1/graphs").await.json()["items"] == json!([]) {} } => {}
    }
    assert_eq!(bench.get("/v1/audit").await.json()["items"], json!([]), "it is not through");
    bench.double.say(|says| says.idles = false);
    crate::serve::api::Acts::wake(&*bench.double);
    let written = async { while bench.get("/v1/audit").await.json()["items"] == json!([]) {} };
    tokio::time::timeout(Duration::from_secs(20), written).await.expect("it is written down");
    let rows = bench.get("/v1/audit").await.json();
    assert_eq!(
        (&rows["items"][0]["path"], &rows["items"][0]["status"]),
        (&json!("/v1/projects/lab/graphs"), &json!(200))
    );
    let again = bench.ask(keyed("k", path, &descriptor("a"))).await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (200, "true"), "{}", again.text());
}

#[tokio::test]
async fn who_asks_too_often_is_told_to_wait_and_the_health_of_the_server_is_always_told() {
    let settings =
        Settings { body_bytes: 1 << 20, requests_per_second: 1, burst: 3, webhook_hosts: hosts(), names: local() };
    let bench = Bench::with(settings, false).await;
    let mut last = bench.get("/v1/whoami").await;
    for _ in 0..3 {
        last = bench.get("/v1/whoami").await;
    }
    last.is_problem(StatusCode::TOO_MANY_REQUESTS, "too many requests");
    assert_eq!(last.header(header::RETRY_AFTER), "1");
    for _ in 0..10 {
        assert_eq!(bench.get("/healthz").await.status, 200);
    }
}

#[tokio::test]
async fn whoever_guesses_tokens_is_told_to_wait() {
    let settings =
        Settings { body_bytes: 1 << 20, requests_per_second: 1, burst: 2, webhook_hosts: hosts(), names: local() };
    let bench = Bench::with(settings, true).await;
    let mut statuses = Vec::new();
    for guess in 0..4 {
        statuses.push(bench.ask_as(&format!("smo_{guess}"), "GET", "/v1/graphs", None).await.status);
    }
    assert_eq!(statuses, [401, 401, 429, 429]);
    let good = bench.token(crate::serve::store::rows::Role::Viewer, None).await;
    assert_eq!(bench.ask_as(&good, "GET", "/v1/graphs", None).await.status, 200, "a caller is not an address");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_wherever_it_is_read() {
    let settings =
        Settings { body_bytes: 1_000, requests_per_second: 0, burst: 0, webhook_hosts: hosts(), names: local() };
    let bench = Bench::with(settings, false).await;
    let body = json!({"alerts": [], "x": "a".repeat(1_000)});
    bench.post("/v1/alerts", &body).await.is_problem(StatusCode::PAYLOAD_TOO_LARGE, "");
    bench.ask(keyed("k", "/v1/alerts", &body)).await.is_problem(StatusCode::PAYLOAD_TOO_LARGE, "over 1000 bytes");
}

#[tokio::test]
async fn a_request_has_the_id_that_it_came_with_or_one_of_ours() {
    let bench = Bench::open().await;
    let request = Request::get("/v1/whoami").header("x-request-id", "trace-7").body(Body::empty()).unwrap();
    assert_eq!(bench.ask(request).await.header("x-request-id"), "trace-7");
    let (one, other) = (bench.get("/v1/whoami").await, bench.get("/v1/whoami").await);
    assert_ne!(one.header("x-request-id"), other.header("x-request-id"));
}

#[tokio::test]
async fn a_mistake_of_ours_is_a_500_with_the_id_under_which_the_log_has_it() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    bench.double.say(|says| says.panics = true);
    let said = bench.get("/v1/projects/lab/graphs/a/plan").await;
    said.is_problem(StatusCode::INTERNAL_SERVER_ERROR, "a mistake of ours");
    assert!(!said.text().contains("a test plants"), "its words stay in the log");
}
