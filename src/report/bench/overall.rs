//! The ranking over all scenarios: by the loss as a multiple of the baseline's, and by the rank in each scenario.
//!
//! Ratio: the geometric mean over scenarios of `mean loss ÷ the baseline's mean loss` over common seeds, so that a large scenario
//! counts no more than a small one and halving weighs as much as doubling (Fleming and Wallace, How not to lie with statistics,
//! CACM 29, 1986). Its interval is Student's on the logarithms, over scenarios: how a scenario *like these* might turn out. Rank:
//! the mean of the ranks by scenario, with a bootstrap interval over scenarios.
//!
//! Who lacks a figure in one scenario is not ranked, since others would be judged on harder ground; a scenario in which the
//! baseline has none drops out for all. Whoever was tuned in hindsight is a yardstick and is not ranked.

use super::grid::{Grid, Place};
use super::measure::Measure;
use super::statistics::{Difference, Interval, LEVEL, bootstrap, holm};

/// The ranking.
#[derive(Debug, Clone, Default)]
pub struct Overall {
    /// Scenarios that count, by their places.
    pub scenarios: Vec<usize>,
    /// Scenarios that do not, and why.
    pub dropped: Vec<(usize, String)>,
    /// The ranked, least ratio first.
    pub rows: Vec<Row>,
    /// Who is not ranked, and why.
    pub unranked: Vec<(usize, String)>,
    /// Comparisons with the baseline, over which was corrected.
    pub tested: usize,
    /// Pairs of contestants, over which was corrected for telling them apart.
    pub pairs: usize,
}

/// A contestant over all scenarios.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its place in the suite.
    pub contestant: usize,
    /// Loss as a multiple of the baseline's.
    pub ratio: f64,
    /// The interval of that over scenarios; `None` for the baseline and with one scenario.
    pub interval: Option<Interval>,
    /// p of a ratio other than one, after Holm over all contestants.
    pub adjusted: Option<f64>,
    /// Mean rank, from one.
    pub rank: f64,
    /// Its interval over scenarios.
    pub rank_interval: Option<Interval>,
    /// Whether it is told apart from the first, after Holm over all pairs; `None` for the first.
    pub told_from_first: Option<bool>,
    /// Logarithms of the ratios by scenario, in the order of [`Overall::scenarios`].
    logs: Vec<f64>,
}

impl Overall {
    /// Ranks.
    pub fn of(grid: &Grid<'_>) -> Self {
        let mut overall = Self::default();
        let Some(baseline) = grid.baseline() else { return overall };
        for scenario in grid.scenarios() {
            match grid.estimate(Measure::Loss, Place { scenario, contestant: baseline }) {
                Ok(estimate) if estimate.mean > 0.0 => overall.scenarios.push(scenario),
                Ok(_) => overall.dropped.push((scenario, "the baseline's loss is zero: no ratio to it".to_owned())),
                Err(reason) => overall.dropped.push((scenario, format!("the baseline {reason}"))),
            }
        }
        for contestant in grid.contestants() {
            match logs(grid, &overall.scenarios, (contestant, baseline)) {
                _ if grid.is_hindsight(contestant) => {
                    overall.unranked.push((contestant, "tuned in hindsight: a yardstick".to_owned()));
                }
                Ok(logs) if !logs.is_empty() => overall.rows.push(Row::new(contestant, logs)),
                Ok(_) => overall.unranked.push((contestant, "no scenario counts".to_owned())),
                Err(reason) => overall.unranked.push((contestant, reason)),
            }
        }
        overall.rows.sort_by(|a, b| (a.ratio.total_cmp(&b.ratio)).then(a.contestant.cmp(&b.contestant)));
        overall.compare_with(baseline);
        overall.rank();
        overall.tell_apart();
        overall
    }

    /// The row of a contestant.
    pub fn row(&self, contestant: usize) -> Option<&Row> {
        self.rows.iter().find(|row| row.contestant == contestant)
    }

