//! What is learnt of one service: what a snapshot shows of it, and what is to be believed of it.

use super::past::{Begin, Believed, Lesson, Stance};
use crate::capacity::online::{Online, Sample};
use crate::capacity::predict::scaled;
use crate::capacity::saturation::STRAINED;
use crate::capacity::{Fitted, IdentifiedBy, Options, Outcome};
use crate::model::scenario::{Known, Learn};
use crate::model::{Capacity, CapacityByClass, Phase, ServiceId, Snapshot};
use crate::seed::Seed;
use crate::units::{Rate, Span, Time};
use std::collections::VecDeque;

/// Relative change of one replica's capacity below which a belief stays as it is.
const CHANGE_MIN: f64 = 0.03;
/// Resamples of each fit: enough for a quantile to plan by, few enough for every decision.
const RESAMPLES: usize = 40;

/// What is learnt of one service.
#[derive(Debug, Clone)]
pub(super) struct Learnt {
    pub(super) online: Online,
    stance: Stance,
    sampled: Time,
    replicas: Recent,
    /// One replica's capacity by the first of the fits that rest on an assumption, and what was believed then.
    assumed: Option<(f64, Capacity)>,
    /// What is believed of the default class, where anything is.
    believed: Option<Capacity>,
}

impl Learnt {
    pub(super) fn new(known: &Known, service: ServiceId, (learn, begin): (Learn, Begin)) -> Self {
        let declared = &known.application.services[service];
        let options = Options {
            bucket: learn.every,
            // Replicas are means over time, as rates are: what changed meanwhile is in both.
            settle: Span::ZERO,
            points_min: learn.samples as usize,
            ceiling: learn.ceiling.map(crate::units::Ratio::as_f64),
            capacity_quantile: learn.quantile.as_f64().min(0.49),
            resamples: RESAMPLES,
            seed: Seed(u64::from(service.0)),
            ..Options::default()
        };
        let believed = (begin.stance != Stance::Unknown).then_some(declared.capacity.default);
        let mut online = Online::new(&declared.name, "", options);
        for sample in &begin.samples {
            // Nothing is fitted meanwhile, so that nothing is contradicted: what counts no more was not kept.
            online.push(sample);
        }
        let stance = begin.stance;
        Self { online, stance, sampled: Time::ZERO, replicas: Recent::default(), assumed: None, believed }
    }

    /// Whether nobody knows what a replica serves.
    pub(super) fn is_unknown(&self) -> bool {
        self.stance == Stance::Unknown
    }

    /// Looks at a snapshot; the sample that it completes, where it does.
    pub(super) fn sampled(&mut self, snapshot: &Snapshot, service: ServiceId, learn: Learn) -> Option<Sample> {
        let ready = Ready::of(snapshot, service);
        self.replicas.push((snapshot.at, ready.weighed), learn.every);
        let mut sample = sample(snapshot, service, &ready, (learn, self.sampled))?;
        (sample.replicas, self.sampled) = (self.replicas.take(), sample.at);
        (!is_strained(&sample, learn)).then_some(sample)
    }

    /// Learns from a sample; nothing from one that does not follow the one before.
    pub(super) fn learn(&mut self, sample: Sample, declared: &CapacityByClass, learn: Learn) -> Option<Lesson> {
        let is_alarm = self.online.push(&sample);
        let (since, newest) = self.online.span()?;
        if newest != sample.at {
            return None;
        }
        let (refused, believed) = match self.judged(declared, learn) {
            Ok(believed) => (None, believed),
            Err(refused) => (Some(refused), None),
        };
        let is_settled = refused.is_none() && !self.online.is_unsettled();
        Some(Lesson { sample, since, samples: self.online.len(), is_alarm, is_settled, refused, believed })
    }

