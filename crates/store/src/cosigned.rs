//! What cosigners say of the checkpoints kept here and of the time, and what this node's own cosigners have said.
//!
//! Lines of cosigners come after the checkpoint and are added to its note, whose text never changes. They are durable
//! with the next sync only: whoever made them will say them again. Not here: the sign-lock, which alone permits a
//! cosignature, and whose lines are taken in (`comity-ledger`).

use comity_ledger::{Head, HeldHead, Origin, Role};
use comity_tlog::{CosignatureTime, EntryIndex, Hash, Note, SignatureLine, SignedCheckpoint, TreeSize};

use crate::log_id::LogId;
use crate::store::note_key;
use crate::{Store, StoreError, flush_watch};

impl Store {
    /// Keeps a checkpoint that is kept already with more lines of its cosigners, or newer ones. The lines of the log's own
    /// keys stay as they are: what a key that has ended since then signed leads those on who have not read so yet. Says
    /// whether it was there: a checkpoint that is not kept yet gets no lines.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn keep_lines(&self, origin: &Origin, cosigned: &SignedCheckpoint) -> Result<bool, StoreError> {
        let key = note_key(LogId::of(origin), cosigned.checkpoint().size().value());
        // Read and written in one turn with others who put notes.
        let _turn = self.turn();
        let Some(held) = self.notes.get(&key)? else { return Ok(false) };
        if !is_of_text(&held, cosigned.note()) {
            return Ok(false);
        }
        let place = cosigned.checkpoint().size().value();
        let damaged = |_| StoreError::Damaged { what: "a note", log: origin.to_string(), place };
        let mut note = cosigned.clone();
        for line in SignedCheckpoint::parse(&held).map_err(damaged)?.note().lines() {
            let is_same = |other: &SignatureLine| (other.name(), other.id()) == (line.name(), line.id());
            if line.name().as_str() == origin.as_str() && !note.note().lines().iter().any(is_same) {
                note = note.with_line(line.clone()).map_err(damaged)?;
            }
        }
        if held != note.as_bytes() {
            self.notes.insert(key, note.as_bytes())?;
        }
        Ok(true)
    }

    /// Puts the note of a checkpoint, unless the same checkpoint is there already, which may have more lines by now.
    pub(crate) fn put_note(&self, origin: &Origin, size: TreeSize, note: &Note) -> Result<(), StoreError> {
        let key = note_key(LogId::of(origin), size.value());
        let _turn = self.turn();
        if !self.notes.get(&key)?.is_some_and(|held| is_of_text(&held, note)) {
            self.notes.insert(key, note.as_bytes())?;
        }
        Ok(())
    }

    /// The head of the newest checkpoint of which every entry is held, durably: what a mirror may state.
    ///
    /// # Errors
    /// A [`StoreError`], also if the note kept is none.
    pub fn held_head(&self, origin: &Origin) -> Result<Option<HeldHead>, StoreError> {
        let Some(note) = self.newest_note(origin)? else { return Ok(None) };
        let damaged = |_| StoreError::Damaged { what: "the newest note", log: origin.to_string(), place: 0 };
        let note = SignedCheckpoint::parse(&note).map_err(damaged)?;
        let head = Head { size: note.checkpoint().size(), root: note.checkpoint().root() };
        // A note is put only after its entries were synced.
        Ok(Some(HeldHead::synced(origin.clone(), head)))
    }

    /// Notes what a cosigner of this node has stated, so that a lock that is put back is noticed.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn put_stated(&self, role: Role, origin: &Origin, head: Head) -> Result<(), StoreError> {
        let mut value = head.size.value().to_be_bytes().to_vec();
        value.extend_from_slice(head.root.as_bytes());
        self.cosigned.insert(stated_key(role, origin), value)?;
        Ok(())
    }

    /// Keeps a checkpoint that somebody showed, with the line of this node's witness on it: of a log of which not all
    /// entries are held, nothing else says what was cosigned. Durable with the next sync only.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn put_shown(&self, origin: &Origin, cosigned: &SignedCheckpoint) -> Result<(), StoreError> {
        self.cosigned.insert(shown_key(origin), cosigned.as_bytes())?;
        Ok(())
    }

    /// The checkpoint that was cosigned last of those that somebody showed.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn shown(&self, origin: &Origin) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.cosigned.get(shown_key(origin))?.map(|note| note.to_vec()))
    }

    /// The largest tree of a log that a cosigner of this node is known to have stated.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn stated(&self, role: Role, origin: &Origin) -> Result<Option<Head>, StoreError> {
        let Some(value) = self.cosigned.get(stated_key(role, origin))? else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "what was cosigned", log: origin.to_string(), place: 0 };
        let (size, root) = value.split_first_chunk::<8>().ok_or_else(damaged)?;
        let size = TreeSize::new(u64::from_be_bytes(*size)).map_err(|_| damaged())?;
        let root = root.try_into().map(Hash::from_bytes).map_err(|_| damaged())?;
        Ok(Some(Head { size, root }))
    }
}

/// Where the time stands that witnesses have seen; no role has this name.
const WITNESSED_TIME: &[u8] = b"witnessed-time";
/// Before the places at which it stands by when a tree existed; no role has this name either.
const EXISTED_BY: &[u8] = b"existed-by\0";

