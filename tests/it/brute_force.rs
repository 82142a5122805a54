//! Small random problems for the solver's tiers, and the plainest of all methods: try every answer.

use rand::RngExt;
use smo::seed::Stream;
use smo::solver::anytime::problem::{Place, Problem, Service, index};

/// Up to 6 services of up to 4 replicas in up to 3 clusters, with one or two resources; prices in steps, so that there are
/// ties; sometimes replicas do more work in one cluster than in another, and sometimes refusing is cheap.
pub fn random(stream: &mut Stream, services_max: usize) -> Problem {
    let (clusters, kinds) = (stream.random_range(1..=3), stream.random_range(1..=2));
    let capacity = (0..clusters * kinds).map(|_| stream.random_range(0..30)).collect();
    let costs_to_use = stream.random_bool(0.3);
    let activation =
        (0..clusters).map(|_| if costs_to_use { 0.3 * f64::from(stream.random_range(0..3)) } else { 0.0 }).collect();
    let mut problem = Problem::with_clusters(kinds, capacity, activation);
    let is_even = stream.random_bool(0.5);
    for _ in 0..stream.random_range(1..=services_max) {
        let request: Vec<u64> = (0..kinds).map(|_| stream.random_range(0..8)).collect();
        let places: Vec<Place> = (0..index(clusters)).filter_map(|cluster| place(stream, cluster, is_even)).collect();
        let service = Service {
            first: 0,
            end: 0,
            demand: stream.random_range(0..=4),
            is_single: stream.random_bool(0.3),
            shortage: if stream.random_bool(0.2) { 0.3 } else { 10.0 },
        };
        problem.push(service, &request, &places);
    }
    problem
}

fn place(stream: &mut Stream, cluster: u32, is_even: bool) -> Option<Place> {
    let row = Place {
        cluster,
        least: 0,
        most: stream.random_range(1..=4),
        incumbent: if stream.random_bool(0.3) { stream.random_range(0..3) } else { 0 },
        yields: if is_even { 1 } else { stream.random_range(1..=3) },
        cost: 0.1 * f64::from(stream.random_range(0..8)),
        start: 0.05 * f64::from(stream.random_range(0..3)),
    };
    stream.random_bool(0.8).then_some(row)
}

/// The least cost of all answers, by trying them all; only those are passed over that cost more already than the best.
pub fn cheapest(problem: &Problem) -> f64 {
    let mut counts = vec![0; problem.places.len()];
    let mut best = problem.cost(&counts);
    let free = problem.capacity.clone();
    try_all(problem, (0, 0.0), (&mut counts, free), &mut best);
    best
}

fn try_all(problem: &Problem, (place, spent): (usize, f64), (counts, free): (&mut Vec<u32>, Vec<u64>), best: &mut f64) {
    if spent > *best + 1e-9 {
        return;
    }
    let Some(row) = problem.places.get(place) else {
        if problem.admits(counts) {
            *best = best.min(problem.cost(counts));
        }
        return;
    };
    let service = problem.services.partition_point(|service| service.end as usize <= place);
    let is_last = problem.services[service].end as usize == place + 1;
    for replicas in 0..=problem.full(service, place) {
        let mut left = free.clone();
        let here = &mut left[row.cluster as usize * problem.kinds..][..problem.kinds];
        let fits = here.iter_mut().zip(problem.request_of(service)).all(|(left, request)| {
            let rest = left.checked_sub(request * u64::from(replicas));
            *left = rest.unwrap_or(0);
            rest.is_some()
        });
        if !fits {
            break;
        }
        counts[place] = replicas;
        let short =
            if is_last { problem.short(service, counts) as f64 * problem.services[service].shortage } else { 0.0 };
        try_all(problem, (place + 1, spent + row.price(replicas) + short), (counts, left), best);
    }
    counts[place] = 0;
}
