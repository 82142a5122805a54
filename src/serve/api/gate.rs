//! Through which every request comes in, and every answer goes out.
//!
//! ```text
//!  request ─► identify ─► admit ─► refuse_unknown ─► record ─► in_time ─► once ─► route
//!  answer  ◄─ identify ◄────────────────────────────── record ◄──────────────────┘
//! ```
//!
//! `identify` gives the request its id, counts, logs and traces it, and makes a [`Problem`] of every error, with that id; `admit` says who asks and
//! how often, and refuses pages of other sites (`browser`); `record` writes down who changed what; `in_time` ends what takes too long.

use super::access::By;
use super::problem::{MEDIA_TYPE, Problem};
use super::{App, browser, compat, wait};
use crate::backend::live::clock;
use crate::backend::live::digest::sha256;
use crate::serve::at::At;
use crate::serve::auth::{AuthError, Caller};
use crate::serve::store::rows::{AuditRow, Role};
use crate::serve::traces;
use axum::body::to_bytes;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::{FutureExt as _, StreamExt as _};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinError;
use tracing::{Instrument as _, Span};

/// The header of a request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long a request may take, besides what it asks to wait.
const TIME_MAX: Duration = Duration::from_mins(1);
/// How long a change of the original's routes may take, which answer when it is done.
const SYNCHRONOUS_MAX: Duration = Duration::from_mins(16);
/// How long is read what is not taken.
const LINGER: Duration = Duration::from_secs(2);
/// Letters of an id that somebody else gave.
const ID_MAX: usize = 64;
/// Bytes of a plain text that is made a problem.
const PLAIN_MAX: usize = 4_096;
/// What answers without asking who asks.
const OPEN: &[&str] = &["/healthz", "/readyz", "/openapi.json", "/docs", "/docs/", "/docs/{*rest}"];

/// The id of a request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Said of an answer: nothing was changed, though the method is one that changes.
#[derive(Debug, Clone, Copy)]
pub struct Unchanged;

/// Said of an answer: its body is as it is meant to be, though it is an error.
#[derive(Debug, Clone, Copy)]
pub struct Plain;

/// What everything that is done for a request is logged and traced as part of.
#[derive(Debug, Clone)]
struct Spans {
    log: Span,
    trace: Span,
}

/// Gives the request an id; counts, logs and traces it; makes a problem of every error.
pub async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let began = clock::now();
    let _counted = app.metrics.begin();
    let id = id_of(request.headers()).unwrap_or_else(|| app.ids.next());
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let route = route_of(&request).unwrap_or_else(|| "unmatched".to_owned());
    // Whatever is logged on the way has the id, and that of the trace.
    let traced = traces::request(&request, &route, &id);
    let trace = traces::id(&traced);
    let span = tracing::info_span!("request", id = %id, trace_id = trace);
    request.extensions_mut().insert(Spans { log: span.clone(), trace: traced.clone() });
    let answering = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(traced.clone());
    let answered = answering.instrument(span).await;
    let answered = answered.unwrap_or_else(|_| {
        tracing::error!(request = %id, %method, %path, "a handler panicked");
        Problem::internal("the request met a mistake of ours; the log has it under this id").into_response()
    });
    let mut response = finished(answered, &id, &path).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    app.metrics.answered((method.as_str(), &route), status, took);
    traces::answered(&traced, status);
    log((&id, &method, &path), trace.as_deref(), status, took);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Logs a request: what was only read, and was there, is of interest to nobody but whoever looks for a mistake.
fn log((id, method, path): (&str, &Method, &str), trace_id: Option<&str>, status: u16, took: Duration) {
    let took_ms = took.as_secs_f64() * 1e3;
    if status < 400 && (*method == Method::GET || *method == Method::HEAD) {
        tracing::debug!(request = id, trace_id, %method, path, status, took_ms, "answered");
    } else {
        tracing::info!(request = id, trace_id, %method, path, status, took_ms, "answered");
    }
}

