//! Prices of what is asked of all services together, beside those of capacity.
//!
//! A budget is a row like a capacity, `Σ rate·r + held − over ≤ most`, with `over` at a price: so its own price `μ` lies between
//! zero and what it costs to exceed all of it, and the row adds `μ·(Σ rate·r + held − most)/scale`. Rounding `over` up only adds
//! to the cost. The balance is `weight·(max_e u[e] − mean_e u[e])`, and `weight·max_e u[e] ≥ Σ_e λ[e]·u[e]` for all `λ ≥ 0` that add
//! up to `weight`: the planes that the maximum is made of, mixed (LP duality: for the best `λ` nothing is lost). Both are
//! linear in the replicas, so that services go on choosing alone. Capacity, budgets, balance: in this order they lie in one
//! vector.

use super::Prices;
use crate::solver::anytime::problem::Problem;
use crate::solver::anytime::totals::UNIT;
use std::borrow::Cow;

/// Budgets and balance of a problem, as far as prices have to know them.
#[derive(Debug, Clone, Default)]
pub(super) struct Common {
    /// By budget: the price beyond which it is cheaper to exceed it, and what is spent already beyond the limit, as a share.
    budgets: Vec<(f64, f64)>,
    /// By place and budget: what a replica costs, as a share of the limit.
    spend: Vec<f64>,
    /// By cluster: its utilisation when nothing is placed; empty where there is no balance.
    held: Vec<f64>,
    /// By cluster: what its capacity is of what the utilisation is a share of.
    factor: Vec<f64>,
    /// What a cluster's utilisation weighs in the mean.
    mean: f64,
    weight: f64,
    /// Of which resource.
    kind: usize,
}

impl Common {
    pub(super) fn new(problem: &Problem) -> Self {
        let mut common = Self::default();
        let budgets = &problem.rules.budgets;
        let scale = |most: u64| most.max(UNIT) as f64;
        for budget in budgets {
            let beyond = budget.held as f64 - budget.most as f64;
            common.budgets.push((budget.price * scale(budget.most) / UNIT as f64, beyond / scale(budget.most)));
        }
        let places = 0..if budgets.is_empty() { 0 } else { problem.places.len() };
        common.spend = places
            .flat_map(|place| budgets.iter().map(move |budget| budget.rates[place] as f64 / scale(budget.most)))
            .collect();
        if let Some(balance) = &problem.rules.balance {
            let share = |amount: u64, all: u64| if all > 0 { amount as f64 / all as f64 } else { 0.0 };
            (common.weight, common.kind) = (balance.weight, balance.kind);
            common.mean = balance.weight / balance.counted().max(1) as f64;
            common.held = balance.held.iter().zip(&balance.all).map(|(held, all)| share(*held, *all)).collect();
            let factor = |(cluster, all): (usize, &u64)| {
                share(problem.capacity[cluster * problem.kinds + balance.kind].max(1), *all)
            };
            common.factor = balance.all.iter().enumerate().map(factor).collect();
        }
        common
    }

    pub(super) fn has_budgets(&self) -> bool {
        !self.budgets.is_empty()
    }
}

