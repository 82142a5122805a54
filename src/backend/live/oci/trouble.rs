//! What the trouble of a registry means.

use crate::backend::live::http::chain;
use crate::backend::live::outside::{CallError, Class, class_of_status};
use oci_client::errors::{DigestError, OciDistributionError as Trouble, OciErrorCode as Code};
use std::io;

/// The error behind what the client of registries says.
pub(super) fn error(what: &str, trouble: &Trouble) -> CallError {
    let new = |class, reason: String| CallError::new("registry", what, class, reason);
    let absent = |reason| new(Class::Permanent, reason).with_status(404);
    let refused = |reason| new(Class::Permanent, reason).with_status(401);
    match trouble {
        Trouble::RegistryError { envelope, .. } => {
            let codes: Vec<&Code> = envelope.errors.iter().map(|error| &error.code).collect();
            let words = format!("the registry says {envelope}");
            match () {
                () if codes.iter().any(|code| is_absent(code)) => absent(words),
                () if codes.iter().any(|code| matches!(code, Code::Unauthorized | Code::Denied)) => refused(words),
                () if codes.iter().any(|code| matches!(code, Code::Toomanyrequests)) => new(Class::Retryable, words),
                () => new(Class::Permanent, words),
            }
        }
        Trouble::UnauthorizedError { .. } | Trouble::AuthenticationFailure(_) => {
            refused("we are not allowed in; are user and password, or the token, those of this registry?".to_owned())
        }
        Trouble::ImageManifestNotFoundError(_) | Trouble::ServerError { code: 404, .. } => {
            absent("there is no such artifact".to_owned())
        }
        Trouble::ServerError { code, message, .. } => {
            new(class_of_status(*code), format!("{message} (status {code})")).with_status(*code)
        }
        Trouble::RequestError(_) | Trouble::IoError(_) => unanswered(what, &chain(trouble)),
        other => new(Class::Permanent, other.to_string()),
    }
}

/// The error behind a download that broke off, or that is not what its manifest says.
pub(super) fn of_stream(what: &str, trouble: &io::Error) -> CallError {
    let is_another = matches!(trouble.get_ref(), Some(inner) if inner.is::<DigestError>());
    let class = if is_another { Class::Permanent } else { Class::Retryable };
    CallError::new("registry", what, class, format!("its layer: {}", chain(trouble)))
}

/// No answer over HTTP. One that is no TLS will not become TLS by trying.
fn unanswered(what: &str, reason: &str) -> CallError {
    if reason.contains("InvalidContentType") || reason.contains("corrupt message") {
        let reason = "it speaks plain HTTP; list its host among those that may";
        return CallError::new("registry", what, Class::Permanent, reason);
    }
    CallError::new("registry", what, Class::Retryable, reason)
}

const fn is_absent(code: &Code) -> bool {
    matches!(code, Code::ManifestUnknown | Code::NameUnknown | Code::NotFound | Code::BlobUnknown)
}
