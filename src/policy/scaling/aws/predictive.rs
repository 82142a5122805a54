//! AWS predictive scaling: capacity for the next hour, ready ahead of it, and never less than dynamic scaling wants.
//!
//! Every hour has a forecast of its load from the same hour of the past days; its capacity is started `buffer` before the hour
//! begins and kept until it ends. What runs is the larger of the two, forecast and dynamic scaling, which here is target
//! tracking. As AWS has it: no forecast before 24 hours of history, up to 14 days of it, and mode `forecast_only` only
//! watches. How AWS forecasts is not published: here the load of an hour is its highest five minutes, and the forecast the mean of the
//! last days' same hours. Source: Amazon EC2 Auto Scaling user guide, "Predictive scaling", and `PredictiveScalingConfiguration`.

use super::super::each::{Choice, Rule, ServiceByService, Sight};
use super::super::forecast::{Buckets, Provision};
use super::super::shares::Shares;
use super::super::{Entry, Parameter, ParameterError, Parameters};
use super::tracking::{self, TargetTracking};
use crate::model::{ServiceId, Why};
use crate::units::{Rate, Span, Time};
use std::collections::VecDeque;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "aws-predictive",
    summary: "AWS predictive scaling: hourly forecasts, started ahead, and target tracking on top",
    about: "r = max(forecast, target tracking); forecast(t) is the fewest replicas whose believed capacity serves \
        (1 + headroom)·λ̂(h) for the hours h that [t, t + buffer] touches, λ̂(h) the mean over past days of the hour's highest five \
        minutes. Nothing before 24 h of history, 14 days at most. Source: Amazon EC2 Auto Scaling user guide; the forecast is ours.",
    parameters: &[
        Parameter {
            name: "mode",
            default: "forecast_and_scale",
            summary: "`forecast_and_scale`, or `forecast_only`: watch",
        },
        Parameter { name: "buffer", default: "5 min", summary: "how long before an hour its capacity is started" },
        Parameter { name: "days", default: "14", summary: "days of history, at most" },
        Parameter { name: "headroom", default: "20 %", summary: "capacity beyond what is forecast" },
        Parameter {
            name: "target",
            default: "60 %",
            summary: "target tracking: CPU use over CPU request that is aimed at",
        },
        Parameter {
            name: "requests",
            default: "none",
            summary: "target tracking: requests per second and replica instead",
        },
        Parameter {
            name: "out_after",
            default: "3 min",
            summary: "target tracking: time above before replicas are added",
        },
        Parameter {
            name: "in_after",
            default: "15 min",
            summary: "target tracking: time below before replicas are taken away",
        },
        Parameter { name: "margin", default: "10 %", summary: "target tracking: how far below the target is below" },
        Parameter {
            name: "out_cooldown",
            default: "5 min",
            summary: "target tracking: after an increase nothing is taken away",
        },
        Parameter { name: "in_cooldown", default: "5 min", summary: "target tracking: from one decrease to the next" },
        Parameter { name: "down_after", default: "0 s", summary: "time for which a higher number is kept" },
        Parameter { name: "stale", default: "2 min", summary: "age from which on a sample is not believed any more" },
    ],
    partner: "spread",
    build: |parameters| Ok(ServiceByService::boxed(Predictive::read(parameters)?)),
};

const HOUR: Span = Span::seconds(3_600);
const STEP: Span = Span::seconds(300);
/// Steps of an hour, and hours of a day.
const STEPS: u64 = 12;
const HOURS: u64 = 24;

/// Forecast and dynamic scaling.
#[derive(Debug, Clone)]
struct Predictive {
    tracking: TargetTracking,
    provision: Provision,
    buffer: Span,
    days: u64,
    scales: bool,
}

/// The hours of the past, and dynamic scaling.
#[derive(Debug, Clone)]
struct Memory {
    history: History,
    tracking: tracking::Memory,
    /// What dynamic scaling wants by itself.
    dynamic: Option<u32>,
}

/// The load of each hour.
#[derive(Debug, Clone)]
struct History {
    buckets: Buckets,
    /// Hour since the start of time, and its highest five minutes; rising.
    hours: VecDeque<(u64, f64)>,
}

impl History {
    fn learn(&mut self, at: Time, rate: Rate, days: u64) {
        let Self { buckets, hours } = self;
        buckets.observe(at, rate.per_second(), |index, value| {
            let Some(value) = value else { return };
            let hour = index / STEPS;
            match hours.back_mut().filter(|(last, _)| *last == hour) {
                Some((_, highest)) => *highest = highest.max(value),
                None => hours.push_back((hour, value)),
            }
            while hours.front().is_some_and(|(first, _)| first + days * HOURS < hour) {
                hours.pop_front();
            }
        });
    }

