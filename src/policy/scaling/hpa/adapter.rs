//! The autoscaler as a scaling policy: one a service, over the pods of all its clusters.
//!
//! That is what Karmada's `FederatedHPA` does: it runs the same algorithm on the pods of all member clusters together, as if
//! they shared the load equally, and leaves the division to the scheduler (here: the placement). What it does besides is the
//! calibration ([`federated`](Hpa::federated)). The metrics are CPU utilisation, the one that Kubernetes uses when none is
//! named, requests per replica (a `Pods` metric) and requests of the service (`External`); memory is not among them, since
//! no telemetry here tells of it.
//!
//! What a snapshot says is translated so:
//! - ready replicas run and are ready since they became so; each has its cluster's CPU use divided by the ready replicas there;
//! - starting ones are `Pending` to the controller, though it may have samples of some: of containers that start there is no telemetry;
//! - pending ones are `Pending`, draining ones are being deleted and do not count;
//! - requests are shared alike by the ready replicas;
//! - telemetry that is missing or too old is a missing sample, or a metric that failed, and without any nothing is changed.
//!
//! The replicas that the controller finds in `spec.replicas` are those it wrote there last, whatever the placement made of
//! them. It is asked at each decision but decides at most once every `sync`; if decisions are further apart, so are syncs.

use super::spec::{Behavior, Flags, Metric, Milli, Spec};
use super::written::{self, milli};
use super::{
    Decision, MetricError, Observed, Phase, PodGroup, Readiness, Reading, Request, Sample, State, reconcile_calibrated,
};
use crate::model::id::Id;
use crate::model::{self, ServiceId, Snapshot, Table, Wanted, Why};
use crate::policy::scaling::threshold::number_or;
use crate::policy::scaling::wish::{Sighting, Wishes, bounded};
use crate::policy::scaling::{Entry, Parameter, ParameterError, Parameters};
use crate::policy::{PolicyError, Scaling};
use crate::seed::Stream;
use crate::units::{MilliCores, Span, Time};

/// Registers this policy.
pub const ENTRY: Entry = Entry {
    name: "hpa",
    summary: "the Kubernetes autoscaler (HPA v2) on CPU or requests, one a service over all its clusters",
    about: "U = ⌊100·Σ usage ÷ Σ request⌋ over ready pods, ratio = U ÷ target; within 10 % nothing changes, else \
        ⌈ratio·pods⌉; requests per replica and of the service (⌈rate ÷ target⌉) likewise, the largest counts; with missing and unready pods assumed conservatively, stabilisation over `window` and the rate \
        policies of `behavior`. Source: the controller of Kubernetes v1.35 (pkg/controller/podautoscaler); 372 of \
        its recorded decisions are reproduced.",
    parameters: &PARAMETERS,
    partner: "spread",
    build: |parameters| Ok(Box::new(Hpa::read(parameters)?)),
};