/// Finds out who asks, and whether that is too often.
pub async fn admit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let route = route_of(&request).unwrap_or_default();
    if let Err(problem) = browser::refuse(&app, &request, &route) {
        return problem.into_response();
    }
    if OPEN.contains(&route.as_str()) {
        return next.run(request).await;
    }
    let address = address_of(&request);
    let of_alerts = route == "/alerts" || route == "/v1/alerts";
    match caller(&app, request.headers(), of_alerts).await {
        Ok(caller) => {
            // Whoever is not told apart by a token is told apart by the address.
            let who = if app.auth.is_required() { &caller.name } else { &address };
            if let Err(problem) = count(&app, who) {
                return problem.into_response();
            }
            request.extensions_mut().insert(By(caller));
            next.run(request).await
        }
        // Guessing is counted by address: a 429 instead of the 401 once it is too often.
        Err(problem) => count(&app, &address).err().unwrap_or(problem).into_response(),
    }
}

/// Writes down who changed what.
///
/// What has begun is gone through with and written down, also where whoever asked has gone meanwhile: a change by somebody who hangs up is
/// neither half done nor unknown, and one that came with a key is remembered for it.
pub async fn record(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some((row, Spans { log, trace })) = row_of(&request) else { return next.run(request).await };
    let through = async move {
        let response = next.run(request).await;
        if response.extensions().get::<Unchanged>().is_none() {
            let row = AuditRow { at: At::now(), status: response.status().as_u16(), ..row };
            if let Err(error) = app.store.audit(&row).await {
                tracing::error!(%error, ?row, "a change was not written into the audit log");
            }
        }
        response
    };
    match tokio::spawn(through.instrument(trace).instrument(log)).await.map_err(JoinError::try_into_panic) {
        Ok(response) => response,
        Err(Ok(panic)) => resume_unwind(panic),
        Err(Err(_)) => Problem::unavailable("the server ends; try again").into_response(),
    }
}

/// What is written down of a request that changes something, before it is known how it ends.
fn row_of(request: &Request) -> Option<(AuditRow, Spans)> {
    let actor = request.extensions().get::<By>()?.in_full();
    let RequestId(request_id) = request.extensions().get::<RequestId>()?.clone();
    let spans = request.extensions().get::<Spans>()?.clone();
    route_of(request).filter(|route| changes(request.method(), route))?;
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    Some((AuditRow { seq: 0, at: At::now(), actor, method, path, status: 0, request_id }, spans))
}

/// Ends what takes too long.
pub async fn in_time(request: Request, next: Next) -> Response {
    let limit = time_of(&request);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable(format!("it was not done in {} s; try again", limit.as_secs())).into_response(),
    }
}

/// Refuses a body that says itself that it is too long, once it is there: whoever still sends sees a connection that breaks, and no answer.
pub async fn refuse_large(State(app): State<App>, request: Request, next: Next) -> Response {
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|text| text.to_str().ok()?.parse::<usize>().ok());
    if length.is_none_or(|length| length <= app.settings.body_bytes) {
        return next.run(request).await;
    }
    let mut rest = request.into_body().into_data_stream();
    let over = async { while let Some(Ok(_)) = rest.next().await {} };
    // Whoever sends for longer may see what he sees.
    drop(tokio::time::timeout(LINGER, over).await);
    Problem::too_large(format!("the body has over {} bytes", app.settings.body_bytes)).into_response()
}

/// Ids of requests: different in every process, and in it.
#[derive(Debug)]
pub struct Ids {
    start: String,
    next: AtomicU64,
}

impl Default for Ids {
    fn default() -> Self {
        let since = clock::since_epoch().as_nanos();
        let seed = format!("{since} {}", std::process::id());
        Self { start: sha256(seed.as_bytes())["sha256:".len()..][..8].to_owned(), next: AtomicU64::new(1) }
    }
}

