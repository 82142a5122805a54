//! The classics of packing against what they were defined to be: numbers worked out by hand, and a plain packing of random
//! worlds that shares no code with them.

use crate::policies::place;
use crate::worlds::{cluster, request, service, targets, world};
use rand::RngExt;
use smo::model::{Plan, Snapshot};
use smo::seed::Seed;

/// Two clusters of 8 cores and 32 GiB, the first with 4 cores and 4 GiB taken, and a third of 16 cores and 16 GiB. Free:
/// (4, 28), (8, 32), (16, 16). A replica of 2 cores and 8 GiB comes; `before` pins the 4 cores and 4 GiB down.
fn three() -> Snapshot {
    let clusters = vec![cluster("a", 1, 8.0, 32), cluster("b", 1, 8.0, 32), cluster("c", 1, 16.0, 16)];
    let mut snapshot = world(clusters, vec![service("before", request(4.0, 4), 1), service("new", request(2.0, 8), 1)]);
    snapshot.targets = targets(&[(0, 0, 1)]);
    snapshot
}

/// Where `new` goes.
fn chosen(policy: &str) -> u32 {
    let plan = place(&format!("{policy}+static"), &three());
    assert!(plan.refusals.is_empty(), "{policy}: {:?}", plan.refusals);
    plan.targets.iter().find(|target| target.service.0 == 1).expect("it has room everywhere").cluster.0
}

/// Free shares with the replica in place: a ½(2/8 + 20/32) = 0.4375, b ½(6/8 + 24/32) = 0.75, c ½(14/16 + 8/16) = 0.6875.
#[test]
fn fits_take_the_first_the_fullest_and_the_emptiest() {
    assert_eq!(["first-fit", "best-fit", "worst-fit"].map(chosen), [0, 0, 1]);
}

/// Offered 32 cores and 80 GiB, demanded 6 and 12: w = (0.1875, 0.15), N = (10.667, 26.667), d/N = (0.1875, 0.3).
/// Dot product Σ w·d/N·f/N: a 0.0352·0.375 + 0.045·1.05 = 0.0604, b 0.0352·0.75 + 0.045·1.2 = 0.0804,
/// c 0.0352·1.5 + 0.045·0.6 = 0.0797: b.
/// L2 Σ w·((f − d)/N)²: a 0.1875·0.0352 + 0.15·0.5625 = 0.0910, b 0.1875·0.3164 + 0.15·0.81 = 0.1808,
/// c 0.1875·1.7227 + 0.15·0.09 = 0.3365: a.
#[test]
fn dot_product_and_l2_are_those_worked_out_by_hand() {
    assert_eq!(["dot-product", "l2"].map(chosen), [1, 0]);
}

/// ⌊½(⌊25⌋ + ⌊62.5⌋)⌋ + ⌊100(1 − |0.75 − 0.375|/2)⌋ = 43 + 81 = 124 for a, 75 + 100 = 175 for b,
/// ⌊½(87 + 50)⌋ + ⌊100(1 − 0.375/2)⌋ = 68 + 81 = 149 for c.
#[test]
fn kube_scheduler_scores_clusters_as_it_does_nodes() {
    assert_eq!(chosen("kube-scheduler"), 1);
}

/// Six replicas in turn over three clusters, of which the second has room for one.
#[test]
fn round_robin_takes_turns_and_passes_over_what_is_full() {
    let clusters = vec![cluster("a", 1, 8.0, 32), cluster("b", 1, 1.0, 4), cluster("c", 1, 8.0, 32)];
    let plan = place("round-robin+static", &world(clusters, vec![service("web", request(1.0, 1), 6)]));
    // a, b, c, a, c in place of b, c: replica 5 is c's turn.
    assert_eq!(plan.targets, targets(&[(0, 0, 2), (0, 1, 1), (0, 2, 3)]));
}

/// Small ones are declared first and fill the first cluster up; by falling size the large one comes first.
#[test]
fn decreasing_puts_the_largest_replicas_first() {
    let clusters = || vec![cluster("a", 1, 4.0, 16), cluster("b", 1, 2.0, 8)];
    let services = || vec![service("small", request(1.0, 4), 3), service("large", request(3.0, 12), 1)];
    let declared = place("first-fit+static", &world(clusters(), services()));
    assert_eq!(declared.refusals.len(), 1, "{declared:?}");
    let falling = place("first-fit:decreasing=true+static", &world(clusters(), services()));
    assert_eq!(falling.targets, targets(&[(0, 0, 1), (0, 1, 2), (1, 0, 1)]));
}

/// Over many replicas each of two equal clusters gets its half: 400 draws, standard deviation 10.
#[test]
fn random_gives_each_cluster_the_same_chance() {
    let clusters = vec![cluster("a", 20, 64.0, 256), cluster("b", 20, 64.0, 256)];
    let mut services = Vec::new();
    for index in 0..4 {
        services.push(service(&format!("s{index}"), request(0.5, 1), 100));
    }
    let plan = place("random+static", &world(clusters, services));
    let first: u32 = plan.targets.iter().filter(|target| target.cluster.0 == 0).map(|target| target.replicas).sum();
    assert!((150..=250).contains(&first), "{first} of 400");
}

