//! A signed log on its way to a follower, changed by whoever stands between: nothing is taken that the author did not
//! sign.
//!
//! Each message is changed as it stands on the wire, read as the node's own client reads it, and verified as its
//! follower verifies. Not here: hostile bytes that begin with no signed log (`hostile`), and the node around it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap is a failed test")]

mod fields;
mod flips;
mod follower;
mod log;
mod mutants;
