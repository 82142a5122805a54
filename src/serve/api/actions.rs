//! What is done to a graph that stands: start, stop, re-place, plan, diff, pause.

use super::access::{Held, Seen};
use super::body::Sent;
use super::deploy::{self, DeployBody};
use super::gate::Unchanged;
use super::graph::wanted;
use super::graphs::{Doing, GraphOrPlan};
use super::openapi::{Changes, Reads};
use super::problem::Problem;
use super::queries::Params;
use super::wait;
use super::{App, body, etag};
use crate::serve::engine::PlanAnswer;
use crate::serve::store::asked::Ask;
use crate::serve::store::rows::{Change, Graph, Job, JobKind, ServiceStatus, Wish};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Letters of the reason of a pause.
const REASON_MAX: usize = 500;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(start))
        .routes(routes!(stop))
        .routes(routes!(replace))
        .routes(routes!(plan))
        .routes(routes!(diff))
        .routes(routes!(pause, resume))
}

/// Why a graph is paused.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "maintenance of the harbour's network until noon"}))]
pub struct PauseBody {
    /// In a sentence.
    #[schema(min_length = 1, max_length = 500)]
    pub reason: String,
}

/// Start a graph again
///
/// With a new placement: the clusters may have changed since it was stopped.
#[utoipa::path(
    post, path = "/v1/projects/{project}/graphs/{name}/start", operation_id = "startGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch"),
           ("If-Match" = Option<String>, Header, description = "The tag that this is based on"),
           ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once"), Doing),
    responses(
        (status = 200, description = "It runs, after a wait; or the plan, of a dry run", body = GraphOrPlan),
        (status = 202, description = "It is wanted", body = Job, headers(("Location" = String))),
        Changes,
    )
)]
async fn start(app: State<App>, held: Held, doing: Params<Doing>, headers: HeaderMap) -> Result<Response, Problem> {
    act(app, held, (doing, headers), JobKind::Start).await
}

/// Stop a graph
///
/// Nothing of it is deployed any more; it is kept, and can be started again.
#[utoipa::path(
    post, path = "/v1/projects/{project}/graphs/{name}/stop", operation_id = "stopGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch"),
           ("If-Match" = Option<String>, Header, description = "The tag that this is based on"),
           ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once"), Doing),
    responses(
        (status = 200, description = "It is stopped, after a wait; or the plan, of a dry run", body = GraphOrPlan),
        (status = 202, description = "It is wanted", body = Job, headers(("Location" = String))),
        Changes,
    )
)]
async fn stop(app: State<App>, held: Held, doing: Params<Doing>, headers: HeaderMap) -> Result<Response, Problem> {
    act(app, held, (doing, headers), JobKind::Stop).await
}

/// Place a graph anew
///
/// Only what comes out differently is changed.
#[utoipa::path(
    post, path = "/v1/projects/{project}/graphs/{name}/re-place", operation_id = "replaceGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch"),
           ("If-Match" = Option<String>, Header, description = "The tag that this is based on"),
           ("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same key, it is done once"), Doing),
    responses(
        (status = 200, description = "It stands as the new plan says, after a wait; or that plan, of a dry run", body = GraphOrPlan),
        (status = 202, description = "It is wanted", body = Job, headers(("Location" = String))),
        Changes,
    )
)]
async fn replace(app: State<App>, held: Held, doing: Params<Doing>, headers: HeaderMap) -> Result<Response, Problem> {
    act(app, held, (doing, headers), JobKind::RePlace).await
}

async fn act(
    State(app): State<App>,
    Held(graph, by): Held,
    (Params(doing), headers): (Params<Doing>, HeaderMap),
    kind: JobKind,
) -> Result<Response, Problem> {
    let wait = doing.wait().time()?;
    let expected = etag::expected(&headers, &graph)?;
    if doing.dry_run {
        return would(&app, &graph, wish(&graph, kind)?).await;
    }
    let job = ask(&app, &graph, (kind, by.name()), expected).await?;
    wait::answer(&app, job, wait).await
}

/// Wants a graph started, stopped or placed anew.
///
/// # Errors
/// 412 where something else was wanted since, 409 where it is being removed, or stands still and cannot be placed.
pub async fn ask(
    app: &App,
    graph: &Graph,
    (kind, actor): (JobKind, &str),
    expected: Option<i64>,
) -> Result<Job, Problem> {
    let change = Change { wanted: wish(graph, kind)?, ..Change::default() };
    let job = wanted(app, graph, &Ask { expected, change, kind, actor: actor.to_owned() }).await?;
    app.acts.wake();
    Ok(job)
}

/// What is wanted of a graph other than before.
fn wish(graph: &Graph, kind: JobKind) -> Result<Option<Wish>, Problem> {
    match kind {
        JobKind::Start => Ok(Some(Wish::Running)),
        JobKind::Stop => Ok(Some(Wish::Stopped)),
        _ if graph.wanted == Wish::Stopped => {
            let detail = format!("the graph `{}` is stopped; start it, which also places it anew", graph.name);
            Err(Problem::conflict("stopped", detail))
        }
        _ => Ok(None),
    }
}

