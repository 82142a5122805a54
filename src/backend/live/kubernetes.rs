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

#[cfg(test)]
mod tests {
    use super::{CallError, Class, error};
    use kube::core::Status;
    use kube::core::response::StatusDetails;
    use std::time::Duration;

    fn of(code: u16) -> CallError {
        let details: StatusDetails =
            serde_json::from_value(serde_json::json!({"retryAfterSeconds": 3})).expect("all else has defaults");
        let status = Status::failure("no", "Because").with_code(code).with_details(details);
        error("karmada", "ask", &kube::Error::Api(Box::new(status)))
    }

    #[test]
    fn answers_become_classes_with_their_waiting_time() {
        assert_eq!(of(409).class, Class::Conflict);
        assert_eq!((of(429).class, of(429).retry_after), (Class::Retryable, Some(Duration::from_secs(3))));
        assert_eq!(of(500).class, Class::Retryable);
        assert_eq!(of(422).class, Class::Permanent);
        assert!(of(401).reason.contains("expired") && of(403).reason.contains("not allowed"));
        assert!(of(404).is_absent());
    }
}
