//! Model-predictive control: the cheapest course of replicas over a horizon, of which the first step is taken.
//!
//! At each decision the rate of the time ahead is forecast step by step: the quantile of the same time of past seasons,
//! raised in proportion where the present is above that quantile of its own time; while no season has passed, the present
//! rate is taken to stay. From it follow the fewest replicas of each step, and the multi-period problem of [`horizon`] is solved
//! exactly: running a replica costs its time, starting one costs `switch`, so a short valley is bridged and a long one is
//! not. What is asked for now serves after `lead`, so the first step has to do until then and through the next one; what is
//! given up is gone at once, so it has to do for the present too.

use super::each::{Choice, Rule, ServiceByService, Sight};
use super::forecast::{Buckets, Forecaster, Phases, Provision, Season};
use super::knobs;
use super::lead::Lead;
use super::shares::Shares;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{ServiceId, Why};
use crate::solver::horizon::{self, Band, Prices};
use crate::units::{Rate, Span};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "mpc",
    summary: "the cheapest course of replicas over a horizon of forecasts, starts included; its first step is taken",
    about: "min Σ_t [r_t·tick + switch·max(0, r_t − r_{t−1})] with L_t ≤ r_t ≤ max, solved exactly by dynamic programming; L_t is the \
        fewest replicas whose believed capacity serves (1 + headroom)·λ̂_t, λ̂_t the seasonal quantile raised in proportion to the \
        present. The first step covers now to now + lead. Source: receding horizon control (Rawlings, Mayne & Diehl 2017).",
    parameters: &[
        Parameter { name: "horizon", default: "20 min", summary: "how far ahead it plans" },
        Parameter { name: "tick", default: "1 min", summary: "length of a step of the plan" },
        Parameter { name: "switch", default: "10 min", summary: "what a start costs, as time of a running replica" },
        Parameter {
            name: "quantile",
            default: "80 %",
            summary: "share of the same steps of past seasons that is to be served",
        },
        Parameter { name: "seasons", default: "7", summary: "seasons that are remembered" },
        knobs::SEASON,
        Parameter { name: "step", default: "5 min", summary: "resolution of the forecast" },
        knobs::LEAD,
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond what is forecast" },
        Parameter {
            name: "down_after",
            default: "5 min",
            summary: "time for which a higher number is kept: ripples of the rate are no course",
        },
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| Ok(ServiceByService::boxed(Mpc::read(parameters)?)),
};

/// What a plan looks like, and what it costs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Course {
    pub(super) tick: Span,
    pub(super) steps: usize,
    pub(super) prices: Prices,
}

impl Course {
    /// Reads `horizon`, `tick` and `switch`.
    pub(super) fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let (horizon, tick) = (parameters.span("horizon")?, parameters.span("tick")?);
        let steps = horizon.times(tick).unwrap_or(0);
        if !(1..=1_000).contains(&steps) {
            return Err(parameters.invalid("horizon", format!("{horizon} is not 1 to 1000 steps of {tick}")));
        }
        // In milliseconds of a running replica: fine enough, and far from overflow.
        let milliseconds = |span: Span| u32::try_from(span.0 / 1_000_000).ok().filter(|time| *time < 1 << 27);
        let (Some(hold), Some(up)) = (milliseconds(tick), milliseconds(parameters.span("switch")?)) else {
            return Err(
                parameters.invalid("switch", "more than a day for a start, or for a step, is no price".to_owned())
            );
        };
        let steps = usize::try_from(steps).expect("it is small");
        Ok(Self { tick, steps, prices: Prices { hold, up, down: 0 } })
    }

    /// Replicas for the first step, where `fewest` says what each step needs at least.
    pub(super) fn first(&self, sight: &Sight<'_>, fewest: impl Fn(usize) -> u32) -> u32 {
        let most = sight.declared().replicas_max;
        let band = |step| Band { least: fewest(step).min(most), most };
        let bands: Vec<Band> = (0..self.steps).map(band).collect();
        let solved = horizon::solve(self.prices, &bands, sight.last);
        solved.and_then(|(replicas, _)| replicas.first().copied()).unwrap_or(sight.last)
    }
}

