//! One reconcile: metrics → proposals → the largest → stabilised → limited → desired replicas and conditions.
//!
//! Source: `reconcileAutoscaler` and `computeReplicasForMetrics` in `horizontal.go` of Kubernetes 1.35. All memory of
//! earlier reconciles is in [`State`], which is plain data: a fork of a run clones it. Nothing is allocated in the steady
//! state: a decision is `Copy`, and the queues of the windows keep their room.

use super::behavior::{Extreme, History, Tolerances, Window, Wish, limit_plainly};
use super::calculator::{Calculator, MetricError};
use super::conditions::{AbleToScale, Conditions, ScalingActive};
use super::pods::PodGroup;
use super::spec::{Behavior, Metric, Milli, Source, Spec};
use crate::units::{Span, Time};

/// What the controller sees at one sync.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// Now.
    pub at: Time,
    /// `spec.replicas` of the target: wanted.
    pub spec_replicas: u32,
    /// `status.replicas` of the target: existing.
    pub status_replicas: u32,
    /// The pods that the target's selector matches.
    pub pods: &'a [PodGroup],
    /// A reading for each metric of the spec, in its order; what is not there could not be read.
    pub readings: &'a [Reading<'a>],
}

/// What the metrics APIs answered for one metric.
#[derive(Debug, Clone, Copy)]
pub enum Reading<'a> {
    /// Resource metrics: the samples of the pod groups.
    Samples,
    /// `Pods` metrics: for each pod group the sum over its pods, absent where they have no value.
    Sums(&'a [Option<Milli>]),
    /// `Object` and `External` metrics: the value, summed over its series. No series at all is [`Failed`](Self::Failed).
    Value(Milli),
    /// The API failed.
    Failed,
}

/// What a reconcile came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The replica count that is written to the target; `None` leaves the target alone. This is what to act upon.
    pub rescale: Option<u32>,
    /// `status.currentReplicas`.
    pub current: u32,
    /// `status.desiredReplicas`. Where metrics failed it is that of the reconcile before, zero at first: not to be acted upon.
    pub desired: u32,
    /// The largest proposal of the metrics; `None` where it was not asked for or metrics failed.
    pub proposed: Option<u32>,
    /// The proposal after the stabilisation window.
    pub stabilised: Option<u32>,
    /// The first metric that failed, even if the others sufficed for a decision.
    pub error: Option<MetricError>,
    /// `status.conditions`.
    pub conditions: Conditions,
}

/// What an autoscaler remembers: of the controller's memory and of its own status. It starts with the first reconcile of
/// a new autoscaler; the spec is to stay the same throughout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    highest: Window,
    lowest: Window,
    history: History,
    desired: u32,
    conditions: Conditions,
    is_started: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            highest: Window::new(Extreme::Highest),
            lowest: Window::new(Extreme::Lowest),
            history: History::default(),
            desired: 0,
            conditions: Conditions::default(),
            is_started: false,
        }
    }
}

/// Decides once. Equal states and observations give equal decisions; `observed.at` must not go back.
pub fn reconcile(spec: &Spec, observed: &Observed<'_>, state: &mut State) -> Decision {
    reconcile_calibrated(spec, observed, state, 1.0)
}

/// As [`reconcile`] for a workload of which members run another number of replicas than the template says (Karmada's
/// `FederatedHPA`): what follows from the number of pods is divided by `calibration`, Σ `spec.replicas` of the members over
/// `spec.replicas` of the template.
pub fn reconcile_calibrated(spec: &Spec, observed: &Observed<'_>, state: &mut State, calibration: f64) -> Decision {
    let current = observed.spec_replicas;
    state.start(spec, observed);
    let before = Conditions { able: AbleToScale::SucceededGetScale, ..state.conditions };
    let Outcome { desired, proposed, stabilised, error, mut conditions } = if current == 0 && spec.min != 0 {
        let disabled = Conditions { active: Some(ScalingActive::ScalingDisabled), ..before };
        Outcome { desired: Some(0), ..Outcome::new(disabled) }
    } else if current > spec.max {
        Outcome { desired: Some(spec.max), ..Outcome::new(before) }
    } else if current < spec.min {
        Outcome { desired: Some(spec.min), ..Outcome::new(before) }
    } else {
        state.outcome_of_metrics(spec, (observed, calibration), before)
    };
    let rescale = desired.filter(|&desired| desired != current);
    if let Some(desired) = rescale {
        conditions.able = AbleToScale::SucceededRescale;
        state.remember_change(spec.behavior.as_ref(), observed, desired);
    }
    let desired = desired.unwrap_or(state.desired);
    state.desired = desired;
    state.conditions = conditions;
    Decision { rescale, current, desired, proposed, stabilised, error, conditions }
}

/// A decision in the making: `desired` is absent where metrics do not suffice for one.
struct Outcome {
    desired: Option<u32>,
    proposed: Option<u32>,
    stabilised: Option<u32>,
    error: Option<MetricError>,
    conditions: Conditions,
}

impl Outcome {
    const fn new(conditions: Conditions) -> Self {
        Self { desired: None, proposed: None, stabilised: None, error: None, conditions }
    }
}

impl State {
    /// The replicas that are found at first count as a recommendation, so a controller that was just started does not
    /// scale down at once.
    fn start(&mut self, spec: &Spec, observed: &Observed<'_>) {
        if !self.is_started {
            self.is_started = true;
            self.highest.push(observed.at, observed.spec_replicas);
            if spec.behavior.is_some() {
                self.lowest.push(observed.at, observed.spec_replicas);
            }
        }
    }

