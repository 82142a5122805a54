//! Threshold: two rates, two numbers of replicas, as the original's threshold scaler has it.
//!
//! Above the upper rate the replicas jump to one number, below the lower rate to another, in between nothing happens; both
//! comparisons are strict. After a change nothing is looked at until the cooldown is over. Sighting faults are kept: no steps
//! in between, and nobody checks that the lower rate is below the upper one.
//!
//! [`step`] is one iteration of the original, judged by recorded vectors. The policy runs it for each service on the rate
//! that the service sees. Not kept: a rate that is not seen any more leaves the replicas as they are, and says so.

use super::each::held;
use super::knobs;
use super::wish::{Sighting, Wishes, bounded};
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{Service, ServiceId, Snapshot, Table, Wanted, Why};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;
use crate::units::{Rate, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "threshold",
    summary: "jump to one number above a rate, to another below a rate: the original's threshold scaler",
    about: "r = up_replicas where rate > up, down_replicas where rate < down, both strict; nothing for `cooldown` after \
        a change. Source: the threshold scaler of the Synergetic Meta-Orchestrator.",
    parameters: &[
        Parameter { name: "up", default: "20 /s", summary: "rate above which replicas jump up" },
        Parameter { name: "down", default: "5 /s", summary: "rate below which replicas jump down" },
        Parameter {
            name: "up_replicas",
            default: "max",
            summary: "replicas above; `max`: all that the service allows",
        },
        Parameter {
            name: "down_replicas",
            default: "min",
            summary: "replicas below; `min`: what the service allows, at least 1",
        },
        Parameter { name: "cooldown", default: "60 s", summary: "time after a change in which nothing is done" },
        knobs::STALE,
    ],
    partner: "naive",
    build: |parameters| Ok(Box::new(Threshold::read(parameters)?)),
};

/// What one iteration compares with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Requests per second.
    pub up: f64,
    /// Requests per second.
    pub down: f64,
    /// Replicas above `up`.
    pub up_replicas: u32,
    /// Replicas below `down`.
    pub down_replicas: u32,
}

/// What one iteration comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// To so many replicas, because of this rate.
    Up(u32, f64),
    /// To so many replicas, because of this rate.
    Down(u32, f64),
    /// Nothing to do.
    Within,
    /// No rate is known.
    Unknown,
}

/// One iteration: what to do with `current` replicas at `rate` requests per second.
pub fn step(rate: Option<f64>, current: u32, thresholds: &Thresholds) -> Step {
    match rate {
        None => Step::Unknown,
        Some(rate) if rate > thresholds.up && current < thresholds.up_replicas => {
            Step::Up(thresholds.up_replicas, rate)
        }
        Some(rate) if rate < thresholds.down && current > thresholds.down_replicas => {
            Step::Down(thresholds.down_replicas, rate)
        }
        Some(_) => Step::Within,
    }
}

impl Step {
    /// The original's sentence.
    pub fn reason(&self, thresholds: &Thresholds) -> String {
        match self {
            Self::Up(_, rate) => {
                format!("Request rate {rate:.2} RPS exceeded scale-up threshold of {:.2} RPS.", thresholds.up)
            }
            Self::Down(_, rate) => {
                format!("Request rate {rate:.2} RPS is below scale-down threshold of {:.2} RPS.", thresholds.down)
            }
            Self::Within => "Request rate is within thresholds or deployment is already at target replicas.".to_owned(),
            Self::Unknown => "Could not retrieve metrics from Prometheus.".to_owned(),
        }
    }
}

/// Two thresholds for all services.
#[derive(Debug, Clone)]
pub struct Threshold {
    up: Rate,
    down: Rate,
    up_replicas: Option<u32>,
    down_replicas: Option<u32>,
    cooldown: Span,
    stale: Span,
    wishes: Wishes,
    changed_at: Table<ServiceId, Option<Time>>,
}

impl Threshold {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        Ok(Self {
            up: parameters.rate("up")?,
            down: parameters.rate("down")?,
            up_replicas: number_or(parameters, "up_replicas", "max")?,
            down_replicas: number_or(parameters, "down_replicas", "min")?,
            cooldown: parameters.span("cooldown")?,
            stale: parameters.span("stale")?,
            wishes: Wishes::default(),
            changed_at: Table::new(),
        })
    }

    fn thresholds(&self, service: &Service) -> Thresholds {
        Thresholds {
            up: self.up.per_second(),
            down: self.down.per_second(),
            up_replicas: bounded(service, self.up_replicas.unwrap_or(u32::MAX)),
            down_replicas: bounded(service, self.down_replicas.unwrap_or(1)),
        }
    }

    fn decide(&mut self, snapshot: &Snapshot, service: ServiceId) -> (u32, Why) {
        let current = self.wishes.last(snapshot, service);
        let now = snapshot.at;
        if let Some(at) = self.changed_at[service].filter(|at| now.since(*at) < self.cooldown) {
            let left = self.cooldown.saturating_sub(now.since(at)).as_seconds_f64();
            return (current, Why::new("cooling down after a change", &[("left_s", left)]));
        }
        let rate = match Sighting::of(snapshot.services[service].rate, now, self.stale) {
            Sighting::Fresh(rate) => rate.per_second(),
            Sighting::Old(age) => return (current, held("hold: the rate that was seen is too old", age)),
            Sighting::Missing(age) => return (current, held("hold: no rate is seen", age)),
        };
        let thresholds = self.thresholds(snapshot.service(service));
        let figures = [("rate_per_s", rate), ("up_per_s", thresholds.up), ("down_per_s", thresholds.down)];
        let (replicas, rule) = match step(Some(rate), current, &thresholds) {
            Step::Up(replicas, _) => (replicas, "rate above the upper threshold"),
            Step::Down(replicas, _) => (replicas, "rate below the lower threshold"),
            Step::Within | Step::Unknown => return (current, Why::new("rate within the thresholds", &figures)),
        };
        self.changed_at[service] = Some(now);
        self.wishes.set(service, replicas);
        (replicas, Why::new(rule, &figures))
    }
}

impl Scaling for Threshold {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        while self.changed_at.len() < snapshot.services.len() {
            self.changed_at.push(None);
        }
        let (replicas, why): (Vec<_>, Vec<_>) =
            snapshot.known.application.requests().map(|service| self.decide(snapshot, service)).unzip();
        Ok(Wanted::counts(replicas.into_iter().collect(), why.into_iter().collect()))
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(self.clone())
    }
}

/// A number, or `None` for the given word.
pub(in crate::policy) fn number_or(
    parameters: &Parameters,
    name: &'static str,
    word: &str,
) -> Result<Option<u32>, ParameterError> {
    let text: String = parameters.get(name)?;
    if text == word {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| parameters.invalid(name, format!("`{text}` is neither a number nor `{word}`")))
}
