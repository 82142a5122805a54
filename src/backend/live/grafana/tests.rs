//! Both interfaces against a stub: which requests are made, and what becomes of their answers.
//!
//! The classic interface is tested on a real Grafana too (`tests/live/l15.rs`). No release that builds here serves the newer one:
//! for `/apis` these shapes are those of its documentation, and the stub stands in for the real thing.

use super::{Dashboard, Folder, Grafana, Panel, Query, Settings, Unit};
use crate::backend::live::http::Auth;
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::stub::{Exchange, Stub, exchange, get};
use reqwest::Method;
use serde_json::{Value, json};

const DASHBOARDS: &str = "/apis/dashboard.grafana.app/v1/namespaces/default/dashboards";
const FOLDERS: &str = "/apis/folder.grafana.app/v1/namespaces/default/folders";

fn health(version: &str) -> Exchange {
    get("/api/health", 200, json!({"commit": "x", "database": "ok", "version": version}))
}

fn list(path: &str, status: u16) -> Exchange {
    get(&format!("{path}?limit=1"), status, json!({"items": []}))
}

fn absent(path: &str) -> Exchange {
    get(path, 404, json!({"message": "Not found"}))
}

fn put(method: Method, path: &str, status: u16) -> Exchange {
    exchange(method, path, status, &json!({"id": 1, "message": "said"}))
}

fn settings(stub: &Stub) -> Settings {
    let auth = Auth::Basic { user: "admin".into(), password: "admin".into() };
    Settings { url: stub.url.clone(), auth, namespace: "default".into(), data_source: Some("prom".into()) }
}

async fn grafana(script: Vec<Exchange>) -> (Stub, Result<Grafana, CallError>) {
    let stub = Stub::of(script).await;
    let grafana = Grafana::new(settings(&stub)).await;
    (stub, grafana)
}

fn folder() -> Folder {
    Folder { uid: "smo".into(), title: "SMO".into() }
}

fn dashboard() -> Dashboard {
    let query = Query { expr: "up".into(), legend: "{{job}}".into() };
    let panel = Panel { title: "Up".into(), unit: Unit::Share, queries: vec![query], ..Panel::default() };
    let variables = Vec::new();
    Dashboard { uid: "smo-shop-graph".into(), title: "shop / graph".into(), panels: vec![panel], variables }
}

#[tokio::test]
async fn an_old_grafana_is_spoken_to_by_the_classic_interface() {
    let one = "/api/dashboards/uid/smo-shop-graph";
    let known = json!({"meta": {}, "dashboard": {"version": 7}});
    let (stub, grafana) = grafana(vec![
        health("6.1.6"),
        absent("/api/folders/smo"),
        put(Method::POST, "/api/folders", 200),
        get("/api/folders/smo", 200, json!({"id": 3})),
        absent(one),
        put(Method::POST, "/api/dashboards/db", 200),
        get("/api/folders/smo", 200, json!({"id": 3})),
        get(one, 200, known),
        put(Method::POST, "/api/dashboards/db", 200),
        get(one, 200, json!({"meta": {}, "dashboard": {"version": 8}})),
        put(Method::DELETE, one, 200),
        put(Method::DELETE, one, 404),
        absent(one),
    ])
    .await;
    let grafana = grafana.unwrap();
    assert_eq!(grafana.interface(), "/api");
    grafana.ensure_folder(&folder()).await.unwrap();
    grafana.apply(&folder(), &dashboard()).await.unwrap();
    grafana.apply(&folder(), &dashboard()).await.unwrap();
    assert!(grafana.has("smo-shop-graph").await.unwrap());
    grafana.remove("smo-shop-graph").await.unwrap();
    grafana.remove("smo-shop-graph").await.unwrap();
    assert!(!grafana.has("smo-shop-graph").await.unwrap());
    stub.finish();
    let bodies = stub.bodies();
    assert_eq!(bodies[2], json!({"uid": "smo", "title": "SMO"}));
    let (made, changed) = (&bodies[5], &bodies[8]);
    assert_eq!((&made["dashboard"]["version"], &changed["dashboard"]["version"]), (&Value::Null, &json!(7)));
    assert_eq!((&made["overwrite"], &made["folderId"], &made["folderUid"]), (&json!(false), &json!(3), &json!("smo")));
    let panel = &made["dashboard"]["panels"][0];
    assert_eq!((&panel["type"], &panel["datasource"]), (&json!("graph"), &json!("prom")));
    assert!(stub.requests().iter().all(|request| request.authorization == "Basic YWRtaW46YWRtaW4="));
}

