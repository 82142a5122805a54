//! Which clusters are used at all: branch and bound over that question, with prices as bounds.
//!
//! A price for using a cluster is where the Lagrangian bound is weakest: it pays `activation · utilisation`, because half a
//! cluster costs half. Decided one way or the other, the weakness is gone: a cluster that is used is paid for in full, one
//! that is not is closed to all. So the clusters are decided one by one, the emptiest of the best answer first, always in the
//! branch with the lowest bound, each branch starting from the prices of the one above it. The lowest bound of all open
//! branches bounds the whole; every branch suggests an answer too.

use super::prices::{Ascent, Prices};
use super::problem::Problem;

/// Prices at which nobody goes anywhere.
pub const CLOSED: f64 = 1e15;

/// What is decided in a branch.
#[derive(Debug, Clone)]
struct Branch {
    bound: f64,
    prices: Vec<f64>,
    is_used: Vec<Option<bool>>,
}

/// A search over the clusters with a price.
pub struct Branching<'p, 'a> {
    problem: &'a Problem,
    prices: &'p mut Prices<'a>,
    open: Vec<Branch>,
    /// The lowest bound of branches that are wholly decided.
    decided: f64,
    /// Clusters in the order in which they are decided.
    order: Vec<usize>,
}

impl<'p, 'a> Branching<'p, 'a> {
    /// Nothing is decided but that clusters without a price are used. `order` lists the clusters to be decided.
    pub fn new(problem: &'a Problem, prices: &'p mut Prices<'a>, order: Vec<usize>) -> Self {
        let is_used = problem.activation.iter().map(|price| (*price <= 0.0).then_some(true)).collect();
        let root = Branch { bound: prices.bound, prices: prices.best.clone(), is_used };
        Self { problem, prices, open: vec![root], decided: f64::INFINITY, order }
    }

    /// No answer costs less.
    pub fn bound(&self) -> f64 {
        self.open.iter().map(|branch| branch.bound).fold(self.decided, f64::min)
    }

    /// Decides one more cluster in the branch with the lowest bound, against an answer of `cost`. `suggest` is told the prices
    /// of both branches. Whether there is more to decide.
    pub fn step(&mut self, cost: f64, suggest: &mut dyn FnMut(&Prices<'_>)) -> bool {
        let lowest = (0..self.open.len()).min_by(|a, b| self.open[*a].bound.total_cmp(&self.open[*b].bound));
        let Some(at) = lowest.filter(|at| self.open[*at].bound < cost) else { return false };
        let branch = self.open.swap_remove(at);
        let undecided = self.order.iter().copied().find(|cluster| branch.is_used[*cluster].is_none());
        let Some(cluster) = undecided else {
            self.decided = self.decided.min(branch.bound);
            return self.bound() < cost && !self.open.is_empty();
        };
        for is_used in [true, false] {
            let mut child = branch.clone();
            child.is_used[cluster] = Some(is_used);
            self.bound_of(&mut child, (cluster, cost));
            suggest(self.prices);
            if child.bound < cost {
                self.open.push(child);
            } else {
                self.decided = self.decided.min(child.bound);
            }
        }
        true
    }

    /// The bound of a branch, from the prices of the one above.
    fn bound_of(&mut self, branch: &mut Branch, (cluster, cost): (usize, f64)) {
        let kinds = self.problem.kinds;
        let here = &mut branch.prices[cluster * kinds..][..kinds];
        if branch.is_used[cluster] == Some(false) {
            here.fill(CLOSED);
        }
        let kept = (self.prices.bound, self.prices.best.clone());
        (self.prices.bound, self.prices.best) = (f64::NEG_INFINITY, branch.prices.clone());
        self.prices.decide(&branch.is_used);
        let ascent = Ascent { rounds: 60, patience: 6, step: 0.5 };
        self.prices.ascend(cost, &ascent, || false);
        // A branch allows less than the one above, so its bound is at least as high.
        branch.bound = branch.bound.max(self.prices.bound);
        branch.prices.copy_from_slice(&self.prices.best);
        (self.prices.bound, self.prices.best) = kept;
        self.prices.decide(&[]);
    }
}
