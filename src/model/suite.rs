//! A suite: policies against each other over scenarios, with the knobs that may be tuned and the days that count.
//!
//! Policies stand here as they are written: which of them exist, and which knobs they have, is not for `model` to know. What
//! may turn out wrong later carries its place in the file.

use super::window::Window;
use crate::units::{Money, Ratio, Span};
use std::path::PathBuf;

/// A suite, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Suite {
    /// Name: the file's, without its ending.
    pub name: String,
    /// The question that it answers.
    pub question: String,
    /// The scenarios, at least one, each with a name of its own.
    pub scenarios: Vec<Field>,
    /// The policies, at least one, each with a name of its own.
    pub contestants: Vec<Contestant>,
    /// The index of the contestant that the others are compared with.
    pub baseline: usize,
    /// What a million of bad requests costs besides the bill.
    pub bad_million: Money,
    /// Runs of tuning that each contestant may spend in a scenario.
    pub tuning_runs: u32,
    /// The fewest seeds of a cell; two at least.
    pub seeds_least: u32,
    /// The most seeds of a cell.
    pub seeds_most: u32,
    /// Half of the 95 % interval of the loss over its mean, below which no more seeds are added.
    pub precision: Ratio,
    /// What is not counted at the begin of a run.
    pub warm_up: WarmUp,
    /// sha256 of the file.
    pub sha256: String,
}

/// A scenario of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its name in the suite.
    pub name: String,
    /// The scenario's file as it is written.
    pub file: String,
    /// The same, from where the user stands.
    pub path: PathBuf,
    /// Its variant.
    pub variant: Option<String>,
    /// Fields that are set: path and value, as YAML.
    pub set: Vec<(String, String)>,
    /// The days that knobs are tuned on.
    pub train: Days,
    /// The days that are reported.
    pub test: Days,
    /// Where it is written, for messages: file, line and field.
    pub place: String,
}

/// Days of a scenario.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Days {
    /// The part of it.
    pub window: Window,
    /// What else is different then: path and value, as YAML.
    pub patch: Vec<(String, String)>,
}

/// A policy of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Contestant {
    /// Its name in the suite.
    pub name: String,
    /// The policy as it is written.
    pub policy: String,
    /// Knobs to tune, each with the values to try.
    pub tune: Vec<(String, Vec<String>)>,
    /// Whether it is tuned on the test days: a yardstick.
    pub hindsight: bool,
    /// Where it is written, for messages: file, line and field.
    pub place: String,
}

/// What is not counted at the begin of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarmUp {
    /// What MSER-5 cuts from the baseline's first training run.
    Auto,
    /// So much.
    Fixed(Span),
}

impl std::fmt::Display for Days {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.window)?;
        self.patch.iter().try_for_each(|(path, value)| write!(f, ", {path}: {value}"))
    }
}