impl Ids {
    fn next(&self) -> String {
        format!("{}-{:x}", self.start, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// The id that somebody else gave, where it can stand in a log.
fn id_of(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_' | b'.' | b':');
    ((1..=ID_MAX).contains(&text.len()) && text.bytes().all(plain)).then(|| text.to_owned())
}

fn route_of(request: &Request) -> Option<String> {
    request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned())
}

fn address_of(request: &Request) -> String {
    let info = request.extensions().get::<ConnectInfo<SocketAddr>>();
    info.map_or_else(|| "unknown".to_owned(), |ConnectInfo(address)| address.ip().to_string())
}

fn count(app: &App, who: &str) -> Result<(), Problem> {
    app.limits.as_ref().map_or(Ok(()), |limits| limits.count(who))
}

/// Who asks: whoever the token says, or Alertmanager by the token of its own.
async fn caller(app: &App, headers: &HeaderMap, of_alerts: bool) -> Result<Caller, Problem> {
    if of_alerts && app.auth.is_alertmanager(headers) {
        return Ok(Caller { name: "alertmanager".to_owned(), role: Role::Operator, project: None });
    }
    app.auth.check(headers).await.map_err(Problem::from)
}

/// Whether a request of that method and route changes something. What answers GET answers HEAD, and does the same.
fn changes(method: &Method, route: &str) -> bool {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(method);
    !reads || (*method != Method::OPTIONS && compat::changes_by_get(route))
}

fn time_of(request: &Request) -> Duration {
    let route = route_of(request).unwrap_or_default();
    if !route.starts_with("/v1/") {
        return if changes(request.method(), &route) { SYNCHRONOUS_MAX } else { TIME_MAX };
    }
    let query = request.uri().query().unwrap_or_default();
    let waits = query.split('&').any(|pair| pair.starts_with("wait="));
    if waits { TIME_MAX + wait::WAIT_MAX } else { TIME_MAX }
}

/// An answer with the id of its request in it, if it is a problem; every error is one, but for those that are [`Plain`].
async fn finished(response: Response, id: &str, path: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let problem = match head.extensions.remove::<Problem>() {
        Some(problem) => problem,
        None if head.extensions.get::<Plain>().is_some() => return Response::from_parts(head, body),
        None => {
            let text = to_bytes(body, PLAIN_MAX).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let nowhere = status == StatusCode::NOT_FOUND && text.is_empty();
            let text = if nowhere {
                format!("nothing is served at `{path}`; `/docs` lists what is")
            } else {
                text.into_owned()
            };
            Problem::of_plain(status, &text)
        }
    };
    let problem = Problem { instance: Some(id.to_owned()), ..problem };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    Response::from_parts(head, body.into())
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Unavailable(reason) => {
                tracing::warn!(%reason, "a token could not be checked");
                Self::unavailable("the token cannot be checked now; try again")
            }
            AuthError::Missing | AuthError::Wrong(_) | AuthError::Expired => Self::unauthorized(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ids, changes, id_of};
    use axum::http::{HeaderMap, HeaderValue, Method};

    #[test]
    fn an_id_is_taken_over_where_it_can_stand_in_a_log() {
        let of = |text: &str| id_of(&HeaderMap::from_iter([(super::REQUEST_ID, HeaderValue::from_str(text).unwrap())]));
        assert_eq!(of("7f3a-01:b.c_d").as_deref(), Some("7f3a-01:b.c_d"));
        assert_eq!(of("a b"), None);
        assert_eq!(of(&"a".repeat(65)), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn no_two_requests_have_the_same_id() {
        let ids = Ids::default();
        assert_ne!(ids.next(), ids.next());
    }

    #[test]
    fn the_originals_changes_by_get_are_changes() {
        assert!(changes(&Method::GET, "/graphs/{name}/stop") && changes(&Method::HEAD, "/graphs/{name}/stop"));
        assert!(!changes(&Method::HEAD, "/graphs/{name}") && !changes(&Method::OPTIONS, "/graphs/{name}/stop"));
        assert!(changes(&Method::POST, "/v1/tokens"));
        assert!(!changes(&Method::GET, "/graphs/{name}"));
        assert!(!changes(&Method::GET, "/v1/projects/{project}/graphs/{name}/plan"));
    }
}
