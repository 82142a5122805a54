//! Local search by simulated annealing over shifts, swaps and ejection chains.
//!
//! A step draws a block (the replicas of a service in a cluster, or one of them) and a cluster that is good for it. Where
//! there is room the block is shifted; where there is none, a block that is there is drawn and ejected: back into the room
//! that the first one leaves (a swap), or to a third cluster with room (a chain). The sum of all changes is accepted when it
//! is less than a threshold drawn from the exponential distribution of the present temperature (Metropolis), which sinks
//! geometrically from the usual difference between a service's places to a thousandth of it.
//!
//! Clusters that are good for a service are the few that are cheapest at the shadow prices: with room priced, an answer is
//! as far from the bound as its services are from their cheapest places and priced room is left, so the others hardly ever
//! belong to a good one. Steps are counted, not timed, unless there is a clock.

use super::prices::Prices;
use super::problem::index;
use super::state::State;
use crate::solver::dice::Dice;

/// Candidates a service has.
const CANDIDATES: usize = 12;

/// Steps between two looks at the clock.
const STRIDE: u64 = 1 << 10;

/// No place.
const NOWHERE: u32 = u32::MAX;

/// A search with its tables.
pub struct Annealing<'s, 'a> {
    state: &'s mut State<'a>,
    dice: Dice,
    /// By service: its candidates, `CANDIDATES` each, the cheapest first.
    candidates: Vec<u32>,
    /// By service and cluster: the place.
    place_in: Vec<u32>,
    best: Vec<u32>,
    best_cost: f64,
    /// Changes of the present step: place and former count.
    trail: Vec<(u32, u32)>,
    thresholds: Vec<f64>,
    short: Vec<u32>,
}

/// How long and how hot.
pub struct Schedule<'c> {
    /// Steps at most.
    pub steps: u64,
    /// First temperature as a share of the usual difference between a service's places.
    pub heat: f64,
    /// The share of the search that is over, where time decides.
    pub progress: &'c mut dyn FnMut() -> Option<f64>,
}

impl<'s, 'a> Annealing<'s, 'a> {
    /// A search that starts from `state`.
    pub fn new(state: &'s mut State<'a>, prices: &Prices<'_>, seed: u64) -> Self {
        let problem = state.problem;
        let clusters = problem.clusters();
        let mut place_in = vec![NOWHERE; problem.services.len() * clusters];
        for (place, row) in problem.places.iter().enumerate() {
            place_in[state.owner[place] as usize * clusters + row.cluster as usize] = index(place);
        }
        let (best, best_cost) = (state.counts.clone(), state.cost);
        // Quantiles of the exponential distribution: a draw is a look-up.
        let thresholds = (0..4096).map(|at| -((f64::from(at) + 0.5) / 4096.0).ln()).collect();
        let mut annealing = Self {
            state,
            dice: Dice::new(seed),
            candidates: Vec::new(),
            place_in,
            best,
            best_cost,
            trail: Vec::with_capacity(8),
            thresholds,
            short: Vec::new(),
        };
        annealing.find_candidates(prices);
        annealing
    }

