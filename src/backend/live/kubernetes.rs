//! What the errors of the Kubernetes client mean.

use super::http::chain;
use super::outside::{CallError, Class, class_of_status};
use std::time::Duration;

/// An error of the client as one of ours.
pub(super) fn error(system: &'static str, what: &str, error: &kube::Error) -> CallError {
    let new = |class, reason: String| CallError::new(system, what, class, reason);
    match error {
        kube::Error::Api(status) => {
            let after = status.details.as_ref().map(|details| details.retry_after_seconds).filter(|after| *after > 0);
            let reason = match status.code {
                401 => format!("the credentials are not accepted, they may have expired ({})", status.message),
                403 => format!("not allowed: {}", status.message),
                _ => status.message.clone(),
            };
            let said = new(class_of_status(status.code), reason).with_status(status.code);
            CallError { retry_after: after.map(|seconds| Duration::from_secs(u64::from(seconds))), ..said }
        }
        kube::Error::SerdeError(wrong) => {
            new(Class::Permanent, format!("the answer is not what it should be: {wrong}"))
        }
        kube::Error::Auth(wrong) => new(Class::Permanent, wrong.to_string()),
        other => new(Class::Retryable, chain(other)),
    }
}
