//! Everything that is served is described, and what is described is served.

use super::{Bench, DOCUMENT, Said};
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Routes by their method, as the design of the interface lists them. What is not here is not served.
const ROUTES: &[(&str, &str)] = &[
    ("/v1/graphs", "get"),
    ("/v1/graphs/{name}", "get"),
    ("/v1/projects", "get post"),
    ("/v1/projects/{project}", "get put delete"),
    ("/v1/projects/{project}/graphs", "get post"),
    ("/v1/projects/{project}/graphs/{name}", "get put delete"),
    ("/v1/projects/{project}/graphs/{name}/start", "post"),
    ("/v1/projects/{project}/graphs/{name}/stop", "post"),
    ("/v1/projects/{project}/graphs/{name}/re-place", "post"),
    ("/v1/projects/{project}/graphs/{name}/diff", "post"),
    ("/v1/projects/{project}/graphs/{name}/plan", "get"),
    ("/v1/projects/{project}/graphs/{name}/pause", "put delete"),
    ("/v1/projects/{project}/graphs/{name}/descriptor", "get"),
    ("/v1/projects/{project}/graphs/{name}/decisions", "get"),
    ("/v1/projects/{project}/graphs/{name}/events", "get"),
    ("/v1/projects/{project}/graphs/{name}/jobs", "get"),
    ("/v1/jobs", "get"),
    ("/v1/jobs/{id}", "get"),
    ("/v1/clusters", "get"),
    ("/v1/clusters/sync", "post"),
    ("/v1/clusters/{name}", "get patch"),
    ("/v1/events", "get"),
    ("/v1/policies", "get"),
    ("/v1/whoami", "get"),
    ("/v1/tokens", "get post"),
    ("/v1/tokens/{id}", "delete"),
    ("/v1/webhooks", "get post"),
    ("/v1/webhooks/{id}", "delete"),
    ("/v1/audit", "get"),
    ("/v1/alerts", "post"),
    ("/v1/vims", "get post"),
    ("/v1/vims/sync", "post"),
    ("/v1/vims/{vim}", "get delete"),
    ("/v1/os-k8s-clusters", "get post"),
    ("/v1/os-k8s-clusters/sync", "post"),
    ("/v1/os-k8s-clusters/{id}", "get delete"),
    ("/v1/os-k8s-clusters/{id}/scale-out", "post"),
    ("/v1/bm-k8s-clusters", "get"),
    ("/healthz", "get"),
    ("/readyz", "get"),
    ("/metrics", "get"),
    ("/clusters", "get"),
    ("/clusters/", "get"),
    ("/project/{project}/graphs", "get post"),
    ("/graphs/{name}", "get delete"),
    ("/graphs/{name}/placement", "get post"),
    ("/graphs/{name}/start", "get post"),
    ("/graphs/{name}/stop", "get post"),
    ("/alerts", "post"),
    ("/graph/project/{project}", "get post"),
    ("/graph/{name}", "get delete"),
    ("/graph/{name}/placement", "get"),
    ("/graph/{name}/start", "get"),
    ("/graph/{name}/stop", "get"),
    ("/vims/sync/nfvcl_vims", "get"),
    ("/vims/smo_vims", "get post"),
    ("/vims/smo_vims/{id}", "get delete"),
    ("/os_k8s/clusters", "get post"),
    ("/os_k8s/cluster/{smo_id}", "get delete"),
    ("/os_k8s/scale-out/{smo_id}", "post"),
    ("/os_k8s/sync/nfvcl_k8s", "post"),
    ("/bm_k8s/clusters", "get"),
];

/// What an operation answers has to stand in the document, by status and media type.
#[track_caller]
pub fn assert_declared(method: &str, path: &str, said: &Said) {
    let Some(operation) = operation(method, path) else { return };
    let responses = operation["responses"].as_object().unwrap();
    let declared = responses.get(&said.status.to_string());
    let declared =
        declared.unwrap_or_else(|| panic!("{method} {path} answers {}, undeclared: {}", said.status, said.text()));
    if said.body.is_empty() {
        return;
    }
    let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_owned();
    let content = declared["content"].as_object().cloned().unwrap_or_default();
    let media = essence(said.header(header::CONTENT_TYPE));
    let known = content.keys().any(|one| essence(one) == media);
    assert!(known, "{method} {path} answers {} as {media}, undeclared: {}", said.status, said.text());
}

