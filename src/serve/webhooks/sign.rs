//! What proves to a receiver that an event comes from us: an HMAC-SHA256 over the time and the body.
//!
//! The time is signed with it, so that a receiver can refuse what somebody has recorded and sends again.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use std::fmt::Write as _;

/// The value of the header `X-Smo-Signature`: `sha256=` and the HMAC of `timestamp`, a dot and the body, in hexadecimal digits.
/// `timestamp` is that of the header `X-Smo-Timestamp`.
#[expect(clippy::missing_panics_doc, reason = "an HMAC takes a key of any length, a string any text")]
pub fn signature(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac: Hmac<Sha256> = Hmac::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    for part in [timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(text, "{byte:02x}").expect("a string takes any text");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::signature;

    /// Computed by `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key`.
    #[test]
    fn the_signature_is_what_openssl_computes() {
        let by_openssl = "a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03";
        assert_eq!(signature("key", "1700000000", br#"{"a":1}"#), format!("sha256={by_openssl}"));
    }
}
