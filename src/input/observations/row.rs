//! What the columns of a table are: found once in the header, used for every row.

use super::ReadOptions;
use super::kinds;
use super::quantity::{Meaning, Measure, Quantity, meaning, plain};
use crate::input::trace::{Fault, Place, TraceError};
use std::path::Path;

/// The columns of a table by number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// Of the time, and how it is spelled.
    pub time: Option<(usize, String)>,
    /// Of the service.
    pub service: Option<usize>,
    /// Of the class.
    pub class: Option<usize>,
    /// Of the cluster.
    pub cluster: Option<usize>,
    /// Of the namespace.
    pub namespace: Option<usize>,
    /// Of the version.
    pub version: Option<usize>,
    /// Of quantities.
    pub measures: Vec<(usize, Measure)>,
    /// Names of columns that are not read.
    pub unread: Vec<String>,
}

/// What a column is besides a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Nothing: it may be a quantity.
    Quantity,
    /// It has its place.
    Placed,
    /// That column is the time already.
    TakenBy(usize),
}

/// First words of names of times.
const TIMES: &[&str] = &["time", "timestamp", "ts", "at", "t", "date", "datetime", "epoch", "unix", "unix_time"];
/// Units at their ends.
const TIME_UNITS: &[&str] = &["s", "sec", "seconds", "ms", "us", "ns"];

/// Finds out what the columns are.
///
/// # Errors
/// A quantity whose unit is open, or that two columns claim; a table without replicas, a rate or a time.
pub fn layout(path: &Path, columns: &[String], options: &ReadOptions) -> Result<Layout, TraceError> {
    let mut layout = Layout::default();
    let fault = |field: &str, what: String| TraceError::at(path, Place::Whole, field, Fault::Observed(what));
    for wanted in options.columns.keys().filter(|wanted| !columns.contains(wanted)) {
        if columns.iter().any(|column| plain(column) == plain(wanted)) {
            continue;
        }
        // Another of several files may have it.
        layout.unread.push(format!("{wanted} (not there)"));
    }
    for (index, written) in columns.iter().enumerate() {
        let mapped = options.columns.iter().find(|(name, _)| plain(name) == plain(written)).map(|(_, to)| to.as_str());
        let name = mapped.unwrap_or(written.as_str());
        if mapped == Some("") {
            continue;
        }
        let role = layout.place(index, name, options);
        if role != Role::Quantity {
            if let Role::TakenBy(first) = role {
                let what = format!(
                    "`{}` says the same already\n  leave one of the two out: `--column {written}=`",
                    columns[first]
                );
                return Err(fault(written, what));
            }
            continue;
        }
        match meaning(name) {
            Meaning::Measure(measure) => {
                if let Some((first, _)) = layout.measures.iter().find(|(_, other)| other.quantity == measure.quantity) {
                    let (first, words) = (&columns[*first], measure.quantity.words());
                    let what = format!("`{first}` is {words} too\n  leave one of the two out: `--column {written}=`");
                    return Err(fault(written, what));
                }
                layout.measures.push((index, measure));
            }
            Meaning::UnitOpen(right) => {
                let example = right.split([',', ' ']).next().unwrap_or_default();
                let what = format!(
                    "the name does not say the unit (or of what)\n  say it by `--column {written}={example}`; names with units are {right}"
                );
                return Err(fault(written, what));
            }
            Meaning::Nothing if mapped.is_some() => {
                let what = format!(
                    "`{name}` is no quantity\n  `--column` takes names like `replicas_ready`, `requests_per_s`, `cpu_cores`, `latency_p95_ms`; `smo formats observations` lists them"
                );
                return Err(fault(written, what));
            }
            Meaning::Nothing => layout.unread.push(written.clone()),
        }
    }
    layout.check(path, columns, options)
}

