//! The shapes of Prometheus' answers, and what is kept of them.

use crate::backend::live::outside::{CallError, Class};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use std::time::Duration;

/// One value of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The labels, the name of the metric (`__name__`) among them where the expression kept it.
    pub labels: BTreeMap<String, String>,
    /// When it was evaluated, since 1970, by the clock of Prometheus: how old it is, is reckoned from when it was asked for.
    pub at: Duration,
    /// The value; finite.
    pub value: f64,
}

/// The values of one series over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// Time since 1970 and value, in order of time; where there was no value there is no entry.
    pub points: Vec<(Duration, f64)>,
}

/// A group of rules, as it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RuleGroup {
    /// The name of the group.
    pub name: String,
    /// The file it comes from.
    #[serde(default)]
    pub file: String,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// A rule, as it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rule {
    /// The name of the alert or of the recorded series.
    pub name: String,
    /// The expression, as Prometheus writes it.
    pub query: String,
    /// `ok`, `err` or `unknown` (not evaluated yet).
    #[serde(default)]
    pub health: String,
    /// Why the last evaluation failed.
    #[serde(default, rename = "lastError")]
    pub last_error: String,
    /// `inactive`, `pending` or `firing`; nothing for a rule that records.
    #[serde(default)]
    pub state: Option<String>,
    /// Its labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Its annotations, as they are written, not as they are filled in.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

/// What every successful answer is wrapped in.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) data: T,
}

#[derive(Debug, Deserialize)]
pub(super) struct Groups {
    pub(super) groups: Vec<RuleGroup>,
}

/// The result of an expression.
#[derive(Debug, Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(super) enum Query {
    Vector(Vec<Instant>),
    Matrix(Vec<Range>),
    Scalar(Sample),
    String(IgnoredAny),
}

#[derive(Debug, Deserialize)]
pub(super) struct Instant {
    metric: BTreeMap<String, String>,
    /// Absent where the sample is a native histogram, which is no number.
    value: Option<Sample>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    metric: BTreeMap<String, String>,
    #[serde(default)]
    values: Vec<Sample>,
}

/// Seconds since 1970, and the value as text.
#[derive(Debug, Deserialize)]
pub(super) struct Sample(f64, String);

impl Query {
    /// The values of a vector or a scalar.
    pub(super) fn points(self, system: &'static str, what: &str) -> Result<Vec<Point>, CallError> {
        match self {
            Self::Vector(all) => all
                .into_iter()
                .filter_map(|one| Some((one.metric, one.value?)))
                .filter_map(|(labels, sample)| sample.read(system, what).transpose().map(|read| (labels, read)))
                .map(|(labels, read)| read.map(|(at, value)| Point { labels, at, value }))
                .collect(),
            Self::Scalar(sample) => {
                let read = sample.read(system, what)?;
                Ok(read.map(|(at, value)| Point { labels: BTreeMap::new(), at, value }).into_iter().collect())
            }
            Self::Matrix(_) => {
                Err(wrong_kind(system, what, "a range vector; wanted an instant vector, like `rate(x[1m])`"))
            }
            Self::String(_) => Err(wrong_kind(system, what, "a string; wanted an instant vector")),
        }
    }

    /// The values of a matrix.
    pub(super) fn series(self, system: &'static str, what: &str) -> Result<Vec<Series>, CallError> {
        let Self::Matrix(all) = self else {
            return Err(wrong_kind(system, what, "something else than values over time"));
        };
        let series = all.into_iter().map(|one| {
            let points = one.values.iter().filter_map(|sample| sample.read(system, what).transpose());
            Ok(Series { points: points.collect::<Result<_, _>>()?, labels: one.metric })
        });
        series.collect()
    }
}

impl Sample {
    /// When, and how much; nothing where it is no number that can be counted with.
    fn read(&self, system: &'static str, what: &str) -> Result<Option<(Duration, f64)>, CallError> {
        let garbage = || {
            let reason = format!("the answer holds `{} {}`, which is no time with a value", self.0, self.1);
            CallError::new(system, what, Class::Permanent, reason)
        };
        let at = Duration::try_from_secs_f64(self.0).map_err(|_| garbage())?;
        let value: f64 = self.1.parse().map_err(|_| garbage())?;
        Ok(value.is_finite().then(|| (whole_millis(at), value)))
    }
}

/// Prometheus keeps milliseconds; the float that carries them is not exact.
fn whole_millis(at: Duration) -> Duration {
    let rounded = at + Duration::from_micros(500);
    Duration::new(rounded.as_secs(), rounded.subsec_millis() * 1_000_000)
}

fn wrong_kind(system: &'static str, what: &str, kind: &str) -> CallError {
    CallError::new(system, what, Class::Permanent, format!("the expression gives {kind}"))
}
