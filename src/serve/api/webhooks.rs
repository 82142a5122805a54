//! Where events are sent: webhooks, made and taken away.
//!
//! Where an address may lead is for the server's owner to say ([`Hosts`]): otherwise whoever may make a webhook could have this server
//! ask things of machines that it can reach and they cannot. Where it leads when it is used is checked again by whoever sends.

use super::access::{By, no_project};
use super::body::Sent;
use super::openapi::{Changes, Reads};
use super::page::Page;
use super::problem::Problem;
use super::{App, body, names};
use crate::serve::config::hosts::Hosts;
use crate::serve::store::asked::NewWebhook;
use crate::serve::store::rows::{Role, Webhook};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Letters of an address.
const URL_MAX: usize = 2_048;
/// Letters of a secret.
const SECRET: std::ops::RangeInclusive<usize> = 16..=256;
/// Kinds of a webhook, and letters of one.
const KINDS_MAX: usize = 50;
const KIND_MAX: usize = 100;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(delete))
}

/// A new webhook.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://hooks.example.com/smo", "kinds": ["graph", "cluster.lost"], "project": "harbour"}))]
pub struct WebhookBody {
    /// Where to: `http(s)://HOST/...`.
    #[schema(max_length = 2048)]
    pub url: String,
    /// Which kinds: a kind, or a part of it before a dot; all where nothing is said.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Of which project; of all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Signs what is sent; one is made where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 16, max_length = 256)]
    pub secret: Option<String>,
}

/// A webhook that was just made, with its secret, which is shown now and never again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MadeWebhook {
    /// Everything but its secret.
    pub webhook: Webhook,
    /// Signs what is sent, by HMAC with SHA-256.
    pub secret: String,
}

/// List webhooks
#[utoipa::path(
    get, path = "/v1/webhooks", operation_id = "listWebhooks", tag = "webhooks",
    responses((status = 200, description = "All that you may delete", body = Page<Webhook>), Reads)
)]
async fn list(State(app): State<App>, by: By) -> Result<Json<Page<Webhook>>, Problem> {
    by.need(Role::Admin)?;
    let mut all = app.store.webhooks().await?;
    all.retain(|webhook| is_of(&by, webhook));
    Ok(Json(Page::whole(all)))
}

/// Make a webhook
///
/// Events are sent to it from now on, signed with its secret, which is in the answer and nowhere else, ever. Each comes at least once: its
/// number (`seq`, and the header `X-Smo-Event-Id`) says whether it was seen before.
#[utoipa::path(
    post, path = "/v1/webhooks", operation_id = "createWebhook", tag = "webhooks",
    request_body = WebhookBody,
    responses((status = 201, description = "It is made", body = MadeWebhook), Changes)
)]
async fn create(State(app): State<App>, by: By, sent: Sent) -> Result<Response, Problem> {
    by.need(Role::Admin)?;
    let WebhookBody { url, kinds, project, secret } = body::shaped(sent).await?;
    match &project {
        Some(project) if !by.sees(project) => return Err(no_project(project)),
        Some(project) => names::project(project)?,
        None => by.need_everywhere(Role::Admin)?,
    }
    check_url(&url, &app.settings.webhook_hosts).await?;
    check_kinds(&kinds)?;
    if secret.as_ref().is_some_and(|secret| !SECRET.contains(&secret.len())) {
        let detail = format!(
            "`secret` has between {} and {} letters; leave it out to have one made",
            SECRET.start(),
            SECRET.end()
        );
        return Err(Problem::unprocessable(detail));
    }
    let webhook = app.store.add_webhook(&NewWebhook { url, kinds, project, secret }).await?;
    let secret = webhook.secret.clone();
    let mut response = (StatusCode::CREATED, Json(MadeWebhook { webhook, secret })).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Delete a webhook
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", operation_id = "deleteWebhook", tag = "webhooks",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is gone"), Changes)
)]
async fn delete(State(app): State<App>, by: By, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    by.need(Role::Admin)?;
    let none = || Problem::not_found(format!("there is no webhook `{id}`; `GET /v1/webhooks` lists all"));
    let all = app.store.webhooks().await?;
    all.iter().find(|webhook| webhook.id == id && is_of(&by, webhook)).ok_or_else(none)?;
    if app.store.delete_webhook(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(none()) }
}

/// Whether a webhook is the caller's to delete.
fn is_of(by: &By, webhook: &Webhook) -> bool {
    by.project().is_none() || by.project() == webhook.project.as_deref()
}

fn check_kinds(kinds: &[String]) -> Result<(), Problem> {
    let plain =
        |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, b'.' | b'_' | b'-');
    let fits = |kind: &String| (1..=KIND_MAX).contains(&kind.len()) && kind.bytes().all(plain);
    match kinds.iter().find(|kind| !fits(kind)) {
        Some(kind) => {
            Err(Problem::unprocessable(format!("`{kind}` is no kind; write it like `graph` or `graph.deployed`")))
        }
        None if kinds.len() > KINDS_MAX => {
            Err(Problem::unprocessable(format!("`kinds` has at most {KINDS_MAX} of them")))
        }
        None => Ok(()),
    }
}

/// Whether events may be sent to an address.
async fn check_url(url: &str, hosts: &Hosts) -> Result<(), Problem> {
    let (host, port) = host_of(url)?;
    let admitted = hosts.admit(&host, port).await;
    admitted.map(drop).map_err(|error| Problem::unprocessable(format!("`url`: {error}")).of_kind("host-not-allowed"))
}

/// The host and port of an address of the web.
fn host_of(url: &str) -> Result<(String, u16), Problem> {
    let wrong = |what: &str| Problem::unprocessable(format!("`url` {what}; write it like `https://HOST/PATH`"));
    let uri = url.parse::<Uri>().map_err(|_| wrong("is no address"))?;
    let usual = match uri.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return Err(wrong("is no address of the web")),
    };
    let authority =
        uri.authority().filter(|_| url.len() <= URL_MAX).ok_or_else(|| wrong("is no address of the web"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("has a user name in it, which would stand in the log"));
    }
    Ok((authority.host().to_ascii_lowercase(), authority.port_u16().unwrap_or(usual)))
}

#[cfg(test)]
mod tests {
    use super::{check_kinds, host_of};

    #[test]
    fn the_host_of_an_address_is_found_with_its_port() {
        assert_eq!(host_of("https://Hooks.example.com/smo").unwrap(), ("hooks.example.com".to_owned(), 443));
        assert_eq!(host_of("http://[::1]:8080/").unwrap(), ("[::1]".to_owned(), 8080));
    }

    #[test]
    fn what_is_no_address_of_the_web_is_refused() {
        for url in
            ["", "hooks.example.com", "ftp://example.com/", "file:///etc/passwd", "https://u:p@example.com/", "/x"]
        {
            assert_eq!(host_of(url).unwrap_err().status, 422, "{url}");
        }
    }

    #[test]
    fn kinds_are_words_with_dots() {
        assert!(check_kinds(&["graph".to_owned(), "cluster.lost".to_owned()]).is_ok());
        assert!(check_kinds(&["Graph".to_owned()]).is_err() && check_kinds(&[String::new()]).is_err());
        assert!(check_kinds(&vec!["a".to_owned(); 51]).is_err());
    }
}
