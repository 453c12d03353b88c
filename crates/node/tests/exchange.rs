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
#[path = "exchange/bent.rs"]
mod bent;
#[path = "exchange/carried_lists.rs"]
mod carried_lists;
#[path = "exchange/claims.rs"]
mod claims;
#[path = "exchange/convictions.rs"]
mod convictions;
#[path = "exchange/doubts.rs"]
mod doubts;
#[path = "exchange/first_quorum.rs"]
mod first_quorum;
#[path = "exchange/first_quorums_kept.rs"]
mod first_quorums_kept;
#[path = "exchange/freshness.rs"]
mod freshness;
#[path = "exchange/gossip.rs"]
mod gossip;
#[path = "exchange/held_back.rs"]
mod held_back;
#[path = "exchange/keys.rs"]
mod keys;
#[path = "exchange/lying_authors.rs"]
mod lying_authors;
#[path = "exchange/no_change.rs"]
mod no_change;
#[path = "exchange/other_keys.rs"]
mod other_keys;
#[path = "exchange/packages.rs"]
mod packages;
#[path = "exchange/played.rs"]
mod played;
#[path = "exchange/recovery.rs"]
mod recovery;
#[path = "exchange/restored_rotation.rs"]
mod restored_rotation;
#[path = "exchange/revocations.rs"]
mod revocations;
#[path = "exchange/rotation.rs"]
mod rotation;
#[path = "exchange/seen.rs"]
mod seen;
#[path = "exchange/successors.rs"]
mod successors;
#[path = "exchange/support.rs"]
mod support;
#[path = "exchange/thief.rs"]
mod thief;
#[path = "exchange/thief_erases.rs"]
mod thief_erases;
#[path = "exchange/two_geneses.rs"]
mod two_geneses;
#[path = "exchange/witnessed_time.rs"]
mod witnessed_time;
#[path = "exchange/wrong_peers.rs"]
mod wrong_peers;
