//! Times as other tools write them, recognised or refused, never guessed.
//!
//! A number is an instant where its column names the unit, or where its size leaves one possibility: seconds from 10⁸ to
//! 10¹⁰ (1973-03-03 to 2286-11-20), milliseconds from 10¹¹ to 10¹³, microseconds from 10¹⁴ to 10¹⁶, nanoseconds from 10¹⁷
//! on: the same years in each, with a gap between them that belongs to none. A date needs a zone: its own, that of the
//! format, or that of the user. The first time of a file decides for all of it, and what was recognised can be asked.
//!
//! Deliberately absent: zones by name, because their rules change; leap seconds (`:60` is the second after).

use super::decimal::Decimal;
use super::error::{Fault, shown};
use super::import_fault::ImportFault;
use crate::input::civil;
use crate::units::NANOS_PER_SECOND;
use std::fmt;

/// A unit of instants that are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// s
    Seconds,
    /// ms
    Milliseconds,
    /// µs
    Microseconds,
    /// ns
    Nanoseconds,
}

/// Units with the first number above those that tell them, in ascending order.
const BY_SIZE: [(u64, u64, Unit); 4] = [
    (100_000_000, 10_000_000_000, Unit::Seconds),
    (100_000_000_000, 10_000_000_000_000, Unit::Milliseconds),
    (100_000_000_000_000, 10_000_000_000_000_000, Unit::Microseconds),
    (100_000_000_000_000_000, u64::MAX, Unit::Nanoseconds),
];

impl Unit {
    /// Nanoseconds in it.
    pub const fn nanos(self) -> u64 {
        match self {
            Self::Seconds => NANOS_PER_SECOND,
            Self::Milliseconds => 1_000_000,
            Self::Microseconds => 1_000,
            Self::Nanoseconds => 1,
        }
    }

    /// What the name of a column says: `arrived_ms` holds milliseconds.
    pub fn of_column(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().rsplit('_').next() {
            Some("s" | "sec" | "seconds") => Some(Self::Seconds),
            Some("ms") => Some(Self::Milliseconds),
            Some("us") => Some(Self::Microseconds),
            Some("ns") => Some(Self::Nanoseconds),
            _ => None,
        }
    }

    /// What the size of a number says.
    fn of_size(number: u64) -> Option<Self> {
        BY_SIZE.iter().find(|(from, to, _)| (*from..*to).contains(&number)).map(|(_, _, unit)| *unit)
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Milliseconds => "milliseconds",
            Self::Microseconds => "microseconds",
            Self::Nanoseconds => "nanoseconds",
        }
    }
}

/// A time zone: seconds that its clocks are ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub i32);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(0);

    /// Reads `UTC`, `Z`, `+02:00`, `-0700` or `+01`.
    pub fn read(text: &[u8]) -> Option<Self> {
        let (sign, digits) = match text {
            b"UTC" | b"Z" | b"z" | b"GMT" => return Some(Self::UTC),
            [b'+', digits @ ..] => (1, digits),
            [b'-', digits @ ..] => (-1, digits),
            _ => return None,
        };
        let (hours, minutes) = match digits {
            [_, _] => (digits, &b"00"[..]),
            [_, _, b':', minutes @ ..] | [_, _, minutes @ ..] => (&digits[..2], minutes),
            _ => return None,
        };
        let (hours, minutes) = (pair(hours)?, pair(minutes)?);
        // The widest zones in use are +14:00 and -12:00.
        (hours <= 14 && minutes < 60).then(|| Self(sign * i32::from(hours * 60 + minutes) * 60))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.unsigned_abs() / 60;
        match self.0 {
            0 => f.write_str("UTC"),
            _ => write!(f, "{}{:02}:{:02}", if self.0 < 0 { '-' } else { '+' }, minutes / 60, minutes % 60),
        }
    }
}

/// What the times of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number(Unit),
    /// Dates with a zone each.
    Zoned,
    /// Dates without.
    Local,
}

