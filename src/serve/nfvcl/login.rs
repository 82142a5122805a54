//! Who we are, for an NFVCL that wants to know: a user with a password gets a token at `/token` for the requests after it (OAuth 2, grant
//! `password`), as its documents of both versions say.
//!
//! A token is used until NFVCL takes it no more: it may have ended, or NFVCL has started anew. Then another one is asked for. What else
//! it gives (a token to refresh with) would save no request, and is left.

use crate::backend::live::http::{Ask, Http};
use crate::backend::live::outside::{CallError, Class};
use serde_json::{Value, json};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Where tokens are.
const TOKEN: &str = "/token";

/// A user, and the token that it has at present.
pub(super) struct Login {
    user: String,
    password: String,
    token: Mutex<Option<String>>,
}

/// Secrets are not printed.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Login {
    /// A user who has no token yet.
    pub(super) fn new(user: String, password: String) -> Self {
        Self { user, password, token: Mutex::default() }
    }

    /// The token; another than `old`, which was not taken.
    pub(super) async fn token(&self, http: &Http, old: Option<&str>) -> Result<String, CallError> {
        let known = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(token) = known.filter(|token| Some(token.as_str()) != old) {
            return Ok(token);
        }
        let what = "log in";
        let fields = json!({"grant_type": "password", "username": self.user, "password": self.password});
        let answer = http.ask(what, &Ask::form(TOKEN, fields)).await.map_err(|error| self.without_password(error))?;
        let read: Value = serde_json::from_slice(&answer).unwrap_or_default();
        let token = read["access_token"].as_str().filter(|token| !token.is_empty()).ok_or_else(|| {
            CallError::new(http.outside().system(), what, Class::Permanent, "its answer has no `access_token`")
        })?;
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.to_owned());
        Ok(token.to_owned())
    }

    /// Whatever NFVCL repeats of what it was sent; and what to do where it does not know us.
    fn without_password(&self, error: CallError) -> CallError {
        let is_known = !matches!(error.status, Some(400 | 401 | 403));
        let hint = if is_known { "" } else { "; name a user of its by `nfvcl.username` and `nfvcl.password`" };
        let said = match self.password.as_str() {
            "" => error.reason.clone(),
            password => error.reason.replace(password, "***"),
        };
        CallError { reason: format!("{said}{hint}"), ..error }
    }
}
