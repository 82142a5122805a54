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
/// or a `/` that nobody escaped. Rather a path with an `@` is masked than a password shown.
pub(super) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    match rest.rsplit_once('@').map(|(user, host)| (user.split_once(':'), host)) {
        Some((Some((user, _)), host)) => format!("{scheme}://{user}:***@{host}"),
        _ => url.to_owned(),
    }
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
        for plain in ["sqlite:///var/lib/smo/smo.db", "http://prometheus:9090", "sum(rate(x[1m]))"] {
            assert_eq!(masked(plain), plain);
        }
    }
}
