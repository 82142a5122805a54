//! What a server says of itself: that it lives, that it is ready, and in figures.

use super::access::By;
use super::acts::Reach;
use super::gate::Plain;
use super::openapi::Reads;
use super::problem::Problem;
use super::{App, metrics};
use crate::serve::store::rows::Role;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(healthz)).routes(routes!(readyz)).routes(routes!(scrape))
}

/// That the server lives.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The version of the program.
    pub version: String,
}

/// Whether the server can do what it is there for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "ready": true,
    "store": {"kind": "sqlite", "state": "reached"},
    "control_plane": {"kind": "karmada", "state": "not_configured"},
}))]
pub struct Readiness {
    /// Whether all of it answers.
    pub ready: bool,
    /// The database.
    pub store: Party,
    /// The control plane; a server without one is ready, and plans only.
    pub control_plane: Party,
}

/// Somebody whom it takes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Party {
    /// What it is.
    pub kind: String,
    /// Whether it answers.
    pub state: PartyState,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether somebody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartyState {
    /// It does.
    Reached,
    /// It does not.
    Lost,
    /// Nobody of the kind is configured.
    NotConfigured,
}

/// Say whether the server lives
#[utoipa::path(
    get, path = "/healthz", operation_id = "getHealth", tag = "system", security(()),
    responses(
        (status = 200, description = "It does", body = Health),
        (status = 400, description = "A parameter that is not known", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn healthz() -> Json<Health> {
    Json(Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// Say whether the server is ready
///
/// The store answers, and the control plane does, if one is configured.
#[utoipa::path(
    get, path = "/readyz", operation_id = "getReadiness", tag = "system", security(()),
    responses(
        (status = 200, description = "It is", body = Readiness),
        (status = 400, description = "A parameter that is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "A page of another site may not ask", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "It is not", body = Readiness),
    )
)]
async fn readyz(State(app): State<App>) -> Response {
    let store = match app.store.ping().await {
        Ok(()) => party(app.store.kind(), Reach::Reached),
        Err(error) => {
            tracing::warn!(%error, "the store does not answer");
            // Its own words may say where it is, to whoever asks.
            party(app.store.kind(), Reach::Lost("it does not answer".to_owned()))
        }
    };
    let control_plane = party("karmada", app.acts.control_plane().await);
    let ready = [&store, &control_plane].into_iter().all(|party| party.state != PartyState::Lost);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Extension(Plain), Json(Readiness { ready, store, control_plane })).into_response()
}

fn party(kind: &str, reach: Reach) -> Party {
    let (state, reason) = match reach {
        Reach::Reached => (PartyState::Reached, None),
        Reach::Lost(reason) => (PartyState::Lost, Some(reason)),
        Reach::NotConfigured => (PartyState::NotConfigured, None),
    };
    Party { kind: kind.to_owned(), state, reason }
}

/// Give figures to Prometheus
///
/// They are about all projects, so that whoever sees only one is given none.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "system",
    responses(
        (status = 200, description = "OpenMetrics", body = String,
         content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        Reads,
    )
)]
async fn scrape(State(app): State<App>, by: By) -> Result<Response, Problem> {
    by.need_everywhere(Role::Viewer)?;
    let text = metrics::text(&app).await?;
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response())
}
