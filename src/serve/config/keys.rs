//! Every key of the configuration: what it is called outside of the file, and how its value is read there.
//!
//! What a key means and where it defaults to stands with the types of the file; a test holds the two together. Each key `a.b` is
//! also the environment variable `SMO_A_B`.

/// A key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its path in the file.
    pub path: &'static str,
    /// How its value is read from a text outside of the file.
    pub kind: Kind,
    /// What it is, for the book and the command line.
    pub about: &'static str,
}

/// How a value is read from a text outside of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Letter by letter.
    Text,
    /// Letter by letter, and never shown.
    Secret,
    /// As it would stand in the file.
    Value,
    /// Texts with commas between.
    List,
}

impl Key {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("SMO_{}", self.path.replace('.', "_").to_uppercase())
    }
}

const fn key(path: &'static str, kind: Kind, about: &'static str) -> Key {
    Key { path, kind, about }
}

use Kind::{List, Secret, Text, Value};

/// All of them, in the order of the file.
pub const KEYS: &[Key] = &[
    key("listen", Text, "address and port to listen at"),
    key("database", Text, "`sqlite:///path/to/smo.db` or `postgres://user:password@host/database`"),
    key(
        "auth.mode",
        Value,
        "whether callers have to say who they are: `on`, `off`, or `auto`: unless only this machine can reach us",
    ),
    key("auth.token_file", Text, "where the first token is written"),
    key(
        "auth.hosts",
        List,
        "what the server is called besides `localhost` and addresses; where it asks for no tokens, it answers to no other name",
    ),
    key("auth.oidc.issuer", Text, "address of an OpenID provider, as it stands in its tokens"),
    key("auth.oidc.audience", Text, "what its tokens have to be for"),
    key("auth.oidc.jwks_url", Text, "where its keys are, if its discovery document does not say it"),
    key("auth.oidc.role_claim", Text, "the claim with the role of the caller; dots lead into claims"),
    key("auth.oidc.project_claim", Text, "the claim with the one project that the caller is let into"),
    key("auth.oidc.roles", Value, "what values of the role claim mean: `{platform-team: admin}`"),
    key("tls.certificate", Text, "file with the certificate and its chain (PEM)"),
    key("tls.key", Text, "file with its key (PEM)"),
    key("karmada.kubeconfig", Text, "file: the kubeconfig of the Karmada API"),
    key("karmada.context", Text, "its context, if not the current one"),
    key(
        "karmada.division",
        Value,
        "who divides replicas among clusters: `own` (we do) or `weights` (Karmada's scheduler does)",
    ),
    key("submariner.kubeconfig", Text, "file: the kubeconfig of the cluster with Submariner's broker"),
    key("submariner.context", Text, "its context, if not the current one"),
    key("submariner.namespace", Text, "the broker's namespace"),
    key("inventory", Text, "file with clusters, for dry runs without a control plane"),
    key("prometheus.url", Text, "address of Prometheus"),
    key("prometheus.token_file", Text, "file with its bearer token"),
    key(
        "prometheus.rate",
        Text,
        "PromQL: requests per second that arrive at a service, with `$service`, `$project`, `$window`",
    ),
    key("prometheus.served", Text, "PromQL: requests per second that a service answers; without it, as many as arrive"),
    key("prometheus.latency_p95", Text, "PromQL: the 95th percentile of a service's latency, in seconds"),
    key(
        "prometheus.cpu_used",
        Text,
        "PromQL: cores that a service uses, one result for each cluster, which the label `cluster` names as Karmada does",
    ),
    key("prometheus.window", Value, "what `$window` is"),
    key("alerts.token_file", Text, "file with a bearer token that Alertmanager may show instead of one of ours"),
    key("alerts.place", Value, "where alerting rules are written: `operator` (PrometheusRule objects) or `files`"),
    key("alerts.namespace", Text, "namespace of the PrometheusRule objects; else that of the graph's project"),
    key("alerts.rule_labels", Value, "labels that make the operator take our rules: `{release: monitoring}`"),
    key("alerts.folder", Text, "folder that Prometheus reads rules from, with `place: files`"),
    key("grafana.url", Text, "address of Grafana"),
    key("grafana.token_file", Text, "file with the token of a service account, or with `user:password`"),
    key("grafana.username", Text, "a user, where there is no token"),
    key("grafana.password", Secret, "its password"),
    key("grafana.folder", Text, "title of the folder of our dashboards"),
    key("grafana.data_source", Text, "uid of the data source that panels ask, if not Grafana's default"),
    key("grafana.cluster_label", Text, "label of metrics that tells clusters apart, in panels: `cluster`, `source`"),
    key("charts.helm", Text, "the program helm (3.17 or newer), by name or path"),
    key("charts.plain_hosts", List, "hosts that are spoken to without encryption; `*` for all"),
    key("charts.allow_hosts", List, "hosts that artifacts may come from; if none is named, all that are not private"),
    key("nfvcl.url", Text, "address of the NFVCL"),
    key("nfvcl.version", Value, "its version: `0.3`, `0.4`, or `auto`: as its own document says"),
    key("nfvcl.token_file", Text, "file with a token of it, or with `user:password`"),
    key("nfvcl.username", Text, "a user that logs in, where there is no such file"),
    key("nfvcl.password", Secret, "its password"),
    key("policy", Text, "the policy that decides where nobody says another"),
    key(
        "control.enabled",
        Value,
        "whether policies decide of their own accord after the first placement: by load, or for a better place",
    ),
    key("control.every", Value, "from one decision about a graph to the next"),
    key(
        "control.deploy_timeout",
        Value,
        "from the begin of a deployment until all of it has to be ready, or it is taken back",
    ),
    key("rails.moves_per_tick", Value, "replicas that one decision may move between clusters"),
    key("rails.removed_share", Value, "share of a service's replicas that one decision may remove"),
    key(
        "rails.freeze",
        Value,
        "windows in which nothing is changed: `[{from: 2026-12-24T00:00:00Z, until: 2026-12-27T00:00:00Z}]`",
    ),
    key("moves.timeout", Value, "from a move until its new replicas have to be ready"),
    key("probe.every", Value, "from one look at a cluster to the next"),
    key("probe.lost_after", Value, "looks without an answer after which a cluster is lost"),
    key("probe.back_after", Value, "how long a cluster has to answer before it is back"),
    key("webhooks.allow_hosts", List, "hosts that webhooks may lead to; if none is named, all that are not private"),
    key("limits.body", Value, "the largest body of a request"),
    key("limits.requests_per_second", Value, "requests of a caller, in the long run"),
    key("limits.burst", Value, "requests of a caller at once"),
    key("log.format", Value, "how is logged: `text` or `json`"),
    key("log.level", Text, "what is logged: `error`, `warn`, `info`, `debug`, `trace`, also by module"),
    key(
        "otel.endpoint",
        Text,
        "address of an OpenTelemetry collector that takes traces by OTLP over HTTP (feature `otel`)",
    ),
    key("otel.headers", Secret, "headers that it wants: `authorization=Bearer%20TOKEN`, with commas between"),
    key("otel.service_name", Text, "what the service is called in traces"),
    key("capacities", Text, "file that `smo fit` wrote: what replicas of services can serve"),
    key(
        "learn.every",
        Value,
        "with any key of `learn`, capacities are fitted while graphs run: from one sample to the next (60 s)",
    ),
    key("learn.samples", Value, "samples before the first fit (60)"),
    key("learn.ceiling", Value, "share of its CPU request that a replica can use, if it is known"),
    key("learn.quantile", Value, "quantile of the fit that is believed (`50 %`, the median); less is more careful"),
    key(
        "inject_resources",
        Value,
        "whether charts are told the descriptor's resources, as `resources`, and that a device is near, as `deviceProximity`",
    ),
];

/// A key by its path.
pub fn by_path(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}