impl Kind {
    fn words(self) -> String {
        match self {
            Self::Number(unit) => format!("a number of {}", unit.words()),
            Self::Zoned => "a date with its zone".to_owned(),
            Self::Local => "a date without a zone".to_owned(),
        }
    }
}

/// Reads the times of one file.
#[derive(Debug, Clone)]
pub struct Clock {
    /// The unit that a column states.
    stated: Option<Unit>,
    /// The zone of dates without one.
    zone: Option<Zone>,
    kind: Option<Kind>,
}

impl Clock {
    /// For times in a unit that is known, or dates in a zone that is known, or whatever they say themselves.
    pub const fn new(stated: Option<Unit>, zone: Option<Zone>) -> Self {
        Self { stated, zone, kind: None }
    }

    /// A time as nanoseconds: since 1970, or since the zero of a file whose numbers are small.
    ///
    /// # Errors
    /// Where it is none, or is not of the kind of those before.
    pub fn read(&mut self, text: &[u8]) -> Result<u64, Fault> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(Fault::Missing);
        }
        let dashed = text.get(4) == Some(&b'-') && text[0].is_ascii_digit();
        let (at, kind) = if dashed { self.date(text)? } else { self.number(text)? };
        let before = *self.kind.get_or_insert(kind);
        if before != kind {
            let (found, before) = (kind.words(), before.words());
            return Err(ImportFault::MixedTimes { text: shown(text), found, before }.into());
        }
        Ok(at)
    }

    /// A time that is an integer; as [`read`](Self::read) of its digits, without printing them.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_integer(&mut self, number: u64) -> Result<u64, Fault> {
        if let (Some(Kind::Number(unit)), true) = (self.kind, self.stated.is_some() || self.fits(number))
            && let Some(at) = number.checked_mul(unit.nanos())
        {
            return Ok(at);
        }
        self.read(number.to_string().as_bytes())
    }

    /// Whether the size of a number says the unit of those before.
    fn fits(&self, number: u64) -> bool {
        Unit::of_size(number).is_some_and(|unit| self.kind == Some(Kind::Number(unit)))
    }

    fn number(&self, text: &[u8]) -> Result<(u64, Kind), Fault> {
        let wrong = |why| Fault::from(ImportFault::NotATime { text: shown(text), why });
        let number = Decimal::read(text).map_err(wrong)?;
        let unit = match self.stated {
            Some(unit) => unit,
            None => Unit::of_size(number.times(1).map_err(wrong)?)
                .ok_or_else(|| Fault::from(ImportFault::UnclearUnit(shown(text))))?,
        };
        Ok((number.times(unit.nanos()).map_err(wrong)?, Kind::Number(unit)))
    }

    fn date(&self, text: &[u8]) -> Result<(u64, Kind), Fault> {
        let wrong = |why| Fault::from(ImportFault::NotATime { text: shown(text), why });
        let date = Date::read(text).map_err(wrong)?;
        let (zone, kind) = match (date.zone, self.zone) {
            (Some(zone), _) => (zone, Kind::Zoned),
            (None, Some(zone)) => (zone, Kind::Local),
            (None, None) => return Err(ImportFault::NoZone(shown(text)).into()),
        };
        Ok((date.in_zone(zone).ok_or_else(|| wrong("it is before 1970 or after 2553"))?, kind))
    }

    /// What was recognised, in words; nothing where nothing had to be.
    pub fn note(&self) -> Option<String> {
        match (self.kind?, self.stated, self.zone) {
            (Kind::Number(unit), None, _) => Some(format!("its times are {} since 1970, by their size", unit.words())),
            (Kind::Local, _, Some(zone)) => Some(format!("its times state no zone and are read as {zone}")),
            _ => None,
        }
    }
}

/// An instant in RFC 3339 with its zone, or a decimal number of seconds, as nanoseconds.
///
/// # Errors
/// What is wrong with it.
pub fn instant(text: &str) -> Result<u64, Fault> {
    let stated = text.trim().as_bytes().get(4).is_none_or(|byte| *byte != b'-').then_some(Unit::Seconds);
    Clock::new(stated, None).read(text.as_bytes())
}

