//! `Idempotency-Key`: a request that is sent again, because its answer was lost, is answered as the first time and not done again.
//!
//! What has worked is remembered by key and caller, with a digest of the request. The same key with another request is a mistake
//! (422), and with one that is still being done a conflict (409). What did not work has changed nothing, and may be tried again.
//! Answers with a secret that is shown once are not remembered: a lost one is to be revoked.

use super::App;
use super::access::By;
use super::problem::Problem;
use crate::backend::live::digest::sha256;
use crate::serve::store::asked::{Answer, Remembered};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The header.
pub const HEADER: &str = "idempotency-key";
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Letters of a key.
const KEY_MAX: usize = 255;
/// Headers that are remembered with an answer.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// What is being done at this moment: caller and key.
#[derive(Debug, Clone, Default)]
pub struct Underway(Arc<Mutex<BTreeSet<(String, String)>>>);

impl Underway {
    /// Begins, unless it has begun.
    fn begin(&self, who: &str, key: &str) -> Option<Begun> {
        let entry = (who.to_owned(), key.to_owned());
        let is_new = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.clone());
        is_new.then(|| Begun { all: self.clone(), entry })
    }
}

/// Something that is being done, until this is dropped.
struct Begun {
    all: Underway,
    entry: (String, String),
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.entry);
    }
}

/// An answer, as it is remembered.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    headers: BTreeMap<String, String>,
    body: String,
}

/// Answers what was answered before, and remembers what is answered now.
pub async fn once(State(app): State<App>, path: Option<MatchedPath>, request: Request, next: Next) -> Response<Body> {
    let changes = [Method::POST, Method::PUT, Method::DELETE, Method::PATCH].contains(request.method());
    let is_served = path.is_some_and(|path| app.known.has(path.as_str(), request.method()));
    if !changes || !is_served || !request.headers().contains_key(HEADER) {
        return next.run(request).await;
    }
    answered(&app, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answered(app: &App, request: Request, next: Next) -> Result<Response<Body>, Problem> {
    let who = request.extensions().get::<By>().map_or_else(|| "anonymous".to_owned(), who);
    let key = key(request.headers())?;
    let (head, body) = request.into_parts();
    let body = to_bytes(body, app.settings.body_bytes).await;
    let body = body.map_err(|_| Problem::too_large(format!("the body is over {} bytes", app.settings.body_bytes)))?;
    let asked = digest(&head, &body);
    let underway = || {
        let detail = format!("a request with the key `{key}` is being done; send it again when that is through");
        Problem::conflict("idempotency-underway", detail)
    };
    // Looked up only once nobody else is at it, or an answer that comes in between would be missed.
    let begun = app.underway.begin(&who, &key).ok_or_else(underway)?;
    if let Some(before) = app.store.recall(&key, &who).await? {
        return again(&key, &asked, &before);
    }
    let response = next.run(Request::from_parts(head, Body::from(body))).await;
    // A secret that is shown once is not kept to be shown again.
    let is_secret = response.headers().get(header::CACHE_CONTROL).is_some_and(|value| value == "no-store");
    let response = if response.status().is_success() && !is_secret {
        remember(app, Answer { key, actor: who, request_digest: asked, status: 0, body: String::new() }, response)
            .await?
    } else {
        response
    };
    drop(begun);
    Ok(response)
}

/// Who asks, with all that they may: a name is not one caller's alone, and what was answered to somebody of another project or role is not for
/// whoever is called the same.
fn who(By(caller): &By) -> String {
    serde_json::to_string(caller).unwrap_or_else(|_| caller.name.clone())
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let text = headers.get(HEADER).and_then(|value| value.to_str().ok()).map(str::trim).unwrap_or_default();
    if (1..=KEY_MAX).contains(&text.len()) && text.bytes().all(|letter| letter.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err(Problem::bad_request(format!(
        "`Idempotency-Key` has between 1 and {KEY_MAX} visible letters of ASCII, like a UUID"
    )))
}

/// Says whether two requests are the same.
fn digest(head: &axum::http::request::Parts, body: &[u8]) -> String {
    let of = |name: HeaderName| head.headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    let parts: [&[u8]; 5] = [
        head.method.as_str().as_bytes(),
        head.uri.path().as_bytes(),
        head.uri.query().unwrap_or_default().as_bytes(),
        of(header::CONTENT_TYPE),
        body,
    ];
    // The length before each part: no two different requests read alike.
    let whole: Vec<u8> = parts.iter().flat_map(|part| [&part.len().to_be_bytes(), *part].concat()).collect();
    sha256(&whole)
}

async fn remember(app: &App, answer: Answer, response: Response<Body>) -> Result<Response<Body>, Problem> {
    let (head, body) = response.into_parts();
    // However long it is: the change is made, and an answer that shows a graph is as long as what was deployed.
    let body = to_bytes(body, usize::MAX).await.map_err(|error| Problem::internal(error.to_string()))?;
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    let headers = KEPT.iter().filter_map(|name| Some((name.to_string(), text(head.headers.get(name)?)?))).collect();
    let kept = Kept { headers, body: String::from_utf8_lossy(&body).into_owned() };
    let kept = serde_json::to_string(&kept).map_err(|error| Problem::internal(error.to_string()))?;
    let answer = Answer { status: head.status.as_u16(), body: kept, ..answer };
    // The change is made: an answer that could not be remembered is still its answer.
    if let Err(error) = app.store.remember(&answer).await {
        tracing::warn!(%error, "an answer was not remembered for its Idempotency-Key");
    }
    Ok(Response::from_parts(head, Body::from(body)))
}

fn again(key: &str, asked: &str, before: &Remembered) -> Result<Response<Body>, Problem> {
    if before.request_digest != asked {
        let detail = format!("the key `{key}` came with another request before; take a new key for a new request");
        return Err(Problem::unprocessable(detail).of_kind("idempotency-key-reused"));
    }
    let kept: Kept = serde_json::from_str(&before.body).map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = Response::new(Body::from(Bytes::from(kept.body)));
    *response.status_mut() = StatusCode::from_u16(before.status).unwrap_or(StatusCode::OK);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::Underway;

    #[test]
    fn a_key_is_taken_until_its_request_is_through_and_by_its_caller_alone() {
        let all = Underway::default();
        let begun = all.begin("a", "k");
        assert!(begun.is_some() && all.begin("a", "k").is_none() && all.begin("b", "k").is_some());
        drop(begun);
        assert!(all.begin("a", "k").is_some());
    }
}
