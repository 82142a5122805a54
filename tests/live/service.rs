//! `smo serve` as a program: started with a configuration of the test's own, asked over HTTP, ended, killed, started again.

use crate::shop::{empty, until};
use crate::stack::Stack;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where Alertmanager of the stack posts.
pub const ALERTS_PORT: u16 = 8000;
/// Who decides: replicas go down as soon as the load does, so that tests need not wait.
const POLICY: &str = "anytime+rate:headroom=30%,down_after=3s";
/// From the start of the program until it answers.
const START: Duration = Duration::from_secs(20);

/// A server that may be killed and started again.
pub struct Service<'a> {
    pub stack: &'a Stack,
    pub folder: tempfile::TempDir,
    pub port: u16,
    config: Value,
    /// Sent with each request, where it is set.
    pub token: Option<String>,
    child: Option<Child>,
    starts: u32,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    /// The body, which has to be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// That it has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// That it is a problem of this status that says `words`.
    #[track_caller]
    pub fn is_problem(self, status: u16, words: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text);
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(words)), "{words}: {problem}");
        answer
    }
}

impl<'a> Service<'a> {
    /// A server on the stack that keeps its store in a file of its own; projects that tests before left are gone. Not started yet.
    pub fn new(stack: &'a Stack, port: u16) -> Self {
        empty(stack);
        Self::beside(stack, port)
    }

    /// The same beside another one.
    pub fn beside(stack: &'a Stack, port: u16) -> Self {
        smo::backend::live::tls::install();
        let folder = tempfile::tempdir().expect("a folder");
        let registry = stack.address("registry");
        let config = json!({
            "listen": format!("127.0.0.1:{port}"),
            "database": format!("sqlite://{}", folder.path().join("smo.db").display()),
            "karmada": {"kubeconfig": stack.kubeconfig("karmada")},
            "prometheus": {
                "url": stack.address("prometheus"),
                "rate": r#"sum(rate(http_requests_total{namespace="$project",service="$service"}[5s]))"#,
            },
            "charts": {"helm": "helm-4.3", "plain_hosts": [registry], "allow_hosts": [registry]},
            "policy": POLICY,
            "control": {"every": "2 s"},
            "moves": {"timeout": "15 s"},
            "probe": {"back_after": "5 s"},
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = reqwest::Client::builder().timeout(Duration::from_mins(2)).build().expect("a client");
        Self { stack, folder, port, config, token: None, child: None, starts: 0, runtime, client }
    }

    /// Another value of the configuration, by its path of keys.
    pub fn configure(&mut self, path: &[&str], value: Value) {
        let slot = path.iter().fold(&mut self.config, |slot, key| &mut slot[*key]);
        *slot = value;
    }

    /// The configuration's file.
    pub fn config(&self) -> PathBuf {
        let path = self.folder.path().join("smo.yaml");
        fs::write(&path, self.config.to_string()).expect("it can be written");
        path
    }

    /// Starts it and waits until it is ready; how long that took.
    pub fn start(&mut self) -> Duration {
        let start = now();
        self.spawn();
        until("the server is ready", START, || {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().expect("it can be asked"));
            assert!(ended.is_none(), "smo serve ended: {ended:?}\n{}", self.said());
            self.try_get("/readyz").is_some_and(|answer| answer.status == 200)
        });
        start.elapsed()
    }

    /// Starts it without waiting.
    pub fn spawn(&mut self) {
        self.starts += 1;
        let log = fs::File::create(self.log()).expect("it can be written");
        let child = Command::new(env!("CARGO_BIN_EXE_smo"))
            .args(["serve", "--config"])
            .arg(self.config())
            .env("HOME", self.folder.path())
            .env("XDG_DATA_HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn();
        self.child = Some(child.expect("smo starts"));
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join(format!("log-{}", self.starts))
    }

    /// What it said since it was started last.
    pub fn said(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it was started").id()
    }

    /// Kills it without a warning.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it runs");
            child.wait().expect("it has ended");
        }
    }

