//! Providing for a forecast: what all forecasting policies do with it.
//!
//! A decision of now is in effect after `lead`, and the next one follows a little later. So the highest forecast of the steps
//! from now until then counts, with the conformal margin, and never less than the rate that is seen now; replicas are the
//! fewest whose believed capacity serves it with head-room. Up at once, down only when no decision of the last
//! `down_after` wanted more. Where no rate is seen, the last wish stands, unless the forecast wants more.

use super::super::each::{Choice, Rule, ServiceByService, Sight, whole};
use super::super::lead::Lead;
use super::super::shares::Shares;
use super::super::wish::{HoldDown, bounded};
use super::super::{ParameterError, Parameters};
use super::buckets::Buckets;
use super::conformal::Conformal;
use super::{Forecaster, Season};
use crate::model::{ServiceId, Why};
use crate::policy::Scaling;
use crate::units::{Rate, Ratio, Span, Time};

/// Errors that a margin is made of.
const ERRORS: usize = 288;

/// From a rate to replicas: head-room, holding down, and what is too old.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Provision {
    factor: Ratio,
    pub(in super::super) down_after: Span,
    pub(in super::super) stale: Span,
}

impl Provision {
    /// Reads `headroom`, `down_after` and `stale`.
    pub(in super::super) fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        Ok(Self {
            factor: Ratio(Ratio::ONE.0 + parameters.ratio("headroom", 0.0, 10.0)?.0),
            down_after: parameters.span("down_after")?,
            stale: parameters.span("stale")?,
        })
    }

    /// Reads `headroom` alone: nothing is held down, and nothing is too old.
    pub(in super::super) fn with_headroom(parameters: &Parameters) -> Result<Self, ParameterError> {
        let factor = Ratio(Ratio::ONE.0 + parameters.ratio("headroom", 0.0, 10.0)?.0);
        Ok(Self { factor, down_after: Span::ZERO, stale: Span::MAX })
    }

    /// What is to be served at `rate`, head-room included; nothing where there is nothing to serve.
    fn serve(&self, rate: Rate) -> Option<Rate> {
        Some(rate.scaled(self.factor)).filter(|need| *need > Rate::ZERO)
    }

    /// The fewest replicas that are believed to serve `rate` with head-room, within the service's bounds; whether they do.
    pub(in super::super) fn replicas(&self, sight: &Sight<'_>, shares: &Shares<'_>, rate: Rate) -> (u32, bool) {
        let declared = sight.declared();
        let need = rate.scaled(self.factor);
        if need == Rate::ZERO {
            return (bounded(declared, 0), true);
        }
        match shares.fewest(need, declared.replicas_max) {
            Ok(fewest) => (bounded(declared, fewest), true),
            Err(most) => (bounded(declared, most), false),
        }
    }
}

/// What makes a forecasting policy of a forecaster.
pub(super) struct Method<F> {
    /// Share of what comes that the margin is to cover; zero for no margin.
    pub(super) coverage: f64,
    /// What says that the forecast decided.
    pub(super) rule: &'static str,
    /// A forecaster that has learnt nothing; it is given the service, so that work can be staggered.
    pub(super) fresh: fn(&Anticipate<F>, ServiceId) -> F,
    /// Knobs of the forecaster.
    pub(super) knobs: [f64; 3],
}

/// Provides for what a forecaster says.
#[derive(Debug, Clone)]
pub(super) struct Anticipate<F> {
    pub(super) season: Season,
    provision: Provision,
    lead: Lead,
    coverage: f64,
    rule: &'static str,
    fresh: fn(&Self, ServiceId) -> F,
    pub(super) knobs: [f64; 3],
}

/// What is remembered of a service.
#[derive(Debug, Clone)]
pub(super) struct Memory<F> {
    buckets: Buckets,
    forecaster: F,
    conformal: Conformal,
    recent: HoldDown,
    needs: HoldDown<Rate>,
    /// What is to be served since the last decision, head-room included.
    serve: Option<Rate>,
}

impl<F: Forecaster> Anticipate<F> {
    /// A policy by `method`, with what all of them read: `season`, `step`, `lead`, and what [`Provision`] takes.
    pub(super) fn policy(parameters: &Parameters, method: &Method<F>) -> Result<Box<dyn Scaling>, ParameterError> {
        let Method { coverage, rule, fresh, knobs } = *method;
        let (season, provision) = (Season::read(parameters)?, Provision::read(parameters)?);
        let lead = Lead::read(parameters)?;
        Ok(ServiceByService::boxed(Self { season, provision, lead, coverage, rule, fresh, knobs }))
    }

