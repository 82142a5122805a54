//! What people write in the file of a connection.

use crate::units::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the world that a scenario describes really is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionFile {
    /// The control plane.
    pub karmada: KarmadaFile,
    /// What clusters of the scenario are called in Karmada; those that are not named are called as in the scenario.
    #[serde(default)]
    pub clusters: BTreeMap<String, String>,
    /// What services of the scenario are there, and how they are measured.
    #[serde(default)]
    pub services: BTreeMap<String, ServiceFile>,
    /// Where metrics are.
    #[serde(default)]
    pub prometheus: Option<PrometheusFile>,
    /// How replicas are moved.
    #[serde(default)]
    pub moves: MovesFile,
    /// How losses of clusters are noticed.
    #[serde(default)]
    pub probe: ProbeFile,
    /// Where alerts of Alertmanager are received.
    #[serde(default)]
    pub alerts: Option<AlertsFile>,
    /// How charts are had.
    #[serde(default)]
    pub charts: ChartsFile,
    /// Where the dashboard of the graph is shown.
    #[serde(default)]
    pub grafana: Option<GrafanaFile>,
}

/// Helm and registries.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ChartsFile {
    /// The program, by name or path; 3.17 or newer.
    pub helm: Option<String>,
    /// Registries, by host and port, that are spoken to without encryption; all others are not.
    pub plain_hosts: Vec<String>,
}

/// A Grafana.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrafanaFile {
    /// Its address.
    pub url: String,
    /// A file with the token of a service account, or with `user:password`.
    #[serde(default)]
    pub token_file: Option<String>,
    /// Title of the folder.
    #[serde(default = "folder")]
    pub folder: String,
    /// Which data source panels ask; where nothing is said, Grafana's default.
    #[serde(default)]
    pub data_source: Option<String>,
}

/// A Helm release.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseFile {
    /// The chart: `oci://host/repository:tag`, or better `oci://host/repository@sha256:...`.
    pub chart: String,
    /// Values that differ from the chart's own.
    #[serde(default)]
    pub values: serde_json::Map<String, serde_json::Value>,
    /// The path of the value that says how many replicas there are, like `replicaCount`, where the chart sets a number: it is given
    /// the count of now, or an upgrade would reset it.
    #[serde(default)]
    pub replicas_value: Option<String>,
}

/// A Karmada control plane.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KarmadaFile {
    /// The kubeconfig of the Karmada API, from the folder of this file.
    pub kubeconfig: String,
    /// Its context; where nothing is said, the current one.
    #[serde(default)]
    pub context: Option<String>,
    /// The namespace of the application.
    #[serde(default = "namespace")]
    pub namespace: String,
    /// Who divides replicas among clusters: `own` (we do, by one write of the binding) or `weights` (Karmada's scheduler, by
    /// static weights that are the wanted counts).
    #[serde(default)]
    pub division: DivisionFile,
}

/// Who divides replicas.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DivisionFile {
    /// We do.
    #[default]
    Own,
    /// Karmada's scheduler does.
    Weights,
}

/// A service.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceFile {
    /// Name of its Deployment; where nothing is said, the service's.
    pub workload: Option<String>,
    /// PromQL: requests per second that arrive, over all clusters; results are summed.
    pub rate: Option<String>,
    /// PromQL: requests per second that are answered, over all clusters; results are summed.
    pub served: Option<String>,
    /// PromQL: the 95th percentile of the latency, in seconds; of several results the largest counts.
    pub latency_p95: Option<String>,
    /// PromQL: cores in use, with a label `cluster` that names the cluster as Karmada does.
    pub cpu_used: Option<String>,
    /// PromQL: ready replicas, with a label `cluster`; only `smo observe` needs it, for what `smo fit` reads.
    pub replicas: Option<String>,
    /// For a service that waits for an event (`start_when` of the scenario): the same event as Prometheus sees it. It becomes a
    /// rule, whose alert wakes the service.
    pub start_when: Option<StartWhenFile>,
    /// The Helm release that makes its Deployment, under the Deployment's name; where nothing is said, the Deployment is there.
    pub release: Option<ReleaseFile>,
}

/// An event.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StartWhenFile {
    /// PromQL that has to give something.
    pub expr: String,
    /// For so long.
    #[serde(default, rename = "for")]
    pub lasting: Span,
}

/// A Prometheus.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusFile {
    /// Its address: `http://prometheus.monitoring:9090`.
    pub url: String,
    /// A file with a bearer token, from the folder of this file.
    #[serde(default)]
    pub token_file: Option<String>,
}

/// Alerts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertsFile {
    /// Address to listen at: `127.0.0.1:8000`. Alertmanager posts to `/alerts` there.
    pub listen: String,
    /// A file with the bearer token that Alertmanager has to show.
    #[serde(default)]
    pub token_file: Option<String>,
    /// Labels that make the Prometheus operator take our rules, as its `ruleSelector` wants them: `{release: monitoring}`.
    #[serde(default)]
    pub rule_labels: BTreeMap<String, String>,
}

/// How replicas are moved: new ones are ready before old ones go.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MovesFile {
    /// From the write until the new replicas have to be ready; then what was before is restored.
    pub timeout: Span,
}

impl Default for MovesFile {
    fn default() -> Self {
        Self { timeout: Span(120_000_000_000) }
    }
}

/// How the loss of a cluster is noticed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProbeFile {
    /// From one question to the next, and how long an answer may take.
    pub every: Span,
    /// So many questions in a row without an answer: the cluster is lost.
    pub lost_after: u32,
    /// It has to answer for so long before it counts as back.
    pub back_after: Span,
}

impl Default for ProbeFile {
    fn default() -> Self {
        Self { every: Span(1_000_000_000), lost_after: 3, back_after: Span(30_000_000_000) }
    }
}

fn folder() -> String {
    "smo".to_owned()
}

fn namespace() -> String {
    "default".to_owned()
}
