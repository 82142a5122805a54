//! Between quantities and plain numbers, and the few operations that mix kinds.
//!
//! Rounding and saturation are decided here, once: to the nearest base unit, and never below zero.

use super::{Bytes, MilliCores, NANOS_PER_SECOND, Rate, Ratio, Span, Time};
use std::ops::{Add, Sub};

impl Span {
    /// A span of whole seconds.
    #[must_use]
    pub const fn seconds(seconds: u64) -> Self {
        Self(seconds * NANOS_PER_SECOND)
    }

    /// A span from seconds as a float, to the nearest nanosecond; negative and NaN give zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, which is what is wanted"
    )]
    pub fn from_seconds_f64(seconds: f64) -> Self {
        Self((seconds * 1e9).round() as u64)
    }

    /// This span in seconds.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a derived figure; spans below 104 days are exact")]
    pub const fn as_seconds_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Time {
    /// The time that passed from `earlier` to this instant; nothing where `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds since the start.
    #[must_use]
    pub const fn as_seconds_f64(self) -> f64 {
        Span(self.0).as_seconds_f64()
    }
}

impl Add<Span> for Time {
    type Output = Self;
    /// Saturates at the end of time, so that "never" can be a span.
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub for Time {
    type Output = Span;
    fn sub(self, earlier: Self) -> Span {
        Span(self.0 - earlier.0)
    }
}

impl Rate {
    /// A rate from requests per second, to the nearest millionth; negative and NaN give zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, which is what is wanted"
    )]
    pub fn from_per_second(requests: f64) -> Self {
        Self((requests * 1e6).round() as u64)
    }

    /// Requests per second.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a derived figure; rates below 9e9 requests per second are exact")]
    pub const fn per_second(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This rate times a ratio, rounded down to a millionth of a request per second.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "rates above 1e13 requests per second do not occur")]
    pub const fn scaled(self, ratio: Ratio) -> Self {
        Self((self.0 as u128 * ratio.0 as u128 / 1_000_000) as u64)
    }
}

impl Ratio {
    /// Exactly one.
    pub const ONE: Self = Self(1_000_000);

    /// A ratio from a float, to the nearest millionth; negative and NaN give zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, which is what is wanted"
    )]
    pub fn from_f64(ratio: f64) -> Self {
        Self((ratio * 1e6).round() as u64)
    }

    /// As a float.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a derived figure")]
    pub const fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl MilliCores {
    /// CPU from cores, to the nearest thousandth; negative and NaN give zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` saturates, which is what is wanted"
    )]
    pub fn from_cores(cores: f64) -> Self {
        Self((cores * 1e3).round() as u64)
    }

    /// As cores.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a derived figure")]
    pub const fn cores(self) -> f64 {
        self.0 as f64 / 1e3
    }
}

impl Bytes {
    /// As gibibytes.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a derived figure")]
    pub const fn gib(self) -> f64 {
        self.0 as f64 / 1_073_741_824.0
    }
}
