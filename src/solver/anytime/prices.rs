//! Shadow prices of capacity, and the bound that they prove.
//!
//! Relax the capacity rows with prices `π[e,k] ≥ 0`, in dollars for the whole cluster, so that all resources have one scale.
//! Services then choose alone, and
//!
//! ```text
//! L(π) = Σ_s min over what s may do of (cost + Σ_e,k π[e,k]·request[s,k]/capacity[e,k]·replicas) + Σ_e min(0, activation[e] − Σ_k π[e,k])
//! ```
//!
//! is no more than any answer costs, whatever the prices (weak duality: capacity linked to use, `Σ request·r ≤ capacity·used`).
//! Rules only add to the cost, so leaving them out keeps it a bound; calls are kept in where `forest` can, budgets and the
//! balance by `totals`. The best prices are
//! approached by subgradients with Polyak's step towards the best known cost, each step mixed with the last direction (Camerini,
//! Fratta and Maffioli 1975), the step halved when nothing better comes. Demand of a service that may be split is filled by
//! its cheapest places, the last replica in part where they do different amounts of work: a relaxation, hence a bound.

mod choice;
mod totals;

use self::totals::Common;
use super::forest::Forest;
use super::problem::{Problem, Service, index};

/// Choices that services make at given prices.
#[derive(Debug, Clone)]
pub struct Prices<'a> {
    problem: &'a Problem,
    /// The best prices so far: `kinds` figures for each cluster, then those of `totals`.
    pub best: Vec<f64>,
    /// What they prove.
    pub bound: f64,
    /// Price of all that a service may have in a place without a start that is free, by place.
    whole: Vec<f64>,
    /// Replicas that make a service whole in a place, by place.
    full: Vec<f64>,
    /// Share of the cluster that one replica takes, by place and resource.
    share: Vec<f64>,
    /// The same of all that make a service whole.
    whole_share: Vec<f64>,
    /// Where the prices of a place's cluster begin.
    row: Vec<u32>,
    /// By place of a service that goes as a whole: one replica less, where the last one serves but a rest of the demand and
    /// leaving that rest out may be cheaper; empty where no service is of that kind.
    less: Vec<Less>,
    is_pure: Vec<bool>,
    /// Clusters whose use is free, or paid for in any case.
    is_needed: Vec<bool>,
    /// Clusters that are not used.
    is_banned: Vec<bool>,
    forest: Forest,
    common: Common,
    usage: Vec<f64>,
    direction: Vec<f64>,
}

/// All but the last replica of a service in a place.
#[derive(Debug, Clone, Copy)]
struct Less {
    count: f64,
    price: f64,
}

/// How to look for prices.
#[derive(Debug, Clone, Copy)]
pub struct Ascent {
    /// Steps at most.
    pub rounds: u32,
    /// Steps without a better bound after which the step is halved.
    pub patience: u32,
    /// First length of a step, as a share of Polyak's.
    pub step: f64,
}

impl<'a> Prices<'a> {
    /// No capacity has a price yet.
    pub fn new(problem: &'a Problem) -> Self {
        let kinds = problem.kinds;
        let mut prices = Self {
            problem,
            best: Vec::new(),
            bound: f64::NEG_INFINITY,
            whole: vec![0.0; problem.places.len()],
            full: vec![0.0; problem.places.len()],
            share: vec![0.0; problem.places.len() * kinds],
            whole_share: vec![0.0; problem.places.len() * kinds],
            row: problem.places.iter().map(|place| place.cluster * index(kinds)).collect(),
            less: Vec::new(),
            is_pure: Vec::with_capacity(problem.services.len()),
            is_needed: problem.activation.iter().map(|price| *price <= 0.0).collect(),
            is_banned: vec![false; problem.clusters()],
            forest: Forest::new(problem),
            common: Common::new(problem),
            usage: Vec::new(),
            direction: Vec::new(),
        };
        prices.best = prices.nothing();
        (prices.usage, prices.direction) = (vec![0.0; prices.best.len()], vec![0.0; prices.best.len()]);
        for service in 0..problem.services.len() {
            prices.prepare(service);
        }
        if (0..problem.services.len()).any(|service| leaves_rest(problem, service)) {
            prices.less = (0..problem.services.len()).flat_map(|service| less_of(problem, service)).collect();
        }
        prices
    }

