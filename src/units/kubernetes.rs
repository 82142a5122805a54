//! Kubernetes quantities: a decimal number and a suffix, `128974848`, `129e6`, `129M`, `123Mi`, `500m`, exactly.
//!
//! The grammar is that of `k8s.io/apimachinery/pkg/api/resource`: binary suffixes `Ki` to `Ei`, decimal ones `n`, `u`, `m`,
//! none, `k` to `E`, or a decimal exponent `e3` or `E-2`; `1E` is an exa, `1E3` a thousand. Amounts that fall between two
//! whole units are rounded up, as Kubernetes does. Where Kubernetes would silently cap a number at 2^63, it is refused here.
//!
//! The other spellings of [`units`](super) are for people (`4 GiB`, `2.5 cores`); the two overlap, but neither holds the other.

use crate::units::MilliCores;

/// A text is no quantity that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuantityMistake {
    /// Not in the grammar.
    #[error("not a Kubernetes quantity; write it like `500m`, `2`, `1.5`, `4Gi`, `129M` or `1e9`")]
    NotOne,
    /// Below zero.
    #[error("negative; an amount is zero or more")]
    Negative,
    /// Beyond 2^64 units.
    #[error("too large; the most is 2^64 - 1 bytes or thousandths")]
    TooLarge,
}

/// `mantissa · 10^tens · 2^twos`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantity {
    mantissa: u128,
    tens: i32,
    twos: u32,
}

impl Quantity {
    /// Reads a quantity.
    ///
    /// # Errors
    /// See [`QuantityMistake`].
    pub fn parse(text: &str) -> Result<Self, QuantityMistake> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let end = unsigned.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(unsigned.len());
        let (number, suffix) = unsigned.split_at(end);
        let (mantissa, decimals) = decimal(number)?;
        let (tens, twos) = worth(suffix)?;
        if negative && mantissa > 0 {
            return Err(QuantityMistake::Negative);
        }
        Ok(Self { mantissa, tens: tens.saturating_sub(decimals), twos })
    }

    /// The value as a number, for figures that are shown.
    pub fn value(self) -> f64 {
        self.mantissa as f64 * 10f64.powi(self.tens) * 2f64.powi(self.twos.cast_signed())
    }

    /// Thousandths, rounded up: CPU.
    ///
    /// # Errors
    /// Where they do not fit.
    pub fn millicores(self) -> Result<MilliCores, QuantityMistake> {
        self.scaled(3).map(MilliCores)
    }

    /// Whole units, rounded up: bytes, devices, pods.
    ///
    /// # Errors
    /// Where they do not fit.
    pub fn count(self) -> Result<u64, QuantityMistake> {
        self.scaled(0)
    }

    /// `⌈value · 10^scale⌉`.
    fn scaled(self, scale: i32) -> Result<u64, QuantityMistake> {
        if self.mantissa == 0 {
            return Ok(0);
        }
        let too_large = QuantityMistake::TooLarge;
        let binary = self.mantissa.checked_mul(1 << self.twos).ok_or(too_large)?;
        let tens = self.tens.saturating_add(scale);
        let power = 10u128.checked_pow(tens.unsigned_abs());
        let value = match power {
            Some(power) if tens >= 0 => binary.checked_mul(power).ok_or(too_large)?,
            Some(power) => binary.div_ceil(power),
            None if tens >= 0 => return Err(too_large),
            // Less than 2^128 over more than 10^38: something between zero and one.
            None => 1,
        };
        u64::try_from(value).map_err(|_| too_large)
    }
}

/// `12.50` as (125, 1).
fn decimal(number: &str) -> Result<(u128, i32), QuantityMistake> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return Err(QuantityMistake::NotOne);
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    if whole.len() + fraction.len() > 36 {
        return Err(QuantityMistake::TooLarge);
    }
    let digits = format!("0{whole}{fraction}");
    let mantissa = digits.parse().map_err(|_| QuantityMistake::NotOne)?;
    Ok((mantissa, i32::try_from(fraction.len()).map_err(|_| QuantityMistake::NotOne)?))
}

/// Powers of ten and of two that a suffix stands for.
fn worth(suffix: &str) -> Result<(i32, u32), QuantityMistake> {
    Ok(match suffix {
        "n" => (-9, 0),
        "u" => (-6, 0),
        "m" => (-3, 0),
        "" => (0, 0),
        "k" => (3, 0),
        "M" => (6, 0),
        "G" => (9, 0),
        "T" => (12, 0),
        "P" => (15, 0),
        "E" => (18, 0),
        "Ki" => (0, 10),
        "Mi" => (0, 20),
        "Gi" => (0, 30),
        "Ti" => (0, 40),
        "Pi" => (0, 50),
        "Ei" => (0, 60),
        _ => (exponent(suffix)?, 0),
    })
}