impl Layout {
    /// Takes a column that is no quantity.
    fn place(&mut self, index: usize, name: &str, options: &ReadOptions) -> Role {
        let plain_name = plain(name);
        let is = |names: &[&str]| names.contains(&plain_name.as_str());
        let asked = |from: &Option<String>| from.as_ref().map(|from| plain(from) == plain_name);
        if is_time(&plain_name) {
            let taken = self.time.as_ref().map(|(first, _)| *first);
            self.time.get_or_insert((index, name.to_owned()));
            return taken.map_or(Role::Placed, Role::TakenBy);
        }
        let (service, class) = (asked(&options.service_from), asked(&options.class_from));
        let role = if service.unwrap_or_else(|| is(kinds::SERVICES)) {
            &mut self.service
        } else if class.unwrap_or_else(|| is(kinds::CLASSES)) {
            &mut self.class
        } else if is(kinds::CLUSTERS) {
            &mut self.cluster
        } else if is(kinds::NAMESPACES) {
            &mut self.namespace
        } else if is(kinds::VERSIONS) {
            &mut self.version
        } else {
            return Role::Quantity;
        };
        // Of several names for the same thing (service and app) the first one counts, and the other is not read.
        if role.is_some() {
            self.unread.push(name.to_owned());
        }
        role.get_or_insert(index);
        Role::Placed
    }

    fn check(self, path: &Path, columns: &[String], options: &ReadOptions) -> Result<Self, TraceError> {
        let named = |what: &str, found: &Option<usize>, from: &Option<String>| match (found, from) {
            (None, Some(from)) => {
                let fault = format!("there is no column `{from}` for the {what}\n  columns are {}", columns.join(", "));
                Err(TraceError::whole(path, Fault::Observed(fault)))
            }
            _ => Ok(()),
        };
        named("service", &self.service, &options.service_from)?;
        named("class", &self.class, &options.class_from)?;
        let has = |quantity| self.measures.iter().any(|(_, measure)| measure.quantity == quantity);
        let is_load_test = options.load_test || (has(Quantity::Replicas) && has(Quantity::Completed));
        let missing = if self.time.is_none() && !is_load_test {
            "a column of times, like `time` or `timestamp_s`; of a load test, whose rows have none, say `--load-test`"
        } else if self.measures.is_empty() {
            "a column of a quantity, like `replicas_ready`, `requests_per_s`, `cpu_cores`"
        } else {
            return Ok(self);
        };
        let what = format!(
            "there is no column that says what is needed, only {}\n  give {missing}, or say what a column is by `--column NAME=requests_per_s`",
            columns.join(", ")
        );
        Err(TraceError::whole(path, Fault::Observed(what)))
    }
}

fn is_time(name: &str) -> bool {
    let stem = name.rsplit_once('_').filter(|(_, unit)| TIME_UNITS.contains(unit)).map_or(name, |(stem, _)| stem);
    TIMES.contains(&stem)
}

#[cfg(test)]
mod tests {
    use super::{ReadOptions, layout};
    use std::path::Path;

    fn of(columns: &[&str], options: &ReadOptions) -> Result<super::Layout, String> {
        let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
        layout(Path::new("a.csv"), &columns, options).map_err(|error| error.to_string())
    }

    #[test]
    fn columns_are_found_by_name() {
        let found = of(&["timestamp_s", "app", "cluster", "ready", "rps", "cpu_m", "comment"], &ReadOptions::default())
            .unwrap();
        assert_eq!(found.time, Some((0, "timestamp_s".to_owned())));
        assert_eq!((found.service, found.cluster, found.measures.len()), (Some(1), Some(2), 3));
        assert_eq!(found.unread, ["comment"]);
    }

    #[test]
    fn what_is_open_or_said_twice_is_refused_with_a_way_out() {
        let options = ReadOptions::default();
        for (columns, words) in [
            (&["time", "replicas", "cpu"][..], "--column cpu=cpu_cores"),
            (&["time", "rps", "requests_per_s"], "too"),
            (&["replicas", "cpu_cores"], "--load-test"),
            (&["time", "comment"], "requests_per_s"),
        ] {
            let error = of(columns, &options).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let options = ReadOptions { columns: [("cpu".to_owned(), "cpu_cores".to_owned())].into(), ..options };
        assert_eq!(of(&["time", "replicas", "cpu"], &options).unwrap().measures.len(), 2);
    }
}