    /// Prices from an earlier, similar problem.
    pub fn start_from(&mut self, prices: &[f64]) {
        if prices.len() == self.best.len() {
            let mut best = prices.to_vec();
            self.project(&mut best);
            self.best = best;
        }
    }

    fn prepare(&mut self, service: usize) {
        let (problem, kinds) = (self.problem, self.problem.kinds);
        let Service { is_single, demand, .. } = problem.services[service];
        let mut is_pure = true;
        for place in problem.places_of(service) {
            let (row, full) = (&problem.places[place], problem.full(service, place));
            self.full[place] = f64::from(full);
            let missing = f64::from(demand) - f64::from(full) * f64::from(row.yields);
            self.whole[place] = row.price(full) + missing.max(0.0) * problem.services[service].shortage;
            for (k, request) in problem.request_of(service).iter().enumerate() {
                let capacity = problem.capacity[row.cluster as usize * kinds + k].max(1);
                self.share[place * kinds + k] = *request as f64 / capacity as f64;
                self.whole_share[place * kinds + k] = self.share[place * kinds + k] * f64::from(full);
            }
            let is_new = row.start == 0.0 || row.incumbent == 0 || row.incumbent >= full;
            let serves_all = u64::from(full) * u64::from(row.yields) >= u64::from(demand);
            let is_even = is_single || row.yields == 1;
            is_pure &= row.least == 0 && is_new && is_even && (is_single || serves_all);
        }
        self.is_pure.push(is_pure && self.forest.tree_of(service).is_none());
    }

    /// The price of the capacity that one replica takes in `place`, at [felt](Self::felt) prices, as everywhere below.
    #[inline]
    pub fn room_price(&self, prices: &[f64], place: usize) -> f64 {
        let kinds = self.problem.kinds;
        let cluster = self.problem.places[place].cluster as usize * kinds;
        let shares = &self.share[place * kinds..][..kinds];
        let room: f64 = shares.iter().zip(&prices[cluster..][..kinds]).map(|(share, price)| share * price).sum();
        if self.common.has_budgets() { room + self.charge(prices, place) } else { room }
    }

    /// What all of a service costs in `place`, without room.
    pub fn whole_cost(&self, place: usize) -> f64 {
        self.whole[place]
    }

    /// The price of the room that all of a service takes in `place`.
    pub fn whole_room(&self, prices: &[f64], place: usize) -> f64 {
        self.full[place] * self.room_price(prices, place)
    }

    /// The trees of calls, each by its services, the root first.
    pub fn trees(&self) -> Vec<Vec<u32>> {
        self.forest.trees()
    }

    /// The cheapest places of the tree with this root, at other prices of its places.
    pub fn choose_tree(&self, root: usize, price: &dyn Fn(usize) -> f64, take: &mut dyn FnMut(usize)) {
        self.forest.choose_tree(self.problem, root, (price, take));
    }

    /// The largest share of its cluster that a service takes in `place`.
    pub fn size(&self, place: usize) -> f64 {
        let kinds = self.problem.kinds;
        self.whole_share[place * kinds..][..kinds].iter().copied().fold(0.0, f64::max)
    }

    /// What all of a service costs in `place`, room included, or all but a rest of its demand where that is cheaper; and how
    /// many replicas that is.
    #[inline]
    fn whole(&self, prices: &[f64], place: usize) -> (f64, f64) {
        let all = (self.whole_price(prices, place), self.full[place]);
        let Some(less) = self.less.get(place) else { return all };
        let price = less.price + less.count * self.room_price(prices, place);
        if price < all.0 { (price, less.count) } else { all }
    }

