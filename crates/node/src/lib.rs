//! Who runs it: the agency's home, its author, its services.
//!
//! In scope: configuration, keys and certificates on disk, TLS identity, the author's task, and in time the
//! services for peers and operators. Out of scope: formats of lists (`comity-feeds`), what the operator types
//! (`comity-cli`), how bytes are kept (`comity-store`).

mod alarms;
mod ask;
mod author_task;
mod changes;
mod clock;
mod config;
mod entropy;
mod error;
mod exchange;
mod export;
mod follow;
mod heal;
mod home;
mod init;
mod keys;
mod listed;
mod new_folder;
mod node;
mod off_reactor;
mod operator;
mod own_log;
mod peers;
mod records;
mod run_file;
mod screened;
mod sections;
mod serve;
mod services;
pub mod tls;

pub use alarms::{ALARMS_MAX, Alarm, AlarmKey, Alarms};
pub use ask::{logs, read_entry};
pub use author_task::{AppendError, Appended, AuthorTask, Basis, Submission};
pub use changes::submission;
pub use clock::now;
pub use config::{Config, Release};
pub use entropy::SystemEntropy;
pub use error::NodeError;
pub use exchange::ExchangeService;
pub use export::{LogExport, TakeFile, bundle, bundle_of};
pub use follow::{FollowParts, FollowState, Followers};
pub use home::{Home, OpenHome, fingerprint};
pub use init::{Initialised, NewHome};
pub use listed::listed;
pub use new_folder::{move_into_place, place_of_new_folder};
pub use node::Node;
pub use operator::operator_channel;
pub use own_log::{OwnLog, OwnLogParts, OwnLogState, ReadOnlyReason};
pub use peers::{OtherReplica, Peer, Peers, PeersError, Reach};
pub use run_file::RunFile;
pub use screened::screened;
pub use serve::{Serving, serve};
pub use services::{add_peer, peer_messages};
