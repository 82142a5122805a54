//! The client of a server: one request, one answer, trouble as a [`Failure`] in the server's own words.
//!
//! Names of projects and graphs become segments of a path here and nowhere else, so that a name with a slash in it cannot
//! reach another route. Redirects are not followed: a token goes where it was meant to go. Nothing is tried twice: whoever
//! sits before a terminal does that better; who follows (`watch`, `--follow`, `--wait`) tries again itself.

pub mod address;
pub mod problem;
pub mod stream;

pub use address::Address;

use super::saved::Secret;
use crate::cli::Failure;
use anyhow::anyhow;
use problem::Circumstances;
use reqwest::{Client, Method, Response, StatusCode, Url, header, redirect};
use serde_json::Value;
use std::time::Duration;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take (a deploy from a registry pulls before it answers), and how long a stream may be silent.
const ANSWER: Duration = Duration::from_mins(2);
/// What an answer may weigh.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// What answers are written in.
const JSON: &str = "application/json";
/// Items of a page of a list.
const PAGE: u32 = 500;

/// A server.
#[derive(Debug)]
pub struct Server {
    client: Client,
    base: Url,
    token: Option<Secret>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    method: Method,
    path: Vec<&'a str>,
    query: Vec<(&'static str, String)>,
    headers: Vec<(header::HeaderName, String)>,
    body: Option<(&'static str, Vec<u8>)>,
}

/// An answer that is a success.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the server calls this version of it.
    pub etag: Option<String>,
    /// The body; `null` where there is none.
    pub body: Value,
}

impl<'a> Ask<'a> {
    /// A request for a path below `/v1`, by its segments.
    pub fn new(method: Method, path: &[&'a str]) -> Self {
        let path = path.to_vec();
        Self { method, path, query: Vec::new(), headers: Vec::new(), body: None }
    }

    /// A read.
    pub fn get(path: &[&'a str]) -> Self {
        Self::new(Method::GET, path)
    }

    /// A write without a body.
    pub fn post(path: &[&'a str]) -> Self {
        Self::new(Method::POST, path)
    }

    /// The same with an argument of the query string.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same with an argument, where there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same with a body.
    #[must_use]
    pub fn sending(mut self, media_type: &'static str, body: Vec<u8>) -> Self {
        self.body = Some((media_type, body));
        self
    }

    /// The same with JSON as its body.
    #[must_use]
    pub fn sending_json(self, body: &Value) -> Self {
        self.sending(JSON, body.to_string().into_bytes())
    }

    /// The same, only where the thing is still in the version `etag`.
    #[must_use]
    pub fn if_still(mut self, etag: Option<&str>) -> Self {
        self.headers.extend(etag.map(|etag| (header::IF_MATCH, etag.to_owned())));
        self
    }
}

impl Server {
    /// The server that is meant; nothing is asked yet.
    ///
    /// # Errors
    /// An address that is none, or files that cannot be read.
    pub fn open(at: &super::flags::At) -> Result<Self, Failure> {
        Self::at(Address::find(at)?)
    }

    /// The server there.
    ///
    /// # Errors
    /// Certificates that are none.
    pub fn at(address: Address) -> Result<Self, Failure> {
        crate::backend::live::tls::install();
        let mut builder = Client::builder().redirect(redirect::Policy::none()).connect_timeout(CONNECT);
        if !address.certificates.is_empty() {
            builder = builder.tls_certs_merge(address.certificates);
        }
        let client = builder.read_timeout(ANSWER).build();
        let client = client.map_err(|error| Failure::input(anyhow!("{}", problem::chain(&error.without_url()))))?;
        Ok(Self { client, base: address.base, token: address.token })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// The answer to a request.
    ///
    /// # Errors
    /// No answer, or one that is no success.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, Failure> {
        let response = self.request(ask, JSON).timeout(ANSWER).send().await.map_err(|error| self.unreachable(error))?;
        self.read(response).await
    }

    /// The answer, where the thing is another version than `etag`; nothing where it is the same.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_changed(&self, ask: &Ask<'_>, etag: Option<&str>) -> Result<Option<Answer>, Failure> {
        let mut request = self.request(ask, JSON).timeout(ANSWER);
        if let Some(etag) = etag {
            request = request.header(header::IF_NONE_MATCH, etag);
        }
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        if response.status() == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        self.read(response).await.map(Some)
    }

    /// All items of a list, page by page, until there are `limit`.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn list(&self, ask: &Ask<'_>, limit: Option<usize>) -> Result<Vec<Value>, Failure> {
        let (mut items, mut next) = (Vec::new(), None::<String>);
        loop {
            let page = ask.clone().with("limit", PAGE.to_string()).with_some("cursor", next.take());
            let mut body = self.ask(&page).await?.body;
            if let Value::Array(page) = body["items"].take() {
                items.extend(page);
            }
            next = body["next"].as_str().map(str::to_owned);
            if next.is_none() || limit.is_some_and(|limit| items.len() >= limit) {
                items.truncate(limit.unwrap_or(usize::MAX));
                return Ok(items);
            }
        }
    }

    /// A stream of server-sent events, behind the one with this number.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn stream(&self, ask: &Ask<'_>, last: Option<&str>) -> Result<Response, Failure> {
        let mut request = self.request(ask, "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        match self.read(response).await {
            Err(failure) => Err(failure),
            Ok(_) => Err(Failure::run(anyhow!("{}: no stream of events", self.url()))),
        }
    }

    fn request(&self, ask: &Ask<'_>, accept: &'static str) -> reqwest::RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(&ask.path);
        }
        let mut request = self.client.request(ask.method.clone(), url).header(header::ACCEPT, accept);
        if !ask.query.is_empty() {
            request = request.query(&ask.query);
        }
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        if let Some((media_type, body)) = &ask.body {
            request = request.header(header::CONTENT_TYPE, *media_type).body(body.clone());
        }
        match &self.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }

    async fn read(&self, mut response: Response) -> Result<Answer, Failure> {
        let status = response.status();
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|after| after.to_str().ok());
        let retry_after = retry_after.and_then(|after| after.trim().parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                let megabytes = ANSWER_BYTES_MAX >> 20;
                return Err(Failure::run(anyhow!("{}: the answer is larger than {megabytes} MiB", self.url())));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(problem::failure(&self.circumstances(status, retry_after), &body));
        }
        if body.is_empty() {
            return Ok(Answer { etag, body: Value::Null });
        }
        let body = serde_json::from_slice(&body)
            .map_err(|error| Failure::run(anyhow!("{}: {error}\n  is this a server of smo?", self.no_json(&body))))?;
        Ok(Answer { etag, body })
    }

    fn circumstances(&self, status: StatusCode, retry_after: Option<u64>) -> Circumstances<'_> {
        Circumstances { server: self.url(), with_token: self.token.is_some(), status: status.as_u16(), retry_after }
    }

    fn no_json(&self, body: &[u8]) -> String {
        format!("{}: the answer is no JSON (`{}`)", self.url(), problem::excerpt(&String::from_utf8_lossy(body)))
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        let timed_out = error.is_timeout();
        let why = problem::chain(&error.without_url());
        let remedy = if timed_out {
            "it is slow, or something between swallows what is sent"
        } else {
            "is it running? `smo serve` starts one, `--server` says where it is"
        };
        Failure::run(anyhow!("{}: no answer: {why}\n  {remedy}", self.url()))
    }
}
