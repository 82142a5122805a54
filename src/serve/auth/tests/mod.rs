//! Whoever has no right to come in stays out: forged, foreign, expired and confused tokens, and what a project does not own. The keys
//! beside this file were made for these tests and open nothing.

use super::{Auth, AuthError, Caller};
use crate::backend::live::stub::{Exchange, Stub, get};
use crate::serve::at::At;
use crate::serve::config::{AuthConfig, Oidc};
use crate::serve::store::Store;
use crate::serve::store::asked::NewToken;
use crate::serve::store::rows::Role;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NO_CLAIM: &str = "it does not say who gave it, for whom, and until when";
const RSA: &[u8] = include_bytes!("rsa.pem");
const OTHER: &[u8] = include_bytes!("other.pem");
const EC: &[u8] = include_bytes!("ec.pem");

fn rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(RSA).unwrap()
}

fn shown(token: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, format!("Bearer {token}").parse().unwrap())])
}

async fn store() -> Store {
    Store::open("sqlite://:memory:").await.unwrap()
}

fn config(oidc: Option<Oidc>) -> AuthConfig {
    AuthConfig { required: true, token_file: "/nowhere".into(), oidc }
}

fn oidc(issuer: &str) -> Oidc {
    Oidc {
        issuer: issuer.to_owned(),
        audience: "smo".to_owned(),
        jwks_url: None,
        role_claim: "realm.roles".to_owned(),
        project_claim: "smo_project".to_owned(),
        roles: BTreeMap::new(),
    }
}

/// The public half of a key, as a provider publishes it.
fn published(key: &EncodingKey, algorithm: Algorithm, id: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = json!(id);
    jwk
}

fn keys() -> Value {
    let ec = EncodingKey::from_ec_pem(EC).unwrap();
    json!({"keys": [published(&rsa(), Algorithm::RS256, "r"), published(&ec, Algorithm::ES256, "e")]})
}

fn discovery(issuer: &str) -> Exchange {
    get("/.well-known/openid-configuration", 200, json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys")}))
}

/// A provider that is asked once, and who we are to it.
async fn provider() -> (Stub, Auth) {
    let stub = Stub::of(Vec::new()).await;
    let url = stub.url.clone();
    stub.expect(vec![discovery(&url), get("/keys", 200, keys())]);
    let auth = Auth::new(store().await, config(Some(oidc(&url))), None).unwrap();
    (stub, auth)
}

fn in_seconds(seconds: i64) -> i64 {
    At::now().0 / 1_000 + seconds
}

fn claims(issuer: &str) -> Value {
    json!({
        "iss": issuer, "aud": "smo", "sub": "4711", "preferred_username": "alice",
        "exp": in_seconds(300), "nbf": in_seconds(-1), "realm": {"roles": ["viewer", "operator", "other"]}
    })
}

fn with(mut claims: Value, key: &str, value: Value) -> Value {
    claims[key] = value;
    claims
}

fn signed(algorithm: Algorithm, key: &EncodingKey, id: &str, claims: &Value) -> String {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(algorithm) };
    encode(&header, claims, key).unwrap()
}

