//! Upstream's routes: text when it is done, changes by GET.

use super::shown::{self, OriginalCluster, OriginalGraph};
use super::{act, done, in_text, line, named, remove};
use crate::serve::api::App;
use crate::serve::api::access::{By, InProject};
use crate::serve::api::alerts::{self, AlertsBody};
use crate::serve::api::body::{self, Sent};
use crate::serve::api::deploy::{self, DeployBody};
use crate::serve::api::openapi::{PlainChanges, PlainReads};
use crate::serve::api::problem::Problem;
use crate::serve::api::wait::accepted;
use crate::serve::store::asked::GraphFilter;
use crate::serve::store::rows::{Job, JobKind, Role};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Graphs that are read at once.
const BATCH: u32 = 1_000;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(clusters))
        .routes(routes!(list, create))
        .routes(routes!(show, delete))
        .routes(routes!(placement))
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(receive))
}

/// What is answered to Alertmanager.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertReceived {
    /// `Alert received`.
    pub message: String,
    /// What was posted.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// List clusters, after asking the control plane
///
/// Where it does not answer, they are shown as they were seen last.
#[utoipa::path(
    get, path = "/clusters/", operation_id = "upstreamListClusters", tag = "compatibility",
    responses((status = 200, description = "All of them", body = Vec<OriginalCluster>), PlainReads)
)]
async fn clusters(State(app): State<App>, by: By, headers: HeaderMap) -> Response {
    let listed = async {
        by.need(Role::Viewer)?;
        let rows = match app.acts.sync_clusters().await {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "clusters are shown as they were seen last");
                app.store.clusters().await?
            }
        };
        Ok(Json(shown::clusters(&rows)).into_response())
    };
    in_text(listed.await, &headers)
}

/// List graphs of a project
#[utoipa::path(
    get, path = "/project/{project}/graphs", operation_id = "upstreamListGraphs", tag = "compatibility",
    params(("project" = String, Path, description = "The project", example = "harbour")),
    responses((status = 200, description = "All of them; none for a project that is not there", body = Vec<OriginalGraph>), PlainReads)
)]
async fn list(State(app): State<App>, by: By, Path(project): Path<String>, headers: HeaderMap) -> Response {
    in_text(listed(&app, &by, project).await, &headers)
}

/// Deploy a graph
///
/// By an artifact or a JSON text (upstream: waits, and answers in text), or by a JSON object or YAML (the monorepo: answers at once).
#[utoipa::path(
    post, path = "/project/{project}/graphs", operation_id = "upstreamDeployGraph", tag = "compatibility",
    params(("project" = String, Path, description = "The project", example = "harbour")),
    request_body(content(
        (DeployBody = "application/json", example = json!({"artifact": "http://registry.example.com:5000/demo0/hello-world-graph"})),
        (DeployBody = "application/x-yaml"),
    )),
    responses(
        (status = 200, description = "Upstream: it is deployed", body = String, content_type = "text/plain"),
        (status = 202, description = "The monorepo: it is wanted", body = String, content_type = "application/json",
         headers(("Location" = String))),
        PlainChanges,
    )
)]
async fn create(State(app): State<App>, InProject { by, project }: InProject, sent: Sent) -> Response {
    deployed(&app, &by, &project, sent).await
}

/// Show a graph
#[utoipa::path(
    get, path = "/graphs/{name}", operation_id = "upstreamGetGraph", tag = "compatibility",
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
    delete, path = "/graphs/{name}", operation_id = "upstreamRemoveGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It is gone", body = String, content_type = "text/plain"), PlainChanges)
)]
async fn delete(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(removed(&app, &by, &name).await, &headers)
}

/// Place a graph anew
#[utoipa::path(
    get, path = "/graphs/{name}/placement", operation_id = "upstreamPlaceGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It stands as the new plan says", body = String, content_type = "text/plain"), PlainChanges)
)]
async fn placement(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(acted(&app, &by, &name, JobKind::RePlace).await, &headers)
}

/// Start a graph again
#[utoipa::path(
    get, path = "/graphs/{name}/start", operation_id = "upstreamStartGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It runs", body = String, content_type = "text/plain"), PlainChanges)
)]
async fn start(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(acted(&app, &by, &name, JobKind::Start).await, &headers)
}

/// Stop a graph
#[utoipa::path(
    get, path = "/graphs/{name}/stop", operation_id = "upstreamStopGraph", tag = "compatibility",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It is stopped", body = String, content_type = "text/plain"), PlainChanges)
)]
async fn stop(State(app): State<App>, by: By, Path(name): Path<String>, headers: HeaderMap) -> Response {
    in_text(acted(&app, &by, &name, JobKind::Stop).await, &headers)
}

