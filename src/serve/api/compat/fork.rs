//! The early fork's routes: upstream's, below `/graph`.

use super::in_text;
use super::shown::OriginalGraph;
use super::upstream::{acted, deployed, listed, one, removed};
use crate::serve::api::App;
use crate::serve::api::access::{By, InProject};
use crate::serve::api::body::Sent;
use crate::serve::api::deploy::DeployBody;
use crate::serve::api::openapi::{PlainChanges, PlainReads};
use crate::serve::api::problem::Problem;
use crate::serve::store::rows::JobKind;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(show, delete))
        .routes(routes!(placement))
        .routes(routes!(start))
        .routes(routes!(stop))
}

/// List graphs of a project
#[utoipa::path(
    get, path = "/graph/project/{project}", operation_id = "forkListGraphs", tag = "compatibility",
    params(("project" = String, Path, description = "The project", example = "harbour")),
    responses((status = 200, description = "All of them; none for a project that is not there", body = Vec<OriginalGraph>), PlainReads)
)]
async fn list(State(app): State<App>, by: By, Path(project): Path<String>, headers: HeaderMap) -> Response {
    in_text(listed(&app, &by, project).await, &headers)
}

/// Deploy a graph
#[utoipa::path(
    post, path = "/graph/project/{project}", operation_id = "forkDeployGraph", tag = "compatibility",
    params(("project" = String, Path, description = "The project", example = "harbour")),
    request_body(content(
        (DeployBody = "application/json", example = json!({"artifact": "http://registry.example.com:5000/demo0/hello-world-graph"})),
        (DeployBody = "application/x-yaml"),
    )),
    responses(
        (status = 200, description = "By an artifact or a JSON text: it is deployed", body = String, content_type = "text/plain"),
        (status = 202, description = "By a JSON object or YAML: it is wanted", body = String, content_type = "application/json"),
        PlainChanges,
    )
)]
async fn create(State(app): State<App>, InProject { by, project }: InProject, sent: Sent) -> Response {
    deployed(&app, &by, &project, sent).await
}

/// Show a graph
#[utoipa::path(
    get, path = "/graph/{name}", operation_id = "forkGetGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses(
        (status = 200, description = "The graph", body = OriginalGraph),
        (status = 409, description = "Several projects have one",
         content((Problem = "application/problem+json"), (String = "text/plain"))),
        PlainReads,
    )
)]
async fn show(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(one(&app, &by, &name).await, &headers)
}

/// Remove a graph
#[utoipa::path(
    delete, path = "/graph/{name}", operation_id = "forkRemoveGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It is gone", body = String, content_type = "text/plain"), PlainChanges)
)]
async fn delete(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(removed(&app, &by, &name).await, &headers)
}

/// Place a graph anew
#[utoipa::path(
    get, path = "/graph/{name}/placement", operation_id = "forkPlaceGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It stands as the new plan says", body = String, content_type = "text/plain"), PlainChanges)
)]
async fn placement(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(acted(&app, &by, &name, JobKind::RePlace).await, &headers)
}

/// Start a graph again
#[utoipa::path(
    get, path = "/graph/{name}/start", operation_id = "forkStartGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It runs", body = String, content_type = "text/plain"), PlainChanges)
)]
async fn start(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(acted(&app, &by, &name, JobKind::Start).await, &headers)
}

/// Stop a graph
#[utoipa::path(
    get, path = "/graph/{name}/stop", operation_id = "forkStopGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It is stopped", body = String, content_type = "text/plain"), PlainChanges)
)]
async fn stop(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(acted(&app, &by, &name, JobKind::Stop).await, &headers)
}