    /// What all of a service costs in `place`, room included.
    #[inline]
    pub fn whole_price(&self, prices: &[f64], place: usize) -> f64 {
        let kinds = self.problem.kinds;
        let shares = &self.whole_share[place * kinds..][..kinds];
        let rooms = &prices[self.row[place] as usize..][..kinds];
        let whole = self.whole[place] + shares.iter().zip(rooms).map(|(share, price)| share * price).sum::<f64>();
        if self.common.has_budgets() { whole + self.full[place] * self.charge(prices, place) } else { whole }
    }

    /// What a service costs that goes where it is cheapest, room included.
    pub fn cheapest(&self, prices: &[f64], service: usize) -> f64 {
        if self.is_pure[service] { self.pure(prices, service).0 } else { self.fill(prices, service, &mut |_, _| ()) }
    }

    /// What a service's choices are measured against in [`surcharge`](Self::surcharge): what all of it costs at best, or the
    /// price of its dearest unit of work where it may be split; nothing for services that choose together with others.
    pub fn margin(&self, prices: &[f64], service: usize) -> Option<f64> {
        if self.forest.tree_of(service).is_some() {
            return None;
        }
        if self.problem.services[service].is_single {
            return Some(self.cheapest(prices, service));
        }
        let mut dearest = f64::NEG_INFINITY;
        self.fill_to(prices, (service, &mut dearest), &mut |_, _| ());
        Some(dearest)
    }

    /// The least that it costs a service, against its own best choice, to have replicas in `place`. In a service that may be
    /// split, the first replica here replaces work that is done at most at the dearest price that the service pays.
    pub fn surcharge(&self, prices: &[f64], (service, place): (usize, usize), margin: f64) -> f64 {
        let (row, at) = (&self.problem.services[service], &self.problem.places[place]);
        let room = self.room_price(prices, place);
        if !row.is_single {
            let first = if at.incumbent > 0 { at.cost } else { at.cost + at.start };
            return first + room - margin * f64::from(at.yields);
        }
        let full = self.problem.full(service, place);
        let price = |replicas: u32| {
            let missing = f64::from(row.demand) - f64::from(replicas) * f64::from(at.yields);
            at.price(replicas) + f64::from(replicas) * room + missing.max(0.0) * row.shortage
        };
        let least = 1.min(full);
        let counts = [least, at.incumbent.clamp(least, full), (row.demand / at.yields.max(1)).clamp(least, full), full];
        counts.map(price).into_iter().fold(f64::INFINITY, f64::min) - margin
    }

    /// Which clusters are used, where that is decided; an empty list undoes all decisions. Clusters that are not have to be
    /// closed by their prices as well.
    pub fn decide(&mut self, is_used: &[Option<bool>]) {
        for (cluster, activation) in self.problem.activation.iter().enumerate() {
            let decision = is_used.get(cluster).copied().flatten();
            self.is_needed[cluster] = *activation <= 0.0 || decision == Some(true);
            self.is_banned[cluster] = decision == Some(false);
        }
    }

    /// By place: the surcharges of services that choose together, at the best prices.
    pub fn tree_surcharges(&mut self) -> Vec<f64> {
        let prices = self.best.clone();
        self.evaluate(&prices);
        self.forest.surcharges(self.problem)
    }

    /// `L(prices)`, and what services would choose: replicas by place.
    pub fn choices(&mut self, prices: &[f64], counts: &mut [f64]) -> f64 {
        self.evaluate_with(prices, &mut |place, replicas| counts[place] += replicas)
    }

    /// Looks for better prices until the step is small, the bound meets `target` (the cost of an answer), or `rounds` are
    /// over. Tells how many were needed.
    pub fn ascend(&mut self, target: f64, ascent: &Ascent, mut is_over: impl FnMut() -> bool) -> u32 {
        let mut prices = self.best.clone();
        let (mut step, mut idle) = (ascent.step, 0);
        self.direction.fill(0.0);
        for round in 0..ascent.rounds {
            let bound = self.evaluate(&prices);
            if bound > self.bound {
                idle = if bound > self.bound + 1e-5 * (target - self.bound).abs() { 0 } else { idle + 1 };
                self.bound = bound;
                self.best.copy_from_slice(&prices);
            } else {
                idle += 1;
            }
            if idle >= ascent.patience {
                (step, idle) = (step * 0.5, 0);
                prices.copy_from_slice(&self.best);
            }
            let gap = target - bound;
            if target - self.bound <= 1e-9 * target.abs().max(1.0) || step < 1e-3 || is_over() {
                return round + 1;
            }
            let norm = self.turn(&prices);
            if norm <= 0.0 {
                return round + 1;
            }
            let length = step * gap.max(1e-6 * target.abs()) / norm;
            for (price, direction) in prices.iter_mut().zip(&self.direction) {
                *price = (*price + length * direction).max(0.0);
            }
            self.project(&mut prices);
        }
        ascent.rounds
    }

