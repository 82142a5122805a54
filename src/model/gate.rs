//! What a suite may not get worse at: thresholds against results that were stored before.

use crate::units::Ratio;
use std::path::PathBuf;

/// The metric that is no figure of a run but of a suite: bill and broken promises in dollars.
pub const LOSS: &str = "loss";

/// A gate: the results that count as good, and how far new ones may fall behind them.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The stored `results.json`, as it is written.
    pub baseline: String,
    /// The same, from where the user stands.
    pub baseline_path: PathBuf,
    /// At least one.
    pub thresholds: Vec<Threshold>,
}

/// A limit on one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Its name: [`LOSS`], or as `report::metric` calls it.
    pub metric: String,
    /// In the scenario of this name; `None` for each.
    pub scenario: Option<String>,
    /// For the contestant of this name; `None` for each.
    pub contestant: Option<String>,
    /// How much worse it may be as a share of the stored mean.
    pub relative: Option<Ratio>,
    /// How much worse it may be in the metric's base unit (share 0..1, ms, $, kWh, kg, h). Where both are given, the wider
    /// one counts.
    pub absolute: Option<f64>,
    /// Where it is written, for messages: file, line and field.
    pub place: String,
}
