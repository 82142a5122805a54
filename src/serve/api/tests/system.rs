//! What the server says of itself.

use super::Bench;
use crate::serve::api::acts::Reach;
use crate::serve::api::metrics;
use crate::serve::store::rows::Role;
use axum::body::Body;
use axum::http::{Request, header};
use serde_json::{Value, json};

#[tokio::test]
async fn a_server_lives_and_is_ready_without_a_control_plane() {
    let bench = Bench::open().await;
    assert_eq!(bench.get("/healthz").await.json(), json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
    let said = bench.get("/readyz").await;
    let wanted = json!({
        "ready": true,
        "store": {"kind": "sqlite", "state": "reached"},
        "control_plane": {"kind": "karmada", "state": "not_configured"},
    });
    assert_eq!((said.status, said.json()), (200, wanted));
}

#[tokio::test]
async fn a_server_is_not_ready_while_its_control_plane_or_its_store_does_not_answer() {
    let bench = Bench::open().await;
    bench.double.say(|says| says.reach = Reach::Lost("connection refused".to_owned()));
    let said = bench.get("/readyz").await;
    assert_eq!((said.status, &said.json()["control_plane"]["reason"]), (503, &json!("connection refused")));
    bench.double.say(|says| says.reach = Reach::Reached);
    assert_eq!(bench.get("/readyz").await.status, 200);
    bench.app.store.close().await;
    let said = bench.get("/readyz").await;
    assert_eq!(
        (said.status, &said.json()["store"]["state"], &said.json()["ready"]),
        (503, &json!("lost"), &json!(false))
    );
    let said = bench.get("/v1/graphs").await;
    said.is_problem(axum::http::StatusCode::SERVICE_UNAVAILABLE, "the store does not answer");
}

#[tokio::test]
async fn figures_are_given_to_prometheus() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    bench.deployed("lab", "b").await;
    bench.post("/v1/projects/lab/graphs/b/stop?wait=10s", &Value::Null).await;
    bench.get("/v1/projects/lab/graphs/nobody").await;
    let said = bench.get("/metrics").await;
    assert_eq!(said.header(header::CONTENT_TYPE), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = said.text();
    let lines = [
        r#"smo_build_info{version=""#,
        r#"smo_graphs{phase="running"} 1"#,
        r#"smo_graphs{phase="stopped"} 1"#,
        r#"smo_jobs{state="succeeded"} 3"#,
        "smo_leases_held 3",
        r#"smo_service_capacity{project="demo",graph="shop",service="front",origin="fitted"} 20.5"#,
        r#"smo_service_capacity_drifted{project="demo",graph="shop",service="front",origin="fitted"} 1"#,
        r#"smo_http_requests_total{method="POST",route="/v1/projects/{project}/graphs",status="200"} 2"#,
        r#"smo_http_requests_total{method="GET",route="/v1/projects/{project}/graphs/{name}",status="404"} 1"#,
        "smo_http_request_duration_seconds_count",
        "smo_http_requests_underway 1",
        "smo_event_streams 0",
    ];
    for line in lines {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_scrapes_at_the_same_time_misses_nothing() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let scrapes = (0..8).map(|_| {
        let app = bench.app.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                let text = metrics::text(&app).await.unwrap();
                assert!(
                    text.contains("smo_service_capacity{") && text.contains(r#"smo_graphs{phase="running"} 1"#),
                    "{text}"
                );
            }
        })
    });
    for scrape in scrapes.collect::<Vec<_>>() {
        scrape.await.unwrap();
    }
}

/// Anybody may send words as methods, and as many as they like: each would be kept for ever.
#[tokio::test]
async fn methods_that_nobody_knows_are_counted_as_one() {
    let bench = Bench::guarded().await;
    for method in ["BREW", "BREW2", "BREW3"] {
        let request = Request::builder().method(method).uri("/v1/graphs").body(Body::empty()).unwrap();
        assert_eq!(bench.ask(request).await.status, 401, "{method}");
    }
    let token = bench.token(Role::Viewer, None).await;
    let text = bench.ask_as(&token, "GET", "/metrics", None).await.text();
    let line = r#"smo_http_requests_total{method="other",route="/v1/graphs",status="401"} 3"#;
    assert!(text.contains(line) && !text.contains("BREW"), "{text}");
}

#[tokio::test]
async fn the_interface_describes_itself_and_nothing_comes_from_elsewhere() {
    let bench = Bench::open().await;
    let document = bench.get("/openapi.json").await.json();
    assert_eq!(
        (&document["openapi"], &document["info"]["version"]),
        (&json!("3.1.0"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(document.get("security").is_none(), "nobody is asked for a token here");
    let guarded = Bench::guarded().await.get("/openapi.json").await.json();
    assert_eq!(guarded["security"], json!([{"bearer": []}]));
    assert_eq!(bench.get("/docs").await.status, 303);
    let page = bench.get("/docs/").await;
    assert!(page.header(header::CONTENT_TYPE).starts_with("text/html"), "{}", page.text());
    let scripts = bench.get("/docs/swagger-initializer.js").await.text();
    for text in [page.text(), scripts] {
        assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
    }
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js"] {
        assert_eq!(bench.get(&format!("/docs/{file}")).await.status, 200, "{file}");
    }
    assert_eq!(bench.get("/docs/none.js").await.status, 404);
}
