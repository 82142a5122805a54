//! stub
use crate::units::Time;
use serde::Serialize;

/// Sum of standardised residuals at which the alarm is raised.
pub const ALARM: f64 = 5.0;

/// Whether the service changed while it was observed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftVerdict {
    /// Whether it changed.
    pub drifted: bool,
    /// When the change began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// When the alarm came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm_at: Option<Time>,
    /// What raised it: `version`, `page_hinkley`, `cusum` or `change_point`; `untested` where there was nothing to test.
    pub by: &'static str,
    /// CPU per request after the change over that before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratio: Option<f64>,
}
