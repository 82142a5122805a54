//! Tags of graphs: `"7-5d41402abc4b2a76"` is generation 7, and a digest of all that is shown.
//!
//! Whoever reads again with `If-None-Match` is told 304 while nothing that is shown has changed. Whoever changes with `If-Match` is
//! told 412 when something else was *wanted* since: what is observed moves all the time, and is no reason to refuse a change.
//! So of a tag in `If-Match` only the generation counts.

use super::problem::Problem;
use crate::backend::live::digest::sha256;
use crate::serve::store::rows::Graph;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Letters of the digest.
const LETTERS: usize = 16;

/// A graph with its tag, or 304 where the reader has it already.
pub fn answer(graph: &Graph, headers: &HeaderMap) -> Result<Response, Problem> {
    let body = serde_json::to_vec(graph).map_err(|error| Problem::internal(error.to_string()))?;
    let tag = tag(graph.generation, &body);
    let known = listed(headers, &header::IF_NONE_MATCH).any(|one| one == "*" || one.trim_start_matches("W/") == tag);
    let tag = HeaderValue::from_str(&tag).map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// The generation that a change is to be based on: that of `If-Match`, if it says one; `None` where it is all the same.
///
/// # Errors
/// 412 where `If-Match` names another, or `If-None-Match: *` wants that there is none.
pub fn expected(headers: &HeaderMap, graph: &Graph) -> Result<Option<i64>, Problem> {
    if listed(headers, &header::IF_NONE_MATCH).any(|one| one == "*") {
        let detail = format!("the graph `{}` is there already; leave `If-None-Match` out to change it", graph.name);
        return Err(Problem::precondition_failed(detail));
    }
    if !headers.contains_key(header::IF_MATCH) {
        return Ok(None);
    }
    if listed(headers, &header::IF_MATCH).any(|one| one == "*" || generation(one) == Some(graph.generation)) {
        return Ok(Some(graph.generation));
    }
    Err(changed_since(graph.generation))
}

/// Something else was wanted since.
pub fn changed_since(generation: i64) -> Problem {
    let detail = format!("something else was wanted since: the generation is {generation} now; read it again");
    Problem::precondition_failed(detail)
}

fn tag(generation: i64, body: &[u8]) -> String {
    let digest = sha256(body);
    let letters: String = digest.trim_start_matches("sha256:").chars().take(LETTERS).collect();
    format!("\"{generation}-{letters}\"")
}

/// The generation of a tag.
fn generation(tag: &str) -> Option<i64> {
    tag.trim_start_matches("W/").trim_matches('"').split('-').next()?.parse().ok()
}

fn listed<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|one| !one.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{generation, listed, tag};
    use axum::http::{HeaderMap, HeaderValue, header};

    #[test]
    fn a_tag_says_the_generation_and_changes_with_what_is_shown() {
        assert!(tag(7, b"a").starts_with("\"7-"));
        assert_eq!(tag(7, b"a").len(), "\"7-0123456789abcdef\"".len());
        assert_ne!(tag(7, b"a"), tag(7, b"b"));
        assert_eq!(generation("\"7-0123456789abcdef\""), Some(7));
        assert_eq!(generation("W/\"12-x\""), Some(12));
        assert_eq!(generation("\"nonsense\""), None);
    }

    #[test]
    fn tags_are_listed_over_commas_and_headers() {
        let mut headers = HeaderMap::new();
        headers.append(header::IF_MATCH, HeaderValue::from_static("\"1-a\", \"2-b\""));
        headers.append(header::IF_MATCH, HeaderValue::from_static("\"3-c\""));
        let all: Vec<&str> = listed(&headers, &header::IF_MATCH).collect();
        assert_eq!(all, ["\"1-a\"", "\"2-b\"", "\"3-c\""]);
    }
}
