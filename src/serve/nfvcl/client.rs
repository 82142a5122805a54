//! The client of NFVCL: one call a function, with its limits.
//!
//! Reads are tried again, and so are deletions, which may be done twice; what makes something is tried once, since nobody knows what
//! became of a try without an answer. Addresses have no slash at their end: NFVCL redirects those.

use super::answer::{Accepted, Blueprint, ExternalCluster, Task, Topology, kubeconfig, masked};
use super::contract::{Contract, Version};
use super::login::Login;
use crate::backend::live::clock;
use crate::backend::live::http::{Ask, Auth, Http};
use crate::backend::live::outside::{CallError, Class, Limits};
use reqwest::Method;
use serde_json::Value;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Clusters and other things that NFVCL makes.
pub(super) const BLUEPRINTS: &str = "/nfvcl/v2/api/blue";
/// Where clusters are asked for.
const CLUSTERS: &str = "/nfvcl/v2/api/blue/k8s";
/// Where workers are.
pub(super) const ADD_NODE: &str = "/nfvcl/v2/api/blue/k8s/add_node";
/// Where the kubeconfig of a cluster is to be had (0.4).
pub(super) const KUBECONFIG: &str = "/nfvcl/v2/api/blue/k8s/root_kubeconfig";
const TOPOLOGY: &str = "/v1/topology";
/// Clusters that it knows the kubeconfigs of.
const ONBOARDED: &str = "/v1/topology/kubernetes";

/// For what may be asked twice.
const READ: Limits = Limits { each: Duration::from_secs(10), all: Duration::from_secs(30), tries: 4 };
/// For what may not: NFVCL looks at a VIM before it answers.
const WRITE: Limits = Limits { each: Duration::from_mins(1), all: Duration::from_mins(1), tries: 1 };
/// A contract is read anew after this long: NFVCL may have been updated.
const CONTRACT_AGE: Duration = Duration::from_mins(10);
/// A task is waited for so long, and looked at so often.
const TASK: (Duration, Duration) = (Duration::from_secs(30), Duration::from_millis(500));

/// NFVCL.
#[derive(Debug)]
pub struct Nfvcl {
    http: Http,
    /// Who logs in, where somebody does.
    login: Option<Login>,
    version: Version,
    contract: Mutex<Option<(Instant, Contract)>>,
}

impl Nfvcl {
    /// A client of the NFVCL at `url`; nothing is asked yet. A user with a password logs in before the first request.
    ///
    /// # Errors
    /// `url` is no address.
    pub fn new(url: &str, version: Version, auth: Auth) -> Result<Self, CallError> {
        let (auth, login) = match auth {
            Auth::Basic { user, password } => (Auth::None, Some(Login::new(user, password))),
            other => (other, None),
        };
        let http = Http::new("nfvcl", url, READ)?.with_auth(auth);
        Ok(Self { http, login, version, contract: Mutex::default() })
    }

    /// The contract that it keeps.
    ///
    /// # Errors
    /// It publishes none, or another's.
    #[expect(clippy::missing_panics_doc, reason = "nobody panics while holding what is remembered")]
    pub async fn contract(&self) -> Result<Contract, CallError> {
        if let Version::Named(contract) = &self.version {
            return Ok(contract.clone());
        }
        let known = self.contract.lock().expect("nobody panics with it").clone();
        if let Some((_, contract)) = known.filter(|(at, _)| clock::now() < *at + CONTRACT_AGE) {
            return Ok(contract);
        }
        let what = "read its OpenAPI document";
        let document = self.read(what, &Ask::get("/openapi.json")).await?;
        let contract = Contract::of_document(&document).map_err(|reason| {
            self.permanent(what, format!("{reason} (or say nfvcl.version: 0.3 or 0.4 where it publishes none)"))
        })?;
        *self.contract.lock().expect("nobody panics with it") = Some((clock::now(), contract.clone()));
        Ok(contract)
    }

