//! Bundles and proofs that somebody made to be believed, and that must not pass.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed unwrap is a failed test"
)]

mod bundles;
mod forger;
mod gaps;
mod proofs;
mod rotated;
mod succeeded;
mod witnessed;
