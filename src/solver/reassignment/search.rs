//! The search for a cheaper assignment: a climb off the most expensive machines, then simulated annealing.
//!
//! The climb takes the processes of the most expensive machines, the biggest first, to the best of some machines each; it
//! is what makes large instances better within seconds. Annealing draws shifts, swaps and short ejection chains and accepts
//! what costs less than a threshold from the exponential distribution of the present temperature (Metropolis), which sinks
//! geometrically from the usual size of a change to less than a unit: load costs are decided early, and move costs, which
//! are thousands of times smaller, late. With time or steps left over, it is warmed up again from the best.
//!
//! An answer is a function of problem, seed and steps; only with a limit of time it depends on the machine.

use super::flat::{Flat, Refusal};
use super::state::{Shift, State};
use super::{breaches, cost};
use crate::model::reassignment::{Assignment, Problem};
use crate::solver::clock::Clock;
use crate::solver::dice::Dice;
use std::time::Duration;

/// Trials between two looks at the clock.
const STRIDE: u64 = 1 << 12;
/// Machines that the climb tries for a process.
const SAMPLE: usize = 128;
/// Draws of the exponential distribution that are kept.
const QUANTILES: usize = 4096;
/// The last temperature: costs are whole numbers, so that nothing but the free is accepted then.
const COLD: f64 = 0.3;

/// First temperature, in usual changes.
const HEAT: f64 = 3.0;
/// Where cooling turns quick: the share of its steps, and of the first temperature.
const KNEE: f64 = 0.85;
const KNEE_HEAT: f64 = 0.05;
/// Coolings: share of the rest of the budget, and of the first temperature. The last leaves loads alone and makes moves fewer.
const COOLINGS: [(f64, f64); 3] = [(0.65, 1.0), (0.6, 0.3), (1.0, 1e-4)];

/// How long a search may go on: to the first of both limits.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    /// Trials.
    pub steps: u64,
    /// Time on the clock, where the answer may depend on it.
    pub time: Option<Duration>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Machine of each process; keeps all rules.
    pub assignment: Assignment,
    /// What it costs, as the oracle says.
    pub cost: u128,
    /// Trials that were made.
    pub steps: u64,
}

/// The cheapest assignment that was found; never one that costs more than `initial`.
///
/// # Errors
/// Where no search can begin: see [`Refusal`].
pub fn search(problem: &Problem, initial: &Assignment, seed: u64, budget: Budget) -> Result<Answer, Refusal> {
    let clock = Clock::start(budget.time);
    let flat = Flat::new(problem, initial)?;
    let mut search = Search::new(&flat, seed, budget, clock);
    if flat.machines > 1 && flat.processes > 0 {
        search.run();
    }
    let steps = search.made;
    let stays = cost(problem, initial, initial).total();
    let found: Assignment = search.best.iter().map(|machine| *machine as usize).collect();
    let total = cost(problem, initial, &found).total();
    let broken = breaches(problem, initial, &found);
    debug_assert!(broken.is_empty(), "{broken:?}");
    // The oracle has the last word, also over a mistake of the search.
    if total < stays && broken.is_empty() {
        return Ok(Answer { assignment: found, cost: total, steps });
    }
    Ok(Answer { assignment: initial.clone(), cost: stays, steps })
}

struct Search<'f> {
    state: State<'f>,
    dice: Dice,
    best: Vec<u32>,
    best_cost: i64,
    budget: Budget,
    clock: Clock,
    made: u64,
    thresholds: Vec<f64>,
    /// By process: the sum over resources of its share of all that is needed.
    sizes: Vec<f64>,
}

impl<'f> Search<'f> {
    fn new(flat: &'f Flat, seed: u64, budget: Budget, clock: Clock) -> Self {
        let state = State::new(flat);
        let (best, best_cost) = (state.machine.clone(), state.cost);
        let thresholds = (0..QUANTILES).map(|at| -((at as f64 + 0.5) / QUANTILES as f64).ln()).collect();
        Self { state, dice: Dice::new(seed), best, best_cost, budget, clock, made: 0, thresholds, sizes: sizes(flat) }
    }

