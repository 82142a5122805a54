//! Services as strangers measure them: noisy rates, several clusters of a class, load that is shed, one count of replicas.

use smo::capacity::synthetic::Truth;
use smo::capacity::{FittedGroup, IdentifiedBy, Observations, Options, Series, fit};
use smo::seed::{Seed, Stream};

const ALPHA: f64 = 30.0;

fn services(truth: &Truth, count: u64) -> Vec<Series> {
    (1..=count).map(|seed| truth.series(&format!("service-{seed}"), Seed(seed))).collect()
}

fn groups(series: Vec<Series>, options: &Options) -> Vec<FittedGroup> {
    fit(&Observations { series }, options).expect("well-formed")
}

fn known_ceiling() -> Options {
    Options { ceiling: Some(0.92), resamples: 100, ..Options::default() }
}

/// Twelve uniform numbers make a normal one, near enough.
fn normal(stream: &mut Stream) -> f64 {
    use rand::RngExt;
    (0..12).map(|_| stream.random_range(0.0..1.0)).sum::<f64>() - 6.0
}

/// Goal: rates that are off from sample to sample move the capacity of an autoscaled service by noise alone.
/// Method: 20 services whose rates are off by 5 % and whose CPU is by 10 %; plain least squares lands 13 % too high.
#[test]
fn noisy_rates_under_an_autoscaler_do_not_make_the_capacity_too_large() {
    let mut series = services(&Truth { cpu_noise: 0.1, ..Truth::default() }, 20);
    for (seed, series) in (1..).zip(&mut series) {
        let mut stream = Seed(seed).stream("test", 0);
        series.completed.iter_mut().for_each(|rate| *rate *= 0.05_f64.mul_add(normal(&mut stream), 1.0));
        series.offered.clear();
        series.waiting.clear();
    }
    let groups = groups(series, &known_ceiling());
    let mut errors: Vec<f64> = groups.iter().map(|group| each(group) / ALPHA - 1.0).collect();
    errors.sort_by(f64::total_cmp);
    assert!(errors[10].abs() < 0.02 && errors[0] > -0.08 && errors[19] < 0.08, "{errors:?}");
    assert!(groups.iter().filter(|group| group.has_note("rate_is_noisy")).count() > 10);
}

fn each(group: &FittedGroup) -> f64 {
    group.fitted().unwrap_or_else(|| panic!("{:?}", group.refused())).per_replica.value
}

/// Goal: clusters of one class are further samples of one capacity, never added up.
/// Method: a cluster of a tenth of the load beside a large one: alone and together 30 a replica, and surer together.
#[test]
fn clusters_of_a_class_are_fitted_together() {
    let large = Truth::default().series("shop", Seed(1));
    let small = Truth { load: 20.0, ..Truth::default() }.series("shop", Seed(2));
    let alone = groups(vec![large.clone()], &known_ceiling()).remove(0);
    let together = groups(vec![joined(large, small)], &known_ceiling()).remove(0);
    assert_eq!((together.points.read, together.points.buckets), (5760, 5760));
    assert!((each(&alone) / ALPHA - 1.0).abs() < 0.01 && (each(&together) / ALPHA - 1.0).abs() < 0.01);
    assert!(!together.has_note("duplicates"), "{:?}", together.notes);
    let fitted = together.fitted().expect("fitted");
    assert!(!fitted.drift.drifted && fitted.levels[0].replicas <= 2 && fitted.per_replica.covers(ALPHA));
}

/// Requests of the second cluster cost a third more: together they would look as if they cost hardly anything.
#[test]
fn clusters_that_differ_are_refused() {
    let first = Truth::default().series("shop", Seed(1));
    let second = Truth { alpha: 22.5, ..Truth::default() }.series("shop", Seed(2));
    let group = groups(vec![joined(first, second)], &known_ceiling()).remove(0);
    assert_eq!(group.refused().map(|refusal| refusal.code), Some("clusters_differ"), "{:?}", group.fitted());
}

fn joined(mut first: Series, second: Series) -> Series {
    first.cluster = [vec![0; first.len()], vec![1; second.len()]].concat();
    first.at.extend(second.at);
    let columns = [
        (&mut first.replicas, second.replicas),
        (&mut first.offered, second.offered),
        (&mut first.completed, second.completed),
        (&mut first.cpu, second.cpu),
        (&mut first.cpu_limit, second.cpu_limit),
        (&mut first.throttled, second.throttled),
        (&mut first.waiting, second.waiting),
        (&mut first.latency_mean, second.latency_mean),
    ];
    for (column, more) in columns {
        column.extend(more);
    }
    first
}

