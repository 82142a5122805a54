//! Autopilot-like: replicas by a statistic of the CPU that a service used, lowered late and slowly.
//!
//! After the horizontal part of Google's Autopilot (Rzadca et al. 2020, §3.3): the raw recommendation is the statistic
//! S of the service's total CPU use over a window, divided by what one replica is to use on average,
//! `n_raw = ⌈S / (target · request)⌉`. Then, in this order:
//!
//! - deferred downscaling: the highest `n_raw` of the last `defer`;
//! - slow decay: a decrease is spread out, at most `decay` of the replicas every five minutes, one at least;
//! - small changes are ignored: less than `ignore` of the replicas;
//! - limited growth: at most `growth` of the ready replicas on top of them while others start.
//!
//! Like, not equal: the paper leaves out constants and the choice of the statistic by past costs.

use super::each::{Choice, Rule, ServiceByService, Sight, whole};
use super::wish::HoldDown;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{ServiceId, Why};
use crate::units::{Ratio, Span, Time};
use std::collections::VecDeque;

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "autopilot",
    summary: "replicas by a statistic of the CPU that was used, lowered late and slowly, as Google's Autopilot does",
    about: "n = ⌈S ÷ (target·request)⌉, S the `statistic` of the service's CPU use over `window` (five-minute maxima); the highest n of \
        the last `defer`; down by at most `decay` each 5 min; changes below `ignore` are left; at most `growth` beyond \
        the ready replicas. Source: Rzadca et al., Autopilot, EuroSys 2020, §3.3; constants are ours.",
    parameters: &[
        Parameter { name: "target", default: "60 %", summary: "CPU use over CPU request that is aimed at on average" },
        Parameter { name: "statistic", default: "max", summary: "`max`, `average`, or a percentile such as `p95`" },
        Parameter { name: "window", default: "30 min", summary: "time that the statistic is taken over" },
        Parameter { name: "defer", default: "30 min", summary: "time for which a higher number is kept" },
        Parameter {
            name: "decay",
            default: "10 %",
            summary: "share of the replicas that may go within 5 min, one at least",
        },
        Parameter { name: "ignore", default: "5 %", summary: "share of the replicas below which a change is left" },
        Parameter {
            name: "growth",
            default: "100 %",
            summary: "share of the ready replicas that may be added while others start",
        },
        Parameter { name: "stale", default: "2 min", summary: "age from which on a sample is not believed any more" },
    ],
    partner: "spread",
    build: |parameters| Ok(ServiceByService::boxed(Autopilot::read(parameters)?)),
};

/// From one five-minute sample to the next.
const SAMPLE: Span = Span::seconds(300);

/// What stands for a window of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Statistic {
    Average,
    /// 1 for the maximum.
    Quantile(f64),
}

/// Target, smoothing and limits.
#[derive(Debug, Clone)]
struct Autopilot {
    target: f64,
    statistic: Statistic,
    window: Span,
    defer: Span,
    decay: f64,
    ignore: f64,
    growth: f64,
    stale: Span,
}

/// What was used, and what was recommended.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// Cores by the start of their five minutes: the highest of what was seen of them.
    samples: VecDeque<(Time, f64)>,
    recent: HoldDown,
    lowered: Option<Time>,
}

impl Statistic {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let text: String = parameters.get("statistic")?;
        match (text.as_str(), text.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok())) {
            ("max", _) => Ok(Self::Quantile(1.0)),
            ("average", _) => Ok(Self::Average),
            (_, Some(percent)) if (0.0..=100.0).contains(&percent) => Ok(Self::Quantile(percent / 100.0)),
            _ => Err(parameters.invalid("statistic", format!("`{text}` is none; write `max`, `average` or `p95`"))),
        }
    }

    fn of(self, samples: &VecDeque<(Time, f64)>) -> f64 {
        let mut values: Vec<f64> = samples.iter().map(|(_, value)| *value).collect();
        match self {
            Self::Average => values.iter().sum::<f64>() / values.len().max(1) as f64,
            Self::Quantile(share) => {
                values.sort_unstable_by(f64::total_cmp);
                let rank = whole(share * values.len() as f64).max(1) as usize;
                values.get(rank - 1).copied().unwrap_or(0.0)
            }
        }
    }
}

impl Memory {
    /// Takes a sample; those that left the window go.
    fn learn(&mut self, at: Time, cores: f64, window: Span) {
        let start = Time(at.0 - at.0 % SAMPLE.0);
        match self.samples.back_mut().filter(|(last, _)| *last == start) {
            Some((_, highest)) => *highest = highest.max(cores),
            None => self.samples.push_back((start, cores)),
        }
        while self.samples.len() > 1 && self.samples.front().is_some_and(|(first, _)| at.since(*first) > window) {
            self.samples.pop_front();
        }
    }
}

