//! What `smo simulate` prints: the answer, then the table.

use super::Comparison;
use std::path::Path;

/// Where and how the table is shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether the best is marked by bold type; by `*` otherwise.
    pub bold: bool,
    /// Wall-clock time of all runs together, in seconds, where it is to be told.
    pub wall_s: Option<f64>,
    /// Where the page lies.
    pub report: Option<&'a Path>,
}

impl Shown<'_> {
    /// As standard output is: its width and bold type on a terminal without `NO_COLOR`, 120 columns and `*` otherwise.
    pub fn on_stdout() -> Self {
        unimplemented!()
    }
}

/// The text, with a line feed at its end.
pub fn render(comparison: &Comparison, shown: &Shown<'_>) -> String {
    let _ = (comparison, shown);
    unimplemented!()
}
