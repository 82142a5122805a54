//! What a page of another site gets, open in the browser of whoever uses a server that asks for no tokens.

use super::described::operations;
use super::{Bench, json_request};
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode};
use serde_json::json;

/// What browsers send for such pages, and what is said to it.
const PAGES: &[(&[(&str, &str)], &str)] = &[
    (&[("host", "127.0.0.1:8000"), ("sec-fetch-site", "cross-site")], "a page of another site"),
    (&[("host", "127.0.0.1:8000"), ("sec-fetch-site", "same-site")], "a page of another site"),
    (&[("host", "127.0.0.1:8000"), ("origin", "http://evil.example")], "a page of another site"),
    // The name of the site has come to mean our address: for the browser it is the same site.
    (
        &[("host", "evil.example:8000"), ("origin", "http://evil.example:8000"), ("sec-fetch-site", "same-origin")],
        "this server is not called `evil.example:8000`",
    ),
    (&[("host", "evil.example:8000")], "this server is not called `evil.example:8000`"),
];

fn with(mut request: Request<Body>, headers: &[(&'static str, &'static str)]) -> Request<Body> {
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_static(value));
    }
    request
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// Every route with every such page: also those of the original that change by GET, which a link or an image would meet.
#[tokio::test]
async fn nothing_is_done_for_a_page_of_another_site_and_nothing_is_told() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    let graph = bench.app.store.graph("lab", "a").await.unwrap();
    let audited = bench.app.store.audits(0, 100).await.unwrap();
    let mut refused = 0;
    for (path, method, _) in operations() {
        let path = path.replace("{project}", "lab").replace("{name}", "a");
        let path: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let path = path.join("/");
        for (headers, says) in PAGES {
            let request = match method.as_str() {
                "get" | "delete" => Request::builder().method(&*method.to_uppercase()).uri(&path).body(Body::empty()),
                _ => Ok(json_request(&method.to_uppercase(), &path, &json!({}))),
            };
            let said = bench.ask(with(request.unwrap(), headers)).await;
            if path == "/healthz" {
                assert_eq!(said.status, 200);
                continue;
            }
            said.is_problem(StatusCode::FORBIDDEN, says);
            assert!(!said.text().contains("lab"), "{method} {path}: {}", said.text());
            refused += 1;
        }
    }
    assert_eq!(refused, PAGES.len() * (operations().count() - 1));
    assert_eq!(bench.app.store.graph("lab", "a").await.unwrap(), graph);
    assert_eq!(bench.app.store.audits(0, 100).await.unwrap(), audited);
}

#[tokio::test]
async fn the_description_and_the_page_that_shows_it_are_for_everybody() {
    let bench = Bench::open().await;
    for path in ["/healthz", "/openapi.json", "/docs/", "/docs/swagger-ui.css", "/docs/swagger-initializer.js"] {
        for (headers, _) in PAGES {
            assert_eq!(bench.ask(with(get(path), headers)).await.status, 200, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn our_own_page_programs_and_people_are_served() {
    let bench = Bench::open().await;
    bench.deployed("lab", "a").await;
    for headers in [
        &[][..],
        &[("host", "localhost:8000")],
        &[("host", "127.0.0.1:8000"), ("sec-fetch-site", "none")],
        &[("host", "[::1]:8000"), ("sec-fetch-site", "same-origin"), ("origin", "http://[::1]:8000")],
        &[("host", "127.0.0.1:8000"), ("origin", "http://127.0.0.1:8000")],
    ] {
        assert_eq!(bench.ask(with(get("/v1/projects/lab/graphs/a"), headers)).await.status, 200, "{headers:?}");
    }
}

/// Where tokens are asked for, no page of others has one, and the server may stand behind any name.
#[tokio::test]
async fn a_server_that_asks_for_tokens_asks_for_nothing_else() {
    let bench = Bench::guarded().await;
    for (headers, _) in PAGES {
        assert_eq!(bench.ask(with(get("/v1/graphs"), headers)).await.status, 401, "{headers:?}");
    }
}