#[tokio::test]
async fn tokens_of_the_store_are_known_until_they_end() {
    let store = store().await;
    let auth = Auth::new(store.clone(), config(None), None).unwrap();
    let new = NewToken { name: "ci".into(), role: Role::Operator, project: Some("shop".into()), expires_at: None };
    let (token, secret) = store.add_token(&new).await.unwrap();
    let caller = auth.check(&shown(&secret)).await.unwrap();
    assert_eq!(caller, Caller { name: "ci".into(), role: Role::Operator, project: Some("shop".into()) });
    let lower = HeaderMap::from_iter([(AUTHORIZATION, format!("bearer  {secret}").parse().unwrap())]);
    assert!(auth.check(&lower).await.is_ok());

    assert_eq!(auth.check(&HeaderMap::new()).await, Err(AuthError::Missing));
    let mut last = secret.clone();
    let letter = if last.pop() == Some('A') { 'B' } else { 'A' };
    last.push(letter);
    let basic = HeaderMap::from_iter([(AUTHORIZATION, "Basic YTpi".parse().unwrap())]);
    let mut twice = shown(&secret);
    twice.append(AUTHORIZATION, format!("Bearer {secret}").parse().unwrap());
    let long = format!("smo_{}", "x".repeat(20_000));
    for headers in [shown(&last), shown(""), shown("x"), shown("a.b.c"), shown(&token.id), shown(&long), basic, twice] {
        assert!(matches!(auth.check(&headers).await, Err(AuthError::Wrong(_))), "{headers:?}");
    }
    let ended = NewToken { expires_at: Some(At(At::now().0 - 1)), ..new };
    let (_, old) = store.add_token(&ended).await.unwrap();
    assert_eq!(auth.check(&shown(&old)).await, Err(AuthError::Expired));
    store.revoke_token(&token.id).await.unwrap();
    assert!(matches!(auth.check(&shown(&secret)).await, Err(AuthError::Wrong(_))));
    store.close().await;
    assert!(matches!(auth.check(&shown(&secret)).await, Err(AuthError::Unavailable(_))), "nobody can say");
}

#[test]
fn a_project_is_where_a_callers_rights_end() {
    let of = |role, project: Option<&str>| Caller { name: "x".into(), role, project: project.map(Into::into) };
    let everywhere = of(Role::Operator, None);
    assert!(everywhere.may(Role::Viewer, Some("shop")) && everywhere.may(Role::Operator, None));
    assert!(!everywhere.may(Role::Admin, Some("shop")));
    let bound = of(Role::Admin, Some("shop"));
    assert!(bound.may(Role::Admin, Some("shop")) && bound.is(Role::Viewer));
    assert!(
        !bound.may(Role::Viewer, Some("shop2")) && !bound.may(Role::Viewer, Some("")) && !bound.may(Role::Viewer, None)
    );
}

#[tokio::test]
async fn where_nobody_has_to_say_who_they_are_everybody_is_anonymous() {
    let open = AuthConfig { required: false, ..config(None) };
    let auth = Auth::new(store().await, open, None).unwrap();
    let caller = auth.check(&HeaderMap::new()).await.unwrap();
    assert_eq!((caller.name.as_str(), caller.role, caller.project), ("anonymous", Role::Admin, None));
    assert_eq!(auth.bootstrap("me").await.unwrap(), None);
}

#[tokio::test]
async fn tokens_of_a_provider_are_known_by_its_keys_and_mean_what_their_claims_say() {
    let (stub, auth) = provider().await;
    let ec = EncodingKey::from_ec_pem(EC).unwrap();
    let alice = Caller { name: "alice".into(), role: Role::Operator, project: None };
    for token in [
        signed(Algorithm::RS256, &rsa(), "r", &claims(&stub.url)),
        signed(Algorithm::ES256, &ec, "e", &claims(&stub.url)),
        signed(Algorithm::RS256, &rsa(), "r", &with(claims(&stub.url), "aud", json!(["other", "smo"]))),
        // Clocks differ: a minute is forgiven.
        signed(Algorithm::RS256, &rsa(), "r", &with(claims(&stub.url), "exp", json!(in_seconds(-30)))),
    ] {
        assert_eq!(auth.check(&shown(&token)).await.as_ref(), Ok(&alice));
    }
    let bound = with(claims(&stub.url), "smo_project", json!("shop"));
    let caller = auth.check(&shown(&signed(Algorithm::RS256, &rsa(), "r", &bound))).await.unwrap();
    assert_eq!(caller.project.as_deref(), Some("shop"));
    // The provider was asked once: for its document, and for its keys.
    stub.finish();
}

