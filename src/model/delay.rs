//! Delays as distributions: image pulls, starts, boots, control latency.

use crate::units::Span;

/// How long something takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Delay {
    /// Always the same.
    Fixed(Span),
    /// Every value between the two alike.
    Uniform {
        /// Shortest.
        min: Span,
        /// Longest.
        max: Span,
    },
    /// Memoryless, with this mean.
    Exponential {
        /// Mean.
        mean: Span,
    },
    /// Lognormal with this median, and one in twenty above `p95`. `sigma = ln(p95/median) / 1.6449`.
    LogNormal {
        /// Median.
        median: Span,
        /// 95th percentile.
        p95: Span,
    },
}

impl Delay {
    /// No delay at all.
    pub const NONE: Self = Self::Fixed(Span::ZERO);

    /// The value whose share of smaller ones is `u`, in [0, 1): the inverse of the distribution function. Sampling is
    /// left to those who own a random stream.
    pub fn quantile(&self, u: f64, standard_normal: impl Fn(f64) -> f64) -> Span {
        match *self {
            Self::Fixed(span) => span,
            Self::Uniform { min, max } => min + Span::from_seconds_f64((max.saturating_sub(min)).as_seconds_f64() * u),
            Self::Exponential { mean } => Span::from_seconds_f64(-mean.as_seconds_f64() * (1.0 - u).ln()),
            Self::LogNormal { median, p95 } => {
                let sigma = (p95.as_seconds_f64() / median.as_seconds_f64()).ln() / 1.644_853_626_951_472_2;
                Span::from_seconds_f64(median.as_seconds_f64() * (sigma * standard_normal(u)).exp())
            }
        }
    }
}