    /// The share of the budget that is used up.
    fn share(&self) -> f64 {
        let steps = self.made as f64 / self.budget.steps.max(1) as f64;
        self.clock.share().unwrap_or(0.0).max(steps)
    }

    fn run(&mut self) {
        self.climb();
        self.keep_best();
        let heat = self.usual_change() * HEAT;
        let mut from = self.share();
        // Each begins with the best that there is.
        for (part, share) in COOLINGS {
            let to = (from + (1.0 - from) * part).min(1.0);
            self.cool(heat * share, (from, to));
            self.state.become_like(&self.best, self.best_cost);
            from = self.share();
            if from >= 1.0 {
                break;
            }
        }
    }

    fn keep_best(&mut self) {
        if self.state.cost < self.best_cost {
            self.best_cost = self.state.cost;
            self.best.copy_from_slice(&self.state.machine);
        }
    }

    /// Off the most expensive machines, the biggest first, until a round brings little or a tenth of the budget is used.
    fn climb(&mut self) {
        loop {
            let before = self.state.cost;
            let mut machines: Vec<usize> = (0..self.state.flat.machines).collect();
            machines.sort_by_key(|machine| (-self.state.machine_cost[*machine], *machine));
            for machine in machines {
                let mut processes = self.state.residents[machine].clone();
                processes.sort_by(|a, b| self.sizes[*b as usize].total_cmp(&self.sizes[*a as usize]).then(a.cmp(b)));
                for process in processes {
                    self.settle(process as usize);
                }
                if self.share() > 0.1 {
                    return;
                }
            }
            if before - self.state.cost <= before / 1000 {
                return;
            }
        }
    }

    /// To the best of some machines.
    fn settle(&mut self, process: usize) {
        let machines = self.state.flat.machines;
        let (count, offset) = (machines.min(SAMPLE), self.dice.below(machines));
        let mut best: Option<(i64, usize)> = None;
        for index in 0..count {
            // All of them where they are few; spread evenly where they are many.
            let to = (offset + index * machines / count) % machines;
            self.made += 1;
            if to == self.state.machine[process] as usize || !self.state.is_open((process, to)) {
                continue;
            }
            let delta = self.state.shift_delta((process, to));
            if delta < best.map_or(0, |(least, _)| least) && self.state.allows(&[(process, to)]) {
                best = Some((delta, to));
            }
        }
        if let Some((delta, to)) = best {
            self.state.apply(&[(process, to)], delta);
        }
    }

    /// The mean of what random shifts that there is room for cost more.
    fn usual_change(&mut self) -> f64 {
        let (mut sum, mut count) = (0.0, 0_u32);
        for _ in 0..20_000 {
            let shift = self.random_shift();
            if shift.1 == self.state.machine[shift.0] as usize || !self.state.is_open(shift) {
                continue;
            }
            let delta = self.state.shift_delta(shift);
            if delta > 0 {
                sum += delta as f64;
                count += 1;
            }
        }
        (sum / f64::from(count.max(1))).max(COLD)
    }

    fn random_shift(&mut self) -> Shift {
        (self.random_process(), self.dice.below(self.state.flat.machines))
    }

    /// Anneals from `hot` to cold while the used share of the budget goes from the first to the second.
    fn cool(&mut self, hot: f64, (from, to): (f64, f64)) {
        let hot = hot.max(COLD);
        loop {
            let share = ((self.share() - from) / (to - from).max(1e-9)).max(0.0);
            if share >= 1.0 || self.made >= self.budget.steps {
                break;
            }
            let temperature = Self::temperature(hot, share);
            for _ in 0..STRIDE.min(self.budget.steps - self.made) {
                let threshold = temperature * self.thresholds[self.dice.below(QUANTILES)];
                self.trial(threshold);
                self.made += 1;
                if share > 0.3 {
                    self.keep_best();
                }
            }
            self.keep_best();
        }
        self.keep_best();
    }

    /// Geometric in two parts: slowly where loads are decided, then quickly to where only the cheapest moves are.
    fn temperature(hot: f64, share: f64) -> f64 {
        let knee = (hot * KNEE_HEAT).max(COLD);
        if share < KNEE {
            hot * (knee / hot).powf(share / KNEE)
        } else {
            knee * (COLD / knee).powf((share - KNEE) / (1.0 - KNEE))
        }
    }

