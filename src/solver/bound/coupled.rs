//! The coupled bound of one piece: rooms at a price, and a supergradient that looks for good prices.
//!
//! The dual is concave and piecewise linear in the prices, and the difference between what is used of a room and what
//! there is of it is a supergradient. Steps follow Polyak towards a target a little above the best value so far, which
//! comes nearer when it is not reached. However the search ends, the best value that was seen is a bound.

use super::separate::{rooms, weights};
use super::{Cause, Entry, Piece, RESOURCES, Value, World};

/// What a node's worth of each resource costs, by pool.
pub(super) type Rooms = Vec<[f64; RESOURCES]>;

/// Steps in the first piece, and in those that start from the piece before.
const STEPS: (u32, u32) = (300, 40);

/// Shares of the prices of nodes that the search begins with.
const SHARES: [f64; 5] = [0.0, 0.25, 0.5, 0.75, 1.0];

/// A point of the dual.
struct Point {
    rooms: Rooms,
    value: Value,
    /// What is used of each room less what there is, in nodes.
    slope: Rooms,
}

/// The best bound that was found, with its prices.
pub(super) fn value(world: &World, piece: &Piece, before: Option<Rooms>) -> (Rooms, Value) {
    let steps = if before.is_some() { STEPS.1 } else { STEPS.0 };
    let simple = weights().iter().flat_map(|weights| SHARES.map(|share| weights.map(|weight| weight * share)));
    let starts = simple.map(|weights| rooms(piece, &weights)).chain(before);
    let points = starts.map(|rooms| point(world, piece, rooms));
    let best = points.reduce(|best, one| if one.value.dollars > best.value.dollars { one } else { best });
    let best = climb(world, piece, best.expect("there are starts"), steps);
    (best.rooms, best.value)
}

fn climb(world: &World, piece: &Piece, start: Point, steps: u32) -> Point {
    let mut ahead = 0.1 * start.value.dollars.abs().max(world.penalty * piece.rates.iter().sum::<f64>() * 0.1);
    let mut here = Point { rooms: start.rooms.clone(), value: start.value.clone(), slope: start.slope.clone() };
    let mut best = start;
    let mut missed = 0;
    for _ in 0..steps {
        let length: f64 = here.slope.iter().flatten().map(|part| part * part).sum();
        if length <= 1e-18 || ahead <= 1e-9 * best.value.dollars.abs() {
            break;
        }
        let step = (best.value.dollars + ahead - here.value.dollars) / length;
        let next = |(room, slope): (&[f64; RESOURCES], &[f64; RESOURCES])| {
            std::array::from_fn(|one| slope[one].mul_add(step, room[one]).max(0.0))
        };
        here = point(world, piece, here.rooms.iter().zip(&here.slope).map(next).collect());
        if here.value.dollars > best.value.dollars {
            missed = 0;
            best = Point { rooms: here.rooms.clone(), value: here.value.clone(), slope: here.slope.clone() };
        } else {
            missed += 1;
        }
        if missed == 4 {
            (missed, ahead) = (0, ahead / 2.0);
            here = Point { rooms: best.rooms.clone(), value: best.value.clone(), slope: best.slope.clone() };
        }
    }
    best
}

/// The dual at these prices.
fn point(world: &World, piece: &Piece, rooms: Rooms) -> Point {
    let prices = world.capacity_prices(piece, &rooms);
    let mut slope: Rooms = vec![[0.0; RESOURCES]; world.pools.len()];
    let mut dollars = 0.0;
    for (pool, shape) in world.pools.iter().enumerate() {
        let left = piece.prices[pool] - rooms[pool].iter().sum::<f64>();
        let nodes = if left >= 0.0 { shape.nodes_min } else { shape.nodes_max };
        dollars += nodes * left;
        slope[pool] = [-nodes; RESOURCES];
    }
    let mut scales = vec![0.0f64; world.services.len()];
    for (entry, rate) in world.entries.iter().zip(&piece.rates) {
        let price = World::request_price(entry, &prices);
        dollars += rate * price.min(world.penalty);
        if !price.is_finite() || *rate <= 0.0 {
            continue;
        }
        let scale = if price > world.penalty { world.penalty / price } else { 1.0 };
        for Cause { service, calls, .. } in &entry.causes {
            scales[*service] = scales[*service].max(scale);
            if price < world.penalty {
                use_room(world, piece, (*service, prices[*service].1, rate * calls), &mut slope);
            }
        }
    }
    let worth = |service: usize| if prices[service].0.is_finite() { prices[service].0 * scales[service] } else { 0.0 };
    let of = |entry: &Entry| entry.causes.iter().map(|cause| worth(cause.service)).collect();
    let worth = world.entries.iter().map(of).collect();
    Point { value: Value { dollars, worth }, rooms, slope }
}

/// Adds what calls at a rate use of a pool.
fn use_room(world: &World, piece: &Piece, (service, pool, rate): (usize, usize, f64), slope: &mut Rooms) {
    let here = &world.services[service];
    let Some(serves) = here.serves[pool] else { return };
    let replicas = rate / (serves * piece.factors[service]);
    for one in (0..RESOURCES).filter(|one| here.request[*one] > 0.0) {
        slope[pool][one] += replicas * here.request[one] / world.pools[pool].shape[one];
    }
}
