//! What services have to do with each other and with domains of clusters: distances along calls, company, shares, spread.
//!
//! Each of these has a price for a unit by which it is broken, and none of them is a constraint of the search: a rule that
//! must hold has a price above that of refusing replicas, so that an answer breaks it only where it was broken before and
//! cannot be mended. That is "fix first, never worsen" without a second kind of infeasibility.

use super::problem::Problem;

/// Everything beyond single services.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rules {
    /// What it costs that callers and called are apart: a row of clusters for each cluster, zero on the diagonal.
    pub distances: Vec<Vec<f64>>,
    /// Who calls whom.
    pub pairs: Vec<Pair>,
    /// Services that belong together or apart.
    pub groups: Vec<Group>,
    /// Limits on what a set of clusters holds of one service.
    pub caps: Vec<Cap>,
    /// Services that have to be in several domains.
    pub spreads: Vec<Spread>,
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

/// Services that belong together or apart, cluster by cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Which services.
    pub services: Vec<u32>,
    /// Together: the members that are missing from a cluster where another one is. Apart: the members in a cluster beyond
    /// the first.
    pub is_together: bool,
    /// Price of each.
    pub price: f64,
}

/// Replicas of one service in a set of places beyond a limit.
#[derive(Debug, Clone, PartialEq)]
pub struct Cap {
    /// Whose.
    pub service: u32,
    /// The places.
    pub places: Vec<u32>,
    /// The limit.
    pub most: u32,
    /// Price of each replica beyond it.
    pub price: f64,
}

/// Domains that are missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// Whose.
    pub service: u32,
    /// The domain of each of its places.
    pub domains: Vec<u32>,
    /// How many are wanted, or as many as there are replicas.
    pub at_least: u32,
    /// Price of each that is missing.
    pub price: f64,
}

impl Rules {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty() && self.groups.is_empty() && self.caps.is_empty() && self.spreads.is_empty()
    }

    /// All that is broken, priced.
    pub fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let pairs = self.pairs.iter().map(|pair| self.cost_of_pair(pair, problem, counts));
        let groups = self.groups.iter().map(|group| group.cost(problem, counts));
        let caps = self.caps.iter().map(|cap| cap.cost(counts));
        let spreads = self.spreads.iter().map(|spread| spread.cost(problem, counts));
        pairs.sum::<f64>() + groups.sum::<f64>() + caps.sum::<f64>() + spreads.sum::<f64>()
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
}

impl Group {
    /// Price of `members` of the group being in one cluster.
    pub fn cost_of(&self, members: u32) -> f64 {
        let wrong = match (self.is_together, members) {
            (_, 0) => 0,
            (true, members) => super::problem::index(self.services.len()) - members,
            (false, members) => members - 1,
        };
        f64::from(wrong) * self.price
    }

    fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let mut members = vec![0; problem.clusters()];
        for service in &self.services {
            for place in problem.places_of(*service as usize).filter(|place| counts[*place] > 0) {
                members[problem.places[place].cluster as usize] += 1;
            }
        }
        members.into_iter().map(|members| self.cost_of(members)).sum()
    }
}

impl Cap {
    /// Price of what is beyond the limit.
    pub fn cost(&self, counts: &[u32]) -> f64 {
        let held: u32 = self.places.iter().map(|place| counts[*place as usize]).sum();
        f64::from(held.saturating_sub(self.most)) * self.price
    }
}

impl Spread {
    /// Price of the domains that are missing.
    pub fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let places = problem.places_of(self.service as usize);
        let replicas: u32 = counts[places.clone()].iter().sum();
        let is_first = |at: usize| {
            let used = |other: &usize| counts[places.start + other] > 0 && self.domains[*other] == self.domains[at];
            (0..at).find(used).is_none()
        };
        let used = (0..places.len()).filter(|at| counts[places.start + at] > 0 && is_first(*at)).count();
        f64::from(self.at_least.min(replicas).saturating_sub(super::problem::index(used))) * self.price
    }
}
