//! The page: one self-contained HTML file that answers the question first.

use super::Comparison;
use crate::record::RecordError;

/// What a page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// One a scenario.
    pub comparisons: &'a [Comparison],
    /// The command that made the runs, as it was typed.
    pub command: &'a str,
    /// What the simulation leaves out, one sentence each.
    pub not_modelled: &'a [&'a str],
}

/// The page as HTML.
///
/// # Errors
/// Where the series or the decisions of a run cannot be read.
pub fn page(page: &Page<'_>) -> Result<String, RecordError> {
    let _ = page;
    unimplemented!()
}
