//! Intents.

/// How near a called service has to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Qos {
    /// Less than 10 ms there and back.
    Ultralow,
    /// At most one hop.
    Low,
    /// Anywhere.
    #[default]
    BestEffort,
}
