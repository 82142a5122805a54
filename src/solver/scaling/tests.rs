//! Hand-computed cases; random ones against trying everything and against `HiGHS` stand with the integration tests.

use super::{Infeasible, Method, Problem, Scaled, Tie, original_prices};
use crate::model::{ServiceId, Table};

fn problem(services: &[Scaled], capacity: u64) -> Problem {
    Problem { services: services.iter().copied().collect(), capacity, tie: Tie::Least }
}

fn service(request: u64, (present, least): (u32, u32), (running, switching): (u64, u64)) -> Scaled {
    Scaled { request, present, least, most: 100, running, switching }
}

fn replicas(counts: &[u32]) -> Table<ServiceId, u32> {
    counts.iter().copied().collect()
}

/// a ≥ b goes down to what is needed; a < b stays at 5: 1·5 + 0.
#[test]
fn the_closed_form_is_lemma_1() {
    let answer = problem(&[service(1, (5, 2), (3, 2)), service(1, (5, 2), (1, 2))], 100).solve().expect("it fits");
    assert_eq!(answer.replicas, replicas(&[2, 5]));
    assert_eq!((answer.cost, answer.method), (3 * 2 + 2 * 3 + 5, Method::ClosedForm));
}

#[test]
fn both_proofs_of_infeasibility_are_given() {
    let mut short = problem(&[service(3, (1, 4), (1, 1))], 11);
    assert_eq!(short.solve(), Err(Infeasible::Capacity { needed: 12, capacity: 11 }));
    short.services[ServiceId(0)].most = 3;
    assert_eq!(short.solve(), Err(Infeasible::Bounds { service: ServiceId(0), least: 4, most: 3 }));
}

/// Both stay at 4, which takes 8 + 20 = 28 of 21: 7 are to be freed. Of sizes 2 and 5 at prices 1 and 2: 5 + 2 frees 7 for 3,
/// 2 · 4 frees 8 for 4, 5 · 2 frees 10 for 4, which is what greedy takes, because 2/5 < 1/2. At 18 of 21 it meets 10 exactly.
#[test]
fn what_is_too_much_is_given_up_where_it_costs_least() {
    let services = [service(2, (4, 0), (1, 2)), service(5, (4, 0), (1, 3))];
    let answer = problem(&services, 21).solve().expect("it fits");
    assert_eq!((answer.replicas, answer.method), (replicas(&[3, 3]), Method::Table));
    let answer = problem(&services, 18).solve().expect("it fits");
    assert_eq!((answer.replicas, answer.method), (replicas(&[4, 2]), Method::Greedy));
}

/// The demo of the original: M = 3 · 1 core, so a = 400·c/3 and b = 400/3 in thousandths: only the one-core services tie.
#[test]
fn the_originals_weights_never_pay_for_fewer_replicas() {
    let prices = original_prices((400, 400), &[500, 1_000, 1_000], &[3, 3, 3]).expect("nothing is zero");
    assert!(prices[0].0 < prices[0].1);
    assert_eq!(prices[1].0, prices[1].1);
    assert_eq!(original_prices((400, 400), &[0], &[3]), None);
}