    /// Those that are not told apart from the first.
    pub fn tied_with_first(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.told_from_first == Some(false))
    }

    /// Whether the interval of a contestant shares a value with that of the first.
    pub fn overlaps_first(&self, row: &Row) -> bool {
        let first = self.rows.first().and_then(|first| first.interval);
        let one = Interval { low: 1.0, high: 1.0 };
        self.scenarios.len() > 1 && first.unwrap_or(one).overlaps(row.interval.unwrap_or(one))
    }

    fn compare_with(&mut self, baseline: usize) {
        let others = |row: &&mut Row| row.contestant != baseline;
        let mut tested = Vec::new();
        for row in self.rows.iter_mut().filter(others) {
            let pairs: Vec<(f64, f64)> = row.logs.iter().map(|log| (*log, 0.0)).collect();
            let Some(difference) = Difference::of(&pairs, false) else { continue };
            row.interval = difference.interval.map(|interval| interval.map(f64::exp));
            tested.extend(difference.p().map(|p| (row.contestant, p)));
        }
        let adjusted = holm::adjusted(&tested.iter().map(|(_, p)| *p).collect::<Vec<_>>());
        for ((contestant, _), adjusted) in tested.iter().zip(adjusted) {
            let row = self.rows.iter_mut().find(|row| row.contestant == *contestant);
            row.expect("it was just tested").adjusted = Some(adjusted);
        }
        self.tested = tested.len();
    }

    fn rank(&mut self) {
        let by_scenario: Vec<Vec<f64>> = (0..self.scenarios.len())
            .map(|at| ranks(&self.rows.iter().map(|row| row.logs[at]).collect::<Vec<_>>()))
            .collect();
        for (index, row) in self.rows.iter_mut().enumerate() {
            let own: Vec<f64> = by_scenario.iter().map(|ranks| ranks[index]).collect();
            let mean = |drawn: &[usize]| drawn.iter().map(|at| own[*at]).sum::<f64>() / drawn.len() as f64;
            let all: Vec<usize> = (0..own.len()).collect();
            row.rank = mean(&all);
            row.rank_interval = bootstrap::interval(own.len(), mean);
        }
    }

    /// All pairs are corrected for, and not only those with the first: it was picked because it is first.
    fn tell_apart(&mut self) {
        let mut tested = Vec::new();
        for (index, row) in self.rows.iter().enumerate() {
            for (other, right) in self.rows.iter().enumerate().skip(index + 1) {
                let pairs: Vec<(f64, f64)> = row.logs.iter().copied().zip(right.logs.iter().copied()).collect();
                let Some(difference) = Difference::of(&pairs, false) else { continue };
                let same = difference.centre.abs() <= 0.0;
                tested.push(((index, other), difference.p().unwrap_or(if same { 1.0 } else { 0.0 })));
            }
        }
        let adjusted = holm::adjusted(&tested.iter().map(|(_, p)| *p).collect::<Vec<_>>());
        self.pairs = tested.len();
        for row in self.rows.iter_mut().skip(1) {
            row.told_from_first = Some(false);
        }
        for (((first, other), _), adjusted) in tested.iter().zip(adjusted) {
            if *first == 0 && adjusted < LEVEL {
                self.rows[*other].told_from_first = Some(true);
            }
        }
    }
}

impl Row {
    fn new(contestant: usize, logs: Vec<f64>) -> Self {
        let ratio = (logs.iter().sum::<f64>() / logs.len() as f64).exp();
        Self {
            contestant,
            ratio,
            interval: None,
            adjusted: None,
            rank: 0.0,
            rank_interval: None,
            told_from_first: None,
            logs,
        }
    }

    /// Whether a ratio other than one is shown.
    pub fn is_shown(&self) -> bool {
        self.adjusted.is_some_and(|adjusted| adjusted < LEVEL)
    }
}

/// The logarithms of a contestant's ratios, or the first scenario that it lacks.
fn logs(grid: &Grid<'_>, scenarios: &[usize], (contestant, baseline): (usize, usize)) -> Result<Vec<f64>, String> {
    let mut logs = Vec::with_capacity(scenarios.len());
    for scenario in scenarios.iter().copied() {
        let place = |contestant| Place { scenario, contestant };
        let (own, base) = if contestant == baseline {
            (1.0, 1.0)
        } else {
            ratio(grid, (place(contestant), place(baseline)))
                .map_err(|reason| format!("{}: {reason}", grid.scenario(scenario)))?
        };
        if own <= 0.0 {
            return Err(format!("{}: its loss is zero, of which there is no ratio", grid.scenario(scenario)));
        }
        logs.push((own / base).ln());
    }
    Ok(logs)
}

/// Sums over common seeds; one seed is enough for a ratio, though not for its interval.
fn ratio(grid: &Grid<'_>, (left, right): (Place, Place)) -> Result<(f64, f64), String> {
    let (own, base) = (grid.values(Measure::Loss, left)?, grid.values(Measure::Loss, right)?);
    let pairs: Vec<(f64, f64)> = own.iter().filter_map(|(seed, value)| Some((*value, *base.get(seed)?))).collect();
    if pairs.is_empty() {
        return Err("shares no seed with the baseline".to_owned());
    }
    Ok((pairs.iter().map(|(left, _)| left).sum(), pairs.iter().map(|(_, right)| right).sum()))
}

/// Ranks from one, ties with their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let rank = |value: &f64| {
        let less = values.iter().filter(|other| *other < value).count();
        let same = values.iter().filter(|other| other.total_cmp(value).is_eq()).count();
        less as f64 + f64::midpoint(same as f64, 1.0)
    };
    values.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::ranks;

    #[test]
    fn ties_share_their_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 2.0, 2.0]), [4.0, 1.0, 2.5, 2.5]);
    }
}
