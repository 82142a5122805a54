//! What is in a trace, for people: how long, how fine, how much, where it peaks, what is missing, and its course.
//!
//! One pass, and memory that does not grow with the file: the course is kept in at most [`BINS`] bins, which become twice as
//! wide whenever the trace outgrows them. Requests are exact, as in [`survey`](super::survey()).

use super::survey::Requests;
use super::{Trace, error::seconds};
use crate::model::id::Id;
use crate::model::workload::{RateRow, RateSource, WorkloadError};
use crate::units::{Rate, Span, Time};
use std::collections::BTreeMap;

/// Bins of a course, at most.
pub const BINS: usize = 256;
/// Different steps that are told apart; more are a trace of events.
const STEPS_MAX: usize = 64;
/// Services with a course of their own; of more nobody could look at them.
const COURSES_MAX: usize = 4_096;

/// What is in a trace.
#[derive(Debug, Clone)]
pub struct Info {
    /// Rows.
    pub rows: u64,
    /// When the last row's rates end.
    pub end: Time,
    /// Steps from row to row, and how often each occurs; at most 64 of them.
    pub steps: BTreeMap<Span, u64>,
    /// All services together.
    pub total: ServiceInfo,
    /// Each service, by its index.
    pub services: Vec<ServiceInfo>,
    /// What is unusual, in sentences.
    pub notes: Vec<String>,
}

/// What is known of one service, or of all together.
#[derive(Debug, Clone, Default)]
pub struct ServiceInfo {
    /// Requests.
    pub requests: Requests,
    /// The highest rate, and when it first began.
    pub peak: (u128, Time),
    /// For how long the rate was zero, before its first row included.
    pub zero: Span,
    /// Rows that state its rate.
    pub stated: u64,
    /// Rows that state it as zero.
    pub zeros: u64,
    /// Its course; empty where there are too many services.
    pub course: Course,
}

/// Requests over time in bins of one width.
#[derive(Debug, Clone, Default)]
pub struct Course {
    /// Width of a bin; zero as long as there is none.
    pub width: Span,
    /// Requests of each bin.
    pub bins: Vec<Requests>,
}

impl ServiceInfo {
    /// Requests per second over `span`.
    pub fn mean(&self, span: Span) -> f64 {
        if span == Span::ZERO { 0.0 } else { self.requests.as_f64() / span.as_seconds_f64() }
    }

    /// The highest rate in requests per second.
    pub fn peak_per_second(&self) -> f64 {
        self.peak.0 as f64 / 1e6
    }
}

impl Info {
    /// The step that most rows have; `None` where a trace has one row.
    pub fn step(&self) -> Option<Span> {
        self.steps.iter().max_by_key(|(step, count)| (**count, std::cmp::Reverse(**step))).map(|(step, _)| *step)
    }

    /// How many steps are no [`step`](Self::step).
    pub fn other_steps(&self) -> u64 {
        let usual = self.step().and_then(|step| self.steps.get(&step)).copied().unwrap_or(0);
        self.rows.saturating_sub(1) - usual
    }

    /// From the first row to the end.
    pub fn span(&self) -> Span {
        self.end.since(Time::ZERO)
    }
}

/// Reads a trace of that many services to its end.
///
/// # Errors
/// What is wrong with it.
pub fn info(trace: &mut Trace, services: usize) -> Result<Info, WorkloadError> {
    let mut teller = Teller::new(services);
    let mut row = RateRow::default();
    while trace.next_row(&mut row)? {
        teller.take(&row);
    }
    Ok(teller.finish(trace))
}

struct Teller {
    rows: u64,
    steps: BTreeMap<Span, u64>,
    previous: Option<Time>,
    /// The first step: what courses begin with as the width of a bin.
    unit: Span,
    /// The rate of each service and since when it holds.
    holds: Vec<(Rate, Time)>,
    services: Vec<ServiceInfo>,
    total: ServiceInfo,
    /// The rates of all together, and since when.
    sum: (u128, Time),
}

impl Teller {
    fn new(services: usize) -> Self {
        let (holds, infos) = (vec![(Rate::ZERO, Time::ZERO); services], vec![ServiceInfo::default(); services]);
        let (steps, total, sum) = (BTreeMap::new(), ServiceInfo::default(), (0, Time::ZERO));
        Self { rows: 0, steps, previous: None, unit: Span::ZERO, holds, services: infos, total, sum }
    }

    fn take(&mut self, row: &RateRow) {
        self.rows += 1;
        if let Some(previous) = self.previous.replace(row.at) {
            let step = row.at.since(previous);
            self.unit = if self.unit == Span::ZERO { step } else { self.unit };
            if self.steps.len() < STEPS_MAX || self.steps.contains_key(&step) {
                *self.steps.entry(step).or_default() += 1;
            }
        }
        let mut sum = self.sum.0;
        let unit = if self.services.len() <= COURSES_MAX { self.unit } else { Span::ZERO };
        for &(service, rate) in &row.rates {
            let (before, since) = std::mem::replace(&mut self.holds[service.index()], (rate, row.at));
            let info = &mut self.services[service.index()];
            info.held(u128::from(before.0), (since, row.at), unit);
            info.state(u128::from(rate.0), row.at);
            sum = sum - u128::from(before.0) + u128::from(rate.0);
        }
        self.total.held(self.sum.0, (self.sum.1, row.at), self.unit);
        self.total.state(sum, row.at);
        self.sum = (sum, row.at);
    }

