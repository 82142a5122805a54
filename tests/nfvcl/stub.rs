//! An NFVCL for tests, made from one of its recorded OpenAPI documents: its paths, methods and parameters, every body checked against its
//! schema, every answer too. What it does with them is told in `does`, in the few words
//! that the recordings allow.
//!
//! It goes on only when a test says so ([`Nfvcl::settle`]): nothing in it waits.

#[path = "does.rs"]
mod does;

use super::schema::Schema;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

/// A running stub. It ends with the test.
#[derive(Clone)]
pub struct Nfvcl {
    /// Where it listens.
    pub url: String,
    state: Arc<Mutex<State>>,
}

/// What it holds, and how it behaves.
#[derive(Default)]
pub struct State {
    document: Value,
    /// What it knows of VIMs and networks.
    pub topology: Option<Value>,
    /// Clusters.
    pub blueprints: Vec<Value>,
    /// Clusters that others have made, and that it was told of.
    pub external: Vec<Value>,
    /// Tasks by their id: how they ended.
    tasks: BTreeMap<String, Option<String>>,
    /// Every request: method and path.
    pub asked: Vec<String>,
    /// The next creation of a cluster is answered by this instead; it is made all the same, unless `unmade`.
    pub odd_answer: Option<(u16, Value)>,
    /// That creation makes nothing.
    pub unmade: bool,
    /// Clusters come out broken, for this reason.
    pub broken: Option<String>,
    /// What clusters give as their kubeconfig.
    pub kubeconfig: String,
    /// Every call has to bear this token, but for the one that asks for it.
    pub token: Option<String>,
    /// Who gets that token, with which password.
    pub user: Option<(String, String)>,
}

impl Nfvcl {
    /// A stub of the version that `document` describes.
    pub async fn of(document: Value) -> Self {
        let state = Arc::new(Mutex::new(State { document, ..State::default() }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state }
    }

    /// What it holds.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Finishes what is on its way.
    pub fn settle(&self) {
        let mut state = self.state();
        state.blueprints.retain(|one| one["status"]["current_operation"] != "destroying");
        let (broken, kubeconfig) = (state.broken.clone(), state.kubeconfig.clone());
        for one in &mut state.blueprints {
            if one["status"]["current_operation"] == "idle" {
                continue;
            }
            one["status"] = match &broken {
                Some(reason) => json!({"error": true, "current_operation": "idle", "detail": reason}),
                None => json!({"error": false, "current_operation": "idle", "detail": ""}),
            };
            if broken.is_none() {
                one["state"]["vm_workers"] = json!(vec![json!("REF=x"); workers(one)]);
                one["state"]["master_credentials"] = kubeconfig.clone().into();
            }
        }
    }

    /// The paths that were asked for by that method.
    #[allow(dead_code, reason = "one of the two test programs asks for it")]
    pub fn asked(&self, method: &str) -> Vec<String> {
        let state = self.state();
        state.asked.iter().filter_map(|one| one.strip_prefix(method)).map(|path| path.trim().to_owned()).collect()
    }
}

/// Workers that were asked for, first and later.
fn workers(blueprint: &Value) -> usize {
    let of = |areas: &Value| -> u64 {
        areas.as_array().into_iter().flatten().filter_map(|area| area["worker_replicas"].as_u64()).sum()
    };
    let added: u64 =
        blueprint["day_2_call_history"].as_array().into_iter().flatten().map(|one| of(&one["areas"])).sum();
    usize::try_from(of(&blueprint["create_config"]["areas"]) + added).unwrap()
}

async fn answer(Shared(state): Shared<Arc<Mutex<State>>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut state = state.lock().unwrap();
    let path = parts.uri.path().to_owned();
    state.asked.push(format!("{} {path}", parts.method));
    let asked = Asked { method: parts.method, path, query: parts.uri.query().unwrap_or_default().to_owned(), body };
    match state.refused(&asked, &parts.headers) {
        Some(refusal) => refusal,
        None => state.done(&asked),
    }
}

struct Asked {
    method: Method,
    path: String,
    query: String,
    body: Bytes,
}

impl Asked {
    fn argument(&self, name: &str) -> Option<String> {
        let found = self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name);
        found.map(|(_, value)| value.to_owned())
    }

    /// The fields of the form that was sent.
    fn form(&self) -> BTreeMap<String, String> {
        let url = format!("http://form/?{}", std::str::from_utf8(&self.body).unwrap_or_default());
        reqwest::Url::parse(&url).unwrap().query_pairs().into_owned().collect()
    }

