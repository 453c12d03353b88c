//! What can go wrong in a node.

use std::path::PathBuf;

use comity_ledger::{
    BatchError, CardError, CheckpointKeyError, EntryError, EvidenceError, KeyFinding, NameError,
};
use comity_store::StoreError;

/// A failure of the node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The place of a new folder has something in it.
    #[error("{path} is not empty; name a new or an empty folder")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A new folder cannot be put in this place.
    #[error("no folder can be made at {path}: {reason}")]
    Place {
        /// The folder.
        path: PathBuf,
        /// Why not, and what to name instead.
        reason: &'static str,
    },
    /// A file of evidence in the store is none.
    #[error("a file of evidence in the store is damaged")]
    Evidence {
        /// Why.
        #[source]
        source: EvidenceError,
    },
    /// The folder is not a home.
    #[error("{path} is not a home of an agency (no comity.toml); make one with `comity init`")]
    NotAHome {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the home could not be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// Others than the owner may read a key.
    #[error("{path} may be read by others (mode {mode:03o}); run `chmod 600` on it")]
    OpenKey {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A key file does not hold the key that its place is for.
    #[error("{path} does not hold the key of {name}")]
    WrongKey {
        /// The file.
        path: PathBuf,
        /// The name that the key must have.
        name: String,
    },
    /// The identity was signed for a log key that is not here any more.
    #[error(
        "the signed identity names the log key {name}, of which no file is under keys/, as where a home was restored from \
         before a rotation; `comity card --root FILE` signs it again"
    )]
    OldIdentity {
        /// The key.
        name: String,
    },
    /// The configuration does not read.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: PathBuf,
        /// What the parser says, with the line.
        reason: String,
    },
    /// A name is not well formed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The card could not be made or read.
    #[error(transparent)]
    Card(#[from] CardError),
    /// A certificate could not be made or read.
    #[error("certificate of {path} cannot be used: {reason}")]
    Certificate {
        /// The file, or what it would be.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A batch could not go on.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// An entry could not be made or read.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The own newest note does not verify.
    #[error("the newest checkpoint in the store does not verify with the own log key")]
    OwnNote {
        /// Why.
        #[source]
        source: comity_tlog::CheckpointError,
    },
    /// An own note is signed by no key that is in force for its size.
    #[error(
        "an own checkpoint in the store does not verify with the log keys by the key events that are held"
    )]
    OwnKey {
        /// Why.
        #[source]
        source: CheckpointKeyError,
    },
    /// A key event that would change nothing; nothing was entered.
    #[error("the key event would count for nothing, and was not entered")]
    KeyEvent {
        /// Why.
        #[source]
        source: KeyFinding,
    },
    /// No key file could sign the tree with a key event; nothing was entered.
    #[error(
        "no key under keys/ would be in force for the tree of size {size} with the key event; nothing was entered"
    )]
    NoSigner {
        /// The size.
        size: u64,
    },
    /// The entries are not those of the signed checkpoint.
    #[error("the entries of {origin} up to size {size} do not give the root of its checkpoint")]
    Contradiction {
        /// The log.
        origin: String,
        /// The size.
        size: u64,
    },
    /// The own log may not be signed.
    #[error("read only: {reason}")]
    ReadOnly {
        /// Why.
        reason: String,
    },
    /// What an operator would answer for is not so.
    #[error("nothing was accepted: {reason}")]
    Risk {
        /// Why not.
        reason: String,
    },
    /// An entry that an operator confirms announces no erasure that waits.
    #[error("entry {index} announces no erasure that waits for an operator's word; nothing was destroyed")]
    NotWaiting {
        /// The entry.
        index: u64,
    },
    /// A backup cannot be restored here.
    #[error("the backup cannot be restored: {reason}")]
    Restore {
        /// Why not.
        reason: &'static str,
    },
    /// A change to a record cannot be signed.
    #[error("a change cannot be entered: {reason}")]
    Record {
        /// Why.
        reason: String,
    },
    /// A value could not be written as JSON.
    #[error("cannot write JSON: {reason}")]
    Json {
        /// Why.
        reason: String,
    },
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread {
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// Whoever was to take what is made has gone.
    #[error("nobody takes the files any more")]
    Abandoned,
    /// The node's own certificate or key cannot be used.
    #[error("the node's own TLS certificate cannot be used")]
    Material {
        /// Why not.
        #[source]
        source: crate::tls::MaterialError,
    },
    /// The agency's own authority cannot be trusted.
    #[error("the certificate of the agency's own authority cannot be used")]
    Trust {
        /// Why not.
        #[source]
        source: crate::tls::TrustError,
    },
    /// A port cannot be set up.
    #[error("cannot serve on {address}")]
    Listen {
        /// The address as configured.
        address: String,
        /// Why not.
        #[source]
        source: crate::tls::TlsError,
    },
    /// An address of the configuration leads nowhere.
    #[error("{address} is not an address to listen on")]
    Address {
        /// The address as configured.
        address: String,
    },
    /// A listener ended by itself.
    #[error("the {part} listener ended")]
    Server {
        /// Which.
        part: &'static str,
        /// Why.
        #[source]
        source: tonic::transport::Error,
    },
    /// The running node cannot be reached.
    #[error("the running node at {address} cannot be reached")]
    Unreachable {
        /// Its address.
        address: String,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Stable storage failed, whichever part it was that wrote.
    #[error(
        "stable storage did not confirm what was written, so that the node stopped; nothing was acknowledged after \
         that, and all that was acknowledged before is kept: look at the disk, then start the node again"
    )]
    Storage,
    /// Whoever asked for it wants it no more; nothing of it is left.
    #[error("interrupted")]
    Interrupted,
    /// A part of the node ended without saying how.
    #[error("the {part} ended without an answer")]
    Lost {
        /// Which.
        part: &'static str,
    },
    /// The register of peers does not read, or refuses.
    #[error(transparent)]
    Peers {
        /// Why.
        source: Box<crate::PeersError>,
    },
    /// No random bytes.
    #[error("no random bytes to be had")]
    Entropy,
}

impl NodeError {
    /// Whether the cause is a disk without room.
    pub(crate) fn is_disk_full(&self) -> bool {
        let mut cause: Option<&dyn std::error::Error> = Some(self);
        while let Some(error) = cause {
            let failed = error.downcast_ref::<std::io::Error>();
            if failed.is_some_and(|failed| failed.kind() == std::io::ErrorKind::StorageFull) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}