impl Prices<'_> {
    /// Prices at which room costs nothing, and which say nothing of the balance either.
    pub fn nothing(&self) -> Vec<f64> {
        let common = &self.common;
        let mut prices = vec![0.0; self.problem.capacity.len() + common.budgets.len()];
        prices.extend(common.factor.iter().map(|factor| if *factor > 0.0 { common.mean } else { 0.0 }));
        prices
    }

    /// The prices as places feel them: what a place adds to the fullness of its cluster is part of the price of that room.
    pub fn felt<'p>(&self, prices: &'p [f64]) -> Cow<'p, [f64]> {
        let common = &self.common;
        if common.held.is_empty() {
            return Cow::Borrowed(prices);
        }
        let first = self.problem.capacity.len() + common.budgets.len();
        let mut felt = prices[..first].to_vec();
        for (cluster, factor) in common.factor.iter().enumerate() {
            felt[cluster * self.problem.kinds + common.kind] += (prices[first + cluster] - common.mean) * factor;
        }
        Cow::Owned(felt)
    }

    /// What a replica in `place` is charged for the budgets, at felt prices.
    #[inline]
    pub(super) fn charge(&self, felt: &[f64], place: usize) -> f64 {
        let count = self.common.budgets.len();
        let spend = &self.common.spend[place * count..][..count];
        spend.iter().zip(&felt[self.problem.capacity.len()..]).map(|(share, price)| share * price).sum()
    }

    /// What a replica in `place` is charged for the budgets, and for how much fuller it makes its cluster than the others.
    pub fn of_totals(&self, prices: &[f64], place: usize) -> [f64; 2] {
        let common = &self.common;
        let budget = if common.has_budgets() { self.charge(prices, place) } else { 0.0 };
        if common.held.is_empty() {
            return [budget, 0.0];
        }
        let cluster = self.problem.places[place].cluster as usize;
        let plane = prices[self.problem.capacity.len() + common.budgets.len() + cluster] - common.mean;
        let share = self.share[place * self.problem.kinds + common.kind] * common.factor[cluster];
        [budget, plane * share]
    }

    /// What these prices add to the bound before anybody chooses; how far budgets are exceeded and clusters are full then.
    pub(super) fn open_totals(&self, prices: &[f64], usage: &mut [f64]) -> f64 {
        let common = &self.common;
        let first = self.problem.capacity.len();
        let mut bound = 0.0;
        for (at, (_, beyond)) in common.budgets.iter().enumerate() {
            bound += prices[first + at] * beyond;
            usage[first + at] = *beyond;
        }
        for (cluster, held) in common.held.iter().enumerate() {
            let at = first + common.budgets.len() + cluster;
            let mean = if common.factor[cluster] > 0.0 { common.mean } else { 0.0 };
            bound += (prices[at] - mean) * held;
            usage[at] = *held;
        }
        bound
    }

    /// Counts what `replicas` in `place` spend and fill.
    #[inline]
    pub(super) fn take_totals(&self, usage: &mut [f64], place: usize, replicas: f64) {
        let common = &self.common;
        let (first, count) = (self.problem.capacity.len(), common.budgets.len());
        for at in 0..count {
            usage[first + at] += replicas * common.spend[place * count + at];
        }
        if !common.held.is_empty() {
            let cluster = self.problem.places[place].cluster as usize;
            let share = self.share[place * self.problem.kinds + common.kind];
            usage[first + count + cluster] += replicas * share * common.factor[cluster];
        }
    }

    /// The nearest prices that prove anything: of a budget no more than exceeding it costs, and weights that add up.
    pub(super) fn project(&self, prices: &mut [f64]) {
        let common = &self.common;
        let first = self.problem.capacity.len();
        let (budgets, planes) = prices[first..].split_at_mut(common.budgets.len());
        for (price, (most, _)) in budgets.iter_mut().zip(&common.budgets) {
            *price = price.clamp(0.0, *most);
        }
        if !planes.is_empty() {
            for (plane, factor) in planes.iter_mut().zip(&common.factor) {
                *plane = if *factor > 0.0 { *plane } else { f64::NEG_INFINITY };
            }
            onto_simplex(planes, common.weight);
        }
    }
}

/// The nearest point with parts of at least zero that add up to `sum` (Held, Wolfe and Crowder 1974); minus infinity is zero.
fn onto_simplex(parts: &mut [f64], sum: f64) {
    let mut sorted: Vec<f64> = parts.iter().copied().filter(|part| part.is_finite()).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut total, mut shift) = (0.0, 0.0);
    for (at, part) in sorted.iter().enumerate() {
        total += part;
        let candidate = (total - sum) / (at + 1) as f64;
        if *part > candidate {
            shift = candidate;
        }
    }
    for part in parts.iter_mut() {
        *part = (*part - shift).max(0.0);
    }
}
