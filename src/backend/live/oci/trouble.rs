//! What the trouble of a registry means.

use super::super::http::chain;
use super::super::outside::{CallError, Class, class_of_status};
use super::super::reach::{Refused, refusal};
use serde_json::Value;
use std::fmt;

/// Letters of a registry's own words that are kept.
const WORDS_MAX: usize = 300;

/// Trouble that trying again does not help.
pub(super) fn permanent(what: &str, reason: impl fmt::Display) -> CallError {
    CallError::new("registry", what, Class::Permanent, reason)
}

/// We are not known, or may not.
pub(super) fn denied(what: &str) -> CallError {
    let reason = "we are not allowed in; are user and password, or the token, those of this registry?";
    permanent(what, reason).with_status(401)
}

/// An address that is not gone to.
pub(super) fn refused(what: &str, refused: &Refused) -> CallError {
    permanent(what, refused).with_status(403)
}

/// The error behind an answer that is no success.
pub(super) fn of_status(what: &str, status: u16, body: &[u8]) -> CallError {
    let words = words(body);
    match status {
        401 | 403 => CallError { reason: format!("{}{words}", denied(what).reason), ..denied(what) },
        404 => permanent(what, format!("there is no such artifact{words}")).with_status(404),
        _ => {
            let reason = format!("it answers with the status {status}{words}");
            CallError::new("registry", what, class_of_status(status), reason).with_status(status)
        }
    }
}

/// No answer over HTTP. One that is no TLS will not become TLS by trying, and an address that is refused stays so.
pub(super) fn unanswered(what: &str, error: reqwest::Error) -> CallError {
    if let Some(refusal) = refusal(&error) {
        return refused(what, &refusal);
    }
    let reason = chain(&error.without_url());
    if reason.contains("InvalidContentType") || reason.contains("corrupt message") {
        return permanent(what, "it speaks plain HTTP; list its host among those that may");
    }
    CallError::new("registry", what, Class::Retryable, reason)
}

/// What the registry itself says, in brackets.
fn words(body: &[u8]) -> String {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let one = |error: &Value| {
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("code"), text("message")).trim().to_owned()
    };
    let said: Vec<String> = said["errors"].as_array().into_iter().flatten().map(one).collect();
    let said: String = said.join("; ").chars().take(WORDS_MAX).collect();
    if said.is_empty() { said } else { format!(" ({said})") }
}

#[cfg(test)]
mod tests {
    use super::of_status;
    use crate::backend::live::outside::Class;

    #[test]
    fn statuses_are_said_with_the_words_of_the_registry() {
        let body = br#"{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}"#;
        let error = of_status("pull x", 404, body);
        assert!(error.is_absent());
        assert_eq!(error.reason, "there is no such artifact (MANIFEST_UNKNOWN manifest unknown)");
        assert_eq!((of_status("x", 403, b"").status, of_status("x", 403, b"").class), (Some(401), Class::Permanent));
        assert_eq!(of_status("x", 429, b"").class, Class::Retryable);
        assert_eq!(of_status("x", 502, b"<html>").reason, "it answers with the status 502");
    }
}
