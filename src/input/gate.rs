//! The file of a gate: which stored results count as good, and how far new ones may fall behind them.

use super::at::At;
use super::error::InputError;
use super::file::Files;
use super::read::read;
use super::suite::of_suite;
use crate::model::gate::{Gate, Threshold};
use crate::units::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A gate: a suite fails it (exit code 4) where it got worse than stored results by more than a threshold.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GateFile {
    /// The `results.json` of the suite as it was, from the folder of the gate.
    pub baseline: String,
    /// What may get worse, and by how much.
    pub thresholds: Vec<ThresholdFile>,
}

/// A limit on one metric.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ThresholdFile {
    /// `loss` (bill and broken promises, in dollars), or a metric of runs: `cost`, `slo_violation_time` ...
    pub metric: String,
    /// Only in the scenario of this name.
    #[serde(default)]
    pub scenario: Option<String>,
    /// Only for the contestant of this name.
    #[serde(default)]
    pub contestant: Option<String>,
    /// How much worse its mean may be, as a share of the stored one: `5 %`.
    #[serde(default)]
    pub relative: Option<Ratio>,
    /// How much worse its mean may be in the metric's base unit (share 0..1, ms, $, kWh, kg, h). Where both are given, the
    /// wider one counts.
    #[serde(default)]
    pub absolute: Option<f64>,
}

/// JSON Schema of a gate, made from the types that read it.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(GateFile).to_value()
}

/// Reads and checks a gate. Its results are read by whoever judges.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn load(path: &Path) -> Result<Gate, InputError> {
    let mut files = Files::of(path);
    let root = files.read_scenario(path).map_err(of_suite)?;
    let file: GateFile = read(&root).map_err(of_suite)?;
    let at = At::root(&root);
    let baseline_path = files.path(&file.baseline, &at.key("baseline"))?;
    if !baseline_path.is_file() {
        let (given, wanted) = (&file.baseline, "store the `results.json` of a suite that counts as good, and name it");
        return Err(at.key("baseline").error(format!("there is no file `{given}` to compare with; {wanted}")));
    }
    let at = at.key("thresholds");
    if file.thresholds.is_empty() {
        return Err(at.error("a gate without thresholds lets all pass; write `[{metric: loss, relative: 5 %}]`"));
    }
    let thresholds = file.thresholds.into_iter().enumerate();
    let thresholds = thresholds.map(|(index, one)| threshold(one, &at.index(index))).collect::<Result<_, _>>()?;
    Ok(Gate { baseline: file.baseline, baseline_path, thresholds })
}

fn threshold(file: ThresholdFile, at: &At<'_>) -> Result<Threshold, InputError> {
    if file.relative.is_none() && file.absolute.is_none() {
        return Err(
            at.error("how much worse it may be is missing; add `relative: 5 %`, or `absolute` in the metric's unit")
        );
    }
    if let Some(wrong) = file.absolute.filter(|value| !(value.is_finite() && *value >= 0.0)) {
        return Err(at.key("absolute").error(format!("`{wrong}` is no amount; write a number from 0 up")));
    }
    let ThresholdFile { metric, scenario, contestant, relative, absolute } = file;
    let place = format!("{}: field `thresholds.{metric}`", at.nearest_place());
    Ok(Threshold { metric, scenario, contestant, relative, absolute, place })
}