    /// What it knows of VIMs and networks; nothing where it has no topology yet.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn topology(&self) -> Result<Option<Topology>, CallError> {
        let whole = self.of_topology("read the topology", TOPOLOGY).await?;
        Ok(whole.map(|whole| Topology::read(&whole)))
    }

    /// Clusters that somebody else has made, and it was told of: on machines, as a rule.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn external_clusters(&self) -> Result<Vec<ExternalCluster>, CallError> {
        let all = self.of_topology("list external clusters", ONBOARDED).await?.unwrap_or_default();
        Ok(all.as_array().into_iter().flatten().filter_map(ExternalCluster::read).collect())
    }

    /// Something of the topology; nothing where there is none: it answers 500 then, which a second try does not change.
    async fn of_topology(&self, what: &str, path: &str) -> Result<Option<Value>, CallError> {
        let ask = Ask::get(path);
        let is_none = |error: &CallError| {
            error.is_absent() || error.status == Some(500) && error.reason.to_ascii_lowercase().contains("no topology")
        };
        let read = match self.ask(Limits::ONCE, what, &ask).await {
            Err(error) if is_none(&error) => return Ok(None),
            Err(error) if error.class == Class::Retryable => self.ask(READ, what, &ask).await?,
            read => read?,
        };
        self.json(what, &read).map(Some)
    }

    /// Gives it its first topology.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn create_topology(&self, body: Value) -> Result<Accepted, CallError> {
        self.write("create the topology", &Ask::write(Method::POST, TOPOLOGY, body)).await
    }

    /// Adds a network to the topology.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn add_network(&self, body: Value) -> Result<Accepted, CallError> {
        self.write("add a network", &Ask::write(Method::POST, "/v1/topology/network", body)).await
    }

    /// Takes a network away.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove_network(&self, name: &str) -> Result<Accepted, CallError> {
        let path = format!("/v1/topology/network/{}", segment(name));
        self.remove("remove a network", &path, &[]).await
    }

    /// Adds a VIM to the topology.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn add_vim(&self, body: Value) -> Result<Accepted, CallError> {
        self.write("add a VIM", &Ask::write(Method::POST, "/v1/topology/vim", body)).await
    }

    /// Takes a VIM away.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove_vim(&self, name: &str) -> Result<Accepted, CallError> {
        // As a step of a path it would lead elsewhere.
        if name.trim_matches('.').is_empty() {
            return Err(self.permanent("remove a VIM", format!("`{name}` is no name of a VIM")));
        }
        self.remove("remove a VIM", &format!("/v1/topology/vim/{}", segment(name)), &[]).await
    }

    /// All clusters.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn clusters(&self) -> Result<Vec<Blueprint>, CallError> {
        let what = "list clusters";
        let listed = self.read(what, &Ask::get(BLUEPRINTS).with("detailed", "true")).await?;
        let list = listed.as_array().ok_or_else(|| self.permanent(what, "it answers no list of blueprints"))?;
        Ok(list.iter().filter_map(Blueprint::read).collect())
    }

    /// Asks for a cluster.
    ///
    /// # Errors
    /// See [`CallError`]; where it may pass, the cluster may be on its way.
    pub async fn create_cluster(&self, body: Value) -> Result<Accepted, CallError> {
        self.write("create a cluster", &Ask::write(Method::POST, CLUSTERS, body)).await
    }

    /// Asks for more workers.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn add_workers(&self, id: &str, body: Value) -> Result<Accepted, CallError> {
        let what = "add workers";
        let ask = |method: Method| Ask::write(method, ADD_NODE, body.clone()).with("blue_id", id);
        let first = self.contract().await?.add_workers_by;
        let other = if first == Method::PUT { Method::POST } else { Method::PUT };
        match self.write(what, &ask(first)).await {
            // Nothing was done: it only knows the other method.
            Err(error) if error.status == Some(405) => self.write(what, &ask(other)).await,
            answer => answer,
        }
    }

    /// Asks that a cluster be taken away; `force` where NFVCL can.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove_cluster(&self, id: &str, force: bool) -> Result<Accepted, CallError> {
        let arguments: &[(&str, &str)] =
            if force && self.contract().await?.has_force { &[("force_deletion", "true")] } else { &[] };
        self.remove("delete a cluster", &format!("{BLUEPRINTS}/{}", segment(id)), arguments).await
    }

    /// The kubeconfig of a cluster; nothing where it is not to be had yet.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn kubeconfig(&self, cluster: &Blueprint) -> Result<Option<String>, CallError> {
        if self.contract().await?.has_kubeconfig {
            let ask = Ask::get(KUBECONFIG).with("blue_id", cluster.id.as_str());
            let body = self.ask(READ, "read a kubeconfig", &ask).await?;
            let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
            return Ok(kubeconfig(&serde_json::from_slice(&body).unwrap_or_else(|_| text())));
        }
        if cluster.credentials.is_some() {
            return Ok(cluster.credentials.clone());
        }
        let onboarded = self.read("list onboarded clusters", &Ask::get(ONBOARDED)).await?;
        let is_it = |one: &&Value| one["blueprint_ref"] == cluster.id.as_str();
        let found = onboarded.as_array().and_then(|all| all.iter().find(is_it));
        Ok(found.and_then(|one| kubeconfig(&one["credentials"])))
    }

    /// Waits until what was accepted is through; one without a task is.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn finished(&self, accepted: &Accepted) -> Result<Task, CallError> {
        if accepted.is_refusal() {
            return Ok(Task::Failed(accepted.detail.clone()));
        }
        let Some(task) = &accepted.task else { return Ok(Task::Done) };
        let ((within, every), what) = (TASK, "look at a task");
        let end = clock::now() + within;
        loop {
            let ask = Ask::get("/v2/utils/get_task_status").with("task_id", task.as_str());
            let stands = match self.read(what, &ask).await {
                // It forgets its tasks when it restarts.
                Err(error) if error.is_absent() => return Ok(Task::Running),
                answer => Task::read(&answer?),
            };
            if stands != Task::Running || clock::now() + every > end {
                return Ok(stands);
            }
            tokio::time::sleep(every).await;
        }
    }

    /// A successful answer. Where the token is not taken any more, nothing was done, and it is asked once more with another one.
    async fn ask(&self, limits: Limits, what: &str, ask: &Ask<'_>) -> Result<Vec<u8>, CallError> {
        let Some(login) = &self.login else { return self.http.ask_within(limits, what, ask).await };
        let token = login.token(&self.http, None).await?;
        match self.http.ask_within(limits, what, &ask.clone().by(&token)).await {
            Err(error) if error.status == Some(401) => {
                let token = login.token(&self.http, Some(&token)).await?;
                self.http.ask_within(limits, what, &ask.clone().by(&token)).await
            }
            answer => answer,
        }
    }

    async fn read(&self, what: &str, ask: &Ask<'_>) -> Result<Value, CallError> {
        let body = self.ask(READ, what, ask).await?;
        self.json(what, &body)
    }

    async fn write(&self, what: &str, ask: &Ask<'_>) -> Result<Accepted, CallError> {
        let answer = self.ask(WRITE, what, ask).await;
        Ok(Accepted::read(&answer.map_err(|error| without_secrets(error, ask.body.as_ref()))?))
    }

    async fn remove(&self, what: &str, path: &str, arguments: &[(&str, &str)]) -> Result<Accepted, CallError> {
        let mut ask = Ask { method: Method::DELETE, ..Ask::get(path) };
        for (name, value) in arguments {
            ask = ask.with(name, *value);
        }
        Ok(Accepted::read(&self.ask(READ, what, &ask).await?))
    }

    /// Its answers hold passwords, so that none is quoted.
    fn json(&self, what: &str, body: &[u8]) -> Result<Value, CallError> {
        serde_json::from_slice(body).map_err(|error| {
            self.permanent(what, format!("its answer is no JSON (line {}, column {})", error.line(), error.column()))
        })
    }

    fn permanent(&self, what: &str, reason: impl std::fmt::Display) -> CallError {
        CallError::new(self.http.outside().system(), what, Class::Permanent, reason)
    }
}

/// Whatever NFVCL repeats of what it was sent.
fn without_secrets(error: CallError, sent: Option<&Value>) -> CallError {
    let mut reason = error.reason.clone();
    if let Some(sent) = sent {
        let shown = masked(sent.clone());
        for secret in differing(sent, &shown) {
            if secret.len() > 2 {
                reason = reason.replace(&secret, "***");
            }
        }
    }
    CallError { reason, ..error }
}

/// The texts that are masked in `shown`.
fn differing(sent: &Value, shown: &Value) -> Vec<String> {
    match (sent, shown) {
        (Value::Object(sent), Value::Object(shown)) => {
            sent.iter().flat_map(|(key, value)| differing(value, &shown[key])).collect()
        }
        (Value::Array(sent), Value::Array(shown)) => {
            sent.iter().zip(shown).flat_map(|(one, other)| differing(one, other)).collect()
        }
        (Value::String(secret), shown) if shown != secret => vec![secret.clone()],
        _ => Vec::new(),
    }
}

/// A name as a step of a path.
fn segment(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            other => write!(text, "%{other:02X}").expect("a string takes any text"),
        }
    }
    text
}
