//! How quantities are spelled: a decimal number and a unit, with or without a space between them.
//!
//! Integers stay exact: digits are read into an integer mantissa and a power of ten, and only then scaled, so that
//! `0.1 s` is 100,000,000 ns and not a neighbour of it.

use super::QuantityError;
use serde::de;
use std::fmt;

/// The spellings of one kind of quantity.
pub struct Spelling {
    pub what: &'static str,
    pub examples: &'static str,
    /// What one unit of a bare number is worth in the base unit; `None` where a unit must be written.
    pub bare: Option<f64>,
    /// Unit and its worth in the base unit.
    pub units: &'static [(&'static str, f64)],
}

impl Spelling {
    pub fn error(&self, given: &str) -> QuantityError {
        QuantityError { given: given.to_owned(), what: self.what, examples: self.examples }
    }

    fn worth(&self, unit: &str) -> Option<f64> {
        match unit {
            "" => self.bare,
            _ => self.units.iter().find(|(name, _)| *name == unit).map(|(_, worth)| *worth),
        }
    }
}

/// A number as written (`mantissa × 10^-decimals`) and the worth of its unit.
pub struct Scaled {
    mantissa: u128,
    decimals: u32,
    worth: f64,
}

impl Scaled {
    /// The value in the base unit, rounded to the nearest integer; `None` where it does not fit.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "range is checked first"
    )]
    pub fn to_integer(&self) -> Option<u64> {
        let power = 10u128.checked_pow(self.decimals)?;
        if self.worth.fract() == 0.0 {
            let scaled = self.mantissa.checked_mul(self.worth as u128)?;
            return u64::try_from((scaled + power / 2) / power).ok();
        }
        let value = (self.mantissa as f64 * self.worth / power as f64).round();
        (value < u64::MAX as f64).then_some(value as u64)
    }

    #[expect(clippy::cast_precision_loss, reason = "derived quantities are floats")]
    pub fn to_float(&self) -> f64 {
        self.mantissa as f64 / 10f64.powi(self.decimals.cast_signed()) * self.worth
    }
}

/// Reads a non-negative decimal number and its unit, or a clock time where the unit is time.
pub fn parse_scaled(text: &str, spelling: &Spelling) -> Result<Scaled, QuantityError> {
    let trimmed = text.trim();
    if spelling.what.starts_with("an instant")
        && let Some(seconds) = clock_seconds(trimmed)
    {
        return Ok(Scaled { mantissa: seconds, decimals: 0, worth: 1e9 });
    }
    let split = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(split);
    let (mantissa, decimals) = decimal(number).ok_or_else(|| spelling.error(text))?;
    let worth = spelling.worth(unit.trim_start()).ok_or_else(|| spelling.error(text))?;
    Ok(Scaled { mantissa, decimals, worth })
}

/// `12.5` as (125, 1); at most 18 decimals, so that powers of ten fit.
fn decimal(number: &str) -> Option<(u128, u32)> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) || fraction.len() > 18 {
        return None;
    }
    let digits: String = whole.chars().chain(fraction.chars()).filter(char::is_ascii_digit).collect();
    let decimals = fraction.bytes().filter(u8::is_ascii_digit).count();
    Some((digits.parse().ok().filter(|&mantissa: &u128| mantissa < 1 << 80)?, u32::try_from(decimals).ok()?))
}

/// `19:30` or `19:30:15` in seconds of the day.
fn clock_seconds(text: &str) -> Option<u128> {
    let parts: Vec<u128> =
        text.split(':').map(|part| (part.len() <= 2).then(|| part.parse().ok())?).collect::<Option<_>>()?;
    match parts[..] {
        [hour, minute] if hour < 24 && minute < 60 => Some(hour * 3600 + minute * 60),
        [hour, minute, second] if hour < 24 && minute < 60 && second < 60 => Some(hour * 3600 + minute * 60 + second),
        _ => None,
    }
}

/// Writes an integer in the largest unit that divides it, so that what is printed reads back exactly.
pub fn write_in_largest_unit(f: &mut fmt::Formatter<'_>, value: u64, units: &[(u64, &str)]) -> fmt::Result {
    let (worth, unit) = units
        .iter()
        .find(|(worth, _)| value.is_multiple_of(*worth) && value > 0)
        .or(units.iter().find(|(worth, _)| *worth == 1))
        .expect("every table of units ends with its base unit");
    f.pad(&format!("{}{unit}", value / worth))
}

/// JSON Schema of a quantity: a string by example, or a number where a bare one is taken.
pub fn schema(spelling: &Spelling) -> schemars::Schema {
    let kinds: &[&str] = if spelling.bare.is_some() { &["string", "number"] } else { &["string"] };
    schemars::json_schema!({ "type": kinds, "description": format!("{}, like {}", spelling.what, spelling.examples) })
}

/// Takes a scalar as its text, whether YAML read it as a string or as a number.
pub struct TextOrNumber {
    pub what: &'static str,
}

impl de::Visitor<'_> for TextOrNumber {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<String, E> {
        Ok(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use crate::units::{Bytes, MilliCores, Money, Rate, Ratio, Span, Time, Watts};

    #[test]
    fn quantities_read_as_people_write_them() {
        assert_eq!("500m".parse(), Ok(MilliCores(500)));
        assert_eq!("2.5".parse(), Ok(MilliCores(2_500)));
        assert_eq!("4 GiB".parse(), Ok(Bytes(4 << 30)));
        assert_eq!("512Mi".parse(), Ok(Bytes(512 << 20)));
        assert_eq!("0.1 s".parse(), Ok(Span(100_000_000)));
        assert_eq!("19:30".parse(), Ok(Time(70_200_000_000_000)));
        assert_eq!("90 min".parse(), Ok(Time(5_400_000_000_000)));
        assert_eq!("12.5 /s".parse(), Ok(Rate(12_500_000)));
        assert_eq!("60 %".parse(), Ok(Ratio(600_000)));
        assert_eq!("1.2 kW".parse(), Ok(Watts(1200.0)));
        assert_eq!("0.31 $".parse(), Ok(Money(0.31)));
    }

    #[test]
    fn what_is_printed_reads_back() {
        for nanos in [0, 1, 1_000, 90_000_000_000, 3_600_000_000_000, 86_400_000_000_001] {
            assert_eq!(Span(nanos).to_string().parse(), Ok(Span(nanos)));
        }
        for bytes in [0, 1023, 1 << 20, (1 << 30) + 1] {
            assert_eq!(Bytes(bytes).to_string().parse(), Ok(Bytes(bytes)));
        }
        assert_eq!(MilliCores(1_500).to_string(), "1500m");
        assert_eq!(Rate(1_234_567).to_string().parse(), Ok(Rate(1_234_567)));
    }

    #[test]
    fn wrong_spellings_are_refused_with_the_right_ones() {
        let error = "30".parse::<Span>().expect_err("a bare number has no unit of time");
        assert_eq!(
            error.to_string(),
            "`30` is not a time span; write it like `30 s`, `250 ms`, `20 min`, `2 h` or `7 d`"
        );
        for text in ["", "-1 s", "NaN", "1e3 s", "5 parsecs", "..", "99999999999999999999999999 d", "25:00"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        assert!("25:00".parse::<Time>().is_err());
        assert!("4 GHz".parse::<Bytes>().is_err());
    }
}
