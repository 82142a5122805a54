//! What a run was: everything that is needed to run it again, and the hashes that say whether it came out the same.
//!
//! A run is a pure function of its manifest. Wall-clock figures are not part of it; they lie in `timing.json`, so that
//! two runs of one manifest differ in that file alone.

use crate::units::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the caller knows about a run: how it was asked for and what became of the question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManifestHeader {
    /// The scenario file as it was named on the command line.
    pub scenario_path: String,
    /// The scenario's name: the stem of its file.
    pub scenario: String,
    /// The question that the scenario asks; may be empty.
    pub question: String,
    /// The variant; `None` for the base.
    pub variant: Option<String>,
    /// Overrides by `--set`, in order: path and value.
    pub set: Vec<(String, String)>,
    /// An end given by `--until`.
    pub until: Option<Span>,
    /// The policy as it was written: its label in tables.
    pub policy: String,
    /// The halves of the policy and all their parameters, defaults included.
    pub parameters: BTreeMap<String, BTreeMap<String, String>>,
    /// The seed.
    pub seed: u64,
    /// Every file that was read.
    pub inputs: Vec<InputFile>,
    /// The scenario with its defaults filled in and the variant and overrides applied.
    pub resolved: serde_json::Value,
    /// What was assumed or is unusual, in words.
    pub notes: Vec<String>,
    /// Where and when, of a run in the real world; it cannot be run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<LiveHeader>,
}

/// A run in the real world.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveHeader {
    /// `live` (it acted) or `shadow` (it watched).
    pub mode: String,
    /// The file of the connection as it was named on the command line.
    pub connection: String,
    /// When it started, in seconds since 1970.
    pub started_at_s: f64,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InputFile {
    /// As it is written in, or next to, the scenario.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash, in lower-case hexadecimal digits.
    pub sha256: String,
}

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// How the run was asked for.
    #[serde(flatten)]
    pub header: ManifestHeader,
    /// The program that ran it.
    pub program: Program,
    /// sha256 of the files of the record, by name.
    pub records: BTreeMap<String, String>,
}

/// The program that made a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Version of `smo`.
    pub version: String,
    /// Commit that it was built from; `unknown` where the build was not told (`SMO_COMMIT`).
    pub commit: String,
    /// Cargo features that it was built with.
    pub features: Vec<String>,
}

impl Program {
    /// This program.
    pub fn this() -> Self {
        let features = [("live", cfg!(feature = "live")), ("milp", cfg!(feature = "milp"))];
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("SMO_COMMIT").unwrap_or("unknown").to_owned(),
            features: features.iter().filter(|(_, on)| *on).map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

/// `timing.json`: what the wall clock said. Never compared.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// The whole run, in seconds.
    pub wall_s: f64,
    /// Time in the policy over all decisions, in seconds.
    pub decide_total_s: Option<f64>,
    /// Median of a decision, in milliseconds.
    pub decide_p50_ms: Option<f64>,
    /// 99th percentile of a decision, in milliseconds.
    pub decide_p99_ms: Option<f64>,
}
