//! What is asked of Prometheus, and what becomes of its answers, also of the bad ones.

use super::super::stub::{Exchange, Stub, exchange, get};
use super::{Point, Prometheus, seconds};
use crate::backend::live::outside::Class;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const UP: &str = "/api/v1/query?query=up";

fn success(result_type: &str, result: &Value) -> Value {
    json!({"status": "success", "data": {"resultType": result_type, "result": result}, "warnings": ["ignored"]})
}

fn failure(kind: &str, error: &str) -> Value {
    json!({"status": "error", "errorType": kind, "error": error})
}

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn prometheus(script: Vec<Exchange>) -> (Stub, Prometheus) {
    let stub = Stub::of(script).await;
    let prometheus = Prometheus::new(&stub.url).unwrap();
    (stub, prometheus)
}

#[tokio::test]
async fn a_vector_is_its_finite_values_and_an_empty_one_is_not_zero() {
    let two = json!([
        {"metric": {"service": "web"}, "value": [1_790_000_000.123, "21.5"]},
        {"metric": {"service": "nan"}, "value": [1_790_000_000.123, "NaN"]},
        {"metric": {"service": "inf"}, "value": [1_790_000_000.123, "+Inf"]},
        {"metric": {"service": "histogram"}, "histogram": [1_790_000_000.123, {}]},
    ]);
    let script = vec![get(UP, 200, success("vector", &two)), get(UP, 200, success("vector", &json!([])))];
    let (stub, prometheus) = prometheus(script).await;
    let at = Duration::from_millis(1_790_000_000_123);
    assert_eq!(
        prometheus.query("up").await.unwrap(),
        [Point { labels: labels(&[("service", "web")]), at, value: 21.5 }]
    );
    assert_eq!(prometheus.query("up").await.unwrap(), []);
    stub.finish();
}

#[tokio::test]
async fn a_scalar_is_one_point_and_the_expression_is_encoded() {
    let target = "/api/v1/query?query=scalar%28sum%28rate%28x%7Ba%3D%22b%22%7D%5B5s%5D%29%29%29";
    let (stub, prometheus) = prometheus(vec![get(target, 200, success("scalar", &json!([3, "1e3"])))]).await;
    let prometheus = prometheus.with_token("secret");
    let points = prometheus.query("scalar(sum(rate(x{a=\"b\"}[5s])))").await.unwrap();
    assert_eq!(points, [Point { labels: labels(&[]), at: Duration::from_secs(3), value: 1000.0 }]);
    assert_eq!(stub.requests()[0].authorization, "Bearer secret");
    stub.finish();
}

#[tokio::test]
async fn wrong_expressions_are_permanent_and_in_the_words_of_prometheus() {
    let words = "invalid parameter \"query\": 1:3: parse error: unexpected end of input";
    let script = vec![
        get(UP, 400, failure("bad_data", words)),
        get(UP, 422, failure("execution", "many-to-many matching not allowed")),
        get(UP, 200, success("matrix", &json!([]))),
    ];
    let (stub, prometheus) = prometheus(script).await;
    for (status, says) in [(Some(400), words), (Some(422), "many-to-many"), (None, "a range vector")] {
        let error = prometheus.query("up").await.unwrap_err();
        assert_eq!((error.class, error.status), (Class::Permanent, status));
        assert!(error.reason.contains(says), "{error}");
    }
    stub.finish();
}

#[tokio::test]
async fn an_overloaded_prometheus_is_asked_again() {
    let again = get(UP, 503, failure("timeout", "query timed out")).header("retry-after", "0");
    let (stub, prometheus) = prometheus(vec![again, get(UP, 200, success("vector", &json!([])))]).await;
    assert_eq!(prometheus.query("up").await.unwrap(), []);
    assert_eq!((prometheus.outside().counts().calls, prometheus.outside().counts().tries), (1, 2));
    stub.finish();
}

