//! Regret: how much more a contestant loses than could be lost at least, and than a static policy that knew the test days.
//!
//! `(J − LB) / LB` by seed, with J the loss and LB the lower bound of that run ([`Bounds::coupled_usd`]); mean and Student's
//! interval over seeds. Since LB is a bound and not a plan, the true regret is at most this: it may be less, and no policy may
//! be able to come so low. The best static policy in hindsight is one that was tuned on the test days themselves; a contestant
//! may lose less than that.
//!
//! [`Bounds::coupled_usd`]: super::results::Bounds::coupled_usd

use super::grid::{Grid, Place, Values};
use super::measure::Measure;
use crate::report::estimate::Estimate;

/// What a bound may lie above a loss by rounding.
const ROUNDING: f64 = 1e-9;

/// A contestant in a scenario.
#[derive(Debug, Clone)]
pub struct Regret {
    /// Which.
    pub place: Place,
    /// Over the bound, relative to it; or why that is not known.
    pub over_bound: Result<Estimate, String>,
    /// The bound itself, in dollars.
    pub bound: Option<Estimate>,
    /// Over the best static policy in hindsight, relative to it; `None` where the suite has none.
    pub over_static: Option<Result<Estimate, String>>,
}

/// Of all contestants in all scenarios.
pub fn regrets(grid: &Grid<'_>) -> Vec<Regret> {
    let mut regrets = Vec::new();
    for scenario in grid.scenarios() {
        let best = best_static(grid, scenario);
        for contestant in grid.contestants() {
            let place = Place { scenario, contestant };
            let over_static = best.as_ref().map(|best| over_static(grid, place, best));
            regrets.push(Regret { place, over_bound: over_bound(grid, place), bound: bound(grid, place), over_static });
        }
    }
    regrets
}

/// The mean over scenarios of a contestant's regret over the bound, with its interval over these; `None` where it lacks one.
pub fn overall(regrets: &[Regret], contestant: usize) -> Option<Estimate> {
    let own = regrets.iter().filter(|regret| regret.place.contestant == contestant);
    let means: Option<Vec<f64>> = own.map(|regret| Some(regret.over_bound.as_ref().ok()?.mean)).collect();
    Estimate::of(&means?)
}

fn bounds(grid: &Grid<'_>, place: Place) -> Result<Values, String> {
    let bounds = grid.runs(place)?.iter().filter_map(|run| Some((run.seed, run.bound?.coupled_usd)));
    let bounds: Values = bounds.filter(|(_, bound)| bound.is_finite()).collect();
    if bounds.is_empty() { Err("no bound was computed".to_owned()) } else { Ok(bounds) }
}

fn bound(grid: &Grid<'_>, place: Place) -> Option<Estimate> {
    Estimate::of(&bounds(grid, place).ok()?.into_values().collect::<Vec<_>>())
}

fn over_bound(grid: &Grid<'_>, place: Place) -> Result<Estimate, String> {
    let bounds = bounds(grid, place)?;
    let losses = grid.values(Measure::Loss, place)?;
    if bounds.len() < losses.len() {
        return Err(format!("no bound was computed in {} of {} seeds", losses.len() - bounds.len(), losses.len()));
    }
    if bounds.values().any(|bound| *bound <= 0.0) {
        return Err("the bound is zero, and nothing is relative to that".to_owned());
    }
    let regret = |(seed, loss): (&u64, &f64)| Some((loss - bounds.get(seed)?) / bounds.get(seed)?);
    let regrets: Vec<f64> = losses.iter().filter_map(regret).collect();
    if let Some(least) = regrets.iter().copied().find(|regret| *regret < -ROUNDING) {
        return Err(format!(
            "the loss lies {:.3} % below the bound, which cannot be: one of the two is wrong",
            -least * 1e2
        ));
    }
    Estimate::of(&regrets).ok_or_else(|| "has no run on the test days".to_owned())
}

/// The losses of the static policy that loses least of those that were tuned in hindsight.
fn best_static(grid: &Grid<'_>, scenario: usize) -> Option<Values> {
    let places = grid.contestants().map(|contestant| Place { scenario, contestant });
    let yardsticks = places.filter(|place| grid.cell(*place).is_some_and(|cell| cell.hindsight));
    let losses = yardsticks.filter_map(|place| grid.values(Measure::Loss, place).ok());
    let mean = |values: &Values| values.values().sum::<f64>() / values.len() as f64;
    losses.min_by(|a, b| mean(a).total_cmp(&mean(b)))
}

fn over_static(grid: &Grid<'_>, place: Place, best: &Values) -> Result<Estimate, String> {
    let losses = grid.values(Measure::Loss, place)?;
    let over = |(seed, loss): (&u64, &f64)| {
        let best = *best.get(seed)?;
        (best > 0.0).then(|| (loss - best) / best)
    };
    let over: Vec<f64> = losses.iter().filter_map(over).collect();
    Estimate::of(&over).ok_or_else(|| "shares no seed with the best static policy in hindsight".to_owned())
}
