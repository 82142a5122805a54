//! Whether a service is still what a file says of it: dated where it is not, silent where it is.
//!
//! Besides the generator of the library there is one of this file's own, which knows what monitoring does: noise that
//! repeats itself from minute to minute. The model is the truth, written by hand, so that no fit is on trial.

use rand::RngExt;
use smo::capacity::clean::clean;
use smo::capacity::departure::{Departure, test};
use smo::capacity::synthetic::Truth;
use smo::capacity::{Fitted, Observations, Options, Series, fit, saturation};
use smo::seed::Seed;
use smo::units::Time;

/// Minutes of a series, and where its test part begins.
const MINUTES: usize = 2_880;
const SPLIT: usize = 2_016;

fn options() -> Options {
    Options { resamples: 40, ..Options::default() }
}

/// What was fitted to the minutes before the split.
fn model(series: &Series) -> Fitted {
    let groups = fit(&Observations { series: vec![series.first(SPLIT)] }, &options()).unwrap();
    groups[0].fitted().expect("CPU is there").clone()
}

fn judged(series: &Series, model: &Fitted) -> Departure {
    let mut buckets = clean(series, &options()).unwrap().buckets;
    saturation::mark(&mut buckets);
    let used = buckets.used();
    let (before, after): (Vec<usize>, Vec<usize>) =
        used.iter().partition(|at| buckets.at[**at] < 60_000_000_000 * SPLIT as u64);
    test(&buckets, (&before, &after), model, &options())
}

fn minute(at: Time) -> f64 {
    at.as_seconds_f64() / 60.0
}

/// CPU of 29 ms a request and 0.05 cores a replica, noise of 3 % of which eight tenths stay a minute later; in some minutes
/// all of it `times` as much. Replicas change every half hour, so that most minutes are settled.
fn recorded(seed: u64, times: impl Fn(usize) -> f64) -> Series {
    let mut stream = Seed(seed).stream("departure", 0);
    let mut series = Series { service: "shop".to_owned(), class: "standard".to_owned(), ..Series::default() };
    let mut error = 0.0;
    for minute in 0..MINUTES {
        let load = |minute: usize| 200.0 * (1.0 + 0.6 * (std::f64::consts::TAU * minute as f64 / 1_440.0).sin());
        let replicas = (load(minute / 30 * 30) / 15.0).ceil();
        let rate = load(minute) * stream.random_range(0.95..1.05);
        error = 0.8 * error + 0.6 * 0.03 * 1.732 * stream.random_range(-1.0..1.0);
        series.at.push(Time(60_000_000_000 * minute as u64));
        series.replicas.push(replicas);
        series.completed.push(rate);
        series.cpu.push((0.029 * rate + 0.05 * replicas) * (1.0 + error) * times(minute));
        series.cpu_limit.push(1.0);
    }
    series
}

/// Goal: a capacity that halves in mid-test is dated within five samples (replicas settle for two of them).
/// Method: minute 2500 of 2880, the model fitted to the first 2016, over 20 seeds. A request then costs twice its CPU, and
/// idle replicas what they did: between 1.7 and 2 times.
#[test]
fn a_capacity_that_halves_in_mid_test_is_dated_within_five_samples() {
    for seed in 1..=20 {
        let truth = Truth { change: Some((2_500, 0.5)), minutes: MINUTES, ..Truth::default() };
        let series = truth.series("shop", Seed(seed));
        let found = judged(&series, &model(&series));
        assert!(found.verdict.drifted, "seed {seed}: {:?}", found.verdict);
        let (at, alarm) = (found.verdict.at.unwrap(), found.verdict.alarm_at.unwrap());
        assert!((minute(at) - 2_500.0).abs() <= 5.0, "seed {seed}: {}", minute(at));
        assert!(minute(alarm) >= minute(at) && minute(alarm) <= 2_515.0, "seed {seed}: alarm {}", minute(alarm));
        let ratio = found.verdict.ratio.unwrap();
        assert!((1.7..=2.05).contains(&ratio), "seed {seed}: {ratio}");
        assert!((found.before.unwrap() - 1.0).abs() < 0.02, "seed {seed}: {:?}", found.before);
    }
}

/// Goal: a service that stays what it was raises no alarm. Method: 20 seeds of the library's generator.
#[test]
fn an_unchanged_service_raises_no_alarm_over_20_seeds() {
    for seed in 1..=20 {
        let series = Truth { minutes: MINUTES, saturated: 0.02, ..Truth::default() }.series("shop", Seed(seed));
        let found = judged(&series, &model(&series));
        assert_eq!(found.verdict, smo::capacity::drift::DriftVerdict::steady(), "seed {seed}");
        assert!(found.path.len() > 500, "seed {seed}: {} samples were judged", found.path.len());
    }
}

/// Goal: noise that repeats itself is no change, and neither is a difference of 3 %; one of a fifth is found within half an
/// hour. Method: 20 seeds of this file's generator against the truth of it.
#[test]
fn noise_that_repeats_itself_is_no_departure_and_a_fifth_more_is() {
    for seed in 1..=20 {
        let steady = recorded(seed, |_| 1.0);
        let model = model(&steady);
        assert!(!judged(&steady, &model).verdict.drifted, "seed {seed}");
        let little = recorded(seed, |minute| if minute >= 2_400 { 1.03 } else { 1.0 });
        assert!(!judged(&little, &model).verdict.drifted, "seed {seed}: 3 % are tolerated");
        let changed = judged(&recorded(seed, |minute| if minute >= 2_400 { 1.2 } else { 1.0 }), &model).verdict;
        let at = minute(changed.at.unwrap_or_else(|| panic!("seed {seed}: a fifth more is not seen")));
        assert!((at - 2_400.0).abs() <= 30.0, "seed {seed}: {at}");
        assert!((changed.ratio.unwrap() - 1.2).abs() < 0.03, "seed {seed}: {changed:?}");
    }
}

/// Goal: the first departure is told although all was well again at the end, and less CPU than the model says is one too.
/// Method: an hour and a half at 0.6 times the CPU from minute 2300 on.
#[test]
fn a_departure_that_ends_is_dated_by_its_begin() {
    let model = model(&recorded(1, |_| 1.0));
    let found = judged(&recorded(1, |minute| if (2_300..2_390).contains(&minute) { 0.6 } else { 1.0 }), &model).verdict;
    assert!((minute(found.at.unwrap()) - 2_300.0).abs() <= 5.0, "{found:?}");
    assert!((found.ratio.unwrap() - 0.6).abs() < 0.02, "{found:?}");
}

/// Goal: a service that never was what the file says departs with the first sample of the test, and the part before says so.
#[test]
fn a_service_that_was_another_all_along_departs_from_the_first_sample() {
    let model = model(&recorded(1, |_| 1.0));
    let found = judged(&recorded(2, |_| 1.5), &model);
    let at = minute(found.verdict.at.unwrap());
    assert!((at - SPLIT as f64).abs() <= 3.0, "{at}");
    assert!((found.before.unwrap() - 1.5).abs() < 0.03, "{found:?}");
}

/// Goal: without CPU in the model or in the recording nothing is claimed.
#[test]
fn without_cpu_the_verdict_is_untested() {
    let series = recorded(1, |_| 2.0);
    let known = model(&recorded(1, |_| 1.0));
    let blind = Fitted { demand: None, ..known.clone() };
    assert_eq!(judged(&series, &blind).verdict.by, ["untested"]);
    let unseen = Series { cpu: Vec::new(), ..series };
    assert_eq!(judged(&unseen, &known).verdict.by, ["untested"]);
}
