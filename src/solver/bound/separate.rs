//! The separate bound of one piece: each entry for itself, with all nodes that are there anyway to itself.

use super::{Piece, RESOURCES, Value, World};

/// How a node's price is shared among its resources; each is valid, and the best is taken.
const WEIGHTS: [[f64; RESOURCES]; 6] =
    [[1.0, 0.0, 0.0], [0.75, 0.25, 0.0], [0.5, 0.5, 0.0], [0.25, 0.75, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// The best over all weights.
pub(super) fn value(world: &World, piece: &Piece) -> Value {
    let values = WEIGHTS.iter().map(|weights| weighted(world, piece, weights));
    let best = values.reduce(|best, one| if one.dollars > best.dollars { one } else { best });
    best.expect("there are weights")
}

/// What a node's worth of each resource costs in each pool, at these weights.
pub(super) fn rooms(piece: &Piece, weights: &[f64; RESOURCES]) -> Vec<[f64; RESOURCES]> {
    piece.prices.iter().map(|price| weights.map(|weight| weight * price)).collect()
}

/// All weights.
pub(super) const fn weights() -> &'static [[f64; RESOURCES]] {
    &WEIGHTS
}

fn weighted(world: &World, piece: &Piece, weights: &[f64; RESOURCES]) -> Value {
    let prices = world.capacity_prices(piece, &rooms(piece, weights));
    let there: f64 = world.pools.iter().zip(&piece.prices).map(|(pool, price)| pool.nodes_min * price).sum();
    let (mut dollars, mut worth) = (there, world.worthless());
    for ((entry, rate), worth) in world.entries.iter().zip(&piece.rates).zip(&mut worth) {
        let price = World::request_price(entry, &prices);
        let beyond = if price > 0.0 { rate - there / price } else { 0.0 };
        if beyond <= 0.0 {
            continue;
        }
        dollars += price.min(world.penalty) * beyond;
        // Where a request cannot be served at all, none of its capacity is worth anything.
        let scale = if price.is_finite() { (world.penalty / price).min(1.0) } else { continue };
        *worth = entry.causes.iter().map(|cause| prices[cause.service].0 * scale).collect();
    }
    Value { dollars, worth }
}
