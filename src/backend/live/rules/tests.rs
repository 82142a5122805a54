//! What is written where, in which order, and what is undone.

use super::{Files, Operator, Place, RuleSet, Rules, Trigger};
use crate::backend::live::outside::Class;
use crate::backend::live::prometheus::Prometheus;
use crate::backend::live::stub::{Exchange, Stub, exchange, get};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);
const OBJECTS: &str = "/apis/monitoring.coreos.com/v1/namespaces/monitoring/prometheusrules";

fn set(exprs: &[&str]) -> RuleSet {
    let trigger = |expr: &&str| Trigger {
        alert: "Late".to_owned(),
        expr: (*expr).to_owned(),
        lasting: Duration::from_secs(2),
        labels: BTreeMap::from([("service".to_owned(), "web".to_owned())]),
    };
    RuleSet::new("shop", "graph", exprs.iter().map(trigger).collect()).unwrap()
}

fn check(expr: &str, status: u16) -> Exchange {
    let answer = match status {
        200 => json!({"status": "success", "data": {"resultType": "vector", "result": []}}),
        _ => json!({"status": "error", "errorType": "bad_data", "error": "1:1: parse error"}),
    };
    get(&format!("/api/v1/query?query={expr}&time=0"), status, answer)
}

fn loaded(revision: Option<&str>) -> Exchange {
    let rule = |revision| json!({"name": "Late", "query": "up", "annotations": {"smo_revision": revision}});
    let group = revision.map(|revision| json!({"name": "smo-shop.graph", "rules": [rule(revision)]}));
    let groups: Vec<Value> = group.into_iter().collect();
    get("/api/v1/rules", 200, json!({"status": "success", "data": {"groups": groups}}))
}

fn reload(status: u16) -> Exchange {
    exchange(Method::POST, "/-/reload", status, &json!(null))
}

async fn by_files(script: Vec<Exchange>) -> (Stub, Rules, tempfile::TempDir) {
    let (stub, folder) = (Stub::of(script).await, tempfile::tempdir().unwrap());
    let prometheus = Arc::new(Prometheus::new(&stub.url).unwrap());
    let place = Place::Files(Files::new(folder.path().to_owned()));
    (stub, Rules::new(prometheus, place, PATIENCE), folder)
}

#[tokio::test]
async fn rules_are_checked_written_loaded_and_confirmed_then_removed() {
    let set = set(&["up"]);
    let old = "sha256:old";
    let revision = set.revision();
    let script = vec![
        loaded(Some(old)),
        check("up", 200),
        reload(200),
        loaded(None),
        loaded(Some(old)),
        loaded(Some(&revision)),
        // The second wish is the first one again.
        loaded(Some(&revision)),
        reload(200),
        loaded(None),
    ];
    let (stub, rules, folder) = by_files(script).await;
    rules.apply(&set).await.unwrap();
    rules.apply(&set).await.unwrap();
    let file = folder.path().join("smo-shop.graph.yaml");
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let labels = json!({"service": "web", "smo_graph": "graph", "smo_project": "shop"});
    let rule = json!({"alert": "Late", "expr": "up", "for": "2000ms", "labels": labels,
        "annotations": {"smo_revision": revision}});
    assert_eq!(written, json!({"groups": [{"name": "smo-shop.graph", "rules": [rule]}]}));
    rules.remove(&set).await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    stub.finish();
}

#[tokio::test]
async fn a_wrong_expression_is_refused_before_anything_is_written() {
    let (stub, rules, folder) = by_files(vec![loaded(None), check("up", 200), check("up%28", 400)]).await;
    let error = rules.apply(&set(&["up", "up("])).await.unwrap_err();
    assert_eq!(error.class, Class::Permanent);
    assert_eq!(error.reason, "the trigger `Late` cannot be a rule: bad_data: 1:1: parse error (status 400)");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    stub.finish();
}

#[tokio::test]
async fn a_file_that_prometheus_does_not_take_is_put_back_as_it_was() {
    let (stub, rules, folder) = by_files(vec![loaded(None), check("up", 200), reload(500), reload(500)]).await;
    let file = folder.path().join("smo-shop.graph.yaml");
    std::fs::write(&file, "before").unwrap();
    assert_eq!(rules.apply(&set(&["up"])).await.unwrap_err().class, Class::Permanent);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "before");
    // A set without triggers has no rules, so that it is a removal.
    assert!(rules.apply(&set(&[])).await.is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "before");
    stub.finish();
}

