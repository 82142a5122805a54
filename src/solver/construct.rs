//! A first answer from prices: services in the order of what waiting would cost them, each where it is cheapest.
//!
//! Regret greedy (Martello and Toth 1990): at the given prices of room, a service's regret is what its second-best place costs
//! more than its best. Who has the most to lose chooses first, and takes the cheapest place that still has room; a service
//! that may be split takes what there is and goes on. What finds no place stays short.

use super::prices::Prices;
use super::problem::index;
use super::state::State;

/// Fills up `state`.
pub fn fill(state: &mut State<'_>, prices: &Prices<'_>) {
    let problem = state.problem;
    let at = &prices.best;
    let regret = |service: usize| {
        let (mut best, mut second) = (f64::INFINITY, f64::INFINITY);
        for place in problem.places_of(service) {
            let price = prices.whole_price(at, place);
            if price < best {
                (best, second) = (price, best);
            } else if price < second {
                second = price;
            }
        }
        if second.is_finite() { second - best } else { f64::INFINITY }
    };
    let short = (0..problem.services.len()).filter(|service| state.short(*service) > 0);
    let mut order: Vec<(f64, u32)> = short.map(|service| (regret(service), index(service))).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut row: Vec<(f64, u32)> = Vec::new();
    for (_, service) in order {
        let service = service as usize;
        row.clear();
        row.extend(problem.places_of(service).map(|place| (prices.whole_price(at, place), index(place))));
        row.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        place_all(state, service, &row);
    }
}

/// Puts what is missing of a service into the places of `row`, in this order.
fn place_all(state: &mut State<'_>, service: usize, row: &[(f64, u32)]) {
    let is_single = state.problem.services[service].is_single;
    if is_single {
        let home = row.iter().find(|(_, place)| state.counts[*place as usize] > 0);
        let whole = row.iter().find(|(_, place)| wanted(state, *place as usize) <= possible(state, *place as usize));
        let most = row.iter().max_by_key(|(_, place)| possible(state, *place as usize));
        if let Some((_, place)) = home.or(whole).or(most) {
            add(state, *place as usize);
        }
        return;
    }
    for (_, place) in row {
        if state.short(service) == 0 {
            return;
        }
        add(state, *place as usize);
    }
}

/// Replicas that would serve what is short.
fn wanted(state: &State<'_>, place: usize) -> u64 {
    state.short(state.owner[place] as usize).div_ceil(state.problem.places[place].yields.max(1).into())
}

/// Replicas for which there is room.
fn possible(state: &State<'_>, place: usize) -> u64 {
    state.room(place).min((state.problem.places[place].most - state.counts[place].min(state.problem.places[place].most)).into())
}

/// Adds as many as are wanted and possible.
pub fn add(state: &mut State<'_>, place: usize) {
    let more = wanted(state, place).min(possible(state, place));
    if more > 0 {
        let count = state.counts[place] + u32::try_from(more).unwrap_or(u32::MAX);
        if state.set(place, count) > 0.0 && state.is_social[state.owner[place] as usize] {
            // A rule makes being here dearer than being nowhere.
            state.set(place, count - u32::try_from(more).unwrap_or(u32::MAX));
        }
    }
}