const GIB: f64 = 1_073_741_824.0;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of GiB")]
fn gib(bytes: f64) -> u64 {
    (bytes / GIB) as u64
}

/// A world as plain numbers: clusters and requests in millicores and bytes, replicas of each service.
struct Plain {
    whole: Vec<[f64; 2]>,
    services: Vec<([f64; 2], u32)>,
}

impl Plain {
    fn random(seed: u64) -> Self {
        let stream = &mut Seed(seed).stream("test_classics", 0);
        let clusters = stream.random_range(3..=6);
        let counts: Vec<u32> = (0..6).map(|_| stream.random_range(1..=8)).collect();
        let mut draw = |most: u32| f64::from(stream.random_range(1..=most));
        let whole = (0..clusters).map(|_| [draw(64) * 1e3, draw(256) * GIB]).collect();
        let services = counts.into_iter().map(|count| ([draw(8) * 1e3, draw(24) * GIB], count)).collect();
        Self { whole, services }
    }

    fn snapshot(&self) -> Snapshot {
        let clusters = self.whole.iter().enumerate();
        let clusters = clusters.map(|(index, [cpu, memory])| cluster(&format!("c{index}"), 1, cpu / 1e3, gib(*memory)));
        let services = self.services.iter().enumerate();
        let services = services.map(|(index, ([cpu, memory], count))| {
            service(&format!("s{index}"), request(cpu / 1e3, gib(*memory)), *count)
        });
        world(clusters.collect(), services.collect())
    }

    /// Replica by replica, the fitting cluster with the highest `value` of (whole, free, request, weights, mean).
    fn pack(
        &self,
        value: impl Fn([f64; 2], [f64; 2], [f64; 2], [f64; 2], [f64; 2]) -> f64,
        falls: bool,
    ) -> Vec<Vec<u32>> {
        let of = |k: usize| self.whole.iter().map(|whole| whole[k]).sum::<f64>();
        let demand =
            |k: usize| self.services.iter().map(|(request, count)| request[k] * f64::from(*count)).sum::<f64>();
        let count = self.whole.len() as f64;
        let (weights, mean) = ([0, 1].map(|k| demand(k) / of(k)), [0, 1].map(|k| of(k) / count));
        let size = |index: &usize| -> f64 { (0..2).map(|k| weights[k] * self.services[*index].0[k] / mean[k]).sum() };
        let mut order: Vec<usize> = (0..self.services.len()).collect();
        if falls {
            order.sort_by(|a, b| size(b).total_cmp(&size(a)));
        }
        let mut free = self.whole.clone();
        let mut placed = vec![vec![0; self.whole.len()]; self.services.len()];
        for index in order {
            let (request, count) = self.services[index];
            for _ in 0..count {
                let fits = (0..free.len()).filter(|c| (0..2).all(|k| free[*c][k] >= request[k]));
                let valued = fits.map(|c| (value(self.whole[c], free[c], request, weights, mean), c));
                let Some((_, best)) = valued.reduce(|a, b| if b.0 > a.0 { b } else { a }) else { break };
                (0..2).for_each(|k| free[best][k] -= request[k]);
                placed[index][best] += 1;
            }
        }
        placed
    }
}

fn counts(plan: &Plan, plain: &Plain) -> Vec<Vec<u32>> {
    let mut counts = vec![vec![0; plain.whole.len()]; plain.services.len()];
    for target in &plan.targets {
        counts[target.service.0 as usize][target.cluster.0 as usize] = target.replicas;
    }
    counts
}

/// Goal: the placements are what their formulas say, over whole packings. Method: 200 random worlds in whole cores and GiB,
/// packed by the formula in the plainest way.
#[test]
fn packings_are_those_of_the_plain_formulas() {
    let share = |w: [f64; 2], f: [f64; 2], d: [f64; 2]| f64::midpoint((f[0] - d[0]) / w[0], (f[1] - d[1]) / w[1]);
    for seed in 0..200 {
        let plain = Plain::random(seed);
        let is = |policy: &str, expected: Vec<Vec<u32>>| {
            let plan = place(&format!("{policy}+static"), &plain.snapshot());
            assert_eq!(counts(&plan, &plain), expected, "{policy} in world {seed}");
        };
        is("first-fit", plain.pack(|_, _, _, _, _| 0.0, false));
        is("best-fit", plain.pack(|w, f, d, _, _| -share(w, f, d), false));
        is("worst-fit", plain.pack(|w, f, d, _, _| share(w, f, d), false));
        is(
            "dot-product",
            plain.pack(|_, f, d, w, n| (0..2).map(|k| w[k] * ((d[k] / n[k]) * (f[k] / n[k]))).sum(), true),
        );
        is("l2", plain.pack(|_, f, d, w, n| -(0..2).map(|k| w[k] * ((f[k] - d[k]) / n[k]).powi(2)).sum::<f64>(), true));
    }
}
