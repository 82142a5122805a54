//! JSON over HTTP, as Prometheus and Grafana speak it: one request, one answer, trouble as a [`CallError`].
//!
//! Each system has a client of its own, so that the connections of one that hangs are not those of another. Redirects are
//! followed on the same origin only: a token goes where it was meant to go, and nowhere else. Answers have a size that they may
//! not exceed. Neither tokens nor addresses (which may hold a password) are ever part of an error.

use super::outside::{CallError, Class, Limits, Outside, class_of_status};
use super::tls;
use reqwest::{Client, Method, StatusCode, Url, header, redirect};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;
use std::time::Duration;

/// What an answer may weigh: 11,000 points of a few hundred series fit.
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// Redirects that are followed.
const REDIRECTS_MAX: usize = 4;
/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";
/// Letters of an error's text that are kept.
const REASON_LETTERS_MAX: usize = 400;

/// How a client says who it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// A token.
    Bearer(String),
    /// A user with a password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
}

/// Secrets are not printed.
impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer(_) => "Bearer(..)",
            Self::Basic { .. } => "Basic(..)",
        })
    }
}

/// One system that is spoken to over HTTP.
#[derive(Debug)]
pub struct Http {
    client: Client,
    base: Url,
    auth: Auth,
    outside: Outside,
}

/// One request: method, path below the address, arguments, body.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// `GET`, `POST` ...
    pub method: Method,
    /// The path, with its leading slash.
    pub path: &'a str,
    /// Arguments of the query string.
    pub arguments: Vec<(&'a str, String)>,
    /// The body, as JSON.
    pub body: Option<Value>,
    /// The body's texts go as the fields of a form instead.
    pub is_form: bool,
    /// A token for this request, before whatever the client says of itself.
    pub token: Option<String>,
}

impl<'a> Ask<'a> {
    /// A read without arguments.
    pub const fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, arguments: Vec::new(), body: None, is_form: false, token: None }
    }

    /// A write of `body`.
    pub const fn write(method: Method, path: &'a str, body: Value) -> Self {
        Self { method, path, arguments: Vec::new(), body: Some(body), is_form: false, token: None }
    }

    /// The texts of `fields`, posted as a form.
    pub const fn form(path: &'a str, fields: Value) -> Self {
        let method = Method::POST;
        Self { method, path, arguments: Vec::new(), body: Some(fields), is_form: true, token: None }
    }

    /// The same with a token.
    #[must_use]
    pub fn by(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    /// The same with an argument more.
    #[must_use]
    pub fn with(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.arguments.push((name, value.into()));
        self
    }
}

