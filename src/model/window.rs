//! A part of a scenario in time, cut out so that its begin is the start of a run.
//!
//! The whole world moves with the load: what has an instant (faults, new versions, freezes, carbon, prices) keeps its place
//! next to it, so a run of the third day sees what the third day saw. What is under way at the begin is there from the
//! start, for the time that is left of it. What comes at random comes at random as before. The state of the platform is not
//! carried over: replicas are as many as the scenario starts with, which is what a warm-up is for.

use super::environment::StepSeries;
use super::fault::FaultTimes;
use super::scenario::{Scenario, Truth};
use super::task::TaskRow;
use crate::units::{Ratio, Span, Time};
use std::fmt;
use std::sync::Arc;

/// A part of a scenario, in the time of its runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Its begin.
    pub from: Time,
    /// Its end; `None`: where the scenario ends.
    pub until: Option<Time>,
}

impl Window {
    /// Whether it is all there is.
    pub const fn is_whole(&self) -> bool {
        self.from.0 == 0 && self.until.is_none()
    }

    /// Whether some instant lies in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let ends_after = |one: &Self, at: Time| one.until.is_none_or(|until| until > at);
        ends_after(self, other.from) && ends_after(other, self.from)
    }

    /// How long it is, where its end is known.
    pub fn span(&self) -> Option<Span> {
        self.until.map(|until| until.since(self.from))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = |time: Time| Span(time.0);
        match (self.from, self.until) {
            (Time::ZERO, None) => f.write_str("all"),
            (Time::ZERO, Some(until)) => write!(f, "the first {}", since(until)),
            (from, None) => write!(f, "from {} on", since(from)),
            (from, Some(until)) => write!(f, "from {} until {}", since(from), since(until)),
        }
    }
}

impl Scenario {
    /// Cuts everything but the load to `window`, and moves it to the start.
    pub fn cut(&mut self, window: Window) {
        let Window { from, until } = window;
        self.until =
            until.map(|until| until.since(from)).or(self.until.map(|until| until.saturating_sub(Span(from.0))));
        for fault in &mut self.faults {
            if let FaultTimes::Listed(times) = &mut fault.when {
                *times = times.iter().filter_map(|(at, lasts)| rest(from, *at, *lasts)).collect();
            }
        }
        let moved = |truth: &Truth| Truth { changes: changes(&truth.changes, from), ..truth.clone() };
        self.truth = self.truth.values().map(moved).collect();
        let freezes = self.control.rails.freezes.iter();
        let freezes = freezes.filter(|(_, end)| *end > from);
        self.control.rails.freezes =
            freezes.map(|(begin, end)| (Time(begin.since(from).0), Time(end.since(from).0))).collect();
        let environment = &mut self.environment;
        let series = environment.carbon.values_mut().chain(environment.price_factor.values_mut());
        series.for_each(|series| *series = Arc::new(series.beginning(from)));
        environment.carbon_default = environment.carbon_default.beginning(from);
    }
}

/// A fault as seen from `from`; `None` where it is over by then.
fn rest(from: Time, at: Time, lasts: Span) -> Option<(Time, Span)> {
    if at >= from {
        return Some((Time(at.0 - from.0), lasts));
    }
    let left = (at + lasts).since(from);
    (left > Span::ZERO).then_some((Time::ZERO, left))
}

/// New versions from `from` on; the one that runs then is there from the start.
fn changes(changes: &[(Time, Ratio)], from: Time) -> Vec<(Time, Ratio)> {
    let running = changes.iter().rev().find(|(at, _)| *at <= from).map(|(_, factor)| (Time::ZERO, *factor));
    let later = changes.iter().filter(|(at, _)| *at > from).map(|(at, factor)| (Time(at.0 - from.0), *factor));
    running.filter(|_| from > Time::ZERO).into_iter().chain(later).collect::<Vec<_>>()
}

