//! Newsvendor: as much capacity as is worth its price when the load is uncertain.
//!
//! A unit short costs `short`, a unit idle costs `idle`. The expected cost of providing x for a load Y,
//! `short·E[max(0, Y − x)] + idle·E[max(0, x − Y)]`, is least at the quantile `q = short / (short + idle)` of Y (Arrow, Harris
//! & Marschak 1951). Y is taken as a forecast and its error: the mean of the same step in the last seasons, or the
//! last step where none was seen, and the conformal q-quantile of recent errors of just that forecast.

use super::super::knobs;
use super::super::{Entry, Parameter};
use super::Forecaster;
use super::anticipate::{Anticipate, Method};
use crate::units::Ratio;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "newsvendor",
    summary: "provides for the quantile of the forecast at which being short and being idle cost the same",
    about: "Capacity for the q-quantile of the load at now + lead, q = short ÷ (short + idle), as forecast plus the conformal \
        margin: the ⌈(n+1)·q⌉-th smallest of the last n errors. The forecast is the mean of the same step of past seasons, \
        or the last step. Source: Arrow, Harris & Marschak 1951 (critical ratio); Lei et al. 2018 (conformal margin).",
    parameters: &[
        Parameter { name: "short", default: "9", summary: "cost of a unit of load that is not provided for" },
        Parameter { name: "idle", default: "1", summary: "cost of a unit that is provided in vain" },
        Parameter { name: "seasons", default: "7", summary: "seasons that are remembered" },
        knobs::SEASON,
        Parameter { name: "step", default: "5 min", summary: "resolution of the forecast" },
        knobs::LEAD,
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond that, for the queue" },
        knobs::DOWN_AFTER,
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| {
        let cost = |name| parameters.ratio(name, 0.001, 1_000_000.0).map(Ratio::as_f64);
        let (short, idle): (f64, f64) = (cost("short")?, cost("idle")?);
        let seasons: u32 = parameters.get("seasons")?;
        if !(1..=60).contains(&seasons) {
            return Err(parameters.invalid("seasons", format!("{seasons} lies outside 1 to 60")));
        }
        let method = Method::<MeanOrLast> {
            coverage: critical_ratio(short, idle),
            rule: "the quantile at which short and idle cost the same, with head-room",
            fresh: |rule, _| MeanOrLast::new(rule.season.period, rule.knobs[0]),
            knobs: [seasons.into(), 0.0, 0.0],
        };
        Anticipate::policy(parameters, &method)
    },
};

/// The quantile of the load that it is worth to provide for.
fn critical_ratio(short: f64, idle: f64) -> f64 {
    short / (short + idle)
}

/// Mean of the same step of past seasons; the last step where none was seen.
#[derive(Debug, Clone)]
pub(super) struct MeanOrLast {
    /// For each step of the season: a smoothed mean, NaN where nothing was seen.
    means: Vec<f64>,
    /// Values that went into it, at most `seasons`.
    counts: Vec<f64>,
    seasons: f64,
    last: Option<f64>,
}

impl MeanOrLast {
    fn new(period: usize, seasons: f64) -> Self {
        Self { means: vec![f64::NAN; period], counts: vec![0.0; period], seasons, last: None }
    }

    fn phase(&self, index: u64) -> usize {
        usize::try_from(index % self.means.len() as u64).expect("it is below the period")
    }
}

impl Forecaster for MeanOrLast {
    fn learn(&mut self, index: u64, value: Option<f64>) {
        let Some(value) = value else { return };
        let phase = self.phase(index);
        self.last = Some(value);
        self.counts[phase] = (self.counts[phase] + 1.0).min(self.seasons);
        let before = self.means[phase];
        self.means[phase] = if before.is_nan() { value } else { before + (value - before) / self.counts[phase] };
    }

    fn forecast(&self, index: u64) -> Option<f64> {
        let mean = self.means[self.phase(index)];
        if mean.is_nan() { self.last } else { Some(mean) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Forecaster, MeanOrLast, critical_ratio};
    use crate::seed::Seed;
    use rand::RngExt;

    /// Goal: no other capacity is cheaper on average. Method: 30 pairs of prices, 99 equally likely loads, every load as capacity.
    #[test]
    fn the_critical_ratio_is_the_cheapest_quantile() {
        for seed in 0..30 {
            let stream = &mut Seed(seed).stream("newsvendor", 0);
            let (short, idle) = (stream.random_range(1.0..20.0), stream.random_range(1.0..20.0));
            let mut loads: Vec<f64> = (0..99).map(|_| stream.random_range(0.0_f64..100.0)).collect();
            loads.sort_unstable_by(f64::total_cmp);
            let cost = |capacity: f64| -> f64 {
                loads.iter().map(|load| short * (load - capacity).max(0.0) + idle * (capacity - load).max(0.0)).sum()
            };
            let chosen = super::super::anticipate::ranked(&loads, critical_ratio(short, idle)).unwrap();
            let best = loads.iter().map(|capacity| cost(*capacity)).fold(f64::INFINITY, f64::min);
            assert!(cost(chosen) <= best * (1.0 + 1e-9), "seed {seed}");
        }
    }

    /// Steps of a season of two: 4, then 8 twice; the other is never seen and takes the last value.
    #[test]
    fn the_mean_of_the_same_step_or_the_last_value() {
        let mut forecaster = MeanOrLast::new(2, 7.0);
        assert_eq!(forecaster.forecast(0), None);
        for (index, value) in [(0, 4.0), (2, 8.0), (4, 9.0)] {
            forecaster.learn(index, Some(value));
        }
        assert_eq!((forecaster.forecast(6), forecaster.forecast(7)), (Some(7.0), Some(9.0)));
    }
}
