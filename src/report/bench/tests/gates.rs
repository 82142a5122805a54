//! The gate: it closes on a planted regression, stays open without one, and never passes what it could not judge.

use crate::model::gate::{Gate, Threshold};
use crate::report::bench::gate::{GateError, Judgement, Outcome, judge};
use crate::report::bench::results::Results;
use crate::report::bench::statistics::LEVEL;
use crate::report::bench::synthetic::{World, cell};
use crate::units::Ratio;
use std::path::PathBuf;

const NAMES: [&str; 3] = ["a", "b", "c"];

fn gate(relative: f64) -> Gate {
    gate_on(&["loss", "bad_requests", "replica_changes"], relative)
}

fn gate_on(metrics: &[&str], relative: f64) -> Gate {
    let threshold = |(index, metric): (usize, &&str)| Threshold {
        metric: (*metric).to_owned(),
        scenario: None,
        contestant: None,
        relative: Some(Ratio::from_f64(relative)),
        absolute: None,
        place: format!("gate.yaml: thresholds[{index}]"),
    };
    let thresholds = metrics.iter().enumerate().map(threshold).collect();
    Gate { baseline: "good.json".to_owned(), baseline_path: PathBuf::from("good.json"), thresholds }
}

fn judged(gate: &Gate, current: &Results, baseline: &Results) -> Judgement {
    judge(gate, current, baseline).expect("it can be judged")
}

/// The same days twice, with other luck.
fn twice(repetition: u64, effect: fn(usize, usize) -> (f64, f64)) -> (Results, Results) {
    let seeds = repetition * 100 + 1..=repetition * 100 + 10;
    let baseline = World { seeds: seeds.clone(), ..World::alike(&NAMES, 4, repetition) };
    let current = World { luck: 1, effect, ..baseline.clone() };
    (current.results(), baseline.results())
}

/// Goal: 15 % more cost of one policy of three trips in 20 of 20 repetitions with other seeds, where 2 % are allowed, and names
/// that policy only; an unchanged one in at most one. It is no subtle regression: with luck of 3 %, ten seeds and 36 checks that
/// are corrected together, 8 % trip in 14 of 20.
#[test]
fn a_planted_regression_trips_in_20_of_20_and_none_in_at_most_one() {
    let (mut tripped, mut unchanged, mut innocent) = (0, 0, 0);
    for repetition in 0..20 {
        let (current, baseline) =
            twice(repetition, |contestant, _| if contestant == 1 { (1.15, 1.0) } else { (1.0, 1.0) });
        let judgement = judged(&gate(0.02), &current, &baseline);
        let is_culprit =
            |check: &crate::report::bench::gate::Check| check.contestant == "b" && check.measure.name() == "loss";
        tripped += u32::from(judgement.checks.iter().any(|check| check.outcome == Outcome::Trips && is_culprit(check)));
        innocent +=
            u32::from(judgement.checks.iter().any(|check| check.outcome == Outcome::Trips && !is_culprit(check)));
        let (current, baseline) = twice(repetition, |_, _| (1.0, 1.0));
        unchanged += u32::from(judged(&gate(0.02), &current, &baseline).trips());
    }
    assert!(
        tripped == 20 && unchanged <= 1 && innocent <= 1,
        "{tripped} of 20, {unchanged} unchanged, {innocent} innocent"
    );
}

/// Goal: even where nothing at all is allowed, chance closes the gate seldom: one in forty, for 36 checks together.
/// Method: 200 worlds without a regression; without Holm's correction far more would trip, which is checked as well.
#[test]
fn without_an_allowance_chance_closes_the_gate_once_in_forty_times() {
    let (mut closed, mut closed_without_holm) = (0, 0);
    for repetition in 0..200 {
        let (current, baseline) = twice(1_000 + repetition, |_, _| (1.0, 1.0));
        let judgement = judged(&gate(0.0), &current, &baseline);
        closed += u32::from(judgement.trips());
        let below =
            |check: &crate::report::bench::gate::Check| check.beyond.is_some_and(|one| one.p_above() < LEVEL / 2.0);
        closed_without_holm += u32::from(judgement.checks.iter().any(below));
    }
    // Of 200 with a chance of 2.5 %: more than 12 would come about once in 130 times.
    assert!(closed <= 12, "{closed} of 200");
    assert!(closed_without_holm > 60, "{closed_without_holm} of 200: this test would not notice it");
}

