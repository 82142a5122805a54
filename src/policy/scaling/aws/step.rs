//! AWS step scaling: the further beyond the threshold, the larger the step.
//!
//! Two alarms on CPU utilisation, each with steps whose bounds are distances from the threshold. Above it a step counts from
//! its lower bound on, below the upper one; below it, up to its upper bound, above the lower one. Adjustments are so many
//! replicas, a share of them, or an exact number. A share is rounded: beyond ±1 towards zero, otherwise to ±1.
//!
//! While replicas warm up they do not count into the capacity that a step starts from, so a breach that goes on adds nothing
//! twice and a larger one adds the difference; nothing is taken away meanwhile. Source: Amazon EC2 Auto Scaling user guide,
//! "Step and simple scaling policies", whose worked example is reproduced.

use super::super::each::{Choice, Rule, ServiceByService, Sight};
use super::super::{Entry, Parameter, ParameterError, Parameters};
use super::alarm::{Alarm, is_due};
use crate::model::{ServiceId, Why};
use crate::units::{Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "aws-step",
    summary: "AWS step scaling on CPU utilisation: the further beyond a threshold, the larger the step",
    about: "With the alarm raised, the step whose bounds hold utilisation − threshold (in percentage points) adjusts the warm \
        replicas by its adjustment: `10%` (rounded towards zero, ±1 at least), `2`, or `=5` exactly. Steps are written \
        `bound:adjustment` and joined by `/`. Source: Amazon EC2 Auto Scaling user guide; its worked example is reproduced.",
    parameters: &[
        Parameter { name: "out_threshold", default: "60 %", summary: "utilisation from which on replicas are added" },
        Parameter {
            name: "out",
            default: "0:10%/10:30%/25:60%",
            summary: "steps above it: lower bound and adjustment, rising",
        },
        Parameter { name: "in_threshold", default: "40 %", summary: "utilisation up to which replicas are taken away" },
        Parameter {
            name: "in",
            default: "0:-10%/-20:-30%",
            summary: "steps below it: upper bound and adjustment, falling",
        },
        Parameter { name: "period", default: "1 min", summary: "from one evaluation of the alarms to the next" },
        Parameter { name: "out_periods", default: "2", summary: "evaluations in a row that raise the upper alarm" },
        Parameter { name: "in_periods", default: "5", summary: "evaluations in a row that raise the lower alarm" },
        Parameter { name: "warmup", default: "2 min", summary: "time in which new replicas do not count" },
        Parameter { name: "stale", default: "2 min", summary: "age from which on a sample is not believed any more" },
    ],
    partner: "spread",
    build: |parameters| Ok(ServiceByService::boxed(StepScaling::read(parameters)?)),
};

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Adjustment {
    /// `ChangeInCapacity`.
    Change(i64),
    /// `PercentChangeInCapacity`.
    Percent(f64),
    /// `ExactCapacity`.
    Exact(u32),
}

impl Adjustment {
    fn parse(text: &str) -> Option<Self> {
        if let Some(exact) = text.strip_prefix('=') {
            return exact.parse().ok().map(Self::Exact);
        }
        match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|percent: &f64| percent.abs() <= 1e6).map(Self::Percent),
            None => text.parse().ok().filter(|change: &i64| change.abs() <= 1_000_000).map(Self::Change),
        }
    }

    /// The replicas that it makes of `capacity`.
    #[expect(clippy::cast_possible_truncation, reason = "replicas times a percentage")]
    fn of(self, capacity: u32) -> u32 {
        let change = match self {
            Self::Exact(exact) => return exact,
            Self::Change(change) => change,
            Self::Percent(percent) => {
                let change = f64::from(capacity) * percent / 100.0;
                if change.abs() >= 1.0 { (change + change.signum() * 1e-9).trunc() as i64 } else { sign(change) }
            }
        };
        u32::try_from((i64::from(capacity) + change).max(0)).unwrap_or(u32::MAX)
    }
}

const fn sign(change: f64) -> i64 {
    if change > 0.0 {
        1
    } else if change < 0.0 {
        -1
    } else {
        0
    }
}

/// A bound in percentage points from the threshold, and what happens beyond it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    bound: f64,
    adjustment: Adjustment,
}

/// The steps of one alarm, away from the threshold.
#[derive(Debug, Clone, PartialEq)]
struct Steps {
    threshold: f64,
    steps: Vec<Step>,
}

