//! The interface is tried as its clients use it: through the router, against a store in a file, and a [`Double`] of the engine that does every job
//! at once. Whatever is answered anywhere in these tests has to stand in the OpenAPI document, by status and media type.

mod access;
mod alerts;
mod browsers;
mod changes;
mod deploys;
mod described;
mod double;
mod events;
mod original;
mod others;
mod requests;
mod system;

use super::{App, Names, Parts, Settings, build, document};
use crate::serve::artifact::Pulled;
use crate::serve::auth::Auth;
use crate::serve::config::AuthConfig;
use crate::serve::config::hosts::Hosts;
use crate::serve::store::Store;
use crate::serve::store::asked::NewToken;
use crate::serve::store::rows::{Role, Source};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use double::Double;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// The document that everything is held against.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(document()).unwrap());

/// A server without a socket.
struct Bench {
    router: Router,
    app: App,
    double: Arc<Double>,
    _folder: TempDir,
}

/// What was answered.
#[derive(Debug)]
struct Said {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Bench {
    /// One that asks nobody for a token.
    async fn open() -> Self {
        Self::with(
            Settings { body_bytes: 10 << 20, requests_per_second: 0, burst: 0, webhook_hosts: hosts(), names: local() },
            false,
        )
        .await
    }

    /// One that asks for tokens.
    async fn guarded() -> Self {
        Self::with(
            Settings { body_bytes: 10 << 20, requests_per_second: 0, burst: 0, webhook_hosts: hosts(), names: local() },
            true,
        )
        .await
    }

    async fn with(settings: Settings, required: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&format!("sqlite://{}", folder.path().join("smo.db").display())).await.unwrap();
        let alerts = folder.path().join("alertmanager");
        std::fs::write(&alerts, "of-alertmanager\n").unwrap();
        let config = AuthConfig { required, token_file: folder.path().join("first"), oidc: None };
        let auth = Auth::new(store.clone(), config, Some(&alerts)).unwrap();
        let double = Arc::new(Double::new(store.clone()));
        let acts = Arc::clone(&double) as Arc<dyn super::Acts>;
        let (router, app) = build(Parts { store, acts, auth, sites: None, settings });
        Self { router, app, double, _folder: folder }
    }

    /// Another server on the same store, with the same engine.
    fn another(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = AuthConfig { required: false, token_file: folder.path().join("first"), oidc: None };
        let store = self.app.store.clone();
        let auth = Auth::new(store.clone(), config, None).unwrap();
        let acts = Arc::clone(&self.double) as Arc<dyn super::Acts>;
        let settings =
            Settings { body_bytes: 10 << 20, requests_per_second: 0, burst: 0, webhook_hosts: hosts(), names: local() };
        let (router, app) = build(Parts { store, acts, auth, sites: None, settings });
        Self { router, app, double: Arc::clone(&self.double), _folder: folder }
    }

    /// The secret of a new token.
    async fn token(&self, role: Role, project: Option<&str>) -> String {
        let name = format!("{role:?}-{}", project.unwrap_or("all")).to_lowercase();
        let new = NewToken { name, role, project: project.map(str::to_owned), expires_at: None };
        self.app.store.add_token(&new).await.unwrap().1
    }

    /// What is answered, as it was declared.
    async fn ask(&self, request: Request<Body>) -> Said {
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let said = Said { status: head.status.as_u16(), headers: head.headers, body };
        described::assert_declared(&method, &path, &said);
        said
    }

    async fn get(&self, path: &str) -> Said {
        self.ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn delete(&self, path: &str) -> Said {
        self.ask(Request::delete(path).body(Body::empty()).unwrap()).await
    }

    /// Sends JSON by any method.
    async fn send(&self, method: &str, path: &str, body: &Value) -> Said {
        self.ask(json_request(method, path, body)).await
    }

    async fn post(&self, path: &str, body: &Value) -> Said {
        self.send("POST", path, body).await
    }

    /// Asks with a token.
    #[expect(clippy::too_many_arguments, reason = "a request has that many parts")]
    async fn ask_as(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Said {
        let mut request = match body {
            Some(body) => json_request(method, path, body),
            None => Request::builder().method(method).uri(path).body(Body::empty()).unwrap(),
        };
        request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        self.ask(request).await
    }

    /// Deploys a graph and waits for it.
    async fn deployed(&self, project: &str, name: &str) -> Value {
        let said = self.post(&format!("/v1/projects/{project}/graphs?wait=10s"), &descriptor(name)).await;
        assert_eq!(said.status, 200, "{}", said.text());
        said.json()
    }
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn header(&self, name: impl header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// It is a problem of that status, whose text has that in it.
    #[track_caller]
    fn is_problem(&self, status: StatusCode, part: &str) {
        assert_eq!(self.status, status.as_u16(), "{}", self.text());
        assert_eq!(self.header(header::CONTENT_TYPE), "application/problem+json");
        let problem = self.json();
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(part), "wanted {part:?} in {detail:?}");
        assert_eq!(problem["status"], json!(self.status));
        assert_eq!(problem["instance"].as_str(), self.headers["x-request-id"].to_str().ok(), "it has the request's id");
    }
}

fn hosts() -> Hosts {
    Hosts::of("webhooks.allow_hosts", &[]).unwrap()
}

/// What a server on loopback is called.
fn local() -> Names {
    Names { named: Hosts::of("auth.hosts", &[]).unwrap(), is_local: true }
}

fn json_request(method: &str, path: &str, body: &Value) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

fn yaml_request(method: &str, path: &str, body: &str) -> Request<Body> {
    let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/yaml");
    request.body(Body::from(body.to_owned())).unwrap()
}

/// What comes out of an artifact.
fn pulled(reference: &str) -> Pulled {
    let source = Source { artifact: reference.to_owned(), digest: "sha256:00".to_owned() };
    Pulled { document: descriptor("a"), source, notes: vec!["the newest of three versions".to_owned()] }
}

/// A descriptor of two services, of which the second waits for an event.
fn descriptor(name: &str) -> Value {
    let service = |id: &str, trigger: Value| {
        json!({
            "id": id,
            "deployment": {"trigger": trigger, "intent": {"compute": {"cpu": "light", "ram": "light", "storage": "small"}}},
            "artifact": {
                "ociImage": format!("oci://registry.example.com/lab/{id}"),
                "ociConfig": {"type": "App", "implementer": "HELM"},
                "valuesOverwrite": {"colour": "blue"},
            },
        })
    };
    let event = json!({"event": {"condition": "ANY", "events": [{
        "id": "busy", "source": [],
        "condition": {"promQuery": "up == 0", "gracePeriod": "30s", "description": "it is busy"},
    }]}});
    json!({"hdaGraph": {
        "imVersion": "0.4.0", "id": name, "version": "1.0.0", "designer": "Lab", "description": "for a test",
        "services": [service("echo", json!({})), service("helper", event)],
    }})
}
