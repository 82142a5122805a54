//! The same bytes for any count of threads, and for any company.

use smo::capacity::synthetic::Truth;
use smo::capacity::{Observations, Options, Series, fit};
use smo::seed::Seed;

fn services() -> Vec<Series> {
    let truth = |at: u64| Truth { saturated: 0.02 * (at % 2) as f64, minutes: 700, ..Truth::default() };
    (1..=6).map(|at| truth(at).series(&format!("service-{at}"), Seed(at))).collect()
}

#[test]
fn results_do_not_depend_on_threads_or_on_company() {
    let options = Options { resamples: 30, ..Options::default() };
    let json = |threads: usize, series: Vec<Series>| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let groups = pool.install(|| fit(&Observations { series }, &options)).expect("well-formed");
        groups.iter().map(|group| serde_json::to_string(group).expect("serialises")).collect::<Vec<_>>()
    };
    let one = json(1, services());
    assert_eq!(one, json(2, services()));
    assert_eq!(one, json(5, services()));
    // The first service shows a ceiling of its own, so that nothing is lent to it.
    assert_eq!(json(1, services().drain(..1).collect())[0], one[0]);
}
