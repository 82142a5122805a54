//! The gate: whether a suite's results are worse than stored ones by more than is allowed, surely enough.
//!
//! Judged is, in the direction that is worse, `current − baseline − max(relative · |baseline|, absolute)`: by pairs of the seeds
//! that both have run, or (none in common) by Welch's t on two samples. A check trips when the chance of so high a value is below
//! 2.5 % where the truth is within the allowance, after Holm over all checks of the gate: then the 95 % interval of the
//! difference lies beyond the allowance, and a gate without any regression trips by chance once in forty times at most.
//! Where all pairs agree no chance is involved, and what lies beyond the allowance trips.
//!
//! What cannot be judged is an error and not a pass: a cell that the baseline lacks, other test days, a single seed. A run that
//! fails now and did not before trips.

use super::grid::{Grid, Place, Values};
use super::measure::Measure;
use super::results::{Cell, Results, ScenarioHead};
use super::statistics::{Difference, LEVEL, Test, holm};
use crate::model::gate::{Gate, Threshold};
use crate::report::estimate::Estimate;
use crate::report::metric::Better;
use crate::units::Ratio;

/// What became of a gate.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// Check by check, in the order of the thresholds, scenarios and contestants.
    pub checks: Vec<Check>,
    /// What a reader must know: inputs that are not those of the baseline.
    pub notes: Vec<String>,
}

/// A threshold on one cell.
#[derive(Debug, Clone)]
pub struct Check {
    /// The measure.
    pub measure: Measure,
    /// The scenario.
    pub scenario: String,
    /// The contestant.
    pub contestant: String,
    /// What it is now; `None` where a run fails now.
    pub current: Option<Estimate>,
    /// What it was.
    pub baseline: Estimate,
    /// What it may get worse by, in the base unit.
    pub allowed: f64,
    /// Beyond the allowance, worse being positive; `None` where a run fails now.
    pub beyond: Option<Difference>,
    /// What follows.
    pub outcome: Outcome,
}

/// What follows from a check.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// No regression beyond the allowance is shown.
    Holds,
    /// Worse by more than is allowed, surely enough.
    Trips,
    /// A run fails that did not: why.
    Fails(String),
}

/// Why a gate cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum GateError {
    #[error("{place}: no metric is called `{given}`; there are {}", Measure::names())]
    UnknownMetric { place: String, given: String },
    #[error("{place}: `{metric}` is neither good nor bad, so it cannot regress; choose one with a direction")]
    NoDirection { place: String, metric: String },
    #[error("{place}: the suite has no {what} `{given}`; there are {known}")]
    Unknown { place: String, what: &'static str, given: String, known: String },
    #[error(
        "{scenario}: {contestant}: {reason}; run the suite again to renew the baseline, or take it out of the gate"
    )]
    Baseline { scenario: String, contestant: String, reason: String },
    #[error("{scenario}: {contestant} {reason}, so it cannot be judged")]
    Current { scenario: String, contestant: String, reason: String },
    #[error(
        "{scenario}: {what} is {now} now and was {before} in the baseline, so that they cannot be compared; renew it"
    )]
    NotComparable { scenario: String, what: &'static str, now: String, before: String },
    #[error("the gate has no threshold; a gate that judges nothing would always pass")]
    Empty,
}

/// Judges `current` against `baseline`.
///
/// # Errors
/// What cannot be judged.
pub fn judge(gate: &Gate, current: &Results, baseline: &Results) -> Result<Judgement, GateError> {
    if gate.thresholds.is_empty() {
        return Err(GateError::Empty);
    }
    let pair = (Grid { results: current }, Grid { results: baseline });
    let mut checks = Vec::new();
    for threshold in &gate.thresholds {
        let measure = measure(threshold)?;
        let places = places(threshold, &pair.0)?;
        still_there(threshold, &pair)?;
        for place in places {
            checks.push(check(&pair, place, (measure, threshold))?);
        }
    }
    trip(&mut checks);
    Ok(Judgement { checks, notes: notes(current, baseline) })
}

impl Judgement {
    /// Whether the gate closes.
    pub fn trips(&self) -> bool {
        self.checks.iter().any(|check| check.outcome != Outcome::Holds)
    }
}

