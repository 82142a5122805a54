//! L15: dashboards on a real Grafana, and each of their queries in the real Prometheus.
//!
//! The stack's Grafana speaks the classic interface. `SMO_GRAFANA_URL`, with `SMO_GRAFANA_TOKEN` or with `SMO_GRAFANA_USER` and
//! `SMO_GRAFANA_PASSWORD`, runs the same on any other one.

use super::stack::{Stack, stack};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use smo::backend::live::grafana::{Cluster, Dashboard, Folder, Grafana, Graph, Service, Settings};
use smo::backend::live::http::Auth;
use smo::backend::live::outside::Class;
use smo::backend::live::prometheus::Prometheus;

fn given(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn settings(stack: &Stack) -> Settings {
    let basic = || Auth::Basic {
        user: given("SMO_GRAFANA_USER").unwrap_or_else(|| "admin".to_owned()),
        password: given("SMO_GRAFANA_PASSWORD").unwrap_or_else(|| "admin".to_owned()),
    };
    let url = given("SMO_GRAFANA_URL").unwrap_or_else(|| stack.address("grafana"));
    let auth = given("SMO_GRAFANA_TOKEN").map_or_else(basic, Auth::Bearer);
    Settings { url, auth, namespace: "default".to_owned(), data_source: None }
}

fn signed(request: RequestBuilder, auth: &Auth) -> RequestBuilder {
    match auth {
        Auth::None => request,
        Auth::Bearer(token) => request.bearer_auth(token),
        Auth::Basic { user, password } => request.basic_auth(user, Some(password)),
    }
}

/// What Grafana itself shows, without our client.
async fn shown(settings: &Settings, uid: &str) -> Option<Value> {
    let request = Client::new().get(format!("{}/api/dashboards/uid/{uid}", settings.url));
    let answer = signed(request, &settings.auth).send().await.unwrap();
    if answer.status().is_success() { Some(answer.json().await.unwrap()) } else { None }
}

/// Our client never removes a folder; the tests leave nothing.
async fn remove_folder(settings: &Settings) {
    let request = Client::new().delete(format!("{}/api/folders/{}", settings.url, folder().uid));
    signed(request, &settings.auth).send().await.unwrap();
}

fn folder() -> Folder {
    Folder { uid: "smo-l15".to_owned(), title: "SMO L15".to_owned() }
}

fn graph() -> Graph {
    let rate = Some("sum(rate(http_requests_total{service=\"web\"}[5s]))".to_owned());
    let services = vec![Service { name: "web".to_owned(), rate }, Service { name: "db".to_owned(), rate: None }];
    Graph { project: "l15".to_owned(), name: "graph".to_owned(), services, cluster_label: "cluster".to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn l15_a_dashboard_is_made_changed_and_removed() {
    let Some(stack) = stack("l15") else { return };
    let settings = settings(&stack);
    let grafana = Grafana::new(settings.clone()).await.unwrap();
    let mut dashboard = graph().dashboard();
    grafana.remove(&dashboard.uid).await.unwrap();
    grafana.ensure_folder(&folder()).await.unwrap();
    grafana.ensure_folder(&folder()).await.unwrap();
    grafana.apply(&folder(), &dashboard).await.unwrap();
    let first = shown(&settings, &dashboard.uid).await.unwrap();
    assert_eq!(
        (&first["dashboard"]["title"], &first["meta"]["folderTitle"]),
        (&json!("l15 / graph"), &json!("SMO L15"))
    );
    let expressions: Vec<&str> = first["dashboard"]["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert_eq!(expressions, dashboard.expressions().collect::<Vec<_>>());

    dashboard.panels.truncate(2);
    grafana.apply(&folder(), &dashboard).await.unwrap();
    let second = shown(&settings, &dashboard.uid).await.unwrap();
    assert_eq!(second["dashboard"]["panels"].as_array().unwrap().len(), 2);
    assert!(second["dashboard"]["version"].as_i64() > first["dashboard"]["version"].as_i64());
    // Another dashboard of that title in the folder is somebody else's: it is not replaced.
    let twin = Dashboard { uid: "smo-l15-twin".to_owned(), ..dashboard.clone() };
    if grafana.interface() == "/api" {
        assert_eq!(grafana.apply(&folder(), &twin).await.unwrap_err().class, Class::Conflict);
    }
    grafana.remove(&dashboard.uid).await.unwrap();
    assert_eq!(shown(&settings, &dashboard.uid).await, None);
    grafana.remove(&dashboard.uid).await.unwrap();
    grafana.remove(&twin.uid).await.unwrap();
    remove_folder(&settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l15_a_token_will_do_and_a_wrong_one_is_named() {
    let Some(stack) = stack("l15") else { return };
    let settings = settings(&stack);
    let name = format!("l15-{}", std::process::id());
    let request =
        Client::new().post(format!("{}/api/auth/keys", settings.url)).json(&json!({"name": name, "role": "Editor"}));
    let answer = signed(request, &settings.auth).send().await.unwrap();
    // Keys are what releases before 9 have in place of service accounts.
    if answer.status().is_success() {
        let key = answer.json::<Value>().await.unwrap()["key"].as_str().unwrap().to_owned();
        let grafana = Grafana::new(Settings { auth: Auth::Bearer(key), ..settings.clone() }).await.unwrap();
        grafana.apply(&folder(), &graph().dashboard()).await.unwrap();
        grafana.remove(&graph().dashboard().uid).await.unwrap();
    }
    remove_folder(&settings).await;
    let wrong = Settings { auth: Auth::Bearer("wrong".to_owned()), ..settings };
    let refused = match Grafana::new(wrong).await {
        Ok(grafana) => grafana.apply(&folder(), &graph().dashboard()).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!((refused.class, refused.status), (Class::Permanent, Some(401)), "{refused}");
}

/// A Grafana that hangs costs some seconds and an error that may pass; it answers again as if nothing had been.
#[tokio::test(flavor = "multi_thread")]
async fn l15_an_outage_is_an_error_that_may_be_ignored() {
    let Some(stack) = stack("l15") else { return };
    if given("SMO_GRAFANA_URL").is_some() {
        return;
    }
    let settings = settings(&stack);
    let grafana = Grafana::new(settings.clone()).await.unwrap();
    stack.live(&["signal", "grafana", "STOP"]);
    let frozen = grafana.apply(&folder(), &graph().dashboard()).await;
    stack.live(&["signal", "grafana", "CONT"]);
    assert_eq!(frozen.unwrap_err().class, Class::Retryable);
    grafana.apply(&folder(), &graph().dashboard()).await.unwrap();
    grafana.remove(&graph().dashboard().uid).await.unwrap();
    remove_folder(&settings).await;
}

/// Of a graph, of a service, of a cluster.
fn dashboards() -> [Dashboard; 3] {
    let cluster = Cluster { name: "member1".to_owned(), cluster_label: "cluster".to_owned() };
    [graph().dashboard(), graph().dashboard_of("web"), cluster.dashboard()]
}

/// Every kind of panel is taken as it was sent, variables and repeated panels too.
#[tokio::test(flavor = "multi_thread")]
async fn l15_each_kind_of_dashboard_is_taken() {
    let Some(stack) = stack("l15") else { return };
    let settings = settings(&stack);
    let grafana = Grafana::new(settings.clone()).await.unwrap();
    for dashboard in dashboards() {
        grafana.remove(&dashboard.uid).await.unwrap();
        assert!(!grafana.has(&dashboard.uid).await.unwrap());
        grafana.apply(&folder(), &dashboard).await.unwrap();
        assert!(grafana.has(&dashboard.uid).await.unwrap());
        let shown = shown(&settings, &dashboard.uid).await.unwrap();
        let panels = shown["dashboard"]["panels"].as_array().unwrap();
        assert_eq!(panels.len(), dashboard.panels.len());
        let repeated = panels.iter().filter(|panel| panel["repeat"] == "service").count();
        assert_eq!((repeated, dashboard.variables.len()), if dashboard.panels.len() == 12 { (4, 1) } else { (0, 0) });
        grafana.remove(&dashboard.uid).await.unwrap();
    }
    remove_folder(&settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn l15_each_query_of_each_panel_is_one_that_prometheus_answers() {
    let Some(stack) = stack("l15") else { return };
    let prometheus = Prometheus::new(&stack.address("prometheus")).unwrap();
    let mut asked = 0;
    for dashboard in dashboards() {
        for expression in dashboard.expressions() {
            let answer = prometheus.query(expression).await;
            assert!(answer.is_ok(), "{expression}: {answer:?}");
            asked += 1;
        }
    }
    // Of the graph 12 and the repeated 4, of the service 4, of the cluster 19: CPU 6, cores, busy, memory 4, used, disks 3, space, network 2.
    assert_eq!(asked, 12 + 4 + 4 + 19);
}

/// Prometheus itself says which names of pods the pattern takes: a label is set where it does.
#[tokio::test(flavor = "multi_thread")]
async fn l15_pods_of_other_services_are_not_taken() {
    let Some(stack) = stack("l15") else { return };
    let prometheus = Prometheus::new(&stack.address("prometheus")).unwrap();
    let expression = graph().dashboard_of("web").panels[2].queries[0].expr.clone();
    let pattern = expression.split("pod=~\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for (pod, is_ours) in [
        ("web-7d4b9c6f5d-x2k9p", true),
        ("web-5f7-bcdfg", true),
        ("web-7d4bx2k9p", true),
        ("web-api-7d4b9c6f5d-x2k9p", false),
        ("web-api-0", false),
        ("web-x2k9p", false),
        ("webshop-7d4b9c6f5d-x2k9p", false),
    ] {
        let named = format!("label_replace(vector(1), \"pod\", \"{pod}\", \"\", \"\")");
        let query = format!("sum by (taken) (label_replace({named}, \"taken\", \"yes\", \"pod\", \"{pattern}\"))");
        let answer = prometheus.query(&query).await.unwrap();
        let is_taken = answer.iter().any(|point| point.labels.get("taken").is_some_and(|taken| taken == "yes"));
        assert_eq!((answer.len(), is_taken), (1, is_ours), "{pod}: {answer:?}");
    }
}
