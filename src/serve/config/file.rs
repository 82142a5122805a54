//! What people write in the file of the service. Every key has a default, or is left out; the names are those of the file of a
//! connection where they mean the same.
//!
//! Secrets may stand here because the original's environment has them; a file of their own is better, and every one can be.

use super::outside::{AlertsFile, ChartsFile, GrafanaFile, KarmadaFile, NfvclFile, PrometheusFile, SubmarinerFile};
use crate::input::connection::{MovesFile, ProbeFile};
use crate::input::{LearnFile, Share};
use crate::serve::at::At;
use crate::serve::store::rows::Role;
use crate::units::{Bytes, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The service.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    /// Address and port to listen at.
    pub listen: String,
    /// `sqlite:///path/to/smo.db` or `postgres://user:password@host/database`; where nothing is said, a file in the user's data.
    pub database: Option<String>,
    /// Who may do what.
    pub auth: AuthFile,
    /// Certificate and key; without them HTTP is spoken without encryption.
    pub tls: Option<TlsFile>,
    /// The control plane; without one nothing is deployed, and dry runs need an `inventory`.
    pub karmada: Option<KarmadaFile>,
    /// Submariner, where it joins the clusters.
    pub submariner: Option<SubmarinerFile>,
    /// A file with clusters, for dry runs without a control plane.
    pub inventory: Option<String>,
    /// Where metrics are; without it policies see no rates.
    pub prometheus: Option<PrometheusFile>,
    /// Alerts that wake services.
    pub alerts: AlertsFile,
    /// Where dashboards are shown.
    pub grafana: Option<GrafanaFile>,
    /// Where charts and descriptors come from.
    pub charts: ChartsFile,
    /// Where virtual machines and clusters are made.
    pub nfvcl: Option<NfvclFile>,
    /// The policy of graphs for which neither their project nor they themselves say one.
    pub policy: String,
    /// The loop that decides.
    pub control: ControlFile,
    /// Limits on what one decision may change.
    pub rails: RailsFile,
    /// How replicas are moved.
    pub moves: MovesFile,
    /// How losses of clusters are noticed.
    pub probe: ProbeFile,
    /// Where events are sent.
    pub webhooks: WebhooksFile,
    /// Limits on requests.
    pub limits: LimitsFile,
    /// What is logged.
    pub log: LogFile,
    /// A file that `smo fit` wrote: what replicas of services can serve.
    pub capacities: Option<String>,
    /// Fits capacities while graphs run; not, where nothing is said.
    pub learn: Option<LearnFile>,
    /// Whether charts are given the resources of the descriptor as `resources`, where they say nothing.
    pub inject_resources: bool,
}

impl Default for ConfigFile {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8000".to_owned(),
            database: None,
            auth: AuthFile::default(),
            tls: None,
            karmada: None,
            submariner: None,
            inventory: None,
            prometheus: None,
            alerts: AlertsFile::default(),
            grafana: None,
            charts: ChartsFile::default(),
            nfvcl: None,
            policy: "anytime+rate".to_owned(),
            control: ControlFile::default(),
            rails: RailsFile::default(),
            moves: MovesFile::default(),
            probe: ProbeFile::default(),
            webhooks: WebhooksFile::default(),
            limits: LimitsFile::default(),
            log: LogFile::default(),
            capacities: None,
            learn: None,
            inject_resources: false,
        }
    }
}

/// Who may do what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthFile {
    /// Whether callers have to say who they are.
    pub mode: AuthMode,
    /// Where the first token is written; where nothing is said, next to the user's data.
    pub token_file: Option<String>,
    /// A provider whose tokens count too.
    pub oidc: Option<OidcFile>,
}

/// Whether callers have to say who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMode {
    /// Unless only this machine can reach us.
    #[default]
    Auto,
    /// They have to.
    On,
    /// Everybody may do everything.
    Off,
}

/// An OpenID provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcFile {
    /// Its address, letter by letter as it stands in its tokens.
    pub issuer: String,
    /// What its tokens have to be for.
    pub audience: String,
    /// Where its keys are; where nothing is said, its own discovery document says it.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// The claim with the role or roles of the caller; dots lead into claims.
    #[serde(default = "role_claim")]
    pub role_claim: String,
    /// The claim with the one project that the caller is let into; without the claim it is let into all.
    #[serde(default = "project_claim")]
    pub project_claim: String,
    /// What values of the role claim mean here, where they are not `viewer`, `operator` and `admin` themselves.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
}

fn role_claim() -> String {
    "smo_role".to_owned()
}

fn project_claim() -> String {
    "smo_project".to_owned()
}

/// Encryption.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFile {
    /// The certificate with its chain, as PEM.
    pub certificate: String,
    /// Its key, as PEM.
    pub key: String,
}

/// The loop that decides.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ControlFile {
    /// Whether policies decide again after the first placement.
    pub enabled: bool,
    /// From one decision about a graph to the next.
    pub every: Span,
}

impl Default for ControlFile {
    fn default() -> Self {
        Self { enabled: true, every: Span::seconds(15) }
    }
}

/// Limits on what one decision may change.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RailsFile {
    /// Replicas that one decision may move from one cluster to another; no limit where nothing is said.
    pub moves_per_tick: Option<u32>,
    /// Share of a service's replicas that one decision may remove; no limit where nothing is said.
    pub removed_share: Option<Share>,
    /// Windows in which nothing is changed.
    pub freeze: Vec<FreezeFile>,
}

/// A window in which nothing is changed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeFile {
    /// From this instant on.
    pub from: At,
    /// Until before this instant.
    pub until: At,
}

/// Where events are sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhooksFile {
    /// Hosts that webhooks may lead to; where none is named, all that are not private.
    pub allow_hosts: Vec<String>,
}

/// Limits on requests.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsFile {
    /// The largest body.
    pub body: Bytes,
    /// Requests of a caller, in the long run.
    pub requests_per_second: u32,
    /// Requests of a caller at once.
    pub burst: u32,
}

impl Default for LimitsFile {
    fn default() -> Self {
        Self { body: Bytes(10 << 20), requests_per_second: 200, burst: 400 }
    }
}

/// What is logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogFile {
    /// How.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`; also by module: `info,smo::serve::api=debug`.
    pub level: String,
}

impl Default for LogFile {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// How it is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// A line of JSON each.
    Json,
}
