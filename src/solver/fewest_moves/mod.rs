//! Whole services to clusters with the fewest moves: the original's placement objective, nearly always decided without a search.
//!
//! The Synergetic Meta-Orchestrator minimises `w_dep·Σ x + w_re·Σ y·(y − x)` over one-hot rows `x`, with `y` the present
//! placement. **P0.** The first term is the constant `w_dep·|S|` and the second counts the services that leave their cluster,
//! so no weight changes the answer, and where nothing is placed yet every feasible `x` is optimal. **P1.** If `y` is
//! complete and feasible, it is the only optimum.
//!
//! **P2 (bound).** Let `F` be the services that may not stay where they are, and `A_e` the others in cluster `e`. Of `A_e` at least
//! `κ_e` leave: the least number of largest ones (of each resource by itself) after whose removal the rest fits. So
//! `moves ≥ |F| + Σ κ_e`. *Proof.* Those that stay fit, and removing j services frees at most what the j largest hold. ∎
//!
//! **P3 (certificate).** An answer with as many moves as the bound is optimal. `evict` takes `κ_e` services out of each
//! cluster that is asked for too much, `pack` puts them and the newcomers where they fit best, and repairs by shifting
//! movers and by evicting another one instead. Other sets are tried if that fails, and where nothing meets the bound,
//! `search` deepens move by move: what it finds has been proved by its depth. Where nothing fits that way at all, or a
//! service is counted in several clusters, [`whole`] branches over everything. Two clusters with one resource that is short, and
//! services that all take the same, are decided exactly by [`two_clusters`](super::two_clusters) and
//! [`unit_flow`](super::unit_flow).
//!
//! Feasibility alone is bin packing (P9), so some instances stay open; the answer says what was proved.

mod evict;
mod pack;
mod search;
mod special;

use super::whole;
use crate::model::{ClusterId, Resources, ServiceId, Table, id::Id};

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What clusters have.
    pub capacity: Table<ClusterId, Resources>,
    /// The services.
    pub services: Table<ServiceId, Whole>,
    /// By kind of service: which clusters it may use.
    pub kinds: Vec<Table<ClusterId, bool>>,
}

/// One service, which is in one cluster as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    /// What all its replicas take.
    pub need: Resources,
    /// Where it is; `None` for a newcomer.
    pub home: Option<ClusterId>,
    /// Further clusters where it is counted as being: a record that names several.
    pub more_homes: Vec<ClusterId>,
    /// Index of its kind.
    pub kind: usize,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where each service is.
    pub places: Table<ServiceId, ClusterId>,
    /// Services that leave.
    pub moves: u32,
    /// No answer has fewer moves.
    pub bound: u32,
    /// How it was found.
    pub method: Method,
}

/// How an answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Everything may stay: P1.
    Unchanged,
    /// The bound P2 is met: P3.
    Certificate,
    /// By a table over the load of one of two clusters: P5.
    Table,
    /// By a flow of least cost, where all services take the same: P4.
    Flow,
    /// By searching deeper and deeper.
    Search,
    /// By eviction and packing, with more moves than the bound.
    Heuristic,
}

impl Method {
    /// Its name in plans and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unchanged => "unchanged",
            Self::Certificate => "certificate",
            Self::Table => "two clusters",
            Self::Flow => "unit flow",
            Self::Search => "search",
            Self::Heuristic => "evict and pack",
        }
    }
}

impl Answer {
    /// Whether no answer has fewer moves.
    pub const fn is_proved(&self) -> bool {
        self.moves == self.bound
    }
}

/// No answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// There is none, which is proved.
    #[error("no placement of whole services fits the clusters")]
    Infeasible,
    /// None was found within the nodes.
    #[error("no placement of whole services was found within {nodes} nodes; whether there is one is open")]
    NotFound {
        /// Nodes of the search.
        nodes: u32,
    },
}

/// A node of the branch and bound over all services takes about as long as so many of the deepening search.
const BRANCH_EVERY: u32 = 4;

impl Problem {
    /// Whether `service` may use `cluster`.
    pub fn may_use(&self, service: ServiceId, cluster: ClusterId) -> bool {
        self.kinds[self.services[service].kind][cluster]
    }

    /// Whether every service may be where `places` says, and everything fits.
    pub fn admits(&self, places: &Table<ServiceId, ClusterId>) -> bool {
        let mut taken = Table::build(self.capacity.len(), |_: ClusterId| Resources::ZERO);
        for (service, cluster) in places.iter() {
            if !self.may_use(service, *cluster) {
                return false;
            }
            taken[*cluster] += self.services[service].need;
        }
        places.len() == self.services.len() && taken.iter().all(|(cluster, taken)| self.capacity[cluster].fits(*taken))
    }

    /// Services that are counted somewhere and are not there.
    pub fn moves(&self, places: &Table<ServiceId, ClusterId>) -> u32 {
        let moved = self.services.iter().filter(|(service, one)| one.is_moved_to(places[*service]));
        u32::try_from(moved.count()).unwrap_or(u32::MAX)
    }

