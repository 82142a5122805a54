//! A part of a problem as a problem of its own: some services are free in some places, all others stay as they are.

use super::problem::{Place, Problem, Service, index};
use super::social::{Cap, Group, Pair, Rules, Spread};

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
        part.take_rules(whole, &name);
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

    fn take_rules(&mut self, whole: &Problem, name: &[u32]) {
        let known = |service: u32| name[service as usize] != u32::MAX;
        let rules = &whole.rules;
        let mut at = vec![u32::MAX; whole.places.len()];
        for (here, place) in self.places.iter().enumerate() {
            at[*place as usize] = index(here);
        }
        let pairs = rules.pairs.iter().filter(|pair| known(pair.from) && known(pair.to));
        let groups = rules.groups.iter().filter(|group| group.services.iter().all(|service| known(*service)));
        let caps = rules.caps.iter().filter(|cap| known(cap.service));
        let spreads = rules.spreads.iter().filter(|spread| known(spread.service));
        self.problem.rules = Rules {
            distances: rules.distances.clone(),
            pairs: pairs
                .map(|pair| Pair { from: name[pair.from as usize], to: name[pair.to as usize], ..*pair })
                .collect(),
            groups: groups.map(|group| rename(group, name)).collect(),
            caps: caps
                .map(|cap| Cap {
                    service: name[cap.service as usize],
                    places: cap.places.iter().map(|place| at[*place as usize]).filter(|at| *at != u32::MAX).collect(),
                    ..cap.clone()
                })
                .collect(),
            spreads: spreads
                .map(|spread| {
                    let first = whole.services[spread.service as usize].first;
                    let places = whole.places_of(spread.service as usize).filter(|place| at[*place] != u32::MAX);
                    Spread {
                        service: name[spread.service as usize],
                        domains: places.map(|place| spread.domains[place - first as usize]).collect(),
                        ..spread.clone()
                    }
                })
                .collect(),
        };
    }
}

fn rename(group: &Group, name: &[u32]) -> Group {
    Group { services: group.services.iter().map(|service| name[*service as usize]).collect(), ..group.clone() }
}

/// Services that are not free and that a rule ties to one that is: they go along, settled.
fn linked(whole: &Problem, is_free: &[bool]) -> Vec<bool> {
    let mut is_linked = vec![false; is_free.len()];
    for pair in &whole.rules.pairs {
        for (one, other) in [(pair.from, pair.to), (pair.to, pair.from)] {
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
