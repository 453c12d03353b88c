//! Who runs it: the agency's home, its author, its services.
//!
//! In scope: configuration, keys and certificates on disk, TLS identity, the author's task, and in time the
//! services for peers and operators. Out of scope: formats of lists (`comity-feeds`), what the operator types
//! (`comity-cli`), how bytes are kept (`comity-store`).

mod clock;
mod config;
mod entropy;
mod error;
mod exchange;
mod export;
mod follow;
mod home;
mod init;
mod keys;
mod node;
mod own_log;
mod peers;
mod records;
mod sections;
pub mod tls;

pub use clock::now;
pub use config::{Config, Release};
pub use entropy::SystemEntropy;
pub use error::NodeError;
pub use exchange::ExchangeService;
pub use export::{LogExport, TakeFile, bundle};
pub use follow::{FollowParts, FollowState, Followers};
pub use home::{Home, OpenHome, fingerprint};
pub use init::{Initialised, NewHome};
pub use node::Node;
pub use own_log::{OwnLog, OwnLogParts, OwnLogState, ReadOnlyReason};
pub use peers::{Peer, Peers, PeersError, Reach};
pub use records::import_drafts;
