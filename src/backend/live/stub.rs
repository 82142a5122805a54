//! A server on loopback that answers what a test says, in the order in which the test says it, and nothing else.
//!
//! A stub, not a copy of the system: it proves which requests our clients make and what they do with answers that the real
//! system gives seldom. What the real system answers is tested on the live stack.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, Request, Response};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// One request that has to come, and the answer that it gets.
pub struct Exchange {
    method: Method,
    target: String,
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub authorization: String,
    pub body: Value,
}

#[derive(Default)]
struct Script {
    expected: VecDeque<Exchange>,
    seen: Vec<Seen>,
    strange: Vec<String>,
}

/// A running stub.
pub struct Stub {
    pub url: String,
    script: Arc<Mutex<Script>>,
    server: tokio::task::JoinHandle<()>,
}

/// A read of `target` (path and query as they stand on the wire), answered by JSON.
#[expect(clippy::needless_pass_by_value, reason = "a script of exchanges reads best without references")]
pub fn get(target: &str, status: u16, body: Value) -> Exchange {
    exchange(Method::GET, target, status, &body)
}

/// Any other request, answered by JSON.
pub fn exchange(method: Method, target: &str, status: u16, body: &Value) -> Exchange {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    Exchange { method, target: target.to_owned(), status, headers: Vec::new(), body }
}

impl Exchange {
    /// The same with a header in the answer.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same answered by bytes as they stand.
    pub fn raw(self, body: &[u8]) -> Self {
        Self { body: body.to_vec(), ..self }
    }
}

impl Stub {
    /// A server that expects these requests in this order.
    pub async fn of(expected: Vec<Exchange>) -> Self {
        let script = Arc::new(Mutex::new(Script { expected: expected.into(), ..Script::default() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, server }
    }

    /// These requests have to come too, after those before.
    pub fn expect(&self, more: Vec<Exchange>) {
        self.script.lock().unwrap().expected.extend(more);
    }

    /// What came so far.
    pub fn requests(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// The bodies that came so far.
    pub fn bodies(&self) -> Vec<Value> {
        self.requests().into_iter().map(|seen| seen.body).collect()
    }

    /// Every expected request came, and no other.
    pub fn finish(&self) {
        let script = self.script.lock().unwrap();
        assert_eq!(script.strange, Vec::<String>::new(), "these were not expected");
        let left: Vec<_> = script.expected.iter().map(|one| format!("{} {}", one.method, one.target)).collect();
        assert_eq!(left, Vec::<String>::new(), "these did not come");
    }

    /// Nobody listens there any more.
    pub async fn stop(self) {
        self.server.abort();
        let _cancelled = self.server.await;
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut script = script.lock().unwrap();
    script.seen.push(seen(&parts.headers, &body));
    let target = parts.uri.to_string();
    match script.expected.pop_front() {
        Some(expected) if expected.method == parts.method && expected.target == target => respond(expected),
        other => {
            let wanted = other.map_or_else(|| "nothing".into(), |one| format!("{} {}", one.method, one.target));
            script.strange.push(format!("wanted {wanted}, came {} {target}", parts.method));
            Response::builder().status(400).body(Body::from("not expected by the stub")).unwrap()
        }
    }
}

fn respond(exchange: Exchange) -> Response<Body> {
    let mut response = Response::builder().status(exchange.status);
    for (name, value) in exchange.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(exchange.body)).unwrap()
}

fn seen(headers: &HeaderMap, body: &Bytes) -> Seen {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body = serde_json::from_slice(body).unwrap_or(Value::Null);
    Seen { authorization: authorization.unwrap_or_default(), body }
}
