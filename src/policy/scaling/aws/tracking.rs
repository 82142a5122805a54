//! AWS target tracking: in proportion upwards, reluctantly downwards.
//!
//! AWS makes two alarms of a target. Above it for `out_after` adds in proportion, `⌈ready · metric/target⌉`; below 90 % of it for
//! `in_after` takes away in the same proportion. Each decrease starts a cooldown for decreases; an increase blocks
//! decreases for its own, and a larger increase is always possible. Source: Application Auto Scaling user guide, "How target
//! tracking scaling works"; three and fifteen one-minute datapoints are what its alarms have.

use super::super::each::{Choice, Rule, ServiceByService, Sight, whole};
use super::super::{Entry, Parameter, ParameterError, Parameters};
use super::alarm::{Alarm, is_due};
use crate::model::{ServiceId, Why};
use crate::units::{Rate, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "aws-target-tracking",
    summary: "AWS target tracking on CPU utilisation or requests per replica: up in proportion, down reluctantly",
    about: "r = ⌈ready·metric ÷ target⌉, up after the metric was above the target for `out_after`, down after it was below \
        (1 − margin)·target for `in_after`, with cooldowns. The metric is CPU used over CPU requested, or requests per second and \
        replica. Source: Application Auto Scaling user guide (alarms of 3 and 15 one-minute datapoints, 10 % margin).",
    parameters: PARAMETERS,
    partner: "spread",
    build: |parameters| Ok(ServiceByService::boxed(TargetTracking::read(parameters)?)),
};

const PARAMETERS: &[Parameter] = &[
    Parameter { name: "target", default: "60 %", summary: "CPU use over CPU request that is aimed at" },
    Parameter {
        name: "requests",
        default: "none",
        summary: "requests per second and replica that are aimed at instead",
    },
    Parameter { name: "out_after", default: "3 min", summary: "time above the target before replicas are added" },
    Parameter { name: "in_after", default: "15 min", summary: "time below before replicas are taken away" },
    Parameter { name: "margin", default: "10 %", summary: "how far below the target is below" },
    Parameter {
        name: "out_cooldown",
        default: "5 min",
        summary: "time after an increase in which nothing is taken away",
    },
    Parameter { name: "in_cooldown", default: "5 min", summary: "time after a decrease until the next one" },
    Parameter { name: "stale", default: "2 min", summary: "age from which on a sample is not believed any more" },
];

/// From one datapoint to the next.
const PERIOD: Span = Span::seconds(60);

/// Targets and patience.
#[derive(Debug, Clone)]
pub(super) struct TargetTracking {
    target: f64,
    requests: Option<Rate>,
    out_periods: u32,
    in_periods: u32,
    margin: f64,
    out_cooldown: Span,
    in_cooldown: Span,
    pub(super) stale: Span,
}

/// Alarms and cooldowns.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    evaluated: Option<Time>,
    above: Alarm,
    below: Alarm,
    increased: Option<Time>,
    decreased: Option<Time>,
}

