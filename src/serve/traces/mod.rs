//! What the service does, as traces: a span for each request, job, plan and dry run, and below them for what is asked of other systems.
//!
//! In reading order: this file (what is a span of ours, in every build), [`traced`](crate::backend::live::traced) (what is done to others),
//! `otel` (how spans leave this process, with the feature `otel`) or `none` (that they do not, without it). Probes and scrapes are no spans:
//! they come every few seconds and say nothing.

#[cfg_attr(feature = "otel", path = "otel.rs")]
#[cfg_attr(not(feature = "otel"), path = "none.rs")]
mod export;

pub use crate::backend::live::traced::failed;
pub use export::{Exporting, asked, id};

use super::store::rows::Job;
use crate::backend::live::traced::TARGET;
use axum::extract::Request;
use tracing::field::Empty;
use tracing::{Span, info_span};

/// Whether this build can send traces anywhere.
pub const IS_BUILT: bool = cfg!(feature = "otel");
/// Routes whose requests are nobody's concern.
const UNTRACED: &[&str] = &["/healthz", "/readyz", "/metrics"];

/// A request, as part of the caller's trace where it has one.
pub fn request(request: &Request, route: &str, id: &str) -> Span {
    if UNTRACED.contains(&route) {
        return Span::none();
    }
    let method = request.method();
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        otel.status_description = Empty,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
        url.path = request.uri().path(),
        smo.request_id = id,
        smo.job = Empty,
    );
    export::go_on(&span, request.headers());
    span
}

/// What a request was answered with. Only our own mistakes are errors of ours.
pub fn answered(span: &Span, status: u16) {
    span.record("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
}

/// One go at a job, as part of the trace of whoever asked for it.
pub fn job(job: Option<&Job>) -> Span {
    let Some(job) = job else { return Span::none() };
    let kind = serde_json::to_value(job.kind).unwrap_or_default();
    let span = info_span!(
        target: TARGET,
        "job",
        otel.name = format!("job {}", kind.as_str().unwrap_or_default()),
        otel.status_code = Empty,
        otel.status_description = Empty,
        smo.job = job.id,
        smo.project = job.project,
        smo.graph = job.graph,
        smo.generation = job.generation,
    );
    export::go_on_with(&span, &job.id);
    span
}

/// Where everything would go, without doing it.
pub fn dry_run(project: &str) -> Span {
    info_span!(
        target: TARGET,
        "dry run",
        otel.status_code = Empty,
        otel.status_description = Empty,
        smo.project = project
    )
}

/// One decision of a policy.
pub fn plan(policy: &str, services: usize, clusters: usize) -> Span {
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    info_span!(
        target: TARGET,
        "plan",
        smo.policy = policy,
        smo.services = number(services),
        smo.clusters = number(clusters),
        smo.refusals = Empty,
    )
}
