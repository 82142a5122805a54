//! Jobs: what takes a while, and how far it is.

use super::App;
use super::access::By;
use super::openapi::Reads;
use super::page::{self, Page};
use super::problem::Problem;
use super::queries::Params;
use super::wait::{self, Wait, no_job};
use crate::serve::store::rows::{Job, Role};
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(show))
}

/// Which jobs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those in a project.
    project: Option<String>,
    /// Those of graphs of that name.
    graph: Option<String>,
    /// So many at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// List jobs
///
/// The newest first.
#[utoipa::path(
    get, path = "/v1/jobs", operation_id = "listJobs", tag = "jobs", params(Which),
    responses((status = 200, description = "The newest of them", body = Page<Job>), Reads)
)]
async fn list(State(app): State<App>, by: By, Params(which): Params<Which>) -> Result<Json<Page<Job>>, Problem> {
    let limit = page::limit(which.limit)?;
    let project = by.narrowed(which.project)?;
    let items = app.store.jobs_in(project.as_deref(), which.graph.as_deref(), limit).await?;
    Ok(Json(Page::whole(items)))
}

/// Show a job
///
/// With `wait`, once it has ended or the time is over; whether it went well stands in it.
#[utoipa::path(
    get, path = "/v1/jobs/{id}", operation_id = "getJob", tag = "jobs",
    params(("id" = String, Path, description = "Its id"), Wait),
    responses((status = 200, description = "The job", body = Job), Reads)
)]
async fn show(
    State(app): State<App>,
    by: By,
    Path(id): Path<String>,
    Params(wait): Params<Wait>,
) -> Result<Json<Job>, Problem> {
    by.need(Role::Viewer)?;
    let job = app.store.job(&id).await?.filter(|job| by.sees(&job.project)).ok_or_else(|| no_job(&id))?;
    match wait.time()? {
        Some(time) if !job.state.has_ended() && time > Duration::ZERO => Ok(Json(wait::ended(&app, &id, time).await?)),
        _ => Ok(Json(job)),
    }
}
