//! The original's routes, for its clients: upstream, the monorepo, and the early fork.
//!
//! Upstream and the monorepo share paths. Who is asked is told by the method and the body: changes by GET, and deploys by an artifact or by a
//! JSON text, are upstream's, which answers in plain text when the work is done; changes by POST, and deploys by a JSON object or YAML, are the
//! monorepo's. Where both ask the same, the answer has the fields of both.
//!
//! Errors are plain text for upstream and the fork (the original has pages of HTML there), and problems for the monorepo and whoever accepts
//! JSON by name. Everything goes through the same wishes, jobs and checks as `/v1`; there is no second way to do anything.

mod fork;
mod monorepo;
mod nfvcl;
mod shown;
mod upstream;

use super::App;
use super::access::{By, being_removed, graph_named};
use super::actions::ask;
use super::gate::Plain;
use super::graph::removal;
use super::problem::Problem;
use super::wait::{Settled, ended, settled};
use crate::serve::store::rows::{Graph, Job, JobKind, Role, Wish};
use axum::Extension;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;

/// How long an answer waits for its work.
const WAIT: Duration = Duration::from_mins(15);
/// Routes of the original that change something by GET.
const CHANGES_BY_GET: &[&str] = &[
    "/graphs/{name}/placement",
    "/graphs/{name}/start",
    "/graphs/{name}/stop",
    "/graph/{name}/placement",
    "/graph/{name}/start",
    "/graph/{name}/stop",
    "/vims/sync/nfvcl_vims",
];

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<App> {
    upstream::routes().merge(monorepo::routes()).merge(fork::routes()).merge(nfvcl::routes())
}

/// Whether a route changes something by GET.
pub fn changes_by_get(route: &str) -> bool {
    CHANGES_BY_GET.contains(&route)
}

/// What is answered to a client of upstream or the fork: errors as a line of text, unless it accepts JSON by name.
fn in_text(answer: Result<Response, Problem>, headers: &HeaderMap) -> Response {
    let problem = match answer {
        Ok(response) => return response,
        Err(problem) => problem,
    };
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("json") {
        return problem.into_response();
    }
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Extension(Plain), line(&problem.detail)).into_response()
}

/// A line of plain text.
fn line(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{text}\n")).into_response()
}

/// The graph of that name, over all projects that are seen: names are the whole server's in the original.
async fn named(app: &App, by: &By, name: &str) -> Result<Graph, Problem> {
    match graph_named(app, by, name).await {
        Err(problem) if problem.status == 404 => {
            Err(Problem::not_found(format!("Graph with name {name} not found")).of_kind("graph-not-found"))
        }
        other => other,
    }
}

/// Starts or stops a graph, or places it anew, and waits for it. What it is already is refused, as by the original.
async fn act(app: &App, by: &By, name: &str, kind: JobKind) -> Result<(), Problem> {
    by.need(Role::Operator)?;
    let graph = named(app, by, name).await?;
    let refused = |what: &str| Problem::bad_request(format!("Graph {name} is already {what}")).of_kind("already-so");
    match (kind, graph.wanted) {
        (_, Wish::Removed) => return Err(being_removed(&graph)),
        (JobKind::Start, Wish::Running) => return Err(refused("running")),
        (JobKind::Stop, Wish::Stopped) => return Err(refused("stopped")),
        (JobKind::RePlace, Wish::Stopped) => {
            return Err(Problem::bad_request(format!("Graph {name} is stopped; start it, which also places it anew")));
        }
        _ => {}
    }
    let job = ask(app, &graph, (kind, by.name()), None).await?;
    done(app, &job).await
}

/// Removes a graph, and waits until it is gone.
async fn remove(app: &App, by: &By, name: &str) -> Result<(), Problem> {
    by.need(Role::Operator)?;
    let graph = named(app, by, name).await?;
    let job = removal(app, by, &graph, None).await?;
    done(app, &job).await
}

/// Waits until a job has gone well.
async fn done(app: &App, job: &Job) -> Result<(), Problem> {
    match settled(ended(app, &job.id, WAIT).await?)? {
        Settled::Done(_) => Ok(()),
        Settled::Open(job) => {
            let detail =
                format!("it is not through after {} min, and goes on; ask /v1/jobs/{}", WAIT.as_secs() / 60, job.id);
            Err(Problem::unavailable(detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{changes_by_get, in_text};
    use crate::serve::api::problem::{MEDIA_TYPE, Problem};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn errors_are_text_unless_json_is_accepted_by_name() {
        let answer = |accept: &'static str| {
            let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]);
            let response = in_text(Err(Problem::not_found("Graph with name x not found")), &headers);
            (response.status().as_u16(), response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned())
        };
        assert_eq!(answer("*/*"), (404, "text/plain; charset=utf-8".to_owned()));
        assert_eq!(answer("application/json"), (404, MEDIA_TYPE.to_owned()));
    }

    #[test]
    fn changes_by_get_are_known() {
        assert!(changes_by_get("/graph/{name}/stop") && !changes_by_get("/graph/{name}"));
    }
}