/// What would become of a graph; nothing is stored.
///
/// # Errors
/// What the engine says.
pub async fn would(app: &App, graph: &Graph, wish: Option<Wish>) -> Result<Response, Problem> {
    let plan = match wish {
        Some(Wish::Stopped | Wish::Removed) => taken_down(graph),
        Some(Wish::Running) | None => app.acts.dry_run(&graph.project, &graph.descriptor, &graph.options).await?,
    };
    Ok((Extension(Unchanged), Json(plan)).into_response())
}

/// The plan that nobody has to make: nothing is left anywhere.
fn taken_down(graph: &Graph) -> PlanAnswer {
    let services = &graph.status.services;
    let note = |one: &ServiceStatus| {
        let places: Vec<String> =
            one.clusters.iter().map(|(cluster, replicas)| format!("{cluster} {}", replicas.wanted)).collect();
        format!("{} would be uninstalled: {}", one.name, places.join(", "))
    };
    PlanAnswer {
        policy: "none".to_owned(),
        targets: services.iter().map(|one| (one.name.clone(), BTreeMap::new())).collect(),
        notes: services.iter().filter(|one| !one.clusters.is_empty()).map(note).collect(),
        ..PlanAnswer::default()
    }
}

/// Plan a graph as it stands
///
/// What its policy would decide now, and why; nothing is done.
#[utoipa::path(
    get, path = "/v1/projects/{project}/graphs/{name}/plan", operation_id = "planGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses(
        (status = 200, description = "The plan", body = PlanAnswer),
        (status = 422, description = "Nothing can be planned", body = Problem, content_type = "application/problem+json"),
        Reads,
    )
)]
async fn plan(State(app): State<App>, Seen(graph): Seen) -> Result<Json<PlanAnswer>, Problem> {
    Ok(Json(app.acts.dry_run(&graph.project, &graph.descriptor, &graph.options).await?))
}

/// Compare a graph with another descriptor
///
/// Which services would come, go and change, and the plan now and then; nothing is done.
#[utoipa::path(
    post, path = "/v1/projects/{project}/graphs/{name}/diff", operation_id = "diffGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch")),
    request_body(
        description = "A descriptor or an artifact; also a JSON text that holds the document",
        content((DeployBody = "application/json"), (DeployBody = "application/yaml"))
    ),
    responses((status = 200, description = "What would change", body = serde_json::Value), Changes)
)]
async fn diff(State(app): State<App>, Seen(graph): Seen, sent: Sent) -> Result<Response, Problem> {
    let asked = deploy::read(&app, sent).await?;
    let diff: Value = app.acts.diff(&graph, &asked.document, &asked.options).await?;
    Ok((Extension(Unchanged), Json(diff)).into_response())
}

/// Pause a graph
///
/// Its keeper goes on looking, and writes nothing until it is taken back: the kill switch.
#[utoipa::path(
    put, path = "/v1/projects/{project}/graphs/{name}/pause", operation_id = "pauseGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch")),
    request_body = PauseBody,
    responses((status = 200, description = "It is paused", body = Graph), Changes)
)]
async fn pause(State(app): State<App>, Held(graph, _): Held, sent: Sent) -> Result<Json<Graph>, Problem> {
    let PauseBody { reason } = body::shaped(sent).await?;
    let reason = reason.trim().to_owned();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        return Err(Problem::unprocessable(format!("`reason` has between 1 and {REASON_MAX} letters")));
    }
    // First it is paused, then it is said: whoever is told so can rely on it.
    app.acts.pause(&graph, Some(&reason)).await?;
    let graph = app.store.set_pause(&graph.id, Some(reason)).await?;
    Ok(Json(graph))
}

/// Let a paused graph go on
#[utoipa::path(
    delete, path = "/v1/projects/{project}/graphs/{name}/pause", operation_id = "resumeGraph", tag = "graphs",
    params(("project" = String, Path, description = "Its project", example = "harbour"),
           ("name" = String, Path, description = "Its name", example = "harbour-watch")),
    responses((status = 200, description = "It goes on", body = Graph), Changes)
)]
async fn resume(State(app): State<App>, Held(graph, _): Held) -> Result<Json<Graph>, Problem> {
    app.acts.pause(&graph, None).await?;
    let graph = app.store.set_pause(&graph.id, None).await?;
    app.acts.wake();
    Ok(Json(graph))
}

#[cfg(test)]
mod tests {
    use super::PauseBody;
    use serde_json::json;

    #[test]
    fn a_pause_says_why_and_nothing_else() {
        assert!(serde_json::from_value::<PauseBody>(json!({"reason": "x"})).is_ok());
        assert!(serde_json::from_value::<PauseBody>(json!({"reason": "x", "until": "noon"})).is_err());
        assert!(serde_json::from_value::<PauseBody>(json!({})).is_err());
    }
}