/// The knobs of an autoscaler, which those that are built on it share.
pub(in crate::policy::scaling) const PARAMETERS: [Parameter; 20] = [
    Parameter {
        name: "target",
        default: "80 %",
        summary: "CPU use over CPU request that is aimed at, whole percents, or `none`",
    },
    Parameter {
        name: "requests",
        default: "none",
        summary: "requests per second of a replica that are aimed at (`Pods` metric)",
    },
    Parameter {
        name: "external",
        default: "none",
        summary: "requests per second of the service for each replica (`External` metric)",
    },
    Parameter { name: "min", default: "service", summary: "fewest replicas, or what the `service` allows, at least 1" },
    Parameter { name: "max", default: "service", summary: "most replicas, or what the `service` allows" },
    Parameter { name: "window", default: "300 s", summary: "stabilisation window downwards" },
    Parameter { name: "tolerance", default: "10 %", summary: "distance from the target at which nothing is done" },
    Parameter { name: "up", default: "default", summary: "scaleUp policies, like `4/15s|100%/15s`" },
    Parameter { name: "up_select", default: "default", summary: "scaleUp selectPolicy: `Max`, `Min` or `Disabled`" },
    Parameter { name: "up_window", default: "default", summary: "scaleUp stabilisation window" },
    Parameter { name: "up_tolerance", default: "default", summary: "scaleUp tolerance" },
    Parameter { name: "down", default: "default", summary: "scaleDown policies, like `10%/60s`" },
    Parameter {
        name: "down_select",
        default: "default",
        summary: "scaleDown selectPolicy: `Max`, `Min` or `Disabled`",
    },
    Parameter {
        name: "down_window",
        default: "default",
        summary: "scaleDown stabilisation window, instead of `window`",
    },
    Parameter { name: "down_tolerance", default: "default", summary: "scaleDown tolerance" },
    Parameter {
        name: "initialization",
        default: "300 s",
        summary: "time after a start in which CPU samples are distrusted",
    },
    Parameter {
        name: "readiness",
        default: "30 s",
        summary: "time after a start within which unready means never ready",
    },
    Parameter { name: "sync", default: "15 s", summary: "shortest time between two decisions" },
    Parameter { name: "sample", default: "30 s", summary: "time that a CPU sample averages over" },
    Parameter { name: "stale", default: "2 min", summary: "age from which on a sample counts as missing" },
];

/// Autoscalers for all services.
#[derive(Debug, Clone)]
pub struct Hpa {
    metrics: Vec<Metric>,
    behavior: Option<Behavior>,
    min: Option<u32>,
    max: Option<u32>,
    flags: Flags,
    sync: Span,
    sample: Span,
    stale: Span,
    is_federated: bool,
    wishes: Wishes,
    autoscalers: Table<ServiceId, Autoscaler>,
    /// Room for the pods of one service, kept from one decision to the next.
    pods: Vec<PodGroup>,
    /// Requests of each of them, likewise.
    sums: Vec<Option<Milli>>,
}

#[derive(Debug, Clone)]
struct Autoscaler {
    spec: Spec,
    state: State,
    synced_at: Option<Time>,
    why: Why,
}

