//! The replica calculator: how many replicas one metric proposes.
//!
//! Source: `replica_calculator.go` and `metrics/utilization.go` of Kubernetes 1.35. With the sums Σ over ready pods,
//! n of them, the usage ratio ρ is
//!
//! ```text
//!   Utilization        ρ = ⌊100 · Σusage / Σrequest⌋ / target            (the division before the last one is integer)
//!   AverageValue       ρ = ⌊Σusage / n⌋ / target                         (the same, in thousandths of the unit)
//!   Value              ρ = value / target                                n = serving pods
//!   Value per replica  ρ = value / (target · status.replicas)            proposal ⌈value / target⌉
//! ```
//!
//! A ratio within the tolerance proposes the current replicas, otherwise ⌈ρ·n⌉. Ratios are floats as in the source,
//! because its results depend on their rounding; all sums are integers.

use super::behavior::Tolerances;
use super::controller::{Observed, Reading};
use super::pods::{Class, PodGroup};
use super::spec::{Flags, Metric, Milli, Resource};

/// Why a metric proposes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// The metrics API had no answer; an absent reading is never zero load.
    #[error("the metric could not be read")]
    NotRead,
    /// The reading is of another kind than the metric.
    #[error("the reading does not fit the metric: pod metrics take samples or sums, the others a value")]
    Mismatched,
    /// Nobody to divide by.
    #[error("no pods are selected")]
    NoPods,
    /// None of the pods counts.
    #[error("no pod has a sample that counts; pods may be unready")]
    NoSamples,
    /// A utilisation is relative to a request that a pod does not state.
    #[error("a pod states no request of the resource; state one for every container")]
    RequestMissing,
    /// A utilisation is relative to a request, and all requests are zero.
    #[error("the requests of all pods with samples are zero; state what they need")]
    RequestsZero,
}

/// All that the proposals of one reconcile have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calculator<'a> {
    pub(super) observed: &'a Observed<'a>,
    pub(super) tolerances: Tolerances,
    pub(super) flags: &'a Flags,
    /// Replicas of the members over those of the template; 1 but for a federated workload.
    pub(super) calibration: f64,
}

