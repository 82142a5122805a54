//! What a fitted model says about a load: CPU, latency, the share of the capacity. A back test compares it with what came.

use super::estimate::Estimate;
use super::outcome::Fitted;
use super::validate::NORMAL_95;
use crate::model::capacity::Capacity;

/// Requests per second of `replicas` by a model, for counts that need not be whole; the planner's own figure is
/// [`Capacity::at`], which rounds.
pub fn throughput(capacity: &Capacity, replicas: f64) -> f64 {
    let rate = match *capacity {
        Capacity::Linear { alpha, beta } => alpha * replicas + beta,
        Capacity::Usl { gamma, sigma, kappa } => {
            gamma * replicas / (1.0 + sigma * (replicas - 1.0) + kappa * replicas * (replicas - 1.0))
        }
    };
    rate.max(0.0)
}

/// A model with all its throughputs multiplied by `factor`.
#[must_use]
pub fn scaled(capacity: &Capacity, factor: f64) -> Capacity {
    match *capacity {
        Capacity::Linear { alpha, beta } => Capacity::Linear { alpha: alpha * factor, beta: beta * factor },
        Capacity::Usl { gamma, sigma, kappa } => Capacity::Usl { gamma: gamma * factor, sigma, kappa },
    }
}

impl Fitted {
    /// CPU of all replicas in cores at `rate` requests per second, with the 90 % interval of a new sample; `None` where CPU
    /// was not observed.
    pub fn cpu(&self, rate: f64, replicas: f64) -> Option<Estimate> {
        let demand = self.demand.as_ref()?;
        let theta = [demand.per_request.value, demand.per_replica.value, demand.growth.unwrap_or(0.0)];
        let value = super::demand::cpu(&theta, rate, replicas);
        let reach = NORMAL_95 * demand.scale * replicas.sqrt();
        Some(Estimate { value, low: (value - reach).max(0.0), high: value + reach })
    }

    /// Latency in seconds of the column that was fitted; `None` where it was not, infinite at and beyond the capacity.
    pub fn latency(&self, rate: f64, replicas: f64) -> Option<f64> {
        self.latency.as_ref().map(|latency| latency.at(rate, replicas))
    }

    /// The same with its 90 % interval, as if the logarithm of the error were normal with the median magnitude that was fitted.
    pub fn latency_interval(&self, rate: f64, replicas: f64) -> Option<Estimate> {
        let latency = self.latency.as_ref()?;
        let value = latency.at(rate, replicas);
        // Half of a normal lies within 0.6745 deviations.
        let factor = (NORMAL_95 / 0.674_490 * latency.error).exp();
        Some(Estimate { value, low: value / factor, high: value * factor })
    }

    /// Load as a share of the capacity of `replicas`.
    pub fn load(&self, rate: f64, replicas: f64) -> f64 {
        rate / throughput(&self.capacity, replicas)
    }

    /// Fewest replicas that serve `rate` by the lower model; `None` where none up to `most` do.
    pub fn replicas_for(&self, rate: f64, most: u32) -> Option<u32> {
        use crate::units::{Rate, Ratio};
        self.capacity_low.replicas_for(Rate::from_per_second(rate), Ratio::ONE, most)
    }
}
