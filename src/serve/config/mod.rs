//! The configuration of the service: what holds, and where each value came from.
//!
//! In reading order: `file` and `outside` (what people write), `keys` (every key, with its environment variable), `environment` (`SMO_...`, and
//! those of the original and of OpenTelemetry), `load` (layers: defaults, the original's variables, the file, `SMO_...`, the command line; the later
//! wins), `checked` with `otel` (from what was written to what is meant), `hosts` (who may be spoken to), `shown` (values with their origins,
//! secrets masked).
//!
//! Nothing is asked of the world here: a configuration is right or wrong on a machine without a network. Files that it names have to
//! be there, so that a wrong path is said at the start and not at the first deployment.

mod checked;
pub mod environment;
mod file;
pub mod keys;
mod load;
mod otel;
mod outside;
mod secret;
pub mod shown;
#[cfg(test)]
mod tests;

pub use crate::backend::live::reach::hosts;
pub use file::{AuthMode, ConfigFile, LogFormat};
pub use outside::{AlertsPlace, NfvclVersion};
pub use secret::Secret;
pub use shown::{Origin, Shown};

use crate::model::connection::{Division, KarmadaAt, Moves, Probe};
use crate::model::scenario::Learn;
use crate::serve::at::At;
use crate::serve::store::rows::Role;
use crate::units::{Ratio, Span};
use hosts::Hosts;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A configuration that was checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The URL of the store; it may hold a password.
    pub database: Secret,
    /// Who may do what.
    pub auth: AuthConfig,
    /// What the server is called besides `localhost` and addresses.
    pub names: Hosts,
    /// Certificate and key, where encryption is spoken.
    pub tls: Option<Tls>,
    /// The control plane, where there is one.
    pub karmada: Option<Karmada>,
    /// Submariner's broker, where there is one.
    pub submariner: Option<Submariner>,
    /// Clusters for dry runs without a control plane.
    pub inventory: Option<PathBuf>,
    /// Where metrics are.
    pub prometheus: Option<PrometheusConfig>,
    /// Alerts that wake services.
    pub alerts: AlertsConfig,
    /// Where dashboards are shown.
    pub grafana: Option<GrafanaConfig>,
    /// Where charts and descriptors come from.
    pub charts: Charts,
    /// Where virtual machines and clusters are made.
    pub nfvcl: Option<Nfvcl>,
    /// The policy that decides where nobody says another; it is one.
    pub policy: String,
    /// The loop that decides.
    pub control: Control,
    /// Limits on what one decision may change.
    pub rails: RailsConfig,
    /// How replicas are moved.
    pub moves: Moves,
    /// How losses of clusters are noticed.
    pub probe: Probe,
    /// Hosts that webhooks may lead to.
    pub webhook_hosts: Hosts,
    /// Limits on requests.
    pub limits: Limits,
    /// What is logged.
    pub log: Log,
    /// Where traces go, where there is somebody for them.
    pub otel: Option<Otel>,
    /// What replicas of services can serve, as `smo fit` wrote it.
    pub capacities: Option<PathBuf>,
    /// How capacities are fitted while graphs run, if they are.
    pub learn: Option<Learn>,
    /// Whether charts are given the descriptor's resources.
    pub inject_resources: bool,
    /// What is odd, in sentences.
    pub warnings: Vec<String>,
    /// Every value with its origin, secrets masked.
    pub shown: Vec<Shown>,
}

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthConfig {
    /// Whether callers have to say who they are.
    pub required: bool,
    /// Where the first token is written.
    pub token_file: PathBuf,
    /// A provider whose tokens count too.
    pub oidc: Option<Oidc>,
}

/// An OpenID provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Its address, letter by letter as it stands in its tokens.
    pub issuer: String,
    /// What its tokens have to be for.
    pub audience: String,
    /// Where its keys are; where nothing is said, its discovery document says it.
    pub jwks_url: Option<String>,
    /// The claim with the role, as steps.
    pub role_claim: String,
    /// The claim with the project, as steps.
    pub project_claim: String,
    /// What values of the role claim mean; where there are none, they are roles themselves.
    pub roles: BTreeMap<String, Role>,
}

/// Encryption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate with its chain, as PEM.
    pub certificate: PathBuf,
    /// Its key, as PEM.
    pub key: PathBuf,
}

/// A Karmada control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Karmada {
    /// The kubeconfig.
    pub kubeconfig: PathBuf,
    /// Its context; `None` for the current one.
    pub context: Option<String>,
    /// Who divides replicas among clusters.
    pub division: Division,
}

impl Karmada {
    /// The control plane as the applications of a project see it.
    pub fn at(&self, project: &str) -> KarmadaAt {
        KarmadaAt {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            namespace: project.to_owned(),
            division: self.division,
        }
    }
}

/// Submariner's broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submariner {
    /// The kubeconfig of the cluster with the broker.
    pub kubeconfig: PathBuf,
    /// Its context; `None` for the current one.
    pub context: Option<String>,
    /// The broker's namespace.
    pub namespace: String,
}