    fn finish(mut self, trace: &Trace) -> Info {
        let end = trace.end();
        // A trace of one row has no step.
        self.unit = if self.unit == Span::ZERO { end.since(Time::ZERO) } else { self.unit };
        let unit = if self.services.len() <= COURSES_MAX { self.unit } else { Span::ZERO };
        for (info, (rate, since)) in self.services.iter_mut().zip(&self.holds) {
            info.held(u128::from(rate.0), (*since, end), unit);
        }
        self.total.held(self.sum.0, (self.sum.1, end), self.unit);
        let Self { rows, steps, services, total, .. } = self;
        Info { rows, end, steps, total, services, notes: trace.notes() }
    }
}

impl ServiceInfo {
    /// `rate`, in millionths per second, has held from one instant to another; `unit`: what its course begins with, zero
    /// where it has none.
    fn held(&mut self, rate: u128, (since, until): (Time, Time), unit: Span) {
        let span = until.since(since);
        self.requests.0 += rate * u128::from(span.0);
        if rate == 0 {
            self.zero += span;
        }
        if unit > Span::ZERO {
            self.course.add(rate, (since, until), unit);
        }
    }

    fn state(&mut self, rate: u128, at: Time) {
        self.stated += 1;
        self.zeros += u64::from(rate == 0);
        if rate > self.peak.0 {
            self.peak = (rate, at);
        }
    }
}

impl Course {
    fn add(&mut self, rate: u128, (since, until): (Time, Time), unit: Span) {
        if until <= since {
            return;
        }
        if self.width == Span::ZERO {
            self.width = unit;
        }
        while until.0.div_ceil(self.width.0) > BINS as u64 {
            self.widen();
        }
        let (mut from, until) = (since.0, until.0);
        while from < until {
            let index = usize::try_from(from / self.width.0).expect("at most the number of bins");
            let to = until.min((index as u64 + 1).saturating_mul(self.width.0));
            if self.bins.len() <= index {
                self.bins.resize(index + 1, Requests(0));
            }
            self.bins[index].0 += rate * u128::from(to - from);
            from = to;
        }
    }

    fn widen(&mut self) {
        self.width = self.width.repeated(2);
        self.bins = self.bins.chunks(2).map(|pair| Requests(pair.iter().map(|bin| bin.0).sum())).collect();
    }

    /// Mean rates in `columns` columns of equal width from the begin to `end`, in requests per second.
    pub fn columns(&self, columns: usize, end: Time) -> Vec<f64> {
        let bins = if self.width == Span::ZERO { 0 } else { end.0.div_ceil(self.width.0) };
        let bins = usize::try_from(bins).unwrap_or(0);
        let columns = columns.clamp(1, bins.max(1));
        let mean = |column: usize| {
            let (from, to) = (column * bins / columns, (column + 1) * bins / columns);
            let requests: f64 = (from..to).map(|bin| self.bins.get(bin).map_or(0.0, |bin| bin.as_f64())).sum();
            let until = self.width.repeated(to as u64).0.min(end.0);
            let span = Span(until.saturating_sub(self.width.repeated(from as u64).0));
            if span == Span::ZERO { 0.0 } else { requests / span.as_seconds_f64() }
        };
        (0..columns).map(mean).collect()
    }
}

/// A course in blocks of eight heights, a letter a number: the lowest is nothing, the highest is the highest of all.
pub fn sparkline(values: &[f64]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let highest = values.iter().copied().fold(0.0, f64::max);
    let block = |value: &f64| {
        if *value <= 0.0 || highest <= 0.0 {
            return ' ';
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 0 to 1 times 8")]
        let height = (value / highest * 8.0).ceil() as usize;
        BLOCKS[height.clamp(1, 8) - 1]
    };
    values.iter().map(block).collect()
}

/// An instant as its own clock shows it: a date where the clock is one of dates, seconds otherwise.
pub fn instant(begin: u64, at: Time) -> String {
    let clock = begin.saturating_add(at.0);
    if super::calendar::has_dates(begin) {
        super::calendar::utc(clock) + " UTC"
    } else {
        format!("{} s", seconds(clock))
    }
}

#[cfg(test)]
mod tests {
    use super::{BINS, Course, sparkline};
    use crate::units::{Span, Time};

    #[test]
    fn a_course_keeps_every_request_however_long_it_becomes() {
        let mut course = Course::default();
        let mut total = 0;
        for step in 0..10_000_u64 {
            let rate = u128::from(step * 7_919 % 1_000);
            course.add(rate, (Time(step * 60), Time(step * 60 + 60)), Span(60));
            total += rate * 60;
            assert!(course.bins.len() <= BINS);
        }
        assert_eq!(course.bins.iter().map(|bin| bin.0).sum::<u128>(), total);
        assert_eq!(course.columns(10, Time(600_000)).len(), 10);
    }

    #[test]
    fn a_sparkline_shows_nothing_where_nothing_is() {
        assert_eq!(sparkline(&[0.0, 1.0, 4.0, 8.0]), " ▁▄█");
        assert_eq!(sparkline(&[0.0, 0.0]), "  ");
        assert_eq!(sparkline(&[]), "");
    }
}
