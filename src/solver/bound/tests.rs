//! Bounds of worlds that can be done by hand.

use super::{Bound, Cause, Entry, Piece, Pool, Service, Sum, World};

fn pool(nodes_min: f64, nodes_max: f64) -> Pool {
    Pool { nodes_min, nodes_max, shape: [10.0, 100.0, 0.0] }
}

fn service(serves: Vec<Option<f64>>) -> Service {
    Service { request: [1.0, 5.0, 0.0], serves }
}

fn cause(service: usize, calls: f64) -> Cause {
    Cause { service, calls, carried: 0.0 }
}

fn entry(service: usize) -> Entry {
    Entry { service, causes: vec![cause(service, 1.0)] }
}

fn bound(world: &World, rates: &[f64], prices: &[f64]) -> Bound {
    let mut sum = Sum::new(world);
    let factors = vec![1.0; world.services.len()];
    sum.add(&Piece { seconds: 100.0, rates: rates.to_vec(), prices: prices.to_vec(), factors });
    sum.bound()
}

fn near(found: f64, right: f64) {
    assert!((found - right).abs() <= 1e-6 * right.abs().max(1.0), "{found} and not {right}");
}

/// 200/s need 20 replicas of 10/s, two nodes of ten cores, at 3 $/s: 6 $/s, for 100 s. Bad requests at 1 $ each are dearer.
#[test]
fn a_pool_that_grows_costs_what_the_load_needs() {
    let world = World {
        pools: vec![pool(0.0, 100.0)],
        services: vec![service(vec![Some(10.0)])],
        entries: vec![entry(0)],
        penalty: 1.0,
    };
    let found = bound(&world, &[200.0], &[3.0]);
    near(found.separate, 600.0);
    near(found.coupled, 600.0);
    // At 0.01 $ a bad request is cheaper than 0.03 $ for a good one.
    near(bound(&World { penalty: 0.01, ..world }, &[200.0], &[3.0]).separate, 200.0);
}

/// One node is there and paid; the second that 200/s need is not.
#[test]
fn nodes_that_are_there_anyway_are_paid_once() {
    let world = World {
        pools: vec![pool(1.0, 100.0)],
        services: vec![service(vec![Some(10.0)])],
        entries: vec![entry(0)],
        penalty: 1.0,
    };
    near(bound(&world, &[50.0], &[3.0]).separate, 300.0);
    near(bound(&world, &[200.0], &[3.0]).separate, 600.0);
}

/// Two services of 80/s share one fixed node that serves 100/s together: 60 requests a second are bad. For itself each
/// fits.
#[test]
fn shared_rooms_show_in_the_coupled_bound_alone() {
    let world = World {
        pools: vec![pool(1.0, 1.0)],
        services: vec![service(vec![Some(10.0)]), service(vec![Some(10.0)])],
        entries: vec![entry(0), entry(1)],
        penalty: 0.1,
    };
    let found = bound(&world, &[80.0, 80.0], &[3.0]);
    near(found.separate, 300.0);
    assert!((found.coupled - (300.0 + 0.1 * 60.0 * 100.0)).abs() < 10.0, "{found:?}");
    assert!(found.coupled <= 900.0 + 1e-6, "{found:?}");
}

/// A request of the front calls the back twice; the back serves 20/s a replica: (1/10 + 2/20)·3/10 $ each. What nobody can
/// host is bad.
#[test]
fn calls_are_paid_with_the_request() {
    let mut world = World {
        pools: vec![pool(0.0, 100.0)],
        services: vec![service(vec![Some(10.0)]), service(vec![Some(20.0)])],
        entries: vec![Entry { service: 0, causes: vec![cause(0, 1.0), cause(1, 2.0)] }],
        penalty: 1.0,
    };
    near(bound(&world, &[10.0], &[3.0]).coupled, 100.0 * 10.0 * 0.2 * 0.3);
    world.services[1].serves = vec![None];
    near(bound(&world, &[10.0], &[3.0]).separate, 100.0 * 10.0);
}

/// Ten seconds of work may be carried. At 3 $/s for 10 cores a request costs 0.03 $; where the price falls to a third, 0.02 $
/// of 10·200 requests are taken off, and at the end the remaining 0.01 $.
#[test]
fn carried_work_counts_where_prices_fall_and_at_the_end() {
    let mut world = World {
        pools: vec![pool(0.0, 100.0)],
        services: vec![service(vec![Some(10.0)])],
        entries: vec![entry(0)],
        penalty: 1.0,
    };
    world.entries[0].causes[0].carried = 10.0;
    let piece = |price| Piece { seconds: 1000.0, rates: vec![200.0], prices: vec![price], factors: vec![1.0] };
    let mut sum = Sum::new(&world);
    for price in [3.0, 3.0, 1.0] {
        sum.add(&piece(price));
    }
    near(sum.bound().separate, 6000.0 + 6000.0 + 2000.0 - 0.02 * 2000.0 - 0.01 * 2000.0);
}

/// One entry is always worth something, the other only in every second piece, in which the node that is there is not enough for
/// it: what it carries into the next is taken off each time, though capacity keeps its worth for the first.
#[test]
fn carried_work_of_one_entry_is_not_hidden_by_another() {
    let mut world = World {
        pools: vec![pool(1.0, 100.0)],
        services: vec![service(vec![Some(10.0)]), service(vec![Some(10.0)])],
        entries: vec![entry(0), entry(1)],
        penalty: 1.0,
    };
    world.entries[1].causes[0].carried = 2.0;
    let mut sum = Sum::new(&world);
    for rate in [200.0, 50.0, 200.0, 50.0] {
        let factors = vec![1.0; 2];
        sum.add(&Piece { seconds: 100.0, rates: vec![200.0, rate], prices: vec![3.0], factors });
    }
    // A request is 0.03 $, the node 3 $/s is enough for 100/s: 3 + 3 for the first, and 3 more for the second where it has 200/s.
    near(sum.bound().separate, 4.0 * 600.0 + 2.0 * 300.0 - 2.0 * 0.03 * 2.0 * 200.0);
}
