//! Decimal numbers as people and tools write them, read exactly into integers.
//!
//! A rate passes through no float: digits go into an integer mantissa, which is multiplied by the unit and divided by its
//! power of ten, rounded once, half up. So `0.1` is 100,000 millionths and a trace read by two machines gives the same
//! bits. Digits beyond the 19th do not count (a float has 17).

use crate::units::Ratio;

/// Why a text is not a number that a trace may hold.
pub type Why = &'static str;

/// A non-negative decimal number: `mantissa × 10^exponent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    mantissa: u64,
    exponent: i32,
}

const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut i = 1;
    while i < 20 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

const TOO_LARGE: Why = "it is too large";

impl Decimal {
    /// Reads `12`, `12.5`, `.5`, `1e-05`; spaces around it are no part of it.
    ///
    /// # Errors
    /// In words, why it is no such number.
    pub fn read(text: &[u8]) -> Result<Self, Why> {
        let text = text.trim_ascii();
        let (negative, digits) = signed(text);
        let number = Self::unsigned(digits).ok_or_else(|| why_not(text))?;
        if negative && number.mantissa > 0 { Err("it is negative") } else { Ok(number) }
    }

    fn unsigned(text: &[u8]) -> Option<Self> {
        let mut number = Self { mantissa: 0, exponent: 0 };
        let (mut digits, mut fraction) = (0_u32, false);
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'0'..=b'9' => {
                    digits += 1;
                    number.push(byte - b'0', fraction);
                }
                b'.' if !fraction => fraction = true,
                b'e' | b'E' if digits > 0 => {
                    number.exponent = number.exponent.checked_add(exponent(&text[at + 1..])?)?;
                    return Some(number);
                }
                _ => return None,
            }
        }
        (digits > 0).then_some(number)
    }

    fn push(&mut self, digit: u8, fraction: bool) {
        const ROOM: u64 = (u64::MAX - 9) / 10;
        if self.mantissa <= ROOM {
            self.mantissa = self.mantissa * 10 + u64::from(digit);
            self.exponent -= i32::from(fraction);
        } else {
            self.exponent += i32::from(!fraction);
        }
    }

    /// This number of units, each worth `unit`, rounded to the nearest integer, half up.
    ///
    /// # Errors
    /// Where that is beyond 64 bits.
    pub fn times(self, unit: u64) -> Result<u64, Why> {
        let product = u128::from(self.mantissa) * u128::from(unit);
        let exponent = self.exponent.unsigned_abs();
        if self.exponent < 0 {
            return divided(product, exponent);
        }
        let scaled = 10_u128.checked_pow(exponent).and_then(|power| product.checked_mul(power));
        match scaled.map(u64::try_from) {
            Some(Ok(value)) => Ok(value),
            _ if product == 0 => Ok(0),
            _ => Err(TOO_LARGE),
        }
    }
}

/// `value / 10^decimals`, rounded half up.
fn divided(value: u128, decimals: u32) -> Result<u64, Why> {
    if let (Ok(value), Some(&power)) = (u64::try_from(value), POWERS.get(decimals as usize)) {
        // The common case, in one division of 64 bits.
        return Ok(value / power + u64::from(value % power >= power.div_ceil(2)));
    }
    let Some(power) = 10_u128.checked_pow(decimals) else { return Ok(0) };
    let rounded = value / power + u128::from(value % power >= power.div_ceil(2));
    rounded.try_into().map_err(|_| TOO_LARGE)
}

/// The integer after `e`, within ±999.
fn exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = signed(text);
    let plain = !digits.is_empty() && digits.len() <= 3 && digits.iter().all(u8::is_ascii_digit);
    let value = || digits.iter().fold(0, |value, digit| value * 10 + i32::from(digit - b'0'));
    plain.then(|| if negative { -value() } else { value() })
}

/// Whether there is a minus, and what follows the sign.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    }
}

/// What the trouble with `text` is, in words.
fn why_not(text: &[u8]) -> Why {
    let word = text.trim_ascii_start().strip_prefix(b"-").unwrap_or(text).to_ascii_lowercase();
    match word.as_slice() {
        b"nan" => "it is not a number",
        b"inf" | b"+inf" | b"infinity" | b"+infinity" => "it is infinite",
        b"null" | b"na" | b"n/a" | b"none" => "an unknown rate is an empty field",
        _ if word.contains(&b',') || word.contains(&b';') => {
            "the decimal sign is a point and fields are separated by commas"
        }
        _ if std::str::from_utf8(text).is_err() => "it is not even UTF-8 text",
        _ => "it is not a decimal number",
    }
}

