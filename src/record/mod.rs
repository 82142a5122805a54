//! What happened, in order: all that reports read, the same from every backend.
//!
//! ```text
//! runs/SCENARIO/POLICY-SEED/
//!   manifest.json     what was run, and sha256 of what came out
//!   decisions.jsonl   one line a decision or event
//!   series.parquet    services, placements and clusters over time
//!   summary.json      the figures
//!   explanations.jsonl  why the decisions that mattered were as they were, a line each
//!   timing.json       the wall clock; the only file that differs from run to run
//! ```
//!
//! A [`Writer`] writes aside and renames at the end, so that a run is either there and whole or not there at all.

pub mod aside;
pub mod compare;
pub mod counts;
pub mod decisions;
pub mod explained;
pub mod history;
pub mod journal;
pub mod line;
pub mod manifest;
pub mod read;
pub mod series;
pub mod summary;
#[cfg(test)]
pub mod synthetic;
pub mod tally;
#[cfg(test)]
mod tests;
pub mod writer;

pub use compare::{Comparison, compare};
pub use journal::Journal;
pub use line::Series;
pub use manifest::{InputFile, Manifest, ManifestHeader, Timing};
pub use read::{RecordError, RunRecord, read};
pub use summary::Summary;
pub use tally::Tally;
pub use writer::Writer;

use crate::model::check::Violation;
use crate::model::observation::Action;
use crate::model::rails::Held;
use crate::model::{Observation, Plan, Snapshot};

/// What was run.
pub const MANIFEST: &str = "manifest.json";
/// What was decided and what happened.
pub const DECISIONS: &str = "decisions.jsonl";
/// Why some of it was decided.
pub const EXPLANATIONS: &str = "explanations.jsonl";
/// How it went over time.
pub const SERIES: &str = "series.parquet";
/// The figures.
pub const SUMMARY: &str = "summary.json";
/// The wall clock.
pub const TIMING: &str = "timing.json";

/// What a decision was, for the record.
#[derive(Debug, Clone, Copy)]
pub struct Decision<'a> {
    /// What was seen.
    pub snapshot: &'a Snapshot,
    /// What of the policy's plan was applied.
    pub plan: &'a Plan,
    /// What the checker found.
    pub violations: &'a [Violation],
    /// What the rails held back.
    pub held: &'a [Held],
    /// What was started.
    pub actions: &'a [Action],
}

/// Where a run writes down what happened, in order.
pub trait Record {
    /// A decision was made.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn decision(&mut self, decision: Decision<'_>) -> std::io::Result<()>;

    /// Something else happened: finished actions, events, samples.
    ///
    /// # Errors
    /// Where it cannot be written.
    fn happened(&mut self, observation: &Observation) -> std::io::Result<()>;
}

/// Writes nothing: for benches and for futures of which only the totals count.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unrecorded;

impl Record for Unrecorded {
    fn decision(&mut self, _: Decision<'_>) -> std::io::Result<()> {
        Ok(())
    }

    fn happened(&mut self, _: &Observation) -> std::io::Result<()> {
        Ok(())
    }
}
