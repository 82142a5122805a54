//! A condition as a tree: what `promql` reads and `resolve` gives a meaning.

use crate::units::Span;

/// A condition as it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree {
    /// A constant.
    Number(f64),
    /// A metric.
    Selector(Selector),
    /// A function or aggregation.
    Call {
        /// Its name.
        function: String,
        /// What it is given.
        arguments: Vec<Tree>,
        /// Where it stands, in letters from 1.
        at: usize,
    },
    /// Two operands.
    Binary {
        /// `or`, `and`, a comparison, or arithmetic.
        operator: &'static str,
        /// Left and right.
        operands: Box<[Tree; 2]>,
        /// Where the operator stands.
        at: usize,
    },
}

/// A metric with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// Its name.
    pub name: String,
    /// Labels that it must have.
    pub labels: Vec<(String, String)>,
    /// The range in brackets.
    pub range: Option<Span>,
    /// Where it stands.
    pub at: usize,
}
