//! Ids and secrets, from the random numbers of the operating system.
//!
//! The one place that is not reproducible on purpose: a secret that could be foreseen would be none, and two servers must not
//! give the same id.

use sha2::{Digest, Sha256};

/// Digits and letters without those that look alike.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters that may stand in a URL and a header.
const URL_LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom_0_2::getrandom(&mut bytes).expect("the operating system has random numbers");
    bytes
}

/// An id that nobody had before: 100 random bits, after a letter that says of what.
pub(super) fn id(of: &str) -> String {
    let letters = random::<20>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    format!("{of}-{}", letters.iter().collect::<String>())
}

/// A secret: 256 random bits in 43 letters, after a beginning by which scanners know it.
pub(super) fn secret(beginning: &str) -> String {
    let bytes = random::<32>();
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| byte >> (7 - at % 8) & 1);
    let letter = |at: usize| (0..6).fold(0, |number, offset| number << 1 | usize::from(bit(at * 6 + offset)));
    let letters: String = (0..43).map(|at| char::from(URL_LETTERS[letter(at)])).collect();
    format!("{beginning}{letters}")
}

/// What is kept of a secret: from it nobody comes back to the secret, and a secret of 256 bits needs no salt.
pub(super) fn digest(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::{digest, id, secret};

    #[test]
    fn ids_and_secrets_have_their_length_and_differ() {
        let (one, other) = (id("g"), id("g"));
        assert!(one.len() == 22 && one.starts_with("g-") && one != other, "{one} {other}");
        let (one, other) = (secret("smo_"), secret("smo_"));
        assert!(one.len() == 47 && one.starts_with("smo_") && one != other, "{one} {other}");
        assert!(one[4..].chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_'));
    }

    #[test]
    fn a_digest_is_that_of_sha_256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