    /// What is to be believed from now on, where that is something new; or why there is nothing that could be.
    fn judged(&mut self, declared: &CapacityByClass, learn: Learn) -> Result<Option<Believed>, String> {
        let taken = self.online.len();
        let Some(group) = self.online.current() else {
            return Err(format!("{taken} samples of {} were taken", learn.samples));
        };
        let is_provisional = group.has_note("provisional");
        let fitted = match &group.outcome {
            Outcome::Fitted(fitted) => fitted,
            Outcome::Refused(refusal) => return Err(refusal.reason.clone()),
        };
        let assumption = assumption(fitted);
        let guess = self.believed.filter(|_| self.stance == Stance::Open);
        let law = law(fitted, guess, &mut self.assumed, learn);
        let law = law.filter(|law| self.stance != Stance::Fixed && is_news(law, self.believed));
        let Some(law) = law else { return assumption.map_or(Ok(None), |why| Err(why.to_owned())) };
        self.believed = Some(law);
        if self.stance == Stance::Unknown {
            self.stance = Stance::Learnt;
        }
        let by_class =
            declared.by_class.iter().map(|(class, one)| (class.clone(), weighed(&law, weight(one, declared))));
        let capacity = CapacityByClass { default: law, by_class: by_class.collect() };
        Ok(Some(Believed { capacity, identified_by: fitted.identified_by, is_provisional }))
    }
}

/// Whether more may have arrived than was answered, where nobody counts answers: arrivals are no throughput then.
fn is_strained(sample: &Sample, learn: Learn) -> bool {
    let usable = learn.ceiling.map_or(STRAINED, |share| 0.95 * share.as_f64());
    sample.completed.is_nan() && sample.cpu > usable * sample.cpu_limit * sample.replicas
}

/// What a fit assumes, where it stands on that.
fn assumption(fitted: &Fitted) -> Option<&'static str> {
    match (fitted.identified_by, fitted.levels.len()) {
        (IdentifiedBy::Assumed, 1) => Some("only one count of replicas was seen, which shows no slope"),
        (IdentifiedBy::Assumed, _) => Some("which share of its CPU a replica can use is assumed, and not known"),
        _ => None,
    }
}

/// The law of the default class that a fit tells. One that rests on an assumption tells only by how much a guess has changed since
/// the first that did.
fn law(
    fitted: &Fitted,
    guess: Option<Capacity>,
    assumed: &mut Option<(f64, Capacity)>,
    learn: Learn,
) -> Option<Capacity> {
    if fitted.identified_by != IdentifiedBy::Assumed {
        *assumed = None;
        let is_median = learn.quantile.as_f64() >= 0.5;
        return Some(if is_median { fitted.capacity } else { fitted.capacity_low });
    }
    let now = fitted.per_replica.value;
    let (first, base) = *assumed.get_or_insert((now, guess?));
    let factor = now / first;
    (factor.is_finite() && factor > 0.0).then(|| scaled(&base, factor))
}

/// Whether a law is one, and says another thing than what is believed.
fn is_news(law: &Capacity, believed: Option<Capacity>) -> bool {
    let now = per_replica(law);
    let differs = |before: Capacity| (now / per_replica(&before) - 1.0).abs() >= CHANGE_MIN;
    now.is_finite() && now > 0.0 && believed.is_none_or(differs)
}

const fn per_replica(capacity: &Capacity) -> f64 {
    match *capacity {
        Capacity::Linear { alpha, .. } => alpha,
        Capacity::Usl { gamma, .. } => gamma,
    }
}

/// A replica of this class in replicas of the default one.
fn weight(capacity: &Capacity, declared: &CapacityByClass) -> f64 {
    per_replica(capacity) / per_replica(&declared.default)
}

/// The law for replicas that count so much each.
const fn weighed(law: &Capacity, weight: f64) -> Capacity {
    match *law {
        Capacity::Linear { alpha, beta } => Capacity::Linear { alpha: alpha * weight, beta },
        Capacity::Usl { gamma, sigma, kappa } => Capacity::Usl { gamma: gamma * weight, sigma, kappa },
    }
}

/// Ready replicas over the snapshots since the last sample: rates are means over time, and so must be what they are set against.
///
/// No longer ago than two samples apart, though: where none was taken for an hour, since nothing started or Prometheus was silent,
/// the rate that is seen at last is none of that hour.
#[derive(Debug, Clone, Default)]
struct Recent(VecDeque<(Time, f64)>);

