//! A first answer from prices: services in the order of what waiting would cost them, each where it is cheapest.
//!
//! Regret greedy (Martello and Toth 1990): at the given prices of room, a service's regret is what its second-best place costs
//! more than its best. Who has the most to lose chooses first, and takes the cheapest place that still has room; a service
//! that may be split takes what there is and goes on. What finds no place stays short.

use super::prices::Prices;
use super::problem::index;
use super::state::State;

/// Fills up `state`. Where it `is_strict`, nothing goes where a rule makes being there dearer than being nowhere; services
/// that belong together only ever meet where it is not, because the first one is alone.
pub fn fill(state: &mut State<'_>, prices: &Prices<'_>, is_strict: bool) {
    let problem = state.problem;
    let at = &prices.felt(&prices.best);
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
        place_all(state, (service, is_strict), &row);
    }
}

/// Puts every service where it would go at the prices, as far as there is room, the largest share of a cluster first: services
/// that choose together stay together. The rest is left to [`fill`].
pub fn follow(state: &mut State<'_>, prices: &mut Prices<'_>) {
    let problem = state.problem;
    let mut wished = vec![0.0; problem.places.len()];
    let best = prices.best.clone();
    prices.choices(&best, &mut wished);
    let mut order: Vec<(f64, u32)> = (0..problem.places.len())
        .filter(|place| wished[*place] > 0.5)
        .map(|place| (prices.size(place), index(place)))
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, place) in order {
        let place = place as usize;
        let fits = wanted(state, place) <= possible(state, place);
        if fits || !problem.services[state.owner[place] as usize].is_single {
            add(state, place, false);
        }
    }
}

/// Puts what is missing of a service into the places of `row`, in this order.
fn place_all(state: &mut State<'_>, (service, is_strict): (usize, bool), row: &[(f64, u32)]) {
    let is_single = state.problem.services[service].is_single;
    if is_single {
        let home = row.iter().find(|(_, place)| state.counts[*place as usize] > 0);
        let whole = row.iter().find(|(_, place)| wanted(state, *place as usize) <= possible(state, *place as usize));
        let most = row.iter().max_by_key(|(_, place)| possible(state, *place as usize));
        if let Some((_, place)) = home.or(whole).or(most) {
            add(state, *place as usize, is_strict);
        }
        return;
    }
    for (_, place) in row {
        if state.short(service) == 0 {
            return;
        }
        add(state, *place as usize, is_strict);
    }
}

/// Replicas that would serve what is short.
fn wanted(state: &State<'_>, place: usize) -> u64 {
    state.short(state.owner[place] as usize).div_ceil(state.problem.places[place].yields.max(1).into())
}

/// Replicas for which there is room.
fn possible(state: &State<'_>, place: usize) -> u64 {
    state
        .room(place)
        .min((state.problem.places[place].most - state.counts[place].min(state.problem.places[place].most)).into())
}

/// Adds as many as are wanted and possible; none where they cost more than they save and it `is_strict`.
pub fn add(state: &mut State<'_>, place: usize, is_strict: bool) {
    let mut more = wanted(state, place).min(possible(state, place));
    while more > 0 {
        let before = state.counts[place];
        let change = state.set(place, before + u32::try_from(more).unwrap_or(u32::MAX));
        if change <= 0.0 || !is_strict {
            return;
        }
        // Half as many may keep a limit that all of them break.
        state.set(place, before);
        more /= 2;
    }
}
