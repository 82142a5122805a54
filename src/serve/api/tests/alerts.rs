//! What Alertmanager posts.

use super::{Bench, json_request};
use crate::backend::live::clock;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

fn alert(number: usize, state: &str) -> Value {
    json!({
        "status": state, "startsAt": "2026-11-30T08:15:00Z", "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": format!("{number:016x}"), "generatorURL": "http://prometheus/graph",
        "labels": {"alertname": "busy", "service": format!("service-{number}"), "strange": "label"}, "annotations": {"summary": "x"},
    })
}

fn payload(alerts: &[Value]) -> Value {
    json!({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "smo",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager", "alerts": alerts,
    })
}

#[tokio::test]
async fn alerts_begin_end_and_are_told_again_without_doing_anything_twice() {
    let bench = Bench::open().await;
    let firing = payload(&[alert(1, "firing"), alert(2, "firing")]);
    let said = bench.post("/v1/alerts", &firing).await;
    let counts = |taken: u64, repeated: u64| json!({"taken": taken, "repeated": repeated, "unknown": 0, "unreadable": 0, "left_out": 0});
    assert_eq!((said.status, said.json()), (200, counts(2, 0)), "{}", said.text());
    assert_eq!(bench.post("/v1/alerts", &firing).await.json(), counts(0, 2));
    let resolved = payload(&[alert(1, "resolved"), alert(2, "firing")]);
    assert_eq!(bench.post("/v1/alerts", &resolved).await.json(), counts(1, 1));
}

#[tokio::test]
async fn an_alert_that_cannot_be_read_does_not_take_the_others_with_it() {
    let bench = Bench::open().await;
    let mut nobodys = alert(3, "firing");
    nobodys["labels"].as_object_mut().unwrap().remove("service");
    let said =
        bench.post("/v1/alerts", &payload(&[json!({"labels": 5}), json!(null), nobodys, alert(1, "firing")])).await;
    assert_eq!(said.json(), json!({"taken": 1, "repeated": 0, "unknown": 1, "unreadable": 2, "left_out": 0}));
}

#[tokio::test]
async fn what_is_no_payload_is_refused() {
    let bench = Bench::open().await;
    bench.post("/v1/alerts", &json!({})).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "missing field `alerts`");
    bench.post("/v1/alerts", &json!({"alerts": {}})).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "a sequence");
    let below = json!({"alerts": [], "truncatedAlerts": -1});
    bench.post("/v1/alerts", &below).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "`truncatedAlerts`");
    let many = payload(&vec![Value::Null; 20_001]);
    bench.post("/v1/alerts", &many).await.is_problem(StatusCode::UNPROCESSABLE_ENTITY, "at most 20000");
}

/// Our own part: reading and answering. Nothing is timed closely, but minutes would be wrong.
#[tokio::test]
async fn a_thousand_alerts_are_taken_at_once() {
    let bench = Bench::open().await;
    let alerts: Vec<Value> = (0..1_000).map(|number| alert(number, "firing")).collect();
    let request = json_request("POST", "/v1/alerts", &payload(&alerts));
    let began = clock::now();
    let said = bench.ask(request).await;
    let took = began.elapsed();
    assert_eq!(said.json()["taken"], 1_000);
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn the_originals_route_answers_as_the_original() {
    let bench = Bench::open().await;
    let body = payload(&[alert(1, "firing")]);
    let said = bench.post("/alerts", &body).await;
    assert_eq!((said.status, said.json()), (200, json!({"message": "Alert received", "data": body})));
    let said = bench.post("/alerts", &json!({})).await;
    assert_eq!((said.status, said.text().as_str()), (400, "missing field `alerts`\n"));
}
