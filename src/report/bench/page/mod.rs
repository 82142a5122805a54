//! The page of a suite: the verdict first, each sentence with a link to the row behind it, then the ranking, the pictures, each
//! scenario for itself, regret, knobs, how the figures came about and how to get them again.
//!
//! One file that asks for nothing, in the house style of all pages. The same results give the same bytes.

pub mod behind;
pub mod first;
pub mod picture;
pub mod regrets;
pub mod scenario;

use super::analysis::Analysis;
use super::verdict::Sentence;
use crate::report::html::{background, document};

/// The page as HTML.
pub fn page(analysis: &Analysis<'_>, sentences: &[Sentence]) -> String {
    let mut html = first::screen(analysis, sentences);
    for scenario in analysis.grid.scenarios() {
        html += &scenario::section(analysis, scenario);
    }
    html += &regrets::regret(analysis);
    html += &regrets::knobs(analysis);
    html += &behind::method(analysis);
    html += &background::all_definitions();
    html += &behind::again(analysis);
    document(&analysis.grid.results.suite.name, &html)
}
