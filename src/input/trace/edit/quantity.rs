//! The quantities of a script: exact factors, spans, rates, and moments in three spellings.

use crate::input::trace::calendar::{self, DAY};
use crate::input::trace::decimal::Decimal;
use crate::input::trace::error::seconds;
use crate::units::{Span, Time};
use std::fmt;

/// A factor as a fraction in lowest terms: `1.5`, `150%` and `3/2` are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factor {
    /// Numerator.
    pub over: u64,
    /// Denominator, not zero.
    pub under: u64,
}

impl Factor {
    /// The fraction in lowest terms; `None` where the denominator is zero.
    pub fn new(over: u64, under: u64) -> Option<Self> {
        let (mut a, mut b) = (over, under);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        (under > 0).then(|| Self { over: over / a, under: under / a })
    }

    /// Reads a factor; at most nine decimals.
    pub fn read(text: &str) -> Option<Self> {
        if let Some((over, under)) = text.split_once('/') {
            let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?;
            return Self::new(plain(over)?, plain(under)?);
        }
        let (number, percent) = text.strip_suffix('%').map_or((text, 1), |number| (number, 100));
        let starts = number.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.');
        let places = number.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let billionths = Decimal::read(number.as_bytes()).and_then(|number| number.times(1_000_000_000)).ok();
        (starts && places <= 9 && !number.contains(['e', 'E']))
            .then(|| Self::new(billionths?, 1_000_000_000 * percent))?
    }

    /// `value` times this factor, rounded to the nearest integer, half up; `None` where that is too large.
    pub fn times(self, value: u128) -> Option<u128> {
        let (over, under) = (u128::from(self.over), u128::from(self.under));
        let (whole, rest) = ((value / under).checked_mul(over)?, (value % under).checked_mul(over)?);
        whole.checked_add((rest + under / 2) / under)
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.under == 1 { write!(f, "{}", self.over) } else { write!(f, "{}/{}", self.over, self.under) }
    }
}

/// A moment of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// So long after its begin.
    Offset(Span),
    /// So many nanoseconds after midnight of its first day.
    Clock(u64),
    /// This instant, in nanoseconds since 1970.
    Date(u64),
}

impl Moment {
    /// Reads a moment that is one word: `2h`, `1h30min`, `12:00`, `2021-08-01T12:00Z`, `@1627776000`.
    ///
    /// # Errors
    /// In words, why it is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let other = "write it like `2h`, `12:00`, `2021-08-01`, `2021-08-01T12:00Z` or `@1627776000`";
        if let Some(number) = text.strip_prefix('@') {
            let nanos = Decimal::read(number.as_bytes()).and_then(|number| number.times(1_000_000_000));
            return match nanos.ok().filter(|_| number.starts_with(|letter: char| letter.is_ascii_digit())) {
                Some(nanos) if calendar::has_dates(nanos) => Ok(Self::Date(nanos)),
                Some(_) => Err(format!("`{text}` is before 1973, so hardly seconds since 1970; {other}")),
                None => Err(format!("`{text}` is not a number of seconds; {other}")),
            };
        }
        if text.contains(':') && !text.contains('-') {
            return calendar::clock_nanos(text)
                .map(Self::Clock)
                .ok_or_else(|| format!("`{text}` is no time of day; {other}"));
        }
        if text.as_bytes().get(4) == Some(&b'-') {
            return calendar::parse_utc(text).map(Self::Date).map_err(|why| format!("`{text}`: {why}; {other}"));
        }
        match span(text) {
            Some(span) => Ok(Self::Offset(span)),
            None => Err(format!("`{text}` is no moment; {other}")),
        }
    }

    /// This moment in the time of a trace that begins at `begin` by its own clock.
    ///
    /// A time of day is one of the trace's first day, in UTC where the trace has dates; where it has none, the trace begins
    /// at midnight.
    ///
    /// # Errors
    /// In words, why the trace has no such moment.
    pub fn time(self, begin: u64) -> Result<Time, String> {
        let dated = calendar::has_dates(begin);
        match self {
            Self::Offset(span) => Ok(Time(span.0)),
            Self::Clock(nanos) => {
                let begin_of_day = if dated { begin % DAY } else { 0 };
                let early = || format!("the trace begins later that day, at {}; write a date", calendar::utc(begin));
                nanos.checked_sub(begin_of_day).map(Time).ok_or_else(early)
            }
            Self::Date(_) if !dated => Err(format!(
                "the trace has no dates: its clock begins at {} s; write an offset like `2h`",
                seconds(begin)
            )),
            Self::Date(nanos) => {
                let early = || format!("the trace begins later, at {} UTC; write a later date", calendar::utc(begin));
                nanos.checked_sub(begin).map(Time).ok_or_else(early)
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(span) => span.fmt(f),
            Self::Clock(nanos) => {
                let text = calendar::utc(*nanos);
                f.write_str(text.split(' ').next_back().unwrap_or_default())
            }
            Self::Date(nanos) => write!(f, "{}Z", calendar::utc(*nanos).replace(' ', "T")),
        }
    }
}

