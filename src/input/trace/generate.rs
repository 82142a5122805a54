//! Generated traces: seeded, so that whoever has the command has the trace.
//!
//! The rate of a service over one step is a product of factors, each with mean 1 over its period, so that the mean is the
//! one that was asked for (bursts come on top):
//!
//! `rate(t) = mean · day(t) · week(t) · trend(t) · noise(t) · bursts(t)`, in requests per second, at the middle of the step.
//!
//! - `day(t) = exp(κ·cos(2π(t − peak)/24 h)) / I₀(κ)`: the density of von Mises (1918) over the hours, which is a daily
//!   course with one peak that never touches zero; κ is such that the peak is `daily` times the mean.
//! - `week(t)`: Saturday and Sunday have `weekend` times the load of a working day. Time 0 is Monday, 00:00.
//! - `trend(t)`: a straight line, at the end `trend` times as high as at the begin.
//! - `noise(t) = exp(σ·x − σ²/2)` with `x(k+1) = φ·x(k) + √(1−φ²)·ε(k)`: an autoregressive process of order 1 (Yule 1927),
//!   stationary, with variance 1 and autocorrelation φ from one step to the next; a stream for each service.
//! - `bursts(t)`: `times` as many requests for a while, rising and falling in a straight line over `ramp`.
//!
//! Rates are rounded to a thousandth of a request per second. Only +, −, ×, ÷ and √ are used, which every processor rounds
//! alike: sine and exponential of a C library differ in the last bit from one system to the next.

use crate::model::ServiceId;
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::seed::{Seed, Stream};
use crate::units::{QuantityError, Rate, Ratio, Span, Time};
use rand::Rng;
use std::str::FromStr;

/// What is to be generated.
#[derive(Debug, Clone, PartialEq)]
pub struct GenerateOptions {
    /// The services, in the order of their ids.
    pub services: Vec<ServiceLoad>,
    /// From the begin to the end: a whole number of steps, at least two.
    pub span: Span,
    /// From one row to the next.
    pub step: Span,
    /// The day's peak over the day's mean, 1 to 10; 1: no daily course.
    pub daily: Ratio,
    /// The hour of the peak.
    pub peak_at: Time,
    /// The load of a Saturday or Sunday over that of a working day.
    pub weekend: Ratio,
    /// The level at the end over that at the begin.
    pub trend: Ratio,
    /// Standard deviation of the noise, as a share of the rate (σ).
    pub noise: Ratio,
    /// Autocorrelation of the noise from one step to the next, below 1 (φ).
    pub autocorrelation: Ratio,
    /// Bursts, of all services.
    pub bursts: Vec<Burst>,
    /// The seed of the noise.
    pub seed: Seed,
}

impl Default for GenerateOptions {
    /// A flat day of one request per second at a row a minute, for no service.
    fn default() -> Self {
        Self {
            services: Vec::new(),
            span: Span(86_400_000_000_000),
            step: Span(60_000_000_000),
            daily: Ratio::ONE,
            peak_at: Time(54_000_000_000_000),
            weekend: Ratio::ONE,
            trend: Ratio::ONE,
            noise: Ratio::ZERO,
            autocorrelation: Ratio::ZERO,
            bursts: Vec::new(),
            seed: Seed(1),
        }
    }
}

/// A service and its mean rate, without bursts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceLoad {
    /// Its name.
    pub name: String,
    /// Requests per second over the whole span.
    pub mean: Rate,
}

/// A time with many more requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst {
    /// When it begins.
    pub at: Time,
    /// How long it lasts, ramps included.
    pub span: Span,
    /// How many times the rate.
    pub times: Ratio,
    /// How long it rises, and how long it falls.
    pub ramp: Span,
}

/// No such trace can be generated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// Nobody to have rates.
    #[error("no service is named\n  name at least one")]
    NoServices,
    /// Two services of one name.
    #[error("the service `{0}` is named twice\n  name each service once")]
    ServiceTwice(String),
    /// Steps that do not fit.
    #[error("{span} is not at least two whole steps of {step}\n  choose a span that is a multiple of the step")]
    Steps {
        /// The span.
        span: Span,
        /// The step.
        step: Span,
    },
    /// A number out of its range.
    #[error("{what} is {given}\n  it must be {range}")]
    OutOfRange {
        /// The option.
        what: &'static str,
        /// As it was given.
        given: String,
        /// What it may be.
        range: &'static str,
    },
    /// A burst that is not spelled like one.
    #[error("`{0}` is not a burst\n  write it like `at=12:00,for=20 min,times=6` or `at=3 h,for=20 min,times=6,ramp=2 min`")]
    Burst(String),
    /// A burst with a quantity that is none.
    #[error(transparent)]
    Quantity(#[from] QuantityError),
}

