//! Dashboards against a stub of Grafana and a store in memory: what is asked, what is noted, and what an outage does.

use super::{Links, NOTES, bring, links, missing, of_clusters, of_graph, sweep};
use crate::backend::live::stub::{Exchange, Stub, exchange, get};
use crate::input::hdag::{Descriptor, parse};
use crate::serve::engine::context::Context;
use crate::serve::engine::settings::Settings;
use crate::serve::engine::stand_in;
use crate::serve::store::asked::{EventFilter, NewGraph};
use crate::serve::store::rows::{Graph, Options, ServiceStatus, Status};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const GRAPH: &str = "smo-shop-port";
const SERVICE: &str = "smo-shop_port_crane";

fn descriptor(services: &[&str]) -> Descriptor {
    let all = services
        .iter()
        .map(|id| format!("{{id: {id}, deployment: {{trigger: {{}}, intent: {{compute: {{cpu: light}}}}}}}}"));
    let text = format!("hdaGraph: {{id: port, services: [{}]}}", all.collect::<Vec<_>>().join(", "));
    parse(text, "graph").expect("it is one").0
}

fn settings(url: &str) -> Settings {
    stand_in::settings(&[("grafana.url", url), ("grafana.cluster_label", "source")])
}

async fn context(stub: &Stub) -> Arc<Context> {
    stand_in::context(settings(&stub.url)).await
}

async fn graph(context: &Context) -> Graph {
    let new = NewGraph {
        project: "shop".to_owned(),
        name: "port".to_owned(),
        descriptor: descriptor(&["crane"]).document(),
        source: None,
        options: Options::default(),
    };
    context.store.insert_graph(&new, "somebody").await.expect("it is new").0
}

fn health() -> Exchange {
    get("/api/health", 200, json!({"version": "6.1.6"}))
}

fn at(uid: &str) -> String {
    format!("/api/dashboards/uid/{uid}")
}

/// A dashboard that is not there yet is written.
fn written(uid: &str) -> [Exchange; 3] {
    [
        get("/api/folders/smo", 200, json!({"id": 3})),
        get(&at(uid), 404, json!({"message": "not found"})),
        exchange(Method::POST, "/api/dashboards/db", 200, &json!({})),
    ]
}

fn removed(uid: &str) -> Exchange {
    exchange(Method::DELETE, &at(uid), 200, &json!({}))
}

fn there(uid: &str) -> Exchange {
    get(&at(uid), 200, json!({"dashboard": {"version": 1}}))
}

async fn brought(context: &Context, graph: &Graph, services: &[&str]) -> bool {
    let dashboards = of_graph(&context.settings, graph, &descriptor(services));
    let grafana = context.settings.grafana.clone().expect("it is named");
    bring(context, &grafana, (graph, &dashboards)).await.is_ok()
}

async fn kinds(context: &Context) -> Vec<String> {
    let events = context.store.events(&EventFilter::default()).await.expect("the store answers");
    events.into_iter().map(|event| event.kind).filter(|kind| kind.starts_with("grafana")).collect()
}

#[tokio::test]
async fn dashboards_are_written_once_looked_for_changed_and_removed_with_their_graph() {
    let script = [vec![health()], written(GRAPH).into(), written(SERVICE).into()].concat_all();
    let stub = Stub::of(script).await;
    let context = context(&stub).await;
    let graph = graph(&context).await;
    assert!(brought(&context, &graph, &["crane"]).await);
    stub.finish();
    // Nothing has changed: it is only looked whether Grafana still has them.
    stub.expect(vec![health(), there(GRAPH)]);
    assert!(brought(&context, &graph, &["crane"]).await);
    stub.finish();
    // It has forgotten them.
    stub.expect(
        [vec![health(), get(&at(GRAPH), 404, json!({}))], written(GRAPH).into(), written(SERVICE).into()].concat_all(),
    );
    assert!(brought(&context, &graph, &["crane"]).await);
    stub.finish();
    // Another service takes the place of the one that was.
    let other = "smo-shop_port_quay";
    stub.expect([vec![health()], written(GRAPH).into(), written(other).into(), vec![removed(SERVICE)]].concat_all());
    assert!(brought(&context, &graph, &["quay"]).await);
    stub.finish();
    let noted = context.store.doc(NOTES, &graph.id).await.unwrap().unwrap();
    assert_eq!(noted["uids"], json!([GRAPH, other]));
    // As long as the graph is there, nothing of it is swept away.
    sweep(&context).await.unwrap();
    stub.finish();
    context.store.delete_graph(&graph.id).await.unwrap();
    stub.expect(vec![health(), removed(GRAPH), removed(other)]);
    sweep(&context).await.unwrap();
    stub.finish();
    assert_eq!(context.store.doc(NOTES, &graph.id).await.unwrap(), None);
    let first = &stub.bodies()[3]["dashboard"];
    assert_eq!((&first["title"], &first["uid"]), (&json!("shop / port"), &json!(GRAPH)));
    assert!(first["panels"][0]["targets"][0]["expr"].as_str().unwrap().contains("by (deployment, source)"));
    assert_eq!(kinds(&context).await, Vec::<String>::new());
}

