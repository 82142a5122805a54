//! What fitting costs: ten million samples of a hundred services, on one thread and on two.
//!
//! Before anything is timed, every service has to be fitted within two percent of its truth, and one thread and two have to
//! give the same bytes. `SMO_BENCH_SMOKE` set: 4 services of a day.

#![expect(clippy::print_stdout, reason = "a bench tells what it found")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

use criterion::Criterion;
use smo::capacity::synthetic::Truth;
use smo::capacity::{Observations, Options, fit};
use smo::seed::Seed;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Services and samples of each.
fn size() -> (u64, usize) {
    if std::env::var_os("SMO_BENCH_SMOKE").is_some() { (4, 1_440) } else { (100, 100_000) }
}

fn observations() -> Observations {
    let (services, minutes) = size();
    let truth = Truth { saturated: 0.01, minutes, ..Truth::default() };
    Observations { series: (0..services).map(|at| truth.series(&format!("service-{at}"), Seed(at))).collect() }
}

fn fitted(observations: &Observations, threads: usize) -> (String, Duration) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let options = Options { ceiling: Some(0.92), ..Options::default() };
    let begun = Instant::now();
    let groups = pool.install(|| fit(observations, &options)).expect("well-formed");
    let took = begun.elapsed();
    for group in &groups {
        let fitted = group.fitted().expect("CPU was observed");
        assert!((fitted.per_replica.value / 30.0 - 1.0).abs() < 0.02, "{}: {:?}", group.service, fitted.per_replica);
    }
    (serde_json::to_string(&groups).expect("serialises"), took)
}

fn main() {
    let observations = observations();
    let samples: usize = observations.series.iter().map(|series| series.at.len()).sum();
    let (one, took_one) = fitted(&observations, 1);
    let (two, took_two) = fitted(&observations, 2);
    assert_eq!(one, two, "one thread and two differ");
    let ratio = took_one.as_secs_f64() / took_two.as_secs_f64();
    println!(
        "{samples} samples, {} services: {:.2} s on one thread, {:.2} s on two ({ratio:.2} times as fast)",
        observations.series.len(),
        took_one.as_secs_f64(),
        took_two.as_secs_f64()
    );
    let mut criterion =
        Criterion::default().sample_size(10).measurement_time(Duration::from_secs(2)).configure_from_args();
    let day = Observations { series: vec![Truth { minutes: 1_440, ..Truth::default() }.series("day", Seed(1))] };
    criterion.bench_function("fitting/one_service_a_day", |bencher| {
        bencher.iter(|| black_box(fitted(&day, 1).0.len()));
    });
    criterion.final_summary();
}
