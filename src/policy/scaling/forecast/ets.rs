//! ETS: exponential smoothing whose form and parameters are chosen from the data.
//!
//! Three forms of the state space family with additive errors (Hyndman, Koehler, Ord & Snyder 2008), error e = y − ŷ:
//!
//! ```text
//! ANN  ŷ = ℓ            ℓ ← ℓ + α·e
//! AAN  ŷ = ℓ + b        ℓ ← ℓ + b + α·e,   b ← b + β·e
//! AAA  ŷ = ℓ + b + s    ℓ ← ℓ + b + α·e,   b ← b + β·e,   s ← s + γ·e
//! ```
//!
//! with 0 ≤ β ≤ α ≤ 1 and 0 ≤ γ ≤ 1 − α. Parameters are those of the least Σe², by a coordinate search from a fixed start;
//! of the forms the one with the least AIC = n·ln(Σe²/n) + 2k is taken, k being the number of parameters, of first states and
//! of variances: 3, 5 and 5 + m. Deliberately small: damped and multiplicative forms are left out, and first states are set
//! from the first values instead of being fitted too. Steps of which nothing was seen pass without an error.

use super::super::knobs;
use super::super::{Entry, Parameter};
use super::anticipate::{Anticipate, Method};
use super::{Forecaster, Season};
use std::collections::VecDeque;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "ets",
    summary: "provides for a forecast by exponential smoothing whose form is chosen by AIC, with a margin",
    about: "λ̂ by ANN, AAN or AAA of the ETS family, whichever has the least AIC = n·ln(Σe²/n) + 2k over the last `seasons`, \
        fitted anew every `refit`, and the conformal margin from its errors. Replicas are the fewest whose believed \
        capacity serves (1 + headroom)·max(λ now, λ̂ up to now + lead). Source: Hyndman, Koehler, Ord & Snyder 2008.",
    parameters: &[
        Parameter { name: "refit", default: "1 h", summary: "after how long form and parameters are chosen anew" },
        Parameter { name: "seasons", default: "3", summary: "seasons that are fitted to" },
        Parameter {
            name: "coverage",
            default: "90 %",
            summary: "share of what comes that forecast and margin are to cover",
        },
        knobs::SEASON,
        Parameter { name: "step", default: "10 min", summary: "resolution of the forecast" },
        knobs::LEAD,
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond what is forecast" },
        knobs::DOWN_AFTER,
        knobs::STALE,
    ],
    partner: "greedy",
    build: |parameters| {
        let season = Season::read(parameters)?;
        let seasons: u32 = parameters.get("seasons")?;
        if !(1..=30).contains(&seasons) {
            return Err(parameters.invalid("seasons", format!("{seasons} lies outside 1 to 30")));
        }
        let refit = parameters.span("refit")?.times(season.step).unwrap_or(0);
        if !(1..=10_000).contains(&refit) {
            return Err(parameters.invalid("refit", "it has to be 1 to 10,000 steps".to_owned()));
        }
        let method = Method::<Ets> {
            coverage: parameters.ratio("coverage", 0.0, 0.999)?.as_f64(),
            rule: "exponential smoothing of the past, with margin and head-room",
            fresh: |rule, service| Ets::new(rule.season.period, rule.knobs, service.0.into()),
            knobs: [refit as f64, seasons.into(), 0.0],
        };
        Anticipate::policy(parameters, &method)
    },
};

/// The series that it is fitted to, and the form that was chosen.
#[derive(Debug, Clone)]
pub(super) struct Ets {
    period: usize,
    refit: u64,
    keep: usize,
    /// Which steps are for fitting: each service has its own, so that not all are fitted in one decision.
    offset: u64,
    /// NaN where nothing was seen.
    series: VecDeque<f64>,
    /// The step of the last value.
    last: u64,
    model: Option<Model>,
}

/// Steps that are needed for a first fit.
const LEAST: usize = 6;

impl Ets {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small numbers that were checked")]
    fn new(period: usize, [refit, seasons, _]: [f64; 3], offset: u64) -> Self {
        let keep = period * seasons as usize;
        Self { period, refit: refit as u64, keep, offset, series: VecDeque::new(), last: 0, model: None }
    }
}

impl Forecaster for Ets {
    fn learn(&mut self, index: u64, value: Option<f64>) {
        self.last = index;
        self.series.push_back(value.unwrap_or(f64::NAN));
        if self.series.len() > self.keep {
            self.series.pop_front();
        }
        let is_due = (index + self.offset).is_multiple_of(self.refit);
        match &mut self.model {
            Some(model) if !is_due => drop(model.learn(index, value)),
            _ if self.series.len() >= LEAST => {
                let first = index + 1 - self.series.len() as u64;
                self.model = Some(choose(self.series.make_contiguous(), first, self.period));
            }
            _ => {}
        }
    }

    fn forecast(&self, index: u64) -> Option<f64> {
        self.model.as_ref().map(|model| model.forecast(index, self.last).max(0.0))
    }
}

/// Which states there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Ann,
    Aan,
    Aaa,
}

