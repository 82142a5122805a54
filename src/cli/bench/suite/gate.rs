//! `--gate`: whether a suite got worse than results that were stored before.

use crate::cli::Failure;
use crate::input;
use crate::model::gate::Gate;
use crate::report::bench::gate::{Judgement, judge};
use crate::report::bench::results::Results;
use anyhow::Context;
use std::fs;
use std::path::Path;

/// A gate, with the results that count as good.
pub struct Checked {
    gate: Gate,
    baseline: Results,
}

/// Reads the gate at `path` and judges its own baseline by it, so that what is wrong with it is told before anything is run.
///
/// # Errors
/// What is wrong with it, or with its results.
pub fn load(path: &Path) -> Result<Checked, Failure> {
    let gate = input::gate::load(path).map_err(Failure::input)?;
    let stored = gate.baseline_path.display().to_string();
    let text =
        fs::read(&gate.baseline_path).with_context(|| format!("{stored}: cannot be read")).map_err(Failure::input)?;
    let broken = || format!("{stored}: is no `results.json` of a suite; store one that counts as good");
    let baseline: Results = serde_json::from_slice(&text).with_context(broken).map_err(Failure::input)?;
    judge(&gate, &baseline, &baseline).map_err(Failure::input)?;
    Ok(Checked { gate, baseline })
}

impl Checked {
    /// What becomes of it.
    ///
    /// # Errors
    /// Results that cannot be compared with the stored ones.
    pub fn judge(&self, results: &Results) -> Result<Judgement, Failure> {
        judge(&self.gate, results, &self.baseline).map_err(Failure::input)
    }
}