/// A Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrometheusConfig {
    /// Its address.
    pub url: String,
    /// A file with a bearer token.
    pub token_file: Option<PathBuf>,
    /// The template of a service's rate.
    rate: String,
    /// The same of requests that are answered.
    served: Option<String>,
    /// The template of its latency.
    latency_p95: Option<String>,
    /// The template of its CPU.
    cpu_used: Option<String>,
    /// What `$window` is.
    pub window: Span,
}

impl PrometheusConfig {
    /// PromQL: requests per second that arrive at a service of a project.
    pub fn rate(&self, project: &str, service: &str) -> String {
        self.filled(&self.rate, (project, service))
    }

    /// PromQL: requests per second that it answers, where anybody counts them.
    pub fn served(&self, project: &str, service: &str) -> Option<String> {
        Some(self.filled(self.served.as_ref()?, (project, service)))
    }

    /// PromQL: the 95th percentile of its latency in seconds, where anybody measures it.
    pub fn latency_p95(&self, project: &str, service: &str) -> Option<String> {
        Some(self.filled(self.latency_p95.as_ref()?, (project, service)))
    }

    /// PromQL: cores that it uses by cluster, where anybody measures them.
    pub fn cpu_used(&self, project: &str, service: &str) -> Option<String> {
        Some(self.filled(self.cpu_used.as_ref()?, (project, service)))
    }

    fn filled(&self, template: &str, (project, service): (&str, &str)) -> String {
        let window = format!("{}s", (self.window.0 / 1_000_000_000).max(1));
        let filled = template.replace("$service", &label(service)).replace("$project", &label(project));
        filled.replace("$window", &window)
    }
}

/// A name as it stands between the quotes of PromQL.
fn label(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// Alerts that wake services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertsConfig {
    /// A file with a bearer token that Alertmanager may show instead of one of ours.
    pub token_file: Option<PathBuf>,
    /// Where rules are written.
    pub rules: RulesAt,
}

/// Where rules are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RulesAt {
    /// As `PrometheusRule` objects.
    Operator {
        /// Their namespace; `None` for that of the graph's project.
        namespace: Option<String>,
        /// Labels that make the operator take them.
        labels: BTreeMap<String, String>,
    },
    /// As files.
    Files {
        /// Their folder.
        folder: PathBuf,
    },
}

/// A Grafana.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrafanaConfig {
    /// Its address.
    pub url: String,
    /// How we sign in.
    pub sign_in: SignIn,
    /// Title of the folder.
    pub folder: String,
    /// Which data source panels ask; nothing is Grafana's default.
    pub data_source: Option<String>,
    /// The label of metrics that tells clusters apart.
    pub cluster_label: String,
}

/// How one signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignIn {
    /// Not at all.
    Nobody,
    /// By what stands in a file: a token, or `user:password`.
    File(PathBuf),
    /// As a user.
    User {
        /// Its name.
        name: String,
        /// Its password.
        password: Secret,
    },
}

/// Where charts and descriptors come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charts {
    /// The program helm.
    pub helm: PathBuf,
    /// Hosts that are spoken to without encryption.
    plain: Vec<String>,
    /// Hosts that artifacts may come from.
    pub hosts: Hosts,
}

impl Charts {
    /// Whether a host (with its port, where one is written) is spoken to without encryption.
    pub fn is_plain(&self, host: &str) -> bool {
        self.plain.iter().any(|plain| plain == "*" || plain == host)
    }
}

/// An NFVCL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nfvcl {
    /// Its address.
    pub url: String,
    /// Its version.
    pub version: NfvclVersion,
    /// How we log in.
    pub sign_in: SignIn,
}

/// The loop that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// Whether policies decide of their own accord after the first placement: by load, or for a better place.
    pub enabled: bool,
    /// From one decision about a graph to the next.
    pub every: Span,
    /// From what starts, changes or wakes a graph until all of it has to be ready.
    pub deploy_timeout: Span,
}

/// Limits on what one decision may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RailsConfig {
    /// Replicas that one decision may move between clusters.
    pub moves_per_tick: Option<u32>,
    /// Share of a service's replicas that one decision may remove.
    pub removed_share: Option<Ratio>,
    /// Windows in which nothing is changed: from, and until before.
    pub freezes: Vec<(At, At)>,
}

/// Limits on requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body: usize,
    /// Requests of a caller, in the long run.
    pub requests_per_second: u32,
    /// Requests of a caller at once.
    pub burst: u32,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// How.
    pub format: LogFormat,
    /// What: a level, also by module.
    pub level: String,
}

/// An OpenTelemetry collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otel {
    /// Where it takes traces: the whole address.
    pub endpoint: String,
    /// Headers that it wants.
    pub headers: Vec<(String, Secret)>,
    /// What the service is called.
    pub service_name: String,
}
