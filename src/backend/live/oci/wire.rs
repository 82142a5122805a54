//! The pulling half of the registries' protocol (OCI distribution 1.1): manifests, layers, tags, tokens.
//!
//! oci-client speaks it too, but asks whomever a registry names for a token, and goes wherever a redirect leads. A reference may come
//! from a user, so both are decided here, by [`Reach`]. Names and manifests are still read by oci-client's types.

use super::super::digest::sha256;
use super::super::http::Auth;
use super::super::outside::CallError;
use super::super::reach::Reach;
use super::super::tls;
use super::trouble::{self, denied, permanent};
use oci_client::Reference;
use oci_client::manifest::{OciDescriptor, OciManifest};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, header};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

/// What a manifest may weigh, by the specification.
const MANIFEST_BYTES_MAX: usize = 4 << 20;
/// The kinds of manifest that we read.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// A client of the protocol.
pub(super) struct Wire {
    client: Client,
    reach: Option<Reach>,
    /// Hosts (with port) that are spoken to without encryption.
    plain: Vec<String>,
    auth: Auth,
    /// By registry and repository.
    tokens: Mutex<BTreeMap<String, String>>,
}

/// What a registry wants to know before it answers.
#[derive(Debug, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer(Bearer),
}

/// Where tokens come from, and what for.
#[derive(Debug, PartialEq, Eq)]
struct Bearer {
    realm: String,
    service: Option<String>,
    scope: Option<String>,
}

/// Something of a repository.
struct Wanted<'a> {
    repository: &'a Reference,
    below: &'a str,
    accept: &'a str,
}

#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

impl Wire {
    /// A client; without a `reach` it goes wherever it is sent.
    pub(super) fn new(plain: &[String], auth: Auth, reach: Option<Reach>) -> Self {
        tls::install();
        let builder = reach.as_ref().map_or_else(Client::builder, Reach::following_client);
        let builder = builder.connect_timeout(Duration::from_secs(5)).read_timeout(Duration::from_secs(20));
        let client = builder.build().expect("its settings do not depend on anything");
        Self { client, reach, plain: plain.to_vec(), auth, tokens: Mutex::default() }
    }

    /// The manifest that `reference` names, and its digest.
    pub(super) async fn manifest(&self, what: &str, reference: &Reference) -> Result<(OciManifest, String), CallError> {
        let version = reference.digest().or(reference.tag()).unwrap_or("latest");
        let below = &format!("manifests/{version}");
        let response = self.get(what, &Wanted { repository: reference, below, accept: MANIFESTS }).await?;
        let body = body(what, response, MANIFEST_BYTES_MAX).await?;
        let digest = sha256(&body);
        if let Some(wanted) = reference.digest().filter(|wanted| *wanted != digest) {
            return Err(permanent(what, format!("its manifest has the digest {digest}, not {wanted}")));
        }
        let read = serde_json::from_slice(&body);
        let manifest = read.map_err(|error| permanent(what, format!("it answers no manifest ({error})")))?;
        Ok((manifest, digest))
    }

    /// A layer, which is what its digest says.
    pub(super) async fn layer(
        &self,
        what: &str,
        reference: &Reference,
        layer: &OciDescriptor,
    ) -> Result<Vec<u8>, CallError> {
        let below = &format!("blobs/{}", layer.digest);
        let response = self.get(what, &Wanted { repository: reference, below, accept: "*/*" }).await?;
        let bytes = body(what, response, super::LAYER_BYTES_MAX).await?;
        let digest = sha256(&bytes);
        if digest == layer.digest {
            return Ok(bytes);
        }
        Err(permanent(what, format!("its layer has the digest {digest}, not {}", layer.digest)))
    }

    /// The tags of a repository.
    pub(super) async fn tags(&self, what: &str, reference: &Reference) -> Result<Vec<String>, CallError> {
        let wanted = Wanted { repository: reference, below: "tags/list", accept: "application/json" };
        let response = self.get(what, &wanted).await?;
        let body = body(what, response, MANIFEST_BYTES_MAX).await?;
        let read: Result<Tags, _> = serde_json::from_slice(&body);
        let tags = read.map_err(|error| permanent(what, format!("it answers no list of tags ({error})")))?;
        Ok(tags.tags.unwrap_or_default())
    }

