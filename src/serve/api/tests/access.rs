//! Who may see and change what.

use super::{Bench, descriptor, json_request};
use crate::serve::at::At;
use crate::serve::store::asked::NewToken;
use crate::serve::store::rows::Role;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};

#[tokio::test]
async fn without_a_token_with_a_wrong_one_and_with_one_that_is_over_nothing_is_answered() {
    let bench = Bench::guarded().await;
    let said = bench.get("/v1/graphs").await;
    said.is_problem(StatusCode::UNAUTHORIZED, "Bearer");
    assert_eq!(said.header(header::WWW_AUTHENTICATE), "Bearer");
    bench.ask_as("smo_forged", "GET", "/v1/graphs", None).await.is_problem(StatusCode::UNAUTHORIZED, "not accepted");
    bench.ask_as("a.b.c", "GET", "/v1/graphs", None).await.is_problem(StatusCode::UNAUTHORIZED, "not accepted");
    let new = NewToken { name: "late".to_owned(), role: Role::Admin, project: None, expires_at: Some(At(1)) };
    let (_, secret) = bench.app.store.add_token(&new).await.unwrap();
    bench.ask_as(&secret, "GET", "/v1/graphs", None).await.is_problem(StatusCode::UNAUTHORIZED, "expired");
    bench.get("/metrics").await.is_problem(StatusCode::UNAUTHORIZED, "Bearer");
    bench.get("/graphs/a").await.is_problem(StatusCode::UNAUTHORIZED, "Bearer");
    for open in ["/healthz", "/readyz", "/openapi.json", "/docs/"] {
        assert_eq!(bench.get(open).await.status, 200, "{open}");
    }
}

#[tokio::test]
async fn a_viewer_reads_an_operator_changes_graphs_and_an_admin_does_the_rest() {
    let bench = Bench::guarded().await;
    let (viewer, operator, admin) = (
        bench.token(Role::Viewer, None).await,
        bench.token(Role::Operator, None).await,
        bench.token(Role::Admin, None).await,
    );
    let body = descriptor("a");
    let path = "/v1/projects/lab/graphs";
    bench.ask_as(&viewer, "POST", path, Some(&body)).await.is_problem(StatusCode::FORBIDDEN, "the role operator");
    assert_eq!(bench.ask_as(&operator, "POST", &format!("{path}?wait=10s"), Some(&body)).await.status, 200);
    assert_eq!(bench.ask_as(&viewer, "GET", &format!("{path}/a"), None).await.status, 200);

    let operators = [
        ("POST", format!("{path}/a/stop")),
        ("DELETE", format!("{path}/a")),
        ("POST", "/v1/clusters/sync".to_owned()),
        ("GET", "/graphs/a/stop".to_owned()),
        ("DELETE", "/graph/a".to_owned()),
        ("DELETE", format!("{path}/a/pause")),
    ];
    for (method, path) in operators {
        let said = bench.ask_as(&viewer, method, &path, None).await;
        assert_eq!(said.status, 403, "{method} {path}: {}", said.text());
    }
    let admins = [
        ("GET", "/v1/tokens", None),
        ("POST", "/v1/tokens", Some(json!({"name": "x", "role": "admin"}))),
        ("DELETE", "/v1/tokens/x", None),
        ("GET", "/v1/webhooks", None),
        ("POST", "/v1/webhooks", Some(json!({"url": "https://1.1.1.1/"}))),
        ("DELETE", "/v1/webhooks/x", None),
        ("GET", "/v1/audit", None),
        ("POST", "/v1/projects", Some(json!({"name": "port"}))),
        ("PUT", "/v1/projects/port", Some(json!({}))),
        ("DELETE", "/v1/projects/port", None),
        ("PATCH", "/v1/clusters/member1", Some(json!({}))),
    ];
    for (method, path, body) in admins {
        bench.ask_as(&operator, method, path, body.as_ref()).await.is_problem(StatusCode::FORBIDDEN, "the role admin");
        let said = bench.ask_as(&admin, method, path, body.as_ref()).await;
        assert!(said.status < 500 && said.status != 403, "{method} {path}: {}", said.text());
    }
}

