//! An answer to yesterday's question: what is left of it today, and the least that has to be done about it.

use super::{Answer, Clock, Effort, Hint, Search, construct, descend, index};
use crate::model::plan::Stop;
use crate::solver::anytime::prices::Ascent;
use crate::solver::anytime::problem::Problem;
use crate::solver::anytime::state::State;
use std::time::Duration;

/// What is left of an answer to another problem: as much of it as this one admits.
pub(super) fn repaired<'a>(problem: &'a Problem, counts: &[u32]) -> State<'a> {
    let mut state = State::least(problem);
    for service in 0..problem.services.len() {
        for place in problem.places_of(service).filter(|place| counts[*place] > 0) {
            let row = &problem.places[place];
            let is_home = || problem.places_of(service).all(|other| other == place || state.counts[other] == 0);
            if problem.services[service].is_single && !is_home() {
                continue;
            }
            let missing = state.short(service).div_ceil(row.yields.max(1).into());
            let more = state.room(place).min(missing).min(counts[place].min(row.most).saturating_sub(row.least).into());
            if more > 0 {
                state.set(place, state.counts[place] + u32::try_from(more).unwrap_or(u32::MAX));
            }
        }
    }
    state
}

/// The first answer of the hint, mended after a change: services in `changed` and whatever lost its place are placed anew, at the
/// prices at hand. A few milliseconds for a thousand services; the bound says whether that was enough.
pub fn mend(problem: &Problem, hint: &Hint, (changed, effort): (&[u32], &Effort)) -> Answer {
    let clock = Clock::start(effort.time.map(|time| Duration::from_nanos(time.0)));
    let none = Hint::default();
    let mut search = Search::new(problem, &none, (effort, clock));
    search.prices.start_from(&hint.prices);
    let known = hint.answers.first().filter(|counts| counts.len() == problem.places.len());
    let mut state = known.map_or_else(|| State::least(problem), |counts| repaired(problem, counts));
    let mut touched: Vec<u32> = changed.to_vec();
    touched.extend((0..index(problem.services.len())).filter(|service| state.short(*service as usize) > 0));
    touched.sort_unstable();
    touched.dedup();
    construct::fill(&mut state, &search.prices, true);
    search.steps += descend(&mut state, &touched, 4);
    search.offer(&state.counts, "mended");
    let few = Ascent { rounds: 6, patience: 3, step: 0.2 };
    search.prices.ascend(search.cost, &few, || false);
    search.bound = search.prices.bound;
    let stop = if search.is_done() { Stop::Optimal } else { Stop::Heuristic };
    search.tier = "mended";
    search.finish(stop)
}