/// Goal: without a seed in common the spread of days is not hidden: a regression must be large, and no change trips seldom.
#[test]
fn results_of_other_seeds_are_compared_unpaired() {
    let (mut tripped, mut unchanged) = (0, 0);
    for repetition in 0..20 {
        let baseline = World { seeds: 1..=20, ..World::alike(&NAMES, 2, repetition) };
        let other = World { seeds: 101..=120, ..baseline.clone() };
        unchanged += u32::from(judged(&gate(0.02), &other.results(), &baseline.results()).trips());
        let worse = World { effect: |_, _| (2.0, 1.0), ..other };
        tripped += u32::from(judged(&gate(0.02), &worse.results(), &baseline.results()).trips());
    }
    assert!(tripped == 20 && unchanged <= 1, "{tripped} of 20, {unchanged} unchanged");
}

#[test]
fn seeds_that_agree_trip_exactly_at_the_allowance() {
    let still = World { noise: 0.0, ..World::alike(&NAMES, 1, 3) };
    let worse =
        World { effect: |contestant, _| if contestant == 2 { (1.03, 1.03) } else { (1.0, 1.0) }, ..still.clone() };
    let gate = |relative| gate_on(&["loss"], relative);
    assert!(!judged(&gate(0.0), &still.results(), &still.results()).trips(), "the same is no regression");
    assert!(judged(&gate(0.029), &worse.results(), &still.results()).trips());
    assert!(!judged(&gate(0.031), &worse.results(), &still.results()).trips());
    let text = judged(&gate(0.0), &worse.results(), &still.results()).text();
    assert!(text.contains("worse: day-0: loss of c is ") && text.contains("1 of 3 checks"), "{text}");
}

#[test]
fn what_cannot_be_judged_is_an_error_and_no_pass() {
    let world = World::alike(&NAMES, 2, 5);
    let (current, baseline) = (world.results(), world.results());
    let error = |change: &dyn Fn(&mut Results, &mut Results, &mut Gate)| {
        let (mut current, mut baseline, mut gate) = (current.clone(), baseline.clone(), gate(0.05));
        change(&mut current, &mut baseline, &mut gate);
        judge(&gate, &current, &baseline).expect_err("it cannot be judged").to_string()
    };
    let lacks = error(&|_, baseline, _| baseline.cells.retain(|cell| cell.contestant != "b"));
    assert!(lacks.contains("day-0: b: in the baseline it was not run"), "{lacks}");
    let failed = error(&|_, baseline, _| cell(baseline, "day-1", "c").runs[3].result = Err("no memory".to_owned()));
    assert!(failed.contains("day-1: c: in the baseline it failed in 1 of 10 seeds (seed 4: no memory)"), "{failed}");
    let lost = error(&|current, _, _| current.cells.retain(|cell| cell.contestant != "c"));
    assert!(lost.contains("day-0: c is in the baseline and not in these results"), "{lost}");
    let one = error(&|current, _, _| current.cells.iter_mut().for_each(|cell| cell.runs.truncate(1)));
    assert!(one.contains("one seed in common"), "{one}");
    let days = error(&|current, _, _| current.suite.scenarios[0].test = "Easter".to_owned());
    assert!(days.contains("the test days is Easter now and was 9 March"), "{days}");
    let price = error(&|current, _, _| current.suite.bad_million_usd = 1.0);
    assert!(price.contains("price of a million bad requests"), "{price}");
    let name = error(&|_, _, gate| gate.thresholds[0].metric = "price".to_owned());
    assert!(
        name.contains("gate.yaml: thresholds[0]: no metric is called `price`; there are loss, bad_requests, "),
        "{name}"
    );
    let scenario = error(&|_, _, gate| gate.thresholds[1].scenario = Some("friday".to_owned()));
    assert!(
        scenario.contains("gate.yaml: thresholds[1]: the suite has no scenario `friday`; there are day-0, day-1"),
        "{scenario}"
    );
    let neither = error(&|_, _, gate| gate.thresholds[0].metric = "requests_offered".to_owned());
    assert!(neither.contains("neither good nor bad"), "{neither}");
    assert_eq!(judge(&gate_on(&[], 0.0), &current, &baseline).err(), Some(GateError::Empty));
}

#[test]
fn a_run_that_fails_now_closes_the_gate() {
    let world = World::alike(&NAMES, 1, 5);
    let mut current = world.results();
    cell(&mut current, "day-0", "b").runs[0].result = Err("overcommitted".to_owned());
    let judgement = judged(&gate(0.5), &current, &world.results());
    assert!(judgement.trips());
    assert!(
        judgement.text().contains("now it failed in 1 of 10 seeds (seed 1: overcommitted)"),
        "{}",
        judgement.text()
    );
    assert!(judgement.markdown().contains("overcommitted"));
}
