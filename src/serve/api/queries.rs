//! Query parameters that nobody reads are refused: a misspelt `limt=5` would otherwise be a silent lie.
//!
//! What is known stands in the OpenAPI document, by path and method, and nowhere else.

use super::App;
use super::problem::Problem;
use axum::extract::{FromRequestParts, MatchedPath, Query, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, PathItem, RefOr};

/// The query parameters of a request, read.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(read)| Self(read)).map_err(|error| Problem::bad_request(error.body_text()))
    }
}

/// The query parameters of each operation, by path and method.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<String, BTreeMap<&'static str, Vec<String>>>);

impl Known {
    /// What a document declares.
    pub fn of(document: &OpenApi) -> Self {
        Self(document.paths.paths.iter().map(|(path, item)| (path.clone(), of_item(item))).collect())
    }

    /// What an operation takes; `None` where the document has no such operation.
    fn taken(&self, path: &str, method: &Method) -> Option<&[String]> {
        // What answers GET answers HEAD.
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        self.0.get(path)?.get(method).map(Vec::as_slice)
    }

    /// Whether an operation is served.
    pub fn has(&self, path: &str, method: &Method) -> bool {
        self.taken(path, method).is_some()
    }

    /// Whether all of a query is known.
    fn check(&self, path: &str, request: &Request) -> Result<(), Problem> {
        let Some(known) = self.taken(path, request.method()) else { return Ok(()) };
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
        let Query(pairs) = pairs.map_err(|error| Problem::bad_request(error.body_text()))?;
        match pairs.iter().find(|(name, _)| !known.contains(name)) {
            None => Ok(()),
            Some((stranger, _)) => Err(unknown(stranger, known)),
        }
    }
}

/// Refuses what is not known.
pub async fn refuse_unknown(
    State(app): State<App>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let is_asked = request.uri().query().is_some_and(|query| !query.is_empty());
    if let (Some(path), true) = (path, is_asked)
        && let Err(problem) = app.known.check(path.as_str(), &request)
    {
        return problem.into_response();
    }
    next.run(request).await
}

/// The operations of a path, by method.
pub fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let all = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("PATCH", &item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn of_item(item: &PathItem) -> BTreeMap<&'static str, Vec<String>> {
    operations(item).map(|(method, operation)| (method, of_operation(operation))).collect()
}

fn of_operation(operation: &Operation) -> Vec<String> {
    let parameters = operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Query) => Some(parameter.name.clone()),
        _ => None,
    });
    parameters.collect()
}

fn unknown(stranger: &str, known: &[String]) -> Problem {
    let listed = if known.is_empty() {
        "none is known here".to_owned()
    } else {
        format!("known here: `{}`", known.join("`, `"))
    };
    Problem::bad_request(format!("unknown query parameter `{stranger}`; {listed}")).of_kind("unknown-query-parameter")
}
