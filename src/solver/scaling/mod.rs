//! How many replicas each service of one cluster should have: the exact answer, mostly in one pass.
//!
//! ```text
//! min  Σ_s f_s(r_s),   f_s(r) = a_s·r + b_s·|r − p_s|       running, and changing the present number p_s
//! s.t. L_s ≤ r_s ≤ U_s,   Σ_s c_s·r_s ≤ C                   c_s, C in one unit, like millicores
//! ```
//!
//! This is the scaling problem of the Synergetic Meta-Orchestrator (`a = w_util·c/max_j(max_j·c_j)`, `b = w_trans/max`) and
//! of every capacity model whose sufficient numbers are an interval `[L, U]`: only the bounds know the model.
//!
//! **Lemma 1.** On `[L, U]`, `f` is least at `L` where `a ≥ b`, and at `p` clamped into `[L, U]` elsewhere: its slope is
//! `a − b` left of `p` and `a + b ≥ 0` right of it. Where `a = b` all of `L ..= max(L, min(p, U))` tie; [`Tie`] says which
//! end is meant.
//!
//! **Theorem 2.** With `r⁰` of the lemma: (i) there is no answer exactly if some `L_s > U_s` or `Σ c_s·L_s > C`. (ii) If
//! `Σ c_s·r⁰_s ≤ C`, `r⁰` is optimal. (iii) Otherwise `r⁰ − d` is, where `d` is a cheapest way to give up
//! `K = Σ c_s·r⁰_s − C`: `min Σ w_s·d_s, Σ c_s·d_s ≥ K, 0 ≤ d_s ≤ r⁰_s − L_s` over the services with `a_s ≤ b_s < ∞`,
//! `p_s > L_s`, and `w_s = b_s − a_s`. *Proof.* (i) `L` uses least. (ii) Every term is least. (iii) An optimum may be taken
//! with `r ≤ r⁰`, since raising a number above `r⁰` costs and uses more; and on `[L, r⁰]` every such `f_s` is linear with
//! slope `−w_s`, while where `a_s > b_s` or `p_s ≤ L_s` there is nothing below `r⁰_s = L_s`. ∎
//!
//! Part (iii) is a bounded knapsack: [`cover`] has its special cases and its exact method, [`several`] the same for more than
//! one resource. One service over several periods is [`solver::horizon`](crate::solver::horizon)'s.

pub mod core;
pub mod cover;
#[cfg(feature = "milp")]
pub mod referee;
pub mod several;
pub mod tables;

use crate::model::{ServiceId, Table};

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The services of the cluster.
    pub services: Table<ServiceId, Scaled>,
    /// What the cluster has (`C`).
    pub capacity: u64,
    /// Which of several equally good numbers is meant.
    pub tie: Tie,
}

/// One service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scaled {
    /// What one replica takes (`c`), in the unit of the capacity.
    pub request: u64,
    /// Replicas that it has (`p`).
    pub present: u32,
    /// The fewest that serve what is asked for (`L`).
    pub least: u32,
    /// The most that are allowed (`U`).
    pub most: u32,
    /// Price of a replica (`a`).
    pub running: u64,
    /// Price of a replica more or less than there are (`b`).
    pub switching: u64,
}

/// Which end of equally good numbers is meant, where running and switching cost the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// The fewest replicas: they use least.
    Least,
    /// Those that are there: what `HiGHS` was seen to answer to the original.
    Present,
}

/// An optimum, unless its method says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Replicas.
    pub replicas: Table<ServiceId, u32>,
    /// `Σ f_s(r_s)`.
    pub cost: u128,
    /// How it was found.
    pub method: Method,
}

/// What proves an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Every term is at its least and fits: Theorem 2 (ii).
    ClosedForm,
    /// All sizes are equal, the cheapest are given up: Corollary 3 (b).
    EqualSizes,
    /// Greedy by `w/c` met what had to be given up exactly: Corollary 3 (d).
    Greedy,
    /// A table over what is given up: Corollary 3 (c).
    Table,
    /// A table for each size, joined by convex sums: Corollary 3 (c).
    FewSizes,
    /// States around the greedy answer, cut by bounds.
    Core,
    /// The best that was found where neither states nor a table fit memory: up to the price of one replica above the optimum.
    Unproved,
}

impl Method {
    /// Its name in plans and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClosedForm => "closed form",
            Self::EqualSizes => "equal sizes",
            Self::Greedy => "greedy certificate",
            Self::Table => "knapsack table",
            Self::FewSizes => "few sizes",
            Self::Core => "knapsack core",
            Self::Unproved => "knapsack core, cut short",
        }
    }
}

/// There is no answer; each case is a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Infeasible {
    /// More replicas are needed than are allowed.
    #[error("service {} needs {least} replicas and may have {most}", service.0)]
    Bounds {
        /// Whose.
        service: ServiceId,
        /// Needed.
        least: u32,
        /// Allowed.
        most: u32,
    },
    /// Even the fewest replicas of all services take too much.
    #[error("the fewest replicas take {needed}, the cluster has {capacity}")]
    Capacity {
        /// Taken by the fewest.
        needed: u128,
        /// There is.
        capacity: u64,
    },
}