/// A date and a time of day.
struct Date {
    /// Days since 1970-01-01, nanoseconds since midnight.
    days: i64,
    nanos: u64,
    zone: Option<Zone>,
}

impl Date {
    /// Reads `2024-02-29T12:00:00.5+01:00`, with a space instead of the `T`, or without seconds, or without zone.
    fn read(text: &[u8]) -> Result<Self, &'static str> {
        const FORM: &str = "it does not have the form of RFC 3339";
        if text.len() < 16 || text[7] != b'-' || !matches!(text[10], b'T' | b't' | b' ') || text[13] != b':' {
            return Err(FORM);
        }
        let year = pair(&text[..2]).zip(pair(&text[2..4])).map(|(century, year)| century * 100 + year);
        let (year, month, day) = (year.ok_or(FORM)?, pair(&text[5..7]).ok_or(FORM)?, pair(&text[8..10]).ok_or(FORM)?);
        let days = days(year, month, day).ok_or("there is no such day")?;
        let (hour, minute) = (pair(&text[11..13]).ok_or(FORM)?, pair(&text[14..16]).ok_or(FORM)?);
        let (second, rest) = match &text[16..] {
            [b':', tens, ones, rest @ ..] => (pair(&[*tens, *ones]).ok_or(FORM)?, rest),
            rest => (0, rest),
        };
        let (fraction, rest) = fraction(rest).ok_or(FORM)?;
        let zone = match rest.trim_ascii() {
            [] => None,
            zone => Some(Zone::read(zone).ok_or("its zone is none; offsets are written like `+02:00`")?),
        };
        if hour > 23 || minute > 59 || second > 60 {
            return Err("there is no such time of day");
        }
        let seconds = u64::from(hour) * 3_600 + u64::from(minute) * 60 + u64::from(second);
        Ok(Self { days, nanos: seconds * NANOS_PER_SECOND + fraction, zone })
    }

    fn in_zone(&self, zone: Zone) -> Option<u64> {
        let seconds = self.days * 86_400 - i64::from(zone.0);
        let nanos = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(self.nanos);
        u64::try_from(nanos).ok()
    }
}

/// The nanoseconds of `.5`, `,123456789` or nothing, and what follows; digits beyond the ninth are cut off.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let [b'.' | b',', digits @ ..] = text else { return Some((0, text)) };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let nanos = (0..9).fold(0, |nanos, at| nanos * 10 + if at < end { u64::from(digits[at] - b'0') } else { 0 });
    (end > 0).then(|| (nanos, &digits[end..]))
}

/// Two digits.
pub fn pair(text: &[u8]) -> Option<u16> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(u16::from(tens - b'0') * 10 + u16::from(ones - b'0')),
        _ => None,
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar; `None` where there is no such day.
pub fn days(year: u16, month: u16, day: u16) -> Option<i64> {
    civil::days(year.into(), month.into(), day.into())
}

#[cfg(test)]
mod tests {
    use super::{Clock, Unit, Zone, days, instant};

    fn read(text: &str, stated: Option<Unit>, zone: Option<Zone>) -> Result<u64, String> {
        Clock::new(stated, zone).read(text.as_bytes()).map_err(|fault| fault.to_string())
    }

    /// 2024-02-29 12:00 UTC is 1,709,208,000 s: 54 years of 365 days, 13 leap days before 2024, 59 days, half a day.
    #[test]
    fn dates_are_instants_with_their_zone() {
        let noon = 1_709_208_000_000_000_000;
        for (text, nanos) in [
            ("2024-02-29T12:00:00Z", noon),
            ("2024-02-29 12:00:00+00:00", noon),
            ("2024-02-29T14:00:00+02:00", noon),
            ("2024-02-29T05:00:00-0700", noon),
            ("2024-02-29T12:00Z", noon),
            ("2024-02-29T12:00:00.5 UTC", noon + 500_000_000),
            ("2024-02-29T12:00:00.1234567890123Z", noon + 123_456_789),
            ("2024-02-29T23:59:60Z", noon + 12 * 3_600_000_000_000),
            ("1970-01-01T01:00:00+01:00", 0),
        ] {
            assert_eq!(read(text, None, None), Ok(nanos), "{text}");
        }
        assert_eq!(read("2024-02-29 12:00:00", None, Some(Zone::UTC)), Ok(noon));
        assert_eq!(read("2024-02-29 12:00:00", None, Some(Zone(-3_600))), Ok(noon + 3_600_000_000_000));
    }

