//! From a shape and its resamples to what is reported: coefficients, capacity at each level, the lower model.

use super::estimate::{Estimate, quantile};
use super::options::Options;
use super::outcome::{Coefficient, LevelCapacity};
use super::predict::scaled;
use super::shape::Model;
use crate::model::capacity::Capacity;

/// A model of the capacity with its resamples.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The central model.
    pub model: Model,
    /// The same of each resample.
    pub draws: Vec<Model>,
}

impl Answer {
    /// One capacity for every replica.
    pub fn proportional(per_replica: f64, draws: &[f64]) -> Self {
        let draws = draws.iter().copied().map(Model::Proportional).collect();
        Self { model: Model::Proportional(per_replica), draws }
    }

    /// Capacity of `replicas` with its interval.
    pub fn at(&self, replicas: f64, confidence: f64) -> Estimate {
        let draws: Vec<f64> = self.draws.iter().map(|draw| draw.at(replicas)).collect();
        Estimate::from_draws(self.model.at(replicas), &draws, confidence)
    }

    /// Coefficients with their intervals.
    pub fn coefficients(&self, confidence: f64) -> Vec<Coefficient> {
        let named = self.model.coefficients().into_iter().enumerate();
        let each = named.map(|(at, (name, value))| {
            let draws: Vec<f64> =
                self.draws.iter().filter_map(|draw| draw.coefficients().get(at).map(|pair| pair.1)).collect();
            Coefficient { name, estimate: Estimate::from_draws(value, &draws, confidence) }
        });
        each.collect()
    }

    /// Capacity at each observed count: `levels` are replicas and samples.
    pub fn levels(&self, levels: &[(u32, usize)], confidence: f64) -> Vec<LevelCapacity> {
        let row = |(replicas, points): &(u32, usize)| LevelCapacity {
            replicas: *replicas,
            points: *points,
            estimate: self.at(f64::from(*replicas), confidence),
        };
        levels.iter().map(row).collect()
    }

    /// The central model, and the one at the lower quantile: scaled by the smallest ratio of quantile to centre over the
    /// observed levels, so that it is low enough at each.
    pub fn capacities(&self, levels: &[(u32, usize)], options: &Options) -> Option<(Capacity, Capacity)> {
        let central = self.model.capacity()?;
        let ratio = |level: &(u32, usize)| {
            let replicas = f64::from(level.0);
            let draws: Vec<f64> = self.draws.iter().map(|draw| draw.at(replicas)).collect();
            quantile(&draws, options.capacity_quantile) / self.model.at(replicas)
        };
        let factor = levels.iter().map(ratio).filter(|ratio| ratio.is_finite()).fold(1.0, f64::min);
        Some((central, scaled(&central, factor.max(0.0))))
    }
}
