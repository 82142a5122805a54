//! Two runs against each other: what was run differently, where the decisions part, and what that led to.
//!
//! Decisions are compared by time, not by line: runs may decide at different instants. From when on both have decided until they
//! part, both want the same of every service; the lines of that instant say what each side saw and why it wanted something else.
//! Real runs begin when they begin: all times are on the left's clock, unless they share no time, where each counts from its own
//! start.

mod stretch;

use super::metric::METRICS;
use super::unit::Unit;
use crate::record::history::{DecisionRead, Places, ServiceRead, Told};
use crate::record::{RecordError, RunRecord};
use crate::units::Span;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The unit of shares.
pub const SHARE: &str = "share";

/// How two runs differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Fields of the manifests that differ.
    pub manifests: Vec<Field>,
    /// By how many seconds the right began after the left, of real runs that share no time; each counts from its own start then.
    pub apart_s: Option<f64>,
    /// Where the decisions part; `None` where they never do.
    pub divergence: Option<Divergence>,
    /// What happened from there until the end of the shorter run, undefined where that had ended before; empty where they never
    /// part.
    pub consequences: Vec<Pair>,
    /// The figures of the whole runs.
    pub metrics: Vec<Pair>,
}

/// A field of the manifests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// Its path.
    pub field: String,
    /// On the left; `None` where it is not there.
    pub left: Option<String>,
    /// On the right.
    pub right: Option<String>,
}

/// The first instant at which the two want something else.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Divergence {
    /// When, in seconds since the left's start.
    pub at_s: f64,
    /// Of which services.
    pub services: Vec<Parting>,
    /// Instants of decisions from then on at which the two want the same, as a share of all.
    pub same_share_after: f64,
}

/// A service about which the two part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parting {
    /// Its name.
    pub service: String,
    /// The last decision about it on the left; `None` where the run has no such service, or never decided.
    pub left: Option<Side>,
    /// On the right.
    pub right: Option<Side>,
}

/// What one side wanted, and on which figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// When that was decided, in seconds since the left's start; below zero where the right began earlier and decided it before.
    pub at_s: f64,
    /// What was seen and decided.
    #[serde(flatten)]
    pub service: ServiceRead,
    /// Replicas that found no place.
    pub refused: u32,
}

/// A figure of both sides.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// What it is.
    pub name: &'static str,
    /// Its unit; [`SHARE`] for numbers from 0 to 1, empty for counts.
    pub unit: &'static str,
    /// On the left; `None` where it is undefined.
    pub left: Option<f64>,
    /// On the right.
    pub right: Option<f64>,
    /// Right less left.
    pub difference: Option<f64>,
}

impl Pair {
    fn new(name: &'static str, unit: &'static str, [left, right]: [Option<f64>; 2]) -> Self {
        let difference = left.zip(right).map(|(left, right)| right - left);
        Self { name, unit, left, right, difference }
    }
}

/// Compares two runs.
///
/// # Errors
/// See [`RecordError`].
pub fn compare(left: &RunRecord, right: &RunRecord) -> Result<Difference, RecordError> {
    let runs = [left, right];
    let (later_s, apart_s) = clocks(runs)?;
    let divergence = divergence([decisions(left, 0.0)?, decisions(right, later_s)?], later_s);
    let consequences = match &divergence {
        Some(parted) => stretch::consequences(runs, later_s, parted.at_s)?,
        None => Vec::new(),
    };
    let figure = |metric: &super::metric::Metric| {
        let unit = if metric.unit == Unit::Share { SHARE } else { metric.unit.symbol() };
        Pair::new(metric.name, unit, runs.map(|run| metric.of(&run.summary)))
    };
    Ok(Difference {
        manifests: manifests(runs),
        apart_s,
        divergence,
        consequences,
        metrics: METRICS.iter().map(figure).collect(),
    })
}

/// By how many seconds the right's clock is behind the left's, and by how many it began later where they share no time. Only real
/// runs have begun at some time: any other begins with what it is compared with, and so does one that is over when the other begins.
fn clocks(runs: [&RunRecord; 2]) -> Result<(f64, Option<f64>), RecordError> {
    let [left, right] = runs.map(|run| run.manifest.header.live.as_ref().map(|live| live.started_at_s));
    let Some(later_s) = left.zip(right).map(|(left, right)| right - left) else { return Ok((0.0, None)) };
    let [left, right] = runs.map(stretch::end_s);
    let is_shared = later_s < left? && later_s + right? > 0.0;
    Ok(if is_shared { (later_s, None) } else { (0.0, Some(later_s)) })
}

