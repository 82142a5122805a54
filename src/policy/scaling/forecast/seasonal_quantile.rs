//! Seasonal quantile: what the same time of day needed on the last days.
//!
//! The forecast for a step is the q-quantile of the values that the same step had in the last k seasons (the ⌈q·n⌉-th
//! smallest of those that were seen). No model, nothing to fit, hard to beat: the reference for all other forecasters
//! (the seasonal naive method is k = 1; Hyndman & Athanasopoulos, Forecasting: Principles and Practice, §5.2).

use super::super::knobs;
use super::super::{Entry, Parameter};
use super::Forecaster;
use super::anticipate::{Anticipate, Method, ranked};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "seasonal-quantile",
    summary: "provides for a quantile of what the same time of day needed on the last days",
    about: "λ̂(t) = the ⌈q·n⌉-th smallest of the rates at t − m, t − 2m, …, t − k·m with the season m; replicas are the fewest \
        whose believed capacity serves (1 + headroom)·max(λ now, λ̂ up to now + lead). Before one season has passed it is \
        `rate`. Source: the seasonal naive method (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, §5.2).",
    parameters: &[
        Parameter {
            name: "quantile",
            default: "90 %",
            summary: "share of the same steps of past seasons that is to be served",
        },
        Parameter { name: "seasons", default: "7", summary: "seasons that are remembered" },
        knobs::SEASON,
        Parameter { name: "step", default: "5 min", summary: "resolution of the forecast" },
        knobs::LEAD,
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond what is forecast" },
        knobs::DOWN_AFTER,
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| {
        let seasons: u32 = parameters.get("seasons")?;
        if !(1..=60).contains(&seasons) {
            return Err(parameters.invalid("seasons", format!("{seasons} lies outside 1 to 60")));
        }
        let method = Method::<Phases> {
            coverage: 0.0,
            rule: "what this time of day needed on the last days, with head-room",
            fresh: |rule, _| Phases::new(rule.season.period, rule.knobs),
            knobs: [parameters.ratio("quantile", 0.0, 1.0)?.as_f64(), seasons.into(), 0.0],
        };
        Anticipate::policy(parameters, &method)
    },
};

/// The values that each step of a season had in the last seasons.
#[derive(Debug, Clone)]
pub(in super::super) struct Phases {
    period: usize,
    seasons: usize,
    share: f64,
    /// Values by step and season, a row a step; NaN where nothing was seen.
    values: Vec<f64>,
}

impl Phases {
    /// Nothing learnt yet; knobs are the quantile and the number of seasons.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small number that was checked")]
    pub(in super::super) fn new(period: usize, [share, seasons, _]: [f64; 3]) -> Self {
        let seasons = seasons as usize;
        Self { period, seasons, share, values: vec![f64::NAN; period * seasons] }
    }

    /// The step of the season and the row's place for it.
    fn place(&self, index: u64) -> (usize, usize) {
        let (period, seasons) = (self.period as u64, self.seasons as u64);
        let phase = usize::try_from(index % period).expect("it is below the period");
        let season = usize::try_from((index / period) % seasons).expect("it is below the number of seasons");
        (phase, season)
    }
}

impl Forecaster for Phases {
    fn learn(&mut self, index: u64, value: Option<f64>) {
        let (phase, season) = self.place(index);
        self.values[phase * self.seasons + season] = value.unwrap_or(f64::NAN);
    }

    fn forecast(&self, index: u64) -> Option<f64> {
        let (phase, _) = self.place(index);
        let row = &self.values[phase * self.seasons..(phase + 1) * self.seasons];
        let mut seen: Vec<f64> = row.iter().copied().filter(|value| !value.is_nan()).collect();
        seen.sort_unstable_by(f64::total_cmp);
        ranked(&seen, self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::{Forecaster, Phases};

    fn learnt(share: f64, seasons: f64, values: &[Option<f64>]) -> Phases {
        let mut phases = Phases::new(3, [share, seasons, 0.0]);
        values.iter().zip(0..).for_each(|(value, index)| phases.learn(index, *value));
        phases
    }

    /// Seasons of three steps: 1 2 3, 4 5 6, 9 · 7. Of step 0 the values are 1, 4, 9; of step 1: 2, 5; of step 2: 3, 6, 7.
    #[test]
    fn a_quantile_of_the_same_step_of_past_seasons() {
        let values =
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 9.0, f64::NAN, 7.0].map(|value| Some(value).filter(|v| !v.is_nan()));
        let at = |share: f64| [9, 10, 11].map(|index| learnt(share, 5.0, &values).forecast(index));
        assert_eq!(at(0.5), [Some(4.0), Some(2.0), Some(6.0)]);
        assert_eq!(at(0.9), [Some(9.0), Some(5.0), Some(7.0)]);
        assert_eq!(at(0.0), [Some(1.0), Some(2.0), Some(3.0)]);
    }

    #[test]
    fn one_season_is_the_seasonal_naive_method_and_nothing_is_made_up() {
        let values = [Some(1.0), Some(2.0), None, Some(4.0)];
        let phases = learnt(0.9, 1.0, &values);
        assert_eq!([4, 5, 6].map(|index| phases.forecast(index)), [Some(2.0), None, Some(4.0)]);
    }
}