/// What is beyond the capacity fails at once, and only answered requests are counted: saturated all the same.
#[test]
fn load_that_is_shed_shows_the_capacity() {
    let mut series = services(&Truth { saturated: 0.05, ..Truth::default() }, 10);
    for series in &mut series {
        series.errors = (0..series.len()).map(|at| 1.0 - series.completed[at] / series.offered[at]).collect();
        series.offered.clear();
        series.waiting.clear();
    }
    for group in groups(series, &Options { resamples: 40, ..Options::default() }) {
        assert!((each(&group) / ALPHA - 1.0).abs() < 0.01, "{:?}", group.fitted());
        assert_eq!(group.fitted().map(|fitted| fitted.identified_by), Some(IdentifiedBy::Saturation));
        assert!(group.has_note("overloaded"));
    }
}

/// Ten replicas that never change: what they serve together is known, what one more would add is not.
#[test]
fn one_count_of_replicas_is_an_assumption_and_says_what_is_known() {
    let mut series = services(&Truth { saturated: 0.05, ..Truth::default() }, 3);
    for series in &mut series {
        for at in 0..series.len() {
            let factor = 10.0 / series.replicas[at];
            series.replicas[at] = 10.0;
            for column in [&mut series.offered, &mut series.completed, &mut series.cpu, &mut series.waiting] {
                column[at] *= factor;
            }
        }
    }
    for group in groups(series, &Options { resamples: 40, ..Options::default() }) {
        assert!((each(&group) / ALPHA - 1.0).abs() < 0.01);
        assert_eq!(group.fitted().map(|fitted| fitted.identified_by), Some(IdentifiedBy::Assumed));
        let note = group.notes.iter().find(|note| note.code == "constant_replicas").expect("told");
        assert!(note.message.contains("10 throughout") && note.message.contains("by saturation"), "{}", note.message);
    }
}

/// Goal: under an assumed ceiling, 90 % of the intervals hold the truth where services differ as the assumption says.
/// Method: 100 services whose usable share is 0.9 ± 0.05; where all have one share, all or none are right.
#[test]
fn intervals_under_an_assumed_ceiling_cover_what_they_say() {
    let mut covered = 0;
    for seed in 1..=100 {
        let mut stream = Seed(seed).stream("test", 1);
        let usable = 0.05_f64.mul_add(normal(&mut stream), 0.9).clamp(0.7, 1.0);
        let truth = Truth { usable, alpha: (usable - 0.05) / 0.029, minutes: 1440, ..Truth::default() };
        let group = groups(vec![truth.series("shop", Seed(seed))], &Options::default()).remove(0);
        covered += usize::from(group.fitted().expect("CPU was observed").per_replica.covers(truth.alpha));
    }
    assert!((82..=97).contains(&covered), "{covered}");
}

/// Goal: where a replica among many serves less than one alone, saturation at several counts says so, whatever latency says.
/// Method: 32 minutes at each of eight counts, the last eight saturated, by a law with 30, 0.02 and 0.0004: half of it is lost at 32
/// replicas, while latency below saturation bends as if each served 30.
#[test]
fn contention_that_was_seen_is_not_averaged_away() {
    let law = |r: f64| 30.0 * r / (1.0 + 0.02 * (r - 1.0) + 0.0004 * r * (r - 1.0));
    let mut stream = Seed(9).stream("test", 2);
    let mut series = Series { service: "shop".to_owned(), class: "edge".to_owned(), ..Series::default() };
    for (block, replicas) in [1.0, 2.0, 4.0, 8.0, 12.0, 18.0, 25.0, 32.0].into_iter().cycle().take(64).enumerate() {
        for minute in 0..32_u32 {
            let load = if minute < 24 { 0.3 + 0.02 * f64::from(minute) } else { 1.3 };
            let noise = 0.003_f64.mul_add(normal(&mut stream), 1.0);
            let busy = load.min(0.99);
            series.at.push(smo::units::Time((32 * block as u64 + u64::from(minute)) * 60_000_000_000));
            series.replicas.push(replicas);
            series.offered.push(load * law(replicas));
            series.completed.push(load.min(1.0) * law(replicas) * noise);
            series.latency_mean.push(if load > 1.0 { 5.0 } else { 0.03 + busy * busy / (30.0 * (1.0 - busy)) });
        }
    }
    let group = groups(vec![series], &Options { resamples: 40, ..Options::default() }).remove(0);
    let fitted = group.fitted().expect("saturated");
    assert_eq!(fitted.identified_by, IdentifiedBy::Saturation);
    for replicas in [1.0, 8.0, 32.0, 40.0] {
        let found = smo::capacity::predict::throughput(&fitted.capacity, replicas);
        assert!((found / law(replicas) - 1.0).abs() < 0.03, "{replicas}: {found} instead of {}", law(replicas));
    }
}