    /// Replicas within the range: metrics decide.
    fn outcome_of_metrics(
        &mut self,
        spec: &Spec,
        (observed, calibration): (&Observed<'_>, f64),
        before: Conditions,
    ) -> Outcome {
        let Proposals { highest: proposed, active, error } = proposals(spec, observed, calibration);
        let conditions = Conditions { active: active.or(before.active), ..before };
        let Some(desired) = proposed else { return Outcome { error, ..Outcome::new(conditions) } };
        let wish = Wish { current: observed.spec_replicas, desired, at: observed.at };
        let (stabilised, able, (desired, limited)) = match &spec.behavior {
            None => {
                let (stabilised, able) = self.stabilise_plainly(spec, wish);
                (stabilised, able, limit_plainly(spec, wish.current, stabilised))
            }
            Some(behavior) => {
                let (stabilised, able) = self.stabilise(spec, behavior, wish);
                let wish = Wish { desired: stabilised, ..wish };
                (stabilised, able, self.history.limit(spec, behavior, wish))
            }
        };
        let conditions = Conditions { able, limited: Some(limited), ..conditions };
        Outcome { desired: Some(desired), proposed, stabilised: Some(stabilised), error, conditions }
    }

    /// Without `behavior`: the highest recommendation of the window. Its edge is part of it, hence the nanosecond.
    fn stabilise_plainly(&mut self, spec: &Spec, wish: Wish) -> (u32, AbleToScale) {
        let age = Span(spec.flags.downscale_stabilization.0.saturating_add(1));
        let stabilised = self.highest.stabilise(wish.at, age, wish.desired);
        let is_held = stabilised != wish.desired;
        (stabilised, if is_held { AbleToScale::ScaleDownStabilized } else { AbleToScale::ReadyForNewScale })
    }

    /// With `behavior`: the current replicas, moved up to the lowest recommendation of the window of `scaleUp`, then down
    /// to the highest one of that of `scaleDown`.
    fn stabilise(&mut self, spec: &Spec, behavior: &Behavior, wish: Wish) -> (u32, AbleToScale) {
        let down_window = behavior.down.window.unwrap_or(spec.flags.downscale_stabilization);
        let lowest = self.lowest.stabilise(wish.at, behavior.up.window.unwrap_or_default(), wish.desired);
        let highest = self.highest.stabilise(wish.at, down_window, wish.desired);
        let stabilised = wish.current.max(lowest).min(highest);
        let able = if stabilised == wish.desired {
            AbleToScale::ReadyForNewScale
        } else if wish.desired >= wish.current {
            AbleToScale::ScaleUpStabilized
        } else {
            AbleToScale::ScaleDownStabilized
        };
        (stabilised, able)
    }

    /// Changes matter to rate policies only, so without `behavior` none is kept.
    fn remember_change(&mut self, behavior: Option<&Behavior>, observed: &Observed<'_>, desired: u32) {
        let Some(behavior) = behavior else { return };
        let current = observed.spec_replicas;
        if desired > current {
            self.history.added.record(observed.at, desired - current, &behavior.up);
        } else {
            self.history.removed.record(observed.at, current - desired, &behavior.down);
        }
    }
}

/// What all metrics together propose.
struct Proposals {
    highest: Option<u32>,
    active: Option<ScalingActive>,
    error: Option<MetricError>,
}

impl Proposals {
    /// A value below zero, which an external metric can have, wants no replicas.
    fn valid(highest: i64, error: Option<MetricError>) -> Self {
        let highest = u32::try_from(highest.max(0)).unwrap_or(u32::MAX);
        Self { highest: Some(highest), active: Some(ScalingActive::ValidMetricFound), error }
    }
}

/// The highest proposal. Metrics that failed count for nothing as long as another one holds or raises the replicas:
/// scaling down on half the evidence is refused.
fn proposals(spec: &Spec, observed: &Observed<'_>, calibration: f64) -> Proposals {
    let tolerances = Tolerances::new(spec.behavior.as_ref(), &spec.flags);
    let calculator = Calculator { observed, tolerances, flags: &spec.flags, calibration };
    let mut highest: Option<i64> = None;
    let mut failed: Option<(&Metric, MetricError)> = None;
    for (index, metric) in spec.metrics.iter().enumerate() {
        match calculator.propose(metric, observed.readings.get(index).unwrap_or(&Reading::Failed)) {
            Ok(proposal) => highest = Some(highest.map_or(proposal, |highest| highest.max(proposal))),
            Err(error) => failed = failed.or(Some((metric, error))),
        }
    }
    let current = i64::from(observed.spec_replicas);
    let error = failed.map(|(_, error)| error);
    match (highest, failed) {
        (Some(highest), None) => Proposals::valid(highest, error),
        (Some(highest), Some(_)) if highest >= current => Proposals::valid(highest, error),
        (_, failed) => Proposals { highest: None, active: failed.map(|(metric, _)| failure(metric)), error },
    }
}

/// The condition's reason where `metric` failed.
const fn failure(metric: &Metric) -> ScalingActive {
    match metric {
        Metric::Utilization { .. } | Metric::ResourceAverage { .. } => ScalingActive::FailedGetResourceMetric,
        Metric::PodsAverage { .. } => ScalingActive::FailedGetPodsMetric,
        Metric::Value { source: Source::Object, .. } | Metric::ValuePerReplica { source: Source::Object, .. } => {
            ScalingActive::FailedGetObjectMetric
        }
        Metric::Value { source: Source::External, .. } | Metric::ValuePerReplica { source: Source::External, .. } => {
            ScalingActive::FailedGetExternalMetric
        }
    }
}