impl Scaled {
    /// `f(replicas)`.
    pub fn cost(&self, replicas: u32) -> u128 {
        u128::from(self.running) * u128::from(replicas)
            + u128::from(self.switching) * u128::from(replicas.abs_diff(self.present))
    }

    /// Where `f` is least on `[least, most]`: Lemma 1.
    pub fn best(&self, tie: Tie) -> u32 {
        let shrinks = match tie {
            Tie::Least => self.running >= self.switching,
            Tie::Present => self.running > self.switching,
        };
        if shrinks { self.least } else { self.present.min(self.most).max(self.least) }
    }

    const fn takes(&self, replicas: u32) -> u128 {
        self.request as u128 * replicas as u128
    }
}

impl Problem {
    /// `Σ f_s(r_s)`.
    pub fn cost(&self, replicas: &Table<ServiceId, u32>) -> u128 {
        self.services.iter().map(|(service, one)| one.cost(replicas[service])).sum()
    }

    /// Whether `replicas` keep all bounds and the capacity.
    pub fn admits(&self, replicas: &Table<ServiceId, u32>) -> bool {
        let within = |(service, one): (ServiceId, &Scaled)| (one.least..=one.most).contains(&replicas[service]);
        let taken: u128 = self.services.iter().map(|(service, one)| one.takes(replicas[service])).sum();
        self.services.iter().all(within) && taken <= u128::from(self.capacity)
    }

    /// An optimum (see [`Method::Unproved`] for the exception), or the proof that there is no answer: Theorem 2.
    ///
    /// # Errors
    /// Where there is no answer.
    ///
    /// # Panics
    /// Where an answer breaks a constraint after all: our own mistake, never applied.
    pub fn solve(&self) -> Result<Answer, Infeasible> {
        let mut replicas = Vec::with_capacity(self.services.len());
        let (mut needed, mut taken, mut cost) = (0u128, 0u128, 0u128);
        for (service, one) in self.services.iter() {
            if one.least > one.most {
                return Err(Infeasible::Bounds { service, least: one.least, most: one.most });
            }
            let best = one.best(self.tie);
            needed += one.takes(one.least);
            taken += one.takes(best);
            cost += one.cost(best);
            replicas.push(best);
        }
        if needed > u128::from(self.capacity) {
            return Err(Infeasible::Capacity { needed, capacity: self.capacity });
        }
        let mut replicas: Table<ServiceId, u32> = replicas.into_iter().collect();
        let Some(excess) = taken.checked_sub(u128::from(self.capacity)).filter(|excess| *excess > 0) else {
            return Ok(Answer { replicas, cost, method: Method::ClosedForm });
        };
        let method = self.give_up(&mut replicas, excess);
        assert!(self.admits(&replicas), "an answer of {method:?} breaks a constraint of {self:?}");
        Ok(Answer { cost: self.cost(&replicas), replicas, method })
    }

    /// Takes the cheapest replicas away that free `excess`.
    fn give_up(&self, replicas: &mut Table<ServiceId, u32>, excess: u128) -> Method {
        let spare = self.services.iter().filter(|(service, one)| replicas[*service] > one.least && one.request > 0);
        let (services, items): (Vec<ServiceId>, Vec<cover::Item>) = spare
            .map(|(service, one)| {
                // Where running costs more than switching nothing is above `least`, so the difference is never negative.
                let price = one.switching.saturating_sub(one.running);
                (service, cover::Item { size: one.request, price, count: replicas[service] - one.least })
            })
            .unzip();
        let (given_up, method) = cover::cheapest(&items, excess);
        for (service, count) in services.into_iter().zip(given_up) {
            replicas[service] -= count;
        }
        method
    }
}

/// The parts into which a thousandth of a weight is divided, so that prices are integers: 2³⁰.
const PARTS: u128 = 1 << 30;

/// The original's prices: `a = w_util·c/M` and `b = w_trans/max`, `M = max_j(max_j·c_j)`, weights in thousandths; `None`
/// where `M` or a maximum is zero.
///
/// In units of 2⁻³⁰ thousandths, rounded to the nearest: equal prices stay equal and none overtakes another, so ties and
/// Lemma 1 are those of the fractions, and an objective is off by at most 10⁻¹² for each replica.
pub fn original_prices(
    (utilisation, transition): (u32, u32),
    requests: &[u64],
    maxima: &[u32],
) -> Option<Vec<(u64, u64)>> {
    let largest = requests.iter().zip(maxima).map(|(c, max)| u128::from(*c) * u128::from(*max)).max()?;
    let rounded = |numerator: u128, denominator: u128| {
        let value = (numerator * 2 + denominator) / (2 * denominator);
        u64::try_from(value).ok()
    };
    if largest == 0 || largest > 1 << 80 || maxima.contains(&0) {
        return None;
    }
    let (utilisation, transition) = (u128::from(utilisation) * PARTS, u128::from(transition) * PARTS);
    let price = |(c, max): (&u64, &u32)| {
        // Sizes beyond 2⁵⁰ are cut to it together with the largest, so that the product stays below 2¹²⁸.
        let shift = (128 - largest.leading_zeros()).saturating_sub(60);
        let running = rounded(utilisation * (u128::from(*c) >> shift), (largest >> shift).max(1))?;
        Some((running, rounded(transition, (*max).into())?))
    };
    requests.iter().zip(maxima).map(price).collect()
}

#[cfg(test)]
mod tests;
