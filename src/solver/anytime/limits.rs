//! What is asked of one service alone: how its replicas are divided over domains of clusters, and that they stay.

use super::problem::{Problem, index};

/// A demand on the division of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Whose.
    pub service: u32,
    /// Its places by domain, as positions among its places. Places in no domain do not count.
    pub domains: Vec<Vec<u32>>,
    /// What is asked.
    pub quota: Quota,
    /// Price of each unit by which it is broken.
    pub price: f64,
}

/// What is asked of a division.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quota {
    /// At most so many replicas in each domain.
    Most(u32),
    /// At most this share of all replicas in each domain, rounded up: `parts` of `of`.
    Share {
        /// The numerator.
        parts: u64,
        /// The denominator.
        of: u64,
    },
    /// So many replicas are left when the domain with most of them is lost.
    Survive(u32),
    /// Replicas in so many domains, or in as many as there are replicas.
    Spread(u32),
}

/// Replicas of a service that are to stay where they are.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// Whose.
    pub service: u32,
    /// By place of the service: replicas that may stay there.
    pub kept: Vec<u32>,
    /// Replicas that could have stayed in places that are closed.
    pub lost: u32,
    /// Price of each that leaves while another one starts elsewhere.
    pub price: f64,
}

impl Limit {
    /// Price of what is broken.
    pub fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        self.units(&counts[problem.places_of(self.service as usize)]) as f64 * self.price
    }

    /// By how many units the demand is broken, given the replicas of the service by place.
    fn units(&self, counts: &[u32]) -> u64 {
        let held = |places: &Vec<u32>| places.iter().map(|at| u64::from(counts[*at as usize])).sum::<u64>();
        let domains = || self.domains.iter().map(held);
        match self.quota {
            Quota::Most(most) => domains().map(|held| held.saturating_sub(most.into())).sum(),
            Quota::Share { parts, of } => {
                let all = domains().map(u128::from).sum::<u128>();
                let most = (all * u128::from(parts)).div_ceil(u128::from(of.max(1)));
                let most = u64::try_from(most).unwrap_or(u64::MAX);
                domains().map(|held| held.saturating_sub(most)).sum()
            }
            Quota::Survive(at_least) => {
                let left = domains().sum::<u64>() - domains().max().unwrap_or(0);
                u64::from(at_least).saturating_sub(left)
            }
            Quota::Spread(at_least) => {
                let wanted = u64::from(at_least).min(domains().sum());
                wanted.saturating_sub(domains().filter(|held| *held > 0).count() as u64)
            }
        }
    }

    /// The same demand where only some places are left: `position` of each of the old ones.
    #[must_use]
    pub fn translated(&self, service: u32, position: &dyn Fn(u32) -> Option<u32>) -> Self {
        let kept = |places: &Vec<u32>| places.iter().filter_map(|at| position(*at)).collect::<Vec<u32>>();
        let domains = self.domains.iter().map(kept).filter(|places| !places.is_empty()).collect();
        Self { service, domains, ..*self }
    }
}

impl Stay {
    /// Price of the replicas that leave, as far as as many start elsewhere.
    pub fn cost(&self, problem: &Problem, counts: &[u32]) -> f64 {
        let (mut lost, mut gained) = (u64::from(self.lost), 0u64);
        for (at, place) in problem.places_of(self.service as usize).enumerate() {
            lost += u64::from(self.kept[at].saturating_sub(counts[place]));
            gained += u64::from(counts[place].saturating_sub(problem.places[place].incumbent));
        }
        lost.min(gained) as f64 * self.price
    }

    /// The same where only some places are left, with these `positions` among the old ones.
    #[must_use]
    pub fn translated(&self, service: u32, positions: &[u32]) -> Self {
        let kept: Vec<u32> = positions.iter().map(|at| self.kept[*at as usize]).collect();
        let all: u32 = self.kept.iter().sum();
        let lost = self.lost + all - kept.iter().sum::<u32>();
        Self { service, kept, lost, price: self.price }
    }
}

/// Domains of places that are told by a number each.
pub fn by_number(numbers: &[u32]) -> Vec<Vec<u32>> {
    let mut domains: std::collections::BTreeMap<u32, Vec<u32>> = std::collections::BTreeMap::new();
    for (at, number) in numbers.iter().enumerate() {
        domains.entry(*number).or_default().push(index(at));
    }
    domains.into_values().collect()
}
