//! The original's functions against their models, tried out: every placement and every number of replicas, as the formulas
//! stand in its specification, in floating point.
//!
//! Recorded vectors are few; these are random inputs of the same kinds, with fractions of cores, accelerators, clusters that
//! have less than nothing, services that are recorded nowhere or twice, and capacities that are met exactly.

use rand::RngExt;
use smo::model::{ClusterId, Table};
use smo::policy::joint::nephele_2024::decide_placement_2024;
use smo::policy::placement::carbon_aware::{Weights, carbon_aware};
use smo::policy::placement::naive::Inputs;
use smo::policy::placement::nephele_placement::{Version, decide_placement};
use smo::policy::scaling::nephele::{self, Rule, decide_replicas};
use smo::seed::{Seed, Stream};
use smo::solver::scaling::Tie;

const NODES: u32 = 1_000_000;
/// Feasibility of sums, as in an enumeration that compares floating point.
const TOLERANCE: f64 = 1e-9;

/// Random inputs of a placement.
struct World {
    capacities: Vec<f64>,
    accelerated: Vec<bool>,
    cores: Vec<f64>,
    accelerate: Vec<bool>,
    replicas: Vec<u32>,
    current: Vec<Vec<f64>>,
    carbon: Vec<f64>,
}

impl World {
    fn random(stream: &mut Stream, services: usize) -> Self {
        let clusters: usize = stream.random_range(1..=3);
        let step = [0.05, 0.25, 0.1][stream.random_range(0..3)];
        let services = stream.random_range(1..=services);
        let amount = |stream: &mut Stream, low: i32, high: i32| f64::from(stream.random_range(low..=high)) * step;
        let current = (0..services).map(|_| {
            let home = stream.random_range(0..clusters);
            let (is_anywhere, is_twice) = (stream.random_bool(0.85), stream.random_bool(0.1));
            let flag = |cluster| is_anywhere && (cluster == home || (is_twice && cluster == 0));
            (0..clusters).map(|cluster| f64::from(u8::from(flag(cluster)))).collect()
        });
        Self {
            current: current.collect(),
            capacities: (0..clusters).map(|_| amount(stream, -1, 14)).collect(),
            accelerated: (0..clusters).map(|_| stream.random_bool(0.6)).collect(),
            cores: (0..services).map(|_| amount(stream, 0, 5)).collect(),
            accelerate: (0..services).map(|_| stream.random_bool(0.3)).collect(),
            replicas: (0..services).map(|_| stream.random_range(1..=2)).collect(),
            carbon: (0..clusters).map(|_| f64::from(stream.random_range(-1..=9)) * 0.1).collect(),
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            capacities: &self.capacities,
            accelerated: &self.accelerated,
            cores: &self.cores,
            accelerate: &self.accelerate,
            replicas: &self.replicas,
        }
    }

    fn need(&self, service: usize) -> f64 {
        self.cores[service] * f64::from(self.replicas[service])
    }

    /// Whether a placement keeps (C2) and (C3), of the services from `counted` and `flagged` on.
    fn admits(&self, places: &[usize], (counted, flagged): (usize, usize)) -> bool {
        let used = |cluster: usize| -> f64 {
            (counted..places.len())
                .filter(|service| places[*service] == cluster)
                .map(|service| self.need(service))
                .sum()
        };
        let fits = (0..self.capacities.len()).all(|cluster| used(cluster) <= self.capacities[cluster] + TOLERANCE);
        fits && (flagged..places.len()).all(|service| !self.accelerate[service] || self.accelerated[places[service]])
    }

    /// The least of `cost` over all placements that `admits` lets through.
    fn least(&self, admits: impl Fn(&[usize]) -> bool, cost: impl Fn(&[usize]) -> f64) -> Option<f64> {
        let (services, clusters) = (self.cores.len(), self.capacities.len());
        let count = clusters.pow(u32::try_from(services).unwrap());
        let places = |mut code: usize| -> Vec<usize> {
            let digit = |_| {
                let cluster = code % clusters;
                code /= clusters;
                cluster
            };
            (0..services).map(digit).collect()
        };
        let feasible = (0..count).map(places).filter(|places| admits(places));
        feasible.map(|places| cost(&places)).min_by(f64::total_cmp)
    }

