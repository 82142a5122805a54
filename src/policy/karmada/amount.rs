//! Amounts of a resource as Kubernetes computes with them: exact to a billionth, and rounded away from zero when read.
//!
//! Karmada subtracts quantities exactly and rounds only what it divides by, so an amount that was rounded early gives another
//! number of replicas. Amounts may be negative here, as those in a status may be.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Amounts by the name of the resource: `cpu`, `memory`, `pods`, `nvidia.com/gpu`. What is missing is missing, not zero.
pub type ResourceList = BTreeMap<String, Amount>;

/// An amount in billionths of its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(i128);

/// A text is no Kubernetes quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a quantity; write it like `2`, `500m`, `4Gi` or `1e3`")]
pub struct AmountError {
    /// The text as it was found.
    pub given: String,
}

const NANOS: i128 = 1_000_000_000;
const NANOS_PER_MILLI: i128 = 1_000_000;

impl Amount {
    /// Whole units.
    pub const fn units(units: i64) -> Self {
        Self(units as i128 * NANOS)
    }

    /// Thousandths of a unit.
    pub const fn millis(millis: i64) -> Self {
        Self(millis as i128 * NANOS_PER_MILLI)
    }

    /// Whole units, rounded away from zero (`Quantity.Value()`).
    pub fn value(self) -> i64 {
        self.scaled(NANOS)
    }

    /// Thousandths, rounded away from zero (`Quantity.MilliValue()`).
    pub fn milli_value(self) -> i64 {
        self.scaled(NANOS_PER_MILLI)
    }

    /// The exact difference.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    fn scaled(self, unit: i128) -> i64 {
        let away = if self.0 % unit == 0 { 0 } else { self.0.signum() };
        let rounded = self.0 / unit + away;
        i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        parse(text).ok_or_else(|| AmountError { given: text.to_owned() })
    }
}

fn parse(text: &str) -> Option<Amount> {
    let (is_negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('0');
    let mantissa: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let (tens, twos) = scale(suffix)?;
    let tens = tens.checked_add(9)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let magnitude = if mantissa == 0 { 0 } else { scale_up(mantissa.checked_mul(1 << twos)?, tens)? };
    Some(Amount(if is_negative { -magnitude } else { magnitude }))
}

/// `mantissa · 10^tens`, rounded up: finer than a billionth does not exist.
fn scale_up(mantissa: i128, tens: i32) -> Option<i128> {
    let power = 10_i128.checked_pow(tens.unsigned_abs());
    if tens >= 0 {
        return mantissa.checked_mul(power?);
    }
    Some(power.map_or(1, |power| mantissa / power + i128::from(mantissa % power != 0)))
}

/// Powers of ten and of two that a suffix stands for.
fn scale(suffix: &str) -> Option<(i32, u32)> {
    const DECIMAL: [(&str, i32); 10] =
        [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
    const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
    if let Some((_, tens)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((*tens, 0));
    }
    if let Some((_, twos)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((0, *twos));
    }
    let power = suffix.strip_prefix(['e', 'E'])?;
    let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| power.parse().ok()).flatten().map(|tens| (tens, 0))
}

#[cfg(test)]
mod tests {
    use super::Amount;

    #[test]
    fn amounts_are_rounded_away_from_zero_when_they_are_read() {
        let read = |text: &str| text.parse::<Amount>().unwrap_or_else(|error| panic!("{error}"));
        for (text, units, millis) in [
            ("0", 0, 0),
            ("16", 16, 16_000),
            ("500m", 1, 500),
            ("-500m", -1, -500),
            ("1.5", 2, 1_500),
            ("0.1m", 1, 1),
            ("1.5Ki", 1_536, 1_536_000),
            ("129e6", 129_000_000, 129_000_000_000),
            ("1e-3", 1, 1),
            ("1E", 1_000_000_000_000_000_000, i64::MAX),
            ("9223372036854775807", i64::MAX, i64::MAX),
            ("0e999", 0, 0),
            ("1e-99", 1, 1),
        ] {
            assert_eq!((read(text).value(), read(text).milli_value()), (units, millis), "{text}");
        }
        // 1 Gi less 300m is still 1 Gi in whole bytes: exact inside, rounded only when read.
        assert_eq!(read("1Gi").minus(read("300m")).value(), 1 << 30);
        assert_eq!(read("100m").minus(read("350m")).milli_value(), -250);
    }

    #[test]
    fn nonsense_is_no_amount() {
        for text in ["", "-", ".", "1 Gi", "1gi", "e3", "1e", "1.2.3", "NaN", "--1", "1e99999999999", "1e400", "1_0"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }
}
