//! An answer under change: replicas by place, what is left of every cluster, and what each change costs.
//!
//! One change is the number of replicas in one place. It is applied at once and its price returned; a move that turns out
//! too dear is undone by the opposite change. Nothing is allocated after the start.

use super::problem::{Problem, index};
use super::social::Meeting;
use super::totals::Totals;

/// No position in a list.
const NOWHERE: u32 = u32::MAX;

/// An answer to a problem, with accounts.
#[derive(Debug, Clone)]
pub struct State<'a> {
    /// What is to be solved.
    pub problem: &'a Problem,
    /// Replicas in every place.
    pub counts: Vec<u32>,
    /// What every cluster has left, by resource.
    pub free: Vec<u64>,
    /// Work done for every service.
    pub served: Vec<u64>,
    /// Value of the objective.
    pub cost: f64,
    /// The service of every place.
    pub owner: Vec<u32>,
    /// Whether a service has to do with others or with domains.
    pub is_social: Vec<bool>,
    /// Whether prices of clusters or rules make the cost of a change depend on more than its place.
    pub is_plain: bool,
    /// Places with replicas, in no order, in every cluster.
    pub residents: Vec<Vec<u32>>,
    /// Where a place is in the list of its cluster.
    seat: Vec<u32>,
    /// All places with replicas, in no order.
    pub used: Vec<u32>,
    seat_used: Vec<u32>,
    /// Where a service that may not be split is; nowhere for all others.
    home: Vec<u32>,
    /// The rules that name every service.
    links: Links,
    /// Members of each group in each cluster.
    members: Vec<u32>,
    /// How each group meets.
    meetings: Vec<Meeting>,
    /// Places with replicas of every service.
    places_used: Vec<u32>,
    /// Budgets and balance.
    totals: Totals,
    has_totals: bool,
}

/// Which rules speak of which service.
#[derive(Debug, Clone)]
struct Links {
    groups: Vec<Vec<u32>>,
    pairs: Vec<Vec<u32>>,
    nears: Vec<Vec<u32>>,
    limits: Vec<Vec<u32>>,
    stays: Vec<Vec<u32>>,
}

impl Links {
    fn new(problem: &Problem) -> Self {
        let empty = || vec![Vec::new(); problem.services.len()];
        let mut links = Self { groups: empty(), pairs: empty(), nears: empty(), limits: empty(), stays: empty() };
        let rules = &problem.rules;
        for (at, group) in rules.groups.iter().enumerate() {
            group.services.iter().for_each(|service| links.groups[*service as usize].push(index(at)));
        }
        for (at, pair) in rules.pairs.iter().enumerate() {
            for service in [pair.from, pair.to] {
                links.pairs[service as usize].push(index(at));
            }
        }
        for (at, near) in rules.nears.iter().enumerate() {
            for service in [near.from, near.to] {
                links.nears[service as usize].push(index(at));
            }
        }
        for (at, limit) in rules.limits.iter().enumerate() {
            links.limits[limit.service as usize].push(index(at));
        }
        for (at, stay) in rules.stays.iter().enumerate() {
            links.stays[stay.service as usize].push(index(at));
        }
        links
    }

    fn is_social(&self, service: usize) -> bool {
        let lists = [&self.groups, &self.pairs, &self.nears, &self.limits, &self.stays];
        lists.iter().any(|list| !list[service].is_empty())
    }
}

impl<'a> State<'a> {
    /// Only what must not leave.
    pub fn least(problem: &'a Problem) -> Self {
        let counts: Vec<u32> = problem.places.iter().map(|place| place.least).collect();
        Self::new(problem, &counts)
    }

    /// The answer `counts`, which the problem admits.
    pub fn new(problem: &'a Problem, counts: &[u32]) -> Self {
        let mut owner = vec![0; problem.places.len()];
        for service in 0..problem.services.len() {
            owner[problem.places_of(service)].fill(index(service));
        }
        let links = Links::new(problem);
        let is_social = (0..problem.services.len()).map(|service| links.is_social(service)).collect();
        let mut state = Self {
            counts: vec![0; problem.places.len()],
            free: problem.capacity.clone(),
            served: vec![0; problem.services.len()],
            cost: problem.cost(&vec![0; problem.places.len()]),
            owner,
            is_social,
            is_plain: problem.rules.is_empty() && problem.activation.iter().all(|price| *price == 0.0),
            residents: vec![Vec::new(); problem.clusters()],
            seat: vec![NOWHERE; problem.places.len()],
            used: Vec::new(),
            home: vec![NOWHERE; problem.services.len()],
            seat_used: vec![NOWHERE; problem.places.len()],
            links,
            members: vec![0; problem.rules.groups.len() * problem.clusters()],
            meetings: vec![Meeting::default(); problem.rules.groups.len()],
            places_used: vec![0; problem.services.len()],
            totals: Totals::new(problem),
            has_totals: !problem.rules.has_no_totals(),
            problem,
        };
        for (place, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            state.set(place, *count);
        }
        state
    }