    /// Mixes the new subgradient into the direction; its squared length, without what points below zero.
    fn turn(&mut self, prices: &[f64]) -> f64 {
        let mut norm = 0.0;
        for ((direction, usage), price) in self.direction.iter_mut().zip(&self.usage).zip(prices) {
            let slope = if *price <= 0.0 { usage.max(0.0) } else { *usage };
            *direction = 0.6 * slope + 0.4 * *direction;
            norm += *direction * *direction;
        }
        norm
    }

    /// `L(prices)`, and in `usage` how far each capacity is exceeded, as a share.
    pub fn evaluate(&mut self, prices: &[f64]) -> f64 {
        self.evaluate_with(prices, &mut |_, _| ())
    }

    fn evaluate_with(&mut self, prices: &[f64], chosen: &mut impl FnMut(usize, f64)) -> f64 {
        let (problem, kinds) = (self.problem, self.problem.kinds);
        let mut usage = std::mem::take(&mut self.usage);
        usage.fill(0.0);
        let mut bound = self.open_totals(prices, &mut usage);
        for cluster in 0..problem.clusters() {
            if self.is_banned[cluster] {
                continue;
            }
            let price: f64 = prices[cluster * kinds..][..kinds].iter().sum();
            let is_used = self.is_needed[cluster] || problem.activation[cluster] <= price;
            bound += if is_used { problem.activation[cluster] - price } else { 0.0 };
            usage[cluster * kinds..][..kinds].fill(if is_used { -1.0 } else { 0.0 });
        }
        let felt = self.felt(prices);
        let has_totals = !problem.rules.has_no_totals();
        let mut take = |place: usize, replicas: f64| {
            chosen(place, replicas);
            let cluster = problem.places[place].cluster as usize * kinds;
            for k in 0..kinds {
                usage[cluster + k] += replicas * self.share[place * kinds + k];
            }
            if has_totals {
                self.take_totals(&mut usage, place, replicas);
            }
        };
        for service in 0..problem.services.len() {
            if self.is_pure[service] {
                let (price, place) = self.pure(&felt, service);
                bound += price;
                if let Some(place) = place {
                    take(place, self.whole(&felt, place).1);
                }
            } else if self.forest.tree_of(service).is_none() {
                bound += self.fill(&felt, service, &mut take);
            }
        }
        let price = |place: usize| self.whole(&felt, place).0;
        bound += self.forest.evaluate(problem, &price, &mut |place| take(place, self.whole(&felt, place).1));
        self.usage = usage;
        bound
    }
}

/// Whether a service goes as a whole and its last replica somewhere serves but a rest.
fn leaves_rest(problem: &Problem, service: usize) -> bool {
    let row = &problem.services[service];
    row.is_single
        && problem.places_of(service).any(|place| {
            let yields = problem.places[place].yields;
            yields > 1 && !row.demand.is_multiple_of(yields)
        })
}

fn less_of(problem: &Problem, service: usize) -> Vec<Less> {
    let row = &problem.services[service];
    let less = |place: usize| {
        let (at, full) = (&problem.places[place], problem.full(service, place));
        let count = (row.demand / at.yields.max(1)).clamp(at.least, full);
        let missing = f64::from(row.demand) - f64::from(count) * f64::from(at.yields);
        Less { count: f64::from(count), price: at.price(count) + missing.max(0.0) * row.shortage }
    };
    problem.places_of(service).map(less).collect()
}
