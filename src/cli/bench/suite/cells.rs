//! From a suite to its cells: knobs tuned on the training days, then seeds on the test days until the loss is known well enough.
//!
//! What a cell is depends on the suite alone: seeds are added one by one, and the cell ends with the first at which it may.
//! Whoever is tuned in hindsight is tried on the test days with their first seeds.
//! That they are run some at a time is a matter of speed; what was run beyond the end is left out again.

use super::arena::Arena;
use super::runner::{Asked, Day, Runner};
use crate::cli::Failure;
use crate::policy::PolicySpec;
use crate::report::bench::results::{Bounds, Cell, Outcome, Stopped, SuiteHead, Trial};
use crate::report::estimate::Estimate;
use crate::units::Span;
use std::collections::{BTreeMap, BTreeSet};

/// The first seed of the training; those of the test days begin at 1 and are far fewer.
pub const TRAINING_SEEDS: u64 = 1_000_001;
/// Seeds of a cell that are run at a time, at most, beyond the fewest.
const AT_ONCE: usize = 8;

/// A cell that grows.
struct Growing<'a> {
    ground: usize,
    contestant: usize,
    policy: &'a PolicySpec,
    tuning: Vec<Trial>,
    runs: Vec<Outcome>,
    /// How many runs there are to be.
    wanted: usize,
    stopped: Option<Stopped>,
}

/// Makes the cells of these numbers, scenario by scenario and in each contestant by contestant.
///
/// # Errors
/// Where results cannot be kept; a run that fails is part of its cell.
pub fn all(arena: &Arena, head: &SuiteHead, numbers: &[usize], runner: &Runner) -> Result<Vec<Cell>, Failure> {
    let mut cells: Vec<Growing<'_>> = numbers.iter().map(|number| begin(arena, *number)).collect();
    tune(arena, head, &mut cells, runner)?;
    while cells.iter().any(|cell| cell.stopped.is_none()) {
        let growing = cells.iter().filter(|cell| cell.stopped.is_none());
        let asked: Vec<Asked<'_>> = growing.flat_map(|cell| cell.asked(arena, head)).collect();
        let mut outcomes = runner.all(&asked)?.into_iter();
        for cell in cells.iter_mut().filter(|cell| cell.stopped.is_none()) {
            let missing = cell.wanted - cell.runs.len();
            cell.runs.extend(outcomes.by_ref().take(missing));
            cell.judge(head);
        }
    }
    bound(arena, head, &mut cells, runner)?;
    let named = |cell: Growing<'_>| Cell {
        scenario: head.scenarios[cell.ground].name.clone(),
        contestant: head.contestants[cell.contestant].clone(),
        policy: cell.policy.label.clone(),
        tuning: cell.tuning,
        runs: cell.runs,
        stopped: cell.stopped.expect("the loop goes on until all have stopped"),
        hindsight: arena.suite.contestants[cell.contestant].hindsight,
    };
    Ok(cells.into_iter().map(named).collect())
}

/// Sets what no policy can get below beside each reported run: once a day, since it is the same for all contestants.
fn bound(arena: &Arena, head: &SuiteHead, cells: &mut [Growing<'_>], runner: &Runner) -> Result<(), Failure> {
    let days: BTreeSet<(usize, u64)> =
        cells.iter().flat_map(|cell| cell.runs.iter().map(|run| (cell.ground, run.seed))).collect();
    let day = |&(ground, seed): &(usize, u64)| Day {
        world: &arena.grounds[ground].test,
        seed,
        warm_up: warm_up(head, ground),
    };
    let found = runner.bounds(&days.iter().map(day).collect::<Vec<_>>())?;
    let found: BTreeMap<(usize, u64), Option<Bounds>> = days.into_iter().zip(found).collect();
    for cell in cells {
        for run in &mut cell.runs {
            run.bound = found[&(cell.ground, run.seed)];
        }
    }
    Ok(())
}

fn begin(arena: &Arena, number: usize) -> Growing<'_> {
    let (ground, contestant) = (number / arena.settings.len(), number % arena.settings.len());
    Growing {
        ground,
        contestant,
        policy: &arena.settings[contestant][0].policy,
        tuning: Vec::new(),
        runs: Vec::new(),
        wanted: arena.suite.seeds_least as usize,
        stopped: None,
    }
}

