//! Looks for answers with so many moves and no more, then with one more: what is found at a depth is proved by the depths before.
//!
//! Depth-first. While a cluster is asked for too much, one of its services leaves, in the order of ids so that no set is
//! looked at twice; a branch ends where those that still must leave are more than the moves that are left. Then those that
//! left are packed, the largest first, each into every cluster with room (of clusters with equal room one). If they do
//! not fit and a move is left, one more leaves from anywhere.

use super::evict::{self, KINDS, Start};
use super::{Answer, Method, Problem, clusters};
use crate::model::{ClusterId, ServiceId, Table, id::Id};

/// A better answer than `found`, or a better bound on it, as far as `nodes` go.
pub fn improve(problem: &Problem, start: &Start, found: Answer, nodes: u32) -> Answer {
    let mut search = Search::new(problem, start, nodes);
    let mut bound = start.bound;
    while bound < found.moves {
        if search.within(bound) {
            let places = search.places();
            let moves = problem.moves(&places);
            return Answer { places, moves, bound: bound.min(moves), method: Method::Search };
        }
        if search.nodes == 0 {
            break;
        }
        bound += 1;
    }
    Answer { bound, ..found }
}

struct Search<'a> {
    problem: &'a Problem,
    at: Table<ServiceId, Option<ClusterId>>,
    taken: Table<ClusterId, [u64; KINDS]>,
    residents: &'a Table<ClusterId, Vec<ServiceId>>,
    movers: Vec<ServiceId>,
    /// How large each service is.
    sizes: Table<ServiceId, f64>,
    /// Nodes that are left.
    nodes: u32,
    /// Room to work in, kept between nodes: amounts, movers by size, and what was free where a mover was tried.
    amounts: Vec<u64>,
    order: Vec<ServiceId>,
    tried: Vec<[u64; KINDS]>,
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem, start: &'a Start, nodes: u32) -> Self {
        let movers = start.at.iter().filter(|(_, at)| at.is_none()).map(|(service, _)| service).collect();
        let (at, taken) = (start.at.clone(), start.taken.clone());
        let shares = evict::shares(problem);
        Self {
            problem,
            at,
            taken,
            residents: &start.residents,
            movers,
            sizes: problem.services.ids().map(|service| evict::size(problem, shares, service)).collect(),
            nodes,
            amounts: Vec::new(),
            order: Vec::new(),
            tried: Vec::new(),
        }
    }

    fn places(&self) -> Table<ServiceId, ClusterId> {
        self.at.values().map(|at| at.expect("everything has a place")).collect()
    }

    /// Whether an answer with at most `depth` moves is found; it is left in `at`.
    fn within(&mut self, depth: u32) -> bool {
        let forced = self.movers.iter().filter(|service| self.problem.services[**service].home.is_some()).count();
        let left = depth.saturating_sub(u32::try_from(forced).expect("tables stay below 2^32 rows"));
        self.evict((ClusterId(0), 0), left)
    }

    /// Continues behind the given place in the order of clusters and their residents.
    fn evict(&mut self, (cluster, index): (ClusterId, usize), left: u32) -> bool {
        if self.nodes == 0 {
            return false;
        }
        self.nodes -= 1;
        let mut must = 0;
        for other in clusters(self.problem).skip(cluster.index()) {
            let from = if other == cluster { index } else { 0 };
            match self.least_leavers(other, from) {
                Some(least) => must += least,
                None => return false,
            }
            if must > left {
                return false;
            }
        }
        if must == 0 && self.packs() {
            return true;
        }
        if left == 0 {
            return false;
        }
        for other in clusters(self.problem).skip(cluster.index()) {
            let from = if other == cluster { index } else { 0 };
            let residents = self.residents;
            for (position, service) in residents[other].iter().copied().enumerate().skip(from) {
                self.take(service, other);
                self.movers.push(service);
                if self.evict((other, position + 1), left - 1) {
                    return true;
                }
                self.movers.pop();
                self.put(service, other);
            }
            // What is too much here cannot be made good further on.
            if evict::excess(self.problem, &self.taken, other).is_some() {
                return false;
            }
        }
        false
    }

    /// How many of the residents from `from` on must leave at least; `None` where not even all are enough.
    fn least_leavers(&mut self, cluster: ClusterId, from: usize) -> Option<u32> {
        let Some(excess) = evict::excess(self.problem, &self.taken, cluster) else { return Some(0) };
        let mut most = 0;
        for k in (0..KINDS).filter(|k| excess[*k] > 0) {
            let residents = self.residents[cluster][from..].iter();
            self.amounts.clear();
            self.amounts.extend(residents.map(|service| self.problem.services[*service].need.amounts()[k]));
            self.amounts.sort_unstable_by(|a, b| b.cmp(a));
            let (mut freed, mut count) = (0, 0);
            for size in &self.amounts {
                if freed >= excess[k] {
                    break;
                }
                freed += size;
                count += 1;
            }
            if freed < excess[k] {
                return None;
            }
            most = most.max(count);
        }
        Some(most)
    }

    /// Whether all movers find a place; where they do they have it.
    fn packs(&mut self) -> bool {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend(&self.movers);
        order.sort_unstable_by(|a, b| self.sizes[*b].total_cmp(&self.sizes[*a]).then(a.cmp(b)));
        let is_packed = self.pack(&order);
        self.order = order;
        is_packed
    }

    fn pack(&mut self, order: &[ServiceId]) -> bool {
        let Some((service, rest)) = order.split_first() else { return true };
        if self.nodes == 0 {
            return false;
        }
        self.nodes -= 1;
        let one = &self.problem.services[*service];
        let need = one.need.amounts();
        let first_tried = self.tried.len();
        let mut is_packed = false;
        for cluster in clusters(self.problem) {
            let free = evict::free(self.problem.capacity[cluster], self.taken[cluster]);
            let fits = need.iter().zip(free).all(|(need, free)| *need <= free);
            let is_alike = self.problem.kinds.len() == 1 && self.tried[first_tried..].contains(&free);
            if !fits || is_alike || !self.problem.may_use(*service, cluster) || Some(cluster) == one.home {
                continue;
            }
            self.tried.push(free);
            self.put(*service, cluster);
            is_packed = self.pack(rest);
            if is_packed {
                break;
            }
            self.take(*service, cluster);
        }
        self.tried.truncate(first_tried);
        is_packed
    }

    fn put(&mut self, service: ServiceId, cluster: ClusterId) {
        self.at[service] = Some(cluster);
        for (taken, need) in self.taken[cluster].iter_mut().zip(self.problem.services[service].need.amounts()) {
            *taken += need;
        }
    }

    fn take(&mut self, service: ServiceId, cluster: ClusterId) {
        self.at[service] = None;
        for (taken, need) in self.taken[cluster].iter_mut().zip(self.problem.services[service].need.amounts()) {
            *taken -= need;
        }
    }
}
