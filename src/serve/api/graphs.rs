//! Graphs: all of them, those of a project, and new ones.

use super::access::{By, InProject, graph_named};
use super::body::Sent;
use super::deploy::{self, DeployBody};
use super::gate::Unchanged;
use super::openapi::{Changes, Reads};
use super::page::{self, Page};
use super::problem::Problem;
use super::queries::Params;
use super::wait::{self, Wait};
use super::{App, etag, names};
use crate::serve::engine::PlanAnswer;
use crate::serve::store::asked::GraphFilter;
use crate::serve::store::rows::{Graph, Job, Phase, Role};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list)).routes(routes!(find)).routes(routes!(list_in, create))
}

/// Which graphs.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of a project; else all that you see.
    project: Option<String>,
    /// Those in a phase.
    #[param(inline)]
    phase: Option<Phase>,
    /// So many a page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// Which graphs of a project.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct WhichHere {
    /// Those in a phase.
    #[param(inline)]
    phase: Option<Phase>,
    /// So many a page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Where the page begins: `next` of the page before.
    cursor: Option<String>,
}

/// Whether something is done, or only planned.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Doing {
    /// Wait so long for the job to end, at most `10m`; else it is answered at once.
    #[param(example = "30s")]
    wait: Option<String>,
    /// Only plan: nothing is stored, and the plan is answered.
    #[serde(default)]
    pub dry_run: bool,
}

impl Doing {
    /// How long is waited.
    pub fn wait(&self) -> Wait {
        Wait { wait: self.wait.clone() }
    }
}

/// List graphs over all projects
///
/// In the order of project and name, a page at a time.
#[utoipa::path(
    get, path = "/v1/graphs", operation_id = "listGraphs", tag = "graphs", params(Which),
    responses((status = 200, description = "A page of them", body = Page<Graph>), Reads)
)]
async fn list(State(app): State<App>, by: By, Params(which): Params<Which>) -> Result<Json<Page<Graph>>, Problem> {
    let Which { project, phase, limit, cursor } = which;
    let project = by.narrowed(project)?;
    page(&app, GraphFilter { project, phase, after: cursor, limit: page::limit(limit)? }).await
}

/// Show a graph by its name alone
///
/// Over all projects that you see; where several have a graph of the name, 409 names them.
#[utoipa::path(
    get, path = "/v1/graphs/{name}", operation_id = "findGraph", tag = "graphs",
    params(("name" = String, Path, description = "Its name", example = "harbour-watch"),
           ("If-None-Match" = Option<String>, Header, description = "A tag that you have: 304 while it is that")),
    responses(
        (status = 200, description = "The graph, with its tag", body = Graph, headers(("ETag" = String))),
        (status = 304, description = "It is as you have it"),
        (status = 409, description = "Several projects have one", body = Problem, content_type = "application/problem+json"),
        Reads,
    )
)]
async fn find(
    State(app): State<App>,
    by: By,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    by.need(Role::Viewer)?;
    etag::answer(&graph_named(&app, &by, &name).await?, &headers)
}

/// List graphs of a project
#[utoipa::path(
    get, path = "/v1/projects/{project}/graphs", operation_id = "listProjectGraphs", tag = "graphs",
    params(("project" = String, Path, description = "The project", example = "harbour"), WhichHere),
    responses((status = 200, description = "A page of them; none for a project that is not there", body = Page<Graph>), Reads)
)]
async fn list_in(
    State(app): State<App>,
    by: By,
    Path(project): Path<String>,
    Params(which): Params<WhichHere>,
) -> Result<Json<Page<Graph>>, Problem> {
    let WhichHere { phase, limit, cursor } = which;
    let project = by.narrowed(Some(project))?;
    page(&app, GraphFilter { project, phase, after: cursor, limit: page::limit(limit)? }).await
}

/// Deploy a graph
///
/// By its descriptor, or by an artifact that holds one. What is wanted is stored and answered at once by 202 with the job that brings it
/// about; `wait` waits for it. The project is made where it is missing.
#[utoipa::path(
    post, path = "/v1/projects/{project}/graphs", operation_id = "deployGraph", tag = "graphs",
    params(("project" = String, Path, description = "The project", example = "harbour"), Doing,
           ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once")),
    request_body(
        description = "A descriptor or an artifact; also a JSON text that holds the document",
        content((DeployBody = "application/json"), (DeployBody = "application/yaml"))
    ),
    responses(
        (status = 200, description = "Deployed, after a wait; or the plan, of a dry run", body = GraphOrPlan),
        (status = 202, description = "It is wanted", body = Job, headers(("Location" = String))),
        Changes,
    )
)]
async fn create(
    State(app): State<App>,
    InProject { by, project }: InProject,
    Params(doing): Params<Doing>,
    sent: Sent,
) -> Result<Response, Problem> {
    by.need_in(Role::Operator, &project)?;
    let wait = doing.wait().time()?;
    let asked = deploy::read(&app, sent).await?;
    if doing.dry_run {
        names::project(&project)?;
        return planned(&app, &project, &asked).await;
    }
    let (_, job) = deploy::insert(&app, &by, &project, asked).await?;
    wait::answer(&app, job, wait).await
}

/// A graph, or a plan.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = GraphOrPlan)]
#[expect(dead_code, reason = "it is only described: what is answered is written as one of the two")]
#[serde(untagged)]
pub enum GraphOrPlan {
    /// It was deployed.
    Graph(Box<Graph>),
    /// It was a dry run.
    Plan(PlanAnswer),
}

/// The plan of what was asked for; nothing is stored.
///
/// # Errors
/// What the engine says.
pub async fn planned(app: &App, project: &str, asked: &deploy::Asked) -> Result<Response, Problem> {
    let mut plan = app.acts.dry_run(project, &asked.document, &asked.options).await?;
    let mut notes = asked.notes.clone();
    notes.extend(plan.notes.into_iter().filter(|note| !deploy::is_of_descriptor(note) && !asked.notes.contains(note)));
    plan.notes = notes;
    Ok((Extension(Unchanged), Json(plan)).into_response())
}

async fn page(app: &App, filter: GraphFilter) -> Result<Json<Page<Graph>>, Problem> {
    let (items, next) = app.store.graphs(&filter).await?;
    Ok(Json(Page { items, next }))
}