impl Steps {
    /// Reads `0:10%/10:30%`; bounds rise, or fall where `falling`.
    fn read(
        parameters: &Parameters,
        names: (&'static str, &'static str),
        falling: bool,
    ) -> Result<Self, ParameterError> {
        let threshold = parameters.ratio(names.0, 0.0, 100.0)?.as_f64();
        let text: String = parameters.get(names.1)?;
        let step = |part: &str| {
            let (bound, adjustment) = part.split_once(':')?;
            Some(Step { bound: bound.parse().ok()?, adjustment: Adjustment::parse(adjustment)? })
        };
        let steps: Option<Vec<Step>> = text.split('/').map(step).collect();
        let direction = if falling { -1.0 } else { 1.0 };
        let is_ordered = |steps: &Vec<Step>| {
            steps[0].bound == 0.0 && steps.windows(2).all(|pair| (pair[1].bound - pair[0].bound) * direction > 0.0)
        };
        let reason = || {
            let order = if falling { "fall" } else { "rise" };
            format!("`{text}` are no steps; write `bound:adjustment` joined by `/`, with bounds that {order} from 0")
        };
        let steps = steps.filter(is_ordered).ok_or_else(|| parameters.invalid(names.1, reason()))?;
        Ok(Self { threshold, steps })
    }

    /// The step above the threshold that holds `utilisation`: from its bound on.
    fn above(&self, utilisation: f64) -> Option<Adjustment> {
        let distance = (utilisation - self.threshold) * 100.0 + 1e-9;
        self.steps.iter().rev().find(|step| distance >= step.bound).map(|step| step.adjustment)
    }

    /// The step below the threshold: up to its bound.
    fn below(&self, utilisation: f64) -> Option<Adjustment> {
        let distance = (utilisation - self.threshold) * 100.0 - 1e-9;
        self.steps.iter().rev().find(|step| distance <= step.bound).map(|step| step.adjustment)
    }
}

/// Two alarms with their steps.
#[derive(Debug, Clone)]
struct StepScaling {
    out: Steps,
    back: Steps,
    period: Span,
    out_periods: u32,
    in_periods: u32,
    warmup: Span,
    stale: Span,
}

/// The alarms, and replicas that warm up.
#[derive(Debug, Clone, Default)]
struct Memory {
    evaluated: Option<Time>,
    out: Alarm,
    back: Alarm,
    /// The capacity that was warm when replicas were added last, and when.
    warming: Option<(u32, Time)>,
}

impl StepScaling {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let periods = |name| match parameters.get::<u32>(name)? {
            0 => Err(parameters.invalid(name, "an alarm takes at least one evaluation".to_owned())),
            periods => Ok(periods),
        };
        Ok(Self {
            out: Steps::read(parameters, ("out_threshold", "out"), false)?,
            back: Steps::read(parameters, ("in_threshold", "in"), true)?,
            period: parameters.span("period")?,
            out_periods: periods("out_periods")?,
            in_periods: periods("in_periods")?,
            warmup: parameters.span("warmup")?,
            stale: parameters.span("stale")?,
        })
    }

    /// What becomes of `desired` replicas at `utilisation`, and why.
    fn decide(&self, memory: &mut Memory, now: Time, (desired, utilisation): (u32, f64)) -> (u32, &'static str) {
        if !is_due(&mut memory.evaluated, now, self.period) {
            return (desired, "between two evaluations of the alarms");
        }
        memory.warming = memory.warming.filter(|(_, since)| now.since(*since) < self.warmup);
        // An alarm compares; where both thresholds are the same, the value on it belongs to the upper one.
        let is_out = memory.out.evaluate(utilisation >= self.out.threshold, self.out_periods);
        let is_in = utilisation <= self.back.threshold && utilisation < self.out.threshold;
        let is_in = memory.back.evaluate(is_in, self.in_periods);
        if is_out {
            let warm = memory.warming.map_or(desired, |(warm, _)| warm);
            let replicas = self.out.above(utilisation).map_or(desired, |step| step.of(warm)).max(desired);
            if replicas > desired {
                memory.warming = Some((warm, now));
                return (replicas, "a step above the upper threshold");
            }
            return (desired, "above the upper threshold; what it takes is there or warming up");
        }
        if is_in {
            if memory.warming.is_some() {
                return (desired, "below the lower threshold, but replicas are warming up");
            }
            let replicas = self.back.below(utilisation).map_or(desired, |step| step.of(desired)).min(desired);
            return (replicas, "a step below the lower threshold");
        }
        (desired, "no alarm is raised")
    }
}