    /// The best answer within `nodes` of the search.
    ///
    /// # Errors
    /// Where there is none, or none was found.
    ///
    /// # Panics
    /// Where an answer breaks a constraint after all: our own mistake, never applied.
    pub fn solve(&self, nodes: u32) -> Result<Answer, NoAnswer> {
        if self.is_impossible() {
            return Err(NoAnswer::Infeasible);
        }
        if sum(self.services.values().map(|one| one.need)).iter().any(|all| *all > u128::from(u64::MAX / 2)) {
            // Amounts that no cluster has; sums of them would not fit either.
            return Err(NoAnswer::NotFound { nodes: 0 });
        }
        let start = evict::Start::new(self);
        let answer = match self.certified(&start) {
            Some(answer) if answer.is_proved() => answer,
            _ if special::applies(self) => special::solve(self)?,
            // What is counted in several clusters may move for nothing, so depths prove nothing about it.
            Some(answer) if self.services.values().all(|one| one.more_homes.is_empty()) => {
                search::improve(self, &start, answer, nodes)
            }
            other => self.branch(other, nodes)?,
        };
        assert!(self.admits(&answer.places), "an answer of {:?} breaks a constraint", answer.method);
        Ok(answer)
    }

    /// By branch and bound over all services, where nothing was found or depths prove nothing.
    fn branch(&self, found: Option<Answer>, nodes: u32) -> Result<Answer, NoAnswer> {
        let cost = |service: ServiceId, cluster| {
            let is_moved = i64::from(self.services[service].is_moved_to(cluster));
            self.may_use(service, cluster).then_some(is_moved)
        };
        let problem = whole::Problem {
            capacity: self.capacity.clone(),
            needs: self.services.values().map(|one| one.need).collect(),
            costs: self
                .services
                .ids()
                .map(|service| clusters(self).map(|cluster| cost(service, cluster)).collect())
                .collect(),
        };
        let count = |cost: i64| u32::try_from(cost).unwrap_or(0);
        match problem.solve(found.as_ref().map(|found| &found.places), nodes / BRANCH_EVERY) {
            Ok(whole::Answer { places, cost, bound }) => {
                let bound = count(bound).max(found.map_or(0, |found| found.bound)).min(count(cost));
                Ok(Answer { places, moves: count(cost), bound, method: Method::Search })
            }
            Err(whole::NoAnswer::Infeasible) => Err(NoAnswer::Infeasible),
            Err(whole::NoAnswer::NotFound { nodes }) => Err(NoAnswer::NotFound { nodes }),
        }
    }

    /// Cheap proofs that nothing fits: a service larger than every cluster it may use, or more in all than there is.
    fn is_impossible(&self) -> bool {
        let all: [u128; 4] = sum(self.services.values().map(|one| one.need));
        let have: [u128; 4] = sum(self.capacity.values().copied());
        let fits_nowhere = |(service, one): (ServiceId, &Whole)| {
            let fits = |(cluster, capacity): (ClusterId, &Resources)| {
                self.may_use(service, cluster) && capacity.fits(one.need)
            };
            !self.capacity.iter().any(fits)
        };
        all.iter().zip(have).any(|(all, have)| *all > have) || self.services.iter().any(fits_nowhere)
    }

    /// Evicts and packs in several ways, until one meets the bound.
    fn certified(&self, start: &evict::Start) -> Option<Answer> {
        let mut best: Option<Answer> = None;
        for choice in evict::CHOICES {
            let mut draft = pack::Draft::new(self, start);
            draft.evict_by(choice);
            if !draft.pack() {
                continue;
            }
            let places = draft.places();
            let moves = self.moves(&places);
            let method = match moves {
                0 if start.is_sound => Method::Unchanged,
                _ if moves == start.bound => Method::Certificate,
                _ => Method::Heuristic,
            };
            if best.as_ref().is_none_or(|best| moves < best.moves) {
                best = Some(Answer { places, moves, bound: start.bound, method });
            }
            if moves == start.bound {
                break;
            }
        }
        best
    }
}

impl Whole {
    /// Whether being in `cluster` is a move.
    pub fn is_moved_to(&self, cluster: ClusterId) -> bool {
        self.home.is_some_and(|home| home != cluster) && !self.more_homes.contains(&cluster)
    }
}

fn sum(amounts: impl Iterator<Item = Resources>) -> [u128; 4] {
    amounts.fold([0; 4], |mut sum, amount| {
        for (sum, amount) in sum.iter_mut().zip(amount.amounts()) {
            *sum += u128::from(amount);
        }
        sum
    })
}

/// Clusters by index; a table of them is small.
fn clusters(problem: &Problem) -> impl DoubleEndedIterator<Item = ClusterId> + use<> {
    (0..problem.capacity.len()).map(ClusterId::from_index)
}
