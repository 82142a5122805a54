//! What services have to do with each other and with domains of clusters: distances along calls, company, shares, spread.
//!
//! Each of these has a price for a unit by which it is broken, and none of them is a constraint of the search: a rule that
//! must hold has a price above that of refusing replicas, so that an answer breaks it only where it was broken before and
//! cannot be mended. That is "fix first, never worsen" without a second kind of infeasibility. What a unit is says
//! [`breach`](crate::model::breach), and a test holds both to the same counts.

use super::limits::{Limit, Stay};
use super::problem::{Problem, index};
use super::totals::{Balance, Budget};

/// Everything beyond single services and single clusters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// What it costs that callers and called are apart: a row of clusters for each cluster, zero on the diagonal.
    pub distances: Vec<Vec<f64>>,
    /// Who calls whom.
    pub pairs: Vec<Pair>,
    /// Who has to be near whom.
    pub nears: Vec<Near>,
    /// Services that belong together or apart.
    pub groups: Vec<Group>,
    /// What is asked of the division of one service over domains of clusters.
    pub limits: Vec<Limit>,
    /// Services whose replicas are to stay.
    pub stays: Vec<Stay>,
    /// Limits on what everything costs together.
    pub budgets: Vec<Budget>,
    /// What it costs that some cluster is fuller than the others.
    pub balance: Option<Balance>,
}

/// `weight · Σ_e share of `from` in e · min over e' with replicas of `to` of distance[e, e']`; nothing where one of them has
/// no replica.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The caller.
    pub from: u32,
    /// The called.
    pub to: u32,
    /// Which of the distances.
    pub distance: u32,
    /// What it is multiplied by.
    pub weight: f64,
}

/// Replicas of `from` that are far from all of `to`; nothing where one of them has no replica.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// The caller.
    pub from: u32,
    /// The called.
    pub to: u32,
    /// Whether a cluster is too far from another: a row of clusters for each cluster.
    pub is_far: Vec<bool>,
    /// Price of each.
    pub price: f64,
}

/// Services that belong together or apart, cluster by cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Which services.
    pub services: Vec<u32>,
    /// Together: the members that run somewhere and are missing from a cluster where another one is. Apart: the members in
    /// a cluster beyond the first.
    pub is_together: bool,
    /// Price of each.
    pub price: f64,
}

/// How the members of a group meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meeting {
    /// Members that have replicas at all.
    pub running: u32,
    /// Clusters where some of them are.
    pub clusters: u32,
    /// Members in a cluster, over all clusters.
    pub members: u32,
}

impl Rules {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
            && self.nears.is_empty()
            && self.groups.is_empty()
            && self.limits.is_empty()
            && self.stays.is_empty()
            && self.has_no_totals()
    }

    /// Whether nothing is asked of all services together.
    pub const fn has_no_totals(&self) -> bool {
        self.budgets.is_empty() && self.balance.is_none()
    }

    /// All that is broken, priced.
    pub fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let pairs: f64 = self.pairs.iter().map(|pair| self.cost_of_pair(pair, problem, counts)).sum();
        let nears: f64 = self.nears.iter().map(|near| near.cost(problem, counts)).sum();
        let groups: f64 = self.groups.iter().map(|group| group.cost(problem, counts)).sum();
        let limits: f64 = self.limits.iter().map(|limit| limit.cost(problem, counts)).sum();
        let stays: f64 = self.stays.iter().map(|stay| stay.cost(problem, counts)).sum();
        let budgets: f64 = self.budgets.iter().map(|budget| budget.cost(counts)).sum();
        let balance = self.balance.as_ref().map_or(0.0, |balance| balance.cost(problem, counts));
        pairs + nears + groups + limits + stays + budgets + balance
    }

    /// What one call costs.
    pub fn cost_of_pair(&self, pair: &Pair, problem: &Problem, counts: &[u32]) -> f64 {
        let distance = &self.distances[pair.distance as usize];
        let callers = problem.places_of(pair.from as usize).filter(|place| counts[*place] > 0);
        let (mut far, mut all) = (0.0, 0.0);
        for caller in callers {
            let row = &distance[problem.places[caller].cluster as usize * problem.clusters()..];
            let called = problem.places_of(pair.to as usize).filter(|place| counts[*place] > 0);
            let nearest = called.map(|place| row[problem.places[place].cluster as usize]).fold(f64::INFINITY, f64::min);
            let work = f64::from(counts[caller]) * f64::from(problem.places[caller].yields);
            far += if nearest.is_finite() { work * nearest } else { 0.0 };
            all += work;
        }
        if all > 0.0 { pair.weight * far / all } else { 0.0 }
    }

    /// Whether a rule names the service. Those about all of them name none.
    pub fn name(&self, service: u32) -> bool {
        self.pairs.iter().any(|pair| pair.from == service || pair.to == service)
            || self.nears.iter().any(|near| near.from == service || near.to == service)
            || self.groups.iter().any(|group| group.services.contains(&service))
            || self.limits.iter().any(|limit| limit.service == service)
            || self.stays.iter().any(|stay| stay.service == service)
    }
}

impl Near {
    /// Price of the replicas that are too far away.
    pub fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let called = || problem.places_of(self.to as usize).filter(|place| counts[*place] > 0);
        if called().next().is_none() {
            return 0.0;
        }
        let cluster = |place: usize| problem.places[place].cluster as usize;
        let is_far = |from: usize| called().all(|to| self.is_far[cluster(from) * problem.clusters() + cluster(to)]);
        let callers = problem.places_of(self.from as usize).filter(|place| counts[*place] > 0);
        callers.filter(|place| is_far(*place)).map(|place| f64::from(counts[place])).sum::<f64>() * self.price
    }
}

impl Meeting {
    /// What a group costs that is kept together: in every cluster with some of it, those who run and are not there.
    pub fn cost_together(self, price: f64) -> f64 {
        f64::from(self.running * self.clusters - self.members) * price
    }
}

impl Group {
    /// Price of `members` of a group that is kept apart in one cluster.
    pub fn cost_apart(&self, members: u32) -> f64 {
        f64::from(members.saturating_sub(1)) * self.price
    }

    fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let mut here = vec![0u32; problem.clusters()];
        let mut running = 0;
        for service in &self.services {
            let used = problem.places_of(*service as usize).filter(|place| counts[*place] > 0);
            let mut runs = false;
            for place in used {
                here[problem.places[place].cluster as usize] += 1;
                runs = true;
            }
            running += u32::from(runs);
        }
        if self.is_together {
            let clusters = index(here.iter().filter(|members| **members > 0).count());
            return Meeting { running, clusters, members: here.iter().sum() }.cost_together(self.price);
        }
        here.into_iter().map(|members| self.cost_apart(members)).sum()
    }
}
