//! What a scenario's author expects of the answer, as a comparison that can be checked.

/// `anytime.cost < 0.9 * spread.cost`, or `anytime.slo_violation_time < 0.5 %`.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// As it was written.
    pub text: String,
    /// What is judged.
    pub left: MetricOf,
    /// How.
    pub comparison: Comparison,
    /// Against what.
    pub right: Bound,
}

/// A metric of one policy's runs, as the mean over its seeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricOf {
    /// Label of the policy, as in the scenario's list of policies.
    pub policy: String,
    /// The variant; `None` for the base.
    pub variant: Option<String>,
    /// Name of the metric, as in `report::metric`.
    pub metric: String,
}

/// The comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// The right side: a number in the metric's base unit, or a multiple of another metric.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    /// A number; `0.5 %` is 0.005.
    Number(f64),
    /// `factor · metric`.
    Times(f64, MetricOf),
}

impl Comparison {
    /// Whether `left` compares so with `right`.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}
