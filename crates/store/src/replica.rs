//! Copies of peers' logs: verified frames, and the author's checkpoints that they lead up to.
//!
//! Two notes are kept apart: the newest that was *seen*, by which a rollback is noticed, and those whose entries are
//! all held, which alone are served, viewed and exported. Openings of a replica are `late`'s.

use comity_ledger::{EntryBytes, Head, Origin, VerifiedFrame};
use comity_tlog::{TreeSize, VerifiedCheckpoint, root_at};

use crate::log_id::LogId;
use crate::rows::Rows;
use crate::store::note_key;
use crate::{LogRole, Store, StoreError, entries, tiles};

/// What is added to a replica with one sync. Nothing of it may be shown, served or relied upon before
/// [`finish`](Self::finish); dropped before that, it may be lost, later parts before earlier ones.
#[derive(Debug)]
#[must_use = "what is added is not durable before it is finished"]
pub struct ReplicaStep<'a> {
    pub(crate) store: &'a Store,
    pub(crate) origin: &'a Origin,
    pub(crate) log: LogId,
    newest: Option<Vec<u8>>,
}

impl<'a> ReplicaStep<'a> {
    /// Nothing is added yet.
    pub(crate) fn begin(store: &'a Store, origin: &'a Origin) -> Self {
        Self { store, origin, log: LogId::of(origin), newest: None }
    }

    /// Adds the newest checkpoint seen, before its entries are held. The caller has verified that it goes on from
    /// the one seen before.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn seen(&mut self, checkpoint: &VerifiedCheckpoint) -> Result<(), StoreError> {
        self.store.seen.insert(self.log.as_bytes(), checkpoint.as_bytes())?;
        self.newest = Some(checkpoint.as_bytes().to_vec());
        Ok(())
    }

    /// Adds a checkpoint seen before the newest whose entries are not held: they must come to it.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn awaited(&mut self, checkpoint: &VerifiedCheckpoint) -> Result<(), StoreError> {
        let size = checkpoint.checkpoint().size().value();
        self.store.seen.insert(note_key(self.log, size), checkpoint.as_bytes())?;
        Ok(())
    }

    /// Adds verified frames, one going on from the other: entries, tiles and the head that they come to. What a crash
    /// left of frames that were not finished is replaced.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] if a frame is of another log or does not start where the entries before it end, and
    /// then none is added; else as the store fails.
    pub fn frames(&mut self, frames: &[VerifiedFrame]) -> Result<(), StoreError> {
        let Some(last) = frames.last() else { return Ok(()) };
        // Compared and written in one turn: of two that would go on from the same place one is refused.
        let _turn = self.store.turn();
        let mut held = self.store.held(self.origin)?.size.value();
        let (mut entry_rows, mut tile_rows) = (Rows::default(), Rows::default());
        for frame in frames {
            let start = frame.start().value();
            if start != held || frame.origin() != self.origin {
                return Err(StoreError::NotNext { given: start, held });
            }
            let entries: &[EntryBytes] = frame.entries();
            entries::put(&self.store.entries, &mut entry_rows, self.log, start, entries.iter())?;
            tiles::put(&self.store.tiles, &mut tile_rows, self.log, frame.tile_hashes())?;
            held = frame.head().size.value();
        }
        #[cfg(comity_planted)]
        if comity_tlog::planted("drop-a-frame") {
            return Ok(());
        }
        entry_rows.put(&self.store.entries)?;
        tile_rows.put(&self.store.tiles)?;
        self.store.put_pending(self.log, last.head())?;
        Ok(())
    }

    /// Makes durable all that was added.
    ///
    /// # Errors
    /// [`StoreError::Sync`].
    pub fn finish(self) -> Result<(), StoreError> {
        self.store.db.sync()?;
        if let Some(note) = self.newest {
            self.store.put_seen_beside(self.log, &note);
        }
        Ok(())
    }
}

impl Store {
    /// Begins to add to a replica.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no replica here; else as the store fails.
    pub fn replica_step<'a>(&'a self, origin: &'a Origin) -> Result<ReplicaStep<'a>, StoreError> {
        self.require_replica(origin)?;
        Ok(ReplicaStep::begin(self, origin))
    }

    /// Size and root of the entries held of a log; the empty head before the first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn held(&self, origin: &Origin) -> Result<Head, StoreError> {
        Ok(self.pending(origin)?.unwrap_or(Head::EMPTY))
    }

    /// The checkpoints seen before the newest that are neither kept as complete nor given up, smallest first: of those up
    /// to the size held the entries have come.
    ///
    /// How many there are is up to whoever adds and gives up; one is read at a time, and may be given up meanwhile.
    ///
    /// # Errors
    /// A [`StoreError`] in place of one that cannot be read.
    pub fn awaited_notes(
        &self,
        origin: &Origin,
    ) -> impl Iterator<Item = Result<Vec<u8>, StoreError>> + use<> {
        let log = LogId::of(origin);
        let range = note_key(log, 0)..=note_key(log, u64::MAX);
        self.seen.range(range).values().map(|note| Ok(note?.to_vec()))
    }

    /// Keeps a checkpoint of which all entries are held, byte for byte: from now on it is the newest note. It is
    /// durable with the next sync only; the same checkpoint or a later one as seen, and its entries, are durable already, and
    /// whoever follows the log on finds it complete again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no replica here, [`StoreError::NotNext`] if the entries held do not begin
    /// with exactly this tree; else as the store fails.
    pub fn keep_checkpoint(
        &self,
        origin: &Origin,
        checkpoint: &VerifiedCheckpoint,
    ) -> Result<(), StoreError> {
        self.require_replica(origin)?;
        let stated = checkpoint.checkpoint();
        let held = self.held(origin)?;
        let refused = || StoreError::NotNext { given: stated.size().value(), held: held.size.value() };
        if stated.size() > held.size || stated.origin() != origin.as_str() {
            return Err(refused());
        }
        // Entries of a later checkpoint may have come with those of this one.
        let root = if stated.size() == held.size {
            held.root
        } else {
            root_at(&self.nodes(origin), stated.size()).map_err(|_| refused())?
        };
        if root != stated.root() {
            return Err(refused());
        }
        self.put_note(origin, stated.size(), checkpoint.note().note())?;
        self.give_up_awaited(origin, stated.size())
    }

    /// Forgets a checkpoint of this size that was seen before the newest.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn give_up_awaited(&self, origin: &Origin, size: TreeSize) -> Result<(), StoreError> {
        self.seen.remove(note_key(LogId::of(origin), size.value()))?;
        Ok(())
    }

    pub(crate) fn require_replica(&self, origin: &Origin) -> Result<(), StoreError> {
        match self.role(origin)? {
            Some(LogRole::Replica) => Ok(()),
            Some(LogRole::Own) | None => Err(StoreError::NoSuchLog { origin: origin.to_string() }),
        }
    }
}
