//! KEDA: from nothing to one replica and back by itself, beyond one by the Kubernetes autoscaler.
//!
//! A `ScaledObject` with two triggers: the rate of requests (as the Prometheus scaler would measure it) and, if asked for, a
//! daily cron. Every `polling` KEDA looks whether a trigger is active and moves replicas between none and one
//! (`scaled_object`); from one on, the HPA module of this crate decides on external metrics with an average value. Where the
//! rate cannot be read, the HPA gets the fallback's metric after `failures` failures, or none at all.

mod scaled_object;

pub use scaled_object::{Activity, Behavior, Fallback, ScaledObject, Status};

use super::each::{Choice, Rule, ServiceByService, Sight};
use super::hpa::{self, Decision, Flags, Metric, Milli, Observed, Reading, Source, Spec};
use super::threshold::number_or;
use super::wish::bounded;
use super::{Entry, Parameter, ParameterError, Parameters};
use crate::model::{Capacity, Phase, Service, ServiceId, Why};
use crate::units::{NANOS_PER_SECOND, Rate, Ratio, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "keda",
    summary: "KEDA on the rate of requests: to nothing and back, a daily cron, fallback; the HPA beyond one replica",
    about: "0 → 1 at a poll where rate > activation or the cron is on; 1 → 0 when no trigger was active for `cooldown`; from 1 on the \
        HPA with AverageValue: ⌈rate ÷ threshold⌉, the cron's replicas as a second metric, the larger counts. After more than \
        `failures` failed readings the metric is threshold × the fallback's replicas. Source: KEDA 2.21 (ScaledObject spec; \
        scale_scaledobjects.go, fallback.go).",
    parameters: &[
        Parameter {
            name: "threshold",
            default: "capacity",
            summary: "requests per second and replica, or `capacity`: 70 % of a replica's",
        },
        Parameter { name: "activation", default: "0 /s", summary: "rate above which the trigger is active" },
        Parameter { name: "polling", default: "30 s", summary: "from one look at the triggers to the next" },
        Parameter {
            name: "cooldown",
            default: "300 s",
            summary: "time without an active trigger before the last replica goes",
        },
        Parameter { name: "initial_cooldown", default: "0 s", summary: "the same before any trigger was active" },
        Parameter { name: "min", default: "service", summary: "fewest replicas, or what the `service` allows" },
        Parameter { name: "max", default: "service", summary: "most replicas, or what the `service` allows" },
        Parameter {
            name: "idle",
            default: "none",
            summary: "`0`: to nothing when idle, whatever `min` says; or `none`",
        },
        Parameter { name: "fallback", default: "none", summary: "replicas when the rate cannot be read, or `none`" },
        Parameter { name: "failures", default: "3", summary: "failed readings in a row that are put up with" },
        Parameter {
            name: "fallback_behavior",
            default: "static",
            summary: "`static`, `currentReplicas`, `currentReplicasIfHigher` or `currentReplicasIfLower`",
        },
        Parameter { name: "cron_replicas", default: "0", summary: "replicas while the cron is on; 0 for no cron" },
        Parameter { name: "cron_start", default: "08:00", summary: "time of the day from which on the cron is on" },
        Parameter { name: "cron_end", default: "18:00", summary: "time of the day up to which it is" },
        Parameter { name: "window", default: "300 s", summary: "the HPA's stabilisation window downwards" },
        Parameter { name: "sync", default: "15 s", summary: "shortest time between two decisions of the HPA" },
        Parameter { name: "stale", default: "2 min", summary: "age from which on a rate counts as not read" },
    ],
    partner: "spread",
    build: |parameters| Ok(ServiceByService::boxed(Keda::read(parameters)?)),
};

/// One `ScaledObject` for each service.
#[derive(Debug, Clone)]
struct Keda {
    threshold: Option<Rate>,
    activation: Rate,
    polling: Span,
    cooldown: Span,
    initial_cooldown: Span,
    min: Option<u32>,
    max: Option<u32>,
    is_idle: bool,
    fallback: Option<Fallback>,
    cron: Option<Cron>,
    window: Span,
    sync: Span,
    stale: Span,
}

/// Replicas for a part of every day.
#[derive(Debug, Clone, Copy)]
struct Cron {
    replicas: u32,
    start: Span,
    end: Span,
}

impl Cron {
    /// Whether `now` lies within: from the start on, before the end; over midnight where the end comes first.
    fn is_on(self, now: Time) -> bool {
        let of_day = Span(now.0 % DAY.0);
        if self.start <= self.end {
            self.start <= of_day && of_day < self.end
        } else {
            self.start <= of_day || of_day < self.end
        }
    }
}