    #[test]
    fn days_follow_the_calendar() {
        for (day, count) in [
            ((1970, 1, 1), 0),
            ((1972, 3, 1), 790),
            ((2000, 2, 29), 11_016),
            ((2000, 3, 1), 11_017),
            ((2100, 3, 1), 47_541),
            ((1969, 12, 31), -1),
        ] {
            assert_eq!(days(day.0, day.1, day.2), Some(count), "{day:?}");
        }
        for none in [(2023, 2, 29), (2100, 2, 29), (2024, 13, 1), (2024, 0, 1), (2024, 4, 31), (2024, 1, 0)] {
            assert_eq!(days(none.0, none.1, none.2), None, "{none:?}");
        }
    }

    #[test]
    fn numbers_tell_their_unit_by_size_or_are_refused() {
        let noon = 1_709_208_000_000_000_000;
        for text in ["1709208000", "1709208000000", "1709208000000000", "1709208000000000000", "1709208000.0"] {
            assert_eq!(read(text, None, None), Ok(noon), "{text}");
        }
        assert_eq!(read("1709208000.25", None, None), Ok(noon + 250_000_000));
        for text in ["0", "12", "99999999", "10000000000", "99999999999", "10000000000000", "20000000000000000"] {
            assert!(read(text, None, None).is_err_and(|why| why.contains("may be seconds, milliseconds")), "{text}");
        }
        assert_eq!(read("12", Some(Unit::Milliseconds), None), Ok(12_000_000));
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        for (text, why) in [
            ("2023-02-29T00:00:00Z", "there is no such day"),
            ("2024-02-29T24:00:00Z", "there is no such time of day"),
            ("2024-02-29T12:00:00", "states no time zone"),
            ("2024-02-29T12:00:00 Europe/Berlin", "its zone is none"),
            ("2024-02-29", "form of RFC 3339"),
            ("1969-12-31T23:59:59Z", "before 1970"),
            ("yesterday", "not a decimal number"),
            ("-5", "it is negative"),
            ("", "the field is empty"),
        ] {
            assert!(read(text, None, None).is_err_and(|found| found.contains(why)), "{text}");
        }
    }

    #[test]
    fn one_file_has_one_kind_of_time_and_says_which() {
        let mut clock = Clock::new(None, None);
        assert!(clock.read(b"1709208000").is_ok() && clock.read(b"1709208001").is_ok());
        assert_eq!(clock.note().as_deref(), Some("its times are seconds since 1970, by their size"));
        let mixed = clock.read(b"1709208002000").expect_err("milliseconds after seconds").to_string();
        assert!(
            mixed.starts_with(
                "`1709208002000` is a number of milliseconds, but the times before are a number of seconds"
            )
        );
        assert!(clock.read(b"2024-02-29T12:00:00Z").is_err());
        let mut clock = Clock::new(None, Some(Zone(7_200)));
        assert!(clock.read(b"2024-02-29 12:00:00").is_ok() && clock.read(b"2024-02-29 12:00:00Z").is_err());
        assert_eq!(clock.note().as_deref(), Some("its times state no zone and are read as +02:00"));
    }

    #[test]
    fn an_instant_of_an_option_is_a_date_with_zone_or_seconds() {
        assert_eq!(instant("2024-02-29T12:00:00Z").ok(), Some(1_709_208_000_000_000_000));
        assert_eq!(instant("60").ok(), Some(60_000_000_000));
        assert!(instant("2024-02-29T12:00:00").is_err());
    }
}
