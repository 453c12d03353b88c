//! What a node answers: one module for each service of `comity.v1` that it offers.
//!
//! Services read requests, ask the parts of the node, and write answers. Not here: listening and stopping
//! (`serve`), what is true (`Node` and the task of the own log).

mod admin;
mod append;
mod call;
mod files;
mod keys;
mod peers;
mod refusal;
mod screening;
mod tls;

pub(crate) use admin::{Admin, AdminParts};
pub(crate) use call::Watched;
pub use peers::{add_peer, peer_messages};
pub(crate) use screening::Screening;
pub use tls::{TlsRefusal, add_authority, expiry_messages, put_crl, retire_authority};
