//! stub
use serde::Serialize;

/// Prediction of the later samples from the earlier ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Validation {
    /// Samples trained on.
    pub trained: usize,
    /// Samples held out.
    pub held_out: usize,
    /// Mean absolute percentage error of CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_mape: Option<f64>,
    /// Mean of (predicted − observed)/observed of CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_bias: Option<f64>,
    /// Pinball loss at the 0.9 quantile, in cores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_pinball: Option<f64>,
    /// Share of held-out CPU inside the predicted interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_coverage: Option<f64>,
    /// Share of held-out samples above the capacity that were not saturated: capacity too low.
    pub served_above_capacity: f64,
    /// Share of saturated held-out samples below 90 % of the capacity: capacity too high.
    pub saturated_below_capacity: f64,
}
