//! Who changed what: `gate` writes it down, an admin reads it.

use super::App;
use super::access::By;
use super::openapi::Reads;
use super::page::{self, Page};
use super::problem::Problem;
use super::queries::Params;
use crate::serve::store::rows::{AuditRow, Role};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list))
}

/// Which entries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those after this number: `next` of the page before.
    after: Option<i64>,
    /// So many a page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// List who changed what
///
/// Every request that could change something, by whom, and what was answered; in their order.
#[utoipa::path(
    get, path = "/v1/audit", operation_id = "listAudit", tag = "access", params(Which),
    responses((status = 200, description = "A page of it", body = Page<AuditRow>), Reads)
)]
async fn list(
    State(app): State<App>,
    by: By,
    Params(Which { after, limit }): Params<Which>,
) -> Result<Json<Page<AuditRow>>, Problem> {
    by.need_everywhere(Role::Admin)?;
    let limit = page::limit(limit)?;
    let items = app.store.audits(after.unwrap_or(0), limit).await?;
    Ok(Json(Page::numbered(items, limit, |row| row.seq)))
}
