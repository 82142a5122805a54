//! The cells of a suite by scenario and contestant, and why a place has no figure: a gap is said, never filled.
//!
//! A cell of which any run failed has no figures at all: the seeds that survived are the easier ones.

use super::measure::Measure;
use super::results::{Cell, Outcome, Results};
use crate::report::estimate::Estimate;
use std::collections::BTreeMap;

/// Letters of a failure that are repeated.
const REASON_MAX: usize = 160;

/// A contestant in a scenario, by their places in the suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Place of the scenario.
    pub scenario: usize,
    /// Place of the contestant.
    pub contestant: usize,
}

/// Results, by place.
#[derive(Debug, Clone, Copy)]
pub struct Grid<'a> {
    /// What the suite left.
    pub results: &'a Results,
}

/// Values by seed.
pub type Values = BTreeMap<u64, f64>;

impl<'a> Grid<'a> {
    /// All scenarios.
    pub fn scenarios(&self) -> std::ops::Range<usize> {
        0..self.results.suite.scenarios.len()
    }

    /// All contestants.
    pub fn contestants(&self) -> std::ops::Range<usize> {
        0..self.results.suite.contestants.len()
    }

    /// The contestant that the others are compared with.
    pub fn baseline(&self) -> Option<usize> {
        self.results.suite.contestants.iter().position(|name| *name == self.results.suite.baseline)
    }

    /// Name of a contestant.
    pub fn name(&self, contestant: usize) -> &'a str {
        &self.results.suite.contestants[contestant]
    }

    /// Name of a scenario.
    pub fn scenario(&self, scenario: usize) -> &'a str {
        &self.results.suite.scenarios[scenario].name
    }

    /// The cell, where it is there.
    pub fn cell(&self, place: Place) -> Option<&'a Cell> {
        let (scenario, contestant) = (self.scenario(place.scenario), self.name(place.contestant));
        self.results.cells.iter().find(|cell| cell.scenario == scenario && cell.contestant == contestant)
    }

    /// The runs of a cell.
    ///
    /// # Errors
    /// Why there are none that count.
    pub fn runs(&self, place: Place) -> Result<&'a [Outcome], String> {
        let cell = self.cell(place).ok_or("was not run")?;
        let failed = cell.runs.iter().filter_map(|run| Some((run.seed, run.result.as_ref().err()?)));
        let failed: Vec<(u64, &String)> = failed.collect();
        if let Some((seed, reason)) = failed.first() {
            let (count, all) = (failed.len(), cell.runs.len());
            let short: String = reason.chars().take(REASON_MAX).collect();
            let cut = if short.len() < reason.len() { "…" } else { "" };
            return Err(format!("failed in {count} of {all} seeds (seed {seed}: {short}{cut})"));
        }
        match (cell.runs.is_empty(), cell.tuning.is_empty()) {
            (true, false) => Err("has no run on the test days: no trial of its tuning succeeded".to_owned()),
            (true, true) => Err("has no run on the test days".to_owned()),
            (false, _) => Ok(&cell.runs),
        }
    }

    /// A measure by seed.
    ///
    /// # Errors
    /// Why there is none.
    pub fn values(&self, measure: Measure, place: Place) -> Result<Values, String> {
        let suite = &self.results.suite;
        let runs = self.runs(place)?;
        let value = |run: &Outcome| Some((run.seed, measure.value(suite, run.result.as_ref().ok()?)?));
        let values: Values = runs.iter().filter_map(value).collect();
        match runs.len() - values.len() {
            0 => Ok(values),
            missing if values.is_empty() => {
                debug_assert_eq!(missing, runs.len());
                Err(format!("has no {} here: it is undefined in every seed", measure.words()))
            }
            missing => Err(format!("has no {} in {missing} of {} seeds", measure.words(), runs.len())),
        }
    }

    /// Mean and interval of a measure over seeds.
    ///
    /// # Errors
    /// Why there is none.
    pub fn estimate(&self, measure: Measure, place: Place) -> Result<Estimate, String> {
        let values: Vec<f64> = self.values(measure, place)?.into_values().collect();
        Estimate::of(&values).ok_or_else(|| "has no run on the test days".to_owned())
    }

    /// The values of two contestants in the seeds that both have met.
    ///
    /// # Errors
    /// Which of the two has none, and why; or that one pair or none is left.
    pub fn pairs(&self, measure: Measure, (left, right): (Place, Place)) -> Result<Vec<(f64, f64)>, String> {
        let left = self.values(measure, left)?;
        let other = self.name(right.contestant);
        let right = self.values(measure, right).map_err(|reason| format!("is not compared: {other} {reason}"))?;
        let pairs: Vec<(f64, f64)> =
            left.iter().filter_map(|(seed, value)| Some((*value, *right.get(seed)?))).collect();
        match pairs.len() {
            0 => Err(format!("shares no seed with {other}")),
            1 => Err(format!("shares one seed with {other}, so that nobody knows how sure the difference is")),
            _ => Ok(pairs),
        }
    }

    /// Whether a contestant was tuned in hindsight anywhere: a yardstick, not a contestant.
    pub fn is_hindsight(&self, contestant: usize) -> bool {
        let name = self.name(contestant);
        self.results.cells.iter().any(|cell| cell.contestant == name && cell.hindsight)
    }

    /// The distinct seeds of the reported runs.
    pub fn seeds(&self) -> std::collections::BTreeSet<u64> {
        self.results.cells.iter().flat_map(|cell| &cell.runs).map(|run| run.seed).collect()
    }

    /// All gaps of the loss: which contestant lacks which scenario, and why.
    pub fn gaps(&self) -> Vec<(Place, String)> {
        let all = self
            .scenarios()
            .flat_map(|scenario| self.contestants().map(move |contestant| Place { scenario, contestant }));
        let gap = |place: Place| match self.values(Measure::Loss, place) {
            Err(reason) => Some((place, reason)),
            Ok(values) if values.len() == 1 => {
                Some((place, "has one seed, so that nobody knows how sure its figures are".to_owned()))
            }
            Ok(_) => None,
        };
        all.filter_map(gap).collect()
    }
}
