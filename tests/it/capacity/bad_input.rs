//! Data that lie: an error, a refusal or a note, never a silent number.

use smo::capacity::synthetic::Truth;
use smo::capacity::{FittedGroup, ObservationError, Observations, Options, Series, fit};
use smo::seed::Seed;
use smo::units::Time;

fn fitted(change: impl Fn(&mut Series)) -> FittedGroup {
    let mut series = Truth { minutes: 1000, ..Truth::default() }.series("shop", Seed(3));
    change(&mut series);
    let options = Options { ceiling: Some(0.92), resamples: 20, ..Options::default() };
    fit(&Observations { series: vec![series] }, &options).expect("well-formed").remove(0)
}

fn refused(change: impl Fn(&mut Series)) -> &'static str {
    let group = fitted(change);
    let refusal = group.refused().unwrap_or_else(|| panic!("a silent number: {:?}", group.fitted()));
    assert!(!refusal.reason.is_empty() && !refusal.would_help.is_empty());
    refusal.code
}

fn cut(series: &mut Series, count: usize) {
    series.at.truncate(count);
    let columns = [
        &mut series.replicas,
        &mut series.offered,
        &mut series.completed,
        &mut series.cpu,
        &mut series.cpu_limit,
        &mut series.throttled,
        &mut series.waiting,
        &mut series.latency_mean,
    ];
    for column in columns {
        column.truncate(count);
    }
}

#[test]
fn what_gives_no_number_is_refused_by_its_name() {
    assert_eq!(refused(|series| cut(series, 20)), "too_few_points");
    assert_eq!(refused(|series| series.replicas.fill(0.0)), "scaled_to_zero");
    assert_eq!(refused(|series| series.errors = vec![0.4; series.at.len()]), "failing");
    assert_eq!(refused(|series| series.completed.fill(f64::NAN)), "incomplete");
    assert_eq!(refused(|series| series.completed.fill(0.0)), "idle");
    assert_eq!(refused(|series| series.cpu.iter_mut().for_each(|cpu| *cpu *= 1000.0)), "mixed_units");
    assert_eq!(refused(|series| series.completed[500..].iter_mut().for_each(|rate| *rate *= 60.0)), "mixed_units");
    assert_eq!(
        refused(|series| series.completed.iter_mut().step_by(3).for_each(|rate| *rate *= -1.0)),
        "impossible_values"
    );
    // Two services under one name: every instant twice, with other values.
    let doubled = |series: &mut Series| {
        let half = series.at.len() / 2;
        let (first, second) = series.at.split_at_mut(half);
        second[..half].copy_from_slice(first);
    };
    assert_eq!(refused(doubled), "duplicates");
}

#[test]
fn what_can_be_repaired_is_noted_and_the_number_is_right() {
    let right = |group: &FittedGroup| {
        let fitted = group.fitted().unwrap_or_else(|| panic!("{:?}", group.refused()));
        assert!((fitted.per_replica.value / 30.0 - 1.0).abs() < 0.03, "{:?} {:?}", fitted.per_replica, group.notes);
    };
    let resets = fitted(|series| series.completed.iter_mut().step_by(100).for_each(|rate| *rate = -50.0));
    assert!(resets.has_note("impossible_values"));
    right(&resets);
    let jump = fitted(|series| series.at.swap(300, 700));
    assert!(jump.has_note("out_of_order"));
    let month = 30 * 86_400_000_000_000;
    let gap = fitted(|series| series.at[500..].iter_mut().for_each(|at| at.0 += month));
    assert!(gap.has_note("gap") && !jump.has_note("gap"));
    right(&gap);
    let repeated = fitted(|series| series.at[500] = series.at[499]);
    assert!(repeated.has_note("duplicates"));
    right(&repeated);
    let missing = fitted(|series| series.cpu.iter_mut().step_by(3).for_each(|cpu| *cpu = f64::NAN));
    right(&missing);
    let spikes = fitted(|series| series.cpu.iter_mut().step_by(25).for_each(|cpu| *cpu *= 8.0));
    right(&spikes);
    let constant = fitted(|series| series.replicas.fill(20.0));
    let assumed = constant.fitted().is_some_and(|fitted| fitted.identified_by.name() == "assumed");
    assert!(constant.refused().is_some() || (assumed && constant.has_note("constant_replicas")));
}

#[test]
fn two_series_of_one_name_are_an_error() {
    let series = Truth { minutes: 100, ..Truth::default() }.series("shop", Seed(1));
    let twice = Observations { series: vec![series.clone(), series] };
    let error = fit(&twice, &Options::default()).expect_err("one name");
    assert!(matches!(&error, ObservationError::Repeated { .. }) && error.to_string().contains("occurs twice"));
}

/// A class that was hardly seen takes its number from the service's other class, as an assumption that is marked and wide.
#[test]
fn a_class_without_data_borrows_and_says_so() {
    let known = Truth { saturated: 0.05, ..Truth::default() }.series("shop", Seed(1));
    let mut other = Truth::default().series("shop", Seed(2));
    other.class = "new".to_owned();
    cut(&mut other, 10);
    let groups = fit(&Observations { series: vec![known, other] }, &Options::default()).expect("well-formed");
    let borrowed = groups[1].fitted().expect("borrowed");
    assert!(groups[1].has_note("borrowed") && borrowed.per_replica.relative_half_width() > 0.2);
    assert_eq!(borrowed.identified_by.name(), "assumed");
    assert!(borrowed.span.0 < Time(u64::MAX));
}
