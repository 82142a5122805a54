//! Two runs against each other: what was run differently, where the decisions part, and what that led to.
//!
//! Decisions are compared by time, not by line: runs may decide at different instants. From when on both have decided until they
//! part, both want the same of every service; the lines of that instant say what each side saw and why it wanted something else.
//! Real runs begin when they begin: all times are on the left's clock.

use super::metric::METRICS;
use super::unit::Unit;
use crate::model::figures::is_moment;
use crate::record::history::{DecisionRead, Places, ServiceRead, Told};
use crate::record::{RecordError, RunRecord, Series};
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
    /// Where the decisions part; `None` where they never do.
    pub divergence: Option<Divergence>,
    /// What happened from there until the end of the shorter run; empty where they never part.
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
    let later_s = later_s(runs);
    let divergence = divergence([decisions(left, 0.0)?, decisions(right, later_s)?], later_s);
    let consequences = match &divergence {
        Some(parted) => consequences(runs, later_s, parted.at_s)?,
        None => Vec::new(),
    };
    let figure = |metric: &super::metric::Metric| {
        let unit = if metric.unit == Unit::Share { SHARE } else { metric.unit.symbol() };
        Pair::new(metric.name, unit, runs.map(|run| metric.of(&run.summary)))
    };
    Ok(Difference {
        manifests: manifests(runs),
        divergence,
        consequences,
        metrics: METRICS.iter().map(figure).collect(),
    })
}

/// By how many seconds the right began after the left. Only real runs have begun at some time: any other begins with what it is
/// compared with.
fn later_s(runs: [&RunRecord; 2]) -> f64 {
    let [left, right] = runs.map(|run| run.manifest.header.live.as_ref().map(|live| live.started_at_s));
    left.zip(right).map_or(0.0, |(left, right)| right - left)
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

/// What was different from `from_s` on until the first of their last samples; the right began by `later_s` after the left.
fn consequences(runs: [&RunRecord; 2], later_s: f64, from_s: f64) -> Result<Vec<Pair>, RecordError> {
    let columns = ["served_per_s", "dropped_per_s", "slo_violated_share", "replicas_ready", "cost_usd", "carbon_g"];
    let [left, right] = runs.map(|run| run.series(&columns));
    let series = [left?, right?];
    let end = |series: &Series| {
        let lines = series.keys().map(|(service, cluster)| series.line(service, cluster, "cost_usd"));
        lines.filter_map(|line| line.last().map(|(at_s, _)| *at_s)).fold(0.0, f64::max)
    };
    // What a longer run wants after the end of the other leads to nothing that could be compared.
    let until_s = end(&series[0]).min(end(&series[1]) + later_s).max(from_s);
    // Samples and sums are since the start of their own run.
    let began_s = [0.0, later_s];
    let stretches = [0, 1].map(|side| {
        let stretch_s = (from_s - began_s[side], until_s - began_s[side]);
        Stretch::new(runs[side], &series[side], stretch_s)
    });
    // What a run has no value of was not measured there, which is not zero.
    let pair = |name, (unit, column), get: fn(&Stretch<'_>) -> f64| {
        Pair::new(name, unit, stretches.each_ref().map(|one| one.is_known(column).then(|| get(one))))
    };
    Ok(vec![
        pair("requests served", ("", "served_per_s"), |one| one.total("served_per_s")),
        pair("requests dropped", ("", "dropped_per_s"), |one| one.total("dropped_per_s")),
        pair("time over the SLO", (SHARE, "slo_violated_share"), |one| one.worst_share("slo_violated_share")),
        pair("mean ready replicas", ("", "replicas_ready"), |one| one.mean("replicas_ready")),
        pair("cost", ("$", "cost_usd"), |one| one.gained("cost_usd")),
        pair("carbon", ("kg", "carbon_g"), |one| one.gained("carbon_g") / 1e3),
    ])
}

/// A part of a run's series, on its own clock.
struct Stretch<'a> {
    series: &'a Series,
    entries: Vec<&'a str>,
    /// When samples were taken. A line may be without some: a service has rows only for clusters that hold or want it.
    samples_s: Vec<f64>,
    from_s: f64,
    until_s: f64,
}

