//! Who does the cryptography of TLS: ring, once for all clients.

/// Says it; the second time nothing happens.
pub fn install() {
    // Fails only where somebody has said it before, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
