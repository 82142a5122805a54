//! Descriptors from artifacts: `{"artifact": "oci://host/project/graph:1.0.0"}` instead of the descriptor itself.
//!
//! Three ways to write where one lies: `oci://host/repository[:tag|@digest]`; `http://` or `https://` before the same, as the
//! original's tools (`hdarctl`) write it, which says whether the registry is spoken to by TLS; and `https://` addresses of a
//! `.yaml` or a packed `.tar.gz`. A reference without a version means the newest. Whatever was asked for, what was got is pinned
//! by its digest.
//!
//! Whoever deploys graphs chooses the reference, so it may not make us ask whatever it likes: hosts are public or listed, nothing
//! is spoken to in plain text that is not listed for it, and what comes is weighed before it is unpacked.

mod reference;
#[cfg(test)]
mod tests;

use crate::backend::live::busy::busy;
use crate::backend::live::digest::sha256;
use crate::backend::live::http::Auth;
use crate::backend::live::oci::archive::{self, Found};
use crate::backend::live::oci::{Registry, download};
use crate::backend::live::outside::{CallError, Class};
use crate::backend::live::reach::Reach;
use crate::input::hdag;
use crate::serve::config::Charts;
use crate::serve::store::rows::Source;
use reference::Place;
use serde_json::Value;

/// What a downloaded archive may weigh.
const ARCHIVE_BYTES_MAX: usize = 64 << 20;
/// A descriptor that was pulled.
#[derive(Debug, Clone, PartialEq)]
pub struct Pulled {
    /// The document, with its key `hdaGraph`.
    pub document: Value,
    /// Where it came from, and what it is pinned to.
    pub source: Source,
    /// What was chosen or read with some good will, in sentences.
    pub notes: Vec<String>,
}

/// Why there is no descriptor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactError {
    /// The reference is none, or what it names holds no descriptor.
    #[error("artifact `{reference}`: {reason}")]
    Wrong {
        /// As it was given, without a password.
        reference: String,
        /// What is wrong, and what would be right.
        reason: String,
    },
    /// Its host is not gone to.
    #[error("artifact `{reference}`: {reason}")]
    Refused {
        /// As it was given, without a password.
        reference: String,
        /// Which rule forbids it.
        reason: String,
    },
    /// There is no such artifact.
    #[error("artifact `{reference}`: {reason}")]
    Absent {
        /// As it was given, without a password.
        reference: String,
        /// In the registry's words.
        reason: String,
    },
    /// The registry does not answer, or not well.
    #[error("artifact `{reference}`: {reason}")]
    Unreachable {
        /// As it was given, without a password.
        reference: String,
        /// What happened.
        reason: String,
    },
}

/// The descriptor that `reference` names.
///
/// # Errors
/// See [`ArtifactError`].
pub async fn pull(reference: &str, charts: &Charts) -> Result<Pulled, ArtifactError> {
    let shown = reference::shown(reference);
    let wrong = |reason: String| ArtifactError::Wrong { reference: shown.clone(), reason };
    let refused = |reason: String| ArtifactError::Refused { reference: shown.clone(), reason };
    let place = reference::read(reference).map_err(wrong)?;
    let reach = Reach::new(charts.hosts.clone());
    let found = match place {
        Place::Registry { wanted, tls } => {
            let host = wanted.host().to_owned();
            let is_plain = charts.is_plain(&host) && tls != Some(true);
            if tls == Some(false) && !is_plain {
                return Err(refused(not_plain(&host)));
            }
            let plain = if is_plain { vec![host] } else { Vec::new() };
            let pulled = Registry::within(reach, &plain, Auth::None).pull_descriptor(&wanted).await;
            pulled.map(|pulled| (pulled.text, pulled.digest, pulled.notes))
        }
        Place::File { url, host, packed } => {
            if url.starts_with("http://") && !charts.is_plain(&host) {
                return Err(refused(not_plain(&host)));
            }
            let bytes = download::file(&reach, &url, ARCHIVE_BYTES_MAX).await;
            bytes.and_then(|bytes| busy(|| unpacked(&shown, bytes, packed)))
        }
    };
    let (text, digest, mut notes) = found.map_err(|error| of_call(&shown, error))?;
    let text = String::from_utf8(text).map_err(|_| wrong("its descriptor is no text (UTF-8)".to_owned()))?;
    let (descriptor, odd) = busy(|| hdag::parse(text, &shown)).map_err(|error| wrong(error.to_string()))?;
    notes.extend(odd.iter().map(ToString::to_string));
    Ok(Pulled { document: descriptor.document(), source: Source { artifact: shown, digest }, notes })
}

/// The text in a file, the digest of the file, and what was chosen.
fn unpacked(shown: &str, bytes: Vec<u8>, packed: bool) -> Result<(Vec<u8>, String, Vec<String>), CallError> {
    let digest = sha256(&bytes);
    let found = if packed { archive::descriptor(&bytes) } else { Found::whole(bytes) };
    let found = found.map_err(|reason| CallError::new("registry", shown, Class::Permanent, reason))?;
    let notes = found.note().into_iter().collect();
    Ok((found.text, digest, notes))
}

fn not_plain(host: &str) -> String {
    format!("`{host}` would be spoken to without TLS; name it in `charts.plain_hosts`, or write https://")
}

fn of_call(reference: &str, error: CallError) -> ArtifactError {
    let (reference, reason) = (reference.to_owned(), error.reason.clone());
    match error {
        CallError { status: Some(403), .. } => ArtifactError::Refused { reference, reason },
        error if error.is_absent() => ArtifactError::Absent { reference, reason },
        CallError { class: Class::Permanent, .. } => ArtifactError::Wrong { reference, reason },
        _ => ArtifactError::Unreachable { reference, reason },
    }
}