/// The decisions of a run that began by `later_s` after the clock did. The real world decides a little after each tick: there,
/// the tick counts.
fn decisions(run: &RunRecord, later_s: f64) -> Result<Vec<DecisionRead>, RecordError> {
    let decided = |told| if let Told::Decided(decision) = told { Some(decision) } else { None };
    let mut all: Vec<DecisionRead> = run.history()?.into_iter().filter_map(decided).collect();
    let header = &run.manifest.header;
    let every = header.resolved["control"]["every"].as_str().and_then(|text| text.parse::<Span>().ok());
    let tick_s = every.filter(|every| header.live.is_some() && every.0 > 0).map(Span::as_seconds_f64);
    for decision in &mut all {
        let at_s = decision.at_s + later_s;
        // What is rounded up to zero would be −0 without the sum.
        decision.at_s = tick_s.map_or(at_s, |tick_s| (at_s / tick_s).round() * tick_s + 0.0);
    }
    Ok(all)
}

/// What a run wants at an instant: the last decision about each service.
#[derive(Debug, Default)]
struct Wishes(BTreeMap<String, Side>);

impl Wishes {
    fn take(&mut self, decision: DecisionRead) -> Vec<String> {
        let DecisionRead { at_s, services, refusals, .. } = decision;
        let side = |service: ServiceRead| {
            let refused = refusals.iter().filter(|refusal| refusal.service == service.service);
            (service.service.clone(), Side { at_s, refused: refused.map(|refusal| refusal.replicas).sum(), service })
        };
        let sides: Vec<(String, Side)> = services.into_iter().map(side).collect();
        let names = sides.iter().map(|(name, _)| name.clone()).collect();
        self.0.extend(sides);
        names
    }

    fn places(&self, service: &str) -> Option<&Places> {
        self.0.get(service).map(|side| &side.service.target)
    }
}

fn divergence(decisions: [Vec<DecisionRead>; 2], later_s: f64) -> Option<Divergence> {
    // Who has not decided yet does not want something else. So what was decided before both run and have decided counts from
    // then on; only who never decides is without a wish.
    let firsts = decisions.iter().filter_map(|all| all.first());
    let begin_s = firsts.map(|first| first.at_s).fold(later_s.max(0.0), f64::max);
    let mut times: Vec<f64> = decisions.iter().flatten().map(|decision| decision.at_s.max(begin_s)).collect();
    times.sort_by(f64::total_cmp);
    times.dedup();
    let mut rest = decisions.map(|all| all.into_iter().peekable());
    let mut wishes = [Wishes::default(), Wishes::default()];
    let mut differing = BTreeSet::<String>::new();
    let mut found: Option<Divergence> = None;
    let (mut after, mut same) = (0_u32, 0_u32);
    for at_s in times {
        let mut touched = Vec::new();
        for (rest, wishes) in rest.iter_mut().zip(&mut wishes) {
            while let Some(decision) = rest.next_if(|decision| decision.at_s <= at_s) {
                touched.extend(wishes.take(decision));
            }
        }
        for service in touched {
            if wishes[0].places(&service) == wishes[1].places(&service) {
                differing.remove(&service);
            } else {
                differing.insert(service);
            }
        }
        if found.is_none() && !differing.is_empty() {
            let services = differing.iter().map(|service| parting(service, &wishes)).collect();
            found = Some(Divergence { at_s, services, same_share_after: 0.0 });
        }
        after += u32::from(found.is_some());
        same += u32::from(found.is_some() && differing.is_empty());
    }
    found.map(|found| Divergence { same_share_after: f64::from(same) / f64::from(after.max(1)), ..found })
}

fn parting(service: &str, wishes: &[Wishes; 2]) -> Parting {
    let [left, right] = wishes.each_ref().map(|side| side.0.get(service).cloned());
    Parting { service: service.to_owned(), left, right }
}

/// The fields that differ, those of the command first, then those of the resolved scenario.
fn manifests(runs: [&RunRecord; 2]) -> Vec<Field> {
    let [left, right] = runs.map(|run| {
        let mut fields = BTreeMap::new();
        let mut value = serde_json::to_value(&run.manifest).unwrap_or_default();
        let resolved = value.as_object_mut().and_then(|manifest| {
            manifest.retain(|key, _| !matches!(key.as_str(), "records" | "notes" | "scenario_path"));
            manifest.remove("resolved")
        });
        flatten("", &value, &mut fields);
        flatten("~scenario", &resolved.unwrap_or_default(), &mut fields);
        fields
    });
    let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let differing = names.into_iter().filter(|name| left.get(*name) != right.get(*name));
    let field = |name: &String| Field {
        field: name.trim_start_matches('~').to_owned(),
        left: left.get(name).cloned(),
        right: right.get(name).cloned(),
    };
    differing.map(field).collect()
}

/// All scalars below `value` by path; items of a list go by their `name` or `path`, or else by their number.
fn flatten(path: &str, value: &Value, fields: &mut BTreeMap<String, String>) {
    let below = |step: &str| if path.is_empty() { step.to_owned() } else { format!("{path}.{step}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&below(key), value, fields)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = ["name", "path"].iter().find_map(|key| item.get(key).and_then(Value::as_str));
                flatten(&below(name.unwrap_or(&index.to_string())), item, fields);
            }
        }
        Value::String(text) => drop(fields.insert(path.to_owned(), text.clone())),
        Value::Null => {}
        other => drop(fields.insert(path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests;
