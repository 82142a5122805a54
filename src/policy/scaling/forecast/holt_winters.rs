//! Holt–Winters: level, trend and season, each smoothed exponentially, added up.
//!
//! ```text
//! ŷ(t+h) = ℓ(t) + h·b(t) + s(t + h − m·k)           the season's step that h falls on
//! ℓ(t)   = α·(y(t) − s(t−m)) + (1−α)·(ℓ(t−1) + b(t−1))
//! b(t)   = β·(ℓ(t) − ℓ(t−1)) + (1−β)·b(t−1)
//! s(t)   = γ·(y(t) − ℓ(t−1) − b(t−1)) + (1−γ)·s(t−m)
//! ```
//!
//! Source: Holt 1957, Winters 1960, in the form of Hyndman & Athanasopoulos, Forecasting: Principles and Practice, §8.3,
//! whose published table it reproduces. A step of which nothing was seen is taken as it was forecast. The first season
//! gives the first state: its mean, no trend, and the distance of each step from the mean.

use super::super::knobs;
use super::super::{Entry, Parameter};
use super::Forecaster;
use super::anticipate::{Anticipate, Method};
use crate::units::Ratio;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "holt-winters",
    summary: "provides for a forecast of level, trend and season, with a margin from its past errors",
    about: "λ̂(t+h) = ℓ + h·b + s, with ℓ, b and s smoothed by α, β and γ, and the conformal margin: the ⌈(n+1)·coverage⌉-th \
        smallest of the last n errors at that distance. Replicas are the fewest whose believed capacity serves \
        (1 + headroom)·max(λ now, λ̂ up to now + lead). Before one season has passed it is `rate`. Source: Holt 1957, Winters \
        1960 (Hyndman & Athanasopoulos, §8.3); the table printed there is reproduced.",
    parameters: &[
        Parameter { name: "alpha", default: "0.3", summary: "how fast the level follows" },
        Parameter { name: "beta", default: "0.02", summary: "how fast the trend follows" },
        Parameter { name: "gamma", default: "0.3", summary: "how fast the season follows" },
        Parameter {
            name: "coverage",
            default: "90 %",
            summary: "share of what comes that forecast and margin are to cover",
        },
        knobs::SEASON,
        Parameter { name: "step", default: "5 min", summary: "resolution of the forecast" },
        knobs::LEAD,
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond what is forecast" },
        knobs::DOWN_AFTER,
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| {
        let knob = |name| parameters.ratio(name, 0.0, 1.0).map(Ratio::as_f64);
        let method = Method::<HoltWinters> {
            coverage: parameters.ratio("coverage", 0.0, 0.999)?.as_f64(),
            rule: "level, trend and season of the past, with margin and head-room",
            fresh: |rule, _| HoltWinters::new(rule.season.period, rule.knobs),
            knobs: [knob("alpha")?, knob("beta")?, knob("gamma")?],
        };
        Anticipate::policy(parameters, &method)
    },
};

/// The method with its state.
#[derive(Debug, Clone)]
pub(super) struct HoltWinters {
    period: usize,
    smoothing: [f64; 3],
    /// The first season, as far as it has come.
    first: Vec<Option<f64>>,
    state: Option<State>,
    last: u64,
}

/// Level, trend, and the season by step.
#[derive(Debug, Clone)]
struct State {
    level: f64,
    trend: f64,
    season: Vec<f64>,
}

impl HoltWinters {
    pub(super) fn new(period: usize, smoothing: [f64; 3]) -> Self {
        Self { period, smoothing, first: Vec::new(), state: None, last: 0 }
    }

    fn phase(&self, index: u64) -> usize {
        usize::try_from(index % self.period as u64).expect("it is below the period")
    }

    /// The first state, once a season has come of which at least half was seen.
    fn begin(&mut self, index: u64, value: Option<f64>) {
        self.first.push(value);
        if self.first.len() < self.period {
            return;
        }
        let first = std::mem::take(&mut self.first);
        let seen: Vec<f64> = first.iter().copied().flatten().collect();
        if 2 * seen.len() < self.period {
            return;
        }
        let level = seen.iter().sum::<f64>() / seen.len() as f64;
        let mut season = vec![0.0; self.period];
        for (value, step) in first.into_iter().zip(index + 1 - self.period as u64..) {
            season[self.phase(step)] = value.map_or(0.0, |value| value - level);
        }
        self.state = Some(State { level, trend: 0.0, season });
    }
}

