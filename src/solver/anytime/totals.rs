//! What is asked of all services together: budgets, and that no cluster is much fuller than the others.
//!
//! | term | formula |
//! |---|---|
//! | budget | `price · ⌈(held + Σ_p rate[p]·r[p] − most)⁺ / 10⁶⌉`, rates in billionths of a dollar an hour, in integers |
//! | balance | `weight · (max_e u[e] − mean_e u[e])`, `u[e] = (held[e] + Σ_s request[s,cpu]·r[s,e]) / all[e]` |
//!
//! Balance is convex and piecewise linear: the largest of as many planes as there are clusters. Clusters that have nothing
//! to be shared (`all[e] = 0`) do not count.

use super::problem::Problem;

/// What a unit of a budget is, in the integers of its rates: a thousandth of a dollar.
pub const UNIT: u64 = 1_000_000;

/// A limit on what everything costs together.
#[derive(Debug, Clone, PartialEq)]
pub struct Budget {
    /// What a replica costs, by place.
    pub rates: Vec<u64>,
    /// What is spent whatever is decided.
    pub held: u64,
    /// The limit.
    pub most: u64,
    /// Price of each unit beyond it.
    pub price: f64,
}

/// A price of uneven clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    /// Price of the share by which the fullest cluster exceeds the mean.
    pub weight: f64,
    /// Of which resource.
    pub kind: usize,
    /// What is taken whatever is decided, by cluster.
    pub held: Vec<u64>,
    /// Of how much, by cluster.
    pub all: Vec<u64>,
}

impl Budget {
    /// Price of what `counts` cost beyond the limit.
    pub fn cost(&self, counts: &[u32]) -> f64 {
        self.price_of(
            counts
                .iter()
                .zip(&self.rates)
                .fold(self.held, |spent, (count, rate)| spent.saturating_add(rate.saturating_mul(u64::from(*count)))),
        )
    }

    /// Price of having spent so much.
    pub fn price_of(&self, spent: u64) -> f64 {
        spent.saturating_sub(self.most).div_ceil(UNIT) as f64 * self.price
    }
}

impl Balance {
    /// Clusters that count.
    pub fn counted(&self) -> usize {
        self.all.iter().filter(|all| **all > 0).count()
    }

    /// Price of the difference that `counts` make.
    pub fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let mut loads = self.held.clone();
        for service in 0..problem.services.len() {
            let request = problem.request_of(service)[self.kind];
            for place in problem.places_of(service) {
                loads[problem.places[place].cluster as usize] += request * u64::from(counts[place]);
            }
        }
        let shares = || loads.iter().zip(&self.all).filter(|(_, all)| **all > 0).map(|(load, all)| share(*load, *all));
        self.weight * (shares().fold(0.0, f64::max) - shares().sum::<f64>() / self.counted().max(1) as f64)
    }
}

fn share(load: u64, all: u64) -> f64 {
    load as f64 / all as f64
}

/// Both under change.
#[derive(Debug, Clone)]
pub struct Totals {
    /// By budget.
    spent: Vec<u64>,
    /// By cluster that counts for the balance; empty where there is none.
    loads: Vec<u64>,
    shares: Vec<f64>,
    fullest: usize,
    counted: f64,
}

impl Totals {
    /// Where nothing is placed.
    pub fn new(problem: &Problem) -> Self {
        let spent = problem.rules.budgets.iter().map(|budget| budget.held).collect();
        let mut totals = Self { spent, loads: Vec::new(), shares: Vec::new(), fullest: 0, counted: 1.0 };
        if let Some(balance) = &problem.rules.balance {
            totals.loads.clone_from(&balance.held);
            let of = |(load, all): (&u64, &u64)| if *all > 0 { share(*load, *all) } else { 0.0 };
            totals.shares = balance.held.iter().zip(&balance.all).map(of).collect();
            totals.counted = balance.counted().max(1) as f64;
            totals.find_fullest();
        }
        totals
    }

    /// What it changes that `place`, which is of `service`, holds `new` instead of `old` replicas.
    pub fn set(&mut self, problem: &Problem, (service, place): (usize, usize), (old, new): (u32, u32)) -> f64 {
        let mut change = 0.0;
        for (budget, spent) in problem.rules.budgets.iter().zip(&mut self.spent) {
            let before = budget.price_of(*spent);
            *spent = *spent + budget.rates[place] * u64::from(new) - budget.rates[place] * u64::from(old);
            change += budget.price_of(*spent) - before;
        }
        if let Some(balance) = &problem.rules.balance {
            let cluster = problem.places[place].cluster as usize;
            if balance.all[cluster] > 0 {
                let request = problem.request_of(service)[balance.kind];
                change +=
                    balance.weight * self.shift(balance, cluster, (request * u64::from(old), request * u64::from(new)));
            }
        }
        change
    }

    /// By how much more the fullest cluster exceeds the mean.
    fn shift(&mut self, balance: &Balance, cluster: usize, (less, more): (u64, u64)) -> f64 {
        let (top, before) = (self.shares[self.fullest], self.shares[cluster]);
        self.loads[cluster] = self.loads[cluster] + more - less;
        let after = share(self.loads[cluster], balance.all[cluster]);
        self.shares[cluster] = after;
        if after > top {
            self.fullest = cluster;
        } else if cluster == self.fullest && after < before {
            self.find_fullest();
        }
        (self.shares[self.fullest] - top) - (after - before) / self.counted
    }

    fn find_fullest(&mut self) {
        let shares = &self.shares;
        self.fullest =
            (0..shares.len()).reduce(|best, next| if shares[next] > shares[best] { next } else { best }).unwrap_or(0);
    }
}
