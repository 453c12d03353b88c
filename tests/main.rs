//! What the whole promises: claims that no single room can keep, tried on the built program and on the tree.
//!
//! Goal: each module states one group of promises. Way: the real binary, real folders, real bytes.
//! Not here: the behaviour of one room, which is tested beside its code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "a helper of a test may fail the test, and says aloud what was skipped"
)]

mod agency;
mod audit;
mod bench;
mod crash;
mod demo;
mod deploy;
mod erased;
mod export;
mod faults;
mod federation;
mod import;
mod imports_at_once;
mod interrupted;
mod joined;
mod keys;
mod nodes;
mod packages;
mod places;
mod readme;
mod records;
mod recovery;
mod refusals;
mod replay;
mod same_as;
mod schemas;
mod strangers;
mod thief;
mod tidy;
mod tls;
mod vocabularies;