const DAY: Span = Span::seconds(86_400);
/// Share of a replica's capacity that a threshold by `capacity` aims at.
const SHARE: Ratio = Ratio(700_000);

/// What is kept of one `ScaledObject`.
#[derive(Debug, Clone)]
struct Memory {
    status: Status,
    autoscaler: hpa::State,
    spec: Option<Spec>,
    polled: Option<Time>,
    synced: Option<Time>,
    failures: u32,
}

impl Keda {
    fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let threshold: String = parameters.get("threshold")?;
        let threshold = if threshold == "capacity" { None } else { Some(parameters.rate("threshold")?) };
        if threshold.is_some_and(|threshold| threshold < Rate(1_000)) {
            return Err(parameters.invalid("threshold", "it has to be at least 0.001 /s".to_owned()));
        }
        let idle: String = parameters.get("idle")?;
        if !["none", "0"].contains(&idle.as_str()) {
            return Err(parameters
                .invalid("idle", format!("`{idle}` is neither `0`, the only number that KEDA takes, nor `none`")));
        }
        Ok(Self {
            threshold,
            activation: parameters.rate("activation")?,
            polling: parameters.span("polling")?,
            cooldown: parameters.span("cooldown")?,
            initial_cooldown: parameters.span("initial_cooldown")?,
            min: number_or(parameters, "min", "service")?,
            max: number_or(parameters, "max", "service")?,
            is_idle: idle == "0",
            fallback: read_fallback(parameters)?,
            cron: read_cron(parameters)?,
            window: parameters.span("window")?,
            sync: parameters.span("sync")?,
            stale: parameters.span("stale")?,
        })
    }

    /// Requests per second and replica that are aimed at.
    fn threshold(&self, service: &Service) -> Milli {
        let of_capacity = || match service.capacity.default {
            Capacity::Linear { alpha, .. } => Rate::from_per_second(alpha.max(0.1)).scaled(SHARE),
            Capacity::Usl { gamma, .. } => Rate::from_per_second(gamma.max(0.1)).scaled(SHARE),
        };
        milli(self.threshold.unwrap_or_else(of_capacity))
    }

    fn scaled_object(&self, service: &Service) -> ScaledObject {
        let max = bounded(service, self.max.unwrap_or(u32::MAX)).max(1);
        ScaledObject {
            min: bounded(service, self.min.unwrap_or(0)).min(max),
            idle: self.is_idle.then_some(0),
            cooldown: self.cooldown,
            initial_cooldown: self.initial_cooldown,
            fallback: self.fallback,
        }
    }

    /// The autoscaler that KEDA makes for a service.
    fn spec(&self, service: &Service) -> Spec {
        let max = bounded(service, self.max.unwrap_or(u32::MAX)).max(1);
        let per_replica = |target| Metric::ValuePerReplica { source: Source::External, target };
        let mut metrics = vec![per_replica(self.threshold(service))];
        metrics.extend(self.cron.map(|_| per_replica(Milli(1_000))));
        let flags = Flags { downscale_stabilization: self.window, ..Flags::default() };
        Spec { min: self.scaled_object(service).min.max(1), max, metrics, behavior: None, flags }
    }

    /// What the autoscaler is told of the rate: as it is, as the fallback has it, or that it could not be read.
    fn reading(&self, memory: &mut Memory, (current, rate): (u32, Option<Rate>), target: Milli) -> Reading<'static> {
        if let Some(rate) = rate {
            memory.failures = 0;
            return Reading::Value(milli(rate));
        }
        memory.failures = memory.failures.saturating_add(1);
        match self.fallback.filter(|fallback| memory.failures > fallback.failures) {
            Some(fallback) => Reading::Value(Milli(target.0.saturating_mul(fallback.replicas(current).into()))),
            None => Reading::Failed,
        }
    }

    /// One sync of the autoscaler.
    fn reconcile(&self, sight: &Sight<'_>, memory: &mut Memory, (current, rate): (u32, Option<Rate>)) -> Decision {
        let spec = memory.spec.take().unwrap_or_else(|| self.spec(sight.declared()));
        let Metric::ValuePerReplica { target, .. } = spec.metrics[0] else {
            unreachable!("the first metric is the rate")
        };
        let of_rate = self.reading(memory, (current, rate), target);
        // Outside of its time the cron scaler says one.
        let of_cron = self.cron.map_or(1, |cron| if cron.is_on(sight.now()) { cron.replicas } else { 1 });
        let readings = [of_rate, Reading::Value(Milli(i64::from(of_cron) * 1_000))];
        let groups = sight.view().replicas.iter().filter(|group| group.phase != Phase::Draining);
        let observed = Observed {
            at: sight.now(),
            spec_replicas: current,
            status_replicas: groups.map(|group| group.count).sum(),
            pods: &[],
            readings: &readings[..spec.metrics.len()],
        };
        let decision = hpa::reconcile(&spec, &observed, &mut memory.autoscaler);
        memory.spec = Some(spec);
        decision
    }
}

