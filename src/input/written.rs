//! Values with a short and a long spelling, and values that must keep a bound: both read, written and described as one.

use crate::model::Delay;
use crate::units::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A scalar where that says enough, a map or list where it does not.
#[derive(Debug, Clone, PartialEq)]
pub enum Written<S, L> {
    /// The scalar.
    Short(S),
    /// The map or list.
    Long(L),
}

impl<S: Serialize, L: Serialize> Serialize for Written<S, L> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        match self {
            Self::Short(short) => short.serialize(serializer),
            Self::Long(long) => long.serialize(serializer),
        }
    }
}

impl<S: JsonSchema, L: JsonSchema> JsonSchema for Written<S, L> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}_or_{}", S::schema_name(), L::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (short, long) = (generator.subschema_for::<S>(), generator.subschema_for::<L>());
        json_schema!({ "anyOf": [short, long] })
    }
}

impl<'de, S: Deserialize<'de>, L: Deserialize<'de>> Deserialize<'de> for Written<S, L> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor(PhantomData))
    }
}

struct WrittenVisitor<S, L>(PhantomData<fn() -> (S, L)>);

impl<'de, S: Deserialize<'de>, L: Deserialize<'de>> Visitor<'de> for WrittenVisitor<S, L> {
    type Value = Written<S, L>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or a map")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        S::deserialize(value.into_deserializer()).map(Written::Short)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        S::deserialize(value.into_deserializer()).map(Written::Short)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        S::deserialize(value.into_deserializer()).map(Written::Short)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        S::deserialize(value.into_deserializer()).map(Written::Short)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        S::deserialize(value.into_deserializer()).map(Written::Short)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        L::deserialize(SeqAccessDeserializer::new(items)).map(Written::Long)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
        L::deserialize(MapAccessDeserializer::new(entries)).map(Written::Long)
    }
}

/// A quantity or count that may not be zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Positive<T>(pub T);

impl<'de, T: Deserialize<'de> + Default + PartialEq> Deserialize<'de> for Positive<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        if value == T::default() {
            return Err(D::Error::custom("zero makes no sense here; write something more than zero"));
        }
        Ok(Self(value))
    }
}

impl<T: JsonSchema> JsonSchema for Positive<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("Positive{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// A number that is finite and not negative.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct NonNegative(#[schemars(range(min = 0.0))] pub f64);

impl<'de> Deserialize<'de> for NonNegative {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        if value >= 0.0 && value.is_finite() {
            return Ok(Self(value));
        }
        Err(D::Error::custom(format!("`{value}` is negative; write a number from 0 up")))
    }
}

/// A share, from 0 to 1 or 0 % to 100 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct Share(pub crate::units::Ratio);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ratio = crate::units::Ratio::deserialize(deserializer)?;
        if ratio <= crate::units::Ratio::ONE {
            return Ok(Self(ratio));
        }
        Err(D::Error::custom(format!("{ratio} is more than the whole; write a share like `95 %` or `0.95`")))
    }
}

/// A delay: a time span that is always the same, or a distribution.
#[derive(Debug, Clone, Copy, PartialEq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Written<Span, DelayLaw>", into = "Written<Span, DelayLaw>")]
#[schemars(with = "Written<Span, DelayLaw>")]
pub struct DelayFile(pub Delay);

/// A delay as a distribution: `{median, p95}` (lognormal), `{mean}` (exponential) or `{min, max}` (uniform).
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelayLaw {
    /// Lognormal: half of the delays are shorter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<Span>,
    /// Lognormal: one in twenty is longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95: Option<Span>,
    /// Exponential: the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Span>,
    /// Uniform: the shortest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Span>,
    /// Uniform: the longest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Span>,
}

impl TryFrom<Written<Span, DelayLaw>> for DelayFile {
    type Error = String;

    fn try_from(written: Written<Span, DelayLaw>) -> Result<Self, String> {
        let law = match written {
            Written::Short(span) => return Ok(Self(Delay::Fixed(span))),
            Written::Long(law) => law,
        };
        match law {
            DelayLaw { median: Some(median), p95: Some(p95), mean: None, min: None, max: None } => {
                if median.0 == 0 || p95 < median {
                    return Err(format!(
                        "a median of {median} and a p95 of {p95} do not go together; write 0 < median <= p95"
                    ));
                }
                Ok(Self(Delay::LogNormal { median, p95 }))
            }
            DelayLaw { median: None, p95: None, mean: Some(mean), min: None, max: None } => {
                Ok(Self(Delay::Exponential { mean }))
            }
            DelayLaw { median: None, p95: None, mean: None, min: Some(min), max: Some(max) } => {
                if max < min {
                    return Err(format!("min {min} is more than max {max}; exchange the two"));
                }
                Ok(Self(Delay::Uniform { min, max }))
            }
            _ => Err("these keys are no distribution; write `2 s`, `{median: 2 s, p95: 5 s}`, `{mean: 2 s}` or \
                      `{min: 1 s, max: 3 s}`"
                .to_owned()),
        }
    }
}

impl From<DelayFile> for Written<Span, DelayLaw> {
    fn from(delay: DelayFile) -> Self {
        let none = DelayLaw::default();
        match delay.0 {
            Delay::Fixed(span) => Self::Short(span),
            Delay::Uniform { min, max } => Self::Long(DelayLaw { min: Some(min), max: Some(max), ..none }),
            Delay::Exponential { mean } => Self::Long(DelayLaw { mean: Some(mean), ..none }),
            Delay::LogNormal { median, p95 } => Self::Long(DelayLaw { median: Some(median), p95: Some(p95), ..none }),
        }
    }
}