    /// Ends it politely; its exit code.
    pub fn end(&mut self) -> i32 {
        let mut child = self.child.take().expect("it was started");
        Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill starts");
        child.wait().expect("it has ended").code().unwrap_or(-1)
    }

    /// Where it is.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().expect("a method");
        let request = self.client.request(method, self.url(path));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn finish(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        self.runtime.block_on(async {
            let answer = request.send().await?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            Ok(Answer { status, headers, text: answer.text().await? })
        })
    }

    #[track_caller]
    fn answered(&self, request: reqwest::RequestBuilder) -> Answer {
        self.finish(request).unwrap_or_else(|error| panic!("{error}\n{}", self.said()))
    }

    /// GET, nothing where nobody answers.
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        self.finish(self.request("GET", path).timeout(Duration::from_secs(5))).ok()
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.answered(self.request("GET", path))
    }

    /// Any method with a JSON body, and headers.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let request =
            headers.iter().fold(self.request(method, path), |request, (name, value)| request.header(*name, *value));
        self.answered(if body.is_null() { request } else { request.json(body) })
    }

    /// Any method with a text as body, and its content type.
    #[track_caller]
    pub fn send_text(&self, method: &str, path: &str, kind: &str, body: String) -> Answer {
        self.answered(self.request(method, path).header("content-type", kind).body(body))
    }

    /// POST of JSON; nothing is sent where it is null.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body, &[])
    }

    /// Any method with a JSON body, and headers; nothing where the connection breaks.
    pub fn try_send(&self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Option<Answer> {
        let request =
            headers.iter().fold(self.request(method, path), |request, (name, value)| request.header(*name, *value));
        let request = request.timeout(Duration::from_secs(30));
        self.finish(if body.is_null() { request } else { request.json(body) }).ok()
    }

    /// PUT of JSON.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, body, &[])
    }

    /// PATCH of JSON.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, body, &[])
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &Value::Null, &[])
    }

    /// Deploys a descriptor, with what is said beside it, and waits until it runs; the graph.
    #[track_caller]
    pub fn deploy(&self, project: &str, descriptor: &Value, options: &Value) -> Value {
        let body = json!({"hdaGraph": descriptor["hdaGraph"], "options": options});
        self.post(&format!("/v1/projects/{project}/graphs?wait=90s"), &body).is(200).json()
    }

    /// What is observed of a graph.
    #[track_caller]
    pub fn graph(&self, project: &str, name: &str) -> Value {
        self.get(&format!("/v1/projects/{project}/graphs/{name}")).is(200).json()
    }

    /// The word for what is observed of a graph, or why there is none.
    pub fn phase(&self, project: &str, name: &str) -> String {
        match self.try_get(&format!("/v1/projects/{project}/graphs/{name}")) {
            Some(answer) if answer.status == 200 => {
                answer.json()["status"]["phase"].as_str().unwrap_or_default().to_owned()
            }
            Some(answer) => answer.status.to_string(),
            None => "unreachable".to_owned(),
        }
    }

    /// Waits for a phase.
    #[track_caller]
    pub fn reaches(&self, project: &str, name: &str, phase: &str, limit: Duration) -> Duration {
        until(&format!("{name} is {phase}"), limit, || self.phase(project, name) == phase)
    }

    /// What is observed of a service of a graph.
    #[track_caller]
    pub fn service(&self, project: &str, graph: &str, service: &str) -> Value {
        let graph = self.graph(project, graph);
        let found = graph["status"]["services"].as_array().into_iter().flatten().find(|one| one["name"] == service);
        found.unwrap_or_else(|| panic!("no service {service}: {graph}")).clone()
    }

    /// All events after a number.
    #[track_caller]
    pub fn events(&self, after: i64) -> Vec<Value> {
        let answer = self.get(&format!("/v1/events?after={after}&limit=1000")).is(200).json();
        answer["items"].as_array().expect("a list").clone()
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("smo serve said:\n{}", self.said());
        }
    }
}

/// A port of the loopback that nobody listens on.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback has ports");
    listener.local_addr().expect("it has an address").port()
}

#[expect(clippy::disallowed_methods, reason = "measures the real world")]
pub fn now() -> Instant {
    Instant::now()
}
