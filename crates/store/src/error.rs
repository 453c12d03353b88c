//! What can go wrong in keeping.

use std::path::PathBuf;

/// A failure of the store. After one that [is of the medium](StoreError::is_of_the_medium) nothing more may be
/// acknowledged by this process: a failed fsync is never tried again, since the kernel may have dropped the dirty pages.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the store.
    #[error("{path} is in use by another process")]
    InUse {
        /// The folder or file.
        path: PathBuf,
    },
    /// A file could not be read or written.
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
    /// Stable storage did not confirm a write.
    #[error("{path} could not be synced to stable storage; this process must stop")]
    Sync {
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// The system failed to read or write the database, which is closed to this process from then on.
    #[error("the database could not be read or written")]
    DatabaseIo {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The database does not open, not even without what can be rebuilt.
    #[error(
        "the database in {path} is damaged and does not open; keep it, and bring back the newest backup beside the lock \
         of this home: own entries that it lacks are with the peers, what it lacks of theirs is fetched again"
    )]
    DatabaseDamaged {
        /// Its folder.
        path: PathBuf,
    },
    /// The database failed.
    #[error("the database failed")]
    Database {
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer program wrote this store.
    #[error("the store has schema {found}, this program knows {known}; use the newer program")]
    NewerSchema {
        /// The schema found.
        found: u32,
        /// The newest that is known.
        known: u32,
    },
    /// Bytes on disk are not what was written.
    #[error("{what} of log {log} is damaged at {place}")]
    Damaged {
        /// Which part.
        what: &'static str,
        /// The log.
        log: String,
        /// The entry, chunk or tile.
        place: u64,
    },
    /// One of the two files of a sign-lock does not read.
    #[error(
        "one of the two files of the {role}'s sign-lock of {origin} does not read: a crash tore it, or it was damaged; the \
         other one stands, and what is signed next is written over the damaged one"
    )]
    HalfLock {
        /// Whose lock.
        role: &'static str,
        /// The log.
        origin: String,
    },
    /// Something was erased while the keyring was copied: root and pages of the copy are of two times.
    #[error("something was erased while the keyring was copied; the copy is none")]
    KeyringChanged,
    /// The keyring is damaged, missing, or sealed under another key.
    #[error("the keyring at {path} does not open: {reason}")]
    Keyring {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// A log that the store does not have.
    #[error("no log {origin} here")]
    NoSuchLog {
        /// The origin.
        origin: String,
    },
    /// A replica that is verified with another key.
    #[error("the replica of {origin} is verified with another key")]
    Pinned {
        /// The origin.
        origin: String,
    },
    /// Entries that do not follow those held.
    #[error("entries for size {given} do not follow the {held} held")]
    NotNext {
        /// Where the given entries start.
        given: u64,
        /// Entries held.
        held: u64,
    },
    /// Somebody else moved a cursor since it was read.
    #[error("the release cursor of log {origin} was moved by another stream")]
    CursorMoved {
        /// The origin.
        origin: String,
    },
    /// A value over its limit.
    #[error("{what} of {len} bytes is too long to keep")]
    TooLong {
        /// Which.
        what: &'static str,
        /// Its length.
        len: usize,
    },
    /// The sign-lock forbids it.
    #[error(
        "the sign-lock for {role} of {origin} holds size {locked}; size {given} of another tree is refused"
    )]
    Locked {
        /// The role.
        role: &'static str,
        /// The origin.
        origin: String,
        /// The size in the lock.
        locked: u64,
        /// The size refused.
        given: u64,
    },
    /// The sign-lock of an existing log is missing.
    #[error("the sign-lock for {role} of {origin} is missing")]
    LockMissing {
        /// The role.
        role: &'static str,
        /// The origin.
        origin: String,
    },
    /// No random bytes.
    #[error("no random bytes to be had")]
    Entropy,
}

impl From<sled::Error> for StoreError {
    fn from(source: sled::Error) -> Self {
        match source {
            sled::Error::Io(source) => Self::DatabaseIo { source },
            source => Self::Database { source: Box::new(source) },
        }
    }
}

impl StoreError {
    /// Whether the medium failed, so that this process must acknowledge nothing more, and stop.
    pub const fn is_of_the_medium(&self) -> bool {
        matches!(self, Self::Sync { .. } | Self::DatabaseIo { .. })
    }

    /// Whether what was kept does not read any more: of a replica that is begun anew, of an own log told.
    pub const fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. } | Self::HalfLock { .. } | Self::Keyring { .. } | Self::Database { .. }
        )
    }
}

impl From<comity_ledger::EntropyError> for StoreError {
    fn from(_: comity_ledger::EntropyError) -> Self {
        Self::Entropy
    }
}