fn measure(threshold: &Threshold) -> Result<Measure, GateError> {
    let (place, metric) = (|| threshold.place.clone(), || threshold.metric.clone());
    let measure = Measure::find(&threshold.metric);
    let measure = measure.ok_or_else(|| GateError::UnknownMetric { place: place(), given: metric() })?;
    if measure.better() == Better::Neither {
        return Err(GateError::NoDirection { place: place(), metric: metric() });
    }
    Ok(measure)
}

/// Nothing that was stored may silently leave the suite.
fn still_there(threshold: &Threshold, (current, baseline): &(Grid<'_>, Grid<'_>)) -> Result<(), GateError> {
    let is_meant = |cell: &&Cell| {
        threshold.scenario.as_ref().is_none_or(|name| *name == cell.scenario)
            && threshold.contestant.as_ref().is_none_or(|name| *name == cell.contestant)
    };
    let lost = |cell: &&Cell| same_place(current, (&cell.scenario, &cell.contestant)).is_none();
    match baseline.results.cells.iter().filter(is_meant).find(lost) {
        None => Ok(()),
        Some(cell) => Err(GateError::Current {
            scenario: cell.scenario.clone(),
            contestant: cell.contestant.clone(),
            reason: "is in the baseline and not in these results".to_owned(),
        }),
    }
}

/// The cells that a threshold is about, in the suite's order.
fn places(threshold: &Threshold, grid: &Grid<'_>) -> Result<Vec<Place>, GateError> {
    let suite = &grid.results.suite;
    let scenarios: Vec<&String> = suite.scenarios.iter().map(|scenario| &scenario.name).collect();
    let contestants: Vec<&String> = suite.contestants.iter().collect();
    let chosen = |given: &Option<String>, what: &'static str, known: &[&String]| match given {
        None => Ok((0..known.len()).collect::<Vec<_>>()),
        Some(given) => known.iter().position(|name| *name == given).map(|at| vec![at]).ok_or_else(|| {
            let known: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
            GateError::Unknown { place: threshold.place.clone(), what, given: given.clone(), known: known.join(", ") }
        }),
    };
    let scenarios = chosen(&threshold.scenario, "scenario", &scenarios)?;
    let contestants = chosen(&threshold.contestant, "contestant", &contestants)?;
    let places = scenarios
        .into_iter()
        .flat_map(|scenario| contestants.iter().map(move |contestant| Place { scenario, contestant: *contestant }));
    Ok(places.collect())
}

fn check(
    (current, baseline): &(Grid<'_>, Grid<'_>),
    place: Place,
    (measure, threshold): (Measure, &Threshold),
) -> Result<Check, GateError> {
    let (scenario, contestant) =
        (current.scenario(place.scenario).to_owned(), current.name(place.contestant).to_owned());
    let lacks = |reason: String| {
        let reason = format!("in the baseline it {reason}");
        GateError::Baseline { scenario: scenario.clone(), contestant: contestant.clone(), reason }
    };
    let before = same_place(baseline, (&scenario, &contestant)).ok_or_else(|| lacks("was not run".to_owned()))?;
    let heads = (&current.results.suite, &baseline.results.suite);
    comparable(&heads.0.scenarios[place.scenario], &heads.1.scenarios[before.scenario])?;
    if matches!(measure, Measure::Loss) && heads.0.bad_million_usd.total_cmp(&heads.1.bad_million_usd).is_ne() {
        let (now, before) = (heads.0.bad_million_usd.to_string(), heads.1.bad_million_usd.to_string());
        return Err(GateError::NotComparable { scenario, what: "the price of a million bad requests", now, before });
    }
    let old = baseline.values(measure, before).map_err(lacks)?;
    let sign: f64 = if measure.better() == Better::Higher { -1.0 } else { 1.0 };
    let (relative, absolute) = (threshold.relative.map_or(0.0, Ratio::as_f64), threshold.absolute.unwrap_or(0.0));
    let allowance = |old: f64| (relative * old.abs()).max(absolute);
    let limit = |old: f64| sign.mul_add(old, allowance(old));
    let mean = |values: &Values| Estimate::of(&values.values().copied().collect::<Vec<_>>());
    let was = mean(&old).ok_or_else(|| lacks("has no run".to_owned()))?;
    let allowed = allowance(was.mean);
    let (now, beyond, outcome) = match current.values(measure, place) {
        Err(reason) if current.cell(place).is_none() => {
            return Err(GateError::Current { scenario, contestant, reason });
        }
        Err(reason) => (None, None, Outcome::Fails(reason)),
        Ok(now) => {
            let beyond = beyond(&now, &old, |value| sign * value, (limit, measure.counts()));
            let reason = || "has one seed in common with the baseline".to_owned();
            let beyond = beyond.ok_or_else(|| lacks(reason()))?;
            (mean(&now), Some(beyond), Outcome::Holds)
        }
    };
    Ok(Check { measure, scenario, contestant, current: now, baseline: was, allowed, beyond, outcome })
}

