//! Who is asking, and what they may do.
//!
//! A caller shows a bearer token: one of the store's (known by its digest, so that a stolen database has none), or one of an OpenID
//! provider, whose signature, issuer, audience and times are checked. The store is asked at each request: a token that is revoked
//! here is revoked on every server at once. Where nobody has to say who they are, everybody is the `anonymous` admin.
//!
//! Identification and rights only: how many requests somebody may make is the interface's matter.

mod bootstrap;
mod caller;
mod keys;
mod oidc;
#[cfg(test)]
mod tests;

pub use bootstrap::Bootstrap;
pub use caller::Caller;

use super::config::AuthConfig;
use super::store::{Store, StoreError};
use crate::serve::at::At;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use oidc::Provider;
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::Arc;

/// The longest token that is looked at: those of OpenID providers have a few thousand letters.
const TOKEN_LETTERS_MAX: usize = 16_384;

/// Why somebody is not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// They did not say who they are.
    #[error("no token was shown; send `Authorization: Bearer TOKEN`")]
    Missing,
    /// What they showed is none of ours.
    #[error("the token is not accepted: {0}")]
    Wrong(&'static str),
    /// It was good once.
    #[error("the token has expired; get another one")]
    Expired,
    /// Nobody can say.
    #[error("the token cannot be checked now: {0}; try again")]
    Unavailable(String),
}

/// Who asks, and what they may do.
#[derive(Debug, Clone)]
pub struct Auth {
    store: Store,
    config: AuthConfig,
    provider: Option<Arc<Provider>>,
    alertmanager: Option<[u8; 32]>,
}

impl Auth {
    /// As the configuration has it. `alerts` is the file with the token that Alertmanager may show.
    ///
    /// # Errors
    /// A file that cannot be read, or an address of the provider that is none.
    pub fn new(store: Store, config: AuthConfig, alerts: Option<&Path>) -> Result<Self, String> {
        let provider = config.oidc.clone().map(Provider::new).transpose()?.map(Arc::new);
        let alertmanager = alerts.map(digest_of_file).transpose()?;
        Ok(Self { store, config, provider, alertmanager })
    }

    /// Whether callers have to say who they are.
    pub const fn is_required(&self) -> bool {
        self.config.required
    }

    /// Who asks.
    ///
    /// # Errors
    /// Nobody that we know.
    pub async fn check(&self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        if !self.config.required {
            return Ok(Caller::anonymous());
        }
        let token = bearer(headers)?;
        if token.starts_with("smo_") {
            return self.of_store(token).await;
        }
        match &self.provider {
            Some(provider) if token.split('.').count() == 3 => provider.caller(token).await,
            _ => Err(AuthError::Wrong("it is none of this server's")),
        }
    }

    /// Whether it is Alertmanager that asks, by the token that it was given for itself: for the route of alerts, and no other.
    pub fn is_alertmanager(&self, headers: &HeaderMap) -> bool {
        // Digests are compared, so that how long it takes says nothing of the token.
        let shown = bearer(headers).map(|token| Sha256::digest(token.as_bytes()));
        self.alertmanager.is_some_and(|ours| shown.is_ok_and(|shown| shown[..] == ours))
    }

    async fn of_store(&self, token: &str) -> Result<Caller, AuthError> {
        let found =
            self.store.token_by_secret(token).await?.ok_or(AuthError::Wrong("it was never given, or was revoked"))?;
        match found.expires_at {
            Some(end) if end <= At::now() => Err(AuthError::Expired),
            _ => Ok(Caller { name: found.name, role: found.role, project: found.project }),
        }
    }
}

impl From<StoreError> for AuthError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The token that was shown.
fn bearer(headers: &HeaderMap) -> Result<&str, AuthError> {
    let mut shown = headers.get_all(AUTHORIZATION).into_iter();
    let first = shown.next().ok_or(AuthError::Missing)?;
    if shown.next().is_some() {
        return Err(AuthError::Wrong("there are two `Authorization` headers"));
    }
    let text = first.to_str().map_err(|_| AuthError::Wrong("its header is no text"))?;
    let (scheme, token) = text.split_once(' ').ok_or(AuthError::Wrong("its header is not `Bearer TOKEN`"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::Wrong("its header is not `Bearer TOKEN`"));
    }
    let token = token.trim();
    if token.is_empty() || token.len() > TOKEN_LETTERS_MAX {
        return Err(AuthError::Wrong("it is empty or too long"));
    }
    Ok(token)
}

fn digest_of_file(path: &Path) -> Result<[u8; 32], String> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| {
        format!("`{}` cannot be read: {error}; make it readable, or name another file", path.display())
    })?;
    match text.trim() {
        "" => Err(format!("`{}` is empty; write the token of Alertmanager into it", path.display())),
        token => Ok(Sha256::digest(token.as_bytes()).into()),
    }
}