impl Rule for StepScaling {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        Memory::default()
    }

    fn least(&self) -> u32 {
        1
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        let utilisation = match sight.utilisation(self.stale) {
            Ok((utilisation, _)) => utilisation,
            Err(held) => return held,
        };
        let (replicas, rule) = self.decide(memory, sight.now(), (sight.last, utilisation));
        (replicas, Why::new(rule, &[("utilisation", utilisation), ("replicas", replicas.into())]))
    }
}

#[cfg(test)]
mod tests {
    use super::{Adjustment, Alarm, Memory, Step, StepScaling, Steps};
    use crate::units::{Span, Time};

    fn steps(threshold: f64, steps: &[(f64, f64)]) -> Steps {
        let step = |&(bound, percent): &(f64, f64)| Step { bound, adjustment: Adjustment::Percent(percent) };
        Steps { threshold, steps: steps.iter().map(step).collect() }
    }

    /// The policies of the user guide's example: thresholds of 50 %, nothing within 10 points, 10 % within 20, 30 % beyond.
    fn guide() -> StepScaling {
        StepScaling {
            out: steps(0.5, &[(0.0, 0.0), (10.0, 10.0), (20.0, 30.0)]),
            back: steps(0.5, &[(0.0, 0.0), (-10.0, -10.0), (-20.0, -30.0)]),
            period: Span::seconds(60),
            out_periods: 1,
            in_periods: 1,
            warmup: Span::seconds(120),
            stale: Span::ZERO,
        }
    }

    fn series(scaling: &StepScaling, start: u32, seen: &[(u64, f64)]) -> Vec<u32> {
        let (mut memory, mut replicas) = (Memory::default(), start);
        let step = |&(second, utilisation): &(u64, f64)| {
            replicas = scaling.decide(&mut memory, Time(Span::seconds(second).0), (replicas, utilisation)).0;
            replicas
        };
        seen.iter().map(step).collect()
    }

    /// The guide's example: 10 instances; 60 %: 10 % of 10 → 11; 70 %: 30 % of 11 = 3.3 → 14; 40 %: 10 % of 14 = 1.4 → 13; 30 %:
    /// 30 % of 13 = 3.9 → 10. Evaluated ten minutes apart, so that all is warm.
    #[test]
    fn the_example_of_the_user_guide() {
        let seen = [(0, 0.55), (600, 0.60), (1_200, 0.70), (1_800, 0.40), (2_400, 0.30), (3_000, 0.45)];
        assert_eq!(series(&guide(), 10, &seen), [10, 11, 14, 13, 10, 10]);
    }

    /// While the one of 60 % warms up, 60 % adds nothing; 75 % asks for 30 % of the 10 warm ones: 13, two more. Below the lower
    /// threshold nothing goes before 120 s are over.
    #[test]
    fn replicas_that_warm_up_are_not_added_twice() {
        let seen = [(0, 0.60), (60, 0.60), (120, 0.75), (180, 0.20), (240, 0.20)];
        assert_eq!(series(&guide(), 10, &seen), [11, 11, 14, 14, 10]);
        let seen = [(0, 0.60), (60, 0.75), (120, 0.75), (180, 0.75)];
        assert_eq!(series(&guide(), 10, &seen), [11, 13, 13, 16]);
    }

    /// The guide's rounding: 12.7 → 12, 0.67 → 1, −0.58 → −1, −6.67 → −6.
    #[test]
    fn shares_are_rounded_towards_zero_but_move_one() {
        let of = |capacity, percent: f64| Adjustment::Percent(percent).of(capacity);
        assert_eq!([of(127, 10.0), of(67, 1.0), of(58, -1.0), of(667, -1.0), of(10, 0.0)], [139, 68, 57, 661, 10]);
        assert_eq!([Adjustment::Change(-3).of(2), Adjustment::Change(4).of(2), Adjustment::Exact(9).of(2)], [0, 6, 9]);
    }

    #[test]
    fn an_alarm_takes_so_many_evaluations_in_a_row() {
        let mut alarm = Alarm::default();
        let raised = [true, true, false, true, true, true].map(|beyond| alarm.evaluate(beyond, 3));
        assert_eq!(raised, [false, false, false, false, false, true]);
        let twice = StepScaling { out_periods: 2, ..guide() };
        assert_eq!(series(&twice, 10, &[(0, 0.7), (30, 0.7), (60, 0.7)]), [10, 10, 13]);
    }
}