impl Forecaster for HoltWinters {
    fn learn(&mut self, index: u64, value: Option<f64>) {
        self.last = index;
        let phase = self.phase(index);
        let [alpha, beta, gamma] = self.smoothing;
        let Some(State { level, trend, season }) = &mut self.state else { return self.begin(index, value) };
        let before = *level + *trend;
        let seen = value.unwrap_or(before + season[phase]);
        let next = alpha * (seen - season[phase]) + (1.0 - alpha) * before;
        *trend = beta * (next - *level) + (1.0 - beta) * *trend;
        season[phase] = gamma * (seen - before) + (1.0 - gamma) * season[phase];
        *level = next;
    }

    fn forecast(&self, index: u64) -> Option<f64> {
        let State { level, trend, season } = self.state.as_ref()?;
        let ahead = index.saturating_sub(self.last) as f64;
        Some((level + ahead * trend + season[self.phase(index)]).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::{Forecaster, HoltWinters, State};

    /// International visitor nights in Australia by quarter, 2005 to 2015, in millions (Hyndman & Athanasopoulos, Forecasting:
    /// Principles and Practice, 2nd edition, §7.3: series `aust`).
    const VISITORS: [f64; 44] = [
        42.20566, 24.64917, 32.66734, 37.25735, 45.24246, 29.35048, 36.34421, 41.78208, 49.27660, 31.27540, 37.85063,
        38.83704, 51.23690, 31.83855, 41.32342, 42.79900, 55.70836, 33.40714, 42.31664, 45.15712, 59.57608, 34.83733,
        44.84168, 46.97125, 60.01903, 38.37118, 46.97586, 50.73380, 61.64687, 39.29957, 52.67121, 54.33232, 66.83436,
        40.87119, 51.82854, 57.49191, 65.25147, 43.06121, 54.76076, 59.83447, 73.25703, 47.69662, 61.09777, 66.05576,
    ];

    /// The table of that section: α = 0.306, β = 0.0003, γ = 0.426, first state ℓ = 32.26, b = 0.70, s = 9.70, −9.31, −1.69,
    /// 1.31. Fitted values of 2005, and the four forecasts of 2016, as printed with two decimals; the first state is printed
    /// with two as well, hence the tolerance.
    #[test]
    fn the_published_table_is_reproduced() {
        let mut method = HoltWinters::new(4, [0.306, 0.0003, 0.426]);
        method.state = Some(State { level: 32.26, trend: 0.70, season: vec![9.70, -9.31, -1.69, 1.31] });
        let mut fitted = Vec::new();
        for (index, value) in (4..).zip(VISITORS) {
            method.last = index - 1;
            fitted.push(method.forecast(index).unwrap());
            method.learn(index, Some(value));
        }
        for (mine, printed) in fitted.iter().zip([42.66, 24.21, 32.67, 36.37]) {
            assert!((mine - printed).abs() < 0.02, "{fitted:?}");
        }
        let ahead: Vec<f64> = (48..52).map(|index| method.forecast(index).unwrap()).collect();
        for (mine, printed) in ahead.iter().zip([76.10, 51.60, 63.97, 68.37]) {
            assert!((mine - printed).abs() < 0.05, "{ahead:?}");
        }
    }

    /// A season that repeats exactly is forecast exactly, gaps included; before it has passed once there is no forecast.
    #[test]
    fn what_repeats_exactly_is_forecast_exactly() {
        let mut method = HoltWinters::new(4, [0.3, 0.02, 0.3]);
        let season = [10.0, 30.0, 20.0, 5.0];
        for index in 0..40_u64 {
            assert_eq!(method.forecast(index).is_some(), index >= 4, "step {index}");
            let value = season[(index % 4) as usize];
            if let Some(forecast) = method.forecast(index) {
                assert!((forecast - value).abs() < 1e-9, "step {index}: {forecast}");
            }
            method.learn(index, Some(value).filter(|_| index % 7 != 5 || index < 4));
        }
    }
}
