//! All comparisons of one measure with the baseline: a family, whose findings are corrected together.
//!
//! A family is one measure over all scenarios and contestants. Each measure has its own: the loss is what the suite asks about,
//! and the other figures say why.

use super::grid::{Grid, Place};
use super::measure::Measure;
use super::statistics::{Difference, LEVEL, Test, holm};
use crate::report::metric::Better;

/// One measure, all contestants but the baseline, all scenarios.
#[derive(Debug, Clone)]
pub struct Family {
    /// What is compared.
    pub measure: Measure,
    /// Scenario by scenario.
    pub pairs: Vec<Pair>,
    /// Comparisons that chance could have made, over which was corrected.
    pub tested: usize,
}

/// A contestant against the baseline in a scenario.
#[derive(Debug, Clone)]
pub struct Pair {
    /// Which.
    pub place: Place,
    /// Contestant minus baseline, or why there is none.
    pub difference: Result<Difference, String>,
    /// The baseline's mean over the common seeds; what relative differences refer to.
    pub baseline: f64,
    /// p after Holm; `None` where no chance is involved or nothing was compared.
    pub adjusted: Option<f64>,
    /// What may be said.
    pub finding: Finding,
}

/// What a comparison allows to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A difference is shown, after Holm.
    Shown(Side),
    /// Every seed gives the same difference: certain for these days, and nothing is said of others.
    Certain(Side),
    /// No difference is shown.
    NotShown,
    /// Every seed gives the same for both.
    Identical,
    /// Nothing was compared.
    Gap,
}

/// To which side a contestant differs from the baseline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Better.
    Better,
    /// Worse.
    Worse,
    /// Less, of something that is neither good nor bad.
    Less,
    /// More of it.
    More,
}

impl Finding {
    /// Whether the contestant is better, surely enough.
    pub const fn is_better(self) -> bool {
        matches!(self, Self::Shown(Side::Better) | Self::Certain(Side::Better))
    }

    /// Whether it is worse, surely enough.
    pub const fn is_worse(self) -> bool {
        matches!(self, Self::Shown(Side::Worse) | Self::Certain(Side::Worse))
    }

    /// In a table.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Shown(side) => side.words(),
            Self::Certain(Side::Better) => "better (all seeds agree)",
            Self::Certain(Side::Worse) => "worse (all seeds agree)",
            Self::Certain(Side::Less) => "less (all seeds agree)",
            Self::Certain(Side::More) => "more (all seeds agree)",
            Self::NotShown => "no difference shown",
            Self::Identical => "the same in every seed",
            Self::Gap => "not compared",
        }
    }
}

impl Side {
    /// The side of a difference that is not zero.
    pub const fn of(better: Better, difference: f64) -> Self {
        match (better, difference < 0.0) {
            (Better::Lower, true) | (Better::Higher, false) => Self::Better,
            (Better::Lower, false) | (Better::Higher, true) => Self::Worse,
            (Better::Neither, true) => Self::Less,
            (Better::Neither, false) => Self::More,
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Less => "less",
            Self::More => "more",
        }
    }
}

impl Family {
    /// Compares every contestant with the baseline and corrects over all of it.
    pub fn of(grid: &Grid<'_>, measure: Measure) -> Self {
        let Some(baseline) = grid.baseline() else { return Self { measure, pairs: Vec::new(), tested: 0 } };
        let mut pairs = Vec::new();
        for scenario in grid.scenarios() {
            for contestant in grid.contestants().filter(|contestant| *contestant != baseline) {
                pairs.push(pair(
                    grid,
                    measure,
                    (Place { scenario, contestant }, Place { scenario, contestant: baseline }),
                ));
            }
        }
        let tested: Vec<usize> = (0..pairs.len()).filter(|at| p(&pairs[*at]).is_some()).collect();
        let values: Vec<f64> = tested.iter().filter_map(|at| p(&pairs[*at])).collect();
        for (at, adjusted) in tested.iter().zip(holm::adjusted(&values)) {
            pairs[*at].adjusted = Some(adjusted);
        }
        for pair in &mut pairs {
            pair.finding = judged(pair, measure.better());
        }
        Self { measure, pairs, tested: tested.len() }
    }

    /// The comparison of a contestant in a scenario; `None` for the baseline.
    pub fn at(&self, place: Place) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.place == place)
    }

    /// Those of one contestant.
    pub fn of_contestant(&self, contestant: usize) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(move |pair| pair.place.contestant == contestant)
    }
}

impl Pair {
    /// The difference relative to the baseline's mean; `None` where that is zero.
    pub fn relative(&self) -> Option<f64> {
        let difference = self.difference.as_ref().ok()?;
        (self.baseline.abs() > 0.0).then(|| difference.centre / self.baseline.abs())
    }
}

fn p(pair: &Pair) -> Option<f64> {
    pair.difference.as_ref().ok()?.p()
}

fn pair(grid: &Grid<'_>, measure: Measure, (place, baseline): (Place, Place)) -> Pair {
    let pairs = grid.pairs(measure, (place, baseline));
    let mean =
        pairs.as_ref().map_or(f64::NAN, |pairs| pairs.iter().map(|(_, right)| right).sum::<f64>() / pairs.len() as f64);
    let difference =
        pairs.and_then(|pairs| Difference::of(&pairs, measure.counts()).ok_or_else(|| "has one seed only".to_owned()));
    Pair { place, difference, baseline: mean, adjusted: None, finding: Finding::Gap }
}

fn judged(pair: &Pair, better: Better) -> Finding {
    let Ok(difference) = &pair.difference else { return Finding::Gap };
    let side = Side::of(better, difference.centre);
    match (difference.test, pair.adjusted) {
        (Test::Agree, _) if difference.centre.abs() > 0.0 => Finding::Certain(side),
        (Test::Agree, _) => Finding::Identical,
        (_, Some(adjusted)) if adjusted < LEVEL => Finding::Shown(side),
        _ => Finding::NotShown,
    }
}