#[tokio::test]
async fn who_belongs_to_a_project_sees_nothing_of_the_others() {
    let bench = Bench::guarded().await;
    let admin = bench.token(Role::Admin, None).await;
    for (project, name) in [("lab", "a"), ("port", "b"), ("lab", "c"), ("port", "c")] {
        let path = format!("/v1/projects/{project}/graphs?wait=10s");
        assert_eq!(bench.ask_as(&admin, "POST", &path, Some(&descriptor(name))).await.status, 200);
    }
    let own = bench.token(Role::Operator, Some("lab")).await;
    let names = |list: Value, field: &str| -> Vec<String> {
        list["items"].as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(bench.ask_as(&own, "GET", "/v1/graphs", None).await.json(), "name"), ["a", "c"]);
    assert_eq!(names(bench.ask_as(&own, "GET", "/v1/projects", None).await.json(), "name"), ["lab"]);
    let jobs = names(bench.ask_as(&own, "GET", "/v1/jobs", None).await.json(), "project");
    assert_eq!(jobs, ["lab", "lab"]);
    let events = names(bench.ask_as(&own, "GET", "/v1/events", None).await.json(), "project");
    assert_eq!(events, ["lab", "lab"]);
    let found = bench.ask_as(&own, "GET", "/v1/graphs/c", None).await.json();
    assert_eq!(found["project"], "lab", "the other of the name is not seen");

    let job = bench.ask_as(&admin, "GET", "/v1/jobs?project=port", None).await.json()["items"][0]["id"].clone();
    let hidden = [
        "/v1/projects/port".to_owned(),
        "/v1/projects/port/graphs".to_owned(),
        "/v1/projects/port/graphs/b".to_owned(),
        "/v1/graphs?project=port".to_owned(),
        "/v1/graphs/b".to_owned(),
        "/v1/events?project=port".to_owned(),
        "/v1/jobs?project=port".to_owned(),
        format!("/v1/jobs/{}", job.as_str().unwrap()),
        "/v1/projects/port/graphs/b/decisions".to_owned(),
    ];
    for path in hidden {
        assert_eq!(bench.ask_as(&own, "GET", &path, None).await.status, 404, "{path}");
    }
    assert_eq!(bench.ask_as(&own, "GET", "/graphs/b", None).await.status, 404);
    assert_eq!(bench.ask_as(&own, "GET", "/project/port/graphs", None).await.json(), json!([]));
    let said = bench.ask_as(&own, "POST", "/v1/projects/port/graphs", Some(&descriptor("z"))).await;
    said.is_problem(StatusCode::NOT_FOUND, "no project `port`");
    assert_eq!(bench.ask_as(&own, "DELETE", "/v1/projects/port/graphs/b", None).await.status, 404);
    // Figures name the graphs and services of all projects.
    let said = bench.ask_as(&own, "GET", "/metrics", None).await;
    said.is_problem(StatusCode::FORBIDDEN, "has only `lab`");
    assert_eq!(bench.ask_as(&bench.token(Role::Viewer, None).await, "GET", "/metrics", None).await.status, 200);
    assert_eq!(bench.ask_as(&own, "DELETE", "/v1/projects/lab/graphs/a?wait=10s", None).await.status, 200);
}

/// Names of tokens are whatever somebody calls them; keys of callers of the same name are not the same.
#[tokio::test]
async fn what_was_answered_for_a_key_is_told_to_nobody_of_another_project_or_role() {
    let bench = Bench::guarded().await;
    let mut statuses = Vec::new();
    for (role, project) in [(Role::Operator, "lab"), (Role::Operator, "port"), (Role::Viewer, "lab")] {
        let new = NewToken { name: "ci".to_owned(), role, project: Some(project.to_owned()), expires_at: None };
        let (_, secret) = bench.app.store.add_token(&new).await.unwrap();
        let mut request = json_request("POST", "/v1/projects/lab/graphs?wait=10s", &descriptor("a"));
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {secret}").parse().unwrap());
        request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
        statuses.push(bench.ask(request).await.status);
    }
    assert_eq!(statuses, [200, 404, 403]);
}