impl Autopilot {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let share = |name, most| parameters.ratio(name, 0.0, most).map(Ratio::as_f64);
        Ok(Self {
            target: parameters.ratio("target", 0.01, 10.0)?.as_f64(),
            statistic: Statistic::read(parameters)?,
            window: parameters.span("window")?,
            defer: parameters.span("defer")?,
            decay: share("decay", 1.0)?,
            ignore: share("ignore", 1.0)?,
            growth: share("growth", 100.0)?,
            stale: parameters.span("stale")?,
        })
    }

    /// The limits on a change from `last` to `wanted` with so many replicas ready, and the rule that cut it.
    fn limited(&self, memory: &mut Memory, now: Time, (last, wanted, ready): (u32, u32, u32)) -> (u32, &'static str) {
        if f64::from(last.abs_diff(wanted)) < self.ignore * f64::from(last) {
            return (last, "too small a change");
        }
        if wanted > last {
            let most = whole(f64::from(ready.max(1)) * (1.0 + self.growth)).max(last);
            let rule =
                if wanted > most { "grows no further while replicas start" } else { "the statistic over the target" };
            return (wanted.min(most), rule);
        }
        if wanted == last {
            return (last, "the statistic over the target");
        }
        if memory.lowered.is_some_and(|at| now.since(at) < SAMPLE) {
            return (last, "decays slowly: the last decrease is less than 5 min ago");
        }
        memory.lowered = Some(now);
        let step = whole((f64::from(last) * self.decay).floor()).max(1);
        let replicas = wanted.max(last.saturating_sub(step));
        (replicas, if replicas > wanted { "decays slowly" } else { "the statistic over the target" })
    }
}

impl Rule for Autopilot {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        Memory::default()
    }

    fn least(&self) -> u32 {
        1
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        let (_, usage) = match sight.utilisation(self.stale) {
            Ok(seen) => seen,
            Err(held) => return held,
        };
        memory.learn(usage.at, usage.used.cores(), self.window);
        let statistic = self.statistic.of(&memory.samples);
        let raw = whole(statistic / (self.target * sight.declared().request.cpu.cores()));
        let deferred = memory.recent.highest(sight.now(), self.defer, raw);
        let (replicas, rule) = self.limited(memory, sight.now(), (sight.last, deferred.max(1), sight.ready()));
        let figures = [
            ("statistic_cores", statistic),
            ("raw", raw.into()),
            ("deferred", deferred.into()),
            ("replicas", replicas.into()),
        ];
        (replicas, Why::new(rule, &figures))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "small numbers come out exactly")]
mod tests {
    use super::{Autopilot, Memory, Statistic};
    use crate::units::{Span, Time};

    fn at(second: u64) -> Time {
        Time(Span::seconds(second).0)
    }

    fn autopilot() -> Autopilot {
        Autopilot {
            target: 0.5,
            statistic: Statistic::Quantile(1.0),
            window: Span::seconds(900),
            defer: Span::ZERO,
            decay: 0.1,
            ignore: 0.05,
            growth: 1.0,
            stale: Span::ZERO,
        }
    }

    /// Five-minute maxima 2, 8, 4, 6: maximum 8, average 5, the median is the 2nd smallest, 4.
    #[test]
    fn statistics_are_of_five_minute_maxima_within_the_window() {
        let mut memory = Memory::default();
        for (second, cores) in [(0, 1.0), (200, 2.0), (300, 8.0), (600, 4.0), (899, 3.0), (900, 6.0)] {
            memory.learn(at(second), cores, Span::seconds(900));
        }
        let of = |statistic: Statistic, memory: &Memory| statistic.of(&memory.samples);
        assert_eq!(of(Statistic::Quantile(1.0), &memory), 8.0);
        assert_eq!(of(Statistic::Average, &memory), 5.0);
        assert_eq!(of(Statistic::Quantile(0.5), &memory), 4.0);
        memory.learn(at(1_300), 1.0, Span::seconds(900));
        assert_eq!(of(Statistic::Average, &memory), 11.0 / 3.0, "4, 6, 1: the first two begin before 400 s");
    }

    /// From 40: to 39 is 2.5 %, less than 5 %. To 10: 40 − 4 = 36, at 300 s 36 − 3 = 33, at 599 s nothing. From 5 one at least.
    #[test]
    fn small_changes_are_left_and_decreases_are_slow() {
        let mut memory = Memory::default();
        let mut limited = |second, last, wanted| autopilot().limited(&mut memory, at(second), (last, wanted, last)).0;
        assert_eq!(limited(0, 40, 39), 40);
        assert_eq!(
            [limited(0, 40, 10), limited(299, 36, 10), limited(300, 36, 10), limited(599, 33, 10)],
            [36, 36, 33, 33]
        );
        assert_eq!([limited(900, 5, 1), limited(1_200, 4, 3)], [4, 3]);
    }

    /// 4 ready ones: at most 8, whatever is wanted; what is starting already is not taken back.
    #[test]
    fn growth_is_limited_by_what_is_ready() {
        let mut memory = Memory::default();
        let mut limited = |last, wanted, ready| autopilot().limited(&mut memory, at(0), (last, wanted, ready)).0;
        assert_eq!([limited(4, 30, 4), limited(8, 30, 4), limited(8, 30, 8), limited(4, 6, 4)], [8, 8, 16, 6]);
    }
}
