//! Quantities as types: what is compared, ordered or a capacity is an integer, what is derived is a float.
//!
//! A bare number says neither its unit nor its kind, and a simulation that adds milliseconds to seconds gives a wrong
//! number that looks right. People write `500m`, `4 GiB`, `30 s`, `12.5 /s`, `60 %`, `350 W`, `0.31 $`; each type here
//! reads its own spellings and says, when it cannot, which ones it takes. Printing gives a spelling that reads back.
//!
//! Deliberately absent: arithmetic between kinds as operators. Where a formula mixes units, it stands as a named
//! function beside its users, with the units in its documentation.

mod convert;
pub mod kubernetes;
mod parse;
mod print;

use parse::{Spelling, parse_scaled};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::ops::{Add, AddAssign, SubAssign};
use std::str::FromStr;

/// A quantity was spelled in a way that its kind does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {what}; write it like {examples}")]
pub struct QuantityError {
    /// The text as it was found.
    pub given: String,
    /// The kind that was wanted, with its article: `a time span`.
    pub what: &'static str,
    /// Accepted spellings, by example.
    pub examples: &'static str,
}

/// Declares an integer quantity: a tuple struct over `u64` in its base unit, with order, sums and its spellings.
macro_rules! integer_quantity {
    ($(#[$doc:meta])* $name:ident, $spelling:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0);
            /// More than anything that occurs.
            pub const MAX: Self = Self(u64::MAX);

            /// The difference, or nothing where `other` is larger.
            #[must_use]
            pub const fn saturating_sub(self, other: Self) -> Self {
                Self(self.0.saturating_sub(other.0))
            }

            /// The count of times that `other` goes into this one; `None` where `other` is zero.
            #[must_use]
            pub const fn times(self, other: Self) -> Option<u64> {
                self.0.checked_div(other.0)
            }

            /// This quantity `count` times; saturates.
            #[must_use]
            pub const fn repeated(self, count: u64) -> Self {
                Self(self.0.saturating_mul(count))
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl SubAssign for $name {
            fn sub_assign(&mut self, other: Self) {
                self.0 -= other.0;
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                Self(items.map(|item| item.0).sum())
            }
        }

        impl FromStr for $name {
            type Err = QuantityError;
            fn from_str(text: &str) -> Result<Self, QuantityError> {
                let spelling: Spelling = $spelling;
                parse_scaled(text, &spelling)?.to_integer().map(Self).ok_or_else(|| spelling.error(text))
            }
        }

        quantity_serde!($name, $spelling);
    };
}

/// Declares a derived quantity: a tuple struct over `f64` in its base unit.
macro_rules! derived_quantity {
    ($(#[$doc:meta])* $name:ident, $unit:literal, $spelling:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
        pub struct $name(pub f64);

        impl $name {
            /// Nothing of it.
            pub const ZERO: Self = Self(0.0);
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl std::iter::Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                Self(items.map(|item| item.0).sum())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{} ", $unit), self.0)
            }
        }

        impl FromStr for $name {
            type Err = QuantityError;
            fn from_str(text: &str) -> Result<Self, QuantityError> {
                let spelling: Spelling = $spelling;
                Ok(Self(parse_scaled(text, &spelling)?.to_float()))
            }
        }

        quantity_serde!($name, $spelling);
    };
}

/// Reads a quantity from a string or a bare number (its spelling decides whether a bare number is taken), writes the
/// string, and describes itself to JSON Schema.
macro_rules! quantity_serde {
    ($name:ident, $spelling:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let spelling: Spelling = $spelling;
                let text = deserializer.deserialize_any(parse::TextOrNumber { what: spelling.what })?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let spelling: Spelling = $spelling;
                parse::schema(&spelling)
            }
        }
    };
}

/// Nanoseconds in one second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

const SPAN: Spelling = Spelling {
    what: "a time span",
    examples: "`30 s`, `250 ms`, `20 min`, `2 h` or `7 d`",
    bare: None,
    units: &[
        ("ns", 1.0),
        ("us", 1e3),
        ("µs", 1e3),
        ("ms", 1e6),
        ("s", 1e9),
        ("min", 60e9),
        ("h", 3_600e9),
        ("d", 86_400e9),
    ],
};

integer_quantity!(
    /// A length of time in nanoseconds.
    Span,
    SPAN
);

integer_quantity!(
    /// An instant in nanoseconds since the start of the run (simulation) or since the Unix epoch (live).
    ///
    /// Written as a span since the start (`90 min`) or as a clock time of the first day (`19:30`, `19:30:15`).
    Time,
    Spelling { what: "an instant since the start of the run", examples: "`19:30`, `06:00:15`, `90 min` or `3 d`", ..SPAN }
);

integer_quantity!(
    /// CPU in thousandths of a core.
    MilliCores,
    Spelling {
        what: "an amount of CPU",
        examples: "`500m`, `2` or `2.5 cores`",
        bare: Some(1e3),
        units: &[("m", 1.0), ("core", 1e3), ("cores", 1e3)],
    }
);

integer_quantity!(
    /// Memory, storage or traffic in bytes.
    Bytes,
    Spelling {
        what: "an amount of bytes",
        examples: "`512 MiB`, `4 GiB`, `4Gi` or `10 GB`",
        bare: Some(1.0),
        units: &[
            ("B", 1.0),
            ("k", 1e3),
            ("kB", 1e3),
            ("M", 1e6),
            ("MB", 1e6),
            ("G", 1e9),
            ("GB", 1e9),
            ("T", 1e12),
            ("TB", 1e12),
            ("Ki", 1024.0),
            ("KiB", 1024.0),
            ("Mi", 1_048_576.0),
            ("MiB", 1_048_576.0),
            ("Gi", 1_073_741_824.0),
            ("GiB", 1_073_741_824.0),
            ("Ti", 1_099_511_627_776.0),
            ("TiB", 1_099_511_627_776.0),
        ],
    }
);

integer_quantity!(
    /// A rate in millionths of a request per second.
    Rate,
    Spelling {
        what: "a rate",
        examples: "`12.5 /s`, `300 rps` or `90 /min`",
        bare: None,
        units: &[("/s", 1e6), ("rps", 1e6), ("req/s", 1e6), ("/min", 1e6 / 60.0), ("/h", 1e6 / 3600.0)],
    }
);

integer_quantity!(
    /// A share or a multiple in millionths: `60 %`, or calls per request.
    Ratio,
    Spelling {
        what: "a ratio",
        examples: "`60 %`, `0.6` or `1.25`",
        bare: Some(1e6),
        units: &[("%", 1e4), ("x", 1e6)],
    }
);

derived_quantity!(
    /// Electrical power in watts.
    Watts,
    "W",
    Spelling { what: "a power", examples: "`350 W` or `1.2 kW`", bare: None, units: &[("W", 1.0), ("kW", 1e3)] }
);

derived_quantity!(
    /// Energy in joules.
    Joules,
    "J",
    Spelling { what: "an energy", examples: "`5000 J` or `1.5 kWh`", bare: None, units: &[("J", 1.0), ("kWh", 3.6e6)] }
);

derived_quantity!(
    /// Greenhouse gas in grams of CO₂ equivalent.
    GramsCo2e,
    "g",
    Spelling { what: "a mass of CO₂e", examples: "`420 g` or `1.5 kg`", bare: None, units: &[("g", 1.0), ("kg", 1e3)] }
);

derived_quantity!(
    /// Money in US dollars; one currency a run.
    Money,
    "$",
    Spelling { what: "an amount of money", examples: "`0.31 $` or `0.31 USD`", bare: None, units: &[("$", 1.0), ("USD", 1.0)] }
);
