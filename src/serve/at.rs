//! Instants as the store keeps them and as people read them: milliseconds since 1970 inside, RFC 3339 in UTC outside.

use crate::backend::live::clock;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::Duration;

/// An instant of the wall clock, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct At(pub i64);

impl At {
    /// Now.
    pub fn now() -> Self {
        Self(i64::try_from(clock::since_epoch().as_millis()).unwrap_or(i64::MAX))
    }

    /// So much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// From `earlier` until this; nothing where that lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => write!(f, "{} ms since 1970", self.0),
        }
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = |_| serde::de::Error::custom(format!("`{text}` is no time; write it like `2026-11-30T08:15:00Z`"));
        let timestamp: jiff::Timestamp = text.parse().map_err(wrong)?;
        Ok(Self(timestamp.as_millisecond()))
    }
}

impl utoipa::PartialSchema for At {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let format = utoipa::openapi::SchemaFormat::KnownFormat(utoipa::openapi::KnownFormat::DateTime);
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(format))
            .examples([serde_json::json!("2026-11-30T08:15:00.000Z")])
            .into()
    }
}

impl utoipa::ToSchema for At {}

#[cfg(test)]
mod tests {
    use super::At;

    #[test]
    fn an_instant_is_written_and_read_to_the_millisecond() {
        let at = At(1_796_026_500_042);
        assert_eq!(serde_json::to_string(&at).unwrap(), "\"2026-11-30T08:15:00.042Z\"");
        assert_eq!(serde_json::from_str::<At>("\"2026-11-30T08:15:00.042Z\"").unwrap(), at);
        assert!(serde_json::from_str::<At>("\"yesterday\"").is_err());
    }
}
