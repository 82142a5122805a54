//! An NFVCL for tests, made from one of its recorded OpenAPI documents: its paths, methods and parameters, every body checked against its
//! schema, every answer too. What it does with them is told here, in the few words that the recordings allow.
//!
//! It goes on only when a test says so ([`Nfvcl::settle`]): nothing in it waits.

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
    /// Every call has to bear this token.
    pub token: Option<String>,
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
        if self.token.as_ref().is_some_and(|wanted| token != Some(&format!("Bearer {wanted}"))) {
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
        let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") else { return faults };
        match serde_json::from_slice(&asked.body) {
            Ok(body) => faults.extend(Schema::of(&self.document, schema).faults(&body, &["body".into()])),
            Err(_) => {
                faults.push(json!({"type": "json_invalid", "loc": ["body"], "msg": "JSON decode error", "input": {}}))
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

    /// What NFVCL itself does.
    fn done(&mut self, asked: &Asked) -> Response<Body> {
        let path = asked.path.as_str();
        match (asked.method.as_str(), path) {
            (_, "/ready") => self.success(asked, &json!({})),
            ("GET", "/v1/topology") => match &self.topology {
                Some(topology) => self.success(asked, topology),
                None => self.failed("No topology found"),
            },
            ("POST", "/v1/topology") => {
                self.topology = Some(self.filled(asked));
                self.accepted(asked, "topology created", None)
            }
            ("POST", "/v1/topology/network") => self.add_network(asked),
            ("POST", "/v1/topology/vim") => self.add_vim(asked),
            ("GET", "/v1/topology/kubernetes") => self.onboarded(asked),
            ("GET", "/v2/utils/get_task_status") => self.task(asked),
            ("GET", "/nfvcl/v2/api/blue") => self.list(asked),
            ("POST", "/nfvcl/v2/api/blue/k8s") => self.create(asked),
            ("PUT" | "POST", "/nfvcl/v2/api/blue/k8s/add_node") => self.add_node(asked),
            ("GET", "/nfvcl/v2/api/blue/k8s/root_kubeconfig") => {
                match self.blueprint(&asked.argument("blue_id").unwrap()) {
                    Some(one) if one["status"]["current_operation"] == "idle" => {
                        self.success(asked, &self.kubeconfig.clone().into())
                    }
                    Some(_) => self.failed("the blueprint is locked"),
                    None => detail(404, "no such blueprint"),
                }
            }
            ("DELETE", _) if path.starts_with("/v1/topology/vim/") => self.remove(asked, "vims"),
            ("DELETE", _) if path.starts_with("/v1/topology/network/") => self.remove(asked, "networks"),
            ("DELETE", _) if path.starts_with("/nfvcl/v2/api/blue/") => self.destroy(asked),
            _ => panic!("the stub does not do {} {path}", asked.method),
        }
    }

    /// What is thrown inside: 0.3 and 0.4 write it under different keys.
    fn failed(&self, words: &str) -> Response<Body> {
        let key = if self.is_older() { "error" } else { "detail" };
        respond(500, &json!({(key): words}))
    }

    fn is_older(&self) -> bool {
        self.document["info"]["version"].as_str().unwrap().starts_with("0.3")
    }

    /// 202 with a task that has ended already, or 200 with the outcome: as the document says.
    fn accepted(&mut self, asked: &Asked, words: &str, trouble: Option<String>) -> Response<Body> {
        let path = self.described(&asked.path).unwrap();
        let is_task = path[asked.method.as_str().to_lowercase()]["responses"]["202"].is_object();
        if is_task {
            let task = format!("task-{}", self.tasks.len());
            self.tasks.insert(task.clone(), trouble);
            return self
                .success(asked, &json!({"status": "processing", "detail": words, "result": {}, "task_id": task}));
        }
        match trouble {
            Some(trouble) => self.failed(&trouble),
            // It repeats what it was sent, passwords too.
            None => {
                let sent: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
                self.success(
                    asked,
                    &json!({"status": "ready", "detail": words, "result": {"sent": sent}, "task_id": null}),
                )
            }
        }
    }

    fn add_network(&mut self, asked: &Asked) -> Response<Body> {
        let network = self.filled(asked);
        let Some(topology) = &mut self.topology else { return self.failed("No topology found") };
        topology["networks"].as_array_mut().unwrap().push(network);
        self.accepted(asked, "network added", None)
    }

    fn add_vim(&mut self, asked: &Asked) -> Response<Body> {
        let vim = self.filled(asked);
        let Some(topology) = &mut self.topology else {
            return self.failed("'NoneType' object has no attribute 'vims'");
        };
        let known = topology["vims"].as_array_mut().unwrap();
        let is_same = known.iter().any(|one| one["name"] == vim["name"]);
        let trouble = is_same.then(|| format!("VIM with name {} already exists", vim["name"]));
        if trouble.is_none() {
            known.push(vim);
        }
        self.accepted(asked, "vim added", trouble)
    }

    fn remove(&mut self, asked: &Asked, kind: &str) -> Response<Body> {
        let name = asked.path.rsplit('/').next().unwrap().to_owned();
        let Some(topology) = &mut self.topology else { return self.failed("No topology found") };
        topology[kind].as_array_mut().unwrap().retain(|one| one["name"] != name.as_str());
        self.accepted(asked, "removed", None)
    }

    fn task(&self, asked: &Asked) -> Response<Body> {
        let id = asked.argument("task_id").unwrap();
        match self.tasks.get(&id) {
            None if self.is_older() => self.failed("no such task"),
            None => detail(404, "no such task"),
            Some(trouble) => {
                let result = if trouble.is_none() { json!("done") } else { Value::Null };
                let body = json!({"task_id": id, "status": "done", "result": result, "error": trouble.is_some(), "exception": trouble});
                self.success(asked, &body)
            }
        }
    }

    fn blueprint(&self, id: &str) -> Option<&Value> {
        self.blueprints.iter().find(|one| one["id"] == id)
    }

    fn list(&self, asked: &Asked) -> Response<Body> {
        let is_detailed = asked.argument("detailed").as_deref() == Some("true");
        let shown = |one: &Value| {
            if is_detailed {
                return one.clone();
            }
            json!({"id": one["id"], "type": one["type"], "status": one["status"], "created": one["created"],
                "protected": false, "node_list": []})
        };
        self.success(asked, &self.blueprints.iter().map(shown).collect())
    }

    fn create(&mut self, asked: &Asked) -> Response<Body> {
        let config = self.filled(asked);
        let id = format!("BLUE{:02}", self.blueprints.len() + self.tasks.len() + 10);
        let is_master = |area: &&Value| area["is_master_area"] == true;
        let master = config["areas"].as_array().unwrap().iter().find(is_master).cloned().unwrap_or_default();
        if !self.unmade {
            self.blueprints.push(json!({
                "id": id, "type": "nfvcl.blueprints_ng.modules.k8s.k8s_blueprint.K8sBlueprint",
                "state": {"master_area": master, "vm_workers": [], "master_credentials": "", "password": "ubuntu"},
                "create_config": config, "created": "2026-11-23T06:31:19.315486", "corrupted": false, "protected": false,
                "status": {"error": false, "current_operation": "deploying", "detail": ""}, "day_2_call_history": [],
            }));
        }
        if let Some((status, body)) = self.odd_answer.take() {
            return respond(status, &body);
        }
        let task = format!("task-{}", self.tasks.len());
        self.tasks.insert(task.clone(), None);
        let words = format!("Blueprint {id} is being deployed...");
        self.success(asked, &json!({"status": "deploying", "detail": words, "result": {}, "task_id": task}))
    }

    fn add_node(&mut self, asked: &Asked) -> Response<Body> {
        let (id, model) = (asked.argument("blue_id").unwrap(), self.filled(asked));
        let Some(one) = self.blueprints.iter_mut().find(|one| one["id"] == id.as_str()) else {
            return respond(
                400,
                &json!({"status": "failed", "detail": format!("Blueprint {id} not found"), "result": {}, "task_id": null}),
            );
        };
        one["day_2_call_history"].as_array_mut().unwrap().push(model);
        one["status"] = json!({"error": false, "current_operation": "running-day2-op", "detail": ""});
        self.accepted(asked, &format!("Blueprint day2 message for {id} given to the worker..."), None)
    }

    fn destroy(&mut self, asked: &Asked) -> Response<Body> {
        let id = asked.path.rsplit('/').next().unwrap().to_owned();
        let is_forced = asked.argument("force_deletion").as_deref() == Some("true");
        let broken = self.broken.clone().filter(|_| !is_forced);
        let Some(one) = self.blueprints.iter_mut().find(|one| one["id"] == id.as_str()) else {
            return respond(
                400,
                &json!({"status": "failed", "detail": format!("Blueprint {id} not found"), "result": {}, "task_id": null}),
            );
        };
        // Where machines cannot be reached, a deletion fails as a creation does.
        one["status"] = match broken {
            Some(reason) => json!({"error": true, "current_operation": "idle", "detail": reason}),
            None => json!({"error": false, "current_operation": "destroying", "detail": ""}),
        };
        self.accepted(asked, &format!("Blueprint {id} is being deleted..."), None)
    }

    /// Clusters that are ready are in the topology, with their kubeconfig.
    fn onboarded(&self, asked: &Asked) -> Response<Body> {
        if self.topology.is_none() {
            return self.failed("No topology found");
        }
        let ready = self.blueprints.iter().filter(|one| one["status"]["current_operation"] == "idle");
        let shown = ready.map(|one| {
            json!({"name": one["id"], "blueprint_ref": one["id"], "credentials": self.kubeconfig, "networks": [],
                "areas": [one["create_config"]["areas"][0]["area_id"]]})
        });
        self.success(asked, &shown.chain(self.external.iter().cloned()).collect())
    }
}
