//! PID: a controller as in any textbook, on utilisation or latency.
//!
//! The error is relative, `e = measured / target − 1`, and what is moved is the logarithm of the number of replicas, in a sense:
//! a change is a share of the replicas that there are, so the same gains fit small services and large ones. In velocity
//! form (Åström & Hägglund, Advanced PID Control, ch. 2 and 3):
//!
//! ```text
//! u_k = clamp( u_{k−1} · (1 + Kp·(e_k − e_{k−1}) + Ki·e_k·Δt + Kd·(e_k − 2e_{k−1} + e_{k−2})/Δt),  min, max )
//! ```
//!
//! The integral lies in u itself, and u is clamped, so it cannot wind up: after hours at the maximum the first error of the other
//! sign already lowers it. With Kp = Kd = 0 and Ki·Δt = 1 it is `u·measured/target`, the rule of target tracking. Replicas
//! are ⌈u⌉; within `tolerance` of the target nothing is moved.

use super::each::{Choice, Rule, ServiceByService, Sight, whole};
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{ServiceId, Why};
use crate::units::{Ratio, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "pid",
    summary: "a PID controller on CPU utilisation or on latency, without wind-up",
    about: "u ← clamp(u·(1 + Kp·Δe + Ki·e·Δt + Kd·Δ²e ÷ Δt), min, max), r = ⌈u⌉, e = measured ÷ target − 1; measured is CPU used over \
        CPU requested by ready replicas, or the p95 latency over the promised one (utilisation where users do not call the \
        service). Times in minutes. Source: the velocity form (Åström & Hägglund, Advanced PID Control, 2006).",
    parameters: &[
        Parameter { name: "on", default: "utilisation", summary: "what is measured: `utilisation` or `latency`" },
        Parameter {
            name: "target",
            default: "60 %",
            summary: "utilisation, or share of the promised latency, that is aimed at",
        },
        Parameter { name: "kp", default: "0.4", summary: "gain of a change of the error" },
        Parameter { name: "ki", default: "0.3", summary: "gain of the error, per minute" },
        Parameter { name: "kd", default: "0", summary: "gain of a change of the change, in minutes" },
        Parameter { name: "tolerance", default: "10 %", summary: "error within which nothing is moved" },
        Parameter { name: "stale", default: "2 min", summary: "age from which on a sample is not believed any more" },
    ],
    partner: "spread",
    build: |parameters| Ok(ServiceByService::boxed(Pid::read(parameters)?)),
};

/// Gains and target.
#[derive(Debug, Clone)]
struct Pid {
    on_latency: bool,
    target: f64,
    gains: Gains,
    tolerance: f64,
    stale: Span,
}

/// Per minute where time is in them.
#[derive(Debug, Clone, Copy)]
struct Gains {
    proportional: f64,
    integral: f64,
    derivative: f64,
}

/// The controller's state.
#[derive(Debug, Clone, Default)]
struct Memory {
    /// What it wants, as a real number; absent before the first decision.
    wanted: Option<f64>,
    /// The last two errors, the newer one first, and when it was.
    errors: Option<(f64, f64, Time)>,
}

impl Memory {
    /// One step at `now`, between `least` and `most`.
    fn step(&mut self, gains: Gains, (error, now): (f64, Time), (start, least, most): (f64, f64, f64)) -> f64 {
        let (last, before, minutes) = match self.errors {
            Some((last, before, at)) => (last, before, now.since(at).as_seconds_f64() / 60.0),
            None => (error, error, 0.0),
        };
        let curved = if minutes > 0.0 { (error - 2.0 * last + before) / minutes } else { 0.0 };
        let share = gains.proportional * (error - last) + gains.integral * error * minutes + gains.derivative * curved;
        // A share of −1 or less would leave nothing to multiply with, for ever.
        let wanted = (self.wanted.unwrap_or(start) * (1.0 + share).max(0.1)).clamp(least, most);
        self.wanted = Some(wanted);
        self.errors = Some((error, last, now));
        wanted
    }
}

