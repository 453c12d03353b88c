//! The end of the own log on its way back from peers, after a restore: entries under own checkpoints, then sections.
//!
//! Entries come as those of a replica do, and are verified as those are; nothing of them is signed anew before the
//! sign-lock permits it. Not here: whom to ask (`recovery` of `comity-node`), and what a start makes of what was left
//! half done.

use comity_ledger::{AgencyId, Entropy, Head, Origin, VerifiedOpening};
use comity_tlog::{EntryIndex, SignedCheckpoint, TreeSize, VerifiedCheckpoint};

use crate::log_id::LogId;
use crate::replica::ReplicaStep;
use crate::rows::Rows;
use crate::sections::Chunks;
use crate::{LogRole, Store, StoreError};

/// `b ‖ log`: u64 first entry that was lost ‖ u8 whether the log is signed again.
const RETURNING: u8 = b'b';

/// What is asked back of an own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returning {
    /// The first entry that was lost: its sections and those after it are asked back.
    pub from: TreeSize,
    /// Whether the log goes on already: what comes now comes late.
    pub is_signing: bool,
}

impl Store {
    /// Begins to fetch the end of an own log back. What was kept behind `signed`, its newest checkpoint, is dropped: it
    /// was never signed here, and what was signed elsewhere comes back. Synced.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no own log; else as the store fails.
    pub fn begin_recovery(&self, origin: &Origin, signed: Head) -> Result<(), StoreError> {
        self.require_own(origin)?;
        let (log, start) = (LogId::of(origin), signed.size.value());
        {
            let _turn = self.turn();
            let mut rows = Rows::default();
            Chunks::from(&self.sections, log, start).put(&mut rows)?;
            rows.put_together(&self.sections)?;
            self.put_pending(log, signed)?;
        }
        let before = self.returning(origin)?.map_or(signed.size, |before| before.from.min(signed.size));
        self.put_returning(log, Returning { from: before, is_signing: false })?;
        self.db.sync()
    }

    /// Begins to add what came back to an own log: its newest checkpoint seen, and frames.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLog`] if this is no own log; else as the store fails.
    pub fn recovery_step<'a>(&'a self, origin: &'a Origin) -> Result<ReplicaStep<'a>, StoreError> {
        self.require_own(origin)?;
        Ok(ReplicaStep::begin(self, origin))
    }

    /// Keeps an own checkpoint of which all entries are back, synced: it is the newest again, as it was signed before.
    ///
    /// # Errors
    /// [`StoreError::NotNext`] if the entries held are not exactly this tree; else as the store fails.
    pub fn keep_recovered(&self, origin: &Origin, checkpoint: &VerifiedCheckpoint) -> Result<(), StoreError> {
        self.require_own(origin)?;
        let (stated, held) = (checkpoint.checkpoint(), self.held(origin)?);
        if (Head { size: stated.size(), root: stated.root() }) != held || stated.origin() != origin.as_str() {
            return Err(StoreError::NotNext { given: stated.size().value(), held: held.size.value() });
        }
        let damaged = |_| StoreError::Damaged { what: "a note", log: origin.to_string(), place: 0 };
        // What others wrote on it is taken in again as theirs.
        let note = checkpoint.note().verified_lines_only().map_err(damaged)?;
        self.put_note(origin, stated.size(), &note)?;
        // After the note: what was seen and is not kept is what a start goes on with.
        let seen = self.seen_note(origin)?.and_then(|note| SignedCheckpoint::parse(&note).ok());
        if seen.is_none_or(|seen| seen.checkpoint().size() <= stated.size()) {
            self.seen.remove(LogId::of(origin).as_bytes())?;
        }
        self.db.sync()
    }

    /// What is asked back of an own log; `None` if nothing is.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn returning(&self, origin: &Origin) -> Result<Option<Returning>, StoreError> {
        let Some(value) = self.pins.get(place(LogId::of(origin)))? else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "a recovery", log: origin.to_string(), place: 0 };
        let (from, rest) = value.split_first_chunk::<8>().ok_or_else(damaged)?;
        let from = TreeSize::new(u64::from_be_bytes(*from)).map_err(|_| damaged())?;
        Ok(Some(Returning { from, is_signing: rest == [1] }))
    }

    /// Notes that the log goes on; what peers still give of its sections is taken. Synced.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn returned_entries(&self, origin: &Origin) -> Result<(), StoreError> {
        if let Some(returning) = self.returning(origin)? {
            self.put_returning(LogId::of(origin), Returning { is_signing: true, ..returning })?;
        }
        self.db.sync()
    }

    /// Keeps sections of an own log that a peer gave back, and the number from which it shall go on. Those who are
    /// given sections of this log are given these too. Synced.
    ///
    /// # Errors
    /// As [`ReplicaStep::release`].
    pub fn return_sections(
        &self,
        origin: &Origin,
        from: &AgencyId,
        openings: &[(EntryIndex, VerifiedOpening)],
        next_release: u64,
        entropy: &mut dyn Entropy,
    ) -> Result<(), StoreError> {
        let first = openings.iter().map(|(index, _)| index.value()).min();
        let look_again = || first.map_or(Ok(()), |first| self.look_again(LogId::of(origin), first));
        // Before, so that no crash leaves sections that are passed over, and after, for whoever looked meanwhile.
        look_again()?;
        let mut step = self.recovery_step(origin)?;
        step.release(from, openings, next_release, entropy)?;
        look_again()?;
        step.finish()
    }

    /// Ends a recovery: whoever could give anything back was asked. What is missing is lost. Synced.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn end_recovery(&self, origin: &Origin) -> Result<(), StoreError> {
        self.pins.remove(place(LogId::of(origin)))?;
        self.db.sync()
    }

    fn put_returning(&self, log: LogId, returning: Returning) -> Result<(), StoreError> {
        let mut value = returning.from.value().to_be_bytes().to_vec();
        value.push(u8::from(returning.is_signing));
        self.pins.insert(place(log), value)?;
        Ok(())
    }

    fn require_own(&self, origin: &Origin) -> Result<(), StoreError> {
        match self.role(origin)? {
            Some(LogRole::Own) => Ok(()),
            Some(LogRole::Replica) | None => Err(StoreError::NoSuchLog { origin: origin.to_string() }),
        }
    }
}

fn place(log: LogId) -> Vec<u8> {
    let mut place = vec![RETURNING];
    place.extend_from_slice(log.as_bytes());
    place
}