/// Forecast, prices and head-room.
#[derive(Debug, Clone)]
struct Mpc {
    course: Course,
    provision: Provision,
    season: Season,
    lead: Lead,
    quantile: f64,
    seasons: u32,
}

/// What was seen of a service.
#[derive(Debug, Clone)]
struct Memory {
    buckets: Buckets,
    phases: Phases,
    recent: super::wish::HoldDown,
}

impl Mpc {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let seasons: u32 = parameters.get("seasons")?;
        if !(1..=60).contains(&seasons) {
            return Err(parameters.invalid("seasons", format!("{seasons} lies outside 1 to 60")));
        }
        Ok(Self {
            course: Course::read(parameters)?,
            provision: Provision::read(parameters)?,
            season: Season::read(parameters)?,
            lead: Lead::read(parameters)?,
            quantile: parameters.ratio("quantile", 0.0, 1.0)?.as_f64(),
            seasons,
        })
    }

    /// The rates from now on, a value a tick, with what is ahead by the forecast; and whether there is one.
    fn ahead(&self, memory: &Memory, sight: &Sight<'_>, rate: Rate) -> (Vec<Rate>, bool) {
        let now = memory.buckets.index(sight.now());
        let usual = memory.phases.forecast(now);
        let raised = usual.filter(|usual| *usual > 0.0).map_or(1.0, |usual| (rate.per_second() / usual).max(1.0));
        let lead = self.lead.of(sight.declared()).times(self.course.tick).unwrap_or(0).min(LEAD_MAX);
        let (mut index, mut expected, mut is_forecast) = (now, usual, usual.is_some());
        let forecast = |tick: u64| {
            // Several ticks share a step of the forecast, which is looked up once.
            let next = memory.buckets.index(sight.now() + self.course.tick.repeated(tick));
            if next != index {
                (index, expected) = (next, memory.phases.forecast(next));
                is_forecast |= expected.is_some();
            }
            expected.map_or(rate, |expected| Rate::from_per_second(expected * raised))
        };
        ((0..=lead + self.course.steps as u64).map(forecast).collect(), is_forecast)
    }
}

/// Ticks from a decision to its effect, at most.
const LEAD_MAX: u64 = 10_000;

impl Rule for Mpc {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        let phases = Phases::new(self.season.period, [self.quantile, self.seasons.into(), 0.0]);
        Memory { buckets: Buckets::new(self.season.step), phases, recent: super::wish::HoldDown::default() }
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        let (rate, at) = match sight.rate(self.provision.stale) {
            Ok(seen) => seen,
            Err(held) => return held,
        };
        let Memory { buckets, phases, .. } = memory;
        buckets.observe(at, rate.per_second(), |index, value| phases.learn(index, value));
        let (ahead, is_forecast) = self.ahead(memory, sight, rate);
        let lead = ahead.len() - self.course.steps - 1;
        let shares = Shares::of(sight.snapshot, sight.service);
        let fewest = |rate: Rate| self.provision.replicas(sight, &shares, rate).0;
        let soon = ahead[..=lead + 1].iter().copied().fold(rate, Rate::max);
        let first = fewest(soon);
        let mut needs: Vec<u32> = Vec::with_capacity(ahead.len());
        for (tick, rate) in ahead.iter().enumerate() {
            let is_same = tick > 0 && ahead[tick - 1] == *rate;
            needs.push(if is_same { needs[tick - 1] } else { fewest(*rate) });
        }
        let step = |step: usize| if step == 0 { first } else { needs[lead + step].max(needs[lead + step + 1]) };
        let course = self.course.first(sight, step);
        let replicas = memory.recent.highest(sight.now(), self.provision.down_after, course);
        let rule = if !is_forecast {
            "the cheapest course; no season has passed, so the rate is taken to stay"
        } else if replicas > first {
            "the cheapest course keeps replicas for what is coming"
        } else {
            "the cheapest course of replicas for what is coming"
        };
        let highest = ahead.iter().copied().fold(Rate::ZERO, Rate::max);
        let figures = [
            ("rate_per_s", rate.per_second()),
            ("highest_ahead_per_s", highest.per_second()),
            ("needed", first.into()),
            ("replicas", replicas.into()),
        ];
        (replicas, Why::new(rule, &figures))
    }
}
