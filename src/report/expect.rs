//! Whether an expectation holds, and how surely.

use super::compare::{Comparison, Group};
use super::estimate::Estimate;
use super::metric::{self, Metric};
use crate::model::Expectation;
use crate::model::expectation::{Bound, Comparison as Relation, MetricOf};

/// What became of an expectation.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The expectation as it was written.
    pub text: String,
    /// The policy that it is about.
    pub policy: String,
    /// The variant that it is about; `None` for the base.
    pub variant: Option<String>,
    /// The metrics that it names.
    pub metrics: Vec<String>,
    /// How it came out.
    pub outcome: Outcome,
    /// The figures in words, or why it cannot be judged.
    pub because: String,
}

/// How an expectation came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// As expected.
    Holds(Certainty),
    /// Otherwise.
    Fails(Certainty),
    /// There are no figures for it.
    Unjudged,
}

/// How sure a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// The 95 % interval over seeds lies on one side of the bound.
    Interval,
    /// The interval reaches over the bound: only the mean lies on this side.
    Mean,
    /// There is one seed, so nobody knows.
    OneSeed,
}

/// Judges one expectation by the mean over seeds, and its certainty by the differences of pairs.
pub fn judge(comparison: &Comparison, expectation: &Expectation) -> Verdict {
    let judged = figures(comparison, expectation);
    let (outcome, because) = match judged {
        Ok(figures) => (outcome(expectation, &figures), figures.words(expectation)),
        Err(why) => (Outcome::Unjudged, why),
    };
    let MetricOf { policy, variant, metric } = expectation.left.clone();
    let right = match &expectation.right {
        Bound::Number(_) => None,
        Bound::Times(_, right) => Some(right.metric.clone()),
    };
    let metrics = std::iter::once(metric).chain(right).collect();
    Verdict { text: expectation.text.clone(), policy, variant, metrics, outcome, because }
}

/// What an expectation is judged by.
struct Figures {
    metric: &'static Metric,
    left: Estimate,
    right: f64,
    /// `left − right`, seed by seed.
    difference: Estimate,
}

fn figures(comparison: &Comparison, expectation: &Expectation) -> Result<Figures, String> {
    let (group, metric) = find(comparison, &expectation.left)?;
    let left = group.figure(metric).ok_or_else(|| undefined(&expectation.left))?;
    match &expectation.right {
        Bound::Number(bound) => {
            let values = comparison.values(group, metric).iter().map(|(_, value)| value - bound).collect::<Vec<_>>();
            let difference = Estimate::of(&values).ok_or_else(|| undefined(&expectation.left))?;
            Ok(Figures { metric, left, right: *bound, difference })
        }
        Bound::Times(factor, named) => {
            let (other, other_metric) = find(comparison, named)?;
            let right = other.figure(other_metric).ok_or_else(|| undefined(named))?;
            let difference = comparison
                .difference((group, metric), *factor, (other, other_metric))
                .ok_or_else(|| "the two have no seed in common".to_owned())?;
            Ok(Figures { metric, left, right: right.mean, difference })
        }
    }
}

fn outcome(expectation: &Expectation, figures: &Figures) -> Outcome {
    let certainty = match figures.difference.half_width {
        None => Certainty::OneSeed,
        Some(half) if half > 0.0 && !figures.difference.excludes_zero() => Certainty::Mean,
        Some(_) => Certainty::Interval,
    };
    if expectation.comparison.holds(figures.difference.mean, 0.0) {
        Outcome::Holds(certainty)
    } else {
        Outcome::Fails(certainty)
    }
}

impl Figures {
    /// `time over the SLO 0.20 ± 0.10 % (expected < 0.5 %)`, or
    /// `cost 28.4 $ against 34.6 $ of spread (0.82 ×, expected < 0.9 ×)`.
    fn words(&self, expectation: &Expectation) -> String {
        let relation = symbol(expectation.comparison);
        let unit = self.metric.unit;
        let left = format!("{} {}", self.metric.words(), unit.estimate(&self.left));
        match &expectation.right {
            Bound::Number(bound) => format!("{left} (expected {relation} {})", unit.bound(*bound)),
            Bound::Times(factor, other) => {
                let place = other.variant.as_ref().map(|variant| format!(" in {variant}")).unwrap_or_default();
                let metric = metric::find(&other.metric).unwrap_or(self.metric);
                let what = if metric.name == self.metric.name { "" } else { metric.words() };
                let right = format!("{} {what}", metric.unit.text(self.right));
                let ratio = self.left.mean / self.right;
                let judged = if ratio.is_finite() {
                    format!("{ratio:.2} ×, expected {relation} {factor} ×")
                } else {
                    format!("expected {relation} {factor} × that")
                };
                format!("{left} against {} of {}{place} ({judged})", right.trim_end(), other.policy)
            }
        }
    }
}

const fn symbol(relation: Relation) -> &'static str {
    match relation {
        Relation::Less => "<",
        Relation::LessOrEqual => "≤",
        Relation::Greater => ">",
        Relation::GreaterOrEqual => "≥",
    }
}

fn find<'a>(comparison: &'a Comparison, named: &MetricOf) -> Result<(&'a Group, &'static Metric), String> {
    let metric = metric::find(&named.metric)
        .ok_or_else(|| format!("no metric is called `{}`; there are {}", named.metric, metric::names()))?;
    let wanted: String = named.policy.split_whitespace().collect();
    let among = comparison.of_variant(named.variant.as_deref());
    let exact = among.iter().find(|group| group.policy == wanted);
    let group = exact.or_else(|| {
        let short =
            |group: &&&Group| group.policy.strip_prefix(&wanted).is_some_and(|rest| rest.starts_with([':', '+']));
        let mut short = among.iter().filter(short);
        short.next().filter(|_| short.next().is_none())
    });
    let place = named.variant.as_ref().map_or_else(|| "in the base".to_owned(), |variant| format!("in {variant}"));
    group.map(|group| (*group, metric)).ok_or_else(|| format!("`{wanted}` was not run {place}"))
}

fn undefined(named: &MetricOf) -> String {
    format!("{} of {} is undefined here", named.metric, named.policy)
}
