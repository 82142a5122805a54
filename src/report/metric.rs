//! What every figure means: name, unit, direction, formula and source. Tables, pages and expectations take it from here.

pub use super::definitions::METRICS;
use super::unit::Unit;
use crate::model::Expectation;
use crate::model::expectation::Bound;
use crate::record::Summary;

/// A figure of a run.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// As expectations and JSON name it.
    pub name: &'static str,
    /// As tables head it.
    pub title: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// Which direction is good.
    pub better: Better,
    /// Whether it stands in tables; the definitions list all.
    pub tabled: bool,
    /// What it is, as a formula or a sentence.
    pub formula: &'static str,
    /// Who defines it so.
    pub source: &'static str,
    /// The figure in base units (share 0..1, ms, $, kWh, kg, h); `None` where it is undefined.
    pub get: fn(&Summary) -> Option<f64>,
}

/// Which direction of a metric is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Less is better.
    Lower,
    /// More is better.
    Higher,
    /// Neither is.
    Neither,
}

/// An expectation cannot be judged, whatever comes out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{expectation}`: no metric is called `{given}`; there are {}", names())]
pub struct UnknownMetric {
    /// The expectation.
    pub expectation: String,
    /// The name that was given.
    pub given: String,
}

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Whether all metrics that the expectations name exist; for the command line to ask before anything is run.
///
/// # Errors
/// The first that does not.
pub fn check(expect: &[Expectation]) -> Result<(), UnknownMetric> {
    for expectation in expect {
        let right = match &expectation.right {
            Bound::Number(_) => None,
            Bound::Times(_, right) => Some(right),
        };
        let mut named = std::iter::once(&expectation.left).chain(right);
        if let Some(unknown) = named.find(|named| find(&named.metric).is_none()) {
            return Err(UnknownMetric { expectation: expectation.text.clone(), given: unknown.metric.clone() });
        }
    }
    Ok(())
}

/// All names, for messages.
pub fn names() -> String {
    METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ")
}

impl Metric {
    /// The figure of a run; nothing where it is undefined, or nobody measured it.
    pub fn of(&self, run: &Summary) -> Option<f64> {
        (self.get)(run).filter(|value| value.is_finite())
    }

    /// What it is called in a sentence.
    pub fn words(&self) -> &'static str {
        match self.name {
            "slo_violation_time" => "time over the SLO",
            "slo_violation_requests" => "requests over the SLO",
            "latency_p50" => "median latency",
            "latency_p95" => "p95 latency",
            "latency_p99" => "p99 latency",
            "cost_per_million_good" => "cost per million good requests",
            "task_wait_p95" => "p95 wait of tasks",
            "task_wait_mean" => "mean wait of tasks",
            "tasks_waiting" => "tasks left waiting",
            "replica_changes" => "replica changes",
            "requests_dropped" => "dropped requests",
            _ => self.title,
        }
    }

    /// The head of its column in two parts: the title, and the unit with an arrow that points to the good side.
    pub fn head(&self) -> (&'static str, String) {
        let arrow = match self.better {
            Better::Lower => "↓",
            Better::Higher => "↑",
            Better::Neither => "",
        };
        (self.title, format!("{} {arrow}", self.unit.symbol()).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{METRICS, find};

    #[test]
    fn names_are_unique_and_every_metric_says_what_it_is() {
        for metric in METRICS {
            assert_eq!(METRICS.iter().filter(|other| other.name == metric.name).count(), 1, "{}", metric.name);
            assert!(!metric.formula.is_empty() && !metric.source.is_empty() && !metric.title.is_empty());
        }
        assert!(find("cost").is_some() && find("price").is_none());
    }
}
