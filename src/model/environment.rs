//! What changes by itself: carbon intensity of the grid and prices, by region, over time.

use crate::units::Time;
use std::collections::BTreeMap;

/// A value that is constant between its steps.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSeries {
    /// (from when on, value), by rising time; the first value also holds before its time.
    pub steps: Vec<(Time, f64)>,
    /// After this time the series begins again; zero for never. Lets one day serve for many.
    pub period: crate::units::Span,
}

impl StepSeries {
    /// The same value for ever.
    pub fn constant(value: f64) -> Self {
        Self { steps: vec![(Time::ZERO, value)], period: crate::units::Span::ZERO }
    }

    /// The value at `at`.
    ///
    /// # Panics
    /// On a series without steps, which `input` does not make.
    pub fn at(&self, at: Time) -> f64 {
        let local = self.local(at);
        let after = self.steps.partition_point(|(from, _)| *from <= local);
        self.steps[after.saturating_sub(1)].1
    }

    /// The next instant after `at` at which the value may differ; `None` where it never changes again.
    pub fn next_change(&self, at: Time) -> Option<Time> {
        let local = self.local(at);
        let after = self.steps.partition_point(|(from, _)| *from <= local);
        match self.steps.get(after) {
            Some((from, _)) => Some(at + from.since(local)),
            None if self.period.0 == 0 || self.steps.len() < 2 => None,
            None => Some(at + Time(self.period.0).since(local)),
        }
    }

    const fn local(&self, at: Time) -> Time {
        if self.period.0 == 0 { at } else { Time(at.0 % self.period.0) }
    }
}

/// Carbon and price by region.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Carbon intensity of a region's grid in g CO₂e per kWh.
    pub carbon: BTreeMap<String, StepSeries>,
    /// Where a region is not named.
    pub carbon_default: StepSeries,
    /// What the list price of a node-hour is multiplied by (spot markets, tariffs).
    pub price_factor: BTreeMap<String, StepSeries>,
}

impl Environment {
    /// The carbon intensity of `region` over time, in g CO₂e per kWh.
    pub fn carbon_of(&self, region: &str) -> &StepSeries {
        self.carbon.get(region).unwrap_or(&self.carbon_default)
    }

    /// The price factor of `region` at `at`; one where nothing is said.
    pub fn price_factor_at(&self, region: &str, at: Time) -> f64 {
        self.price_factor.get(region).map_or(1.0, |series| series.at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::StepSeries;
    use crate::units::{Span, Time};

    #[test]
    fn a_daily_series_comes_again_the_next_day() {
        let hour = |h: u64| Time(h * 3_600_000_000_000);
        let series = StepSeries { steps: vec![(hour(0), 1.0), (hour(6), 2.0)], period: Span::seconds(86_400) };
        assert!((series.at(hour(5)) - 1.0).abs() < f64::EPSILON);
        assert!((series.at(hour(30)) - 2.0).abs() < f64::EPSILON);
        assert_eq!(series.next_change(hour(5)), Some(hour(6)));
        assert_eq!(series.next_change(hour(7)), Some(hour(24)));
        assert_eq!(StepSeries::constant(3.0).next_change(hour(1)), None);
    }
}
