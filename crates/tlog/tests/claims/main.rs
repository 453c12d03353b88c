//! What this crate claims as a whole: every shared vector holds, foreign implementations agree, and random
//! trees and damaged notes behave. The behaviour of single items is tested beside the code.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the lints' exceptions for tests do not reach functions that tests call"
)]

mod bit_flips;
mod boundaries;
mod checkpoints;
mod cosignatures;
mod cross_checks;
mod cross_notes;
mod many_lines;
mod merkle;
mod notes;
mod proofs;
mod random_trees;
mod sample;
mod shared;
mod tiles;
mod tree;
mod witness;
