//! How many requests r ready replicas of a service can serve.
//!
//! Two shapes: `α·r + β` (the original's), and the Universal Scalability Law. A policy holds what it *believes*, the
//! simulated world what is *true*; both are this type, and they may differ. Coefficients differ by cluster class
//! (hardware generation), and each cluster multiplies them by its own speed.

use crate::units::{Rate, Ratio};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Requests per second as a function of ready replicas.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capacity {
    /// `alpha · r + beta`, and nothing without a replica.
    Linear {
        /// Requests per second that one more replica adds.
        alpha: f64,
        /// Requests per second at the intercept; often negative.
        beta: f64,
    },
    /// Universal Scalability Law: `gamma · r / (1 + sigma·(r−1) + kappa·r·(r−1))` (Gunther 2007).
    Usl {
        /// Requests per second of a single replica.
        gamma: f64,
        /// Contention: the share that is serial.
        sigma: f64,
        /// Coherency: the cost of every pair of replicas.
        kappa: f64,
    },
}

impl Capacity {
    /// What `replicas` ready replicas serve on a cluster of the given speed; never negative, nothing for none.
    pub fn at(&self, replicas: u32, speed: Ratio) -> Rate {
        if replicas == 0 {
            return Rate::ZERO;
        }
        let r = f64::from(replicas);
        let per_second = match *self {
            Self::Linear { alpha, beta } => alpha * r + beta,
            Self::Usl { gamma, sigma, kappa } => gamma * r / (1.0 + sigma * (r - 1.0) + kappa * r * (r - 1.0)),
        };
        Rate::from_per_second(per_second.max(0.0) * speed.as_f64())
    }

    /// The fewest replicas, at most `most`, that serve `rate`; `None` where even the best count does not.
    ///
    /// For the linear shape with positive `alpha` this is `max(1, ⌈(rate − beta)/alpha⌉)`; searching the integers keeps
    /// it the exact inverse of [`at`](Self::at) for every shape, rounding included.
    pub fn replicas_for(&self, rate: Rate, speed: Ratio, most: u32) -> Option<u32> {
        let peak = self.peak(most);
        if peak == 0 || self.at(peak, speed) < rate {
            return None;
        }
        let (mut low, mut high) = (1, peak);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.at(middle, speed) >= rate {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Some(low)
    }

    /// The count up to `most` that serves the most: up to it the capacity only rises. For the USL the real-valued maximum
    /// lies at `√((1−sigma)/kappa)` and one of its two neighbours is the integer one.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and `most` caps it")]
    pub fn peak(&self, most: u32) -> u32 {
        match *self {
            Self::Linear { alpha, .. } => {
                if alpha >= 0.0 {
                    most
                } else {
                    most.min(1)
                }
            }
            Self::Usl { sigma, kappa, .. } if kappa > 0.0 => {
                let best = ((1.0 - sigma).max(0.0) / kappa).sqrt();
                let (floor, ceil) =
                    ((best.floor() as u32).clamp(1, most.max(1)), (best.ceil() as u32).clamp(1, most.max(1)));
                if self.at(ceil, Ratio::ONE) > self.at(floor, Ratio::ONE) { ceil.min(most) } else { floor.min(most) }
            }
            Self::Usl { .. } => most,
        }
    }
}

/// A service's capacity by cluster class, with one for all classes that are not named.
#[derive(Debug, Clone, PartialEq)]
pub struct CapacityByClass {
    /// Where the class is not named.
    pub default: Capacity,
    /// By name of the cluster class.
    pub by_class: BTreeMap<String, Capacity>,
}

impl CapacityByClass {
    /// The same capacity in every class.
    pub const fn uniform(capacity: Capacity) -> Self {
        Self { default: capacity, by_class: BTreeMap::new() }
    }

    /// The capacity in clusters of `class`.
    pub fn of(&self, class: &str) -> &Capacity {
        self.by_class.get(class).unwrap_or(&self.default)
    }
}

#[cfg(test)]
mod tests {
    use super::Capacity;
    use crate::units::{Rate, Ratio};

    /// alpha 33.33, beta −16.66 (the original's image-compression): 3 replicas serve 3·33.33 − 16.66 = 83.33 /s.
    #[test]
    fn linear_capacity_and_its_inverse_agree() {
        let capacity = Capacity::Linear { alpha: 33.33, beta: -16.66 };
        assert_eq!(capacity.at(3, Ratio::ONE), Rate(83_330_000));
        assert_eq!(capacity.at(0, Ratio::ONE), Rate::ZERO);
        assert_eq!(capacity.replicas_for(Rate(83_330_000), Ratio::ONE, 100), Some(3));
        assert_eq!(capacity.replicas_for(Rate(83_330_001), Ratio::ONE, 100), Some(4));
        assert_eq!(capacity.replicas_for(Rate::ZERO, Ratio::ONE, 100), Some(1));
        assert_eq!(capacity.replicas_for(Rate(83_330_001), Ratio::ONE, 3), None);
    }

    /// USL with sigma 0.02, kappa 0.0005 peaks at √(0.98/0.0005) = 44.27, so the integer peak is 44.
    #[test]
    fn usl_is_never_asked_beyond_its_peak() {
        let capacity = Capacity::Usl { gamma: 1000.0, sigma: 0.02, kappa: 0.0005 };
        let best = (1..200).max_by_key(|r| capacity.at(*r, Ratio::ONE)).expect("the range is not empty");
        assert_eq!(best, 44);
        let peak = capacity.at(44, Ratio::ONE);
        assert_eq!(capacity.replicas_for(peak, Ratio::ONE, 200), Some(44));
        assert_eq!(capacity.replicas_for(peak + Rate(1), Ratio::ONE, 200), None);
    }
}
