//! Reactive: keep while the believed load is between two marks, otherwise go to the middle.
//!
//! Load is the rate over the believed capacity of the replicas that are wanted, ρ = λ/C(r). Above `high` or below `low`
//! replicas become the fewest with ρ ≤ `aim`, up after `up_after` and down after `down_after` on the same side. Between the marks
//! nothing happens at all: that is the hysteresis that `rate` lacks, which follows every ripple upwards.

use super::each::{Choice, Rule, ServiceByService, Sight};
use super::knobs;
use super::shares::Shares;
use super::wish::bounded;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{ServiceId, Why};
use crate::units::{Rate, Ratio, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "reactive",
    summary: "keeps replicas while the believed load is between two marks, else goes to the middle",
    about: "ρ = λ ÷ C(r) by the believed capacity C. While low ≤ ρ ≤ high: r stays. Above high for `up_after`, or below low for \
        `down_after`: the fewest r with C(r) ≥ λ ÷ aim. Source: threshold rules with hysteresis, as surveyed by \
        Lorido-Botran, Miguel-Alonso & Lozano 2014.",
    parameters: &[
        Parameter { name: "low", default: "45 %", summary: "load below which replicas are taken away" },
        Parameter { name: "high", default: "80 %", summary: "load above which replicas are added" },
        Parameter { name: "aim", default: "65 %", summary: "load that a change aims at" },
        Parameter { name: "up_after", default: "0 s", summary: "time above before anything is added" },
        Parameter { name: "down_after", default: "5 min", summary: "time below before anything is taken away" },
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| Ok(ServiceByService::boxed(Reactive::read(parameters)?)),
};

/// Two marks.
#[derive(Debug, Clone)]
struct Reactive {
    low: f64,
    high: f64,
    aim: Ratio,
    up_after: Span,
    down_after: Span,
    stale: Span,
}

/// Since when the load has been beyond a mark.
#[derive(Debug, Clone, Default)]
struct Memory {
    above: Option<Time>,
    below: Option<Time>,
}

impl Reactive {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let mark = |name| parameters.ratio(name, 0.01, 10.0);
        let (low, high, aim) = (mark("low")?, mark("high")?, mark("aim")?);
        if !(low <= aim && aim <= high) {
            return Err(parameters.invalid("aim", format!("{aim} does not lie between low, {low}, and high, {high}")));
        }
        Ok(Self {
            low: low.as_f64(),
            high: high.as_f64(),
            aim,
            up_after: parameters.span("up_after")?,
            down_after: parameters.span("down_after")?,
            stale: parameters.span("stale")?,
        })
    }

    /// The fewest replicas at which `rate` is at most the load that is aimed at.
    fn aimed(&self, sight: &Sight<'_>, shares: &Shares<'_>, rate: Rate) -> u32 {
        let declared = sight.declared();
        if rate == Rate::ZERO {
            return bounded(declared, 0);
        }
        let need = Rate::from_per_second(rate.per_second() / self.aim.as_f64());
        let (Ok(replicas) | Err(replicas)) = shares.fewest(need, declared.replicas_max);
        bounded(declared, replicas)
    }
}

impl Rule for Reactive {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        Memory::default()
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        let rate = match sight.rate(self.stale) {
            Ok((rate, _)) => rate,
            Err(held) => return held,
        };
        let shares = Shares::of(sight.snapshot, sight.service);
        let capacity = shares.capacity(sight.last).per_second();
        let load = if capacity > 0.0 { rate.per_second() / capacity } else { f64::INFINITY };
        // Nothing to serve and nobody to serve it: at rest.
        let load = if rate == Rate::ZERO { 0.0 } else { load };
        let now = sight.now();
        memory.above = (load > self.high).then(|| memory.above.unwrap_or(now));
        memory.below = (load < self.low).then(|| memory.below.unwrap_or(now));
        let is_due = |since: Option<Time>, after| since.is_some_and(|since| now.since(since) >= after);
        let aimed = self.aimed(sight, &shares, rate);
        let (replicas, rule) = if is_due(memory.above, self.up_after) {
            (aimed.max(sight.last), "the load is above the upper mark")
        } else if is_due(memory.below, self.down_after) {
            (aimed.min(sight.last), "the load has been below the lower mark")
        } else if memory.below.is_some() {
            (sight.last, "the load is below the lower mark, not long enough yet")
        } else if memory.above.is_some() {
            (sight.last, "the load is above the upper mark, not long enough yet")
        } else {
            (sight.last, "the load is between the marks")
        };
        let load = if load.is_finite() { load } else { 1e9 };
        let figures = [("rate_per_s", rate.per_second()), ("load", load), ("replicas", replicas.into())];
        (replicas, Why::new(rule, &figures))
    }
}