/// The graph that came after one of the same name keeps its dashboards.
#[tokio::test]
async fn what_another_graph_of_the_name_has_stays() {
    let stub = Stub::of(Vec::new()).await;
    let context = context(&stub).await;
    let graph = graph(&context).await;
    let note = |uids: &[&str]| json!({"uids": uids, "digest": ""});
    context.store.put_doc(NOTES, "gone", &note(&[GRAPH, "smo-shop_port_old"])).await.unwrap();
    context.store.put_doc(NOTES, &graph.id, &note(&[GRAPH, SERVICE])).await.unwrap();
    stub.expect(vec![health(), removed("smo-shop_port_old")]);
    sweep(&context).await.unwrap();
    stub.finish();
    assert_eq!(context.store.doc(NOTES, "gone").await.unwrap(), None);
}

#[tokio::test]
async fn an_outage_is_told_once_and_so_is_its_end() {
    let silent = || get("/api/health", 503, json!({"message": "database is locked"}));
    let stub = Stub::of((0..6).map(|_| silent()).collect()).await;
    let context = context(&stub).await;
    let graph = graph(&context).await;
    for _ in 0..2 {
        assert!(!brought(&context, &graph, &["crane"]).await);
    }
    stub.finish();
    assert_eq!(kinds(&context).await, ["grafana.lost"]);
    stub.expect([vec![health()], written(GRAPH).into(), written(SERVICE).into()].concat_all());
    assert!(brought(&context, &graph, &["crane"]).await);
    stub.finish();
    assert_eq!(kinds(&context).await, ["grafana.lost", "grafana.back"]);
}

#[tokio::test]
async fn a_cluster_has_a_dashboard_from_when_it_is_first_seen() {
    let stub = Stub::of(Vec::new()).await;
    let context = context(&stub).await;
    let (here, mut left) = (cluster("member1"), cluster("member2"));
    context.store.put_clusters(&[left.clone()]).await.unwrap();
    context.store.put_clusters(&[here]).await.unwrap();
    let grafana = context.settings.grafana.clone().unwrap();
    stub.expect([vec![health()], written("smo-cluster__member1").into()].concat_all());
    of_clusters(&context, &grafana, false).await.unwrap();
    // Nothing more is to be done, until it is looked whether it is there still.
    of_clusters(&context, &grafana, false).await.unwrap();
    stub.expect(vec![health(), there("smo-cluster__member1")]);
    of_clusters(&context, &grafana, true).await.unwrap();
    stub.finish();
    let rows = context.store.clusters().await.unwrap();
    let shown: Vec<Option<&str>> = rows.iter().map(|row| row.dashboard.as_deref()).collect();
    assert_eq!(shown, [Some(format!("{}/d/smo-cluster__member1", stub.url).as_str()), None]);
    left.present = false;
    assert!(missing(&grafana, "source", &[left], true).is_empty(), "one that has left");
}

fn cluster(name: &str) -> crate::serve::store::rows::ClusterRow {
    serde_json::from_value(json!({
        "name": name, "present": true, "ready": true, "seen_at": "2026-11-30T00:00:00Z", "nodes": 1, "version": "v1", "region": "",
        "cpu": {"allocatable": 1.0, "free": 1.0}, "memory": {"allocatable": 1.0, "free": 1.0}, "gpu": {"allocatable": 0.0, "free": 0.0},
        "attributes": {}
    }))
    .expect("a row")
}

#[test]
fn links_are_put_where_they_belong() {
    let settings = settings("http://grafana:3000/");
    let mut grafana = settings.grafana.clone().unwrap();
    grafana.url = "http://grafana:3000/".to_owned();
    let descriptor = descriptor(&["crane"]);
    let graph: Graph = serde_json::from_value(json!({
        "id": "1", "project": "shop", "name": "port", "generation": 1, "wanted": "running", "options": {}, "descriptor": {},
        "status": Status::default(), "created_at": "2026-11-30T00:00:00Z", "updated_at": "2026-11-30T00:00:00Z"
    }))
    .unwrap();
    let links = links(&grafana, &of_graph(&settings, &graph, &descriptor), &descriptor);
    let service = format!("http://grafana:3000/d/{SERVICE}");
    let wanted = Links {
        graph: format!("http://grafana:3000/d/{GRAPH}"),
        services: BTreeMap::from([("crane".to_owned(), service.clone())]),
    };
    assert_eq!(links, wanted);
    let named =
        |name: &str| ServiceStatus { name: name.to_owned(), dashboard: Some("old".into()), ..ServiceStatus::default() };
    let mut status = Status { services: vec![named("crane"), named("gone")], ..Status::default() };
    links.fill(&mut status);
    assert_eq!(status.dashboard, Some(wanted.graph));
    let shown: Vec<Option<String>> = status.services.into_iter().map(|one| one.dashboard).collect();
    assert_eq!(shown, [Some(service), None]);
}

/// Exchanges cannot be copied, as `concat` would.
trait ConcatAll {
    fn concat_all(self) -> Vec<Exchange>;
}

impl<const N: usize> ConcatAll for [Vec<Exchange>; N] {
    fn concat_all(self) -> Vec<Exchange> {
        self.into_iter().flatten().collect()
    }
}
