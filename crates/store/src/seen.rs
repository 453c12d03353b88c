//! The newest checkpoint seen of each replica, by which a rollback is noticed; kept a second time beside the database.
//!
//! sled takes a damaged end of its file for one that was never written. The entries that go with it are fetched again,
//! but an author that has gone back meanwhile would pass unnoticed. The second copy is not synced: it is there for bits
//! that turn, and after a power cut the database has its end. Not here: what a rollback is (`comity-ledger`).

use std::path::PathBuf;

use comity_ledger::Origin;
use comity_tlog::{SignedCheckpoint, TreeSize};

use crate::log_id::LogId;
use crate::{Store, StoreError, files};

/// Most bytes of a note that is read: those of peers have some hundreds.
const NOTE_BYTES_MAX: u64 = 64 << 10;

impl Store {
    /// The newest checkpoint seen of a replica, as received.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn seen_note(&self, origin: &Origin) -> Result<Option<Vec<u8>>, StoreError> {
        let log = LogId::of(origin);
        let held = self.seen.get(log.as_bytes())?.map(|note| note.to_vec());
        // A second copy that does not read, or that nobody signed, is none.
        let beside = files::read(&self.seen_path(log), NOTE_BYTES_MAX).ok().flatten();
        let (held_size, beside_size) = (self.signed_size(origin, held.as_deref())?, beside.as_deref());
        let beside_size = self.signed_size(origin, beside_size)?;
        Ok(if beside_size > held_size { beside } else { held })
    }

    /// The size that a note states, if it is one of this log, signed with a key that may.
    fn signed_size(&self, origin: &Origin, note: Option<&[u8]>) -> Result<Option<TreeSize>, StoreError> {
        let Some(note) = note else { return Ok(None) };
        let keys = match self.keys(origin) {
            // Entries that do not read are found where they are looked through.
            Err(StoreError::NoSuchLog { .. } | StoreError::Damaged { .. }) => return Ok(None),
            keys => keys?,
        };
        let verified = SignedCheckpoint::parse(note).ok().and_then(|signed| keys.verify(&signed).ok());
        Ok(verified.map(|verified| verified.checkpoint().size()))
    }

    /// Puts the second copy beside the database; without it all goes on as well.
    pub(crate) fn put_seen_beside(&self, log: LogId, note: &[u8]) {
        let path = self.seen_path(log);
        let fresh = path.with_extension("fresh");
        std::fs::write(&fresh, note).and_then(|()| std::fs::rename(&fresh, path)).unwrap_or_default();
    }

    /// Removes the second copy, with the replica that it is of.
    ///
    /// # Errors
    /// [`StoreError::File`]: what another replica of the name has not seen must not be there.
    pub(crate) fn forget_seen_beside(&self, log: LogId) -> Result<(), StoreError> {
        let path = self.seen_path(log);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::File { action: "remove", path, source })
            }
            _ => Ok(()),
        }
    }

    fn seen_path(&self, log: LogId) -> PathBuf {
        self.db.folder().join(format!("seen-{log}"))
    }
}
