//! What is stored beside graphs: what happened and was decided, clusters, and who may do what and is told.

use crate::serve::at::At;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number: events are told in this order.
    pub seq: i64,
    /// When.
    pub at: At,
    /// What kind, with dots: `graph.deployed`, `service.scaled`, `cluster.lost`.
    pub kind: String,
    /// In which project, if in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// To which graph.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// To which service, or cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// In a sentence.
    pub message: String,
    /// Figures.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// A decision of a policy about a graph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionRow {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: At,
    /// Who decided.
    pub policy: String,
    /// Replicas by service and cluster.
    pub targets: BTreeMap<String, BTreeMap<String, u32>>,
    /// What could not be done, in sentences.
    pub refusals: Vec<String>,
    /// What was started: so many changes.
    pub actions: u32,
    /// What the rails held back, in sentences.
    pub held: Vec<String>,
    /// Why, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub explanation: Option<Value>,
}

/// A cluster, as it was seen last and as the operator describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClusterRow {
    /// Its name in Karmada.
    pub name: String,
    /// Whether Karmada has it; one that has left is shown for what it was.
    pub present: bool,
    /// Whether it is ready.
    pub ready: bool,
    /// When it was seen last.
    pub seen_at: At,
    /// What is allocatable, and what of it is free: cores.
    pub cpu: Amount,
    /// Bytes of memory.
    pub memory: Amount,
    /// Accelerators.
    pub gpu: Amount,
    /// Ready nodes.
    pub nodes: u32,
    /// Version of Kubernetes.
    pub version: String,
    /// Region, zone, provider, as Karmada has them.
    pub region: String,
    /// First range of pod addresses, where Submariner joins it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_cidr: Option<String>,
    /// First range of service addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_cidr: Option<String>,
    /// Milliseconds there and back to other clusters, where Submariner measures them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rtt_ms: BTreeMap<String, f64>,
    /// What the operator says of it.
    pub attributes: ClusterAttributes,
    /// Its dashboard in Grafana.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<String>,
}

/// How much there is, and how much of it is free.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Amount {
    /// In all.
    pub allocatable: f64,
    /// Not held by anybody.
    pub free: f64,
}

/// What an operator says of a cluster. Fields that are left out stay as they are, `null` takes them away.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterAttributes {
    /// Where it is, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Price of a core for an hour, in dollars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_per_core_hour: Option<f64>,
    /// Carbon intensity of its grid, in g CO₂e per kWh.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carbon: Option<f64>,
    /// Power usage effectiveness, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pue: Option<f64>,
    /// Whether it has accelerators, where Karmada does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acceleration: Option<bool>,
    /// Whether graphs with the security intent may run there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted: Option<bool>,
    /// Whether devices are near it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near_devices: Option<bool>,
    /// Milliseconds there and back to other clusters. It goes before what is measured, and is enough on one of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<BTreeMap<String, f64>>,
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Deploy, start, stop, remove.
    Operator,
    /// Everything: tokens, clusters, webhooks, projects.
    Admin,
}

/// A token, without itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// In which project; in all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// When it was made.
    pub created_at: At,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<At>,
}

/// Who did what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditRow {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: At,
    /// Who: what the token is called, and its project where it is of one.
    pub actor: String,
    /// `POST`, `PUT` ...
    pub method: String,
    /// On which path.
    pub path: String,
    /// What was answered.
    pub status: u16,
    /// The id of the request.
    pub request_id: String,
}

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Where to.
    pub url: String,
    /// Which kinds: a kind, or a part of it before a dot (`graph`); all where nothing is said.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Of which project; of all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// When it was made.
    pub created_at: At,
    /// Signs what is sent. Never shown.
    #[serde(skip)]
    pub secret: String,
    /// The number of the event that was sent last.
    pub sent: i64,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// An event that fires, by one alert or several: it wakes a conditional service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Firing {
    /// The service that waits for it.
    pub service: String,
    /// The event of the descriptor.
    pub event: String,
    /// Since when an alert of it does.
    pub since: At,
}