impl FromStr for Burst {
    type Err = GenerateError;

    fn from_str(text: &str) -> Result<Self, GenerateError> {
        let wrong = || GenerateError::Burst(text.to_owned());
        let (mut at, mut span, mut times, mut ramp) = (None, None, None, Span::ZERO);
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(wrong)?;
            match key.trim() {
                "at" => at = Some(value.parse()?),
                "for" => span = Some(value.parse()?),
                "times" => times = Some(value.parse()?),
                "ramp" => ramp = value.parse()?,
                _ => return Err(wrong()),
            }
        }
        let at = at.ok_or_else(wrong)?;
        Ok(Self { at, span: span.ok_or_else(wrong)?, times: times.ok_or_else(wrong)?, ramp })
    }
}

impl GenerateOptions {
    fn check(&self) -> Result<(), GenerateError> {
        if self.services.is_empty() {
            return Err(GenerateError::NoServices);
        }
        let mut names: Vec<&str> = self.services.iter().map(|service| service.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(GenerateError::ServiceTwice(pair[0].to_owned()));
        }
        let steps = self.span.times(self.step).unwrap_or(0);
        if steps < 2 || self.step.repeated(steps) != self.span {
            return Err(GenerateError::Steps { span: self.span, step: self.step });
        }
        within("the daily peak over the mean", self.daily, (1.0, 10.0), "between 1 and 10")?;
        within("the load of the weekend", self.weekend, (0.0, 10.0), "between 0 and 10")?;
        within("the trend", self.trend, (0.0, 1000.0), "between 0 and 1000")?;
        within("the noise", self.noise, (0.0, 2.0), "between 0 and 2")?;
        within("the autocorrelation", self.autocorrelation, (0.0, 0.999_999), "at least 0 and below 1")?;
        self.bursts.iter().try_for_each(|burst| within("a burst", burst.times, (0.0, 1e6), "between 0 and 1000000 times"))
    }
}

fn within(what: &'static str, given: Ratio, limits: (f64, f64), range: &'static str) -> Result<(), GenerateError> {
    match (limits.0..=limits.1).contains(&given.as_f64()) {
        true => Ok(()),
        false => Err(GenerateError::OutOfRange { what, given: given.to_string(), range }),
    }
}

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
        self.day(t) * self.week(t) * self.trend(t) * self.bursts(t)
    }

    fn day(&self, t: Span) -> f64 {
        let since_peak = (t.0 % DAY + DAY - self.options.peak_at.0 % DAY) % DAY;
        let (kappa, mean) = self.kappa;
        exp(kappa * (cos(since_peak as f64 / DAY as f64) - 1.0)) / mean
    }

    fn week(&self, t: Span) -> f64 {
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

/// Nanoseconds of a day.
const DAY: u64 = 86_400_000_000_000;

/// κ of the daily course whose peak is `peak` times its mean, and `exp(−κ)·I₀(κ)`, its mean over its peak.
fn kappa(peak: f64) -> (f64, f64) {
    const POINTS: u32 = 1_440;
    let mean = |kappa: f64| {
        let sum: f64 = (0..POINTS).map(|minute| exp(kappa * (cos(f64::from(minute) / f64::from(POINTS)) - 1.0))).sum();
        sum / f64::from(POINTS)
    };
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if mean(middle) * peak > 1.0 { low = middle } else { high = middle }
    }
    (low, mean(low))
}

/// `cos(2π·turn)` for a turn of 0 to 1, by `1 − 2 sin²(π·turn)` and the series of the sine up to the 25th power.
fn cos(turn: f64) -> f64 {
    let x = std::f64::consts::PI * if turn > 0.5 { 1.0 - turn } else { turn };
    let (mut sine, mut term) = (0.0, x);
    for n in 1..=13 {
        sine += term;
        term *= -x * x / f64::from(2 * n * (2 * n + 1));
    }
    1.0 - 2.0 * sine * sine
}

/// `eˣ`, as the 1024th power of the series at x/1024.
fn exp(x: f64) -> f64 {
    let x = x / 1_024.0;
    let (mut sum, mut term) = (0.0, 1.0);
    for n in 1..=12 {
        sum += term;
        term *= x / f64::from(n);
    }
    for _ in 0..10 {
        sum *= sum;
    }
    sum
}