impl StepSeries {
    /// The series as it goes on from `from`.
    #[must_use]
    pub fn beginning(&self, from: Time) -> Self {
        if from == Time::ZERO || self.steps.len() < 2 {
            return self.clone();
        }
        let mut steps = vec![(Time::ZERO, self.at(from))];
        let mut at = from;
        // A series that begins again is complete after one period.
        let is_new = |next: &Time| self.period.0 == 0 || next.since(from) < self.period;
        while let Some(next) = self.next_change(at).filter(is_new) {
            steps.push((Time(next.since(from).0), self.at(next)));
            at = next;
        }
        Self { steps, period: self.period }
    }
}

/// Tasks that arrive in `window`, moved to its begin; those that came before it are left out, even where they would still run.
pub fn tasks(rows: &[TaskRow], window: Window) -> Vec<TaskRow> {
    let inside = |row: &&TaskRow| row.at >= window.from && window.until.is_none_or(|until| row.at < until);
    rows.iter().filter(inside).map(|row| TaskRow { at: Time(row.at.0 - window.from.0), ..*row }).collect()
}

#[cfg(test)]
mod tests {
    use super::{Window, changes, rest};
    use crate::model::environment::StepSeries;
    use crate::units::{Ratio, Span, Time};

    const fn hour(hour: u64) -> Time {
        Time(hour * 3_600_000_000_000)
    }

    const fn hours(hours: u64) -> Span {
        Span(hour(hours).0)
    }

    /// Goal: after a cut, what happens at a time is still next to the load of that time.
    /// Method: a fault before, across and after hour 24; three versions; by hand.
    #[test]
    fn faults_and_versions_move_with_the_load() {
        assert_eq!(rest(hour(24), hour(20), hours(4)), None);
        assert_eq!(rest(hour(24), hour(22), hours(5)), Some((Time::ZERO, hours(3))));
        assert_eq!(rest(hour(24), hour(30), hours(5)), Some((hour(6), hours(5))));
        let versions = [(hour(1), Ratio(1)), (hour(20), Ratio(2)), (hour(30), Ratio(3))];
        assert_eq!(changes(&versions, hour(24)), [(Time::ZERO, Ratio(2)), (hour(6), Ratio(3))]);
        assert_eq!(changes(&versions, Time::ZERO), versions);
    }

    /// Goal: a series that was cut has at every hour the value that the whole one has then.
    /// Method: one that ends and one that comes again each day, cut at hours 0 to 49, read at 60 hours each.
    #[test]
    fn a_series_goes_on_as_if_it_had_not_been_cut() {
        let steps = vec![(hour(2), 1.0), (hour(6), 2.0), (hour(21), 3.0)];
        for period in [Span::ZERO, hours(24)] {
            let whole = StepSeries { steps: steps.clone(), period };
            for from in 0..50 {
                let cut = whole.beginning(hour(from));
                assert!(cut.steps.is_sorted_by(|left, right| left.0 < right.0), "{cut:?}");
                for at in 0..60 {
                    let (here, there) = (cut.at(hour(at)), whole.at(hour(from + at)));
                    assert!((here - there).abs() < 1e-12, "{period:?}, cut at {from}, hour {at}: {here} and {there}");
                }
            }
        }
    }

    #[test]
    fn windows_overlap_where_they_share_an_instant() {
        let window = |from: u64, until: Option<u64>| Window { from: hour(from), until: until.map(hour) };
        assert!(window(0, Some(24)).overlaps(&window(23, None)));
        assert!(!window(0, Some(24)).overlaps(&window(24, None)));
        assert!(!window(24, Some(48)).overlaps(&window(0, Some(24))));
        assert_eq!(window(24, Some(48)).to_string(), "from 1 d until 2 d");
        assert_eq!(
            (window(0, Some(24)).to_string(), window(0, None).to_string()),
            ("the first 1 d".into(), "all".into())
        );
    }
}
