//! Runs side by side: means and 95 % intervals over seeds, what is best, and what became of the expectations.

use crate::model::Expectation;
use crate::record::RunRecord;

/// All runs of one scenario.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The runs, as they were given.
    pub runs: Vec<RunRecord>,
}

impl Comparison {
    /// Groups the runs of one scenario by (variant, policy) in the order in which these first appear, and judges the
    /// expectations.
    ///
    /// # Panics
    /// Without any run.
    pub fn new(runs: Vec<RunRecord>, expect: &[Expectation]) -> Self {
        let _ = expect;
        Self { runs }
    }

    /// The answer to the scenario's question in one or two sentences.
    pub fn answer(&self) -> String {
        unimplemented!()
    }
}
