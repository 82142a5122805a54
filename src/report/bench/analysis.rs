//! Everything that is computed from the results of a suite, once, for all formats.

use super::family::Family;
use super::front::Front;
use super::grid::{Grid, Place};
use super::measure::Measure;
use super::overall::Overall;
use super::regret::{Regret, regrets};
use super::results::Results;
use super::sensitivity::{Knob, knobs};

/// The statistics of a suite.
#[derive(Debug, Clone)]
pub struct Analysis<'a> {
    /// The results by place.
    pub grid: Grid<'a>,
    /// Every measure against the baseline, the loss first.
    pub families: Vec<Family>,
    /// The ranking over all scenarios.
    pub overall: Overall,
    /// The front of each scenario.
    pub fronts: Vec<Front>,
    /// The front over all scenarios that count.
    pub front: Front,
    /// The regret of each cell.
    pub regrets: Vec<Regret>,
    /// The knobs of each tuned cell.
    pub knobs: Vec<Knob>,
    /// Cells without a loss, and why.
    pub gaps: Vec<(Place, String)>,
}

impl<'a> Analysis<'a> {
    /// Computes them.
    pub fn of(results: &'a Results) -> Self {
        let grid = Grid { results };
        let overall = Overall::of(&grid);
        let front = Front::over_scenarios(&grid, &overall.scenarios);
        Self {
            grid,
            families: Measure::all().into_iter().map(|measure| Family::of(&grid, measure)).collect(),
            fronts: grid.scenarios().map(|scenario| Front::of_scenario(&grid, scenario)).collect(),
            front,
            overall,
            regrets: regrets(&grid),
            knobs: knobs(&grid),
            gaps: grid.gaps(),
        }
    }

    /// The comparisons of the loss.
    pub fn loss(&self) -> &Family {
        &self.families[0]
    }

    /// Scenarios in which a contestant is shown better, shown worse, not told apart, and not compared.
    pub fn score(&self, contestant: usize) -> Score {
        let mut score = Score::default();
        for pair in self.loss().of_contestant(contestant) {
            match pair.finding {
                finding if finding.is_better() => score.better += 1,
                finding if finding.is_worse() => score.worse += 1,
                super::family::Finding::Gap => score.gaps += 1,
                _ => score.open += 1,
            }
        }
        score
    }

    /// The regret of a cell.
    pub fn regret(&self, place: Place) -> Option<&Regret> {
        self.regrets.iter().find(|regret| regret.place == place)
    }
}

/// Scenarios by what is shown of a contestant's loss against the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Score {
    /// Shown better, or certainly so.
    pub better: usize,
    /// No difference shown.
    pub open: usize,
    /// Shown worse, or certainly so.
    pub worse: usize,
    /// Not compared.
    pub gaps: usize,
}

/// Places on the page, which sentences link to.
pub mod anchor {
    use super::Place;

    /// What was compared.
    pub const SUITE: &str = "suite";
    /// The table of gaps.
    pub const GAPS: &str = "gaps";
    /// The table of losses by scenario.
    pub const LOSSES: &str = "losses";

    /// A row of the ranking.
    pub fn rank(contestant: usize) -> String {
        format!("rank-{contestant}")
    }

    /// A row of the front over all scenarios.
    pub fn front(contestant: usize) -> String {
        format!("front-{contestant}")
    }

    /// A row of the regrets.
    pub fn regret(contestant: usize) -> String {
        format!("regret-{contestant}")
    }

    /// A row of the losses of one contestant by scenario.
    pub fn losses(contestant: usize) -> String {
        format!("losses-{contestant}")
    }

    /// A scenario.
    pub fn scenario(scenario: usize) -> String {
        format!("scenario-{scenario}")
    }

    /// A row of a scenario's table.
    pub fn cell(place: Place) -> String {
        format!("cell-{}-{}", place.scenario, place.contestant)
    }
}
