//! What every figure means: name, unit, direction, formula and source. Tables, pages and expectations take it from here.

use crate::model::Expectation;
use crate::record::Summary;

/// A figure of a run.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// As expectations and JSON name it.
    pub name: &'static str,
    /// As tables head it.
    pub title: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which direction is good.
    pub better: Better,
    /// What it is, as a formula.
    pub formula: &'static str,
    /// Who defines it so.
    pub source: &'static str,
    /// The figure in base units (share 0..1, ms, $, kWh, kg, h); `None` where it is undefined.
    pub get: fn(&Summary) -> Option<f64>,
}

/// Units of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 0..1, shown in per cent.
    Share,
    /// Milliseconds.
    Milliseconds,
    /// US dollars.
    Dollars,
    /// Kilowatt-hours.
    KilowattHours,
    /// Kilograms of CO₂ equivalent.
    KilogramsCo2e,
    /// Hours of one thing.
    Hours,
    /// How many.
    Count,
}

/// Which direction of a metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// Neither is.
    Neither,
}

/// All metrics, in the order of their importance to a reader.
pub const METRICS: &[Metric] = &[];

/// No metric is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{expectation}`: no metric is called `{given}`; there are {}", names())]
pub struct UnknownMetric {
    /// The expectation.
    pub expectation: String,
    /// The name that was given.
    pub given: String,
}

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Whether all metrics that the expectations name exist; for the command line to ask before anything is run.
///
/// # Errors
/// The first that does not.
pub fn check(expect: &[Expectation]) -> Result<(), UnknownMetric> {
    let _ = expect;
    unimplemented!()
}

fn names() -> String {
    METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ")
}
