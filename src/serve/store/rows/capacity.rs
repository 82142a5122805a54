//! What replicas of a service can serve, who says so, and whether that is still true.

use crate::serve::at::At;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Who says what replicas can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CapacityOrigin {
    /// Nobody: load does not change the number of replicas.
    #[default]
    None,
    /// The graph's options.
    Option,
    /// The server's file of `smo fit`.
    File,
    /// It was fitted while the graph ran.
    Fitted,
}

/// What replicas of a service can serve.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct CapacityStatus {
    /// Who says it.
    pub origin: CapacityOrigin,
    /// Requests per second that one replica serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_replica: Option<f64>,
    /// The whole of it, as a scenario writes it: `{"alpha": 20, "beta": 0}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub law: Option<Value>,
    /// When it was fitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fitted_at: Option<At>,
    /// What the fit rests on: `saturation`, `cpu` or `latency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identified_by: Option<String>,
    /// Samples that a fit rests on, or would.
    #[serde(default)]
    pub samples: u64,
    /// Why nothing is fitted, in a sentence, where it is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the service was seen to contradict it; nothing while it does not, or once it was fitted anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drifted_at: Option<At>,
}
