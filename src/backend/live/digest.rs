//! Digests as registries write them: `sha256:` and 64 hexadecimal digits.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The digest of `bytes`.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").expect("a string takes any text");
    }
    text
}

/// Whether `text` has the form of a digest.
pub fn is_digest(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or_default().as_bytes();
    digits.len() == 64 && digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{is_digest, sha256};

    /// The digest of nothing is the well-known one.
    #[test]
    fn digests_are_written_as_registries_write_them() {
        let nothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256(b""), nothing);
        assert!(is_digest(nothing));
        assert!(!is_digest("sha256:e3b0") && !is_digest(&nothing[7..]) && !is_digest(&nothing.to_uppercase()));
    }
}
