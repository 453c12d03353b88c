//! A running node as its operators meet it: real ports on loopback, real mutual TLS, a real store.
//!
//! Goal: what is acknowledged is signed, found and exported; whoever is not an operator gets nothing; bad input gets
//! its code and changes nothing. Way: one process serves a home and asks it over its admin port.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test may fail the test"
)]

mod admitted;
mod appends;
mod export_labels;
mod exports;
mod failures;
mod held_back;
mod http_abuse;
mod http_client;
mod http_log;
mod http_taxii;
mod http_taxii_labels;
mod http_witness;
mod http_witness_keys;
mod labelled;
mod packages;
mod refusals;
mod support;
mod tls_life;
