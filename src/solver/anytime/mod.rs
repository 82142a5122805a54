//! One call for all tiers: a problem, an answer at hand and a budget in; the best answer that was found, a bound on all others,
//! and why it ended out.
//!
//! | tier | what | bound |
//! |---|---|---|
//! | `separable` | every service where it is cheapest; fits, so it is best | the answer itself |
//! | `lagrangian` | prices of capacity, regret greedy, annealing, descent | the Lagrangian one |
//! | `fixed` | no place but the answer's is left after reduced-cost fixing | the answer itself |
//! | `exact` | `HiGHS` on what is left, piece by piece | the smaller one of the answer and of the pieces' bounds |
//! | `neighbourhood` | `HiGHS` on a few clusters at a time around the answer | as before |
//!
//! Tier falls back to tier: when the exact one fails or its answer does not survive being counted again in integers, the
//! last good answer stands. There is always an answer, because refusing everything is one. Work is counted (steps of the
//! search, nodes of the tree), so that the same problem has the same answer everywhere; only with a limit of time it has not.
//!
//! In reading order: [`problem`], [`social`], [`limits`] and [`totals`] (what is asked), [`state`] (an answer under change),
//! [`prices`], [`forest`] and [`branch`] (bounds), [`construct`], [`anneal`], [`polish`], [`mod@regroup`] and [`mod@replant`] (answers),
//! [`classes`], [`fixing`] and [`restrict`] (smaller problems), `exact` (`HiGHS`).

pub mod limits;
pub mod problem;
pub mod social;
pub mod state;
pub mod totals;

pub mod branch;
pub mod forest;
pub mod prices;

pub mod anneal;
pub mod construct;
pub mod polish;
pub mod regroup;
pub mod replant;

pub mod classes;
#[cfg(feature = "milp")]
pub mod exact;
#[cfg(feature = "milp")]
mod exactly;
pub mod fixing;
mod mending;
pub mod restrict;

pub use mending::mend;

use self::anneal::{Annealing, Schedule};
use self::branch::Branching;
use self::classes::Classes;
use super::clock::Clock;

use self::polish::descend;
use self::prices::{Ascent, Prices};
use self::problem::{Problem, index};
use self::regroup::regroup;
use self::replant::replant;
use self::state::State;
use crate::model::plan::Stop;
use crate::units::Span;
use std::time::Duration;

/// Services × clusters up to which counting like ones together is worth it.
const SMALL: usize = 400;

/// Decisions about the use of clusters where time does not count.
const BRANCHES: u32 = 60;

/// Trial moves that a place is worth where time does not count.
const STEPS_A_PLACE: u64 = 400;

/// What a decision may cost, and what it should use.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Effort {
    /// Nodes of the search tree of the exact tier.
    pub nodes: u32,
    /// Trial moves of the search.
    pub steps: u64,
    /// Wall-clock time.
    pub time: Option<Span>,
    /// Share of the objective that is not worth searching for.
    pub gap: f64,
    /// Which tiers.
    pub tiers: Tiers,
}

/// Which tiers may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tiers {
    /// Prices and search.
    Search,
    /// Prices for a bound, one greedy answer, and then the exact tier.
    Exact,
    /// All.
    All,
}

/// What is known from before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hint {
    /// Answers, replicas by place; each is taken as far as the problem admits it, and the cheapest is where the search starts.
    pub answers: Vec<Vec<u32>>,
    /// Prices of capacity.
    pub prices: Vec<f64>,
}

/// The best that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Replicas by place; the problem admits them.
    pub counts: Vec<u32>,
    /// What they cost.
    pub objective: f64,
    /// No answer costs less.
    pub bound: f64,
    /// The tier that gave the answer.
    pub tier: &'static str,
    /// Why it ended.
    pub stop: Stop,
    /// Prices of each resource of each cluster, in dollars an hour for all of it.
    pub prices: Vec<f64>,
}

/// The best answer that `effort` allows.
pub fn solve(problem: &Problem, hint: &Hint, effort: &Effort) -> Answer {
    let clock = Clock::start(effort.time.map(|time| Duration::from_nanos(time.0)));
    if let Some(classes) = Classes::of(problem) {
        let known = hint.answers.iter().filter(|counts| counts.len() == problem.places.len());
        let answers = known.map(|counts| classes.sum(problem, counts)).collect();
        let hint = Hint { answers, prices: hint.prices.clone() };
        let answer = Search::new(&classes.problem, &hint, (effort, clock)).run();
        let counts = classes.divide(problem, &answer.counts);
        if problem.admits(&counts) {
            return Answer { objective: problem.cost(&counts), counts, ..answer };
        }
    }
    Search::new(problem, hint, (effort, clock)).run()
}

