//! What the environment says: `SMO_...` for each key, the variables of the original SMO, so that its `.env` goes on to work, and those that
//! every program with OpenTelemetry knows.
//!
//! The original's and the standard's are the weaker: some have names that anything may use (`DB_HOST`), so that whatever stands in the file is not
//! overruled by them, while `SMO_...` overrules the file. Its kubeconfigs are names of files below `~/.kube`.

use super::keys::{KEYS, Kind};
use crate::input::settings::Given;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The environment: of the process, and of a `.env` file for what the process does not have.
pub type Environment = BTreeMap<String, String>;

/// A value that a variable gives to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The key.
    pub path: &'static str,
    /// The variable; of several, the one that decides.
    pub variable: String,
    /// The value.
    pub given: Given,
}

/// The environment of this process, and below it the `.env` file in `folder`, or the one that `DOTENV_PATH` names.
///
/// # Errors
/// A `.env` file that is none: what is wrong with it.
pub fn of_process(folder: &Path) -> Result<Environment, String> {
    let mut environment: Environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let named = environment.get("DOTENV_PATH").map(PathBuf::from);
    let path = named.clone().unwrap_or_else(|| folder.join(".env"));
    if named.is_none() && !path.is_file() {
        return Ok(environment);
    }
    let wrong = |error: dotenvy::Error| match error {
        // The line may hold a password: it is not repeated.
        dotenvy::Error::LineParse(..) => {
            format!("{}: a line is no `NAME=value`; write it so, with quotes where there are blanks", path.display())
        }
        other => format!("{}: {other}", path.display()),
    };
    for pair in dotenvy::from_path_iter(&path).map_err(wrong)? {
        let (name, value) = pair.map_err(wrong)?;
        environment.entry(name).or_insert(value);
    }
    Ok(environment)
}

/// What `SMO_...` says. Empty is as good as not set.
pub fn ours(environment: &Environment) -> Vec<Assigned> {
    let assigned = |key: &super::keys::Key| {
        let variable = key.variable();
        let value = environment.get(&variable).filter(|value| !value.is_empty())?;
        Some(Assigned { path: key.path, variable, given: given(key.kind, value) })
    };
    KEYS.iter().filter_map(assigned).collect()
}

/// A text from outside as the value of a key.
pub fn given(kind: Kind, text: &str) -> Given {
    match kind {
        Kind::Text | Kind::Secret => Given::Text(text.to_owned()),
        Kind::Value => Given::Yaml(text.to_owned()),
        Kind::List => Given::List(listed(text)),
    }
}

fn listed(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Variables of the original whose value is that of a key, letter by letter.
const SAME: &[(&str, &str)] = &[
    ("KARMADA_CONTEXT", "karmada.context"),
    ("PROMETHEUS_HOST", "prometheus.url"),
    ("GRAFANA_HOST", "grafana.url"),
    ("GRAFANA_USERNAME", "grafana.username"),
    ("GRAFANA_PASSWORD", "grafana.password"),
    ("NFVCL_BASE_URL", "nfvcl.url"),
];

/// Variables of the original that name a kubeconfig below `~/.kube`.
const KUBECONFIGS: &[(&str, &str)] =
    &[("KARMADA_KUBECONFIG", "karmada.kubeconfig"), ("SUBMARINER_KUBECONFIG", "submariner.kubeconfig")];

/// What variables of the original say.
pub fn originals(environment: &Environment) -> Vec<Assigned> {
    let value = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let assigned = |path, variable: &str, given| Assigned { path, variable: variable.to_owned(), given };
    let mut all = Vec::new();
    for (variable, path) in SAME {
        all.extend(value(variable).map(|text| assigned(*path, variable, Given::Text(text.to_owned()))));
    }
    for (variable, path) in KUBECONFIGS {
        all.extend(value(variable).map(|name| assigned(*path, variable, Given::Text(below_kube(name)))));
    }
    if let Some((variable, url)) = database(environment) {
        all.push(assigned("database", variable, Given::Text(url)));
    }
    if let Some(port) = value("FLASK_RUN_PORT") {
        let host = value("FLASK_RUN_HOST").unwrap_or("127.0.0.1");
        all.push(assigned("listen", "FLASK_RUN_PORT", Given::Text(format!("{host}:{port}"))));
    }
    if let Some(text) = value("SCALING_ENABLED") {
        all.push(assigned("control.enabled", "SCALING_ENABLED", Given::Yaml(is_true(text).to_string())));
    }
    if let Some(seconds) = value("SCALING_INTERVAL") {
        all.push(assigned("control.every", "SCALING_INTERVAL", Given::Text(format!("{} s", seconds.trim()))));
    }
    if value("INSECURE_REGISTRY").is_some_and(is_true) {
        all.push(assigned("charts.plain_hosts", "INSECURE_REGISTRY", Given::List(vec!["*".to_owned()])));
    }
    all
}

/// Variables of OpenTelemetry whose value is that of a key, letter by letter.
const STANDARD: &[(&str, &str)] = &[
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "otel.endpoint"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "otel.headers"),
    ("OTEL_SERVICE_NAME", "otel.service_name"),
];

