//! Events that are listed and followed.

use super::Bench;
use crate::serve::store::asked::NewToken;
use crate::serve::store::rows::Role;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt as _;

/// A stream of events that is being read.
struct Followed {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Followed {
    async fn open(bench: &Bench, path: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path).header(header::ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        Self::of(bench, request.body(Body::empty()).unwrap()).await
    }

    async fn of(bench: &Bench, request: Request<Body>) -> Self {
        let response: Response = bench.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next message: its id, its kind, its data. `None` once the stream has ended.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    message.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
                };
                let (id, kind, data) = (field("id:"), field("event:"), field("data:"));
                self.text = rest.to_owned();
                if !data.is_empty() {
                    return Some((id, kind, serde_json::from_str(&data).unwrap()));
                }
                continue;
            }
            let more =
                tokio::time::timeout(Duration::from_secs(20), self.body.next()).await.expect("an event comes in time");
            self.text.push_str(std::str::from_utf8(&more?.unwrap()).unwrap());
        }
    }
}

#[tokio::test]
async fn events_are_listed_in_their_order_by_kind_project_and_graph() {
    let bench = Bench::open().await;
    for (kind, project, graph) in
        [("graph.deployed", "lab", "a"), ("service.scaled", "lab", "a"), ("graph.deployed", "port", "b")]
    {
        bench.double.happens(kind, project, graph).await;
    }
    let seqs = |list: &Value| -> Vec<i64> {
        list["items"].as_array().unwrap().iter().map(|one| one["seq"].as_i64().unwrap()).collect()
    };
    let all = bench.get("/v1/events").await.json();
    assert_eq!((seqs(&all), &all["next"]), (vec![1, 2, 3], &Value::Null));
    assert_eq!(seqs(&bench.get("/v1/events?kind=graph").await.json()), [1, 3]);
    assert_eq!(seqs(&bench.get("/v1/events?project=lab&kind=graph.deployed").await.json()), [1]);
    assert_eq!(seqs(&bench.get("/v1/events?graph=b").await.json()), [3]);
    let page = bench.get("/v1/events?limit=2").await.json();
    assert_eq!((seqs(&page), &page["next"]), (vec![1, 2], &json!("2")));
    assert_eq!(seqs(&bench.get("/v1/events?after=2").await.json()), [3]);
    assert_eq!(seqs(&bench.get("/v1/events?after=-2").await.json()), [2, 3]);
    assert_eq!(seqs(&bench.get("/v1/events?after=-200").await.json()), [1, 2, 3]);
    let request = Request::get("/v1/events").header(header::ACCEPT, "image/png").body(Body::empty()).unwrap();
    bench.ask(request).await.is_problem(StatusCode::NOT_ACCEPTABLE, "text/event-stream");
}

#[tokio::test]
async fn whoever_follows_is_told_what_happens_from_then_on() {
    let bench = Bench::open().await;
    bench.double.happens("graph.deployed", "lab", "before").await;
    let mut followed = Followed::open(&bench, "/v1/events?project=lab", None).await;
    bench.double.happens("graph.deployed", "port", "elsewhere").await;
    bench.double.happens("service.scaled", "lab", "a").await;
    let (id, kind, data) = followed.next().await.unwrap();
    assert_eq!((id.as_str(), kind.as_str(), &data["graph"]), ("3", "service.scaled", &json!("a")));
}

#[tokio::test]
async fn whoever_comes_again_is_told_what_was_missed() {
    let bench = Bench::open().await;
    for graph in ["a", "b", "c"] {
        bench.double.happens("graph.deployed", "lab", graph).await;
    }
    let mut followed = Followed::open(&bench, "/v1/events", Some("1")).await;
    assert_eq!(followed.next().await.unwrap().2["graph"], "b");
    assert_eq!(followed.next().await.unwrap().2["graph"], "c");
    let mut followed = Followed::open(&bench, "/v1/events?after=2", None).await;
    assert_eq!(followed.next().await.unwrap().2["graph"], "c");
    let request = Request::get("/v1/events").header(header::ACCEPT, "text/event-stream").header("last-event-id", "x");
    bench.ask(request.body(Body::empty()).unwrap()).await.is_problem(StatusCode::BAD_REQUEST, "`Last-Event-ID`");
}

#[tokio::test]
async fn what_happens_on_another_server_is_told_as_well() {
    let bench = Bench::open().await;
    let mut followed = Followed::open(&bench, "/v1/events", None).await;
    // Stored by somebody else: nobody knocks here.
    let new =
        crate::serve::store::asked::NewEvent { kind: "cluster.lost".to_owned(), data: json!({}), ..Default::default() };
    bench.app.store.append_event(&new).await.unwrap();
    assert_eq!(followed.next().await.unwrap().1, "cluster.lost");
}

#[tokio::test]
async fn whoever_follows_with_a_token_that_was_revoked_is_told_nothing_more() {
    let bench = Bench::guarded().await;
    let new = NewToken { name: "x".to_owned(), role: Role::Viewer, project: None, expires_at: None };
    let (token, secret) = bench.app.store.add_token(&new).await.unwrap();
    let request = Request::get("/v1/events").header(header::ACCEPT, "text/event-stream");
    let request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
    let mut followed = Followed::of(&bench, request.body(Body::empty()).unwrap()).await;
    bench.double.happens("graph.deployed", "lab", "a").await;
    assert_eq!(followed.next().await.unwrap().2["graph"], "a");
    assert!(bench.app.store.revoke_token(&token.id).await.unwrap());
    bench.double.happens("graph.deployed", "lab", "b").await;
    assert_eq!(followed.next().await, None);
}

#[tokio::test]
async fn a_stream_ends_when_the_server_does() {
    let bench = Bench::open().await;
    let mut followed = Followed::open(&bench, "/v1/events", None).await;
    bench.app.close();
    assert!(followed.next().await.is_none());
}
