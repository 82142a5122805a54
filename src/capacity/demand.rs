//! stub
use super::estimate::Estimate;
use serde::Serialize;

/// CPU that requests and idle replicas cost: `cpu = per_request · x + per_replica · r`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Demand {
    /// CPU seconds of one request.
    pub per_request: Estimate,
    /// Cores of an idle replica.
    pub per_replica: Estimate,
    /// Change of the demand with utilisation, where the data ask for it: `per_request · (1 + growth · u)`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth: Option<f64>,
    /// Robust standard deviation of the residuals, in cores.
    pub scale: f64,
    /// Share of the variance of CPU that it explains.
    pub r_squared: f64,
}
