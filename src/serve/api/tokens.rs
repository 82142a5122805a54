//! Tokens: who may ask at all. A token is shown once, when it is made; the store keeps only its digest.
//!
//! An admin of one project sees, makes and revokes tokens of that project, and no others.

use super::access::{By, no_project};
use super::body::Sent;
use super::openapi::{Changes, Reads};
use super::page::Page;
use super::problem::Problem;
use super::{App, body, names};
use crate::serve::at::At;
use crate::serve::store::asked::NewToken;
use crate::serve::store::rows::{Role, Token};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(list, create)).routes(routes!(revoke))
}

/// A new token.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "port-operator", "role": "operator", "project": "harbour"}))]
pub struct TokenBody {
    /// Whose it is.
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    /// What it allows.
    pub role: Role,
    /// In which project; in all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// When it ends; never where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<At>,
}

/// A token that was just made, with its secret, which is shown now and never again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct MadeToken {
    /// Everything but itself.
    pub token: Token,
    /// What is sent: `Authorization: Bearer smo_...`.
    pub secret: String,
}

/// List tokens
#[utoipa::path(
    get, path = "/v1/tokens", operation_id = "listTokens", tag = "access",
    responses((status = 200, description = "All that you may revoke", body = Page<Token>), Reads)
)]
async fn list(State(app): State<App>, by: By) -> Result<Json<Page<Token>>, Problem> {
    by.need(Role::Admin)?;
    let mut all = app.store.tokens().await?;
    all.retain(|token| is_of(&by, token));
    Ok(Json(Page::whole(all)))
}

/// Make a token
///
/// Its secret is in the answer, and nowhere else, ever.
#[utoipa::path(
    post, path = "/v1/tokens", operation_id = "createToken", tag = "access",
    request_body = TokenBody,
    responses((status = 201, description = "It is made", body = MadeToken), Changes)
)]
async fn create(State(app): State<App>, by: By, sent: Sent) -> Result<Response, Problem> {
    by.need(Role::Admin)?;
    let TokenBody { name, role, project, expires_at } = body::shaped(sent).await?;
    names::label(&name)?;
    match &project {
        Some(project) if !by.sees(project) => return Err(no_project(project)),
        Some(project) => names::project(project)?,
        None => by.need_everywhere(Role::Admin)?,
    }
    if expires_at.is_some_and(|end| end <= At::now()) {
        return Err(Problem::unprocessable("`expires_at` is over already; name an instant that is to come"));
    }
    let (token, secret) = app.store.add_token(&NewToken { name, role, project, expires_at }).await?;
    let mut response = (StatusCode::CREATED, Json(MadeToken { token, secret })).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Revoke a token
///
/// Whoever bears it is unknown from then on.
#[utoipa::path(
    delete, path = "/v1/tokens/{id}", operation_id = "revokeToken", tag = "access",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204, description = "It is revoked"), Changes)
)]
async fn revoke(State(app): State<App>, by: By, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    by.need(Role::Admin)?;
    let none = || Problem::not_found(format!("there is no token `{id}`; `GET /v1/tokens` lists all"));
    let all = app.store.tokens().await?;
    all.iter().find(|token| token.id == id && is_of(&by, token)).ok_or_else(none)?;
    if app.store.revoke_token(&id).await? { Ok(StatusCode::NO_CONTENT) } else { Err(none()) }
}

/// Whether a token is the caller's to revoke.
fn is_of(by: &By, token: &Token) -> bool {
    by.project().is_none() || by.project() == token.project.as_deref()
}
