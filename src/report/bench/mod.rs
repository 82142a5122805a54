//! Policies against each other over a suite of scenarios: from the results of all runs to what may be said of them.
//!
//! [`results`] is what a suite leaves; all else here is computed from it and from nothing else, so that a page can be made
//! again from what lies on the disk, and shards that were joined read like one process.
//!
//! ```text
//! Results ──► Grid (by place, gaps) ──► Family, Overall, Front, Regret, Knob ──► verdict ──► HTML | Markdown | LaTeX | text
//!         └─► gate (against stored Results)                                   └─► CSV | Parquet, one row a run
//! ```

#![expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "a grid stands for the results that it refers to, and is passed as they would be"
)]

pub mod analysis;
pub mod family;
pub mod front;
pub mod gate;
pub mod gate_text;
pub mod grid;
pub mod measure;
pub mod mser;
pub mod overall;
pub mod page;
pub mod regret;
pub mod results;
pub mod rows;
pub mod sensitivity;
pub mod statistics;
#[cfg(test)]
pub mod synthetic;
#[cfg(test)]
mod tests;
pub mod text;
pub mod verdict;
pub mod written;

use analysis::Analysis;
use results::Results;

/// A suite in all formats. No wall-clock time in any: the same results give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// `report.html`: one file that asks for nothing.
    pub html: String,
    /// `report.md`: for a pull request; links lead to `report.html` beside it.
    pub markdown: String,
    /// `table.tex`.
    pub latex: String,
    /// `runs.csv`: one row a run.
    pub csv: String,
    /// `runs.parquet`: the same.
    pub parquet: Vec<u8>,
    /// For the terminal, at most 100 columns wide.
    pub table: String,
}

/// Makes all formats.
pub fn render(results: &Results) -> Rendered {
    let analysis = Analysis::of(results);
    let sentences = verdict::verdict(&analysis);
    Rendered {
        html: page::page(&analysis, &sentences),
        markdown: text::markdown(&analysis, &sentences),
        latex: text::latex(&analysis),
        csv: rows::csv(results),
        parquet: rows::parquet(results),
        table: text::table(&analysis, &sentences),
    }
}