impl Rule for Keda {
    type Memory = Memory;

    fn memory(&self, _: ServiceId) -> Memory {
        Memory {
            status: Status::default(),
            autoscaler: hpa::State::default(),
            spec: None,
            polled: None,
            synced: None,
            failures: 0,
        }
    }

    fn decide(&self, sight: &Sight<'_>, memory: &mut Memory) -> Choice {
        let now = sight.now();
        let seen = sight.rate(self.stale);
        let rate = seen.as_ref().ok().map(|(rate, _)| *rate);
        let is_due = |last: Option<Time>, every: Span| last.is_none_or(|last| now.since(last) >= every);
        let (mut current, mut rule) = (sight.last, "between two looks");
        if is_due(memory.polled, self.polling) {
            memory.polled = Some(now);
            let is_on = self.cron.is_some_and(|cron| cron.is_on(now));
            let is_active = is_on || rate.is_some_and(|rate| rate > self.activation);
            let activity = Activity { is_active, is_error: rate.is_none() };
            (current, rule) =
                self.scaled_object(sight.declared()).request_scale(&mut memory.status, now, (current, activity));
        }
        if current > 0 && is_due(memory.synced, self.sync) {
            memory.synced = Some(now);
            let decision = self.reconcile(sight, memory, (current, rate));
            rule = explain(&decision, rule, rate.is_none());
            current = decision.rescale.unwrap_or(current);
        }
        let figures = rate.map_or(("failures", memory.failures.into()), |rate| ("rate_per_s", rate.per_second()));
        (current, Why::new(rule, &[figures, ("before", sight.last.into()), ("replicas", current.into())]))
    }
}

/// What the autoscaler's decision came to; `before` stands where it changed nothing.
fn explain(decision: &Decision, before: &'static str, is_blind: bool) -> &'static str {
    match (decision.proposed, decision.stabilised) {
        _ if is_blind && decision.error.is_some() => "hold: the rate cannot be read, and no fallback is in force",
        _ if is_blind => "the rate cannot be read: the fallback's metric",
        (Some(proposed), Some(stabilised)) if stabilised != proposed => {
            "not yet down: more was proposed within the window"
        }
        _ if decision.rescale.is_some() => "metric over threshold, rounded up",
        _ => before,
    }
}

/// Thousandths of a request per second.
fn milli(rate: Rate) -> Milli {
    Milli(i64::try_from(rate.0 / 1_000).unwrap_or(i64::MAX))
}

fn read_fallback(parameters: &Parameters) -> Result<Option<Fallback>, ParameterError> {
    let behavior: Behavior = parameters.get("fallback_behavior")?;
    let failures: u32 = parameters.get("failures")?;
    let replicas = number_or(parameters, "fallback", "none")?;
    Ok(replicas.map(|replicas| Fallback { replicas, failures, behavior }))
}

fn read_cron(parameters: &Parameters) -> Result<Option<Cron>, ParameterError> {
    let time = |name| {
        let time: Time = parameters.get(name)?;
        if time.0 <= 24 * 3_600 * NANOS_PER_SECOND {
            Ok(Span(time.0))
        } else {
            Err(parameters.invalid(name, format!("{time} is no time of a day")))
        }
    };
    let (start, end) = (time("cron_start")?, time("cron_end")?);
    let replicas: u32 = parameters.get("cron_replicas")?;
    if replicas > 0 && start == end {
        return Err(parameters.invalid("cron_end", "it is the same as `cron_start`".to_owned()));
    }
    Ok((replicas > 0).then_some(Cron { replicas, start, end }))
}

#[cfg(test)]
mod tests {
    use super::{Cron, Span, Time};

    #[test]
    fn a_cron_is_on_from_its_start_until_before_its_end_every_day() {
        let hour = |hour: u64| Span::seconds(3_600 * hour);
        let on = |start, end, at: u64| Cron { replicas: 1, start: hour(start), end: hour(end) }.is_on(Time(hour(at).0));
        assert_eq!(
            [on(8, 18, 7), on(8, 18, 8), on(8, 18, 17), on(8, 18, 18), on(8, 18, 24 * 3 + 9)],
            [false, true, true, false, true]
        );
        assert_eq!([on(22, 6, 23), on(22, 6, 5), on(22, 6, 6), on(22, 6, 12)], [true, true, false, false]);
    }
}
