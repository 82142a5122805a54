//! The scaling policies of AWS Auto Scaling: step, target tracking, predictive.
//!
//! As the user guides describe them; what AWS does not publish (how its forecasts are made) is ours and said so. Replicas take
//! the place of instances. `alarm` is what decides when a metric has been beyond a threshold for
//! long enough.

mod alarm;
pub mod predictive;
pub mod step;
mod tracking;

pub use tracking::ENTRY as TRACKING;