impl Hpa {
    /// From the parameters that it declares.
    ///
    /// # Errors
    /// One that does not fit.
    pub(in crate::policy::scaling) fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let flags = Flags {
            tolerance: parameters.ratio("tolerance", 0.0, 1.0)?,
            downscale_stabilization: parameters.span("window")?,
            cpu_initialization: parameters.span("initialization")?,
            initial_readiness_delay: parameters.span("readiness")?,
        };
        Ok(Self {
            metrics: written::metrics(parameters)?,
            behavior: written::behavior(parameters)?,
            min: number_or(parameters, "min", "service")?,
            max: number_or(parameters, "max", "service")?,
            flags,
            sync: parameters.span("sync")?,
            sample: parameters.span("sample")?,
            stale: parameters.span("stale")?,
            is_federated: false,
            wishes: Wishes::default(),
            autoscalers: Table::new(),
            pods: Vec::new(),
            sums: Vec::new(),
        })
    }

    /// As a `FederatedHPA`: proposals are divided by what runs in the members over what is wanted.
    #[must_use]
    pub fn federated(mut self) -> Self {
        self.is_federated = true;
        self
    }

    /// Makes the number of replicas of every service this one, as somebody else who writes `spec.replicas` does.
    pub(in crate::policy::scaling) fn overwrite(&mut self, snapshot: &Snapshot, replicas: u32) {
        for service in snapshot.known.application.requests() {
            self.wishes.last(snapshot, service);
            self.wishes.set(service, bounded(snapshot.service(service), replicas));
        }
    }

    /// Changes the range of every autoscaler that follows.
    pub(in crate::policy::scaling) fn set_range(&mut self, snapshot: &Snapshot, (min, max): (u32, u32)) {
        (self.min, self.max) = (Some(min), Some(max));
        for (id, service) in snapshot.known.application.services.iter() {
            if id.index() < self.autoscalers.len() {
                let spec = self.autoscaler(service).spec;
                self.autoscalers[id].spec = spec;
            }
        }
    }

    /// Replicas of the members over those that are wanted; one where nothing runs yet, because there is nothing to divide.
    fn calibration(&self, snapshot: &Snapshot, service: ServiceId, current: u32) -> f64 {
        let members = snapshot.targets.total(service);
        let is_apart = self.is_federated && members > 0 && current > 0;
        if is_apart { f64::from(members) / f64::from(current) } else { 1.0 }
    }

    /// A new autoscaler. Bounds are those of the service, narrowed by the parameters where these lie inside.
    fn autoscaler(&self, service: &model::Service) -> Autoscaler {
        let max = bounded(service, self.max.unwrap_or(u32::MAX)).max(1);
        let min = bounded(service, self.min.unwrap_or(0)).clamp(1, max);
        let (metrics, behavior) = (self.metrics.clone(), self.behavior.clone());
        let spec = Spec { min, max, metrics, behavior, flags: self.flags };
        Autoscaler { spec, state: State::default(), synced_at: None, why: Why::default() }
    }

    fn decide(&mut self, snapshot: &Snapshot, service: ServiceId) -> (u32, Why) {
        let current = self.wishes.last(snapshot, service);
        let last = self.autoscalers[service].synced_at;
        if last.is_some_and(|last| snapshot.at.since(last) < self.sync) {
            return (current, self.autoscalers[service].why);
        }
        self.gather(snapshot, service);
        let status = self.pods.iter().filter(|group| !group.deleting).map(|group| group.count).sum();
        let rate = self.share_out(snapshot, service);
        let of_pods = rate.map_or(Reading::Failed, |_| Reading::Sums(&self.sums));
        let of_all = rate.map_or(Reading::Failed, Reading::Value);
        let mut readings = [Reading::Samples; 3];
        for (reading, metric) in readings.iter_mut().zip(&self.metrics) {
            *reading = match metric {
                Metric::PodsAverage { .. } => of_pods,
                Metric::ValuePerReplica { .. } | Metric::Value { .. } => of_all,
                Metric::Utilization { .. } | Metric::ResourceAverage { .. } => Reading::Samples,
            };
        }
        let observed = Observed {
            at: snapshot.at,
            spec_replicas: current,
            status_replicas: status,
            pods: &self.pods,
            readings: &readings[..self.metrics.len()],
        };
        let calibration = self.calibration(snapshot, service, current);
        let autoscaler = &mut self.autoscalers[service];
        let decision = reconcile_calibrated(&autoscaler.spec, &observed, &mut autoscaler.state, calibration);
        autoscaler.synced_at = Some(snapshot.at);
        autoscaler.why = explain(&decision, &self.pods);
        let replicas = bounded(snapshot.service(service), decision.rescale.unwrap_or(current));
        self.wishes.set(service, replicas);
        (replicas, self.autoscalers[service].why)
    }

    /// The pods of `service` as the controller would list them.
    fn gather(&mut self, snapshot: &Snapshot, service: ServiceId) {
        let view = &snapshot.services[service];
        let asked = snapshot.service(service).request;
        let request = Request { cpu: Some(asked.cpu).filter(|cpu| cpu.0 > 0), memory: Some(asked.memory) };
        self.pods.clear();
        for (index, group) in view.replicas.iter().enumerate() {
            let is_ready = group.phase == model::Phase::Ready;
            let is_draining = group.phase == model::Phase::Draining;
            let sample = if is_ready { self.sample_of(snapshot, view, index) } else { None };
            self.pods.push(PodGroup {
                count: group.count,
                phase: if is_ready || is_draining { Phase::Running } else { Phase::Pending },
                deleting: is_draining,
                started: (group.phase != model::Phase::Pending).then_some(group.started),
                ready: is_ready.then_some(Readiness { is_ready, since: group.since }),
                request,
                sample,
            });
        }
    }

    /// Divides the requests of `service` among its ready pods, by cumulative rounding; all of them, or `None` where the rate
    /// is not seen or too old.
    fn share_out(&mut self, snapshot: &Snapshot, service: ServiceId) -> Option<Milli> {
        self.sums.clear();
        if self.metrics.iter().all(|metric| matches!(metric, Metric::Utilization { .. })) {
            return None;
        }
        let seen = snapshot.services[service].rate;
        let Sighting::Fresh(rate) = Sighting::of(seen, snapshot.at, self.stale) else { return None };
        let all = milli(rate);
        let is_ready = |group: &&PodGroup| group.ready.is_some() && !group.deleting;
        let ready: i64 = self.pods.iter().filter(is_ready).map(|group| i64::from(group.count)).sum();
        let mut before = 0;
        for group in &self.pods {
            let share = is_ready(&group).then(|| {
                let upto = |count: i64| all.0.saturating_mul(count) / ready.max(1);
                let after = before + i64::from(group.count);
                let share = Milli(upto(after) - upto(before));
                before = after;
                share
            });
            self.sums.push(share);
        }
        Some(all)
    }

    /// The share of its cluster's CPU use that falls to the group at `index`, by cumulative rounding, so that shares add up.
    fn sample_of(&self, snapshot: &Snapshot, view: &model::ServiceView, index: usize) -> Option<Sample> {
        let group = &view.replicas[index];
        let (_, seen) = view.cpu_used.iter().find(|(cluster, _)| *cluster == group.cluster)?;
        let Sighting::Fresh(used) = Sighting::of(*seen, snapshot.at, self.stale) else { return None };
        let alike = |other: &&model::ReplicaGroup| other.cluster == group.cluster && other.phase == group.phase;
        let count = |groups: &[model::ReplicaGroup]| -> u64 {
            groups.iter().filter(alike).map(|other| u64::from(other.count)).sum()
        };
        let (before, all) = (count(&view.replicas[..index]), count(&view.replicas).max(1));
        let upto = |count: u64| used.0 * count / all;
        let cpu = MilliCores(upto(before + u64::from(group.count)) - upto(before));
        Some(Sample { at: seen.at, window: self.sample, cpu, memory: crate::units::Bytes::ZERO })
    }
}