fn exponent(suffix: &str) -> Result<i32, QuantityMistake> {
    let power = suffix.strip_prefix(['e', 'E']).ok_or(QuantityMistake::NotOne)?;
    let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(QuantityMistake::NotOne);
    }
    power.parse().map_err(|_| QuantityMistake::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::{Quantity, QuantityMistake as Wrong};

    /// text, millis rounded up, units rounded up.
    const VECTORS: &[(&str, u64, u64)] = &[
        ("0", 0, 0),
        ("-0", 0, 0),
        ("0.0Ei", 0, 0),
        ("1", 1_000, 1),
        ("+1", 1_000, 1),
        ("1.", 1_000, 1),
        (".5", 500, 1),
        ("0.5", 500, 1),
        ("1.25", 1_250, 2),
        ("007", 7_000, 7),
        ("500m", 500, 1),
        ("0.1m", 1, 1),
        ("1n", 1, 1),
        ("1000000n", 1, 1),
        ("1000001n", 2, 1),
        ("2500000u", 2_500, 3),
        ("100u", 1, 1),
        ("3k", 3_000_000, 3_000),
        ("129M", 129_000_000_000, 129_000_000),
        ("129e6", 129_000_000_000, 129_000_000),
        ("129E6", 129_000_000_000, 129_000_000),
        ("129e+6", 129_000_000_000, 129_000_000),
        ("1E-3", 1, 1),
        ("12e-1", 1_200, 2),
        ("1E", 0, 1_000_000_000_000_000_000),
        ("2G", 2_000_000_000_000, 2_000_000_000),
        ("3T", 3_000_000_000_000_000, 3_000_000_000_000),
        ("4P", 4_000_000_000_000_000_000, 4_000_000_000_000_000),
        ("1Ki", 1_024_000, 1_024),
        ("1.5Ki", 1_536_000, 1_536),
        ("0.3Ki", 307_200, 308),
        ("123Mi", 128_974_848_000, 128_974_848),
        ("128974848", 128_974_848_000, 128_974_848),
        ("1Gi", 1_073_741_824_000, 1_073_741_824),
        ("1Ti", 1_099_511_627_776_000, 1_099_511_627_776),
        ("1Pi", 1_125_899_906_842_624_000, 1_125_899_906_842_624),
        ("32858128Ki", 33_646_723_072_000, 33_646_723_072),
        ("1e-400", 1, 1),
    ];

    #[test]
    fn quantities_are_those_of_kubernetes() {
        for (text, millis, units) in VECTORS {
            let quantity = Quantity::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(quantity.count(), Ok(*units), "{text}");
            if *text != "1E" {
                assert_eq!(quantity.millicores().map(|cpu| cpu.0), Ok(*millis), "{text}");
            }
        }
        let exa = Quantity::parse("15Ei").expect("a quantity");
        assert_eq!(exa.count(), Ok(15 << 60));
        assert_eq!(exa.millicores(), Err(Wrong::TooLarge));
        assert_eq!(Quantity::parse("18446744073709551615").and_then(Quantity::count), Ok(u64::MAX));
    }

    #[test]
    fn nonsense_negatives_and_overflow_are_refused() {
        for text in
            ["", ".", "-", "e3", "1e", "1e+", "1 Gi", " 1", "1Ki2", "1KB", "1K", "1gi", "NaN", "inf", "1.2.3", "1_0"]
        {
            assert_eq!(Quantity::parse(text), Err(Wrong::NotOne), "{text}");
        }
        for text in ["0x10", "1e3m", "١", "1e1.5", "--1", "1mi"] {
            assert_eq!(Quantity::parse(text), Err(Wrong::NotOne), "{text}");
        }
        assert_eq!(Quantity::parse("-1"), Err(Wrong::Negative));
        for text in ["18446744073709551616", "16Ei", "1e30", "1e400", "99999999999999999999999999999999999Ei"] {
            let read = Quantity::parse(text).and_then(Quantity::count);
            assert_eq!(read, Err(Wrong::TooLarge), "{text}");
        }
        let digits = "9".repeat(5_000);
        assert_eq!(Quantity::parse(&digits), Err(Wrong::TooLarge));
        assert_eq!(Quantity::parse(&format!("1e{digits}")), Err(Wrong::TooLarge));
    }

    /// Goal: what Kubernetes prints of an amount is that amount again.
    /// Method: its canonical form (the largest suffix that keeps it whole) of amounts over the whole range.
    #[test]
    fn canonical_forms_read_back() {
        let decimal = [("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
        let binary = [("", 0), ("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
        let mut amount = 1u64;
        for step in 0..5_000u64 {
            amount = amount.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let whole = amount >> (step % 64);
            let of_ten = decimal
                .iter()
                .rev()
                .find(|(_, tens)| whole.is_multiple_of(10u64.pow(*tens)))
                .expect("all divide by one");
            let of_two =
                binary.iter().rev().find(|(_, twos)| whole.is_multiple_of(1 << twos)).expect("all divide by one");
            let text = format!("{}{}", whole / 10u64.pow(of_ten.1), of_ten.0);
            assert_eq!(Quantity::parse(&text).and_then(Quantity::count), Ok(whole), "{text}");
            let text = format!("{}{}", whole >> of_two.1, of_two.0);
            assert_eq!(Quantity::parse(&text).and_then(Quantity::count), Ok(whole), "{text}");
            let text = format!("{whole}m");
            assert_eq!(Quantity::parse(&text).and_then(Quantity::millicores).map(|cpu| cpu.0), Ok(whole), "{text}");
        }
    }
}
