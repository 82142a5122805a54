//! What no policy can get below: lower bounds on bill and broken promises in the simulated world, with full knowledge of
//! the load.
//!
//! The loss of a run is `J = nodes + egress + π·(offered − good)`: dollars for nodes and traffic, and `π` dollars for each
//! of the users' requests that was not good. Egress is never negative and is left out. Time falls into *pieces* `i` of
//! constant rates `λ_s` of the entry services `s`, constant prices and capacities.
//!
//! # What every run keeps to
//!
//! * Pool `p` has between `min_p` and `max_p` nodes at all times and pays for each of them, broken ones included. Ready
//!   replicas have requests that fit the nodes, in each resource `j`: `Σ_k req_kj·x_kp ≤ n_p·shape_pj`. Fractions of nodes
//!   and of replicas are allowed here, starts are free and take no time, nothing breaks, and others hold nothing: each of
//!   these makes the bound lower, never wrong. A mean over a piece is as good as a course within it, for all is linear.
//! * `r` replicas of service `k` serve at most `ρ_kp·r`, with `ρ_kp` the most that one of `r` replicas serves, over all `r`.
//! * A good request of `s` takes `m_sk` of the capacity of each service `k` that it causes calls to. It is counted when it
//!   arrives, and served by `k` after that. So with `g_k` the work of good requests that is still to come at `k`,
//!   `Σ_s m_sk·Good_s,i ≤ C_k,i + g_k(end of i) − g_k(begin of i)`, and `g_k ≤ W·Λ_k` with `Λ_k` the highest rate of calls, if no
//!   request counts as good that arrives behind more than `W` seconds of work.
//!   Conditional services may be asleep and are left out, with all that they call.
//!
//! The last point rests on how the simulator counts. A request counts as good by the latency of the moment at which it
//! arrives, which is kept for at most 1 s while a backlog changes. Behind a backlog of more than `8·L` seconds (`L` the SLO's
//! latency) no more requests count as good than go elsewhere; the gamma law of a mixture keeps to that from `5·L` on. So `W` is
//! 2 s more than the smaller of `8·L` and the sum of the queue limits on the way. What the bound does *not* cover: requests that were
//! counted as good and are thrown away after that, because all ready replicas of a cluster go while they wait, or
//! because a queue further down overflows. The simulator does not take those back, and a policy that emptied clusters on
//! purpose could gain the few that wait each time.
//!
//! # Separate bound: each entry service with what it calls
//!
//! With weights `w_j` that add up to 1, a replica needs at least the share `Σ_j w_j·req_kj/shape_pj` of a node, so capacity costs
//! at least `κ_k = min_p price_p·share_kp/ρ_kp` a request, and a good request of `s` at least `c_s = Σ_k m_sk·κ_k`. The nodes
//! that pools hold anyway are worth `F = Σ_p price_p·min_p` a second. Since `Σ_p price_p·max(min_p, need_p) ≥ F + max(0, Σ_p
//! price_p·need_p − F)` and `max(0, Σ_s u_s − F) ≥ Σ_s max(0, u_s − F)` for `u_s ≥ 0`, with `Good_s = G`:
//!
//! ```text
//! J ≥ Σ_i D_i·( F + Σ_s min over 0≤G≤λ_s of [ max(0, c_s·G − F) + π·(λ_s − G) ] )
//!   = Σ_i D_i·( F + Σ_s min(π, c_s)·max(0, λ_s − F/c_s) )
//! ```
//!
//! # Coupled bound: rooms at a price
//!
//! Lagrangian relaxation of the room in each pool and resource, at a price `ν_pj ≥ 0` a node's worth of it:
//!
//! ```text
//! g(ν) = Σ_p min over min_p≤n≤max_p of n·(price_p − Σ_j ν_pj) + Σ_s λ_s·min(π, Σ_k m_sk·κ_k(ν))
//! κ_k(ν) = min_p ( Σ_j ν_pj·req_kj/shape_pj ) / ρ_kp
//! ```
//!
//! Each `ν` gives a valid bound (weak duality); a supergradient looks for a good one in every piece. A piece takes the
//! better of both bounds, so the coupled one is never below the separate one.
//!
//! # Work that is carried from piece to piece
//!
//! With `y_k` what a request's capacity is worth in a piece (`κ_k`, scaled down where requests are given up), the carried
//! work adds `Σ_i y_k,i·(g_k,i − g_k,i−1)` at most. Summed by parts that is at most `W·Λ_k·Σ_i max(0, y_k,i − y_k,i+1)` with a last
//! `y` of 0: only falling prices and the end of the run cost anything. That is taken off.

mod coupled;
mod separate;

/// Resources that rooms are limited in: CPU, memory, accelerators.
pub const RESOURCES: usize = 3;

/// Nodes of one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Nodes that are there and paid for in any case.
    pub nodes_min: f64,
    /// Nodes beyond which it never grows.
    pub nodes_max: f64,
    /// What a node offers, in any unit that requests are given in too.
    pub shape: [f64; RESOURCES],
}

/// A service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// What a replica asks for.
    pub request: [f64; RESOURCES],
    /// By pool: requests per second that a replica serves at most; `None` where it cannot be.
    pub serves: Vec<Option<f64>>,
    /// Seconds of work behind which no request counts as good, at most.
    pub carried: f64,
}

/// An entry service.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which service.
    pub service: usize,
    /// Calls that one of its requests causes at each service, itself included: once.
    pub causes: Vec<(usize, f64)>,
}

