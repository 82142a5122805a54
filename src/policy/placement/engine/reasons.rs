//! Why an answer of the engine is as it is: what a replica costs in each cluster, room included, what would be second, what a
//! little more of a scarce resource is worth, and which services conflict.
//!
//! The second best is looked for with all other services where they are: one replica, or all of a place, in another place
//! that has room. Its price is the difference of the whole objective, rules and calls included, counted by the same state
//! that the search uses.

use super::conflict;
use super::needs::{self, Needs};
use super::pose::{Posed, pose};
use super::weigh::Weighing;
use crate::model::explanation::{self, Alternative, Scarce, Term};
use crate::model::plan::Target;
use crate::model::resources::{DEVICE, RESOURCES};
use crate::model::{ClusterId, Explanation, Plan, ServiceId, Snapshot, id::Id};
use crate::policy::placement::draft::Draft;
use crate::policy::placement::reasons::{is_open, wanted};
use crate::policy::placement::rooms::Rooms;
use crate::solver::anytime::prices::Prices;
use crate::solver::anytime::state::State;

/// What can be said of any plan, with what the engine weighs; `prices` are those of its last answer.
pub fn explain(snapshot: &Snapshot, plan: &Plan, (prices, needs): (&[f64], Option<&Needs>)) -> Explanation {
    let mut explanation = explanation::explain(snapshot, plan);
    let wanted = wanted(snapshot, plan);
    let mut rooms = None;
    let rooms = Rooms::learned(&mut rooms, snapshot);
    let most = needs::most(needs, &wanted.replicas);
    let Ok(posed) = pose(&Draft::new(snapshot, &most, rooms), needs) else { return explanation };
    let mut counts = posed.counts(&plan.targets);
    let weighing = Weighing::new(snapshot);
    let solved = Prices::new(&posed.problem);
    let mut state = posed.problem.admits(&counts).then(|| State::new(&posed.problem, &counts));
    for (service, reasons) in explanation.services.iter_mut() {
        for (cluster, candidate) in reasons.candidates.iter_mut().filter(|(_, candidate)| is_open(candidate)) {
            let needed = needs.and_then(|needs| needs[service].as_ref()).map(|row| row[cluster]);
            let price = weighing.price(service, cluster, needed.unwrap_or(wanted.replicas[service]));
            candidate.terms = price.terms();
            if let Some(place) = posed.place(service, cluster) {
                candidate.terms.extend(calls(&posed, &mut counts, (service, place)));
                candidate.terms.extend(place_terms((&posed, &solved), (service, place), prices));
            }
        }
        reasons.alternative = state.as_mut().and_then(|state| second(state, service));
    }
    explanation.shortage =
        needs.is_none().then(|| posed.problem.services.first().map(|service| service.shortage)).flatten();
    explanation.scarce = scarce(snapshot, &posed, prices);
    explanation.conflicts = conflict::of_plan(&posed, plan);
    explanation
}

