//! What Helm's words mean: it exits with 1 whatever happened, so the class of an error is in its text.
//!
//! The words are those of 3.17 and 4.x, where they differ in both spellings. What is not known is permanent: trying a wrong chart
//! again does not make it right, and the user sees Helm's own sentence.

use crate::backend::live::outside::{CallError, Class};

/// The control plane refuses us, or we do not know it: no later try will be better.
const PERMANENT: &[&str] = &[
    "unauthorized",
    "forbidden",
    "the server has asked for the client to provide credentials",
    "you must be logged in",
    "x509:",
    "no configuration has been provided",
    "invalid configuration",
    "kubernetes configuration",
];

/// Somebody else is at it, or wrote in between.
const CONFLICT: &[&str] = &[
    "another operation (install/upgrade/rollback) is in progress",
    "cannot re-use a name that is still in use",
    "the object has been modified",
    "conflict occurred while applying",
    "apply failed with",
    "already exists",
];

/// It may pass.
const RETRYABLE: &[&str] = &[
    "cluster unreachable",
    "connection refused",
    "connection reset",
    "connection lost",
    "i/o timeout",
    "tls handshake timeout",
    "no such host",
    "no route to host",
    "context deadline exceeded",
    "context canceled",
    "timed out",
    "\": eof",
    "failed calling webhook",
    "failed to call webhook",
    "too many requests",
    "currently unable to handle the request",
    "internal error occurred",
    "etcdserver",
    // Of a kind that another chart brings, which may be installed at the same time.
    "no matches for kind",
    // Of the release before, stopped a moment ago: there when Helm looked first, and gone when it looked again.
    "failed to get object",
];

/// What Helm says where a release is not there.
const ABSENT: &str = "release: not found";

/// The error behind what a failed Helm wrote.
pub fn error(what: &str, stderr: &str) -> CallError {
    let words = stderr.to_lowercase();
    let says = |known: &[&str]| known.iter().any(|one| words.contains(one));
    let class = match () {
        () if says(PERMANENT) => Class::Permanent,
        () if says(CONFLICT) => Class::Conflict,
        () if says(RETRYABLE) => Class::Retryable,
        () => Class::Permanent,
    };
    let error = CallError::new("helm", what, class, sentence(stderr));
    if words.contains(ABSENT) { error.with_status(404) } else { error }
}

/// From Helm's last `Error:` to the end: before it come warnings and notices.
fn sentence(stderr: &str) -> &str {
    let start = stderr.rfind("Error:").map_or(0, |at| at + "Error:".len());
    let sentence = stderr[start..].trim();
    if sentence.is_empty() { "it failed and said nothing" } else { sentence }
}

#[cfg(test)]
mod tests {
    use super::error;
    use crate::backend::live::outside::Class;

    #[test]
    fn words_have_classes() {
        let of = [
            (
                "Error: Kubernetes cluster unreachable: Get \"https://127.0.0.1:1/version\": dial tcp: connection refused",
                Class::Retryable,
            ),
            (
                "Error: kubernetes cluster unreachable: the server has asked for the client to provide credentials",
                Class::Permanent,
            ),
            ("Error: UPGRADE FAILED: another operation (install/upgrade/rollback) is in progress", Class::Conflict),
            ("Error: INSTALLATION FAILED: cannot re-use a name that is still in use", Class::Conflict),
            ("Error: UPGRADE FAILED: failed calling webhook \"x\"", Class::Retryable),
            ("Error: unable to build kubernetes objects: no matches for kind \"Queue\" in version", Class::Retryable),
            ("Error: failed to get object shop/web: policies \"web\" not found", Class::Retryable),
            ("Error: path \"/nowhere.tgz\" not found", Class::Permanent),
            ("", Class::Permanent),
        ];
        for (stderr, class) in of {
            assert_eq!(error("upgrade", stderr).class, class, "{stderr}");
        }
    }

    #[test]
    fn the_sentence_is_the_last_error_without_notices() {
        let stderr = "WARNING: x\nPulled: 127.0.0.1:5000/c\nDigest: sha256:1\nError: release: not found\n";
        let error = error("status web", stderr);
        assert!(error.is_absent());
        assert_eq!(error.to_string(), "helm: status web: release: not found");
        assert_eq!(super::error("x", "").reason, "it failed and said nothing");
    }
}
