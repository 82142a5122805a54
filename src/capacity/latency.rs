//! stub
use super::estimate::Estimate;
use serde::Serialize;

/// Latency as a function of load: `fixed + 1/mu + waiting` (Sakasegawa).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LatencyFit {
    /// Which latency was fitted: `latency_mean`, `latency_p50`, `latency_p95`.
    pub column: &'static str,
    /// Latency that does not depend on load and needs no worker, in seconds.
    pub fixed: f64,
    /// Requests per second of one worker.
    pub service_rate: f64,
    /// Workers of one replica.
    pub workers: u32,
    /// (C_a² + C_s²)/2: 1 for Poisson arrivals and exponential service.
    pub variability: f64,
    /// Requests per second of one replica.
    pub per_replica: Estimate,
    /// Requests per second of one replica within the objective of the options.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_replica_within_slo: Option<Estimate>,
    /// Highest load that was observed, as a share of the capacity.
    pub load_max: f64,
    /// Median relative error of the predicted latency.
    pub error: f64,
}
