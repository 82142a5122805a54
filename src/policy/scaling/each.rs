//! Service by service: what policies that decide so have in common.
//!
//! A [`Rule`] says how many replicas one service should have, from what is seen of it and from what the rule remembers of
//! it. The rest is here once: the walk over the services, their bounds, the last wish, and what is done where telemetry is
//! missing or too old. Missing is never zero: the last wish stands, and the reason says so.

use super::wish::{Sighting, Wishes, bounded};
use crate::model::{Phase, Seen, Service, ServiceId, ServiceView, Snapshot, Table, Wanted, Why};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;
use crate::units::{MilliCores, Rate, Span, Time};

/// What is wanted for one service, and why.
pub(super) type Choice = (u32, Why);

/// Decides for one service at a time.
pub(super) trait Rule: Clone + Send + 'static {
    /// What is remembered of a service from one decision to the next.
    type Memory: Clone + Send + 'static;

    /// What is known of a service at first.
    fn memory(&self, service: ServiceId) -> Self::Memory;

    /// How many replicas; the service's bounds are applied by the caller.
    fn decide(&self, sight: &Sight<'_>, memory: &mut Self::Memory) -> Choice;

    /// What the replicas of the last decision are to serve, where that is why there are so many (see [`Wanted::serve`]).
    fn serve(&self, _: &Self::Memory) -> Option<Rate> {
        None
    }

    /// The fewest that it ever wants, within the service's bounds. A rule that looks at what replicas do needs one at
    /// least: without any there is nothing to see, and the service would sleep for ever.
    fn least(&self) -> u32 {
        0
    }

    /// How far ahead the future has to be shown, for a rule that is clairvoyant.
    fn foresight(&self) -> Span {
        Span::ZERO
    }
}

/// A rule for all services.
#[derive(Clone)]
pub(super) struct ServiceByService<R: Rule> {
    rule: R,
    wishes: Wishes,
    memories: Table<ServiceId, R::Memory>,
}

impl<R: Rule> ServiceByService<R> {
    /// A policy that has decided nothing yet.
    pub(super) fn boxed(rule: R) -> Box<dyn Scaling> {
        Box::new(Self { rule, wishes: Wishes::default(), memories: Table::new() })
    }

    fn decide(&mut self, snapshot: &Snapshot, service: ServiceId) -> Choice {
        let declared = snapshot.service(service);
        let least = bounded(declared, self.rule.least());
        let last = self.wishes.last(snapshot, service).max(least);
        let sight = Sight { snapshot, service, last };
        let (replicas, why) = self.rule.decide(&sight, &mut self.memories[service]);
        let replicas = bounded(declared, replicas.max(least));
        self.wishes.set(service, replicas);
        (replicas, why)
    }
}

impl<R: Rule> Scaling for ServiceByService<R> {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        for service in snapshot.services.ids().skip(self.memories.len()) {
            self.memories.push(self.rule.memory(service));
        }
        let (replicas, why): (Vec<_>, Vec<_>) =
            snapshot.known.application.requests().map(|service| self.decide(snapshot, service)).unzip();
        let serve = self.memories.values().map(|memory| self.rule.serve(memory)).collect();
        Ok(Wanted { replicas: replicas.into_iter().collect(), why: why.into_iter().collect(), serve })
    }

    fn foresight(&self) -> Span {
        self.rule.foresight()
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(self.clone())
    }
}

/// One service at one instant.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) service: ServiceId,
    /// What was wanted last, within the bounds.
    pub(super) last: u32,
}

/// What the ready replicas of a service use, where telemetry of them is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Usage {
    /// CPU of all of them.
    pub(super) used: MilliCores,
    /// How many.
    pub(super) replicas: u32,
    /// The oldest of the samples.
    pub(super) at: Time,
}

impl<'a> Sight<'a> {
    pub(super) fn now(&self) -> Time {
        self.snapshot.at
    }