/// A world without its load.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Pools of all clusters.
    pub pools: Vec<Pool>,
    /// Services.
    pub services: Vec<Service>,
    /// Entries.
    pub entries: Vec<Entry>,
    /// What a bad request costs, in dollars.
    pub penalty: f64,
}

/// A time in which nothing changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// How long, in seconds.
    pub seconds: f64,
    /// By entry: requests per second.
    pub rates: Vec<f64>,
    /// By pool: dollars per second of a node.
    pub prices: Vec<f64>,
    /// By service: the multiple that its version serves.
    pub factors: Vec<f64>,
}

/// The bounds of a run, in dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bound {
    /// Each entry with what it calls.
    pub separate: f64,
    /// With rooms at a price; at least `separate`.
    pub coupled: f64,
}

/// The bound of one piece: dollars per second, and what a request's capacity is worth at each service.
#[derive(Debug, Clone, PartialEq)]
struct Value {
    dollars: f64,
    worth: Vec<f64>,
}

/// Adds up pieces in order of time.
#[derive(Debug, Clone)]
pub struct Sum<'a> {
    world: &'a World,
    /// By service: the highest rate of calls so far.
    highest: Vec<f64>,
    separate: Course,
    coupled: Course,
    /// Prices of rooms in the piece before, to start from.
    rooms: Option<coupled::Rooms>,
    last: Option<(Piece, Value, Value)>,
}

/// A bound over time.
#[derive(Debug, Clone)]
struct Course {
    dollars: f64,
    worth: Vec<f64>,
}

impl<'a> Sum<'a> {
    /// No piece yet.
    pub fn new(world: &'a World) -> Self {
        let course = Course { dollars: 0.0, worth: vec![0.0; world.services.len()] };
        let highest = vec![0.0; world.services.len()];
        Self { world, highest, separate: course.clone(), coupled: course, rooms: None, last: None }
    }

    /// The next piece.
    pub fn add(&mut self, piece: &Piece) {
        let mut here = vec![0.0; self.world.services.len()];
        for (entry, rate) in self.world.entries.iter().zip(&piece.rates) {
            for (service, calls) in &entry.causes {
                here[*service] += rate * calls;
            }
        }
        for (highest, here) in self.highest.iter_mut().zip(here) {
            *highest = highest.max(here);
        }
        let again = self.last.take().filter(|(last, ..)| last.is_like(piece));
        let (separate, coupled) = match again {
            Some((_, separate, coupled)) => (separate, coupled),
            None => self.values(piece),
        };
        self.separate.add(&separate, piece.seconds, &self.carried());
        self.coupled.add(&coupled, piece.seconds, &self.carried());
        self.last = Some((piece.clone(), separate, coupled));
    }

    fn values(&mut self, piece: &Piece) -> (Value, Value) {
        let separate = separate::value(self.world, piece);
        let (rooms, coupled) = coupled::value(self.world, piece, self.rooms.take());
        self.rooms = Some(rooms);
        let coupled = if coupled.dollars > separate.dollars { coupled } else { separate.clone() };
        (separate, coupled)
    }

    /// By service: work that may be carried over the end of a piece, in requests.
    fn carried(&self) -> Vec<f64> {
        self.world.services.iter().zip(&self.highest).map(|(one, rate)| one.carried * rate).collect()
    }

    /// The bounds over all pieces.
    pub fn bound(mut self) -> Bound {
        let (carried, none) = (self.carried(), vec![0.0; self.world.services.len()]);
        let end = Value { dollars: 0.0, worth: none };
        self.separate.add(&end, 0.0, &carried);
        self.coupled.add(&end, 0.0, &carried);
        let separate = self.separate.dollars.max(0.0);
        Bound { separate, coupled: self.coupled.dollars.max(separate) }
    }
}

impl Course {
    fn add(&mut self, value: &Value, seconds: f64, carried: &[f64]) {
        let falls = self.worth.iter().zip(&value.worth).map(|(before, now)| (before - now).max(0.0));
        let taken_off: f64 = falls.zip(carried).map(|(fall, requests)| fall * requests).sum();
        self.dollars += value.dollars * seconds - taken_off;
        self.worth.clone_from(&value.worth);
    }
}

impl Piece {
    /// Whether it differs in length alone.
    fn is_like(&self, other: &Self) -> bool {
        (&self.rates, &self.prices, &self.factors) == (&other.rates, &other.prices, &other.factors)
    }
}

impl World {
    /// Dollars of a request's capacity at each service, and the pool where it is had for that, where a node's worth of each
    /// resource in a pool costs `rooms`. Infinite where no pool may host the service.
    fn capacity_prices(&self, piece: &Piece, rooms: &[[f64; RESOURCES]]) -> Vec<(f64, usize)> {
        let price_of = |(service, factor): (&Service, &f64)| {
            let mut best = (f64::INFINITY, 0);
            for (pool, shape) in self.pools.iter().enumerate() {
                let Some(serves) = service.serves[pool].filter(|serves| serves * factor > 0.0) else { continue };
                let held = (0..RESOURCES).filter(|resource| service.request[*resource] > 0.0);
                let price: f64 = held.map(|one| rooms[pool][one] * service.request[one] / shape.shape[one]).sum();
                let price = price / (serves * factor);
                if price < best.0 {
                    best = (price, pool);
                }
            }
            best
        };
        self.services.iter().zip(&piece.factors).map(price_of).collect()
    }

    /// What a good request of `entry` takes, in dollars.
    fn request_price(entry: &Entry, prices: &[(f64, usize)]) -> f64 {
        entry.causes.iter().map(|(service, calls)| calls * prices[*service].0).sum()
    }
}

#[cfg(test)]
mod tests;