impl Scaling for Hpa {
    fn scale(&mut self, snapshot: &Snapshot, _: &mut Stream) -> Result<Wanted, PolicyError> {
        for service in snapshot.known.application.services.values().skip(self.autoscalers.len()) {
            let autoscaler = self.autoscaler(service);
            self.autoscalers.push(autoscaler);
        }
        let (replicas, why): (Vec<_>, Vec<_>) =
            snapshot.known.application.requests().map(|service| self.decide(snapshot, service)).unzip();
        Ok(Wanted::counts(replicas.into_iter().collect(), why.into_iter().collect()))
    }

    fn fork(&self) -> Box<dyn Scaling> {
        Box::new(self.clone())
    }
}

/// What the controller's conditions come to, with CPU use over request of the pods that have a sample.
fn explain(decision: &Decision, pods: &[PodGroup]) -> Why {
    let sampled = pods.iter().filter_map(|group| group.sample.zip(group.request.cpu).map(|pair| (group.count, pair)));
    let (used, asked) = sampled.fold((0, 0), |(used, asked), (count, (sample, request))| {
        (used + sample.cpu.0, asked + request.repeated(count.into()).0)
    });
    let utilisation = ("utilisation", used as f64 / asked.max(1) as f64);
    let desired = decision.rescale.unwrap_or(decision.current);
    let (Some(proposed), Some(stabilised)) = (decision.proposed, decision.stabilised) else {
        let rule = match decision.error {
            Some(MetricError::NotRead) => "hold: no rate is seen, and no other metric wants more",
            Some(_) => "hold: no CPU sample can be used",
            None => "back into the range",
        };
        return Why::new(rule, &[utilisation, ("current", decision.current.into()), ("desired", desired.into())]);
    };
    let rule = if stabilised != proposed {
        "not yet down: more was proposed within the window"
    } else if desired != stabilised {
        "metric over target, cut by a limit"
    } else {
        "metric over target, rounded up"
    };
    Why::new(
        rule,
        &[utilisation, ("proposed", proposed.into()), ("stabilised", stabilised.into()), ("desired", desired.into())],
    )
}
