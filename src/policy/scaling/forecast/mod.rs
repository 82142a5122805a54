//! Scaling by what is coming: forecasts of the rate, and policies that provide for them.
//!
//! In reading order: `buckets` (samples become a series), `conformal` (a margin from past errors), `anticipate` (what all
//! of these policies do with a forecast), and one file a forecaster: `seasonal_quantile`, `holt_winters`, `ets`,
//! `newsvendor`. Until a forecaster has learnt enough, the rate that is seen counts, and the reason says so. History is part of
//! the policy's state: it is forked with the run, and nothing of it is on a disk.

mod anticipate;
mod buckets;
mod conformal;
pub mod ets;
pub mod holt_winters;
pub mod newsvendor;
pub mod seasonal_quantile;

pub(super) use anticipate::Provision;
pub(super) use buckets::Buckets;
pub(super) use seasonal_quantile::Phases;

use super::{ParameterError, Parameters};
use crate::units::Span;

/// Learns a series step by step.
pub(super) trait Forecaster: Clone + Send + 'static {
    /// Takes the value of step `index`; `None` where nothing was seen. Steps come in order.
    fn learn(&mut self, index: u64, value: Option<f64>);

    /// The value of step `index`, which lies after all that were learnt; `None` while too little was learnt for one.
    fn forecast(&self, index: u64) -> Option<f64>;
}

/// A season and its steps, as people state them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Season {
    pub(super) step: Span,
    /// Steps of one season.
    pub(super) period: usize,
}

impl Season {
    /// Steps of a season that a forecaster may have: memory and time grow with them.
    const PERIOD_MAX: u64 = 10_080;

    /// Reads `season` and `step`.
    pub(super) fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let (season, step) = (parameters.span("season")?, parameters.span("step")?);
        let period = season.times(step).unwrap_or(0);
        if period < 2 || step.repeated(period) != season {
            let reason = format!("a season of {season} is no whole number of steps of {step}, at least 2 of them");
            return Err(parameters.invalid("season", reason));
        }
        if period > Self::PERIOD_MAX {
            let reason =
                format!("a season of {season} has {period} steps; write a `step` with at most {}", Self::PERIOD_MAX);
            return Err(parameters.invalid("step", reason));
        }
        Ok(Self { step, period: usize::try_from(period).expect("it is small") })
    }
}
