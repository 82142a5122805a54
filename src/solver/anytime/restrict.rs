//! A part of a problem as a problem of its own: some services are free in some places, all others stay as they are.

use super::limits::Limit;
use super::problem::{Place, Problem, Service, index};
use super::social::{Group, Near, Pair, Rules};
use super::totals::{Balance, Budget};

/// A part, and which place of the whole each of its places is.
#[derive(Debug)]
pub struct Part {
    /// The part.
    pub problem: Problem,
    /// By place of the part: the place of the whole.
    pub places: Vec<u32>,
}

impl Part {
    /// The part in which `free` services choose among `open` places, beside what `counts` say of the others.
    pub fn new(whole: &Problem, counts: &[u32], free: &[u32], open: &[bool]) -> Self {
        let mut is_free = vec![false; whole.services.len()];
        for service in free {
            is_free[*service as usize] = true;
        }
        let is_linked = linked(whole, &is_free);
        let mut part = Self {
            problem: Problem::with_clusters(whole.kinds, whole.capacity.clone(), whole.activation.clone()),
            places: Vec::new(),
        };
        let mut name = vec![u32::MAX; whole.services.len()];
        for service in 0..whole.services.len() {
            if is_free[service] || is_linked[service] {
                name[service] = index(part.problem.services.len());
                part.take(whole, service, &|place| {
                    let row = whole.places[place];
                    let count = counts[place];
                    let settled = Place { least: count, most: count, ..row };
                    if is_free[service] { open[place].then_some(row) } else { (count > 0).then_some(settled) }
                });
            } else {
                part.subtract(whole, service, counts);
            }
        }
        part.take_rules(whole, (&name, counts));
        part
    }

    /// What the part's `counts` mean for the whole.
    pub fn write(&self, counts: &[u32], whole: &mut [u32]) {
        for (place, count) in self.places.iter().zip(counts) {
            whole[*place as usize] = *count;
        }
    }

    /// What the whole's `counts` mean for the part.
    pub fn read(&self, whole: &[u32]) -> Vec<u32> {
        self.places.iter().map(|place| whole[*place as usize]).collect()
    }

    fn take(&mut self, whole: &Problem, service: usize, place_of: &dyn Fn(usize) -> Option<Place>) {
        let mut places = Vec::new();
        for place in whole.places_of(service) {
            if let Some(row) = place_of(place) {
                places.push(row);
                self.places.push(index(place));
            }
        }
        self.problem.push(Service { ..whole.services[service] }, whole.request_of(service), &places);
    }

    /// What a service that stays takes; a cluster that it uses is paid for anyway.
    fn subtract(&mut self, whole: &Problem, service: usize, counts: &[u32]) {
        for place in whole.places_of(service).filter(|place| counts[*place] > 0) {
            let cluster = whole.places[place].cluster as usize;
            self.problem.activation[cluster] = 0.0;
            for (k, request) in whole.request_of(service).iter().enumerate() {
                let left = &mut self.problem.capacity[cluster * whole.kinds + k];
                *left = left.saturating_sub(request.saturating_mul(counts[place].into()));
            }
        }
    }

    fn take_rules(&mut self, whole: &Problem, (name, counts): (&[u32], &[u32])) {
        let known = |service: u32| name[service as usize] != u32::MAX;
        let rules = &whole.rules;
        let mut at = vec![u32::MAX; whole.places.len()];
        for (here, place) in self.places.iter().enumerate() {
            at[*place as usize] = index(here);
        }
        let positions = |service: u32| -> Vec<u32> {
            let first = whole.services[service as usize].first;
            let kept = whole.places_of(service as usize).filter(|place| at[*place] != u32::MAX);
            kept.map(|place| index(place) - first).collect()
        };
        let pairs = rules.pairs.iter().filter(|pair| known(pair.from) && known(pair.to));
        let nears = rules.nears.iter().filter(|near| known(near.from) && known(near.to));
        let groups = rules.groups.iter().filter(|group| group.services.iter().all(|service| known(*service)));
        let limit = |limit: &Limit| {
            let kept = positions(limit.service);
            limit.translated(name[limit.service as usize], &|old| kept.binary_search(&old).ok().map(index))
        };
        self.problem.rules = Rules {
            distances: rules.distances.clone(),
            pairs: pairs
                .map(|pair| Pair { from: name[pair.from as usize], to: name[pair.to as usize], ..*pair })
                .collect(),
            nears: nears
                .map(|near| Near { from: name[near.from as usize], to: name[near.to as usize], ..near.clone() })
                .collect(),
            groups: groups.map(|group| rename(group, name)).collect(),
            limits: rules.limits.iter().filter(|limit| known(limit.service)).map(limit).collect(),
            stays: rules
                .stays
                .iter()
                .filter(|stay| known(stay.service))
                .map(|stay| stay.translated(name[stay.service as usize], &positions(stay.service)))
                .collect(),
            budgets: rules.budgets.iter().map(|budget| self.budget(budget, counts)).collect(),
            balance: rules.balance.as_ref().map(|balance| balance_beside(balance, (whole, name, counts))),
        };
    }

    /// A budget beside what is spent on services that are no part.
    fn budget(&self, budget: &Budget, counts: &[u32]) -> Budget {
        let spent = |place: usize| budget.rates[place].saturating_mul(counts[place].into());
        let all: u64 = budget.held + (0..counts.len()).map(spent).sum::<u64>();
        let here: u64 = self.spread_over(counts).map(spent).sum();
        let rates = self.places.iter().map(|place| budget.rates[*place as usize]).collect();
        Budget { rates, held: all - here, ..*budget }
    }

    /// The places of the whole that are places of the part and have replicas.
    fn spread_over<'c>(&self, counts: &'c [u32]) -> impl Iterator<Item = usize> + use<'_, 'c> {
        self.places.iter().map(|place| *place as usize).filter(|place| counts[*place] > 0)
    }
}

/// The balance beside services that are no part.
fn balance_beside(balance: &Balance, (whole, name, counts): (&Problem, &[u32], &[u32])) -> Balance {
    let mut held = balance.held.clone();
    for service in (0..whole.services.len()).filter(|service| name[*service] == u32::MAX) {
        let request = whole.request_of(service)[balance.kind];
        for place in whole.places_of(service) {
            held[whole.places[place].cluster as usize] += request * u64::from(counts[place]);
        }
    }
    Balance { held, ..balance.clone() }
}

fn rename(group: &Group, name: &[u32]) -> Group {
    Group { services: group.services.iter().map(|service| name[*service as usize]).collect(), ..group.clone() }
}

/// Services that are not free and that a rule ties to one that is: they go along, settled.
fn linked(whole: &Problem, is_free: &[bool]) -> Vec<bool> {
    let mut is_linked = vec![false; is_free.len()];
    let pairs = whole.rules.pairs.iter().map(|pair| (pair.from, pair.to));
    for (from, to) in pairs.chain(whole.rules.nears.iter().map(|near| (near.from, near.to))) {
        for (one, other) in [(from, to), (to, from)] {
            is_linked[one as usize] |= is_free[other as usize] && !is_free[one as usize];
        }
    }
    for group in &whole.rules.groups {
        let any_free = group.services.iter().any(|service| is_free[*service as usize]);
        for service in group.services.iter().filter(|_| any_free) {
            is_linked[*service as usize] |= !is_free[*service as usize];
        }
    }
    is_linked
}