    /// Whether `more` replicas of the place's service have room in its cluster.
    #[inline]
    pub fn has_room(&self, place: usize, more: u32) -> bool {
        self.room(place) >= u64::from(more)
    }

    /// How many replicas more have room in the cluster of `place`.
    #[inline]
    pub fn room(&self, place: usize) -> u64 {
        let kinds = self.problem.kinds;
        let free = &self.free[self.problem.places[place].cluster as usize * kinds..][..kinds];
        let request = self.problem.request_of(self.owner[place] as usize);
        let fits = free.iter().zip(request).filter_map(|(free, request)| free.checked_div(*request));
        fits.min().unwrap_or(u64::MAX)
    }

    /// Demand of a service that is not served.
    #[inline]
    pub fn short(&self, service: usize) -> u64 {
        u64::from(self.problem.services[service].demand).saturating_sub(self.served[service])
    }

    /// Makes `place` hold `count` replicas, for which there must be room; what it adds to the cost.
    #[inline]
    pub fn set(&mut self, place: usize, count: u32) -> f64 {
        let service = self.owner[place] as usize;
        let before = if self.is_social[service] { self.company(service) } else { 0.0 };
        let mut change = self.set_alone(place, count);
        if self.is_social[service] {
            change += self.company(service) - before;
        }
        self.cost += change;
        change
    }

    /// The change without what links the service to others; groups are counted.
    #[inline]
    fn set_alone(&mut self, place: usize, count: u32) -> f64 {
        let (problem, service, old) = (self.problem, self.owner[place] as usize, self.counts[place]);
        let (row, demand) = (&problem.places[place], &problem.services[service]);
        let (cluster, kinds) = (row.cluster as usize, problem.kinds);
        let mut change = row.price(count) - row.price(old);
        let short = self.short(service);
        self.served[service] =
            self.served[service] + u64::from(count) * u64::from(row.yields) - u64::from(old) * u64::from(row.yields);
        let less_short = self.short(service) as f64 - short as f64;
        change += less_short * demand.shortage;
        let request = &problem.request[service * kinds..][..kinds];
        for (free, request) in self.free[cluster * kinds..][..kinds].iter_mut().zip(request) {
            *free = *free + u64::from(old) * request - u64::from(count) * request;
        }
        self.counts[place] = count;
        if self.has_totals {
            change += self.totals.set(problem, (service, place), (old, count));
        }
        if (old == 0) != (count == 0) {
            change += self.enter_or_leave(place, count > 0);
        }
        change
    }

    /// Keeps the lists of used places; what it costs that a cluster is used, and that groups meet there.
    fn enter_or_leave(&mut self, place: usize, enters: bool) -> f64 {
        let (cluster, service) = (self.problem.places[place].cluster as usize, self.owner[place] as usize);
        let residents = &mut self.residents[cluster];
        let mut change = 0.0;
        if self.problem.services[service].is_single {
            self.home[service] = if enters { index(place) } else { NOWHERE };
        }
        if enters {
            change += if residents.is_empty() { self.problem.activation[cluster] } else { 0.0 };
            seat(residents, &mut self.seat, place);
            seat(&mut self.used, &mut self.seat_used, place);
        } else {
            unseat(residents, &mut self.seat, place);
            unseat(&mut self.used, &mut self.seat_used, place);
            change -= if residents.is_empty() { self.problem.activation[cluster] } else { 0.0 };
        }
        let places_used = &mut self.places_used[service];
        *places_used = if enters { *places_used + 1 } else { *places_used - 1 };
        let starts_or_ends = *places_used == u32::from(enters);
        for group in &self.links.groups[service] {
            let at = *group as usize;
            let members = &mut self.members[at * self.problem.clusters() + cluster];
            let rule = &self.problem.rules.groups[at];
            let before = *members;
            *members = if enters { before + 1 } else { before - 1 };
            change += if rule.is_together {
                let is_alone = before.min(*members) == 0;
                meet(&mut self.meetings[at], (enters, starts_or_ends, is_alone), rule.price)
            } else {
                rule.cost_apart(*members) - rule.cost_apart(before)
            };
        }
        change
    }