/// How far the present values lie beyond the limits of the old ones.
fn beyond(
    now: &Values,
    old: &Values,
    worse: impl Fn(f64) -> f64,
    (limit, counts): (impl Fn(f64) -> f64, bool),
) -> Option<Difference> {
    let pairs: Vec<(f64, f64)> =
        now.iter().filter_map(|(seed, now)| Some((worse(*now), limit(*old.get(seed)?)))).collect();
    if !pairs.is_empty() {
        return Difference::of(&pairs, counts);
    }
    let now: Vec<f64> = now.values().map(|value| worse(*value)).collect();
    let old: Vec<f64> = old.values().map(|value| limit(*value)).collect();
    Difference::unpaired(&now, &old)
}

fn same_place(grid: &Grid<'_>, (scenario, contestant): (&str, &str)) -> Option<Place> {
    let suite = &grid.results.suite;
    let scenario = suite.scenarios.iter().position(|one| one.name == scenario)?;
    let contestant = suite.contestants.iter().position(|one| one == contestant)?;
    let place = Place { scenario, contestant };
    grid.cell(place).map(|_| place)
}

/// Whether two scenarios report the same time of the same days.
fn comparable(now: &ScenarioHead, before: &ScenarioHead) -> Result<(), GateError> {
    let seconds = |seconds: f64| format!("{seconds} s");
    let parts = [
        ("the test days", now.test.clone(), before.test.clone()),
        ("the warm-up", seconds(now.warm_up_s), seconds(before.warm_up_s)),
        ("the length of a run", seconds(now.span_s), seconds(before.span_s)),
    ];
    match parts.into_iter().find(|(_, now, before)| now != before) {
        None => Ok(()),
        Some((what, is, was)) => {
            Err(GateError::NotComparable { scenario: now.name.clone(), what, now: is, before: was })
        }
    }
}

fn trip(checks: &mut [Check]) {
    let tested = |check: &Check| check.beyond.filter(|beyond| beyond.test != Test::Agree);
    let open: Vec<usize> = (0..checks.len()).filter(|at| tested(&checks[*at]).is_some()).collect();
    let p: Vec<f64> = open.iter().filter_map(|at| tested(&checks[*at])).map(|beyond| beyond.p_above()).collect();
    for (at, adjusted) in open.into_iter().zip(holm::adjusted(&p)) {
        if adjusted < LEVEL / 2.0 {
            checks[at].outcome = Outcome::Trips;
        }
    }
    for check in checks {
        if check.beyond.is_some_and(|beyond| beyond.test == Test::Agree && beyond.centre > 0.0) {
            check.outcome = Outcome::Trips;
        }
    }
}

/// Inputs that changed since: pairs of seeds are no pairs of days then.
fn notes(current: &Results, baseline: &Results) -> Vec<String> {
    let (now, before) = (&current.suite.inputs, &baseline.suite.inputs);
    let changed = now.iter().filter(|(path, hash)| before.get(*path).is_some_and(|was| was != *hash));
    let changed: Vec<&str> = changed.map(|(path, _)| path.as_str()).collect();
    if changed.is_empty() {
        return Vec::new();
    }
    vec![format!("Not the same as in the baseline: {}. What differs may come from there.", changed.join(", "))]
}