impl Http {
    /// A client of the `system` at `url`.
    ///
    /// # Errors
    /// `url` is no `http://` or `https://` address.
    pub fn new(system: &'static str, url: &str, limits: Limits) -> Result<Self, CallError> {
        let wrong = |reason: String| CallError::new(system, "connect", Class::Permanent, reason);
        let base: Url =
            url.parse().map_err(|error| wrong(format!("{error}; wanted an address like http://host:9090")))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong(format!("`{}` is no scheme of an address like http://host:9090", base.scheme())));
        }
        tls::install();
        let client = Client::builder().redirect(same_origin()).connect_timeout(limits.each).build();
        let client = client.map_err(|error| wrong(error.without_url().to_string()))?;
        Ok(Self { client, base, auth: Auth::None, outside: Outside::new(system, limits) })
    }

    /// The same, saying who it is.
    #[must_use]
    pub fn with_auth(self, auth: Auth) -> Self {
        Self { auth, ..self }
    }

    /// Its tries, counts and breaker.
    pub const fn outside(&self) -> &Outside {
        &self.outside
    }

    /// The body of a successful answer.
    ///
    /// # Errors
    /// No answer, or one that is no success; the reason is the system's own words where it has any.
    pub async fn ask(&self, what: &str, ask: &Ask<'_>) -> Result<Vec<u8>, CallError> {
        self.outside.call(what, || self.try_once(what, ask)).await
    }

    /// The same, tried once only: for what is asked again soon anyway.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_once(&self, what: &str, ask: &Ask<'_>) -> Result<Vec<u8>, CallError> {
        self.outside.call_within(Limits::ONCE, what, || self.try_once(what, ask)).await
    }

    /// The same within limits of its own: for what takes longer, or may not be done twice.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_within(&self, limits: Limits, what: &str, ask: &Ask<'_>) -> Result<Vec<u8>, CallError> {
        self.outside.call_within(limits, what, || self.try_once(what, ask)).await
    }

    /// A successful answer, read as `T`.
    ///
    /// # Errors
    /// As [`Self::ask`], and where the answer is not of that shape.
    pub async fn ask_json<T: DeserializeOwned>(&self, what: &str, ask: &Ask<'_>) -> Result<T, CallError> {
        let body = self.ask(what, ask).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let start = excerpt(&String::from_utf8_lossy(&body));
            let reason = format!("the answer is not what {} says ({error}): `{start}`", self.outside.system());
            CallError::new(self.outside.system(), what, Class::Permanent, reason)
        })
    }

    async fn try_once(&self, what: &str, ask: &Ask<'_>) -> Result<Vec<u8>, CallError> {
        let broken = |error: reqwest::Error| self.error(what, class(&error), chain(&error.without_url()));
        let mut response = self.request(ask).send().await.map_err(broken)?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                let reason = format!("the answer is larger than {} MiB", ANSWER_BYTES_MAX >> 20);
                return Err(self.error(what, Class::Permanent, reason));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        let error = self.error(what, class_of_status(status.as_u16()), reason(status, &body));
        Err(CallError { retry_after, ..error.with_status(status.as_u16()) })
    }

    fn request(&self, ask: &Ask<'_>) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path().trim_end_matches('/'), ask.path));
        let mut request = self.client.request(ask.method.clone(), url);
        if !ask.arguments.is_empty() {
            request = request.query(&ask.arguments);
        }
        if let Some(body) = &ask.body {
            request = if ask.is_form {
                request.header(header::CONTENT_TYPE, FORM).body(form(body))
            } else {
                request.json(body)
            };
        }
        match (&ask.token, &self.auth) {
            (Some(token), _) | (None, Auth::Bearer(token)) => request.bearer_auth(token),
            (None, Auth::None) => request,
            (None, Auth::Basic { user, password }) => request.basic_auth(user, Some(password)),
        }
    }

    fn error(&self, what: &str, class: Class, reason: String) -> CallError {
        CallError::new(self.outside.system(), what, class, reason)
    }
}

/// Fields as browsers write those of a form, which is how they write a query.
fn form(fields: &Value) -> String {
    let texts = fields.as_object().into_iter().flatten().filter_map(|(name, value)| Some((name, value.as_str()?)));
    let url = Url::parse_with_params("http://form", texts).expect("it is an address, whatever the fields are");
    url.query().unwrap_or_default().to_owned()
}

fn same_origin() -> redirect::Policy {
    redirect::Policy::custom(|attempt| {
        let first = attempt.previous().first().map(Url::origin);
        if first != Some(attempt.url().origin()) {
            return attempt.error("redirected to another origin, which is not followed");
        }
        if attempt.previous().len() > REDIRECTS_MAX {
            return attempt.error("redirected too often");
        }
        attempt.follow()
    })
}

/// A request that cannot be made, or that leads elsewhere, will not get better.
fn class(error: &reqwest::Error) -> Class {
    if error.is_builder() || error.is_redirect() { Class::Permanent } else { Class::Retryable }
}

/// When it may be tried again, where the system said so in seconds.
fn retry_after(response: &reqwest::Response) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// The words of an answer that is no success: what JSON says under `error`, `message` or `detail`, else the beginning of the text.
fn reason(status: StatusCode, body: &[u8]) -> String {
    let said: Option<Value> = serde_json::from_slice(body).ok();
    let said = said.and_then(|said| {
        let kind = said["errorType"].as_str().map(|kind| format!("{kind}: ")).unwrap_or_default();
        let words = ["error", "message"].iter().find_map(|key| said[*key].as_str());
        words.map(|words| format!("{kind}{words}")).or_else(|| detail(&said["detail"]))
    });
    let words = said.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    let status = status.as_u16();
    if words.trim().is_empty() { format!("status {status}") } else { format!("{} (status {status})", excerpt(&words)) }
}

