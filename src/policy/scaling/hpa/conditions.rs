//! The conditions of an autoscaler's status, as small enums; their Kubernetes spelling is made when somebody reads them.
//!
//! Conditions outlive a reconcile: one that is not set again keeps its last value, so `ScalingActive` of a target that
//! left its range still tells of the last metrics.

/// The conditions after a reconcile. Absent: never set so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Conditions {
    /// Whether the scale can be read and written; set by every reconcile.
    pub able: AbleToScale,
    /// Whether metrics yield a replica count; not set while replicas are outside of the range.
    pub active: Option<ScalingActive>,
    /// Whether a limit cut the recommendation; not set while replicas are outside of the range.
    pub limited: Option<ScalingLimited>,
}

impl Conditions {
    /// Those that are set, in the order in which the controller adds them.
    pub fn iter(self) -> impl Iterator<Item = Condition> {
        let able = Condition { kind: "AbleToScale", status: true, reason: self.able.reason() };
        let active =
            self.active.map(|it| Condition { kind: "ScalingActive", status: it.status(), reason: it.reason() });
        let limited =
            self.limited.map(|it| Condition { kind: "ScalingLimited", status: it.status(), reason: it.reason() });
        [Some(able), active, limited].into_iter().flatten()
    }
}

/// One condition in the words of `autoscaling/v2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// `type`.
    pub kind: &'static str,
    /// `status`: `"True"` or `"False"`.
    pub status: bool,
    /// `reason`.
    pub reason: &'static str,
}

/// Condition `AbleToScale`; its failures are errors of the API server, which do not occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AbleToScale {
    /// Nothing further was decided: metrics failed, or scaling is disabled.
    #[default]
    SucceededGetScale,
    /// The recommendation was not changed by a window.
    ReadyForNewScale,
    /// Later than a higher recommendation by less than the window.
    ScaleDownStabilized,
    /// Later than a lower recommendation by less than the window.
    ScaleUpStabilized,
    /// Replicas were changed.
    SucceededRescale,
}

impl AbleToScale {
    /// The reason's spelling.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::SucceededGetScale => "SucceededGetScale",
            Self::ReadyForNewScale => "ReadyForNewScale",
            Self::ScaleDownStabilized => "ScaleDownStabilized",
            Self::ScaleUpStabilized => "ScaleUpStabilized",
            Self::SucceededRescale => "SucceededRescale",
        }
    }
}

/// Condition `ScalingActive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalingActive {
    /// Enough metrics were there to decide.
    ValidMetricFound,
    /// The target has zero replicas and the minimum is not zero: somebody switched it off.
    ScalingDisabled,
    /// The first metric that failed is a `Resource`.
    FailedGetResourceMetric,
    /// The first metric that failed is a `Pods` metric.
    FailedGetPodsMetric,
    /// The first metric that failed is an `Object` metric.
    FailedGetObjectMetric,
    /// The first metric that failed is an `External` metric.
    FailedGetExternalMetric,
}

impl ScalingActive {
    /// Whether the condition holds.
    #[must_use]
    pub const fn status(self) -> bool {
        matches!(self, Self::ValidMetricFound)
    }

    /// The reason's spelling.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::ValidMetricFound => "ValidMetricFound",
            Self::ScalingDisabled => "ScalingDisabled",
            Self::FailedGetResourceMetric => "FailedGetResourceMetric",
            Self::FailedGetPodsMetric => "FailedGetPodsMetric",
            Self::FailedGetObjectMetric => "FailedGetObjectMetric",
            Self::FailedGetExternalMetric => "FailedGetExternalMetric",
        }
    }
}

/// Condition `ScalingLimited`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalingLimited {
    /// Nothing was cut.
    DesiredWithinRange,
    /// The minimum was higher.
    TooFewReplicas,
    /// The maximum was lower.
    TooManyReplicas,
    /// The rate upwards was lower.
    ScaleUpLimit,
    /// The rate downwards was lower.
    ScaleDownLimit,
}

impl ScalingLimited {
    /// Whether the condition holds, which is: whether something was cut.
    #[must_use]
    pub const fn status(self) -> bool {
        !matches!(self, Self::DesiredWithinRange)
    }

    /// The reason's spelling.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::DesiredWithinRange => "DesiredWithinRange",
            Self::TooFewReplicas => "TooFewReplicas",
            Self::TooManyReplicas => "TooManyReplicas",
            Self::ScaleUpLimit => "ScaleUpLimit",
            Self::ScaleDownLimit => "ScaleDownLimit",
        }
    }
}