impl Store {
    /// Keeps the time that has certainly come by what witnesses say (D23); an earlier one than that kept changes nothing.
    /// Durable with the next sync: witnesses say it again.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn put_witnessed_time(&self, time: CosignatureTime) -> Result<(), StoreError> {
        // Read and written in one turn with others who put it.
        let _turn = self.turn();
        if self.witnessed_time()?.is_none_or(|kept| kept < time) {
            self.cosigned.insert(WITNESSED_TIME, &time.value().to_be_bytes())?;
        }
        Ok(())
    }

    /// The time kept; `None` if there never was one.
    ///
    /// # Errors
    /// A [`StoreError`], also if what is kept is no time.
    pub fn witnessed_time(&self) -> Result<Option<CosignatureTime>, StoreError> {
        let Some(value) = self.cosigned.get(WITNESSED_TIME)? else { return Ok(None) };
        let damaged = || StoreError::Damaged { what: "the witnessed time", log: String::new(), place: 0 };
        time_of(&value).map(Some).ok_or_else(damaged)
    }

    /// Keeps by when a tree that a quorum has cosigned certainly existed (D23); of two such times of one tree the smaller
    /// one holds, and no tree began to exist after a larger one. Says whether an earlier time of this tree is known by it.
    /// Durable with the next sync.
    ///
    /// # Errors
    /// A [`StoreError`], also if what is kept is no time.
    pub fn put_existed_by(
        &self,
        origin: &Origin,
        size: TreeSize,
        time: CosignatureTime,
    ) -> Result<bool, StoreError> {
        let _turn = self.turn();
        if self.existed_at(origin, size)?.is_some_and(|kept| kept <= time) {
            return Ok(false);
        }
        // Times ascend with the sizes, so that the first row that covers an entry has the earliest.
        let time = self.existed_from(origin, size)?.map_or(time, |of_larger| time.min(of_larger));
        let mut rows = sled::Batch::default();
        let value = time.value().to_be_bytes();
        rows.insert(existed_key(origin, size.value()), &value);
        let smaller = existed_key(origin, 0)..existed_key(origin, size.value());
        for row in self.cosigned.range(smaller).rev() {
            let (place, kept) = row?;
            if time_of(&kept).is_some_and(|kept| kept <= time) {
                break;
            }
            rows.insert(place, &value);
        }
        flush_watch::batch(|| self.cosigned.apply_batch(rows))?;
        Ok(true)
    }

    /// By when the smallest tree that is not below a size, and of which that is known, certainly existed.
    fn existed_from(&self, origin: &Origin, size: TreeSize) -> Result<Option<CosignatureTime>, StoreError> {
        let first = existed_key(origin, size.value());
        let Some(found) = self.cosigned.range(first..=existed_key(origin, u64::MAX)).next() else {
            return Ok(None);
        };
        let damaged = || StoreError::Damaged { what: "a time", log: origin.to_string(), place: size.value() };
        time_of(&found?.1).map(Some).ok_or_else(damaged)
    }

    /// By when the tree of this very size certainly existed. `None` if that is not known.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub fn existed_at(&self, origin: &Origin, size: TreeSize) -> Result<Option<CosignatureTime>, StoreError> {
        Ok(self.cosigned.get(existed_key(origin, size.value()))?.and_then(|value| time_of(&value)))
    }

    /// By when an entry of a log certainly existed: by the earliest time that is known of a tree that covers it and that a
    /// quorum has cosigned. `None` if there is none yet.
    ///
    /// # Errors
    /// A [`StoreError`], also if what is kept is no time.
    pub fn existed_by(
        &self,
        origin: &Origin,
        index: EntryIndex,
    ) -> Result<Option<CosignatureTime>, StoreError> {
        self.existed_from(origin, index.size_through())
    }
}

/// Ascending with the sizes of the trees of a log.
pub(crate) fn existed_key(origin: &Origin, size: u64) -> Vec<u8> {
    [&existed_prefix(LogId::of(origin))[..], &size.to_be_bytes()].concat()
}

/// Before all such times of one log: they go with its replica.
pub(crate) fn existed_prefix(log: LogId) -> Vec<u8> {
    [EXISTED_BY, log.as_bytes()].concat()
}

fn time_of(value: &[u8]) -> Option<CosignatureTime> {
    CosignatureTime::new(u64::from_be_bytes(value.try_into().ok()?)).ok()
}

fn is_of_text(held: &[u8], note: &Note) -> bool {
    Note::parse(held).is_ok_and(|held| held.text() == note.text())
}

/// `"shown" ‖ 0 ‖ log`; no role has that word.
fn shown_key(origin: &Origin) -> Vec<u8> {
    [b"shown\0".as_slice(), LogId::of(origin).as_bytes()].concat()
}

/// `role word ‖ 0 ‖ log`.
fn stated_key(role: Role, origin: &Origin) -> Vec<u8> {
    let mut key = role.name().as_bytes().to_vec();
    key.push(0);
    key.extend_from_slice(LogId::of(origin).as_bytes());
    key
}
