//! What to request: percentiles of use, a margin, and bounds that tell how sure that is.
//!
//! ```text
//! target = max(least, p90 · (1 + margin))
//! lower  = max(least, p50 · (1 + margin) · (1 + 0.001/d)⁻²)        d = min(days since the first sample, samples / 1440)
//! upper  = max(least, p95 · (1 + margin) · (1 + 1/d))
//! ```
//!
//! A sample a minute is assumed, so 1,440 of them are a day. After one day upper is twice the p95, after a week 1.14 times.
//! Source: `estimator.go` and `recommender.go` of kubernetes/autoscaler, for CPU.

use super::histogram::{Buckets, Histogram};
use crate::units::{Span, Time};

/// Percentiles, margin and floor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Share for the target.
    pub target: f64,
    /// Share for the lower bound.
    pub lower: f64,
    /// Share for the upper bound.
    pub upper: f64,
    /// Share on top of all three.
    pub margin: f64,
    /// Never recommended less, in cores.
    pub least: f64,
    /// In which a sample loses half of its weight.
    pub half_life: Span,
}

impl Default for Settings {
    /// The recommender's flags.
    fn default() -> Self {
        Self { target: 0.9, lower: 0.5, upper: 0.95, margin: 0.15, least: 0.025, half_life: Span::seconds(86_400) }
    }
}

/// What to request, in cores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recommendation {
    /// Less is too little.
    pub lower: f64,
    /// What to ask for.
    pub target: f64,
    /// More is too much.
    pub upper: f64,
}

/// Learns use and recommends requests.
#[derive(Debug, Clone)]
pub struct Recommender {
    settings: Settings,
    histogram: Histogram,
    first: Option<Time>,
    last: Time,
    samples: u64,
}

/// What a sample weighs at least, and below which share of it a bucket is empty.
const SAMPLE_WEIGHT: f64 = 0.1;
const EPSILON: f64 = 0.001 * SAMPLE_WEIGHT;

impl Recommender {
    /// Has seen nothing yet.
    pub fn new(settings: Settings) -> Self {
        let histogram = Histogram::new(Buckets::CPU, settings.half_life, EPSILON);
        Self { settings, histogram, first: None, last: Time::ZERO, samples: 0 }
    }

    /// Takes a sample of `cores` in use.
    pub fn add(&mut self, at: Time, cores: f64) {
        self.histogram.add(at, cores, SAMPLE_WEIGHT);
        self.first.get_or_insert(at);
        self.last = self.last.max(at);
        self.samples += 1;
    }

    /// How much is known, in days.
    pub fn confidence(&self) -> f64 {
        let days = self.last.since(self.first.unwrap_or(self.last)).as_seconds_f64() / 86_400.0;
        days.min(self.samples as f64 / 1_440.0)
    }

    /// What to request now.
    pub fn recommend(&self) -> Recommendation {
        let Settings { target, lower, upper, margin, least, .. } = self.settings;
        let days = self.confidence();
        let of = |share: f64, factor: f64| (self.histogram.percentile(share) * (1.0 + margin) * factor).max(least);
        Recommendation {
            lower: of(lower, confident(0.001, -2.0, days)),
            target: of(target, 1.0),
            upper: of(upper, confident(1.0, 1.0, days)),
        }
    }
}

/// `(1 + multiplier/days)^exponent`: far from 1 while little is known.
fn confident(multiplier: f64, exponent: f64, days: f64) -> f64 {
    (1.0 + multiplier / days).powf(exponent)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the figure of the original, bit for bit")]
mod tests {
    use super::{Recommender, Settings, confident};
    use crate::units::{Span, Time};

    fn minute(index: u64) -> Time {
        Time(Span::seconds(60 * index).0)
    }

    /// The recommender's own test: 9 samples, 2 minutes apart, are 9/1440 = 0.00625 days by their number (16 minutes by the clock
    /// would be more), and a base of 3.14 cores · (1 + 0.1/0.00625)² = 907.46.
    #[test]
    fn confidence_is_what_the_original_says() {
        let mut recommender = Recommender::new(Settings::default());
        (0..9).for_each(|index| recommender.add(minute(2 * index), 1.0));
        assert_eq!(recommender.confidence(), 0.006_25);
        assert!((314.0 * confident(0.1, 2.0, 0.006_25) - 90_746.0).abs() < 1e-7);
        assert_eq!((confident(1.0, 1.0, 0.0), confident(1.0, -1.0, 0.0)), (f64::INFINITY, 0.0));
    }

    /// A week of one core: 1 to the end of its bucket (5 % at most), times 1.15; the upper bound times 1 + 1/7.
    #[test]
    fn a_steady_week_is_recommended_with_margin() {
        let mut recommender = Recommender::new(Settings::default());
        (0..=7 * 1_440).for_each(|index| recommender.add(minute(index), 1.0));
        let found = recommender.recommend();
        assert!((1.15..1.15 * 1.06).contains(&found.target), "{found:?}");
        assert!((found.upper / found.target - 8.0 / 7.0).abs() < 1e-9, "{found:?}");
        assert!((found.lower / found.target - 1.0).abs() < 0.001, "{found:?}");
    }

    /// 80 % of the minutes at 1 core, 20 % at 4: the p90 is 4; after two days at 1 core, of which the weight is then more than
    /// four fifths, it is 1 again.
    #[test]
    fn the_past_is_forgotten_by_halves() {
        let mut recommender = Recommender::new(Settings::default());
        (0..1_440).for_each(|index| recommender.add(minute(index), if index % 5 == 0 { 4.0 } else { 1.0 }));
        assert!(recommender.recommend().target > 4.0);
        (1_440..3 * 1_440).for_each(|index| recommender.add(minute(index), 1.0));
        assert!(recommender.recommend().target < 1.3, "{:?}", recommender.recommend());
    }

    #[test]
    fn a_service_that_rests_gets_the_least() {
        let mut recommender = Recommender::new(Settings::default());
        recommender.add(minute(1), 0.0);
        assert_eq!(recommender.recommend().target, 0.025);
    }
}
