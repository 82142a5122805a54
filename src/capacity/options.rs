//! What a fit may be told. Every default is that of the literature or was measured on synthetic truth; each is echoed.

use crate::seed::Seed;
use crate::units::Span;
use serde::Serialize;

/// Which estimator answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The whole pipeline.
    #[default]
    Pipeline,
    /// Plain least squares of throughput on replicas. It answers what was served, not what can be; every result carries
    /// the warning.
    Ols,
}

/// What a fit of one series knows besides the series.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Options of the fit.
    pub options: &'a Options,
    /// Key of the random streams.
    pub entity: u64,
    /// Ceiling that other services on the class showed: mean and standard deviation.
    pub fleet: Option<(f64, f64)>,
}

/// Options of a fit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Options {
    /// The estimator.
    pub method: Method,
    /// Samples are averaged in buckets of this length.
    pub bucket: Span,
    /// Samples this soon after a change of replicas or a restart are left out: caches are cold and rates mix.
    pub settle: Span,
    /// Above this share of failed requests a sample is kept as a failure, and not fitted.
    pub errors_max: f64,
    /// Fewest usable buckets of operation; load tests may have fewer.
    pub points_min: usize,
    /// Share of the CPU limit that can be used, where it is known; `None` estimates it.
    pub ceiling: Option<f64>,
    /// Requests that one replica works on at a time, where it is known; `None` estimates it where latency is fitted.
    pub workers: Option<u32>,
    /// Latency objective (95th percentile, seconds) for the capacity within the objective.
    pub slo_p95: Option<f64>,
    /// Mass of the intervals.
    pub confidence: f64,
    /// Quantile of the bootstrap that `capacity_low` stands at.
    pub capacity_quantile: f64,
    /// Bootstrap resamples.
    pub resamples: usize,
    /// Length of a block of the moving-block bootstrap.
    pub block: Span,
    /// Samples lose half their weight at this age; `None` weighs all alike.
    pub half_life: Option<Span>,
    /// Share of the time-ordered samples that the validation trains on.
    pub train: f64,
    /// Seed of the resampling.
    pub seed: Seed,
    /// Keeps what charts need (points, residuals, drift path) in each group.
    pub details: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            method: Method::Pipeline,
            bucket: Span::seconds(60),
            settle: Span::seconds(120),
            errors_max: 0.01,
            points_min: 60,
            ceiling: None,
            workers: None,
            slo_p95: None,
            confidence: 0.9,
            capacity_quantile: 0.1,
            resamples: 200,
            block: Span::seconds(45 * 60),
            half_life: None,
            train: 0.7,
            seed: Seed(1),
            details: false,
        }
    }
}