/// What variables of OpenTelemetry say; nothing where one of them turns all of it off.
pub fn standard(environment: &Environment) -> Vec<Assigned> {
    let value = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    if value("OTEL_SDK_DISABLED").is_some_and(is_true) || value("OTEL_TRACES_EXPORTER") == Some("none") {
        return Vec::new();
    }
    let assigned = |&(variable, path): &(&'static str, &'static str)| {
        let given = Given::Text(value(variable)?.to_owned());
        Some(Assigned { path, variable: variable.to_owned(), given })
    };
    STANDARD.iter().filter_map(assigned).collect()
}

fn is_true(text: &str) -> bool {
    ["t", "true", "1", "y", "yes"].contains(&text.trim().to_lowercase().as_str())
}

fn below_kube(name: &str) -> String {
    if name.contains('/') { name.to_owned() } else { format!("~/.kube/{name}") }
}

/// The original's database: a URL as SQLAlchemy writes it, or its parts, of which the host is the one that has to be there.
fn database(environment: &Environment) -> Option<(&'static str, String)> {
    let value = |name: &str| environment.get(name).map(String::as_str).filter(|value| !value.is_empty());
    for variable in ["SQLALCHEMY_URI", "FLASK_SQLALCHEMY_DATABASE_URI"] {
        if let Some(url) = value(variable) {
            return Some((variable, of_sqlalchemy(url)));
        }
    }
    let host = value("DB_HOST")?;
    let (user, password) = (value("DB_USER").unwrap_or("root"), value("DB_PASSWORD").unwrap_or("password"));
    let (port, name) = (value("DB_PORT").unwrap_or("5432"), value("DB_NAME").unwrap_or("smo"));
    Some(("DB_HOST", format!("postgres://{}:{}@{host}:{port}/{}", escaped(user), escaped(password), escaped(name))))
}

/// `postgresql+psycopg2://` names a driver, and `sqlite:///` is followed by a path that only a fourth `/` makes absolute.
fn of_sqlalchemy(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match scheme.split('+').next() {
        Some("sqlite") => {
            format!("sqlite://{}", rest.strip_prefix('/').filter(|path| !path.is_empty()).unwrap_or(":memory:"))
        }
        Some("postgresql" | "postgres") => format!("postgres://{rest}"),
        _ => url.to_owned(),
    }
}

/// A part of a URL, with what would end it written by its number.
fn escaped(part: &str) -> String {
    let letter = |byte: u8| match byte {
        b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        plain if plain.is_ascii_alphanumeric() => char::from(plain).to_string(),
        other => format!("%{other:02X}"),
    };
    part.bytes().map(letter).collect()
}

/// Variables that are nearly one of ours, as sentences.
pub fn misspelt(environment: &Environment) -> Vec<String> {
    let known: Vec<String> = KEYS.iter().map(super::keys::Key::variable).collect();
    let near = |given: &str| known.iter().find(|name| *name != given && strsim::osa_distance(name, given) <= 2);
    let strangers = environment.keys().filter(|name| name.starts_with("SMO_") && !known.contains(name));
    let sentence = |name: &String| {
        near(name).map(|meant| format!("environment variable `{name}` means nothing; did you mean `{meant}`?"))
    };
    strangers.filter_map(sentence).collect()
}