    /// The mean over past days of what hour `hour` had; `None` before 24 hours of history, or where no such hour was seen.
    fn forecast(&self, hour: u64) -> Option<f64> {
        let (first, _) = *self.hours.front()?;
        if hour < first + HOURS {
            return None;
        }
        let same = self.hours.iter().filter(|(past, _)| *past < hour && (hour - past).is_multiple_of(HOURS));
        let (sum, count) = same.fold((0.0, 0_u32), |(sum, count), (_, load)| (sum + load, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }
}

impl Predictive {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let mode: String = parameters.get("mode")?;
        if !["forecast_and_scale", "forecast_only"].contains(&mode.as_str()) {
            let reason = format!("`{mode}` is neither `forecast_and_scale` nor `forecast_only`");
            return Err(parameters.invalid("mode", reason));
        }
        let buffer = parameters.span("buffer")?;
        if buffer >= HOUR {
            return Err(parameters.invalid("buffer", format!("{buffer} is not less than an hour")));
        }
        let days: u64 = parameters.get("days")?;
        if !(1..=14).contains(&days) {
            return Err(parameters.invalid("days", format!("{days} lies outside 1 to 14")));
        }
        let (tracking, provision) = (TargetTracking::read(parameters)?, Provision::read(parameters)?);
        Ok(Self { tracking, provision, buffer, days, scales: mode == "forecast_and_scale" })
    }

    /// The highest forecast of the hours that begin before the buffer is over.
    fn forecast(&self, history: &History, now: Time) -> Option<f64> {
        let hour = |at: Time| at.0 / HOUR.0;
        (hour(now)..=hour(now + self.buffer)).filter_map(|hour| history.forecast(hour)).reduce(f64::max)
    }
}

impl Rule for Predictive {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        let history = History { buckets: Buckets::new(STEP), hours: VecDeque::new() };
        Memory { history, tracking: tracking::Memory::default(), dynamic: None }
    }

    fn least(&self) -> u32 {
        1
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        if let Ok((rate, at)) = sight.rate(self.tracking.stale) {
            memory.history.learn(at, rate, self.days);
        }
        let last = memory.dynamic.unwrap_or(sight.last);
        let (dynamic, why) = self.tracking.choose(&Sight { last, ..*sight }, &mut memory.tracking);
        memory.dynamic = Some(dynamic);
        let Some(forecast) = self.forecast(&memory.history, sight.now()) else { return (dynamic, why) };
        let shares = Shares::of(sight.snapshot, sight.service);
        let (predicted, _) = self.provision.replicas(sight, &shares, Rate::from_per_second(forecast));
        if predicted <= dynamic || !self.scales {
            let rule = if self.scales { why.rule } else { "target tracking; the forecast only watches" };
            return (
                dynamic,
                Why::new(rule, &[why.figures[0], ("forecast_per_s", forecast), ("predicted", predicted.into())]),
            );
        }
        let figures = [("forecast_per_s", forecast), ("predicted", predicted.into()), ("dynamic", dynamic.into())];
        (predicted, Why::new("the forecast of the hour, which is above what target tracking wants", &figures))
    }
}

#[cfg(test)]
mod tests {
    use super::{Buckets, HOUR, History, STEP};
    use crate::units::{Rate, Span, Time};
    use std::collections::VecDeque;

    /// Three days, one sample every 5 min; hour h of day d has 100·d + h, and twice that in its third five minutes.
    #[test]
    fn an_hour_is_forecast_from_the_same_hour_of_past_days() {
        let mut history = History { buckets: Buckets::new(STEP), hours: VecDeque::new() };
        for step in 0..3 * 288_u64 {
            let (day, hour) = (step / 288, step / 12 % 24);
            let rate = (100 * day + hour) * if step % 12 == 2 { 2 } else { 1 };
            history.learn(Time(STEP.0 * step), Rate(rate * 1_000_000), 14);
            if step == 12 * 23 {
                assert_eq!(history.forecast(23), None, "there are no 24 hours of history");
            }
        }
        // Hour 5 of the fourth day: 2 · (5 + 105 + 205) / 3 = 210.
        assert_eq!(history.forecast(3 * 24 + 5), Some(210.0));
        assert_eq!(history.forecast(24 + 5), Some(10.0));
    }

    #[test]
    fn days_beyond_the_history_are_forgotten() {
        let mut history = History { buckets: Buckets::new(STEP), hours: VecDeque::new() };
        for hour in 0..72_u64 {
            history.learn(Time(HOUR.0 * hour), Rate((hour + 1) * 1_000_000), 1);
        }
        assert!(history.hours.len() <= 25, "{}", history.hours.len());
        assert_eq!(history.forecast(72), Some(49.0));
        assert_eq!(Span::ZERO, Span::seconds(0));
    }
}