/// A solution in progress.
struct Search<'a> {
    problem: &'a Problem,
    hint: &'a Hint,
    effort: &'a Effort,
    clock: Clock,
    prices: Prices<'a>,
    best: Vec<u32>,
    cost: f64,
    bound: f64,
    tier: &'static str,
    steps: u64,
}

impl<'a> Search<'a> {
    fn new(problem: &'a Problem, hint: &'a Hint, (effort, clock): (&'a Effort, Clock)) -> Self {
        let best: Vec<u32> = problem.places.iter().map(|place| place.least).collect();
        let cost = problem.cost(&best);
        let mut search = Self {
            problem,
            hint,
            effort,
            clock,
            prices: Prices::new(problem),
            best,
            cost,
            bound: f64::NEG_INFINITY,
            tier: "lagrangian",
            steps: 0,
        };
        for counts in hint.answers.iter().filter(|counts| counts.len() == problem.places.len()) {
            let kept = mending::repaired(problem, counts);
            search.offer(&kept.counts, "lagrangian");
        }
        search
    }

    fn run(mut self) -> Answer {
        if self.is_separable() {
            return self.finish(Stop::Optimal);
        }
        self.price_and_place();
        if self.effort.tiers != Tiers::Exact && !self.is_done() {
            self.anneal();
            self.branch();
        }
        let stop = if self.is_done() { Stop::Optimal } else { self.be_exact() };
        self.finish(stop)
    }

    fn finish(self, stop: Stop) -> Answer {
        let is_proved = self.cost - self.bound <= 1e-9 * self.cost.abs().max(1.0);
        Answer {
            objective: self.cost,
            bound: self.bound.min(self.cost),
            tier: self.tier,
            stop: if is_proved { Stop::Optimal } else { stop },
            prices: self.prices.best,
            counts: self.best,
        }
    }

    /// Whether what is left of the gap is not worth searching for.
    fn is_done(&self) -> bool {
        self.cost - self.bound <= (self.effort.gap * self.cost.abs()).max(1e-9 * self.cost.abs().max(1.0))
    }

    /// Takes an answer that the problem admits and that is cheaper. Answers are counted anew here, whoever gives them.
    fn offer(&mut self, counts: &[u32], tier: &'static str) -> bool {
        let cost = if self.problem.admits(counts) { self.problem.cost(counts) } else { f64::INFINITY };
        let is_better = cost < self.cost - 1e-9 * self.cost.abs().max(1.0);
        if is_better {
            (self.cost, self.tier) = (cost, tier);
            self.best.clear();
            self.best.extend_from_slice(counts);
        }
        is_better
    }

    /// Every service where it is cheapest, as if it were alone. Without prices, that is a bound and perhaps an answer.
    fn is_separable(&mut self) -> bool {
        let free = self.prices.nothing();
        let mut counts = vec![0.0; self.problem.places.len()];
        let bound = self.prices.choices(&free, &mut counts);
        self.bound = bound;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are whole and small, or refused"
        )]
        let whole: Vec<u32> = counts.iter().map(|count| count.round() as u32).collect();
        if self.problem.admits(&whole) && self.problem.cost(&whole) <= bound + 1e-9 * bound.abs().max(1.0) {
            // The present answer stays where it is as cheap: nothing moves for nothing.
            self.offer(&whole, "separable");
            self.tier = "separable";
        }
        self.is_done()
    }

    /// Prices of capacity, and the answers that they suggest.
    fn price_and_place(&mut self) {
        self.prices.start_from(&self.hint.prices);
        let clock = self.clock;
        let mut is_late = || clock.is_past(0.12);
        let first = Ascent { rounds: 40, patience: 8, step: 0.6 };
        self.prices.ascend(self.guess(), &first, &mut is_late);
        self.greedy();
        let second =
            Ascent { rounds: if self.problem.places.len() > 1_000_000 { 60 } else { 300 }, patience: 10, step: 0.9 };
        let mut is_late = || clock.is_past(0.25);
        self.prices.ascend(self.cost, &second, &mut is_late);
        self.bound = self.bound.max(self.prices.bound);
        self.greedy();
    }

    /// Decides which clusters are used, where that costs anything: raises the bound, and finds answers that use others.
    fn branch(&mut self) {
        if self.is_done() || self.problem.activation.iter().all(|price| *price <= 0.0) {
            return;
        }
        let (problem, order) = (self.problem, self.emptiest_first());
        let mut prices = self.prices.clone();
        let mut branching = Branching::new(problem, &mut prices, order);
        let steps = if self.effort.time.is_some() { u32::MAX } else { BRANCHES };
        for _ in 0..steps {
            let mut found: Vec<Vec<u32>> = Vec::new();
            let mut suggest = |prices: &Prices<'_>| {
                let mut state = State::least(problem);
                construct::fill(&mut state, prices, true);
                found.push(state.counts);
            };
            if self.clock.is_past(0.75) || !branching.step(self.cost, &mut suggest) {
                break;
            }
            for counts in found {
                self.offer(&counts, "lagrangian");
            }
        }
        self.bound = self.bound.max(branching.bound().min(self.cost));
    }

    /// Clusters by how full the best answer makes them.
    fn emptiest_first(&self) -> Vec<usize> {
        let state = State::new(self.problem, &self.best);
        let kinds = self.problem.kinds;
        let fullness = |cluster: usize| {
            let rows = cluster * kinds..(cluster + 1) * kinds;
            let shares = state.free[rows.clone()].iter().zip(&self.problem.capacity[rows]);
            shares.map(|(free, all)| 1.0 - *free as f64 / (*all).max(1) as f64).fold(0.0, f64::max)
        };
        let mut order: Vec<(f64, usize)> =
            (0..self.problem.clusters()).map(|cluster| (fullness(cluster), cluster)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        order.into_iter().map(|(_, cluster)| cluster).collect()
    }

    /// A cost to aim at before there is an answer: somewhat above what services would pay alone.
    fn guess(&self) -> f64 {
        let usual = self.bound + 0.05 * self.bound.abs() + 1e-3;
        usual.min(self.cost)
    }

    /// The regret greedy answer, improved by plain descent.
    fn greedy(&mut self) {
        let all: Vec<u32> = (0..index(self.problem.services.len())).collect();
        let ways: &[bool] = if self.problem.rules.is_empty() { &[true] } else { &[true, false] };
        for is_strict in ways {
            let mut state = State::least(self.problem);
            construct::fill(&mut state, &self.prices, *is_strict);
            regroup(&mut state, &self.prices, 4);
            if self.problem.places.len() <= 20_000 {
                self.steps += descend(&mut state, &all, 4);
                regroup(&mut state, &self.prices, 4);
            }
            self.offer(&state.counts, "lagrangian");
        }
        if !self.problem.rules.pairs.is_empty() {
            let mut state = State::least(self.problem);
            construct::follow(&mut state, &mut self.prices);
            construct::fill(&mut state, &self.prices, true);
            self.steps += descend(&mut state, &all, 4);
            self.offer(&state.counts, "lagrangian");
        }
    }

    fn anneal(&mut self) {
        let is_timed = self.effort.time.is_some();
        let budget =
            if is_timed { u64::MAX } else { self.effort.steps.min(STEPS_A_PLACE * self.problem.places.len() as u64) };
        let end = self.end_of_annealing();
        let (clock, start) = (self.clock, self.clock.share().unwrap_or(0.0));
        let mut progress = || clock.share().map(|share| (share - start) / (end - start).max(1e-9));
        let mut state = State::new(self.problem, &self.best);
        let mut schedule = Schedule { steps: budget, heat: 0.1, progress: &mut progress };
        self.replant(&mut state);
        self.steps += Annealing::new(&mut state, &self.prices, 1).run(&self.prices, &mut schedule);
        self.replant(&mut state);
        let all: Vec<u32> = (0..index(self.problem.services.len())).collect();
        regroup(&mut state, &self.prices, 4);
        if self.problem.places.len() <= 200_000 {
            self.steps += descend(&mut state, &all, 2);
        }
        self.offer(&state.counts, "lagrangian");
    }

    /// Moves trees of calls as wholes.
    fn replant(&self, state: &mut State<'_>) {
        if !self.problem.rules.pairs.is_empty() && self.problem.rules.groups.is_empty() {
            for heed in [0.5, 0.0, 0.0] {
                replant(state, &self.prices, (20, heed));
            }
        }
    }

    /// The share of the time after which the annealing leaves the rest to the exact tier.
    fn end_of_annealing(&self) -> f64 {
        let has_exact = cfg!(feature = "milp") && self.effort.tiers != Tiers::Search;
        let seconds = self.effort.time.map_or(0.0, Span::as_seconds_f64);
        match (has_exact, self.problem.places.len()) {
            (false, _) => 0.97,
            (true, places) if places <= SMALL => 0.3,
            (true, _) if seconds >= 1.0 => 0.4,
            (true, _) => 0.9,
        }
    }

    #[cfg(not(feature = "milp"))]
    #[expect(clippy::unused_self, reason = "the exact tiers have it, where they are built in")]
    const fn be_exact(&mut self) -> Stop {
        Stop::Heuristic
    }
}
