//! Capacities that are learnt while a run goes on: a backend around a backend.
//!
//! Every snapshot that is due is first shown to the online estimators, then handed on with what they believe in the place of
//! what was declared. So every policy learns, in simulation as live, and none knows. What is learnt is telemetry only: rates,
//! CPU and ready replicas as policies see them. An alarm, and another belief, are events like any other, and are recorded.
//!
//! Telemetry has one rate a service over all clusters. So replicas of several classes are counted in those of the default
//! class, weighed by what is declared of their speed; what is learnt is one law in that unit, and given back by the same
//! weights. Where only an assumed ceiling identifies the law, it is not believed; but its change is: the assumption
//! cancels out in a ratio.

use crate::backend::{Backend, BackendError};
use crate::capacity::online::{Online, Sample};
use crate::capacity::predict::scaled;
use crate::capacity::{Fitted, FittedGroup, IdentifiedBy, Options};
use crate::model::observation::{Action, Event, EventKind};
use crate::model::scenario::{Known, Learn};
use crate::model::{Capacity, CapacityByClass, Observation, Phase, Plan, ServiceId, Snapshot};
use crate::seed::Seed;
use crate::units::{MilliCores, Rate, Span, Time};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Relative change of one replica's capacity below which a belief stays as it is.
const CHANGE_MIN: f64 = 0.03;
/// Resamples of each fit: enough for a quantile to plan by, few enough for every decision.
const RESAMPLES: usize = 40;

/// Learns from what the inner backend observes.
#[derive(Debug, Clone)]
pub struct Learning<B> {
    inner: B,
    /// `None`: nothing is learnt.
    learn: Option<Learn>,
    services: BTreeMap<ServiceId, Learnt>,
    /// What is believed now; `None` until something was learnt.
    known: Option<Arc<Known>>,
    ahead: VecDeque<Observation>,
}

/// What is learnt of one service.
#[derive(Debug, Clone)]
struct Learnt {
    online: Online,
    sampled: Time,
    /// Ready replicas over the snapshots since the last sample, and how many these are: rates are means over time, and so must
    /// be what they are set against.
    replicas: (f64, u32),
    /// One replica's capacity by the first fit that rests on an assumed ceiling.
    assumed: Option<f64>,
    /// What is believed of one replica of the default class.
    believed: f64,
}

impl<B> Learning<B> {
    /// Around a backend; without `learn` it hands on what the backend observes.
    pub const fn around(inner: B, learn: Option<Learn>) -> Self {
        Self { inner, learn, services: BTreeMap::new(), known: None, ahead: VecDeque::new() }
    }

    /// The backend inside.
    pub const fn inner_mut(&mut self) -> &mut B {
        &mut self.inner
    }

    /// The services and when alarms were raised.
    pub fn alarms(&self) -> impl Iterator<Item = (ServiceId, &[Time])> {
        self.services.iter().map(|(service, learnt)| (*service, learnt.online.alarms()))
    }
}

impl<B: Backend> Backend for Learning<B> {
    fn observe(&mut self) -> Result<Observation, BackendError> {
        if let Some(next) = self.ahead.pop_front() {
            return Ok(next);
        }
        match (self.inner.observe()?, self.learn) {
            (Observation::Due(mut snapshot), Some(learn)) => {
                self.look(&mut snapshot, learn);
                self.ahead.push_back(Observation::Due(snapshot));
                Ok(self.ahead.pop_front().expect("it was just put there"))
            }
            (other, _) => Ok(other),
        }
    }

    fn apply(&mut self, plan: &Plan) -> Result<Vec<Action>, BackendError> {
        self.inner.apply(plan)
    }

    fn foresee(&mut self, span: Span) {
        self.inner.foresee(span);
    }
}

