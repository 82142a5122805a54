//! L09: a rule of a graph goes to Prometheus, its alert through Alertmanager to our receiver: each episode once.

use super::stack::{Stack, stack};
use serde_json::{Value, json};
use smo::backend::live::alerts::{Alert, Inbox, Listener, State};
use smo::backend::live::outside::Class;
use smo::backend::live::prometheus::Prometheus;
use smo::backend::live::rules::{Files, Operator, Place, RuleSet, Rules, Trigger};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;

const NAMESPACE: &str = "smo-l09";
const PATIENCE: Duration = Duration::from_secs(30);

/// Where Alertmanager of the stack posts.
async fn inbox() -> (Inbox, Receiver<Alert>, Listener) {
    let (inbox, alerts) = Inbox::new(64, None);
    let listener = inbox.listen("127.0.0.1:8000".parse().unwrap(), "/alerts").await.expect("nobody else listens there");
    (inbox, alerts, listener)
}

/// The level of two services, as the exporter shows it and Prometheus has seen it.
async fn levels(stack: &Stack, front: u32, back: u32) {
    smo::backend::live::tls::install();
    let line =
        |service, value| json!({"name": "l09_level", "kind": "gauge", "labels": {"service": service}, "value": value});
    let lines = format!("{}\n{}", line("front", front), line("back", back));
    let url = format!("{}/series", stack.address("exporter"));
    let answer = reqwest::Client::new().put(url).body(lines).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let prometheus = Prometheus::new(&stack.address("prometheus")).unwrap();
    let wanted = format!("l09_level{{service=\"front\"}} == {front} and on () l09_level{{service=\"back\"}} == {back}");
    let seen = async {
        while prometheus.query(&wanted).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("it is scraped");
}

fn set(graph: &str, expr: &str) -> RuleSet {
    let labels = BTreeMap::from([("severity".to_owned(), "critical".to_owned())]);
    let alert = format!("L09{graph}");
    let trigger = Trigger { alert, expr: expr.to_owned(), lasting: Duration::ZERO, labels };
    RuleSet::new("l09", graph, vec![trigger]).unwrap()
}

async fn next(alerts: &mut Receiver<Alert>, graph: &str) -> (State, String) {
    let ours = async {
        loop {
            let alert = alerts.recv().await.expect("the listener runs");
            if alert.labels.get("smo_graph").is_some_and(|of| of == graph) {
                return (alert.state, alert.labels["service"].clone());
            }
        }
    };
    tokio::time::timeout(PATIENCE, ours).await.expect("an alert comes")
}

async fn loaded(prometheus: &Prometheus, group: &str) -> bool {
    prometheus.rule_groups().await.unwrap().iter().any(|loaded| loaded.name == group)
}

fn object(stack: &Stack, set: &RuleSet) -> Option<Value> {
    stack.get("karmada", &["prometheusrule", &set.name(), "-n", NAMESPACE])
}

async fn by_operator(stack: &Stack, prometheus: &Arc<Prometheus>) -> Rules {
    smo::backend::live::tls::install();
    stack.apply("karmada", &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}));
    let kubeconfig = kube::config::Kubeconfig::read_from(stack.kubeconfig("karmada")).unwrap();
    let config =
        kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.unwrap();
    let client = kube::Client::try_from(config).unwrap();
    let labels = BTreeMap::from([("release".to_owned(), "stack".to_owned())]);
    let place = Place::Operator(Box::new(Operator::new(client, NAMESPACE, labels)));
    Rules::new(Arc::clone(prometheus), place, PATIENCE)
}

