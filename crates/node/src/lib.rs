//! Who runs it: the agency's home, its author, its services.
//!
//! In scope: configuration, keys and certificates on disk, TLS identity, the author's task, and in time the
//! services for peers and operators. Out of scope: formats of lists (`comity-feeds`), what the operator types
//! (`comity-cli`), how bytes are kept (`comity-store`).

mod alarms;
mod ask;
mod author_keys;
mod author_task;
mod backup;
mod changes;
mod clock;
mod config;
mod dial;
mod doubts;
mod entropy;
mod erasures;
mod erasures_due;
mod error;
mod exchange;
mod export;
mod follow;
mod gossip;
mod heal;
mod home;
mod http;
mod init;
mod key_files;
mod key_holder;
mod key_list;
mod keys;
mod listed;
mod new_folder;
mod node;
mod off_reactor;
mod operator;
mod outgoing;
mod own_lists;
mod own_log;
mod own_tls;
mod peers;
mod records;
mod recovery;
mod replace;
mod run_file;
mod screened;
mod sections;
mod serve;
mod services;
mod succeeded;
mod succession;
mod tiles;
pub mod tls;
mod tls_keys;
mod tls_life;
mod told;
mod witnessed_time;

pub use alarms::{ALARMS_MAX, Alarm, AlarmKey, Alarms};
pub use ask::{logs, read_entry};
pub use author_task::{AppendError, Appended, AuthorTask, Basis, Submission};
pub use backup::{BackupManifest, Restored, backup_of, keyring_of, keys_of, restore, restore_unless};
pub use changes::submission;
pub use clock::now;
pub use config::{Config, Release};
pub use entropy::SystemEntropy;
pub use erasures_due::{WaitingErasure, waiting_alarms};
pub use error::NodeError;
pub use exchange::ExchangeService;
pub use export::{LogExport, TakeFile, bundle, bundle_of};
pub(crate) use follow::jittered;
pub use follow::{FollowParts, FollowState, Followers};
pub use gossip::{Gossiping, LogState, log_states_at_rest};
pub use home::{Home, OpenHome, fingerprint};
pub use http::HttpSettings;
pub use init::{Initialised, NewHome};
pub use key_holder::{KeyChange, KeyHolder, KeyHolderError};
pub use key_list::{KeyList, ListedKey, key_events, key_list};
pub use listed::listed;
pub use new_folder::{move_into_place, place_of_new_folder};
pub use node::Node;
pub use operator::operator_channel;
pub use outgoing::{Exported, WantedOut, outgoing, wanted_out, write_out};
pub use own_log::{OwnLog, OwnLogState, ReadOnlyReason};
pub use peers::{OtherReplica, Peer, Peers, PeersError, Reach};
pub use replace::ReplaceError;
pub use run_file::RunFile;
pub use screened::screened;
pub use serve::{Serving, serve};
pub use services::{
    TlsRefusal, add_authority, add_peer, expiry_messages, peer_messages, put_crl, retire_authority,
};
pub use succession::{Succeeded, succeed};
pub use tls_keys::{IssuedCrl, OwnLeaf, RenewedLeaf, Revokee, TlsKeys, TlsKeysError};
pub use tls_life::{Reloaded, TlsLife, TlsOutlook};
