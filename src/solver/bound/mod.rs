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
//! * A good request of `s` takes `m_sk` of the capacity of each service `k` that it causes calls to, at least. It is counted when
//!   it arrives, and served by `k` after that. So with `g_sk ≥ 0` the work of good requests of `s` that is still to come at `k`,
//!   `Σ_s m_sk·Good_s,i ≤ C_k,i + Σ_s (g_sk(end of i) − g_sk(begin of i))`, and `g_sk ≤ W_sk·Λ_s` with `Λ_s` the highest rate so far.
//!   Conditional services may be asleep and are left out, with all that they call.
//!
//! # What calls take where some are dropped
//!
//! A request succeeds with `Π p^m` over its calls, `p` the chance of one. For `m ≥ 1` that is `p` at most, the share that is
//! served, and a good request takes all of its calls. For `m < 1` it is more than `p`: `k` may serve less than `m` a good request.
//! But a full queue holds up all that it takes, by its limit `B`: where a share `w` of the calls goes to full queues, `w·m·B` is a
//! part of the latency that all have, and beyond `L` nothing is good. So `p ≥ 1 − L/(m·B)` on a way with fractional calls, and each
//! queue on it takes the share `L/(m·B)` off `m_sk`. Without an SLO nothing holds: all behind fractional calls is left out.
//!
//! # How much work good requests may leave behind
//!
//! A request counts as good by the latency of the moment at which it arrives, which is kept for at most 1 s while a backlog
//! changes; where waiting alone is longer than `L`, none does. One queue in one cluster, with backlog `q`, capacity `C` and
//! arrivals `a ≤ Λ`: good ones arrive while `q ≤ L·C`. Let `G` be those that are still waiting, and `P` what is ahead of the oldest;
//! then `dP/dG = −C/a ≤ −(P + G)/(L·Λ)`, so `P = L·Λ − G + (P₀ − L·Λ)·exp(−G/(L·Λ))` at most, and `P ≥ 0` gives `G ≤ z·L·Λ` with
//! `z = 1 + (P₀/(L·Λ) − 1)·exp(−z)`. Up to `C = 20,000·Λ`, `z ≤ 8`: more than `L` seconds of load can wait only where capacity was far above
//! the load and is taken away bit by bit. The second that latencies are kept adds `Λ` times 1 s. A queue further down gets what
//! queues before it let go, and adds as much again. So `W_sk` is the sum over all queues `j` on the way from `s` to `k`, in each
//! cluster that may host `j`, of `8·min(L, m_sj·B_j) + m_sj·1 s`, times the calls at `k` for each at `j`.
//!
//! # What is not covered
//!
//! The simulator does not take back a request that it has counted as good. Some of those may never be served: they are
//! thrown away while they wait, because capacity goes (the queue's limit is in seconds of it) or a queue further down
//! overflows. Others may be parked for longer than `W`: counted by a short queue of a called service in one cluster, and sent to a long
//! one in another by the time they get there. A policy that did so again and again could get below the bound, by what waits each time;
//! tests drive all policies, and none does.
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
//! With `y_sk` what the capacity for a call is worth in a piece (`κ_k`, scaled down where requests are given up; in the
//! separate bound it is worth nothing while the nodes that are there anyway are enough for `s`), carried work adds
//! `Σ_i y_sk,i·(g_sk,i − g_sk,i−1)` at most. Summed by parts that is at most `W_sk·Λ_s·Σ_i max(0, y_sk,i − y_sk,i+1)` with a last `y`
//! of 0: only falling prices and the end of the run cost anything. That is taken off.

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
}

/// An entry service.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which service.
    pub service: usize,
    /// What one of its requests causes at each service, itself included.
    pub causes: Vec<Cause>,
}

/// What the requests of an entry cause at a service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cause {
    /// Which service.
    pub service: usize,
    /// Calls for each good request, at least.
    pub calls: f64,
    /// Calls of good requests that may be still to come, at most, in seconds of the entry's highest rate.
    pub carried: f64,
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

/// The bound of one piece: dollars per second, and what the capacity for a call is worth, for each cause of each entry.
#[derive(Debug, Clone, PartialEq)]
struct Value {
    dollars: f64,
    worth: Worth,
}

/// Dollars a call, by entry and cause.
type Worth = Vec<Vec<f64>>;

/// Adds up pieces in order of time.
#[derive(Debug, Clone)]
pub struct Sum<'a> {
    world: &'a World,
    /// By entry: the highest rate so far.
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
    worth: Worth,
}

impl<'a> Sum<'a> {
    /// No piece yet.
    pub fn new(world: &'a World) -> Self {
        let course = Course { dollars: 0.0, worth: world.worthless() };
        let highest = vec![0.0; world.entries.len()];
        Self { world, highest, separate: course.clone(), coupled: course, rooms: None, last: None }
    }

    /// The next piece.
    pub fn add(&mut self, piece: &Piece) {
        for (highest, rate) in self.highest.iter_mut().zip(&piece.rates) {
            *highest = highest.max(*rate);
        }
        let again = self.last.take().filter(|(last, ..)| last.is_like(piece));
        let (separate, coupled) = match again {
            Some((_, separate, coupled)) => (separate, coupled),
            None => self.values(piece),
        };
        let carried = self.carried();
        self.separate.add(&separate, piece.seconds, &carried);
        self.coupled.add(&coupled, piece.seconds, &carried);
        self.last = Some((piece.clone(), separate, coupled));
    }

    fn values(&mut self, piece: &Piece) -> (Value, Value) {
        let separate = separate::value(self.world, piece);
        let (rooms, coupled) = coupled::value(self.world, piece, self.rooms.take());
        self.rooms = Some(rooms);
        let coupled = if coupled.dollars > separate.dollars { coupled } else { separate.clone() };
        (separate, coupled)
    }

    /// By entry and cause: calls that may be carried over the end of a piece.
    fn carried(&self) -> Worth {
        let of = |(entry, rate): (&Entry, &f64)| entry.causes.iter().map(|cause| cause.carried * rate).collect();
        self.world.entries.iter().zip(&self.highest).map(of).collect()
    }

    /// The bounds over all pieces.
    pub fn bound(mut self) -> Bound {
        let (carried, end) = (self.carried(), Value { dollars: 0.0, worth: self.world.worthless() });
        self.separate.add(&end, 0.0, &carried);
        self.coupled.add(&end, 0.0, &carried);
        let separate = self.separate.dollars.max(0.0);
        Bound { separate, coupled: self.coupled.dollars.max(separate) }
    }
}

impl Course {
    fn add(&mut self, value: &Value, seconds: f64, carried: &[Vec<f64>]) {
        let falls = self.worth.iter().flatten().zip(value.worth.iter().flatten());
        let falls = falls.map(|(before, now)| (before - now).max(0.0));
        let taken_off: f64 = falls.zip(carried.iter().flatten()).map(|(fall, calls)| fall * calls).sum();
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
    /// Nothing is worth anything.
    fn worthless(&self) -> Worth {
        self.entries.iter().map(|entry| vec![0.0; entry.causes.len()]).collect()
    }

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
        entry.causes.iter().map(|cause| cause.calls * prices[cause.service].0).sum()
    }
}

#[cfg(test)]
mod tests;