#[tokio::test]
async fn garbage_is_named_as_such() {
    let value = json!([{"metric": {}, "value": [1, "many"]}]);
    let time = json!([{"metric": {}, "value": [-1, "1"]}]);
    let script = vec![
        get(UP, 200, json!(null)).raw(b"<html>login</html>"),
        get(UP, 200, success("vector", &value)),
        get(UP, 200, success("vector", &time)),
    ];
    let (stub, prometheus) = prometheus(script).await;
    for says in ["`<html>login</html>`", "`1 many`", "`-1 1`"] {
        let error = prometheus.query("up").await.unwrap_err();
        assert_eq!(error.class, Class::Permanent);
        assert!(error.reason.contains(says), "{error}");
    }
    stub.finish();
}

/// 11,001 points from 10 s by 1 s: the first piece ends at 10 + 10,999 s, the second is the one point after it.
#[tokio::test]
async fn a_long_range_is_asked_in_pieces_and_gaps_stay_gaps() {
    let piece = |start: &str, end: &str| format!("/api/v1/query_range?query=up&start={start}&end={end}&step=1.000");
    let matrix = |values: Value| success("matrix", &json!([{"metric": {"a": "b"}, "values": values}]));
    let script = vec![
        get(&piece("10.000", "11009.000"), 200, matrix(json!([[10, "1"], [11, "NaN"], [13, "2"]]))),
        get(&piece("11010.000", "11010.000"), 200, matrix(json!([[11010, "3"]]))),
    ];
    let (stub, prometheus) = prometheus(script).await;
    let at = Duration::from_secs;
    let series = prometheus.query_range("up", at(10)..=at(11_010), at(1)).await.unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0].points, [(at(10), 1.0), (at(13), 2.0), (at(11_010), 3.0)]);
    let error = prometheus.query_range("up", at(10)..=at(11), Duration::from_micros(5)).await.unwrap_err();
    assert_eq!(error.class, Class::Permanent);
    stub.finish();
}

#[tokio::test]
async fn a_check_costs_no_data_and_refuses_what_a_rule_cannot_hold() {
    let target = "/api/v1/query?query=up&time=0";
    let script = vec![get(target, 200, success("vector", &json!([]))), get(target, 200, success("matrix", &json!([])))];
    let (stub, prometheus) = prometheus(script).await;
    assert!(prometheus.check("up").await.is_ok());
    assert!(prometheus.check("up").await.is_err());
    stub.finish();
}

#[tokio::test]
async fn rules_are_read_and_a_reload_says_why_it_failed() {
    let rule =
        json!({"name": "Late", "query": "x > 1", "health": "ok", "state": "firing", "type": "alerting", "alerts": []});
    let groups = json!({"data": {"groups": [{"name": "smo-g", "file": "/r.yaml", "interval": 1, "rules": [rule]}]}});
    let post = |status, text: &[u8]| exchange(reqwest::Method::POST, "/-/reload", status, &json!(null)).raw(text);
    let script = vec![
        get("/api/v1/rules", 200, groups),
        get("/-/ready", 503, json!(null)),
        post(200, b""),
        post(500, b"couldn't load \"/r.yaml\""),
        post(403, b"Lifecycle API is not enabled."),
    ];
    let (stub, prometheus) = prometheus(script).await;
    let groups = prometheus.rule_groups().await.unwrap();
    assert_eq!((groups[0].name.as_str(), groups[0].rules[0].state.as_deref()), ("smo-g", Some("firing")));
    assert_eq!(prometheus.ready().await.unwrap_err().class, Class::Retryable);
    assert!(prometheus.reload().await.is_ok());
    for says in ["couldn't load", "--web.enable-lifecycle"] {
        let error = prometheus.reload().await.unwrap_err();
        assert_eq!(error.class, Class::Permanent);
        assert!(error.reason.contains(says), "{error}");
    }
    stub.finish();
}

#[test]
fn times_are_written_to_the_millisecond() {
    assert_eq!(seconds(Duration::from_millis(1_005)), "1.005");
}