impl<B> Learning<B> {
    /// Shows a snapshot to the estimators, and replaces what it says of capacities by what is believed.
    fn look(&mut self, snapshot: &mut Snapshot, learn: Learn) {
        let declared = Arc::clone(&snapshot.known);
        for service in declared.application.requests() {
            let fresh = || Learnt::new(&declared, service, learn);
            let learnt = self.services.entry(service).or_insert_with(fresh);
            let ready = Ready::of(snapshot, service);
            learnt.replicas = (learnt.replicas.0 + ready.weighed, learnt.replicas.1 + 1);
            let Some(mut sample) = sample(snapshot, service, &ready, (learn, learnt.sampled)) else { continue };
            let (sum, count) = std::mem::take(&mut learnt.replicas);
            (sample.replicas, learnt.sampled) = (sum / f64::from(count), sample.at);
            let name = &declared.application.services[service].name;
            let event = |kind| Observation::Event(Event { at: snapshot.at, kind, subject: name.clone() });
            if learnt.online.push(&sample) {
                self.ahead.push_back(event(EventKind::CapacityDrifted));
            }
            let capacity = &declared.application.services[service].capacity;
            let Some(believed) = learnt.believe(capacity, learn) else { continue };
            self.ahead.push_back(event(EventKind::CapacityLearnt));
            let known = self.known.get_or_insert_with(|| Arc::clone(&declared));
            Arc::make_mut(known).application.services[service].capacity = believed;
        }
        if let Some(known) = &self.known {
            snapshot.known = Arc::clone(known);
        }
    }
}

impl Learnt {
    fn new(known: &Known, service: ServiceId, learn: Learn) -> Self {
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
        let believed = per_replica(&declared.capacity.default);
        Self {
            online: Online::new(&declared.name, "", options),
            sampled: Time::ZERO,
            replicas: (0.0, 0),
            assumed: None,
            believed,
        }
    }

    /// What is to be believed from now on; `None` where nothing is known, or nothing new.
    fn believe(&mut self, declared: &CapacityByClass, learn: Learn) -> Option<CapacityByClass> {
        let fitted = self.online.current().and_then(FittedGroup::fitted)?;
        let law = law(fitted, declared, &mut self.assumed, learn)?;
        let now = per_replica(&law);
        if !now.is_finite() || now <= 0.0 || (now / self.believed - 1.0).abs() < CHANGE_MIN {
            return None;
        }
        self.believed = now;
        let by_class =
            declared.by_class.iter().map(|(class, one)| (class.clone(), weighed(&law, weight(one, declared))));
        Some(CapacityByClass { default: law, by_class: by_class.collect() })
    }
}

/// The law of the default class that a fit tells.
fn law(fitted: &Fitted, declared: &CapacityByClass, assumed: &mut Option<f64>, learn: Learn) -> Option<Capacity> {
    let is_median = learn.quantile.as_f64() >= 0.5;
    if fitted.identified_by != IdentifiedBy::Assumed {
        return Some(if is_median { fitted.capacity } else { fitted.capacity_low });
    }
    let now = fitted.per_replica.value;
    let first = *assumed.get_or_insert(now);
    let factor = now / first;
    (factor.is_finite() && factor > 0.0).then(|| scaled(&declared.default, factor))
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

/// Ready replicas of a service.
struct Ready {
    /// How many.
    count: u32,
    /// In replicas of the default class.
    weighed: f64,
}

impl Ready {
    fn of(snapshot: &Snapshot, service: ServiceId) -> Self {
        let (view, declared) = (&snapshot.services[service], snapshot.service(service));
        let (mut count, mut weighed) = (0, 0.0);
        for (cluster, known) in snapshot.known.clusters.iter() {
            let here = view.count_in(cluster, Phase::Ready);
            count += here;
            let weight = weight(declared.capacity.of(&known.class), &declared.capacity) * known.speed.as_f64();
            weighed += f64::from(here) * weight;
        }
        Self { count, weighed }
    }
}

/// What telemetry shows of a service; `None` where it shows nothing new.
fn sample(snapshot: &Snapshot, service: ServiceId, ready: &Ready, (learn, last): (Learn, Time)) -> Option<Sample> {
    let view = &snapshot.services[service];
    let (rate, at) = (view.rate.value?, view.rate.at);
    if at <= last || (last > Time::ZERO && at.since(last) < learn.every) {
        return None;
    }
    let declared = snapshot.service(service);
    let seen: Vec<Option<f64>> = view.cpu_used.iter().map(|(_, cpu)| cpu.value.map(MilliCores::cores)).collect();
    let cpu = if seen.is_empty() || seen.iter().any(Option::is_none) { f64::NAN } else { seen.iter().flatten().sum() };
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
        cpu,
        cpu_limit: declared.request.cpu.cores() * mean,
        throttled: f64::NAN,
        errors: f64::NAN,
        waiting: f64::NAN,
        latency,
    })
}