/// The warm-up of a scenario, as it is said in the results.
fn warm_up(head: &SuiteHead, ground: usize) -> Span {
    Span::from_seconds_f64(head.scenarios[ground].warm_up_s)
}

/// Tries the settings of all cells that have some, each with the same seeds, and has each cell keep the best.
fn tune<'a>(arena: &'a Arena, head: &SuiteHead, cells: &mut [Growing<'a>], runner: &Runner) -> Result<(), Failure> {
    let seeds = |cell: &Growing<'_>| {
        let settings = arena.settings[cell.contestant].len();
        let seeds = if settings > 1 { (arena.suite.tuning_runs as usize / settings).max(1) } else { 0 };
        let first = if arena.suite.contestants[cell.contestant].hindsight { 1 } else { TRAINING_SEEDS };
        first..first + seeds as u64
    };
    let mut asked = Vec::new();
    for cell in &*cells {
        let (ground, warm_up) = (&arena.grounds[cell.ground], warm_up(head, cell.ground));
        let is_hindsight = arena.suite.contestants[cell.contestant].hindsight;
        let world = if is_hindsight { &ground.test } else { &ground.train };
        for setting in &arena.settings[cell.contestant] {
            asked.extend(seeds(cell).map(|seed| Asked { world, policy: &setting.policy, seed, warm_up }));
        }
    }
    let mut outcomes = runner.all(&asked)?.into_iter();
    for cell in cells {
        let (settings, seeds) = (&arena.settings[cell.contestant], seeds(cell));
        if seeds.is_empty() {
            continue;
        }
        let trials = settings.iter().map(|setting| {
            let runs: Vec<Outcome> = outcomes.by_ref().take(seeds.clone().count()).collect();
            Trial { knobs: setting.knobs.clone(), loss_usd: mean_loss(head, &runs), runs, chosen: false }
        });
        cell.tuning = trials.collect();
        if let Some(best) = best(&cell.tuning) {
            cell.tuning[best].chosen = true;
            cell.policy = &settings[best].policy;
        }
    }
    Ok(())
}

fn mean_loss(head: &SuiteHead, runs: &[Outcome]) -> Option<f64> {
    let losses = runs.iter().map(|run| run.result.as_ref().ok().map(|summary| head.loss(summary)));
    let losses = losses.collect::<Option<Vec<f64>>>()?;
    Estimate::of(&losses).map(|estimate| estimate.mean)
}

/// The trial with the least loss, of equals the first; none where all failed.
fn best(trials: &[Trial]) -> Option<usize> {
    let losses = trials.iter().enumerate().filter_map(|(index, trial)| Some((index, trial.loss_usd?)));
    losses.reduce(|best, next| if next.1 < best.1 { next } else { best }).map(|(index, _)| index)
}

impl<'a> Growing<'a> {
    /// The runs that are missing.
    fn asked(&self, arena: &'a Arena, head: &SuiteHead) -> impl Iterator<Item = Asked<'a>> + use<'a> {
        let (world, warm_up, policy) = (&arena.grounds[self.ground].test, warm_up(head, self.ground), self.policy);
        let seeds = self.runs.len() as u64 + 1..=self.wanted as u64;
        seeds.map(move |seed| Asked { world, policy, seed, warm_up })
    }

    /// Whether there are runs enough; otherwise how many there are to be.
    fn judge(&mut self, head: &SuiteHead) {
        let losses: Vec<Option<f64>> =
            self.runs.iter().map(|run| run.result.as_ref().ok().map(|summary| head.loss(summary))).collect();
        if let Some((count, stopped)) = stop(&losses, head) {
            self.runs.truncate(count);
            self.stopped = Some(stopped);
        } else {
            let losses: Vec<f64> = losses.into_iter().flatten().collect();
            self.wanted = (losses.len() + more(&losses, head)).min(head.seeds.1 as usize);
        }
    }
}