    /// A process; as often as not of two the bigger, or the one whose machine costs more: loads are decided there.
    fn random_process(&mut self) -> usize {
        let count = self.state.flat.processes;
        let (kind, one) = (self.dice.below(4), self.dice.below(count));
        if kind < 2 {
            return one;
        }
        let other = self.dice.below(count);
        let cost = |process: usize| self.state.machine_cost[self.state.machine[process] as usize];
        let is_other = if kind == 2 { self.sizes[other] > self.sizes[one] } else { cost(other) > cost(one) };
        if is_other { other } else { one }
    }

    fn trial(&mut self, threshold: f64) {
        match self.dice.below(32) {
            0..13 => {
                let shift = self.random_shift();
                self.shift(shift, threshold);
            }
            13..29 => {
                let (one, other) = (self.random_process(), self.random_process());
                self.swap(one, other, threshold);
            }
            29..31 => self.homecoming(threshold),
            _ => self.chain(threshold),
        }
    }

    fn shift(&mut self, shift: Shift, threshold: f64) {
        if self.state.machine[shift.0] as usize == shift.1 || !self.state.is_open(shift) {
            return;
        }
        let delta = self.state.shift_delta(shift);
        if delta as f64 <= threshold && self.state.allows(&[shift]) {
            self.state.apply(&[shift], delta);
        }
    }

    fn swap(&mut self, one: usize, other: usize, threshold: f64) {
        let (here, there) = (self.state.machine[one] as usize, self.state.machine[other] as usize);
        if here == there || !self.state.can_swap(one, other) {
            return;
        }
        let delta = self.state.swap_delta(one, other);
        if delta as f64 <= threshold {
            let shifts = [(one, there), (other, here)];
            if self.state.allows(&shifts) {
                self.state.apply(&shifts, delta);
            }
        }
    }

    /// A process that moved goes back to where it came from, or changes places with one that is there.
    fn homecoming(&mut self, threshold: f64) {
        let process = self.dice.below(self.state.flat.processes);
        let home = self.state.flat.initial[process] as usize;
        if self.state.machine[process] as usize == home {
            return;
        }
        if self.dice.below(2) == 0 || self.state.residents[home].is_empty() {
            return self.shift((process, home), threshold);
        }
        let at = self.dice.below(self.state.residents[home].len());
        let other = self.state.residents[home][at] as usize;
        self.swap(process, other, threshold);
    }

    /// A process goes to a machine from which another is ejected to a third.
    fn chain(&mut self, threshold: f64) {
        let (process, to) = self.random_shift();
        let residents = &self.state.residents[to];
        if residents.is_empty() {
            return;
        }
        let victim = residents[self.dice.below(residents.len())] as usize;
        let (next, from) = (self.dice.below(self.state.flat.machines), self.state.machine[process] as usize);
        if from == to || next == to || next == from || !self.state.is_open((victim, next)) {
            return;
        }
        let first = self.state.shift_delta((victim, next));
        self.state.apply(&[(victim, next)], first);
        let second = self.state.is_open((process, to)).then(|| self.state.shift_delta((process, to)));
        // Rules are checked on both shifts at once, so the first is taken back.
        self.state.apply(&[(victim, to)], -first);
        let Some(delta) = second.map(|second| first + second).filter(|delta| *delta as f64 <= threshold) else {
            return;
        };
        let shifts = [(victim, next), (process, to)];
        if self.state.allows(&shifts) {
            self.state.apply(&shifts, delta);
        }
    }
}

/// By process: the sum over resources of its share of all that is needed.
fn sizes(flat: &Flat) -> Vec<f64> {
    let mut total = vec![0_i64; flat.resources];
    for process in 0..flat.processes {
        total.iter_mut().zip(flat.needs_of(process)).for_each(|(total, needs)| *total += needs);
    }
    let share = |(needs, total): (&i64, &i64)| *needs as f64 / (*total).max(1) as f64;
    (0..flat.processes).map(|process| flat.needs_of(process).iter().zip(&total).map(share).sum()).collect()
}
