//! What a fit answers: a capacity with its interval and where it comes from, or a refusal with what would help.
//!
//! Everything here serialises, so that YAML, JSON and pages show the same. Only [`Details`] is for charts alone.

use super::ceiling::Ceiling;
use super::demand::Demand;
use super::drift::DriftVerdict;
use super::estimate::Estimate;
use super::latency::LatencyFit;
use super::shape::ShapeReport;
use super::validate::Validation;
use crate::model::capacity::Capacity;
use crate::units::Time;
use serde::Serialize;

/// What the answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentifiedBy {
    /// Throughput was seen where it could rise no further.
    Saturation,
    /// CPU per request, under a ceiling that is known or was seen.
    Cpu,
    /// The way latency rises with load.
    Latency,
    /// CPU per request, under a ceiling that was assumed.
    Assumed,
}

impl IdentifiedBy {
    /// The word that is written: `saturation`, `cpu`, `latency` or `assumed`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Saturation => "saturation",
            Self::Cpu => "cpu",
            Self::Latency => "latency",
            Self::Assumed => "assumed",
        }
    }
}

/// Whose data the answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The service on this class.
    Class,
    /// The service on all classes, because this class alone did not suffice.
    Service,
    /// The service, under a ceiling that the fleet's other services showed.
    Fleet,
}

/// One coefficient of the capacity model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coefficient {
    /// `alpha` and `beta`, or `gamma`, `sigma` and `kappa`.
    pub name: &'static str,
    /// Its value and interval.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// The capacity of a count of replicas that was observed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LevelCapacity {
    /// Ready replicas.
    pub replicas: u32,
    /// Samples at this count.
    pub points: usize,
    /// Requests per second.
    #[serde(flatten)]
    pub estimate: Estimate,
}

/// An estimate of the capacity of one replica by one of the ways that identify it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// The way.
    pub by: IdentifiedBy,
    /// Requests per second of one replica.
    #[serde(flatten)]
    pub per_replica: Estimate,
    /// Its share of the answer; 0 for one that was only compared.
    pub weight: f64,
}

/// How many samples were read, used and left out, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Points {
    /// Samples that were read.
    pub read: usize,
    /// Buckets that they make.
    pub buckets: usize,
    /// Buckets that the fit used.
    pub used: usize,
    /// Of these, taken at saturation.
    pub saturated: usize,
    /// Left out, by reason, in a fixed order; reasons with none are absent.
    pub left_out: Vec<LeftOut>,
}

/// Samples or buckets that were left out for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Why.
    pub reason: &'static str,
    /// How many.
    pub count: usize,
}

/// Something that a reader should know before trusting the numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    /// A stable word, for filters and tests: `low_r_squared`, `candidates_disagree`, `ceiling_assumed` ...
    pub code: &'static str,
    /// The sentence.
    pub message: String,
}

/// A capacity model that was fitted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fitted {
    /// What the answer rests on.
    pub identified_by: IdentifiedBy,
    /// The central model, for simulation.
    pub capacity: Capacity,
    /// The model at the lower quantile of the options, for planning.
    pub capacity_low: Capacity,
    /// Coefficients with their intervals.
    pub coefficients: Vec<Coefficient>,
    /// Requests per second of one replica at the counts that were observed.
    pub per_replica: Estimate,
    /// Capacity at each observed count of replicas.
    pub levels: Vec<LevelCapacity>,
    /// Whose data it comes from.
    pub scope: Scope,
    /// Version label of the samples, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// First and last sample that was used.
    pub span: (Time, Time),
    /// Every way that identified it, compared.
    pub candidates: Vec<Candidate>,
    /// CPU per request and per idle replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub demand: Option<Demand>,
    /// The usable share of the CPU limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Ceiling>,
    /// The latency model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyFit>,
    /// The comparison of shapes, where more than one could be told apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<ShapeReport>,
    /// Share of the variance that is explained: of capacities by the model, or of CPU by the demand.
    pub r_squared: f64,
    /// Prediction of the last part of the samples from the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
    /// Whether the service changed while it was observed.
    pub drift: DriftVerdict,
}

/// Why there is no number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Refusal {
    /// A stable word: `too_few_points`, `not_identified`, `mixed_units`, `scaled_to_zero` ...
    pub code: &'static str,
    /// What is wrong.
    pub reason: String,
    /// Data that would identify the capacity, most helpful first.
    pub would_help: Vec<String>,
}

/// A fit or a refusal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A model.
    Fitted(Box<Fitted>),
    /// None, and why.
    Refused(Refusal),
}

/// The answer for one service on one cluster class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FittedGroup {
    /// Name of the service.
    pub service: String,
    /// Class of clusters.
    pub class: String,
    /// The answer.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Samples read, used and left out.
    pub points: Points,
    /// What a reader should know.
    pub notes: Vec<Note>,
    /// What charts show, where the options ask for it.
    #[serde(skip)]
    pub details: Option<Details>,
}

impl FittedGroup {
    /// The model, where there is one.
    pub fn fitted(&self) -> Option<&Fitted> {
        match &self.outcome {
            Outcome::Fitted(fitted) => Some(fitted),
            Outcome::Refused(_) => None,
        }
    }

    /// The refusal, where there is one.
    pub const fn refused(&self) -> Option<&Refusal> {
        match &self.outcome {
            Outcome::Fitted(_) => None,
            Outcome::Refused(refusal) => Some(refusal),
        }
    }

    /// Whether a note with this code was made.
    pub fn has_note(&self, code: &str) -> bool {
        self.notes.iter().any(|note| note.code == code)
    }
}

/// One bucket as the fit saw it, for charts. Missing values are NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Start of the bucket.
    pub at: Time,
    /// Ready replicas.
    pub replicas: f64,
    /// Requests per second answered (or offered, where only that was observed).
    pub rate: f64,
    /// CPU of all replicas, in cores.
    pub cpu: f64,
    /// CPU that the demand predicts, in cores.
    pub cpu_predicted: f64,
    /// Latency that was fitted, in seconds.
    pub latency: f64,
    /// Latency that the model predicts, in seconds.
    pub latency_predicted: f64,
    /// Whether it was used, and if so as saturated.
    pub standing: Standing,
}

/// What became of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Used.
    Used,
    /// Used, and taken at saturation.
    Saturated,
    /// Left out: replicas had just changed or restarted.
    Settling,
    /// Left out: too many requests failed.
    Failing,
    /// Left out: no replica was ready.
    NoReplica,
    /// Left out: a value that is needed is missing.
    Incomplete,
    /// Left out: an earlier version or before a change.
    Earlier,
}

/// What charts show.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Details {
    /// Every bucket, in order of time.
    pub points: Vec<Point>,
    /// The path of the drift statistic: time, upper sum, lower sum; the alarm is at [`super::drift::ALARM`].
    pub drift: Vec<(Time, f64, f64)>,
}