/// Take alerts
#[utoipa::path(
    post, path = "/alerts", operation_id = "upstreamReceiveAlerts", tag = "compatibility",
    request_body = AlertsBody,
    responses((status = 200, description = "They are taken", body = AlertReceived), PlainChanges)
)]
async fn receive(State(app): State<App>, by: By, sent: Sent) -> Response {
    let headers = sent.headers.clone();
    in_text(received(&app, &by, sent).await, &headers)
}

/// The graphs of a project, in their shape.
pub async fn listed(app: &App, by: &By, project: String) -> Result<Response, Problem> {
    by.need(Role::Viewer)?;
    let mut all = Vec::new();
    let clusters = app.store.clusters().await?;
    if by.sees(&project) {
        let mut filter = GraphFilter { project: Some(project), limit: BATCH, ..GraphFilter::default() };
        loop {
            let (graphs, next) = app.store.graphs(&filter).await?;
            all.extend(graphs.iter().map(|graph| shown::graph(graph, &clusters)));
            let Some(next) = next else { break };
            filter.after = Some(next);
        }
    }
    Ok(Json(all).into_response())
}

/// Deploys what the body says, and answers as whoever it is from does.
pub async fn deployed(app: &App, by: &By, project: &str, sent: Sent) -> Response {
    let (is_monorepos, headers) = (is_monorepos(&sent), sent.headers.clone());
    let stored = stored(app, by, project, sent).await;
    if is_monorepos {
        return stored.map_or_else(IntoResponse::into_response, triggered);
    }
    let answer = async {
        done(app, &stored?).await?;
        Ok(line("Graph deployment successful"))
    };
    in_text(answer.await, &headers)
}

/// Whether a deploy is the monorepo's: YAML, or a JSON object with the descriptor in it.
fn is_monorepos(Sent { headers, bytes }: &Sent) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_object = bytes.trim_ascii_start().first() == Some(&b'{');
    let key = b"\"hdaGraph\"";
    media.contains("yaml") || (is_object && bytes.windows(key.len()).any(|letters| letters == key))
}

async fn stored(app: &App, by: &By, project: &str, sent: Sent) -> Result<Job, Problem> {
    by.need_in(Role::Operator, project)?;
    let asked = deploy::read(app, sent).await.map_err(as_original)?;
    let name = asked.descriptor.id.clone();
    let stored = deploy::insert(app, by, project, asked).await.map_err(|problem| match problem.status {
        409 => Problem::bad_request(format!("Graph with name {name} already exists")).of_kind("graph-exists"),
        _ => as_original(problem),
    });
    stored.map(|(_, job)| job)
}

/// The monorepo's answer: it is wanted, and where to ask for it.
fn triggered(job: Job) -> Response {
    let location = accepted(job).headers().get(header::LOCATION).cloned();
    let location = location.unwrap_or_else(|| HeaderValue::from_static("/v1/jobs"));
    let said = Json("Graph deployment triggered successfully");
    (StatusCode::ACCEPTED, [(header::LOCATION, location)], said).into_response()
}

/// The graph of that name, in its shape.
pub async fn one(app: &App, by: &By, name: &str) -> Result<Response, Problem> {
    by.need(Role::Viewer)?;
    let graph = named(app, by, name).await?;
    let clusters = app.store.clusters().await?;
    Ok(Json(shown::graph(&graph, &clusters)).into_response())
}

/// Removes it.
pub async fn removed(app: &App, by: &By, name: &str) -> Result<Response, Problem> {
    remove(app, by, name).await?;
    Ok(line("Removal successful"))
}

/// Starts or stops it, or places it anew.
pub async fn acted(app: &App, by: &By, name: &str, kind: JobKind) -> Result<Response, Problem> {
    act(app, by, name, kind).await?;
    Ok(match kind {
        JobKind::Start => line("Graph started"),
        JobKind::Stop => line("Graph stopped"),
        _ => line(&format!("Placement of graph {name} triggered")),
    })
}

async fn received(app: &App, by: &By, sent: Sent) -> Result<Response, Problem> {
    by.need_everywhere(Role::Operator)?;
    let data = body::document(sent).await?.value;
    let payload: AlertsBody =
        serde_json::from_value(data.clone()).map_err(|error| Problem::bad_request(error.to_string()))?;
    alerts::take(app, payload).await?;
    Ok(Json(AlertReceived { message: "Alert received".to_owned(), data }).into_response())
}

/// A descriptor that cannot be meant is a 400 in the monorepo, and a 500 upstream: the saner of the two.
fn as_original(problem: Problem) -> Problem {
    if problem.status == 422 { Problem { status: 400, title: "Bad Request".to_owned(), ..problem } } else { problem }
}