/// A form with its parameters and state.
#[derive(Debug, Clone)]
struct Model {
    form: Form,
    smoothing: [f64; 3],
    level: f64,
    trend: f64,
    /// By step of the season; empty without one.
    season: Vec<f64>,
}

impl Model {
    fn phase(&self, index: u64) -> usize {
        usize::try_from(index % self.season.len().max(1) as u64).expect("it is below the period")
    }

    /// What is expected `index − last` steps after the last one.
    fn forecast(&self, index: u64, last: u64) -> f64 {
        let season = self.season.get(self.phase(index)).copied().unwrap_or(0.0);
        self.level + index.saturating_sub(last) as f64 * self.trend + season
    }

    /// Takes a value; its error, where one was seen.
    fn learn(&mut self, index: u64, value: Option<f64>) -> Option<f64> {
        let phase = self.phase(index);
        let expected = self.level + self.trend + self.season.get(phase).copied().unwrap_or(0.0);
        self.level += self.trend;
        let error = value? - expected;
        let [alpha, beta, gamma] = self.smoothing;
        self.level += alpha * error;
        if self.form != Form::Ann {
            self.trend += beta * error;
        }
        if let Some(season) = self.season.get_mut(phase) {
            *season += gamma * error;
        }
        Some(error)
    }

    /// The sum of squared errors over `series`, and how many there were; the state moves to its end.
    fn run(&mut self, series: &[f64], first: u64) -> (f64, u32) {
        let mut sum = (0.0, 0);
        for (value, index) in series.iter().zip(first..) {
            if let Some(error) = self.learn(index, Some(*value).filter(|value| !value.is_nan())) {
                sum = (sum.0 + error * error, sum.1 + 1);
            }
        }
        sum
    }

    /// Parameters, first states and the variance.
    fn parameters(&self) -> f64 {
        match self.form {
            Form::Ann => 3.0,
            Form::Aan => 5.0,
            Form::Aaa => 5.0 + self.season.len() as f64,
        }
    }
}

/// The form of the least AIC, fitted, in its state after the last value. `first` is the step of the first one.
fn choose(series: &[f64], first: u64, period: usize) -> Model {
    let mut forms = vec![Form::Ann, Form::Aan];
    if series.len() >= 2 * period {
        forms.push(Form::Aaa);
    }
    let fitted = forms.into_iter().map(|form| fit(&begin(form, series, first, period), series, first));
    let best = fitted.min_by(|(_, one), (_, other)| one.total_cmp(other));
    best.expect("there is always a form").0
}

/// The first state, from the first values: mean and slope of the first season or of ten values, and distances from them.
fn begin(form: Form, series: &[f64], first: u64, period: usize) -> Model {
    let head = if form == Form::Aaa { period } else { series.len().min(10) };
    let mean = |values: &[f64]| {
        let seen = values.iter().filter(|value| !value.is_nan());
        let (sum, count) = seen.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
        if count == 0 { 0.0 } else { sum / f64::from(count) }
    };
    let level = mean(&series[..head]);
    let trend = match form {
        Form::Ann => 0.0,
        Form::Aan => (mean(&series[head / 2..head]) - mean(&series[..head / 2])) / (head as f64 / 2.0),
        Form::Aaa => (mean(&series[period..2 * period]) - level) / period as f64,
    };
    let mut model = Model { form, smoothing: [0.3, 0.05, 0.1], level, trend, season: Vec::new() };
    if form == Form::Aaa {
        model.season = vec![0.0; period];
        for (value, index) in series[..period].iter().zip(first..) {
            let phase = model.phase(index);
            let middle = level + trend * ((index - first) as f64 - (period as f64 - 1.0) / 2.0);
            model.season[phase] = if value.is_nan() { 0.0 } else { value - middle };
        }
    }
    // The mean lies in the middle of the values that it is of; the state is that of the step before the first value.
    model.level -= model.trend * (head as f64 + 1.0) / 2.0;
    model
}

/// What the search tries for each parameter, in each of its rounds.
const TRIED: [f64; 9] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0];
const ROUNDS: u32 = 2;

/// Parameters of the least Σe², one after the other, and the AIC that they come to.
fn fit(start: &Model, series: &[f64], first: u64) -> (Model, f64) {
    let count = match start.form {
        Form::Ann => 1,
        Form::Aan => 2,
        Form::Aaa => 3,
    };
    let mut best = (start.smoothing, f64::INFINITY);
    let mut errors = 1;
    for (round, parameter) in (0..ROUNDS).flat_map(|round| (0..count).map(move |parameter| (round, parameter))) {
        let centre = best.0[parameter];
        for tried in TRIED {
            let mut smoothing = best.0;
            // The first round looks everywhere, the next ones around what was best.
            smoothing[parameter] = if round == 0 { tried } else { (centre + (tried - 0.35) * 0.2).clamp(0.0, 1.0) };
            if smoothing[1] > smoothing[0] || smoothing[2] > 1.0 - smoothing[0] {
                continue;
            }
            let (sum, seen) = Model { smoothing, ..start.clone() }.run(series, first);
            errors = seen.max(1);
            if sum < best.1 {
                best = (smoothing, sum);
            }
        }
    }
    let mut model = Model { smoothing: best.0, ..start.clone() };
    model.run(series, first);
    let n = f64::from(errors);
    let aic = n * (best.1.max(1e-12 * n) / n).ln() + 2.0 * model.parameters();
    (model, aic)
}

