//! `Idempotency-Key`: a request that is sent again, because its answer was lost, is answered as the first time and not done again.
//!
//! What has worked is remembered by key and caller, with a digest of the request. The same key with another request is a mistake
//! (422), and with one that is still being done, by whichever server, a conflict (409): keys are taken in the store. What did not work has changed nothing, and may be tried again.
//! Answers with a secret that is shown once are not remembered: a lost one is to be revoked.

use super::App;
use super::access::By;
use super::problem::Problem;
use crate::backend::live::digest::sha256;
use crate::serve::store::asked::{Answer, Remembered};
use crate::serve::store::{KEY_TAKEN, TakenKey};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::convert::Infallible;

/// The header.
pub const HEADER: &str = "idempotency-key";
/// Says that an answer was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Letters of a key.
const KEY_MAX: usize = 255;
/// Headers that are remembered with an answer.
const KEPT: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

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
    let request = Request::from_parts(head, Body::from(body));
    let Some(taken) = app.store.take_key(&key, &who).await? else {
        let detail = format!("a request with the key `{key}` is being done; send it again when that is through");
        return Err(Problem::conflict("idempotency-underway", detail));
    };
    let answer = Answer { key, actor: who, request_digest: asked, status: 0, body: String::new() };
    let answered = tokio::select! {
        answered = first_or_again(app, answer, (request, next)) => answered,
        never = keep(app, &taken) => match never {},
    };
    if let Err(error) = app.store.give_key_back(&taken).await {
        tracing::warn!(%error, "an Idempotency-Key was not given back; it is taken for a few seconds more");
    }
    answered
}

/// What was answered before, or else is now. Looked up only once nobody else is at it, or an answer that comes in between would be missed.
async fn first_or_again(
    app: &App,
    answer: Answer,
    (request, next): (Request, Next),
) -> Result<Response<Body>, Problem> {
    if let Some(before) = app.store.recall(&answer.key, &answer.actor).await? {
        return again(&answer.key, &answer.request_digest, &before);
    }
    let response = next.run(request).await;
    // A secret that is shown once is not kept to be shown again.
    let is_secret = response.headers().get(header::CACHE_CONTROL).is_some_and(|value| value == "no-store");
    if response.status().is_success() && !is_secret { remember(app, answer, response).await } else { Ok(response) }
}

/// Says again and again that the key is taken.
async fn keep(app: &App, taken: &TakenKey) -> Infallible {
    loop {
        tokio::time::sleep(KEY_TAKEN / 3).await;
        if let Err(error) = app.store.keep_key(taken).await {
            tracing::warn!(%error, "an Idempotency-Key could not be kept");
        }
    }
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