    /// Learns what was seen at `at`, and how wrong the forecasts of it were.
    fn learn(&self, memory: &mut Memory<F>, sight: &Sight<'_>, (rate, at): (Rate, Time)) {
        let Memory { buckets, forecaster, conformal, .. } = memory;
        let ahead = 1 + self.lead.of(sight.declared()).times(self.season.step).unwrap_or(0);
        buckets.observe(at, rate.per_second(), |index, value| {
            conformal.learn(index, value);
            forecaster.learn(index, value);
            if let Some(forecast) = forecaster.forecast(index + ahead) {
                conformal.forecast(index + ahead, forecast);
            }
        });
    }

    /// The highest forecast up to when the next decision takes effect, with the margin.
    fn forecast(&self, memory: &Memory<F>, sight: &Sight<'_>) -> Option<Rate> {
        let first = memory.buckets.index(sight.now());
        let last = memory.buckets.index(sight.now() + self.lead.of(sight.declared()) + Span(self.season.step.0 / 2));
        let forecasts = (first..=last).filter_map(|index| memory.forecaster.forecast(index));
        let highest = forecasts.reduce(f64::max)?;
        Some(Rate::from_per_second(highest + memory.conformal.margin()))
    }

    /// Without a rate: what stands, unless the forecast wants more.
    fn blind(&self, memory: &Memory<F>, sight: &Sight<'_>, held: Choice) -> Choice {
        let Some(forecast) = self.forecast(memory, sight) else { return held };
        let (replicas, _) = self.provision.replicas(sight, &Shares::of(sight.snapshot, sight.service), forecast);
        if replicas <= held.0 {
            return held;
        }
        let figures = [held.1.figures[0], ("forecast_per_s", forecast.per_second()), ("replicas", replicas.into())];
        (replicas, Why::new("hold: no rate is seen; more, because the forecast wants it", &figures))
    }
}

impl<F: Forecaster> Rule for Anticipate<F> {
    type Memory = Memory<F>;

    fn memory(&self, service: ServiceId) -> Memory<F> {
        Memory {
            buckets: Buckets::new(self.season.step),
            forecaster: (self.fresh)(self, service),
            conformal: Conformal::new(self.coverage, ERRORS),
            recent: HoldDown::default(),
            needs: HoldDown::default(),
            serve: None,
        }
    }

    fn serve(&self, memory: &Memory<F>) -> Option<Rate> {
        memory.serve
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory<F>) -> Choice {
        let (rate, at) = match sight.rate(self.provision.stale) {
            Ok(seen) => seen,
            Err(held) => {
                memory.serve = None;
                return self.blind(memory, sight, held);
            }
        };
        self.learn(memory, sight, (rate, at));
        let forecast = self.forecast(memory, sight);
        let need = forecast.map_or(rate, |forecast| forecast.max(rate));
        let (needed, suffices) = self.provision.replicas(sight, &Shares::of(sight.snapshot, sight.service), need);
        let replicas = memory.recent.highest(sight.now(), self.provision.down_after, needed);
        memory.serve = self.provision.serve(memory.needs.highest(sight.now(), self.provision.down_after, need));
        let rule = if !suffices {
            "no number of replicas serves what is coming; the one that serves most"
        } else if replicas > needed {
            "not yet down: more was needed a short time ago"
        } else if forecast.is_none() {
            "too little learnt for a forecast yet: the rate that is seen, with head-room"
        } else if need == rate {
            "the rate that is seen, which is above the forecast, with head-room"
        } else {
            self.rule
        };
        let forecast = forecast.map_or(f64::NAN, Rate::per_second);
        let figures = [
            ("rate_per_s", rate.per_second()),
            ("forecast_per_s", forecast),
            ("needed", needed.into()),
            ("replicas", replicas.into()),
        ];
        let figures = if forecast.is_nan() { [figures[0], figures[2], figures[3], ("", 0.0)] } else { figures };
        (replicas, Why::new(rule, &figures))
    }
}

/// The share of sorted values: the ⌈q·n⌉-th smallest, at least the first.
pub(super) fn ranked(sorted: &[f64], share: f64) -> Option<f64> {
    let rank = whole(share * sorted.len() as f64) as usize;
    sorted.get(rank.clamp(1, sorted.len().max(1)) - 1).copied()
}
