//! What changes by itself: carbon intensity of the grid and prices, by region, over time.

use crate::units::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

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
        self.change_after(self.steps.partition_point(|(from, _)| *from <= local), at)
    }

    /// [`at`](Self::at) and [`next_change`](Self::next_change) for who goes forward: looks first at `after`, the number of steps
    /// that had begun when it was asked last, and leaves the present number there.
    pub fn read(&self, at: Time, after: &mut usize) -> (f64, Option<Time>) {
        let local = self.local(at);
        let begun = |step: usize| self.steps.get(step).is_some_and(|(from, _)| *from <= local);
        let is_here = |after: usize| (after == 0 || begun(after - 1)) && !begun(after);
        *after = [*after, *after + 1]
            .into_iter()
            .find(|after| is_here(*after))
            .unwrap_or_else(|| self.steps.partition_point(|(from, _)| *from <= local));
        (self.steps[after.saturating_sub(1)].1, self.change_after(*after, at))
    }

    /// When the step `after` begins, seen from `at`; past the last one, when the series begins again.
    fn change_after(&self, after: usize, at: Time) -> Option<Time> {
        let local = self.local(at);
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
    pub carbon: BTreeMap<String, Arc<StepSeries>>,
    /// Where a region is not named.
    pub carbon_default: StepSeries,
    /// What the list price of a node-hour is multiplied by (spot markets, tariffs).
    pub price_factor: BTreeMap<String, Arc<StepSeries>>,
}

impl Environment {
    /// The carbon intensity of `region` over time, in g CO₂e per kWh.
    pub fn carbon_of(&self, region: &str) -> &StepSeries {
        self.carbon.get(region).map_or(&self.carbon_default, Arc::as_ref)
    }

    /// The price factor of `region` at `at`; one where nothing is said.
    pub fn price_factor_at(&self, region: &str, at: Time) -> f64 {
        self.price_factor.get(region).map_or(1.0, |series| series.at(at))
    }
}

/// The environment of one region as time goes on. A year of 5-minute steps is 17 levels of binary search in memory that is
/// not in any cache, and a region is found by its name: a reader that goes forward needs neither.
#[derive(Debug, Clone)]
pub struct Outlook {
    carbon: Arc<StepSeries>,
    price_factor: Arc<StepSeries>,
    /// Steps that had begun when it was read last.
    begun: (usize, usize),
}

/// What holds in a region.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Carbon intensity in g CO₂e per kWh.
    pub carbon: f64,
    /// What list prices are multiplied by.
    pub price_factor: f64,
    /// When one of them may change next.
    pub until: Option<Time>,
}

impl Outlook {
    /// The outlook of `region`.
    pub fn new(environment: &Environment, region: &str) -> Self {
        let carbon = environment.carbon.get(region).cloned();
        let price_factor = environment.price_factor.get(region).cloned();
        Self {
            carbon: carbon.unwrap_or_else(|| Arc::new(environment.carbon_default.clone())),
            price_factor: price_factor.unwrap_or_else(|| Arc::new(StepSeries::constant(1.0))),
            begun: (0, 0),
        }
    }

    /// What holds at `at`. Fast where `at` is within a step of where it was read last; right everywhere.
    pub fn read(&mut self, at: Time) -> Conditions {
        let (carbon, carbon_until) = self.carbon.read(at, &mut self.begun.0);
        let (price_factor, price_until) = self.price_factor.read(at, &mut self.begun.1);
        Conditions { carbon, price_factor, until: carbon_until.into_iter().chain(price_until).min() }
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

    /// Goal: reading on is the same as looking up.
    /// Method: series with and without a period, read at times that go forward by any step and now and then back.
    #[test]
    fn a_reader_that_goes_forward_sees_what_a_look_up_finds() {
        let steps: Vec<(Time, f64)> = (0..50).map(|step| (Time(step * step * 7 + 3), step as f64)).collect();
        for period in [0, 20_000] {
            let series = StepSeries { steps: steps.clone(), period: Span(period) };
            let mut after = 0;
            for round in 0..2_000_u64 {
                let at = Time(round * 31 % 60_000 + round % 7);
                let read = series.read(at, &mut after);
                assert_eq!(read, (series.at(at), series.next_change(at)), "period {period}, {at:?}");
            }
        }
    }
}
