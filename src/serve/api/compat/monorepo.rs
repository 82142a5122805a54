//! The monorepo's routes, where they are not upstream's: changes by POST, answers in JSON, errors as problems.

use super::act;
use super::shown::{self, OriginalCluster};
use crate::serve::api::App;
use crate::serve::api::access::By;
use crate::serve::api::openapi::{Changes, Reads};
use crate::serve::api::problem::Problem;
use crate::serve::store::rows::{JobKind, Role};
use axum::Json;
use axum::extract::{Path, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(clusters))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(placement))
}

/// List clusters as they were seen last
#[utoipa::path(
    get, path = "/clusters", operation_id = "monorepoListClusters", tag = "compatibility",
    responses((status = 200, description = "All of them", body = Vec<OriginalCluster>), Reads)
)]
async fn clusters(State(app): State<App>, by: By) -> Result<Json<Vec<OriginalCluster>>, Problem> {
    by.need(Role::Viewer)?;
    Ok(Json(shown::clusters(&app.store.clusters().await?)))
}

/// Start a graph again
#[utoipa::path(
    post, path = "/graphs/{name}/start", operation_id = "monorepoStartGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It runs", body = String, content_type = "application/json"), Changes)
)]
async fn start(State(app): State<App>, by: By, Path(name): Path<String>) -> Result<Json<&'static str>, Problem> {
    act(&app, &by, &name, JobKind::Start).await?;
    Ok(Json("Graph started successfully"))
}

/// Stop a graph
#[utoipa::path(
    post, path = "/graphs/{name}/stop", operation_id = "monorepoStopGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It is stopped", body = String, content_type = "application/json"), Changes)
)]
async fn stop(State(app): State<App>, by: By, Path(name): Path<String>) -> Result<Json<&'static str>, Problem> {
    act(&app, &by, &name, JobKind::Stop).await?;
    Ok(Json("Graph stopped successfully"))
}

/// Place a graph anew
#[utoipa::path(
    post, path = "/graphs/{name}/placement", operation_id = "monorepoPlaceGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It stands as the new plan says", body = String, content_type = "application/json"), Changes)
)]
async fn placement(State(app): State<App>, by: By, Path(name): Path<String>) -> Result<Json<&'static str>, Problem> {
    act(&app, &by, &name, JobKind::RePlace).await?;
    Ok(Json("Placement triggered successfully"))
}