impl<'a> Stretch<'a> {
    fn new(run: &'a RunRecord, series: &'a Series, (from_s, until_s): (f64, f64)) -> Self {
        let entries = run.summary.by_service.iter().filter(|service| service.entry);
        let entries: Vec<&str> = entries.map(|service| service.service.as_str()).collect();
        let lines = entries.iter().map(|entry| series.line(Some(entry), None, "served_per_s"));
        let samples_s = lines.max_by_key(Vec::len).unwrap_or_default().into_iter().map(|(at_s, _)| at_s).collect();
        Self { series, entries, samples_s, from_s, until_s }
    }

    /// Whether the column was measured, at each entry service that has any of it, all the time but for a moment.
    fn is_known(&self, column: &str) -> bool {
        let whole = span(self.until_s - self.from_s);
        let is_measured = |entry: &&str| {
            let line = self.weighted(Some(entry), None, column);
            let unknown: f64 = line.iter().filter(|(_, value)| value.is_none()).map(|(seconds, _)| seconds).sum();
            line.iter().all(|(_, value)| value.is_none()) || is_moment(span(unknown), whole)
        };
        self.series.has(column) && self.entries.iter().all(is_measured)
    }

    /// A line as (seconds within the stretch, value): each sample stands for the time since the one before.
    fn weighted(&self, service: Option<&str>, cluster: Option<&str>, column: &str) -> Vec<(f64, Option<f64>)> {
        let weigh = |(at_s, value): (f64, Option<f64>)| {
            let earlier = self.samples_s.partition_point(|sample_s| *sample_s < at_s);
            let before = earlier.checked_sub(1).map_or(0.0, |index| self.samples_s[index]);
            let seconds = at_s.min(self.until_s) - self.from_s.max(before);
            (seconds > 0.0).then_some((seconds, value))
        };
        self.series.line(service, cluster, column).into_iter().filter_map(weigh).collect()
    }

    fn integral(&self, service: Option<&str>, cluster: Option<&str>, column: &str) -> f64 {
        self.weighted(service, cluster, column).iter().map(|(seconds, value)| seconds * value.unwrap_or(0.0)).sum()
    }

    /// A rate over the stretch, of the entry services together.
    fn total(&self, column: &str) -> f64 {
        self.entries.iter().map(|entry| self.integral(Some(entry), None, column)).sum()
    }

    /// The mean of a share over the stretch, of the entry service where it is largest.
    fn worst_share(&self, column: &str) -> f64 {
        let seconds = (self.until_s - self.from_s).max(f64::MIN_POSITIVE);
        self.entries.iter().map(|entry| self.integral(Some(entry), None, column) / seconds).fold(0.0, f64::max)
    }

    /// The mean over the stretch of a count, of all services in all clusters.
    fn mean(&self, column: &str) -> f64 {
        let seconds = (self.until_s - self.from_s).max(f64::MIN_POSITIVE);
        let placements = self.series.keys().filter(|(service, cluster)| service.is_some() && cluster.is_some());
        placements.map(|(service, cluster)| self.integral(service, cluster, column)).sum::<f64>() / seconds
    }

    /// By how much a sum since the start rose in the stretch, over all clusters.
    fn gained(&self, column: &str) -> f64 {
        let clusters = self.series.keys().filter(|(service, cluster)| service.is_none() && cluster.is_some());
        let at = |line: &[(f64, Option<f64>)], instant: f64| {
            let before = line.iter().take_while(|(at_s, _)| *at_s <= instant);
            before.last().and_then(|(_, value)| *value).unwrap_or(0.0)
        };
        let gain = |(service, cluster)| {
            let line = self.series.line(service, cluster, column);
            at(&line, self.until_s) - at(&line, self.from_s)
        };
        clusters.map(gain).sum()
    }
}

fn span(seconds: f64) -> Span {
    Span::from_seconds_f64(seconds.max(0.0))
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
