//! The words and amounts of a descriptor: levels, Kubernetes quantities, flags, Prometheus durations.

use crate::units::{Bytes, MilliCores, NANOS_PER_SECOND, Span};
use serde::Serialize;

/// How much of something, in four steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Half a core, 500 MiB.
    Light,
    /// 1 core, 1 GiB, 10 GB.
    Small,
    /// 4 cores, 2 GiB, 20 GB.
    Medium,
    /// 8 cores, 8 GiB, 40 GB.
    Large,
}

/// The levels as they are written.
pub const LEVELS: [(&str, Level); 4] =
    [("light", Level::Light), ("small", Level::Small), ("medium", Level::Medium), ("large", Level::Large)];

impl Level {
    /// The level of that name.
    pub fn named(word: &str) -> Option<Self> {
        LEVELS.iter().find(|(name, _)| *name == word).map(|(_, level)| *level)
    }

    /// CPU of a replica.
    pub const fn cpu(self) -> MilliCores {
        MilliCores(match self {
            Self::Light => 500,
            Self::Small => 1_000,
            Self::Medium => 4_000,
            Self::Large => 8_000,
        })
    }
}

/// Memory of a replica at a level, in the original's spelling and in bytes.
pub const fn ram_level(level: Level) -> (&'static str, Bytes) {
    match level {
        Level::Light => ("500MiB", Bytes(500 << 20)),
        Level::Small => ("1GiB", Bytes(1 << 30)),
        Level::Medium => ("2GiB", Bytes(2 << 30)),
        Level::Large => ("8GiB", Bytes(8 << 30)),
    }
}

/// Storage of a replica at a level; storage has no `light`.
pub const fn storage_level(level: Level) -> Option<(&'static str, Bytes)> {
    match level {
        Level::Light => None,
        Level::Small => Some(("10GB", Bytes(10_000_000_000))),
        Level::Medium => Some(("20GB", Bytes(20_000_000_000))),
        Level::Large => Some(("40GB", Bytes(40_000_000_000))),
    }
}

/// CPU as Kubernetes or this program writes it, rounded up to a whole millicore.
pub fn cpu_amount(text: &str) -> Option<MilliCores> {
    text.parse().ok().or_else(|| quantity(text, 1_000).map(MilliCores))
}

/// Bytes as Kubernetes or this program writes them, rounded up to a whole byte.
pub fn byte_amount(text: &str) -> Option<Bytes> {
    text.parse().ok().or_else(|| quantity(text, 1).map(Bytes))
}

/// A Kubernetes quantity in `1 / parts` of its unit, rounded up: a decimal number with a suffix (`m`, `Ki`, `M`) or an
/// exponent (`1e3`).
fn quantity(text: &str, parts: u128) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || number.len() > 30 {
        return None;
    }
    let mantissa: u128 = format!("{whole}{fraction}").parse().ok()?;
    let (factor, divisor) = suffix_worth(suffix)?;
    let divisor = divisor.checked_mul(10u128.checked_pow(u32::try_from(fraction.len()).ok()?)?)?;
    let amount = mantissa.checked_mul(factor)?.checked_mul(parts)?;
    u64::try_from(amount.div_ceil(divisor)).ok()
}

/// What a suffix multiplies and divides by.
fn suffix_worth(suffix: &str) -> Option<(u128, u128)> {
    let binary = |power: u32| Some((1u128 << (10 * power), 1));
    let decimal = |power: u32| Some((10u128.pow(3 * power), 1));
    match suffix {
        "" => Some((1, 1)),
        "n" => Some((1, 1_000_000_000)),
        "u" => Some((1, 1_000_000)),
        "m" => Some((1, 1_000)),
        "k" => decimal(1),
        "M" => decimal(2),
        "G" => decimal(3),
        "T" => decimal(4),
        "P" => decimal(5),
        "E" => decimal(6),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent: i32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            let power = 10u128.checked_pow(exponent.unsigned_abs())?;
            Some(if exponent < 0 { (1, power) } else { (power, 1) })
        }
    }
}

/// A flag, as a boolean of YAML or as a word in any case.
pub fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" | "" => Some(false),
        _ => None,
    }
}

/// Units of a Prometheus duration, longest first.
const DURATIONS: [(&str, u64); 7] = [
    ("y", 365 * 86_400 * NANOS_PER_SECOND),
    ("w", 7 * 86_400 * NANOS_PER_SECOND),
    ("d", 86_400 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("ms", 1_000_000),
];

/// A Prometheus duration like `90s` or `1h30m`; `m` is a minute.
pub fn duration(text: &str) -> Option<Span> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Span::ZERO);
    }
    let mut total = (!rest.is_empty()).then_some(0u64)?;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(letters);
        let worth = DURATIONS.iter().find(|(name, _)| *name == unit)?.1;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(worth)?)?;
        rest = next;
    }
    Some(Span(total))
}

/// A duration as Prometheus writes it, to the millisecond.
pub fn write_duration(span: Span) -> String {
    let (mut rest, mut text) = (span.0, String::new());
    for (unit, worth) in DURATIONS.iter().skip(2) {
        if rest >= *worth {
            text.push_str(&(rest / worth).to_string());
            text.push_str(unit);
            rest %= worth;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::{byte_amount, cpu_amount, duration, flag, write_duration};
    use crate::units::{Bytes, MilliCores, Span};

    #[test]
    fn quantities_are_read_in_all_spellings_of_kubernetes() {
        let cpu = |text: &str| cpu_amount(text).map(|cpu| cpu.0);
        assert_eq!(
            [cpu("500m"), cpu("2"), cpu("0.1"), cpu("1e3m"), cpu("2k")],
            [Some(500), Some(2_000), Some(100), None, Some(2_000_000)]
        );
        assert_eq!(
            [cpu("100u"), cpu("1e-1"), cpu("1E2"), cpu("-1"), cpu("")],
            [Some(1), Some(100), Some(100_000), None, None]
        );
        let bytes = |text: &str| byte_amount(text).map(|bytes| bytes.0);
        assert_eq!(bytes("128974848000m"), Some(128_974_848));
        assert_eq!(
            [bytes("1.5Gi"), bytes("2G"), bytes("129e6"), bytes("123Mi")],
            [Some(3 << 29), Some(2_000_000_000), Some(129_000_000), Some(123 << 20)]
        );
        assert_eq!((bytes("500MiB"), bytes("99999999999Ei"), bytes("1e99")), (Some(500 << 20), None, None));
        assert_eq!((cpu_amount("750m"), byte_amount("1Gi")), (Some(MilliCores(750)), Some(Bytes(1 << 30))));
    }

    #[test]
    fn durations_of_prometheus_come_back_as_they_were() {
        for text in ["90s", "2m", "1h30m", "1d", "250ms", "0s"] {
            let span = duration(text).expect("a duration");
            assert_eq!(duration(&write_duration(span)), Some(span), "{text}");
        }
        assert_eq!(duration("1h30m"), Some(Span::seconds(5_400)));
        assert_eq!(
            [duration(""), duration("5"), duration("m"), duration("5 m"), duration("99999999999999y")],
            [None; 5]
        );
    }

    #[test]
    fn flags_are_booleans_or_words() {
        assert_eq!(
            [flag("True"), flag("yes"), flag("FALSE"), flag("maybe")],
            [Some(true), Some(true), Some(false), None]
        );
    }
}