    fn is(&self, method: &Method, path: &str) -> bool {
        self.method == *method && self.path == path
    }
}

fn respond(status: u16, body: &Value) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap();
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}

fn detail(status: u16, words: &str) -> Response<Body> {
    respond(status, &json!({"detail": words}))
}

impl State {
    /// What FastAPI answers before anything of NFVCL's is reached.
    fn refused(&self, asked: &Asked, headers: &HeaderMap) -> Option<Response<Body>> {
        if asked.is(&Method::GET, "/openapi.json") {
            return Some(respond(200, &self.document));
        }
        let without_slash = asked.path.trim_end_matches('/');
        if without_slash != asked.path && self.described(without_slash).is_some() {
            let away = format!("http://{}{without_slash}", headers[header::HOST].to_str().unwrap());
            return Some(Response::builder().status(307).header(header::LOCATION, away).body(Body::empty()).unwrap());
        }
        let Some(path) = self.described(&asked.path) else { return Some(detail(404, "Not Found")) };
        let operation = &path[asked.method.as_str().to_lowercase()];
        if operation.is_null() {
            return Some(detail(405, "Method Not Allowed"));
        }
        let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let is_open = asked.is(&Method::POST, "/token");
        if self.token.as_ref().is_some_and(|wanted| !is_open && token != Some(&format!("Bearer {wanted}"))) {
            return Some(detail(401, "Not authenticated"));
        }
        let faults = self.faults(operation, asked);
        (!faults.is_empty()).then(|| respond(422, &json!({"detail": faults})))
    }

    /// The entry of the document for a path: as it stands, else one with parameters.
    fn described(&self, path: &str) -> Option<&Value> {
        let paths = self.document["paths"].as_object().unwrap();
        let fits = |template: &str| {
            let (wanted, given) = (template.split('/'), path.split('/'));
            wanted.clone().count() == given.clone().count()
                && wanted
                    .zip(given)
                    .all(|(wanted, given)| wanted == given || wanted.starts_with('{') && !given.is_empty())
        };
        paths.get(path).or_else(|| paths.iter().find(|(template, _)| fits(template)).map(|(_, entry)| entry))
    }

    fn faults(&self, operation: &Value, asked: &Asked) -> Vec<Value> {
        let mut faults = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            match asked.argument(name) {
                None if parameter["required"] == true => {
                    faults.push(
                        json!({"type": "missing", "loc": ["query", name], "msg": "Field required", "input": null}),
                    );
                }
                Some(value) if parameter["schema"]["type"] == "boolean" && value.parse::<bool>().is_err() => {
                    faults.push(
                        json!({"type": "bool_parsing", "loc": ["query", name], "msg": "no boolean", "input": value}),
                    );
                }
                _ => {}
            }
        }
        if let Some(schema) = operation.pointer("/requestBody/content/application~1x-www-form-urlencoded/schema") {
            let fields = Value::Object(asked.form().into_iter().map(|(name, value)| (name, value.into())).collect());
            faults.extend(Schema::of(&self.document, schema).faults(&fields, &["body".into()]));
        }
        let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") else { return faults };
        match serde_json::from_slice(&asked.body) {
            Ok(body) => faults.extend(Schema::of(&self.document, schema).faults(&body, &["body".into()])),
            Err(_) => {
                faults.push(json!({"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error", "input": {}}));
            }
        }
        faults
    }

    /// The body with its defaults.
    fn filled(&self, asked: &Asked) -> Value {
        let path = self.described(&asked.path).unwrap();
        let operation = &path[asked.method.as_str().to_lowercase()];
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        Schema::of(&self.document, schema).filled(&serde_json::from_slice(&asked.body).unwrap())
    }

    /// An answer, which has to be one of those that the document lists.
    fn success(&self, asked: &Asked, body: &Value) -> Response<Body> {
        let path = self.described(&asked.path).unwrap();
        let responses = path[asked.method.as_str().to_lowercase()]["responses"].as_object().unwrap();
        let (status, response) = responses.iter().find(|(status, _)| status.starts_with('2')).unwrap();
        if let Some(schema) =
            response.pointer("/content/application~1json/schema").filter(|schema| **schema != json!({}))
        {
            let faults = Schema::of(&self.document, schema).faults(body, &["answer".into()]);
            assert_eq!(faults, Vec::<Value>::new(), "the stub's own answer to {} {}", asked.method, asked.path);
        }
        respond(status.parse().unwrap(), body)
    }
}
