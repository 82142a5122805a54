//! Capacities that are learnt while a run goes on: a version that serves half is noticed, believed, and recovered from.

use crate::program::{scratch, smo};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The new version of `scenarios/new-version.yaml`.
const CHANGE_S: f64 = 12.0 * 3600.0;
/// Samples of a minute within which the alarm comes.
const SAMPLES: f64 = 15.0;

fn lines(run: &Path) -> Vec<Value> {
    let text = fs::read_to_string(run.join("decisions.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// When events of a kind were, in seconds.
fn events(lines: &[Value], kind: &str) -> Vec<f64> {
    lines.iter().filter(|line| line["event"] == kind).map(|line| line["at_s"].as_f64().unwrap()).collect()
}

fn broken(run: &Path) -> f64 {
    let summary: Value = serde_json::from_str(&fs::read_to_string(run.join("summary.json")).unwrap()).unwrap();
    summary["slo_violation_time_share"].as_f64().unwrap()
}

#[test]
fn a_version_that_serves_half_is_noticed_and_recovered_from_and_without_learning_it_is_not() {
    let scratch = scratch();
    smo(scratch.path(), ["simulate", "scenarios/new-version.yaml", "--seeds", "1"]).well();
    let runs = scratch.path().join("runs/new-version");
    let (without, with) =
        (runs.join("greedy+rate-headroom=20pct-1"), runs.join("learning/greedy+rate-headroom=20pct-1"));
    let told = lines(&with);
    assert_eq!(events(&told, "service_changed"), [CHANGE_S]);
    let alarms = events(&told, "capacity_drifted");
    assert!(alarms.iter().all(|at| *at >= CHANGE_S), "a false alarm: {alarms:?}");
    let first = alarms.first().copied().expect("the change is noticed");
    assert!(first <= CHANGE_S + SAMPLES * 60.0, "{} samples", (first - CHANGE_S) / 60.0);
    let learnt = events(&told, "capacity_learnt");
    assert!(learnt.iter().any(|at| *at >= CHANGE_S), "another capacity is believed: {learnt:?}");
    assert!(events(&lines(&without), "capacity_drifted").is_empty());
    let (without, with) = (broken(&without), broken(&with));
    assert!(without > 0.1, "who does not learn does not recover: {without}");
    assert!(with < 0.03, "within minutes the promise is kept again: {with} against {without}");
}

/// Learning changes nothing where nothing is to be learnt: what is declared is true.
#[test]
fn a_steady_service_raises_no_alarm_and_a_learning_run_is_replayed_byte_by_byte() {
    let scratch = scratch();
    let arguments =
        ["simulate", "scenarios/new-version.yaml", "--variant", "learning", "--seeds", "1", "--until", "11h"];
    smo(scratch.path(), arguments).well();
    let run = "runs/new-version/learning/greedy+rate-headroom=20pct-1";
    let told = lines(&scratch.path().join(run));
    assert!(events(&told, "capacity_drifted").is_empty());
    smo(scratch.path(), ["replay", run]).well();
}