impl Calculator<'_> {
    /// The replicas that `metric` proposes at `reading`.
    pub(super) fn propose(&self, metric: &Metric, reading: &Reading<'_>) -> Result<i64, MetricError> {
        match (*metric, *reading) {
            (_, Reading::Failed) => Err(MetricError::NotRead),
            (Metric::Utilization { resource, target_percent }, Reading::Samples) => {
                self.by_samples(resource, Measure::Utilization { target_percent: target_percent.into() })
            }
            (Metric::ResourceAverage { resource, target }, Reading::Samples) => {
                self.by_samples(resource, Measure::Average { target: target.0 })
            }
            (Metric::PodsAverage { target }, Reading::Sums(sums)) => {
                self.by_sums(sums, Measure::Average { target: target.0 })
            }
            (Metric::Value { target, .. }, Reading::Value(value)) => self.by_value(value, target),
            (Metric::ValuePerReplica { target, .. }, Reading::Value(value)) => {
                Ok(self.by_value_per_replica(value, target))
            }
            _ => Err(MetricError::Mismatched),
        }
    }

    /// Resource metrics: the group's own sample and request.
    fn by_samples(&self, resource: Resource, measure: Measure) -> Result<i64, MetricError> {
        let mut tally = Tally::default();
        for group in self.observed.pods {
            let class = group.resource_class(resource, self.observed.at, self.flags);
            tally.add(
                measure,
                class,
                Pods { group, usage: group.usage(resource), request: group.request_each(resource) },
            );
        }
        self.by_pods(&tally, measure)
    }

    /// `Pods` metrics: one sum for each group, absent where its pods have no value.
    fn by_sums(&self, sums: &[Option<Milli>], measure: Measure) -> Result<i64, MetricError> {
        let mut tally = Tally::default();
        for (index, group) in self.observed.pods.iter().enumerate() {
            let sum = sums.get(index).copied().flatten();
            tally.add(
                measure,
                group.class(sum.is_some()),
                Pods { group, usage: sum.unwrap_or_default(), request: None },
            );
        }
        self.by_pods(&tally, measure)
    }

    /// `GetResourceReplicas` and `calcPlainMetricReplicas`, which differ in the measure only.
    fn by_pods(&self, tally: &Tally, measure: Measure) -> Result<i64, MetricError> {
        measure.check(tally)?;
        let ratio = measure.ratio(tally.ready);
        if tally.missing.count > 0 || (tally.unready.count > 0 && ratio > 1.0) {
            return Ok(self.by_guesses(tally, measure, ratio));
        }
        Ok(self.unless_within(ratio, || ceil(ratio * tally.ready.count as f64 / self.calibration)))
    }

    /// The ratio of the ready pods is tempered by guesses at the others.
    #[cold]
    fn by_guesses(&self, tally: &Tally, measure: Measure, ratio: f64) -> i64 {
        let mut counted = tally.ready;
        if tally.missing.count > 0 {
            counted = measure.with_missing(counted, tally.missing, ratio);
        }
        if ratio > 1.0 {
            counted = counted.plus(tally.unready.unused());
        }
        self.tempered(ratio, measure.ratio(counted), counted.count)
    }

    /// The proposal at the ratio `after` guesses were added: none that turns the direction of the ratio `before`, or
    /// that goes against its own direction because pods were counted that are not replicas, or the other way round.
    fn tempered(&self, before: f64, after: f64, count: i64) -> i64 {
        let current = i64::from(self.observed.spec_replicas);
        let is_turned = (before < 1.0 && after > 1.0) || (before > 1.0 && after < 1.0);
        if is_turned {
            return current;
        }
        self.unless_within(after, || {
            let proposal = ceil(after * count as f64 / self.calibration);
            let is_contrary = (after < 1.0 && proposal > current) || (after > 1.0 && proposal < current);
            if is_contrary { current } else { proposal }
        })
    }

    /// `getUsageRatioReplicaCount`. From zero replicas the ratio itself is the count.
    fn by_value(&self, value: Milli, target: Milli) -> Result<i64, MetricError> {
        let ratio = value.0 as f64 / target.0 as f64;
        if self.observed.spec_replicas == 0 {
            return Ok(ceil(ratio));
        }
        if self.tolerances.is_within(ratio) {
            return Ok(self.observed.spec_replicas.into());
        }
        let pods = self.observed.pods;
        if pods.iter().all(|group| group.count == 0) {
            return Err(MetricError::NoPods);
        }
        let serving: i64 = pods.iter().filter(|group| group.is_serving()).map(|group| i64::from(group.count)).sum();
        Ok(ceil(ratio * serving as f64 / self.calibration))
    }

    /// `GetExternalPerPodMetricReplicas`, the one that starts from the status: replicas that exist, wanted or not.
    fn by_value_per_replica(&self, value: Milli, target: Milli) -> i64 {
        let replicas = self.observed.status_replicas;
        let ratio = value.0 as f64 / (target.0 as f64 * f64::from(replicas));
        let proposal =
            if self.tolerances.is_within(ratio) { f64::from(replicas) } else { value.0 as f64 / target.0 as f64 };
        ceil(proposal / self.calibration)
    }

    fn unless_within(&self, ratio: f64, proposal: impl FnOnce() -> i64) -> i64 {
        if self.tolerances.is_within(ratio) { self.observed.spec_replicas.into() } else { proposal() }
    }
}

/// Rounds up to a replica count. Beyond `int32` it saturates, as Go does on arm64 (on amd64 it would turn negative).
#[expect(clippy::cast_possible_truncation, reason = "saturation is what is wanted")]
fn ceil(replicas: f64) -> i64 {
    i64::from(replicas.ceil() as i32)
}

/// Sums over pods of one class, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: i64,
    usage: i64,
    request: i64,
}

impl Sums {
    const fn plus(self, others: Self) -> Self {
        Self {
            count: self.count + others.count,
            usage: self.usage.saturating_add(others.usage),
            request: self.request.saturating_add(others.request),
        }
    }

