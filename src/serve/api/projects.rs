//! Projects: the namespaces of graphs.

use super::access::{By, InProject, no_project};
use super::body::Sent;
use super::openapi::{Changes, Reads};
use super::page::Page;
use super::problem::Problem;
use super::{App, body, names};
use crate::serve::store::StoreError;
use crate::serve::store::rows::{Project, Role};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(show, put, delete))
}

/// A new project.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "harbour", "policy": "anytime+rate"}))]
pub struct NewProject {
    /// Its name, which is that of its namespace.
    #[schema(pattern = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length = 63)]
    pub name: String,
    /// The policy of its graphs, where they say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// What a project is to say.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"policy": "anytime+rate"}))]
pub struct ProjectBody {
    /// The policy of its graphs, where they say nothing; that of the server where this says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// List projects
#[utoipa::path(
    get, path = "/v1/projects", operation_id = "listProjects", tag = "projects",
    responses((status = 200, description = "All that you see", body = Page<Project>), Reads)
)]
async fn list(State(app): State<App>, by: By) -> Result<Json<Page<Project>>, Problem> {
    let mut all = app.store.projects().await?;
    all.retain(|project| by.sees(&project.name));
    Ok(Json(Page::whole(all)))
}

/// Make a project
///
/// A project is also made where a graph is deployed into one that is missing.
#[utoipa::path(
    post, path = "/v1/projects", operation_id = "createProject", tag = "projects",
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once")),
    request_body = NewProject,
    responses((status = 201, description = "It is made", body = Project, headers(("Location" = String))), Changes)
)]
async fn create(State(app): State<App>, by: By, sent: Sent) -> Result<Response, Problem> {
    by.need_everywhere(Role::Admin)?;
    let NewProject { name, policy } = body::shaped(sent).await?;
    check(&name, policy.as_deref())?;
    let project = app.store.add_project(&name, policy).await.map_err(|error| match error {
        StoreError::Exists { .. } => {
            Problem::conflict("project-exists", format!("there is a project `{name}` already; change it by PUT"))
        }
        error => error.into(),
    })?;
    let location = HeaderValue::from_str(&format!("/v1/projects/{name}"));
    let mut response = (StatusCode::CREATED, Json(project)).into_response();
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Show a project
#[utoipa::path(
    get, path = "/v1/projects/{project}", operation_id = "getProject", tag = "projects",
    params(("project" = String, Path, description = "Its name", example = "harbour")),
    responses((status = 200, description = "The project", body = Project), Reads)
)]
async fn show(State(app): State<App>, InProject { by, project }: InProject) -> Result<Json<Project>, Problem> {
    by.need_in(Role::Viewer, &project)?;
    app.store.project(&project).await?.map(Json).ok_or_else(|| no_project(&project))
}

/// Make or change a project
#[utoipa::path(
    put, path = "/v1/projects/{project}", operation_id = "putProject", tag = "projects",
    params(("project" = String, Path, description = "Its name", example = "harbour"),
           ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once")),
    request_body = ProjectBody,
    responses((status = 200, description = "The project", body = Project), Changes)
)]
async fn put(
    State(app): State<App>,
    InProject { by, project }: InProject,
    sent: Sent,
) -> Result<Json<Project>, Problem> {
    by.need_in(Role::Admin, &project)?;
    let ProjectBody { policy } = body::shaped(sent).await?;
    check(&project, policy.as_deref())?;
    let project = app.store.put_project(&project, policy).await?;
    app.acts.wake();
    Ok(Json(project))
}

/// Remove a project
///
/// Its graphs have to be removed before.
#[utoipa::path(
    delete, path = "/v1/projects/{project}", operation_id = "deleteProject", tag = "projects",
    params(("project" = String, Path, description = "Its name", example = "harbour"),
           ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once")),
    responses((status = 204, description = "It is gone"), Changes)
)]
async fn delete(State(app): State<App>, InProject { by, project }: InProject) -> Result<StatusCode, Problem> {
    by.need_in(Role::Admin, &project)?;
    let was_there = app.store.delete_project(&project).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(no_project(&project)) }
}

fn check(name: &str, policy: Option<&str>) -> Result<(), Problem> {
    names::project(name)?;
    policy.map_or(Ok(()), names::policy)
}
