//! Tokens of an OpenID provider (JWT): who signed them, for whom, until when, and what their claims mean here.
//!
//! Only RS256 and ES256 count. A token says itself how it was signed, and that is where forgers begin: `none` is no signature, and
//! with HS256 the provider's public key, which everybody has, would be the secret. So the algorithm has to be one of the two, and the
//! key that the provider publishes has to be of that kind.

use super::keys::Keys;
use super::{AuthError, Caller};
use crate::serve::config::Oidc;
use crate::serve::store::rows::Role;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

/// Seconds that clocks may differ.
const LEEWAY_S: u64 = 60;

/// An OpenID provider.
#[derive(Debug)]
pub(super) struct Provider {
    config: Oidc,
    keys: Keys,
}

impl Provider {
    /// As the configuration has it.
    pub(super) fn new(config: Oidc) -> Result<Self, String> {
        Ok(Self { keys: Keys::new(config.issuer.clone(), config.jwks_url.clone())?, config })
    }

    /// Who shows this token.
    pub(super) async fn caller(&self, token: &str) -> Result<Caller, AuthError> {
        let header = decode_header(token).map_err(|_| AuthError::Wrong("it is no JWT that is understood here"))?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(AuthError::Wrong("it is not signed by RS256 or ES256"));
        }
        let key = self.keys.find(header.kid.as_deref(), |key| fits(key, header.alg)).await?;
        let key = DecodingKey::from_jwk(&key).map_err(|_| AuthError::Wrong("its key cannot be used"))?;
        let claims =
            decode::<Map<String, Value>>(token, &key, &self.validation(header.alg)).map_err(|error| wrong(&error))?;
        self.meaning(&claims.claims)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_audience(&[&self.config.audience]);
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation
    }

    /// What claims mean here.
    fn meaning(&self, claims: &Map<String, Value>) -> Result<Caller, AuthError> {
        let role = claim(claims, &self.config.role_claim).into_iter().filter_map(|word| self.role(word)).max();
        let role = role.ok_or(AuthError::Wrong("it gives its owner no role here"))?;
        let project = match claim(claims, &self.config.project_claim)[..] {
            [] if claims_at(claims, &self.config.project_claim).is_none() => None,
            [one] => Some(one.to_owned()),
            // Whoever is let into some is not let into all.
            _ => return Err(AuthError::Wrong("it does not name one project")),
        };
        let names = ["preferred_username", "email", "sub"];
        let name = names.iter().find_map(|name| claims.get(*name)?.as_str()).unwrap_or("unnamed");
        Ok(Caller { name: name.to_owned(), role, project })
    }

    fn role(&self, word: &str) -> Option<Role> {
        if self.config.roles.is_empty() {
            return serde_json::from_value(Value::String(word.to_owned())).ok();
        }
        self.config.roles.get(word).copied()
    }
}

/// Whether a key may have signed by an algorithm: of its kind, for signatures, and not for another algorithm.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256) => true,
        (AlgorithmParameters::EllipticCurve(curve), Algorithm::ES256) => curve.curve == EllipticCurve::P256,
        _ => false,
    };
    let for_signatures = !matches!(&key.common.public_key_use, Some(PublicKeyUse::Encryption));
    let named = key.common.key_algorithm.is_none_or(|named| named.to_string() == format!("{algorithm:?}"));
    kind && for_signatures && named
}

fn claims_at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    // A claim may have dots in its own name, as those with URLs do.
    claims.get(path).or_else(|| {
        let mut steps = path.split('.');
        let first = claims.get(steps.next()?)?;
        steps.try_fold(first, |at, step| at.get(step))
    })
}

/// The texts of a claim, which is one or a list of some.
fn claim<'a>(claims: &'a Map<String, Value>, path: &str) -> Vec<&'a str> {
    match claims_at(claims, path) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn wrong(error: &jsonwebtoken::errors::Error) -> AuthError {
    match error.kind() {
        ErrorKind::ExpiredSignature => AuthError::Expired,
        ErrorKind::ImmatureSignature => AuthError::Wrong("it is not valid yet"),
        ErrorKind::InvalidIssuer => AuthError::Wrong("another issuer gave it"),
        ErrorKind::InvalidAudience => AuthError::Wrong("it is for another audience"),
        ErrorKind::MissingRequiredClaim(_) => AuthError::Wrong("it does not say who gave it, for whom, and until when"),
        _ => AuthError::Wrong("its signature is not the provider's"),
    }
}