/// What FastAPI says: words, or what is wrong field by field. What was sent (`input`) is not repeated: it may hold a password.
fn detail(detail: &Value) -> Option<String> {
    let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
    let field = |one: &Value| {
        let path: Vec<String> = one["loc"].as_array().into_iter().flatten().map(step).collect();
        format!("{}: {}", path.join("."), one["msg"].as_str().unwrap_or("it is wrong"))
    };
    match detail {
        Value::String(words) => Some(words.clone()),
        Value::Array(fields) => Some(fields.iter().map(field).collect::<Vec<_>>().join("; ")),
        _ => None,
    }
}

/// The beginning of a text.
fn excerpt(text: &str) -> String {
    let text = text.trim();
    let start: String = text.chars().take(REASON_LETTERS_MAX).collect();
    if start.len() < text.len() { format!("{start}...") } else { start }
}

/// An error with all that it came from: reqwest keeps "connection refused" four levels down.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        words = format!("{words}: {inner}");
        source = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::stub::{Stub, get};
    use super::{Ask, Auth, Http};
    use crate::backend::live::outside::{Class, Limits};
    use serde_json::json;

    const ONCE: Limits = Limits::ONCE;

    #[tokio::test]
    async fn a_token_does_not_follow_a_redirect_to_another_origin() {
        let elsewhere = Stub::of(vec![]).await;
        let away = get("/here", 307, json!(null)).header("location", &format!("{}/there", elsewhere.url));
        let stub = Stub::of(vec![away]).await;
        let http = Http::new("there", &stub.url, ONCE).unwrap().with_auth(Auth::Bearer("secret".into()));
        let error = http.ask("read", &Ask::get("/here")).await.unwrap_err();
        assert_eq!(error.class, Class::Permanent);
        assert!(error.reason.contains("another origin"), "{error}");
        assert_eq!(stub.requests()[0].authorization, "Bearer secret");
        stub.finish();
        elsewhere.finish();
    }

    #[tokio::test]
    async fn a_redirect_on_the_same_origin_is_followed_and_the_prefix_of_the_address_is_kept() {
        let away = get("/prefix/here", 307, json!(null)).header("location", "/prefix/there");
        let stub = Stub::of(vec![away, get("/prefix/there", 200, json!("yes"))]).await;
        let http = Http::new("there", &format!("{}/prefix/", stub.url), ONCE).unwrap();
        assert_eq!(http.ask_json::<String>("read", &Ask::get("/here")).await.unwrap(), "yes");
        stub.finish();
    }

    #[tokio::test]
    async fn nobody_there_is_said_with_its_cause_and_without_the_address() {
        let gone = Stub::of(vec![]).await;
        let address = gone.url.replace("http://", "http://user:pass@");
        gone.stop().await;
        let error = Http::new("there", &address, ONCE).unwrap().ask("read", &Ask::get("/")).await.unwrap_err();
        assert_eq!(error.class, Class::Retryable);
        assert!(error.reason.contains("refused") && !error.to_string().contains("pass"), "{error}");
    }

    #[tokio::test]
    async fn what_fastapi_finds_wrong_is_said_without_what_was_sent() {
        let wrong = json!({"detail": [
            {"type": "extra_forbidden", "loc": ["body", "areas", 0, "x"], "msg": "Extra inputs are not permitted", "input": "pw"},
            {"type": "missing", "loc": ["body", "name"], "msg": "Field required", "input": {"vim_password": "pw"}}]});
        let stub = Stub::of(vec![get("/a", 422, wrong), get("/b", 400, json!({"detail": "unknown"}))]).await;
        let http = Http::new("there", &stub.url, ONCE).unwrap();
        let error = http.ask("ask", &Ask::get("/a")).await.unwrap_err();
        let says = "body.areas.0.x: Extra inputs are not permitted; body.name: Field required (status 422)";
        assert_eq!((error.reason.as_str(), error.class), (says, Class::Permanent));
        assert_eq!(http.ask("ask", &Ask::get("/b")).await.unwrap_err().reason, "unknown (status 400)");
        stub.finish();
    }

    #[test]
    fn an_address_that_is_none_is_refused_and_secrets_are_not_printed() {
        for wrong in ["", "prometheus:9090", "ftp://host", "http://"] {
            assert_eq!(Http::new("there", wrong, ONCE).unwrap_err().class, Class::Permanent, "{wrong}");
        }
        let basic = Auth::Basic { user: "user".into(), password: "pass".into() };
        assert_eq!(format!("{:?} {basic:?}", Auth::Bearer("secret".into())), "Bearer(..) Basic(..)");
    }
}
