//! stub
use super::estimate::Estimate;
use serde::Serialize;

/// How the ceiling is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingSource {
    /// It was given.
    Known,
    /// Utilisation of the samples at saturation.
    Saturated,
    /// Utilisation at which throttling sets in.
    Throttling,
    /// Other services on the same class.
    Fleet,
    /// 0.9 ± 0.05, assumed.
    Assumed,
}

/// The share of the CPU limit that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ceiling {
    /// The share.
    #[serde(flatten)]
    pub share: Estimate,
    /// How it is known.
    pub source: CeilingSource,
    /// CPU limit of one replica, in cores.
    pub limit: f64,
}
