//! Mutual TLS over real sockets: who gets in, who does not, and what the log says of it.
//!
//! Goal: each misfit is refused for its own reason, and only for that. Way: a real port on loopback with a fixed
//! clock; strangers are plain rustls clients that present whatever they like.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

mod called;
mod caps;
mod grpcio;
mod misfits;
mod pairs;
mod protocol;
mod renewal;
mod revocation;
mod revoked_live;
mod succession;
mod support;
mod trust;
