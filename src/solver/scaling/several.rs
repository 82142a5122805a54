//! The scaling problem with more than one resource: Corollary 5.
//!
//! Theorem 2 does not care how many rows there are: what is to be given up becomes a vector, of which only the resources that
//! run short are kept. With one of them it is the problem of `cover`. With more it is a covering problem with
//! as many integers as services can give something up, which are few; a depth-first search decides it, cut by the
//! relaxation of each row by itself, of which the largest is a bound on all of them together.

use super::cover::{self, Item};
use super::{Infeasible, Method, Tie};
use crate::model::{Resources, ServiceId, Table, resources::RESOURCES};
use std::cmp::Ordering;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The services of the cluster; what one replica takes stands beside the rest.
    pub services: Table<ServiceId, (Resources, super::Scaled)>,
    /// What the cluster has.
    pub capacity: Resources,
    /// Which of several equally good numbers is meant.
    pub tie: Tie,
}

/// The best that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Replicas.
    pub replicas: Table<ServiceId, u32>,
    /// `Σ f_s(r_s)`.
    pub cost: u128,
    /// No answer costs less.
    pub bound: u128,
    /// How it was found; `None` for the search.
    pub method: Option<Method>,
}

/// Nodes that the search looks at.
pub const NODES: u32 = 1 << 20;

impl Problem {
    fn taken(&self, replicas: &Table<ServiceId, u32>) -> [u128; RESOURCES.len()] {
        let mut taken = [0u128; RESOURCES.len()];
        for (service, (request, _)) in self.services.iter() {
            for (taken, amount) in taken.iter_mut().zip(request.amounts()) {
                *taken += u128::from(amount) * u128::from(replicas[service]);
            }
        }
        taken
    }

    fn excess(&self, replicas: &Table<ServiceId, u32>) -> [u128; RESOURCES.len()] {
        let mut excess = self.taken(replicas);
        for (excess, capacity) in excess.iter_mut().zip(self.capacity.amounts()) {
            *excess = excess.saturating_sub(capacity.into());
        }
        excess
    }

    fn cost(&self, replicas: &Table<ServiceId, u32>) -> u128 {
        self.services.iter().map(|(service, (_, one))| one.cost(replicas[service])).sum()
    }

    /// The best answer within `nodes` of the search, which is an optimum where cost and bound are equal.
    ///
    /// # Errors
    /// Where there is no answer.
    ///
    /// # Panics
    /// Where an answer breaks a constraint after all: our own mistake, never applied.
    pub fn solve(&self, nodes: u32) -> Result<Answer, Infeasible> {
        if let Some((service, (_, one))) = self.services.iter().find(|(_, (_, one))| one.least > one.most) {
            return Err(Infeasible::Bounds { service, least: one.least, most: one.most });
        }
        let least: Table<ServiceId, u32> = self.services.values().map(|(_, one)| one.least).collect();
        if let Some(k) = self.excess(&least).iter().position(|excess| *excess > 0) {
            let (needed, capacity) = (self.taken(&least)[k], self.capacity.amounts()[k]);
            return Err(Infeasible::Capacity { needed, capacity });
        }
        let best: Table<ServiceId, u32> = self.services.values().map(|(_, one)| one.best(self.tie)).collect();
        let excess = self.excess(&best);
        let free = self.cost(&best);
        let short: Vec<usize> = (0..excess.len()).filter(|k| excess[*k] > 0).collect();
        let (replicas, bound, method) = match short[..] {
            [] => (best, free, Some(Method::ClosedForm)),
            [k] => {
                let (replicas, method) = self.give_up_one(best, k, excess[k]);
                let bound = if method == Method::Unproved { free } else { self.cost(&replicas) };
                (replicas, bound, Some(method))
            }
            _ => {
                let (replicas, bound) = Search::new(self, best, &short).run(nodes);
                (replicas, free + bound, None)
            }
        };
        assert!(self.excess(&replicas).iter().all(|excess| *excess == 0), "an answer breaks a constraint of {self:?}");
        let cost = self.cost(&replicas);
        Ok(Answer { replicas, cost, bound: bound.min(cost), method })
    }

    fn give_up_one(&self, mut best: Table<ServiceId, u32>, k: usize, excess: u128) -> (Table<ServiceId, u32>, Method) {
        let takes = |request: &Resources| request.amounts()[k];
        let spare =
            self.services.iter().filter(|(service, (request, one))| best[*service] > one.least && takes(request) > 0);
        let (services, items): (Vec<ServiceId>, Vec<Item>) = spare
            .map(|(service, (request, one))| {
                let price = one.switching.saturating_sub(one.running);
                (service, Item { size: takes(request), price, count: best[service] - one.least })
            })
            .unzip();
        let (given_up, method) = cover::cheapest(&items, excess);
        for (service, count) in services.into_iter().zip(given_up) {
            best[service] -= count;
        }
        (best, method)
    }
}

/// Something that can be given up: what it frees of each resource that is short.
struct Spare {
    service: ServiceId,
    sizes: Vec<u64>,
    price: u64,
    count: u32,
}

