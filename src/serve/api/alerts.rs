//! Where Alertmanager posts: payloads of version 4, alert by alert.
//!
//! One that cannot be read does not take the others with it, labels that nobody knows are left alone, and what is told again changes
//! nothing. A payload goes to the engine in one piece, so that a thousand alerts cost one look at what waits for them. Alertmanager tries again after
//! a 5xx and never after a 4xx: so a store that does not answer is a 503.

use super::access::By;
use super::acts::AlertsTaken;
use super::body::Sent;
use super::openapi::Changes;
use super::problem::Problem;
use super::{App, body};
use crate::backend::live::alerts::Alert;
use crate::serve::store::rows::Role;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Alerts of one payload.
const ALERTS_MAX: usize = 20_000;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(receive))
}

/// What Alertmanager posts; only what is read of it is described.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "version": "4", "status": "firing",
    "alerts": [{
        "status": "firing", "startsAt": "2026-11-30T08:15:00Z", "fingerprint": "9b1f6a7c0d3e5f24",
        "labels": {"alertname": "crane-busy", "service": "tracker", "severity": "critical"},
        "annotations": {"summary": "frame rate above 12 per second"},
    }],
}))]
pub struct AlertsBody {
    /// The alerts.
    #[schema(value_type = Vec<Value>, max_items = 20_000)]
    pub alerts: Vec<Value>,
    /// Alerts that Alertmanager left out because there were too many.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub truncated_alerts: i64,
}

/// What became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertsAnswer {
    /// What the engine made of those that could be read.
    #[serde(flatten)]
    pub known: AlertsTaken,
    /// They could not be read.
    pub unreadable: u64,
    /// Alertmanager left them out.
    pub left_out: u64,
}

/// Take alerts
///
/// As Alertmanager posts them (version 4): they wake conditional services, and where a graph wants it, put them to sleep again. To be named as a
/// `webhook_configs` receiver, with `send_resolved: true`.
#[utoipa::path(
    post, path = "/v1/alerts", operation_id = "receiveAlerts", tag = "alerts",
    request_body = AlertsBody,
    responses((status = 200, description = "They are taken", body = AlertsAnswer), Changes)
)]
async fn receive(State(app): State<App>, by: By, sent: Sent) -> Result<Json<AlertsAnswer>, Problem> {
    by.need_everywhere(Role::Operator)?;
    let payload: AlertsBody = body::shaped(sent).await?;
    take(&app, payload).await.map(Json)
}

/// Hands alerts to the engine.
///
/// # Errors
/// 422 for too many, 503 where they cannot be kept.
pub async fn take(app: &App, payload: AlertsBody) -> Result<AlertsAnswer, Problem> {
    if payload.alerts.len() > ALERTS_MAX {
        let detail = format!("there are {} alerts; at most {ALERTS_MAX} are taken at once", payload.alerts.len());
        return Err(Problem::unprocessable(detail));
    }
    let left_out = u64::try_from(payload.truncated_alerts)
        .map_err(|_| Problem::unprocessable("`truncatedAlerts` is a number of alerts; it is not below 0"))?;
    let sent = payload.alerts.len();
    let alerts: Vec<Alert> = payload.alerts.into_iter().filter_map(Alert::read).collect();
    let unreadable = u64::try_from(sent - alerts.len()).unwrap_or(u64::MAX);
    let known = app.acts.on_alerts(&alerts).await?;
    Ok(AlertsAnswer { known, unreadable, left_out })
}