#[tokio::test]
async fn forged_foreign_and_expired_tokens_are_refused() {
    let (stub, auth) = provider().await;
    let good = claims(&stub.url);
    let rs = |claims: &Value| signed(Algorithm::RS256, &rsa(), "r", claims);
    let other = EncodingKey::from_rsa_pem(OTHER).unwrap();
    let text = rs(&good);
    let [head, body, signature] = text.split('.').collect::<Vec<_>>()[..] else { panic!("a JWT has three parts") };
    let swapped = rs(&with(good.clone(), "realm", json!({"roles": ["admin"]})));
    let admin = swapped.split('.').nth(1).unwrap();
    let none =
        |alg: &str, tail: &str| format!("{}.{admin}.{tail}", base64url(&json!({"alg": alg, "typ": "JWT", "kid": "r"})));
    // The public key, which everybody has, taken for a shared secret.
    let public = keys()["keys"][0]["n"].as_str().unwrap().to_owned();
    let confused = EncodingKey::from_secret(public.as_bytes()).unwrap();
    let (signature_wrong, foreign) = ("its signature is not the provider's", "its key is none of the provider's");
    let wrong = [
        (signature_wrong, signed(Algorithm::RS256, &other, "r", &good)),
        (signature_wrong, format!("{head}.{admin}.{signature}")),
        (signature_wrong, format!("{head}.{body}.{}", &signature[..signature.len() - 4])),
        (signature_wrong, format!("{head}.{body}.")),
        ("it is no JWT that is understood here", none("none", "")),
        ("it is no JWT that is understood here", none("None", signature)),
        ("it is not signed by RS256 or ES256", signed(Algorithm::HS256, &confused, "r", &good)),
        ("it is not signed by RS256 or ES256", signed(Algorithm::RS512, &rsa(), "r", &good)),
        (foreign, signed(Algorithm::RS256, &rsa(), "e", &good)),
        ("it is for another audience", rs(&with(good.clone(), "aud", json!("other")))),
        ("another issuer gave it", rs(&with(good.clone(), "iss", json!("https://evil.example.org")))),
        ("it is not valid yet", rs(&with(good.clone(), "nbf", json!(in_seconds(300))))),
        ("it gives its owner no role here", rs(&with(good.clone(), "realm", json!({"roles": ["root"]})))),
        ("it does not name one project", rs(&with(good.clone(), "smo_project", json!(["a", "b"])))),
        ("it does not name one project", rs(&with(good.clone(), "smo_project", json!(7)))),
        (NO_CLAIM, rs(&json!({"aud": "smo", "exp": in_seconds(300), "realm": {"roles": ["admin"]}}))),
        (NO_CLAIM, rs(&json!({"aud": "smo", "iss": stub.url, "realm": {"roles": ["admin"]}}))),
    ];
    for (reason, token) in wrong {
        assert_eq!(auth.check(&shown(&token)).await, Err(AuthError::Wrong(reason)), "{token}");
    }
    let expired = rs(&with(good.clone(), "exp", json!(in_seconds(-90))));
    assert_eq!(auth.check(&shown(&expired)).await, Err(AuthError::Expired));
    assert!(auth.check(&shown(&text)).await.is_ok());
}

#[tokio::test]
async fn a_key_that_nobody_knows_is_asked_for_once_in_a_while_only() {
    let (stub, auth) = provider().await;
    assert!(auth.check(&shown(&signed(Algorithm::RS256, &rsa(), "r", &claims(&stub.url)))).await.is_ok());
    for id in ["x", "y", "z"] {
        let token = signed(Algorithm::RS256, &rsa(), id, &claims(&stub.url));
        assert_eq!(auth.check(&shown(&token)).await, Err(AuthError::Wrong("its key is none of the provider's")));
    }
    stub.finish();
}

#[tokio::test]
async fn a_provider_that_does_not_answer_or_is_another_leaves_the_question_open() {
    let stub = Stub::of(vec![discovery("https://evil.example.org")]).await;
    let auth = Auth::new(store().await, config(Some(oidc(&stub.url))), None).unwrap();
    let token = signed(Algorithm::RS256, &rsa(), "r", &claims(&stub.url));
    let error = auth.check(&shown(&token)).await.unwrap_err().to_string();
    assert!(error.contains("calls itself `https://evil.example.org`"), "{error}");
    assert!(
        matches!(auth.check(&shown(&token)).await, Err(AuthError::Unavailable(_))),
        "it is not asked again at once"
    );
}

