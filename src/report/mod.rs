//! Records → numbers → pages: a definition a metric, a file a format.
//!
//! ```text
//! runs ──► Comparison (groups, means, intervals, verdicts) ──► table | json | html
//! ```
//!
//! Everything that is said of a run comes from its record, so a simulated and a live run are reported alike; this is why
//! `report` is the one stage that may name a sibling, [`record`](crate::record), whose types are the file format.

pub mod answer;
pub mod bench;
pub mod caveat;
pub mod choice;
pub mod compare;
pub mod definitions;
pub mod divergence;
pub mod estimate;
pub mod expect;
mod figure_definitions;
pub mod html;
pub mod json;
pub mod markdown;
pub mod metric;
pub mod openmetrics;
pub mod rank;
pub mod sheet;
pub mod show;
pub mod table;
mod task_definitions;
#[cfg(test)]
mod tests;
pub mod tidy;
pub mod timeline;
pub mod told;
pub mod unit;
pub mod whatif;
pub mod why;

pub use compare::Comparison;