    /// The same pods at no usage at all.
    const fn unused(self) -> Self {
        Self { usage: 0, ..self }
    }
}

/// A group with the figures that a metric takes from it: usage of all its pods, request of each.
#[derive(Debug, Clone, Copy)]
struct Pods<'a> {
    group: &'a PodGroup,
    usage: Milli,
    request: Option<Milli>,
}

/// The pods by class. The usage of missing ones is the guess for a scale-down.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    ready: Sums,
    unready: Sums,
    missing: Sums,
    ignored: Sums,
    lacks_request: bool,
}

impl Tally {
    fn add(&mut self, measure: Measure, class: Class, pods: Pods<'_>) {
        let count = i64::from(pods.group.count);
        self.lacks_request |= pods.request.is_none() && count > 0;
        let request = pods.request.unwrap_or_default().0;
        let sums = Sums { count, usage: pods.usage.0, request: request.saturating_mul(count) };
        if class == Class::Ready {
            self.ready = self.ready.plus(sums);
        } else {
            self.add_uncounted(class, sums, measure.usage_guessed(request));
        }
    }

    /// Apart from the pods that count, because there are none of these most of the time.
    #[cold]
    fn add_uncounted(&mut self, class: Class, sums: Sums, guess: i64) {
        match class {
            Class::Missing => {
                self.missing = self.missing.plus(Sums { usage: sums.count.saturating_mul(guess), ..sums });
            }
            Class::Unready => self.unready = self.unready.plus(sums),
            Class::Ready | Class::Ignored => self.ignored = self.ignored.plus(sums),
        }
    }
}

/// How pods are measured against the target.
#[derive(Debug, Clone, Copy)]
enum Measure {
    /// In percent of their requests.
    Utilization { target_percent: i64 },
    /// In thousandths of the unit, per pod.
    Average { target: i64 },
}

impl Measure {
    /// What a pod without a sample is taken to use when the others call for a scale-down: all of its request, or the
    /// target where that is more; rounded down for each pod.
    fn usage_guessed(self, request: i64) -> i64 {
        match self {
            Self::Utilization { target_percent } => scaled_down(request, target_percent.max(100), 100),
            Self::Average { target } => target,
        }
    }

    /// The ready pods with those added that have no sample. At a ratio of exactly one the source adds nothing for a
    /// utilisation but zeros for an average.
    fn with_missing(self, ready: Sums, missing: Sums, ratio: f64) -> Sums {
        if ratio < 1.0 {
            ready.plus(missing)
        } else if ratio > 1.0 || matches!(self, Self::Average { .. }) {
            ready.plus(missing.unused())
        } else {
            ready
        }
    }

    fn ratio(self, pods: Sums) -> f64 {
        match self {
            Self::Utilization { target_percent } => {
                scaled_down(pods.usage, 100, pods.request) as f64 / target_percent as f64
            }
            Self::Average { target } => (pods.usage / pods.count) as f64 / target as f64,
        }
    }

    /// Refuses what [`ratio`](Self::ratio) could not divide by.
    fn check(self, tally: &Tally) -> Result<(), MetricError> {
        let is_relative = matches!(self, Self::Utilization { .. });
        if tally.ready.count == 0 {
            let others = tally.unready.count + tally.missing.count + tally.ignored.count;
            return Err(if others == 0 { MetricError::NoPods } else { MetricError::NoSamples });
        }
        match is_relative {
            true if tally.lacks_request => Err(MetricError::RequestMissing),
            true if tally.ready.request == 0 => Err(MetricError::RequestsZero),
            _ => Ok(()),
        }
    }
}

/// ⌊amount · factor / divisor⌋ without overflow between; almost always in 64 bits.
#[expect(clippy::cast_possible_truncation, reason = "a utilisation beyond 2^63 percent does not occur")]
const fn scaled_down(amount: i64, factor: i64, divisor: i64) -> i64 {
    match amount.checked_mul(factor) {
        Some(product) => product / divisor,
        None => (amount as i128 * factor as i128 / divisor as i128) as i64,
    }
}