    /// `Σ y·(y − x)` with `y` as it is.
    fn penalty(&self, places: &[usize], from: usize) -> f64 {
        let of = |service: usize| {
            let row = &self.current[service];
            row.iter().map(|y| y * y).sum::<f64>() - row[places[service]]
        };
        (from..places.len()).map(of).sum()
    }
}

fn indices(places: &Table<smo::model::ServiceId, ClusterId>) -> Vec<usize> {
    places.values().map(|cluster| cluster.0 as usize).collect()
}

/// `found` against the least of the model, and what it says of itself against the formula.
fn compare(name: &str, found: Option<(f64, f64)>, least: Option<f64>) {
    let same = match (found, least) {
        (Some((objective, counted)), Some(least)) => (objective - least).abs() < 1e-6 && (counted - least).abs() < 1e-6,
        (None, None) => true,
        _ => false,
    };
    assert!(same, "{name}: {found:?} instead of {least:?}");
}

#[test]
fn replacements_are_the_optima_of_their_models() {
    let mut feasible = 0;
    for seed in 0..1_500 {
        let world = World::random(&mut Seed(seed).stream("original_placement", 0), 4);
        let count = world.cores.len() as f64;
        let cost = |places: &[usize]| count + world.penalty(places, 0);
        let found = decide_placement(&world.inputs(), Some(&world.current), Version::Service, NODES).ok();
        let found = found.map(|found| (found.objective, cost(&indices(&found.places))));
        feasible += u32::from(found.is_some());
        compare(&format!("world {seed}"), found, world.least(|places| world.admits(places, (0, 0)), cost));
    }
    assert!(feasible > 300, "only {feasible} have an answer");
}

/// Read as columns: row s of what is given is column s of what is read, so it has to be as long as there are services.
#[test]
fn the_upstream_version_is_the_optimum_of_what_it_reads() {
    let mut square = 0;
    for seed in 0..1_500 {
        let world = World::random(&mut Seed(seed).stream("original_upstream", 0), 3);
        if world.cores.len() != world.capacities.len() {
            continue;
        }
        square += 1;
        let count = world.cores.len() as f64;
        let read = |service: usize, cluster: usize| world.current[cluster][service];
        let cost = |places: &[usize]| {
            let of = |service: usize| {
                (0..places.len()).map(|cluster| read(service, cluster).powi(2)).sum::<f64>()
                    - read(service, places[service])
            };
            count + (0..places.len()).map(of).sum::<f64>()
        };
        let found = decide_placement(&world.inputs(), Some(&world.current), Version::Upstream, NODES).ok();
        let found = found.map(|found| (found.objective, cost(&indices(&found.places))));
        compare(&format!("world {seed}"), found, world.least(|places| world.admits(places, (0, 1)), cost));
    }
    assert!(square > 300, "only {square} can be read");
}

#[test]
fn placements_of_2024_are_the_optima_of_their_model() {
    let mut feasible = 0;
    for seed in 0..1_500 {
        let stream = &mut Seed(seed).stream("original_2024", 0);
        let world = World::random(stream, 4);
        let is_initial = stream.random_bool(0.3);
        let count = world.cores.len() as f64;
        let cost = |places: &[usize]| count + world.penalty(places, 0);
        let moves = |places: &[usize]| is_initial || world.penalty(places, 1) >= 1.0 - TOLERANCE;
        let admits = |places: &[usize]| places[0] == 0 && world.admits(places, (1, 1)) && moves(places);
        let found = decide_placement_2024(&world.inputs(), &world.current, is_initial).ok();
        let found = found.map(|found| (found.objective, cost(&indices(&found.places))));
        feasible += u32::from(found.is_some());
        compare(&format!("world {seed}, {is_initial}"), found, world.least(admits, cost));
    }
    assert!(feasible > 300, "only {feasible} have an answer");
}