/// Reads seconds as nanoseconds.
///
/// # Errors
/// In words, why it is no time.
pub fn nanos(text: &[u8]) -> Result<u64, Why> {
    Decimal::read(text)?.times(crate::units::NANOS_PER_SECOND)
}

/// Reads requests per second, times `scale`, as millionths: the unit of [`Rate`](crate::units::Rate).
///
/// # Errors
/// In words, why it is no rate.
pub fn rate(text: &[u8], scale: Ratio) -> Result<crate::units::Rate, Why> {
    // A ratio counts millionths, as a rate does: the value times the ratio's integer is the rate's integer.
    Decimal::read(text)?.times(scale.0).map(crate::units::Rate)
}

#[cfg(test)]
mod tests {
    use super::{Decimal, nanos, rate};
    use crate::units::{Rate, Ratio};

    #[test]
    fn decimals_are_read_exactly() {
        for (text, nanos) in [
            ("0", 0),
            ("0.1", 100_000_000),
            (" 86399 ", 86_399_000_000_000),
            ("1700000000.123456789", 1_700_000_000_123_456_789),
            ("1.7e9", 1_700_000_000_000_000_000),
            (".5", 500_000_000),
            ("5.", 5_000_000_000),
            ("1e-9", 1),
            ("4e-10", 0),
            ("5e-10", 1),
            ("0.00000000049999999999999999", 0),
            ("0.01844674407370955161", 18_446_744),
            ("1E+2", 100_000_000_000),
            ("-0.0", 0),
            ("+3", 3_000_000_000),
            ("0e999", 0),
            ("1e-999", 0),
        ] {
            assert_eq!(super::nanos(text.as_bytes()), Ok(nanos), "{text}");
        }
    }

    #[test]
    fn rates_round_to_the_nearest_millionth_once_after_scaling() {
        // 1 request a minute: 0.0166666… /s is 16,666.67 millionths.
        assert_eq!(rate(b"0.016666666666666666", Ratio::ONE), Ok(Rate(16_667)));
        // Three times that is 50,000 exactly; scaling the rounded 16,667 would give 50,001.
        assert_eq!(rate(b"0.016666666666666666", Ratio(3_000_000)), Ok(Rate(50_000)));
        assert_eq!(rate(b"0.0000005", Ratio::ONE), Ok(Rate(1)));
        assert_eq!(rate(b"0.0000004999", Ratio::ONE), Ok(Rate(0)));
        assert_eq!(rate(b"493.86", Ratio(1_300_000)), Ok(Rate(642_018_000)));
    }

    #[test]
    fn what_is_no_such_number_says_why() {
        for (text, why) in [
            ("", "it is not a decimal number"),
            (".", "it is not a decimal number"),
            ("1.2.3", "it is not a decimal number"),
            ("e5", "it is not a decimal number"),
            ("1e", "it is not a decimal number"),
            ("--1", "it is not a decimal number"),
            ("NaN", "it is not a number"),
            ("-nan", "it is not a number"),
            ("-inf", "it is infinite"),
            ("Infinity", "it is infinite"),
            ("-0.1", "it is negative"),
            ("1e30", "it is too large"),
            ("99999999999999999999999999", "it is too large"),
            ("1,5", "the decimal sign is a point and fields are separated by commas"),
        ] {
            assert_eq!(nanos(text.as_bytes()), Err(why), "{text}");
        }
        assert_eq!(nanos(b"1\xff"), Err("it is not even UTF-8 text"));
    }

    /// Method: every integer of up to four digits with every number of decimals, against 128-bit arithmetic by hand.
    #[test]
    fn rounding_is_half_up_everywhere() {
        for mantissa in (0..10_000_u128).step_by(7) {
            for decimals in 0..25_usize {
                let digits = format!("{mantissa:0>width$}", width = decimals + 1);
                let (whole, fraction) = digits.split_at(digits.len() - decimals);
                let read =
                    Decimal::read(format!("{whole}.{fraction}").as_bytes()).and_then(|number| number.times(1_000_000));
                let power = 10_u128.pow(u32::try_from(decimals).unwrap());
                let expected = (2 * mantissa * 1_000_000 + power) / (2 * power);
                assert_eq!(read.map(u128::from), Ok(expected), "{mantissa} × 10^-{decimals}");
            }
        }
    }
}