/// A depth-first search over what is given up.
struct Search {
    best: Table<ServiceId, u32>,
    spares: Vec<Spare>,
    needed: Vec<u128>,
    /// By resource that is short: spares by rising price for what they free of it.
    orders: Vec<Vec<usize>>,
    counts: Vec<u32>,
    found: Option<(u128, Vec<u32>)>,
    nodes: u32,
    bound: u128,
}

impl Search {
    fn new(problem: &Problem, best: Table<ServiceId, u32>, short: &[usize]) -> Self {
        let excess = problem.excess(&best);
        let spare = |(service, (request, one)): (ServiceId, &(Resources, super::Scaled))| {
            let sizes: Vec<u64> = short.iter().map(|k| request.amounts()[*k]).collect();
            let price = one.switching.saturating_sub(one.running);
            Spare { service, sizes, price, count: best[service] - one.least }
        };
        let mut spares: Vec<Spare> = problem.services.iter().map(spare).collect();
        spares.retain(|spare| spare.count > 0 && spare.sizes.iter().any(|size| *size > 0));
        let needed: Vec<u128> = short.iter().map(|k| excess[*k]).collect();
        let worth = |spare: &Spare| {
            let shares = spare.sizes.iter().zip(&needed).map(|(size, needed)| *size as f64 / *needed as f64);
            spare.price as f64 / shares.sum::<f64>()
        };
        spares.sort_by(|a, b| worth(a).total_cmp(&worth(b)));
        let orders = (0..short.len()).map(|row| by_rate_in(&spares, row)).collect();
        let counts = vec![0; spares.len()];
        Self { best, spares, needed, orders, counts, found: None, nodes: 0, bound: 0 }
    }

    /// The best numbers, and what must at least be paid for giving up.
    fn run(mut self, nodes: u32) -> (Table<ServiceId, u32>, u128) {
        self.nodes = nodes;
        self.bound = self.relaxed(0, &self.needed.clone());
        self.descend(0, &self.needed.clone(), 0);
        let (cost, counts) = self.found.take().unwrap_or_else(|| self.everything());
        for (spare, count) in self.spares.iter().zip(counts) {
            self.best[spare.service] -= count;
        }
        (self.best, if self.nodes > 0 { cost } else { self.bound })
    }

    /// All that can be given up, which is always enough.
    fn everything(&self) -> (u128, Vec<u32>) {
        let cost = self.spares.iter().map(|spare| u128::from(spare.price) * u128::from(spare.count)).sum();
        (cost, self.spares.iter().map(|spare| spare.count).collect())
    }

    fn descend(&mut self, from: usize, left: &[u128], paid: u128) {
        if left.iter().all(|left| *left == 0) {
            if self.found.as_ref().is_none_or(|(best, _)| paid < *best) {
                self.found = Some((paid, self.counts.clone()));
            }
            return;
        }
        let bound = self.relaxed(from, left);
        if self.nodes == 0 || bound == u128::MAX || self.found.as_ref().is_some_and(|(best, _)| paid + bound >= *best) {
            return;
        }
        self.nodes -= 1;
        let Spare { sizes, price, count, .. } = &self.spares[from];
        let (sizes, price) = (sizes.clone(), u128::from(*price));
        let useful = left.iter().zip(&sizes).filter(|(_, size)| **size > 0);
        let most = useful.map(|(left, size)| left.div_ceil(u128::from(*size))).max().unwrap_or(0).min((*count).into());
        for units in (0..=u32::try_from(most).expect("no more than the count")).rev() {
            let rest = left.iter().zip(&sizes);
            let rest: Vec<u128> =
                rest.map(|(left, size)| left.saturating_sub(u128::from(*size) * u128::from(units))).collect();
            self.counts[from] = units;
            self.descend(from + 1, &rest, paid + price * u128::from(units));
        }
        self.counts[from] = 0;
    }

    /// What the spares from `from` on must at least cost: the dearest of the rows, each by itself with units that may be cut.
    fn relaxed(&self, from: usize, left: &[u128]) -> u128 {
        let rows = self.orders.iter().enumerate().map(|(row, order)| {
            let (mut cost, mut left) = (0u128, left[row]);
            for spare in order.iter().filter(|index| **index >= from).map(|index| &self.spares[*index]) {
                if left == 0 {
                    break;
                }
                let frees = u128::from(spare.sizes[row]) * u128::from(spare.count);
                let taken = frees.min(left);
                cost += (taken * u128::from(spare.price)) / u128::from(spare.sizes[row]);
                left -= taken;
            }
            if left > 0 { u128::MAX } else { cost }
        });
        rows.max().unwrap_or(0)
    }
}

/// Spares that free something of a row, by rising price for it.
fn by_rate_in(spares: &[Spare], row: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spares.len()).filter(|index| spares[*index].sizes[row] > 0).collect();
    let rate = |a: &usize, b: &usize| -> Ordering {
        let (a, b) = (&spares[*a], &spares[*b]);
        (u128::from(a.price) * u128::from(b.sizes[row])).cmp(&(u128::from(b.price) * u128::from(a.sizes[row])))
    };
    order.sort_by(rate);
    order
}
