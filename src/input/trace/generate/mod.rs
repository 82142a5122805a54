//! Generated traces: seeded, so that whoever has the command has the trace.
//!
//! The rate of a service over one step is a product of factors, each with mean 1 over its period, so that the mean is the
//! one that was asked for (bursts come on top):
//!
//! `rate(t) = mean · day(t) · week(t) · trend(t) · noise(t) · bursts(t) · crowds(t)`, in requests per second, at the middle of the step.
//!
//! - `day(t) = exp(κ·cos(2π(t − peak)/24 h)) / I₀(κ)`: the density of von Mises (1918) over the hours, which is a daily
//!   course with one peak that never touches zero; κ is such that the peak is `daily` times the mean.
//! - `week(t)`: Saturday and Sunday have `weekend` times the load of a working day, or each day a load of its own (`week`).
//!   Time 0 is Monday, 00:00.
//! - `trend(t)`: a straight line, at the end `trend` times as high as at the begin.
//! - `noise(t) = exp(σ·x − σ²/2)` with `x(k+1) = φ·x(k) + √(1−φ²)·ε(k)`: an autoregressive process of order 1 (Yule 1927),
//!   stationary, with variance 1 and autocorrelation φ from one step to the next; a stream for each service.
//! - `bursts(t)`: `times` as many requests for a while, rising and falling in a straight line over `ramp`.
//! - `crowds(t)`: flash crowds, `1 + (times − 1)·s(t)`: `s` rises from 0 to 1 in a straight line over `rise` and then falls
//!   as `e^(−t/decay)`, the shape of news that spreads and is forgotten.
//!
//! Rates are rounded to a thousandth of a request per second. Only +, −, ×, ÷ and √ are used, which every processor rounds
//! alike: sine and exponential of a C library differ in the last bit from one system to the next.

mod math;
mod options;

pub use options::{Burst, Crowd, GenerateError, GenerateOptions, ServiceLoad, week};

pub(in crate::input::trace) use math::exp;

use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::seed::Stream;
use crate::units::{Rate, Span, Time};
use math::{cos, kappa};
use rand::Rng;

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;

/// Generates a trace, row by row.
///
/// # Errors
/// Where the options contradict themselves.
pub fn generate(options: &GenerateOptions) -> Result<Generated, GenerateError> {
    options.check()?;
    let noises = (0..options.services.len() as u64).map(|service| Noise::new(options, service)).collect();
    Ok(Generated { kappa: kappa(options.daily.as_f64()), options: options.clone(), noises, next: 0 })
}

/// A trace that is being generated.
#[derive(Debug, Clone)]
pub struct Generated {
    options: GenerateOptions,
    kappa: (f64, f64),
    noises: Vec<Noise>,
    next: u64,
}

impl Generated {
    /// What all services have in common at `t`.
    fn level(&self, t: Span) -> f64 {
        self.day(t) * self.week(t) * self.trend(t) * self.bursts(t) * self.crowds(t)
    }

    fn day(&self, t: Span) -> f64 {
        let since_peak = (t.0 % DAY + DAY - self.options.peak_at.0 % DAY) % DAY;
        let (kappa, mean) = self.kappa;
        exp(kappa * (cos(since_peak as f64 / DAY as f64) - 1.0)) / mean
    }

    fn week(&self, t: Span) -> f64 {
        if let Some(week) = &self.options.week {
            let sum: f64 = week.iter().map(|day| day.as_f64()).sum();
            return week[usize::try_from(t.0 / DAY % 7).unwrap_or(0)].as_f64() * 7.0 / sum;
        }
        let weekend = self.options.weekend.as_f64();
        let working = 7.0 / (5.0 + 2.0 * weekend);
        if t.0 / DAY % 7 >= 5 { working * weekend } else { working }
    }