#[cfg(test)]
mod tests {
    use super::{Ets, Forecaster, Form, Model, begin, choose, fit};
    use crate::seed::{Seed, Stream};
    use rand::RngExt;

    /// The sum of twelve uniform draws, less 6: mean 0, variance 1, nearly normal.
    fn noise(stream: &mut Stream) -> f64 {
        (0..12).map(|_| stream.random::<f64>()).sum::<f64>() - 6.0
    }

    /// ŷ of ANN is the weighted mean α·Σ (1−α)^j·y(n−j) + (1−α)^n·ℓ(0).
    #[test]
    fn simple_smoothing_is_the_weighted_mean_of_the_past() {
        let values = [5.0, 9.0, 2.0, 7.0];
        let mut model =
            Model { form: Form::Ann, smoothing: [0.4, 0.0, 0.0], level: 3.0, trend: 0.0, season: Vec::new() };
        model.run(&values, 0);
        let past: f64 = values.iter().rev().zip(0..).map(|(value, j)| 0.4 * 0.6_f64.powi(j) * value).sum();
        assert!((model.forecast(4, 3) - (past + 0.6_f64.powi(4) * 3.0)).abs() < 1e-12);
    }

    /// Goal: the form that made a series is found. Method: 20 seeds each of a noisy level, a random walk with a strong trend,
    /// and a season of 12 around a level.
    #[test]
    fn the_form_that_made_the_series_is_chosen() {
        let found = |make: fn(&mut Stream, u32) -> f64| -> [u32; 3] {
            let mut counts = [0; 3];
            for seed in 0..20 {
                let stream = &mut Seed(seed).stream("ets", 0);
                let series: Vec<f64> = (0..144).map(|step| make(stream, step)).collect();
                counts[choose(&series, 0, 12).form as usize] += 1;
            }
            counts
        };
        let level = found(|stream, _| 100.0 + 5.0 * noise(stream));
        let trend = found(|stream, step| 100.0 + 3.0 * f64::from(step) + 2.0 * noise(stream));
        let season = found(|stream, step| {
            100.0 + 40.0 * (f64::from(step) * std::f64::consts::TAU / 12.0).sin() + 3.0 * noise(stream)
        });
        assert!(level[0] >= 17 && trend[1] >= 19 && season[2] >= 19, "{level:?} {trend:?} {season:?}");
    }

    /// Goal: the search is near the best parameters. Method: for 10 seeds Σe² of AAN against a grid of 101 × 101.
    #[test]
    fn the_fit_is_near_the_best_of_a_fine_grid() {
        for seed in 0..10 {
            let stream = &mut Seed(seed).stream("ets_fit", 0);
            let mut level = 50.0;
            let series: Vec<f64> = (0..100)
                .map(|_| {
                    level += 0.5 + noise(stream);
                    level + noise(stream)
                })
                .collect();
            let start = begin(Form::Aan, &series, 0, 12);
            let sum = |smoothing| Model { smoothing, ..start.clone() }.run(&series, 0).0;
            let grid = (0..=100).flat_map(|alpha| (0..=alpha).map(move |beta| [alpha, beta]));
            let best = grid.map(|[a, b]| sum([f64::from(a) / 100.0, f64::from(b) / 100.0, 0.0]));
            let best = best.fold(f64::INFINITY, f64::min);
            let found = sum(fit(&start, &series, 0).0.smoothing);
            assert!(found <= 1.03 * best, "seed {seed}: {found} against {best}");
        }
    }

    /// A season of 4 that repeats exactly: after a fit of two seasons the rest is forecast to the last digit, gaps included.
    #[test]
    fn a_season_is_carried_on_from_step_to_step() {
        let season = [10.0, 30.0, 20.0, 5.0];
        let mut ets = Ets::new(4, [8.0, 10.0, 0.0], 0);
        for index in 0..40_u64 {
            if index > 20 {
                let forecast = ets.forecast(index + 3).unwrap();
                assert!((forecast - season[((index + 3) % 4) as usize]).abs() < 0.5, "step {index}: {forecast}");
            }
            ets.learn(index, Some(season[(index % 4) as usize]).filter(|_| index % 9 != 7));
        }
    }

    #[test]
    fn nothing_is_forecast_from_next_to_nothing() {
        let mut ets = Ets::new(12, [6.0, 3.0, 0.0], 3);
        (0..5).for_each(|index| ets.learn(index, Some(1.0)));
        assert_eq!(ets.forecast(5), None);
        ets.learn(5, Some(1.0));
        assert_eq!(ets.forecast(6), Some(1.0));
    }
}