    /// What distances, shares and spread cost that have to do with a service.
    fn company(&self, service: usize) -> f64 {
        let rules = &self.problem.rules;
        let pair = |at: &u32| self.cost_of_pair(*at as usize);
        let near = |at: &u32| rules.nears[*at as usize].cost(self.problem, &self.counts);
        let limit = |at: &u32| rules.limits[*at as usize].cost(self.problem, &self.counts);
        let stay = |at: &u32| rules.stays[*at as usize].cost(self.problem, &self.counts);
        self.links.pairs[service].iter().map(pair).sum::<f64>()
            + self.links.nears[service].iter().map(near).sum::<f64>()
            + self.links.limits[service].iter().map(limit).sum::<f64>()
            + self.links.stays[service].iter().map(stay).sum::<f64>()
    }

    /// What a call costs; at once where both ends are in one place.
    fn cost_of_pair(&self, at: usize) -> f64 {
        let (problem, rules) = (self.problem, &self.problem.rules);
        let pair = &rules.pairs[at];
        let is_single = |service: u32| problem.services[service as usize].is_single;
        if !is_single(pair.from) || !is_single(pair.to) {
            return rules.cost_of_pair(pair, problem, &self.counts);
        }
        let (from, to) = (self.home[pair.from as usize], self.home[pair.to as usize]);
        if from == NOWHERE || to == NOWHERE {
            return 0.0;
        }
        let cluster = |place: u32| problem.places[place as usize].cluster as usize;
        pair.weight * rules.distances[pair.distance as usize][cluster(from) * problem.clusters() + cluster(to)]
    }

    /// A cluster in which a service that this one has to do with has replicas: the one that calls it or that it calls, or
    /// another one of its group.
    pub fn partner_cluster(&self, service: usize, draw: usize) -> Option<usize> {
        let rules = &self.problem.rules;
        let (pairs, nears) = (&self.links.pairs[service], &self.links.nears[service]);
        let groups = &self.links.groups[service];
        let at = draw % (pairs.len() + nears.len() + groups.len()).max(1);
        let other_of = |from: u32, to: u32| if from as usize == service { to } else { from };
        let other = if let Some(pair) = pairs.get(at) {
            let pair = &rules.pairs[*pair as usize];
            other_of(pair.from, pair.to)
        } else if let Some(near) = nears.get(at - pairs.len()) {
            let near = &rules.nears[*near as usize];
            other_of(near.from, near.to)
        } else {
            let group = &rules.groups[*groups.get(at - pairs.len() - nears.len())? as usize];
            if !group.is_together {
                return None;
            }
            group.services[(draw / 7) % group.services.len()]
        };
        let home = self.home[other as usize];
        let used = || self.problem.places_of(other as usize).find(|place| self.counts[*place] > 0);
        let place = if home == NOWHERE { used()? } else { home as usize };
        Some(self.problem.places[place].cluster as usize)
    }

    /// Takes over another answer: only what differs is changed.
    pub fn become_counts(&mut self, counts: &[u32]) {
        for (place, count) in counts.iter().enumerate() {
            if *count < self.counts[place] {
                self.set(place, *count);
            }
        }
        for (place, count) in counts.iter().enumerate() {
            if *count > self.counts[place] {
                self.set(place, *count);
            }
        }
    }
}

/// What it costs a group that is kept together that a member enters or leaves a cluster.
fn meet(meeting: &mut Meeting, (enters, starts_or_ends, is_alone): (bool, bool, bool), price: f64) -> f64 {
    let before = *meeting;
    let step = |figure: &mut u32, moves: bool| match (moves, enters) {
        (false, _) => {}
        (true, true) => *figure += 1,
        (true, false) => *figure -= 1,
    };
    step(&mut meeting.running, starts_or_ends);
    step(&mut meeting.clusters, is_alone);
    step(&mut meeting.members, true);
    meeting.cost_together(price) - before.cost_together(price)
}

fn seat(list: &mut Vec<u32>, seats: &mut [u32], place: usize) {
    seats[place] = index(list.len());
    list.push(index(place));
}

fn unseat(list: &mut Vec<u32>, seats: &mut [u32], place: usize) {
    let at = seats[place] as usize;
    list.swap_remove(at);
    if let Some(moved) = list.get(at) {
        seats[*moved as usize] = index(at);
    }
    seats[place] = NOWHERE;
}
