//! Copies of peers' logs: verified frames, and the author's checkpoints that they lead up to.
//!
//! Two notes are kept apart: the newest that was *seen*, by which a rollback is noticed, and those whose entries are
//! all held, which alone are served, viewed and exported. Openings of a replica are `late`'s.

use comity_ledger::{EntryBytes, Head, Origin, VerifiedFrame};
use comity_tlog::VerifiedCheckpoint;

use crate::log_id::LogId;
use crate::store::note_key;
use crate::{LogRole, Store, StoreError};

impl Store {
    /// Keeps a verified frame: entries, tiles and the head that they come to, with one sync. What a crash left of a
    /// frame that was not acknowledged is replaced.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no replica here, [`StoreError::NotNext`] if the frame does not start
    /// where the held entries end; else as the store fails.
    pub fn keep_frame(&self, frame: &VerifiedFrame) -> Result<(), StoreError> {
        let origin = frame.origin();
        self.require_replica(origin)?;
        let log = LogId::of(origin);
        // Compared and written in one turn: of two that would go on from the same place one is refused.
        let _turn = self.turn();
        let (start, held) = (frame.start().value(), self.held(origin)?.size.value());
        if start != held {
            return Err(StoreError::NotNext { given: start, held });
        }
        let entries: &[EntryBytes] = frame.entries();
        self.put_entries(log, start, entries.iter())?;
        self.put_tiles(log, frame.tile_hashes())?;
        self.put_pending(log, frame.head())?;
        self.db.sync()
    }

    /// Size and root of the entries held of a log; the empty head before the first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn held(&self, origin: &Origin) -> Result<Head, StoreError> {
        Ok(self.pending(origin)?.unwrap_or(Head::EMPTY))
    }

    /// Keeps the newest checkpoint seen of a replica, before its entries are held, synced. The caller has verified
    /// that it goes on from the one seen before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no replica here; else as the store fails.
    pub fn keep_seen(&self, origin: &Origin, checkpoint: &VerifiedCheckpoint) -> Result<(), StoreError> {
        self.require_replica(origin)?;
        self.seen.insert(LogId::of(origin).as_bytes(), checkpoint.as_bytes())?;
        self.db.sync()
    }

    /// The newest checkpoint seen of a replica, as received.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn seen_note(&self, origin: &Origin) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.seen.get(LogId::of(origin).as_bytes())?.map(|note| note.to_vec()))
    }

    /// Keeps a checkpoint of which all entries are held, byte for byte, synced: from now on it is the newest note.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no replica here, [`StoreError::NotNext`] if the entries held do not come
    /// to exactly this tree; else as the store fails.
    pub fn keep_checkpoint(
        &self,
        origin: &Origin,
        checkpoint: &VerifiedCheckpoint,
    ) -> Result<(), StoreError> {
        self.require_replica(origin)?;
        let stated = checkpoint.checkpoint();
        let _turn = self.turn();
        let held = self.held(origin)?;
        if (held != Head { size: stated.size(), root: stated.root() }) || stated.origin() != origin.as_str() {
            return Err(StoreError::NotNext { given: stated.size().value(), held: held.size.value() });
        }
        let key = note_key(LogId::of(origin), stated.size().value());
        self.notes.insert(key, checkpoint.as_bytes())?;
        self.db.sync()
    }

    pub(crate) fn require_replica(&self, origin: &Origin) -> Result<(), StoreError> {
        match self.role(origin)? {
            Some(LogRole::Replica) => Ok(()),
            Some(LogRole::Own) | None => Err(StoreError::NoSuchLog { origin: origin.to_string() }),
        }
    }
}
