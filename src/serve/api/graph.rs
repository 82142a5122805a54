//! One graph: shown, changed, removed, and everything that is known of it.

use super::access::{By, Named, Seen, being_removed, graph_in};
use super::actions::would;
use super::body::Sent;
use super::deploy::{self, Asked, DeployBody};
use super::graphs::{Doing, GraphOrPlan, planned};
use super::openapi::{Changes, Reads};
use super::page::{self, Page};
use super::problem::Problem;
use super::queries::Params;
use super::wait;
use super::{App, etag, names};
use crate::serve::engine::PlanAnswer;
use crate::serve::store::asked::{Ask, EventFilter};
use crate::serve::store::rows::{Change, DecisionRow, Event, Graph, Job, JobKind, Role, Wish};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(show, put, remove))
        .routes(routes!(descriptor))
        .routes(routes!(decisions))
        .routes(routes!(events))
        .routes(routes!(jobs))
}

/// Which of the newest.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Newest {
    /// So many at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Which decisions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Before {
    /// Those before this number: `next` of the page before.
    before: Option<i64>,
    /// So many a page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Which events.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(clippy::struct_field_names, reason = "the parameter is called so")]
struct After {
    /// Those after this number: `next` of the page before.
    after: Option<i64>,
    /// Those of a kind, or below it: `service` is also `service.scaled`.
    kind: Option<String>,
    /// So many a page.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Show a graph
#[utoipa::path(
    get, path = "/v1/projects/{project}/graphs/{name}", operation_id = "getGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch"),
           ("If-None-Match" = Option<String>, Header, description = "A tag that you have: 304 while it is that")),
    responses(
        (status = 200, description = "The graph, with its tag", body = Graph, headers(("ETag" = String))),
        (status = 304, description = "It is as you have it"),
        Reads,
    )
)]
async fn show(Seen(graph): Seen, headers: HeaderMap) -> Result<Response, Problem> {
    etag::answer(&graph, &headers)
}

/// Change a graph to another descriptor
///
/// Where there is none of the name, it is deployed. `If-Match` makes sure that nothing else was wanted since you read it.
#[utoipa::path(
    put, path = "/v1/projects/{project}/graphs/{name}", operation_id = "putGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name: the descriptor's `hdaGraph.id`", example = "harbour-watch"),
           ("If-Match" = Option<String>, Header, description = "The tag that the change is based on"),
           ("If-None-Match" = Option<String>, Header, description = "`*`: only where there is none yet"),
           ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once"),
           Doing),
    request_body(
        description = "A descriptor or an artifact; also a JSON text that holds the document",
        content((DeployBody = "application/json"), (DeployBody = "application/yaml"))
    ),
    responses(
        (status = 200, description = "Changed, after a wait; or the plan, of a dry run", body = GraphOrPlan),
        (status = 202, description = "It is wanted", body = Job, headers(("Location" = String))),
        Changes,
    )
)]
async fn put(
    State(app): State<App>,
    Named { by, project, name }: Named,
    Params(doing): Params<Doing>,
    sent: Sent,
) -> Result<Response, Problem> {
    by.need_in(Role::Operator, &project)?;
    names::project(&project)?;
    let wait = doing.wait().time()?;
    let headers = sent.headers.clone();
    let asked = deploy::read(&app, sent).await?;
    if asked.descriptor.id != name {
        let detail = format!("hdaGraph.id is `{}` and the path says `{name}`; make them the same", asked.descriptor.id);
        return Err(Problem::unprocessable(detail).of_kind("bad-name"));
    }
    if doing.dry_run {
        return planned(&app, &project, &asked).await;
    }
    let job = match app.store.graph(&project, &name).await? {
        Some(graph) => changed(&app, &by, (&graph, &headers), asked).await?,
        None if headers.contains_key(header::IF_MATCH) => {
            return Err(Problem::precondition_failed(format!("there is no graph `{name}` that `If-Match` could name")));
        }
        None => deploy::insert(&app, &by, &project, asked).await?.1,
    };
    wait::answer(&app, job, wait).await
}

/// Stores another descriptor of a graph.
async fn changed(app: &App, by: &By, (graph, headers): (&Graph, &HeaderMap), asked: Asked) -> Result<Job, Problem> {
    if graph.wanted == Wish::Removed {
        return Err(being_removed(graph));
    }
    let Asked { document, source, options, notes, .. } = asked;
    let change = Change { descriptor: Some((document, source, options)), ..Change::default() };
    let ask =
        Ask { expected: etag::expected(headers, graph)?, change, kind: JobKind::Update, actor: by.name().to_owned() };
    let job = wanted(app, graph, &ask).await?;
    deploy::begun(app, &job, &notes).await;
    Ok(job)
}

/// Wants something of a graph.
///
/// # Errors
/// 412 where something else was wanted since, 409 where it is being removed.
pub async fn wanted(app: &App, graph: &Graph, ask: &Ask) -> Result<Job, Problem> {
    use crate::serve::store::StoreError::Conflict;
    match app.store.change_graph(&graph.id, ask).await {
        Ok((_, job)) => Ok(job),
        Err(Conflict { what }) if ask.expected.is_some() => Err(Problem::precondition_failed(what)),
        Err(error) => Err(error.into()),
    }
}

