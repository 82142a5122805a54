//! Services that call each other, moved together: a whole tree of calls is taken out and planted anew where it is cheapest.
//!
//! One service alone seldom leaves its callers, because every call across clusters costs at once what the move would save
//! only if all went. With the others where they are, the best places of a tree are found exactly, by the same recursion that
//! makes the [`forest`](super::forest)'s bound, among clusters that have room for the service alone; what then does not fit
//! together is left where it was.

use super::prices::Prices;
use super::state::State;

/// Replants all trees, `rounds` times at most, as long as that makes the answer cheaper. `heed` is the share of the shadow
/// prices that counts: with some of it, trees make room for others that need it more.
pub fn replant(state: &mut State<'_>, prices: &Prices<'_>, (rounds, heed): (u32, f64)) {
    let trees = prices.trees();
    let mut room_prices: Vec<f64> = Vec::new();
    let at = prices.felt(&prices.best);
    room_prices.extend((0..state.counts.len()).map(|place| heed * prices.whole_room(&at, place)));
    for _ in 0..rounds {
        let before = state.cost;
        for tree in &trees {
            replant_one(state, prices, (tree, &room_prices));
        }
        if state.cost >= before - 1e-9 * before.abs().max(1.0) {
            return;
        }
    }
}

fn replant_one(state: &mut State<'_>, prices: &Prices<'_>, (tree, room_prices): (&[u32], &[f64])) {
    let problem = state.problem;
    let mut former: Vec<(usize, u32)> = Vec::with_capacity(tree.len());
    let cost = state.cost;
    let room = |former: &[(usize, u32)]| former.iter().map(|(place, _)| room_prices[*place]).sum::<f64>();
    for service in tree {
        for place in problem.places_of(*service as usize).filter(|place| state.counts[*place] > 0) {
            former.push((place, state.counts[place]));
        }
    }
    clear(state, &former);
    let mut planted: Vec<(usize, u32)> = Vec::with_capacity(tree.len());
    {
        let here: &State<'_> = state;
        let price = |place: usize| {
            let full = problem.full(here.owner[place] as usize, place);
            let is_open = full > 0 && here.has_room(place, full);
            if is_open { prices.whole_cost(place) + room_prices[place] } else { f64::INFINITY }
        };
        prices.choose_tree(tree[0] as usize, &price, &mut |place| {
            planted.push((place, problem.full(here.owner[place] as usize, place)));
        });
    }
    for at in 0..planted.len() {
        let (place, count) = planted[at];
        if !state.has_room(place, count) {
            clear(state, &planted[..at]);
            planted.clear();
            break;
        }
        state.set(place, count);
    }
    let gain = (cost + room(&former)) - (state.cost + room(&planted));
    if planted.is_empty() || gain < 1e-9 {
        clear(state, &planted);
        for (place, count) in former {
            state.set(place, count);
        }
        state.cost = cost;
    }
}

fn clear(state: &mut State<'_>, places: &[(usize, u32)]) {
    for (place, _) in places {
        state.set(*place, 0);
    }
}