impl Recent {
    fn push(&mut self, (at, replicas): (Time, f64), every: Span) {
        self.0.push_back((at, replicas));
        while self.0.front().is_some_and(|(then, _)| at.since(*then).0 >= every.0.saturating_mul(2)) && self.0.len() > 1
        {
            self.0.pop_front();
        }
    }

    /// Their mean; what comes next is of the next sample.
    fn take(&mut self) -> f64 {
        let taken = std::mem::take(&mut self.0);
        taken.iter().map(|(_, replicas)| replicas).sum::<f64>() / taken.len() as f64
    }
}

/// Ready replicas of a service.
struct Ready {
    /// How many.
    count: u32,
    /// In replicas of the default class.
    weighed: f64,
    /// Whether some are where nobody can look: whatever is measured then, is not known to be of them.
    is_stale: bool,
}

impl Ready {
    fn of(snapshot: &Snapshot, service: ServiceId) -> Self {
        let (view, declared) = (&snapshot.services[service], snapshot.service(service));
        let (mut count, mut weighed, mut is_stale) = (0, 0.0, false);
        for (cluster, known) in snapshot.known.clusters.iter() {
            let here = view.count_in(cluster, Phase::Ready);
            count += here;
            is_stale |= here > 0 && !snapshot.clusters[cluster].reachable;
            let weight = weight(declared.capacity.of(&known.class), &declared.capacity) * known.speed.as_f64();
            weighed += f64::from(here) * weight;
        }
        Self { count, weighed, is_stale }
    }
}

/// What telemetry shows of a service; `None` where it shows nothing new.
fn sample(snapshot: &Snapshot, service: ServiceId, ready: &Ready, (learn, last): (Learn, Time)) -> Option<Sample> {
    let view = &snapshot.services[service];
    let (rate, at) = (view.rate.value?, view.rate.at);
    if ready.is_stale || at <= last || (last > Time::ZERO && at.since(last) < learn.every) {
        return None;
    }
    let declared = snapshot.service(service);
    // A replica that counts for less also has less of the CPU in that unit: the limit is that of the mean replica.
    let mean = if ready.weighed > 0.0 { f64::from(ready.count) / ready.weighed } else { 1.0 };
    // What users see of a service that calls others is not its own latency.
    let is_alone = snapshot.known.application.calls_of(service).next().is_none();
    let latency = view.latency_p95.value.filter(|_| is_alone).map_or(f64::NAN, Span::as_seconds_f64);
    Some(Sample {
        at,
        replicas: ready.weighed,
        offered: rate.per_second(),
        completed: view.served.value.map_or(f64::NAN, Rate::per_second),
        cpu: view.cores_used().unwrap_or(f64::NAN),
        cpu_limit: declared.request.cpu.cores() * mean,
        throttled: f64::NAN,
        errors: f64::NAN,
        waiting: f64::NAN,
        latency,
    })
}

#[cfg(test)]
mod tests {
    use super::Recent;
    use crate::units::{Span, Time};

    /// A sample a minute, a snapshot every 30 s. Nothing is ready for an hour, then there are two replicas: the first sample after
    /// that is of the snapshots of two minutes, (0 + 2 + 2 + 2)/4, not of 121, which would be a twentieth of a replica.
    #[test]
    fn replicas_of_long_before_a_sample_are_not_set_against_its_rate() {
        let (mut recent, every) = (Recent::default(), Span::seconds(60));
        let at = |half_minutes: u64| Time::ZERO + Span::seconds(30 * half_minutes);
        (0..118).for_each(|now| recent.push((at(now), 0.0), every));
        (118..121).for_each(|now| recent.push((at(now), 2.0), every));
        assert!((recent.take() - 1.5).abs() < 1e-9);
        [1.0, 2.0].iter().zip(121..).for_each(|(replicas, now)| recent.push((at(now), *replicas), every));
        assert!((recent.take() - 1.5).abs() < 1e-9, "all since the last sample count");
    }
}