#[tokio::test]
async fn rules_that_are_not_loaded_in_time_are_reported() {
    let stub = Stub::of(vec![loaded(None), check("up", 200), reload(200), loaded(None)]).await;
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Files(Files::new(folder.path().to_owned()));
    let rules = Rules::new(Arc::new(Prometheus::new(&stub.url).unwrap()), place, Duration::ZERO);
    let error = rules.apply(&set(&["up"])).await.unwrap_err();
    assert_eq!((error.class, error.reason.as_str()), (Class::Retryable, "`smo-shop.graph` is not loaded after 0ns"));
    stub.finish();
}

fn by_operator(objects: &Stub, prometheus: &Stub) -> Rules {
    crate::backend::live::tls::install();
    let config = kube::Config::new(objects.url.parse().unwrap());
    let client = kube::Client::try_from(config).unwrap();
    let labels = BTreeMap::from([("release".to_owned(), "stack".to_owned())]);
    let place = Place::Operator(Box::new(Operator::new(client, "monitoring", labels)));
    Rules::new(Arc::new(Prometheus::new(&prometheus.url).unwrap()), place, PATIENCE)
}

fn object(owner: &str) -> Value {
    json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
        "metadata": {"name": "smo-shop.graph", "labels": {"app.kubernetes.io/managed-by": owner}}})
}

#[tokio::test]
async fn objects_are_applied_with_the_labels_of_the_installation_and_deleted() {
    let set = set(&["up"]);
    let one = format!("{OBJECTS}/smo-shop.graph");
    let absent = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404});
    let objects = Stub::of(vec![
        get(&one, 404, absent),
        exchange(Method::PATCH, &format!("{one}?&force=true&fieldManager=smo"), 200, &object("smo")),
        get(&one, 200, object("smo")),
        exchange(Method::DELETE, &format!("{one}?"), 200, &object("smo")),
    ])
    .await;
    let prometheus = Stub::of(vec![loaded(None), check("up", 200), loaded(Some(&set.revision())), loaded(None)]).await;
    let rules = by_operator(&objects, &prometheus);
    rules.apply(&set).await.unwrap();
    rules.remove(&set).await.unwrap();
    objects.finish();
    prometheus.finish();
    let written = &objects.bodies()[1];
    let labels = json!({"app.kubernetes.io/managed-by": "smo", "release": "stack"});
    assert_eq!((&written["metadata"]["labels"], &written["spec"]["groups"]), (&labels, &set.groups()));
}

/// A graph without events may have had some: its object goes, and no Prometheus is asked whether it has noticed.
#[tokio::test]
async fn an_object_is_deleted_without_asking_prometheus() {
    let one = format!("{OBJECTS}/smo-shop.graph");
    let gone = exchange(Method::DELETE, &format!("{one}?"), 200, &object("smo"));
    let objects = Stub::of(vec![get(&one, 200, object("smo")), gone]).await;
    let prometheus = Stub::of(Vec::new()).await;
    by_operator(&objects, &prometheus).delete(&set(&[])).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = Place::Files(Files::new(folder.path().to_owned()));
    let rules = Rules::new(Arc::new(Prometheus::new(&prometheus.url).unwrap()), place, PATIENCE);
    rules.delete(&set(&[])).await.unwrap();
    objects.finish();
    prometheus.finish();
}

#[tokio::test]
async fn an_object_of_somebody_else_is_left_alone() {
    let one = format!("{OBJECTS}/smo-shop.graph");
    let objects = Stub::of(vec![get(&one, 200, object("Helm")), get(&one, 200, object("Helm"))]).await;
    let prometheus = Stub::of(vec![loaded(None), check("up", 200)]).await;
    let rules = by_operator(&objects, &prometheus);
    for error in [rules.apply(&set(&["up"])).await.unwrap_err(), rules.remove(&set(&["up"])).await.unwrap_err()] {
        assert!(error.reason.contains("not ours"), "{error}");
    }
    objects.finish();
    prometheus.finish();
}

#[test]
fn names_and_revisions() {
    assert!(RuleSet::new("shop", "Graph", Vec::new()).is_err());
    let name = |project, graph| RuleSet::new(project, graph, Vec::new()).unwrap().name();
    let names = [name("shop", "graph"), name("shop-eu", "cart"), name("shop", "eu-cart")];
    assert_eq!(names, ["smo-shop.graph", "smo-shop-eu.cart", "smo-shop.eu-cart"]);
    assert_eq!(set(&["up"]).revision(), set(&["up"]).revision());
    assert_ne!(set(&["up"]).revision(), set(&["down"]).revision());
}