#[tokio::test]
async fn a_new_grafana_is_spoken_to_by_resources() {
    let (one, in_folder) = (format!("{DASHBOARDS}/smo-shop-graph"), format!("{FOLDERS}/smo"));
    let known = json!({"metadata": {"name": "smo-shop-graph", "resourceVersion": "42"}});
    let (stub, grafana) = grafana(vec![
        health("13.0.1"),
        list(DASHBOARDS, 200),
        list(FOLDERS, 200),
        absent(&in_folder),
        put(Method::POST, FOLDERS, 201),
        absent(&one),
        put(Method::POST, DASHBOARDS, 201),
        get(&in_folder, 200, json!({})),
        get(&one, 200, known),
        put(Method::PUT, &one, 200),
        get(&one, 200, json!({})),
        put(Method::DELETE, &one, 200),
        absent(&one),
    ])
    .await;
    let grafana = grafana.unwrap();
    assert_eq!(grafana.interface(), "/apis");
    grafana.apply(&folder(), &dashboard()).await.unwrap();
    grafana.apply(&folder(), &dashboard()).await.unwrap();
    assert!(grafana.has("smo-shop-graph").await.unwrap());
    grafana.remove("smo-shop-graph").await.unwrap();
    assert!(!grafana.has("smo-shop-graph").await.unwrap());
    stub.finish();
    let bodies = stub.bodies();
    assert_eq!(bodies[4]["spec"], json!({"title": "SMO"}));
    let (made, changed) = (&bodies[6], &bodies[9]);
    let metadata = json!({"name": "smo-shop-graph", "annotations": {"grafana.app/folder": "smo"}});
    assert_eq!((&made["metadata"], &made["kind"]), (&metadata, &json!("Dashboard")));
    assert_eq!(changed["metadata"]["resourceVersion"], "42");
    let panel = &made["spec"]["panels"][0];
    assert_eq!((&panel["type"], &panel["targets"][0]["expr"]), (&json!("timeseries"), &json!("up")));
    assert_eq!(panel["datasource"], json!({"type": "prometheus", "uid": "prom"}));
}

#[tokio::test]
async fn where_the_newer_interface_is_not_there_the_classic_one_is_spoken() {
    let beta = |path: &str| path.replace("/v1/", "/v1beta1/");
    let twelve = vec![
        health("12.0.0"),
        list(DASHBOARDS, 404),
        list(&beta(DASHBOARDS), 200),
        list(FOLDERS, 404),
        list(&beta(FOLDERS), 200),
    ];
    let silent = vec![get("/api/health", 200, json!({})), list(DASHBOARDS, 404), list(&beta(DASHBOARDS), 404)];
    for (script, interface) in [(twelve, "/apis"), (silent, "/api")] {
        let (stub, grafana) = grafana(script).await;
        assert_eq!(grafana.unwrap().interface(), interface);
        stub.finish();
    }
}

/// Another writer was faster: the newer version is read, then replaced. A title that is taken stays a conflict, in Grafana's words.
#[tokio::test]
async fn conflicts_are_met_by_reading_again() {
    let one = "/api/dashboards/uid/smo-shop-graph";
    let found = |version: i64| get(one, 200, json!({"dashboard": {"version": version}}));
    let in_folder = || get("/api/folders/smo", 200, json!({"id": 3}));
    let write = |status, says: &str| {
        exchange(Method::POST, "/api/dashboards/db", status, &json!({"status": says, "message": says}))
    };
    let mut script = vec![health("10.4.0")];
    script.extend([
        in_folder(),
        found(1),
        write(412, "version-mismatch"),
        in_folder(),
        found(2),
        write(200, "success"),
    ]);
    for _ in 0..3 {
        script.extend([in_folder(), absent(one), write(412, "name-exists")]);
    }
    let (stub, grafana) = grafana(script).await;
    let grafana = grafana.unwrap();
    grafana.apply(&folder(), &dashboard()).await.unwrap();
    let error = grafana.apply(&folder(), &dashboard()).await.unwrap_err();
    assert_eq!((error.class, error.reason.as_str()), (Class::Conflict, "name-exists (status 412)"));
    stub.finish();
}

#[tokio::test]
async fn a_folder_whose_title_is_taken_is_reported_and_one_made_meanwhile_is_fine() {
    let taken =
        || exchange(Method::POST, "/api/folders", 412, &json!({"message": "a folder with the same name exists"}));
    let (stub, grafana) = grafana(vec![
        health("10.4.0"),
        absent("/api/folders/smo"),
        taken(),
        get("/api/folders/smo", 200, json!({"id": 3})),
        absent("/api/folders/smo"),
        taken(),
        absent("/api/folders/smo"),
    ])
    .await;
    let grafana = grafana.unwrap();
    grafana.ensure_folder(&folder()).await.unwrap();
    assert!(grafana.ensure_folder(&folder()).await.unwrap_err().reason.contains("same name exists"));
    stub.finish();
}

#[tokio::test]
async fn wrong_credentials_and_uids_are_permanent() {
    let (stub, grafana) = grafana(vec![
        health("13.0.0"),
        exchange(Method::GET, &format!("{DASHBOARDS}?limit=1"), 401, &json!({"message": "Unauthorized"})),
    ])
    .await;
    let error = grafana.unwrap_err();
    assert_eq!((error.class, error.reason.as_str()), (Class::Permanent, "Unauthorized (status 401)"));
    stub.finish();
    let stub = Stub::of(vec![health("10.0.0")]).await;
    let grafana = Grafana::new(settings(&stub)).await.unwrap();
    for wrong in ["", "a/b", "../x", &"x".repeat(41)] {
        assert_eq!(grafana.remove(wrong).await.unwrap_err().class, Class::Permanent, "{wrong}");
    }
    stub.finish();
}