    fn trend(&self, t: Span) -> f64 {
        let begin = 2.0 / (1.0 + self.options.trend.as_f64());
        let end = 2.0 - begin;
        begin + (end - begin) * (t.0 as f64 / self.options.span.0 as f64)
    }

    fn bursts(&self, t: Span) -> f64 {
        self.options.bursts.iter().map(|burst| 1.0 + (burst.times.as_f64() - 1.0) * burst.share(t)).product()
    }
}

impl Generated {
    fn crowds(&self, t: Span) -> f64 {
        self.options.crowds.iter().map(|crowd| 1.0 + (crowd.times.as_f64() - 1.0) * crowd.share(t)).product()
    }
}

impl Crowd {
    /// How large the crowd is at `t`, 0 to 1.
    fn share(&self, t: Span) -> f64 {
        /// Nothing is left that a thousandth of a request could show.
        const FORGOTTEN: f64 = 30.0;
        let Some(since) = t.0.checked_sub(self.at.0) else { return 0.0 };
        if since < self.rise.0 {
            return since as f64 / self.rise.0 as f64;
        }
        let decays = (since - self.rise.0) as f64 / self.decay.0 as f64;
        if decays > FORGOTTEN { 0.0 } else { exp(-decays) }
    }
}

impl Burst {
    /// How far the burst has risen at `t`, 0 to 1.
    fn share(&self, t: Span) -> f64 {
        let Some(since) = t.0.checked_sub(self.at.0).filter(|since| *since < self.span.0) else { return 0.0 };
        if self.ramp == Span::ZERO {
            return 1.0;
        }
        let inside = since.min(self.span.0 - since);
        (inside as f64 / self.ramp.0 as f64).min(1.0)
    }
}

impl RateSource for Generated {
    fn next_row(&mut self, row: &mut RateRow) -> Result<bool, WorkloadError> {
        let at = self.options.step.repeated(self.next);
        if at >= self.options.span {
            return Ok(false);
        }
        self.next += 1;
        row.at = Time::ZERO + at;
        row.rates.clear();
        let level = self.level(at + Span(self.options.step.0 / 2));
        for (index, (service, noise)) in self.options.services.iter().zip(&mut self.noises).enumerate() {
            let rate = service.mean.per_second() * level * noise.next();
            // Whole thousandths of a request per second.
            let rate = Rate(Rate::from_per_second(rate / 1e3).0.saturating_mul(1_000));
            row.rates.push((ServiceId::from_index(index), rate));
        }
        Ok(true)
    }

    fn end(&self) -> Time {
        Time::ZERO + self.options.span
    }

    fn fork(&self) -> Result<Box<dyn RateSource>, WorkloadError> {
        Ok(Box::new(self.clone()))
    }
}

/// The noise of one service.
#[derive(Debug, Clone)]
struct Noise {
    sigma: f64,
    phi: f64,
    x: f64,
    stream: Stream,
}

impl Noise {
    fn new(options: &GenerateOptions, service: u64) -> Self {
        let mut stream = options.seed.stream("trace_noise", service);
        let x = normal(&mut stream);
        Self { sigma: options.noise.as_f64(), phi: options.autocorrelation.as_f64(), x, stream }
    }

    fn next(&mut self) -> f64 {
        let factor = exp(self.sigma * self.x - self.sigma * self.sigma / 2.0);
        self.x = self.phi * self.x + (1.0 - self.phi * self.phi).sqrt() * normal(&mut self.stream);
        factor
    }
}

/// A number with mean 0 and variance 1, nearly normal: the sum of 12 uniform ones less 6 (Irwin and Hall 1927), within ±6.
fn normal(stream: &mut Stream) -> f64 {
    let uniform = |word: u64| (0..4).map(|part| ((word >> (16 * part)) & 0xffff) as f64).sum::<f64>();
    let sum: f64 = (0..3).map(|_| uniform(stream.next_u64())).sum();
    (sum + 6.0) / 65_536.0 - 6.0
}
