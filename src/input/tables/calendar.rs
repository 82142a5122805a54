//! Instants of the calendar, as scenarios and tables write them, in seconds since 1970 (UTC, without leap seconds).
//!
//! A date without a zone is refused: what hour it means depends on who reads it.

use crate::input::civil;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// An instant of the calendar, in seconds since 1970-01-01T00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Calendar(pub i64);

const EXAMPLES: &str = "write it like `2022-07-01T00:00Z`, or with an offset, `2022-07-01T02:00+02:00`";

impl Calendar {
    /// Reads `2022-07-01 00:00:00` from a column that says that it is UTC.
    pub fn utc(text: &str) -> Option<Self> {
        let (date, clock) = text.split_once([' ', 'T'])?;
        Some(Self(day(date)? * 86_400 + second_of_day(clock.trim_end_matches('Z'))?))
    }
}

impl FromStr for Calendar {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let broken = || format!("`{text}` is no instant of the calendar; {EXAMPLES}");
        let (date, rest) = text.trim().split_once(['T', ' ']).ok_or_else(broken)?;
        let split = rest.find(['Z', 'z', '+', '-']).ok_or_else(|| {
            format!("`{text}` does not say its time zone; end it with `Z` for UTC, or an offset like `+02:00`")
        })?;
        let (clock, zone) = rest.split_at(split);
        let day = day(date).ok_or_else(broken)?;
        let second = second_of_day(clock).ok_or_else(broken)?;
        Ok(Self(day * 86_400 + second - offset(zone).ok_or_else(broken)?))
    }
}

/// Days from 1970-01-01 to a date that exists.
fn day(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let mut next = |digits: usize| parts.next().filter(|part| part.len() == digits).and_then(plain);
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    if parts.next().is_some() {
        return None;
    }
    civil::days(year, month, day)
}

fn second_of_day(clock: &str) -> Option<i64> {
    let parts: Vec<i64> =
        clock.split(':').map(|part| (part.len() == 2).then(|| plain(part))?).collect::<Option<_>>()?;
    match parts[..] {
        [hour @ 0..24, minute @ 0..60] => Some(hour * 3600 + minute * 60),
        [hour @ 0..24, minute @ 0..60, second @ 0..60] => Some(hour * 3600 + minute * 60 + second),
        _ => None,
    }
}

/// Seconds that a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    second_of_day(zone.get(1..)?).map(|seconds| sign * seconds)
}

fn plain(digits: &str) -> Option<i64> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, second) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let (year, month, day) = civil::date(days);
        write!(f, "{year:04}-{month:02}-{day:02}T{:02}:{:02}", second / 3600, second / 60 % 60)?;
        if second % 60 > 0 { write!(f, ":{:02}Z", second % 60) } else { f.write_str("Z") }
    }
}

impl Serialize for Calendar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Calendar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Calendar {
    fn schema_name() -> Cow<'static, str> {
        "Calendar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "an instant of the calendar with its zone, like `2022-07-01T00:00Z`" })
    }
}

#[cfg(test)]
mod tests {
    use super::Calendar;

    #[test]
    fn instants_are_those_of_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01T00:00Z", 0),
            ("2022-01-01T00:00Z", 1_640_995_200),
            ("2024-02-29T12:00:01Z", 1_709_208_001),
            ("2022-07-01T02:00+02:00", 1_656_633_600),
            ("2022-06-30 19:30-04:30", 1_656_633_600),
            ("1969-12-31T23:59Z", -60),
        ] {
            assert_eq!(text.parse(), Ok(Calendar(seconds)), "{text}");
        }
        assert_eq!(Calendar::utc("2021-01-01 01:00:00"), Some(Calendar(1_609_462_800)));
    }

    #[test]
    fn what_is_printed_reads_back() {
        for day in (-30_000_i64..60_000).step_by(17) {
            let instant = Calendar(day * 86_400 + day.rem_euclid(86_400));
            assert_eq!(instant.to_string().parse(), Ok(instant));
        }
        assert_eq!(Calendar(1_709_164_800).to_string(), "2024-02-29T00:00Z");
    }

    #[test]
    fn dates_that_do_not_exist_and_zones_that_are_not_said_are_refused() {
        for text in
            ["2023-02-29T00:00Z", "2022-13-01T00:00Z", "2022-07-01", "2022-7-1T00:00Z", "2022-07-01T24:00Z", "x"]
        {
            assert!(text.parse::<Calendar>().is_err(), "{text}");
        }
        let error = "2022-07-01T00:00".parse::<Calendar>().expect_err("whose midnight?");
        assert!(error.contains("does not say its time zone"), "{error}");
    }
}
