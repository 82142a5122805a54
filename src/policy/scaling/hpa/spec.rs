//! What the user writes into a `HorizontalPodAutoscaler`, and the controller's flags: constant between reconciles.
//!
//! The fields are those of `autoscaling/v2` after the API server filled in the defaults. What the API server refuses
//! (no policies, a target of zero, a minimum above the maximum) is refused by whoever reads the file.

use crate::units::{Bytes, MilliCores, Ratio, Span};

/// One autoscaler.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// `minReplicas`; zero only with external or object metrics.
    pub min: u32,
    /// `maxReplicas`.
    pub max: u32,
    /// `metrics`: the largest proposal counts. Never empty: without any the API server writes 80 % of CPU.
    pub metrics: Vec<Metric>,
    /// `behavior`; `None` is not the same as all defaults: windows and limits are computed differently.
    pub behavior: Option<Behavior>,
    /// Flags of the controller.
    pub flags: Flags,
}

/// The flags `--horizontal-pod-autoscaler-*` of kube-controller-manager that bear on a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    /// `tolerance`: how far usage may be from the target before anything is done.
    pub tolerance: Ratio,
    /// `cpu-initialization-period`: how long after its start a pod's CPU samples are distrusted.
    pub cpu_initialization: Span,
    /// `initial-readiness-delay`: an unready pod that became so within this time of its start was never ready.
    pub initial_readiness_delay: Span,
    /// `downscale-stabilization`: the window for scale-down where `behavior` states none.
    pub downscale_stabilization: Span,
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            tolerance: Ratio(100_000),
            cpu_initialization: Span::seconds(300),
            initial_readiness_delay: Span::seconds(30),
            downscale_stabilization: Span::seconds(300),
        }
    }
}

/// A value in thousandths of its unit, as `Quantity.MilliValue()` gives it: the controller computes in these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Milli(pub i64);

impl From<MilliCores> for Milli {
    fn from(cpu: MilliCores) -> Self {
        Self(i64::try_from(cpu.0).unwrap_or(i64::MAX))
    }
}

impl From<Bytes> for Milli {
    /// Thousandths of a byte: averages are rounded down there, not at whole bytes. Exact up to 9 PB.
    fn from(memory: Bytes) -> Self {
        Self(i64::try_from(memory.0.saturating_mul(1_000)).unwrap_or(i64::MAX))
    }
}

/// A resource that metrics-server samples per pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// Also the one for which young and unready pods are left out.
    Cpu,
    /// Working set.
    Memory,
}

/// Where a value that belongs to no single pod comes from; it decides the reason of a failure, not the formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `Object`: a metric of another Kubernetes object.
    Object,
    /// `External`: a metric from outside, summed over its series.
    External,
}

/// One entry of `metrics` with its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// `Resource` with `averageUtilization`, in percent of the request.
    Utilization {
        /// Which resource.
        resource: Resource,
        /// `averageUtilization`.
        target_percent: u32,
    },
    /// `Resource` with `averageValue`: use per pod.
    ResourceAverage {
        /// Which resource.
        resource: Resource,
        /// Thousandths of a core or of a byte.
        target: Milli,
    },
    /// `Pods`: a custom metric per pod, averaged.
    PodsAverage {
        /// `averageValue`.
        target: Milli,
    },
    /// `Object` or `External` with `value`: replicas in proportion to value ÷ target.
    Value {
        /// Which of the two.
        source: Source,
        /// `value`.
        target: Milli,
    },
    /// `Object` or `External` with `averageValue`: one replica for each `target` of the value.
    ValuePerReplica {
        /// Which of the two.
        source: Source,
        /// `averageValue`.
        target: Milli,
    },
}

/// `behavior`: windows, rates and tolerances per direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Behavior {
    /// `scaleUp`.
    pub up: Rules,
    /// `scaleDown`.
    pub down: Rules,
}

impl Default for Behavior {
    /// `behavior: {}`.
    fn default() -> Self {
        Self { up: Rules::up(), down: Rules::down() }
    }
}

/// Rules of one direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// `stabilizationWindowSeconds`; where absent none upwards, and downwards the controller's flag.
    pub window: Option<Span>,
    /// `policies`: how far replicas may move in a period.
    pub policies: Vec<RatePolicy>,
    /// `selectPolicy`: which of the policies counts.
    pub select: Select,
    /// `tolerance`; the controller's flag where absent.
    pub tolerance: Option<Ratio>,
}

impl Rules {
    /// Defaults of `scaleUp`: no window; 4 pods or 100 % in 15 s, whichever is more.
    #[must_use]
    pub fn up() -> Self {
        let period = Span::seconds(15);
        let policies =
            vec![RatePolicy { change: Change::Pods(4), period }, RatePolicy { change: Change::Percent(100), period }];
        Self { window: None, policies, select: Select::Max, tolerance: None }
    }

    /// Defaults of `scaleDown`: the controller's window; 100 % in 15 s.
    #[must_use]
    pub fn down() -> Self {
        let policies = vec![RatePolicy { change: Change::Percent(100), period: Span::seconds(15) }];
        Self { window: None, policies, select: Select::Max, tolerance: None }
    }
}

/// One rate policy: at most so much change within a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatePolicy {
    /// `type` and `value`.
    pub change: Change,
    /// `periodSeconds`.
    pub period: Span,
}

/// How much replicas may change in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// So many replicas.
    Pods(u32),
    /// So many percent of the replicas at the start of the period.
    Percent(u32),
}

/// `selectPolicy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// The policy that allows the largest change.
    Max,
    /// The policy that allows the smallest change.
    Min,
    /// No change in this direction.
    Disabled,
}
