//! What the merged view promises: changes followed in order, the same view however it was built, and right hits.
//!
//! Every change goes through its byte form on its way into the view, as it does in a node.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed test is what they are for"
)]

mod author;
mod hits;
mod lifecycle;
mod packages;
mod rebuild;
mod same_as;
mod unopened;
mod vocabulary;