/// Remove a graph
///
/// Everything of it is uninstalled, and then it is forgotten. Asked again while that is done, the same job is answered.
#[utoipa::path(
    delete, path = "/v1/projects/{project}/graphs/{name}", operation_id = "removeGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch"),
           ("If-Match" = Option<String>, Header, description = "The tag that the removal is based on"),
           ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once"),
           Doing),
    responses(
        (status = 200, description = "It is gone: the job that did it; or what would be, of a dry run", body = JobOrPlan),
        (status = 202, description = "It is wanted", body = Job, headers(("Location" = String))),
        Changes,
    )
)]
async fn remove(
    State(app): State<App>,
    Named { by, project, name }: Named,
    Params(doing): Params<Doing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wait = doing.wait().time()?;
    let graph = graph_in(&app, &by, Role::Operator, (&project, &name)).await?;
    let expected = etag::expected(&headers, &graph)?;
    if doing.dry_run {
        return would(&app, &graph, Some(Wish::Removed)).await;
    }
    let job = removal(&app, &by, &graph, expected).await?;
    wait::answer(&app, job, wait).await
}

/// A job, or a plan.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = JobOrPlan)]
#[expect(dead_code, reason = "it is only described: what is answered is written as one of the two")]
#[serde(untagged)]
pub enum JobOrPlan {
    /// It was done.
    Job(Box<Job>),
    /// It was a dry run.
    Plan(PlanAnswer),
}

/// The job that removes a graph: the one that is at it, or a new one.
///
/// # Errors
/// 412 where something else was wanted since.
pub async fn removal(app: &App, by: &By, graph: &Graph, expected: Option<i64>) -> Result<Job, Problem> {
    if graph.wanted == Wish::Removed
        && let Some(job) = app.store.unfinished_job(&graph.id).await?
    {
        return Ok(job);
    }
    let change = Change { wanted: Some(Wish::Removed), ..Change::default() };
    let job = wanted(app, graph, &Ask { expected, change, kind: JobKind::Remove, actor: by.name().to_owned() }).await?;
    app.acts.wake();
    Ok(job)
}

/// Show the descriptor of a graph
///
/// As JSON, or as YAML where `Accept` prefers that.
#[utoipa::path(
    get, path = "/v1/projects/{project}/graphs/{name}/descriptor", operation_id = "getGraphDescriptor", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses(
        (status = 200, description = "The document with its key `hdaGraph`",
         content((serde_json::Value = "application/json"), (String = "application/yaml"))),
        Reads,
    )
)]
async fn descriptor(Seen(graph): Seen, headers: HeaderMap) -> Result<Response, Problem> {
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !accepts.split(',').any(|one| one.contains("yaml")) {
        return Ok(Json(graph.descriptor).into_response());
    }
    let text = serde_saphyr::to_string(&graph.descriptor).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(([(header::CONTENT_TYPE, "application/yaml")], text).into_response())
}

/// List decisions about a graph
///
/// The newest first; the last thousand are kept.
#[utoipa::path(
    get, path = "/v1/projects/{project}/graphs/{name}/decisions", operation_id = "listGraphDecisions", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch"), Before),
    responses((status = 200, description = "A page of them", body = Page<DecisionRow>), Reads)
)]
async fn decisions(
    State(app): State<App>,
    Seen(graph): Seen,
    Params(Before { before, limit }): Params<Before>,
) -> Result<Json<Page<DecisionRow>>, Problem> {
    let limit = page::limit(limit)?;
    let items = app.store.decisions(&graph.id, before, limit).await?;
    Ok(Json(Page::numbered(items, limit, |decision| decision.seq)))
}

/// List events of a graph
///
/// In their order; `GET /v1/events` also follows them as they come.
#[utoipa::path(
    get, path = "/v1/projects/{project}/graphs/{name}/events", operation_id = "listGraphEvents", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch"), After),
    responses((status = 200, description = "A page of them", body = Page<Event>), Reads)
)]
async fn events(
    State(app): State<App>,
    Seen(graph): Seen,
    Params(After { after, kind, limit }): Params<After>,
) -> Result<Json<Page<Event>>, Problem> {
    let limit = page::limit(limit)?;
    let (project, graph) = (Some(graph.project), Some(graph.name));
    let filter = EventFilter { after: after.unwrap_or(0), project, graph, kind, limit };
    let items = app.store.events(&filter).await?;
    Ok(Json(Page::numbered(items, limit, |event| event.seq)))
}

/// List jobs of a graph
///
/// The newest first.
#[utoipa::path(
    get, path = "/v1/projects/{project}/graphs/{name}/jobs", operation_id = "listGraphJobs", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch"), Newest),
    responses((status = 200, description = "The newest of them", body = Page<Job>), Reads)
)]
async fn jobs(
    State(app): State<App>,
    Seen(graph): Seen,
    Params(Newest { limit }): Params<Newest>,
) -> Result<Json<Page<Job>>, Problem> {
    Ok(Json(Page::whole(app.store.jobs(Some(&graph.id), page::limit(limit)?).await?)))
}
