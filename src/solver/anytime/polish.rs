//! Plain descent: as long as the replicas of a service, one or all of a place, are cheaper elsewhere or find room at last,
//! they go there. Looks at every place, unlike the annealing, and is what a decision about a single change needs.

use super::construct::add;
use super::state::State;

/// Improves `state` by shifts of the `services` until none helps, `rounds` times at most. Tells how many trials were made.
pub fn descend(state: &mut State<'_>, services: &[u32], rounds: u32) -> u64 {
    let mut trials = 0;
    for _ in 0..rounds {
        let before = state.cost;
        for service in services {
            trials += improve(state, *service as usize);
        }
        if state.cost >= before - 1e-9 * before.abs().max(1.0) {
            break;
        }
    }
    trials
}

/// Best moves of one service.
fn improve(state: &mut State<'_>, service: usize) -> u64 {
    let places = state.problem.places_of(service);
    let mut trials = 0;
    if state.short(service) > 0 {
        let is_single = state.problem.services[service].is_single;
        let home = places.clone().find(|place| state.counts[*place] > 0);
        for place in places.clone().filter(|place| !is_single || home.is_none_or(|home| home == *place)) {
            add(state, place, true);
            if is_single && state.counts[place] > 0 {
                break;
            }
        }
    }
    for from in places.clone() {
        trials += drop_if_cheaper(state, from);
        for all in [true, false] {
            let mut best: Option<(f64, usize)> = None;
            for to in places.clone().filter(|to| *to != from) {
                if state.counts[from] == 0 {
                    break;
                }
                trials += 1;
                let change = probe(state, (from, to), all);
                if let Some(change) = change.filter(|change| *change < best.map_or(-1e-9, |(least, _)| least)) {
                    best = Some((change, to));
                }
            }
            if let Some((_, to)) = best {
                shift(state, (from, to), all);
            }
        }
    }
    trials
}

/// Takes replicas away that cost more than refusing them.
fn drop_if_cheaper(state: &mut State<'_>, from: usize) -> u64 {
    let (count, least) = (state.counts[from], state.problem.places[from].least);
    if count <= least {
        return 0;
    }
    for left in [least, count - 1] {
        let before = state.cost;
        if state.set(from, left) < -1e-9 {
            return 1;
        }
        state.set(from, count);
        state.cost = before;
    }
    2
}

/// What a shift would change.
fn probe(state: &mut State<'_>, (from, to): (usize, usize), all: bool) -> Option<f64> {
    let (old, new) = (state.counts[from], state.counts[to]);
    let (leaves, needed) = amounts(state, (from, to), all)?;
    if state.is_plain {
        let (here, there) = (&state.problem.places[from], &state.problem.places[to]);
        let change = here.price(old - leaves) - here.price(old) + there.price(new + needed) - there.price(new);
        return Some(change);
    }
    let before = state.cost;
    let change = state.set(from, old - leaves) + state.set(to, new + needed);
    state.set(to, new);
    state.set(from, old);
    state.cost = before;
    Some(change)
}

fn shift(state: &mut State<'_>, (from, to): (usize, usize), all: bool) {
    if let Some((leaves, needed)) = amounts(state, (from, to), all) {
        let (old, new) = (state.counts[from], state.counts[to]);
        state.set(from, old - leaves);
        state.set(to, new + needed);
    }
}

/// Replicas that leave, and those that do their work in the other place, for which there is room.
fn amounts(state: &State<'_>, (from, to): (usize, usize), all: bool) -> Option<(u32, u32)> {
    let (here, there) = (&state.problem.places[from], &state.problem.places[to]);
    let service = &state.problem.services[state.owner[from] as usize];
    let movable = state.counts[from].saturating_sub(here.least);
    if movable == 0 || (service.is_single && (here.least > 0 || !all)) {
        return None;
    }
    let leaves = if all { movable } else { 1 };
    let rest = state.served[state.owner[from] as usize] - u64::from(leaves) * u64::from(here.yields);
    let needed = u64::from(service.demand).saturating_sub(rest).div_ceil(there.yields.max(1).into());
    let needed = u32::try_from(needed).ok()?;
    let fits = needed > 0 && state.counts[to] + needed <= there.most && state.has_room(to, needed);
    fits.then_some((leaves, needed))
}
