//! The keys of an OpenID provider: fetched when they are needed, kept for an hour, and fetched again for a key that is not among
//! them, since providers change theirs; but not more often than twice a minute, since tokens with made-up keys cost nothing.

use super::AuthError;
use crate::backend::live::clock;
use crate::backend::live::http::{Ask, Http};
use crate::backend::live::outside::Limits;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Deserialize;
use std::sync::RwLock;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// So long keys are believed.
const KEPT: Duration = Duration::from_hours(1);
/// They are not asked for again before.
const PAUSE: Duration = Duration::from_secs(30);

/// The keys of a provider.
#[derive(Debug)]
pub(super) struct Keys {
    issuer: String,
    /// Where the keys are, where that need not be asked.
    url: Option<String>,
    known: RwLock<Known>,
    /// Held by whoever asks the provider; whoever shows a known key does not wait for it.
    asking: Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Option<(Instant, JwkSet)>,
    asked: Option<Instant>,
}

/// What a provider says of itself, as far as it matters.
#[derive(Debug, Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Keys {
    /// Those of an issuer, at a URL or where its discovery document says.
    pub(super) fn new(issuer: String, url: Option<String>) -> Result<Self, String> {
        Http::new("oidc", url.as_deref().unwrap_or(&issuer), Limits::CALL).map_err(|error| error.to_string())?;
        Ok(Self { issuer, url, known: RwLock::default(), asking: Mutex::default() })
    }

    /// The key that a token names; without a name, the only one that fits.
    pub(super) async fn find(&self, id: Option<&str>, fits: impl Fn(&Jwk) -> bool) -> Result<Jwk, AuthError> {
        const STRANGE: AuthError = AuthError::Wrong("its key is none of the provider's");
        let pick = |keys: &JwkSet| pick(keys, id, &fits).cloned();
        if let Some(key) = self.known(KEPT).as_ref().and_then(pick) {
            return Ok(key);
        }
        let _asking = self.asking.lock().await;
        // Whoever asked before may have got it.
        if let Some(key) = self.known(KEPT).as_ref().and_then(pick) {
            return Ok(key);
        }
        let trouble = if self.may_ask() { self.fetch().await.err() } else { None };
        // Old keys are better than none while the provider does not answer.
        match (self.known(Duration::MAX), trouble) {
            (Some(keys), None) => pick(&keys).ok_or(STRANGE),
            (Some(keys), Some(reason)) => pick(&keys).ok_or(AuthError::Unavailable(reason)),
            (None, reason) => {
                let reason = reason.unwrap_or_else(|| "the provider did not give its keys".to_owned());
                Err(AuthError::Unavailable(reason))
            }
        }
    }

    /// The keys, where they were fetched within a time.
    fn known(&self, within: Duration) -> Option<JwkSet> {
        let known = self.known.read().expect("nobody panics while holding it");
        known
            .keys
            .as_ref()
            .filter(|(fetched, _)| clock::now().duration_since(*fetched) < within)
            .map(|(_, keys)| keys.clone())
    }

    /// Whether the provider may be asked now; then it counts as asked.
    fn may_ask(&self) -> bool {
        let mut known = self.known.write().expect("nobody panics while holding it");
        let recent = known.asked.is_some_and(|asked| clock::now().duration_since(asked) < PAUSE);
        if !recent {
            known.asked = Some(clock::now());
        }
        !recent
    }

    async fn fetch(&self) -> Result<(), String> {
        let trouble = |error: crate::backend::live::outside::CallError| error.to_string();
        let http = |url: &str| Http::new("oidc", url, Limits::ONCE).map_err(trouble);
        let url = if let Some(url) = &self.url {
            url.clone()
        } else {
            let ask = Ask::get("/.well-known/openid-configuration");
            let said: Discovery = http(&self.issuer)?.ask_json("discovery", &ask).await.map_err(trouble)?;
            if said.issuer != self.issuer {
                return Err(format!("the provider calls itself `{}`, not `{}`", said.issuer, self.issuer));
            }
            said.jwks_uri
        };
        let keys = http(&url)?.ask_json("keys", &Ask::get("")).await.map_err(trouble)?;
        self.known.write().expect("nobody panics while holding it").keys = Some((clock::now(), keys));
        Ok(())
    }
}

fn pick<'a>(keys: &'a JwkSet, id: Option<&str>, fits: &impl Fn(&Jwk) -> bool) -> Option<&'a Jwk> {
    let mut fitting = keys.keys.iter().filter(|key| fits(key));
    match id {
        Some(id) => fitting.find(|key| key.common.key_id.as_deref() == Some(id)),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}
