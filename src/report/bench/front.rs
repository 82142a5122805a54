//! Pareto fronts: what costs little and serves well, scenario by scenario and over all of them.
//!
//! The aims are the bill and the share of bad requests (where there are none, the wait of tasks); churn is a third one for the
//! volume. Hypervolume is told as the share of the box from zero to the reference, which is 1.1 times the worst mean of each aim
//! over the contestants of that picture: it compares contestants of one picture and nothing else.

use super::grid::{Grid, Place};
use super::measure::Measure;
use super::statistics::hypervolume::{exclusive, hypervolume};
use super::statistics::pareto::{Aims, dominated_by};
use crate::report::estimate::Estimate;

/// The reference lies so far beyond the worst.
const BEYOND: f64 = 1.1;

/// A picture of contestants in two aims.
#[derive(Debug, Clone)]
pub struct Front {
    /// The two aims of the picture, and the third of the volume.
    pub aims: Vec<Measure>,
    /// Contestants with figures in both aims.
    pub points: Vec<Point>,
    /// The others, and why they have none.
    pub left_out: Vec<(usize, String)>,
    /// Covered share of the box, in two aims.
    pub volume: f64,
    /// The same with the third aim; `None` where somebody has no figure of it.
    pub volume_three: Option<f64>,
}

/// A contestant in the picture.
#[derive(Debug, Clone)]
pub struct Point {
    /// Its place in the suite.
    pub contestant: usize,
    /// Means with their intervals, aim by aim.
    pub aims: Vec<Estimate>,
    /// The first contestant that dominates it.
    pub dominated_by: Option<usize>,
    /// The share of the box that it covers alone, in two aims.
    pub exclusive: f64,
}

/// The aims that all contestants of a suite are seen by.
pub fn aims(grid: &Grid<'_>) -> Vec<Measure> {
    let known = |measure: &Measure| {
        let places =
            grid.scenarios().flat_map(|scenario| grid.contestants().map(move |contestant| (scenario, contestant)));
        let mut places = places.map(|(scenario, contestant)| Place { scenario, contestant });
        places.any(|place| grid.values(*measure, place).is_ok())
    };
    let second = ["bad_requests", "task_wait_mean", "latency_p95"].into_iter().filter_map(Measure::find).find(known);
    let all = [Measure::find("cost"), second, Measure::find("replica_changes")];
    all.into_iter().flatten().collect()
}

impl Front {
    /// Of one scenario, paired by seed.
    pub fn of_scenario(grid: &Grid<'_>, scenario: usize) -> Self {
        let aims = aims(grid);
        let of = |contestant: usize| {
            let place = Place { scenario, contestant };
            aims.iter().map(|aim| grid.values(*aim, place)).collect::<Result<Aims, String>>()
        };
        Self::new(&aims, grid.contestants().filter(|one| !grid.is_hindsight(*one)).map(|one| (one, of(one))))
    }

    /// Over scenarios, paired by these: the bill as a multiple of the baseline's, the rest as it is. A single scenario has
    /// seeds to pair.
    pub fn over_scenarios(grid: &Grid<'_>, scenarios: &[usize]) -> Self {
        let aims = aims(grid);
        let of = |contestant: usize| {
            let aim = |(index, aim): (usize, &Measure)| {
                let values = |scenario: usize| {
                    let named = |reason: String| format!("{}: {reason}", grid.scenario(scenario));
                    let values = grid.values(*aim, Place { scenario, contestant }).map_err(named)?;
                    let unit = if index == 0 { baseline_mean(grid, *aim, scenario).map_err(named)? } else { 1.0 };
                    Ok(values.into_iter().map(|(seed, value)| (seed, value / unit)).collect())
                };
                if let [only] = scenarios {
                    return values(*only);
                }
                let mean = |scenario: &usize| Ok((*scenario as u64, estimate(&values(*scenario)?).mean));
                scenarios.iter().map(mean).collect()
            };
            aims.iter().enumerate().map(aim).collect::<Result<Aims, String>>()
        };
        Self::new(&aims, grid.contestants().filter(|one| !grid.is_hindsight(*one)).map(|one| (one, of(one))))
    }

    /// Those of the front.
    pub fn on_front(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| point.dominated_by.is_none())
    }

    fn new(aims: &[Measure], all: impl Iterator<Item = (usize, Result<Aims, String>)>) -> Self {
        let (mut values, mut left_out) = (Vec::<(usize, Aims)>::new(), Vec::new());
        for (contestant, found) in all {
            match found {
                Ok(found) if found.len() >= 2 && found.iter().all(|one| !one.is_empty()) => {
                    values.push((contestant, found));
                }
                Ok(_) => left_out.push((contestant, "no figures".to_owned())),
                Err(reason) => left_out.push((contestant, reason)),
            }
        }
        let two: Vec<Aims> = values.iter().map(|(_, aims)| aims[..2].to_vec()).collect();
        let dominated = dominated_by(&two);
        let estimates: Vec<Vec<Estimate>> =
            values.iter().map(|(_, aims)| aims.iter().map(estimate).collect()).collect();
        let scaled = scaled(&estimates);
        let first = |count: usize| scaled.iter().map(|point| point[..count].to_vec()).collect::<Vec<_>>();
        let alone = exclusive(&first(2), &[1.0, 1.0]);
        let three = aims.len() > 2;
        let points = values.iter().zip(estimates).zip(dominated.iter().zip(alone));
        let points = points.map(|(((contestant, _), aims), (by, exclusive))| Point {
            contestant: *contestant,
            aims,
            dominated_by: by.map(|by| values[by].0),
            exclusive,
        });
        Self {
            aims: aims.to_vec(),
            points: points.collect(),
            left_out,
            volume: hypervolume(&first(2), &[1.0, 1.0]),
            volume_three: three.then(|| hypervolume(&first(3), &[1.0; 3])),
        }
    }
}

/// What a measure is for the baseline in a scenario, above zero.
fn baseline_mean(grid: &Grid<'_>, measure: Measure, scenario: usize) -> Result<f64, String> {
    let mean = |contestant| grid.estimate(measure, Place { scenario, contestant }).ok();
    let mean = grid.baseline().and_then(mean).map_or(0.0, |estimate| estimate.mean);
    if mean > 0.0 { Ok(mean) } else { Err("the baseline costs nothing".to_owned()) }
}

fn estimate(values: &std::collections::BTreeMap<u64, f64>) -> Estimate {
    let values: Vec<f64> = values.values().copied().collect();
    Estimate::of(&values).expect("aims without values are left out")
}

/// Means as shares of the reference; an aim in which nobody has anything is at zero for all.
fn scaled(points: &[Vec<Estimate>]) -> Vec<Vec<f64>> {
    let aims = points.first().map_or(0, Vec::len);
    let worst = |aim: usize| points.iter().map(|point| point[aim].mean).fold(0.0, f64::max) * BEYOND;
    let reference: Vec<f64> = (0..aims).map(worst).map(|worst| if worst > 0.0 { worst } else { 1.0 }).collect();
    let point = |point: &Vec<Estimate>| point.iter().zip(&reference).map(|(one, worst)| one.mean / worst).collect();
    points.iter().map(point).collect()
}
