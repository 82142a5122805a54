//! What is to be generated: the options, what they may be, and how a burst is spelled.

use crate::seed::Seed;
use crate::units::{QuantityError, Rate, Ratio, Span, Time};
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
    /// The load of each day of the week from Monday on, relative to each other; where it is given, instead of `weekend`.
    pub week: Option<[Ratio; 7]>,
    /// The level at the end over that at the begin.
    pub trend: Ratio,
    /// Standard deviation of the noise, as a share of the rate (σ).
    pub noise: Ratio,
    /// Autocorrelation of the noise from one step to the next, below 1 (φ).
    pub autocorrelation: Ratio,
    /// Bursts, of all services.
    pub bursts: Vec<Burst>,
    /// Flash crowds, of all services.
    pub crowds: Vec<Crowd>,
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
            week: None,
            trend: Ratio::ONE,
            noise: Ratio::ZERO,
            autocorrelation: Ratio::ZERO,
            bursts: Vec::new(),
            crowds: Vec::new(),
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

/// A flash crowd: everybody comes at once, and leaves by and by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// When it begins.
    pub at: Time,
    /// How many times the rate at its height.
    pub times: Ratio,
    /// How long it rises, in a straight line.
    pub rise: Span,
    /// How long until 1/e of it is left, and again.
    pub decay: Span,
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
    #[error(
        "`{0}` is not a burst\n  write it like `at=12:00,for=20 min,times=6` or `at=3 h,for=20 min,times=6,ramp=2 min`"
    )]
    Burst(String),
    /// A flash crowd that is not spelled like one.
    #[error("`{0}` is not a flash crowd\n  write it like `at=12:00,times=8,rise=2 min,decay=15 min`")]
    Crowd(String),
    /// A week that has other than seven days, or no load.
    #[error("`{0}` is not a week\n  write seven ratios from Monday on, not all zero, like `1,1,1,1,1.1,0.6,0.5`")]
    Week(String),
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

impl FromStr for Crowd {
    type Err = GenerateError;

    fn from_str(text: &str) -> Result<Self, GenerateError> {
        let wrong = || GenerateError::Crowd(text.to_owned());
        let (mut at, mut times, mut rise, mut decay) = (None, None, Span::ZERO, None);
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(wrong)?;
            match key.trim() {
                "at" => at = Some(value.parse()?),
                "times" => times = Some(value.parse()?),
                "rise" => rise = value.parse()?,
                "decay" => decay = Some(value.parse()?),
                _ => return Err(wrong()),
            }
        }
        let decay = decay.filter(|decay| *decay > Span::ZERO).ok_or_else(wrong)?;
        Ok(Self { at: at.ok_or_else(wrong)?, times: times.ok_or_else(wrong)?, rise, decay })
    }
}

/// The load of each day of a week, as it is written.
///
/// # Errors
/// Where these are not seven ratios.
pub fn week(text: &str) -> Result<[Ratio; 7], GenerateError> {
    let days = text.split(',').map(str::parse).collect::<Result<Vec<Ratio>, _>>()?;
    let week: [Ratio; 7] = days.try_into().map_err(|_| GenerateError::Week(text.to_owned()))?;
    if week.iter().all(|day| *day == Ratio::ZERO) { Err(GenerateError::Week(text.to_owned())) } else { Ok(week) }
}

impl GenerateOptions {
    /// Checks that the options do not contradict themselves.
    ///
    /// # Errors
    /// Where they do.
    pub fn check(&self) -> Result<(), GenerateError> {
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
        for day in self.week.iter().flatten() {
            within("the load of a day of the week", *day, (0.0, 1000.0), "between 0 and 1000")?;
        }
        let times = self.bursts.iter().map(|burst| burst.times).chain(self.crowds.iter().map(|crowd| crowd.times));
        times.into_iter().try_for_each(|times| within("a burst", times, (0.0, 1e6), "between 0 and 1000000 times"))
    }
}

fn within(what: &'static str, given: Ratio, limits: (f64, f64), range: &'static str) -> Result<(), GenerateError> {
    if (limits.0..=limits.1).contains(&given.as_f64()) {
        return Ok(());
    }
    Err(GenerateError::OutOfRange { what, given: given.to_string(), range })
}
