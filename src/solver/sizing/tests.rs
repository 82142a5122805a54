//! The search against all points, on tests that more always helps to pass.

use super::{Answer, Judge, Judged, Point, Proof, Space, search};
use crate::seed::Seed;
use rand::RngExt;
use std::convert::Infallible;

/// Passes where every one of some weighted sums is large enough: what nodes of different sizes in different places do.
struct Sums {
    needs: Vec<(Vec<u32>, u32)>,
    prices: Vec<u32>,
    knows_cost: bool,
    judged: usize,
}

impl Sums {
    fn price(&self, point: &[u32]) -> f64 {
        point.iter().zip(&self.prices).map(|(number, price)| f64::from(number * price)).sum()
    }
}

impl Judge for Sums {
    type Error = Infallible;

    fn judge(&mut self, points: &[Point]) -> Result<Vec<Judged>, Infallible> {
        self.judged += points.len();
        let judged = |point: &Point| {
            let short = |(weights, need): &(Vec<u32>, u32)| {
                let sum: u32 = point.iter().zip(weights).map(|(number, weight)| number * weight).sum();
                need.saturating_sub(sum)
            };
            let miss: u32 = self.needs.iter().map(short).sum();
            Judged { passes: miss == 0, cost: self.price(point), miss: f64::from(miss) }
        };
        Ok(points.iter().map(judged).collect())
    }

    fn cost(&self, point: &[u32]) -> Option<f64> {
        self.knows_cost.then(|| self.price(point))
    }
}

fn found(sums: &mut Sums, high: u32, budget: usize) -> Answer {
    let dimensions = sums.prices.len();
    let space = Space {
        low: vec![0; dimensions],
        high: vec![high; dimensions],
        start: vec![1; dimensions],
        weights: sums.prices.iter().map(|price| f64::from(*price)).collect(),
        budget,
    };
    search(&space, sums).unwrap()
}

/// Two pools: nodes of 3 for 5 $ and of 2 for 3 $, 7 needed. All of one: 3 · 5 = 15 or 4 · 3 = 12; mixed, 3 + 2 + 2 = 7 for
/// 5 + 3 + 3 = 11.
#[test]
fn a_mix_may_be_the_cheapest() {
    for (knows_cost, budget) in [(false, 100), (true, 100), (false, 30), (true, 30)] {
        let mut sums = Sums { needs: vec![(vec![3, 2], 7)], prices: vec![5, 3], knows_cost, judged: 0 };
        let answer = found(&mut sums, 6, budget);
        let (point, judged) = answer.found.clone().unwrap();
        assert_eq!((point, judged.cost), (vec![1, 2], 11.0), "budget {budget}");
        let wholly = budget >= 49;
        assert_eq!(answer.proof, if wholly { Proof::Exhaustive } else { Proof::NoBetterStep });
        assert_eq!(answer.tried.len(), sums.judged);
        // By rising cost, only the points that cost less than 11 are judged, and those that cost as much.
        assert!(!wholly || knows_cost == (sums.judged < 49), "{} judged", sums.judged);
    }
}

#[test]
fn where_nothing_passes_the_nearest_is_told() {
    let mut sums = Sums { needs: vec![(vec![1, 1], 20)], prices: vec![1, 1], knows_cost: false, judged: 0 };
    for (budget, proof) in [(100, Proof::Exhaustive), (20, Proof::MostFails)] {
        let answer = found(&mut sums, 6, budget);
        assert_eq!((answer.found, answer.proof), (None, proof));
        assert_eq!(answer.nearest.0, [6, 6]);
    }
}

#[test]
fn it_ends_when_it_has_judged_as_many_as_it_may() {
    let mut sums = Sums { needs: vec![(vec![3, 2, 1], 40)], prices: vec![5, 3, 2], knows_cost: false, judged: 0 };
    let answer = found(&mut sums, 60, 7);
    assert_eq!((answer.proof, answer.tried.len()), (Proof::BudgetSpent, 7));
}

/// Goal: steps and exchanges mostly find what trying everything finds; it is a search, and the answer says that it is.
/// Method: 200 random tests of three numbers; the cost of both, and how often they are the same.
#[test]
fn steps_mostly_find_what_trying_everything_finds() {
    let mut same = 0;
    for seed in 0..200 {
        let mut stream = Seed(seed).stream("sizing", 0);
        let mut draw = |from: u32, to: u32| stream.random_range(from..=to);
        let needs = (0..2).map(|_| ((0..3).map(|_| draw(0, 4)).collect::<Vec<u32>>(), draw(1, 12)));
        let needs: Vec<_> = needs.filter(|(weights, _)| weights.iter().any(|weight| *weight > 0)).collect();
        let prices: Vec<u32> = (0..3).map(|_| draw(1, 9)).collect();
        let mut sums = Sums { needs, prices, knows_cost: seed % 2 == 0, judged: 0 };
        let best = found(&mut sums, 12, 10_000).found.map(|(_, judged)| judged.cost);
        let stepped = found(&mut sums, 12, 2_000).found.map(|(_, judged)| judged.cost);
        let (Some(best), Some(stepped)) = (best, stepped) else {
            assert_eq!(best, stepped, "seed {seed}");
            continue;
        };
        assert!(stepped <= best * 2.0, "seed {seed}: {stepped} where {best} is possible");
        same += usize::from(stepped <= best);
    }
    assert!(same >= 180, "{same} of 200 are the cheapest");
}
