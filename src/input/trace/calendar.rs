//! Dates of the Gregorian calendar in UTC and the nanoseconds since 1970 that traces count in.
//!
//! Only what editing and describing a trace needs: no leap seconds (Unix time has none), no names of zones (an offset in
//! numbers is no guess). A date that does not exist is refused, not moved to the next day.

use crate::input::civil;
use crate::units::NANOS_PER_SECOND;
use std::fmt::Write as _;

/// Nanoseconds of a day.
pub const DAY: u64 = 86_400 * NANOS_PER_SECOND;

/// Where a trace's clock begins to be one of dates: 1973-03-03, 10⁸ s. Traces that count from their own begin are shorter
/// than three years.
pub const EPOCH_FROM: u64 = 100_000_000 * NANOS_PER_SECOND;

/// Whether a trace that begins there has dates.
pub const fn has_dates(begin: u64) -> bool {
    begin >= EPOCH_FROM
}

/// Days from 1970-01-01 to a date; `None` where there is no such date from 1970 to 2554, which is what 64 bits hold.
pub fn days(year: u32, month: u32, day: u32) -> Option<u64> {
    let held = (1970..=2553).contains(&year);
    civil::days(year.into(), month.into(), day.into()).filter(|_| held).and_then(|days| days.try_into().ok())
}

/// Nanoseconds since 1970 as `2021-08-01 12:00:00`, with as many decimals as it takes.
pub fn utc(nanos: u64) -> String {
    let (year, month, day) = civil::date(i64::try_from(nanos / DAY).unwrap_or(i64::MAX));
    let seconds = nanos % DAY / NANOS_PER_SECOND;
    let mut text =
        format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let fraction = nanos % NANOS_PER_SECOND;
    if fraction > 0 {
        let digits = format!("{fraction:09}");
        write!(text, ".{}", digits.trim_end_matches('0')).expect("a string takes all");
    }
    text
}

/// Reads `2021-08-01`, `2021-08-01T12:00`, `2021-08-01T12:00:30.5`, each with `Z` or an offset like `+02:00`; without one
/// it is UTC. Nanoseconds since 1970.
///
/// # Errors
/// In words, why it is no date.
pub fn parse_utc(text: &str) -> Result<u64, &'static str> {
    const SHAPE: &str = "a date is written like `2021-08-01`, `2021-08-01T12:00` or `2021-08-01T12:00:30Z`";
    let (day, clock) = text.split_once(['T', 't']).map_or((text, None), |(day, clock)| (day, Some(clock)));
    let mut parts = day.split('-').map(digits);
    let (Some(Some((year, 4))), Some(Some((month, 2))), Some(Some((date, 2))), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SHAPE);
    };
    let days = days(year, month, date).ok_or("there is no such day in the years 1970 to 2553")?;
    let (clock, offset) = match clock {
        Some(clock) => (clock_nanos(clock_alone(clock)).ok_or(SHAPE)?, offset_nanos(clock).ok_or(SHAPE)?),
        None => (0, 0),
    };
    let nanos = i128::from(days * DAY + clock) - i128::from(offset);
    u64::try_from(nanos).map_err(|_| "it lies before 1970")
}

/// `12:00:30Z` without its zone.
fn clock_alone(text: &str) -> &str {
    text.find(['Z', 'z', '+', '-']).map_or(text, |at| &text[..at])
}

/// `12:00` or `12:00:30.25` in nanoseconds of the day.
pub fn clock_nanos(text: &str) -> Option<u64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':').map(|part| digits(part).filter(|(_, width)| *width <= 2));
    let (hour, minute, second) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Some(hour)), Some(Some(minute)), None, None) if fraction.is_empty() => (hour.0, minute.0, 0),
        (Some(Some(hour)), Some(Some(minute)), Some(Some(second)), None) => (hour.0, minute.0, second.0),
        _ => return None,
    };
    let nanos = match fraction {
        "" if text.contains('.') => return None,
        "" => 0,
        fraction => digits(fraction)
            .filter(|(_, width)| *width <= 9)
            .map(|(value, width)| u64::from(value) * 10_u64.pow(9 - u32::try_from(width).unwrap_or(9)))?,
    };
    let sound = hour < 24 && minute < 60 && second < 60;
    sound.then(|| u64::from(hour * 3_600 + minute * 60 + second) * NANOS_PER_SECOND + nanos)
}

/// The offset of the zone at the end of a clock time, in nanoseconds east of Greenwich.
fn offset_nanos(text: &str) -> Option<i64> {
    let Some(at) = text.find(['Z', 'z', '+', '-']) else { return Some(0) };
    let (sign, offset) = (&text[at..=at], &text[at + 1..]);
    if sign.eq_ignore_ascii_case("z") {
        return offset.is_empty().then_some(0);
    }
    let (Some((hours, 2)), Some((minutes, 2))) =
        (digits(offset.get(..2)?), digits(offset.get(2..)?.trim_start_matches(':')))
    else {
        return None;
    };
    let nanos = i64::from(hours * 60 + minutes) * 60_000_000_000;
    (hours < 15 && minutes < 60).then_some(if sign == "-" { -nanos } else { nanos })
}

/// A number of digits alone, and how many.
fn digits(text: &str) -> Option<(u32, usize)> {
    let plain = !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| Some((text.parse().ok()?, text.len())))?
}

#[cfg(test)]
mod tests {
    use super::{DAY, clock_nanos, days, parse_utc, utc};

    #[test]
    fn years_are_those_that_64_bits_hold() {
        assert_eq!((days(1970, 1, 1), days(2553, 12, 31)), (Some(0), Some(584 * 365 + 142 - 1)));
        assert_eq!((days(1969, 12, 31), days(2554, 1, 1), days(2021, 2, 29)), (None, None, None));
    }

    #[test]
    fn dates_are_read_and_printed() {
        // `date -u -d 2021-08-01 +%s` is 1627776000.
        let august = 1_627_776_000_000_000_000;
        assert_eq!(parse_utc("2021-08-01"), Ok(august));
        assert_eq!(parse_utc("2021-08-01T12:00"), Ok(august + DAY / 2));
        assert_eq!(parse_utc("2021-08-01T14:00:00.5+02:00"), Ok(august + DAY / 2 + 500_000_000));
        assert_eq!(parse_utc("2021-07-31T23:59:30-0030"), Ok(august + 1_770_000_000_000));
        assert_eq!(parse_utc("2024-02-29T00:00Z").map(utc), Ok("2024-02-29 00:00:00".to_owned()));
        assert_eq!(utc(august + 1), "2021-08-01 00:00:00.000000001");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "2021-02-29",
            "2100-02-29",
            "2021-13-01",
            "2021-00-01",
            "2021-1-1",
            "21-01-01",
            "2021-08-01T",
            "2021-08-01T24:00",
            "2021-08-01T12",
            "2021-08-01T12:00:60",
            "2021-08-01T12:00CEST",
            "2021-08-01T12:00+2",
            "1969-12-31",
            "2021-08-01-02",
            "1970-01-01T00:00+01:00",
            "",
            "ä",
        ] {
            assert!(parse_utc(text).is_err(), "{text}");
        }
        for text in ["12", "24:00", "12:60", "1:2:3:4", "12:00:00.", "12:00.5", "12:00:0.1234567890"] {
            assert_eq!(clock_nanos(text), None, "{text}");
        }
    }
}
