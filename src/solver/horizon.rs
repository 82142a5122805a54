//! Replicas of one service over several steps, exactly: what they cost to keep against what they cost to start and stop.
//!
//! ```text
//! min Σ_t [ hold·r_t + up·max(0, r_t − r_{t−1}) + down·max(0, r_{t−1} − r_t) ],   L_t ≤ r_t ≤ U_t,  r_0 given
//! ```
//!
//! Backwards, with the cost `V_t(r)` of being at r in step t and of all that follows:
//!
//! ```text
//! V_t(r) = hold·r + min( min_{r' ≥ r} [up·(r' − r) + V_{t+1}(r')],  min_{r' ≤ r} [down·(r − r') + V_{t+1}(r')] )
//! ```
//!
//! The inner minima are running ones from the right and from the left, so a step costs O(range) and the whole O(H · range).
//! No optimum leaves `[min L, max(r_0, max L)]`: replicas above are cut down to it at no cost. All figures are integers, so
//! equal problems have equal answers everywhere; of equal optima the one that moves least in the next step is taken, and of
//! those the smaller.

/// What replicas cost, in any one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// One replica for one step.
    pub hold: u32,
    /// Starting one.
    pub up: u32,
    /// Stopping one.
    pub down: u32,
}

/// The fewest and the most replicas of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Fewest.
    pub least: u32,
    /// Most.
    pub most: u32,
}

/// The cost of what may not be; sums of it with any real cost stay in range.
const NEVER: i64 = i64::MAX / 4;

/// The cheapest replicas step by step, and what they cost; `None` where some step allows no number.
pub fn solve(prices: Prices, bands: &[Band], start: u32) -> Option<(Vec<u32>, i64)> {
    if bands.iter().any(|band| band.least > band.most) {
        return None;
    }
    let Some(low) = bands.iter().map(|band| band.least).min() else { return Some((Vec::new(), 0)) };
    let high = bands.iter().map(|band| band.least).max().unwrap_or(low).max(start);
    let range = Range { low, width: (high - low) as usize + 1 };
    let mut ahead = vec![vec![0; range.width]; bands.len() + 1];
    for (step, band) in bands.iter().enumerate().rev() {
        let best = if step + 1 == bands.len() { vec![0; range.width] } else { onwards(prices, &ahead[step + 1]) };
        for (index, cost) in ahead[step].iter_mut().enumerate() {
            let replicas = low + index_of(index);
            let is_allowed = (band.least..=band.most).contains(&replicas);
            *cost = if is_allowed { i64::from(prices.hold) * i64::from(replicas) + best[index] } else { NEVER };
        }
    }
    let mut replicas = Vec::with_capacity(bands.len());
    let (mut at, mut total) = (start, 0);
    for costs in &ahead[..bands.len()] {
        let next = range.next(prices, costs, at);
        total += change(prices, at, next) + i64::from(prices.hold) * i64::from(next);
        replicas.push(next);
        at = next;
    }
    Some((replicas, total))
}

/// Numbers of replicas that are looked at.
struct Range {
    low: u32,
    width: usize,
}

impl Range {
    /// The best step from `at` into numbers with these costs.
    fn next(&self, prices: Prices, costs: &[i64], at: u32) -> u32 {
        let all = (0..self.width).map(|index| self.low + index_of(index));
        let key = |replicas: &u32| {
            let cost = costs[(*replicas - self.low) as usize];
            (change(prices, at, *replicas) + cost, replicas.abs_diff(at), *replicas)
        };
        all.min_by_key(key).expect("the range is not empty")
    }
}

/// For each number the cheapest way on into the next step, changes included.
fn onwards(prices: Prices, next: &[i64]) -> Vec<i64> {
    let (up, down) = (i64::from(prices.up), i64::from(prices.down));
    let mut best = vec![NEVER; next.len()];
    let mut running = NEVER;
    for (index, cost) in next.iter().enumerate() {
        running = (running + down).min(*cost).min(NEVER);
        best[index] = running;
    }
    running = NEVER;
    for (index, cost) in next.iter().enumerate().rev() {
        running = (running + up).min(*cost).min(NEVER);
        best[index] = best[index].min(running);
    }
    best
}