#[test]
fn carbon_is_weighed_as_the_model_says() {
    for seed in 0..1_500 {
        let world = World::random(&mut Seed(seed).stream("original_carbon", 0), 4);
        let cost = |places: &[usize]| {
            let carbon = (0..places.len()).map(|service| world.need(service) * world.carbon[places[service]]);
            let stays =
                |service: usize| world.current[service].iter().sum::<f64>() - world.current[service][places[service]];
            5.0 * carbon.sum::<f64>() + (0..places.len()).map(stays).sum::<f64>()
        };
        let found = carbon_aware(&world.inputs(), &world.carbon, Some(&world.current), Weights::default()).ok();
        let found = found.map(|found| (found.objective, cost(&indices(&found.places))));
        compare(&format!("world {seed}"), found, world.least(|places| world.admits(places, (0, 0)), cost));
    }
}

#[test]
fn replicas_are_the_optima_of_their_model() {
    let mut feasible = 0;
    for seed in 0..1_000 {
        let stream = &mut Seed(seed).stream("original_replicas", 0);
        let count = stream.random_range(1..=3);
        let list = |stream: &mut Stream, low: i32, high: i32, step: f64| -> Vec<f64> {
            (0..count).map(|_| f64::from(stream.random_range(low..=high)) * step).collect()
        };
        let (rates, cores) = (list(stream, 0, 60, 1.0), list(stream, 1, 8, 0.25));
        let (alpha, beta) = (list(stream, -1, 20, 0.5), list(stream, -8, 60, 0.5));
        let previous: Vec<u32> = (0..count).map(|_| stream.random_range(0..=7)).collect();
        let maxima: Vec<u32> = (0..count).map(|_| stream.random_range(1..=8)).collect();
        let inputs = nephele::Inputs {
            rates: &rates,
            previous: &previous,
            cores: &cores,
            accelerate: &vec![stream.random_bool(0.1); count],
            alpha: &alpha,
            beta: &beta,
            capacity: f64::from(stream.random_range(-1..=60)) * 0.25,
            accelerated: stream.random_bool(0.5),
            maxima: &maxima,
        };
        let tie = if stream.random_bool(0.5) { Tie::Least } else { Tie::Present };
        let rule = Rule { tie, is_bounded: stream.random_bool(0.3), ..Rule::default() };
        let least = try_all(&inputs, rule);
        let found = decide_replicas(&inputs, rule).unwrap_or_else(|error| panic!("world {seed}: {error}"));
        let found = found.map(|replicas| nephele::objective(&inputs, rule, &replicas));
        feasible += u32::from(found.is_some());
        compare(&format!("world {seed}: {inputs:?}"), found.map(|found| (found, found)), least);
    }
    assert!(feasible > 200, "only {feasible} have an answer");
}

/// All numbers of replicas that fit: requests are a quarter of a core at least, so there are few enough.
fn try_all(inputs: &nephele::Inputs<'_>, rule: Rule) -> Option<f64> {
    let is_refused = inputs.accelerate.iter().any(|needs| *needs && !inputs.accelerated);
    let mut best = None;
    if !is_refused {
        try_from(inputs, rule, &mut Vec::new(), &mut best);
    }
    best
}

fn try_from(inputs: &nephele::Inputs<'_>, rule: Rule, replicas: &mut Vec<u32>, best: &mut Option<f64>) {
    let used = |replicas: &[u32]| -> f64 {
        replicas.iter().zip(inputs.cores).map(|(replicas, cores)| f64::from(*replicas) * cores).sum()
    };
    let index = replicas.len();
    if index == inputs.rates.len() {
        let objective = nephele::objective(inputs, rule, replicas);
        *best = Some(best.map_or(objective, |best: f64| best.min(objective)));
        return;
    }
    replicas.push(1);
    while used(replicas) <= inputs.capacity + TOLERANCE && (!rule.is_bounded || replicas[index] <= inputs.maxima[index])
    {
        let serves = inputs.alpha[index] * f64::from(replicas[index]) + inputs.beta[index];
        if serves >= inputs.rates[index] - TOLERANCE {
            try_from(inputs, rule, replicas, best);
        }
        replicas[index] += 1;
    }
    replicas.pop();
}
