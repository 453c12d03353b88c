//! Three agencies on loopback, with real TLS and real stores: what one signs, the others hold, and nothing else.
//!
//! Goal: each claim of following and relaying holds, and each attack on it fails. Way: nodes in one process, each
//! with a home of its own; a test restarts, replaces or impersonates them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

#[path = "exchange/attacks.rs"]
mod attacks;
#[path = "exchange/claims.rs"]
mod claims;
#[path = "exchange/doubts.rs"]
mod doubts;
#[path = "exchange/keys.rs"]
mod keys;
#[path = "exchange/support.rs"]
mod support;
#[path = "exchange/wrong_peers.rs"]
mod wrong_peers;
