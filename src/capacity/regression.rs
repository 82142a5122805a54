//! stub
/// Says why plain regression of throughput on replicas is no capacity.
pub const WARNING: &str = "plain regression of throughput on replicas measures what was asked, not what can be served: under an autoscaler it lands at the target utilisation times the capacity, 35-40 % too low; use it only on load tests";

/// A least-squares line with its coefficient of determination.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Line {
    /// Rise for one more replica.
    pub alpha: f64,
    /// Intercept.
    pub beta: f64,
    /// Share of the variance that it explains.
    pub r_squared: f64,
}