/// The price of a start, and at the shadow prices that of the room that a replica takes, of what it spends of budgets, and of how
/// much fuller than the others it makes its cluster.
fn place_terms(
    (posed, solved): (&Posed, &Prices<'_>),
    (service, place): (ServiceId, usize),
    prices: &[f64],
) -> Vec<Term> {
    let (row, kinds) = (&posed.problem.places[place], posed.problem.kinds);
    let mut terms = Vec::new();
    if row.start > 0.0 {
        terms.push(Term { name: "start", value: row.start, unit: "$" });
    }
    if prices.len() == solved.best.len() {
        let first = row.cluster as usize * kinds;
        let requests = posed.problem.request_of(service.index());
        let share = |k: usize| requests[k] as f64 / posed.problem.capacity[first + k].max(1) as f64;
        let room: f64 = (0..kinds).map(|k| share(k) * prices[first + k]).sum();
        terms.extend((room > 0.0).then_some(Term { name: "scarce room", value: room, unit: "$/h" }));
        let [budget, balance] = solved.of_totals(prices, place);
        let shown =
            |(name, value): (&'static str, f64)| (value.abs() > 1e-9).then_some(Term { name, value, unit: "$/h" });
        terms.extend([("budget", budget), ("balance", balance)].into_iter().filter_map(shown));
    }
    terms
}

/// What the calls that a service makes and takes would cost were it here as a whole and everybody else where they are: a
/// replica's share of that, way and time. Both ends of a call are told it.
fn calls(posed: &Posed, counts: &mut [u32], (service, place): (ServiceId, usize)) -> Option<Term> {
    let (problem, id) = (&posed.problem, service.0);
    let all = problem.services[service.index()].demand.div_ceil(problem.places[place].yields.max(1));
    let mut pairs = problem.rules.pairs.iter().filter(|pair| pair.from == id || pair.to == id).peekable();
    if all == 0 || pairs.peek().is_none() {
        return None;
    }
    let places = problem.places_of(service.index());
    let present = counts[places.clone()].to_vec();
    counts[places.clone()].fill(0);
    counts[place] = all;
    let cost: f64 = pairs.map(|pair| problem.rules.cost_of_pair(pair, problem, counts)).sum();
    counts[places].copy_from_slice(&present);
    (cost > 1e-9).then(|| Term { name: "calls", value: cost / f64::from(all), unit: "$/h" })
}

/// The cheapest other place for some or all of a service's replicas.
fn second(state: &mut State<'_>, service: ServiceId) -> Option<Alternative> {
    let places = state.problem.places_of(service.index());
    let mut best: Option<(f64, Vec<u32>)> = None;
    for from in places.clone() {
        for to in places.clone().filter(|to| *to != from) {
            for moved in movable(state, from) {
                let tried = try_move(state, (from, moved), to);
                if let Some((difference, counts)) =
                    tried.filter(|tried| best.as_ref().is_none_or(|best| tried.0 < best.0))
                {
                    best = Some((difference, counts));
                }
            }
        }
    }
    let (difference, counts) = best?;
    let target = |(place, replicas): (usize, u32)| {
        let cluster = ClusterId(state.problem.places[place].cluster);
        Target { service, cluster, replicas }
    };
    let targets = places.zip(counts).map(target).filter(|target| target.replicas > 0).collect();
    Some(Alternative { targets, difference: Some(difference) })
}

/// Replicas that may leave a place: one, or all.
fn movable(state: &State<'_>, from: usize) -> Vec<u32> {
    let all = state.counts[from].saturating_sub(state.problem.places[from].least);
    let is_single = state.problem.services[state.owner[from] as usize].is_single;
    match (all, is_single) {
        (0, _) => Vec::new(),
        (1, _) | (_, true) => vec![all],
        _ => vec![1, all],
    }
}

/// What a move would change, and the replicas of the service by place afterwards; nothing where there is no room.
fn try_move(state: &mut State<'_>, (from, moved): (usize, u32), to: usize) -> Option<(f64, Vec<u32>)> {
    let places = state.problem.places_of(state.owner[from] as usize);
    let (old, new) = (state.counts[from], state.counts[to]);
    let work = u64::from(moved) * u64::from(state.problem.places[from].yields);
    let row = &state.problem.places[to];
    let more = u32::try_from(work.div_ceil(row.yields.max(1).into())).unwrap_or(u32::MAX);
    if new.saturating_add(more) > row.most || !state.has_room(to, more) {
        return None;
    }
    let before = state.cost;
    let difference = state.set(from, old - moved) + state.set(to, new + more);
    let counts = state.counts[places].to_vec();
    state.set(to, new);
    state.set(from, old);
    state.cost = before;
    Some((difference, counts))
}

/// Resources whose last unit is worth something, the dearest first.
fn scarce(snapshot: &Snapshot, posed: &Posed, prices: &[f64]) -> Vec<Scarce> {
    let kinds = posed.problem.kinds;
    if prices.len() < posed.problem.capacity.len() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for cluster in snapshot.clusters.ids() {
        for (k, resource) in posed.kinds.iter().enumerate() {
            let at = cluster.index() * kinds + k;
            let (unit, name) = unit(*resource);
            let price = prices[at] / posed.problem.capacity[at].max(1) as f64 * unit;
            if prices[at] > 1e-6 {
                found.push(Scarce { cluster, resource: RESOURCES[*resource], unit: name, price });
            }
        }
    }
    found.sort_by(|a, b| b.price.total_cmp(&a.price).then(a.cluster.cmp(&b.cluster)));
    found
}

/// Base units in what people buy of a resource, and its name.
const fn unit(resource: usize) -> (f64, &'static str) {
    match resource {
        0 => (1e3, "core"),
        1 => ((1u64 << 30) as f64, "GiB"),
        2 => (DEVICE as f64, "gpu"),
        _ => (1.0, "slot"),
    }
}
