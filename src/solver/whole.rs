//! Whole services to clusters at least additive cost, exactly for small problems: branch and bound.
//!
//! `min Σ_s cost(s, e(s))`, every service in one cluster that it may use, no cluster over its capacity. This is the generalised
//! assignment problem with several resources; it is what the original's carbon-aware optimisation and every variant of
//! its re-placement come to, and the last word where [`fewest_moves`](super::fewest_moves) finds no certificate.
//!
//! The bound relaxes the capacities: with prices `π ≥ 0`, `L(π) = Σ_s min_e (cost(s,e) + π_e·d_s) − Σ_e π_e·cap_e` is at most
//! the optimum (Lagrange), and the part of it that is still to be decided is a sum that is known beforehand, so a node costs a
//! few additions. Prices come from a fixed number of subgradient steps (Polyak's step with the best answer so far). Services
//! are decided by falling size, clusters are tried by rising reduced cost. Costs are integers, so a node ends as soon as its
//! bound is less than one unit below the best answer, where a unit is the greatest common divisor of all differences.

use crate::model::{ClusterId, Resources, ServiceId, Table, id::Id};

/// One problem.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What clusters have.
    pub capacity: Table<ClusterId, Resources>,
    /// What each service takes, with all its replicas.
    pub needs: Table<ServiceId, Resources>,
    /// What each service costs in each cluster; `None` where it may not be.
    pub costs: Table<ServiceId, Table<ClusterId, Option<i64>>>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Where each service is.
    pub places: Table<ServiceId, ClusterId>,
    /// What that costs.
    pub cost: i64,
    /// No answer costs less.
    pub bound: i64,
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

const KINDS: usize = 4;

/// Subgradient steps at the root.
const STEPS: u32 = 200;

impl Problem {
    /// What `places` cost; `None` where a service may not be there or a cluster has too little.
    pub fn cost(&self, places: &Table<ServiceId, ClusterId>) -> Option<i64> {
        let mut taken = Table::build(self.capacity.len(), |_: ClusterId| Resources::ZERO);
        let mut cost = 0i64;
        for (service, cluster) in places.iter() {
            cost += self.costs[service][*cluster]?;
            taken[*cluster] += self.needs[service];
        }
        let fits = taken.iter().all(|(cluster, taken)| self.capacity[cluster].fits(*taken));
        (fits && places.len() == self.needs.len()).then_some(cost)
    }

    /// The best answer within `nodes`. An `incumbent` that is as good as any stays.
    ///
    /// # Errors
    /// Where there is none, or none was found.
    ///
    /// # Panics
    /// Where an answer breaks a constraint after all: our own mistake, never applied.
    pub fn solve(&self, incumbent: Option<&Table<ServiceId, ClusterId>>, nodes: u32) -> Result<Answer, NoAnswer> {
        let mut search = Search::new(self, nodes);
        if let Some((places, cost)) = incumbent.and_then(|places| Some((places, self.cost(places)?))) {
            search.best = Some((cost, places.values().copied().collect()));
        }
        search.price();
        let root = search.root_bound();
        let taken = vec![[0; KINDS]; self.capacity.len()];
        search.descend(0, 0, &mut taken.clone());
        let is_complete = search.nodes > 0;
        let Some((cost, places)) = search.best else {
            return Err(if is_complete { NoAnswer::Infeasible } else { NoAnswer::NotFound { nodes } });
        };
        let places: Table<ServiceId, ClusterId> = places.into_iter().collect();
        assert_eq!(self.cost(&places), Some(cost), "an answer costs what it was said to");
        Ok(Answer { places, cost, bound: if is_complete { cost } else { root.min(cost) } })
    }
}