impl Pid {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let on: String = parameters.get("on")?;
        if !["utilisation", "latency"].contains(&on.as_str()) {
            return Err(parameters.invalid("on", format!("`{on}` is neither `utilisation` nor `latency`")));
        }
        let gain = |name| parameters.ratio(name, 0.0, 100.0).map(Ratio::as_f64);
        let gains = Gains { proportional: gain("kp")?, integral: gain("ki")?, derivative: gain("kd")? };
        Ok(Self {
            on_latency: on == "latency",
            target: parameters.ratio("target", 0.01, 10.0)?.as_f64(),
            gains,
            tolerance: parameters.ratio("tolerance", 0.0, 1.0)?.as_f64(),
            stale: parameters.span("stale")?,
        })
    }

    /// What is compared with the target.
    fn measured(&self, sight: &Sight<'_>) -> Result<f64, Choice> {
        if let Some(slo) = sight.declared().slo.filter(|_| self.on_latency) {
            return Ok(sight.latency(self.stale)?.as_seconds_f64() / slo.latency.as_seconds_f64().max(1e-9));
        }
        Ok(sight.utilisation(self.stale)?.0)
    }
}

impl Rule for Pid {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        Memory::default()
    }

    fn least(&self) -> u32 {
        1
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        let measured = match self.measured(sight) {
            Ok(measured) => measured,
            Err(held) => return held,
        };
        let error = measured / self.target - 1.0;
        let (is_close, error) = if error.abs() <= self.tolerance { (true, 0.0) } else { (false, error) };
        let declared = sight.declared();
        let most = f64::from(declared.replicas_max.max(1));
        let least = f64::from(declared.replicas_min.max(1)).min(most);
        let wanted = memory.step(self.gains, (error, sight.now()), (sight.last.into(), least, most));
        let replicas = whole(wanted);
        let rule =
            if is_close { "within the tolerance of the target" } else { "proportional, integral and derivative parts" };
        let figures = [("measured", measured), ("error", error), ("wanted", wanted), ("replicas", replicas.into())];
        (replicas, Why::new(rule, &figures))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "powers of two come out exactly")]
mod tests {
    use super::{Gains, Memory};
    use crate::units::{Span, Time};

    fn series(gains: Gains, start: f64, bounds: (f64, f64), errors: &[f64]) -> Vec<f64> {
        let mut memory = Memory::default();
        let at = |minute: usize| Time(Span::seconds(60 * minute as u64).0);
        let step =
            |(minute, error): (usize, &f64)| memory.step(gains, (*error, at(minute)), (start, bounds.0, bounds.1));
        errors.iter().enumerate().map(step).collect()
    }

    /// Steps of a minute. The first has no Δt: 10. Then Kp·(0.5 − 0.2) + Ki·0.5 = 0.12 + 0.15: 10·1.27 = 12.7. Then
    /// Kp·(−0.1 − 0.5) + Ki·(−0.1) = −0.24 − 0.03: 12.7·0.73 = 9.271.
    #[test]
    fn the_velocity_form_by_hand() {
        let gains = Gains { proportional: 0.4, integral: 0.3, derivative: 0.0 };
        let found = series(gains, 10.0, (1.0, 100.0), &[0.2, 0.5, -0.1]);
        for (mine, by_hand) in found.iter().zip([10.0, 12.7, 9.271]) {
            assert!((mine - by_hand).abs() < 1e-9, "{found:?}");
        }
    }

    /// Kd: e = 0, 0, 1, 1 has second differences 0, 1, −1: 10, 10, 10·1.5, 15·0.5.
    #[test]
    fn the_derivative_part_answers_a_change_of_the_change() {
        let gains = Gains { proportional: 0.0, integral: 0.0, derivative: 0.5 };
        assert_eq!(series(gains, 10.0, (1.0, 100.0), &[0.0, 0.0, 1.0, 1.0]), [10.0, 10.0, 15.0, 7.5]);
    }

    /// Ki·Δt = 1 alone multiplies by measured/target.
    #[test]
    fn with_the_integral_part_alone_it_is_target_tracking() {
        let gains = Gains { proportional: 0.0, integral: 1.0, derivative: 0.0 };
        assert_eq!(series(gains, 4.0, (1.0, 100.0), &[0.0, 1.0, -0.5]), [4.0, 8.0, 4.0]);
    }

    /// An hour at the maximum with an error of 100 %, then −20 %: the first step leaves the maximum.
    #[test]
    fn an_hour_at_the_maximum_winds_nothing_up() {
        let gains = Gains { proportional: 0.4, integral: 0.3, derivative: 0.0 };
        let mut errors = vec![1.0; 60];
        errors.push(-0.2);
        let found = series(gains, 10.0, (1.0, 20.0), &errors);
        assert_eq!(found[59], 20.0);
        // 20 · (1 − 0.4·1.2 − 0.3·0.2) = 20 · 0.46
        assert!((found[60] - 9.2).abs() < 1e-9, "{}", found[60]);
    }
}
