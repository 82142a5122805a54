//! Services that belong together, moved together: a whole group is taken out and settled anew where that is cheapest.
//!
//! One member alone never leaves the others, because every step of the way breaks the rule that keeps them together, and a
//! rule that must hold has a price that no search accepts. So a group is one large service here: every cluster in turn is
//! its first, the others follow by the price of all of it, and a cluster is entered by all members that still want something
//! there or by none. What a group that has to be in several clusters at once would gain by other shares is left to the other
//! moves and to the exact tier.

use super::construct::add;
use super::prices::Prices;
use super::state::State;

/// Clusters that are tried as a group's first.
const FIRSTS: usize = 16;

/// Settles each group that is kept together anew, `rounds` times at most, as long as that makes the answer cheaper.
pub fn regroup(state: &mut State<'_>, prices: &Prices<'_>, rounds: u32) {
    let rules = &state.problem.rules;
    let groups: Vec<&[u32]> =
        rules.groups.iter().filter(|group| group.is_together).map(|group| &group.services[..]).collect();
    for _ in 0..rounds {
        let before = state.cost;
        for group in &groups {
            settle(state, prices, group);
        }
        if groups.is_empty() || state.cost >= before - 1e-9 * before.abs().max(1.0) {
            return;
        }
    }
}

/// Tries one group in every cluster, and everywhere outside of all clusters.
fn settle(state: &mut State<'_>, prices: &Prices<'_>, group: &[u32]) {
    let cost = state.cost;
    let former = replicas(state, group);
    let clusters = by_price(state, prices, group);
    let mut best: Option<(f64, Vec<(usize, u32)>)> = None;
    for first in 0..=clusters.len().min(FIRSTS) {
        clear(state, group);
        if let Some(cluster) = clusters.get(first) {
            let others = clusters.iter().filter(|other| *other != cluster);
            for cluster in std::iter::once(cluster).chain(others) {
                enter(state, group, *cluster);
            }
        }
        if state.cost < best.as_ref().map_or(cost, |best| best.0) - 1e-9 * cost.abs().max(1.0) {
            best = Some((state.cost, replicas(state, group)));
        }
    }
    clear(state, group);
    let (cost, chosen) = best.unwrap_or((cost, former));
    for (place, count) in chosen {
        state.set(place, count);
    }
    state.cost = cost;
}

fn replicas(state: &State<'_>, group: &[u32]) -> Vec<(usize, u32)> {
    let places = group.iter().flat_map(|service| state.problem.places_of(*service as usize));
    places.map(|place| (place, state.counts[place])).filter(|(_, count)| *count > 0).collect()
}

fn clear(state: &mut State<'_>, group: &[u32]) {
    for service in group {
        for place in state.problem.places_of(*service as usize) {
            if state.counts[place] != state.problem.places[place].least {
                state.set(place, state.problem.places[place].least);
            }
        }
    }
}

/// Clusters that any member may use, by what all of the group costs there; a member that may not be there costs its shortage.
fn by_price(state: &State<'_>, prices: &Prices<'_>, group: &[u32]) -> Vec<u32> {
    let problem = state.problem;
    let at = prices.felt(&prices.best);
    let away = |service: usize| f64::from(problem.services[service].demand) * problem.services[service].shortage;
    let nothing: f64 = group.iter().map(|service| away(*service as usize)).sum();
    let mut sums = vec![(nothing, false); problem.clusters()];
    for service in group {
        let service = *service as usize;
        for place in problem.places_of(service) {
            let sum = &mut sums[problem.places[place].cluster as usize];
            *sum = (sum.0 + prices.whole_price(&at, place) - away(service), true);
        }
    }
    let mut order: Vec<(f64, u32)> = Vec::new();
    for (cluster, (sum, _)) in sums.iter().enumerate().filter(|(_, sum)| sum.1) {
        order.push((*sum, super::problem::index(cluster)));
    }
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    order.into_iter().map(|(_, cluster)| cluster).collect()
}

/// Puts what every member still wants into a cluster; nothing of any where that makes the answer dearer.
fn enter(state: &mut State<'_>, group: &[u32], cluster: u32) {
    let problem = state.problem;
    let cost = state.cost;
    let mut entered: Vec<(usize, u32)> = Vec::with_capacity(group.len());
    for service in group {
        let places = problem.places_of(*service as usize);
        let row = &problem.places[places.clone()];
        let Ok(at) = row.binary_search_by_key(&cluster, |place| place.cluster) else { continue };
        let place = places.start + at;
        let is_elsewhere = || places.clone().any(|other| other != place && state.counts[other] > 0);
        if state.short(*service as usize) == 0 || (problem.services[*service as usize].is_single && is_elsewhere()) {
            continue;
        }
        entered.push((place, state.counts[place]));
        add(state, place, false);
    }
    if state.cost > cost {
        for (place, count) in entered.into_iter().rev() {
            state.set(place, count);
        }
        state.cost = cost;
    }
}