struct Search<'a> {
    problem: &'a Problem,
    capacity: Vec<[u64; KINDS]>,
    needs: Vec<[u64; KINDS]>,
    /// Services by falling size.
    order: Vec<ServiceId>,
    /// Price of a unit of each resource in each cluster.
    prices: Vec<[f64; KINDS]>,
    /// By position in the order: what the services from there on cost at least, at these prices.
    rest: Vec<f64>,
    /// What all capacities are worth at these prices.
    worth: f64,
    /// By position: what the services from there on need together.
    need_of_rest: Vec<[u128; KINDS]>,
    unit: f64,
    chosen: Vec<ClusterId>,
    best: Option<(i64, Vec<ClusterId>)>,
    nodes: u32,
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem, nodes: u32) -> Self {
        let capacity: Vec<[u64; KINDS]> = problem.capacity.values().map(|have| have.amounts()).collect();
        let needs: Vec<[u64; KINDS]> = problem.needs.values().map(|need| need.amounts()).collect();
        let mut all = [0.0f64; KINDS];
        for have in &capacity {
            for (all, have) in all.iter_mut().zip(have) {
                *all += *have as f64;
            }
        }
        let size = |service: ServiceId| -> f64 {
            let shares = needs[service.index()].iter().zip(all);
            shares.map(|(need, all)| *need as f64 / all.max(1.0)).fold(0.0, f64::max)
        };
        let mut order: Vec<ServiceId> = problem.needs.ids().collect();
        order.sort_by(|a, b| size(*b).total_cmp(&size(*a)).then(a.cmp(b)));
        let mut need_of_rest = vec![[0u128; KINDS]; order.len() + 1];
        for (position, service) in order.iter().enumerate().rev() {
            need_of_rest[position] = need_of_rest[position + 1];
            for (sum, need) in need_of_rest[position].iter_mut().zip(needs[service.index()]) {
                *sum += u128::from(need);
            }
        }
        let clusters = capacity.len();
        let mut search = Self {
            problem,
            capacity,
            order,
            prices: vec![[0.0; KINDS]; clusters],
            rest: Vec::new(),
            worth: 0.0,
            need_of_rest,
            unit: unit(problem),
            chosen: vec![ClusterId(0); needs.len()],
            needs,
            best: None,
            nodes,
        };
        search.sum_up();
        search
    }

    /// Cost of a service in a cluster, what it takes included at its price.
    fn priced(&self, service: ServiceId, cluster: ClusterId) -> Option<f64> {
        let cost = self.problem.costs[service][cluster]?;
        let paid = self.prices[cluster.index()].iter().zip(self.needs[service.index()]);
        Some(cost as f64 + paid.map(|(price, need)| price * need as f64).sum::<f64>())
    }

    fn cheapest(&self, service: ServiceId) -> Option<(f64, ClusterId)> {
        let clusters = self.problem.capacity.ids();
        let priced = clusters.filter_map(|cluster| Some((self.priced(service, cluster)?, cluster)));
        priced.min_by(|a, b| a.0.total_cmp(&b.0))
    }

    /// Works out what the prices make of services and capacities.
    fn sum_up(&mut self) {
        self.rest = vec![0.0; self.order.len() + 1];
        for position in (0..self.order.len()).rev() {
            let least = self.cheapest(self.order[position]).map_or(f64::INFINITY, |(cost, _)| cost);
            self.rest[position] = self.rest[position + 1] + least;
        }
        let paid = self.prices.iter().zip(&self.capacity);
        self.worth =
            paid.flat_map(|(prices, have)| prices.iter().zip(have)).map(|(price, have)| price * *have as f64).sum();
    }

    fn root_bound(&self) -> i64 {
        let bound = self.rest[0] - self.worth;
        #[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
        let whole = (bound - 1e-6 * bound.abs().max(1.0)).ceil() as i64;
        whole
    }

    /// Subgradient steps: a resource that is asked for too much gets dearer, one that is not gets cheaper.
    fn price(&mut self) {
        let spread = self.problem.costs.values().map(|costs| {
            let (least, most) =
                costs.values().flatten().fold((i64::MAX, i64::MIN), |(a, b), cost| (a.min(*cost), b.max(*cost)));
            most.saturating_sub(least).max(0) as f64
        });
        let spread: f64 = spread.sum::<f64>().max(1.0);
        let (mut best, mut best_prices, mut agility) = (self.rest[0] - self.worth, self.prices.clone(), 1.0);
        for step in 0..STEPS {
            let Some(slope) = self.slope() else { break };
            // Measured in shares of a capacity, so that cores and bytes are moved alike.
            let length: f64 = slope.iter().flatten().map(|share| share * share).sum();
            if length < 1e-12 {
                break;
            }
            let bound = self.rest[0] - self.worth;
            let target = self.best.as_ref().map_or(bound.max(best) + spread * 0.05, |(cost, _)| *cost as f64);
            let stride = agility * (target - bound).max(self.unit * 0.1) / length;
            for ((prices, slope), have) in self.prices.iter_mut().zip(&slope).zip(&self.capacity) {
                for k in 0..KINDS {
                    let scale = (have[k] as f64).max(1.0);
                    prices[k] = (prices[k] + stride * slope[k] / scale).max(0.0);
                }
            }
            self.sum_up();
            if self.rest[0] - self.worth > best {
                (best, best_prices) = (self.rest[0] - self.worth, self.prices.clone());
            } else if step % 10 == 9 {
                agility *= 0.7;
            }
        }
        self.prices = best_prices;
        self.sum_up();
    }

    /// By cluster and resource: what the cheapest choices ask for beyond the capacity, in shares of it; where the price is
    /// zero and nothing is asked beyond, none.
    fn slope(&self) -> Option<Vec<[f64; KINDS]>> {
        let mut asked = vec![[0.0; KINDS]; self.capacity.len()];
        for service in &self.order {
            let (_, cluster) = self.cheapest(*service)?;
            for (asked, need) in asked[cluster.index()].iter_mut().zip(self.needs[service.index()]) {
                *asked += need as f64;
            }
        }
        for ((asked, have), prices) in asked.iter_mut().zip(&self.capacity).zip(&self.prices) {
            for k in 0..KINDS {
                let beyond = (asked[k] - have[k] as f64) / (have[k] as f64).max(1.0);
                asked[k] = if beyond < 0.0 && prices[k] == 0.0 { 0.0 } else { beyond };
            }
        }
        Some(asked)
    }

    fn descend(&mut self, position: usize, cost: i64, taken: &mut Vec<[u64; KINDS]>) {
        let Some(service) = self.order.get(position).copied() else {
            if self.best.as_ref().is_none_or(|(best, _)| cost < *best) {
                self.best = Some((cost, self.chosen.clone()));
            }
            return;
        };
        if self.nodes == 0 {
            return;
        }
        self.nodes -= 1;
        if self.is_hopeless(position, cost, taken) {
            return;
        }
        let need = self.needs[service.index()];
        let clusters = self.problem.capacity.ids();
        let fits = |cluster: &ClusterId| {
            let (taken, have) = (taken[cluster.index()], self.capacity[cluster.index()]);
            (0..KINDS).all(|k| need[k] <= have[k] - taken[k])
        };
        let open = clusters.filter(fits).filter_map(|cluster| Some((self.priced(service, cluster)?, cluster)));
        let mut open: Vec<(f64, ClusterId)> = open.collect();
        open.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (_, cluster) in open {
            let here = self.problem.costs[service][cluster].expect("only open clusters are tried");
            self.chosen[service.index()] = cluster;
            change(&mut taken[cluster.index()], need, true);
            self.descend(position + 1, cost + here, taken);
            change(&mut taken[cluster.index()], need, false);
        }
    }

    /// Whether nothing below can fit, or beat the best answer.
    fn is_hopeless(&self, position: usize, cost: i64, taken: &[[u64; KINDS]]) -> bool {
        let mut free = [0u128; KINDS];
        // What is free is worth its price only as far as it is there: prices of what is taken have been paid.
        let mut worth = 0.0;
        for ((taken, have), prices) in taken.iter().zip(&self.capacity).zip(&self.prices) {
            for k in 0..KINDS {
                free[k] += u128::from(have[k] - taken[k]);
                worth += prices[k] * (have[k] - taken[k]) as f64;
            }
        }
        if self.need_of_rest[position].iter().zip(free).any(|(need, free)| *need > free) {
            return true;
        }
        let Some((best, _)) = &self.best else { return self.rest[position].is_infinite() };
        let bound = cost as f64 + self.rest[position] - worth;
        let best = *best as f64;
        bound > best - self.unit + 1e-9 * best.abs().max(1.0)
    }
}

/// The greatest common divisor of all differences of costs: no two answers are closer.
fn unit(problem: &Problem) -> f64 {
    let divisor = problem.costs.values().fold(0u64, |divisor, costs| {
        let mut known = costs.values().flatten();
        let first = known.next().copied().unwrap_or(0);
        known.fold(divisor, |divisor, cost| gcd(divisor, cost.abs_diff(first)))
    });
    divisor.max(1) as f64
}

const fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn change(taken: &mut [u64; KINDS], need: [u64; KINDS], is_more: bool) {
    for (taken, need) in taken.iter_mut().zip(need) {
        if is_more {
            *taken += need;
        } else {
            *taken -= need;
        }
    }
}
