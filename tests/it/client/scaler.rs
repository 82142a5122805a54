//! `smo scaler run` against a control plane and a Prometheus that answer what a test says.

use super::smo_with;
use super::stub::{Answer, Request, Stub};
use serde_json::{Value, json};
use std::path::Path;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/demo/deployments/web";

/// A control plane with a Deployment of two replicas, and perhaps an autoscaler on it; what is not said is not there.
fn control_plane(autoscaler: bool) -> Stub {
    Stub::answering(move |request: &Request| match request.line.split('?').next().unwrap() {
        line if line == format!("GET {DEPLOYMENT}") => Answer::json(
            200,
            &json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2}}),
        ),
        line if line == format!("PATCH {DEPLOYMENT}/scale") => {
            Answer::json(200, &json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}}))
        }
        "GET /apis/autoscaling/v2/namespaces/demo/horizontalpodautoscalers" if autoscaler => {
            let target = json!({"scaleTargetRef": {"kind": "Deployment", "name": "web"}});
            let item = json!({"metadata": {"name": "web-hpa"}, "spec": target});
            Answer::json(200, &json!({"apiVersion": "autoscaling/v2", "kind": "List", "metadata": {}, "items": [item]}))
        }
        _ => Answer::json(
            404,
            &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "not found", "reason": "NotFound", "code": 404}),
        ),
    })
}

/// A Prometheus that has this rate; `None` where it has none.
fn prometheus(rate: Option<&'static str>) -> Stub {
    Stub::answering(move |_| {
        let result: Vec<Value> = rate.iter().map(|rate| json!({"metric": {}, "value": [1.0, rate]})).collect();
        Answer::json(200, &json!({"status": "success", "data": {"resultType": "vector", "result": result}}))
    })
}

fn run(home: &Path, (plane, prometheus): (&Stub, &Stub), more: &[&str]) -> crate::program::Said {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": plane.url}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    });
    std::fs::write(home.join("config"), config.to_string()).unwrap();
    let mut arguments = vec!["scaler", "run", "--kubeconfig", "config", "--prometheus", &prometheus.url];
    arguments.extend(["--target-deployment", "web", "--target-namespace", "demo", "--once"]);
    arguments.extend(["--up-threshold", "20", "--up-replicas", "5", "--down-replicas", "1"]);
    arguments.extend(more);
    if !more.contains(&"--down-threshold") {
        arguments.extend(["--down-threshold", "5"]);
    }
    smo_with(home, &arguments, "")
}

fn written(plane: &Stub) -> Vec<Value> {
    let patches = plane.seen().into_iter().filter(|request| request.line.starts_with("PATCH"));
    patches.map(|request| serde_json::from_str(&request.body).unwrap()).collect()
}

#[test]
fn a_rate_above_the_threshold_scales_the_deployment_of_the_named_namespace() {
    let home = tempfile::tempdir().unwrap();
    let (plane, metrics) = (control_plane(false), prometheus(Some("25")));
    let said = run(home.path(), (&plane, &metrics), &["--format", "json"]).well();
    let answer: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(
        (&answer["action"], &answer["current_replicas"], &answer["new_replicas"]),
        (&json!("scale_up"), &json!(2), &json!(5))
    );
    assert_eq!(answer["reason"], "Request rate 25.00 RPS exceeded scale-up threshold of 20.00 RPS.");
    assert_eq!(written(&plane), [json!({"spec": {"replicas": 5}})]);
    assert!(plane.lines().iter().any(|line| line.starts_with(&format!("PATCH {DEPLOYMENT}/scale"))));
    let asked = metrics.lines().pop().unwrap();
    assert!(asked.contains("http_requests_total%7Bjob%3D%22web%22%7D%5B1m%5D"), "{asked}");
}

#[test]
fn a_rate_that_is_not_there_or_no_number_holds_the_replicas() {
    let home = tempfile::tempdir().unwrap();
    for rate in [None, Some("NaN")] {
        let (plane, metrics) = (control_plane(false), prometheus(rate));
        let said = run(home.path(), (&plane, &metrics), &[]).well();
        assert!(said.out.contains("none") && said.out.contains("Could not retrieve metrics"), "{}", said.out);
        assert_eq!(written(&plane), Vec::<Value>::new());
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (plane, metrics) = (control_plane(false), prometheus(Some("1")));
    let said = run(home.path(), (&plane, &metrics), &["--dry-run"]).well();
    assert!(said.out.contains("would  scale_down  2 → 1"), "{}", said.out);
    assert_eq!(written(&plane), Vec::<Value>::new());
}

#[test]
fn thresholds_out_of_order_and_a_deployment_that_another_scales_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let (plane, metrics) = (control_plane(true), prometheus(Some("25")));
    run(home.path(), (&plane, &metrics), &["--down-threshold", "20"]).refused(2, "--down-threshold 20 is not below");
    run(home.path(), (&plane, &metrics), &[]).refused(2, "HorizontalPodAutoscaler `web-hpa` scales Deployment `web`");
    assert_eq!(written(&plane), Vec::<Value>::new());
}