/// The operation of the document that a request meets.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // What is literal is met before what is a parameter.
    let found = paths
        .iter()
        .filter(|(template, _)| matches(template, path))
        .min_by_key(|(template, _)| template.matches('{').count());
    found?.1.get(method.to_lowercase())
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len() && template.iter().zip(&path).all(|(one, other)| one.starts_with('{') || one == other)
}

/// All operations: path, method, what is said of them.
pub fn operations() -> impl Iterator<Item = (String, String, &'static Map<String, Value>)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
        operations.map(|(method, operation)| (path.clone(), method.clone(), operation.as_object().unwrap()))
    })
}

#[test]
fn the_document_has_the_routes_of_the_design_and_no_others() {
    let wanted: BTreeSet<String> = ROUTES
        .iter()
        .flat_map(|(path, methods)| methods.split(' ').map(move |method| format!("{method} {path}")))
        .collect();
    let described: BTreeSet<String> = operations().map(|(path, method, _)| format!("{method} {path}")).collect();
    assert_eq!(described, wanted);
    assert_eq!(DOCUMENT["openapi"], "3.1.0");
}

#[tokio::test]
async fn whatever_is_described_is_served() {
    let bench = Bench::open().await;
    for (path, method, _) in operations() {
        let filled: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let request = Request::builder().method(method.to_uppercase().as_str()).uri(filled.join("/"));
        let said = bench.ask(request.body(Body::empty()).unwrap()).await;
        assert_ne!(said.status, 405, "{method} {path}");
        let text = said.text();
        assert!(!text.contains("nothing is served"), "{method} {path}: {text}");
    }
}

#[test]
fn every_operation_has_an_id_of_its_own_a_tag_a_summary_and_says_what_may_go_wrong() {
    let mut ids = BTreeSet::new();
    let tags = DOCUMENT["tags"].as_array().unwrap();
    for (path, method, operation) in operations() {
        let place = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id.to_owned()), "{place}: a second operation is called {id}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place} has no summary");
        let tag = &operation["tags"][0];
        assert!(tags.iter().any(|known| known["name"] == *tag), "{place}: {tag} is no tag");
        let responses = operation["responses"].as_object().unwrap();
        if path == "/healthz" || path == "/readyz" {
            continue;
        }
        let reads = ["400", "401", "403", "404", "429", "500", "503"];
        assert!(reads.iter().all(|status| responses.contains_key(*status)), "{place}: {:?}", responses.keys());
        let changes = method != "get" || crate::serve::api::compat::changes_by_get(&path);
        let more = ["409", "412", "413", "415", "422", "424"];
        assert!(
            !changes || more.iter().all(|status| responses.contains_key(*status)),
            "{place}: {:?}",
            responses.keys()
        );
        assert!(responses.keys().any(|status| status.starts_with('2')), "{place} never works");
    }
}

#[test]
fn parameters_of_paths_are_declared_once_and_references_lead_somewhere() {
    for (path, method, operation) in operations() {
        let declared = operation.get("parameters").and_then(Value::as_array).cloned().unwrap_or_default();
        let key = |one: &Value| format!("{} {}", one["in"], one["name"]);
        let all: BTreeSet<String> = declared.iter().map(key).collect();
        assert_eq!(all.len(), declared.len(), "{method} {path} declares something twice: {all:?}");
        for name in path.split('/').filter_map(|part| part.strip_prefix('{')) {
            let name = name.trim_end_matches('}');
            let found =
                declared.iter().any(|one| one["in"] == "path" && one["name"] == name && one["required"] == true);
            assert!(found, "{method} {path}: {name} is not declared");
        }
    }
    let text = DOCUMENT.to_string();
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is referred to, and is not there");
    }
}

#[test]
fn there_are_examples_and_a_way_to_show_a_token() {
    let schemas = &DOCUMENT["components"]["schemas"];
    for name in ["DeployBody", "AlertsBody", "NewProject", "TokenBody", "WebhookBody", "PauseBody", "Problem"] {
        assert!(schemas[name].get("example").or(schemas[name].get("examples")).is_some(), "{name} has no example");
    }
    assert_eq!(DOCUMENT["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    assert_eq!(DOCUMENT["security"][0]["bearer"], serde_json::json!([]));
}