#[tokio::test]
async fn an_admin_of_a_project_has_its_tokens_and_webhooks_and_no_others() {
    let bench = Bench::guarded().await;
    let (all, own) = (bench.token(Role::Admin, None).await, bench.token(Role::Admin, Some("lab")).await);
    let body = json!({"name": "x", "role": "viewer", "project": "lab"});
    let made = bench.ask_as(&own, "POST", "/v1/tokens", Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let everywhere = json!({"name": "x", "role": "viewer"});
    bench
        .ask_as(&own, "POST", "/v1/tokens", Some(&everywhere))
        .await
        .is_problem(StatusCode::FORBIDDEN, "has only `lab`");
    let elsewhere = json!({"name": "x", "role": "viewer", "project": "port"});
    bench.ask_as(&own, "POST", "/v1/tokens", Some(&elsewhere)).await.is_problem(StatusCode::NOT_FOUND, "`port`");
    let hook = json!({"url": "https://1.1.1.1/", "project": "port"});
    bench.ask_as(&own, "POST", "/v1/webhooks", Some(&hook)).await.is_problem(StatusCode::NOT_FOUND, "`port`");

    let listed = bench.ask_as(&own, "GET", "/v1/tokens", None).await.json();
    assert!(listed["items"].as_array().unwrap().iter().all(|token| token["project"] == "lab"), "{listed}");
    let everybodys = bench.ask_as(&all, "GET", "/v1/tokens", None).await.json();
    let other = everybodys["items"].as_array().unwrap().iter().find(|token| token.get("project").is_none()).unwrap();
    let path = format!("/v1/tokens/{}", other["id"].as_str().unwrap());
    bench.ask_as(&own, "DELETE", &path, None).await.is_problem(StatusCode::NOT_FOUND, "no token");
    bench.ask_as(&own, "GET", "/v1/audit", None).await.is_problem(StatusCode::FORBIDDEN, "all projects");
    assert_eq!(bench.ask_as(&own, "PUT", "/v1/projects/lab", Some(&json!({}))).await.status, 200);
}

#[tokio::test]
async fn a_revoked_token_is_unknown_at_once() {
    let bench = Bench::guarded().await;
    let admin = bench.token(Role::Admin, None).await;
    let made = bench.ask_as(&admin, "POST", "/v1/tokens", Some(&json!({"name": "x", "role": "viewer"}))).await;
    assert_eq!(made.header(header::CACHE_CONTROL), "no-store");
    let made = made.json();
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(bench.ask_as(secret, "GET", "/v1/whoami", None).await.json(), json!({"name": "x", "role": "viewer"}));
    let path = format!("/v1/tokens/{}", made["token"]["id"].as_str().unwrap());
    assert_eq!(bench.ask_as(&admin, "DELETE", &path, None).await.status, 204);
    assert_eq!(bench.ask_as(secret, "GET", "/v1/whoami", None).await.status, 401);
    let listed = bench.ask_as(&admin, "GET", "/v1/tokens", None).await.text();
    assert!(!listed.contains(secret) && !listed.contains("smo_"), "{listed}");
}

#[tokio::test]
async fn alertmanager_has_a_token_of_its_own_that_opens_nothing_else() {
    let bench = Bench::guarded().await;
    let body = json!({"alerts": []});
    for path in ["/v1/alerts", "/alerts"] {
        assert_eq!(bench.ask_as("of-alertmanager", "POST", path, Some(&body)).await.status, 200, "{path}");
        assert_eq!(bench.ask_as("of-somebody", "POST", path, Some(&body)).await.status, 401, "{path}");
    }
    assert_eq!(bench.ask_as("of-alertmanager", "GET", "/v1/graphs", None).await.status, 401);
    let own = bench.token(Role::Operator, Some("lab")).await;
    bench.ask_as(&own, "POST", "/v1/alerts", Some(&body)).await.is_problem(StatusCode::FORBIDDEN, "all projects");
}

#[tokio::test]
async fn who_changed_what_is_written_down_and_who_only_looked_is_not() {
    let bench = Bench::guarded().await;
    let (admin, viewer) = (bench.token(Role::Admin, None).await, bench.token(Role::Viewer, None).await);
    let request =
        Request::post("/v1/projects/lab/graphs?wait=10s").header(header::AUTHORIZATION, format!("Bearer {admin}"));
    let request = request.header("x-request-id", "here-1").header(header::CONTENT_TYPE, "application/json");
    bench.ask(request.body(Body::from(descriptor("a").to_string())).unwrap()).await;
    bench.ask_as(&viewer, "DELETE", "/v1/projects/lab/graphs/a", None).await;
    bench.ask_as(&admin, "GET", "/graphs/a/stop", None).await;
    bench.ask_as(&admin, "HEAD", "/graphs/a/start", None).await;
    bench.ask_as(&admin, "GET", "/v1/graphs", None).await;
    bench.ask_as(&admin, "POST", "/v1/nowhere", None).await;
    // Somebody of a project, who is called like somebody else.
    let new = NewToken { name: "admin-all".into(), role: Role::Admin, project: Some("lab".into()), expires_at: None };
    let (_, forger) = bench.app.store.add_token(&new).await.unwrap();
    bench.ask_as(&forger, "POST", "/v1/projects/lab/graphs/a/stop", None).await;
    let audit = bench.ask_as(&admin, "GET", "/v1/audit", None).await.json();
    let rows: Vec<Value> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!([row["actor"], row["method"], row["path"], row["status"]]))
        .collect();
    let wanted = [
        json!(["admin-all", "POST", "/v1/projects/lab/graphs", 200]),
        json!(["viewer-all", "DELETE", "/v1/projects/lab/graphs/a", 403]),
        json!(["admin-all", "GET", "/graphs/a/stop", 200]),
        json!(["admin-all", "HEAD", "/graphs/a/start", 200]),
        json!(["admin-all (project lab)", "POST", "/v1/projects/lab/graphs/a/stop", 202]),
    ];
    assert_eq!(rows, wanted);
    assert_eq!(audit["items"][0]["request_id"], "here-1");
}
