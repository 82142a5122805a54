//! Every value with where it came from, for whoever asks why the service does what it does. Secrets are masked.

use super::file::ConfigFile;
use super::keys::{KEYS, Kind};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::fmt;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A file, and the line.
    File(String, u32),
    /// An environment variable.
    Environment(String),
    /// The command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file, line) => write!(f, "{file}:{line}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(_) => f.write_str("command line"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Its key.
    pub key: &'static str,
    /// The value that holds; nothing where nothing is set.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// All values of a file, in the order of the keys.
pub(super) fn all(effective: &ConfigFile, origin: impl Fn(&str) -> Origin) -> Vec<Shown> {
    let tree =
        serde_json::to_value(effective).expect("a configuration is texts, numbers, lists and maps with texts as keys");
    let shown = |key: &super::keys::Key| {
        let found = key.path.split('.').try_fold(&tree, |at, step| at.get(step)).cloned().unwrap_or(Value::Null);
        let value = match (key.kind, found) {
            (Kind::Secret, Value::String(_)) => Value::String("***".to_owned()),
            (_, Value::String(text)) => Value::String(masked(&text)),
            (_, value) => value,
        };
        Shown { key: key.path, value, origin: origin(key.path) }
    };
    KEYS.iter().map(shown).collect()
}

/// A URL without its password: what stands between the first `:` behind the scheme and the last `@`, since a password may hold an `@`
/// or a `/` that nobody escaped; and the values of parameters that are secrets by their name. Rather a path with an `@` is masked than a
/// password shown.
pub(super) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
        Some((Some((user, _)), host)) => format!("{scheme}://{user}:***@{}", without_secrets(host)),
        _ => format!("{scheme}://{}", without_secrets(rest)),
    }
}

/// The same behind the scheme, without the values of parameters that are secrets: `?user=smo&password=***`.
fn without_secrets(url: &str) -> String {
    let Some((place, query)) = url.split_once('?') else { return url.to_owned() };
    let is_secret = |name: &str| {
        let name = name.to_lowercase();
        // A name whose letters are written by their numbers may be any.
        ["pass", "secret", "token", "key", "%"].iter().any(|part| name.contains(part))
    };
    let shown = |pair: &str| match pair.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}=***"),
        _ => pair.to_owned(),
    };
    format!("{place}?{}", query.split('&').map(shown).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_password_in_a_url_is_masked_however_it_is_written() {
        assert_eq!(masked("postgres://smo:secret@db:5432/smo"), "postgres://smo:***@db:5432/smo");
        assert_eq!(masked("postgres://smo:se@cr/et@db/smo"), "postgres://smo:***@db/smo");
        assert_eq!(masked("postgres://smo:s@e@db/smo"), "postgres://smo:***@db/smo");
        assert_eq!(masked("postgres://smo@db/smo"), "postgres://smo@db/smo");
        assert_eq!(masked("postgres://db/smo?user=smo&password=secret"), "postgres://db/smo?user=smo&password=***");
        assert_eq!(masked("postgres://smo@db/smo?pass%77ord=secret"), "postgres://smo@db/smo?pass%77ord=***");
        assert_eq!(
            masked("postgres://smo:pw@db/smo?password=a=b&sslmode=require"),
            "postgres://smo:***@db/smo?password=***&sslmode=require"
        );
        for plain in ["sqlite:///var/lib/smo/smo.db", "http://prometheus:9090", "sum(rate(x[1m]))"] {
            assert_eq!(masked(plain), plain);
        }
    }
}