    pub(super) fn declared(&self) -> &'a Service {
        self.snapshot.service(self.service)
    }

    pub(super) fn view(&self) -> &'a ServiceView {
        &self.snapshot.services[self.service]
    }

    /// Replicas that serve at present.
    pub(super) fn ready(&self) -> u32 {
        self.view().count(Phase::Ready)
    }

    /// The last wish stands.
    pub(super) fn hold(&self, rule: &'static str, age: Span) -> Choice {
        (self.last, held(rule, age))
    }

    /// The rate and when it was true, or the last wish where it is not seen or older than `stale`.
    pub(super) fn rate(&self, stale: Span) -> Result<(Rate, Time), Choice> {
        let seen = self.view().rate;
        match Sighting::of(seen, self.now(), stale) {
            Sighting::Fresh(rate) => Ok((rate, seen.at)),
            Sighting::Old(age) => Err(self.hold("hold: the rate that was seen is too old", age)),
            Sighting::Missing(age) => Err(self.hold("hold: no rate is seen", age)),
        }
    }

    /// The 95th percentile of the latency, in the same manner; users' entries have one, services behind them do not.
    pub(super) fn latency(&self, stale: Span) -> Result<Span, Choice> {
        match Sighting::of(self.view().latency_p95, self.now(), stale) {
            Sighting::Fresh(latency) => Ok(latency),
            Sighting::Old(age) => Err(self.hold("hold: the latency that was seen is too old", age)),
            Sighting::Missing(age) => Err(self.hold("hold: no latency is seen", age)),
        }
    }

    /// CPU of the ready replicas in those clusters of which it is seen and not older than `stale`.
    pub(super) fn usage(&self, stale: Span) -> Result<Usage, Choice> {
        let view = self.view();
        let mut usage = Usage { used: MilliCores::ZERO, replicas: 0, at: self.now() };
        let mut oldest = Span::ZERO;
        for (cluster, seen) in &view.cpu_used {
            match Sighting::of(*seen, self.now(), stale) {
                Sighting::Fresh(used) => {
                    usage.used += used;
                    usage.replicas += view.count_in(*cluster, Phase::Ready);
                    usage.at = usage.at.min(seen.at);
                }
                Sighting::Old(age) | Sighting::Missing(age) => oldest = oldest.max(age),
            }
        }
        if usage.replicas > 0 {
            return Ok(usage);
        }
        let never = Seen::<u32>::NEVER.age(self.now());
        let age = if view.cpu_used.is_empty() { never } else { oldest };
        Err(self.hold("hold: no CPU sample can be used", age))
    }

    /// CPU that ready replicas use over what they ask for, with the sample's time.
    pub(super) fn utilisation(&self, stale: Span) -> Result<(f64, Usage), Choice> {
        let usage = self.usage(stale)?;
        let asked = self.declared().request.cpu.repeated(usage.replicas.into());
        if asked == MilliCores::ZERO {
            return Err(self.hold("hold: the service states no CPU request to measure against", Span::ZERO));
        }
        Ok((usage.used.cores() / asked.cores(), usage))
    }
}

/// Why the last wish stands: telemetry is missing or too old.
pub(super) fn held(rule: &'static str, age: Span) -> Why {
    Why::new(rule, &[("age_s", age.as_seconds_f64())])
}

/// `replicas` as a whole number, rounded up unless it is within rounding error of the lower one; saturates.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, which is what is wanted")]
pub(super) fn whole(replicas: f64) -> u32 {
    (replicas * (1.0 - 1e-9)).ceil().max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn rounding_up_forgives_what_floats_do() {
        assert_eq!([whole(3.0), whole(0.1 + 0.2), whole(3.0 + 4e-16), whole(3.001), whole(0.0)], [3, 1, 3, 4, 0]);
        assert_eq!([whole(-1.0), whole(f64::NAN), whole(f64::INFINITY), whole(1e12)], [0, 0, u32::MAX, u32::MAX]);
    }
}