    fn find_candidates(&mut self, prices: &Prices<'_>) {
        let problem = self.state.problem;
        self.candidates = vec![NOWHERE; problem.services.len() * CANDIDATES];
        let mut row: Vec<(f64, u32)> = Vec::new();
        let at = prices.felt(&prices.best);
        for service in 0..problem.services.len() {
            row.clear();
            row.extend(problem.places_of(service).map(|place| (prices.whole_price(&at, place), index(place))));
            if row.len() > CANDIDATES {
                row.select_nth_unstable_by(CANDIDATES - 1, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                row.truncate(CANDIDATES);
            }
            row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            for (slot, (_, place)) in self.candidates[service * CANDIDATES..].iter_mut().zip(&row) {
                *slot = *place;
            }
        }
    }

    /// The usual difference between the best and the fourth-best place of a service.
    fn spread(&self, prices: &Prices<'_>) -> f64 {
        let problem = self.state.problem;
        let (mut sum, mut count) = (0.0, 0u32);
        let at = prices.felt(&prices.best);
        for row in self.candidates.chunks(CANDIDATES) {
            let placed: Vec<f64> = row
                .iter()
                .take(4)
                .filter(|place| **place != NOWHERE)
                .map(|place| prices.whole_price(&at, *place as usize))
                .collect();
            if let [first, .., last] = placed[..] {
                sum += last - first;
                count += 1;
            }
        }
        let fallback = || problem.places.iter().map(|place| place.cost.abs() + place.start.abs()).fold(0.0, f64::max);
        if sum > 0.0 { sum / f64::from(count) } else { fallback() }
    }

    /// Searches. The state holds the best answer afterwards. Tells how many steps were made.
    pub fn run(&mut self, prices: &Prices<'_>, schedule: &mut Schedule<'_>) -> u64 {
        let hot = self.spread(prices) * schedule.heat;
        let cold: f64 = 0.002;
        self.list_short();
        let mut made = 0;
        while made < schedule.steps {
            let share = match (schedule.progress)() {
                Some(share) if share >= 1.0 => break,
                Some(share) => share,
                None => made as f64 / schedule.steps as f64,
            };
            let temperature = hot * cold.powf(share);
            for _ in 0..STRIDE.min(schedule.steps - made) {
                self.step(temperature);
            }
            made += STRIDE.min(schedule.steps - made);
            self.list_short();
            if share > 0.5 {
                self.keep_best();
            }
        }
        self.keep_best();
        let best = std::mem::take(&mut self.best);
        self.state.become_counts(&best);
        self.state.cost = self.state.problem.cost(&self.state.counts);
        self.best = best;
        made
    }

    fn keep_best(&mut self) {
        if self.state.cost < self.best_cost - 1e-9 * self.best_cost.abs() {
            self.best.copy_from_slice(&self.state.counts);
            self.best_cost = self.state.cost;
        }
    }

    fn list_short(&mut self) {
        self.short.clear();
        let short = (0..self.state.problem.services.len()).filter(|service| self.state.short(*service) > 0);
        self.short.extend(short.map(index));
    }

    /// One trial.
    fn step(&mut self, temperature: f64) {
        let threshold = temperature * self.thresholds[self.dice.below(4096)];
        self.trail.clear();
        let change = match self.dice.below(32) {
            1..4 if !self.short.is_empty() => self.insert(),
            _ if self.state.used.is_empty() => None,
            0 => self.drop_one(),
            _ => self.relocate(threshold),
        };
        match change {
            Some(change) if change <= threshold => {}
            _ => self.undo(),
        }
    }

    fn set(&mut self, place: usize, count: u32) -> f64 {
        self.trail.push((index(place), self.state.counts[place]));
        self.state.set(place, count)
    }

    fn undo(&mut self) {
        while let Some((place, count)) = self.trail.pop() {
            self.state.set(place as usize, count);
        }
    }

    /// Another good place for a service than `but`.
    fn candidate(&mut self, service: usize, but: usize) -> Option<usize> {
        if self.state.is_social[service] && self.dice.below(3) == 0 {
            let draw = self.dice.below(1 << 16);
            if let Some(cluster) = self.state.partner_cluster(service, draw) {
                let place = self.place_in[service * self.state.problem.clusters() + cluster];
                return (place != NOWHERE && place as usize != but).then_some(place as usize);
            }
        }
        let row = &self.candidates[service * CANDIDATES..][..CANDIDATES];
        // The better ones are drawn more often: the smaller of two draws.
        let at = self.dice.below(CANDIDATES).min(self.dice.below(CANDIDATES));
        let place = row[at];
        (place != NOWHERE && place as usize != but).then_some(place as usize)
    }

    /// Replicas of a block that leave `from`, and what `to` needs to do their work.
    fn block(&mut self, from: usize, to: usize) -> Option<(u32, u32)> {
        let problem = self.state.problem;
        let (here, there) = (&problem.places[from], &problem.places[to]);
        let service = &problem.services[self.state.owner[from] as usize];
        let movable = self.state.counts[from] - here.least.min(self.state.counts[from]);
        if movable == 0 || (service.is_single && here.least > 0) {
            return None;
        }
        let leaves = if service.is_single || movable == 1 || self.dice.below(2) == 0 { movable } else { 1 };
        let rest = self.state.served[self.state.owner[from] as usize] - u64::from(leaves) * u64::from(here.yields);
        let needed = u64::from(service.demand).saturating_sub(rest).div_ceil(there.yields.max(1).into());
        let needed = u32::try_from(needed).ok()?.min(there.most.saturating_sub(self.state.counts[to]));
        (needed > 0).then_some((leaves, needed))
    }

    /// Moves a block; what that changes, or none where it is out of the question.
    fn relocate(&mut self, threshold: f64) -> Option<f64> {
        let from = self.state.used[self.dice.below(self.state.used.len())] as usize;
        let to = self.candidate(self.state.owner[from] as usize, from)?;
        let (leaves, needed) = self.block(from, to)?;
        if self.state.has_room(to, needed) {
            if self.state.is_plain && self.estimate((from, leaves), (to, needed)) > threshold {
                return None;
            }
            return Some(self.shift((from, leaves), (to, needed)));
        }
        self.eject((from, leaves), (to, needed), threshold)
    }

    /// Takes a block away for nothing: where serving costs more than refusing, or breaks a rule.
    fn drop_one(&mut self) -> Option<f64> {
        let from = self.state.used[self.dice.below(self.state.used.len())] as usize;
        let (count, least) = (self.state.counts[from], self.state.problem.places[from].least);
        let leaves = if self.dice.below(2) == 0 { count.saturating_sub(least) } else { 1 };
        (leaves > 0 && count >= least + leaves).then(|| self.set(from, count - leaves))
    }

    /// What a shift costs that leaves no demand and no rule in another state.
    #[inline]
    fn estimate(&self, (from, leaves): (usize, u32), (to, needed): (usize, u32)) -> f64 {
        let (here, there) = (&self.state.problem.places[from], &self.state.problem.places[to]);
        let (old, new) = (self.state.counts[from], self.state.counts[to]);
        here.price(old - leaves) - here.price(old) + there.price(new + needed) - there.price(new)
    }

    fn shift(&mut self, (from, leaves): (usize, u32), (to, needed): (usize, u32)) -> f64 {
        let (old, new) = (self.state.counts[from], self.state.counts[to]);
        self.set(from, old - leaves) + self.set(to, new + needed)
    }

    /// Moves a block where there is no room, and one that is there elsewhere.
    fn eject(&mut self, (from, leaves): (usize, u32), (to, needed): (usize, u32), threshold: f64) -> Option<f64> {
        let problem = self.state.problem;
        let cluster = problem.places[to].cluster as usize;
        let residents = &self.state.residents[cluster];
        if residents.is_empty() {
            return None;
        }
        let victim = residents[self.dice.below(residents.len())] as usize;
        let other = self.state.owner[victim] as usize;
        if other == self.state.owner[from] as usize {
            return None;
        }
        let back = self.place_in[other * problem.clusters() + problem.places[from].cluster as usize];
        let is_swap = back != NOWHERE && self.dice.below(2) == 0;
        let next = if is_swap { back as usize } else { self.candidate(other, victim)? };
        let (out, wanted) = self.block(victim, next)?;
        if !self.makes_room(victim, out, (to, needed)) {
            return None;
        }
        if self.state.is_plain {
            let change = self.estimate((from, leaves), (to, needed)) + self.estimate((victim, out), (next, wanted));
            if change > threshold {
                return None;
            }
        }
        let (old, there) = (self.state.counts[from], self.state.counts[victim]);
        let mut change = self.set(from, old - leaves) + self.set(victim, there - out);
        if !self.state.has_room(next, wanted) || !self.state.has_room(to, needed) {
            return None;
        }
        let (new, after) = (self.state.counts[to], self.state.counts[next]);
        change += self.set(to, new + needed);
        if !self.state.has_room(next, wanted) {
            return None;
        }
        change += self.set(next, after + wanted);
        Some(change)
    }

    /// Whether `needed` have room in `to` once `out` have left `victim`, which is in the same cluster.
    fn makes_room(&self, victim: usize, out: u32, (to, needed): (usize, u32)) -> bool {
        let (problem, kinds) = (self.state.problem, self.state.problem.kinds);
        let free = &self.state.free[problem.places[to].cluster as usize * kinds..][..kinds];
        let leaving = problem.request_of(self.state.owner[victim] as usize);
        let coming = problem.request_of(self.state.owner[to] as usize);
        (0..kinds).all(|k| free[k] + leaving[k] * u64::from(out) >= coming[k] * u64::from(needed))
    }

    /// Gives a replica to a service that is short of some, with an ejection where there is no room.
    fn insert(&mut self) -> Option<f64> {
        let service = self.short[self.dice.below(self.short.len())] as usize;
        let problem = self.state.problem;
        let places = problem.places_of(service);
        if self.state.short(service) == 0 || places.is_empty() {
            return None;
        }
        let mut to = places.start + self.dice.below(places.len());
        if problem.services[service].is_single {
            to = places.clone().find(|place| self.state.counts[*place] > 0).unwrap_or(to);
        }
        let row = &problem.places[to];
        let missing = self.state.short(service).div_ceil(row.yields.max(1).into());
        let most = u32::try_from(missing).ok()?.min(row.most.saturating_sub(self.state.counts[to]));
        let room = u32::try_from(self.state.room(to)).unwrap_or(u32::MAX);
        let count = self.state.counts[to];
        if most == 0 {
            return None;
        }
        if room > 0 {
            let more = if self.dice.below(2) == 0 { most.min(room) } else { 1 };
            return Some(self.set(to, count + more));
        }
        let residents = &self.state.residents[row.cluster as usize];
        let victim = residents.get(self.dice.below(residents.len().max(1))).copied()? as usize;
        let other = self.state.owner[victim] as usize;
        let next = self.candidate(other, victim)?;
        let (out, wanted) = self.block(victim, next)?;
        if other == service || !self.makes_room(victim, out, (to, 1)) || !self.state.has_room(next, wanted) {
            return None;
        }
        let change = self.shift((victim, out), (next, wanted));
        let room = u32::try_from(self.state.room(to)).unwrap_or(u32::MAX);
        Some(change + self.set(to, count + most.min(room)))
    }
}