/// The number of runs after which a cell ends, and why; none where it goes on.
fn stop(losses: &[Option<f64>], head: &SuiteHead) -> Option<(usize, Stopped)> {
    let (least, most) = (head.seeds.0 as usize, head.seeds.1 as usize);
    let mut known = Vec::with_capacity(losses.len());
    for loss in losses {
        let count = known.len() + 1;
        let Some(loss) = loss else { return Some((count, Stopped::Failed)) };
        known.push(*loss);
        if count < least {
            continue;
        }
        if known.iter().all(|one| one.to_bits() == known[0].to_bits()) {
            return Some((count, Stopped::Certain));
        }
        if relative_half_width(&known) < head.precision {
            return Some((count, Stopped::Precise));
        }
        if count >= most {
            return Some((count, Stopped::Budget));
        }
    }
    None
}

/// Half of the 95 % interval over the mean; infinite where the mean is zero.
fn relative_half_width(losses: &[f64]) -> f64 {
    let estimate = Estimate::of(losses).and_then(|estimate| Some(estimate.half_width? / estimate.mean.abs()));
    estimate.filter(|share| share.is_finite()).unwrap_or(f64::INFINITY)
}

/// How many seeds to run next: half of those that would be missing if the spread stayed as it is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and the result is clamped"
)]
fn more(losses: &[f64], head: &SuiteHead) -> usize {
    let enough = losses.len() as f64 * (relative_half_width(losses) / head.precision).powi(2);
    (((enough - losses.len() as f64) / 2.0).ceil() as usize).clamp(1, AT_ONCE)
}

#[cfg(test)]
mod tests {
    use super::{more, stop};
    use crate::report::bench::results::{Stopped, SuiteHead};
    use std::collections::BTreeMap;

    fn head(seeds: (u32, u32), precision: f64) -> SuiteHead {
        SuiteHead {
            name: String::new(),
            question: String::new(),
            scenarios: Vec::new(),
            contestants: Vec::new(),
            baseline: String::new(),
            bad_million_usd: 1.0,
            tuning_runs: 1,
            seeds,
            precision,
            inputs: BTreeMap::new(),
            program: String::new(),
        }
    }

    /// Goal: a cell ends at the first seed at which it may, for the reason that is said.
    /// Method: 1, 2, 3 have the half-width 2.484 about 2 (124 %); with 2 added, s² = 2/3 and t(0.975, 3) = 3.182, so
    /// 3.182 · √(2/3/4) / 2 = 65 %.
    #[test]
    fn a_cell_ends_with_the_first_seed_at_which_it_may() {
        let losses = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        let one = losses(&[1.0, 2.0, 3.0, 2.0, 2.0]);
        assert_eq!(stop(&one, &head((2, 9), 0.7)), Some((4, Stopped::Precise)));
        assert_eq!(stop(&one, &head((2, 3), 0.7)), Some((3, Stopped::Budget)));
        assert_eq!(stop(&one[..3], &head((2, 9), 0.7)), None);
        assert_eq!(stop(&losses(&[2.0; 5]), &head((3, 9), 0.01)), Some((3, Stopped::Certain)));
        assert_eq!(stop(&[Some(1.0), None, Some(3.0)], &head((3, 9), 0.1)), Some((2, Stopped::Failed)));
        assert_eq!(stop(&losses(&[-1.0, 1.0]), &head((2, 2), 0.1)), Some((2, Stopped::Budget)));
    }

    #[test]
    fn a_wide_interval_asks_for_more_seeds_at_once() {
        let head = head((3, 99), 0.7);
        // 3 · (1.242 / 0.7)² = 9.4: 6.4 are missing.
        assert_eq!(more(&[1.0, 2.0, 3.0], &head), 4);
        assert_eq!(more(&[-1.0, 1.0, 0.0], &head), 8);
    }
}
