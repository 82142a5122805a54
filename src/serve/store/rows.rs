//! What is stored, as types: also what the interface answers. Graphs and their jobs are here, what their
//! replicas can serve in `capacity`, all else in `told`.

mod capacity;
mod told;

pub use capacity::{CapacityOrigin, CapacityStatus};
pub use told::{Amount, AuditRow, ClusterAttributes, ClusterRow, DecisionRow, Event, Firing, Role, Token, Webhook};

use crate::serve::at::At;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A project: the namespace of its graphs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Project {
    /// Name, which is that of its namespace: a-z, 0-9 and - inside, at most 63.
    pub name: String,
    /// The policy of its graphs, where they say nothing; as `GET /v1/policies` lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// When it was made.
    pub created_at: At,
}

/// What a graph is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Deployed and kept running.
    Running,
    /// Known, with nothing of it deployed.
    Stopped,
    /// Gone.
    Removed,
}

/// What of a graph or service is observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing was done yet; of a conditional service: it waits for its event.
    #[default]
    Pending,
    /// It is being deployed, and was not ready since.
    Deploying,
    /// All that is wanted is ready.
    Running,
    /// Less is ready than is wanted.
    Degraded,
    /// Nothing of it is deployed.
    Stopped,
    /// It is being removed.
    Removing,
    /// It cannot go on; the reason says why.
    Failed,
}

/// Where a descriptor came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    /// The reference that was asked for: `oci://...`, `http(s)://...`.
    pub artifact: String,
    /// What it was pinned to.
    pub digest: String,
}

/// What an operator says of a graph beside its descriptor. Everything is optional.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// The policy that decides; else that of the project, else the server's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// By service.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub services: BTreeMap<String, ServiceOptions>,
    /// Conditional services are taken away again when their events have ended.
    pub stop_when_resolved: bool,
}

/// What an operator says of a service beside its descriptor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceOptions {
    /// PromQL: requests per second that arrive, over all clusters. Else the server's template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// What replicas serve, as a scenario writes it: `"20 /s"`, or `{"alpha": 20, "beta": 0}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub capacity: Option<Value>,
    /// Replicas at the start; 1 where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// Never fewer; 1 where nothing is said, 2 where high availability is wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas_min: Option<u32>,
    /// Never more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas_max: Option<u32>,
    /// The path of the chart's value that says how many replicas there are, like `replicaCount`, where it sets a number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas_value: Option<String>,
}

/// A graph, whole: what is wanted, and what was observed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Graph {
    /// Never the same again, also not for a graph of the same name.
    pub id: String,
    /// Its project.
    pub project: String,
    /// Its name: the descriptor's `hdaGraph.id`. Unique in its project.
    pub name: String,
    /// Counts what was wanted: each change is one more.
    pub generation: i64,
    /// What it is to be.
    pub wanted: Wish,
    /// The policy that decides, as the graph itself says it.
    pub options: Options,
    /// Where the descriptor came from, if from a registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// The descriptor: the document with its key `hdaGraph`.
    #[schema(value_type = Object)]
    pub descriptor: Value,
    /// What was observed of it.
    pub status: Status,
    /// Whether its keeper writes nothing: the kill switch, with a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<String>,
    /// When it was made.
    pub created_at: At,
    /// When something was last wanted of it.
    pub updated_at: At,
    /// What was wanted last that also worked: to go back to. Not shown.
    #[serde(skip)]
    pub previous: Option<Previous>,
}

/// A descriptor that worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Previous {
    /// The document.
    pub descriptor: Value,
    /// Its options.
    pub options: Options,
    /// Its source.
    pub source: Option<Source>,
}

/// What was observed of a graph, by its keeper.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// In a word.
    pub phase: Phase,
    /// Why it is not as wanted, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when the phase is this.
    pub since: At,
    /// When it was last looked at.
    pub observed_at: At,
    /// The generation that this is about; behind the graph's own, what is wanted was not seen yet.
    pub generation: i64,
    /// Its services, in the order of the descriptor.
    pub services: Vec<ServiceStatus>,
    /// The dashboard in Grafana.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
    /// Who keeps it: a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeper: Option<String>,
}

/// What was observed of a service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct ServiceStatus {
    /// Its name: the descriptor's `id`, and that of its release and Deployment.
    pub name: String,
    /// In a word.
    pub phase: Phase,
    /// Why it is not as wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it waits for an event, or did.
    pub conditional: bool,
    /// Replicas by cluster, as Karmada calls it.
    pub clusters: BTreeMap<String, Replicas>,
    /// Requests per second, where they are measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// The 95th percentile of its latency in seconds, where it is measured; as the last decision saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_p95: Option<f64>,
    /// Cores that all its replicas use, where they are measured; as the last decision saw them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_used: Option<f64>,
    /// What its replicas can serve, and who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<CapacityStatus>,
    /// The chart that it is deployed from, by digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<String>,
    /// The values that the release was given, those of the placement included.
    #[schema(value_type = Value)]
    pub values: Value,
    /// Its dashboard in Grafana.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
}

/// Replicas of a service in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Replicas {
    /// So many are wanted.
    pub wanted: u32,
    /// So many are ready.
    pub ready: u32,
}

/// What is to be changed about what is wanted of a graph.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// What it is to be.
    pub wanted: Option<Wish>,
    /// Another descriptor, with its source and options; that which worked so far is kept as [`Previous`].
    pub descriptor: Option<(Value, Option<Source>, Options)>,
    /// The kill switch: on with a reason, or off.
    pub paused: Option<Option<String>>,
}

/// Work that takes a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What is done.
    pub kind: JobKind,
    /// In which project.
    pub project: String,
    /// To which graph.
    pub graph: String,
    /// The graph's id.
    pub graph_id: String,
    /// The generation of the graph that it brings about.
    pub generation: i64,
    /// How far it is.
    pub state: JobState,
    /// Why it failed, or what was odd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was done so far, in order.
    pub steps: Vec<JobStep>,
    /// Who asked for it.
    pub actor: String,
    /// When it was asked for.
    pub created_at: At,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<At>,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// A new graph.
    Deploy,
    /// Another descriptor.
    Update,
    /// A stopped one runs again.
    Start,
    /// Nothing of it is deployed any more.
    Stop,
    /// It is gone.
    Remove,
    /// A new placement.
    RePlace,
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Nobody has begun.
    Queued,
    /// It is worked on.
    Running,
    /// It is as was wanted.
    Succeeded,
    /// It is not, and the reason says why.
    Failed,
    /// Something newer was wanted before it was through.
    Superseded,
}

impl JobState {
    /// Whether nothing more will happen to it.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Superseded)
    }
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobStep {
    /// When it was done.
    pub at: At,
    /// What, in a sentence.
    pub what: String,
}
