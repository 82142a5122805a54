//! `--gate`: whether a suite got worse than results that were stored before.

use crate::cli::Failure;
use crate::input;
use crate::model::gate::{Gate, LOSS, Threshold};
use crate::report::bench::results::{Cell, Results};
use crate::report::metric::{self, Better};
use anyhow::{Context, anyhow};
use std::fs;
use std::path::Path;

/// A gate, with the results that count as good.
pub struct Checked {
    gate: Gate,
    baseline: Results,
}

/// Reads the gate at `path`, before anything is run.
///
/// # Errors
/// What is wrong with it, or with its results.
pub fn load(path: &Path) -> Result<Checked, Failure> {
    let gate = input::gate::load(path).map_err(Failure::input)?;
    let stored = gate.baseline_path.display().to_string();
    let text =
        fs::read(&gate.baseline_path).with_context(|| format!("{stored}: cannot be read")).map_err(Failure::input)?;
    let broken = || format!("{stored}: is no `results.json` of a suite; store one that counts as good");
    let baseline: Results = serde_json::from_slice(&text).with_context(broken).map_err(Failure::input)?;
    for threshold in &gate.thresholds {
        check(threshold, &baseline).map_err(|message| Failure::input(anyhow!("{}: {message}", threshold.place)))?;
    }
    Ok(Checked { gate, baseline })
}

fn check(threshold: &Threshold, baseline: &Results) -> Result<(), String> {
    let metric = &threshold.metric;
    match metric::find(metric).map(|metric| metric.better) {
        None if metric != LOSS => {
            return Err(format!("no metric is called `{metric}`; there are {LOSS}, {}", metric::names()));
        }
        Some(Better::Neither) => {
            return Err(format!("`{metric}` is neither better nor worse when it changes; take another"));
        }
        _ => {}
    }
    let head = &baseline.suite;
    let scenarios: Vec<&str> = head.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let contestants: Vec<&str> = head.contestants.iter().map(String::as_str).collect();
    for (kind, given, known) in
        [("scenarios", &threshold.scenario, scenarios), ("contestants", &threshold.contestant, contestants)]
    {
        if let Some(given) = given.as_ref().filter(|given| !known.contains(&given.as_str())) {
            return Err(format!("the stored results know no `{given}`; {}", input::known_names(given, kind, &known)));
        }
    }
    Ok(())
}

impl Checked {
    /// What does not pass, in sentences; none where all is well.
    pub fn findings(&self, results: &Results) -> Vec<String> {
        // SEAM(gate): `report::bench::gate` judges with the spread of both; this compares means.
        self.gate.thresholds.iter().flat_map(|threshold| findings(threshold, &self.baseline, results)).collect()
    }
}

fn findings(threshold: &Threshold, baseline: &Results, results: &Results) -> Vec<String> {
    let is_meant = |cell: &&Cell| {
        threshold.scenario.as_ref().is_none_or(|name| *name == cell.scenario)
            && threshold.contestant.as_ref().is_none_or(|name| *name == cell.contestant)
    };
    let judge = |before: &Cell| {
        let is_it = |cell: &&Cell| cell.scenario == before.scenario && cell.contestant == before.contestant;
        let (metric, place) = (&threshold.metric, format!("{} in {}", before.contestant, before.scenario));
        let Some(old) = mean(metric, before, baseline) else { return Some(format!("{place}: no {metric} is stored")) };
        let now = results.cells.iter().find(is_it).and_then(|cell| mean(metric, cell, results));
        let Some(now) = now else { return Some(format!("{place}: there is no {metric} now, {old} is stored")) };
        let is_higher_better = metric::find(metric).is_some_and(|metric| metric.better == Better::Higher);
        let worse = if is_higher_better { old - now } else { now - old };
        let share = threshold.relative.map_or(0.0, |share| share.as_f64() * old.abs());
        let allowed = share.max(threshold.absolute.unwrap_or(0.0));
        (worse > allowed).then(|| format!("{place}: {metric} is {now}, was {old}; {allowed} more are allowed"))
    };
    baseline.cells.iter().filter(is_meant).filter_map(judge).collect()
}

/// The mean over all runs; none where one failed or the metric is undefined.
fn mean(metric: &str, cell: &Cell, results: &Results) -> Option<f64> {
    let figure =
        |summary| metric::find(metric).map_or_else(|| Some(results.suite.loss(summary)), |one| (one.get)(summary));
    let figures = cell.runs.iter().map(|run| run.result.as_ref().ok().and_then(figure));
    let figures = figures.collect::<Option<Vec<f64>>>()?;
    (!figures.is_empty()).then(|| figures.iter().sum::<f64>() / figures.len() as f64)
}
