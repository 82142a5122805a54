//! The reference of the service's configuration: its keys, variables and defaults, from the program's own tables.

use super::cell;
use serde_json::Value;
use smo::input::settings::Given;
use smo::serve::config::environment::{Assigned, Environment, originals, standard};
use smo::serve::config::keys::{KEYS, by_path};
use smo::serve::config::{Config, Origin, Shown};
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# Configuration of the service

Made from the program: every key of the file of `smo serve`, its variable, and its default. `smo config show` says what holds on a
machine; [smo config](../commands/config.md) says which of several values wins.

```yaml
listen: 0.0.0.0:8443
tls: {certificate: cert.pem, key: key.pem}
karmada: {kubeconfig: karmada.config, context: karmada-apiserver}
prometheus: {url: 'http://prometheus.monitoring:9090'}
alerts: {rule_labels: {release: monitoring}}
charts: {allow_hosts: ['registry.example.org']}
```

| key | variable | default | what it is |
|---|---|---|---|
";

const ORIGINALS: &str = "
## Variables of the original

| variable | key | with this value | is |
|---|---|---|---|
";

/// Variables of the original, each with a value that shows how it is read.
const SAMPLES: &[(&str, &str)] = &[
    ("DB_HOST", "postgres"),
    ("SQLALCHEMY_URI", "sqlite:////data/smo.db"),
    ("FLASK_SQLALCHEMY_DATABASE_URI", "postgresql+psycopg2://u:p@h/d"),
    ("FLASK_RUN_PORT", "8000"),
    ("KARMADA_KUBECONFIG", "karmada-apiserver.config"),
    ("KARMADA_CONTEXT", "karmada-apiserver"),
    ("SUBMARINER_KUBECONFIG", "config"),
    ("PROMETHEUS_HOST", "http://10.0.3.53:30090"),
    ("SCALING_ENABLED", "False"),
    ("SCALING_INTERVAL", "30"),
    ("GRAFANA_HOST", "http://10.0.2.114:30095"),
    ("GRAFANA_USERNAME", "admin"),
    ("GRAFANA_PASSWORD", "prom-operator"),
    ("INSECURE_REGISTRY", "True"),
    ("NFVCL_BASE_URL", "http://192.168.12.64:5002"),
];

const STANDARD: &str = "
## Variables of OpenTelemetry

| variable | key | with this value | is |
|---|---|---|---|
";

/// Variables that every program with OpenTelemetry reads.
const STANDARD_SAMPLES: &[(&str, &str)] = &[
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20TOKEN"),
    ("OTEL_SERVICE_NAME", "smo-lab"),
];

const STANDARD_REST: &str = "
`OTEL_SDK_DISABLED=true` and `OTEL_TRACES_EXPORTER=none` turn them off. Besides, `OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`,
`OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_…` and `OTEL_EXPORTER_OTLP_TIMEOUT` count where a collector is named.
";

const REST: &str = "
`DB_USER`, `DB_PASSWORD`, `DB_PORT` and `DB_NAME` go with `DB_HOST`, `FLASK_RUN_HOST` with `FLASK_RUN_PORT`; their defaults are the original's.
";

/// The whole page.
pub fn page() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (key, shown) in KEYS.iter().zip(defaults()) {
        // The rest is what the page itself had to say, so that a section is there at all.
        let value = if shown.origin == Origin::Default { shown.value } else { Value::Null };
        let default = match value {
            Value::Null => String::new(),
            Value::String(text) => format!("`{text}`"),
            other => format!("`{other}`"),
        };
        writeln!(text, "| `{}` | `{}` | {} | {} |", key.path, key.variable(), cell(&default), cell(key.about)).unwrap();
    }
    text += ORIGINALS;
    text += &variables(SAMPLES, originals);
    text += REST;
    text += STANDARD;
    text += &variables(STANDARD_SAMPLES, standard);
    text + STANDARD_REST
}

/// A row for each variable.
fn variables(samples: &[(&str, &str)], read: fn(&Environment) -> Vec<Assigned>) -> String {
    let mut text = String::new();
    for (variable, value) in samples {
        for assigned in read(&Environment::from([((*variable).to_owned(), (*value).to_owned())])) {
            let becomes = match assigned.given {
                Given::Text(text) | Given::Yaml(text) => cell(&text),
                Given::List(items) => cell(&format!("[{}]", items.join(", "))),
            };
            writeln!(text, "| `{variable}` | `{}` | `{value}` | `{becomes}` |", assigned.path).unwrap();
        }
    }
    text
}

/// Every value where as little as can be is said: of each section only what it cannot be without.
fn defaults() -> Vec<Shown> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let mut environment = Environment::from([("XDG_DATA_HOME".to_owned(), "$XDG_DATA_HOME".to_owned())]);
    for key in ["tls.certificate", "tls.key", "karmada.kubeconfig", "submariner.kubeconfig"] {
        environment.insert(by_path(key).unwrap().variable(), path.to_owned());
    }
    for key in ["auth.oidc.issuer", "auth.oidc.audience", "prometheus.url", "grafana.url", "nfvcl.url"] {
        environment.insert(by_path(key).unwrap().variable(), "http://name".to_owned());
    }
    Config::load(None, &[], &environment).expect("a configuration that says as little as can be").shown
}