fn change(prices: Prices, from: u32, to: u32) -> i64 {
    let price = if to > from { prices.up } else { prices.down };
    i64::from(price) * i64::from(from.abs_diff(to))
}

fn index_of(index: usize) -> u32 {
    u32::try_from(index).expect("a range of replicas fits")
}

#[cfg(test)]
mod tests {
    use super::{Band, Prices, change, solve};
    use crate::seed::Seed;
    use rand::RngExt;

    fn cost(prices: Prices, start: u32, replicas: &[u32]) -> i64 {
        let mut at = start;
        let step = |next: &u32| {
            let cost = change(prices, at, *next) + i64::from(prices.hold) * i64::from(*next);
            at = *next;
            cost
        };
        replicas.iter().map(step).sum()
    }

    /// All sequences within the bands.
    fn cheapest_of_all(prices: Prices, bands: &[Band], start: u32) -> i64 {
        let Some((band, rest)) = bands.split_first() else { return 0 };
        let of = |next: u32| {
            change(prices, start, next) + i64::from(prices.hold) * i64::from(next) + cheapest_of_all(prices, rest, next)
        };
        (band.least..=band.most).map(of).min().expect("a band is not empty")
    }

    /// Goal: no sequence is cheaper. Method: 400 random problems of up to 5 steps and 6 replicas against all sequences.
    #[test]
    fn no_sequence_is_cheaper() {
        for seed in 0..400 {
            let stream = &mut Seed(seed).stream("horizon", 0);
            let prices = Prices {
                hold: stream.random_range(0..=4),
                up: stream.random_range(0..=6),
                down: stream.random_range(0..=6),
            };
            let band = |stream: &mut crate::seed::Stream| {
                let least = stream.random_range(0..=5);
                Band { least, most: stream.random_range(least..=6) }
            };
            let bands: Vec<Band> = (0..stream.random_range(1..=5)).map(|_| band(stream)).collect();
            let start = stream.random_range(0..=6);
            let (replicas, total) = solve(prices, &bands, start).unwrap();
            assert!(bands.iter().zip(&replicas).all(|(band, r)| (band.least..=band.most).contains(r)), "seed {seed}");
            assert_eq!(total, cost(prices, start, &replicas), "seed {seed}");
            assert_eq!(total, cheapest_of_all(prices, &bands, start), "seed {seed}: {prices:?} {bands:?} {start}");
        }
    }

    /// Keeping one replica for two steps costs 2, stopping and starting it again 3: it is kept; for four steps it is not.
    #[test]
    fn a_short_valley_is_bridged_and_a_long_one_is_not() {
        let prices = Prices { hold: 1, up: 3, down: 0 };
        let needs = |least: &[u32]| least.iter().map(|&least| Band { least, most: 9 }).collect::<Vec<_>>();
        assert_eq!(solve(prices, &needs(&[2, 1, 1, 2]), 2), Some((vec![2, 2, 2, 2], 8)));
        assert_eq!(solve(prices, &needs(&[2, 1, 1, 1, 1, 2]), 2), Some((vec![2, 1, 1, 1, 1, 2], 11)));
    }

    #[test]
    fn without_prices_for_changes_each_step_has_the_fewest() {
        let bands: Vec<Band> = [4, 1, 7, 2].map(|least| Band { least, most: 9 }).to_vec();
        assert_eq!(solve(Prices { hold: 1, up: 0, down: 0 }, &bands, 5).unwrap().0, [4, 1, 7, 2]);
    }

    #[test]
    fn a_step_that_allows_no_number_has_no_answer() {
        let bands = [Band { least: 1, most: 3 }, Band { least: 5, most: 4 }];
        assert_eq!(solve(Prices { hold: 1, up: 1, down: 1 }, &bands, 2), None);
        assert_eq!(solve(Prices { hold: 1, up: 1, down: 1 }, &[], 2), Some((Vec::new(), 0)));
    }
}
