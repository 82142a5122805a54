//! What contestants are compared by: the loss and the share of bad requests, as the suite defines them, and every metric.

use super::results::SuiteHead;
use crate::record::Summary;
use crate::report::metric::{self, Better, METRICS, Metric};
use crate::report::unit::Unit;

/// A figure of a run of a suite.
#[derive(Debug, Clone, Copy)]
pub enum Measure {
    /// [`SuiteHead::loss`]: bill and broken promises in one figure.
    Loss,
    /// `(offered − good) / offered`: slow, dropped and failed requests.
    Bad,
    /// A metric of the record.
    Of(&'static Metric),
}

impl Measure {
    /// All, the loss first.
    pub fn all() -> Vec<Self> {
        [Self::Loss, Self::Bad].into_iter().chain(METRICS.iter().map(Self::Of)).collect()
    }

    /// The measure of that name.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "loss" => Some(Self::Loss),
            "bad_requests" => Some(Self::Bad),
            other => metric::find(other).map(Self::Of),
        }
    }

    /// All names, for messages.
    pub fn names() -> String {
        Self::all().iter().map(|measure| measure.name()).collect::<Vec<_>>().join(", ")
    }

    /// As files and columns name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Bad => "bad_requests",
            Self::Of(metric) => metric.name,
        }
    }

    /// As tables head it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Bad => "bad requests",
            Self::Of(metric) => metric.title,
        }
    }

    /// As a sentence says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Of(metric) => metric.words(),
            other => other.title(),
        }
    }

    /// Its unit.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Loss => Unit::Dollars,
            Self::Bad => Unit::Share,
            Self::Of(metric) => metric.unit,
        }
    }

    /// Which direction is good.
    pub const fn better(self) -> Better {
        match self {
            Self::Of(metric) => metric.better,
            Self::Loss | Self::Bad => Better::Lower,
        }
    }

    /// The figure in base units; `None` where it is undefined or no number.
    pub fn value(self, suite: &SuiteHead, summary: &Summary) -> Option<f64> {
        let value = match self {
            Self::Loss => Some(suite.loss(summary)),
            Self::Bad => {
                let (offered, good) = (summary.requests_offered, summary.requests_good);
                (offered > 0.0).then(|| ((offered - good) / offered).max(0.0))
            }
            Self::Of(metric) => metric.of(summary),
        };
        value.filter(|value| value.is_finite())
    }

    /// Whether it is a whole number of few, in which equal differences may be chance.
    pub fn counts(self) -> bool {
        self.unit() == Unit::Count
    }

    /// The head of its column in two parts: the title, and the unit with an arrow that points to the good side.
    pub fn head(self) -> (&'static str, String) {
        match self {
            Self::Of(metric) => metric.head(),
            other => (other.title(), format!("{} ↓", other.unit().symbol())),
        }
    }
}
