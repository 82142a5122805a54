//! The Kubernetes horizontal pod autoscaler (HPA v2), decision by decision as the controller takes it.
//!
//! A comparison with "the HPA" is worth what the HPA in it is worth, and its corners decide: utilisation is divided in
//! integers, pods without a sample are counted at a fictitious use, the range is enforced before any metric is read, and
//! a window's edge is inclusive without `behavior` and exclusive with it. So this is the algorithm of
//! `kube-controller-manager` 1.35 (`horizontal.go`, `replica_calculator.go`), judged by decisions that were recorded from
//! the real controller. It is pure: [`reconcile`] takes what one sync sees and a [`State`] that can be cloned.
//!
//! Not here: when to sync (15 s by default), how metrics come about (scrapes, delays), what becomes of a new replica
//! count, and errors of the API server (`FailedGetScale`, `FailedUpdateScale`, ambiguous selectors).

mod adapter;
mod behavior;
mod calculator;
mod conditions;
mod controller;
mod pods;
#[cfg(test)]
mod published;
mod spec;
#[cfg(test)]
mod tests;
mod written;

pub(super) use adapter::PARAMETERS as HPA_PARAMETERS;
pub use adapter::{ENTRY, Hpa};
pub use calculator::MetricError;
pub use conditions::{AbleToScale, Condition, Conditions, ScalingActive, ScalingLimited};
pub use controller::{Decision, Observed, Reading, State, reconcile, reconcile_calibrated};
pub use pods::{Phase, PodGroup, Readiness, Request, Sample};
pub use spec::{Behavior, Change, Flags, Metric, Milli, RatePolicy, Resource, Rules, Select, Source, Spec};
