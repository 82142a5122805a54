//! Puts evicted services and newcomers where they fit best, and repairs what finds no place.

use super::evict::{self, Choice, KINDS, Start};
use super::{Problem, clusters};
use crate::model::{ClusterId, ServiceId, Table};

/// A placement under construction.
pub struct Draft<'a> {
    problem: &'a Problem,
    at: Table<ServiceId, Option<ClusterId>>,
    taken: Table<ClusterId, [u64; KINDS]>,
    /// Those that stay, by cluster.
    residents: Table<ClusterId, Vec<ServiceId>>,
    /// Those that are to be put somewhere.
    movers: Vec<ServiceId>,
    shares: [f64; KINDS],
}

impl<'a> Draft<'a> {
    /// Everything that may stay is where it is; all else has no place.
    pub fn new(problem: &'a Problem, start: &Start) -> Self {
        let movers = start.at.iter().filter(|(_, at)| at.is_none()).map(|(service, _)| service).collect();
        Self {
            problem,
            at: start.at.clone(),
            taken: start.taken.clone(),
            residents: start.residents.clone(),
            movers,
            shares: evict::shares(problem),
        }
    }

    /// Takes services out of every cluster that is asked for too much.
    pub fn evict_by(&mut self, choice: Choice) {
        for cluster in clusters(self.problem) {
            let Some(excess) = evict::excess(self.problem, &self.taken, cluster) else { continue };
            for service in evict::leavers(self.problem, &self.residents[cluster], excess, choice) {
                self.unsettle(service, cluster);
                self.movers.push(service);
            }
        }
    }

    /// Best fit by falling size; what finds no place is made room for. Whether everything has a place then.
    pub fn pack(&mut self) -> bool {
        let mut keyed: Vec<(f64, ServiceId)> =
            self.movers.iter().map(|service| (evict::size(self.problem, self.shares, *service), *service)).collect();
        keyed.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        self.movers = keyed.into_iter().map(|(_, service)| service).collect();
        for index in 0..self.movers.len() {
            let service = self.movers[index];
            if let Some(cluster) = self.best(service, None) {
                self.put(service, cluster);
            }
        }
        let homeless: Vec<ServiceId> =
            self.movers.iter().copied().filter(|service| self.at[*service].is_none()).collect();
        homeless.into_iter().all(|service| self.make_room(service))
    }

    /// Where everything is.
    ///
    /// # Panics
    /// Where something has no place.
    pub fn places(&self) -> Table<ServiceId, ClusterId> {
        self.at.values().map(|at| at.expect("everything has a place")).collect()
    }

    fn make_room(&mut self, service: ServiceId) -> bool {
        self.best(service, None).map(|cluster| self.put(service, cluster)).is_some()
            || self.by_shift(service)
            || self.by_return(service)
            || self.by_ejection(service)
    }

    /// A mover goes elsewhere, so that `service` gets its place.
    fn by_shift(&mut self, service: ServiceId) -> bool {
        for index in 0..self.movers.len() {
            let other = self.movers[index];
            let Some(cluster) = self.at[other] else { continue };
            if !self.fits_instead(service, cluster, other) {
                continue;
            }
            if let Some(elsewhere) = self.best(other, Some(cluster)) {
                self.take(other, cluster);
                self.put(other, elsewhere);
                self.put(service, cluster);
                return true;
            }
        }
        false
    }

    /// `service` stays where it was after all, and another one leaves instead: as many moves as before.
    fn by_return(&mut self, service: ServiceId) -> bool {
        let Some(home) = self.problem.services[service].home.filter(|home| self.problem.may_use(service, *home)) else {
            return false;
        };
        self.swap_out(service, home)
    }

    /// Somebody who could have stayed leaves: one move more.
    fn by_ejection(&mut self, service: ServiceId) -> bool {
        clusters(self.problem).any(|cluster| self.problem.may_use(service, cluster) && self.swap_out(service, cluster))
    }

    /// Puts `service` into `cluster`, out of which a resident goes elsewhere: the smallest one that does.
    fn swap_out(&mut self, service: ServiceId, cluster: ClusterId) -> bool {
        let fits = |other: &ServiceId| self.fits_instead(service, cluster, *other);
        let mut others: Vec<(f64, ServiceId)> = self.residents[cluster]
            .iter()
            .copied()
            .filter(fits)
            .map(|other| (evict::size(self.problem, self.shares, other), other))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (_, other) in others {
            if let Some(elsewhere) = self.best(other, Some(cluster)) {
                self.unsettle(other, cluster);
                self.movers.push(other);
                self.put(other, elsewhere);
                self.put(service, cluster);
                return true;
            }
        }
        false
    }

    /// The fullest cluster that has room, one of the homes of `service` before all others, but not `except`.
    fn best(&self, service: ServiceId, except: Option<ClusterId>) -> Option<ClusterId> {
        let one = &self.problem.services[service];
        let need = one.need.amounts();
        let open = &self.problem.kinds[one.kind];
        let mut best: Option<(bool, f64, ClusterId)> = None;
        for ((cluster, capacity), is_open) in self.problem.capacity.iter().zip(open.values()) {
            if !is_open || Some(cluster) == except {
                continue;
            }
            let free = evict::free(*capacity, self.taken[cluster]);
            if need.iter().zip(free).any(|(need, free)| *need > free) {
                continue;
            }
            let left: f64 = (0..KINDS).map(|k| (free[k] - need[k]) as f64 * self.shares[k]).sum();
            let key = (one.is_moved_to(cluster), left);
            if best.is_none_or(|best| key < (best.0, best.1)) {
                best = Some((key.0, key.1, cluster));
            }
        }
        best.map(|(_, _, cluster)| cluster)
    }

    /// Whether `service` fits into `cluster` once `other` has left it.
    fn fits_instead(&self, service: ServiceId, cluster: ClusterId, other: ServiceId) -> bool {
        let (need, leaves) =
            (self.problem.services[service].need.amounts(), self.problem.services[other].need.amounts());
        let (taken, have) = (self.taken[cluster], self.problem.capacity[cluster].amounts());
        self.problem.may_use(service, cluster) && (0..KINDS).all(|k| taken[k] - leaves[k] + need[k] <= have[k])
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

    fn unsettle(&mut self, service: ServiceId, cluster: ClusterId) {
        self.take(service, cluster);
        self.residents[cluster].retain(|other| *other != service);
    }
}
