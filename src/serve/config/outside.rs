//! What people write of the systems around the service: where they are, and how we speak to them.

use crate::input::connection::DivisionFile;
use crate::units::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A Karmada control plane.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KarmadaFile {
    /// The kubeconfig of the Karmada API.
    pub kubeconfig: String,
    /// Its context; where nothing is said, the current one.
    #[serde(default)]
    pub context: Option<String>,
    /// Who divides replicas among clusters: `own` or `weights`.
    #[serde(default)]
    pub division: DivisionFile,
}

/// Submariner's broker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubmarinerFile {
    /// The kubeconfig of the cluster with the broker.
    pub kubeconfig: String,
    /// Its context; where nothing is said, the current one.
    #[serde(default)]
    pub context: Option<String>,
    /// The namespace of the broker.
    #[serde(default = "broker")]
    pub namespace: String,
}

fn broker() -> String {
    "submariner-k8s-broker".to_owned()
}

/// A Prometheus.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrometheusFile {
    /// Its address: `http://prometheus.monitoring:9090`.
    pub url: String,
    /// A file with a bearer token.
    #[serde(default)]
    pub token_file: Option<String>,
    /// PromQL: requests per second that arrive at a service that says nothing else, with `$service`, `$project` and `$window`.
    #[serde(default = "rate")]
    pub rate: String,
    /// The same of requests that are answered; where nothing is said, nobody counts them.
    #[serde(default)]
    pub served: Option<String>,
    /// PromQL: the 95th percentile of its latency, in seconds; where nothing is said, nobody measures it.
    #[serde(default)]
    pub latency_p95: Option<String>,
    /// PromQL: cores that it uses, one result for each cluster; where nothing is said, nobody measures them.
    #[serde(default)]
    pub cpu_used: Option<String>,
    /// What `$window` is.
    #[serde(default = "window")]
    pub window: Span,
}

fn rate() -> String {
    "sum(rate(http_requests_total{namespace=\"$project\",service=\"$service\"}[$window]))".to_owned()
}

fn window() -> Span {
    Span::seconds(60)
}

/// Alerts that wake services.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AlertsFile {
    /// A file with the bearer token that Alertmanager has to show; where nothing is said, it shows one of ours.
    pub token_file: Option<String>,
    /// Where rules are written.
    pub place: AlertsPlace,
    /// The namespace of the `PrometheusRule` objects, with `place: operator`; where nothing is said, that of the graph's project.
    pub namespace: Option<String>,
    /// Labels that make the operator take our rules, as its `ruleSelector` wants them.
    pub rule_labels: BTreeMap<String, String>,
    /// The folder that Prometheus reads rules from, with `place: files`.
    pub folder: Option<String>,
}

impl Default for AlertsFile {
    fn default() -> Self {
        Self {
            token_file: None,
            place: AlertsPlace::Operator,
            namespace: None,
            rule_labels: BTreeMap::new(),
            folder: None,
        }
    }
}

/// Where rules are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertsPlace {
    /// As objects of the Prometheus operator.
    Operator,
    /// As files.
    Files,
}

/// A Grafana.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrafanaFile {
    /// Its address.
    pub url: String,
    /// A file with the token of a service account, or with `user:password`.
    #[serde(default)]
    pub token_file: Option<String>,
    /// A user, where there is no token.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<String>,
    /// Title of the folder.
    #[serde(default = "folder")]
    pub folder: String,
    /// Which data source panels ask; where nothing is said, Grafana's default.
    #[serde(default)]
    pub data_source: Option<String>,
    /// The label of metrics that tells clusters apart; the original's members are told apart by `source`.
    #[serde(default = "cluster_label")]
    pub cluster_label: String,
}

fn cluster_label() -> String {
    "cluster".to_owned()
}

fn folder() -> String {
    "smo".to_owned()
}

/// Helm and registries.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChartsFile {
    /// The program, by name or path; 3.17 or newer.
    pub helm: String,
    /// Hosts that are spoken to without encryption; `*` for all.
    pub plain_hosts: Vec<String>,
    /// Hosts that artifacts may come from; where none is named, all that are not private.
    pub allow_hosts: Vec<String>,
}

impl Default for ChartsFile {
    fn default() -> Self {
        Self { helm: "helm".to_owned(), plain_hosts: Vec::new(), allow_hosts: Vec::new() }
    }
}

/// An OpenTelemetry collector.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OtelFile {
    /// Its address: `http://collector.observability:4318`; where nothing is said, no traces are made.
    pub endpoint: Option<String>,
    /// Headers that it wants, as `name=value` with commas between, what is no plain letter by its number: `%20`.
    pub headers: Option<String>,
    /// What the service is called in traces.
    pub service_name: String,
}

impl Default for OtelFile {
    fn default() -> Self {
        Self { endpoint: None, headers: None, service_name: "smo".to_owned() }
    }
}

/// An NFVCL.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NfvclFile {
    /// Its address.
    pub url: String,
    /// Its version.
    #[serde(default)]
    pub version: NfvclVersion,
    /// A file with a token, or with `user:password`.
    #[serde(default)]
    pub token_file: Option<String>,
    /// A user, where there is no such file.
    #[serde(default)]
    pub username: Option<String>,
    /// Its password.
    #[serde(default)]
    pub password: Option<String>,
}

/// The version of an NFVCL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum NfvclVersion {
    /// As its own document says.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// 0.3
    #[serde(rename = "0.3")]
    V03,
    /// 0.4
    #[serde(rename = "0.4")]
    V04,
}
