//! Axes with ticks at round places, and labels that people say aloud.

use crate::report::unit::grouped;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// One axis: from, to, and where it is labelled.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// The lower end.
    pub from: f64,
    /// The upper end.
    pub to: f64,
    /// Places and their labels.
    pub ticks: Vec<(f64, String)>,
    /// What it shows; may be empty.
    pub title: String,
    /// Whether places are decimal logarithms.
    pub log: bool,
}

/// Steps of time in seconds, from a second to four weeks.
const TIME_STEPS: [f64; 22] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0, 7_200.0, 10_800.0, 14_400.0,
    21_600.0, 43_200.0, 86_400.0, 172_800.0, 432_000.0, 604_800.0,
];

impl Axis {
    /// Time since the start, with at most eight ticks: as clock time up to a day, then in hours, then in days.
    pub fn time(span_s: f64) -> Self {
        let span_s = span_s.max(1.0);
        let step = TIME_STEPS.into_iter().find(|step| span_s / step <= 8.0).unwrap_or(2_419_200.0);
        let (title, label): (&str, fn(f64) -> String) = if span_s <= 60.0 {
            ("seconds since the start", |at| plain(at))
        } else if span_s <= 86_400.0 {
            ("time since the start (h:min)", clock)
        } else if step < 86_400.0 {
            ("hours since the start", |at| plain(at / 3_600.0))
        } else {
            ("days since the start", |at| plain(at / 86_400.0))
        };
        Self { from: 0.0, to: span_s, ticks: ticks(0.0, span_s, step, label), title: title.to_owned(), log: false }
    }

    /// A part of a run, in seconds since its start, labelled in hours and minutes.
    pub fn time_between(from_s: f64, to_s: f64) -> Self {
        let to_s = to_s.max(from_s + 1.0);
        let step = TIME_STEPS.into_iter().find(|step| (to_s - from_s) / step <= 7.0).unwrap_or(604_800.0);
        let title = "time since the start (h:min)".to_owned();
        Self { from: from_s, to: to_s, ticks: ticks(from_s, to_s, step, clock), title, log: false }
    }

    /// From zero to a little above the largest value.
    pub fn from_zero(largest: f64) -> Self {
        let largest = if largest.is_finite() && largest > 0.0 { largest } else { 1.0 };
        Self::between(0.0, largest * 1.06)
    }

    /// Between the two, which differ, with about five ticks.
    pub fn between(from: f64, to: f64) -> Self {
        let step = nice_step((to - from) / 5.0);
        Self { from, to, ticks: ticks(from, to, step, plain), title: String::new(), log: false }
    }

    /// Decimal logarithms between two positive values, with a tick at every power of ten, and between where few of these
    /// are.
    pub fn logarithmic(from: f64, to: f64) -> Self {
        let (low, high) = (from.log10().floor(), to.log10().ceil());
        let factors: &[f64] = match (to / from).log10() {
            decades if decades <= 1.5 => &[1.0, 2.0, 5.0],
            decades if decades <= 3.0 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let mut ticks = Vec::new();
        let mut power = low;
        while power <= high {
            for factor in factors {
                let value: f64 = factor * 10f64.powf(power);
                if (from * 0.999..=to * 1.001).contains(&value) {
                    ticks.push((value.log10(), plain(value)));
                }
            }
            power += 1.0;
        }
        Self { from: from.log10(), to: to.log10(), ticks, title: String::new(), log: true }
    }

    /// The same axis with a title.
    #[must_use]
    pub fn titled(mut self, title: &str) -> Self {
        title.clone_into(&mut self.title);
        self
    }

    /// Where a value lies; values off the axis at its end.
    pub fn place(&self, value: f64) -> f64 {
        let place = if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        place.clamp(self.from, self.to)
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "pixels of a canvas")]
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.to - self.from);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.iter().map(|(at, _)| *at).collect() }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format(value: &f64) -> String {
        plain(*value)
    }

    fn format_ext(&self, value: &f64) -> String {
        let at = self.ticks.iter().find(|(at, _)| at.total_cmp(value).is_eq());
        at.map_or_else(|| plain(*value), |(_, label)| label.clone())
    }
}

/// 1, 2 or 5 times a power of ten, not below `rough`.
fn nice_step(rough: f64) -> f64 {
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough * 0.999).unwrap_or(power)
}

fn ticks(from: f64, to: f64, step: f64, label: fn(f64) -> String) -> Vec<(f64, String)> {
    let mut ticks = Vec::new();
    // Adding zero turns the −0 of a place just below zero into 0.
    let mut index = (from / step).ceil() + 0.0;
    // Where a step is less than a rounding error of its place, counting on leads nowhere.
    while index * step <= to + step * 1e-9 && (index + 1.0) * step > index * step {
        ticks.push((index * step, label(index * step)));
        index += 1.0;
    }
    ticks
}

/// `1,200`, `0.5`: no more decimals than the number has, at most four.
pub fn plain(value: f64) -> String {
    grouped(&format!("{}", (value * 1e4).round() / 1e4))
}

/// `19:30`; `24:00` at the end of the day.
pub fn clock(at_s: f64) -> String {
    let minutes = (at_s / 60.0).floor();
    let seconds = at_s - minutes * 60.0;
    let text = format!("{:02.0}:{:02.0}", (minutes / 60.0).floor(), minutes % 60.0);
    if seconds >= 1.0 { format!("{text}:{seconds:02.0}") } else { text }
}

/// An instant in words: `19:30` on the first day, `2 d 06:00` later; `24:00` where the first day ends.
pub fn instant(at_s: f64) -> String {
    let days = (at_s / 86_400.0).floor();
    if at_s <= 86_400.0 { clock(at_s) } else { format!("{days} d {}", clock(at_s - days * 86_400.0)) }
}

#[cfg(test)]
mod tests {
    use super::{Axis, clock, instant};

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn time_is_labelled_as_people_say_it() {
        assert_eq!(labels(&Axis::time(86_400.0))[..3], ["00:00", "03:00", "06:00"]);
        assert_eq!(labels(&Axis::time(600.0))[..3], ["00:00", "00:02", "00:04"]);
        assert_eq!(labels(&Axis::time(172_800.0))[1], "6");
        assert_eq!(labels(&Axis::time(30.0 * 86_400.0)), ["0", "5", "10", "15", "20", "25", "30"]);
        assert_eq!((clock(70_200.0).as_str(), instant(194_400.0).as_str()), ("19:30", "2 d 06:00"));
        assert_eq!(clock(3_605.0), "01:00:05");
    }

    #[test]
    fn ticks_lie_at_round_values() {
        assert_eq!(labels(&Axis::from_zero(480.0)), ["0", "200", "400"]);
        assert_eq!(labels(&Axis::from_zero(0.9)), ["0", "0.2", "0.4", "0.6", "0.8"]);
        assert_eq!(labels(&Axis::from_zero(0.0)).first(), Some(&"0"));
        assert_eq!(labels(&Axis::between(-0.1, 1.0)), ["0", "0.5", "1"]);
        assert_eq!(labels(&Axis::logarithmic(80.0, 2_000.0)), ["100", "200", "500", "1,000", "2,000"]);
        assert_eq!(labels(&Axis::logarithmic(80.0, 40_000.0)), ["100", "300", "1,000", "3,000", "10,000", "30,000"]);
    }
}