/// Reads a span of one or several parts: `90s`, `1h30min`, `1.5 h`.
pub fn span(text: &str) -> Option<Span> {
    let mut rest = text;
    let mut sum = Span::ZERO;
    loop {
        let unit = rest.find(|letter: char| letter.is_alphabetic())?;
        let end = rest[unit..].find(|letter: char| letter.is_ascii_digit()).map_or(rest.len(), |length| unit + length);
        let part: Span = rest[..end].parse().ok()?;
        sum = Span(sum.0.checked_add(part.0)?);
        if end == rest.len() {
            return Some(sum);
        }
        rest = &rest[end..];
    }
}

#[cfg(test)]
mod tests {
    use super::{Factor, Moment, span};
    use crate::units::{Span, Time};

    #[test]
    fn factors_are_fractions() {
        let half = Factor { over: 1, under: 2 };
        for text in ["0.5", "50%", "1/2", ".5", "500/1000"] {
            assert_eq!(Factor::read(text), Some(half), "{text}");
        }
        for text in ["", "-1", "+1", "1/0", "1e3", "half", "1/2/3", "0.1234567890", "%", "99999999999999999999", "NaN"]
        {
            assert_eq!(Factor::read(text), None, "{text}");
        }
        assert_eq!(half.times(3), Some(2));
        assert_eq!(Factor::read("1/3").and_then(|third| third.times(u128::MAX)), Some(u128::MAX / 3));
        assert_eq!(Factor::read("2").and_then(|two| two.times(u128::MAX)), None);
    }

    #[test]
    fn spans_may_have_several_parts() {
        assert_eq!(span("1h30min"), Some(Span(5_400_000_000_000)));
        assert_eq!(span("90 s"), Some(Span(90_000_000_000)));
        for text in ["", "1", "h", "1h30", "1hh", "-1h", "1 parsec", "999999999999d"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn moments_are_of_the_trace() {
        // 2021-08-01 06:00 UTC.
        let august = 1_627_776_000_000_000_000 + 21_600_000_000_000;
        let time = |text: &str, begin| Moment::read(text).and_then(|moment| moment.time(begin));
        assert_eq!(time("2h", august), Ok(Time(7_200_000_000_000)));
        assert_eq!(time("12:00", august), Ok(Time(21_600_000_000_000)));
        assert_eq!(time("12:00", 5), Ok(Time(43_200_000_000_000)));
        assert_eq!(time("2021-08-01T09:00+02:00", august), Ok(Time(3_600_000_000_000)));
        assert_eq!(time("@1627797601", august), Ok(Time(1_000_000_000)));
        for text in ["05:00", "2021-07-31", "2021-02-30", "25:00", "@12", "noon", "12"] {
            assert!(time(text, august).is_err(), "{text}");
        }
        assert!(time("2021-08-01", 0).is_err_and(|why| why.contains("the trace has no dates")));
    }
}
