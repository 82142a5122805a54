//! What a server answers when it does not do what it is asked, as a failure: its title, its detail, each mistake on a line, and
//! the way out.
//!
//! What is wrong with the request (4xx) is a matter of input; what may pass, or is the server's own trouble, is one of run
//! time.

use crate::cli::Failure;
use serde_json::Value;
use std::fmt::Write as _;

/// Letters of an answer that is no problem document, as far as they are shown.
const EXCERPT: usize = 300;

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct Refused {
    /// Its status.
    pub status: u16,
    /// What is said of it.
    pub words: String,
}

/// The circumstances of an answer that is no success.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    /// The server's address.
    pub server: &'a str,
    /// Whether a token was shown.
    pub with_token: bool,
    /// The status.
    pub status: u16,
    /// In how many seconds it may be asked again.
    pub retry_after: Option<u64>,
}

/// The failure of a command that was answered so.
pub fn failure(circumstances: &Circumstances<'_>, body: &[u8]) -> Failure {
    let status = circumstances.status;
    let refused = Refused { status, words: words(circumstances, body) };
    let may_pass = matches!(status, 408 | 425 | 429 | 500..);
    if may_pass { Failure::run(refused) } else { Failure::input(refused) }
}

/// The status of the answer that a failure comes from, if it comes from one.
pub fn status(failure: &Failure) -> Option<u16> {
    failure.error.as_ref()?.downcast_ref::<Refused>().map(|refused| refused.status)
}

/// The same failure with a line more that tells the way out.
pub fn with_remedy(failure: Failure, remedy: &str) -> Failure {
    let Failure { code, error } = failure;
    let error = error.map(|error| match error.downcast::<Refused>() {
        Ok(refused) => Refused { words: format!("{}\n  {remedy}", refused.words), ..refused }.into(),
        Err(other) => other,
    });
    Failure { code, error }
}

fn words(at: &Circumstances<'_>, body: &[u8]) -> String {
    let mut text = match serde_json::from_slice::<Value>(body) {
        Ok(problem) if problem["title"].is_string() || problem["detail"].is_string() => of_problem(&problem),
        _ => {
            let said = excerpt(&String::from_utf8_lossy(body));
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            format!("{}: status {}{said}", at.server, at.status)
        }
    };
    if let Some(remedy) = remedy(at) {
        write!(text, "\n  {remedy}").expect("a string takes all");
    }
    text
}

/// `TITLE: DETAIL`, then a line for each mistake and for the remedy.
fn of_problem(problem: &Value) -> String {
    let parts = ["title", "detail"].into_iter().filter_map(|key| problem[key].as_str()).map(str::trim);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let mut text = parts.join(": ");
    // A single mistake is often the detail itself.
    let is_news = |mistake: &&Value| mistake["detail"].as_str().is_none_or(|detail| !text.contains(detail));
    let mistakes: Vec<String> =
        problem["errors"].as_array().into_iter().flatten().filter(is_news).map(mistake).collect();
    let mistakes = mistakes.into_iter();
    for line in mistakes.chain(problem["remedy"].as_str().map(str::to_owned)) {
        write!(text, "\n  {}", line.replace('\n', "\n  ")).expect("a string takes all");
    }
    text
}

/// A mistake as a line: where it is, as far as that is said, and what it is.
fn mistake(mistake: &Value) -> String {
    if let Some(text) = mistake.as_str() {
        return text.to_owned();
    }
    let first = |keys: &[&str]| keys.iter().find_map(|key| mistake[*key].as_str()).map(str::to_owned);
    let what = first(&["detail", "message", "reason"]).unwrap_or_else(|| mistake.to_string());
    let number = |key: &str| mistake[key].as_u64().map(|number| format!("{key} {number}"));
    let place =
        first(&["field", "pointer", "path", "parameter"]).into_iter().chain(number("line")).chain(number("column"));
    place.chain([what]).collect::<Vec<_>>().join(": ")
}

fn remedy(at: &Circumstances<'_>) -> Option<String> {
    match at.status {
        301..=308 => Some("it leads elsewhere, which is not followed; name that server by `--server`".to_owned()),
        401 if at.with_token => Some("the token is not taken (any more); `smo login` keeps another one".to_owned()),
        401 => Some("log in by `smo login`, or say a token by `--token-file` or SMO_TOKEN".to_owned()),
        429 | 503 => at.retry_after.map(|seconds| format!("it may be tried again in {seconds} s")),
        _ => None,
    }
}

/// The beginning of a text.
pub fn excerpt(text: &str) -> String {
    let text = text.trim();
    let start: String = text.chars().take(EXCERPT).collect();
    if start.len() < text.len() { format!("{start}...") } else { start }
}

/// An error with all that it came from: reqwest keeps "connection refused" several levels down.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_words = inner.to_string();
        if !words.ends_with(&inner_words) {
            words = format!("{words}: {inner_words}");
        }
        source = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{Circumstances, failure, status, with_remedy};
    use serde_json::json;

    fn at(status: u16) -> Circumstances<'static> {
        Circumstances { server: "http://s", with_token: false, status, retry_after: None }
    }

    fn said(at: &Circumstances<'_>, body: &str) -> (u8, String) {
        let failure = failure(at, body.as_bytes());
        (failure.code, failure.error.unwrap().to_string())
    }

    #[test]
    fn a_problem_is_told_by_its_title_its_detail_and_its_mistakes() {
        let body = json!({
            "title": "The descriptor cannot be used",
            "detail": "2 mistakes",
            "status": 422,
            "errors": ["no id", {"field": "services.0", "line": 3, "column": 5, "detail": "is no map"}, {"detail": "2 mistakes"}],
            "remedy": "write it like the example",
        });
        let wanted = "The descriptor cannot be used: 2 mistakes\n  no id\n  services.0: line 3: \
            column 5: is no map\n  write it like the example";
        assert_eq!(said(&at(422), &body.to_string()), (2, wanted.to_owned()));
    }

    #[test]
    fn what_may_pass_is_no_matter_of_input() {
        let codes = [400, 404, 409, 412, 408, 429, 500, 503].map(|status| said(&at(status), "").0);
        assert_eq!(codes, [2, 2, 2, 2, 1, 1, 1, 1]);
    }

    #[test]
    fn an_answer_that_is_no_problem_is_quoted() {
        assert_eq!(said(&at(502), "<h1>Bad gateway</h1>").1, "http://s: status 502: <h1>Bad gateway</h1>");
        assert_eq!(said(&at(500), "").1, "http://s: status 500");
    }

    #[test]
    fn the_way_out_is_told() {
        assert!(said(&at(401), r#"{"title": "No token"}"#).1.ends_with("SMO_TOKEN"));
        let with_token = Circumstances { with_token: true, ..at(401) };
        assert!(said(&with_token, r#"{"title": "Wrong token"}"#).1.contains("not taken"));
        let busy = Circumstances { retry_after: Some(7), ..at(429) };
        assert!(said(&busy, r#"{"title": "Too many requests"}"#).1.ends_with("in 7 s"));
        let absent = failure(&at(404), br#"{"title": "No graph shop"}"#);
        assert_eq!(status(&absent), Some(404));
        let absent = with_remedy(absent, "look elsewhere");
        assert_eq!(absent.error.unwrap().to_string(), "No graph shop\n  look elsewhere");
    }
}
