//! How the statistics are written, alike in all formats.

use super::family::{Family, Finding, Pair};
use super::grid::{Grid, Place};
use super::measure::Measure;
use super::overall::Row;
use super::statistics::{Difference, Interval, Test};
use crate::report::estimate::Estimate;
use crate::report::metric::METRICS;
use crate::report::table::counted;
use crate::report::unit::Unit;

/// What stands where there is no figure; the gap is told elsewhere.
pub const NONE: &str = "–";

/// `0.82 (0.75 to 0.91)`; the baseline is one by definition.
pub fn ratio(row: &Row) -> String {
    match row.interval {
        Some(Interval { low, high }) => format!("{:.3} ({low:.3} to {high:.3})", row.ratio),
        None => format!("{:.3}", row.ratio),
    }
}

/// `2.4 (1.5 to 3.3)`.
pub fn rank(row: &Row) -> String {
    match row.rank_interval {
        Some(Interval { low, high }) => format!("{:.1} ({low:.1} to {high:.1})", row.rank),
        None => format!("{:.1}", row.rank),
    }
}

/// Whether it is told apart from the first; one scenario does not tell.
pub fn told(row: &Row, scenarios: usize) -> &'static str {
    match row.told_from_first {
        None => "first",
        Some(_) if scenarios < 2 => NONE,
        Some(true) => "yes",
        Some(false) => "no",
    }
}

/// `3 policies × 1 scenario × 3 to 5 seeds`.
pub fn size(grid: &Grid<'_>) -> String {
    let suite = &grid.results.suite;
    let policies = counted(suite.contestants.len(), "policy", "policies");
    let scenarios = counted(suite.scenarios.len(), "scenario", "scenarios");
    format!("{policies} × {scenarios} × {} seeds", seeds(grid))
}

/// A p-value; what is less than a thousandth is said to be.
pub fn p(value: Option<f64>) -> String {
    match value {
        None => NONE.to_owned(),
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// A difference in the unit of its measure: `-1.20 ± 0.30`, or the ends where they are not alike.
pub fn difference(difference: &Difference, unit: Unit) -> String {
    let ends = difference.interval.map_or(0.0, |interval| interval.high - interval.low);
    let decimals = unit.decimals(&[difference.centre, ends / 2.0]);
    spread(difference, |value| unit.number(value, decimals))
}

/// A difference in per cent of the baseline: `-12.3 ± 0.8`.
pub fn relative(pair: &Pair) -> String {
    let Ok(found) = &pair.difference else { return NONE.to_owned() };
    if pair.baseline.abs() <= 0.0 || !pair.baseline.is_finite() {
        return if found.centre.abs() > 0.0 { "from 0".to_owned() } else { "0".to_owned() };
    }
    let share = |value: f64| value / pair.baseline.abs() * 100.0;
    let half = found.interval.map_or(0.0, |interval| share(interval.high - interval.low).abs() / 2.0);
    let decimals = usize::from(half < 10.0) + usize::from(half < 0.1 && half > 0.0);
    spread(found, |value| signless(format!("{:.decimals$}", share(value))))
}

fn spread(difference: &Difference, number: impl Fn(f64) -> String) -> String {
    let centre = number(difference.centre);
    match (difference.interval, difference.test) {
        (_, Test::Agree) => centre,
        (None, _) => format!("{centre} (no interval)"),
        (Some(interval), Test::SignedRank) => {
            format!("{centre} ({} to {})", number(interval.low), number(interval.high))
        }
        (Some(interval), _) => format!("{centre} ± {}", number((interval.high - interval.low) / 2.0)),
    }
}

/// No minus before a zero.
fn signless(number: String) -> String {
    if number.contains(|digit: char| ('1'..='9').contains(&digit)) {
        number
    } else {
        number.trim_start_matches('-').to_owned()
    }
}

/// How a difference was judged, and by how many pairs.
pub fn test(difference: &Difference) -> String {
    let by = match difference.test {
        Test::Student => "t",
        Test::SignedRank => "signed ranks",
        Test::Signs => "signs",
        Test::Agree => "all agree",
        Test::Unpaired => "Welch, unpaired",
    };
    format!("{by}, {}", difference.pairs)
}

/// An estimate without its unit, alike in a column.
pub fn estimate(estimate: Result<Estimate, String>, unit: Unit, decimals: usize) -> String {
    estimate.map_or_else(|_| NONE.to_owned(), |estimate| unit.estimate_number(&estimate, decimals))
}

/// A share in per cent with its interval: `12.3 ± 0.4`.
pub fn share(estimate: &Estimate) -> String {
    Unit::Share.estimate_number(estimate, Unit::Share.decimals(&[estimate.mean]))
}

/// Decimals for a measure in a scenario, over its contestants.
pub fn decimals(grid: &Grid<'_>, measure: Measure, scenario: usize) -> usize {
    let means = grid.contestants().filter_map(|contestant| grid.estimate(measure, Place { scenario, contestant }).ok());
    let means: Vec<f64> = means.map(|estimate| estimate.mean).collect();
    measure.unit().decimals(&means)
}

/// The measures that stand beside the loss: those meant for tables that are not all zero, at most so many.
pub fn columns(grid: &Grid<'_>, most: usize) -> Vec<Measure> {
    let seen = |measure: &Measure| {
        let mut places = grid
            .scenarios()
            .flat_map(|scenario| grid.contestants().map(move |contestant| Place { scenario, contestant }));
        places.any(|place| grid.estimate(*measure, place).is_ok_and(|estimate| estimate.mean.abs() > 0.0))
    };
    let cost = Measure::find("cost");
    let tabled = METRICS.iter().filter(|metric| metric.tabled && metric.name != "cost").map(Measure::Of);
    let all = cost.into_iter().chain([Measure::Bad]).chain(tabled);
    all.filter(seen).take(most).collect()
}

/// The finding of a cell, the baseline's being that it is the baseline.
pub fn finding(family: &Family, place: Place) -> Option<Finding> {
    family.at(place).map(|pair| pair.finding)
}

/// `9` or `5 to 10`.
pub fn seeds(grid: &Grid<'_>) -> String {
    let counts = grid.results.cells.iter().map(|cell| cell.runs.len());
    match (counts.clone().min(), counts.max()) {
        (Some(least), Some(most)) if least < most => format!("{least} to {most}"),
        (Some(least), _) => least.to_string(),
        _ => "0".to_owned(),
    }
}
