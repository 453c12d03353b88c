//! The notes that prove by when entries existed (D23): checkpoints as they stood when they first had a quorum.
//!
//! Cosigners renew their lines, and a note that is kept has the newest of each, whose times prove less and less. Those of
//! a replica come with its entries. Not here: the time itself (`cosigned`), and which checkpoints are kept so
//! (`comity-node`).

use comity_ledger::Origin;
use comity_tlog::{CosignatureTime, EntryIndex, SignedCheckpoint, TreeSize};

use crate::cosigned::existed_key;
use crate::log_id::LogId;
use crate::{Store, StoreError};

/// Before the places of such notes; no role has this name.
const FIRST_QUORUM: &[u8] = b"first-quorum\0";

impl Store {
    /// The largest tree below a size of which it is known by when it existed; the empty one if there is none.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn existed_before(&self, origin: &Origin, size: TreeSize) -> Result<TreeSize, StoreError> {
        let range = existed_key(origin, 0)..existed_key(origin, size.value());
        let Some(found) = self.cosigned.range(range).next_back() else { return Ok(TreeSize::ZERO) };
        size_of(origin, &found?.0)
    }

    /// Keeps a checkpoint as it stands with the lines of its quorum, in the place of one of the same size, and by when its
    /// tree existed, if they prove that. Says whether the time is earlier than what was known. Durable with the next sync.
    ///
    /// The note goes first: whoever knows the time takes the note for kept, so that a stop which left the time alone
    /// would leave it without its proof for ever.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn put_first_quorum(
        &self,
        origin: &Origin,
        note: &SignedCheckpoint,
        existed_by: Option<CosignatureTime>,
    ) -> Result<bool, StoreError> {
        let size = note.checkpoint().size();
        self.cosigned.insert(place(origin, size.value()), note.as_bytes())?;
        existed_by.map_or(Ok(false), |time| self.put_existed_by(origin, size, time))
    }

    /// Lets go of the note of a checkpoint, of which others prove more. Durable with the next sync.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn remove_first_quorum(&self, origin: &Origin, size: TreeSize) -> Result<(), StoreError> {
        self.cosigned.remove(place(origin, size.value()))?;
        Ok(())
    }

    /// The note that proves by when an entry existed: the first kept that covers it. `None` if none is.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn first_quorum(&self, origin: &Origin, index: EntryIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.first_quorum_from(origin, index.size_through())
    }

    /// The note kept of the smallest tree that is not below a size. `None` if none is.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn first_quorum_from(&self, origin: &Origin, size: TreeSize) -> Result<Option<Vec<u8>>, StoreError> {
        let range = place(origin, size.value())..=place(origin, u64::MAX);
        let found = self.cosigned.range(range).next().transpose()?;
        Ok(found.map(|(_, note)| note.to_vec()))
    }

    /// The note kept of the largest tree below a size. `None` if none is.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn first_quorum_below(&self, origin: &Origin, size: TreeSize) -> Result<Option<Vec<u8>>, StoreError> {
        let range = place(origin, 0)..place(origin, size.value());
        let found = self.cosigned.range(range).next_back().transpose()?;
        Ok(found.map(|(_, note)| note.to_vec()))
    }

    /// The largest tree of which such a note is kept; `None` if none is.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn largest_first_quorum(&self, origin: &Origin) -> Result<Option<TreeSize>, StoreError> {
        let range = place(origin, 0)..=place(origin, u64::MAX);
        let Some(found) = self.cosigned.range(range).next_back() else { return Ok(None) };
        size_of(origin, &found?.0).map(Some)
    }

    /// The same of a checkpoint of this very size.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn first_quorum_of(&self, origin: &Origin, size: TreeSize) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.cosigned.get(place(origin, size.value()))?.map(|note| note.to_vec()))
    }
}

/// Ascending with the sizes of the trees of a log.
fn place(origin: &Origin, size: u64) -> Vec<u8> {
    [&first_quorum_prefix(LogId::of(origin))[..], &size.to_be_bytes()].concat()
}

/// Before all such notes of one log: they go with its replica.
pub(crate) fn first_quorum_prefix(log: LogId) -> Vec<u8> {
    [FIRST_QUORUM, log.as_bytes()].concat()
}

/// The size at the end of a place.
fn size_of(origin: &Origin, place: &[u8]) -> Result<TreeSize, StoreError> {
    let size = place.last_chunk::<8>().and_then(|size| TreeSize::new(u64::from_be_bytes(*size)).ok());
    size.ok_or_else(|| StoreError::Damaged { what: "a time", log: origin.to_string(), place: 0 })
}