#[tokio::test]
async fn values_of_the_role_claim_mean_what_the_configuration_says() {
    let stub = Stub::of(Vec::new()).await;
    stub.expect(vec![get("/k", 200, keys())]);
    let oidc = Oidc {
        jwks_url: Some(format!("{}/k", stub.url)),
        role_claim: "https://example.org/groups".into(),
        roles: BTreeMap::from([("platform".into(), Role::Admin)]),
        ..oidc(&stub.url)
    };
    let auth = Auth::new(store().await, config(Some(oidc)), None).unwrap();
    let of = |groups: Value| {
        signed(Algorithm::RS256, &rsa(), "r", &with(claims(&stub.url), "https://example.org/groups", groups))
    };
    assert_eq!(auth.check(&shown(&of(json!("platform")))).await.unwrap().role, Role::Admin);
    assert!(auth.check(&shown(&of(json!(["admin"])))).await.is_err(), "a role's own name means nothing then");
}

#[tokio::test]
async fn the_first_token_is_made_once_and_lies_where_its_owner_alone_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smo/admin-token");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "an old one").unwrap();
    let store = store().await;
    let auth = Auth::new(store.clone(), AuthConfig { token_file: path.clone(), ..config(None) }, None).unwrap();
    let made = auth.bootstrap("me").await.unwrap().unwrap();
    assert!(!format!("{made:?}").contains(&made.secret));
    assert_eq!(made.file.as_deref(), Ok(path.as_path()));
    assert_eq!(std::fs::read_to_string(&path).unwrap().trim(), made.secret);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&path.metadata().unwrap()) & 0o777, 0o600);
    assert_eq!(auth.check(&shown(&made.secret)).await.unwrap().role, Role::Admin);
    assert_eq!(auth.bootstrap("me").await.unwrap(), None);
    assert_eq!(store.tokens().await.unwrap().len(), 1);

    let nowhere = AuthConfig { token_file: "/proc/none/token".into(), ..config(None) };
    let auth = Auth::new(self::store().await, nowhere, None).unwrap();
    let made = auth.bootstrap("me").await.unwrap().unwrap();
    assert!(made.file.unwrap_err().contains("cannot be written"), "it can still be shown");
}

#[tokio::test]
async fn of_two_servers_that_start_together_one_makes_the_first_token() {
    let store = store().await;
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| {
        let config = AuthConfig { token_file: folder.path().join(name), ..config(None) };
        Auth::new(store.clone(), config, None).unwrap()
    };
    let (one, other) = (of("one"), of("other"));
    let (one, other) = tokio::join!(one.bootstrap("one"), other.bootstrap("other"));
    assert_eq!([one.unwrap(), other.unwrap()].iter().flatten().count(), 1);
    assert_eq!(store.tokens().await.unwrap().len(), 1);
}

#[tokio::test]
async fn alertmanager_is_known_by_a_token_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "let me in\n").unwrap();
    let auth = Auth::new(store().await, config(None), Some(&path)).unwrap();
    assert!(auth.is_alertmanager(&shown("let me in")) && !auth.is_alertmanager(&shown("let me")));
    assert!(!auth.is_alertmanager(&HeaderMap::new()));
    assert!(auth.check(&shown("let me in")).await.is_err(), "for nothing else");
    std::fs::write(&path, "\n").unwrap();
    assert!(Auth::new(store().await, config(None), Some(&path)).unwrap_err().contains("is empty"));
    assert!(!Auth::new(store().await, config(None), None).unwrap().is_alertmanager(&shown("")));
}

/// A part of a JWT, for what the library refuses to write.
fn base64url(value: &Value) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let encode = |chunk: &[u8]| -> String {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        (0..=chunk.len()).map(|at| char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize])).collect()
    };
    value.to_string().as_bytes().chunks(3).map(encode).collect()
}