impl TargetTracking {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let periods = |name| -> Result<u32, ParameterError> {
            let periods = parameters.span(name)?.times(PERIOD).unwrap_or(0);
            Ok(u32::try_from(periods).unwrap_or(u32::MAX).max(1))
        };
        let requests: String = parameters.get("requests")?;
        let requests = if requests == "none" { None } else { Some(parameters.rate("requests")?) };
        if requests == Some(Rate::ZERO) {
            return Err(parameters.invalid("requests", "a target has to be above zero".to_owned()));
        }
        Ok(Self {
            target: parameters.ratio("target", 0.01, 10.0)?.as_f64(),
            requests,
            out_periods: periods("out_after")?,
            in_periods: periods("in_after")?,
            margin: parameters.ratio("margin", 0.0, 0.9)?.as_f64(),
            out_cooldown: parameters.span("out_cooldown")?,
            in_cooldown: parameters.span("in_cooldown")?,
            stale: parameters.span("stale")?,
        })
    }

    /// Metric over target.
    fn ratio(&self, sight: &Sight<'_>) -> Result<f64, Choice> {
        let Some(requests) = self.requests else { return Ok(sight.utilisation(self.stale)?.0 / self.target) };
        let (rate, _) = sight.rate(self.stale)?;
        let ready = sight.ready();
        if ready == 0 {
            return Err(sight.hold("hold: no replica is ready to take requests", Span::ZERO));
        }
        Ok(rate.per_second() / f64::from(ready) / requests.per_second())
    }

    /// What becomes of `desired` replicas, `ready` of them, at `ratio`.
    fn track(&self, memory: &mut Memory, now: Time, (desired, ready, ratio): (u32, u32, f64)) -> (u32, &'static str) {
        if !is_due(&mut memory.evaluated, now, PERIOD) {
            return (desired, "between two datapoints");
        }
        let is_above = memory.above.evaluate(ratio > 1.0, self.out_periods);
        let is_below = memory.below.evaluate(ratio < 1.0 - self.margin, self.in_periods);
        let proportional = whole(f64::from(ready) * ratio).max(1);
        let since = |at: Option<Time>, span| at.is_none_or(|at| now.since(at) >= span);
        if is_above && proportional > desired {
            memory.increased = Some(now);
            return (proportional, "above the target: in proportion");
        }
        if is_above {
            return (desired, "above the target; what it takes is on its way");
        }
        if !is_below || proportional >= desired {
            return (desired, "near the target, or not away from it for long enough");
        }
        if !since(memory.increased, self.out_cooldown) || !since(memory.decreased, self.in_cooldown) {
            return (desired, "below the target; cooling down");
        }
        memory.decreased = Some(now);
        memory.below.reset();
        (proportional, "below the target: in proportion")
    }

    /// A decision for the service in sight.
    pub(super) fn choose(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        let ratio = match self.ratio(sight) {
            Ok(ratio) => ratio,
            Err(held) => return held,
        };
        let (replicas, rule) = self.track(memory, sight.now(), (sight.last, sight.ready(), ratio));
        (replicas, Why::new(rule, &[("metric_over_target", ratio), ("replicas", replicas.into())]))
    }
}

impl Rule for TargetTracking {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        Memory::default()
    }

    fn least(&self) -> u32 {
        1
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        self.choose(sight, memory)
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, TargetTracking};
    use crate::units::{Span, Time};

    fn tracking() -> TargetTracking {
        TargetTracking {
            target: 0.5,
            requests: None,
            out_periods: 3,
            in_periods: 15,
            margin: 0.1,
            out_cooldown: Span::seconds(300),
            in_cooldown: Span::seconds(300),
            stale: Span::ZERO,
        }
    }

    /// One datapoint a minute of (replicas ready, load in replicas at the target); ready follows desired at once.
    fn series(loads: &[(u64, f64)]) -> Vec<(u64, u32)> {
        let (mut memory, mut replicas, mut changes) = (Memory::default(), 10, Vec::new());
        let last = loads.last().unwrap().0 + 60;
        for minute in 0..last {
            let load = loads.iter().rev().find(|(from, _)| *from <= minute).unwrap().1;
            let seen = (replicas, replicas, load / f64::from(replicas));
            let next = tracking().track(&mut memory, Time(Span::seconds(60 * minute).0), seen).0;
            if next != replicas {
                changes.push((minute, next));
            }
            replicas = next;
        }
        changes
    }

    /// From minute 10 a load of 16 replicas at the target: the third datapoint above raises the alarm. From minute 30 a load of
    /// 8, half of 16: the fifteenth datapoint below takes the half away.
    #[test]
    fn up_after_three_minutes_and_down_after_fifteen() {
        assert_eq!(series(&[(0, 10.0), (10, 16.0), (30, 8.0)]), [(12, 16), (44, 8)]);
    }

    /// 95 % of the target is not below 90 % of it.
    #[test]
    fn slightly_below_the_target_nothing_is_taken_away() {
        assert_eq!(series(&[(0, 10.0), (5, 9.5)]), []);
        assert_eq!(series(&[(0, 10.0), (5, 8.5)]), [(19, 9)]);
    }

    /// While replicas start, the metric is theirs that are ready: 10 ready at twice the target are 20, and stay 20 when asked again.
    #[test]
    fn what_is_on_its_way_is_not_asked_for_again() {
        let mut memory = Memory::default();
        let mut at = |minute: u64, seen| tracking().track(&mut memory, Time(Span::seconds(60 * minute).0), seen).0;
        assert_eq!([at(0, (10, 10, 2.0)), at(1, (10, 10, 2.0)), at(2, (10, 10, 2.0))], [10, 10, 20]);
        assert_eq!([at(3, (20, 10, 2.0)), at(4, (20, 10, 2.4))], [20, 24]);
    }
}