    /// A successful answer; who we are is said where the registry asks for it.
    async fn get(&self, what: &str, wanted: &Wanted<'_>) -> Result<Response, CallError> {
        let Wanted { repository: reference, below, accept } = *wanted;
        let registry = reference.resolve_registry();
        let scheme = if self.plain.iter().any(|plain| plain == registry) { "http" } else { "https" };
        let url = format!("{scheme}://{registry}/v2/{}/{below}", reference.repository());
        let url: Url = url.parse().map_err(|error| permanent(what, format!("it makes no address: {error}")))?;
        if let Some(reach) = &self.reach {
            reach.admit(&url).await.map_err(|refused| trouble::refused(what, &refused))?;
        }
        let key = format!("{registry}/{}", reference.repository());
        let ask = || self.client.get(url.clone()).header(header::ACCEPT, accept);
        let known = self.tokens.lock().expect("nobody panics with it").get(&key).cloned();
        let first = match (&self.auth, known) {
            (Auth::Bearer(token), _) => ask().bearer_auth(token),
            (_, Some(token)) => ask().bearer_auth(token),
            _ => ask(),
        };
        let response = send(what, first).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return successful(what, response).await;
        }
        let again = match (challenge(&response), &self.auth) {
            (_, Auth::Bearer(_)) | (None, _) | (Some(Challenge::Basic), Auth::None) => return Err(denied(what)),
            (Some(Challenge::Basic), Auth::Basic { user, password }) => ask().basic_auth(user, Some(password)),
            (Some(Challenge::Bearer(mut bearer)), _) => {
                bearer.scope.get_or_insert_with(|| format!("repository:{}:pull", reference.repository()));
                let token = self.token(what, scheme, bearer).await?;
                self.tokens.lock().expect("nobody panics with it").insert(key, token.clone());
                ask().bearer_auth(token)
            }
        };
        successful(what, send(what, again).await?).await
    }

    /// A token from where the registry says. One that is spoken to by TLS may not have them handed out without.
    async fn token(&self, what: &str, scheme: &str, bearer: Bearer) -> Result<String, CallError> {
        let wrong = |reason: &str| permanent(what, format!("its tokens come from `{}`: {reason}", bearer.realm));
        let url: Url = bearer.realm.parse().map_err(|_| wrong("that is no address"))?;
        if url.scheme() != "https" && scheme == "https" {
            return Err(wrong("that is not encrypted, which it is itself"));
        }
        if let Some(reach) = &self.reach {
            reach.check(&url).await.map_err(|refused| trouble::refused(what, &refused))?;
        }
        let named = [("scope", bearer.scope), ("service", bearer.service)];
        let named: Vec<(&str, String)> = named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let mut ask = self.client.get(url).query(&named);
        if let Auth::Basic { user, password } = &self.auth {
            ask = ask.basic_auth(user, Some(password));
        }
        let response = successful(what, send(what, ask).await?).await?;
        let body = body(what, response, MANIFEST_BYTES_MAX).await?;
        let granted: Option<Granted> = serde_json::from_slice(&body).ok();
        granted.and_then(|granted| granted.token.or(granted.access_token)).ok_or_else(|| denied(what))
    }
}

pub(super) async fn send(what: &str, ask: RequestBuilder) -> Result<Response, CallError> {
    ask.send().await.map_err(|error| trouble::unanswered(what, error))
}

/// The answer, if it is a success.
pub(super) async fn successful(what: &str, response: Response) -> Result<Response, CallError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let said = body(what, response, MANIFEST_BYTES_MAX).await.unwrap_or_default();
    Err(trouble::of_status(what, status.as_u16(), &said))
}

/// The body, which may not be larger than `max`.
pub(super) async fn body(what: &str, mut response: Response, max: usize) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| trouble::unanswered(what, error))? {
        if bytes.len() + chunk.len() > max {
            return Err(permanent(what, format!("its answer is larger than {} MiB", max >> 20)));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What the answer wants to know.
fn challenge(response: &Response) -> Option<Challenge> {
    read_challenge(response.headers().get(header::WWW_AUTHENTICATE)?.to_str().ok()?)
}

fn read_challenge(text: &str) -> Option<Challenge> {
    let (scheme, fields) = text.split_once(' ').unwrap_or((text, ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let (mut found, mut rest) = (BTreeMap::new(), fields);
    while let Some((key, after)) = rest.split_once('=') {
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(key.trim_matches([' ', ',']).to_ascii_lowercase(), value.to_owned());
        rest = next;
    }
    Some(Challenge::Bearer(Bearer {
        realm: found.remove("realm")?,
        service: found.remove("service"),
        scope: found.remove("scope"),
    }))
}

#[cfg(test)]
mod tests {
    use super::{Bearer, Challenge, read_challenge};

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let text =
            r#"Bearer realm="https://auth.example.org/token",service="registry",scope="repository:a/b:pull,push""#;
        let read = Challenge::Bearer(Bearer {
            realm: "https://auth.example.org/token".to_owned(),
            service: Some("registry".to_owned()),
            scope: Some("repository:a/b:pull,push".to_owned()),
        });
        assert_eq!(read_challenge(text), Some(read));
        assert_eq!(read_challenge("Basic realm=\"x\""), Some(Challenge::Basic));
        for other in ["Bearer service=\"x\"", "Digest realm=\"x\"", "Bearer realm=\"x", ""] {
            assert_eq!(read_challenge(other), None, "{other}");
        }
    }
}