#[tokio::test(flavor = "multi_thread")]
async fn l09_an_alert_comes_once_and_ends_once() {
    let Some(stack) = stack("l09") else { return };
    let (inbox, mut alerts, _listener) = inbox().await;
    let prometheus = Arc::new(Prometheus::new(&stack.address("prometheus")).unwrap());
    let rules = by_operator(&stack, &prometheus).await;
    levels(&stack, 0, 0).await;
    // A name of this run's own: Alertmanager still knows the alerts of a run that was interrupted.
    let graph = format!("graph-{}", std::process::id());
    let set = set(&graph, "l09_level > 1");
    rules.apply(&set).await.unwrap();
    let written = object(&stack, &set).expect("it is written");
    assert_eq!(written["spec"]["groups"][0]["rules"][0]["expr"], "l09_level > 1");
    assert_eq!(written["metadata"]["labels"], json!({"release": "stack", "app.kubernetes.io/managed-by": "smo"}));

    levels(&stack, 5, 0).await;
    assert_eq!(next(&mut alerts, &graph).await, (State::Firing, "front".to_owned()));
    // Another alert of the group makes Alertmanager tell the first one again; the receiver does not.
    levels(&stack, 5, 5).await;
    assert_eq!(next(&mut alerts, &graph).await, (State::Firing, "back".to_owned()));
    assert!(inbox.counts().repeated >= 1, "{:?}", inbox.counts());
    levels(&stack, 0, 0).await;
    let mut ended = [next(&mut alerts, &graph).await, next(&mut alerts, &graph).await];
    ended.sort();
    assert_eq!(ended, [(State::Resolved, "back".to_owned()), (State::Resolved, "front".to_owned())]);
    assert!(alerts.try_recv().is_err(), "nothing came twice");

    rules.apply(&set).await.unwrap();
    rules.remove(&set).await.unwrap();
    assert!(object(&stack, &set).is_none() && !loaded(&prometheus, &set.name()).await);
    rules.remove(&set).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn l09_wrong_expressions_are_refused_before_anything_is_written() {
    let Some(stack) = stack("l09") else { return };
    let prometheus = Arc::new(Prometheus::new(&stack.address("prometheus")).unwrap());
    let rules = by_operator(&stack, &prometheus).await;
    for (wrong, says) in
        [("l09_level >", "parse error"), ("rate(l09_level)", "parse error"), ("l09_level[5m]", "range vector")]
    {
        let set = set("wrong", wrong);
        let error = rules.apply(&set).await.unwrap_err();
        assert_eq!(error.class, Class::Permanent);
        assert!(error.reason.contains(says) && error.reason.contains("L09wrong"), "{error}");
        assert!(object(&stack, &set).is_none());
    }
}

/// Without an operator: a file that Prometheus reads, and one that it refuses is put back.
#[tokio::test(flavor = "multi_thread")]
async fn l09_rules_are_files_where_no_operator_runs() {
    let Some(stack) = stack("l09") else { return };
    let folder = stack.run.join("rules");
    let prometheus = Arc::new(Prometheus::new(&stack.address("prometheus")).unwrap());
    let rules = Rules::new(Arc::clone(&prometheus), Place::Files(Files::new(folder.clone())), PATIENCE);
    let file = folder.join("smo-l09.file.yaml");
    rules.apply(&set("file", "l09_level > 100")).await.unwrap();
    rules.apply(&set("file", "l09_level > 200")).await.unwrap();
    let written = std::fs::read(&file).unwrap();
    let bad_label = BTreeMap::from([("no label".to_owned(), "x".to_owned())]);
    let trigger = Trigger { alert: "x".to_owned(), expr: "up".to_owned(), lasting: Duration::ZERO, labels: bad_label };
    let error = rules.apply(&RuleSet::new("l09", "file", vec![trigger]).unwrap()).await.unwrap_err();
    assert_eq!(error.class, Class::Permanent, "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), written, "it was put back");
    assert!(loaded(&prometheus, "smo-l09.file").await);
    rules.remove(&set("file", "up")).await.unwrap();
    assert!(!file.exists() && !loaded(&prometheus, "smo-l09.file").await);
}

/// The client of Prometheus on the real one: values, gaps, emptiness, and its words for what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn l09_prometheus_is_read_as_it_is() {
    let Some(stack) = stack("l09") else { return };
    let prometheus = Prometheus::new(&stack.address("prometheus")).unwrap();
    prometheus.ready().await.unwrap();
    levels(&stack, 7, 8).await;
    let front = prometheus.query("l09_level{service=\"front\"}").await.unwrap();
    assert_eq!((front.len(), front[0].labels["service"].as_str()), (1, "front"));
    assert!((front[0].value - 7.0).abs() < 1e-9);
    assert_eq!(prometheus.query("l09_nothing").await.unwrap(), []);
    assert_eq!(prometheus.query("vector(0) / vector(0)").await.unwrap(), []);
    let error = prometheus.query("l09_level(").await.unwrap_err();
    assert_eq!((error.status, error.class), (Some(400), Class::Permanent));
    assert_eq!(prometheus.query("l09_level * on () l09_level").await.unwrap_err().status, Some(422));
    // Twice as many steps as one answer holds: at ten a second, most of them before there was anything.
    let until = prometheus.query("time()").await.unwrap()[0].at;
    let (step, during) = (Duration::from_millis(100), until.saturating_sub(Duration::from_secs(2_000))..=until);
    let series = prometheus.query_range("timestamp(l09_level)", during.clone(), step).await.unwrap();
    assert!(series.iter().all(|one| one.points.windows(2).all(|two| two[0].0 < two[1].0)));
    assert!(series.iter().all(|one| one.points.len() <= 20_001 && during.contains(&one.points[0].0)));
    assert_eq!(prometheus.query_range("vector(1)", during, step).await.unwrap()[0].points.len(), 20_001);
}
