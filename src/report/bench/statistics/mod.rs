//! The statistics of a suite, one file each with its formula and its source; nothing here knows what a policy is.

pub mod bootstrap;
pub mod difference;
pub mod holm;
pub mod hypervolume;
pub mod pareto;
pub mod signed_rank;
pub mod skewness;
pub mod student;

pub use difference::{Difference, Test};

/// What may be wrong of 100 intervals, and of 100 families of findings: 5.
pub const LEVEL: f64 = 0.05;

/// An interval, both ends included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// Whether the value lies in it.
    pub fn holds(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    /// Whether the two share a value.
    pub fn overlaps(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }

    /// Both ends by a function that rises.
    #[must_use]
    pub fn map(self, rising: impl Fn(f64) -> f64) -> Self {
        Self { low: rising(self.low), high: rising(self.high) }
    }
}
