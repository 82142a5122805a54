//! How far a recording is, and of what it is: so that one that was interrupted goes on where it stopped, as what it was.
//!
//! A row of it has no names and no queries: whose rate a column is, is said once, at its begin. So a recording goes on only with
//! the same services, clusters and queries; with others, two recordings would stand in one file and look like one.

use super::super::Failure;
use super::recording::{Asked, entries};
use crate::backend::live::clock::{duration, since_epoch};
use crate::backend::live::digest;
use crate::model::connection::{Connection, Counterpart};
use crate::model::scenario::Known;
use crate::model::{ClusterId, ServiceId};
use crate::record::aside::replace_file;
use crate::units::Span;
use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// How far a recording is. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    asked_from: u64,
    asked_until: u64,
    /// The first step.
    pub from: u64,
    /// The last step.
    pub until: u64,
    /// From one step to the next.
    pub step: u64,
    /// The next one to be asked for.
    pub next: u64,
    /// Bytes of the load up to here.
    pub load: u64,
    /// Bytes of the observations up to here.
    pub observations: u64,
    /// Of what it is, see [`source`]; older versions did not note it.
    #[serde(default)]
    source: Option<String>,
}

/// A digest of all that decides what a row says: services and clusters in their order, who is asked, and what.
pub fn source(known: &Known, connection: &Connection) -> String {
    let entries = entries(known);
    let service = |(id, asked): (ServiceId, &Counterpart)| {
        let name = &known.application.services[id].name;
        let Counterpart { rate, replicas, cpu_used, latency_p95, .. } = asked;
        json!([name, entries.contains(&id), rate, replicas, cpu_used, latency_p95])
    };
    let cluster = |(id, called): (ClusterId, &String)| {
        let declared = &known.clusters[id];
        json!([declared.name, declared.class, called])
    };
    let services: Vec<Value> = connection.services.iter().map(service).collect();
    let clusters: Vec<Value> = connection.clusters.iter().map(cluster).collect();
    let prometheus = connection.prometheus.as_ref().map(|prometheus| &prometheus.url);
    digest::sha256(json!([prometheus, services, clusters]).to_string().as_bytes())
}

/// Where an earlier recording of the same stopped, or the begin of a new one.
///
/// # Errors
/// A directory with another recording, or one that cannot be read or written.
pub fn begin(directory: &Path, asked: Asked, source: String) -> Result<Progress, Failure> {
    let path = directory.join("progress.json");
    let whole = |span: Span| u64::try_from(duration(span).as_millis()).unwrap_or(u64::MAX);
    let (asked_from, asked_until, step) = (whole(asked.from), whole(asked.until), whole(asked.step).max(1));
    let source = Some(source);
    if path.exists() {
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string()).map_err(Failure::run)?;
        let old: Progress =
            serde_json::from_str(&text).with_context(|| path.display().to_string()).map_err(Failure::input)?;
        let other = if (old.asked_from, old.asked_until, old.step) != (asked_from, asked_until, step) {
            "a recording of other times"
        } else if old.source.is_none() {
            "a recording that an older smo began, which did not note of what it is"
        } else if old.source != source {
            "a recording of other services, clusters or queries, or from another Prometheus"
        } else {
            return Ok(old);
        };
        let directory = directory.display();
        return Err(Failure::input(anyhow!("{directory}: it holds {other}\n  name another directory, or remove it")));
    }
    let now = u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX);
    let on_grid = |at: u64| at - at % step;
    let (from, until) = (on_grid(now.saturating_sub(asked_from)), on_grid(now.saturating_sub(asked_until)));
    let (next, load, observations) = (from, 0, 0);
    let progress = Progress { asked_from, asked_until, from, until, step, next, load, observations, source };
    note(directory, &progress)?;
    Ok(progress)
}

/// Notes how far it is.
///
/// # Errors
/// Where that cannot be written.
pub fn note(directory: &Path, progress: &Progress) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(progress).map_err(Failure::run)?;
    let path = directory.join("progress.json");
    replace_file(&path, text.as_bytes()).with_context(|| path.display().to_string()).map_err(Failure::run)
}

#[cfg(test)]
mod tests {
    use super::{Asked, begin, source};
    use crate::backend::live::stand_in;
    use crate::model::connection::{Connection, PrometheusAt};
    use crate::model::scenario::Known;
    use crate::units::Span;
    use std::fs;

    const ASKED: Asked = Asked { from: Span::seconds(3_600), until: Span::ZERO, step: Span::seconds(60) };

    #[test]
    fn a_recording_goes_on_as_what_it_was_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let begin = |asked: Asked, source: &str| begin(folder.path(), asked, source.to_owned());
        let first = begin(ASKED, "one").unwrap();
        assert_eq!((first.until - first.from, first.next), (3_600_000, first.from));
        assert_eq!(begin(ASKED, "one").unwrap(), first);
        let refused = |asked: Asked, source: &str| {
            let failure = begin(asked, source).unwrap_err();
            assert_eq!(failure.code, 2, "{failure:?}");
            failure.error.unwrap().to_string()
        };
        assert!(refused(ASKED, "other").contains("of other services, clusters or queries, or from another Prometheus"));
        assert!(refused(Asked { step: Span::seconds(30), ..ASKED }, "one").contains("a recording of other times"));
        // As it was written before anybody noted that.
        let path = folder.path().join("progress.json");
        let mut older = serde_json::to_value(&first).unwrap();
        assert!(older.as_object_mut().unwrap().remove("source").is_some());
        fs::write(&path, older.to_string()).unwrap();
        assert!(refused(ASKED, "one").contains("an older smo began"));
        assert_eq!(fs::read_to_string(&path).unwrap(), older.to_string(), "what is refused stays as it is");
    }

    /// One change of the world or of the connection.
    type Change = fn(&mut Known, &mut Connection);

    fn changed(change: Change) -> String {
        let (mut known, mut connection) = (stand_in::known(), stand_in::connection());
        connection.prometheus = Some(PrometheusAt { url: "http://prometheus:9090".to_owned(), token_file: None });
        change(&mut known, &mut connection);
        source(&known, &connection)
    }

    #[test]
    fn a_recording_is_of_its_names_in_their_order_and_of_its_queries() {
        let changes: [Change; 8] = [
            |_, _| {},
            |known, _| known.application.services.iter_mut().for_each(|(_, service)| service.name.push('s')),
            |known, _| known.clusters = known.clusters.values().rev().cloned().collect(),
            |_, connection| connection.clusters.iter_mut().for_each(|(_, called)| called.push('s')),
            |_, connection| connection.services.iter_mut().for_each(|(_, one)| one.rate = Some("up".to_owned())),
            |_, connection| connection.services.iter_mut().for_each(|(_, one)| one.replicas = Some("up".to_owned())),
            |_, connection| connection.services.iter_mut().for_each(|(_, one)| one.latency_p95 = Some("up".to_owned())),
            |_, connection| connection.prometheus = None,
        ];
        let mut sources: Vec<String> = changes.into_iter().map(changed).collect();
        sources.sort();
        sources.dedup();
        assert_eq!(sources.len(), 8, "each of them makes another recording");
        let other_moves = changed(|_, connection| connection.moves.timeout = Span::seconds(1));
        assert_eq!(other_moves, changed(|_, _| {}), "what no row depends on makes none");
    }
}
