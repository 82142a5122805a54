//! What a suite leaves: every contestant in every scenario, its knobs and how they were chosen, and the summary of each run.
//!
//! The unit is the [`Cell`]: one contestant in one scenario. A cell is a pure function of the suite's file, so cells may be
//! made anywhere and in any order, and a set of cells in the order of the suite is the whole result.

use crate::record::Summary;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `results.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The suite.
    pub suite: SuiteHead,
    /// Scenario by scenario in the order of the suite, in each contestant by contestant.
    pub cells: Vec<Cell>,
}

/// What the suite's file says, with defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SuiteHead {
    /// The stem of the file.
    pub name: String,
    /// The question that it answers.
    pub question: String,
    /// The scenarios.
    pub scenarios: Vec<ScenarioHead>,
    /// The names of the contestants, in order.
    pub contestants: Vec<String>,
    /// The contestant that all others are compared with.
    pub baseline: String,
    /// What a million of bad requests (slow, dropped, failed) costs besides the bill, in dollars: the other half of
    /// [`SuiteHead::loss`].
    pub bad_million_usd: f64,
    /// Runs of tuning that each contestant may spend in a scenario.
    pub tuning_runs: u32,
    /// The fewest and the most seeds of a cell.
    pub seeds: (u32, u32),
    /// Half of the 95 % interval of the loss over its mean, below which no more seeds are added.
    pub precision: f64,
    /// sha256 of the suite and of every file that its scenarios read, by the path as it is written.
    pub inputs: BTreeMap<String, String>,
    /// Version and features of the program; not its commit, so that a commit that changes no result changes no byte.
    pub program: String,
}

/// A scenario of a suite.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScenarioHead {
    /// Its name.
    pub name: String,
    /// Its question.
    pub question: String,
    /// The days that knobs are tuned on, in words.
    pub train: String,
    /// The days that are reported, in words.
    pub test: String,
    /// What is cut from the begin of each test run before anything is counted, in seconds (MSER-5 of the baseline's first
    /// training run, or as the suite says).
    pub warm_up_s: f64,
    /// How the warm-up was found, in words.
    pub warm_up_by: String,
    /// How long a test run is after the warm-up, in seconds.
    pub span_s: f64,
}

/// One contestant in one scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the contestant.
    pub contestant: String,
    /// The policy as it ran on the test days, knobs included: `spread+hpa:target=60%`.
    pub policy: String,
    /// The trials of the tuning in order; empty where there is nothing to tune.
    pub tuning: Vec<Trial>,
    /// The runs on the test days, by rising seed: the reported ones.
    pub runs: Vec<Outcome>,
    /// Why there are no more runs.
    pub stopped: Stopped,
    /// Whether a static policy was tuned on the test days themselves: what cannot be known beforehand, and so a yardstick for
    /// the others instead of a contestant.
    #[serde(default)]
    pub hindsight: bool,
}

/// A setting of the knobs that was tried on the training days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The knobs.
    pub knobs: BTreeMap<String, String>,
    /// Its runs on the training days, by rising seed.
    pub runs: Vec<Outcome>,
    /// Mean loss over them, in dollars; absent where a run failed.
    pub loss_usd: Option<f64>,
    /// Whether it was the best.
    pub chosen: bool,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Its key: sha256 of everything that it is a function of.
    pub key: String,
    /// The figures, or why there are none.
    pub result: Result<Summary, String>,
    /// What no policy can get below in this scenario with this seed, where it was computed.
    pub bound: Option<Bounds>,
}

/// Lower bounds on the loss of any policy, in dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Each service for itself, with full knowledge of the load.
    pub services_usd: f64,
    /// With the rooms that services share (Lagrangian); at least `services_usd`.
    pub coupled_usd: f64,
}

/// Why a cell has the runs that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// The interval is narrow enough.
    Precise,
    /// The most seeds have been run, and the interval is still wider.
    Budget,
    /// All seeds gave the same: more tell nothing.
    Certain,
    /// A run failed.
    Failed,
}

impl SuiteHead {
    /// `cost + bad_million_usd · (offered − good) / 10⁶`: one figure for bill and broken promises, in dollars.
    pub fn loss(&self, summary: &Summary) -> f64 {
        let bad = (summary.requests_offered - summary.requests_good).max(0.0);
        self.bad_million_usd.mul_add(bad / 1e6, summary.cost_usd)
    }
}
