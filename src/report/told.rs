//! What a run decided about its services, change by change: what was seen, what was wanted, what became of it.
//!
//! A service changes when its targets do, and when it gets into trouble (refused, held back, unsound) or out of it; between
//! two changes every decision said the same.

use crate::record::history::{DecisionRead, FailedRead, HappenedRead, HeldRead, RefusedRead, ServiceRead, Told};
use crate::record::{RecordError, RunRecord, Series};
use serde::Serialize;
use std::collections::BTreeMap;

/// The story of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Story {
    /// Changes of services, in order of time, then as their decision names them.
    pub changes: Vec<Change>,
    /// What happened by itself, in order.
    pub events: Vec<HappenedRead>,
}

/// A decision about one service that differs from the one before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// When, in seconds since the start.
    pub at_s: f64,
    /// The number of the decision.
    pub decision: u64,
    /// What was seen and decided.
    #[serde(flatten)]
    pub service: ServiceRead,
    /// What of it found no place.
    pub refused: Option<RefusedRead>,
    /// The limits that held it back.
    pub held: Vec<String>,
    /// What the checker found.
    pub violations: Vec<serde_json::Map<String, serde_json::Value>>,
    /// Replicas asked for beyond those before, by cluster; negative where some were given back.
    pub actions: BTreeMap<String, i64>,
    /// Actions of it that failed for good.
    pub failed: Vec<FailedRead>,
    /// The first sample of the series from then on at which all that was wanted was ready and nothing else was, unless
    /// something else was wanted before.
    pub as_wanted_at_s: Option<f64>,
}

/// Tells the story of `run`: of one service, or of all.
///
/// # Errors
/// See [`RecordError`].
pub fn tell(run: &RunRecord, service: Option<&str>) -> Result<Story, RecordError> {
    let mut story = Story { changes: Vec::new(), events: Vec::new() };
    let mut troubled = BTreeMap::<String, Trouble>::new();
    let mut failures = Vec::new();
    for told in run.history()? {
        match told {
            Told::Decided(decision) => story.changes.extend(changes(decision, service, &mut troubled)),
            Told::Happened(event) => story.events.push(event),
            Told::Failed(failure) => failures.push(failure),
        }
    }
    for failure in failures {
        let asked = |change: &&mut Change| {
            change.service.service == failure.service && change.at_s <= failure.asked_at_s + 1e-9
        };
        if let Some(change) = story.changes.iter_mut().rev().find(asked) {
            change.failed.push(failure);
        }
    }
    settle(&mut story.changes, &run.series(&["replicas_ready"])?);
    Ok(story)
}

impl Story {
    /// The last change of each service at or before `at_s`.
    pub fn at(&self, at_s: f64) -> Vec<&Change> {
        let mut last = BTreeMap::<&str, &Change>::new();
        for change in self.changes.iter().filter(|change| change.at_s <= at_s + 1e-9) {
            last.insert(&change.service.service, change);
        }
        let mut last: Vec<&Change> = last.into_values().collect();
        last.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
        last
    }
}

/// What was the matter with a service in a decision.
#[derive(Debug, Clone, PartialEq, Default)]
struct Trouble {
    refused: Option<RefusedRead>,
    held: Vec<String>,
    violations: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// What of a decision is a change; `troubled` holds who was in trouble in the one before, and does so afterwards.
fn changes(decision: DecisionRead, wanted: Option<&str>, troubled: &mut BTreeMap<String, Trouble>) -> Vec<Change> {
    let DecisionRead { at_s, decision: number, services, refusals, violations, held, .. } = decision;
    let before = std::mem::take(troubled);
    let mut changes = Vec::new();
    for service in services.into_iter().filter(|one| wanted.is_none_or(|name| one.service == name)) {
        let name = service.service.as_str();
        let names_it = |found: &&serde_json::Map<String, serde_json::Value>| {
            found.get("service").and_then(serde_json::Value::as_str) == Some(name)
        };
        let trouble = Trouble {
            refused: refusals.iter().find(|refusal| refusal.service == name).cloned(),
            held: held.iter().filter(|held: &&HeldRead| held.service == name).map(|held| held.reason.clone()).collect(),
            violations: violations.iter().filter(names_it).cloned().collect(),
        };
        let same = before.get(name).cloned().unwrap_or_default() == trouble;
        if trouble != Trouble::default() {
            troubled.insert(name.to_owned(), trouble.clone());
        }
        if number == 0 || service.was != service.target || !same {
            let Trouble { refused, held, violations } = trouble;
            let actions = actions(&service);
            let (failed, as_wanted_at_s) = (Vec::new(), None);
            let change =
                Change { at_s, decision: number, service, refused, held, violations, actions, failed, as_wanted_at_s };
            changes.push(change);
        }
    }
    changes
}

fn actions(service: &ServiceRead) -> BTreeMap<String, i64> {
    let clusters = service.was.keys().chain(service.target.keys());
    let count = |places: &BTreeMap<String, u32>, cluster: &str| places.get(cluster).copied().map_or(0, i64::from);
    let difference = |cluster: &str| count(&service.target, cluster) - count(&service.was, cluster);
    clusters.map(|cluster| (cluster.clone(), difference(cluster))).filter(|(_, difference)| *difference != 0).collect()
}

/// Finds for each change when the world was as it wanted.
fn settle(changes: &mut [Change], series: &Series) {
    let samples = ready_by_service(series);
    let mut next = BTreeMap::<String, f64>::new();
    for change in changes.iter_mut().rev() {
        let until = next.insert(change.service.service.clone(), change.at_s).unwrap_or(f64::INFINITY);
        let Some(samples) = samples.get(&change.service.service) else { continue };
        let target = &change.service.target;
        let as_wanted = |ready: &Ready| {
            let wanted = |cluster: &String| target.get(cluster).copied().map_or(0.0, f64::from);
            ready.iter().all(|(cluster, replicas)| (replicas - wanted(cluster)).abs() < 0.5)
        };
        let from = samples.partition_point(|(at_s, _)| *at_s <= change.at_s);
        let mut until_next = samples[from..].iter().take_while(|(at_s, _)| *at_s <= until);
        change.as_wanted_at_s = until_next.find(|(_, ready)| as_wanted(ready)).map(|(at_s, _)| *at_s);
    }
}

/// Ready replicas by cluster, wherever the service holds or wants any.
type Ready = Vec<(String, f64)>;

/// The samples of each service in order of time.
fn ready_by_service(series: &Series) -> BTreeMap<String, Vec<(f64, Ready)>> {
    let mut rows = BTreeMap::<String, Vec<(f64, String, f64)>>::new();
    for (service, cluster) in series.keys() {
        let (Some(name), Some(cluster)) = (service, cluster) else { continue };
        let line = series.line(service, Some(cluster), "replicas_ready");
        let row = |(at_s, ready): (f64, Option<f64>)| (at_s, cluster.to_owned(), ready.unwrap_or(0.0));
        rows.entry(name.to_owned()).or_default().extend(line.into_iter().map(row));
    }
    let joined = |mut rows: Vec<(f64, String, f64)>| {
        rows.sort_by(|a, b| a.0.total_cmp(&b.0));
        let same_time = rows.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq());
        same_time.map(|rows| (rows[0].0, rows.iter().map(|row| (row.1.clone(), row.2)).collect())).collect()
    };
    rows.into_iter().map(|(service, rows)| (service, joined(rows))).collect()
}
