//! The statistics of `smo bench` on runs that were simulated: how often chance passes for a difference, and what a gate makes of a
//! change that costs more.
//!
//! One suite of a policy and a wasteful sister of it gives a few thousand days, each with a load, faults and delays of its own. They
//! are dealt out to many small suites of five or ten days.

use crate::program::smo;
use smo::model::gate::{Gate, Threshold};
use smo::report::bench::family::{Family, Finding};
use smo::report::bench::gate::judge;
use smo::report::bench::grid::Grid;
use smo::report::bench::measure::Measure;
use smo::report::bench::results::{Outcome, Results};
use smo::units::Ratio;
use std::fs;
use std::path::PathBuf;

/// A service whose replicas fail, under a load that is another in every seed.
const SCENARIO: &str = "\
question: Does chance pass for a difference?
until: 70 min
load_noise: {share: 15 %, every: 2 min, memory: 20 min}
application:
  services:
    - name: web
      cpu: 1
      memory: 1 GiB
      capacity: 40 /s
      replicas: {initial: 4, min: 1, max: 20}
      slo: {latency: 1 s, share: 95 %}
      start: {median: 20 s, p95: 60 s}
inventory:
  clusters:
    - name: cloud
      region: here
      pools: [{name: main, cpu: 1, memory: 4 GiB, nodes: {min: 1, max: 20}, price_per_hour: 1 $}]
traces: [{file: load.csv}]
faults: [{lose: replica web, every: 20 min, for: 2 min}]
control: {every: 1 min}
policies: [naive]
";

/// Days that are simulated for each policy.
const DAYS: usize = 4_000;

/// `rate` and the wasteful `spare` on all days.
fn simulated() -> Results {
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<String> =
        (0..70).map(|minute| format!("{},{}\n", minute * 60, 110 + 40 * (minute / 20 % 2))).collect();
    fs::write(folder.path().join("load.csv"), format!("timestamp_s,web\n{}", rows.concat())).unwrap();
    fs::write(folder.path().join("web.yaml"), SCENARIO).unwrap();
    let suite = format!(
        "question: Does chance pass for a difference?\n\
         scenarios: [{{file: web.yaml, train: {{until: 10 min}}, test: {{from: 10 min}}}}]\n\
         contestants:\n  - {{name: rate, policy: 'greedy+rate:headroom=45%'}}\n  - {{name: spare, policy: 'greedy+rate:headroom=120%'}}\n\
         baseline: rate\nbad_million: 100 $\nseeds: {{least: {DAYS}, most: {DAYS}}}\nwarm_up: 5 min\n"
    );
    fs::write(folder.path().join("suite.yaml"), suite).unwrap();
    smo(folder.path(), ["bench", "suite.yaml", "--out", "out"]).well();
    serde_json::from_str(&fs::read_to_string(folder.path().join("out/results.json")).unwrap()).unwrap()
}

/// The suite with these runs of its contestants instead, on days that are counted from one; `names` are those of the contestants.
fn dealt(results: &Results, names: [&str; 2], runs: [&[Outcome]; 2]) -> Results {
    let mut results = Results { cells: results.cells.clone(), suite: results.suite.clone() };
    results.suite.contestants = names.map(str::to_owned).into();
    names[0].clone_into(&mut results.suite.baseline);
    for ((cell, name), runs) in results.cells.iter_mut().zip(names).zip(runs) {
        name.clone_into(&mut cell.contestant);
        cell.runs = (1..).zip(runs).map(|(seed, run)| Outcome { seed, ..run.clone() }).collect();
    }
    results
}

/// Goal: of 400 comparisons of a policy with itself, each on days of its own, 95 ± 3 % show no difference; a regression trips the
/// gate in 20 of 20 suites on other days, the same policy with other luck in at most one.
/// Method: five days a side for the comparisons, ten for the gates; the regression is 75 percentage points more head-room, and the
/// gate allows 2 % more loss.
#[test]
fn chance_seldom_passes_for_a_difference_and_a_regression_never_for_chance() {
    let all = simulated();
    let without_runs = |results: &Results| {
        let mut empty = results.clone();
        empty.cells.iter_mut().for_each(|cell| cell.runs.clear());
        empty
    };
    let (empty, [rate, spare]) = (without_runs(&all), [&all.cells[0].runs, &all.cells[1].runs]);
    assert_eq!([rate.len(), spare.len()], [DAYS; 2]);

    let comparisons: Vec<&[Outcome]> = rate.chunks_exact(10).collect();
    let is_clean = |days: &&&[Outcome]| {
        let (left, right) = days.split_at(5);
        let suite = dealt(&empty, ["rate", "again"], [left, right]);
        let family = Family::of(&Grid { results: &suite }, Measure::Loss);
        assert_eq!(family.tested, 1);
        family.pairs[0].finding == Finding::NotShown
    };
    let clean = comparisons.iter().filter(is_clean).count();
    assert_eq!(comparisons.len(), 400);
    assert!((368..=392).contains(&clean), "{clean} of 400 show no difference");

    let threshold = Threshold {
        metric: "loss".to_owned(),
        scenario: None,
        contestant: Some("rate".to_owned()),
        relative: Some(Ratio::from_f64(0.02)),
        absolute: None,
        place: "gate.yaml: thresholds[0]".to_owned(),
    };
    let gate = Gate {
        baseline: "good.json".to_owned(),
        baseline_path: PathBuf::from("good.json"),
        thresholds: vec![threshold],
    };
    let trips = |now: &[Outcome], stored: &[Outcome]| {
        let [now, stored] = [now, stored].map(|runs| dealt(&empty, ["rate", "spare"], [runs, runs]));
        judge(&gate, &now, &stored).expect("it can be judged").trips()
    };
    let mut days = rate.chunks_exact(10).zip(spare.chunks_exact(10));
    let (mut regressed, mut unchanged) = (0, 0);
    for _ in 0..20 {
        let ((stored, worse), (lucky, _)) = (days.next().unwrap(), days.next().unwrap());
        regressed += u32::from(trips(worse, stored));
        unchanged += u32::from(trips(lucky, stored));
    }
    assert!(regressed == 20 && unchanged <= 1, "{regressed} of 20 regressions trip, {unchanged} of 20 without one");
}
