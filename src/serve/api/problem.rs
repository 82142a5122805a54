//! What went wrong, as RFC 9457 has it: `application/problem+json`, one constructor a status.
//!
//! A [`Problem`] is answered like anything else; `finish` (in `gate`) puts the id of the request into it, and makes one of every
//! other answer of 400 and above that a library below gave as plain text, so that nobody has to read two kinds of errors.

use crate::serve::engine::{EngineError, Trouble};
use crate::serve::store::StoreError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// The media type.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:smo:problem:graph-exists", "title": "Conflict", "status": 409,
    "detail": "the project `harbour` has a graph `watch` already; change it by PUT, or remove it first",
    "instance": "6f1c-2a",
}))]
pub struct Problem {
    /// Which kind of problem, for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    #[schema(value_type = u16, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What is wrong here, and what would be right.
    pub detail: String,
    /// The id of the request, as the server's log has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Where, if there are places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// After so long it may go better: the header `Retry-After`.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// A place in a document, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// The field, with dots: `hdaGraph.services.crane.artifact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What is wrong, and what would be right.
    pub detail: String,
}

impl Problem {
    /// A problem of that status; `kind` is the last part of its type.
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:smo:problem:{kind}"),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            instance: None,
            errors: Vec::new(),
            retry_after: None,
        }
    }

    /// 400: the request itself cannot be meant.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// 401: who asks is not known.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// 403: who asks may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// 404: there is no such thing, or none that who asks may see.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// 405: the thing is there and takes other methods.
    pub fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
    }

    /// 406: it cannot be answered in a form that was asked for.
    pub fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail)
    }

    /// 409: it does not go with what is there; `kind` says how.
    pub fn conflict(kind: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, detail)
    }

    /// 412: what the change was based on is not what is there any more.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition-failed", detail)
    }

    /// 413: more than is read.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
    }

    /// 415: a body of another kind than is read.
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
    }

    /// 422: it is well written, and cannot be done as it says.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
    }

    /// 424: what it depends on has failed: the job that was waited for, or the registry of an artifact.
    pub fn failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FAILED_DEPENDENCY, "job-failed", detail)
    }

    /// 429: too much at once.
    pub fn too_many_requests(wait: Duration) -> Self {
        let detail = "too many requests; wait as long as `Retry-After` says";
        Self { retry_after: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail) }
    }

    /// 500: ours.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// 503: somebody whom it takes does not answer.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        let wait = Some(Duration::from_secs(5));
        Self { retry_after: wait, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail) }
    }

    /// What a library below answered as plain text.
    pub fn of_plain(status: StatusCode, text: &str) -> Self {
        let text = text.trim();
        let said = |otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
        match status {
            StatusCode::NOT_FOUND => Self::not_found(said("nothing is served here; `/docs` lists what is")),
            StatusCode::METHOD_NOT_ALLOWED => Self::method_not_allowed(said("other methods are served here: `Allow`")),
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(said("the body is longer than is read")),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::unsupported_media_type(said("send `application/json`")),
            StatusCode::UNPROCESSABLE_ENTITY => Self::unprocessable(said("the body does not fit")),
            StatusCode::BAD_REQUEST => Self::bad_request(said("the request cannot be read")),
            _ => Self::new(status, "other", said("the request was refused")),
        }
    }

    /// The same, with places.
    #[must_use]
    pub fn with_errors(self, errors: Vec<Fault>) -> Self {
        Self { errors, ..self }
    }

    /// The same, of that kind.
    #[must_use]
    pub fn of_kind(self, kind: &str) -> Self {
        Self { kind: format!("urn:smo:problem:{kind}"), ..self }
    }

    fn code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.code(), Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if self.code() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for Problem {
    /// What is said of the store's own troubles stays in the log: a client can do nothing about it.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Exists { what } => Self::conflict("exists", format!("{what} is there already")),
            StoreError::Absent { what } => Self::not_found(format!("there is no {what}")),
            StoreError::Conflict { what } => Self::conflict("conflict", what),
            StoreError::Unreachable(reason) => {
                tracing::warn!(%reason, "the store does not answer");
                Self::unavailable("the store does not answer; try again")
            }
            StoreError::Broken(reason) => {
                tracing::error!(%reason, "the store failed");
                Self::internal("the store failed; the log has the reason under this id")
            }
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error.kind {
            Trouble::Invalid => Self::unprocessable(detail),
            Trouble::Refused => Self::bad_request(detail),
            Trouble::Unreachable => Self::unavailable(detail),
            Trouble::NotFound => Self::not_found(detail),
            Trouble::Internal => {
                tracing::error!(%detail, "the engine failed");
                Self::internal(detail)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Problem;
    use crate::serve::engine::{EngineError, Trouble};
    use axum::http::{StatusCode, header};
    use axum::response::IntoResponse;
    use std::time::Duration;

    #[test]
    fn a_problem_is_written_as_the_standard_has_it() {
        let written = serde_json::to_value(Problem::not_found("there is no graph `x`")).unwrap();
        let wanted = serde_json::json!({
            "type": "urn:smo:problem:not-found", "title": "Not Found", "status": 404, "detail": "there is no graph `x`",
        });
        assert_eq!(written, wanted);
    }

    #[test]
    fn who_is_refused_for_a_while_is_told_how_long_in_whole_seconds_and_never_zero() {
        let response = Problem::too_many_requests(Duration::from_millis(120)).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CONTENT_TYPE], super::MEDIA_TYPE);
    }

    #[test]
    fn who_is_unknown_is_told_how_to_be_known() {
        let response = Problem::unauthorized("no token").into_response();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
    }

    #[test]
    fn troubles_of_the_engine_have_each_their_status() {
        for kind in [Trouble::Invalid, Trouble::Refused, Trouble::Unreachable, Trouble::NotFound, Trouble::Internal] {
            assert_eq!(Problem::from(EngineError::new(kind, "x")).status, kind.status(), "{kind:?}");
        }
    }
}
