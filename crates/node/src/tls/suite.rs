//! The one choice of TLS algorithms and of the times that a handshake may take.
//!
//! Not here: whose certificates are accepted (`verify`), and how many connections (`caps`).

use std::sync::Arc;
use std::time::Duration;

use rustls::SignatureScheme;
use rustls::crypto::ring::cipher_suite;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};

/// The only application protocol: gRPC is HTTP/2, and a port that speaks one protocol cannot be confused.
pub(super) const ALPN_H2: &[u8] = b"h2";

/// Longest a TLS handshake may take, from the accepted or opened TCP connection on: three round trips over a
/// satellite link fit several times, and a stalled caller holds its slot no longer.
pub(super) const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);

/// Longest from the end of the handshake to the last byte of the HTTP/2 preface; the HTTP/2 server itself would
/// wait for ever.
pub(super) const PREFACE_TIME_MAX: Duration = Duration::from_secs(5);

/// Signatures accepted, in certificates, in revocation lists and in the handshake: every authority and every
/// leaf is ECDSA P-256, so that gRPC clients built on BoringSSL can take part.
pub(super) static SIGNATURES: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[webpki::ring::ECDSA_P256_SHA256],
    mapping: &[(SignatureScheme::ECDSA_NISTP256_SHA256, &[webpki::ring::ECDSA_P256_SHA256])],
};

/// The time of this machine, by which certificates are judged outside of tests.
pub fn system_time() -> Arc<dyn TimeProvider> {
    Arc::new(DefaultTimeProvider)
}

/// The provider of all our TLS configurations; the process-wide default is never asked, so that no other crate
/// can change what we speak.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        // 256-bit keys first; the third must be there by RFC 8446 §9.1.
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
            cipher_suite::TLS13_AES_128_GCM_SHA256,
        ],
        signature_verification_algorithms: SIGNATURES,
        ..ring::default_provider()
    })
}
