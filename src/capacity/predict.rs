//! What a fitted model says about a load: CPU, latency, utilisation of the capacity. A back test compares it with what came.

use super::estimate::Estimate;
use super::outcome::Fitted;

impl Fitted {
    /// CPU of all replicas in cores at `rate` requests per second, with an interval for a new sample; `None` where CPU was not observed.
    pub fn cpu(&self, _rate: f64, _replicas: f64) -> Option<Estimate> {
        None
    }

    /// Latency in seconds of the column that was fitted; `None` where it was not, infinite at and beyond the capacity.
    pub fn latency(&self, _rate: f64, _replicas: f64) -> Option<f64> {
        None
    }
}
